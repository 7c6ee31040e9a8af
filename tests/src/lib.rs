//! What the promises share.

pub mod worst;

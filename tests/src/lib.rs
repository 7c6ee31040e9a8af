//! What the tests share.

pub mod abi;
pub mod cli;
pub mod worst;

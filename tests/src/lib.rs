//! What the tests share.

pub mod abi;

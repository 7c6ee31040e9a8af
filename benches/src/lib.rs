//! What the benchmarks share.

pub mod codes;
pub mod corpus;

//! What the benchmarks share.

pub mod prompts;
pub mod corpus;

//! What the benchmarks share.

pub mod prompts;

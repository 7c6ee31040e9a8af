//! Finding sketches near a sketch: exact scan (the oracle), bands of the signature, leaders, and the graph.
//!
//! Works on slices and columns; what they mean and where they come from is the caller's business.

pub mod exact;
pub mod hnsw;
pub mod leaders;
pub mod lsh;

/// Bytes of a sketch: 128 slots of 8 bits, or 1024 sign bits.
pub const SKETCH_BYTES: usize = 128;

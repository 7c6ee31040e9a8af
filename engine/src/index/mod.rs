//! Finding what is near: the exact oracle, the bands, the leaders and the graph.

pub mod hnsw;

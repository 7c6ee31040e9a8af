//! From the normal form to numbers of fixed size that can be compared: the MinHash signature and the embedding code.

pub mod embedding;
pub mod minhash;
pub mod spec;

pub use embedding::{Embedder, EmbeddingCode};
pub use minhash::{Lanes, Scratch, Signature, Sketcher, resemblance, standard_error};
pub use spec::{Shingle, SketchSeed, Spec};

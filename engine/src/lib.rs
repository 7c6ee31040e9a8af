//! Fingerprints prompts, finds near-duplicates and reused templates over millions of requests, and tells a
//! coordinated campaign from a prompt that is merely popular.
//!
//! The data walks one way: request, parts, normal form, shingles, sketch, store and index, family, campaign, report.
//! `ARCHITECTURE.md` beside this crate's manifest is the map.

pub mod audit;
pub mod campaign;
pub mod column;
pub mod corpus;
pub mod engine;
pub mod error;
pub mod family;
pub mod index;
pub mod key;
pub mod limits;
pub mod num;
pub mod query;
pub mod report;
pub mod request;
pub mod simd;
pub mod sketch;
pub mod store;
pub mod text;
pub mod verdict;

pub use error::{CorruptKind, Error, LineError, Result};

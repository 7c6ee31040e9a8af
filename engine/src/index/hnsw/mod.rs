//! Nearest sketches without a threshold: hnsw_rs takes new leaders in, a flat graph serves them from mapped bytes.
//!
//! A leader enters the [`Hot`] segment (hnsw_rs, a few KB a leader). When the segment is sealed, [`seal`] walks it through
//! the public API, flattens it to fixed-degree lists and relinks it once; what comes out, a [`Draft`], is written as the
//! *graph image*: one run of bytes that [`Graph`] opens where it lies and searches without another copy. [`build`]
//! makes the same image from a column of sketches alone, for bulk jobs, and [`merge`] makes one image of several.
//!
//! Why not hnsw_rs all the way: its lists are heap objects behind locks, its back-links are pruned to the nearest, which
//! loses the long ones, and its own dump can neither be mapped nor opened safely. `README.md` has the figures.
//!
//! The published HNSW (Malkov, Yashunin 2018) descends through layers to find where to start. The flat graph has no layers:
//! its first nodes are a random sample, its *entry points*, and a search scans them in one sequential sweep. The lists are
//! pruned by the published diversity rule, and a batch is inserted as in `ParlayANN` (Manohar et al.
//! 2024): searched against a frozen graph, so the result depends neither on the number of threads nor on their order.

mod build;
mod draft;
mod graph;
mod hot;
mod image;
mod merge;
mod pool;
mod prune;
mod record;
mod repair;
mod scan;
mod seal;
mod search;
#[cfg(test)]
mod tests;

pub use build::{BuildOptions, Progress, build};
pub use draft::Draft;
pub use graph::{Graph, Origin, SCAN_NODES_MAX};
pub use hot::{Hot, HotOptions};
pub use merge::{MergePart, merge};
pub use scan::Flat;
pub use seal::seal;
pub use search::{Scratch, SearchOptions, Searched};

/// Bytes of every sketch that a graph holds: 128 lanes of 8 bits, or 1024 sign bits.
pub const SKETCH_BYTES: usize = 128;

/// Links of every node. 32 is layer 0 of the usual `m` = 16; a list of 32 fills two cache lines.
pub const DEGREE: usize = 32;

/// How far two sketches are apart. The numbers are on disk: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Signatures: the number of unequal bytes, 0 to 128.
    UnequalBytes,
    /// Embedding codes: the number of unequal bits, 0 to 1024.
    HammingBits,
}

impl Metric {
    /// The number that is on disk.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::UnequalBytes => 1,
            Self::HammingBits => 2,
        }
    }

    /// The metric of a number on disk, or `None` for one that has no meaning.
    #[must_use]
    pub const fn of_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::UnequalBytes),
            2 => Some(Self::HammingBits),
            _ => None,
        }
    }
}

/// The caller's number of a sketch: its row in the column that the graph was made from. At most [`Row::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row(pub u32);

impl Row {
    /// The largest row: one bit of the word is a flag on disk.
    pub const MAX: u32 = (1 << 31) - 2;
}

/// One answer of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The distance in the graph's metric.
    pub distance: u32,
    /// Which sketch.
    pub row: Row,
}

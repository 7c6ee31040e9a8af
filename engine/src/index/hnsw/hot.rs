//! The segment that still grows: `hnsw_rs` with our distances, for at most some 100,000 leaders.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;
use simsimd::BinarySimilarity;

use super::{Hit, Metric, Row, SKETCH_BYTES, SearchOptions};
use crate::error::{Error, Result};
use crate::num::{f32_of_u32, u32_of_f32, u32_saturating, usize_of};
use crate::simd::Kernels;

/// Inserts before others may run beside them: points inserted while there is no entry point get no links at all.
const SERIAL_INSERTS: usize = 256;

/// Layers that `hnsw_rs` may use; more than 16 it does not know.
const LAYERS_MAX: usize = 16;

/// How the growing graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotOptions {
    /// How sketches are compared.
    pub metric: Metric,
    /// Links of a node above layer 0, half of those in it: 4 to 64.
    pub m: usize,
    /// Nodes kept while a new one looks for its neighbours: at least `4 * m`. With no more than `2 * m` the crate skips its
    /// diversity rule, and a third of the nodes are never found again.
    pub ef_construction: usize,
    /// Leaders expected; a hint.
    pub capacity: usize,
}

impl HotOptions {
    /// The defaults.
    #[must_use]
    pub const fn new(metric: Metric) -> Self {
        Self { metric, m: 16, ef_construction: 128, capacity: 100_000 }
    }
}

/// Our distances, as `hnsw_rs` wants them: a float that is neither negative nor NaN.
#[derive(Debug, Clone, Copy)]
pub(super) struct SketchDistance {
    metric: Metric,
    kernels: Kernels,
}

impl Distance<u8> for SketchDistance {
    fn eval(&self, a: &[u8], b: &[u8]) -> f32 {
        match self.metric {
            // The widths are equal, so simsimd has an answer; the maximum would be the only safe one without.
            Metric::HammingBits => crate::num::f32_of(u8::hamming(a, b).unwrap_or(f64::from(u16::MAX))).max(0.0),
            Metric::UnequalBytes => match (a.first_chunk(), b.first_chunk()) {
                (Some(a), Some(b)) => f32_of_u32(self.kernels.unequal_bytes(a, b)),
                _ => f32::from(u16::MAX),
            },
        }
    }
}

/// A growing graph of leaders. Inserts and searches may run side by side.
pub struct Hot {
    pub(super) metric: Metric,
    pub(super) hnsw: Hnsw<'static, u8, SketchDistance>,
    pub(super) count: AtomicUsize,
}

impl Hot {
    /// An empty graph.
    /// # Errors
    /// [`Error::InvalidArgument`] when `m` is not in 4..=64 or `ef_construction` is under `4 * m`.
    pub fn new(options: &HotOptions, kernels: Kernels) -> Result<Self> {
        let HotOptions { metric, m, ef_construction, capacity } = *options;
        if !(4..=64).contains(&m) {
            return Err(Error::InvalidArgument { argument: "m", reason: format!("{m} is not in 4..=64") });
        }
        if ef_construction < 4 * m {
            return Err(Error::InvalidArgument {
                argument: "ef_construction",
                reason: format!("{ef_construction} is less than 4 * m = {}", 4 * m),
            });
        }
        let distance = SketchDistance { metric, kernels };
        let hnsw = Hnsw::new(m, capacity.min(1 << 24), LAYERS_MAX, ef_construction, distance);
        Ok(Self { metric, hnsw, count: AtomicUsize::new(0) })
    }

    /// How many leaders it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a leader. `row` must be new; equal sketches are for the caller to keep out (they are members, not leaders).
    /// The first few hundred must not run beside each other.
    pub fn insert(&self, row: Row, sketch: &[u8; SKETCH_BYTES]) {
        self.hnsw.insert_slice((sketch, usize_of(row.0)));
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds many leaders, from the rayon pool it is called in: the first few hundred one by one, the others side by side. With
    /// more than one thread the graph differs from run to run; what it finds hardly does.
    pub fn insert_all(&self, leaders: &[(Row, [u8; SKETCH_BYTES])]) {
        let serial = SERIAL_INSERTS.saturating_sub(self.len()).min(leaders.len());
        let (first, rest) = leaders.split_at(serial);
        for (row, sketch) in first {
            self.insert(*row, sketch);
        }
        rest.par_iter().with_min_len(64).for_each(|(row, sketch)| self.insert(*row, sketch));
    }

    /// Puts the rows nearest to `query` in `hits`, as [`super::Graph::search`] does.
    pub fn search(
        &self,
        query: &[u8; SKETCH_BYTES],
        options: &SearchOptions,
        mut keep: impl FnMut(Row) -> bool,
        hits: &mut Vec<Hit>,
    ) {
        hits.clear();
        let ef = options.ef.max(options.k).min(self.len());
        if ef == 0 {
            return;
        }
        let found = self.hnsw.search(query, ef, ef);
        hits.extend(found.iter().filter_map(|neighbour| {
            let row = Row(u32_saturating(neighbour.get_origin_id()));
            keep(row).then(|| Hit { distance: u32_of_f32(neighbour.get_distance()), row })
        }));
        hits.sort_unstable();
        hits.dedup();
        hits.truncate(options.k);
    }
}

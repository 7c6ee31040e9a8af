//! The exact answer, by looking at every sketch: the oracle of the graph, and faster than it below some ten thousand.

use super::pool::Pool;
use super::search::{Bits, Bytes, Measure, Scratch, Searched};
use super::{Hit, Metric, Row, SKETCH_BYTES};
use crate::num::u32_saturating;
use crate::simd::{Inlined, Kernels, Loop, dispatch};

/// A column of sketches that is searched by looking at all of them.
#[derive(Debug, Clone, Copy)]
pub struct Flat<'a> {
    /// The sketches; a [`Row`] of an answer is a place among them.
    pub sketches: &'a [[u8; SKETCH_BYTES]],
    /// How they are compared.
    pub metric: Metric,
    /// What compares them.
    pub kernels: Kernels,
}

impl Flat<'_> {
    /// Puts the `k` sketches nearest to `query` in `hits`, nearest first, equal distances by ascending row; only those that
    /// `keep` lets through. Always exact.
    pub fn search(
        &self,
        query: &[u8; SKETCH_BYTES],
        k: usize,
        mut keep: impl FnMut(Row) -> bool,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Searched {
        hits.clear();
        let limit = k.min(self.sketches.len());
        if limit == 0 {
            return Searched::default();
        }
        let pool = &mut scratch.pool;
        let keep = |place| keep(Row(place));
        let evaluated = scan(self.kernels, self.metric, self.sketches.iter(), query, limit, keep, pool);
        hits.extend(pool.nodes().map(|(distance, place)| Hit { distance, row: Row(place) }));
        Searched { evaluated, truncated: false }
    }
}

/// Leaves the nearest `keep` of `sketches` that `admit` lets through in `pool`, and returns how many distances were computed.
pub(super) fn scan<'s, F: FnMut(u32) -> bool>(
    kernels: Kernels,
    metric: Metric,
    sketches: impl Iterator<Item = &'s [u8; SKETCH_BYTES]>,
    query: &[u8; SKETCH_BYTES],
    keep: usize,
    admit: F,
    pool: &mut Pool,
) -> u32 {
    pool.reset(keep);
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Scan { measure: Bytes, sketches, query, admit, pool }),
        Metric::HammingBits => dispatch(kernels, Scan { measure: Bits, sketches, query, admit, pool }),
    }
}

/// The arguments of [`scan`], as the loop that `simd` compiles for each level.
struct Scan<'a, I, F, M> {
    measure: M,
    sketches: I,
    query: &'a [u8; SKETCH_BYTES],
    admit: F,
    pool: &'a mut Pool,
}

impl<'s, I: Iterator<Item = &'s [u8; SKETCH_BYTES]>, F: FnMut(u32) -> bool, M: Measure> Loop for Scan<'_, I, F, M> {
    type Output = u32;

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) -> u32 {
        let Self { measure, sketches, query, mut admit, pool } = self;
        let query = *query;
        let mut looked = 0;
        for (sketch, place) in sketches.zip(0u32..) {
            looked += 1;
            let distance = measure.distance(kernel, &query, sketch);
            if pool.admits(distance) && admit(place) {
                pool.insert(distance, place);
            }
        }
        u32_saturating(looked)
    }
}

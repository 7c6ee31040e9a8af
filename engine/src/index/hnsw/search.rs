//! The search of the flat graph: a sweep over the entry points, then best-first along the links.

use super::pool::{Pool, Seen};
use super::record::Node;
use super::{DEGREE, Metric, SKETCH_BYTES};
use crate::num::{u32_saturating, usize_of};
use crate::simd::{Inlined, Kernels, Loop, dispatch, prefetch};

/// Entry points that a search starts from: the nearest few, since the nearest alone may lie in another part of the graph.
const STARTS: usize = 4;

/// What a caller can turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchOptions {
    /// Answers wanted.
    pub k: usize,
    /// Nodes kept while searching, at least `k`: more is slower and finds more. Around 32 gives recall@10 of 0.95.
    pub ef: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { k: 10, ef: 64 }
    }
}

/// What a search cost, and whether a bound cut it short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Searched {
    /// Distances that were computed.
    pub evaluated: u32,
    /// True when a bound of [`crate::limits`] cut the answer: more rows may be as near as those given.
    pub truncated: bool,
}

/// The buffers of a search: one per thread, no allocation after warm-up.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) pool: Pool,
    pub(super) seen: Seen,
}

impl Scratch {
    /// Empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A metric that the compiler knows, so that the kernel stands in the loop instead of behind a pointer.
pub(super) trait Measure: Copy {
    /// The distance of two sketches.
    fn distance<K: Inlined>(self, kernel: K, a: &[u8; SKETCH_BYTES], b: &[u8; SKETCH_BYTES]) -> u32;
}

/// [`Metric::UnequalBytes`].
#[derive(Clone, Copy)]
pub(super) struct Bytes;

impl Measure for Bytes {
    #[inline(always)]
    fn distance<K: Inlined>(self, kernel: K, a: &[u8; SKETCH_BYTES], b: &[u8; SKETCH_BYTES]) -> u32 {
        kernel.unequal_bytes(a, b)
    }
}

/// [`Metric::HammingBits`].
#[derive(Clone, Copy)]
pub(super) struct Bits;

impl Measure for Bits {
    #[inline(always)]
    fn distance<K: Inlined>(self, kernel: K, a: &[u8; SKETCH_BYTES], b: &[u8; SKETCH_BYTES]) -> u32 {
        kernel.hamming(a, b)
    }
}

/// Where a search begins: a run of nodes for a file, any nodes while a graph grows.
pub(super) trait Entries {
    /// The entry points, in a fixed order.
    fn nodes(&self) -> impl Iterator<Item = u32>;
}

/// The first so many nodes.
pub(super) struct FirstNodes(pub(super) u32);

impl Entries for FirstNodes {
    #[inline(always)]
    fn nodes(&self) -> impl Iterator<Item = u32> {
        0..self.0
    }
}

impl Entries for &[u32] {
    #[inline(always)]
    fn nodes(&self) -> impl Iterator<Item = u32> {
        self.iter().copied()
    }
}

/// Searches `nodes` for what is nearest to `query` and leaves the nearest `ef` in the pool of `scratch`.
/// Returns how many distances it computed. Every node is expanded at most once, so it ends whatever the links say, and
/// links past the end are passed over.
pub(super) fn walk<N: Node, E: Entries>(
    kernels: Kernels,
    metric: Metric,
    nodes: &[N],
    entries: E,
    query: &[u8; SKETCH_BYTES],
    ef: usize,
    scratch: &mut Scratch,
) -> u32 {
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Walk { measure: Bytes, nodes, entries, query, ef, scratch }),
        Metric::HammingBits => dispatch(kernels, Walk { measure: Bits, nodes, entries, query, ef, scratch }),
    }
}

/// Asks for both cache lines of half a record.
#[inline(always)]
fn prefetch_lines(half: &[u8; SKETCH_BYTES]) {
    prefetch(&half[0]);
    prefetch(&half[64]);
}

/// The arguments of [`walk`], as the loop that `simd` compiles for each level.
struct Walk<'a, N, E, M> {
    measure: M,
    nodes: &'a [N],
    entries: E,
    query: &'a [u8; SKETCH_BYTES],
    ef: usize,
    scratch: &'a mut Scratch,
}

impl<N: Node, E: Entries, M: Measure> Loop for Walk<'_, N, E, M> {
    type Output = u32;

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) -> u32 {
        let Self { measure, nodes, entries, query, ef, scratch } = self;
        let Scratch { pool, seen } = scratch;
        let query = *query;
        let mut evaluated: usize = 0;

        pool.reset(STARTS.min(ef));
        for node in entries.nodes() {
            let Some(record) = nodes.get(usize_of(node)) else { continue };
            evaluated += 1;
            let distance = measure.distance(kernel, &query, record.sketch());
            if pool.admits(distance) {
                pool.insert(distance, node);
            }
        }
        pool.widen(ef);
        seen.reset(nodes.len());
        for (_, node) in pool.nodes() {
            seen.insert(node);
        }

        let mut fresh = [0u32; DEGREE];
        let mut at = 0;
        while at < pool.len() {
            let Some(node) = pool.expand(at) else {
                at += 1;
                continue;
            };
            let Some(record) = nodes.get(usize_of(node)) else { continue };
            // First ask memory for every sketch that will be needed, then compute: the misses overlap.
            let mut count = 0;
            for link in record.links() {
                if let Some(next) = nodes.get(usize_of(link))
                    && seen.insert(link)
                {
                    prefetch_lines(next.sketch());
                    fresh[count] = link;
                    count += 1;
                }
            }
            let mut nearest = at + 1;
            for &link in &fresh[..count] {
                let Some(next) = nodes.get(usize_of(link)) else { continue };
                let distance = measure.distance(kernel, &query, next.sketch());
                if pool.admits(distance) {
                    prefetch_lines(next.list());
                    nearest = nearest.min(pool.insert(distance, link));
                }
            }
            evaluated += count;
            at = nearest;
        }
        u32_saturating(evaluated)
    }
}

//! The exact answer, by looking at every node: the oracle of the graph, and faster than it below some ten thousand nodes.

use super::pool::Pool;
use super::record::Node;
use super::search::{Bits, Bytes, Measure};
use super::{Metric, SKETCH_BYTES};
use crate::num::u32_saturating;
use crate::simd::{Inlined, Kernels, Loop, dispatch};

/// Leaves the nearest `keep` nodes that `admit` lets through in `pool`, and returns how many distances were computed.
pub(super) fn scan<N: Node, F: FnMut(u32) -> bool>(
    kernels: Kernels,
    metric: Metric,
    nodes: &[N],
    query: &[u8; SKETCH_BYTES],
    keep: usize,
    admit: F,
    pool: &mut Pool,
) -> u32 {
    pool.reset(keep);
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Scan { measure: Bytes, nodes, query, admit, pool }),
        Metric::HammingBits => dispatch(kernels, Scan { measure: Bits, nodes, query, admit, pool }),
    }
}

/// The arguments of [`scan`], as the loop that `simd` compiles for each level.
struct Scan<'a, N, F, M> {
    measure: M,
    nodes: &'a [N],
    query: &'a [u8; SKETCH_BYTES],
    admit: F,
    pool: &'a mut Pool,
}

impl<N: Node, F: FnMut(u32) -> bool, M: Measure> Loop for Scan<'_, N, F, M> {
    type Output = u32;

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) -> u32 {
        let Self { measure, nodes, query, mut admit, pool } = self;
        let query = *query;
        for (node, id) in nodes.iter().zip(0u32..) {
            let distance = measure.distance(kernel, &query, node.sketch());
            if pool.admits(distance) && admit(id) {
                pool.insert(distance, id);
            }
        }
        u32_saturating(nodes.len())
    }
}

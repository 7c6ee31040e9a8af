//! Which of many near nodes become links: near ones that do not stand behind another link.
//!
//! The rule of HNSW (Malkov, Yashunin 2018): walking from the nearest outwards, a candidate is taken unless a link already
//! taken is nearer to it than the node itself is. (Vamana asks for nearer by a factor; on codes of real prompts, whose distances
//! lie close together, 1.1 to 1.4 found less at equal effort than 1.) Without it all links of a node in a dense
//! cluster point into the cluster and no search leaves it.

use super::pool::Pool;
use super::record::Node;
use super::search::{Bits, Bytes, Measure};
use super::{DEGREE, Metric};
use crate::num::usize_of;
use crate::simd::{Inlined, Kernels, Loop, dispatch, prefetch};

/// The links chosen: at most [`DEGREE`], nearest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    nodes: [u32; DEGREE],
    count: usize,
}

impl Links {
    /// No links.
    pub(super) const NONE: Self = Self { nodes: [0; DEGREE], count: 0 };

    /// The links, nearest first.
    pub(super) fn as_slice(&self) -> &[u32] {
        &self.nodes[..self.count]
    }

    /// Adds a link where there is room.
    #[inline(always)]
    pub(super) fn push(&mut self, node: u32) {
        if let Some(slot) = self.nodes.get_mut(self.count) {
            *slot = node;
            self.count += 1;
        }
    }
}

/// Chooses the links of `node` among `candidates`; these may hold repeats, the node itself, and come in any order.
/// `ranked` is a buffer.
pub(super) fn choose<N: Node>(
    kernels: Kernels,
    metric: Metric,
    nodes: &[N],
    node: u32,
    candidates: impl Iterator<Item = u32>,
    ranked: &mut Vec<(u32, u32)>,
) -> Links {
    let Some(record) = nodes.get(usize_of(node)) else { return Links::NONE };
    ranked.clear();
    for candidate in candidates {
        if candidate != node
            && let Some(other) = nodes.get(usize_of(candidate))
        {
            prefetch(&other.sketch()[0]);
            prefetch(&other.sketch()[64]);
            ranked.push((0, candidate));
        }
    }
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Rank { measure: Bytes, nodes, record, ranked }),
        Metric::HammingBits => dispatch(kernels, Rank { measure: Bits, nodes, record, ranked }),
    }
    choose_ranked(kernels, metric, nodes, ranked)
}

/// Chooses among `ranked`, which has the distance of each candidate to the node and is sorted here.
pub(super) fn choose_ranked<N: Node>(
    kernels: Kernels,
    metric: Metric,
    nodes: &[N],
    ranked: &mut Vec<(u32, u32)>,
) -> Links {
    ranked.sort_unstable();
    ranked.dedup();
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Diverse { measure: Bytes, nodes, ranked }),
        Metric::HammingBits => dispatch(kernels, Diverse { measure: Bits, nodes, ranked }),
    }
}

/// Puts the nodes of a search in a list of candidates, leaving out `node` itself.
pub(super) fn rank_pool(pool: &Pool, node: u32, ranked: &mut Vec<(u32, u32)>) {
    ranked.clear();
    ranked.extend(pool.nodes().filter(|&(_, other)| other != node));
}

/// Fills in the distances of the candidates.
struct Rank<'a, N, M> {
    measure: M,
    nodes: &'a [N],
    record: &'a N,
    ranked: &'a mut [(u32, u32)],
}

impl<N: Node, M: Measure> Loop for Rank<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) {
        let Self { measure, nodes, record, ranked } = self;
        for (distance, candidate) in ranked {
            if let Some(other) = nodes.get(usize_of(*candidate)) {
                *distance = measure.distance(kernel, record.sketch(), other.sketch());
            }
        }
    }
}

/// The robust rule over sorted candidates.
struct Diverse<'a, N, M> {
    measure: M,
    nodes: &'a [N],
    ranked: &'a [(u32, u32)],
}

impl<N: Node, M: Measure> Loop for Diverse<'_, N, M> {
    type Output = Links;

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) -> Links {
        let Self { measure, nodes, ranked } = self;
        let mut links = Links::NONE;
        let mut taken: [Option<&N>; DEGREE] = [None; DEGREE];
        for &(distance, candidate) in ranked {
            if links.count == DEGREE {
                break;
            }
            let Some(other) = nodes.get(usize_of(candidate)) else { continue };
            let hidden = taken[..links.count]
                .iter()
                .flatten()
                .any(|link| measure.distance(kernel, link.sketch(), other.sketch()) < distance);
            if !hidden {
                taken[links.count] = Some(other);
                links.push(candidate);
            }
        }
        // Free slots go to the nearest that were passed over: they are read with the list in any case.
        for &(_, candidate) in ranked {
            if links.count == DEGREE {
                break;
            }
            if !links.as_slice().contains(&candidate) {
                links.push(candidate);
            }
        }
        links
    }
}

/// Adds the links a node has to its list of candidates, with their distances.
pub(super) fn rank_links<N: Node>(
    kernels: Kernels,
    metric: Metric,
    nodes: &[N],
    record: &N,
    links: &[u32],
    ranked: &mut Vec<(u32, u32)>,
) {
    let from = ranked.len();
    ranked.extend(links.iter().map(|&link| (0, link)));
    let Some(ranked) = ranked.get_mut(from..) else { return };
    match metric {
        Metric::UnequalBytes => dispatch(kernels, Rank { measure: Bytes, nodes, record, ranked }),
        Metric::HammingBits => dispatch(kernels, Rank { measure: Bits, nodes, record, ranked }),
    }
}

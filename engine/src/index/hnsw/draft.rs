//! A graph that is being made: nodes in memory, linked in batches, then numbered and written as an image.

use std::ops::ControlFlow;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::build::Progress;
use super::prune::{Links, choose, choose_ranked, rank_links, rank_pool};
use super::record::{Node, Record};
use super::search::{Scratch, walk};
use super::{DEGREE, Metric, Row, SKETCH_BYTES};
use crate::error::{Error, Result};
use crate::num::{u32_saturating, u64_of, usize_of};
use crate::simd::Kernels;

/// Nodes linked against one frozen graph. Larger batches use more threads; members of one batch cannot see each other.
const BATCH_NODES_MAX: usize = 16_384;

/// Fewer nodes than this are not worth waking other threads for.
const PARALLEL_NODES_MIN: usize = 64;

/// A graph in memory. Made by [`super::build()`], [`super::seal()`] or [`super::merge()`]; written by [`Draft::image`].
pub struct Draft {
    pub(super) metric: Metric,
    pub(super) kernels: Kernels,
    pub(super) nodes: Vec<Record>,
    /// The row of each node; of equal sketches, the lowest.
    pub(super) rows: Vec<u32>,
    /// The other rows of nodes that stand for several equal sketches, ascending.
    pub(super) twins: Vec<(u32, u32)>,
    pub(super) entries: Vec<u32>,
}

/// Why copies are collapsed before anything is linked: the diversity rule takes one copy and drops all else as standing
/// behind it, so a template sent a million times would be a knot that no search leaves.
pub(super) struct Collapsed {
    /// The sketches that stand for themselves and their copies, in the order of their node numbers.
    pub(super) first: Vec<u32>,
    /// The node of every sketch.
    pub(super) node_of: Vec<u32>,
}

/// Entry points of a graph of `nodes` nodes: a sweep over the square root costs about as much as the walk that it saves.
pub(super) fn entry_count(nodes: usize) -> usize {
    nodes.isqrt().max(16).min(nodes)
}

/// Mixes a counter to a word that looks random (Steele, Lea, Flood 2014: the output function of SplitMix64).
pub(super) fn mix(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Groups equal sketches, and numbers the groups in a fixed shuffled order: logs come in bursts, and a graph grown from one
/// burst to the next has its oldest nodes, through which everything is found, in one corner.
pub(super) fn collapse<'a>(count: usize, sketch: impl Fn(u32) -> &'a [u8; SKETCH_BYTES] + Sync) -> Collapsed {
    let count = u32_saturating(count);
    let mut order: Vec<(u64, u32)> = (0..count).into_par_iter().map(|i| (xxh3_64(sketch(i)), i)).collect();
    order.par_sort_unstable();
    let mut node_of = vec![0; usize_of(count)];
    let mut first = Vec::new();
    for run in order.chunk_by_mut(|a, b| a.0 == b.0) {
        // Different sketches of one checksum are as good as impossible, but somebody may make them on purpose.
        run.sort_unstable_by(|a, b| sketch(a.1).cmp(sketch(b.1)).then(a.1.cmp(&b.1)));
        for copies in run.chunk_by(|a, b| sketch(a.1) == sketch(b.1)) {
            let Some(&(_, lowest)) = copies.first() else { continue };
            first.push(lowest);
            for &(_, copy) in copies {
                node_of[usize_of(copy)] = lowest;
            }
        }
    }
    first.par_sort_unstable_by_key(|&i| (mix(u64::from(i)), i));
    let mut number = vec![0; usize_of(count)];
    for (&i, node) in first.iter().zip(0u32..) {
        number[usize_of(i)] = node;
    }
    for node in &mut node_of {
        *node = number[usize_of(*node)];
    }
    Collapsed { first, node_of }
}

impl Draft {
    /// Nodes without links for `count` sketches, and the node of each sketch. `row` must ascend.
    pub(super) fn unlinked<'a>(
        metric: Metric,
        kernels: Kernels,
        count: usize,
        sketch: impl Fn(u32) -> &'a [u8; SKETCH_BYTES] + Sync,
        row: impl Fn(u32) -> u32,
    ) -> Result<(Self, Vec<u32>)> {
        let max = u64::from(Row::MAX);
        if u64_of(count) > max {
            return Err(Error::LimitExceeded { limit: "rows of a graph", got: u64_of(count), max });
        }
        let Collapsed { first, node_of } = collapse(count, &sketch);
        let nodes = first.iter().map(|&i| Record::new(sketch(i))).collect();
        let rows: Vec<u32> = first.iter().map(|&i| row(i)).collect();
        if let Some(&row) = rows.iter().find(|&&row| row > Row::MAX) {
            return Err(Error::LimitExceeded { limit: "row of a graph", got: u64::from(row), max });
        }
        let mut twins = Vec::new();
        for (&node, i) in node_of.iter().zip(0u32..) {
            if first[usize_of(node)] != i {
                twins.push((node, row(i)));
            }
        }
        twins.par_sort_unstable();
        Ok((Self { metric, kernels, nodes, rows, twins, entries: Vec::new() }, node_of))
    }

    /// How many nodes the graph has: sketches that differ.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many rows the graph answers with: nodes and their copies.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.nodes.len() + self.twins.len()
    }

    /// Adds links that a node had elsewhere, as many as fit.
    pub(super) fn adopt(&mut self, node: u32, links: impl Iterator<Item = u32>) {
        let record = &mut self.nodes[usize_of(node)];
        let mut kept = Links::NONE;
        for link in record.links().chain(links) {
            if link != node && !kept.as_slice().contains(&link) {
                kept.push(link);
            }
        }
        record.set_links(kept.as_slice().iter().copied());
    }

    /// Makes the first nodes of the shuffled order, as many as `linked` nodes deserve, the entry points.
    pub(super) fn set_entries(&mut self, linked: usize) {
        self.entries.clear();
        self.entries.extend(0..u32_saturating(entry_count(linked)));
    }

    /// Links `ids` in batches, each against the graph as the batch before left it.
    pub(super) fn relink(
        &mut self,
        ids: &[u32],
        ef: usize,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut done = 0;
        for batch in ids.chunks(BATCH_NODES_MAX.min(ids.len().div_ceil(8)).max(1)) {
            self.link_batch(batch, ef);
            done += batch.len();
            report(progress, done, ids.len())?;
        }
        Ok(())
    }

    /// Links all nodes of an unlinked draft, in their order, which is shuffled.
    pub(super) fn link_all(&mut self, ef: usize, progress: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<()> {
        let total = self.nodes.len();
        let mut done = 1.min(total);
        while done < total {
            // Small batches first: nobody finds a neighbour in a graph of ten nodes.
            let size = (done / 8).clamp(1, BATCH_NODES_MAX).min(total - done);
            self.set_entries(done);
            let batch: Vec<u32> = (u32_saturating(done)..u32_saturating(done + size)).collect();
            self.link_batch(&batch, ef);
            done += size;
            report(progress, done, total)?;
        }
        self.set_entries(total);
        Ok(())
    }

    /// Gives each node of the batch new links, found by searching for the node itself, and tells those linked of it.
    fn link_batch(&mut self, batch: &[u32], ef: usize) {
        let this = &*self;
        let parallel = batch.len() >= PARALLEL_NODES_MIN;
        let forward: Vec<Links> = if parallel {
            let least = batch.len().div_ceil(4 * rayon::current_num_threads());
            batch
                .par_iter()
                .with_min_len(least)
                .map_init(Buffers::default, |buffers, &id| this.find_links(id, ef, buffers))
                .collect()
        } else {
            let mut buffers = Buffers::default();
            batch.iter().map(|&id| this.find_links(id, ef, &mut buffers)).collect()
        };
        let mut back: Vec<(u32, u32)> = Vec::with_capacity(batch.len() * DEGREE);
        for (&id, links) in batch.iter().zip(&forward) {
            self.nodes[usize_of(id)].set_links(links.as_slice().iter().copied());
            back.extend(links.as_slice().iter().map(|&target| (target, id)));
        }
        back.par_sort_unstable();
        let this = &*self;
        let groups: Vec<&[(u32, u32)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let lists: Vec<(u32, Links)> = if parallel {
            groups
                .par_iter()
                .with_min_len(64)
                .map_init(Vec::new, |ranked, group| this.add_back_links(group, ranked))
                .collect()
        } else {
            let mut ranked = Vec::new();
            groups.iter().map(|group| this.add_back_links(group, &mut ranked)).collect()
        };
        for (target, links) in &lists {
            self.nodes[usize_of(*target)].set_links(links.as_slice().iter().copied());
        }
    }

    /// The links a node should have: chosen among what a search for it finds and the links it has.
    fn find_links(&self, id: u32, ef: usize, buffers: &mut Buffers) -> Links {
        let node = &self.nodes[usize_of(id)];
        let Buffers { scratch, ranked, old } = buffers;
        let entries = self.entries.as_slice();
        walk(self.kernels, self.metric, &self.nodes, entries, node.sketch(), ef, scratch);
        rank_pool(&scratch.pool, id, ranked);
        old.clear();
        old.extend(node.links());
        if !old.is_empty() {
            rank_links(self.kernels, self.metric, &self.nodes, node, old, ranked);
        }
        choose_ranked(self.kernels, self.metric, &self.nodes, ranked)
    }

    /// The list of a node that others have linked to: theirs added, and thinned out when it overflows.
    fn add_back_links(&self, group: &[(u32, u32)], ranked: &mut Vec<(u32, u32)>) -> (u32, Links) {
        let Some(&(target, _)) = group.first() else { return (0, Links::NONE) };
        let node = &self.nodes[usize_of(target)];
        let mut links = Links::NONE;
        let mut room = true;
        let sources = group.iter().map(|&(_, source)| source);
        for link in node.links().chain(sources.clone()) {
            if !links.as_slice().contains(&link) && link != target {
                room &= links.as_slice().len() < DEGREE;
                links.push(link);
            }
        }
        if !room {
            let candidates = node.links().chain(sources);
            links = choose(self.kernels, self.metric, &self.nodes, target, candidates, ranked);
        }
        (target, links)
    }
}

/// What linking one node needs; one per thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    ranked: Vec<(u32, u32)>,
    old: Vec<u32>,
}

/// Tells how far the work is; the caller may stop it.
fn report(progress: &mut dyn FnMut(Progress) -> ControlFlow<()>, done: usize, total: usize) -> Result<()> {
    match progress(Progress { done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted),
    }
}

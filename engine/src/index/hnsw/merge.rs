//! One graph of several: the lists stay, and the nodes of the smaller graphs look for neighbours in the others.

use std::ops::ControlFlow;

use super::build::Progress;
use super::draft::Draft;
use super::graph::Graph;
use super::{Metric, Row, SKETCH_BYTES};
use crate::error::{Error, Result};
use crate::num::{u32_saturating, usize_of};
use crate::simd::Kernels;

/// A graph that goes into a merge.
pub struct MergePart<'a> {
    /// The graph.
    pub graph: Graph<'a>,
    /// The new row of each of its rows, or `None` for one that is dropped (tombstones); past its end, all are dropped.
    /// No new row may be given twice, in all parts together.
    pub new_row: &'a [Option<Row>],
}

/// One row of one part.
struct Source<'a> {
    row: u32,
    part: usize,
    node: u32,
    sketch: &'a [u8; SKETCH_BYTES],
}

/// Merges graphs of one metric. The largest keeps its lists as they are, where no dropped row is in them; all other nodes
/// keep theirs and are linked again against everything. Cheaper than [`super::build()`] by the share of the largest part.
/// Every node can be reached afterwards. The result depends on how the rows were divided: a full compaction that must
/// not, builds anew.
/// # Errors
/// [`Error::SpecMismatch`] for graphs of different metrics, [`Error::InvalidArgument`] when a new row is given twice,
/// [`Error::LimitExceeded`] past [`Row::MAX`] rows, [`Error::Interrupted`] when `progress` says so.
pub fn merge(
    parts: &[MergePart<'_>],
    metric: Metric,
    ef_construction: usize,
    kernels: Kernels,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Draft> {
    if let Some(part) = parts.iter().find(|part| part.graph.metric() != metric) {
        let what = format!("a graph by {:?} cannot be merged into one by {metric:?}", part.graph.metric());
        return Err(Error::SpecMismatch { what });
    }
    let mut sources = Vec::new();
    for (part, at) in parts.iter().zip(0..) {
        for (node, row, sketch) in part.graph.sketches() {
            if let Some(&Some(Row(row))) = part.new_row.get(usize_of(row.0)) {
                sources.push(Source { row, part: at, node, sketch });
            }
        }
    }
    sources.sort_unstable_by_key(|source| source.row);
    if sources.windows(2).any(|pair| pair[0].row == pair[1].row) {
        return Err(Error::InvalidArgument { argument: "new_row", reason: "a row is given twice".to_owned() });
    }
    let sketch = |i: u32| sources[usize_of(i)].sketch;
    let row = |i: u32| sources[usize_of(i)].row;
    let (mut draft, node_of) = Draft::unlinked(metric, kernels, sources.len(), sketch, row)?;

    let mut new_node: Vec<Vec<Option<u32>>> = parts.iter().map(|part| vec![None; part.graph.node_count()]).collect();
    for (source, &node) in sources.iter().zip(&node_of) {
        new_node[source.part][usize_of(source.node)] = Some(node);
    }
    let largest = (0..parts.len()).max_by_key(|&at| (parts[at].graph.node_count(), std::cmp::Reverse(at)));
    let mut settled = vec![false; draft.node_count()];
    for (part, at) in parts.iter().zip(0..) {
        for (node, &new) in (0u32..).zip(&new_node[at]) {
            let Some(new) = new else { continue };
            let mut whole = Some(at) == largest;
            let links: Vec<u32> = part
                .graph
                .links(node)
                .filter_map(|link| {
                    let mapped = new_node[at].get(usize_of(link)).copied().flatten();
                    whole &= mapped.is_some();
                    mapped
                })
                .collect();
            draft.adopt(new, links.into_iter());
            settled[usize_of(new)] |= whole;
        }
    }
    draft.set_entries(draft.node_count());
    let ids: Vec<u32> = (0..u32_saturating(draft.node_count())).filter(|&node| !settled[usize_of(node)]).collect();
    draft.relink(&ids, ef_construction, progress)?;
    draft.repair();
    Ok(draft)
}

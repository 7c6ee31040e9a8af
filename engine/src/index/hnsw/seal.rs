//! From the growing graph to the flat one: walk it through its public API, flatten its lists, link every node again.

use std::ops::ControlFlow;

use super::build::Progress;
use super::draft::Draft;
use super::hot::Hot;
use super::{Row, SKETCH_BYTES};
use crate::error::{Error, Result};
use crate::num::{u32_saturating, usize_of};
use crate::simd::Kernels;

/// Nodes kept while each node looks for better links than `hnsw_rs` left it.
const RELINK_EF: usize = 96;

/// One point of the growing graph, taken out of its locks.
struct Point {
    row: u32,
    sketch: [u8; SKETCH_BYTES],
    links: Vec<u32>,
}

/// Flattens `hot` and links every node once more, which repairs what `hnsw_rs` loses: it keeps the nearest back-links only, and
/// measured recall rises from .975 to .990 at equal effort. Every node can be reached afterwards. A graph that was built
/// by one thread always gives the same draft.
/// # Errors
/// [`Error::Interrupted`] when `progress` says so; [`Error::InvalidArgument`] when a sketch has another width.
pub fn seal(hot: &mut Hot, kernels: Kernels, progress: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<Draft> {
    let mut points = Vec::with_capacity(hot.len());
    // Iterating over an empty graph is the one thing the crate cannot do.
    if !hot.is_empty() {
        for point in hot.hnsw.get_point_indexation() {
            let Some(&sketch) = point.get_v().first_chunk::<SKETCH_BYTES>() else {
                return Err(Error::InvalidArgument { argument: "hot", reason: "a sketch is not 128 bytes".to_owned() });
            };
            let lists = point.get_neighborhood_id();
            let nearest = lists.first().map_or(&[][..], Vec::as_slice);
            let links = nearest.iter().map(|neighbour| u32_saturating(neighbour.get_origin_id())).collect();
            points.push(Point { row: u32_saturating(point.get_origin_id()), sketch, links });
        }
    }
    points.sort_by_key(|point| point.row);
    let sketch = |i: u32| &points[usize_of(i)].sketch;
    let row = |i: u32| points[usize_of(i)].row;
    let (mut draft, node_of) = Draft::unlinked(hot.metric, kernels, points.len(), sketch, row)?;
    for (point, &node) in points.iter().zip(&node_of) {
        if draft.rows[usize_of(node)] == point.row {
            let node_of_row = |&row: &u32| {
                let at = points.binary_search_by_key(&row, |point| point.row).ok()?;
                Some(node_of[at])
            };
            draft.adopt(node, point.links.iter().filter_map(node_of_row));
        }
    }
    draft.set_entries(draft.node_count());
    let ids = draft.ids();
    draft.relink(&ids, RELINK_EF, progress)?;
    draft.repair();
    debug_assert!(draft.rows.iter().all(|&row| row <= Row::MAX));
    Ok(draft)
}

//! A graph from a column of sketches alone: what a bulk job uses for tens of millions, where hnsw_rs would take hours.

use std::ops::ControlFlow;

use super::draft::Draft;
use super::{Metric, Row, SKETCH_BYTES};
use crate::error::{Error, Result};
use crate::num::usize_of;
use crate::simd::Kernels;

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildOptions {
    /// How sketches are compared.
    pub metric: Metric,
    /// Nodes kept while searching for the links of a new one; more is slower and finds better links.
    pub ef_construction: usize,
    /// Passes over the finished graph that link each node again, now that all nodes are there.
    pub relink_passes: u32,
}

impl BuildOptions {
    /// The defaults, with which all figures in the README were measured.
    #[must_use]
    pub const fn new(metric: Metric) -> Self {
        Self { metric, ef_construction: 128, relink_passes: 0 }
    }
}

/// How far long work is, in nodes of the present pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Nodes done.
    pub done: usize,
    /// Nodes in this pass.
    pub total: usize,
}

/// Builds the graph of `sketches`, or of those rows of it that `select` names in ascending order.
/// Uses the rayon pool it is called in; the result does not depend on the number of threads. Holds 260 bytes a node and a
/// batch of work; `progress` hears of every batch and may stop the work.
/// # Errors
/// [`Error::InvalidArgument`] when `select` does not ascend or names a row that is not there, [`Error::LimitExceeded`] past
/// [`Row::MAX`] rows, [`Error::Interrupted`] when `progress` says so.
pub fn build(
    sketches: &[[u8; SKETCH_BYTES]],
    select: Option<&[u32]>,
    options: &BuildOptions,
    kernels: Kernels,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Draft> {
    let (mut draft, _) = match select {
        None => Draft::unlinked(options.metric, kernels, sketches.len(), |i| &sketches[usize_of(i)], |i| i)?,
        Some(rows) => {
            let in_order = rows.windows(2).all(|pair| pair[0] < pair[1]);
            if !in_order || rows.last().is_some_and(|&last| last > Row::MAX || usize_of(last) >= sketches.len()) {
                return Err(Error::InvalidArgument {
                    argument: "select",
                    reason: "rows must ascend and lie inside the column".to_owned(),
                });
            }
            let sketch = |i| &sketches[usize_of(rows[usize_of(i)])];
            Draft::unlinked(options.metric, kernels, rows.len(), sketch, |i| rows[usize_of(i)])?
        }
    };
    draft.link_all(options.ef_construction, progress)?;
    let ids = draft.ids();
    for _ in 0..options.relink_passes {
        draft.relink(&ids, options.ef_construction, progress)?;
    }
    draft.repair();
    Ok(draft)
}

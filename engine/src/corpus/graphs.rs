//! The graphs of a segment, made when it is sealed: one of its leaders' signatures, one of their embedding codes.

use std::ops::ControlFlow;

use super::section;
use crate::error::{Error, Result};
use crate::index::SKETCH_BYTES;
use crate::index::hnsw::{BuildOptions, Metric, Progress, SCAN_NODES_MAX, build};
use crate::num::{u32_of, u64_of};
use crate::simd::Kernels;
use crate::store::manifest::GraphChoice;
use crate::store::segment::ContainerWriter;

/// Half the effort of a graph that is made to be measured: a segment is sealed twice as fast, and bands beside the graph
/// and a generous `ef` make up for it (`index/hnsw/README.md` has both figures).
const EF_CONSTRUCTION: usize = 64;

/// Whether graphs are made, and who hears how far that is.
pub struct GraphTask<'a> {
    /// Which graphs; only [`GraphChoice::Leaders`] puts any into a segment.
    pub choice: GraphChoice,
    /// Hears of every batch, and may stop the work; the segment goes without the graph then.
    pub progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl std::fmt::Debug for GraphTask<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GraphTask({:?})", self.choice)
    }
}

/// Writes the graph of `leaders`, each with whether it is exempt because there is nothing in it, as section `id`; rows are
/// the numbers of the leaders. The section is empty where no graph was asked for, where a scan is as good, or where the
/// caller said stop.
/// # Errors
/// [`Error::Io`]; [`Error::LimitExceeded`] past the bounds of a graph.
pub(super) fn write<'a>(
    id: u32,
    leaders: impl Iterator<Item = (&'a [u8; SKETCH_BYTES], bool)>,
    kernels: Kernels,
    task: &mut GraphTask<'_>,
    writer: &mut ContainerWriter,
) -> Result<()> {
    if task.choice != GraphChoice::Leaders {
        return writer.section(id, &[]);
    }
    let mut sketches = Vec::new();
    let mut rows = Vec::new();
    for (sketch, exempt) in leaders {
        let row = u32_of(sketches.len()).ok_or_else(|| too_many(sketches.len()))?;
        sketches.push(*sketch);
        if !exempt {
            rows.push(row);
        }
    }
    let metric = if id == section::SIGNATURE_GRAPH { Metric::UnequalBytes } else { Metric::HammingBits };
    write_rows(id, metric, &sketches, &rows, kernels, task.progress, writer)
}

/// Writes the graph of those `rows` of `sketches`, as [`write`] does.
pub(super) fn write_rows(
    id: u32,
    metric: Metric,
    sketches: &[[u8; SKETCH_BYTES]],
    rows: &[u32],
    kernels: Kernels,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    writer: &mut ContainerWriter,
) -> Result<()> {
    if rows.len() < SCAN_NODES_MAX {
        return writer.section(id, &[]);
    }
    let options = BuildOptions { ef_construction: EF_CONSTRUCTION, ..BuildOptions::new(metric) };
    match build(sketches, Some(rows), &options, kernels, progress) {
        Ok(draft) => writer.section_from(id, |mut out| draft.write_to(&mut out)),
        Err(Error::Interrupted) => writer.section(id, &[]),
        Err(error) => Err(error),
    }
}

fn too_many(got: usize) -> Error {
    Error::LimitExceeded { limit: "leaders of a segment", got: u64_of(got), max: u64::from(u32::MAX) }
}

//! The codes of one text a family and of the leaders in no family, as one graph over all segments: what a store keeps that
//! was made with `--graph families`.

use std::ops::ControlFlow;

use super::graphs::write_rows;
use super::view::SegmentView;
use crate::column::{Column, encode};
use crate::error::{CorruptKind, Error, Result};
use crate::index::SKETCH_BYTES;
use crate::index::hnsw::{Flat, Graph, Hit, Metric, Origin, Progress, Row, Scratch, SearchOptions, Searched};
use crate::num::{u32_of, u64_of, usize_of};
use crate::simd::Kernels;
use crate::store::Store;
use crate::store::manifest::DerivedEntry;
use crate::store::segment::{Container, ContainerWriter, FileKind};

/// Section numbers of the file. They are on disk: never reuse one.
pub mod section {
    /// Two u32 an exemplar: place of its segment among those the file was made from, and its form there.
    pub const PLACES: u32 = 1;
    /// The code of each exemplar; 128 bytes.
    pub const CODES: u32 = 2;
    /// Graph image of the codes; its rows are exemplars. Empty where a scan serves.
    pub const GRAPH: u32 = 3;
}

/// The exemplars of a store, opened.
#[derive(Debug)]
pub struct Exemplars {
    container: Container,
    /// For each segment that the file was made from, its place in the snapshot.
    place_of: Vec<Option<usize>>,
}

/// Writes the file for the exemplars at `places`, (segment, form) in ascending order.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`] for a place without a code, [`Error::LimitExceeded`].
pub fn write(
    places: &[(u32, u32)],
    views: &[SegmentView<'_>],
    kernels: Kernels,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    writer: &mut ContainerWriter,
) -> Result<()> {
    let mut codes = Vec::with_capacity(places.len());
    for &(segment, form) in places {
        let view = views.get(usize_of(segment));
        let code = view.and_then(|view| view.code(usize_of(form)));
        codes.push(*code.ok_or_else(|| Error::InvalidArgument {
            argument: "places",
            reason: format!("text {form} of segment {segment} has no code"),
        })?);
    }
    let count = u32_of(codes.len()).filter(|count| *count <= Row::MAX).ok_or(Error::LimitExceeded {
        limit: "exemplars of a store",
        got: u64_of(codes.len()),
        max: u64::from(Row::MAX),
    })?;
    writer.section(section::PLACES, &encode(places.iter().flat_map(|(segment, form)| [*segment, *form])))?;
    writer.section(section::CODES, codes.as_flattened())?;
    let rows: Vec<u32> = (0..count).collect();
    write_rows(section::GRAPH, Metric::HammingBits, &codes, &rows, kernels, progress, writer)
}

impl Exemplars {
    /// Opens the file that `entry` names; `segments` are the live ones.
    /// # Errors
    /// As [`Store::container`]; [`Error::Corrupt`] when its columns disagree.
    pub fn open<'a>(store: &Store, entry: &DerivedEntry, segments: impl Iterator<Item = &'a str>) -> Result<Self> {
        let container = store.container(&entry.file, FileKind::Exemplars)?;
        let places = container.column::<u32>(section::PLACES)?.len();
        let codes = container.require(section::CODES)?.len();
        if !places.is_multiple_of(2) || codes != places / 2 * SKETCH_BYTES {
            return Err(container.damaged(section::CODES, CorruptKind::Bounds));
        }
        let live: Vec<&str> = segments.collect();
        let place_of = entry.segments.iter().map(|file| live.iter().position(|live| live == file)).collect();
        Ok(Self { container, place_of })
    }

    /// Whether the segment at `place` of the snapshot was there when the exemplars were chosen.
    #[must_use]
    pub fn covers(&self, place: usize) -> bool {
        self.place_of.contains(&Some(place))
    }

    /// Segment (its place in the snapshot) and form of an exemplar; `None` where the segment has gone.
    #[must_use]
    pub fn place(&self, row: Row) -> Option<(usize, u32)> {
        let places: Column<'_, u32> = self.container.column(section::PLACES).ok()?;
        let at = usize_of(row.0).checked_mul(2)?;
        let segment = self.place_of.get(usize_of(places.get(at)?)).copied().flatten()?;
        Some((segment, places.get(at + 1)?))
    }

    /// The exemplars nearest to `code` whose segment and form `keep` lets through, as [`Graph::search`] gives them.
    /// # Errors
    /// [`Error::Corrupt`] when the graph contradicts its section.
    pub fn search(
        &self,
        code: &[u8; SKETCH_BYTES],
        options: &SearchOptions,
        keep: impl Fn(usize, u32) -> bool,
        kernels: Kernels,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Result<Searched> {
        let keep = |row: Row| self.place(row).is_some_and(|(segment, form)| keep(segment, form));
        let image = self.container.require(section::GRAPH)?;
        if image.is_empty() {
            let (sketches, _) = self.container.require(section::CODES)?.as_chunks();
            let flat = Flat { sketches, metric: Metric::HammingBits, kernels };
            return Ok(flat.search(code, options.k, keep, scratch, hits));
        }
        let offset = self.container.offset(section::GRAPH).unwrap_or(0);
        let origin = Origin { path: self.container.path(), offset };
        let graph = Graph::open(image, origin, Metric::HammingBits, kernels)?;
        let mut searched = graph.search(code, options, keep, scratch, hits);
        if searched.truncated && hits.len() < options.k {
            searched = graph.search_exact(code, options, keep, scratch, hits);
        }
        Ok(searched)
    }
}

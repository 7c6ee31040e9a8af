//! Which graphs a store keeps and what its codes are made by: settled before anything is taken in.

use std::ops::ControlFlow;

use super::Progress;
use super::compact::file_identity;
use crate::corpus::exemplars;
use crate::corpus::population::Population;
use crate::corpus::prepare::Preparer;
use crate::corpus::snapshot::check_codes;
use crate::error::Result;
use crate::family::Families;
use crate::index::hnsw;
use crate::num::{u32_saturating, usize_of};
use crate::store::Maintainer;
use crate::store::manifest::{DerivedEntry, GraphChoice};
use crate::store::segment::FileKind;

/// Makes `graph`, where it is given, the choice of the store, and sees that its codes have one origin.
/// # Errors
/// [`Error::SpecMismatch`] when the store has codes of another origin than `preparer` makes; [`Error::Io`].
pub(super) fn choose_sketches(
    maintainer: &mut Maintainer,
    preparer: &Preparer,
    graph: Option<GraphChoice>,
) -> Result<()> {
    let manifest = maintainer.store().manifest();
    let mut wanted = manifest.clone();
    wanted.graph = graph.unwrap_or(wanted.graph);
    if let Some(origin) = preparer.code_origin() {
        check_codes(&manifest.codes, origin)?;
        origin.clone_into(&mut wanted.codes);
    }
    if wanted == *manifest { Ok(()) } else { maintainer.publish(wanted) }
}

/// Tells how far a graph is, and passes on that the caller wants the job to stop.
pub(super) fn tell_graph(progress: &dyn Progress, at: hnsw::Progress) -> ControlFlow<()> {
    progress.step(&format!("linking the graph: {} of {} leaders", at.done, at.total));
    if progress.should_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Writes the codes of one text a family and of the leaders in no family, where that is what the store keeps; the caller
/// publishes what comes back.
/// # Errors
/// [`Error::Io`]; [`Error::LimitExceeded`].
pub(super) fn write_exemplars(
    maintainer: &mut Maintainer,
    preparer: &Preparer,
    population: &Population<'_>,
    found: &Families,
    progress: &dyn Progress,
) -> Result<Option<DerivedEntry>> {
    let manifest = maintainer.store().manifest();
    if manifest.graph != GraphChoice::Families {
        return Ok(None);
    }
    let segments = manifest.segments.iter().map(|segment| segment.file.clone()).collect();
    let places = exemplar_places(population, found);
    let (file, mut writer) = maintainer.create(FileKind::Exemplars, file_identity(preparer.keys(), preparer.spec()))?;
    let tell = &mut |at| tell_graph(progress, at);
    exemplars::write(&places, population.views(), preparer.kernels(), tell, &mut writer)?;
    writer.finish()?;
    Ok(Some(DerivedEntry { file, segments }))
}

/// The first leader of each family, and every leader in none: (segment, form), ascending.
fn exemplar_places(population: &Population<'_>, found: &Families) -> Vec<(u32, u32)> {
    let mut has_exemplar = vec![false; found.families.len()];
    let mut places = Vec::new();
    for (segment, view) in population.views().iter().enumerate() {
        for form in (0..view.leader_count()).filter(|form| view.code(*form).is_some()) {
            let document = usize_of(population.document_of(segment, form));
            let family = found.of_document.get(document).copied().flatten();
            let is_taken = family
                .and_then(|family| has_exemplar.get_mut(usize_of(family.family)))
                .is_some_and(|taken| std::mem::replace(taken, true));
            if !is_taken {
                places.push((u32_saturating(segment), u32_saturating(form)));
            }
        }
    }
    places
}

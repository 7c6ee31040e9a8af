//! Chooses the exemplars of each family from the texts at hand and has its skeleton rendered.

use super::TextCache;
use crate::corpus::families::Skeleton;
use crate::corpus::population::Population;
use crate::corpus::prepare::Preparer;
use crate::family::Families;

/// The skeleton of each family, `None` where too few of its texts are at hand.
pub(super) fn render(
    _population: &Population<'_>,
    families: &Families,
    _preparer: &Preparer,
    _texts: &TextCache,
) -> Vec<Option<Skeleton>> {
    vec![None; families.families.len()]
}

//! Chooses the exemplars of each family from the texts at hand and has its skeleton rendered.

use std::collections::HashSet;

use rayon::prelude::*;

use super::TextCache;
use crate::corpus::NONE;
use crate::corpus::families::{Piece, Skeleton, Slot};
use crate::corpus::population::Population;
use crate::family::Families;
use crate::family::render::{EXEMPLARS_MAX, Stretch, render as render_texts};
use crate::num::usize_of;

/// Texts of one family that its slots are measured on.
const SLOT_TEXTS_MAX: usize = 512;

/// The skeleton of each family, `None` where too few of its texts are at hand.
pub(super) fn render(population: &Population<'_>, families: &Families, texts: &TextCache) -> Vec<Option<Skeleton>> {
    if texts.is_empty() {
        return vec![None; families.families.len()];
    }
    let mut account_of = vec![NONE; population.documents.len()];
    for part in population.uses.iter().rev() {
        account_of[usize_of(part.document)] = population.account_of[usize_of(part.request)];
    }
    let mut members: Vec<Vec<(u32, &str)>> = vec![Vec::new(); families.families.len()];
    for (document, found) in (0_u32..).zip(&families.of_document) {
        let Some(found) = found else { continue };
        let held = &mut members[usize_of(found.family)];
        if held.len() < SLOT_TEXTS_MAX
            && let Some(text) = population.fingerprint(document).and_then(|fingerprint| texts.get(fingerprint))
        {
            held.push((account_of[usize_of(document)], text));
        }
    }
    members.into_par_iter().map(|members| render_texts(&exemplars_first(&members)).map(keep)).collect()
}

/// One text of each of the first accounts before the second of any: a piece should be everybody's.
fn exemplars_first<'a>(members: &[(u32, &'a str)]) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let (mut first, rest): (Vec<_>, Vec<_>) =
        members.iter().partition(|(account, _)| seen.len() < EXEMPLARS_MAX && seen.insert(*account));
    first.extend(rest);
    first.into_iter().map(|(_, text)| text).collect()
}

fn keep(stretches: Vec<Stretch>) -> Skeleton {
    let piece = |stretch| match stretch {
        Stretch::Piece(text) => Piece::Text(text),
        Stretch::Slot(slot) => Piece::Slot(Slot {
            kind: slot.kind.name().to_owned(),
            min_bytes: slot.min_bytes,
            max_bytes: slot.max_bytes,
            distinct: slot.distinct,
        }),
    };
    Skeleton { pieces: stretches.into_iter().map(piece).collect() }
}

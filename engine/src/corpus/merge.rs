//! Segments become one again: their visible rows are taken in anew, so what was hidden is gone from the bytes.
//!
//! The sealing of a segment sorts rows and decides leaders anew, so the bytes of a merge depend on the set of its rows
//! alone, however they were sharded.

use super::builder::{PreparedPart, PreparedRequest, SegmentBuilder};
use super::snapshot::Segment;
use super::turns::RequestTurns;
use super::{LEVELS, NO_TIME, NONE, section};
use crate::error::{CorruptKind, Result};
use crate::key::Keys;
use crate::num::{u32_saturating, usize_of};
use crate::sketch::EmbeddingCode;

/// Takes every visible row of `segments` into one new segment, but for those with a time before `oldest_ms`. Each segment is
/// read against its checksums first: what is damaged stays as it is and where it is, instead of becoming sound bytes of a
/// new file.
/// # Errors
/// [`crate::Error::Corrupt`] for rows that point nowhere or names that do not open;
/// [`crate::Error::LimitExceeded`] when the rows do not fit one segment.
pub fn merge(segments: &[&Segment], keys: &Keys, oldest_ms: Option<i64>) -> Result<SegmentBuilder> {
    let mut builder = SegmentBuilder::default();
    for segment in segments {
        segment.container().verify()?;
        let view = segment.view()?;
        let identities = view.identities_by_row();
        let mut names = view.names()?;
        let mut ids = view.ids()?;
        let (asked, told) = view.turns().by_owner();
        let lost = |id| view.damaged(id, CorruptKind::Value);
        let is_old = |row| {
            let time_ms = view.time_ms(row);
            time_ms != NO_TIME && oldest_ms.is_some_and(|oldest| time_ms < oldest)
        };
        let stays = |row| !segment.is_hidden(row) && !is_old(row);
        for (row, identity) in identities.iter().enumerate().filter(|(row, _)| stays(*row)) {
            let origin = view.origin(usize_of(view.origin_of(row).ok_or_else(|| lost(section::ORIGINS_OF))?));
            let mut origin_names: [Option<String>; LEVELS] = Default::default();
            for (slot, name) in origin_names.iter_mut().zip(origin).filter(|(_, name)| *name != NONE) {
                let name = names.get(keys, usize_of(name));
                *slot = Some(name.ok_or_else(|| view.damaged(section::NAME_BLOCKS, CorruptKind::Sealed))?);
            }
            let id = ids.get(keys, row).ok_or_else(|| view.damaged(section::ID_BLOCKS, CorruptKind::Sealed))?;
            let mut parts = Vec::new();
            let asked = asked.get(&u32_saturating(row)).cloned().unwrap_or_default();
            let mut turns = RequestTurns { asked, ..RequestTurns::default() };
            for part in view.parts_of(row) {
                if let Some(turn) = told.get(&u32_saturating(part)) {
                    turns.earlier.push((u32_saturating(parts.len()), *turn));
                }
                let form = usize_of(view.form_of(part).ok_or_else(|| lost(section::PART_FORMS))?);
                let signature = view.signature(form).ok_or_else(|| lost(section::FORM_SIGNATURES))?;
                parts.push(PreparedPart {
                    kind: view.kind_of(part).ok_or_else(|| lost(section::PART_KINDS))?,
                    fingerprint: view.fingerprint(form).ok_or_else(|| lost(section::FORM_FINGERPRINTS))?,
                    bytes: view.text_bytes(form),
                    flags: view.flags_of(part),
                    disguised: view.disguised_of(part),
                    signature: *signature,
                    code: view.code(form).map_or(EmbeddingCode::EMPTY, |code| EmbeddingCode(*code)).0,
                    is_empty: view.is_empty_text(form),
                    anchors: view.anchors(form).to_vec(),
                    tokens: view.tokens(form).into_owned(),
                });
            }
            builder.push(PreparedRequest {
                identity: *identity,
                id: (!id.is_empty()).then_some(id),
                time_ms: view.time_ms(row),
                origin: origin_names,
                parts,
                turns,
            })?;
        }
    }
    Ok(builder)
}

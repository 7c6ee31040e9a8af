//! A sealed segment as columns, checked for consistency once when it is opened.

use std::borrow::Cow;
use std::path::Path;

use super::names::Reader;
use super::turns::TurnColumns;
use super::{LEVELS, NONE, filter, section};
use crate::column::{Column, is_partition};
use crate::error::{CorruptKind, Error, Result};
use crate::family::disguised::Disguised;
use crate::index::hnsw::{Graph, Metric, Origin};
use crate::index::{SKETCH_BYTES, lsh::Bands};
use crate::num::{u32_of, usize_of, usize_of_u64};
use crate::request::PartKind;
use crate::simd::Kernels;
use crate::sketch::EmbeddingCode;
use crate::sketch::minhash::Signature;
use crate::store::segment::{Container, Identity};

/// The columns of one segment.
#[derive(Debug, Clone, Copy)]
pub struct SegmentView<'a> {
    container: &'a Container,
    identities: Column<'a, u128>,
    identity_rows: Column<'a, u32>,
    identity_filter: &'a [u8],
    times: Column<'a, i64>,
    origins_of: Column<'a, u32>,
    origins: Column<'a, u32>,
    part_starts: Column<'a, u32>,
    part_forms: Column<'a, u32>,
    part_kinds: &'a [u8],
    part_flags: &'a [u8],
    part_disguised: &'a [[u8; 2]],
    fingerprints: Column<'a, u128>,
    classes: &'a [u8],
    form_bytes: Column<'a, u32>,
    signatures: &'a [u8],
    codes: &'a [u8],
    member_starts: Column<'a, u32>,
    use_starts: Column<'a, u32>,
    uses: Column<'a, u32>,
    bands: Bands<'a>,
    anchor_starts: Column<'a, u64>,
    anchors: &'a [u8],
    token_starts: Column<'a, u64>,
    tokens: Column<'a, u32>,
    name_ids: Column<'a, u128>,
    name_levels: &'a [u8],
    turns: TurnColumns<'a>,
}

impl<'a> SegmentView<'a> {
    /// Views `container` as a segment: every section is there, and the lengths of the columns agree.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn new(container: &'a Container) -> Result<Self> {
        let bounds = |id| container.damaged(id, CorruptKind::Bounds);
        let disguised = container.require(section::PART_DISGUISED)?;
        let view = Self {
            container,
            identities: container.column(section::IDENTITIES)?,
            identity_rows: container.column(section::IDENTITY_ROWS)?,
            identity_filter: container.require(section::IDENTITY_FILTER)?,
            times: container.column(section::TIMES)?,
            origins_of: container.column(section::ORIGINS_OF)?,
            origins: container.column(section::ORIGINS)?,
            part_starts: container.column(section::PART_STARTS)?,
            part_forms: container.column(section::PART_FORMS)?,
            part_kinds: container.require(section::PART_KINDS)?,
            part_flags: container.require(section::PART_FLAGS)?,
            part_disguised: disguised.as_chunks().0,
            fingerprints: container.column(section::FORM_FINGERPRINTS)?,
            classes: container.require(section::FORM_CLASSES)?,
            form_bytes: container.column(section::FORM_BYTES)?,
            signatures: container.require(section::FORM_SIGNATURES)?,
            // Segments of before there were codes have no such section.
            codes: container.section(section::FORM_CODES).unwrap_or_default(),
            member_starts: container.column(section::MEMBER_STARTS)?,
            use_starts: container.column(section::USE_STARTS)?,
            uses: container.column(section::USES)?,
            bands: Bands::new(
                container.column(section::BAND_OFFSETS)?,
                container.column(section::BAND_IDS)?,
                container.require(section::BAND_TAGS)?,
            )
            .ok_or_else(|| bounds(section::BAND_OFFSETS))?,
            anchor_starts: container.column(section::ANCHOR_STARTS)?,
            anchors: container.require(section::ANCHORS)?,
            token_starts: container.column(section::TOKEN_STARTS)?,
            tokens: container.column(section::TOKENS)?,
            name_ids: container.column(section::NAME_IDS)?,
            name_levels: container.require(section::NAME_LEVELS)?,
            turns: TurnColumns::new(container)?,
        };
        let (rows, parts, forms) = (view.times.len(), view.part_forms.len(), view.fingerprints.len());
        let checks = [
            (section::IDENTITIES, view.identities.len() == rows),
            (section::IDENTITY_ROWS, view.identity_rows.len() == rows),
            (section::ORIGINS_OF, view.origins_of.len() == rows && u32_of(rows).is_some()),
            (section::PART_STARTS, view.part_starts.len() == rows + 1),
            (section::PART_KINDS, view.part_kinds.len() == parts),
            (section::PART_FLAGS, view.part_flags.len() == parts),
            (section::PART_DISGUISED, [0, 2 * parts].contains(&disguised.len())),
            (section::FORM_CLASSES, view.classes.len() == forms),
            (section::FORM_BYTES, view.form_bytes.len() == forms),
            (section::FORM_SIGNATURES, view.signatures.len() == forms * SKETCH_BYTES),
            (section::FORM_CODES, [0, forms * SKETCH_BYTES].contains(&view.codes.len())),
            (section::MEMBER_STARTS, (1..=forms + 1).contains(&view.member_starts.len())),
            (section::USE_STARTS, view.use_starts.len() == forms + 1),
            (section::USES, view.uses.len() == parts),
            (section::ANCHOR_STARTS, view.anchor_starts.len() == forms + 1),
            (section::TOKEN_STARTS, view.token_starts.len() == forms + 1),
            (section::ORIGINS, view.origins.len().is_multiple_of(LEVELS)),
            (section::NAME_LEVELS, view.name_levels.len() == view.name_ids.len()),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((id, _)) => Err(bounds(id)),
            None => Ok(view),
        }
    }

    /// Looks at every value that another value points to; for `verify`, since it reads all columns.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn check_deep(&self) -> Result<()> {
        let below = |column: Column<'_, u32>, end: usize| column.iter().all(|value| usize_of(value) < end);
        let leaders_end = self.member_starts.get(0).map_or(usize::MAX, usize_of);
        let mut anchors = self.anchor_starts.iter();
        let anchors_rise = anchors.next() == Some(0)
            && self.anchor_starts.iter().is_sorted()
            && self.anchor_starts.get(self.form_count()).and_then(usize_of_u64) == Some(self.anchors.len());
        let tokens_rise = self.token_starts.get(0) == Some(0)
            && self.token_starts.iter().is_sorted()
            && self.token_starts.get(self.form_count()).and_then(usize_of_u64) == Some(self.tokens.len());
        let checks = [
            (section::IDENTITY_ROWS, below(self.identity_rows, self.row_count())),
            (section::IDENTITIES, self.identities.iter().is_sorted()),
            (section::PART_STARTS, is_partition(self.part_starts, self.part_forms.len())),
            (section::PART_FORMS, below(self.part_forms, self.form_count())),
            (section::PART_KINDS, self.part_kinds.iter().all(|kind| PartKind::of_number(*kind).is_some())),
            (section::USE_STARTS, is_partition(self.use_starts, self.uses.len())),
            (section::USES, below(self.uses, self.row_count())),
            (section::MEMBER_STARTS, leaders_end == self.leader_count() && self.member_starts.iter().is_sorted()),
            (section::ANCHOR_STARTS, anchors_rise),
            (section::TOKEN_STARTS, tokens_rise),
            (section::PART_DISGUISED, (0..self.part_disguised.len()).all(|part| self.disguised_at(part).is_some())),
            (section::ORIGINS_OF, below(self.origins_of, self.origins.len() / LEVELS)),
            (section::ORIGINS, self.origins.iter().all(|name| name == NONE || usize_of(name) < self.name_ids.len())),
        ];
        let damage = checks.into_iter().find(|(_, holds)| !holds).map(|(id, _)| id);
        if let Some(id) = damage.or_else(|| self.turns.damage(self.row_count(), self.part_count())) {
            return Err(self.container.damaged(id, CorruptKind::Value));
        }
        for metric in [Metric::UnequalBytes, Metric::HammingBits] {
            if let Some(graph) = self.graph(metric, Kernels::detect())? {
                let offset = self.container.offset(graph_section(metric)).unwrap_or(0);
                graph.check().map_err(|(at, kind)| Error::corrupt(self.path(), offset + at, kind))?;
            }
        }
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &'a Path {
        self.container.path()
    }

    /// Spec and key of the file.
    #[must_use]
    pub fn file_identity(&self) -> Identity {
        self.container.identity()
    }

    /// Damage inside a section of this file.
    #[must_use]
    pub fn damaged(&self, section: u32, kind: CorruptKind) -> Error {
        self.container.damaged(section, kind)
    }

    /// Number of requests, hidden ones included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.times.len()
    }

    /// Number of distinct texts.
    #[must_use]
    pub fn form_count(&self) -> usize {
        self.fingerprints.len()
    }

    /// Number of texts that lead; they are the first forms.
    #[must_use]
    pub fn leader_count(&self) -> usize {
        self.member_starts.len() - 1
    }

    /// Number of parts.
    #[must_use]
    pub fn part_count(&self) -> usize {
        self.part_forms.len()
    }

    /// The row of `identity`, or `None` when the segment does not hold it.
    #[must_use]
    pub fn row_of(&self, identity: u128) -> Option<usize> {
        if !filter::may_contain(self.identity_filter, identity) {
            return None;
        }
        let (mut low, mut high) = (0, self.identities.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.identities.get(middle)?.cmp(&identity) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return self.identity_rows.get(middle).map(usize_of),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The identity of one row. Reads the whole column: for one row that a person asks for.
    #[must_use]
    pub fn identity_of(&self, row: usize) -> Option<u128> {
        let at = self.identity_rows.iter().position(|held| usize_of(held) == row)?;
        self.identities.get(at)
    }

    /// The identity of each row, in row order; 16 bytes of memory a row.
    #[must_use]
    pub fn identities_by_row(&self) -> Vec<u128> {
        let mut by_row = vec![0; self.row_count()];
        for (identity, row) in self.identities.iter().zip(self.identity_rows.iter()) {
            if let Some(slot) = by_row.get_mut(usize_of(row)) {
                *slot = identity;
            }
        }
        by_row
    }

    /// Unix time in ms of a row, or [`super::NO_TIME`].
    #[must_use]
    pub fn time_ms(&self, row: usize) -> i64 {
        self.times.get(row).unwrap_or(super::NO_TIME)
    }

    /// The origin of a row.
    #[must_use]
    pub fn origin_of(&self, row: usize) -> Option<u32> {
        self.origins_of.get(row)
    }

    /// Number of distinct origins.
    #[must_use]
    pub fn origin_count(&self) -> usize {
        self.origins.len() / LEVELS
    }

    /// The name rows of an origin, [`NONE`] where it has no name at a level.
    #[must_use]
    pub fn origin(&self, origin: usize) -> [u32; LEVELS] {
        std::array::from_fn(|level| self.origins.get(origin * LEVELS + level).unwrap_or(NONE))
    }

    /// The keyed id of a name row.
    #[must_use]
    pub fn name_id(&self, name: u32) -> Option<u128> {
        self.name_ids.get(usize_of(name))
    }

    /// Number of names.
    #[must_use]
    pub fn name_count(&self) -> usize {
        self.name_ids.len()
    }

    /// The level of a name row.
    #[must_use]
    pub fn name_level(&self, name: usize) -> Option<u8> {
        self.name_levels.get(name).copied()
    }

    /// The sealed names, by name row.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn names(&self) -> Result<Reader<'a>> {
        let starts = self.container.column(section::NAME_BLOCK_STARTS)?;
        Ok(Reader::new(starts, self.container.require(section::NAME_BLOCKS)?, "name"))
    }

    /// The sealed request ids, by row; an empty one means that the source gave none.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn ids(&self) -> Result<Reader<'a>> {
        let starts = self.container.column(section::ID_BLOCK_STARTS)?;
        Ok(Reader::new(starts, self.container.require(section::ID_BLOCKS)?, "request id"))
    }

    /// The parts of a row, as a range of part numbers.
    #[must_use]
    pub fn parts_of(&self, row: usize) -> std::ops::Range<usize> {
        let start = self.part_starts.get(row).map_or(0, usize_of);
        let end = self.part_starts.get(row + 1).map_or(0, usize_of).min(self.part_count());
        start..end.max(start)
    }

    /// The row that a part belongs to.
    #[must_use]
    pub fn row_of_part(&self, part: usize) -> Option<usize> {
        let (mut low, mut high) = (0, self.row_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if usize_of(self.part_starts.get(middle + 1)?) <= part {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.row_count()).then_some(low)
    }

    /// The turns of conversations.
    #[must_use]
    pub fn turns(&self) -> &TurnColumns<'a> {
        &self.turns
    }

    /// The form of a part.
    #[must_use]
    pub fn form_of(&self, part: usize) -> Option<u32> {
        self.part_forms.get(part)
    }

    /// What a part is.
    #[must_use]
    pub fn kind_of(&self, part: usize) -> Option<PartKind> {
        PartKind::of_number(*self.part_kinds.get(part)?)
    }

    /// Signs of obfuscation of a part.
    #[must_use]
    pub fn flags_of(&self, part: usize) -> u8 {
        self.part_flags.get(part).copied().unwrap_or(0)
    }

    /// Which tokens of a part's text are disguised.
    #[must_use]
    pub fn disguised_of(&self, part: usize) -> Disguised {
        self.disguised_at(part).unwrap_or_default()
    }

    /// The same; `None` where there is nothing, or what cannot be.
    fn disguised_at(&self, part: usize) -> Option<Disguised> {
        let (places, form) = (self.part_disguised.get(part)?, self.part_forms.get(part)?);
        Disguised::from_bytes(*places, self.tokens_of(usize_of(form)).len())
    }

    /// The fingerprint of a form.
    #[must_use]
    pub fn fingerprint(&self, form: usize) -> Option<u128> {
        self.fingerprints.get(form)
    }

    /// The class of a form.
    #[must_use]
    pub fn class(&self, form: usize) -> u8 {
        self.classes.get(form).copied().unwrap_or(0)
    }

    /// Bytes of a form's text as first sent.
    #[must_use]
    pub fn text_bytes(&self, form: usize) -> u32 {
        self.form_bytes.get(form).unwrap_or(0)
    }

    /// The signature of a form.
    #[must_use]
    #[inline]
    pub fn signature(&self, form: usize) -> Option<&'a [u8; SKETCH_BYTES]> {
        let start = form.checked_mul(SKETCH_BYTES)?;
        self.signatures.get(start..start + SKETCH_BYTES)?.try_into().ok()
    }

    /// The embedding code of a form, or `None` where it has none.
    #[must_use]
    #[inline]
    pub fn code(&self, form: usize) -> Option<&'a [u8; SKETCH_BYTES]> {
        let start = form.checked_mul(SKETCH_BYTES)?;
        let code: &[u8; SKETCH_BYTES] = self.codes.get(start..start + SKETCH_BYTES)?.try_into().ok()?;
        (*code != EmbeddingCode::EMPTY.0).then_some(code)
    }

    /// Whether any form has a code.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        !self.codes.is_empty()
    }

    /// The signatures of the leaders, or their codes, in the order of the leaders.
    #[must_use]
    pub fn leader_sketches(&self, metric: Metric) -> &'a [[u8; SKETCH_BYTES]] {
        let column = match metric {
            Metric::UnequalBytes => self.signatures,
            Metric::HammingBits => self.codes,
        };
        let (sketches, _) = column.as_chunks();
        sketches.get(..self.leader_count()).unwrap_or(sketches)
    }

    /// Whether there is a graph of the leaders' codes.
    #[must_use]
    pub fn has_code_graph(&self) -> bool {
        self.container.section(section::CODE_GRAPH).is_some_and(|image| !image.is_empty())
    }

    /// The graph of the leaders' signatures ([`Metric::UnequalBytes`]) or codes ([`Metric::HammingBits`]); `None` where
    /// there is none and a scan serves. Opening costs under a microsecond.
    /// # Errors
    /// [`Error::Corrupt`] when its header contradicts the section, [`Error::SpecMismatch`] for the graph of another metric.
    pub fn graph(&self, metric: Metric, kernels: Kernels) -> Result<Option<Graph<'a>>> {
        let id = graph_section(metric);
        let Some(image) = self.container.section(id).filter(|image| !image.is_empty()) else { return Ok(None) };
        let origin = Origin { path: self.container.path(), offset: self.container.offset(id).unwrap_or(0) };
        Graph::open(image, origin, metric, kernels).map(Some)
    }

    /// Whether a form is the empty text, which has no signature.
    #[must_use]
    pub fn is_empty_text(&self, form: usize) -> bool {
        self.signature(form).is_none_or(|signature| *signature == Signature::EMPTY.0)
    }

    /// The members of a leader, as a range of forms.
    #[must_use]
    pub fn members_of(&self, leader: usize) -> std::ops::Range<usize> {
        let start = self.member_starts.get(leader).map_or(0, usize_of);
        let end = self.member_starts.get(leader + 1).map_or(0, usize_of).min(self.form_count());
        start..end.max(start)
    }

    /// The rows that use a form, ascending.
    pub fn uses_of(&self, form: usize) -> impl Iterator<Item = u32> + use<'a> {
        let uses = self.uses;
        let start = self.use_starts.get(form).map_or(0, usize_of);
        let end = self.use_starts.get(form + 1).map_or(0, usize_of).min(uses.len());
        (start..end.max(start)).filter_map(move |at| uses.get(at))
    }

    /// How many rows use a form.
    #[must_use]
    pub fn use_count(&self, form: usize) -> usize {
        let start = self.use_starts.get(form).map_or(0, usize_of);
        self.use_starts.get(form + 1).map_or(0, usize_of).saturating_sub(start)
    }

    /// The row of use number `index` of a form; uses ascend.
    #[must_use]
    pub fn use_at(&self, form: usize, index: usize) -> Option<u32> {
        let start = self.use_starts.get(form).map(usize_of)?;
        (index < self.use_count(form)).then(|| self.uses.get(start + index)).flatten()
    }

    /// The bands of the leaders.
    #[must_use]
    pub fn bands(&self) -> &Bands<'a> {
        &self.bands
    }

    /// The encoded anchors of a form.
    #[must_use]
    pub fn anchors(&self, form: usize) -> &'a [u8] {
        let start = self.anchor_starts.get(form).and_then(usize_of_u64).unwrap_or(0);
        let end = self.anchor_starts.get(form + 1).and_then(usize_of_u64).unwrap_or(0);
        self.anchors.get(start..end).unwrap_or(&[])
    }

    /// The token hashes of a form, ascending.
    #[must_use]
    pub fn tokens(&self, form: usize) -> Cow<'a, [u32]> {
        self.tokens_of(form).values()
    }

    fn tokens_of(&self, form: usize) -> Column<'a, u32> {
        let start = self.token_starts.get(form).and_then(usize_of_u64).unwrap_or(0);
        let end = self.token_starts.get(form + 1).and_then(usize_of_u64).unwrap_or(0);
        self.tokens.slice(start, end)
    }
}

/// The section of a segment's graph.
const fn graph_section(metric: Metric) -> u32 {
    match metric {
        Metric::UnequalBytes => section::SIGNATURE_GRAPH,
        Metric::HammingBits => section::CODE_GRAPH,
    }
}

//! Collects requests in memory and seals them as one segment.
//!
//! Taking a request in is cheap: its texts are looked up by fingerprint, nothing else. All order-dependent work happens
//! at the seal, over rows sorted by (time, identity), so a segment's bytes depend on the set of its requests alone.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3Builder;

use super::graphs::GraphTask;
use super::turns::{self, RequestTurns};
use super::{LEVELS, NO_TIME, NONE, OriginNames, filter, graphs, names, section};
use crate::column::encode;
use crate::error::{Error, Result};
use crate::family::anchor;
use crate::family::disguised::Disguised;
use crate::index::{SKETCH_BYTES, leaders, lsh::BandTables};
use crate::key::Keys;
use crate::num::{u32_of, u64_of, usize_of};
use crate::request::PartKind;
use crate::simd::Kernels;
use crate::sketch::EmbeddingCode;
use crate::store::segment::ContainerWriter;

/// One request with all that is kept of it.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    /// Keyed digest of its id, else of its raw line.
    pub identity: u128,
    /// The source's id; `None` shows the identity in hex.
    pub id: Option<String>,
    /// Unix time in ms, or [`NO_TIME`].
    pub time_ms: i64,
    /// Who sent it and from where.
    pub origin: OriginNames,
    /// Its parts.
    pub parts: Vec<PreparedPart>,
    /// The turns of its conversation.
    pub turns: RequestTurns,
}

/// One part with all that is kept of it.
#[derive(Debug, Clone)]
pub struct PreparedPart {
    /// What the part is.
    pub kind: PartKind,
    /// Keyed digest of class and normal form.
    pub fingerprint: u128,
    /// Bytes of the text as sent.
    pub bytes: u32,
    /// Signs of obfuscation.
    pub flags: u8,
    /// Which of its tokens are disguised.
    pub disguised: Disguised,
    /// The signature; all zero for the empty text.
    pub signature: [u8; SKETCH_BYTES],
    /// The embedding code; all zero where there is none.
    pub code: [u8; SKETCH_BYTES],
    /// Whether the normal form is empty: such a text is equal to itself and near nothing.
    pub is_empty: bool,
    /// Encoded template anchors.
    pub anchors: Vec<u8>,
    /// Token hashes, as they came; a segment keeps each once, ascending.
    pub tokens: Vec<u32>,
}

/// One part of a request that was taken in.
#[derive(Debug, Clone, Copy)]
struct PartRow {
    form: u32,
    kind: PartKind,
    flags: u8,
    disguised: Disguised,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    identity: u128,
    time_ms: i64,
    origin: u32,
    id: u32,
    parts: u32,
    part_count: u32,
}

type FastMap<K, V> = HashMap<K, V, Xxh3Builder>;

/// A segment in the making.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    rows: Vec<Row>,
    ids: Vec<Option<Box<str>>>,
    parts: Vec<PartRow>,
    forms: FastMap<u128, u32>,
    fingerprints: Vec<u128>,
    classes: Vec<u8>,
    form_bytes: Vec<u32>,
    signatures: Vec<[u8; SKETCH_BYTES]>,
    /// As many as there are forms, or none at all while no form has a code.
    codes: Vec<[u8; SKETCH_BYTES]>,
    empty: Vec<bool>,
    anchor_starts: Vec<usize>,
    anchors: Vec<u8>,
    token_starts: Vec<usize>,
    tokens: Vec<u32>,
    /// Room to put tokens in order.
    in_order: Vec<u32>,
    name_of: FastMap<(u8, Box<str>), u32>,
    origin_of: FastMap<[u32; LEVELS], u32>,
    turns: turns::Making,
}

/// What sealing a segment gave, for those who report it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealStats {
    /// Requests.
    pub requests: usize,
    /// Distinct texts.
    pub forms: usize,
    /// Texts that lead.
    pub leaders: usize,
}

impl SegmentBuilder {
    /// Requests taken in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was taken in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes held, roughly: what a memory budget is compared with.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.len() * 120
            + self.parts.len() * 8
            + self.fingerprints.len() * 230
            + self.codes.len() * SKETCH_BYTES
            + self.anchors.len()
            + self.tokens.len() * 4
            + self.name_of.len() * 80
            + self.turns.bytes()
    }

    /// The identities taken in, for whoever keeps repeats out.
    pub fn identities(&self) -> impl Iterator<Item = u128> + '_ {
        self.rows.iter().map(|row| row.identity)
    }

    /// Takes one request in. The caller has made sure that its identity is new.
    /// # Errors
    /// [`Error::LimitExceeded`] when a count would pass 32 bits; seal first.
    pub fn push(&mut self, request: PreparedRequest) -> Result<()> {
        let first_part = count(self.parts.len(), "parts of a segment")?;
        let id = count(self.ids.len(), "requests of a segment")?;
        let origin = self.origin(request.origin)?;
        let part_count = count(request.parts.len(), "parts of a request")?;
        self.turns.push(&request.turns, id, first_part, |place| request.parts.get(place).map_or(0, |part| part.bytes));
        for (place, part) in request.parts.iter().enumerate() {
            let form = self.form(part, request.turns.is_earlier(place))?;
            // A log of observed requests may say what cannot be of this text, and is not believed then.
            let tokens = self.tokens_of(usize_of(form)).len();
            let disguised = Disguised::from_bytes(part.disguised.bytes(), tokens).unwrap_or_default();
            self.parts.push(PartRow { form, kind: part.kind, flags: part.flags, disguised });
        }
        self.ids.push(request.id.map(String::into_boxed_str));
        self.rows.push(Row {
            identity: request.identity,
            time_ms: request.time_ms,
            origin,
            id,
            parts: first_part,
            part_count,
        });
        Ok(())
    }

    fn form(&mut self, part: &PreparedPart, is_earlier: bool) -> Result<u32> {
        // What tells an earlier turn again may be left out at the seal, and then must not have left its length behind.
        let sent_bytes = if is_earlier { u32::MAX } else { part.bytes };
        if let Some(form) = self.forms.get(&part.fingerprint) {
            // The shortest way a text was sent, so that the order of arrival does not show.
            let form = *form;
            let bytes = &mut self.form_bytes[usize_of(form)];
            *bytes = sent_bytes.min(*bytes);
            self.add_code(form, &part.code);
            return Ok(form);
        }
        let form = count(self.fingerprints.len(), "texts of a segment")?;
        self.forms.insert(part.fingerprint, form);
        self.fingerprints.push(part.fingerprint);
        self.classes.push(part.kind.class());
        self.form_bytes.push(sent_bytes);
        self.signatures.push(part.signature);
        self.empty.push(part.is_empty);
        self.anchor_starts.push(self.anchors.len());
        self.anchors.extend_from_slice(&part.anchors);
        self.token_starts.push(self.tokens.len());
        anchor::in_order(&part.tokens, &mut self.in_order);
        self.tokens.extend_from_slice(&self.in_order);
        if !self.codes.is_empty() {
            self.codes.push(NO_CODE);
        }
        self.add_code(form, &part.code);
        Ok(form)
    }

    /// Gives a form its code. Whoever observed a text may have made none, or a caller another one than the last: the greatest
    /// counts, so that the order of arrival does not show.
    fn add_code(&mut self, form: u32, code: &[u8; SKETCH_BYTES]) {
        if *code == NO_CODE {
            return;
        }
        if self.codes.is_empty() {
            self.codes.resize(self.fingerprints.len(), NO_CODE);
        }
        let held = &mut self.codes[usize_of(form)];
        *held = (*held).max(*code);
    }

    fn origin(&mut self, origin: OriginNames) -> Result<u32> {
        let mut row = [NONE; LEVELS];
        for (level, name) in (0_u8..).zip(origin) {
            if let Some(name) = name {
                let next = count(self.name_of.len(), "names of a segment")?;
                row[usize::from(level)] = *self.name_of.entry((level, name.into_boxed_str())).or_insert(next);
            }
        }
        let next = count(self.origin_of.len(), "origins of a segment")?;
        Ok(*self.origin_of.entry(row).or_insert(next))
    }

    /// Writes all sections of the segment; the caller finishes the file. Where `graph` says stop, the segment is whole but
    /// for its graphs, and searches scan it.
    /// # Errors
    /// [`Error::Io`].
    pub fn seal(
        mut self,
        keys: &Keys,
        kernels: Kernels,
        graph: &mut GraphTask<'_>,
        writer: &mut ContainerWriter,
    ) -> Result<SealStats> {
        self.leave_out_known_turns();
        self.rows.sort_unstable_by_key(|row| (row.time_ms, row.identity));
        let order = self.form_order();
        let (new_order, leader_count, member_starts) = lead(&self, &order, kernels);
        let mut new_of_old = vec![NONE; self.fingerprints.len()];
        for (new, old) in (0_u32..).zip(&new_order) {
            new_of_old[usize_of(*old)] = new;
        }
        self.write_requests(&new_of_old, new_order.len(), writer)?;
        self.write_forms(&new_order, leader_count, &member_starts, writer)?;
        self.write_origins(keys, writer)?;
        let ids: Vec<String> =
            self.rows.iter().map(|row| self.ids[usize_of(row.id)].as_deref().unwrap_or_default().to_owned()).collect();
        let (starts, blocks) = names::seal(keys, "request id", ids.iter().map(String::as_str));
        writer.section(section::ID_BLOCK_STARTS, &starts)?;
        writer.section(section::ID_BLOCKS, &blocks)?;
        self.write_graphs(&new_order, leader_count, kernels, graph, writer)?;
        Ok(SealStats { requests: self.rows.len(), forms: new_order.len(), leaders: leader_count })
    }

    /// Drops the parts that only tell again what another request of the segment asks. Rows are in order of arrival.
    fn leave_out_known_turns(&mut self) {
        let (known, kept) = self.turns.settle();
        for (part, bytes) in kept {
            let form = usize_of(self.parts[usize_of(part)].form);
            if self.form_bytes[form] == u32::MAX {
                self.form_bytes[form] = bytes;
            }
        }
        if known.is_empty() {
            return;
        }
        let mut parts = Vec::with_capacity(self.parts.len() - known.len());
        for row in &mut self.rows {
            let start = parts.len();
            let own = row.parts..row.parts + row.part_count;
            let kept = own.filter(|part| known.binary_search(part).is_err());
            parts.extend(kept.map(|part| self.parts[usize_of(part)]));
            row.parts = u32_of(start).unwrap_or(NONE);
            row.part_count = u32_of(parts.len() - start).unwrap_or(NONE);
        }
        self.parts = parts;
        self.turns.renumber(&known);
    }

    /// Forms in the order of their first use over the sorted rows.
    fn form_order(&self) -> Vec<u32> {
        let mut seen = vec![false; self.fingerprints.len()];
        let mut order = Vec::with_capacity(self.fingerprints.len());
        for row in &self.rows {
            for PartRow { form, .. } in self.parts_of(row) {
                if !std::mem::replace(&mut seen[usize_of(*form)], true) {
                    order.push(*form);
                }
            }
        }
        order
    }

    fn parts_of(&self, row: &Row) -> &[PartRow] {
        let start = usize_of(row.parts);
        &self.parts[start..start + usize_of(row.part_count)]
    }

    fn write_requests(&self, new_of_old: &[u32], form_count: usize, writer: &mut ContainerWriter) -> Result<()> {
        let mut by_identity: Vec<(u128, u32)> = (0_u32..).zip(&self.rows).map(|(row, r)| (r.identity, row)).collect();
        by_identity.sort_unstable();
        let identities: Vec<u128> = by_identity.iter().map(|(identity, _)| *identity).collect();
        writer.section(section::IDENTITIES, &encode(identities.iter().copied()))?;
        writer.section(section::IDENTITY_ROWS, &encode(by_identity.iter().map(|(_, row)| *row)))?;
        writer.section(section::IDENTITY_FILTER, &filter::build(&identities))?;
        writer.section(section::TIMES, &encode(self.rows.iter().map(|row| row.time_ms)))?;
        let mut starts = vec![0_u32];
        let mut forms = Vec::with_capacity(self.parts.len());
        let mut kinds = Vec::with_capacity(self.parts.len());
        let mut flags = Vec::with_capacity(self.parts.len());
        let mut disguised: Vec<[u8; 2]> = Vec::with_capacity(self.parts.len());
        let mut use_counts = vec![0_u32; form_count + 1];
        for row in &self.rows {
            for part in self.parts_of(row) {
                let form = new_of_old[usize_of(part.form)];
                use_counts[usize_of(form) + 1] += 1;
                forms.push(form);
                kinds.push(part.kind.number());
                flags.push(part.flags);
                disguised.push(part.disguised.bytes());
            }
            starts.push(count(forms.len(), "parts of a segment")?);
        }
        for index in 1..use_counts.len() {
            use_counts[index] += use_counts[index - 1];
        }
        let mut next = use_counts.clone();
        let mut uses = vec![0_u32; forms.len()];
        for (row, window) in (0_u32..).zip(starts.windows(2)) {
            for form in &forms[usize_of(window[0])..usize_of(window[1])] {
                let place = &mut next[usize_of(*form)];
                uses[usize_of(*place)] = row;
                *place += 1;
            }
        }
        writer.section(section::PART_STARTS, &encode(starts))?;
        writer.section(section::PART_FORMS, &encode(forms))?;
        writer.section(section::PART_KINDS, &kinds)?;
        writer.section(section::PART_FLAGS, &flags)?;
        // Most logs hold none at all.
        if disguised.iter().all(|places| *places == Disguised::NONE.bytes()) {
            disguised.clear();
        }
        writer.section(section::PART_DISGUISED, disguised.as_flattened())?;
        writer.section(section::USE_STARTS, &encode(use_counts))?;
        writer.section(section::USES, &encode(uses))?;
        self.write_turns(writer)
    }

    fn write_turns(&self, writer: &mut ContainerWriter) -> Result<()> {
        let mut new_row = vec![NONE; self.ids.len()];
        for (new, row) in (0_u32..).zip(&self.rows) {
            new_row[usize_of(row.id)] = new;
        }
        let new_part = if self.turns.has_earlier() {
            let parts = |row: &Row| usize_of(row.parts)..usize_of(row.parts) + usize_of(row.part_count);
            turns::new_parts(self.parts.len(), self.rows.iter().map(parts))
        } else {
            Vec::new()
        };
        let at = |new: &[u32], old: u32| new.get(usize_of(old)).copied().unwrap_or(NONE);
        self.turns.write(|row| at(&new_row, row), |part| at(&new_part, part), writer)
    }

    fn write_forms(
        &self,
        order: &[u32],
        leader_count: usize,
        member_starts: &[u32],
        writer: &mut ContainerWriter,
    ) -> Result<()> {
        let old = |new: usize| usize_of(order[new]);
        let column = |get: &dyn Fn(usize) -> u128| encode(order.iter().map(|form| get(usize_of(*form))));
        writer.section(section::FORM_FINGERPRINTS, &column(&|form| self.fingerprints[form]))?;
        let classes: Vec<u8> = order.iter().map(|form| self.classes[usize_of(*form)]).collect();
        writer.section(section::FORM_CLASSES, &classes)?;
        writer.section(section::FORM_BYTES, &encode(order.iter().map(|form| self.form_bytes[usize_of(*form)])))?;
        writer.section_of(
            section::FORM_SIGNATURES,
            order.iter().map(|form| self.signatures[usize_of(*form)].as_slice()),
        )?;
        writer.section(section::MEMBER_STARTS, &encode(member_starts.iter().copied()))?;
        let banded: Vec<u32> =
            (0..u32_of(leader_count).unwrap_or(NONE)).filter(|leader| !self.empty[old(usize_of(*leader))]).collect();
        let tables = BandTables::build(|leader| &self.signatures[old(leader)], &classes, &banded);
        writer.section(section::BAND_OFFSETS, &encode(tables.offsets))?;
        writer.section(section::BAND_IDS, &encode(tables.ids))?;
        writer.section(section::BAND_TAGS, &tables.tags)?;
        let mut starts = vec![0_u64];
        for form in order {
            starts.push(starts.last().unwrap_or(&0) + u64_of(self.anchors_of(usize_of(*form)).len()));
        }
        writer.section(section::ANCHOR_STARTS, &encode(starts))?;
        writer.section_of(section::ANCHORS, order.iter().map(|form| self.anchors_of(usize_of(*form))))?;
        let mut starts = vec![0_u64];
        let mut tokens = Vec::with_capacity(self.tokens.len());
        for form in order {
            tokens.extend_from_slice(self.tokens_of(usize_of(*form)));
            starts.push(u64_of(tokens.len()));
        }
        writer.section(section::TOKEN_STARTS, &encode(starts))?;
        writer.section(section::TOKENS, &encode(tokens))
    }

    /// The codes of all forms, and the graphs of the leaders.
    fn write_graphs(
        &self,
        order: &[u32],
        leader_count: usize,
        kernels: Kernels,
        graph: &mut GraphTask<'_>,
        writer: &mut ContainerWriter,
    ) -> Result<()> {
        let codes = order.iter().filter_map(|form| self.codes.get(usize_of(*form)));
        writer.section_of(section::FORM_CODES, codes.map(<[u8; SKETCH_BYTES]>::as_slice))?;
        let leaders = &order[..leader_count];
        let signatures = leaders.iter().map(|form| (&self.signatures[usize_of(*form)], self.empty[usize_of(*form)]));
        graphs::write(section::SIGNATURE_GRAPH, signatures, kernels, graph, writer)?;
        let codes = leaders.iter().filter_map(|form| self.codes.get(usize_of(*form)));
        graphs::write(section::CODE_GRAPH, codes.map(|code| (code, *code == NO_CODE)), kernels, graph, writer)
    }

    fn tokens_of(&self, form: usize) -> &[u32] {
        let end = self.token_starts.get(form + 1).copied().unwrap_or(self.tokens.len());
        &self.tokens[self.token_starts[form]..end]
    }

    fn anchors_of(&self, form: usize) -> &[u8] {
        let end = self.anchor_starts.get(form + 1).copied().unwrap_or(self.anchors.len());
        &self.anchors[self.anchor_starts[form]..end]
    }

    /// Names ascending by (level, keyed id), so that their order tells nothing of the input's order.
    fn write_origins(&self, keys: &Keys, writer: &mut ContainerWriter) -> Result<()> {
        let mut names: Vec<(u8, u128, &str, u32)> = self
            .name_of
            .iter()
            .map(|((level, name), index)| (*level, keys.name(*level, name), &**name, *index))
            .collect();
        names.sort_unstable();
        let mut new_name = vec![NONE; names.len()];
        for (new, (_, _, _, old)) in (0_u32..).zip(&names) {
            new_name[usize_of(*old)] = new;
        }
        let mut origins: Vec<([u32; LEVELS], u32)> = self
            .origin_of
            .iter()
            .map(|(row, old)| (row.map(|name| if name == NONE { NONE } else { new_name[usize_of(name)] }), *old))
            .collect();
        origins.sort_unstable();
        let mut new_origin = vec![NONE; origins.len()];
        for (new, (_, old)) in (0_u32..).zip(&origins) {
            new_origin[usize_of(*old)] = new;
        }
        writer.section(section::ORIGINS_OF, &encode(self.rows.iter().map(|row| new_origin[usize_of(row.origin)])))?;
        writer.section(section::ORIGINS, &encode(origins.iter().flat_map(|(row, _)| *row)))?;
        writer.section(section::NAME_IDS, &encode(names.iter().map(|(_, id, _, _)| *id)))?;
        writer.section(section::NAME_LEVELS, &names.iter().map(|(level, ..)| *level).collect::<Vec<_>>())?;
        let (starts, blocks) = names::seal(keys, "name", names.iter().map(|(_, _, name, _)| *name));
        writer.section(section::NAME_BLOCK_STARTS, &starts)?;
        writer.section(section::NAME_BLOCKS, &blocks)
    }
}

/// The code of a form that has none.
const NO_CODE: [u8; SKETCH_BYTES] = EmbeddingCode::EMPTY.0;

/// Orders the forms: leaders in `order`, then each leader's members in `order`; with the count of leaders and, for each,
/// where its members begin.
fn lead(builder: &SegmentBuilder, order: &[u32], kernels: Kernels) -> (Vec<u32>, usize, Vec<u32>) {
    let form = |index: usize| usize_of(order[index]);
    let leader_of = leaders::assign(
        order.len(),
        |index| &builder.signatures[form(index)],
        |index| builder.classes[form(index)],
        |index| builder.empty[form(index)],
        |a, b| kernels.unequal_bytes(a, b),
    );
    let mut rank = vec![NONE; order.len()];
    let mut new_order = Vec::with_capacity(order.len());
    for (index, leader) in leader_of.iter().enumerate() {
        if usize_of(*leader) == index {
            rank[index] = u32_of(new_order.len()).unwrap_or(NONE);
            new_order.push(order[index]);
        }
    }
    let leader_count = new_order.len();
    let mut members: Vec<(u32, u32)> = leader_of
        .iter()
        .enumerate()
        .filter(|(index, leader)| usize_of(**leader) != *index)
        .map(|(index, leader)| (rank[usize_of(*leader)], u32_of(index).unwrap_or(NONE)))
        .collect();
    members.sort_unstable();
    let mut member_starts = Vec::with_capacity(leader_count + 1);
    let mut at = 0;
    for leader in 0..u32_of(leader_count).unwrap_or(NONE) {
        member_starts.push(u32_of(leader_count + at).unwrap_or(NONE));
        while members.get(at).is_some_and(|(of, _)| *of == leader) {
            at += 1;
        }
    }
    member_starts.push(u32_of(leader_count + at).unwrap_or(NONE));
    new_order.extend(members.iter().map(|(_, index)| order[usize_of(*index)]));
    (new_order, leader_count, member_starts)
}

fn count(n: usize, limit: &'static str) -> Result<u32> {
    u32_of(n).filter(|n| *n < NONE).ok_or(Error::LimitExceeded { limit, got: u64_of(n), max: u64::from(NONE) - 1 })
}

/// The time of a request that has one.
#[must_use]
pub fn time_or_none(time_ms: Option<i64>) -> i64 {
    time_ms.unwrap_or(NO_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguised_places_that_a_text_has_not_are_not_kept() {
        let part = |tokens: &[u32], disguised| PreparedPart {
            kind: PartKind::LastUser,
            fingerprint: u128::from(u64_of(tokens.len())),
            bytes: 9,
            flags: 0,
            disguised,
            signature: [1; SKETCH_BYTES],
            code: [0; SKETCH_BYTES],
            is_empty: false,
            anchors: Vec::new(),
            tokens: tokens.to_vec(),
        };
        let last_of_two = Disguised::between(1..=1, 2);
        // The same token twice is one token.
        let parts = vec![part(&[5, 5, 5], last_of_two), part(&[6, 5], last_of_two)];
        let request = PreparedRequest {
            identity: 1,
            id: None,
            time_ms: 0,
            origin: OriginNames::default(),
            parts,
            turns: RequestTurns::default(),
        };
        let mut builder = SegmentBuilder::default();
        builder.push(request).expect("few");
        let kept: Vec<Disguised> = builder.parts.iter().map(|part| part.disguised).collect();
        assert_eq!(kept, [Disguised::NONE, last_of_two]);
    }
}

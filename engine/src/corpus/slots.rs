//! What stands in the slots of families, and bottom-k sketches of it: one a family, and one an account in a family, so that
//! it can be asked who shares which values.
//!
//! The slot value of a text is what it holds beside what its family shares: its tokens that few other texts of the
//! family hold. They are keyed hashes, and so is what is made of them. Values of less than [`VALUE_BYTES_MIN`] bytes are
//! repeated by chance and are not sketched. A sketch keeps the smallest hashes of a set (Broder 1997; Cohen and Kaplan 2007),
//! so two sketches have kept the same values as far as both reach.
//!
//! Hashes have 32 bits. One account of sixteen values, held against ten thousand others, meets one by chance in a family in
//! `16 * 160,000 / 2^32`, once in 1,700 times.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use xxhash_rust::xxh3::xxh3_64;

use crate::column::{Column, encode, span};
use crate::error::{CorruptKind, Result};
use crate::family::Families;
use crate::num::{f64_of, high32, low64, u32_of, u32_saturating, u64_of_f64, usize_of, usize_of_u64};
use crate::store::segment::{Container, ContainerWriter};

use super::NONE;
use super::families::section;
use super::population::Population;

/// A token that fewer than this share of a family's texts hold stands in a slot.
const SLOT_TOKEN_SHARE: f64 = 0.2;
/// Bytes of a slot value that is sketched, at least.
pub const VALUE_BYTES_MIN: u32 = 24;
/// Hashes kept of a family.
pub const FAMILY_HASHES: usize = 256;
/// Hashes kept of an account in a family.
pub const ACCOUNT_HASHES: usize = 16;

/// What stands in the slots of one text.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// Hash of its tokens.
    pub hash: u64,
    /// Length, estimated by the share of the text's tokens that they are.
    pub bytes: u32,
}

/// Calls `see` with the slot value of every text of one family that has one.
pub fn of_family(population: &Population<'_>, documents: &[u32], mut see: impl FnMut(u32, Value)) {
    // XXH3 of four bytes at a time was a seventh of the campaign stage.
    let mut held: HashMap<u32, u32, FixedState> = HashMap::default();
    for document in documents {
        for token in population.tokens(*document).iter() {
            *held.entry(*token).or_default() += 1;
        }
    }
    let most = (SLOT_TOKEN_SHARE * f64_of(documents.len())).max(1.5);
    let mut own = Vec::new();
    for document in documents {
        own.clear();
        let all = population.tokens(*document);
        own.extend(all.iter().copied().filter(|token| f64::from(held[token]) < most));
        if own.is_empty() {
            continue;
        }
        let place = population.documents[usize_of(*document)];
        let bytes = f64::from(population.view(place).text_bytes(usize_of(place.index)));
        let bytes = usize_of_u64(u64_of_f64(bytes * f64_of(own.len()) / f64_of(all.len().max(1))));
        let bytes = bytes.and_then(u32_of).unwrap_or(u32::MAX);
        see(*document, Value { hash: xxh3_64(&encode(own.iter().copied())).max(1), bytes });
    }
}

/// Sketches one after another, as they are written.
#[derive(Debug, Default)]
struct Sketches {
    starts: Vec<u32>,
    hashes: Vec<u32>,
    values: Vec<u32>,
    min_bytes: Vec<u32>,
    max_bytes: Vec<u32>,
    sum_bytes: Vec<u64>,
}

/// Sections of one kind of sketches.
struct Sections {
    starts: u32,
    hashes: u32,
    values: u32,
    min_bytes: u32,
    max_bytes: u32,
    sum_bytes: u32,
}

const OF_FAMILIES: Sections = Sections {
    starts: section::SLOT_STARTS,
    hashes: section::SLOT_HASHES,
    values: section::SLOT_VALUES,
    min_bytes: section::SLOT_MIN_BYTES,
    max_bytes: section::SLOT_MAX_BYTES,
    sum_bytes: section::SLOT_SUM_BYTES,
};

const OF_ACCOUNTS: Sections = Sections {
    starts: section::ACCOUNT_SLOT_STARTS,
    hashes: section::ACCOUNT_SLOT_HASHES,
    values: section::ACCOUNT_SLOT_VALUES,
    min_bytes: section::ACCOUNT_SLOT_MIN_BYTES,
    max_bytes: section::ACCOUNT_SLOT_MAX_BYTES,
    sum_bytes: section::ACCOUNT_SLOT_SUM_BYTES,
};

impl Sketches {
    /// Adds the sketch of some values, each a hash and a length in bytes, in any order and any number of times.
    fn push(&mut self, values: &mut Vec<(u32, u32)>, most: usize) {
        // Of values of one hash the longest stands for all, whatever the order.
        values.sort_unstable_by_key(|(hash, bytes)| (*hash, std::cmp::Reverse(*bytes)));
        values.dedup_by_key(|value| value.0);
        self.starts.push(u32_saturating(self.hashes.len()));
        self.hashes.extend(values.iter().take(most).map(|value| value.0));
        self.values.push(u32_saturating(values.len()));
        let bytes = || values.iter().map(|value| value.1);
        self.min_bytes.push(bytes().min().unwrap_or(0));
        self.max_bytes.push(bytes().max().unwrap_or(0));
        self.sum_bytes.push(bytes().map(u64::from).sum());
    }

    fn write(mut self, sections: &Sections, writer: &mut ContainerWriter) -> Result<()> {
        self.starts.push(u32_saturating(self.hashes.len()));
        writer.section(sections.starts, &encode(self.starts))?;
        writer.section(sections.hashes, &encode(self.hashes))?;
        writer.section(sections.values, &encode(self.values))?;
        writer.section(sections.min_bytes, &encode(self.min_bytes))?;
        writer.section(sections.max_bytes, &encode(self.max_bytes))?;
        writer.section(sections.sum_bytes, &encode(self.sum_bytes))
    }
}

/// Writes the sketches of all families and of their accounts.
pub(super) fn write(families: &Families, population: &Population<'_>, writer: &mut ContainerWriter) -> Result<()> {
    let family_of = |document: u32| families.of_document.get(usize_of(document)).copied().flatten().map(|m| m.family);
    let mut texts: Vec<(u32, u32)> = (0..u32_saturating(population.documents.len()))
        .filter_map(|document| Some((family_of(document)?, document)))
        .collect();
    texts.sort_unstable();
    // Hash and length of the value of each text; a length of 0 where there is none.
    let mut value_of = vec![(0_u32, 0_u32); population.documents.len()];
    let (mut members, mut values, mut sketches) = (Vec::new(), Vec::new(), Sketches::default());
    let mut runs = texts.chunk_by(|a, b| a.0 == b.0).peekable();
    for family in 0..u32_saturating(families.families.len()) {
        values.clear();
        if let Some(run) = runs.next_if(|run| run.first().is_some_and(|first| first.0 == family)) {
            members.clear();
            members.extend(run.iter().map(|text| text.1));
            of_family(population, &members, |document, value| {
                if value.bytes >= VALUE_BYTES_MIN {
                    let value = (high32(value.hash), value.bytes);
                    value_of[usize_of(document)] = value;
                    values.push(value);
                }
            });
        }
        sketches.push(&mut values, FAMILY_HASHES);
    }
    drop(texts);
    sketches.write(&OF_FAMILIES, writer)?;
    // (family, account, document)
    let mut sent: Vec<(u32, u32, u32)> = Vec::new();
    for part in &population.uses {
        let account = population.account_of[usize_of(part.request)];
        if account != NONE && value_of[usize_of(part.document)].1 > 0 {
            sent.extend(family_of(part.document).map(|family| (family, account, part.document)));
        }
    }
    sent.sort_unstable_by_key(|&(family, account, document)| (family, key_of(population, account), account, document));
    sent.dedup();
    let (mut sketches, mut keys, mut starts) = (Sketches::default(), Vec::new(), Vec::new());
    for run in sent.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some(&(family, account, _)) = run.first() else { continue };
        starts.resize(usize_of(family) + 1, u32_saturating(keys.len()));
        keys.push(key_of(population, account));
        values.clear();
        values.extend(run.iter().map(|sent| value_of[usize_of(sent.2)]));
        sketches.push(&mut values, ACCOUNT_HASHES);
    }
    starts.resize(families.families.len() + 1, u32_saturating(keys.len()));
    writer.section(section::SLOT_ACCOUNT_STARTS, &encode(starts))?;
    writer.section(section::SLOT_ACCOUNTS, &encode(keys))?;
    sketches.write(&OF_ACCOUNTS, writer)
}

/// By what an account is known in a family file: the low half of its keyed id.
fn key_of(population: &Population<'_>, account: u32) -> u64 {
    population.account_ids.get(usize_of(account)).map_or(0, |id| low64(*id))
}

/// The slot values of a family, or of one account in it.
#[derive(Debug, Clone, Copy)]
pub struct SlotSketch<'a> {
    /// Hashes of its values, ascending: the smallest ones, at most [`FAMILY_HASHES`] of a family and [`ACCOUNT_HASHES`] of
    /// an account.
    pub hashes: Column<'a, u32>,
    /// Distinct values, of which `hashes` has all or the smallest.
    pub values: u32,
    /// Bytes of the shortest one; 0 where there is none.
    pub min_bytes: u32,
    /// Bytes of the longest one.
    pub max_bytes: u32,
    /// Bytes of all together.
    pub sum_bytes: u64,
}

/// How far two sketches have the same values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Values that both have, among those that both would have kept.
    pub shared: u32,
    /// Values that either has, among the same.
    pub compared: u32,
}

impl Overlap {
    /// Estimated Jaccard similarity of the sets of values, 0 to 1; exact where both sketches have all of their values, else
    /// with a standard error of at most `.5 / sqrt(compared)`.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.shared) / f64::from(self.compared.max(1))
    }
}

impl SlotSketch<'_> {
    /// The largest hash up to which every value of the set is kept.
    fn reach(&self) -> u32 {
        let last = self.hashes.len().checked_sub(1).and_then(|last| self.hashes.get(last));
        last.filter(|_| usize_of(self.values) > self.hashes.len()).unwrap_or(u32::MAX)
    }

    /// Compares two sketches as far as both reach: past the smaller of their largest hashes one has let values go.
    #[must_use]
    pub fn overlap(&self, other: &SlotSketch<'_>) -> Overlap {
        let reach = self.reach().min(other.reach());
        let (mut mine, mut theirs) = (self.hashes.iter().peekable(), other.hashes.iter().peekable());
        let mut found = Overlap { shared: 0, compared: 0 };
        loop {
            let (left, right) = (mine.peek().copied(), theirs.peek().copied());
            let Some(least) = left.into_iter().chain(right).min().filter(|least| *least <= reach) else { break };
            let (is_mine, is_theirs) = (mine.next_if_eq(&least).is_some(), theirs.next_if_eq(&least).is_some());
            found.compared += 1;
            found.shared += u32::from(is_mine && is_theirs);
        }
        found
    }
}

/// The sketches of a store, opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotTables<'a> {
    families: SketchTable<'a>,
    accounts: SketchTable<'a>,
    account_starts: Column<'a, u32>,
    account_keys: Column<'a, u64>,
}

/// Sketches of one kind, opened.
#[derive(Debug, Clone, Copy)]
struct SketchTable<'a> {
    container: &'a Container,
    starts_section: u32,
    starts: Column<'a, u32>,
    hashes: Column<'a, u32>,
    values: Column<'a, u32>,
    min_bytes: Column<'a, u32>,
    max_bytes: Column<'a, u32>,
    sum_bytes: Column<'a, u64>,
}

impl<'a> SketchTable<'a> {
    fn open(container: &'a Container, sections: &Sections, rows: usize) -> Result<Self> {
        let table = Self {
            container,
            starts_section: sections.starts,
            starts: container.column(sections.starts)?,
            hashes: container.column(sections.hashes)?,
            values: container.column(sections.values)?,
            min_bytes: container.column(sections.min_bytes)?,
            max_bytes: container.column(sections.max_bytes)?,
            sum_bytes: container.column(sections.sum_bytes)?,
        };
        let fits = [
            (sections.starts, table.starts.len() == rows + 1),
            (sections.values, table.values.len() == rows),
            (sections.min_bytes, table.min_bytes.len() == rows),
            (sections.max_bytes, table.max_bytes.len() == rows),
            (sections.sum_bytes, table.sum_bytes.len() == rows),
        ];
        match fits.into_iter().find(|(_, fits)| !fits) {
            Some((id, _)) => Err(container.damaged(id, CorruptKind::Bounds)),
            None => Ok(table),
        }
    }

    fn get(&self, row: usize) -> Result<SlotSketch<'a>> {
        let damaged = || self.container.damaged(self.starts_section, CorruptKind::Bounds);
        let range = span(self.starts, row, self.hashes.len()).ok_or_else(damaged)?;
        Ok(SlotSketch {
            hashes: self.hashes.slice(range.start, range.end),
            values: self.values.get(row).ok_or_else(damaged)?,
            min_bytes: self.min_bytes.get(row).ok_or_else(damaged)?,
            max_bytes: self.max_bytes.get(row).ok_or_else(damaged)?,
            sum_bytes: self.sum_bytes.get(row).ok_or_else(damaged)?,
        })
    }
}

impl<'a> SlotTables<'a> {
    /// Views the sketches of `families` families; `None` in a file of an earlier build, which has none.
    pub(super) fn open(container: &'a Container, families: usize) -> Result<Option<Self>> {
        if container.section(section::SLOT_STARTS).is_none() {
            return Ok(None);
        }
        let account_keys: Column<'a, u64> = container.column(section::SLOT_ACCOUNTS)?;
        let account_starts: Column<'a, u32> = container.column(section::SLOT_ACCOUNT_STARTS)?;
        if account_starts.len() != families + 1 {
            return Err(container.damaged(section::SLOT_ACCOUNT_STARTS, CorruptKind::Bounds));
        }
        Ok(Some(Self {
            families: SketchTable::open(container, &OF_FAMILIES, families)?,
            accounts: SketchTable::open(container, &OF_ACCOUNTS, account_keys.len())?,
            account_starts,
            account_keys,
        }))
    }

    pub(super) fn of(&self, family: usize) -> Result<SlotSketch<'a>> {
        self.families.get(family)
    }

    /// The accounts of a family by ascending key, with their sketches.
    pub(super) fn accounts_of(&self, family: usize) -> Result<Vec<(u64, SlotSketch<'a>)>> {
        let damaged = || self.accounts.container.damaged(section::SLOT_ACCOUNTS, CorruptKind::Bounds);
        let row = |row| Ok((self.account_keys.get(row).ok_or_else(damaged)?, self.accounts.get(row)?));
        self.rows_of(family)?.map(row).collect()
    }

    pub(super) fn of_account(&self, family: usize, account: u64) -> Result<Option<SlotSketch<'a>>> {
        let rows = self.rows_of(family)?;
        let keys = self.account_keys.slice(rows.start, rows.end);
        let (mut from, mut to) = (0, keys.len());
        while from < to {
            let middle = from.midpoint(to);
            if keys.get(middle).is_some_and(|key| key < account) { from = middle + 1 } else { to = middle }
        }
        let is_there = keys.get(from) == Some(account);
        is_there.then(|| self.accounts.get(rows.start + from)).transpose()
    }

    fn rows_of(&self, family: usize) -> Result<std::ops::Range<usize>> {
        let damaged = || self.accounts.container.damaged(section::SLOT_ACCOUNT_STARTS, CorruptKind::Bounds);
        span(self.account_starts, family, self.account_keys.len()).ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::num::{low32, usize_of};

    /// The sketch of a set, as it is read after it was written.
    fn with_sketch<R>(set: &BTreeSet<u32>, most: usize, see: impl FnOnce(SlotSketch<'_>) -> R) -> R {
        let mut sketches = Sketches::default();
        let mut values: Vec<(u32, u32)> = set.iter().rev().chain(set).map(|hash| (*hash, 24 + hash % 1000)).collect();
        sketches.push(&mut values, most);
        let hashes = encode(sketches.hashes);
        see(SlotSketch {
            hashes: Column::new(&hashes).expect("whole values"),
            values: sketches.values[0],
            min_bytes: sketches.min_bytes[0],
            max_bytes: sketches.max_bytes[0],
            sum_bytes: sketches.sum_bytes[0],
        })
    }

    #[test]
    fn sketches_hold_the_smallest_and_compare_as_far_as_both_reach() {
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(7, |now| now.as_nanos());
        let mut state = low64(seed) | 1;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            low32(state)
        };
        for round in 0..300 {
            let (sizes, most) = ([random() % 600, random() % 600, random() % 600], [ACCOUNT_HASHES, FAMILY_HASHES]);
            let [common, mine, theirs] = sizes.map(|size| (0..size).map(|_| random()).collect::<BTreeSet<u32>>());
            let (mine, theirs): (BTreeSet<u32>, BTreeSet<u32>) = (&common | &mine, &common | &theirs);
            let most = most.map(|k| if round % 2 == 0 { k } else { FAMILY_HASHES });
            with_sketch(&mine, most[0], |left| {
                with_sketch(&theirs, most[1], |right| {
                    let smallest: Vec<u32> = mine.iter().copied().take(most[0]).collect();
                    assert_eq!(left.hashes.iter().collect::<Vec<_>>(), smallest, "seed {seed}");
                    assert_eq!(usize_of(left.values), mine.len(), "seed {seed}");
                    let bytes = || mine.iter().map(|hash| 24 + hash % 1000);
                    assert_eq!(left.sum_bytes, bytes().map(u64::from).sum::<u64>(), "seed {seed}");
                    assert_eq!(
                        (left.min_bytes, left.max_bytes),
                        (bytes().min().unwrap_or(0), bytes().max().unwrap_or(0))
                    );
                    let last = |set: &BTreeSet<u32>, most: usize| {
                        if set.len() > most { set.iter().nth(most - 1).copied().unwrap_or(0) } else { u32::MAX }
                    };
                    let reach = last(&mine, most[0]).min(last(&theirs, most[1]));
                    let below = |set: BTreeSet<u32>| u32_saturating(set.range(..=reach).count());
                    let expected = Overlap { shared: below(&mine & &theirs), compared: below(&mine | &theirs) };
                    let found = left.overlap(&right);
                    assert_eq!(found, expected, "seed {seed}");
                    assert_eq!(found, right.overlap(&left), "seed {seed}");
                    let exact = f64_of((&mine & &theirs).len()) / f64_of((&mine | &theirs).len().max(1));
                    // Six standard errors: no seed will show it.
                    let error = 3.0 / f64::from(found.compared.max(1)).sqrt();
                    assert!((found.share() - exact).abs() <= error, "seed {seed}: {} for {exact}", found.share());
                });
            });
        }
    }
}

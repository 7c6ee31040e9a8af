//! The family tables of a store: which families there are, and which texts belong to them.
//!
//! Derived from the segments and rewritten whole when they change; skeletons are sealed.

use crate::column::{Column, encode};
use crate::error::{CorruptKind, Error, Result};
use crate::family::live::Table;
use crate::family::{Anchors, Families, Variant};
use crate::key::Keys;
use crate::num::{u64_of, usize_of, usize_of_u64};
use crate::store::segment::{Container, ContainerWriter};

use serde::{Deserialize, Serialize};

use super::population::Population;
use super::slots::{SlotSketch, SlotTables};
use super::variants::VariantTables;
use super::{NONE, slots, variants};

/// Section numbers of a family file. They are on disk: never reuse one.
pub mod section {
    /// Ids, ascending; u64.
    pub const IDS: u32 = 1;
    /// Class of the texts; u8.
    pub const CLASSES: u32 = 2;
    /// Distinct texts; u32.
    pub const DOCUMENTS: u32 = 3;
    /// Parts; u64.
    pub const REQUESTS: u32 = 4;
    /// Distinct accounts; u32.
    pub const ACCOUNTS: u32 = 5;
    /// Distinct principals; u32.
    pub const PRINCIPALS: u32 = 6;
    /// Unix ms of the first request; i64.
    pub const FIRST: u32 = 7;
    /// Unix ms of the last request; i64.
    pub const LAST: u32 = 8;
    /// For each segment, how many forms the ones before it have, and the sum; u64.
    pub const FORM_STARTS: u32 = 10;
    /// Best family of each form of each segment; u32.
    pub const FORM_FAMILIES: u32 = 11;
    /// For each form the first of its matches, and one more; u32.
    pub const MATCH_STARTS: u32 = 12;
    /// All families a form holds, best first; u32.
    pub const MATCHES: u32 = 13;
    /// For each family the first byte of its sealed skeleton, and one more; u64.
    pub const SKELETON_STARTS: u32 = 20;
    /// Sealed skeletons.
    pub const SKELETONS: u32 = 21;
    /// What a gateway looks new texts up in, as [`crate::family::live::Table::seal`] wrote it.
    pub const LOOKUP: u32 = 30;
    /// For each family the first of its variants, and one more; u32. This and the next ones are absent in files of
    /// earlier builds.
    pub const VARIANT_STARTS: u32 = 40;
    /// Id of each variant, ascending within a family; u64.
    pub const VARIANT_IDS: u32 = 41;
    /// Distinct texts of each variant; u32.
    pub const VARIANT_DOCUMENTS: u32 = 42;
    /// Its parts; u64.
    pub const VARIANT_REQUESTS: u32 = 43;
    /// Its distinct accounts; u32.
    pub const VARIANT_ACCOUNTS: u32 = 44;
    /// Unix ms of its first request; i64.
    pub const VARIANT_FIRST: u32 = 45;
    /// Unix ms of its last request; i64.
    pub const VARIANT_LAST: u32 = 46;
    /// Forms that have a variant, ascending, numbered over all segments; u64.
    pub const VARIANT_FORMS: u32 = 47;
    /// The variant of each of them; u32.
    pub const FORM_VARIANTS: u32 = 48;
    /// For each family the first hash of its slot values, and one more; u32. This and the next ones are absent in files of
    /// earlier builds.
    pub const SLOT_STARTS: u32 = 50;
    /// The smallest hashes of each family's slot values, ascending, at most [`super::slots::FAMILY_HASHES`]; u32.
    pub const SLOT_HASHES: u32 = 51;
    /// Distinct slot values of each family; u32.
    pub const SLOT_VALUES: u32 = 52;
    /// Bytes of the shortest; u32.
    pub const SLOT_MIN_BYTES: u32 = 53;
    /// Bytes of the longest; u32.
    pub const SLOT_MAX_BYTES: u32 = 54;
    /// Bytes of all; u64.
    pub const SLOT_SUM_BYTES: u32 = 55;
    /// For each family the first of its accounts that sent a slot value, and one more; u32.
    pub const SLOT_ACCOUNT_STARTS: u32 = 60;
    /// Low half of the keyed id of each of them, ascending within a family; u64.
    pub const SLOT_ACCOUNTS: u32 = 61;
    /// As 50 to 55, of each account within its family, at most [`super::slots::ACCOUNT_HASHES`] hashes; u32.
    pub const ACCOUNT_SLOT_STARTS: u32 = 62;
    /// Hashes; u32.
    pub const ACCOUNT_SLOT_HASHES: u32 = 63;
    /// Distinct values; u32.
    pub const ACCOUNT_SLOT_VALUES: u32 = 64;
    /// Bytes of the shortest; u32.
    pub const ACCOUNT_SLOT_MIN_BYTES: u32 = 65;
    /// Bytes of the longest; u32.
    pub const ACCOUNT_SLOT_MAX_BYTES: u32 = 66;
    /// Bytes of all; u64.
    pub const ACCOUNT_SLOT_SUM_BYTES: u32 = 67;
}

/// What a family's texts were made of, as it is kept: sealed, and nothing else of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skeleton {
    /// Fixed text and slots, in the order of the prompt.
    pub pieces: Vec<Piece>,
}

/// A stretch of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Fixed text, found in at least four distinct texts.
    Text(String),
    /// What varies.
    Slot(Slot),
}

/// What varies in a skeleton.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// `constant`, `enum`, `number` or `free`.
    pub kind: String,
    /// Bytes of the shortest value seen.
    pub min_bytes: u64,
    /// Bytes of the longest value seen.
    pub max_bytes: u64,
    /// Distinct values among the texts looked at.
    pub distinct: u64,
}

impl std::fmt::Display for Skeleton {
    /// Fixed text as it is, and each slot as `{slot 1: 40-2600 B, 1998 distinct}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut number = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Slot(Slot { min_bytes, max_bytes, distinct, .. }) => {
                    number += 1;
                    write!(f, "{{slot {number}: {min_bytes}-{max_bytes} B, {distinct} distinct}}")?;
                }
            }
        }
        Ok(())
    }
}

/// One family, as a table row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyInfo {
    /// Its id.
    pub id: u64,
    /// The class of its texts.
    pub class: u8,
    /// Distinct texts.
    pub documents: u32,
    /// Parts that are made from it.
    pub requests: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Distinct principals.
    pub principals: u32,
    /// Unix ms of its first request, or [`super::NO_TIME`].
    pub first_ms: i64,
    /// Unix ms of its last request.
    pub last_ms: i64,
}

/// Writes the tables; `skeletons` has one entry a family.
/// # Errors
/// [`Error::Io`].
pub fn write(
    families: &Families,
    population: &Population<'_>,
    skeletons: &[Option<Skeleton>],
    keys: &Keys,
    writer: &mut ContainerWriter,
) -> Result<()> {
    let rows = &families.families;
    writer.section(section::IDS, &encode(rows.iter().map(|family| family.id)))?;
    writer.section(section::CLASSES, &encode(rows.iter().map(|family| family.class)))?;
    writer.section(section::DOCUMENTS, &encode(rows.iter().map(|family| family.documents)))?;
    writer.section(section::REQUESTS, &encode(rows.iter().map(|family| family.requests)))?;
    writer.section(section::ACCOUNTS, &encode(rows.iter().map(|family| family.accounts)))?;
    writer.section(section::PRINCIPALS, &encode(rows.iter().map(|family| family.principals)))?;
    writer.section(section::FIRST, &encode(rows.iter().map(|family| family.first_ms)))?;
    writer.section(section::LAST, &encode(rows.iter().map(|family| family.last_ms)))?;
    let mut form_starts = vec![0_u64];
    let mut best = Vec::new();
    let mut starts = vec![0_u32];
    let mut matches = Vec::new();
    for (segment, view) in population.views().iter().enumerate() {
        for form in 0..view.form_count() {
            let document = usize_of(population.document_of(segment, form));
            best.push(families.of_document.get(document).copied().flatten().map_or(NONE, |found| found.family));
            let range = families.match_starts.get(document).zip(families.match_starts.get(document + 1));
            if let Some((start, end)) = range {
                let held = families.matches.get(usize_of(*start)..usize_of(*end)).unwrap_or(&[]);
                matches.extend(held.iter().map(|held| held.family));
            }
            starts.push(crate::num::u32_saturating(matches.len()));
        }
        form_starts.push(u64_of(best.len()));
    }
    writer.section(section::FORM_STARTS, &encode(form_starts))?;
    writer.section(section::FORM_FAMILIES, &encode(best))?;
    writer.section(section::MATCH_STARTS, &encode(starts))?;
    writer.section(section::MATCHES, &encode(matches))?;
    let mut skeleton_starts = vec![0_u64];
    let mut sealed = Vec::new();
    for skeleton in skeletons {
        if let Some(skeleton) = skeleton {
            let plain = serde_json::to_vec(skeleton).expect("a skeleton is plain text and numbers");
            sealed.extend_from_slice(&keys.seal("skeleton", &plain));
        }
        skeleton_starts.push(u64_of(sealed.len()));
    }
    writer.section(section::SKELETON_STARTS, &encode(skeleton_starts))?;
    writer.section(section::SKELETONS, &sealed)?;
    let documents = crate::num::u32_saturating(population.documents.len());
    writer.section(section::LOOKUP, &Table::seal(families, documents))?;
    variants::write(&families.variants, population, writer)?;
    slots::write(families, population, writer)
}

/// The family tables of a store, opened.
#[derive(Debug, Clone, Copy)]
pub struct FamilyTables<'a> {
    container: &'a Container,
    ids: Column<'a, u64>,
    form_starts: Column<'a, u64>,
    form_families: Column<'a, u32>,
    match_starts: Column<'a, u32>,
    matches: Column<'a, u32>,
    skeleton_starts: Column<'a, u64>,
    skeletons: &'a [u8],
    lookup: Option<Table<'a>>,
}

impl<'a> FamilyTables<'a> {
    /// Views `container` as family tables.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn new(container: &'a Container) -> Result<Self> {
        let tables = Self {
            container,
            ids: container.column(section::IDS)?,
            form_starts: container.column(section::FORM_STARTS)?,
            form_families: container.column(section::FORM_FAMILIES)?,
            match_starts: container.column(section::MATCH_STARTS)?,
            matches: container.column(section::MATCHES)?,
            skeleton_starts: container.column(section::SKELETON_STARTS)?,
            skeletons: container.require(section::SKELETONS)?,
            lookup: match container.section(section::LOOKUP) {
                Some(bytes) => {
                    let damaged = || container.damaged(section::LOOKUP, CorruptKind::Bounds);
                    Some(Table::open(bytes).ok_or_else(damaged)?)
                }
                None => None,
            },
        };
        let forms = tables.form_families.len();
        let rows = tables.ids.len();
        let fits = [
            (section::MATCH_STARTS, tables.match_starts.len() == forms + 1),
            (section::SKELETON_STARTS, tables.skeleton_starts.len() == rows + 1),
            (section::CLASSES, container.require(section::CLASSES)?.len() == rows),
            (section::DOCUMENTS, container.column::<u32>(section::DOCUMENTS)?.len() == rows),
            (section::REQUESTS, container.column::<u64>(section::REQUESTS)?.len() == rows),
            (section::ACCOUNTS, container.column::<u32>(section::ACCOUNTS)?.len() == rows),
            (section::PRINCIPALS, container.column::<u32>(section::PRINCIPALS)?.len() == rows),
            (section::FIRST, container.column::<i64>(section::FIRST)?.len() == rows),
            (section::LAST, container.column::<i64>(section::LAST)?.len() == rows),
        ];
        match fits.into_iter().find(|(_, fits)| !fits) {
            Some((id, _)) => Err(container.damaged(id, CorruptKind::Bounds)),
            None => Ok(tables),
        }
    }

    /// Number of families.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// One family.
    /// # Errors
    /// [`Error::Corrupt`] when there is no such row.
    pub fn info(&self, family: usize) -> Result<FamilyInfo> {
        let lost = || self.container.damaged(section::IDS, CorruptKind::Bounds);
        let u32_at = |id| self.container.column::<u32>(id)?.get(family).ok_or_else(lost);
        let i64_at = |id| self.container.column::<i64>(id)?.get(family).ok_or_else(lost);
        Ok(FamilyInfo {
            id: self.ids.get(family).ok_or_else(lost)?,
            class: *self.container.require(section::CLASSES)?.get(family).ok_or_else(lost)?,
            documents: u32_at(section::DOCUMENTS)?,
            requests: self.container.column::<u64>(section::REQUESTS)?.get(family).ok_or_else(lost)?,
            accounts: u32_at(section::ACCOUNTS)?,
            principals: u32_at(section::PRINCIPALS)?,
            first_ms: i64_at(section::FIRST)?,
            last_ms: i64_at(section::LAST)?,
        })
    }

    /// The id of a family as users see it.
    #[must_use]
    pub fn name(&self, family: u32) -> Option<String> {
        self.ids.get(usize_of(family)).map(|id| format!("{id:016x}"))
    }

    /// The best family of a form, or `None`.
    #[must_use]
    pub fn of_form(&self, segment: usize, form: usize) -> Option<u32> {
        let start = usize_of_u64(self.form_starts.get(segment)?)?;
        self.form_families.get(start.checked_add(form)?).filter(|family| *family != NONE)
    }

    /// The id of the variant that a form has within its best family, or `None`.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn variant_of_form(&self, segment: usize, form: usize) -> Result<Option<u64>> {
        let at = self.form_starts.get(segment).and_then(|start| start.checked_add(u64_of(form)));
        let Some((at, variants)) = at.zip(VariantTables::open(self.container, self.len())?) else { return Ok(None) };
        Ok(variants.of_form(at))
    }

    /// The variants of a family by ascending id: at most [`crate::family::variants::VARIANTS_MAX`], mostly none.
    /// # Errors
    /// [`Error::Corrupt`], also when there is no such family.
    pub fn variants(&self, family: usize) -> Result<Vec<Variant>> {
        let variants = VariantTables::open(self.container, self.len())?;
        variants.map_or(Ok(Vec::new()), |variants| variants.of_family(family))
    }

    /// What is kept of a family's slot values: the smallest [`super::slots::FAMILY_HASHES`] hashes of them and their
    /// lengths. `None` in a file of an earlier build.
    /// # Errors
    /// [`Error::Corrupt`], also when there is no such family.
    pub fn slots_of(&self, family: usize) -> Result<Option<SlotSketch<'a>>> {
        self.slots()?.map(|slots| slots.of(family)).transpose()
    }

    /// The same of what one account sent, with [`super::slots::ACCOUNT_HASHES`] hashes; `account` is the low half of its keyed
    /// id. `None` where it sent no slot value in the family, and in a file of an earlier build.
    /// # Errors
    /// [`Error::Corrupt`], also when there is no such family.
    pub fn slots_of_account(&self, family: usize, account: u64) -> Result<Option<SlotSketch<'a>>> {
        self.slots()?.map_or(Ok(None), |slots| slots.of_account(family, account))
    }

    /// Every account that sent a slot value in a family, by ascending key, with its sketch.
    /// # Errors
    /// [`Error::Corrupt`], also when there is no such family.
    pub fn slots_of_accounts(&self, family: usize) -> Result<Vec<(u64, SlotSketch<'a>)>> {
        self.slots()?.map_or(Ok(Vec::new()), |slots| slots.accounts_of(family))
    }

    /// Looked at when asked for: a gateway views the tables at every prompt, and asks for no slots.
    fn slots(&self) -> Result<Option<SlotTables<'a>>> {
        SlotTables::open(self.container, self.len())
    }

    /// The family of a text that no segment holds, from its anchors alone.
    #[must_use]
    pub fn of_anchors(&self, anchors: &Anchors, class: u8) -> Option<FamilyInfo> {
        let found = self.lookup?.find(anchors, class)?;
        self.info(usize_of(found.family)).ok()
    }

    /// Every family that a form holds, best first.
    pub fn matches_of(&self, segment: usize, form: usize) -> impl Iterator<Item = u32> + use<'a> {
        let at = self.form_starts.get(segment).and_then(usize_of_u64).and_then(|start| start.checked_add(form));
        let bound = |at: Option<usize>| at.and_then(|at| self.match_starts.get(at)).map_or(0, usize_of);
        let (start, end) = (bound(at), bound(at.and_then(|at| at.checked_add(1))).min(self.matches.len()));
        let matches = self.matches;
        (start..end.max(start)).filter_map(move |at| matches.get(at))
    }

    /// The skeleton of a family, where one was rendered.
    /// # Errors
    /// [`Error::Corrupt`] when it does not open under `keys`.
    pub fn skeleton(&self, keys: &Keys, family: usize) -> Result<Option<Skeleton>> {
        let bound = |at| self.skeleton_starts.get(at).and_then(usize_of_u64).unwrap_or(0);
        let sealed = self.skeletons.get(bound(family)..bound(family + 1)).unwrap_or(&[]);
        if sealed.is_empty() {
            return Ok(None);
        }
        let damaged = || self.container.damaged(section::SKELETONS, CorruptKind::Sealed);
        let plain = keys.open("skeleton", sealed).ok_or_else(damaged)?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| damaged())
    }
}

/// Tables that were mined from other segments than the live ones tell of another store.
/// # Errors
/// [`Error::InvalidArgument`] naming the remedy.
pub fn stale() -> Error {
    Error::InvalidArgument {
        argument: "--store",
        reason:
            "its families are not mined from what is in it now; run `promptprint index` or `promptprint families --log`"
                .to_owned(),
    }
}

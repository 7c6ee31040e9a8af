//! Banks of known prompts: built from texts or from families of a store, kept in the store, held against its families.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3Builder;

use super::Skipped;
use super::compact::file_identity;
use crate::campaign::bank::{CORE_MAX, Entry};
use crate::campaign::{Bank, Polarity};
use crate::corpus::families::FamilyTables;
use crate::corpus::population::Population;
use crate::corpus::prepare::{PrepareScratch, Preparer};
use crate::error::{Error, Result};
use crate::family::Anchors;
use crate::family::packed::decode_into;
use crate::key::{Keys, hex};
use crate::limits::PROMPT_BYTES_MAX;
use crate::num::{f64_of, u32_saturating, usize_of};
use crate::request::PartKind;
use crate::request::parse::{self, ParseOptions};
use crate::request::source::{Batch, LineReader};
use crate::sketch::spec::Spec;
use crate::store::segment::FileKind;
use crate::store::{Maintainer, Store};

/// The one section of a bank file in a store: the bank's own bytes.
pub const BANK_IMAGE: u32 = 1;
/// Texts of a family from which its core is read.
const CORE_TEXTS: usize = 64;
/// Share of them that must hold a fingerprint of the core.
const CORE_SHARE: f64 = 0.5;
/// A text of which an entry holds this share already adds none.
const REPEATED_SHARE: f64 = 0.9;
/// Entries of one fingerprint that a new text is compared with; the latest are kept.
const COMPARED_MAX: usize = 64;
/// Bytes of a bank file at most: a million entries of 64 fingerprints.
const FILE_BYTES_MAX: usize = 1 << 29;

/// What a bank is called and says.
#[derive(Debug, Clone)]
pub struct BankLabel {
    /// Its name.
    pub name: String,
    /// The licence of its sources.
    pub licence: String,
    /// What being in it says.
    pub polarity: Polarity,
}

impl BankLabel {
    fn bank(self, spec: Spec, keys: &Keys) -> Bank {
        let Self { name, licence, polarity } = self;
        Bank { name, licence, polarity, spec: spec.encode(), key_check: keys.check(), entries: Vec::new() }
    }
}

/// Builds a bank of the distinct texts in `sources`, one entry each: the prompts of logs in any form that `index` reads,
/// and files ending in `.txt` or `.md` as one prompt each. Only keyed fingerprints of the texts are kept.
/// # Errors
/// [`Error::Io`]; [`Error::InvalidArgument`] when there is no text; [`Error::LimitExceeded`].
pub fn bank_of_texts(preparer: &Preparer, label: BankLabel, sources: &[PathBuf]) -> Result<(Bank, Skipped)> {
    let mut building = Building {
        bank: label.bank(preparer.spec(), preparer.keys()),
        preparer,
        scratch: PrepareScratch::default(),
        holders: HashMap::default(),
    };
    let mut skipped = Skipped::default();
    for source in sources {
        let ending = source.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "txt" | "md") {
            building.take_file(source)?;
        } else {
            building.take_log(source, &mut skipped)?;
        }
    }
    if building.bank.entries.is_empty() {
        let reason = "no text was found in what is given".to_owned();
        return Err(Error::InvalidArgument { argument: "SOURCE", reason });
    }
    building.bank.encode()?;
    Ok((building.bank, skipped))
}

/// A bank in the making.
struct Building<'a> {
    bank: Bank,
    preparer: &'a Preparer,
    scratch: PrepareScratch,
    /// Entries that hold a fingerprint.
    holders: HashMap<u64, Vec<u32>, Xxh3Builder>,
}

impl Building<'_> {
    fn take_file(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read(path).map_err(|source| Error::io("read the prompt", path, source))?;
        let text = text.get(..PROMPT_BYTES_MAX).unwrap_or(&text);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.take(name, PartKind::Prompt, text);
        Ok(())
    }

    fn take_log(&mut self, path: &Path, skipped: &mut Skipped) -> Result<()> {
        let mut reader = LineReader::open(path)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut batch = Batch::default();
        let (mut scratch, mut parsed) = (parse::Scratch::default(), Vec::new());
        let options = ParseOptions::default();
        while reader.next_batch(1024, 8 << 20, &mut batch)? > 0 || !batch.skipped().is_empty() {
            for (line, reason) in batch.skipped() {
                skipped.add(reader.name(), *line, reason.clone());
            }
            for line in batch.lines() {
                parsed.clear();
                if let Err(reason) = parse::parse_line(line.bytes, &options, &mut scratch, &mut parsed) {
                    skipped.add(reader.name(), line.number, reason);
                }
                for request in parsed.drain(..).map(|parsed| parsed.request) {
                    let name = request.id.unwrap_or_else(|| format!("{stem}:{}", line.number));
                    for part in request.parts.iter().filter(|part| part.kind.has_family()) {
                        self.take(name.clone(), part.kind, part.text.as_bytes());
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds one text, unless an entry holds nearly all of it.
    fn take(&mut self, name: String, kind: PartKind, text: &[u8]) {
        let (mut encoded, mut tokens, mut anchors) = (Vec::new(), Vec::new(), Anchors::default());
        self.preparer.fingerprint(kind, text, &mut self.scratch);
        if self.scratch.normal_form().is_empty() {
            return;
        }
        self.preparer.anchors(kind, &mut self.scratch, &mut encoded, &mut tokens);
        decode_into(&encoded, &mut anchors);
        let mut core: Vec<u64> = anchors.anchors.iter().map(|anchor| anchor.fingerprint).collect();
        core.sort_unstable();
        core.dedup();
        let mut shared: HashMap<u32, usize> = HashMap::new();
        for holders in core.iter().filter_map(|fingerprint| self.holders.get(fingerprint)) {
            for entry in holders.iter().rev().take(COMPARED_MAX) {
                *shared.entry(*entry).or_default() += 1;
            }
        }
        let most = shared.into_values().max().unwrap_or(0);
        if f64_of(most) >= REPEATED_SHARE * f64_of(core.len()) {
            return;
        }
        let number = u32_saturating(self.bank.entries.len());
        for fingerprint in &core {
            self.holders.entry(*fingerprint).or_default().push(number);
        }
        self.bank.entries.push(Entry { name: cut(name), core });
    }
}

/// A label no longer than a bank takes.
fn cut(mut name: String) -> String {
    let mut end = name.len().min(512);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

/// Builds a bank of families of a store, named by their ids (hex).
/// # Errors
/// [`Error::InvalidArgument`] when there is no such family.
pub fn bank_of_families(
    population: &Population<'_>,
    tables: &FamilyTables<'_>,
    label: BankLabel,
    (spec, keys): (Spec, &Keys),
    ids: &[String],
) -> Result<Bank> {
    let mut bank = label.bank(spec, keys);
    let mut names = HashMap::new();
    for family in 0..u32_saturating(tables.len()) {
        names.extend(tables.name(family).map(|name| (name, family)));
    }
    let family_of: Vec<u32> = families_of_documents(population, tables);
    let cores = cores(population, &family_of, tables.len());
    for id in ids {
        let Some(&family) = names.get(id) else {
            let reason = format!("{id} is no family of this store");
            return Err(Error::InvalidArgument { argument: "--family", reason });
        };
        let core = cores.get(usize_of(family)).cloned().unwrap_or_default();
        bank.entries.push(Entry { name: id.clone(), core });
    }
    Ok(bank)
}

/// The family of each document, by the tables of the store.
pub(super) fn families_of_documents(population: &Population<'_>, tables: &FamilyTables<'_>) -> Vec<u32> {
    let of = |place: &crate::corpus::population::Place| {
        tables.of_form(usize_of(place.segment), usize_of(place.index)).unwrap_or(crate::corpus::NONE)
    };
    population.documents.iter().map(of).collect()
}

/// For each family the fingerprints that half of its texts hold, ascending; `family` has one for each document.
#[must_use]
pub fn cores(population: &Population<'_>, family: &[u32], families: usize) -> Vec<Vec<u64>> {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); families];
    for (document, family) in (0_u32..).zip(family) {
        if let Some(members) = members.get_mut(usize_of(*family)) {
            members.push(document);
        }
    }
    members.par_iter().map(|members| core(population, members)).collect()
}

fn core(population: &Population<'_>, members: &[u32]) -> Vec<u64> {
    let step = members.len().div_ceil(CORE_TEXTS).max(1);
    let (mut held, mut anchors) = (Vec::new(), Anchors::default());
    let mut read = 0_usize;
    for document in members.iter().step_by(step) {
        let Some(place) = population.documents.get(usize_of(*document)) else { continue };
        decode_into(population.view(*place).anchors(usize_of(place.index)), &mut anchors);
        held.extend(anchors.anchors.iter().map(|anchor| anchor.fingerprint));
        read += 1;
    }
    held.sort_unstable();
    let least = CORE_SHARE * f64_of(read);
    let mut core: Vec<u64> = held
        .chunk_by(|a, b| a == b)
        .filter(|run| f64_of(run.len()) >= least)
        .filter_map(|run| run.first().copied())
        .collect();
    core.truncate(CORE_MAX);
    core
}

/// Reads a bank file for the store whose manifest is at hand.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`]; [`Error::SpecMismatch`] when the bank was built under another key or spec.
pub fn read_bank(path: &Path, store: &Store) -> Result<Bank> {
    let bytes = store.fs().read(path, FILE_BYTES_MAX)?;
    let bank = Bank::decode(&bytes, path)?;
    check(&bank, path, store)?;
    Ok(bank)
}

fn check(bank: &Bank, path: &Path, store: &Store) -> Result<()> {
    let manifest = store.manifest();
    if hex(&bank.key_check) == manifest.key_check && hex(&bank.spec) == manifest.spec {
        return Ok(());
    }
    let what = format!(
        "{} was built under another key or spec than the store's; build it again from its texts with `promptprint bank build`",
        path.display()
    );
    Err(Error::SpecMismatch { what })
}

/// The banks that a store keeps, in the order of their import.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`].
pub fn banks(store: &Store) -> Result<Vec<Bank>> {
    let mut banks = Vec::with_capacity(store.manifest().banks.len());
    for file in &store.manifest().banks {
        let container = store.container(file, FileKind::Bank)?;
        banks.push(Bank::decode(container.require(BANK_IMAGE)?, container.path())?);
    }
    Ok(banks)
}

/// Puts a bank into the store, in the place of one of the same name; says whether there was one.
/// # Errors
/// [`Error::SpecMismatch`], [`Error::Io`].
pub fn import_bank(maintainer: &mut Maintainer, keys: &Keys, spec: Spec, bank: &Bank, path: &Path) -> Result<bool> {
    check(bank, path, maintainer.store())?;
    let known = banks(maintainer.store())?;
    let (file, mut writer) = maintainer.create(FileKind::Bank, file_identity(keys, spec))?;
    writer.section(BANK_IMAGE, &bank.encode()?)?;
    writer.finish()?;
    let mut manifest = maintainer.store().manifest().clone();
    let place = known.iter().position(|known| known.name == bank.name);
    match place.and_then(|place| manifest.banks.get_mut(place)) {
        Some(held) => *held = file,
        None => manifest.banks.push(file),
    }
    maintainer.publish(manifest)?;
    Ok(place.is_some())
}

/// Takes the bank of this name out of the store; says whether there was one.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`].
pub fn remove_bank(maintainer: &mut Maintainer, name: &str) -> Result<bool> {
    let Some(place) = banks(maintainer.store())?.iter().position(|bank| bank.name == name) else { return Ok(false) };
    let mut manifest = maintainer.store().manifest().clone();
    manifest.banks.remove(place);
    maintainer.publish(manifest)?;
    Ok(true)
}

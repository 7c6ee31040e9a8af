//! Families over the whole store: mined from the anchors that segments keep, rendered from texts that are at hand.

use std::collections::HashMap;

use super::compact::file_identity;
use super::graph::write_exemplars;
use super::{Progress, TextCache, render};
use crate::corpus::NONE;
use crate::corpus::families::{self, FamilyTables, Skeleton};
use crate::corpus::population::{PartUse, Population};
use crate::corpus::prepare::Preparer;
use crate::corpus::snapshot::Snapshot;
use crate::error::Result;
use crate::family::{Documents, Families, MineOptions, NO_ACCOUNT, Use, Uses, mine};
use crate::num::{u32_of, usize_of};
use crate::store::Maintainer;
use crate::store::manifest::DerivedEntry;
use crate::store::segment::FileKind;

impl Documents for Population<'_> {
    fn count(&self) -> u32 {
        u32_of(self.documents.len()).unwrap_or(u32::MAX)
    }

    fn anchors(&self, document: u32) -> &[u8] {
        self.documents.get(usize_of(document)).map_or(&[], |place| self.view(*place).anchors(usize_of(place.index)))
    }

    fn class(&self, document: u32) -> u8 {
        self.documents.get(usize_of(document)).map_or(0, |place| self.view(*place).class(usize_of(place.index)))
    }
}

/// Mines the families of everything visible and publishes their tables. Skeletons are rendered from `texts`; a family
/// whose texts are not at hand keeps the skeleton it had.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`], [`crate::Error::Interrupted`]; the store is as it was then.
pub fn mine_families(
    maintainer: &mut Maintainer,
    preparer: &Preparer,
    texts: Option<&TextCache>,
    progress: &dyn Progress,
) -> Result<()> {
    let snapshot = Snapshot::open(maintainer.store())?;
    let population = Population::new(&snapshot)?;
    let found = mine_population(&population, progress)?;
    progress.step("rendering skeletons");
    let earlier = earlier_skeletons(maintainer, preparer)?;
    let rendered = match texts {
        Some(texts) => render::render(&population, &found, texts),
        None => vec![None; found.families.len()],
    };
    let skeletons: Vec<Option<Skeleton>> = rendered
        .into_iter()
        .zip(&found.families)
        .map(|(skeleton, family)| skeleton.or_else(|| earlier.get(&family.id).cloned()))
        .collect();
    let keys = preparer.keys();
    let (file, mut writer) = maintainer.create(FileKind::Families, file_identity(keys, preparer.spec()))?;
    families::write(&found, &population, &skeletons, keys, &mut writer)?;
    writer.finish()?;
    let mut manifest = maintainer.store().manifest().clone();
    let segments = manifest.segments.iter().map(|segment| segment.file.clone()).collect();
    manifest.families = Some(DerivedEntry { file, segments });
    manifest.families_stale = false;
    manifest.exemplars = write_exemplars(maintainer, preparer, &population, &found, progress)?;
    maintainer.publish(manifest)
}

fn mine_population(population: &Population<'_>, progress: &dyn Progress) -> Result<Families> {
    mine_uses(population, &Sent(population), progress)
}

/// Every request of a population, told one by one: a copy would be a tenth of what mining holds.
struct Sent<'a>(&'a Population<'a>);

impl Uses for Sent<'_> {
    fn all(&self) -> impl Iterator<Item = Use> + '_ {
        self.0.uses.iter().map(|part| use_of(self.0, part))
    }
}

fn use_of(population: &Population<'_>, part: &PartUse) -> Use {
    let request = usize_of(part.request);
    let account = population.account_of[request];
    Use {
        document: part.document,
        account: if account == NONE { NO_ACCOUNT } else { account },
        principal: population.principal_of.get(usize_of(account)).copied().unwrap_or(NO_ACCOUNT),
        time_ms: population.time_ms[request],
    }
}

/// The families of what had been sent by some moment.
pub(super) struct Prefix {
    /// For each document of the population its family, as an index into `ids`, or [`NONE`].
    pub family_of: Vec<u32>,
    /// Ids of the families.
    pub ids: Vec<u64>,
}

/// The texts that a prefix of the log holds, numbered anew.
struct Seen<'a> {
    population: &'a Population<'a>,
    documents: Vec<u32>,
}

impl Documents for Seen<'_> {
    fn count(&self) -> u32 {
        u32_of(self.documents.len()).unwrap_or(u32::MAX)
    }

    fn anchors(&self, document: u32) -> &[u8] {
        self.documents.get(usize_of(document)).map_or(&[], |known| self.population.anchors(*known))
    }

    fn class(&self, document: u32) -> u8 {
        self.documents.get(usize_of(document)).map_or(0, |known| self.population.class(*known))
    }
}

/// Mines the families of what was sent before `end_ms`, as if nothing had followed.
pub(super) fn mine_before(population: &Population<'_>, end_ms: i64, progress: &dyn Progress) -> Result<Prefix> {
    let end = population.uses.partition_point(|part| population.time_ms[usize_of(part.request)] < end_ms);
    let uses = &population.uses[..end];
    let mut number = vec![NONE; population.documents.len()];
    let mut seen = Seen { population, documents: Vec::new() };
    let mut renumbered = Vec::with_capacity(uses.len());
    for part in uses {
        let slot = &mut number[usize_of(part.document)];
        if *slot == NONE {
            *slot = u32_of(seen.documents.len()).unwrap_or(NONE);
            seen.documents.push(part.document);
        }
        renumbered.push(Use { document: *slot, ..use_of(population, part) });
    }
    let found = mine_uses(&seen, renumbered.as_slice(), progress)?;
    let mut family_of = vec![NONE; population.documents.len()];
    for (document, best) in seen.documents.iter().zip(&found.of_document) {
        family_of[usize_of(*document)] = best.map_or(NONE, |best| best.family);
    }
    Ok(Prefix { family_of, ids: found.families.iter().map(|family| family.id).collect() })
}

fn mine_uses(documents: &impl Documents, uses: &(impl Uses + ?Sized), progress: &dyn Progress) -> Result<Families> {
    mine(documents, uses, &MineOptions::default(), &|stage, done, all| {
        progress.step(&format!("families: {stage} {done}/{all}"));
        !progress.should_stop()
    })
}

/// The skeletons of the tables in force, by family id: a family keeps its skeleton as long as it keeps its id.
fn earlier_skeletons(maintainer: &Maintainer, preparer: &Preparer) -> Result<HashMap<u64, Skeleton>> {
    let mut found = HashMap::new();
    let Some(entry) = &maintainer.store().manifest().families else { return Ok(found) };
    let container = maintainer.store().container(&entry.file, FileKind::Families)?;
    let tables = FamilyTables::new(&container)?;
    for family in 0..tables.len() {
        if let Some(skeleton) = tables.skeleton(preparer.keys(), family)? {
            found.insert(tables.info(family)?.id, skeleton);
        }
    }
    Ok(found)
}

//! Campaigns over the whole store: the judge's findings, with the names that users know.

use std::collections::BTreeSet;

use serde::Serialize;

use super::bank::cores;
use super::traffic::Traffic;
use crate::campaign::bank::nearest;
use crate::campaign::{self, Bank, BankHit, DecoyReport, Evidence, Findings, Options, Reason, Unit, Verdict};
use crate::corpus::families::{FamilyTables, stale};
use crate::corpus::names::Reader;
use crate::corpus::population::{Place, Population};
use crate::corpus::section;
use crate::corpus::snapshot::Snapshot;
use crate::error::{CorruptKind, Result};
use crate::key::Keys;
use crate::num::{low64, u64_of, usize_of};
use crate::store::Store;
use crate::store::segment::{Container, FileKind};

/// The family tables of a store that fit what is in it now.
/// # Errors
/// [`crate::Error::InvalidArgument`] when they do not; [`crate::Error::Corrupt`].
pub fn family_container(store: &Store) -> Result<Container> {
    match &store.manifest().families {
        Some(entry) if store.manifest().families_are_current() => store.container(&entry.file, FileKind::Families),
        _ => Err(stale()),
    }
}

/// A store, judged.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Who sent what.
    pub population: Population<'a>,
    /// The families.
    pub tables: FamilyTables<'a>,
    /// The columns judged.
    pub traffic: Traffic<'a>,
    /// What was found.
    pub findings: Findings,
    /// The banks that families were held against.
    pub banks: Vec<Bank>,
    keys: &'a Keys,
}

/// One group of accounts and what is said of it, as users see it.
#[derive(Debug, Clone, Serialize)]
pub struct CampaignRow {
    /// Its id, hex.
    pub campaign: String,
    /// `convicted`, `review`, `unexplained` or `acquitted`.
    pub verdict: &'static str,
    /// `allow`, `step_up` or `review`.
    pub advice: &'static str,
    /// Why, in a sentence or two.
    pub reason: String,
    /// Families that fresh accounts send once and vanish, hex: an alarm about the template, which accuses none of them.
    pub alarms: Vec<String>,
    /// Its families, hex.
    pub families: Vec<String>,
    /// Its accounts.
    pub accounts: Vec<AccountRow>,
    /// What was measured.
    pub evidence: Vec<EvidenceRow>,
    /// The nearest entry of the banks, where one shares a fingerprint.
    pub bank: Option<BankRow>,
    /// What became of shuffled copies of the log, where any were judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoys: Option<DecoyReport>,
    /// Its units, as indexes into the findings.
    #[serde(skip)]
    pub units: Vec<usize>,
    /// The place of the campaign among the findings', where it is one.
    #[serde(skip)]
    pub number: Option<usize>,
}

/// How a group stands to the banks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BankRow {
    /// Name of the bank.
    pub bank: String,
    /// Name of its entry.
    pub entry: String,
    /// `negative` acquits, `positive` calls for attention.
    pub kind: &'static str,
    /// Share of the family's core that the entry holds, 0 to 1.
    pub share: f64,
    /// Whether that is enough to be this entry; else it is only the nearest.
    pub known: bool,
}

/// One account of a group.
#[derive(Debug, Clone, Serialize)]
pub struct AccountRow {
    /// Its name.
    pub account: String,
    /// How firmly it belongs to the group, 0 to 1; 0 where nobody is accused.
    pub strength: f64,
    /// Its number.
    #[serde(skip)]
    pub index: u32,
}

/// One statistic.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceRow {
    /// Which.
    pub kind: &'static str,
    /// As measured.
    pub value: f64,
    /// Expected of innocents.
    pub null: f64,
    /// How often innocents show as much.
    pub p: f64,
    /// Observations.
    pub n: usize,
}

impl From<&Evidence> for EvidenceRow {
    fn from(evidence: &Evidence) -> Self {
        let Evidence { kind, value, null, p, n, .. } = *evidence;
        Self { kind: kind.name(), value, null, p, n }
    }
}

/// Judges everything visible in `snapshot`, under the families in `container`.
/// # Errors
/// [`crate::Error::Corrupt`].
pub fn judge<'a>(
    snapshot: &'a Snapshot,
    container: &'a Container,
    keys: &'a Keys,
    options: &Options,
    banks: Vec<Bank>,
) -> Result<Judged<'a>> {
    let population = Population::new(snapshot)?;
    let tables = FamilyTables::new(container)?;
    let mut traffic = Traffic::new(&population, &tables)?;
    if !banks.is_empty() {
        let cores = cores(&population, traffic.family(), tables.len());
        traffic.bank = nearest(&banks, &cores.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    let findings = traffic.with_columns(|columns| campaign::judge(columns, options))?;
    Ok(Judged { population, tables, traffic, findings, banks, keys })
}

impl Judged<'_> {
    /// The keys that the store was opened with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        self.keys
    }

    /// Every group: the campaigns first, then (with `all`) every other family of two accounts or more, gravest first.
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn rows(&self, all: bool) -> Result<Vec<CampaignRow>> {
        let mut names = Names::new(&self.population, self.keys)?;
        let mut rows = Vec::new();
        for (number, campaign) in self.findings.campaigns.iter().enumerate() {
            let mut accounts = Vec::with_capacity(campaign.members.len());
            for member in &campaign.members {
                let account = names.of(member.account)?;
                accounts.push(AccountRow { account, strength: round(member.strength), index: member.account });
            }
            let first =
                campaign.units.iter().copied().max_by_key(|unit| (self.unit(*unit).view.requests, usize::MAX - unit));
            let mut row = self.row(first.unwrap_or(0), Verdict::Convicted, accounts);
            row.families = self.families_of(&campaign.units);
            // A part of a campaign may be what fresh accounts send too.
            let alarms = |unit: &usize| self.unit(*unit).campaign == Some(number) && self.unit(*unit).judgement.alarm;
            row.alarms = self.families_of(&(0..self.findings.units.len()).filter(alarms).collect::<Vec<_>>());
            row.reason = Reason::Coordinated.sentence_with(!row.alarms.is_empty());
            row.campaign = self.id(&campaign.units);
            row.units.clone_from(&campaign.units);
            row.number = Some(number);
            rows.push(row);
        }
        if all {
            let mut rest: Vec<usize> = (0..self.findings.units.len())
                .filter(|unit| self.unit(*unit).campaign.is_none() && self.unit(*unit).view.edges.len() > 1)
                .collect();
            rest.sort_by_key(|unit| {
                let Unit { view, judgement, .. } = self.unit(*unit);
                (std::cmp::Reverse(judgement.verdict), std::cmp::Reverse(view.requests), *unit)
            });
            for index in rest {
                let unit = self.unit(index);
                let mut accounts = Vec::with_capacity(unit.view.edges.len());
                for (place, edge) in unit.view.edges.iter().enumerate() {
                    let strength = unit.strength.get(place).copied().unwrap_or(0.0);
                    accounts.push(AccountRow {
                        account: names.of(edge.account)?,
                        strength: round(strength),
                        index: edge.account,
                    });
                }
                rows.push(self.row(index, unit.judgement.verdict, accounts));
            }
        }
        Ok(rows)
    }

    fn row(&self, index: usize, verdict: Verdict, accounts: Vec<AccountRow>) -> CampaignRow {
        let unit = self.unit(index);
        CampaignRow {
            campaign: self.id(&[index]),
            verdict: verdict.name(),
            advice: verdict.advice().name(),
            reason: unit.judgement.sentence(),
            alarms: if unit.judgement.alarm { self.families_of(&[index]) } else { Vec::new() },
            families: self.families_of(&[index]),
            accounts,
            evidence: unit.judgement.evidence.iter().map(EvidenceRow::from).collect(),
            bank: self.nearest_entry(&unit.families),
            decoys: None,
            units: vec![index],
            number: None,
        }
    }

    /// The id of a campaign.
    #[must_use]
    pub fn campaign_id(&self, number: usize) -> Option<String> {
        self.findings.campaigns.get(number).map(|campaign| self.id(&campaign.units))
    }

    /// Judges shuffled copies of the log, in which every conviction is an error.
    /// # Errors
    /// As [`campaign::decoys`].
    pub fn decoys(&self, options: &Options, logs: usize) -> Result<DecoyReport> {
        self.traffic.with_columns(|columns| campaign::decoys(columns, &self.findings, options, logs))
    }

    /// The nearest entry of the banks to any of these families: known ones first, then by share.
    #[must_use]
    pub fn nearest_entry(&self, families: &[u32]) -> Option<BankRow> {
        let hits = families.iter().filter_map(|family| self.traffic.bank.get(usize_of(*family)).copied().flatten());
        let best = hits.max_by(|a, b| a.known.cmp(&b.known).then(a.share.total_cmp(&b.share)))?;
        self.bank_row(best)
    }

    /// A hit, with the names of its bank and entry.
    #[must_use]
    pub fn bank_row(&self, hit: BankHit) -> Option<BankRow> {
        let bank = self.banks.get(usize_of(hit.bank))?;
        let entry = bank.entries.get(usize_of(hit.entry))?.name.clone();
        let kind = hit.polarity.name();
        Some(BankRow { bank: bank.name.clone(), entry, kind, share: round(hit.share), known: hit.known })
    }

    /// One unit of the findings.
    #[must_use]
    pub fn unit(&self, index: usize) -> &Unit {
        &self.findings.units[index]
    }

    fn families_of(&self, units: &[usize]) -> Vec<String> {
        let own = |unit: &usize| {
            let unit = self.unit(*unit);
            unit.families.iter().copied().filter(|family| unit.guests.binary_search(family).is_err())
        };
        let families: BTreeSet<u32> = units.iter().flat_map(own).collect();
        families.into_iter().filter_map(|family| self.tables.name(family)).collect()
    }

    /// The id of a group: that of its least family that no campaign beside it has, since two may have parts of one; of a group
    /// without one, the least keyed id of its accounts.
    fn id(&self, units: &[usize]) -> String {
        let others =
            self.findings.campaigns.iter().filter(|other| other.units.iter().all(|unit| !units.contains(unit)));
        let of_others: BTreeSet<String> = others.flat_map(|other| self.families_of(&other.units)).collect();
        let family = self.families_of(units).into_iter().filter(|family| !of_others.contains(family)).min();
        family.unwrap_or_else(|| {
            let edges = units.iter().flat_map(|unit| &self.unit(*unit).view.edges);
            let least = edges.filter_map(|edge| self.population.account_ids.get(usize_of(edge.account))).min();
            format!("{:016x}", least.map_or(0, |id| low64(*id)))
        })
    }

    /// The number of an account, by its name at any of the levels that can be accused.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<u32> {
        crate::corpus::ACCUSABLE.into_iter().find_map(|level| {
            let id = self.keys.name(crate::num::low8(crate::num::u32_saturating(level.index())), name);
            self.population.account_ids.binary_search(&id).ok().and_then(crate::num::u32_of)
        })
    }

    /// Requests in the store that are visible.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        u64_of(self.population.requests.len())
    }
}

/// Opens the names of accounts.
#[derive(Debug)]
pub struct Names<'a> {
    population: &'a Population<'a>,
    keys: &'a Keys,
    readers: Vec<Reader<'a>>,
}

impl<'a> Names<'a> {
    /// A reader of the names of `population`.
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn new(population: &'a Population<'a>, keys: &'a Keys) -> Result<Self> {
        let readers = population.views().iter().map(|view| view.names()).collect::<Result<Vec<_>>>()?;
        Ok(Self { population, keys, readers })
    }

    /// The name of an account.
    /// # Errors
    /// [`crate::Error::Corrupt`] when it does not open.
    pub fn of(&mut self, account: u32) -> Result<String> {
        self.at(self.population.accounts[usize_of(account)])
    }

    /// The name at a place.
    /// # Errors
    /// [`crate::Error::Corrupt`] when it does not open.
    pub fn at(&mut self, place: Place) -> Result<String> {
        let name = self.readers[usize_of(place.segment)].get(self.keys, usize_of(place.index));
        name.ok_or_else(|| self.population.view(place).damaged(section::NAME_BLOCKS, CorruptKind::Sealed))
    }
}

/// To four places: more would claim a precision that no estimate has.
pub(super) fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

//! Verdicts as time passes: families are mined and judged anew on growing prefixes of a store, and convictions latch.

use serde::Serialize;

use super::judge::{EvidenceRow, Names, round};
use super::mine::mine_before;
use super::traffic::Traffic;
use super::{Progress, bank};
use crate::campaign::bank::nearest;
use crate::campaign::{Bank, Options, Replay, judge};
use crate::corpus::NO_TIME;
use crate::corpus::population::Population;
use crate::error::Result;
use crate::key::Keys;
use crate::num::u64_of;

/// How a replay goes.
#[derive(Debug, Clone, Copy)]
pub struct ReplayOptions {
    /// Options of every judgement.
    pub judge: Options,
    /// Milliseconds from one judgement to the next; they fall on whole multiples of it since 1970.
    pub step_ms: i64,
}

/// What one step brought.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayStep {
    /// End of the prefix, Unix ms.
    pub end_ms: i64,
    /// Requests in it.
    pub requests: u64,
    /// Accounts accused for the first time.
    pub accused: u64,
    /// Accounts that this prefix alone would not accuse and that stay accused.
    pub held: u64,
    /// Campaigns convicted for the first time.
    pub convicted: Vec<String>,
}

/// A campaign that was convicted on the way.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayCampaign {
    /// Its id when it was first convicted, hex.
    pub campaign: String,
    /// End of the prefix on which it was first convicted, Unix ms.
    pub convicted_ms: i64,
    /// Its accounts accused by then.
    pub accounts_then: u64,
    /// Its requests served by then, those of accounts that were found later too.
    pub requests_then: u64,
    /// Its requests in all.
    pub requests: u64,
    /// The one over the other, 0 to 1.
    pub served_share: f64,
    /// Its families when it was first convicted, hex.
    pub families: Vec<String>,
    /// Evidence of the first conviction.
    pub evidence: Vec<EvidenceRow>,
    /// Every account, with the end of the prefix on which it was first accused.
    pub accounts: Vec<ReplayAccount>,
}

/// An account accused on the way.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayAccount {
    /// Its name.
    pub account: String,
    /// Since when, Unix ms.
    pub since_ms: i64,
}

/// Judges growing prefixes of everything in `population`; `told` hears of each as it is done. Campaigns come in the order
/// of their conviction; those that a later step showed to be one are told once, by the first.
/// # Errors
/// [`crate::Error::Corrupt`], [`crate::Error::Interrupted`], and whatever `told` returns.
pub fn replay(
    population: &Population<'_>,
    keys: &Keys,
    banks: &[Bank],
    options: &ReplayOptions,
    progress: &dyn Progress,
    mut told: impl FnMut(&ReplayStep) -> Result<()>,
) -> Result<Vec<ReplayCampaign>> {
    let mut times = population.time_ms.iter().copied().filter(|time| *time != NO_TIME);
    let Some(begin_ms) = times.next() else { return Ok(Vec::new()) };
    let last_ms = times.next_back().unwrap_or(begin_ms);
    let step_ms = options.step_ms.max(1);
    let (first, last) = (begin_ms.div_euclid(step_ms) + 1, last_ms.div_euclid(step_ms) + 1);
    let mut latched = Replay { options: options.judge, ..Replay::default() };
    let mut ids: Vec<(String, Vec<String>)> = Vec::new();
    for number in first..=last {
        let end_ms = number.saturating_mul(step_ms);
        progress.step(&format!("judging prefix {} of {}", number - first + 1, last - first + 1));
        let found = mine_before(population, end_ms, progress)?;
        let mut traffic = Traffic::with_families(population, found.family_of, found.ids.len(), end_ms)?;
        if !banks.is_empty() {
            let cores = bank::cores(population, traffic.family(), found.ids.len());
            traffic.bank = nearest(banks, &cores.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let day = traffic.with_columns(|columns| -> Result<_> {
            let findings = judge(columns, &options.judge)?;
            Ok(latched.latch(&findings, columns, end_ms))
        })?;
        for campaign in latched.campaigns.iter().skip(ids.len()) {
            let name = |family: &u32| found.ids.get(crate::num::usize_of(*family)).map(|id| format!("{id:016x}"));
            let mut families: Vec<String> = campaign.families.iter().filter_map(name).collect();
            families.sort_unstable();
            let least = campaign.members.keys().filter_map(|account| account_id(population, *account)).min();
            // Two campaigns may have parts of one family.
            let is_free = |id: &&String| ids.iter().all(|(taken, _)| taken != *id);
            let id = families.iter().find(is_free).cloned().or(least).unwrap_or_default();
            ids.push((id, families));
        }
        told(&ReplayStep {
            end_ms,
            requests: u64_of(population.time_ms.partition_point(|time| *time < end_ms)),
            accused: u64_of(day.accused.len()),
            held: u64_of(day.held_by_latch),
            convicted: day.convicted.iter().filter_map(|number| Some(ids.get(*number)?.0.clone())).collect(),
        })?;
    }
    let mut names = Names::new(population, keys)?;
    let mut rows = Vec::new();
    for ((number, campaign), (id, families)) in latched.campaigns.iter().enumerate().zip(ids) {
        if campaign.merged_into.is_some() {
            continue;
        }
        let mut since =
            |account: &u32, since_ms: &i64| Ok(ReplayAccount { account: names.of(*account)?, since_ms: *since_ms });
        let accounts: Result<Vec<ReplayAccount>> = campaign.members.iter().map(|(a, s)| since(a, s)).collect();
        rows.push(ReplayCampaign {
            campaign: id,
            convicted_ms: campaign.convicted_ms,
            accounts_then: u64_of(campaign.members.values().filter(|since| **since <= campaign.convicted_ms).count()),
            requests_then: u64_of(campaign.served_count()),
            requests: u64_of(campaign.times_ms.len()),
            served_share: round(latched.served(number).unwrap_or(1.0)),
            families,
            evidence: campaign.evidence.iter().map(EvidenceRow::from).collect(),
            accounts: accounts?,
        });
    }
    Ok(rows)
}

fn account_id(population: &Population<'_>, account: u32) -> Option<String> {
    let id = population.account_ids.get(crate::num::usize_of(account))?;
    Some(format!("{:016x}", crate::num::low64(*id)))
}

//! Verdicts as time passes: the log is judged on growing prefixes, and a conviction once made stays with its evidence.
//!
//! A verdict that came and went from day to day would be worthless to whoever acts on it. So campaigns *latch*: each day's
//! campaigns are matched to those known by their members, new members are added with the day they came in, and none leaves.

use super::columns::Columns;
use super::evidence::Evidence;
use super::join::Campaign;
use super::{Findings, Options, judge};
use crate::error::Result;
use crate::num;
use std::collections::BTreeMap;

/// A campaign that was convicted on some day.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Latched {
    /// End of the prefix on which it was first convicted, Unix ms.
    pub convicted_ms: i64,
    /// Its accounts, each with the end of the prefix on which it was first accused, Unix ms.
    pub members: BTreeMap<u32, i64>,
    /// The evidence of the first conviction.
    pub evidence: Vec<Evidence>,
    /// Its families on that prefix, ascending.
    pub families: Vec<u32>,
    /// When its requests were sent, as far as the last prefix knew that showed it; ascending, Unix ms.
    #[serde(skip)]
    pub times_ms: Vec<i64>,
    /// The campaign it was merged into when a later day showed them to be one.
    pub merged_into: Option<usize>,
}

/// What one day brought.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Day {
    /// End of the prefix, Unix ms.
    pub end_ms: i64,
    /// Rows judged.
    pub rows: usize,
    /// Accounts accused for the first time, ascending.
    pub accused: Vec<u32>,
    /// Campaigns convicted for the first time.
    pub convicted: Vec<usize>,
    /// Accounts accused on this day alone would have been; the latched ones beyond it had dropped out.
    pub held_by_latch: usize,
}

/// Judges growing prefixes of a log.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// Options of every day.
    pub options: Options,
    /// Campaigns so far, in the order of conviction.
    pub campaigns: Vec<Latched>,
}

impl Replay {
    /// Judges the prefix in `columns`, which ends at `end_ms`. Account numbers must be the same on every day; families
    /// may be mined anew.
    /// # Errors
    /// As [`judge`].
    pub fn step(&mut self, columns: &Columns<'_>, end_ms: i64) -> Result<Day> {
        let findings = judge(columns, &self.options)?;
        Ok(self.latch(&findings, columns, end_ms))
    }

    /// Takes the findings of a prefix that the caller judged.
    pub fn latch(&mut self, findings: &Findings, columns: &Columns<'_>, end_ms: i64) -> Day {
        let mut day =
            Day { end_ms, rows: columns.account.len(), accused: Vec::new(), convicted: Vec::new(), held_by_latch: 0 };
        let mut today: Vec<u32> = Vec::new();
        for campaign in &findings.campaigns {
            let members: Vec<u32> = campaign.members.iter().map(|member| member.account).collect();
            let number = self.matching(&members).unwrap_or_else(|| {
                let units = || campaign.units.iter().filter_map(|&unit| findings.units.get(unit));
                let evidence = units().next().map_or(Vec::new(), |unit| unit.judgement.evidence.clone());
                let mut families: Vec<u32> = units().flat_map(|unit| unit.families.iter().copied()).collect();
                families.sort_unstable();
                self.campaigns.push(Latched {
                    convicted_ms: end_ms,
                    members: BTreeMap::new(),
                    evidence,
                    families,
                    times_ms: Vec::new(),
                    merged_into: None,
                });
                day.convicted.push(self.campaigns.len() - 1);
                self.campaigns.len() - 1
            });
            if let Some(latched) = self.campaigns.get_mut(number) {
                latched.times_ms = times_of(findings, campaign, columns);
                for &account in &members {
                    latched.members.entry(account).or_insert_with(|| {
                        day.accused.push(account);
                        end_ms
                    });
                }
            }
            today.extend(members);
        }
        today.sort_unstable();
        today.dedup();
        day.accused.sort_unstable();
        day.accused.dedup();
        day.held_by_latch = self.accused().iter().filter(|account| today.binary_search(account).is_err()).count();
        day
    }

    /// Every account accused so far, ascending.
    #[must_use]
    pub fn accused(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.campaigns.iter().flat_map(|latched| latched.members.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The latched campaign that shares most members with these, if it is a third of the smaller side; others that do so
    /// too are merged into it.
    fn matching(&mut self, members: &[u32]) -> Option<usize> {
        let mut hits: Vec<(usize, usize)> = self
            .campaigns
            .iter()
            .enumerate()
            .filter(|(_, latched)| latched.merged_into.is_none())
            .map(|(number, latched)| {
                (members.iter().filter(|account| latched.members.contains_key(account)).count(), number)
            })
            .filter(|&(common, number)| {
                let size = self.campaigns.get(number).map_or(0, |latched| latched.members.len());
                common > 0 && 3 * common >= size.min(members.len())
            })
            .collect();
        hits.sort_by_key(|&(_, number)| number);
        let &(_, first) = hits.first()?;
        for &(_, number) in hits.iter().skip(1) {
            let Some(other) = self.campaigns.get_mut(number) else { continue };
            other.merged_into = Some(first);
            let moved = std::mem::take(&mut other.members);
            if let Some(kept) = self.campaigns.get_mut(first) {
                for (account, since_ms) in moved {
                    let entry = kept.members.entry(account).or_insert(since_ms);
                    *entry = (*entry).min(since_ms);
                }
            }
        }
        Some(first)
    }

    /// Share of a campaign's requests that were already served when it was first convicted, 0 to 1.
    #[must_use]
    pub fn served(&self, number: usize) -> Option<f64> {
        let latched = self.campaigns.get(number)?;
        Some(num::f64_of(latched.served_count()) / num::f64_of(latched.times_ms.len().max(1)))
    }
}

impl Latched {
    /// Its requests that were served before it was first convicted, those of accounts found later among them.
    #[must_use]
    pub fn served_count(&self) -> usize {
        self.times_ms.partition_point(|&time_ms| time_ms < self.convicted_ms)
    }
}

/// When the members of a campaign sent its requests, each once, ascending.
fn times_of(findings: &Findings, campaign: &Campaign, columns: &Columns<'_>) -> Vec<i64> {
    let is_member = |account: u32| campaign.members.binary_search_by_key(&account, |member| member.account).is_ok();
    let mut rows = campaign.adopted_rows.clone();
    for unit in campaign.units.iter().filter_map(|&unit| findings.units.get(unit)) {
        for edge in unit.view.edges.iter().filter(|edge| is_member(edge.account)) {
            rows.extend_from_slice(unit.view.rows_of(edge));
        }
    }
    let place = |row: u32| {
        let row = num::usize_of(row);
        Some((*columns.request.get(row)?, *columns.time_ms.get(row)?))
    };
    let mut requests: Vec<(u32, i64)> = rows.into_iter().filter_map(place).collect();
    requests.sort_unstable();
    requests.dedup();
    requests.into_iter().map(|(_, time_ms)| time_ms).collect()
}

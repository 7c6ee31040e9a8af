//! Verdicts as time passes: the log is judged on growing prefixes, and a conviction once made stays with its evidence.
//!
//! A verdict that came and went from day to day would be worthless to whoever acts on it. So campaigns *latch*: each day's
//! campaigns are matched to those known by their members, new members are added with the day they came in, and none leaves.

use super::columns::Columns;
use super::evidence::Evidence;
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
    /// Requests of its accounts in its families when it was first convicted.
    pub requests_then: u64,
    /// The same on the last day judged.
    pub requests_now: u64,
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
            let requests: u64 = campaign.members.iter().map(|member| u64::from(member.requests)).sum();
            let number = self.matching(&members).unwrap_or_else(|| {
                let evidence = campaign
                    .units
                    .first()
                    .and_then(|&unit| findings.units.get(unit))
                    .map_or(Vec::new(), |unit| unit.judgement.evidence.clone());
                self.campaigns.push(Latched {
                    convicted_ms: end_ms,
                    members: BTreeMap::new(),
                    evidence,
                    requests_then: requests,
                    requests_now: requests,
                    merged_into: None,
                });
                day.convicted.push(self.campaigns.len() - 1);
                self.campaigns.len() - 1
            });
            if let Some(latched) = self.campaigns.get_mut(number) {
                latched.requests_now = latched.requests_now.max(requests);
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
        Some(num::f64_of_u64(latched.requests_then) / num::f64_of_u64(latched.requests_now.max(1)))
    }
}

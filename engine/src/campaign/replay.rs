//! Verdicts as time passes: the log is judged on growing prefixes, and a conviction once made stays with its evidence.
//!
//! A verdict that came and went from day to day would be worthless to whoever acts on it. So campaigns *latch*: each day's
//! campaigns are matched to those known by their members, new members are added with the day they came in, and none leaves
//! but for a campaign of its own: two that a young log shows as one are two once a later day tells them apart.

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
    /// End of the prefix on which it was first convicted, be it as a part of another, Unix ms.
    pub convicted_ms: i64,
    /// Its accounts, each with the end of the prefix on which it was first accused, Unix ms.
    pub members: BTreeMap<u32, i64>,
    /// The evidence of the first conviction, or of the day on which it was told apart.
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
        let before = self.accused();
        let of = |campaign: &Campaign| campaign.members.iter().map(|member| member.account).collect();
        let today: Vec<Vec<u32>> = findings.campaigns.iter().map(of).collect();
        let heirs: Vec<Option<usize>> = self.campaigns.iter().map(|latched| latched.heir(&today)).collect();
        for ((place, campaign), members) in findings.campaigns.iter().enumerate().zip(&today) {
            let own: Vec<usize> = (0..heirs.len()).filter(|&number| heirs[number] == Some(place)).collect();
            let was_known = self.campaigns.iter().take(heirs.len()).any(|latched| latched.shares(members).is_some());
            let parted = self.part(members, &today, &heirs);
            let number = if let Some((&first, others)) = own.split_first() {
                others.iter().for_each(|&other| self.merge(first, other));
                first
            } else {
                if !was_known {
                    day.convicted.push(self.campaigns.len());
                }
                let since_ms = if was_known { parted.values().copied().min() } else { None };
                self.campaigns.push(Latched::new(findings, campaign, since_ms.unwrap_or(end_ms)));
                self.campaigns.len() - 1
            };
            if let Some(latched) = self.campaigns.get_mut(number) {
                latched.times_ms = times_of(findings, campaign, columns);
                latched.take(parted);
                for &account in members {
                    latched.members.entry(account).or_insert(end_ms);
                }
            }
        }
        day.accused = self.accused();
        day.accused.retain(|account| before.binary_search(account).is_err());
        let mut today: Vec<u32> = today.concat();
        today.sort_unstable();
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

    /// Two known campaigns are one.
    fn merge(&mut self, first: usize, other: usize) {
        let Some(merged) = self.campaigns.get_mut(other) else { return };
        merged.merged_into = Some(first);
        let moved = std::mem::take(&mut merged.members);
        if let Some(kept) = self.campaigns.get_mut(first) {
            kept.take(moved);
        }
    }

    /// Takes from each known campaign those of `members` that its heir of today has not: what was one on an earlier day may
    /// turn out to be two, and a stray one of another. With the day since when each was accused.
    fn part(&mut self, members: &[u32], today: &[Vec<u32>], heirs: &[Option<usize>]) -> BTreeMap<u32, i64> {
        let mut parted = BTreeMap::new();
        for (latched, heir) in self.campaigns.iter_mut().zip(heirs) {
            let Some(kept) = heir.and_then(|place| today.get(place)) else { continue };
            for account in members.iter().filter(|account| kept.binary_search(account).is_err()) {
                if let Some(since_ms) = latched.members.remove(account) {
                    let entry = parted.entry(*account).or_insert(since_ms);
                    *entry = since_ms.min(*entry);
                }
            }
        }
        parted
    }

    /// Share of a campaign's requests that were already served when it was first convicted, 0 to 1.
    #[must_use]
    pub fn served(&self, number: usize) -> Option<f64> {
        let latched = self.campaigns.get(number)?;
        Some(num::f64_of(latched.served_count()) / num::f64_of(latched.times_ms.len().max(1)))
    }
}

impl Latched {
    fn new(findings: &Findings, campaign: &Campaign, convicted_ms: i64) -> Self {
        let units = || campaign.units.iter().filter_map(|&unit| findings.units.get(unit));
        let evidence = units().next().map_or(Vec::new(), |unit| unit.judgement.evidence.clone());
        let mut families: Vec<u32> = units().flat_map(|unit| unit.families.iter().copied()).collect();
        families.sort_unstable();
        Self { convicted_ms, members: BTreeMap::new(), evidence, families, times_ms: Vec::new(), merged_into: None }
    }

    /// Takes members in, with the day since when each was accused.
    fn take(&mut self, members: BTreeMap<u32, i64>) {
        for (account, since_ms) in members {
            let entry = self.members.entry(account).or_insert(since_ms);
            *entry = since_ms.min(*entry);
        }
    }

    /// How many members it shares with these, if that is a third of the smaller side.
    fn shares(&self, members: &[u32]) -> Option<usize> {
        let common = members.iter().filter(|account| self.members.contains_key(account)).count();
        (common > 0 && 3 * common >= self.members.len().min(members.len())).then_some(common)
    }

    /// Which of today's campaigns it is: the one that shares most members with it.
    fn heir(&self, today: &[Vec<u32>]) -> Option<usize> {
        let shared = today.iter().enumerate().filter_map(|(place, members)| Some((self.shares(members)?, place)));
        shared.max_by_key(|&(common, place)| (common, usize::MAX - place)).map(|(_, place)| place)
    }

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

#[cfg(test)]
mod tests {
    use super::super::chance::Random;
    use super::super::join::Member;
    use super::super::tests::{DAY_MS, Log};
    use super::*;

    /// A campaign of these accounts, with the rows whose times are asked for.
    fn campaign(accounts: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> Campaign {
        let member = |account| Member { account, strength: 1.0, requests: 9, adopted: true };
        Campaign { members: accounts.map(member).collect(), adopted_rows: rows.collect(), ..Campaign::default() }
    }

    #[test]
    fn what_was_one_campaign_is_two_once_a_day_tells_them_apart() {
        let (mut random, mut log) = (Random::new(1, 0), Log::default());
        let accounts = log.accounts(&mut random, 50);
        log.template(&mut random, 0, 0, &accounts, 12);
        let filled = log.fill();
        let columns = filled.columns();
        let day = |replay: &mut Replay, number: i64, campaigns: Vec<Campaign>| {
            let findings = Findings { campaigns, ..Findings::default() };
            replay.latch(&findings, &columns.before(number * DAY_MS), number * DAY_MS)
        };
        let mut replay = Replay::default();
        day(&mut replay, 25, vec![campaign(0..30, 0..300)]);
        let apart = day(&mut replay, 26, vec![campaign(0..20, 0..200), campaign(20..36, 200..300)]);
        let sizes = |replay: &Replay| -> Vec<usize> { replay.campaigns.iter().map(|one| one.members.len()).collect() };
        assert_eq!((sizes(&replay), apart.accused, apart.convicted), (vec![20, 16], (30..36).collect(), vec![]));
        assert!(replay.campaigns.iter().all(|one| one.convicted_ms == 25 * DAY_MS));
        assert_eq!(replay.campaigns[1].members[&20], 25 * DAY_MS);
        assert_eq!(replay.campaigns[0].times_ms.len(), 200, "the second campaign's requests are its own");
        // Two strays of the second do not make a third older than it is.
        let three = vec![campaign(0..20, 0..200), campaign(20..34, 200..300), campaign(34..50, 300..400)];
        let third = day(&mut replay, 27, three);
        assert_eq!((third.convicted, sizes(&replay)), (vec![2], vec![20, 14, 16]));
        assert_eq!((replay.campaigns[2].convicted_ms, replay.campaigns[2].members[&34]), (27 * DAY_MS, 26 * DAY_MS));
        // So do strays of one known campaign in another.
        day(&mut replay, 27, vec![campaign(0..19, 0..200), campaign(19..34, 200..300)]);
        assert_eq!(sizes(&replay), [19, 15, 16]);
        // What is one again is one, and nobody is forgotten.
        let again = day(&mut replay, 28, vec![campaign(0..36, 0..300)]);
        assert_eq!((again.held_by_latch, sizes(&replay), replay.accused().len()), (14, vec![36, 0, 16], 50));
        assert_eq!(replay.campaigns[1].merged_into, Some(0));
    }
}

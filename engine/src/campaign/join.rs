//! From convicted views to campaigns: which views are one campaign's, and which small fragments belong to it.
//!
//! A campaign that works with several templates, or whose rewording scattered it over several families, is found in
//! pieces. Two pieces are joined on two signs, of which one must be a strong one: common accounts or common wording.

use super::Unit;
use super::adopt::{Cleared, adopt};
use super::counts::TokenCounts;
use super::evidence::Verdict;
use super::fragments::root;
use super::kin::Kin;
use super::ledger::{Edge, Ledger};
use super::part::as_within;
use super::readers::readers;
use super::residual::{ResidualOptions, profile, telling};
use super::strength::{self, Portrait};
use super::wording::{CONSTANT, weighted_jaccard};
use crate::num;

/// Slot values kept of a unit for comparison: the smallest hashes, so that two units keep the same ones.
const POOL_SAMPLE: usize = 512;

/// Members of a unit whose wording is compared with that of another.
const PROFILES_MAX: usize = 60;

/// Least part of a unit's common wording that its user wears, against the median member.
const WORN_MIN: f64 = 0.75;

/// One account in one campaign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The account.
    pub account: u32,
    /// Its edge's strength, 0 to 1.
    pub strength: f64,
    /// Its requests in the campaign's views.
    pub requests: u32,
    /// True when it came in through a fragment too small to be judged alone, by wording and pace.
    pub adopted: bool,
}

/// A campaign: units joined, and the accounts accused.
#[derive(Debug, Clone, Default)]
pub struct Campaign {
    /// Its units, as indexes into the findings' units.
    pub units: Vec<usize>,
    /// Its accounts, ascending.
    pub members: Vec<Member>,
    /// Rows of adopted fragments.
    pub adopted_rows: Vec<u32>,
    /// While judging: members about to be adopted.
    pub(super) adopted: Vec<Member>,
}

/// Joins the convicted units into campaigns, in the order of their first row, and sets `Unit::campaign`.
pub fn join(ledger: &Ledger<'_>, units: &mut [Unit], options: &ResidualOptions) -> Vec<Campaign> {
    let convicted: Vec<usize> =
        (0..units.len()).filter(|&index| units[index].judgement.verdict == Verdict::Convicted).collect();
    // Who has an innocent reason to be in a convicted unit: no other way leads back to readers, and none but a likeness
    // beyond doubt to copiers.
    let mut cleared = Cleared::default();
    for &index in &convicted {
        let unit = &units[index];
        let portrait = strength::portrait(ledger, &unit.view, &unit.judgement);
        // Guests testify and are not accused: what an account does in their templates does not count against it.
        let own_requests = |edge: &Edge| {
            let rows = unit.view.rows_of(edge).iter();
            rows.filter(|&&row| guests(unit).binary_search(&ledger.family(row)).is_err()).count()
        };
        let copies = if unit.judgement.wording.rarely_copied() {
            strength::copiers(ledger, &unit.view, &unit.judgement)
        } else {
            Vec::new()
        };
        if !unit.nested {
            let copiers = unit.view.edges.iter().zip(&copies).filter(|&(_, &copies)| copies);
            cleared.copiers.extend(copiers.map(|(edge, _)| edge.account));
        }
        let testifies = |(at, edge): &(usize, &Edge)| {
            let (own, all) = (own_requests(edge), unit.view.rows_of(edge).len());
            2 * own >= all && own >= num::usize_of(strength::REQUESTS_MIN) && copies.get(*at) != Some(&true)
        };
        let mut strengths = vec![0.0; unit.view.edges.len()];
        for (at, edge) in unit.view.edges.iter().enumerate().filter(testifies) {
            strengths[at] = strength::strength(ledger, &unit.view, edge, &unit.judgement, &portrait);
        }
        // Whoever lives as a member and wears little of what most members wear may word it as some of them do.
        let lives = |edge: &Edge| strength::shown(ledger, &unit.view, edge, &unit.judgement, &portrait);
        let odd: Vec<(usize, &Edge)> = (unit.view.edges.iter().enumerate().filter(testifies))
            .filter(|&(at, edge)| strengths[at] < strength::ACCUSE_MIN && lives(edge) >= strength::ACCUSE_MIN)
            .collect();
        if !odd.is_empty() {
            // What recurs in a fifth of the requests, since words are rewritten; what is constant, since long content has words
            // that recur as well.
            let kin = [options.recurrence, CONSTANT].map(|recurrence| {
                let options = ResidualOptions { recurrence, ..*options };
                Kin::of(ledger, &unit.view, &strengths, options)
            });
            for (at, edge) in odd {
                let is_kin = kin.iter().any(|kin| kin.has(ledger, &unit.view, edge))
                    || (lives(edge) >= 1.0 && kin[0].in_company(ledger, &unit.view, edge));
                strengths[at] = if is_kin { lives(edge) } else { strengths[at] };
            }
        }
        units[index].strength = strengths;
    }
    for &index in &convicted {
        let readers = readers(ledger, units, index);
        if readers.is_empty() {
            continue;
        }
        cleared.readers.extend(&readers);
        let families = units[index].families.clone();
        let within = |unit: &Unit| unit.families.iter().all(|family| families.binary_search(family).is_ok());
        for unit in units.iter_mut().filter(|unit| !unit.families.is_empty() && within(unit)) {
            for (edge, strength) in unit.view.edges.iter().zip(&mut unit.strength) {
                *strength = if readers.binary_search(&edge.account).is_ok() { 0.0 } else { *strength };
            }
        }
    }
    let pieces: Vec<Piece> = convicted.iter().map(|&index| Piece::of(ledger, &units[index], options)).collect();
    let mut parent: Vec<usize> = (0..pieces.len()).collect();
    for a in 0..pieces.len() {
        for b in 0..a {
            if pieces[a].same_campaign(&pieces[b], ledger, options) {
                let (low, high) = (root(&parent, a).min(root(&parent, b)), root(&parent, a).max(root(&parent, b)));
                parent[high] = low;
            }
        }
    }
    let mut campaigns: Vec<Campaign> = Vec::new();
    let mut number = vec![usize::MAX; pieces.len()];
    for (at, piece) in pieces.iter().enumerate() {
        let top = root(&parent, at);
        if number[top] == usize::MAX {
            number[top] = campaigns.len();
            campaigns.push(Campaign::default());
        }
        let campaign = &mut campaigns[number[top]];
        if !units[convicted[at]].nested {
            campaign.units.push(convicted[at]);
        }
        campaign.members.extend(piece.members.iter().copied());
        units[convicted[at]].campaign = Some(number[top]);
    }
    for &index in &convicted {
        // A part that none of its whole's campaign is like stands for itself.
        if let Some(campaign) = units[index].campaign.and_then(|number| campaigns.get_mut(number))
            && campaign.units.is_empty()
        {
            campaign.units.push(index);
            units[index].nested = false;
        }
    }
    campaigns.iter_mut().for_each(settle);
    cleared.readers.sort_unstable();
    cleared.copiers.sort_unstable();
    adopt(ledger, units, &mut campaigns, &cleared, options);
    for campaign in &mut campaigns {
        let adopted = std::mem::take(&mut campaign.adopted);
        campaign.members.extend(adopted);
        settle(campaign);
        count_requests(campaign, units);
    }
    campaigns
}

/// The families of a unit whose accounts testify and are not accused for them. Where a conviction rests on co-use, all accounts live
/// their own lives, and a template whose accounts do not live as a campaign's is no guest of one whose accounts happen to.
fn guests(unit: &Unit) -> &[u32] {
    if unit.judgement.rests_on_co_use() { &[] } else { &unit.guests }
}

/// Counts the requests of members that came in by units; those of adopted ones are counted already.
fn count_requests(campaign: &mut Campaign, units: &[Unit]) {
    for member in campaign.members.iter_mut().filter(|member| !member.adopted) {
        let views = campaign.units.iter().map(|&unit| &units[unit].view);
        let edges = views.filter_map(|view| {
            let at = view.edges.binary_search_by_key(&member.account, |edge| edge.account).ok()?;
            view.edges.get(at)
        });
        member.requests = edges.map(|edge| edge.requests).sum();
    }
}

/// Members by account, each once.
fn settle(campaign: &mut Campaign) {
    campaign.members.sort_by(|a, b| a.account.cmp(&b.account).then(b.strength.total_cmp(&a.strength)));
    campaign.members.dedup_by(|later, first| {
        let same = later.account == first.account;
        if same {
            first.requests = first.requests.max(later.requests);
            first.adopted &= later.adopted;
        }
        same
    });
}

/// What of a convicted unit is compared with others.
struct Piece {
    members: Vec<Member>,
    /// Every account that came back to the unit and wears its wording, accused or not; ascending.
    users: Vec<u32>,
    /// What recurs in the requests of some members, ascending tokens each.
    profiles: Vec<Vec<u32>>,
    pool: Vec<u64>,
    portrait: Portrait,
}

impl Piece {
    fn of(ledger: &Ledger<'_>, unit: &Unit, options: &ResidualOptions) -> Self {
        let portrait = strength::portrait(ledger, &unit.view, &unit.judgement);
        let members: Vec<Member> = unit
            .view
            .edges
            .iter()
            .zip(&unit.strength)
            .map(|(edge, &strength)| Member {
                account: edge.account,
                strength,
                requests: edge.requests,
                adopted: false,
            })
            .filter(|member| member.strength >= strength::ACCUSE_MIN)
            .collect();
        // Strays that a loose join carried in do not make their campaign this one.
        let works_here = |edge: &&Edge| {
            edge.requests >= 2 && strength::wears(ledger, &unit.view, edge, &unit.judgement, &portrait) >= WORN_MIN
        };
        let users = unit.view.edges.iter().filter(works_here).map(|edge| edge.account).collect();
        let step = members.len().div_ceil(PROFILES_MAX).max(1);
        let mut counts = TokenCounts::default();
        let profiles = members
            .iter()
            .step_by(step)
            .filter_map(|member| {
                let at = unit.view.edges.binary_search_by_key(&member.account, |edge| edge.account).ok()?;
                Some(profile(ledger, unit.view.rows_of(unit.view.edges.get(at)?), options, &mut counts))
            })
            .collect();
        let mut pool: Vec<u64> = unit
            .view
            .rows
            .iter()
            .filter_map(|&row| ledger.columns.slot.get(ledger.document(row)))
            .filter(|slot| slot.bytes >= 24)
            .map(|slot| slot.hash)
            .collect();
        pool.sort_unstable();
        pool.dedup();
        pool.truncate(POOL_SAMPLE);
        Self { members, users, profiles, pool, portrait }
    }

    /// True when half of the smaller side's members word it like two members of the other side.
    fn worded_alike(&self, other: &Self, ledger: &Ledger<'_>, options: &ResidualOptions) -> bool {
        let (small, large) = if self.profiles.len() <= other.profiles.len() { (self, other) } else { (other, self) };
        let alike = |a: &[u32], b: &[u32]| {
            let (jaccard, nats) = weighted_jaccard(a, b, |token| telling(ledger, token));
            jaccard >= options.jaccard_min && nats >= options.nats_min
        };
        let has_two = |mine: &Vec<u32>| large.profiles.iter().filter(|theirs| alike(mine, theirs)).take(2).count() == 2;
        let linked = small.profiles.iter().filter(|mine| has_two(mine)).count();
        // Two campaigns made from one kit have words in common, and each is far more like itself.
        linked > 0 && 2 * linked >= small.profiles.len() && as_within(ledger, &self.profiles, &other.profiles)
    }

    fn same_campaign(&self, other: &Self, ledger: &Ledger<'_>, options: &ResidualOptions) -> bool {
        let accused = |piece: &Self| piece.members.iter().map(|member| member.account).collect::<Vec<u32>>();
        let (mine, theirs) = (accused(self), accused(other));
        let least = mine.len().min(theirs.len());
        let common = common(&mine, &other.users).max(common(&theirs, &self.users));
        // Accused accounts that work in both: enough of them are both signs at once.
        if common >= 5 && 10 * common >= 3 * least {
            return true;
        }
        let co_use = common >= 3 && 10 * common >= least;
        let wording = self.worded_alike(other, ledger, options);
        let alike = |a: f64, b: f64| a <= 2.0 * b && b <= 2.0 * a;
        let pace = alike(self.portrait.per_day, other.portrait.per_day)
            && alike(self.portrait.days.max(1.0), other.portrait.days.max(1.0));
        // Two samples of smallest hashes compare only below the smaller of their largest values.
        let limit = self.pool.last().copied().unwrap_or(0).min(other.pool.last().copied().unwrap_or(0));
        let shared = self.pool.iter().filter(|&&hash| hash <= limit && other.pool.binary_search(&hash).is_ok()).count();
        let pool = shared >= 5;
        (co_use || wording) && [co_use, wording, pace, pool].into_iter().filter(|&sign| sign).count() >= 2
    }
}

/// How many values two ascending lists have in common.
fn common<T: Ord>(a: &[T], b: &[T]) -> usize {
    a.iter().filter(|value| b.binary_search(value).is_ok()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::decide::Judgement;
    use crate::campaign::evidence::{Evidence, Kind, Reason};
    use crate::campaign::ledger::View;

    #[test]
    fn nobody_is_a_guest_where_all_accounts_live_their_own_lives() {
        let held = |kinds: &[Kind]| {
            let evidence =
                kinds.iter().map(|&kind| Evidence { kind, value: 0.0, null: 1.0, p: 1e-9, n: 80, holds: true });
            let judgement =
                Judgement { evidence: evidence.collect(), ..Judgement::plain(Verdict::Convicted, Reason::Coordinated) };
            Unit { guests: vec![1, 2], judgement, ..crate::campaign::whole::unit(vec![1, 2, 3], View::default()) }
        };
        let inside_hosts = held(&[Kind::Evenness, Kind::Wording, Kind::CoUse]);
        assert!(guests(&inside_hosts).is_empty(), "one of its templates is lively by chance");
        let lively = held(&[Kind::Evenness, Kind::Wording, Kind::CoUse, Kind::Turnover]);
        assert_eq!(guests(&lively), [1, 2]);
    }
}

//! From convicted views to campaigns: which views are one campaign's, and which small fragments belong to it.
//!
//! A campaign that works with several templates, or whose rewording scattered it over several families, is found in
//! pieces. Two pieces are joined on two signs, of which one must be a strong one: common accounts or common wording.

use super::Unit;
use super::chance;
use super::evidence::{Reason, Verdict};
use super::fragments::root;
use super::ledger::{Ledger, View};
use super::strength::{self, Portrait, weight_in};
use crate::num;

/// Slot values kept of a unit for comparison: the smallest hashes, so that two units keep the same ones.
const POOL_SAMPLE: usize = 512;

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
}

/// Joins the convicted units into campaigns, in the order of their first row, and sets `Unit::campaign`.
pub fn join(ledger: &Ledger<'_>, units: &mut [Unit]) -> Vec<Campaign> {
    let convicted: Vec<usize> =
        (0..units.len()).filter(|&index| units[index].judgement.verdict == Verdict::Convicted).collect();
    for &index in &convicted {
        let unit = &units[index];
        let portrait = strength::portrait(ledger, &unit.view, &unit.judgement);
        let of = |edge| strength::strength(ledger, &unit.view, edge, &unit.judgement, &portrait);
        units[index].strength = unit.view.edges.iter().map(of).collect();
    }
    let pieces: Vec<Piece> = convicted.iter().map(|&index| Piece::of(ledger, &units[index])).collect();
    let mut parent: Vec<usize> = (0..pieces.len()).collect();
    for a in 0..pieces.len() {
        for b in 0..a {
            if pieces[a].same_campaign(&pieces[b]) {
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
        campaign.units.push(convicted[at]);
        campaign.members.extend(piece.members.iter().copied());
        units[convicted[at]].campaign = Some(number[top]);
    }
    adopt(ledger, units, &convicted, &mut campaigns);
    for campaign in &mut campaigns {
        campaign.members.sort_by(|a, b| a.account.cmp(&b.account).then(b.strength.total_cmp(&a.strength)));
        campaign.members.dedup_by(|later, first| {
            let same = later.account == first.account;
            if same {
                first.requests += later.requests;
                first.adopted &= later.adopted;
            }
            same
        });
    }
    campaigns
}

/// What of a convicted unit is compared with others.
struct Piece {
    members: Vec<Member>,
    vocabulary: Vec<u32>,
    pool: Vec<u64>,
    portrait: Portrait,
}

impl Piece {
    fn of(ledger: &Ledger<'_>, unit: &Unit) -> Self {
        let portrait = strength::portrait(ledger, &unit.view, &unit.judgement);
        let members = unit
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
        let vocabulary = unit.judgement.wording.vocabulary.iter().map(|&(token, _)| token).collect();
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
        Self { members, vocabulary, pool, portrait }
    }

    fn same_campaign(&self, other: &Self) -> bool {
        let mine: Vec<u32> = self.members.iter().map(|member| member.account).collect();
        let theirs: Vec<u32> = other.members.iter().map(|member| member.account).collect();
        let common = common(&mine, &theirs);
        let co_use = common >= 3 && 10 * common >= mine.len().min(theirs.len());
        let words = self::common(&self.vocabulary, &other.vocabulary);
        let wording = words >= 8 && 2 * words >= self.vocabulary.len() + other.vocabulary.len() - words;
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

/// Adopts what was too small to be judged: rows without a family, or in a family of too few principals, whose recurrent
/// wording lies within a convicted unit's vocabulary and whose account keeps the campaign's pace.
fn adopt(ledger: &Ledger<'_>, units: &[Unit], convicted: &[usize], campaigns: &mut [Campaign]) {
    let mut taken = vec![false; ledger.columns.account.len()];
    for unit in units {
        let small = matches!(unit.judgement.reason, Reason::FewPrincipals | Reason::TooLittle);
        if !small {
            for &row in &unit.view.rows {
                taken[num::usize_of(row)] = true;
            }
        }
    }
    // One pass over the log with a bit map of all vocabularies leaves few rows for the exact look.
    let mut known = vec![false; 1 << 16];
    let bit = |token: u32| num::usize_of(token.wrapping_mul(0x9e37_79b1) >> 16);
    for &index in convicted {
        for &(token, _) in &units[index].judgement.wording.vocabulary {
            known[bit(token)] = true;
        }
    }
    let portraits: Vec<Portrait> = convicted
        .iter()
        .map(|&index| strength::portrait(ledger, &units[index].view, &units[index].judgement))
        .collect();
    let bars: Vec<f64> = convicted.iter().map(|&index| typical_weight(ledger, &units[index])).collect();
    for account in 0..ledger.accounts.len() {
        let free: Vec<u32> = ledger
            .rows_of(account)
            .iter()
            .copied()
            .filter(|&row| !taken[num::usize_of(row)])
            .filter(|&row| ledger.tokens(row).iter().filter(|&&token| known[bit(token)]).count() >= 4)
            .collect();
        if free.len() < 3 {
            continue;
        }
        let mut best: Option<(f64, usize, Vec<u32>)> = None;
        for (at, &index) in convicted.iter().enumerate() {
            let vocabulary = &units[index].judgement.wording.vocabulary;
            let rows: Vec<u32> =
                free.iter().copied().filter(|&row| weight_in(ledger, row, vocabulary) >= 0.4 * bars[at]).collect();
            if rows.len() < 3 {
                continue;
            }
            let (share, nats) = strength::containment(ledger, &rows, vocabulary);
            let view = ledger.view(rows);
            let paced =
                view.edges.first().is_some_and(|edge| keeps_pace(ledger, &view, edge, units, index, &portraits[at]));
            if share >= 0.6 && nats >= 30.0 && paced && best.as_ref().is_none_or(|(most, ..)| share > *most) {
                best = Some((share, index, view.rows));
            }
        }
        if let Some((share, index, rows)) = best
            && let Some(campaign) = units[index].campaign.and_then(|number| campaigns.get_mut(number))
        {
            campaign.members.push(Member {
                account: num::u32_saturating(account),
                strength: share,
                requests: num::u32_saturating(rows.len()),
                adopted: true,
            });
            campaign.adopted_rows.extend(rows);
        }
    }
}

fn keeps_pace(
    ledger: &Ledger<'_>,
    view: &View,
    edge: &super::ledger::Edge,
    units: &[Unit],
    index: usize,
    portrait: &Portrait,
) -> bool {
    edge.requests >= 5
        && super::pacing::dense_life(ledger, edge)
        && strength::strength(ledger, view, edge, &units[index].judgement, portrait) >= 0.75
}

/// Median weight of a unit's rows within its own vocabulary.
fn typical_weight(ledger: &Ledger<'_>, unit: &Unit) -> f64 {
    let step = unit.view.rows.len().div_ceil(300).max(1);
    let mut weights: Vec<f64> = unit
        .view
        .rows
        .iter()
        .step_by(step)
        .map(|&row| weight_in(ledger, row, &unit.judgement.wording.vocabulary))
        .collect();
    chance::median(&mut weights)
}

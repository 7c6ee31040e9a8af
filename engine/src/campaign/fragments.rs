//! Joins families before they are judged: a template reworded from account to account shatters into many small families,
//! and none of them alone has the accounts to be judged by.
//!
//! Families are joined on wording and on common accounts, never on pace, volume or life: a test of evenness after a choice
//! by volume would be worthless.

use super::Unit;
use super::ledger::{Ledger, View};
use super::pacing;
use super::wording::weighted_jaccard;
use crate::num;
use std::collections::HashMap;

/// Least weighted Jaccard of two families' recurrent tokens.
const JACCARD_MIN: f64 = 0.25;
/// Least shared weight, in nats.
const NATS_MIN: f64 = 22.0;
/// Rows read for the profile of one family, spread over its accounts.
const ROWS_MAX: usize = 80;
/// Share of them in which a token must recur.
const RECURRENCE: f64 = 0.3;
/// Families of one token that are compared; commoner tokens propose no pair.
const POSTING_MAX: usize = 200;

/// Units of one account that are compared; an account in more is a busy stranger.
const UNITS_OF_ACCOUNT_MAX: usize = 24;

/// Groups of units (indexes, ascending, two or more) that look like pieces of one template.
///
/// Seeds are the units whose accounts live short and densely; joined by them alone, the whole would show short dense lives
/// because it was chosen so. Hence every unit of like wording is taken in with its seed, however its accounts live.
#[must_use]
pub fn by_wording(ledger: &Ledger<'_>, units: &[Unit]) -> Vec<Vec<usize>> {
    let seed: Vec<bool> = units.iter().map(|unit| lively(ledger, &unit.view)).collect();
    let profiles: Vec<Vec<u32>> = units.iter().map(|unit| profile(ledger, &unit.view)).collect();
    let accounts = num::f64_of(ledger.active_accounts);
    let weight = |token: u32| {
        let users = f64::from(ledger.token_accounts(token));
        if users > 0.1 * accounts { 0.0 } else { ((accounts + 1.0) / (users + 1.0)).ln() }
    };
    let mut postings: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, tokens) in profiles.iter().enumerate() {
        for &token in tokens.iter().filter(|&&token| weight(token) > 0.0) {
            postings.entry(token).or_default().push(at);
        }
    }
    let mut parent: Vec<usize> = (0..units.len()).collect();
    let mut guests: Vec<(usize, usize, f64)> = Vec::new();
    for at in (0..units.len()).filter(|&at| seed[at]) {
        let tokens = &profiles[at];
        let mut near: Vec<usize> = tokens
            .iter()
            .filter_map(|token| postings.get(token))
            .filter(|posting| posting.len() <= POSTING_MAX)
            .flat_map(|posting| posting.iter().copied())
            .filter(|&other| other != at && (!seed[other] || other < at))
            .collect();
        near.sort_unstable();
        near.dedup();
        for other in near {
            let (jaccard, nats) = weighted_jaccard(tokens, &profiles[other], weight);
            if jaccard < JACCARD_MIN || nats < NATS_MIN * ledger.columns.token_share {
                continue;
            }
            if seed[other] {
                let (a, b) = (root(&parent, at), root(&parent, other));
                parent[a.max(b)] = a.min(b);
            } else {
                guests.push((other, at, jaccard));
            }
        }
    }
    // A guest goes to the seed it is most like.
    guests.sort_by(|a, b| a.0.cmp(&b.0).then(b.2.total_cmp(&a.2)).then(a.1.cmp(&b.1)));
    guests.dedup_by_key(|&mut (guest, ..)| guest);
    for (guest, at, _) in guests {
        parent[guest] = root(&parent, at);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for at in 0..units.len() {
        members[root(&parent, at)].push(at);
    }
    members.retain(|group| group.len() >= 2);
    members
}

/// Groups of these units (indexes, ascending, two or more) that the same accounts use: the templates of one campaign, and
/// of many an innocent tool.
#[must_use]
pub fn by_accounts(ledger: &Ledger<'_>, units: &[Unit], tops: &[usize]) -> Vec<Vec<usize>> {
    let mut of_account: Vec<(u32, usize)> = Vec::new();
    let mut sizes = vec![0_usize; tops.len()];
    let lively: Vec<bool> = tops.iter().map(|&index| lively(ledger, &units[index].view)).collect();
    for (at, &index) in tops.iter().enumerate().filter(|(_, index)| units[**index].view.principals >= 5) {
        for edge in units[index].view.edges.iter().filter(|edge| edge.requests >= 2) {
            of_account.push((edge.account, at));
            sizes[at] += 1;
        }
    }
    of_account.sort_unstable();
    let mut common: HashMap<(usize, usize), usize> = HashMap::new();
    for run in of_account.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() <= UNITS_OF_ACCOUNT_MAX) {
        for (place, &(_, a)) in run.iter().enumerate() {
            for &(_, b) in run.iter().skip(place + 1) {
                *common.entry((a, b)).or_default() += 1;
            }
        }
    }
    let mut parent: Vec<usize> = (0..tops.len()).collect();
    let mut pairs: Vec<((usize, usize), usize)> = common.into_iter().collect();
    pairs.sort_unstable();
    for ((a, b), count) in pairs {
        let (small, large) = (sizes[a].min(sizes[b]), sizes[a].max(sizes[b]));
        let most = count >= 5 && 2 * count >= small && 4 * count >= large;
        let some = lively[a] && lively[b] && count >= 3 && 10 * count >= small && 20 * count >= large;
        if most || some {
            let (a, b) = (root(&parent, a), root(&parent, b));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); tops.len()];
    for (at, &index) in tops.iter().enumerate() {
        members[root(&parent, at)].push(index);
    }
    members.retain(|group| group.len() >= 2);
    members
}

/// The root of a node in a forest of parents.
pub(super) fn root(parent: &[usize], mut node: usize) -> usize {
    while parent[node] != node {
        node = parent[node];
    }
    node
}

/// True when half of the accounts that came back live short and densely.
fn lively(ledger: &Ledger<'_>, view: &View) -> bool {
    let returning = view.edges.iter().filter(|edge| edge.requests >= 3);
    let dense = returning.clone().filter(|edge| pacing::dense_life(ledger, edge)).count();
    dense > 0 && 2 * dense >= returning.count()
}

/// Tokens that recur in a family's rows, ascending.
fn profile(ledger: &Ledger<'_>, view: &View) -> Vec<u32> {
    let step = view.rows.len().div_ceil(ROWS_MAX).max(1);
    let mut all: Vec<u32> = Vec::new();
    let mut read = 0_usize;
    for &row in view.rows.iter().step_by(step) {
        all.extend_from_slice(ledger.tokens(row));
        read += 1;
    }
    all.sort_unstable();
    let least = num::usize_of_f64((RECURRENCE * num::f64_of(read)).ceil()).max(2);
    all.chunk_by(|a, b| a == b).filter(|run| run.len() >= least).filter_map(|run| run.first().copied()).collect()
}

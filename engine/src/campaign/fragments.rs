//! Joins families before they are judged: a template reworded from account to account shatters into many small families,
//! and none of them alone has the accounts to be judged by.
//!
//! Only families whose accounts already live as one would expect of a campaign's are joined, never on pace or volume:
//! a test of evenness after a choice by volume would be worthless.

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

/// Groups of units (indexes, ascending, two or more) that look like pieces of one template.
#[must_use]
pub fn groups(ledger: &Ledger<'_>, units: &[Unit]) -> Vec<Vec<usize>> {
    let candidates: Vec<usize> = (0..units.len()).filter(|&index| lively(ledger, &units[index].view)).collect();
    let profiles: Vec<Vec<u32>> = candidates.iter().map(|&index| profile(ledger, &units[index].view)).collect();
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
    let mut parent: Vec<usize> = (0..candidates.len()).collect();
    for (at, tokens) in profiles.iter().enumerate() {
        let mut near: Vec<usize> = tokens
            .iter()
            .filter_map(|token| postings.get(token))
            .filter(|posting| posting.len() <= POSTING_MAX)
            .flat_map(|posting| posting.iter().copied().filter(|&other| other < at))
            .collect();
        near.sort_unstable();
        near.dedup();
        for other in near {
            let (jaccard, nats) = weighted_jaccard(tokens, &profiles[other], weight);
            if jaccard >= JACCARD_MIN && nats >= NATS_MIN * ledger.columns.token_share {
                let (a, b) = (root(&parent, at), root(&parent, other));
                parent[a.max(b)] = a.min(b);
            }
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); candidates.len()];
    for (at, &index) in candidates.iter().enumerate() {
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

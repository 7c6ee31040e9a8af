//! Statistic of who shares several templates: the same accounts, and hardly anybody else.
//!
//! Many an innocent tool has several templates and its own users, so this convicts nobody by itself. It counts beside a
//! wording that each account has to itself, which no tool explains.

use super::chance;
use super::evidence::{Evidence, Kind};
use super::ledger::{Ledger, View};
use crate::num;

/// Largest p-value of templates that are shared beyond chance.
pub(super) const P_MAX: f64 = 1e-6;

/// Volume classes: powers of two.
const CLASSES: usize = 33;

/// Co-use: share of the accounts of these templates, casual ones too, that use two of them or more.
///
/// Null: who uses one of the smaller templates uses the largest as often as accounts of like volume do anywhere in the log;
/// p of the binomial tail, times the pairs of families that could have been chosen.
#[must_use]
pub fn co_use(ledger: &Ledger<'_>, view: &View, templates: &[&View]) -> Evidence {
    let mut evidence =
        Evidence { kind: Kind::CoUse, value: f64::NAN, null: f64::NAN, p: 1.0, n: view.edges.len(), holds: false };
    let Some(largest) = templates.iter().max_by_key(|template| template.edges.len()) else { return evidence };
    if templates.len() < 2 {
        return evidence;
    }
    let users = |template: &View| template.edges.iter().map(|edge| edge.account).collect::<Vec<u32>>();
    let of_largest = users(largest);
    let mut uses: Vec<u32> = templates.iter().flat_map(|template| users(template)).collect();
    uses.sort_unstable();
    let several = uses.chunk_by(|a, b| a == b).filter(|run| run.len() >= 2).count();
    let class = |account: u32| {
        let requests = ledger.accounts.get(num::usize_of(account)).map_or(0, |account| account.requests);
        num::usize_of(32 - requests.leading_zeros())
    };
    let (mut all, mut inside) = ([0_usize; CLASSES], [0_usize; CLASSES]);
    for account in 0..num::u32_saturating(ledger.accounts.len()) {
        all[class(account)] += 1;
        inside[class(account)] += usize::from(of_largest.binary_search(&account).is_ok());
    }
    let mut others: Vec<u32> = templates
        .iter()
        .filter(|template| !std::ptr::eq(**template, *largest))
        .flat_map(|other| users(other))
        .collect();
    others.sort_unstable();
    others.dedup();
    let hits = others.iter().filter(|account| of_largest.binary_search(account).is_ok()).count();
    let rate = |account: &u32| num::f64_of(inside[class(*account)]) / num::f64_of(all[class(*account)].max(1));
    let null = others.iter().map(rate).sum::<f64>() / num::f64_of(others.len().max(1));
    let chosen_among = f64::from(ledger.columns.families).powi(2).max(1.0);
    evidence.value = num::f64_of(several) / num::f64_of(view.edges.len().max(1));
    evidence.null = null;
    evidence.p = (chosen_among * chance::binomial_above(hits, others.len(), null)).min(1.0);
    evidence.holds = several >= 10 && evidence.value >= 0.7 && evidence.p < P_MAX;
    evidence
}

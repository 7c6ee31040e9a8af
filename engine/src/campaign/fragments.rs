//! Joins families before they are judged: a template reworded from account to account shatters into many small families,
//! and none of them alone has the accounts to be judged by.
//!
//! Families are joined on wording and on common accounts, never on pace, volume or life: a test of evenness after a choice
//! by volume would be worthless.

use super::Unit;
use super::chance;
use super::counts::TokenCounts;
use super::ledger::{Ledger, View};
use super::pacing;
use super::wording::weighted_jaccard;
use crate::num;
use std::collections::HashMap;

/// Least weighted Jaccard of two families' recurrent tokens.
const JACCARD_MIN: f64 = 0.25;
/// Links from which a weak one counts.
const LINKS_MIN: usize = 2;
/// From here on one link is enough.
const JACCARD_STRONG: f64 = 0.4;
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

/// Principals from which a unit may be a template of its own, and a shard of one.
const PRINCIPALS_MIN: usize = 5;
const SHARD_PRINCIPALS_MIN: usize = 3;

/// Largest p-value of as many accounts of a small template that happen to use a large one.
const SMALL_P_MAX: f64 = 1e-6;

/// Which units are worth joining by wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// Their accounts live short and densely.
    Lively,
    /// Their accounts send next to nothing in all their lives.
    OneShot,
}

/// Groups of `tops` (indexes of units, ascending, two or more) that look like pieces of one template.
///
/// Seeds are chosen by how their accounts live; joined by them alone, the whole would show such lives because it was
/// chosen so. Hence every unit of like wording is taken in with its seed, however its accounts live.
#[must_use]
pub fn by_wording(ledger: &Ledger<'_>, units: &[Unit], tops: &[usize], kind: Seed) -> Vec<Vec<usize>> {
    let is_seed = |view: &View| match kind {
        Seed::Lively => lively(ledger, view),
        Seed::OneShot => one_shot(ledger, view),
    };
    let mut seed = vec![false; units.len()];
    let mut profiles: Vec<Vec<u32>> = vec![Vec::new(); units.len()];
    for &at in tops {
        seed[at] = is_seed(&units[at].view);
        profiles[at] = profile(ledger, &units[at].view);
    }
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
    let mut links: Vec<(usize, usize, f64)> = Vec::new();
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
            if jaccard >= JACCARD_MIN && nats >= NATS_MIN {
                links.push((at, other, jaccard));
            }
        }
    }
    let parent = forest(&seed, links);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for at in 0..units.len() {
        members[root(&parent, at)].push(at);
    }
    members.retain(|group| group.len() >= 2);
    members
}

/// Joins what is linked. A weak link counts between units that have several, for a chain of single weak links leads from any
/// template to any other; a unit that is no seed goes to the seed it is most like, if it is linked to several of its group.
fn forest(seed: &[bool], mut links: Vec<(usize, usize, f64)>) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..seed.len()).collect();
    let mut degree = vec![0_usize; seed.len()];
    for &(at, other, _) in links.iter().filter(|&&(_, other, _)| seed[other]) {
        degree[at] += 1;
        degree[other] += 1;
    }
    for &(at, other, jaccard) in links.iter().filter(|&&(_, other, _)| seed[other]) {
        if jaccard >= JACCARD_STRONG || degree[at].min(degree[other]) >= LINKS_MIN {
            let (a, b) = (root(&parent, at), root(&parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    links.retain(|&(_, other, _)| !seed[other]);
    links.sort_by(|a, b| a.1.cmp(&b.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
    for run in links.chunk_by(|a, b| a.1 == b.1) {
        let Some(&(at, guest, jaccard)) = run.first() else { continue };
        let group = root(&parent, at);
        let several = run.iter().filter(|&&(other, ..)| root(&parent, other) == group).count() >= LINKS_MIN;
        if jaccard >= JACCARD_STRONG || several {
            parent[guest] = group;
        }
    }
    parent
}

/// Groups of these units (indexes, ascending, two or more) that the same accounts use: the templates of one campaign, and
/// of many an innocent tool. So are shards of one that is rewritten with each request.
#[must_use]
pub fn by_accounts(ledger: &Ledger<'_>, units: &[Unit], tops: &[usize]) -> Vec<Vec<usize>> {
    let lively: Vec<bool> = tops.iter().map(|&index| lively(ledger, &units[index].view)).collect();
    let mut parent: Vec<usize> = (0..tops.len()).collect();
    let mut join = |(a, b): Pair| {
        let (a, b) = (root(&parent, a), root(&parent, b));
        parent[a.max(b)] = a.min(b);
    };
    let views: Vec<&View> = tops.iter().map(|&index| &units[index].view).collect();
    let (common, sizes) = common_accounts(&views, PRINCIPALS_MIN, 2);
    for (pair, count) in common {
        let (small, large) = (sizes[pair.0].min(sizes[pair.1]), sizes[pair.0].max(sizes[pair.1]));
        let most = count >= 5 && 2 * count >= small && 4 * count >= large;
        let some = lively[pair.0] && lively[pair.1] && count >= 3 && 10 * count >= small && 20 * count >= large;
        // However large the other: more than half of the accounts of a small one do not use it by chance.
        let rate = num::f64_of(large) / num::f64_of(ledger.active_accounts.max(1));
        let most_of_small = lively[pair.0]
            && lively[pair.1]
            && 2 * count >= small
            && chance::binomial_above(count, small, rate) < SMALL_P_MAX;
        if most || some || most_of_small {
            join(pair);
        }
    }
    // What is rewritten with each request shatters into families of which each account has a request or two.
    let (common, sizes) = common_accounts(&views, SHARD_PRINCIPALS_MIN, 1);
    for (pair, count) in common {
        let (small, large) = (sizes[pair.0].min(sizes[pair.1]), sizes[pair.0].max(sizes[pair.1]));
        if lively[pair.0] && lively[pair.1] && count >= 3 && 2 * count >= small && 4 * count >= large {
            join(pair);
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); tops.len()];
    for (at, &index) in tops.iter().enumerate() {
        members[root(&parent, at)].push(index);
    }
    members.retain(|group| group.len() >= 2);
    members
}

/// Places of two views, ascending.
type Pair = (usize, usize);

/// Accounts that two views have in common, for each pair that has any, ascending, and how many accounts each view has:
/// of views of so many principals, accounts of so many requests.
fn common_accounts(views: &[&View], principals: usize, requests: u32) -> (Vec<(Pair, usize)>, Vec<usize>) {
    let mut of_account: Vec<(u32, usize)> = Vec::new();
    let mut sizes = vec![0_usize; views.len()];
    for (at, view) in views.iter().enumerate().filter(|(_, view)| view.principals >= principals) {
        for edge in view.edges.iter().filter(|edge| edge.requests >= requests) {
            of_account.push((edge.account, at));
            sizes[at] += 1;
        }
    }
    of_account.sort_unstable();
    let mut common: HashMap<Pair, usize> = HashMap::new();
    for run in of_account.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() <= UNITS_OF_ACCOUNT_MAX) {
        for (place, &(_, a)) in run.iter().enumerate() {
            for &(_, b) in run.iter().skip(place + 1) {
                *common.entry((a, b)).or_default() += 1;
            }
        }
    }
    let mut pairs: Vec<(Pair, usize)> = common.into_iter().collect();
    pairs.sort_unstable();
    (pairs, sizes)
}

/// The root of a node in a forest of parents.
pub(super) fn root(parent: &[usize], mut node: usize) -> usize {
    while parent[node] != node {
        node = parent[node];
    }
    node
}

/// True when half of the accounts that came back live short and densely.
pub(super) fn lively(ledger: &Ledger<'_>, view: &View) -> bool {
    let returning = view.edges.iter().filter(|edge| edge.requests >= 3);
    let dense = returning.clone().filter(|edge| pacing::dense_life(ledger, edge)).count();
    dense > 0 && 2 * dense >= returning.count()
}

/// True when most accounts send four requests or fewer in all their lives.
fn one_shot(ledger: &Ledger<'_>, view: &View) -> bool {
    let requests = |account: u32| ledger.accounts.get(num::usize_of(account)).map_or(0, |account| account.requests);
    let tiny = view.edges.iter().filter(|edge| requests(edge.account) <= 4).count();
    10 * tiny >= 6 * view.edges.len()
}

/// Tokens that recur in a family's rows, ascending.
fn profile(ledger: &Ledger<'_>, view: &View) -> Vec<u32> {
    TokenCounts::default().recurrent(ledger, &view.rows, ROWS_MAX, RECURRENCE, 2)
}

//! The residual linker: accounts whose every request is rewritten leave no family behind, yet what recurs in an account's
//! own traffic still gives it away.
//!
//! Averaged over twenty requests, every alternative of a rewording shows up in every account's profile. So: an account's
//! *profile* is the tokens that recur in its unexplained requests and that few accounts use; two accounts are linked when
//! their profiles share much rare weight; an account with links to three others is a core point (as in DBSCAN, Ester et al.
//! 1996: plain single linkage chains strangers together); a component's own tokens then pull in its members' requests.

use super::columns::NONE;
use super::counts::TokenCounts;
use super::ledger::{Ledger, View};
use super::wording::weighted_jaccard;
use crate::num;
use std::collections::HashMap;

/// Bounds and thresholds of the linker.
#[derive(Debug, Clone, Copy)]
pub struct ResidualOptions {
    /// Least unexplained requests of an account with a profile.
    pub requests_min: usize,
    /// Least share of them in which a token must recur.
    pub recurrence: f64,
    /// Largest share of all accounts that may use a token.
    pub users_max: f64,
    /// Least weighted Jaccard of a link.
    pub jaccard_min: f64,
    /// Least shared weight of a link, in nats.
    pub nats_min: f64,
    /// Least links of a core point.
    pub links_min: usize,
}

impl Default for ResidualOptions {
    fn default() -> Self {
        Self { requests_min: 5, recurrence: 0.22, users_max: 0.1, jaccard_min: 0.30, nats_min: 25.0, links_min: 3 }
    }
}

/// Unexplained rows of one account that are read.
const ROWS_MAX: usize = 200;
/// Tokens of one profile; the rarest are kept.
const PROFILE_MAX: usize = 512;
/// Accounts of one token that are compared; a commoner token still counts in the Jaccard but proposes no pair.
const POSTING_MAX: usize = 400;

/// One component: accounts that are linked, and the rows that are its own.
#[derive(Debug, Clone, Default)]
pub struct Component {
    /// Its rows, ascending.
    pub rows: Vec<u32>,
    /// Its accounts, ascending.
    pub accounts: Vec<u32>,
    /// Tokens that recur in a quarter of its accounts' profiles, ascending.
    pub tokens: Vec<u32>,
    /// Least weight within those tokens of a row that is its own, in nats.
    pub row_nats: f64,
}

/// An account's profile: ascending tokens.
struct Profile {
    account: u32,
    rows: Vec<u32>,
    tokens: Vec<u32>,
}

/// Links accounts over the rows for which `free` says true. Components come in the order of their first account.
#[must_use]
pub fn link(ledger: &Ledger<'_>, free: impl Fn(u32) -> bool, options: &ResidualOptions) -> Vec<Component> {
    let profiles = profiles(ledger, free, options);
    let weight = |token: u32| telling(ledger, token);
    let mut postings: HashMap<u32, Vec<u32>> = HashMap::new();
    for (index, profile) in profiles.iter().enumerate() {
        for &token in &profile.tokens {
            postings.entry(token).or_default().push(num::u32_saturating(index));
        }
    }
    let mut links: Vec<Vec<usize>> = vec![Vec::new(); profiles.len()];
    let mut shared: HashMap<usize, f64> = HashMap::new();
    for (index, profile) in profiles.iter().enumerate() {
        shared.clear();
        for token in &profile.tokens {
            let Some(posting) = postings.get(token).filter(|posting| posting.len() <= POSTING_MAX) else { continue };
            for &other in posting.iter().take_while(|&&other| num::usize_of(other) < index) {
                *shared.entry(num::usize_of(other)).or_default() += weight(*token);
            }
        }
        let mut near: Vec<usize> =
            shared.iter().filter(|&(_, &nats)| nats >= 0.5 * options.nats_min).map(|(&other, _)| other).collect();
        near.sort_unstable();
        for other in near {
            let (jaccard, nats) = weighted_jaccard(&profile.tokens, &profiles[other].tokens, weight);
            if jaccard >= options.jaccard_min
                && nats >= options.nats_min
                && !same_principal(ledger, profile, &profiles[other])
            {
                links[index].push(other);
                links[other].push(index);
            }
        }
    }
    components(ledger, &profiles, &links, weight, options)
}

/// Surprise of a token in nats, from the accounts that use it anywhere.
pub(super) fn telling(ledger: &Ledger<'_>, token: u32) -> f64 {
    let (accounts, users) = (num::f64_of(ledger.active_accounts), f64::from(ledger.token_accounts(token)));
    ((accounts + 1.0) / (users + 1.0)).ln().max(0.0)
}

fn same_principal(ledger: &Ledger<'_>, a: &Profile, b: &Profile) -> bool {
    ledger.columns.principal.get(num::usize_of(a.account)) == ledger.columns.principal.get(num::usize_of(b.account))
}

/// Profiles of all accounts with enough free rows.
fn profiles(ledger: &Ledger<'_>, free: impl Fn(u32) -> bool, options: &ResidualOptions) -> Vec<Profile> {
    let mut profiles = Vec::new();
    let mut counts = TokenCounts::default();
    for account in 0..ledger.accounts.len() {
        let rows: Vec<u32> = ledger.rows_of(account).iter().copied().filter(|&row| free(row)).collect();
        if rows.len() < options.requests_min {
            continue;
        }
        let tokens = profile(ledger, &rows, options, &mut counts);
        if !tokens.is_empty() {
            profiles.push(Profile { account: num::u32_saturating(account), rows, tokens });
        }
    }
    profiles
}

/// The tokens that recur in these rows and that few accounts use, ascending.
pub(super) fn profile(
    ledger: &Ledger<'_>,
    rows: &[u32],
    options: &ResidualOptions,
    counts: &mut TokenCounts,
) -> Vec<u32> {
    let users_max = options.users_max * num::f64_of(ledger.active_accounts);
    let mut tokens = counts.recurrent(ledger, rows, ROWS_MAX, options.recurrence, 3);
    tokens.retain(|&token| f64::from(ledger.token_accounts(token)) < users_max);
    if tokens.len() > PROFILE_MAX {
        tokens.sort_by_key(|&token| (ledger.token_accounts(token), token));
        tokens.truncate(PROFILE_MAX);
        tokens.sort_unstable();
    }
    tokens
}

/// Core points, their components, and the rows that each pulls in.
fn components(
    ledger: &Ledger<'_>,
    profiles: &[Profile],
    links: &[Vec<usize>],
    weight: impl Fn(u32) -> f64,
    options: &ResidualOptions,
) -> Vec<Component> {
    let core: Vec<bool> = links.iter().map(|list| list.len() >= options.links_min).collect();
    let mut label = vec![NONE; profiles.len()];
    let mut found = Vec::new();
    for start in 0..profiles.len() {
        if !core[start] || label[start] != NONE {
            continue;
        }
        let name = num::u32_saturating(found.len());
        let mut members = vec![start];
        label[start] = name;
        let mut at = 0;
        while let Some(&member) = members.get(at) {
            at += 1;
            for &other in &links[member] {
                if core[other] && label[other] == NONE {
                    label[other] = name;
                    members.push(other);
                }
            }
        }
        members.sort_unstable();
        found.push(component(ledger, profiles, &members, &weight));
    }
    found.retain(|component: &Component| !component.rows.is_empty());
    found
}

/// The rows of these accounts that lie in no family and carry at least half the typical weight of what recurs at a quarter of the
/// accounts in `view`: requests of a template that rewording left alone.
#[must_use]
pub(super) fn strays(
    ledger: &Ledger<'_>,
    view: &View,
    free: impl Fn(u32) -> bool,
    options: &ResidualOptions,
) -> Vec<u32> {
    let mut counts = TokenCounts::default();
    let mut profiles = Vec::new();
    for edge in &view.edges {
        let mut rows: Vec<u32> = view.rows_of(edge).to_vec();
        let tokens = profile(ledger, &rows, options, &mut counts);
        let all = ledger.rows_of(num::usize_of(edge.account)).iter().copied();
        rows.extend(all.filter(|&row| free(row)));
        profiles.push(Profile { account: edge.account, rows, tokens });
    }
    if profiles.is_empty() {
        return Vec::new();
    }
    let members: Vec<usize> = (0..profiles.len()).collect();
    let mut rows = component(ledger, &profiles, &members, &|token| telling(ledger, token)).rows;
    rows.retain(|&row| free(row));
    rows
}

/// The rows of the members that carry at least half the typical weight of the component's own tokens.
fn component(ledger: &Ledger<'_>, profiles: &[Profile], members: &[usize], weight: &impl Fn(u32) -> f64) -> Component {
    let mut all: Vec<u32> = members.iter().flat_map(|&member| profiles[member].tokens.iter().copied()).collect();
    all.sort_unstable();
    let least = (members.len() / 4).max(2);
    let own: Vec<u32> =
        all.chunk_by(|a, b| a == b).filter(|run| run.len() >= least).filter_map(|run| run.first().copied()).collect();
    let mut weighed: Vec<(u32, u32, f64)> = Vec::new();
    for &member in members {
        for &row in &profiles[member].rows {
            let nats = ledger
                .tokens(row)
                .iter()
                .filter(|token| own.binary_search(token).is_ok())
                .map(|&token| weight(token))
                .sum();
            weighed.push((row, profiles[member].account, nats));
        }
    }
    // Typical is the third quartile: up to half of the rows may be cover traffic.
    let mut nats: Vec<f64> = weighed.iter().map(|&(_, _, nats)| nats).collect();
    nats.sort_by(f64::total_cmp);
    let bar = 0.5 * super::chance::quantile(&nats, 0.75);
    let mut component = Component::default();
    for (row, account, nats) in weighed {
        if bar > 0.0 && nats >= bar {
            component.rows.push(row);
            component.accounts.push(account);
        }
    }
    (component.tokens, component.row_nats) = (own, bar);
    component.rows.sort_unstable();
    component.accounts.sort_unstable();
    component.accounts.dedup();
    component
}

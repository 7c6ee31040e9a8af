//! Statistics of how the fixed part is worded: the same instructions in words of its own at each account.
//!
//! Independent users of one template copy it; a campaign that fears to be recognised rewords it, account by account or
//! request by request. What is compared is the *profile* of an account: the tokens that recur in
//! its own documents of the family. Averaging over an account's documents removes the slots.

use super::chance::{self, Random};
use super::counts::TokenCounts;
use super::disguise::Disguise;
use super::evidence::{Evidence, Kind};
use super::ledger::{Edge, Ledger, View};
use crate::num;
use std::collections::BTreeSet;

/// Accounts whose profiles are compared; a sample of a large family says the same.
const PROFILES_MAX: usize = 400;
/// Pairs of accounts compared.
const PAIRS: usize = 600;
/// Rows of one account read for its profile, spread over its life.
const ROWS_MAX: usize = 40;

/// Strangers whose second halves an account's own is held against. More would say more of each account, and make it likelier that one
/// of them drew the same words.
const STRANGERS: usize = 4;

/// Share of an account's documents in which a token stands when it is worded so, rather than talked about.
pub(super) const CONSTANT: f64 = 0.75;
/// Least weight of a skeleton that can be said to be reworded, or copied, in nats: about five rare words.
pub(super) const SKELETON_NATS: f64 = 25.0;

/// What the profiles of a view say.
#[derive(Debug, Clone, Default)]
pub struct Wording {
    /// Median weighted Jaccard of the profiles of two principals, 0 to 1.
    pub between: f64,
    /// Mean weighted Jaccard of the two halves of one account's documents, against other accounts' halves: within.
    pub within: f64,
    /// The same for halves of two different principals.
    pub across: f64,
    /// Principals whose profiles were compared.
    pub profiled: usize,
    /// Principals of whom two halves were compared with strangers'.
    pub tested: usize,
    /// Share of pairs of principals with the same wording.
    pub identical: f64,
    /// Median weight of a profile, in nats of surprise; below about 40 there is too little skeleton to speak of.
    pub nats: f64,
    /// Pairs compared.
    pub pairs: usize,
    /// p-value of "a wording does not depend on the account", from the halves.
    pub p_own: f64,
    /// p-value of "at least a fifth of the pairs copy one wording".
    pub p_copy: f64,
    /// Tokens of the shared vocabulary with their weight in nats, ascending by token.
    pub vocabulary: Vec<(u32, f64)>,
    /// The same tokens, each weight times the square of the share of accounts that use it: what most members wear, and a
    /// minority of strangers that came in by a loose join does not.
    pub common: Vec<(u32, f64)>,
}

/// The tokens that stand in at least `share` of these rows' documents (and in two of them, if there are as many).
pub fn recurrent_tokens(ledger: &Ledger<'_>, rows: &[u32], share: f64, counts: &mut TokenCounts) -> Vec<u32> {
    counts.recurrent(ledger, rows, ROWS_MAX, share, 2.min(rows.len()))
}

/// Weighted Jaccard of two ascending token lists.
#[must_use]
pub fn weighted_jaccard(a: &[u32], b: &[u32], weight: impl Fn(u32) -> f64) -> (f64, f64) {
    let (mut shared, mut all) = (0.0, 0.0);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let (x, y) = (a.get(i).copied(), b.get(j).copied());
        match (x, y) {
            (Some(x), Some(y)) if x == y => {
                let w = weight(x);
                shared += w;
                all += w;
                i += 1;
                j += 1;
            }
            (Some(x), Some(y)) if x < y => {
                all += weight(x);
                i += 1;
            }
            (Some(x), None) => {
                all += weight(x);
                i += 1;
            }
            (_, Some(y)) => {
                all += weight(y);
                j += 1;
            }
            (None, None) => break,
        }
    }
    (if all > 0.0 { shared / all } else { f64::NAN }, shared)
}

/// Surprise of a token in nats, from the accounts outside the view that use it; 0 above a tenth of them.
fn surprise(outside_users: f64, outside: f64) -> f64 {
    if outside_users > 0.1 * outside { 0.0 } else { ((outside + 1.0) / (outside_users + 1.0)).ln() }
}

/// Compares the wording of the accounts of a view.
#[must_use]
pub fn compare(ledger: &Ledger<'_>, view: &View, edges: &[Edge], seed: u64) -> Wording {
    let mut random = Random::new(seed, 0x30bd);
    let mut order: Vec<usize> = (0..edges.len()).filter(|&index| edges[index].requests >= 2).collect();
    random.shuffle(&mut order);
    order.truncate(PROFILES_MAX);
    let mut profiles: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut halves: Vec<(u32, Vec<u32>, Vec<u32>)> = Vec::new();
    let mut counts = TokenCounts::default();
    for &index in &order {
        let edge = &edges[index];
        let rows = view.rows_of(edge);
        let mut recurrent = |rows: &[u32]| recurrent_tokens(ledger, rows, CONSTANT, &mut counts);
        profiles.push((edge.principal, recurrent(rows)));
        if rows.len() >= 4 {
            let (early, late) = rows.split_at(rows.len() / 2);
            halves.push((edge.principal, recurrent(early), recurrent(late)));
        }
    }
    let vocabulary = vocabulary(ledger, view, &profiles);
    for (_, profile) in &mut profiles {
        keep_known(profile, &vocabulary);
    }
    for (_, first, second) in &mut halves {
        keep_known(first, &vocabulary);
        keep_known(second, &vocabulary);
    }
    let weight = |token: u32| match vocabulary.binary_search_by_key(&token, |&(token, _)| token) {
        Ok(at) => vocabulary[at].1,
        Err(_) => 0.0,
    };
    let mut wording = Wording { p_own: 1.0, p_copy: 1.0, ..Wording::default() };
    let mut nats: Vec<f64> =
        profiles.iter().map(|(_, profile)| profile.iter().map(|&token| weight(token)).sum()).collect();
    wording.nats = chance::median(&mut nats);
    let mut between = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let (a, b) = (random.below(profiles.len()), random.below(profiles.len()));
        if let (Some((p, x)), Some((q, y))) = (profiles.get(a), profiles.get(b))
            && p != q
        {
            let (jaccard, _) = weighted_jaccard(x, y, weight);
            if !jaccard.is_nan() {
                between.push(jaccard);
            }
        }
    }
    wording.pairs = between.len();
    wording.profiled = profiles.iter().map(|(principal, _)| principal).collect::<BTreeSet<_>>().len();
    let same = between.iter().filter(|&&jaccard| jaccard >= 0.98).count();
    wording.identical = num::f64_of(same) / num::f64_of(between.len().max(1));
    wording.between = chance::median(&mut between);
    // Pairs share accounts; only as many as half the accounts are independent.
    let independent = wording.pairs.min(profiles.len() / 2);
    let different = num::usize_of_f64(num::f64_of(independent) * (1.0 - wording.identical));
    wording.p_copy = chance::binomial_above(different, independent, 0.8);
    compare_halves(&halves, weight, &mut wording);
    wording.common = prevalent(&vocabulary, &profiles);
    wording.vocabulary = vocabulary;
    wording
}

/// Within an account the halves are alike, across accounts they are not: at how many principals an account's second half is more like
/// its first than the second halves of [`STRANGERS`] other principals all are. Were halves exchangeable, that would be so at one in
/// five at most. p is 1/n! at least: that each of n has its own is one way of n! to deal the halves out.
fn compare_halves(halves: &[(u32, Vec<u32>, Vec<u32>)], weight: impl Fn(u32) -> f64 + Copy, wording: &mut Wording) {
    // Keys of one customer are no witnesses of their own. The order is chance already.
    let mut seen = BTreeSet::new();
    let own: Vec<&(u32, Vec<u32>, Vec<u32>)> = halves.iter().filter(|(owner, ..)| seen.insert(*owner)).collect();
    if own.len() <= STRANGERS {
        return;
    }
    let (mut wins, mut within_sum, mut across_sum) = (0_usize, 0.0, 0.0);
    for (at, (_, first, second)) in own.iter().enumerate() {
        let like = |half: &[u32]| weighted_jaccard(first, half, weight).0;
        let strangers = own.iter().cycle().skip(at + 1).take(STRANGERS);
        let likeness: Vec<f64> = strangers.map(|(_, _, half)| like(half)).collect();
        let within = like(second);
        if within.is_nan() || likeness.iter().any(|across| across.is_nan()) {
            continue;
        }
        wording.tested += 1;
        within_sum += within;
        across_sum += likeness.iter().sum::<f64>() / num::f64_of(STRANGERS);
        wins += usize::from(likeness.iter().all(|&across| within > across + 1e-9));
    }
    if wording.tested > 0 {
        let tested = num::f64_of(wording.tested);
        wording.within = within_sum / tested;
        wording.across = across_sum / tested;
        let orders: f64 = (1..=wording.tested).map(num::f64_of).product();
        let p = chance::binomial_above(wins, wording.tested, 1.0 / num::f64_of(STRANGERS + 1));
        wording.p_own = p.max(1.0 / orders);
    }
}

/// Tokens that recur at several principals, with their surprise outside this view: names and settings that one customer
/// alone writes into a prompt are no rewording.
fn vocabulary(ledger: &Ledger<'_>, view: &View, profiles: &[(u32, Vec<u32>)]) -> Vec<(u32, f64)> {
    let mut owners: Vec<(u32, u32)> = Vec::new();
    for (principal, profile) in profiles {
        owners.extend(profile.iter().map(|&token| (token, *principal)));
    }
    owners.sort_unstable();
    owners.dedup();
    let least = (profiles.len() / 16).max(if profiles.len() >= 12 { 3 } else { 2 });
    let inside = num::f64_of(view.edges.len());
    let scale = inside / num::f64_of(profiles.len().max(1));
    let outside = (num::f64_of(ledger.active_accounts) - inside).max(1.0);
    owners
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|run| run.len() >= least)
        .filter_map(|run| {
            let token = run.first()?.0;
            let users = f64::from(ledger.token_accounts(token)) - (num::f64_of(run.len()) * scale).min(inside);
            let nats = surprise(users.max(0.0), outside);
            (nats > 0.0).then_some((token, nats))
        })
        .collect()
}

/// The vocabulary, weighed by how many of the profiles hold each token.
fn prevalent(vocabulary: &[(u32, f64)], profiles: &[(u32, Vec<u32>)]) -> Vec<(u32, f64)> {
    let mut counts = vec![0_usize; vocabulary.len()];
    for token in profiles.iter().flat_map(|(_, profile)| profile) {
        if let Ok(at) = vocabulary.binary_search_by_key(token, |&(known, _)| known) {
            counts[at] += 1;
        }
    }
    let all = num::f64_of(profiles.len().max(1));
    vocabulary
        .iter()
        .zip(counts)
        .map(|(&(token, nats), count)| (token, nats * (num::f64_of(count) / all).powi(2)))
        .collect()
}

/// Leaves only tokens of the vocabulary.
fn keep_known(profile: &mut Vec<u32>, vocabulary: &[(u32, f64)]) {
    profile.retain(|token| vocabulary.binary_search_by_key(token, |&(known, _)| known).is_ok());
}

impl Wording {
    /// The wording of several templates of the same accounts: figures weighed by requests, p-values by Bonferroni over the templates,
    /// of which any may be the telling one.
    #[must_use]
    pub fn together(mut parts: Vec<(usize, Self)>) -> Self {
        parts.sort_by_key(|&(requests, _)| std::cmp::Reverse(requests));
        // A template of a few accounts says nothing either way: those of one small family are alike since mining put them there.
        let is_of_many = |(_, wording): &&(usize, Self)| wording.profiled > STRANGERS;
        let many: Vec<&(usize, Self)> = parts.iter().filter(is_of_many).collect();
        let compared = if many.is_empty() { parts.iter().collect() } else { many };
        // Nor does one of too few to be held against strangers say who keeps to his own.
        let tested: Vec<&(usize, Self)> = parts.iter().filter(|(_, wording)| wording.tested > 0).collect();
        let mean = |parts: &[&(usize, Self)], of: &dyn Fn(&Self) -> f64| -> f64 {
            let all = num::f64_of(parts.iter().map(|(requests, _)| requests).sum::<usize>().max(1));
            parts.iter().map(|(requests, wording)| num::f64_of(*requests) * of(wording)).sum::<f64>() / all
        };
        let mut whole = Self {
            between: mean(&compared, &|wording| wording.between),
            within: mean(&tested, &|wording| wording.within),
            across: mean(&tested, &|wording| wording.across),
            profiled: parts.iter().map(|(_, wording)| wording.profiled).sum(),
            tested: parts.iter().map(|(_, wording)| wording.tested).sum(),
            identical: mean(&compared, &|wording| wording.identical),
            nats: mean(&compared, &|wording| wording.nats),
            p_own: 1.0,
            p_copy: 1.0,
            ..Self::default()
        };
        let least = |parts: &[&(usize, Self)], of: &dyn Fn(&Self) -> f64| {
            let least = parts.iter().map(|(_, wording)| of(wording)).fold(1.0, f64::min);
            (num::f64_of(parts.len().max(1)) * least).min(1.0)
        };
        whole.p_own = least(&tested, &|wording| wording.p_own);
        whole.p_copy = least(&compared, &|wording| wording.p_copy);
        whole.pairs = compared.first().map_or(0, |(_, largest)| largest.pairs);
        let union = |of: &dyn Fn(&Self) -> &Vec<(u32, f64)>| {
            let mut all: Vec<(u32, f64)> = parts.iter().flat_map(|(_, wording)| of(wording).iter().copied()).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            all.dedup_by_key(|&mut (token, _)| token);
            all
        };
        whole.vocabulary = union(&|wording| &wording.vocabulary);
        whole.common = union(&|wording| &wording.common);
        whole
    }

    /// True when hardly two accounts word it alike, each keeps to its own words, and what they share is too much for
    /// chance. Strangers thrown together by a loose family do not keep to anything: their halves differ as well.
    #[must_use]
    pub fn reworded(&self) -> bool {
        (0.08..0.62).contains(&self.between)
            && self.identical < 0.05
            && self.nats >= SKELETON_NATS
            && self.within >= 0.6
            && self.p_own < 0.01
    }

    /// True when fewer than a fifth of the pairs copy one wording, so that whoever does stands out.
    #[must_use]
    pub fn rarely_copied(&self) -> bool {
        self.pairs > 0 && self.identical < 0.2
    }

    /// True when a fifth of the pairs copy one wording, of enough words to be a text: in a template that is rewritten with each request
    /// the few words that stay are alike everywhere, and that is no copy.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        self.pairs > 0 && !self.rarely_copied() && self.nats >= SKELETON_NATS
    }

    /// The evidence. Null: at least a fifth of the pairs copy one wording, no account keeps to a wording of its own, and
    /// nobody hides the template. p by Bonferroni over the three.
    #[must_use]
    pub fn evidence(&self, disguise: &Disguise) -> Evidence {
        let evades = disguise.evades();
        let p_hidden = if evades { disguise.p() } else { 1.0 };
        Evidence {
            kind: Kind::Wording,
            value: if evades { disguise.share } else { self.between },
            null: if evades { 0.01 } else { 1.0 },
            p: (3.0 * self.p_copy.min(self.p_own).min(p_hidden)).min(1.0),
            n: if evades { disguise.known } else { self.pairs },
            holds: evades || self.reworded(),
        }
    }
}

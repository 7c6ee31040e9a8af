//! Whether an account words it as some members of a campaign do, though it wears little of what most of them wear.
//!
//! Where each account chooses its words anew, whoever drew the rarer alternatives wears next to nothing of the common
//! wording, above all of a short template. But each of its choices is some members'
//! choice too, and a stranger's are not: so it is asked how like an account is to the members that it is most like, and how
//! much of what recurs in its traffic lies within the words that the members choose from.
//!
//! Where too few of its words are known to ask, the family that it shares with members is asked instead.

use super::chance;
use super::columns::NONE;
use super::counts::TokenCounts;
use super::ledger::{Edge, Ledger, View};
use super::part::COHESION;
use super::residual::{ResidualOptions, profile, telling};
use super::strength::{ACCUSE_MIN, REQUESTS_MIN};
use super::wording::weighted_jaccard;
use crate::num;
use std::collections::BTreeMap;

/// Members of a unit that an account is compared with.
const MEMBERS_MAX: usize = 120;
/// Least share, by weight, of what recurs in an account's traffic that lies within the words of the members.
const COVERED_MIN: f64 = 0.8;
/// Least part of what a member wears of those words, at the median, that the account must wear.
const WORN_MIN: f64 = 0.25;

/// Requests in one family from which an account is in the company of those who use it.
const COMPANY_REQUESTS: usize = 5;
/// Largest weight of what recurs at an account and at no member, against what a member wears of the members' words: more is
/// a wording of its own.
const FOREIGN_MAX: f64 = 0.35;

/// The words that the members of one campaign choose from.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Ascending.
    tokens: Vec<u32>,
    /// What a member wears of them at the median, in nats.
    pub(super) worn: f64,
}

impl Words {
    /// The tokens of `least` or more of these profiles.
    pub(super) fn of(ledger: &Ledger<'_>, profiles: &[&Vec<u32>], least: usize) -> Self {
        let mut all: Vec<u32> = profiles.iter().flat_map(|tokens| tokens.iter().copied()).collect();
        all.sort_unstable();
        let common = all.chunk_by(|a, b| a == b).filter(|run| run.len() >= least);
        let mut words = Self { tokens: common.filter_map(|run| run.first().copied()).collect(), worn: 0.0 };
        let mut worn: Vec<f64> = profiles.iter().map(|tokens| words.weigh(ledger, tokens).0).collect();
        words.worn = chance::median(&mut worn);
        words
    }

    /// Weight of the tokens that are among the words, and of all of them, in nats.
    fn weigh(&self, ledger: &Ledger<'_>, tokens: &[u32]) -> (f64, f64) {
        let (mut inside, mut all) = (0.0, 0.0);
        for &token in tokens {
            let nats = telling(ledger, token);
            all += nats;
            inside += if self.tokens.binary_search(&token).is_ok() { nats } else { 0.0 };
        }
        (inside, all)
    }

    /// True when `share` of all that recurs at an account is chosen from these words, and `part` of as much as at a member.
    pub(super) fn cover(&self, ledger: &Ledger<'_>, tokens: &[u32], share: f64, part: f64) -> bool {
        let (inside, all) = self.weigh(ledger, tokens);
        self.worn > 0.0 && inside >= share * all && inside >= part * self.worn
    }
}

/// How the members of one unit word it.
#[derive(Debug)]
pub(super) struct Kin {
    /// What counts as recurring, and as alike.
    options: ResidualOptions,
    /// Principal and recurrent tokens of members.
    members: Vec<(u32, Vec<u32>)>,
    words: Words,
    /// Least likeness to the members nearest: a share of what members have among themselves.
    least: f64,
    /// Families of which most accounts that came back are accused, ascending.
    company: Vec<u32>,
}

impl Kin {
    /// Of the edges of a view that are accused by these strengths.
    pub(super) fn of(ledger: &Ledger<'_>, view: &View, strength: &[f64], options: ResidualOptions) -> Self {
        let accused: Vec<&Edge> =
            view.edges.iter().zip(strength).filter(|&(_, &strength)| strength >= ACCUSE_MIN).map(|(e, _)| e).collect();
        let step = accused.len().div_ceil(MEMBERS_MAX).max(1);
        let mut counts = TokenCounts::default();
        let members: Vec<(u32, Vec<u32>)> = accused
            .iter()
            .step_by(step)
            .map(|edge| (edge.principal, profile(ledger, view.rows_of(edge), &options, &mut counts)))
            .collect();
        let worn: Vec<&Vec<u32>> = members.iter().map(|(_, tokens)| tokens).collect();
        let words = Words::of(ledger, &worn, options.links_min);
        let mut kin = Self { options, members, words, least: 0.0, company: company(ledger, view, strength) };
        let own = |(principal, tokens): &(u32, Vec<u32>)| kin.likeness(ledger, *principal, tokens);
        let mut among: Vec<f64> = kin.members.iter().map(own).collect();
        kin.least = options.jaccard_min.max(COHESION * chance::median(&mut among));
        kin
    }

    /// True when the edge words it as members of other principals do.
    pub(super) fn has(&self, ledger: &Ledger<'_>, view: &View, edge: &Edge) -> bool {
        let tokens = profile(ledger, view.rows_of(edge), &self.options, &mut TokenCounts::default());
        self.words.cover(ledger, &tokens, COVERED_MIN, WORN_MIN)
            && self.likeness(ledger, edge.principal, &tokens) >= self.least
    }

    /// True when an edge, which lives as the members do in all respects, sends what they send, and nothing tells its wording
    /// from theirs.
    ///
    /// Of a short template there may be a word or two that tell, or none of those that an account chose. Then mining, which reads
    /// the order of words too, is heard instead. A stranger in a loose family words it in a way of his own.
    pub(super) fn in_company(&self, ledger: &Ledger<'_>, view: &View, edge: &Edge) -> bool {
        let (family, requests) = mostly(ledger, view, edge);
        let tokens = profile(ledger, view.rows_of(edge), &self.options, &mut TokenCounts::default());
        let (inside, all) = self.words.weigh(ledger, &tokens);
        requests >= COMPANY_REQUESTS
            && self.company.binary_search(&family).is_ok()
            && all - inside <= FOREIGN_MAX * self.words.worn
    }

    /// How like these tokens are to those of the members of other principals that they are most like: the least of as
    /// many as make a link.
    fn likeness(&self, ledger: &Ledger<'_>, principal: u32, tokens: &[u32]) -> f64 {
        let alike = |theirs: &Vec<u32>| weighted_jaccard(tokens, theirs, |token| telling(ledger, token)).0;
        let others = self.members.iter().filter(|(other, _)| *other != principal);
        let mut likeness: Vec<f64> =
            others.map(|(_, theirs)| alike(theirs)).filter(|jaccard| !jaccard.is_nan()).collect();
        likeness.sort_by(|a, b| b.total_cmp(a));
        likeness.get(self.options.links_min.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

/// The family of most of an edge's requests, and how many they are; none where they lie in no family.
fn mostly(ledger: &Ledger<'_>, view: &View, edge: &Edge) -> (u32, usize) {
    let mut families: Vec<u32> = view.rows_of(edge).iter().map(|&row| ledger.family(row)).collect();
    families.sort_unstable();
    let runs = families.chunk_by(|a, b| a == b).filter(|run| run.first() != Some(&NONE));
    runs.max_by_key(|run| run.len()).map_or((NONE, 0), |run| (run.first().copied().unwrap_or(NONE), run.len()))
}

/// The families of which most accounts that came back are accused by these strengths, ascending.
fn company(ledger: &Ledger<'_>, view: &View, strength: &[f64]) -> Vec<u32> {
    let mut users: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (edge, &strength) in view.edges.iter().zip(strength) {
        let (family, requests) = mostly(ledger, view, edge);
        if requests >= num::usize_of(REQUESTS_MIN) {
            let (all, accused) = users.entry(family).or_default();
            *all += 1;
            *accused += usize::from(strength >= ACCUSE_MIN);
        }
    }
    users.into_iter().filter(|(_, (all, accused))| 2 * accused > *all).map(|(family, _)| family).collect()
}

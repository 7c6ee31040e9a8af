//! How strongly one account belongs to a convicted view: a stranger who merely uses the campaign's template must not be
//! accused with it.

use super::chance;
use super::columns::NONE;
use super::counts::TokenCounts;
use super::decide::Judgement;
use super::disguise::is_disguised;
use super::evidence::Kind;
use super::ledger::{DAY_MS, Edge, Ledger, View};
use super::wording::{CONSTANT, SKELETON_NATS, recurrent_tokens, weighted_jaccard};
use crate::num;
use std::collections::{BTreeMap, BTreeSet};

/// What members of a view are like, from its core.
#[derive(Debug, Clone)]
pub struct Portrait {
    /// Median requests a day of life.
    pub per_day: f64,
    /// Median share of own traffic.
    pub share: f64,
    /// Median days of life.
    pub days: f64,
    /// Median weight of an account's requests within the shared vocabulary, in nats.
    nats: f64,
    /// Kinds that held.
    kinds: Vec<Kind>,
}

/// Least strength of an accused edge.
pub const ACCUSE_MIN: f64 = 0.7;

/// Fewer requests than this show no habit, and accuse nobody.
pub const REQUESTS_MIN: u32 = 3;

/// Rows of one account that are weighed.
const ROWS_MAX: usize = 30;

/// Draws the portrait of the members from the edges with five requests or more.
#[must_use]
pub fn portrait(ledger: &Ledger<'_>, view: &View, judgement: &Judgement) -> Portrait {
    let core: Vec<&Edge> = view.edges.iter().filter(|edge| edge.requests >= 5).collect();
    let median = |of: &dyn Fn(&Edge) -> f64| {
        let mut values: Vec<f64> = core.iter().map(|edge| of(edge)).collect();
        chance::median(&mut values)
    };
    Portrait {
        per_day: median(&per_day),
        share: median(&|edge| edge.share),
        days: median(&Edge::span_days),
        nats: median(&|edge| worn(ledger, view.rows_of(edge), &judgement.wording.common)),
        kinds: judgement.evidence.iter().filter(|evidence| evidence.holds).map(|evidence| evidence.kind).collect(),
    }
}

/// Mean weight of these rows within a vocabulary, in nats: how much of the common wording the account wears.
fn worn(ledger: &Ledger<'_>, rows: &[u32], vocabulary: &[(u32, f64)]) -> f64 {
    let step = rows.len().div_ceil(ROWS_MAX).max(1);
    let read = num::f64_of(rows.iter().step_by(step).len().max(1));
    // A sum of nothing is -0.
    (rows.iter().step_by(step).map(|&row| weight_in(ledger, row, vocabulary)).sum::<f64>() / read).max(0.0)
}

/// Weight of a row's tokens within a vocabulary, in nats.
#[must_use]
pub fn weight_in(ledger: &Ledger<'_>, row: u32, vocabulary: &[(u32, f64)]) -> f64 {
    ledger
        .tokens(row)
        .iter()
        .filter_map(|token| vocabulary.binary_search_by_key(token, |&(known, _)| known).ok())
        .map(|at| vocabulary[at].1)
        .sum()
}

fn per_day(edge: &Edge) -> f64 {
    f64::from(edge.requests) / (edge.span_days() + 1.0)
}

/// Strength of an edge, 0 to 1: the share of the convicting kinds that this account shows by itself, lessened where it
/// wears little of the common wording.
#[must_use]
pub fn strength(ledger: &Ledger<'_>, view: &View, edge: &Edge, judgement: &Judgement, portrait: &Portrait) -> f64 {
    // Whoever came in by a loose join does not wear the wording. Where it is rewritten with each request there is
    // little to wear, and whoever hides the template has shown that it is his.
    let hides = judgement.disguise.evades() && judgement.disguise.hides(ledger, view, edge);
    let worn = if hides { 1.0 } else { (wears(ledger, view, edge, judgement, portrait) / 0.75).min(1.0) };
    shown(ledger, view, edge, judgement, portrait) * worn
}

/// How much of the common wording an edge wears, against the median member; 1 is as much.
#[must_use]
pub fn wears(ledger: &Ledger<'_>, view: &View, edge: &Edge, judgement: &Judgement, portrait: &Portrait) -> f64 {
    worn(ledger, view.rows_of(edge), &judgement.wording.common) / portrait.nats.max(1e-9)
}

/// The share of the convicting kinds that an edge shows by itself, 0 to 1, whatever its wording.
#[must_use]
pub fn shown(ledger: &Ledger<'_>, view: &View, edge: &Edge, judgement: &Judgement, portrait: &Portrait) -> f64 {
    if edge.requests < REQUESTS_MIN {
        return 0.0;
    }
    let (mut shown, mut asked) = (0.0, 0.0);
    let mut ask = |weight: f64, yes: bool| {
        asked += weight;
        shown += if yes { weight } else { 0.0 };
    };
    let days =
        num::f64_of_i64((edge.last_ms - ledger.begin_ms) / DAY_MS - (edge.first_ms - ledger.begin_ms) / DAY_MS + 1);
    // A conviction without turnover cannot do without evenness: whoever works at another pace is a stranger in it.
    let evenness = if portrait.kinds.contains(&Kind::Turnover) { 1.0 } else { 2.0 };
    for kind in &portrait.kinds {
        match kind {
            Kind::Evenness => {
                let pace = per_day(edge) / portrait.per_day.max(1e-9);
                ask(evenness, (0.25..4.0).contains(&pace) && edge.requests >= 3);
            }
            Kind::Pacing => {
                let expected = days * (1.0 - (1.0 - 1.0 / days).powf(f64::from(edge.requests)));
                // A burst on one day keeps no pace.
                ask(1.0, edge.active_days >= 2 && f64::from(edge.active_days) >= 0.7 * expected);
            }
            Kind::Turnover => {
                ask(1.0, edge.active_days >= 2 && edge.span_days() <= 2.5 * portrait.days.max(1.0));
            }
            Kind::Dedication => ask(2.0, edge.share >= 0.4 * portrait.share),
            Kind::CoUse if judgement.rests_on_co_use() => {
                let has = |template: &Vec<u32>| {
                    view.rows_of(edge).iter().any(|&row| template.binary_search(&ledger.family(row)).is_ok())
                };
                ask(1.0, judgement.templates.iter().filter(|template| has(template)).take(2).count() == 2);
            }
            Kind::Wording if judgement.disguise.evades() => {
                let hits = view.rows_of(edge).iter().filter(|&&row| is_disguised(ledger, row)).count();
                ask(1.0, 10 * hits >= 3 * view.rows_of(edge).len());
            }
            _ => {}
        }
    }
    if asked > 0.0 { shown / asked } else { 0.0 }
}

/// Other accounts of a family with which an account's wording is compared.
const COMPARED_MAX: usize = 60;
/// Weighted Jaccard from which two accounts have one wording.
const COPIED: f64 = 0.95;

/// Rarer by chance than this, as many accounts of one wording are copies.
const COPIED_P_MAX: f64 = 0.01;

/// What one account words alike in the family that it uses most.
struct Worded {
    edge: usize,
    principal: u32,
    template: usize,
    family: u32,
    /// Tokens of the vocabulary in most of its requests, ascending.
    tokens: Vec<u32>,
}

/// Which edges word it as a fifth of their family's other principals do, two at least, and more of the template's than
/// would by choosing each word alone.
///
/// Where hardly any two accounts of a campaign have one wording, whoever copies one is none of them: readers of a published
/// template, researchers, a class. A few words alike are no copy, nor are those that a family was made by.
#[must_use]
pub fn copiers(ledger: &Ledger<'_>, view: &View, judgement: &Judgement) -> Vec<bool> {
    let vocabulary = &judgement.wording.vocabulary;
    let weight =
        |token: u32| vocabulary.binary_search_by_key(&token, |&(known, _)| known).map_or(0.0, |at| vocabulary[at].1);
    let (mut all, mut counts): (Vec<Worded>, _) = (Vec::new(), TokenCounts::default());
    for (at, edge) in view.edges.iter().enumerate() {
        let mut rows: Vec<(u32, u32)> = view.rows_of(edge).iter().map(|&row| (ledger.family(row), row)).collect();
        rows.sort_unstable();
        let Some(most) = rows.chunk_by(|a, b| a.0 == b.0).max_by_key(|run| run.len()) else { continue };
        let family = most.first().map_or(NONE, |&(family, _)| family);
        let own: Vec<u32> = most.iter().map(|&(_, row)| row).collect();
        let mut tokens = recurrent_tokens(ledger, &own, CONSTANT, &mut counts);
        tokens.retain(|&token| weight(token) > 0.0);
        let template = judgement.templates.iter().position(|families| families.contains(&family));
        let template = template.unwrap_or(judgement.templates.len());
        all.push(Worded { edge: at, principal: edge.principal, template, family, tokens });
    }
    all.sort_by_key(|worded| (worded.template, worded.family, worded.edge));
    let mut copies = vec![false; view.edges.len()];
    for users in all.chunk_by(|a, b| a.template == b.template) {
        let choices = Choices::of(users);
        for of_family in users.chunk_by(|a, b| a.family == b.family) {
            let step = of_family.len().div_ceil(COMPARED_MAX).max(1);
            for mine in of_family {
                let others: Vec<_> =
                    of_family.iter().step_by(step).filter(|other| other.principal != mine.principal).collect();
                let is_alike = |other: &&&Worded| weighted_jaccard(&mine.tokens, &other.tokens, weight).0 >= COPIED;
                let alike = others.iter().filter(is_alike).count();
                let nats: f64 = mine.tokens.iter().map(|&token| weight(token)).sum();
                let enough = nats >= SKELETON_NATS;
                copies[mine.edge] =
                    enough && alike >= 2 && 5 * alike >= others.len() && choices.of_as_many(mine) < COPIED_P_MAX;
            }
        }
    }
    copies
}

/// How the accounts of a template choose their words.
struct Choices<'a> {
    /// Which share of the accounts has each word.
    shares: BTreeMap<u32, f64>,
    /// How many principals have each wording.
    wordings: BTreeMap<&'a [u32], usize>,
    /// How many principals there are.
    principals: usize,
}

impl<'a> Choices<'a> {
    fn of(users: &'a [Worded]) -> Self {
        let mut shares = BTreeMap::new();
        for token in users.iter().flat_map(|user| &user.tokens) {
            *shares.entry(*token).or_insert(0.0) += 1.0 / num::f64_of(users.len());
        }
        let worded: BTreeSet<(u32, &[u32])> = users.iter().map(|user| (user.principal, &user.tokens[..])).collect();
        let mut wordings = BTreeMap::new();
        for &(_, tokens) in &worded {
            *wordings.entry(tokens).or_insert(0) += 1;
        }
        let principals: BTreeSet<u32> = worded.iter().map(|&(principal, _)| principal).collect();
        Self { shares, wordings, principals: principals.len() }
    }

    /// The chance that, each word chosen alone, as many other principals have the very words of `mine` as have.
    fn of_as_many(&self, mine: &Worded) -> f64 {
        let same = self.wordings.get(&mine.tokens[..]).map_or(0, |&principals| principals - 1);
        let each: f64 = mine.tokens.iter().map(|token| self.shares.get(token).copied().unwrap_or(0.0)).product();
        chance::binomial_above(same, self.principals - 1, each.min(1.0))
    }
}

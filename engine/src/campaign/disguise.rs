//! Letters disguised by plan: look-alikes and invisible characters that hide the template itself, in other words with each
//! request.
//!
//! Disguised letters by themselves are innocent. Editors and apps paste an invisible character into every prompt, always at
//! the same places until the next release; watermarks change, and stand where they stood; scanners, typesetters and hasty
//! writers leave them in what a template is filled with, not in the template. Whoever hides from recognition disguises the
//! template's own words, and must choose others with each request, or the disguise would be as good a mark as the words.

use super::chance;
use super::counts::TokenCounts;
use super::ledger::{Edge, Ledger, View};
use crate::family::disguised::{End, Told};
use crate::num;
use std::collections::{BTreeMap, HashMap};

/// Share of an account's requests in which a word of its template stands.
const TEMPLATE_WORD_SHARE: f64 = 0.25;
/// Principals in whose requests it does.
const TEMPLATE_WORD_PRINCIPALS: usize = 3;
/// Share of all accounts that may use a word of a template elsewhere: what everybody writes is everybody's misprint.
const COMMON_WORD_SHARE: f64 = 0.1;

/// Words that a tool may disguise in the prompts of one account: its places in so many releases or clients.
const PLACES_OF_A_TOOL: usize = 3;
/// Share of the requests in which, at most, misprints of the content happen to meet a word of the template first, or last.
const CHANCE_SHARE: f64 = 0.05;

/// Least share of requests with disguised letters.
const SHARE_MIN: f64 = 0.3;
/// Least number of words that were hidden in one request and plain in one before at the same account. A new release of a
/// tool shows one at either end: the first of its places, and the last.
const WORDS_MIN: usize = 6;
/// How much rarer than the other words those of the template may be disguised.
const AIM_MIN: f64 = 0.5;

/// What the disguised letters of a view say.
#[derive(Debug, Clone)]
pub struct Disguise {
    /// Share of requests with disguised letters.
    pub share: f64,
    /// p-value of "letters are disguised as often as elsewhere".
    pub p_share: f64,
    /// Distinct words of the template that an account disguised in one request and spelt plainly in one before.
    pub words: usize,
    /// Of the requests whose disguised word had been seen at the account before, the share in which it was plain then.
    pub changing: f64,
    /// How often a disguised word is one of the template, over how often any word is.
    pub aim: f64,
    /// Share of the principals, of those in whom it could be seen, who changed what they disguise.
    pub principals: f64,
    /// p-value of "a tool's few places and misprints of the content explain every disguised word".
    pub p_places: f64,
    /// Requests in which the disguised word at that end is known.
    pub known: usize,
    /// Which words these figures are of: the first disguised one of each request, in the order of the words' hashes, or the last.
    pub end: End,
    /// The words of the template, ascending; none where too few letters are disguised to ask.
    pub template: Vec<u32>,
}

impl Default for Disguise {
    fn default() -> Self {
        Self {
            share: 0.0,
            p_share: 1.0,
            words: 0,
            changing: 0.0,
            aim: 0.0,
            principals: 0.0,
            p_places: 1.0,
            known: 0,
            end: End::First,
            template: Vec::new(),
        }
    }
}

/// What is told of the words of a row: all are plain where no letters are disguised.
fn told<'a>(ledger: &Ledger<'a>, row: u32) -> Told<'a> {
    let tokens = ledger.tokens(row);
    let disguised = ledger.columns.disguised.get(num::usize_of(row)).copied().unwrap_or_default();
    disguised.tell(tokens).unwrap_or_else(|| Told {
        hidden: [None; 2],
        plain: [if is_disguised(ledger, row) { &[] } else { tokens }, &[]],
    })
}

/// True when letters of this row are disguised.
#[must_use]
pub fn is_disguised(ledger: &Ledger<'_>, row: u32) -> bool {
    ledger.columns.obfuscated.get(num::usize_of(row)).copied().unwrap_or(false)
}

/// Measures the disguised letters of these edges of a view, whose templates (or parties) are `pieces`: a word in half of the requests
/// with one of two templates stands in a quarter of all. The first words of the requests and the last ones are asked apart, since
/// they come from the same requests, and the end that says more counts.
#[must_use]
pub fn measure(ledger: &Ledger<'_>, view: &View, edges: &[Edge], pieces: &[&View]) -> Disguise {
    let rows: usize = edges.iter().map(|edge| view.rows_of(edge).len()).sum();
    let hits = edges.iter().flat_map(|edge| view.rows_of(edge)).filter(|&&row| is_disguised(ledger, row)).count();
    let all = ledger.columns.obfuscated.iter().filter(|&&flag| flag).count();
    let elsewhere = num::f64_of(all - hits.min(all) + 1) / num::f64_of(ledger.columns.obfuscated.len() - rows + 100);
    let disguise = Disguise {
        share: num::f64_of(hits) / num::f64_of(rows.max(1)),
        p_share: chance::binomial_above(hits, rows, elsewhere.max(0.01)),
        ..Disguise::default()
    };
    if disguise.share < SHARE_MIN {
        return disguise;
    }
    // The words of the view first, then those of each of its templates, which are words of the template in requests with it alone.
    let mut words = Words { of: vec![template_words(ledger, view, edges)], place_of: HashMap::new() };
    for piece in pieces.iter().filter(|_| pieces.len() > 1) {
        words.place_of.extend(piece.rows.iter().map(|&row| (row, words.of.len())));
        words.of.push(template_words(ledger, piece, &piece.edges_of(edges)));
    }
    let [first, last] =
        [End::First, End::Last].map(|end| at_end(ledger, view, edges, &words, Disguise { end, ..disguise.clone() }));
    let says_more = (last.evades(), first.p_places) > (first.evades(), last.p_places);
    let mut disguise = if says_more { last } else { first };
    disguise.template = words.of.concat();
    distinct(&mut disguise.template);
    disguise
}

/// The words of the templates of a view.
struct Words {
    /// Those of the view, then those of each template, ascending.
    of: Vec<Vec<u32>>,
    /// Which of these a row has beside those of the view.
    place_of: HashMap<u32, usize>,
}

/// What the words at one end say, p by Bonferroni over the two.
fn at_end(ledger: &Ledger<'_>, view: &View, edges: &[Edge], words: &Words, mut disguise: Disguise) -> Disguise {
    let (mut compared, mut changed, mut beyond, mut aimed, mut expected) = (0_usize, 0_usize, 0_usize, 0_usize, 0.0);
    let mut changing: Vec<u32> = Vec::new();
    let (mut able, mut changers): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for edge in edges {
        // Per word of the template: whether it was hidden when last seen.
        let mut seen: BTreeMap<u32, bool> = BTreeMap::new();
        let mut hidden: Vec<u32> = Vec::new();
        for &row in view.rows_of(edge) {
            let own = words.place_of.get(&row).and_then(|&place| words.of.get(place));
            let is_template =
                |token: &u32| words.of.iter().take(1).chain(own).any(|words| words.binary_search(token).is_ok());
            let (words_of_row, tokens) = (told(ledger, row), ledger.tokens(row));
            if let Some(word) = words_of_row.at(disguise.end) {
                disguise.known += 1;
                let of_template = tokens.iter().filter(|token| is_template(token)).count();
                expected += num::f64_of(of_template) / num::f64_of(tokens.len().max(1));
                if is_template(&word) {
                    aimed += 1;
                    hidden.push(word);
                    if let Some(was_hidden) = seen.insert(word, true) {
                        compared += 1;
                        able.push(edge.principal);
                        if !was_hidden {
                            changed += 1;
                            changers.push(edge.principal);
                            changing.push(word);
                        }
                    }
                }
            }
            let plain = words_of_row.plain.iter().copied().flatten().map(|&token| (token, false));
            let hidden_too = words_of_row.hidden.iter().flatten().map(|&token| (token, true));
            seen.extend(plain.chain(hidden_too).filter(|(token, _)| is_template(token)));
        }
        beyond += beyond_a_tool(&mut hidden);
    }
    disguise.words = distinct(&mut changing);
    disguise.changing = num::f64_of(changed) / num::f64_of(compared.max(1));
    disguise.aim = if expected > 0.0 { num::f64_of(aimed) / expected } else { 0.0 };
    disguise.principals = num::f64_of(distinct(&mut changers)) / num::f64_of(distinct(&mut able).max(1));
    disguise.p_places = (2.0 * chance::binomial_above(beyond, disguise.known, CHANCE_SHARE)).min(1.0);
    disguise
}

/// In how many requests of an account a tool's few places do not explain the disguised word: all but its commonest words.
fn beyond_a_tool(hidden: &mut [u32]) -> usize {
    hidden.sort_unstable();
    let mut counts: Vec<usize> = hidden.chunk_by(|a, b| a == b).map(<[u32]>::len).collect();
    counts.sort_unstable_by_key(|&count| std::cmp::Reverse(count));
    counts.iter().skip(PLACES_OF_A_TOOL).sum()
}

fn distinct(values: &mut Vec<u32>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// The words that recur at several principals and that few accounts use elsewhere, ascending.
fn template_words(ledger: &Ledger<'_>, view: &View, edges: &[Edge]) -> Vec<u32> {
    let mut owners: Vec<(u32, u32)> = Vec::new();
    let mut counts = TokenCounts::default();
    for edge in edges {
        let tokens = counts.recurrent(ledger, view.rows_of(edge), usize::MAX, TEMPLATE_WORD_SHARE, 2);
        owners.extend(tokens.into_iter().map(|token| (token, edge.principal)));
    }
    owners.sort_unstable();
    owners.dedup();
    owners
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|run| run.len() >= TEMPLATE_WORD_PRINCIPALS)
        .filter_map(|run| Some((run.first()?.0, run.len())))
        .filter(|&(token, users)| {
            let elsewhere = f64::from(ledger.token_accounts(token)) - num::f64_of(users);
            elsewhere <= COMMON_WORD_SHARE * num::f64_of(ledger.active_accounts)
        })
        .map(|(token, _)| token)
        .collect()
}

impl Disguise {
    /// True when the accounts hide the template: in many of its words, others with each request.
    #[must_use]
    pub fn evades(&self) -> bool {
        self.share >= SHARE_MIN
            && self.words >= WORDS_MIN
            && self.changing >= 0.5
            && self.aim >= AIM_MIN
            && self.principals >= 0.5
            && self.p() < 0.001
    }

    /// True when an edge of this view hides more of the template's words than a tool has places.
    #[must_use]
    pub fn hides(&self, ledger: &Ledger<'_>, view: &View, edge: &Edge) -> bool {
        let at_end = || view.rows_of(edge).iter().filter_map(|&row| told(ledger, row).at(self.end));
        let mut hidden: Vec<u32> = at_end().filter(|word| self.template.binary_search(word).is_ok()).collect();
        let beyond = beyond_a_tool(&mut hidden);
        // Misprints meet a word of the template now and then, at whoever sends much.
        num::f64_of(beyond) > CHANCE_SHARE * num::f64_of(at_end().count())
    }

    /// p-value of "letters are disguised no oftener than elsewhere, or a tool, a scanner or a writer did it".
    #[must_use]
    pub fn p(&self) -> f64 {
        self.p_share.max(self.p_places)
    }
}

//! Statistics of what fills the slots: whole texts copied, one list for all, popular tasks, own content, one common pool.
//!
//! These acquit far more than they convict. Disjoint tasks alone prove nothing: users of an IDE agent are disjoint too.

use super::chance::Random;
use super::columns::NONE;
use super::counts::TokenCounts;
use super::evidence::{Evidence, Kind};
use super::ledger::{Edge, HOUR_MS, Ledger, View};
use super::wording::recurrent_tokens;
use crate::num;
use std::collections::BTreeMap;

/// Rows among which nearest slots are sought.
const NEIGHBOURS_AMONG: usize = 3000;
/// Slots whose neighbours are sought.
const QUERIES: usize = 250;
/// Neighbours of each.
const NEIGHBOURS: usize = 10;
/// Shuffles of the account labels.
pub const SHUFFLES: usize = 60;
/// Requests of a family that are read for the words of its template.
const TEMPLATE_ROWS: usize = 400;
/// A slot value shorter than this can be repeated by chance.
const VALUE_BYTES_MIN: u32 = 24;

/// What the slots of a view say.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Effective number of distinct documents (inverse Simpson index).
    pub effective_documents: f64,
    /// Share of requests without any slot value.
    pub empty: f64,
    /// Distinct slot values.
    pub values: usize,
    /// Mean principals a slot value meets, over all principals.
    pub overlap: f64,
    /// Variance over mean of the principals a value meets.
    pub dispersion: f64,
    /// The same for a zero-truncated Poisson of equal mean.
    pub dispersion_null: f64,
    /// Share of the slot values (long ones) that more than one principal sent.
    pub shared: f64,
    /// How many long values there are.
    pub long_values: usize,
    /// How much more often than by chance a slot's nearest ones come from the same principal; NaN if too few.
    pub mixing: f64,
    /// Chance of as much mixing among shuffled labels, as a normal z.
    pub mixing_z: f64,
    /// Slots tested for mixing.
    pub mixing_n: usize,
    /// P(next request comes from the same account) over chance.
    pub turn_taking: f64,
    /// Hours of the day in use.
    pub hours: u32,
}

/// Measures the slots of the rows of these edges.
#[must_use]
pub fn measure(ledger: &Ledger<'_>, view: &View, edges: &[Edge], seed: u64) -> Content {
    let mut uses: Vec<(u64, u32)> = Vec::new();
    let mut long: Vec<(u64, u32)> = Vec::new();
    let mut documents: Vec<usize> = Vec::new();
    let mut sent: Vec<(u32, u32)> = Vec::new();
    let mut hours = 0_u32;
    for edge in edges {
        for &row in view.rows_of(edge) {
            let document = ledger.document(row);
            let slot = ledger.columns.slot.get(document).copied().unwrap_or_default();
            documents.push(document);
            sent.push((row, edge.principal));
            hours |= 1 << (ledger.time(row) / HOUR_MS).rem_euclid(24);
            if slot.bytes > 0 {
                uses.push((slot.hash, edge.principal));
                if slot.bytes >= VALUE_BYTES_MIN {
                    long.push((slot.hash, edge.principal));
                }
            }
        }
    }
    let rows = num::f64_of(documents.len().max(1));
    documents.sort_unstable();
    let simpson: f64 = documents.chunk_by(|a, b| a == b).map(|run| (num::f64_of(run.len()) / rows).powi(2)).sum();
    let mut content = Content {
        effective_documents: 1.0 / simpson.max(1e-12),
        empty: 1.0 - num::f64_of(uses.len()) / rows,
        hours: hours.count_ones(),
        mixing: f64::NAN,
        turn_taking: turn_taking(&mut sent),
        ..Content::default()
    };
    let mut principals: Vec<u32> = edges.iter().map(|edge| edge.principal).collect();
    principals.sort_unstable();
    principals.dedup();
    let counts = principals_per_value(&mut uses);
    content.values = counts.len();
    if !counts.is_empty() {
        let n = num::f64_of(counts.len());
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / n;
        content.overlap = mean / num::f64_of(principals.len().max(1));
        content.dispersion = variance / mean;
        content.dispersion_null = truncated_poisson_dispersion(mean);
    }
    let counts = principals_per_value(&mut long);
    content.long_values = counts.len();
    let shared = counts.iter().filter(|&&count| count >= 2.0).count();
    content.shared = num::f64_of(shared) / num::f64_of(counts.len().max(1));
    mix(ledger, view, edges, seed, &mut content);
    content
}

/// For every distinct value, how many principals sent it.
fn principals_per_value(uses: &mut Vec<(u64, u32)>) -> Vec<f64> {
    uses.sort_unstable();
    uses.dedup();
    uses.chunk_by(|a, b| a.0 == b.0).map(|run| num::f64_of(run.len())).collect()
}

/// Variance over mean of a Poisson count that is known not to be 0, from its mean.
#[must_use]
pub fn truncated_poisson_dispersion(mean: f64) -> f64 {
    if mean <= 1.0 + 1e-9 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0_f64, mean);
    for _ in 0..60 {
        let rate = 0.5 * (low + high);
        if rate / (1.0 - (-rate).exp()) < mean { low = rate } else { high = rate }
    }
    // Var = m (1 + rate - m), so Var / m is what stands here.
    (1.0 + 0.5 * (low + high) - mean).max(0.0)
}

/// P(the next row has the same principal) over its value for shuffled rows.
fn turn_taking(sent: &mut [(u32, u32)]) -> f64 {
    sent.sort_unstable();
    let n = num::f64_of(sent.len());
    let same = sent.windows(2).filter(|pair| pair[0].1 == pair[1].1).count();
    let mut owners: Vec<u32> = sent.iter().map(|&(_, principal)| principal).collect();
    owners.sort_unstable();
    let chance: f64 =
        owners.chunk_by(|a, b| a == b).map(|run| num::f64_of(run.len()) * (num::f64_of(run.len()) - 1.0)).sum();
    if chance > 0.0 { num::f64_of(same) / (n - 1.0) / (chance / (n * (n - 1.0))) } else { 0.0 }
}

/// A slot as mixing sees it.
#[derive(Clone, Copy)]
struct Point {
    value: u64,
    code: u64,
    principal: u32,
    hour: i64,
}

/// A request whose slots mixing may see, and the place of its edge.
struct Candidate {
    row: u32,
    edge: usize,
}

/// What recurs in these requests of one account with one family; `None` where they are too few to show it.
fn own_words(ledger: &Ledger<'_>, rows: &[u32], counts: &mut TokenCounts) -> Option<Vec<u32>> {
    (rows.len() >= 3).then(|| recurrent_tokens(ledger, rows, 0.3, counts))
}

/// What a document holds beside its account's recurrent tokens: a wording of the account's own must not pass for content of
/// its own.
fn residue(tokens: &[u32], own: &[u32]) -> impl Iterator<Item = u32> {
    tokens.iter().copied().filter(|token| own.binary_search(token).is_err())
}

/// Similarity code (Charikar 2002) of a set: each bit is set where more than half of the tokens vote for it.
fn similarity_code(tokens: impl Iterator<Item = u32>) -> u64 {
    // Bit `b` of plane `p` is bit `p` of how often bit `b` was voted for: so 64 counters rise at once.
    let mut planes = [0_u64; 32];
    let mut count = 0_u32;
    for token in tokens {
        let mut carry = Random::new(u64::from(token), 0).bits();
        for plane in &mut planes {
            (*plane, carry) = (*plane ^ carry, *plane & carry);
            if carry == 0 {
                break;
            }
        }
        count += 1;
    }
    // The counters are held against the half from the highest plane down.
    let half = count / 2;
    let (mut above, mut equal) = (0, u64::MAX);
    for (place, plane) in planes.iter().enumerate().rev() {
        if half >> place & 1 == 1 {
            equal &= plane;
        } else {
            above |= equal & plane;
            equal &= !plane;
        }
    }
    above
}

/// Tokens of a family that stand in a twentieth of its requests and at three accounts: words of its template, in whatever
/// wording, and nobody's own content.
fn shared_tokens(ledger: &Ledger<'_>, view: &View, family: u32) -> Vec<u32> {
    let rows: Vec<u32> = view.rows.iter().copied().filter(|&row| ledger.family(row) == family).collect();
    let step = rows.len().div_ceil(TEMPLATE_ROWS).max(1);
    let account = |row: u32| ledger.columns.account.get(num::usize_of(row)).copied().unwrap_or(NONE);
    let mut uses: Vec<(u32, u32)> = rows
        .iter()
        .step_by(step)
        .flat_map(|&row| ledger.tokens(row).iter().map(move |&token| (token, account(row))))
        .collect();
    let read = rows.iter().step_by(step).count();
    uses.sort_unstable();
    uses.chunk_by(|a, b| a.0 == b.0)
        .filter(|run| 20 * run.len() >= read && run.chunk_by(|a, b| a.1 == b.1).count() >= 3)
        .filter_map(|run| Some(run.first()?.0))
        .collect()
}

/// Mixing: are the nearest slots of a slot its own principal's more often than labels shuffled within the hour of the day
/// would have it? (Schilling 1986 for the nearest-neighbour statistic.)
fn mix(ledger: &Ledger<'_>, view: &View, edges: &[Edge], seed: u64, content: &mut Content) {
    let mut random = Random::new(seed, 0x313c);
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut counts = TokenCounts::default();
    // One or two requests do not show what recurs at an account; the users of the family together do.
    let mut common: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (place, edge) in edges.iter().enumerate() {
        // Within one family: an account with four templates has four wordings, and none recurs in most of its requests.
        let mut rows: Vec<(u32, u32)> = view.rows_of(edge).iter().map(|&row| (ledger.family(row), row)).collect();
        rows.sort_unstable();
        for run in rows.chunk_by(|a, b| a.0 == b.0) {
            let family = run[0].0;
            let run: Vec<u32> = run.iter().map(|&(_, row)| row).collect();
            let own = own_words(ledger, &run, &mut counts);
            let words = match &own {
                Some(own) => own,
                None => common.entry(family).or_insert_with(|| shared_tokens(ledger, view, family)),
            };
            let has_content = |row: &u32| residue(ledger.tokens(*row), words).nth(2).is_some();
            candidates.extend(run.into_iter().filter(has_content).map(|row| Candidate { row, edge: place }));
        }
    }
    random.shuffle(&mut candidates);
    candidates.truncate(NEIGHBOURS_AMONG);
    if candidates.len() < 60 {
        return;
    }
    // Made again for the few that are left: kept for all they would be the most of what the stage holds.
    let mut own: BTreeMap<(usize, u32), Option<Vec<u32>>> = BTreeMap::new();
    let mut point = |&Candidate { row, edge }: &Candidate| {
        let family = ledger.family(row);
        let own = own.entry((edge, family)).or_insert_with(|| {
            let rows = view.rows_of(&edges[edge]).iter().copied();
            own_words(ledger, &rows.filter(|&row| ledger.family(row) == family).collect::<Vec<u32>>(), &mut counts)
        });
        let words = own.as_ref().or_else(|| common.get(&family)).map_or(&[][..], Vec::as_slice);
        Point {
            value: ledger.columns.slot.get(ledger.document(row)).copied().unwrap_or_default().hash,
            code: similarity_code(residue(ledger.tokens(row), words)),
            principal: edges[edge].principal,
            hour: (ledger.time(row) / HOUR_MS).rem_euclid(24),
        }
    };
    let points: Vec<Point> = candidates.iter().map(&mut point).collect();
    let mut nearest: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut distances: Vec<(u32, usize)> = Vec::new();
    for query in 0..points.len().min(QUERIES) {
        let own = points[query];
        distances.clear();
        distances.extend(
            points
                .iter()
                .enumerate()
                .filter(|&(index, point)| {
                    index != query && (point.value != own.value || point.principal != own.principal)
                })
                .map(|(index, point)| ((point.code ^ own.code).count_ones(), index)),
        );
        if distances.len() > NEIGHBOURS {
            distances.select_nth_unstable(NEIGHBOURS - 1);
            distances.truncate(NEIGHBOURS);
        }
        nearest.push((query, distances.iter().map(|&(_, index)| index).collect()));
    }
    let owners: Vec<u32> = points.iter().map(|point| point.principal).collect();
    let score = |owners: &[u32]| -> f64 {
        let same: usize = nearest
            .iter()
            .map(|(query, found)| found.iter().filter(|&&index| owners[index] == owners[*query]).count())
            .sum();
        num::f64_of(same)
    };
    let observed = score(&owners);
    let mut by_hour: Vec<usize> = (0..points.len()).collect();
    by_hour.sort_by_key(|&index| (points[index].hour, index));
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..SHUFFLES {
        let mut shuffled = owners.clone();
        for stratum in by_hour.chunk_by(|&a, &b| points[a].hour == points[b].hour) {
            let mut labels: Vec<u32> = stratum.iter().map(|&index| owners[index]).collect();
            random.shuffle(&mut labels);
            for (&index, label) in stratum.iter().zip(labels) {
                shuffled[index] = label;
            }
        }
        let value = score(&shuffled);
        sum += value;
        squares += value * value;
    }
    let shuffles = num::f64_of(SHUFFLES);
    let mean = sum / shuffles;
    let deviation = (squares / shuffles - mean * mean).max(0.25).sqrt();
    if mean >= 2.0 {
        content.mixing = observed / mean;
        content.mixing_z = (observed - mean) / deviation;
        content.mixing_n = nearest.len();
    }
}

impl Content {
    /// True when a few whole texts make up the traffic, or there are no slots at all.
    #[must_use]
    pub fn same_text(&self) -> bool {
        self.effective_documents <= 10.0 || self.empty > 0.9
    }

    /// True when everybody works through the same list.
    #[must_use]
    pub fn full_overlap(&self) -> bool {
        self.values >= 5 && self.overlap > 0.3
    }

    /// True when a few values are far more popular than chance.
    #[must_use]
    pub fn popular(&self) -> bool {
        self.values >= 20 && self.dispersion > 3.0 && self.dispersion > 3.0 * self.dispersion_null
    }

    /// True when each account clearly brings its own content.
    #[must_use]
    pub fn own_content(&self) -> bool {
        self.mixing > 5.0 && self.mixing_z > 5.0
    }

    /// Pool: share of the long slot values that two or more principals sent.
    ///
    /// Null: own content repeats between strangers in one value of fifty. Holds when the repeats are neither everybody's
    /// list nor a matter of taste.
    #[must_use]
    pub fn pool(&self) -> Evidence {
        let shared = num::usize_of_f64((self.shared * num::f64_of(self.long_values)).round());
        let p = super::chance::binomial_above(shared, self.long_values, 0.02);
        let holds = shared >= 8
            && self.shared >= 0.05
            && p < 0.001
            && !self.full_overlap()
            && !self.popular()
            && (self.mixing.is_nan() || self.mixing < 1.5);
        Evidence { kind: Kind::Pool, value: self.shared, null: 0.02, p, n: self.long_values, holds }
    }

    /// The statistics that can only acquit or inform, for the report.
    #[must_use]
    pub fn acquitting(&self) -> Vec<Evidence> {
        let line = |kind, value, null, n| Evidence { kind, value, null, p: 1.0, n, holds: false };
        vec![
            line(Kind::SameText, self.effective_documents, f64::NAN, self.values),
            line(Kind::Overlap, self.overlap, f64::NAN, self.values),
            line(Kind::Multiplicity, self.dispersion, self.dispersion_null, self.values),
            line(Kind::Mixing, self.mixing, 1.0, self.mixing_n),
            line(Kind::TurnTaking, self.turn_taking, 1.0, self.values),
            line(Kind::Hours, f64::from(self.hours), f64::NAN, self.values),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_where_more_than_half_vote_for_it() {
        for seed in 1..60 {
            let mut random = Random::new(seed, 3);
            let tokens: Vec<u32> =
                (0..random.below(if seed % 9 == 0 { 3000 } else { 40 })).map(|_| num::low32(random.bits())).collect();
            let votes = |bit: u32| {
                tokens.iter().filter(|&&token| Random::new(u64::from(token), 0).bits() >> bit & 1 == 1).count()
            };
            let expected =
                (0..64).filter(|&bit| 2 * votes(bit) > tokens.len()).fold(0_u64, |code, bit| code | 1 << bit);
            assert_eq!(similarity_code(tokens.iter().copied()), expected, "seed {seed}, {} tokens", tokens.len());
        }
    }
}

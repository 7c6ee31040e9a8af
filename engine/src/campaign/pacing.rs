//! Statistics of when and how much: evenness of volume, days of work, turnover of accounts, dedication, one-shot accounts.
//!
//! Each function states its null hypothesis, what an innocent family would show, and returns one [`Evidence`].

use super::chance::{self, Random};
use super::evidence::{Evidence, Kind};
use super::ledger::{DAY_MS, Edge, HOUR_MS, Ledger, View};
use crate::num;
use std::collections::BTreeMap;

/// Share of days that people with a regular habit do not work: the weekend.
const DAYS_OFF: f64 = 2.0 / 7.0;

/// Windows, in hours, after which an account's volume may be judged; the shortest that shows enough requests is used, so
/// that a busy campaign is judged after a day and a slow one after three.
const MATURITY_HOURS: [i64; 3] = [24, 48, 72];

/// The same for evenness, which has no power at a request every other day unless it waits for some.
const PATIENT_HOURS: [i64; 6] = [24, 48, 72, 168, 336, 504];

/// The edges old enough for a window after their first request in which volumes are compared, with their requests in it:
/// of the shortest window that shows enough of them, or of the longest of the usual ones.
fn maturity(ledger: &Ledger<'_>, view: &View, edges: &[Edge], windows: &[i64]) -> Vec<(usize, u32)> {
    let within = |hours: i64| -> Vec<(usize, u32)> {
        let window_ms = hours * HOUR_MS;
        edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| edge.first_ms + window_ms <= ledger.end_ms)
            .map(|(index, edge)| {
                let rows = view.rows_of(edge);
                let count = rows.partition_point(|&row| ledger.time(row) < edge.first_ms + window_ms);
                (index, num::u32_saturating(count))
            })
            .collect()
    };
    let enough = |mature: &Vec<(usize, u32)>| {
        let mut counts: Vec<f64> = mature.iter().map(|&(_, count)| f64::from(count)).collect();
        mature.len() >= 8 && chance::median(&mut counts) >= 6.0
    };
    windows.iter().map(|&hours| within(hours)).find(enough).unwrap_or_else(|| within(MATURITY_HOURS[2]))
}

/// Evenness: dispersion of the volumes over the principals beyond Poisson, `(variance - mean) / mean^2`. The keys of
/// one customer share its work evenly and are no witnesses of their own: counted one by one, the keys of 21 apps were
/// convicted. The busiest twentieth is left out: a loose family may have glued a busy stranger in.
///
/// Null: volumes spread exponentially over principals (excess dispersion 1), the least uneven that organic use is known
/// to be; real popularity is heavier. p by the total time on test (Barlow 1968), whatever the mean is, the busiest
/// censored.
#[must_use]
pub fn evenness(ledger: &Ledger<'_>, view: &View, edges: &[Edge], seed: u64) -> Evidence {
    let mature = maturity(ledger, view, edges, &PATIENT_HOURS);
    let mut of_principal: BTreeMap<u32, f64> = BTreeMap::new();
    for &(index, count) in &mature {
        let Some(edge) = edges.get(index) else { continue };
        // The first request is what made it one of them.
        *of_principal.entry(edge.principal).or_insert(-1.0) += f64::from(count);
    }
    let mut counts: Vec<f64> = of_principal.into_values().collect();
    counts.sort_by(f64::total_cmp);
    let n = counts.len();
    let mut evidence = Evidence { kind: Kind::Evenness, value: f64::NAN, null: 1.0, p: 1.0, n, holds: false };
    if n < 5 || counts.iter().all(|&count| count <= 0.0) {
        return evidence;
    }
    let kept = n - n / BUSIEST;
    evidence.value = excess_dispersion(&counts[..kept]);
    evidence.p = chance::more_even_than_exponential(&counts, kept, &mut Random::new(seed, 0x0e7e));
    let returned = num::f64_of(counts.iter().filter(|&&count| count >= 1.0).count()) / num::f64_of(n);
    evidence.holds = returned >= 0.8 && chance::median(&mut counts) >= 3.0 && evidence.value < 0.9 && evidence.p < 0.05;
    evidence
}

/// One principal of so many is left out of evenness, the busiest first.
const BUSIEST: usize = 20;

/// `(variance - mean) / mean^2`; 0 for Poisson counts, 1 for geometric ones.
fn excess_dispersion(counts: &[f64]) -> f64 {
    let n = num::f64_of(counts.len());
    let mean = counts.iter().sum::<f64>() / n;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    if mean > 0.0 { (variance - mean) / (mean * mean) } else { 0.0 }
}

/// Pacing: active days over the days that requests thrown evenly over the account's life would touch, all edges pooled.
///
/// Null: accounts rest on two days of seven. p by the normal approximation of the sum over days. Holds only when the
/// counts of a day are near Poisson as well, for people come in sessions, and when an account's requests do not sit at one
/// hour of the day, for a nightly job follows the clock and nobody's plan.
#[must_use]
pub fn pacing(ledger: &Ledger<'_>, view: &View, edges: &[Edge]) -> Evidence {
    let (mut observed, mut even, mut resting, mut variance) = (0.0, 0.0, 0.0, 0.0);
    let (mut fano_above, mut fano_below, mut used) = (0.0, 0.0, 0_usize);
    let mut clock = 0.0;
    for edge in edges {
        let first_day = (edge.first_ms - ledger.begin_ms) / DAY_MS;
        let last_day = (edge.last_ms - ledger.begin_ms) / DAY_MS;
        let days = num::f64_of_i64(last_day - first_day + 1);
        let requests = f64::from(edge.requests);
        if requests < 3.0 || days < 3.0 {
            continue;
        }
        used += 1;
        let inner = days - 2.0;
        let touched = |on: f64| 1.0 - (1.0 - 1.0 / (2.0 + inner * on)).powf(requests - 2.0);
        let (p_even, p_resting) = (touched(1.0), (1.0 - DAYS_OFF) * touched(1.0 - DAYS_OFF));
        observed += f64::from(edge.active_days);
        even += 2.0 + inner * p_even;
        resting += 2.0 + inner * p_resting;
        variance += inner * p_resting * (1.0 - p_resting);
        clock += clockwork(ledger, view.rows_of(edge));
        let mut square = 0.0;
        for day in view.rows_of(edge).chunk_by(|&a, &b| day_of(ledger, a) == day_of(ledger, b)) {
            square += num::f64_of(day.len()).powi(2);
        }
        let mean = num::f64_of(view.rows_of(edge).len()) / days;
        fano_above += (square - days * mean * mean) / (days - 1.0);
        fano_below += mean;
    }
    let value = if even > 0.0 { observed / even } else { f64::NAN };
    let null = if even > 0.0 { resting / even } else { f64::NAN };
    let p = if variance > 0.0 { chance::normal_below(-(observed - resting) / variance.sqrt()) } else { 1.0 };
    let fano = if fano_below > 0.0 { fano_above / fano_below } else { f64::NAN };
    let by_the_clock = clock > 0.75 * num::f64_of(used);
    let holds = used >= 5 && value >= 0.85 && fano < 2.5 && p < 0.01 && !by_the_clock;
    Evidence { kind: Kind::Pacing, value, null, p, n: used, holds }
}

/// How much the rows sit at one hour of the day: mean resultant length on the circle of 24 hours (Mardia 1972), 0 to 1.
fn clockwork(ledger: &Ledger<'_>, rows: &[u32]) -> f64 {
    let (mut east, mut north) = (0.0, 0.0);
    for &row in rows {
        let angle =
            num::f64_of_i64(ledger.time(row).rem_euclid(DAY_MS)) / num::f64_of_i64(DAY_MS) * std::f64::consts::TAU;
        east += angle.cos();
        north += angle.sin();
    }
    east.hypot(north) / num::f64_of(rows.len().max(1))
}

/// Day of a row, counted from the beginning of the log.
fn day_of(ledger: &Ledger<'_>, row: u32) -> i64 {
    (ledger.time(row) - ledger.begin_ms) / DAY_MS
}

/// A life spent inside the log: silent before, dense while it lasts, silent after.
fn short_dense_life(ledger: &Ledger<'_>, first_ms: i64, last_ms: i64, active_days: u32, requests: u32) -> bool {
    let life_ms = last_ms - first_ms;
    let days = num::f64_of_i64((last_ms - ledger.begin_ms) / DAY_MS - (first_ms - ledger.begin_ms) / DAY_MS + 1);
    let silence_ms = (3 * DAY_MS).max(5 * life_ms / i64::from(requests.max(1)));
    let expected = days * (1.0 - (1.0 - 1.0 / days).powf(f64::from(requests)));
    active_days >= 3
        && f64::from(active_days) >= 0.85 * expected
        && last_ms + silence_ms <= ledger.end_ms
        && num::f64_of_i64(life_ms) <= 0.5 * num::f64_of_i64(ledger.end_ms - ledger.begin_ms)
}

/// A dense life of at most two weeks, ended or not: enough to be worth comparing with others, no evidence by itself.
#[must_use]
pub fn dense_life(ledger: &Ledger<'_>, edge: &Edge) -> bool {
    let days =
        num::f64_of_i64((edge.last_ms - ledger.begin_ms) / DAY_MS - (edge.first_ms - ledger.begin_ms) / DAY_MS + 1);
    let expected = days * (1.0 - (1.0 - 1.0 / days).powf(f64::from(edge.requests)));
    edge.active_days >= 2 && f64::from(edge.active_days) >= 0.85 * expected && edge.span_days() <= 14.0
}

/// Turnover: share of the returning accounts that are born, work densely and fall silent for good inside the log.
///
/// Null: accounts of the same volume elsewhere in the log live as shortly and densely; permutation stratified by volume,
/// in its limit of many draws (the rate of each stratum), p by the binomial tail.
#[must_use]
pub fn turnover(ledger: &Ledger<'_>, edges: &[Edge], strata: &Strata) -> Evidence {
    let returning: Vec<&Edge> = edges.iter().filter(|edge| edge.requests >= 2).collect();
    let n = returning.len();
    let short = |edge: &&&Edge| short_dense_life(ledger, edge.first_ms, edge.last_ms, edge.active_days, edge.requests);
    let hits = returning.iter().filter(short).count();
    let rate = returning.iter().map(|edge| strata.short_life(edge.requests)).sum::<f64>() / num::f64_of(n.max(1));
    let mut spans: Vec<f64> = returning.iter().map(|edge| edge.span_days()).collect();
    let value = num::f64_of(hits) / num::f64_of(n.max(1));
    let p = chance::binomial_above(hits, n, rate);
    let holds = n >= 5
        && ledger.days() >= 20.0
        && value >= 0.5
        && chance::median(&mut spans) <= (0.5 * ledger.days()).min(14.0)
        && p < 0.01;
    Evidence { kind: Kind::Turnover, value, null: rate, p, n, holds }
}

/// Dedication: median share of their traffic that grown accounts spend here.
///
/// Null: accounts of the same volume elsewhere spend a quarter or more on their own favourite family as often.
#[must_use]
pub fn dedication(ledger: &Ledger<'_>, view: &View, edges: &[Edge], strata: &Strata) -> Evidence {
    let mature = maturity(ledger, view, edges, &MATURITY_HOURS);
    let grown: Vec<&Edge> = mature.iter().filter_map(|&(index, _)| edges.get(index)).collect();
    let n = grown.len();
    let returned = num::f64_of(grown.iter().filter(|edge| edge.requests >= 2).count()) / num::f64_of(n.max(1));
    let hits = grown.iter().filter(|edge| edge.share >= 0.25).count();
    let rate = grown.iter().map(|edge| strata.dedicated(edge.requests)).sum::<f64>() / num::f64_of(n.max(1));
    let mut shares: Vec<f64> = grown.iter().map(|edge| edge.share).collect();
    let value = chance::median(&mut shares);
    let holds = n >= 5 && returned >= 0.85 && value >= 0.25;
    Evidence { kind: Kind::Dedication, value, null: 0.25, p: chance::binomial_above(hits, n, rate), n, holds }
}

/// One-shot: share of the accounts that sent at most four requests in their whole life.
///
/// Null: the share among all accounts of the log; p by the binomial tail. Holds only when a good part of the requests
/// are the very first of their account.
#[must_use]
pub fn one_shot(ledger: &Ledger<'_>, view: &View, edges: &[Edge]) -> Evidence {
    let account = |edge: &Edge| ledger.accounts.get(num::usize_of(edge.account)).copied().unwrap_or_default();
    let n = edges.len();
    let tiny = edges.iter().filter(|edge| account(edge).requests <= 4).count();
    let fresh = edges.iter().filter(|edge| account(edge).first_ms == edge.first_ms).count();
    let all_tiny = ledger.accounts.iter().filter(|account| (1..=4).contains(&account.requests)).count();
    let rate = num::f64_of(all_tiny) / num::f64_of(ledger.active_accounts.max(1));
    let value = num::f64_of(tiny) / num::f64_of(n.max(1));
    let p = chance::binomial_above(tiny, n, rate);
    // Where most accounts of the log are tiny, six in ten say nothing.
    let holds =
        view.principals >= 20 && value >= 0.6 && p < 1e-6 && num::f64_of(fresh) >= 0.25 * num::f64_of(view.requests);
    Evidence { kind: Kind::OneShot, value, null: rate, p, n, holds }
}

/// How accounts of each volume behave elsewhere in the log: the strata of the permutation nulls.
#[derive(Debug, Clone)]
pub struct Strata {
    /// Per power of two of the volume: accounts, those of a short dense life, those with a favourite family.
    classes: Vec<(usize, usize, usize)>,
}

impl Strata {
    /// Looks at all accounts but those for which `left_out` says true (the ones under judgement).
    #[must_use]
    pub fn new(ledger: &Ledger<'_>, left_out: impl Fn(usize) -> bool) -> Self {
        let mut classes = vec![(0, 0, 0); 33];
        let mut families: Vec<u32> = Vec::new();
        for (index, account) in ledger.accounts.iter().enumerate() {
            if account.requests == 0 || left_out(index) {
                continue;
            }
            let Some(class) = classes.get_mut(class_of(account.requests)) else { continue };
            class.0 += 1;
            let short =
                short_dense_life(ledger, account.first_ms, account.last_ms, account.active_days, account.requests);
            class.1 += usize::from(short);
            families.clear();
            families.extend(ledger.rows_of(index).iter().map(|&row| ledger.family(row)));
            families.sort_unstable();
            let favourite = families
                .chunk_by(|a, b| a == b)
                .filter(|run| run.first() != Some(&super::columns::NONE))
                .map(<[u32]>::len)
                .max()
                .unwrap_or(0);
            class.2 += usize::from(4 * favourite >= families.len());
        }
        Self { classes }
    }

    /// Rate of short dense lives at this volume, smoothed towards 0.05 by ten accounts.
    #[must_use]
    pub fn short_life(&self, requests: u32) -> f64 {
        let (all, short, _) = self.classes.get(class_of(requests)).copied().unwrap_or_default();
        (num::f64_of(short) + 0.5) / (num::f64_of(all) + 10.0)
    }

    /// Rate of accounts with a favourite family at this volume.
    #[must_use]
    pub fn dedicated(&self, requests: u32) -> f64 {
        let (all, _, dedicated) = self.classes.get(class_of(requests)).copied().unwrap_or_default();
        (num::f64_of(dedicated) + 2.5) / (num::f64_of(all) + 10.0)
    }
}

/// Volume class: powers of two.
fn class_of(requests: u32) -> usize {
    num::usize_of(32 - requests.leading_zeros())
}

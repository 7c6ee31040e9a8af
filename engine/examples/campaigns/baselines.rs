//! What simpler rules would accuse on the same families: the yardsticks of the campaign stage.

use promptprint::campaign::chance::Random;
use promptprint::campaign::{Columns, Findings, NONE};
use promptprint::num;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;

/// Accounts accused by each rule, by its name.
pub fn all(columns: &Columns<'_>, findings: &Findings) -> Vec<(String, BTreeSet<u32>)> {
    let mut found = vec![("exact text shared by 5 principals".to_owned(), exact_text(columns, 5))];
    for least in [5, 20, 100] {
        found.push((format!("template shared by {least} principals"), shared(findings, least)));
    }
    for jaccard in [0.2, 0.35, 0.5] {
        found.push((format!("SynchroTrap-like, day buckets, Jaccard {jaccard}"), synchrony(columns, jaccard)));
    }
    found.push(("account rate z above 3".to_owned(), rate(columns)));
    found
}

/// Whoever sent a text, byte for byte, that enough principals sent (what a MinHash index with distinct counts flags).
fn exact_text(columns: &Columns<'_>, least: usize) -> BTreeSet<u32> {
    let mut pairs: Vec<(u32, u32, u32)> = columns
        .document
        .iter()
        .zip(columns.account)
        .filter(|&(_, &account)| account != NONE)
        .map(|(&document, &account)| (document, columns.principal[num::usize_of(account)], account))
        .collect();
    pairs.sort_unstable();
    pairs
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|run| run.chunk_by(|a, b| a.1 == b.1).count() >= least)
        .flat_map(|run| run.iter().map(|&(_, _, account)| account))
        .collect()
}

/// Whoever uses a template twice that enough principals use.
fn shared(findings: &Findings, least: usize) -> BTreeSet<u32> {
    findings
        .units
        .iter()
        .filter(|unit| unit.view.principals >= least)
        .flat_map(|unit| unit.view.edges.iter().filter(|edge| edge.requests >= 2).map(|edge| edge.account))
        .collect()
}

/// Cao et al. 2014, with (family, day) as the action: accounts of different principals whose sets of actions are alike,
/// in components of ten or more.
fn synchrony(columns: &Columns<'_>, least: f64) -> BTreeSet<u32> {
    let mut actions: BTreeMap<u32, BTreeSet<(u32, i64)>> = BTreeMap::new();
    let mut actors: BTreeMap<(u32, i64), BTreeSet<u32>> = BTreeMap::new();
    for (row, &account) in columns.account.iter().enumerate() {
        let family = columns.family[num::usize_of(columns.document[row])];
        if account != NONE && family != NONE {
            let action = (family, columns.time_ms[row] / DAY_MS);
            actions.entry(account).or_default().insert(action);
            actors.entry(action).or_default().insert(account);
        }
    }
    let mut parent: BTreeMap<u32, u32> = actions.keys().map(|&account| (account, account)).collect();
    fn root(parent: &BTreeMap<u32, u32>, mut node: u32) -> u32 {
        while parent[&node] != node {
            node = parent[&node];
        }
        node
    }
    for (&account, mine) in actions.iter().filter(|(_, mine)| mine.len() >= 3) {
        let mut common: BTreeMap<u32, usize> = BTreeMap::new();
        for action in mine {
            for &other in actors[action].iter().filter(|&&other| other < account) {
                *common.entry(other).or_default() += 1;
            }
        }
        for (other, count) in common {
            let all = mine.len() + actions[&other].len() - count;
            let strangers = columns.principal[num::usize_of(account)] != columns.principal[num::usize_of(other)];
            if strangers && num::f64_of(count) >= least * num::f64_of(all) {
                let (a, b) = (root(&parent, account), root(&parent, other));
                parent.insert(a.max(b), a.min(b));
            }
        }
    }
    let mut sizes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &account in actions.keys() {
        sizes.entry(root(&parent, account)).or_default().push(account);
    }
    sizes.into_values().filter(|members| members.len() >= 10).flatten().collect()
}

/// Accounts whose volume is three standard deviations above the mean of the log of volumes.
fn rate(columns: &Columns<'_>) -> BTreeSet<u32> {
    let mut volume: BTreeMap<u32, f64> = BTreeMap::new();
    for &account in columns.account.iter().filter(|&&account| account != NONE) {
        *volume.entry(account).or_default() += 1.0;
    }
    let n = num::f64_of(volume.len().max(1));
    let mean = volume.values().map(|count| count.ln()).sum::<f64>() / n;
    let deviation = (volume.values().map(|count| (count.ln() - mean).powi(2)).sum::<f64>() / n).sqrt();
    volume.into_iter().filter(|(_, count)| count.ln() > mean + 3.0 * deviation).map(|(account, _)| account).collect()
}

/// Buckets that tokens are counted in.
const BUCKETS: usize = 4096;
/// Permutations behind the threshold of an alarm.
const PERMUTATIONS: usize = 40;

/// Gretton et al. 2012, linear kernel over hashed tokens: the share of windows of so many requests whose mean differs from
/// that of the window before by more than 95 % of random halves of the two do. Requests of `without` are left out.
pub fn shifted_windows(columns: &Columns<'_>, window: usize, without: &BTreeSet<u32>) -> f64 {
    let rows: Vec<usize> = (0..columns.account.len()).filter(|&row| !without.contains(&columns.account[row])).collect();
    let windows: Vec<&[usize]> = rows.chunks_exact(window).collect();
    let mut alarms = 0_usize;
    let mut random = Random::new(1, 0x33d);
    for pair in windows.windows(2) {
        let both: Vec<usize> = pair.iter().flat_map(|rows| rows.iter().copied()).collect();
        let mut signs: Vec<f64> = (0..both.len()).map(|at| if at < window { 1.0 } else { -1.0 }).collect();
        let observed = difference(columns, &both, &signs);
        let beaten = (0..PERMUTATIONS)
            .filter(|_| {
                random.shuffle(&mut signs);
                difference(columns, &both, &signs) < observed
            })
            .count();
        alarms += usize::from(20 * beaten >= 19 * PERMUTATIONS);
    }
    num::f64_of(alarms) / num::f64_of(windows.len().saturating_sub(1).max(1))
}

/// Squared distance of the means of the rows of either sign.
fn difference(columns: &Columns<'_>, rows: &[usize], signs: &[f64]) -> f64 {
    let mut sums = vec![0.0; BUCKETS];
    for (&row, sign) in rows.iter().zip(signs) {
        let tokens = &columns.tokens[num::usize_of(columns.document[row])];
        let weight = sign / num::f64_of(tokens.len().max(1));
        for &token in tokens.iter() {
            sums[num::usize_of(token) % BUCKETS] += weight;
        }
    }
    sums.iter().map(|sum| sum * sum).sum()
}

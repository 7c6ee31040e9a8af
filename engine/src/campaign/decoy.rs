//! Decoys: the same judgement on a log in which nobody can be coordinated, to see how often it errs.
//!
//! Every row keeps its account and its time; the documents change places between rows of the same hour of the day and of
//! accounts of like volume. Families keep their texts and their sizes, accounts keep their habits, and whatever tied the one
//! to the other is gone. Accounts under suspicion lend their texts and not their habits: a large campaign whose own accounts
//! stood in for strangers would convict itself. A conviction in such a log is an error, and its rate is printed with every
//! report.

use super::chance::{self, Random};
use super::columns::{Columns, NONE};
use super::evidence::Verdict;
use super::ledger::HOUR_MS;
use super::{Findings, Options, judge};
use crate::error::Result;
use crate::num;

/// What became of the decoys.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DecoyReport {
    /// Shuffled logs judged.
    pub logs: usize,
    /// Units of them that were judged by statistics.
    pub judged: usize,
    /// Units that were convicted, all wrongly.
    pub convicted: usize,
    /// Accounts accused, all wrongly.
    pub accused: usize,
    /// Exact upper 95 % bound of the share of judged decoys that are convicted.
    pub rate_bound: f64,
}

/// Judges `logs` shuffled copies of a log whose findings are known.
/// # Errors
/// As [`judge`].
pub fn decoys(columns: &Columns<'_>, findings: &Findings, options: &Options, logs: usize) -> Result<DecoyReport> {
    columns.check()?;
    let mut report = DecoyReport { logs, judged: 0, convicted: 0, accused: 0, rate_bound: 1.0 };
    let mut suspect = vec![false; columns.principal.len()];
    let doubted = findings.units.iter().filter(|unit| unit.judgement.verdict >= Verdict::Review);
    for edge in doubted.flat_map(|unit| &unit.view.edges) {
        if let Some(flag) = suspect.get_mut(num::usize_of(edge.account)) {
            *flag = true;
        }
    }
    let known = |&account: &u32| if suspect.get(num::usize_of(account)) == Some(&true) { NONE } else { account };
    let account: Vec<u32> = columns.account.iter().map(known).collect();
    for number in 0..logs {
        let seed = options.decide.seed ^ num::u64_of(number + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let document = shuffled(columns, seed);
        let findings = judge(&Columns { account: &account, document: &document, ..*columns }, options)?;
        let judged = findings.units.iter().filter(|unit| !unit.judgement.evidence.is_empty());
        report.judged += judged.clone().count();
        report.convicted += judged.filter(|unit| unit.judgement.verdict == Verdict::Convicted).count();
        report.accused += findings.campaigns.iter().map(|campaign| campaign.members.len()).sum::<usize>();
    }
    report.rate_bound = chance::clopper_pearson(report.convicted, report.judged).1;
    Ok(report)
}

/// The documents of the rows, shuffled within strata of hour and volume.
fn shuffled(columns: &Columns<'_>, seed: u64) -> Vec<u32> {
    let mut volume = vec![0_u32; columns.principal.len()];
    for &account in columns.account {
        if let Some(count) = volume.get_mut(num::usize_of(account)) {
            *count += 1;
        }
    }
    let mut rows: Vec<(u32, i64, usize)> = columns
        .account
        .iter()
        .zip(columns.time_ms)
        .enumerate()
        .map(|(row, (&account, &time_ms))| {
            let requests = volume.get(num::usize_of(account)).copied().unwrap_or(0);
            (32 - requests.leading_zeros(), (time_ms / HOUR_MS).rem_euclid(24), row)
        })
        .collect();
    rows.sort_unstable();
    let mut random = Random::new(seed, 0xdec0);
    let mut document = columns.document.to_vec();
    for stratum in rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let mut documents: Vec<u32> =
            stratum.iter().filter_map(|&(_, _, row)| columns.document.get(row).copied()).collect();
        random.shuffle(&mut documents);
        for (&(_, _, row), moved) in stratum.iter().zip(documents) {
            if let Some(slot) = document.get_mut(row) {
                *slot = moved;
            }
        }
    }
    document
}

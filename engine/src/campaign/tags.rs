//! Tags that concentrate in a unit (one network, one payment, one program behind many accounts): reported, never needed.
//!
//! Tags are opaque, may be forged and are often missing, so they count as no evidence; to an analyst they are the first
//! thing to look at.

use super::chance;
use super::columns::{Columns, NONE};
use super::ledger::View;
use crate::num;

/// One tag value that stands out in a unit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Lift {
    /// The tag column's name.
    pub tag: String,
    /// The interned value.
    pub value: u32,
    /// Principals of the unit that carry it.
    pub principals: usize,
    /// Their share of the unit's principals with this tag.
    pub share: f64,
    /// The share of all principals of the log that carry it: the null.
    pub null: f64,
    /// Probability of so many by chance (binomial tail), times the number of values looked at.
    pub p: f64,
}

/// The commonest value of each tag in a view, where it stands out beyond `p` = 0.01 after counting the values tried.
#[must_use]
pub fn lifts(columns: &Columns<'_>, view: &View) -> Vec<Lift> {
    let mut found = Vec::new();
    for tag in columns.tags {
        let inside = carriers(columns, tag.values, view.rows.iter().map(|&row| num::usize_of(row)));
        let outside = carriers(columns, tag.values, 0..columns.account.len());
        let (inside_all, outside_all) = (principals(&inside), principals(&outside));
        let mut best: Option<Lift> = None;
        for run in inside.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(value, _)) = run.first() else { continue };
            let begin = outside.partition_point(|carrier| carrier.0 < value);
            let everywhere = outside.iter().skip(begin).take_while(|carrier| carrier.0 == value).count();
            let null = num::f64_of(everywhere) / num::f64_of(outside_all.max(1));
            let tried = num::f64_of(inside.chunk_by(|a, b| a.0 == b.0).count());
            let p = (tried * chance::binomial_above(run.len(), inside_all, null)).min(1.0);
            let lift = Lift {
                tag: tag.name.to_owned(),
                value,
                principals: run.len(),
                share: num::f64_of(run.len()) / num::f64_of(inside_all.max(1)),
                null,
                p,
            };
            if p < 0.01 && best.as_ref().is_none_or(|known| lift.p < known.p) {
                best = Some(lift);
            }
        }
        found.extend(best);
    }
    found
}

/// Distinct (value, principal) pairs over some rows, ascending.
fn carriers(columns: &Columns<'_>, values: &[u32], rows: impl Iterator<Item = usize>) -> Vec<(u32, u32)> {
    let mut pairs: Vec<(u32, u32)> = rows
        .filter_map(|row| {
            let value = values.get(row).copied().filter(|&value| value != NONE)?;
            let account = columns.account.get(row).copied()?;
            Some((value, columns.principal.get(num::usize_of(account)).copied()?))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// How many principals carry any value.
fn principals(pairs: &[(u32, u32)]) -> usize {
    let mut all: Vec<u32> = pairs.iter().map(|&(_, principal)| principal).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

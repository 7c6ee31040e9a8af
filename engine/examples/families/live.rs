//! What a gateway would have said of each request of a log, in its order: families from tables sealed every so many
//! requests, else from the table of families in the making; and how long the lookups took.

use promptprint::family::forming::FormingTable;
use promptprint::family::live::Table;
use promptprint::family::packed::decode_into;
use promptprint::family::{Anchors, Documents, Families, MineOptions, Use, mine};
use promptprint::num;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use crate::Column;

/// Writes `id <TAB> family <TAB> <TAB> 3 or 0`: 3 where a family was told at arrival.
pub fn replay(
    ids: &[&str],
    uses: &[Use],
    column: &Column,
    options: &MineOptions,
    seal_every: usize,
) -> Result<String, Box<dyn Error>> {
    let mut forming = FormingTable::default();
    let mut sealed: Option<Vec<u8>> = None;
    let (mut anchors, mut out, mut times) = (Anchors::default(), String::new(), Vec::with_capacity(uses.len()));
    let (mut from_sealed, mut from_forming) = (0u64, 0u64);
    for (at, (id, request)) in ids.iter().zip(uses).enumerate() {
        if seal_every > 0 && at > 0 && at % seal_every == 0 {
            let prefix = Prefix { column, count: uses[..at].iter().map(|u| u.document + 1).max().unwrap_or(0) };
            let mut before = uses[..at].to_vec();
            before.sort_by_key(|request| request.time_ms);
            let found = mine(&prefix, before.as_slice(), options, &|_, _, _| true)?;
            sealed = Some(Table::seal(&found, prefix.count));
        }
        decode_into(column.anchors(request.document), &mut anchors);
        let start = Instant::now();
        let table = sealed.as_deref().and_then(Table::open);
        let known = table.and_then(|table| table.family_id(table.find(&anchors, 1)?.family));
        from_sealed += u64::from(known.is_some());
        let seen = known.or_else(|| {
            let text = u64::from(request.document).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            forming.observe(&anchors, 1, text, true).map(|forming| forming.id)
        });
        times.push(start.elapsed().as_nanos());
        from_forming += u64::from(known.is_none() && seen.is_some());
        match seen {
            Some(family) => writeln!(out, "{id}\t{family:010x}\t\t3")?,
            None => writeln!(out, "{id}\t-1\t\t0")?,
        }
    }
    times.sort_unstable();
    let quantile = |share: f64| times.get(num::usize_of_f64(num::f64_of(times.len()) * share)).copied().unwrap_or(0);
    writeln!(
        std::io::stderr(),
        "{from_sealed} told from sealed tables, {from_forming} in the making; lookup p50 {} ns, p99 {} ns, p99.9 {} ns",
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
    )?;
    Ok(out)
}

/// The share of grouped texts to which a lookup gives the family that mining gave, and of the others to which it gives one.
pub fn agreement(column: &Column, found: &Families) -> (f64, f64) {
    let bytes = Table::seal(found, column.count());
    let Some(table) = Table::open(&bytes) else { return (0.0, 0.0) };
    let mut anchors = Anchors::default();
    let (mut grouped, mut same, mut others, mut stray) = (0usize, 0usize, 0usize, 0usize);
    for (mined, document) in found.of_document.iter().zip(0u32..) {
        decode_into(column.anchors(document), &mut anchors);
        let looked_up = table.find(&anchors, column.class(document)).map(|m| m.family);
        match mined {
            Some(mined) => {
                grouped += 1;
                same += usize::from(looked_up == Some(mined.family));
            }
            None => {
                others += 1;
                stray += usize::from(looked_up.is_some());
            }
        }
    }
    let share = |n: usize, of: usize| num::f64_of(n) / num::f64_of(of.max(1));
    (share(same, grouped), share(stray, others))
}

/// The first documents of a column.
struct Prefix<'a> {
    column: &'a Column,
    count: u32,
}

impl Documents for Prefix<'_> {
    fn count(&self) -> u32 {
        self.count
    }
    fn anchors(&self, document: u32) -> &[u8] {
        self.column.anchors(document)
    }
    fn class(&self, document: u32) -> u8 {
        self.column.class(document)
    }
}

//! Question: how well does the campaign stage judge a labelled log, given families? Reads a JSONL log (id, account, ts,
//! prompt), the accounts file for organisations, and families from a TSV (id, family) or from a label of the log; writes
//! the accused accounts as TSV for the scorer.
//!
//! usage: campaigns LOG.jsonl ACCOUNTS.jsonl OUT.tsv [--labels REQUESTS.jsonl]
//!        [--families FAMILIES.tsv|mine] [--hide-orgs] [--verbose]
//!        [--by-day]  mines and judges every day's prefix, and prints when each labelled campaign was first convicted
#![allow(clippy::print_stdout)]

mod load;

use promptprint::campaign::{self, Options};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let [log, accounts, out] = [0, 1, 2].map(|at| args.get(at).cloned().unwrap_or_default());
    let table = load::Table::read(
        &log,
        &accounts,
        value("--labels").as_deref(),
        value("--families").as_deref(),
        flag("--hide-orgs"),
    )?;
    if flag("--by-day") {
        return by_day(table, value("--families").as_deref() == Some("mine"));
    }
    let columns = table.columns();
    let start = Instant::now();
    let findings = campaign::judge(&columns, &Options::default())?;
    println!("judged {} rows in {:.2} s", columns.account.len(), start.elapsed().as_secs_f64());
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for unit in &findings.units {
        *reasons.entry((unit.judgement.verdict.name(), unit.judgement.reason.name())).or_default() += 1;
    }
    println!("{reasons:?}");
    if flag("--verbose") {
        for unit in findings.units.iter().filter(|unit| !unit.judgement.evidence.is_empty()) {
            println!(
                "{:>9} {:30} accounts {:4} principals {:4} requests {:6} {:11} {:14} core {} p {:.1e} q {:.1e} campaign {:?} within {:.2} across {:.2} between {:.2} identical {:.2} nats {:.0} obf {:.2} own {:.1e} | {}",
                unit.families.len(),
                table.describe(unit),
                unit.view.edges.len(),
                unit.view.principals,
                unit.view.requests,
                unit.judgement.verdict.name(),
                unit.judgement.reason.name(),
                unit.judgement.core,
                unit.judgement.p,
                unit.judgement.q,
                unit.campaign,
                unit.judgement.wording.within,
                unit.judgement.wording.across,
                unit.judgement.wording.between,
                unit.judgement.wording.identical,
                unit.judgement.wording.nats,
                unit.judgement.wording.obfuscated,
                unit.judgement.wording.p_own,
                unit.judgement
                    .evidence
                    .iter()
                    .map(|e| format!(
                        "{}{} {:.2}/{:.2} p{:.0e}",
                        if e.holds { "*" } else { "" },
                        e.kind.name(),
                        e.value,
                        e.null,
                        e.p
                    ))
                    .collect::<Vec<_>>()
                    .join("; ")
            );
        }
    }
    if flag("--verbose") {
        where_campaigns_went(&table, &findings);
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(&out)?);
    for (number, campaign) in findings.campaigns.iter().enumerate() {
        println!(
            "campaign {number}: {} units, {} accounts of which {} adopted",
            campaign.units.len(),
            campaign.members.len(),
            campaign.members.iter().filter(|member| member.adopted).count()
        );
        for member in &campaign.members {
            writeln!(file, "{}\t{number}", table.account_names[promptprint::num::usize_of(member.account)])?;
        }
    }
    file.flush()?;
    Ok(())
}

/// Judges every day's prefix with latching; a campaign counts as convicted when a tenth of its accounts so far are.
fn by_day(mut table: load::Table, mine: bool) -> Result<(), Box<dyn std::error::Error>> {
    const DAY_MS: i64 = 86_400_000;
    let truth = table.truth();
    let mut replay = campaign::Replay::default();
    let mut first: BTreeMap<String, (i64, f64)> = BTreeMap::new();
    let (begin, end) = table.span();
    for day in 1..=(end - begin) / DAY_MS + 1 {
        let until = begin + day * DAY_MS;
        if mine {
            table.mine_before(until)?;
        }
        let columns = table.columns();
        let columns = columns.before(until);
        let today = replay.step(&columns, until)?;
        let accused = replay.accused();
        let mut line = String::new();
        for (name, rows) in &truth {
            let total = promptprint::num::f64_of(rows.len());
            let served = rows.iter().filter(|&&(time, _)| time < until).count();
            let mut active: Vec<u32> =
                rows.iter().filter(|&&(time, _)| time < until).map(|&(_, account)| account).collect();
            active.sort_unstable();
            active.dedup();
            let hit = active.iter().filter(|account| accused.binary_search(account).is_ok()).count();
            let recall = promptprint::num::f64_of(hit) / promptprint::num::f64_of(active.len().max(1));
            let share = promptprint::num::f64_of(served) / total;
            if recall >= 0.1 {
                first.entry(name.clone()).or_insert((day, share));
            }
            line += &format!(" {name} {recall:.2} ({share:.3})");
        }
        let innocent = accused.iter().filter(|&&account| !table.guilty(account)).count();
        println!("day {day:2}{line} innocents {innocent} latched {}", today.held_by_latch);
    }
    println!("first convicted: {first:?}");
    Ok(())
}

/// Prints, for each labelled campaign, into which units its own requests fell.
fn where_campaigns_went(table: &load::Table, findings: &campaign::Findings) {
    let mut unit_of: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, unit) in findings.units.iter().enumerate() {
        unit_of.extend(unit.view.rows.iter().map(|&row| (row, index)));
    }
    for (name, rows) in table.own_rows() {
        let mut counts: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        for row in &rows {
            *counts.entry(unit_of.get(row).copied()).or_default() += 1;
        }
        let mut parts: Vec<(usize, Option<usize>)> = counts.into_iter().map(|(unit, count)| (count, unit)).collect();
        parts.sort_unstable_by(|a, b| b.cmp(a));
        let shown: Vec<String> = parts
            .iter()
            .take(6)
            .map(|&(count, unit)| match unit {
                Some(unit) => {
                    let found = &findings.units[unit];
                    format!(
                        "{count} in unit {unit} ({} {}, {} accounts)",
                        found.judgement.verdict.name(),
                        found.judgement.reason.name(),
                        found.view.edges.len()
                    )
                }
                None => format!("{count} in none"),
            })
            .collect();
        println!("{name}: {} requests in {} parts: {}", rows.len(), parts.len(), shown.join("; "));
    }
}

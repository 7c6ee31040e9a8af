//! Question: how well does the campaign stage judge a labelled log, given families? Reads a JSONL log (id, account, ts,
//! prompt), the accounts file for organisations, and families from a TSV (id, family) or from a label of the log; writes
//! the accused accounts as TSV for the scorer.
//!
//! usage: campaigns LOG.jsonl ACCOUNTS.jsonl OUT.tsv [--families FAMILIES.tsv] [--hide-orgs] [--verbose]
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
    let table = load::Table::read(&log, &accounts, value("--families").as_deref(), flag("--hide-orgs"))?;
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
                "{:>9} {:40} accounts {:4} principals {:4} requests {:6} {:11} {:14} core {} p {:.1e} q {:.1e} campaign {:?} within {:.2} across {:.2} between {:.2} identical {:.2} nats {:.0} obf {:.2} own {:.1e} | {}",
                unit.family,
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

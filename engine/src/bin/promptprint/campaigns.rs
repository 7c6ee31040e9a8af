//! `campaigns`: who acts as one, with the evidence.

use std::process::ExitCode;

use promptprint::Result;
use promptprint::audit::{self, CampaignRow};
use promptprint::campaign::Options;
use serde::Serialize;

use super::common::{self, JudgeArgs};
use super::output::Out;

/// Only `convicted` accuses; `review` is strong evidence that an honest fleet of keys would show too, `unexplained` is
/// popular, `acquitted` has an innocent explanation. The same store gives the same answer.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    judge: JudgeArgs,
    /// Print groups of every verdict, not only the convicted
    #[arg(long)]
    all: bool,
    /// Print the accused accounts instead, one a line
    #[arg(long, conflicts_with = "all")]
    accused: bool,
    /// One line of JSON a campaign or account
    #[arg(long)]
    json: bool,
    /// Shuffled copies of the log to judge beside it, in which every conviction is an error; the rate is told on standard
    /// error and in each line of JSON
    #[arg(long, value_name = "N", default_value_t = 1)]
    decoys: usize,
}

#[derive(Debug, Serialize)]
struct Accused<'a> {
    account: &'a str,
    campaign: &'a str,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let (opened, banks) = args.judge.open()?;
    let container = audit::family_container(&opened.store)?;
    let options = Options::default();
    let judged = audit::judge(&opened.snapshot, &container, &opened.keys, &options, banks)?;
    let mut rows = judged.rows(args.all)?;
    if args.decoys > 0 {
        let decoys = judged.decoys(&options, args.decoys)?;
        eprintln!("promptprint: {}", common::decoys_line(&decoys));
        for row in &mut rows {
            row.decoys = Some(decoys);
        }
    }
    let mut out = Out::new();
    for row in &rows {
        if out.is_closed() {
            break;
        }
        if args.accused {
            for account in &row.accounts {
                let line = Accused { account: &account.account, campaign: &row.campaign };
                if args.json {
                    out.json(&line)?
                } else {
                    out.line(format_args!("{}\t{}", line.account, line.campaign))?
                }
            }
        } else if args.json {
            out.json(row)?;
        } else {
            print(row, &mut out)?;
        }
    }
    if rows.is_empty() && !args.json && !args.accused {
        out.line("no campaign is convicted; --all lists the groups of other verdicts")?;
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn print(row: &CampaignRow, out: &mut Out) -> Result<()> {
    out.line(format_args!(
        "{}  {}  {} accounts, {} families; advice: {}",
        row.campaign,
        row.verdict,
        row.accounts.len(),
        row.families.len(),
        row.advice
    ))?;
    out.line(format_args!("    {}", row.reason))?;
    if let Some(bank) = &row.bank {
        out.line(format_args!(
            "    {} {} of the {} bank {}, {:.0} % of its core",
            if bank.known { "is" } else { "nearest is" },
            bank.entry,
            bank.kind,
            bank.bank,
            100.0 * bank.share
        ))?;
    }
    for evidence in &row.evidence {
        out.line(format_args!(
            "    {:<12} {:>9.3}  innocents {:>9.3}  p {:<9.2e} n {}",
            evidence.kind, evidence.value, evidence.null, evidence.p, evidence.n
        ))?;
    }
    Ok(())
}

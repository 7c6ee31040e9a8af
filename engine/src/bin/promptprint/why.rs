//! `why`: everything that was weighed about one account.

use std::process::ExitCode;

use promptprint::audit;
use promptprint::campaign::Options;
use promptprint::{Error, Result};

use super::common::{self, BankArgs, KeyArgs, StoreArgs};
use super::output::{Out, time};

/// Every family the account takes part in, every statistic with what innocents would show, the innocent explanations that
/// were tested, and what would change the answer.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    banks: BankArgs,
    /// The account, as the log names it
    account: String,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let opened = common::open(&args.store, &args.key)?;
    let container = audit::family_container(&opened.store)?;
    let options = Options::default();
    let judged = audit::judge(&opened.snapshot, &container, &opened.keys, &options, args.banks.open(&opened.store)?)?;
    let Some(account) = judged.account(&args.account) else {
        return Err(Error::InvalidArgument {
            argument: "ACCOUNT",
            reason: format!("no request of {} is in this store", args.account),
        });
    };
    let why = judged.traffic.with_columns(|columns| judged.findings.why(columns, account));
    let mut out = Out::new();
    if args.json {
        out.json(&why)?;
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(format_args!("{}: {}; advice: {}", args.account, why.verdict.name(), why.advice.name()))?;
    if why.adopted {
        out.line("It came in by a fragment too small to be judged alone, by wording and pace.")?;
    }
    if why.edges.is_empty() {
        out.line("It takes part in no family: nothing is shared with anybody.")?;
    }
    for edge in &why.edges {
        let names: Vec<String> = edge.families.iter().filter_map(|family| judged.tables.name(*family)).collect();
        let family = if names.is_empty() { "requests reworded one by one".to_owned() } else { names.join(" ") };
        out.line("")?;
        out.line(format_args!(
            "{family}: {}. {} of its requests ({:.0} % of all), {} to {}; {} accounts of {} principals",
            edge.verdict.name(),
            edge.requests,
            edge.share * 100.0,
            time(edge.first_ms),
            time(edge.last_ms),
            edge.accounts,
            edge.principals
        ))?;
        out.line(format_args!("  {}", edge.sentence))?;
        for evidence in &edge.evidence {
            out.line(format_args!(
                "  {:<12} {:>9.3}  innocents {:>9.3}  p {:<9.2e} n {:<6} {}",
                evidence.kind.name(),
                evidence.value,
                evidence.null,
                evidence.p,
                evidence.n,
                evidence.kind.meaning()
            ))?;
        }
        for explanation in &edge.explanations {
            let mark = if explanation.explains { "yes" } else { "no" };
            out.line(format_args!("  {} {mark}: {}", explanation.question, explanation.finding))?;
        }
        for change in &edge.would_change {
            out.line(format_args!("  would change it: {change}"))?;
        }
    }
    out.line("")?;
    out.line(format_args!(
        "To reproduce: promptprint {} why --store {} {}, seed {}, key epoch {}, spec {}",
        env!("CARGO_PKG_VERSION"),
        args.store.store.display(),
        args.account,
        options.decide.seed,
        opened.keys.epoch(),
        opened.store.manifest().spec
    ))?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

//! `why`: everything that was weighed about one account.

use std::process::ExitCode;

use promptprint::audit::{self, Sharer, SlotValues, WhyAnswer, WhyRow};
use promptprint::campaign::Options;
use promptprint::{Error, Result};

use super::common::JudgeArgs;
use super::output::{Out, time};

/// Every family the account takes part in, every statistic with what innocents would show, the innocent explanations that
/// were tested, and what would change the answer.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    judge: JudgeArgs,
    /// The account, as the log names it
    account: String,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let (opened, banks) = args.judge.open()?;
    let container = audit::family_container(&opened.store)?;
    let options = Options::default();
    let judged = audit::judge(&opened.snapshot, &container, &opened.keys, &options, banks)?;
    let Some(account) = judged.account(&args.account) else {
        return Err(Error::InvalidArgument {
            argument: "ACCOUNT",
            reason: format!("no request of {} is in this store", args.account),
        });
    };
    let why = audit::why(&judged, &opened.store, &options, &args.account, account)?;
    let mut out = Out::new();
    if args.json {
        out.json(&why)?;
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    }
    let campaign = why.campaign.as_ref().map_or(String::new(), |id| format!(" in campaign {id}"));
    out.line(format_args!("{}: {}{campaign}; advice: {}", why.account, why.verdict, why.advice))?;
    if why.adopted {
        out.line("It came in by a fragment too small to be judged alone, by wording and pace.")?;
    }
    if why.edges.is_empty() {
        out.line("It takes part in no family: nothing is shared with anybody.")?;
    }
    for row in &why.edges {
        print(row, &mut out)?;
    }
    print_recipe(&why, args, &mut out)?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn print(row: &WhyRow, out: &mut Out) -> Result<()> {
    let edge = &row.edge;
    let family =
        if row.families.is_empty() { "requests reworded one by one".to_owned() } else { row.families.join(" ") };
    let strength = edge.strength.map_or(String::new(), |strength| format!(", strength {strength:.2}"));
    out.line("")?;
    out.line(format_args!(
        "{family}: {}. {} of its requests ({:.0} % of all), {} to {}{strength}; {} accounts of {} principals",
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
    if !edge.evidence.is_empty() {
        out.line(format_args!("  all kinds together: p {:.2e}, adjusted over all groups {:.2e}", edge.p, edge.q))?;
    }
    for explanation in &edge.explanations {
        let mark = if explanation.explains { "yes" } else { "no" };
        out.line(format_args!("  {} {mark}: {}", explanation.question, explanation.finding))?;
    }
    let SlotValues { values, sharers, most } = &row.slot_values;
    if *sharers > 0 {
        let told = |sharer: &Sharer| format!("{} ({} of {} compared)", sharer.account, sharer.shared, sharer.compared);
        let most: Vec<String> = most.iter().map(told).collect();
        out.line(format_args!("  of its {values} slot values, {sharers} accounts sent some too: {}", most.join(", ")))?;
    }
    for nearest in &row.nearest {
        let bank = &nearest.bank;
        out.line(format_args!("  {} bank {}, entry {}: {}", bank.kind, bank.bank, bank.entry, nearest.outcome))?;
    }
    for change in &edge.would_change {
        out.line(format_args!("  would change it: {change}"))?;
    }
    Ok(())
}

fn print_recipe(why: &WhyAnswer, args: &Args, out: &mut Out) -> Result<()> {
    let recipe = &why.recipe;
    let parameters: Vec<String> = recipe.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    out.line("")?;
    out.line(format_args!(
        "To reproduce: promptprint {} why {} --store {} at manifest {}, seed {}, key epoch {}, spec {}",
        recipe.version,
        why.account,
        args.judge.store.store.display(),
        recipe.manifest,
        recipe.seed,
        recipe.key_epoch,
        recipe.spec
    ))?;
    let banks = if recipe.banks.is_empty() { "none".to_owned() } else { recipe.banks.join(", ") };
    out.line(format_args!("Parameters: {}. Banks: {banks}.", parameters.join(", ")))
}

//! `replay`: who would have been convicted when.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::Result;
use promptprint::audit::{self, ReplayOptions};
use promptprint::campaign::Options;
use promptprint::corpus::population::Population;

use super::common::JudgeArgs;
use super::index;
use super::output::{Out, time};
use super::progress::Terminal;

/// Families are mined and judged anew at the end of each day, as if nothing had followed, and a conviction once made stays.
/// Tells of each campaign when it was first convicted and which share of its requests was served by then. Replays
/// everything in the store; logs that are named are read into it first, and a log it holds already adds nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Request logs to read first, in any form that index reads
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    judge: JudgeArgs,
    /// From one judgement to the next
    #[arg(long, value_enum, default_value = "day")]
    by: Step,
    /// One line of JSON a campaign, at the end
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Step {
    /// Twelve hours
    HalfDay,
    /// A day, UTC
    Day,
    /// Seven days
    Week,
}

impl Step {
    const fn ms(self) -> i64 {
        match self {
            Self::HalfDay => 43_200_000,
            Self::Day => 86_400_000,
            Self::Week => 604_800_000,
        }
    }
}

pub fn run(args: &Args) -> Result<ExitCode> {
    if !args.logs.is_empty() {
        index::read_more(&args.logs, &args.judge.store, &args.judge.key)?;
    }
    let (opened, banks) = args.judge.open()?;
    let population = Population::new(&opened.snapshot)?;
    let terminal = Terminal::new();
    let mut out = Out::new();
    let options = ReplayOptions { judge: Options::default(), step_ms: args.by.ms() };
    let campaigns = audit::replay(&population, &opened.keys, &banks, &options, &terminal, |step| {
        if args.json || (step.accused == 0 && step.convicted.is_empty()) {
            return Ok(());
        }
        let convicted = match step.convicted.as_slice() {
            [] => String::new(),
            ids => format!("; first convicted: {}", ids.join(" ")),
        };
        out.line(format_args!(
            "{}  {} requests so far, {} accounts accused for the first time{convicted}",
            time(step.end_ms),
            step.requests,
            step.accused
        ))
    })?;
    terminal.finish();
    for row in &campaigns {
        if args.json {
            out.json(row)?;
            continue;
        }
        out.line(format_args!(
            "{}  convicted {}, when {} of its {} requests were served ({:.1} %) and {} of its {} accounts known",
            row.campaign,
            time(row.convicted_ms),
            row.requests_then,
            row.requests,
            100.0 * row.served_share,
            row.accounts_then,
            row.accounts.len()
        ))?;
    }
    if campaigns.is_empty() && !args.json {
        out.line("no campaign is convicted on any day")?;
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

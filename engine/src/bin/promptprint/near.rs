//! `near`: the requests that nearly repeat given ones.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::Result;
use promptprint::audit::{self, NearAnswer};
use promptprint::query::{NearOptions, Searcher};

use super::common::{self, KeyArgs, StoreArgs};
use super::input::InputArgs;
use super::output::Out;

/// Each part of a query is compared with the parts of its kind, and a request scores by its best user part (a step of an
/// agent's run, which has none, by what tools gave back); a request does not return itself, nor is it near the earlier turns
/// of its own conversation. The resemblance is an estimate of the Jaccard similarity of the two texts' 5-character shingles. Its
/// standard error is at most .032 at .85, .036 at .80 and .043 at .60, and about a quarter less for texts of up to 100
/// characters; --min bounds the estimate.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The queries: a log in any form that index reads; `-` is standard input
    #[arg(long, value_name = "LOG")]
    input: PathBuf,
    #[command(flatten)]
    read: InputArgs,
    /// The least estimated resemblance of a hit, 0 to 1; below .7 the bands begin to miss hits
    #[arg(long, default_value_t = 0.8)]
    min: f32,
    /// Hits at most, best first
    #[arg(long, default_value_t = 10)]
    top: usize,
    /// One line of JSON a query
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let opened = common::open(&args.store, &args.key)?;
    let kernels = common::kernels()?;
    let searcher = Searcher::new(&opened.snapshot, kernels)?;
    let options = NearOptions { min: args.min, top: args.top };
    let mut out = Out::new();
    let parse = args.read.options(Some(&opened.keys))?;
    let preparer = audit::preparer_of(opened.store.manifest(), opened.store.dir(), opened.keys, kernels)?;
    let skipped = audit::near(&searcher, &preparer, &args.input, &parse, options, |answer| {
        print(&mut out, &answer, args.json)?;
        Ok(!out.is_closed())
    })?;
    out.finish()?;
    for bad in &skipped.samples {
        eprintln!("promptprint: skipped {bad}");
    }
    if skipped.count > 0 {
        eprintln!("promptprint: {} lines of {} skipped", skipped.count, args.input.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut Out, answer: &NearAnswer, json: bool) -> Result<()> {
    if json {
        return out.json(answer);
    }
    let cut = if answer.truncated { " (search cut short: there may be more)" } else { "" };
    out.line(format_args!("{}: {} near{cut}", answer.id, answer.hits.len()))?;
    for hit in &answer.hits {
        out.line(format_args!("  {:.3}  {}", hit.resemblance, hit.id))?;
    }
    Ok(())
}

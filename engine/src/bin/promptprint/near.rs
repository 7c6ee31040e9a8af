//! `near`: the requests that nearly repeat given ones.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::Result;
use promptprint::audit::{self, NearAnswer, NearBy};
use promptprint::corpus::prepare::CodeSource;
use promptprint::query::neighbors::{By, NeighborOptions};
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
    /// What nearness is judged by: `bands` of the signature, above --min; `signature` or embedding `code`, nearest first
    /// however far; `all`, both lists as one by reciprocal rank
    #[arg(long, value_name = "WHAT", default_value = "bands", value_parser = ["bands", "signature", "code", "all"])]
    by: String,
    /// The least estimated resemblance of a hit, 0 to 1, or cosine with --by code; below .7 the bands begin to miss hits
    /// [default: 0.8 with --by bands, else none]
    #[arg(long)]
    min: Option<f32>,
    /// Leaders kept while a graph is searched: more is slower and finds more
    #[arg(long, value_name = "N", default_value_t = 256)]
    ef: usize,
    /// Hits at most, best first
    #[arg(long, default_value_t = 10)]
    top: usize,
    #[cfg(feature = "model")]
    #[command(flatten)]
    model: common::ModelArgs,
    /// One line of JSON a query
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let opened = common::open(&args.store, &args.key)?;
    let kernels = common::kernels()?;
    let searcher = Searcher::new(&opened.snapshot, kernels)?;
    let by: By = args.by.parse()?;
    let near_by = match by {
        By::Bands => NearBy::Bands(NearOptions { min: args.min.unwrap_or(NearOptions::default().min), top: args.top }),
        by => NearBy::Sketches(NeighborOptions { by, top: args.top, ef: args.ef, min: args.min }),
    };
    let mut out = Out::new();
    let parse = args.read.options(Some(&opened.keys))?;
    let preparer = audit::preparer_of(opened.store.manifest(), opened.store.dir(), opened.keys, kernels)?;
    let preparer = preparer.with_codes(if by == By::Bands { CodeSource::None } else { CodeSource::BuiltIn });
    #[cfg(feature = "model")]
    let preparer = args.model.apply(preparer)?;
    let skipped = audit::near(&searcher, &preparer, &args.input, &parse, near_by, |answer| {
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
        match hit.cosine {
            Some(cosine) => out.line(format_args!("  {:.3}  cosine {cosine:.3}  {}", hit.resemblance, hit.id))?,
            None => out.line(format_args!("  {:.3}  {}", hit.resemblance, hit.id))?,
        }
    }
    Ok(())
}

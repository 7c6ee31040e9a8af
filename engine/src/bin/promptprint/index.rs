//! `index`: logs into the store.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::audit::{self, IndexOptions, Summary, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::request::parse::ParseOptions;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;
use promptprint::{Error, Result};

use super::common::{self, EXIT_INTERRUPTED, GraphArgs, KeyArgs, StoreArgs};
use super::input::{InputArgs, tell_join};
use super::output::Out;
use super::progress::Terminal;

/// More logs append, and the same log again adds nothing: a request is known by its id where the source has one, else by
/// the bytes of its line. The key file is made on first use; keep it, and keep it apart: without it the store tells neither
/// names nor skeletons.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub logs: LogArgs,
}

/// Which logs, into which store, and how.
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Request logs: JSON lines or lists, CSV or TSV, each plain, .gz or .zst; with the feature `parquet` also Parquet and
    /// Arrow IPC; `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Stop at the first line that cannot be used, instead of counting it
    #[arg(long)]
    strict: bool,
    /// Keep no skeletons, not even sealed
    #[arg(long)]
    no_skeletons: bool,
    /// Leave the mining of families to a later run
    #[arg(long)]
    no_families: bool,
    /// Megabytes of text held in memory, for rendering skeletons
    #[arg(long, value_name = "MB", default_value_t = 128)]
    text_memory: usize,
    #[command(flatten)]
    graph: GraphArgs,
    /// Requests of one segment at most
    #[arg(long, value_name = "N", default_value_t = 1 << 18, hide = true)]
    segment_requests: usize,
}

/// A run of indexing, done.
pub struct Indexed {
    /// What was read.
    pub summary: Summary,
    /// The exit code so far.
    pub code: ExitCode,
    parse: ParseOptions,
}

impl Indexed {
    /// Says what was read.
    pub fn tell(&self, out: &mut Out) -> Result<()> {
        summary_lines(&self.summary).into_iter().try_for_each(|line| out.line(line))?;
        tell_join(&self.parse, out)
    }
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let indexed = read_logs(&args.logs)?;
    let mut out = Out::new();
    indexed.tell(&mut out)?;
    out.finish()?;
    Ok(indexed.code)
}

/// Reads the logs into the store and mines families.
pub fn read_logs(args: &LogArgs) -> Result<Indexed> {
    if args.segment_requests == 0 {
        return Err(Error::InvalidArgument { argument: "--segment-requests", reason: "must be 1 or more".to_owned() });
    }
    // What is wrong with a map is told before a store is made.
    args.input.check()?;
    let kernels = common::kernels()?;
    let spec = Spec::new(Shingle::C5);
    let key_path = args.key.path(&args.store.store);
    let (mut maintainer, keys) = audit::open_or_create(&args.store.store, &key_path, spec, RealFs::shared())?;
    let parse = args.input.options(Some(&keys))?;
    let (graph, _) = args.graph.settle(&maintainer);
    let preparer = args.graph.apply(&maintainer, Preparer::new(spec, keys, kernels))?;
    let options = IndexOptions {
        strict: args.strict,
        segment_requests: args.segment_requests,
        graph: Some(graph),
        parse: parse.clone(),
        ..IndexOptions::default()
    };
    let text_bytes = if args.no_skeletons { 0 } else { args.text_memory << 20 };
    let mut texts = TextCache::new(text_bytes);
    let terminal = Terminal::new();
    let summary = audit::index(&mut maintainer, &preparer, kernels, &args.logs, &options, &mut texts, &terminal)?;
    if !args.no_families && !summary.interrupted {
        audit::mine_families(&mut maintainer, &preparer, Some(&texts), &terminal)?;
    }
    terminal.finish();
    for bad in &summary.skipped.samples {
        eprintln!("promptprint: skipped {bad}");
    }
    let told = promptprint::num::u64_of(summary.skipped.samples.len());
    if summary.skipped.count > told {
        eprintln!("promptprint: skipped {} more lines", summary.skipped.count - told);
    }
    let code = if summary.interrupted { ExitCode::from(EXIT_INTERRUPTED) } else { ExitCode::SUCCESS };
    Ok(Indexed { summary, code, parse })
}

/// Reads more logs into a store, which it makes where there is none, and mines families anew when they added anything.
pub fn read_more(logs: &[PathBuf], store: &StoreArgs, key: &KeyArgs) -> Result<()> {
    let kernels = common::kernels()?;
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) = audit::open_or_create(&store.store, &key.path(&store.store), spec, RealFs::shared())?;
    let preparer = Preparer::new(spec, keys, kernels);
    let terminal = Terminal::new();
    let options = IndexOptions::default();
    let mut texts = TextCache::new(128 << 20);
    let read = audit::index(&mut maintainer, &preparer, kernels, logs, &options, &mut texts, &terminal)?;
    if !read.interrupted && !maintainer.store().manifest().families_are_current() {
        audit::mine_families(&mut maintainer, &preparer, Some(&texts), &terminal)?;
    }
    terminal.finish();
    for bad in &read.skipped.samples {
        eprintln!("promptprint: skipped {bad}");
    }
    if read.interrupted { Err(Error::Interrupted) } else { Ok(()) }
}

/// Reads the logs of a store again and renders its skeletons from their texts.
pub fn render_from(logs: &[PathBuf], input: &InputArgs, store: &StoreArgs, key: &KeyArgs) -> Result<()> {
    let kernels = common::kernels()?;
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) = audit::open_or_create(&store.store, &key.path(&store.store), spec, RealFs::shared())?;
    let options = IndexOptions { parse: input.options(Some(&keys))?, ..IndexOptions::default() };
    let preparer = GraphArgs::default().apply(&maintainer, Preparer::new(spec, keys, kernels))?;
    let mut texts = TextCache::new(128 << 20);
    let terminal = Terminal::new();
    audit::index(&mut maintainer, &preparer, kernels, logs, &options, &mut texts, &terminal)?;
    audit::mine_families(&mut maintainer, &preparer, Some(&texts), &terminal)?;
    terminal.finish();
    Ok(())
}

/// What was read, in words.
fn summary_lines(summary: &Summary) -> Vec<String> {
    let inputs = &summary.inputs;
    let mut lines = vec![format!(
        "read {} lines: {} requests new, {} repeated, {} lines skipped",
        inputs.lines, inputs.requests, inputs.repeated, inputs.skipped
    )];
    if inputs.media_skipped > 0 {
        lines.push(format!("{} images and files were passed over", inputs.media_skipped));
    }
    if inputs.unattributed > 0 {
        lines.push(format!("{} requests name no account, key or user: counted, never accused", inputs.unattributed));
    }
    if summary.parts_known > 0 {
        lines.push(format!("{} earlier turns of conversations were known and left out", summary.parts_known));
    }
    if summary.interrupted {
        lines.push("interrupted; what is counted here is kept".to_owned());
    }
    lines
}

//! `stats`: how much a store holds, without its key.

use std::process::ExitCode;

use promptprint::Result;
use promptprint::corpus::snapshot::Snapshot;
use promptprint::store::Store;
use promptprint::store::fs::RealFs;
use serde::Serialize;

use super::common::StoreArgs;
use super::output::Out;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default, Serialize)]
struct Stats {
    segments: usize,
    requests: usize,
    hidden: usize,
    parts: usize,
    texts: usize,
    leaders: usize,
    leader_share: f64,
    bytes_on_disk: u64,
    bytes_per_request: f64,
    lines: u64,
    repeated: u64,
    skipped: u64,
    media_skipped: u64,
    unattributed: u64,
    families_current: bool,
    graph: &'static str,
    codes: String,
    key_epoch: u32,
    spec: String,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let store = Store::open(&args.store.store, RealFs::shared())?;
    let snapshot = Snapshot::open(&store)?;
    let manifest = store.manifest();
    let mut stats = Stats {
        segments: snapshot.segments().len(),
        bytes_on_disk: store.bytes_on_disk()?,
        lines: manifest.inputs.lines,
        repeated: manifest.inputs.repeated,
        skipped: manifest.inputs.skipped,
        media_skipped: manifest.inputs.media_skipped,
        unattributed: manifest.inputs.unattributed,
        families_current: manifest.families_are_current(),
        graph: manifest.graph.name(),
        codes: manifest.codes.clone(),
        key_epoch: manifest.key_epoch,
        spec: manifest.spec.clone(),
        ..Stats::default()
    };
    for segment in snapshot.segments() {
        let view = segment.view()?;
        stats.requests += view.row_count();
        stats.hidden += segment.hidden_count();
        stats.parts += view.part_count();
        stats.texts += view.form_count();
        stats.leaders += view.leader_count();
    }
    stats.leader_share = promptprint::num::f64_of(stats.leaders) / promptprint::num::f64_of(stats.texts.max(1));
    stats.bytes_per_request =
        promptprint::num::f64_of_u64(stats.bytes_on_disk) / promptprint::num::f64_of(stats.requests.max(1));
    let mut out = Out::new();
    if args.json {
        out.json(&stats)?;
    } else {
        out.line(format_args!("requests       {} ({} hidden), {} parts", stats.requests, stats.hidden, stats.parts))?;
        out.line(format_args!("distinct texts {} ({:.1} % lead)", stats.texts, stats.leader_share * 100.0))?;
        out.line(format_args!(
            "on disk        {} bytes in {} segments, {:.0} a request",
            stats.bytes_on_disk, stats.segments, stats.bytes_per_request
        ))?;
        out.line(format_args!(
            "lines read     {}, of which {} repeated and {} skipped",
            stats.lines, stats.repeated, stats.skipped
        ))?;
        out.line(format_args!("unattributed   {} requests", stats.unattributed))?;
        let families =
            if stats.families_current { "mined from what is here now" } else { "not mined from what is here now" };
        out.line(format_args!("families       {families}"))?;
        let codes = if stats.codes.is_empty() { "no codes yet" } else { &stats.codes };
        out.line(format_args!("graphs         {}, codes: {codes}", stats.graph))?;
        out.line(format_args!("key epoch      {}", stats.key_epoch))?;
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

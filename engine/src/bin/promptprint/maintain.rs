//! `maintain`: brings what gateways logged into the store, once or for ever.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use promptprint::audit::{self, MaintainOptions, Maintained, Progress};
use promptprint::corpus::prepare::Preparer;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;
use promptprint::{Error, Result};

use super::common::{self, GraphArgs, KeyArgs, StoreArgs};
use super::output::Out;
use super::progress::Terminal;

/// Gateways append to logs of their own and never wait for this command; it seals what they logged, mines families, merges
/// small segments and lets old ones go. Run one beside the gateways of a store; a second one is refused. It may be killed at
/// any moment. Store and key are made where there are none, so start it before the gateways.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Seconds between passes; without it one pass is made
    #[arg(long, value_name = "SECONDS")]
    every: Option<u64>,
    /// Seconds between minings of families, which read the whole store
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    mine_every: u64,
    /// Let requests go that are older: whole segments at once, single rows when their segment is rewritten, which is at the
    /// latest when half of it is too old
    #[arg(long, value_name = "DAYS", alias = "retain")]
    keep_days: Option<u32>,
    #[command(flatten)]
    graph: GraphArgs,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let kernels = common::kernels()?;
    let spec = Spec::new(Shingle::C5);
    let key_path = args.key.path(&args.store.store);
    let (mut maintainer, keys) = audit::open_or_create(&args.store.store, &key_path, spec, RealFs::shared())?;
    let (graph, _) = args.graph.settle(&maintainer);
    let preparer = args.graph.apply(&maintainer, Preparer::new(spec, keys, kernels))?;
    let terminal = Terminal::new();
    let mut out = Out::new();
    let mut mined: Option<Instant> = None;
    loop {
        let due = mined.is_none_or(|last| last.elapsed() >= Duration::from_secs(args.mine_every));
        let options = MaintainOptions {
            retain_ms: args.keep_days.map(audit::days_ms),
            now_ms: now_ms(),
            mine: due,
            graph: Some(graph),
            ..MaintainOptions::default()
        };
        let done = match audit::maintain(&mut maintainer, &preparer, kernels, &options, &terminal) {
            Err(Error::Interrupted) => break,
            done => done?,
        };
        if due {
            mined = Some(Instant::now());
        }
        for trouble in &done.trouble {
            eprintln!("promptprint: {trouble}");
        }
        if args.every.is_none() || done != (Maintained { trouble: done.trouble.clone(), ..Maintained::default() }) {
            out.line(format_args!(
                "{} requests sealed, {} repeated, {} logs removed, {} segments merged, {} requests expired{}",
                done.requests,
                done.repeated,
                done.logs_removed,
                done.segments_merged,
                done.requests_expired,
                if done.mined { ", families mined" } else { "" }
            ))?;
        }
        let Some(every) = args.every else { break };
        let next = Instant::now() + Duration::from_secs(every);
        while Instant::now() < next && !terminal.should_stop() {
            std::thread::sleep(Duration::from_millis(50));
        }
        if terminal.should_stop() {
            break;
        }
    }
    terminal.finish();
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

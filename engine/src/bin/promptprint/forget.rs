//! `forget`: hides an account's requests at once.

use std::process::ExitCode;

use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::snapshot::check_keys;
use promptprint::key::Keys;
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;
use promptprint::{Error, Result, audit};

use super::common::{self, KeyArgs, StoreArgs};
use super::output::Out;

/// From the moment the command returns no answer and no report holds the account. Its bytes leave the disk at the next
/// compaction, which --compact runs now.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The account, as the log names it
    account: String,
    /// Rewrite the store without the hidden requests now
    #[arg(long)]
    compact: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let opened = common::open(&args.store, &args.key)?;
    let key_path = args.key.path(&args.store.store);
    let keys = Keys::load(&key_path)?;
    let kernels = common::kernels()?;
    let first = || opened.store.manifest().clone();
    let mut maintainer = Maintainer::open(&args.store.store, RealFs::shared(), first)?;
    check_keys(maintainer.store().manifest(), &keys, &key_path)?;
    let spec = audit::spec_of(maintainer.store().manifest(), &args.store.store)?;
    let hidden = audit::forget(&mut maintainer, &keys, spec, &args.account)?;
    if hidden == 0 {
        return Err(Error::InvalidArgument {
            argument: "ACCOUNT",
            reason: format!("no request of {} is in this store", args.account),
        });
    }
    if args.compact {
        audit::compact(&mut maintainer, &keys, spec, kernels)?;
    }
    let preparer = Preparer::new(spec, keys, kernels);
    audit::mine_families(&mut maintainer, &preparer, None, &audit::Silent)?;
    let mut out = Out::new();
    let fate = if args.compact { "gone from the disk" } else { "hidden; compaction removes them" };
    out.line(format_args!("{hidden} requests {fate}"))?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

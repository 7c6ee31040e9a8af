//! `why`.
use std::process::ExitCode;
use promptprint::Result;
use super::common::StoreArgs;
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}
pub fn run(args: &Args) -> Result<ExitCode> {
    eprintln!("{}", args.store.store.display());
    Ok(ExitCode::FAILURE)
}

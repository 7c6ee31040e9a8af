//! `audit`.
use super::common::StoreArgs;
use promptprint::Result;
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}
pub fn run(args: &Args) -> Result<ExitCode> {
    eprintln!("{}", args.store.store.display());
    Ok(ExitCode::FAILURE)
}

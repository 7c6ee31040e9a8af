//! The command line: reads logs into a store, and answers from it.

mod audit;
mod bank;
mod bench;
mod campaigns;
mod common;
mod families;
mod forget;
mod formats;
mod index;
mod input;
mod maintain;
mod near;
mod output;
mod progress;
mod replay;
mod stats;
mod verify;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fingerprints prompts, finds near-duplicates and reused templates, and tells a coordinated campaign from a popular prompt.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Exit codes: 0 done; 1 failed, the reason is on standard error; 2 the call is wrong; \
3 verify found damage; 130 interrupted, what was acknowledged is kept.\n\
PROMPTPRINT_LEVEL=scalar|avx2|avx512|neon forces an instruction set; it is an error where the CPU lacks it."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read request logs into a store, and mine the families of prompts
    Index(index::Args),
    /// Index, then families, campaigns and a report over the whole store
    Audit(audit::Args),
    /// List the log formats that are understood, or show what would be taken from a log
    Formats(formats::Args),
    /// Find the requests that nearly repeat given ones
    Near(near::Args),
    /// List the families: prompts made from the same template
    Families(families::Args),
    /// List the campaigns, with verdict and evidence
    Campaigns(campaigns::Args),
    /// Tell when each campaign would have been convicted, and what it had taken by then
    Replay(replay::Args),
    /// Build, import, export and list banks of known prompts
    Bank(bank::Args),
    /// Explain what is known of one account
    Why(why::Args),
    /// Count what a store holds; needs no key
    Stats(stats::Args),
    /// Read every byte of a store against its checksums; needs no key
    Verify(verify::Args),
    /// Seal what gateways logged, mine families, merge and let go of old segments
    Maintain(maintain::Args),
    /// Time the sketching kernels on this machine; what to send in for a CPU that is in no table
    Bench(bench::Args),
    /// Hide all requests of an account at once; compaction removes them
    Forget(forget::Args),
}

fn main() -> ExitCode {
    promptprint::simd::return_large_blocks();
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Index(args) => index::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Formats(args) => formats::run(&args),
        Command::Near(args) => near::run(&args),
        Command::Families(args) => families::run(&args),
        Command::Campaigns(args) => campaigns::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Bank(args) => bank::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Maintain(args) => maintain::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Forget(args) => forget::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => common::fail(&error),
    }
}

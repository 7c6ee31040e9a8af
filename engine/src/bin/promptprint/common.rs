//! What the subcommands share: where the store and its key are, which CPU level to use, how a failure is told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use promptprint::audit;
use promptprint::campaign::{Bank, DecoyReport};
use promptprint::corpus::snapshot::{Snapshot, check_keys};
use promptprint::key::Keys;
use promptprint::simd::{Kernels, Level};
use promptprint::store::Store;
use promptprint::store::fs::RealFs;
use promptprint::{Error, Result};

/// Damage was found.
pub const EXIT_DAMAGED: u8 = 3;
/// Ctrl-C, as shells count it.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Which store.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// The store's folder
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
}

/// Which key.
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// The key file [default: DIR.key beside the store]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl KeyArgs {
    /// The key file of the store in `dir`.
    pub fn path(&self, dir: &Path) -> PathBuf {
        self.key.clone().unwrap_or_else(|| Keys::default_path(dir))
    }
}

/// Which banks beside those of the store.
#[derive(Debug, clap::Args)]
pub struct BankArgs {
    /// A bank file to judge by, beside the banks of the store; repeatable
    #[arg(long, value_name = "FILE")]
    bank: Vec<PathBuf>,
}

impl BankArgs {
    /// The banks of the store, then those of the files.
    pub fn open(&self, store: &Store) -> Result<Vec<Bank>> {
        let mut banks = audit::banks(store)?;
        for path in &self.bank {
            banks.push(audit::read_bank(path, store)?);
        }
        Ok(banks)
    }
}

/// A store opened for reading, with its key.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Its segments.
    pub snapshot: Snapshot,
    /// Its keys.
    pub keys: Keys,
}

/// Opens a store and its key for reading.
pub fn open(store: &StoreArgs, key: &KeyArgs) -> Result<Opened> {
    let opened = Store::open(&store.store, RealFs::shared())?;
    let path = key.path(&store.store);
    let keys = Keys::load(&path)?;
    check_keys(opened.manifest(), &keys, &path)?;
    let snapshot = Snapshot::open(&opened)?;
    Ok(Opened { store: opened, snapshot, keys })
}

/// The kernels of the CPU, or of the level that PROMPTPRINT_LEVEL names.
pub fn kernels() -> Result<Kernels> {
    let forced = match std::env::var("PROMPTPRINT_LEVEL") {
        Ok(value) => Level::from_env_value(&value)?,
        Err(_) => None,
    };
    match forced {
        Some(level) => Kernels::for_level(level),
        None => Ok(Kernels::detect()),
    }
}

/// How often shuffled logs were convicted, in a sentence.
pub fn decoys_line(decoys: &DecoyReport) -> String {
    format!(
        "decoys: {} of {} groups of {} shuffled logs were convicted, {} accounts accused; with 95 % confidence below {:.2} %",
        decoys.convicted,
        decoys.judged,
        decoys.logs,
        decoys.accused,
        100.0 * decoys.rate_bound
    )
}

/// Tells the user why, and ends with the code for it.
pub fn fail(error: &Error) -> ExitCode {
    eprintln!("promptprint: {error}");
    match error {
        Error::Interrupted => ExitCode::from(EXIT_INTERRUPTED),
        Error::InvalidArgument { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

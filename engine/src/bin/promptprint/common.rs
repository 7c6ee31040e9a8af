//! What the subcommands share: where the store and its key are, which CPU level to use, how a failure is told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use promptprint::audit;
use promptprint::campaign::{Bank, DecoyReport};
use promptprint::corpus::prepare::{CodeSource, Preparer};
use promptprint::corpus::snapshot::{Snapshot, check_keys};
use promptprint::key::Keys;
use promptprint::simd::{Kernels, Level};
#[cfg(feature = "model")]
use promptprint::sketch::embedding::model::StaticModel;
use promptprint::store::fs::RealFs;
use promptprint::store::manifest::GraphChoice;
use promptprint::store::{Maintainer, Store};
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

/// Which graphs new segments get, and what their codes are made by.
#[derive(Debug, Default, clap::Args)]
pub struct GraphArgs {
    /// Which graphs new segments get, which give `near --by signature|code` its speed: `leaders`, of both sketches of every
    /// leader; `families`, of the codes of one text a family and of the leaders in no family, the cheap choice for very
    /// large logs; `none`, and no codes [default: as the store has it, a new one leaders]
    #[arg(long, value_name = "WHICH", value_parser = ["leaders", "families", "none"])]
    graph: Option<String>,
    /// What embedding codes are made by: `built-in`, or `caller` for a store whose codes an embedding program gives through
    /// the Rust API; a store keeps to one [default: as the store has it, a new one built-in]
    #[arg(long, value_name = "WHAT", value_parser = ["built-in", "caller"])]
    codes: Option<String>,
    #[cfg(feature = "model")]
    #[command(flatten)]
    pub model: ModelArgs,
}

/// The model that codes are made by.
#[cfg(feature = "model")]
#[derive(Debug, Default, clap::Args)]
pub struct ModelArgs {
    /// Make embedding codes by the static model in this folder: tokenizer.json and model.safetensors in Model2Vec format
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
}

#[cfg(feature = "model")]
impl ModelArgs {
    /// The same preparer, with the model where one was named.
    pub fn apply(&self, preparer: Preparer) -> Result<Preparer> {
        let Some(folder) = &self.model else { return Ok(preparer) };
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Io { op: "read", path, source })
        };
        Ok(preparer.with_model(StaticModel::from_bytes(&read("tokenizer.json")?, &read("model.safetensors")?)?))
    }
}

impl GraphArgs {
    /// The same preparer, making the codes that the call asks for, else those that the store has.
    pub fn apply(&self, maintainer: &Maintainer, preparer: Preparer) -> Result<Preparer> {
        let (_, codes) = self.settle(maintainer);
        let preparer = preparer.with_codes(codes);
        #[cfg(feature = "model")]
        let preparer = self.model.apply(preparer)?;
        Ok(preparer)
    }

    /// What the call asks for, else what the store has.
    pub fn settle(&self, maintainer: &Maintainer) -> (GraphChoice, CodeSource) {
        let asked = self.graph.as_ref().and_then(|name| name.parse().ok());
        let graph = asked.unwrap_or(maintainer.store().manifest().graph);
        let by_caller = match &self.codes {
            Some(codes) => codes == "caller",
            None => CodeSource::Caller.origin() == Some(&maintainer.store().manifest().codes),
        };
        let codes = match graph {
            GraphChoice::None => CodeSource::None,
            _ if by_caller => CodeSource::Caller,
            _ => CodeSource::BuiltIn,
        };
        (graph, codes)
    }
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

/// What judges: a store, its key, and the banks.
#[derive(Debug, clap::Args)]
pub struct JudgeArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    banks: BankArgs,
}

impl JudgeArgs {
    /// The store and its key opened for reading, and the banks.
    pub fn open(&self) -> Result<(Opened, Vec<Bank>)> {
        let opened = open(&self.store, &self.key)?;
        let banks = self.banks.open(&opened.store)?;
        Ok((opened, banks))
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

/// The level that PROMPTPRINT_LEVEL names, if any.
pub fn level() -> Result<Option<Level>> {
    std::env::var("PROMPTPRINT_LEVEL").map_or(Ok(None), |value| Level::from_env_value(&value))
}

/// The kernels of the CPU, or of the level that PROMPTPRINT_LEVEL names.
pub fn kernels() -> Result<Kernels> {
    match level()? {
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

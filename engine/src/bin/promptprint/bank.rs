//! `bank`: sets of known prompts, as files without prompt text.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::audit::{self, BankLabel};
use promptprint::campaign::{Bank, Polarity};
use promptprint::corpus::families::FamilyTables;
use promptprint::corpus::population::Population;
use promptprint::corpus::snapshot::check_keys;
use promptprint::key::Keys;
use promptprint::store::fs::RealFs;
use promptprint::store::{Maintainer, Store};
use promptprint::{Error, Result};
use serde::Serialize;

use super::common::{self, KeyArgs, StoreArgs};
use super::output::Out;

/// A negative bank holds public prompts (collections, eval harnesses, agents): a family that is one of them is acquitted. A
/// positive bank holds known elicitations: a family that is one of them is marked for an analyst, and never convicted for
/// it. A bank file holds keyed fingerprints, names and a licence, no prompt text; it fits stores of one key. For a store
/// under another key, build it again from its texts.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Build a bank file from texts, or from families of the store
    Build(Build),
    /// Put a bank file into the store, in the place of one of the same name; every later judgement uses it
    Import(Import),
    /// Write a bank of the store as a file
    Export(Export),
    /// List the banks of the store; needs no key
    List(List),
    /// Take a bank out of the store
    Remove(Remove),
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Public prompts: being one of them acquits
    Negative,
    /// Known elicitations: being one of them calls for attention
    Positive,
}

#[derive(Debug, clap::Args)]
struct Build {
    /// Texts: logs in any form that index reads, each distinct prompt an entry; a file ending in .txt or .md is one prompt
    #[arg(value_name = "SOURCE", required_unless_present = "family")]
    sources: Vec<PathBuf>,
    /// A family of the store, by its id; repeatable
    #[arg(long, value_name = "ID", conflicts_with = "sources")]
    family: Vec<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// What the bank is called
    #[arg(long)]
    name: String,
    /// The licence of its sources
    #[arg(long, value_name = "LICENCE")]
    licence: String,
    /// What being in it says
    #[arg(long, value_enum, default_value = "negative")]
    kind: Kind,
    /// The bank file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The bank file
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Debug, clap::Args)]
struct Export {
    /// The bank's name
    name: String,
    #[command(flatten)]
    store: StoreArgs,
    /// The bank file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// One line of JSON a bank
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// The bank's name
    name: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    bank: &'a str,
    kind: &'static str,
    licence: &'a str,
    entries: usize,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.verb {
        Verb::Build(args) => build(args),
        Verb::Import(args) => import(args),
        Verb::Export(args) => export(args),
        Verb::List(args) => list(args),
        Verb::Remove(args) => remove(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn build(args: &Build) -> Result<()> {
    let opened = common::open(&args.store, &args.key)?;
    let polarity = match args.kind {
        Kind::Negative => Polarity::Negative,
        Kind::Positive => Polarity::Positive,
    };
    let label = BankLabel { name: args.name.clone(), licence: args.licence.clone(), polarity };
    let bank = if args.family.is_empty() {
        let kernels = common::kernels()?;
        let preparer = audit::preparer_of(opened.store.manifest(), opened.store.dir(), opened.keys, kernels)?;
        let (bank, skipped) = audit::bank_of_texts(&preparer, label, &args.sources)?;
        for bad in &skipped.samples {
            eprintln!("promptprint: skipped {bad}");
        }
        bank
    } else {
        let spec = audit::spec_of(opened.store.manifest(), opened.store.dir())?;
        let container = audit::family_container(&opened.store)?;
        let population = Population::new(&opened.snapshot)?;
        let tables = FamilyTables::new(&container)?;
        audit::bank_of_families(&population, &tables, label, (spec, &opened.keys), &args.family)?
    };
    write(&bank, &args.out)?;
    say(format_args!("{}: {} entries in {}", bank.name, bank.entries.len(), args.out.display()))
}

fn import(args: &Import) -> Result<()> {
    let (mut maintainer, keys) = change(&args.store, &args.key)?;
    let spec = audit::spec_of(maintainer.store().manifest(), &args.store.store)?;
    let bank = audit::read_bank(&args.file, maintainer.store())?;
    let replaced = audit::import_bank(&mut maintainer, &keys, spec, &bank, &args.file)?;
    let how = if replaced { "replaced" } else { "imported" };
    say(format_args!("{}: {how}, {} {} entries", bank.name, bank.entries.len(), bank.polarity.name()))
}

fn export(args: &Export) -> Result<()> {
    let store = Store::open(&args.store.store, RealFs::shared())?;
    let banks = audit::banks(&store)?;
    let bank = banks.iter().find(|bank| bank.name == args.name).ok_or_else(|| missing(&args.name))?;
    write(bank, &args.out)?;
    say(format_args!("{}: {} entries in {}", bank.name, bank.entries.len(), args.out.display()))
}

fn list(args: &List) -> Result<()> {
    let store = Store::open(&args.store.store, RealFs::shared())?;
    let mut out = Out::new();
    for bank in audit::banks(&store)? {
        let row =
            Row { bank: &bank.name, kind: bank.polarity.name(), licence: &bank.licence, entries: bank.entries.len() };
        if args.json {
            out.json(&row)?;
        } else {
            out.line(format_args!("{}  {}, {} entries, licence: {}", row.bank, row.kind, row.entries, row.licence))?;
        }
    }
    out.finish()
}

fn remove(args: &Remove) -> Result<()> {
    let (mut maintainer, _) = change(&args.store, &args.key)?;
    if !audit::remove_bank(&mut maintainer, &args.name)? {
        return Err(missing(&args.name));
    }
    say(format_args!("{}: removed", args.name))
}

/// Opens a store that exists, for change.
fn change(store: &StoreArgs, key: &KeyArgs) -> Result<(Maintainer, Keys)> {
    let opened = common::open(store, key)?;
    let first = || opened.store.manifest().clone();
    let maintainer = Maintainer::open(&store.store, RealFs::shared(), first)?;
    check_keys(maintainer.store().manifest(), &opened.keys, &key.path(&store.store))?;
    Ok((maintainer, opened.keys))
}

fn write(bank: &Bank, path: &PathBuf) -> Result<()> {
    let failed = |source| Error::Io { op: "write the bank", path: path.clone(), source };
    std::fs::write(path, bank.encode()?).map_err(failed)
}

fn missing(name: &str) -> Error {
    Error::InvalidArgument { argument: "NAME", reason: format!("no bank of this store is called {name}") }
}

fn say(text: impl std::fmt::Display) -> Result<()> {
    let mut out = Out::new();
    out.line(text)?;
    out.finish()
}

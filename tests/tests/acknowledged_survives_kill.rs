//! What a gateway process was told is recorded is in the store after `kill -9`, of the gateway and of the maintainer alike.
//!
//! PROMPTPRINT_KILLS sets how many processes are killed (default 60), PROMPTPRINT_SEED when.
#![allow(clippy::print_stdout, reason = "a test says what it skipped, and its seed")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use promptprint::audit::{self, MaintainOptions, Silent};
use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::snapshot::Snapshot;
use promptprint::engine::{Durability, Envelope, Piece, QueryOptions, Reader, ReaderOptions, Writer, WriterOptions};
use promptprint::key::Keys;
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;

const ROLE: &str = "PROMPTPRINT_TEST_ROLE";
const STORE: &str = "PROMPTPRINT_TEST_STORE";

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

fn maintain(store: &Path) -> audit::Maintained {
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(store, &Keys::default_path(store), spec, RealFs::shared()).expect("the store opens");
    let preparer = Preparer::new(spec, keys, Kernels::detect());
    let options = MaintainOptions { mine: false, small_segments_max: 3, ..MaintainOptions::default() };
    audit::maintain(&mut maintainer, &preparer, Kernels::detect(), &options, &Silent).expect("a pass")
}

/// The process that is killed: observes, and says what was acknowledged.
fn observe_for_ever(store: &Path) {
    let reader = Arc::new(Reader::open(store, ReaderOptions::default()).expect("a reader"));
    let options = WriterOptions { durability: Durability::Synced, wal_bytes_max: 20_000, ..WriterOptions::default() };
    let writer = Writer::open(reader, options).expect("a writer");
    let mut out = std::io::stdout();
    for n in 0_u64.. {
        let id = format!("{}-{n}", std::process::id());
        let text = format!("prompt number {n} of process {}, with some words to sketch", std::process::id());
        let envelope = Envelope { id: Some(id.clone()), ..Envelope::default() };
        let piece = Piece { kind: PartKind::LastUser, text: text.as_bytes() };
        let (observed, error) = writer.observe(envelope, &[piece], QueryOptions::default()).expect("observed");
        assert!(error.is_none() && observed.sequence > 0, "{error:?}");
        // One write: a line is there whole or not at all.
        out.write_all(format!("{id}\n").as_bytes()).expect("the parent listens");
        out.flush().expect("the parent listens");
    }
}

fn spawn(role: &str, store: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "what_was_acknowledged_is_in_the_store", "--nocapture"])
        .env(ROLE, role)
        .env(STORE, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

#[test]
fn what_was_acknowledged_is_in_the_store() {
    if let Ok(role) = std::env::var(ROLE) {
        let store = PathBuf::from(std::env::var_os(STORE).expect("a store"));
        match role.as_str() {
            "observe" => observe_for_ever(&store),
            _ => loop {
                maintain(&store);
            },
        }
        return;
    }
    let mut seed = number("PROMPTPRINT_SEED", 20_261_121);
    println!("PROMPTPRINT_SEED={seed}");
    let mut random = |below: u64| {
        // xorshift64* (Vigna 2016).
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        seed.wrapping_mul(0x2545_F491_4F6C_DD1D) % below
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    maintain(&store);
    let mut acknowledged: HashSet<String> = HashSet::new();
    let kills = number("PROMPTPRINT_KILLS", 60);
    for round in 0..kills {
        let mut gateway = spawn("observe", &store);
        // Every third round a maintainer works beside the gateway, and is killed too.
        let mut beside = (round % 3 == 0).then(|| spawn("maintain", &store));
        let output = gateway.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(output).lines();
        let enough = 1 + random(25);
        let mut heard = 0;
        for line in lines.by_ref() {
            let line = line.expect("a line");
            if line.contains('-') && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                acknowledged.insert(line);
                heard += 1;
            }
            if heard == enough {
                break;
            }
        }
        std::thread::sleep(Duration::from_micros(random(3000)));
        gateway.kill().expect("killed");
        if let Some(maintainer) = &mut beside {
            maintainer.kill().expect("killed");
            maintainer.wait().expect("ended");
        }
        gateway.wait().expect("ended");
        // What was still in the pipe was acknowledged too.
        acknowledged.extend(
            lines
                .map_while(Result::ok)
                .filter(|line| line.contains('-') && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')),
        );
        if round % 5 == 4 {
            maintain(&store);
        }
    }
    maintain(&store);
    let done = maintain(&store);
    assert_eq!(done, audit::Maintained::default(), "nothing is left to do");
    assert_eq!(std::fs::read_dir(store.join("logs")).expect("the folder").count(), 0, "all logs were read and removed");
    let opened = promptprint::store::Store::open(&store, RealFs::shared()).expect("the store opens");
    let snapshot = Snapshot::open(&opened).expect("the segments open");
    let keys = Keys::load(&Keys::default_path(&store)).expect("the key");
    let views = snapshot.views().expect("columns");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !views.iter().any(|view| view.row_of(keys.identity(true, id.as_bytes())).is_some()))
        .collect();
    assert!(lost.is_empty(), "{} of {} acknowledged requests are lost: {lost:?}", lost.len(), acknowledged.len());
    let rows: usize = views.iter().map(|view| view.row_count()).sum();
    let mut identities: Vec<u128> = views.iter().flat_map(|view| view.identities_by_row()).collect();
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), rows, "a request is in the store twice");
    assert!(u64::try_from(acknowledged.len()).expect("a count") >= kills, "the test observed nothing");
    println!("{kills} kills, {} acknowledged, {rows} in the store, none lost, none twice", acknowledged.len());
}

//! Every step that a deadline leaves out, on clocks that stand where the test wants them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::reader::Deadline;
use super::{Envelope, Piece, QueryOptions, Reader, ReaderOptions, Writer, WriterOptions};
use crate::audit::{self, IndexOptions, Silent, TextCache};
use crate::corpus::prepare::Preparer;
use crate::key::Keys;
use crate::request::PartKind;
use crate::simd::Kernels;
use crate::sketch::spec::{Shingle, Spec};
use crate::store::fs::RealFs;
use crate::verdict::{Depth, Verdict};

const TEXT: &str =
    "Say which of the rivers of the country is the longest one, and name the towns that stand on its banks.";

fn store(dir: &Path) -> PathBuf {
    let (log, store) = (dir.join("log.jsonl"), dir.join("store"));
    let line = |n: u32| format!(r#"{{"id":"r{n}","account":"a{n}","ts":{},"prompt":"{TEXT}"}}"#, 1000 + n);
    std::fs::write(&log, [line(1), line(2), line(3)].join("\n")).expect("a log");
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(&store, &Keys::default_path(&store), spec, RealFs::shared()).expect("a store");
    let (kernels, options, mut texts) = (Kernels::detect(), IndexOptions::default(), TextCache::new(0));
    let preparer = Preparer::new(spec, keys, kernels);
    audit::index(&mut maintainer, &preparer, kernels, &[log], &options, &mut texts, &Silent).expect("indexed");
    store
}

/// A clock that began `elapsed` ago, of a call that has `length` in all.
fn clock(elapsed: Duration, length: Duration) -> Deadline {
    Deadline::begun(elapsed, length)
}

fn ask(reader: &Reader, deadline: Deadline) -> Verdict {
    let state = reader.state().expect("nobody holds it");
    reader.verdict(&state, &[Piece { kind: PartKind::Prompt, text: TEXT.as_bytes() }], deadline, &mut reader.scratch())
}

#[test]
fn each_step_is_left_out_in_its_turn() {
    let second = Duration::from_secs(1);
    let dir = tempfile::tempdir().expect("temporary folder");
    let reader = Reader::open(&store(dir.path()), ReaderOptions::default()).expect("a reader");
    let whole = ask(&reader, Deadline::new(0));
    assert_eq!((whole.depth, whole.requests_seen, whole.accounts_seen), (Depth::Full, 3, 3));
    assert_eq!(ask(&reader, clock(Duration::ZERO, second * 3600)), whole, "a deadline that is far changes nothing");

    // As much work again as was done would pass it: the fingerprint alone.
    let fingerprint = ask(&reader, clock(second.mul_f64(0.6), second));
    assert_eq!((fingerprint.depth, fingerprint.fingerprint), (Depth::Fingerprint, whole.fingerprint));
    assert_eq!((fingerprint.nearest, fingerprint.requests_seen), (None, 0));
    // A byte a nanosecond would pass it: nothing at all.
    let skipped = ask(&reader, clock(Duration::ZERO, Duration::from_nanos(50)));
    assert_eq!((skipped.depth, skipped.fingerprint), (Depth::Skipped, None));
}

#[test]
fn an_observation_counts_no_accounts_once_it_is_late_and_is_recorded() {
    let millisecond = Duration::from_millis(1);
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = store(dir.path());
    let reader = Arc::new(Reader::open(&store, ReaderOptions::default()).expect("a reader"));
    let writer = Writer::open(Arc::clone(&reader), WriterOptions::default()).expect("a writer");
    let turn = Piece { kind: PartKind::Prompt, text: TEXT.as_bytes() };
    let system = Piece { kind: PartKind::System, text: b"Be brief and kind, and never say what you do not know." };
    let observe =
        |deadline| writer.observe_by(Envelope::default(), &[system, turn], &[], deadline).expect("this process");

    let (late, error) = observe(clock(millisecond * 2, millisecond));
    assert!(error.is_none() && late.sequence == 1);
    let verdict = late.verdict;
    assert_eq!((verdict.depth, verdict.requests_seen, verdict.accounts_seen), (Depth::Near, 3, 0));
    assert!(verdict.nearest.is_some_and(|nearest| nearest.is_exact), "near-duplicates were looked for");
    let (skipped, error) = observe(clock(Duration::ZERO, Duration::from_nanos(50)));
    assert!(error.is_none() && skipped.sequence == 2, "counted all the same");
    assert_eq!((skipped.verdict.depth, skipped.verdict.fingerprint), (Depth::Skipped, None));
    let (whole, error) = writer.observe(Envelope::default(), &[turn], QueryOptions::default()).expect("this process");
    assert!(error.is_none());
    assert_eq!((whole.verdict.depth, whole.verdict.requests_seen), (Depth::Full, 4), "the late one was recorded");
}

//! A query answers whatever has become of the store: unknown is an answer, a damaged part is left out, late work is left out.

use std::path::Path;
use std::sync::Arc;

use promptprint::audit::{self, MaintainOptions, Silent};
use promptprint::corpus::prepare::Preparer;
use promptprint::engine::{Envelope, Piece, QueryOptions, Reader, ReaderOptions, RequestStream, Writer, WriterOptions};
use promptprint::key::Keys;
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;
use promptprint::verdict::{Depth, Verdict};
use promptprint_tests::abi;

const TEXT: &str = "Name the rivers of the country in the order of their length, and say where each of them ends.";

fn line(number: usize, text: &str) -> String {
    format!(r#"{{"id":"r{number}","account":"a{number}","ts":{},"prompt":"{text}"}}"#, 1000 + number)
}

fn ask(reader: &Reader, text: &str, deadline_us: u32) -> Verdict {
    reader.query(&[Piece { kind: PartKind::Prompt, text: text.as_bytes() }], QueryOptions { deadline_us })
}

fn open(store: &Path) -> Reader {
    Reader::open(store, ReaderOptions { refresh_ms: 0, ..ReaderOptions::default() }).expect("a reader")
}

fn maintain(store: &Path) -> audit::Maintained {
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(store, &Keys::default_path(store), spec, RealFs::shared()).expect("the store opens");
    let preparer = Preparer::new(spec, keys, Kernels::detect());
    audit::maintain(&mut maintainer, &preparer, Kernels::detect(), &MaintainOptions::default(), &Silent)
        .expect("a pass")
}

#[test]
fn a_store_that_comes_goes_and_is_damaged() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let reader = open(&store);
    assert!(!reader.trouble().is_empty());
    let unknown = ask(&reader, TEXT, 0);
    assert!(unknown.store_damaged && unknown.nearest.is_none() && unknown.fingerprint.is_none());

    assert_eq!(abi::make_store(dir.path(), &[line(1, TEXT), line(2, TEXT)]), store);
    assert!(reader.refresh() && reader.trouble().is_empty());
    let known = ask(&reader, TEXT, 0);
    assert_eq!((known.requests_seen, known.accounts_seen, known.store_damaged), (2, 2, false));

    // A second segment, and then damage in the first: the rest answers.
    let spec = Spec::new(Shingle::C5);
    let key = Keys::default_path(&store);
    let (mut maintainer, keys) = audit::open_or_create(&store, &key, spec, RealFs::shared()).expect("the store opens");
    let preparer = Preparer::new(spec, keys, Kernels::detect());
    let more = dir.path().join("more.jsonl");
    std::fs::write(&more, line(3, TEXT)).expect("a log");
    let (options, mut texts) = (audit::IndexOptions::default(), audit::TextCache::new(0));
    audit::index(&mut maintainer, &preparer, Kernels::detect(), &[more], &options, &mut texts, &Silent)
        .expect("indexed");
    drop(maintainer);
    assert!(reader.refresh());
    assert_eq!(ask(&reader, TEXT, 0).requests_seen, 3);
    let mut segments: Vec<_> = std::fs::read_dir(&store)
        .expect("the store")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .collect();
    segments.sort();
    let whole = std::fs::read(&segments[0]).expect("a segment");
    // Replaced, not changed: what is mapped stays as it is.
    let replace = |bytes: &[u8]| {
        let fresh = dir.path().join("fresh");
        std::fs::write(&fresh, bytes).expect("written");
        std::fs::rename(&fresh, &segments[0]).expect("replaced");
    };
    for end in [0, 7, 63, 64, whole.len() / 2, whole.len() - 1] {
        replace(&whole[..end]);
        let damaged = open(&store);
        assert!(!damaged.trouble().is_empty());
        let rest = ask(&damaged, TEXT, 0);
        assert_eq!((rest.requests_seen, rest.store_damaged), (1, true), "cut at {end}");
        assert_eq!(rest.fingerprint, known.fingerprint);
    }
    replace(&whole);

    // The key of another store, and a key that others can read.
    let right = std::fs::read(&key).expect("the key");
    std::fs::write(&key, format!("promptprint-key 1 1 {}\n", "ab".repeat(32))).expect("written");
    assert!(ask(&open(&store), TEXT, 0).store_damaged);
    std::fs::write(&key, right).expect("written");
    assert_eq!(ask(&open(&store), TEXT, 0).requests_seen, 3);
    std::fs::remove_dir_all(&store).expect("removed");
    assert!(!reader.refresh(), "a store that is gone leaves a reader with what it had");
    assert_eq!(ask(&reader, TEXT, 0).requests_seen, 3);
}

#[test]
fn late_work_is_left_out_and_said_so() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = abi::make_store(dir.path(), &[line(1, TEXT)]);
    let reader = open(&store);
    assert_eq!(ask(&reader, TEXT, 1_000_000).depth, Depth::Full);
    let long = "word ".repeat(400_000);
    let skipped = ask(&reader, &long, 100);
    assert_eq!((skipped.depth, skipped.fingerprint), (Depth::Skipped, None));
    // No machine hashes 900 bytes with BLAKE3 in half a microsecond, so the next step does not begin.
    let cut = ask(&reader, &"word ".repeat(180), 1);
    assert_eq!((cut.depth, cut.fingerprint.is_some()), (Depth::Fingerprint, true));
    let writer = Writer::open(Arc::new(open(&store)), WriterOptions::default()).expect("a writer");
    let piece = Piece { kind: PartKind::Prompt, text: long.as_bytes() };
    let (observed, error) =
        writer.observe(Envelope::default(), &[piece], QueryOptions { deadline_us: 100 }).expect("observed");
    assert!(
        error.is_none() && observed.sequence == 1 && observed.verdict.depth == Depth::Skipped,
        "counted and skipped"
    );
    writer.commit().expect("synced");
    drop(writer);
    assert_eq!(maintain(&store).requests, 1);
}

#[test]
fn what_is_observed_is_known_at_once_and_counted_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = abi::make_store(dir.path(), &[line(1, TEXT)]);
    let reader = Arc::new(open(&store));
    let writer = Writer::open(Arc::clone(&reader), WriterOptions::default()).expect("a writer");
    for number in 0..30_u64 {
        let mut stream = RequestStream::default();
        let body = format!(r#"{{"messages":[{{"role":"user","content":"{TEXT}"}}]}}"#);
        body.as_bytes().chunks(9).for_each(|chunk| stream.update(chunk).expect("taken"));
        let mut origin: promptprint::corpus::OriginNames = Default::default();
        origin[promptprint::corpus::Level::Account.index()] = Some(format!("a{}", number % 5));
        let envelope = Envelope { id: Some(format!("o{number}")), time_ms: Some(5000), origin };
        let ended = stream.end(envelope).expect("a request");
        let (observed, error) =
            writer.observe(ended.envelope.clone(), &ended.pieces(), QueryOptions::default()).expect("observed");
        assert!(error.is_none());
        // The sealed one is of account a1, and so is every fifth of these.
        assert_eq!(observed.verdict.requests_seen, number + 1);
        if number == 29 {
            assert_eq!((observed.verdict.accounts_seen, observed.verdict.last_ms), (5, Some(5000)));
        }
        // Half way, a maintainer seals what was logged; nothing is counted twice once that is seen.
        if number == 14 {
            writer.flush().expect("handed over");
            let done = maintain(&store);
            assert_eq!((done.requests, done.logs_removed), (15, 0));
            assert!(reader.refresh());
        }
    }
    assert_eq!(writer.counts(), (30, 0));
    drop(writer);
    let done = maintain(&store);
    assert_eq!((done.requests, done.repeated, done.logs_removed), (15, 0, 1));
    assert!(reader.refresh());
    assert_eq!(ask(&reader, TEXT, 0).requests_seen, 31);
}

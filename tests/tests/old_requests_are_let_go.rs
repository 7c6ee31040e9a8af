//! `maintain --keep-days` lets every request go that is too old: whole segments at once, single rows at the next rewrite.

use std::path::Path;

use promptprint::audit::{self, IndexOptions, MaintainOptions, Maintained, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::engine::{Piece, QueryOptions, Reader, ReaderOptions};
use promptprint::key::Keys;
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;

const OLD: &str = "Tell me which of the ferries across the strait was the first one to carry a railway wagon.";
const NEW: &str = "Explain how a lighthouse lens bends nearly all of its light into one flat and narrow beam.";

/// A log line: the old text and time, or the new ones.
fn line(number: usize, is_old: bool) -> String {
    let (text, ts) = if is_old { (OLD, 1_000 + number) } else { (NEW, 9_000_000 + number) };
    format!(r#"{{"id":"r{number}","account":"a{number}","ts":{ts},"prompt":"{text}"}}"#)
}

struct Job {
    maintainer: Maintainer,
    preparer: Preparer,
}

impl Job {
    fn open(store: &Path) -> Self {
        let spec = Spec::new(Shingle::C5);
        let (maintainer, keys) =
            audit::open_or_create(store, &Keys::default_path(store), spec, RealFs::shared()).expect("a store");
        Self { maintainer, preparer: Preparer::new(spec, keys, Kernels::detect()) }
    }

    /// One more segment.
    fn index(&mut self, dir: &Path, lines: &[String]) {
        let log = dir.join(format!("{}.jsonl", self.maintainer.store().manifest().sequence));
        std::fs::write(&log, lines.join("\n")).expect("a log");
        let (options, mut texts) = (IndexOptions::default(), TextCache::new(0));
        audit::index(&mut self.maintainer, &self.preparer, Kernels::detect(), &[log], &options, &mut texts, &Silent)
            .expect("indexed");
    }

    fn pass(&mut self, small_segments_max: usize) -> Maintained {
        let options = MaintainOptions {
            retain_ms: Some(1_000_000),
            now_ms: 9_500_000,
            small_segments_max,
            ..MaintainOptions::default()
        };
        audit::maintain(&mut self.maintainer, &self.preparer, Kernels::detect(), &options, &Silent).expect("a pass")
    }
}

fn seen(store: &Path, text: &str) -> u64 {
    let reader = Reader::open(store, ReaderOptions::default()).expect("a reader");
    assert!(reader.trouble().is_empty(), "{:?}", reader.trouble());
    let piece = Piece { kind: PartKind::Prompt, text: text.as_bytes() };
    reader.query(&[piece], QueryOptions::default()).requests_seen
}

#[test]
fn segments_go_as_a_whole_and_rows_when_they_are_rewritten() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let mut job = Job::open(&store);
    job.index(dir.path(), &(0..10).map(|n| line(n, true)).collect::<Vec<_>>());
    job.index(dir.path(), &(10..50).map(|n| line(n, n < 40)).collect::<Vec<_>>());
    job.index(dir.path(), &(50..90).map(|n| line(n, n < 60)).collect::<Vec<_>>());
    assert_eq!((seen(&store, OLD), seen(&store, NEW)), (50, 40));

    // The first segment is too old as a whole and the second for the greater part; the third waits for its rewriting.
    let done = job.pass(8);
    assert_eq!((done.segments_expired, done.requests_expired, done.segments_merged), (1, 40, 0));
    assert!(done.mined, "a gateway knows the families of what was rewritten");
    assert_eq!((seen(&store, OLD), seen(&store, NEW)), (10, 40));
    assert_eq!(job.pass(8).requests_expired, 0, "nothing is rewritten twice");

    let done = job.pass(1);
    assert_eq!((done.segments_expired, done.requests_expired, done.segments_merged), (0, 10, 2));
    assert_eq!((seen(&store, OLD), seen(&store, NEW)), (0, 40));
}

//! Whatever bytes a segment's graphs hold: header and table decide whether it opens, a search ends, nothing panics,
//! `verify` and whoever compacts find the damage and name the file.

use std::path::{Path, PathBuf};

use promptprint::audit::{self, IndexOptions, MaintainOptions, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::section;
use promptprint::corpus::view::SegmentView;
use promptprint::engine::{Piece, Reader, ReaderOptions};
use promptprint::key::Keys;
use promptprint::num::{u64_of, usize_of_u64};
use promptprint::query::neighbors::{By, NeighborOptions};
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;
use promptprint::store::map::Bytes;
use promptprint::store::segment::{Container, FileKind};
use promptprint_tests::cli::run;

use crate::support::{arg, word, write};

fn texts() -> Vec<String> {
    (0..9_000).map(|n: usize| (0..9).map(|at| word(n * 37 + at * at * 1009) + " ").collect()).collect()
}

fn store_of(dir: &Path) -> (PathBuf, PathBuf, Maintainer, Preparer) {
    let line = |(n, text): (usize, &String)| {
        format!(
            "{{\"id\":\"r{n}\",\"account\":\"a{}\",\"ts\":{},\"prompt\":\"{text}\"}}\n",
            n % 50,
            1_790_000_000_000 + u64_of(n)
        )
    };
    let log: String = texts().iter().enumerate().map(line).collect();
    let (store, path) = (dir.join("store"), write(dir, "log.jsonl", &log));
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(&store, &Keys::default_path(&store), spec, RealFs::shared()).expect("a store");
    let (preparer, kernels) = (Preparer::new(spec, keys, Kernels::detect()), Kernels::detect());
    let options = IndexOptions::default();
    audit::index(&mut maintainer, &preparer, kernels, &[path], &options, &mut TextCache::new(0), &Silent)
        .expect("indexed");
    let segment = store.join(&maintainer.store().manifest().segments[0].file);
    (store, segment, maintainer, preparer)
}

/// Where a section's bytes lie in the file.
fn range(container: &Container, id: u32) -> std::ops::Range<usize> {
    let start = container.offset(id).and_then(usize_of_u64).expect("the section is there");
    start..start + container.require(id).expect("the section is there").len()
}

fn replace(path: &Path, bytes: &[u8]) {
    // Another file under the same name: a mapped one is never changed in place.
    std::fs::remove_file(path).expect("removed");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn searches_over_damaged_graphs_end_and_the_damage_is_found() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (store, segment, mut maintainer, preparer) = store_of(dir.path());
    let whole = std::fs::read(&segment).expect("bytes");
    let sound = Container::open(Bytes::owned(whole.clone()), &segment, FileKind::Segment).expect("a sound segment");
    let sections = [section::SIGNATURE_GRAPH, section::CODE_GRAPH, section::FORM_CODES, section::FORM_SIGNATURES];
    for id in &sections[..2] {
        assert!(range(&sound, *id).len() > 9_000 * 250, "section {id} holds a graph");
    }
    assert!(SegmentView::new(&sound).and_then(|view| view.check_deep()).is_ok());

    let queries = texts();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..24_usize {
        let mut damaged = whole.clone();
        let range = range(&sound, sections[round % 4]);
        // Single bytes, whole pages, and everything behind the header of the graph.
        let run = [1, 4096, usize::MAX][round % 3];
        let from = range.start + 128 + usize_of_u64(random() % u64_of(range.len() - 128)).expect("small");
        let from = if run == usize::MAX { range.start + 128 } else { from };
        for byte in damaged[from..range.end].iter_mut().take(run) {
            *byte = if round % 2 == 0 { random().to_le_bytes()[3] | 1 } else { 0x7f };
        }
        if damaged == whole {
            continue;
        }
        replace(&segment, &damaged);
        let reader =
            Reader::open(&store, ReaderOptions { refresh_ms: 0, ..ReaderOptions::default() }).expect("a reader");
        assert!(reader.trouble().is_empty(), "bodies are not read when a segment opens");
        for (at, by) in [By::Signature, By::Code, By::All].into_iter().enumerate() {
            for text in queries.iter().skip(at).step_by(1_501) {
                let piece = Piece { kind: PartKind::Prompt, text: text.as_bytes() };
                let options = NeighborOptions { by, top: 20, ..NeighborOptions::default() };
                let seen = reader.neighbors(&piece, &options).expect("an answer, right or wrong");
                assert!(seen.hits.len() <= 20);
            }
        }
        let verified = ReaderOptions { verify: true, refresh_ms: 0, ..ReaderOptions::default() };
        let trouble = Reader::open(&store, verified).expect("a reader").trouble();
        assert!(trouble.iter().any(|told| told.contains(".segment")), "round {round}: {trouble:?}");
        let found = run_verify(&store);
        assert!(found.contains("DAMAGED") && found.contains(".segment"), "round {round}: {found}");
        let refused = audit::compact(&mut maintainer, preparer.keys(), preparer.spec(), Kernels::detect());
        let told = refused.expect_err("damaged bytes are not compacted into sound ones").to_string();
        assert!(told.contains(".segment"), "{told}");
    }

    // The headers of the graphs: opening the graph refuses, naming the file.
    for id in &sections[..2] {
        let start = range(&sound, *id).start;
        for at in [0, 8, 12, 24, 40, 56] {
            let mut damaged = whole.clone();
            damaged[start + at] ^= 0x21;
            replace(&segment, &damaged);
            let reader =
                Reader::open(&store, ReaderOptions { refresh_ms: 0, ..ReaderOptions::default() }).expect("a reader");
            let piece = Piece { kind: PartKind::Prompt, text: queries[0].as_bytes() };
            let by = if *id == section::CODE_GRAPH { By::Code } else { By::Signature };
            let refused = reader.neighbors(&piece, &NeighborOptions { by, ..NeighborOptions::default() });
            let told = refused.expect_err("a damaged header is refused").to_string();
            assert!(told.contains(".segment"), "section {id}, byte {at}: {told}");
        }
    }
    replace(&segment, &whole);
    assert!(run_verify(&store).contains(" 0 damaged"));
}

fn run_verify(store: &Path) -> String {
    String::from_utf8_lossy(&run(&["verify", "--store", arg(store)]).stdout).into_owned()
}

/// A damaged segment is left out of a merge, told of, and stays; the others are merged.
#[test]
fn a_damaged_segment_is_quarantined_by_the_maintainer() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (store, spec) = (dir.path().join("store"), Spec::new(Shingle::C5));
    let (mut maintainer, keys) =
        audit::open_or_create(&store, &Keys::default_path(&store), spec, RealFs::shared()).expect("a store");
    let (preparer, kernels) = (Preparer::new(spec, keys, Kernels::detect()), Kernels::detect());
    for n in 0..4 {
        let line =
            format!("{{\"id\":\"r{n}\",\"account\":\"a\",\"ts\":{n},\"prompt\":\"{} {}\"}}\n", word(n), word(n * 5));
        let path = write(dir.path(), &format!("{n}.jsonl"), &line);
        audit::index(
            &mut maintainer,
            &preparer,
            kernels,
            &[path],
            &IndexOptions::default(),
            &mut TextCache::new(0),
            &Silent,
        )
        .expect("indexed");
    }
    let file = maintainer.store().manifest().segments[1].file.clone();
    let mut bytes = std::fs::read(store.join(&file)).expect("bytes");
    let container = Container::open(Bytes::owned(bytes.clone()), &store.join(&file), FileKind::Segment).expect("sound");
    bytes[range(&container, section::FORM_SIGNATURES).start] ^= 1;
    replace(&store.join(&file), &bytes);
    let options = MaintainOptions { small_segments_max: 1, mine: false, ..MaintainOptions::default() };
    let done = audit::maintain(&mut maintainer, &preparer, kernels, &options, &Silent).expect("a pass");
    assert_eq!(done.segments_merged, 3);
    assert!(done.trouble.iter().any(|told| told.contains(&file)), "{:?}", done.trouble);
    let left: Vec<&str> = maintainer.store().manifest().segments.iter().map(|entry| entry.file.as_str()).collect();
    assert!(left.len() == 2 && left.contains(&file.as_str()), "{left:?}");
}

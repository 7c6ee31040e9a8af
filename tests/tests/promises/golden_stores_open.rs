//! A store that format version 2 wrote opens in this build, answers as it did, and takes more requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promptprint::corpus::view::SegmentView;
use promptprint::store::map::Bytes;
use promptprint::store::segment::{Container, FileKind};
use promptprint_tests::abi::workspace;
use promptprint_tests::cli::{ok, run};

use crate::support::{arg, golden_key, write};

/// A copy of the golden store and its key, which only its owner may read as soon as it lies outside of the repository.
fn golden(dir: &Path) -> PathBuf {
    let from = workspace().join("tests/golden");
    let store = dir.join("store-v2");
    std::fs::create_dir(&store).expect("a folder");
    for entry in std::fs::read_dir(from.join("store-v2")).expect("the golden store") {
        let file = entry.expect("an entry").path();
        let _ = std::fs::copy(&file, store.join(file.file_name().expect("a name"))).expect("copied");
    }
    golden_key(&store);
    store
}

#[test]
fn a_store_of_version_2_answers_as_it_did() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = golden(dir.path());
    let _ = ok(&["verify", "--store", arg(&store)]);
    let query = "{\"id\":\"q\",\"prompt\":\"Solve the following problem step by step: case number 9\"}\n";
    let queries = write(dir.path(), "q.jsonl", query);
    let near = ok(&["near", "--store", arg(&store), "--input", arg(&queries), "--min", "0.5", "--json"]);
    let expected = concat!(
        r#"{"id":"q","hits":[{"id":"golden-3","resemblance":1.0},{"id":"golden-0","resemblance":0.9843},"#,
        r#"{"id":"golden-6","resemblance":0.9529},{"id":"golden-9","resemblance":0.9451}],"truncated":false}"#
    );
    assert_eq!(near.trim_end(), expected);
    let segment = store.join("00000001.segment");
    let bytes = Bytes::owned(std::fs::read(&segment).expect("bytes"));
    let container = Container::open(bytes, &segment, FileKind::Segment).expect("a segment");
    let view = SegmentView::new(&container).expect("its columns");
    let disguised: Vec<[u8; 2]> = (0..view.part_count()).map(|part| view.disguised_of(part).bytes()).collect();
    let told: Vec<[u8; 2]> = disguised.into_iter().filter(|places| *places != [0; 2]).collect();
    assert_eq!(told, [[11, 1]], "one word of one request is disguised");
}

#[test]
fn the_log_of_a_store_of_version_2_adds_nothing_and_another_adds() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = golden(dir.path());
    let log = workspace().join("tests/golden/store-v2.jsonl");
    let again = ok(&["index", arg(&log), "--store", arg(&store)]);
    assert!(again.contains("0 requests new, 12 repeated"), "{again}");
    let more = write(dir.path(), "more.jsonl", &crate::support::log(10));
    let added = ok(&["index", arg(&more), "--store", arg(&store)]);
    assert!(added.contains("10 requests new"), "{added}");
    let _ = ok(&["verify", "--store", arg(&store)]);
}

#[test]
fn a_store_of_another_version_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = golden(dir.path());
    let manifest = store.join("00000004.manifest");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let older = text.replacen("promptprint-manifest 2 ", "promptprint-manifest 1 ", 1);
    assert_ne!(older, text);
    std::fs::write(&manifest, &older).expect("written");
    let before = contents(&store);
    let more = write(dir.path(), "more.jsonl", &crate::support::log(10));
    for args in [&["verify", "--store", arg(&store)][..], &["index", arg(&more), "--store", arg(&store)]] {
        let refused = run(args);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{args:?}");
        assert!(said.contains("00000004.manifest has format version 1; this build reads 2"), "{said}");
    }
    assert!(contents(&store) == before, "the store was changed");
}

/// Every file of a store by its name, but for the lock that whoever writes holds.
fn contents(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(store).expect("a store").map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| !path.ends_with("LOCK"))
        .map(|path| (path.clone(), std::fs::read(path).expect("bytes")))
        .collect()
}

//! A store that format version 2 wrote opens in this build, answers as it did, and takes more requests.

use std::path::{Path, PathBuf};

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
    let more = write(dir.path(), "more.jsonl", &crate::support::log(10));
    for args in [&["verify", "--store", arg(&store)][..], &["index", arg(&more), "--store", arg(&store)]] {
        let refused = run(args);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{args:?}");
        assert!(said.contains("00000004.manifest has format version 1; this build reads 2"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&manifest).expect("still there"), older);
}

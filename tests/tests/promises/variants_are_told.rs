//! Texts of one family that share a block are told as a variant of it.

use promptprint::engine::{Piece, QueryOptions, Reader, ReaderOptions};
use promptprint::request::PartKind;
use promptprint_tests::cli::ok;
use serde_json::Value;

use crate::support::{arg, examples_log, golden_key, write};

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn store(dir: &std::path::Path) -> std::path::PathBuf {
    let store = dir.join("store");
    golden_key(&store);
    let path = write(dir, "log.jsonl", &examples_log());
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    store
}

#[test]
fn a_shared_block_is_a_variant() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = store(dir.path());
    assert!(rows(&ok(&["families", "--json", "--store", arg(&store)])).iter().all(|row| row.get("variants").is_none()));
    let families = ok(&["families", "--level", "variant", "--json", "--store", arg(&store)]);
    let found = rows(&families);
    assert_eq!(found.len(), 1, "{families}");
    let variants = found[0]["variants"].as_array().expect("variants");
    assert_eq!(variants.len(), 1, "{families}");
    assert_eq!((variants[0]["requests"].as_u64(), variants[0]["accounts"].as_u64()), (Some(60), Some(2)));
    assert!(ok(&["families", "--level", "variant", "--store", arg(&store)]).contains("variant "));
    let members = ok(&["families", "--level", "variant", "--members", "--json", "--store", arg(&store)]);
    assert_eq!(rows(&members).iter().filter(|row| row["variant"] == variants[0]["variant"]).count(), 60);
    let lines = ok(&["families", "--level", "variant", "--members", "--store", arg(&store)]);
    assert!(lines.lines().all(|line| line.split('\t').count() == 4));

    // A gateway is told the variant of a text that was mined.
    let reader = Reader::open(&store, ReaderOptions::default()).expect("reader");
    let log = examples_log();
    for (line, row) in log.lines().zip(rows(&members)).take(20) {
        let request: Value = serde_json::from_str(line).expect("JSON");
        let text = request["prompt"].as_str().expect("a prompt").as_bytes();
        let verdict = reader.query(&[Piece { kind: PartKind::Prompt, text }], QueryOptions::default());
        let told = verdict.family.expect("mined").variant.map(|id| format!("{id:016x}"));
        assert_eq!(told.as_deref(), row["variant"].as_str(), "{}", row["id"]);
    }
}

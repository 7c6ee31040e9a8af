//! Texts of one family that share a block are told as a variant of it, and whoever sends the same slot values is told too.

use promptprint::corpus::families::FamilyTables;
use promptprint::engine::{Piece, QueryOptions, Reader, ReaderOptions};
use promptprint::num::usize_of_u64;
use promptprint::request::PartKind;
use promptprint::store::map::Bytes;
use promptprint::store::segment::{Container, FileKind};
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

#[test]
fn accounts_that_share_slot_values_are_told() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = store(dir.path());
    let why = |account: &str| rows(&ok(&["why", account, "--json", "--store", arg(&store)])).remove(0);
    let told = &why("acct-6")["edges"][0]["slot_values"];
    assert_eq!((told["sharers"].as_u64(), told["values"].as_u64()), (Some(1), Some(30)), "{told}");
    assert_eq!(told["most"][0]["account"], "acct-7");
    assert_eq!((told["most"][0]["shared"].as_u64(), told["most"][0]["compared"].as_u64()), (Some(16), Some(16)));
    assert_eq!(why("acct-3")["edges"][0]["slot_values"]["sharers"].as_u64(), Some(0));
    assert!(ok(&["why", "acct-6", "--store", arg(&store)]).contains("acct-7 (16 of 16 compared)"));
}

#[test]
fn damaged_tables_give_errors_and_no_panic() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = store(dir.path());
    let is_families = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "families");
    let mut files = std::fs::read_dir(&store).expect("a folder").map(|entry| entry.expect("an entry").path());
    let file = files.find(is_families).expect("families");
    let whole = std::fs::read(&file).expect("bytes");
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xa5;
        let Ok(container) = Container::open(Bytes::owned(bytes), &file, FileKind::Families) else { continue };
        assert!(container.verify().is_err(), "byte {at}");
        let Ok(tables) = FamilyTables::new(&container) else { continue };
        for family in 0..=tables.len() {
            let accounts = tables.slots_of_accounts(family);
            let known = accounts.as_ref().map_or(0, |accounts| accounts.first().map_or(0, |account| account.0));
            let told = [
                tables.slots_of(family).map(|sketch| sketch.is_some()),
                tables.slots_of_account(family, known).map(|sketch| sketch.is_some()),
                tables.variants(family).map(|variants| variants.is_empty()),
            ];
            refused += told.iter().filter(|told| told.is_err() && family < tables.len()).count();
            for (_, sketch) in accounts.unwrap_or_default() {
                let _ = sketch.overlap(&sketch);
            }
        }
        for form in 0..300 {
            let _ = tables.variant_of_form(usize_of_u64(form / 299).unwrap_or(0), usize_of_u64(form).unwrap_or(0));
        }
    }
    assert!(refused > 0, "no damaged start was noticed");
}

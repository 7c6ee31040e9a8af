//! A replay convicts the hidden campaigns of the sample before they are over, holds to what it said, and accuses nobody else.

use std::collections::HashMap;

use promptprint_tests::abi::workspace;
use promptprint_tests::cli::ok;
use serde_json::Value;

use crate::support::arg;

fn labels() -> HashMap<String, Value> {
    let path = workspace().join("datasets/labels/accounts.jsonl.zst");
    let text = zstd::decode_all(std::fs::File::open(path).expect("labels")).expect("zstd");
    String::from_utf8(text)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|row| (row["account"].as_str().expect("a name").to_owned(), row["campaign"].clone()))
        .collect()
}

#[test]
fn the_hidden_campaigns_are_convicted_on_the_way_and_nobody_else() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let sample = workspace().join("datasets/sample/traffic.jsonl.zst");
    let text = ok(&["replay", arg(&sample), "--store", arg(&store), "--by", "week", "--json"]);
    let labels = labels();
    let mut convicted = 0;
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON lines");
        for field in ["campaign", "convicted_ms", "accounts_then", "requests_then", "requests", "served_share"] {
            assert!(row.get(field).is_some(), "{field} is missing in {row}");
        }
        let share = row["served_share"].as_f64().expect("a share");
        assert!(share > 0.0 && share <= 1.0, "{share}");
        let first = row["convicted_ms"].as_i64().expect("a time");
        for account in row["accounts"].as_array().expect("accounts") {
            let name = account["account"].as_str().expect("a name");
            assert!(labels[name].is_string(), "{name} is innocent");
            assert!(account["since_ms"].as_i64().expect("a time") >= first);
        }
        convicted += 1;
    }
    assert!(convicted >= 1, "nobody is convicted");
    // The store is as `index` would have left it.
    assert!(ok(&["campaigns", "--store", arg(&store)]).contains("convicted"));
}

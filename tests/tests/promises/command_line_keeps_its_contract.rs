//! Verbs and JSON fields that users' scripts rely on: they may grow, they are never renamed.

use promptprint_tests::cli::{ok, run};
use serde_json::Value;

use crate::support::{arg, log, write};

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

fn has(row: &Value, fields: &[&str]) {
    for field in fields {
        assert!(row.get(field).is_some(), "{field} is missing in {row}");
    }
}

#[test]
fn json_lines_hold_the_documented_fields() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let text = log(600);
    let path = write(dir.path(), "log.jsonl", &text);
    let html = dir.path().join("report.html");
    let json = dir.path().join("report.json");
    let told = ok(&["audit", arg(&path), "--store", arg(&store), "--report", arg(&html), "--report-json", arg(&json)]);
    assert!(told.contains("600 requests new"), "{told}");
    assert!(std::fs::read_to_string(&html).expect("page").contains("</html>"));
    has(
        &serde_json::from_slice(&std::fs::read(&json).expect("report")).expect("JSON"),
        &["families", "campaigns", "totals"],
    );

    let near = rows(&ok(&["near", "--store", arg(&store), "--input", arg(&path), "--min", "0.5", "--json"]));
    assert_eq!(near.len(), 600);
    has(&near[0], &["id", "hits", "truncated"]);
    let hit = near.iter().flat_map(|row| row["hits"].as_array().expect("hits")).next().expect("something is near");
    has(hit, &["id", "resemblance"]);
    for row in &near {
        let own = row["id"].as_str().expect("an id");
        let hits = row["hits"].as_array().expect("hits");
        assert!(hits.iter().all(|hit| hit["id"] != own), "{own} returns itself");
        assert!(hits.is_sorted_by(|a, b| a["resemblance"].as_f64() >= b["resemblance"].as_f64()));
    }

    let families = rows(&ok(&["families", "--store", arg(&store), "--json"]));
    assert!(!families.is_empty());
    for row in &families {
        has(row, &["family", "skeleton", "requests", "accounts", "first_ms", "last_ms", "slots"]);
        for slot in row["slots"].as_array().expect("slots") {
            has(slot, &["kind", "min_bytes", "max_bytes", "distinct"]);
        }
        let name = row["family"].as_str().expect("a name");
        assert!(name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    let members = rows(&ok(&["families", "--store", arg(&store), "--members", "--json"]));
    assert_eq!(members.len(), 600);
    for row in &members {
        has(row, &["id", "family", "also"]);
    }
    for row in rows(&ok(&["campaigns", "--store", arg(&store), "--all", "--json"])) {
        has(&row, &["campaign", "verdict", "advice", "families", "accounts", "evidence"]);
        assert!(
            ["convicted", "review", "unexplained", "acquitted"].contains(&row["verdict"].as_str().expect("a verdict"))
        );
        for account in row["accounts"].as_array().expect("accounts") {
            has(account, &["account", "strength"]);
        }
        for evidence in row["evidence"].as_array().expect("evidence") {
            has(evidence, &["kind", "value", "null", "p", "n"]);
        }
    }
    // Templates shared by everybody accuse no one.
    assert_eq!(ok(&["campaigns", "--store", arg(&store), "--accused", "--json"]), "");
    assert!(ok(&["why", "acct-1", "--store", arg(&store)]).contains("acct-1"));
}

#[test]
fn wrong_calls_end_with_two_and_failures_with_one() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("none");
    assert_eq!(run(&["near"]).status.code(), Some(2));
    assert_eq!(run(&["families", "--store", arg(&store)]).status.code(), Some(1));
    let path = write(dir.path(), "log.jsonl", &log(10));
    assert_eq!(run(&["index", arg(&dir.path().join("absent.jsonl")), "--store", arg(&store)]).status.code(), Some(1));
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    assert_eq!(run(&["near", "--store", arg(&store), "--input", arg(&path), "--min", "7"]).status.code(), Some(2));
    assert_eq!(run(&["why", "nobody", "--store", arg(&store)]).status.code(), Some(2));
}

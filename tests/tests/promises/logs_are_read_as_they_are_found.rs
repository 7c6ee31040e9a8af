//! A log of any form is read where it lies: a path map says what is where, an access log completes it, and `formats` shows
//! what would be taken before anything is stored.

use promptprint_tests::cli::{ok, run};
use serde_json::Value;

use crate::support::{arg, log, write};

const MAP: &str =
    "prompt = '$.call.text'\naccount = ['$.who.user', '$.who.key']\nid = 'n'\nts = '$.when'\nts_unit = 's'\n";

/// The plain log in a form that nobody knows.
fn strange(plain: &str) -> String {
    let lines = plain.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let seconds = row["ts"].as_u64().expect("a time") / 1000;
        let call = serde_json::json!({"text": row["prompt"]}).to_string();
        let strange =
            serde_json::json!({"n": row["id"], "who": {"user": row["account"]}, "when": seconds, "call": call});
        strange.to_string() + "\n"
    });
    lines.collect()
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

#[test]
fn a_path_map_reads_what_no_format_does() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (mapped, plain) = (dir.path().join("mapped"), dir.path().join("plain"));
    let text = log(300);
    let odd = write(dir.path(), "odd.jsonl", &strange(&text));
    let known = write(dir.path(), "known.jsonl", &text);
    let map = write(dir.path(), "map.toml", MAP);
    let told = ok(&["audit", arg(&odd), "--map", arg(&map), "--store", arg(&mapped)]);
    assert!(told.contains("300 requests new, 0 repeated, 0 lines skipped"), "{told}");
    let _ = ok(&["index", arg(&known), "--store", arg(&plain)]);
    let answers = |store, input, map: &[&str]| {
        rows(&ok(&[&["near", "--json", "--min", "0.5", "--store", store, "--input", input], map].concat()))
    };
    let expected = answers(arg(&plain), arg(&known), &[]);
    assert!(expected.iter().any(|row| row["hits"].as_array().is_some_and(|hits| !hits.is_empty())));
    let ids = |rows: Vec<Value>| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(expected), ids(answers(arg(&mapped), arg(&odd), &["--map", arg(&map)])));
    let families = |store| rows(&ok(&["families", "--json", "--store", store])).len();
    assert_eq!(families(arg(&mapped)), families(arg(&plain)));
    let again = ok(&["families", "--json", "--store", arg(&mapped), "--log", arg(&odd), "--map", arg(&map)]);
    assert!(rows(&again).iter().any(|row| row["skeleton"].is_string()));
}

#[test]
fn a_bad_map_is_told_with_file_and_line_and_makes_no_store() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let odd = write(dir.path(), "odd.jsonl", &strange(&log(10)));
    let cases = [
        ("prompt = '$.call.text'\n\nacount = '$.who'\n", "bad.toml: line 3: unknown key acount"),
        ("prompt = '$.call..text'\n", "bad.toml: line 1: prompt = \"$.call..text\": a key is missing"),
        ("account = '$.who'\n", "bad.toml: one of prompt, messages or body"),
        ("prompt = '$.a'\nts = \n", "bad.toml: line 2:"),
    ];
    for (map, expected) in cases {
        let map = write(dir.path(), "bad.toml", map);
        for verb in ["index", "audit"] {
            let output = run(&[verb, arg(&odd), "--map", arg(&map), "--store", arg(&store)]);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains(expected), "{told}");
            assert!(!store.exists(), "a store was made");
        }
    }
    let absent = dir.path().join("absent.toml");
    let output = run(&["index", arg(&odd), "--map", arg(&absent), "--store", arg(&store)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("absent.toml"));
}

#[test]
fn an_access_log_completes_requests_by_their_id() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let bodies: String = (0..20)
        .map(|n| format!("{{\"id\":\"request-{n:04}\",\"account\":\"a\",\"prompt\":\"some question number {n}\"}}\n"))
        .collect();
    let access: String = (0..18)
        .map(|n| {
            format!("203.0.113.{n} - - [21/Sep/2026:02:00:{n:02} +0200] \"POST / HTTP/1.1\" 200 9 \"-\" \"curl/8\" request-{n:04}\n")
        })
        .collect();
    let bodies = write(dir.path(), "bodies.jsonl", &bodies);
    let access = write(dir.path(), "access.log", &access);
    let shown = rows(&ok(&["formats", arg(&bodies), "--join", arg(&access), "--lines", "20", "--json"]));
    assert_eq!(shown.len(), 20);
    assert_eq!((&shown[7]["ip"], &shown[7]["user_agent"]), (&"203.0.113.7".into(), &"curl/8".into()));
    assert_eq!(shown[7]["time_ms"], 1_789_948_807_000_u64);
    assert!(shown[19]["time_ms"].is_null());
    let told = ok(&["index", arg(&bodies), "--join", arg(&access), "--store", arg(&store)]);
    assert!(told.contains("it completed 18"), "{told}");
    let empty = write(dir.path(), "none.log", "nothing in it\n");
    let output = run(&["index", arg(&bodies), "--join", arg(&empty), "--store", arg(&store)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.log has a request id"));
}

#[test]
fn formats_lists_what_is_understood_and_shows_what_would_be_taken() {
    let listed = ok(&["formats"]);
    for name in ["plain", "openai-responses", "litellm", "otel-genai", "bedrock", "map", "ts_unit"] {
        assert!(listed.contains(name), "{name} is missing");
    }
    assert_eq!(rows(&ok(&["formats", "--json"])).len(), promptprint::request::formats::Format::ALL.len());
    let dir = tempfile::tempdir().expect("temporary folder");
    let line = r#"{"id":"r1","account":"acme","ts":1790000000000,"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hello"},{"type":"image_url","image_url":{}}]}]}"#;
    let path = write(dir.path(), "chat.jsonl", &format!("{line}\n{{\"what\":1}}\n"));
    let shown = ok(&["formats", arg(&path)]);
    for expected in ["chat.jsonl:1: openai-chat", "$.messages[1].content", "$.account", "account acme", "1 images"] {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
    let second = run(&["formats", arg(&path), "--lines", "2", "--json"]);
    assert!(second.status.success());
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("chat.jsonl:2: no known request shape: its keys are: what")
    );
    let odd = write(dir.path(), "odd.jsonl", &strange(&log(3)));
    assert_eq!(run(&["formats", arg(&odd)]).status.code(), Some(1));
    let map = write(dir.path(), "map.toml", MAP);
    let taken = rows(&ok(&["formats", arg(&odd), "--map", arg(&map), "--json"]));
    assert_eq!(taken[0]["account"], "acct-0");
    let paths: Vec<&str> =
        taken[0]["taken"].as_array().expect("a list").iter().filter_map(|row| row["path"].as_str()).collect();
    assert!(paths.contains(&"$.call.text") && paths.contains(&"$.who.user"), "{paths:?}");
}

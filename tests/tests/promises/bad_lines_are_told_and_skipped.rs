//! A bad line is told with file and line number, counted and skipped; `--strict` stops at it and keeps what was read.

use promptprint_tests::cli::run;

use crate::support::{arg, write};

const LOG: &str = concat!(
    r#"{"id":"1","account":"a","ts":1790000000000,"prompt":"a first good line"}"#,
    "\n{broken\n\n",
    r#"{"id":"2","account":"a","ts":"yesterday","prompt":"x"}"#,
    "\n",
    r#"{"id":"3","account":"a","ts":1790000001000,"prompt":"a second good line"}"#,
    "\n"
);

#[test]
fn bad_lines_name_file_and_line_and_lose_nothing_else() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let path = write(dir.path(), "mixed.jsonl", LOG);
    let output = run(&["index", arg(&path), "--store", arg(&store)]);
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(told.contains("2 requests new, 0 repeated, 2 lines skipped"), "{told}");
    assert!(errors.contains("mixed.jsonl:2: not JSON") && errors.contains("mixed.jsonl:4: field"), "{errors}");
}

#[test]
fn strict_stops_at_the_first_and_keeps_what_was_read() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let path = write(dir.path(), "mixed.jsonl", LOG);
    let output = run(&["index", arg(&path), "--strict", "--store", arg(&store)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("mixed.jsonl:2: not JSON"));
    let stats = run(&["stats", "--json", "--store", arg(&store)]);
    assert!(String::from_utf8_lossy(&stats.stdout).contains(r#""requests":1,"#));
}

#[test]
fn odd_texts_have_defined_answers() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let prompts = ["", "a", "hi", "\\u0000", "好", "مرحبا بالعالم كيف حالك اليوم", "👩‍👩‍👧‍👦", "\\ud800"];
    let mut log: Vec<u8> = Vec::new();
    for (n, prompt) in prompts.iter().enumerate() {
        log.extend_from_slice(
            format!("{{\"id\":\"{n}\",\"account\":\"a\",\"ts\":{n},\"prompt\":\"{prompt}\"}}\n").as_bytes(),
        );
    }
    log.extend_from_slice(b"{\"id\":\"bad\",\"account\":\"a\",\"prompt\":\"caf\xff\xfe then\"}\n");
    let path = dir.path().join("odd.jsonl");
    std::fs::write(&path, &log).expect("written");
    let output = run(&["index", arg(&path), "--store", arg(&store)]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("9 requests new"), "{output:?}");
    let near = run(&["near", "--store", arg(&store), "--input", arg(&path), "--json"]);
    assert!(near.status.success());
    assert_eq!(String::from_utf8_lossy(&near.stdout).lines().count(), 9);
}

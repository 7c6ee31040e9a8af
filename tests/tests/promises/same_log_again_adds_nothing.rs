//! More logs append; the same log again adds nothing, with ids and without; byte-equal lines without id count once.

use promptprint_tests::cli::ok;

use crate::support::{arg, log, write};

#[test]
fn the_same_log_again_adds_nothing() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let first = write(dir.path(), "first.jsonl", &log(300));
    let line = r#"{"account":"a","ts":1790000000000,"prompt":"no id here"}"#;
    let bare = write(dir.path(), "bare.jsonl", &format!("{line}\n{line}\n{}\n", line.replace("no id", "no name")));
    let told = ok(&["index", arg(&first), "--store", arg(&store), "--segment-requests", "64"]);
    assert!(told.contains("300 requests new, 0 repeated"), "{told}");
    let told = ok(&["index", arg(&first), arg(&bare), "--store", arg(&store)]);
    assert!(told.contains("2 requests new, 301 repeated"), "{told}");
    let told = ok(&["index", arg(&bare), "--store", arg(&store)]);
    assert!(told.contains("0 requests new, 3 repeated"), "{told}");
    let stats: serde_json::Value =
        serde_json::from_str(&ok(&["stats", "--json", "--store", arg(&store)])).expect("JSON");
    assert_eq!(stats["requests"], 302);
    assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
}

#[test]
fn standard_input_and_compressed_logs_are_logs() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let text = log(50);
    let packed = dir.path().join("log.jsonl.zst");
    std::fs::write(&packed, zstd::encode_all(text.as_bytes(), 3).expect("compressed")).expect("written");
    assert!(ok(&["index", arg(&packed), "--store", arg(&store)]).contains("50 requests new"));
    let mut child = std::process::Command::new(promptprint_tests::cli::program())
        .args(["index", "-", "--store", arg(&store)])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), text.as_bytes()).expect("piped");
    let output = child.wait_with_output().expect("the program ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains("0 requests new, 50 repeated"));
}

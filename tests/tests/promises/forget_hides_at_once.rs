//! `forget` hides an account from every answer at once, and compaction takes its bytes off the disk.

use promptprint_tests::cli::{ok, run};

use crate::support::{arg, log, write};

#[test]
fn a_forgotten_account_is_in_no_answer() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let text = log(200);
    let path = write(dir.path(), "log.jsonl", &text);
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    let query = write(dir.path(), "q.jsonl", text.lines().find(|line| line.contains("\"acct-3\"")).expect("a line"));
    let count = |verb: &[&str], what: &str| ok(&[verb, &["--store", arg(&store)]].concat()).matches(what).count();
    let before = ok(&["families", "--members", "--store", arg(&store)]).lines().count();
    assert!(run(&["why", "acct-3", "--store", arg(&store)]).status.success());
    assert!(ok(&["forget", "acct-3", "--store", arg(&store)]).starts_with("5 requests hidden"));
    assert_eq!(ok(&["families", "--members", "--store", arg(&store)]).lines().count(), before - 5);
    assert!(!run(&["why", "acct-3", "--store", arg(&store)]).status.success());
    assert!(!run(&["forget", "acct-3", "--store", arg(&store)]).status.success(), "nothing is left to forget");
    let hits = ok(&["near", "--input", arg(&query), "--min", "0", "--top", "1000", "--json", "--store", arg(&store)]);
    for n in (3..200).step_by(40) {
        assert!(!hits.contains(&format!("\"req-{n}\"}}")), "{hits}");
    }
    assert_eq!(count(&["stats"], "200 (5 hidden)"), 1);
    let _ = ok(&["forget", "acct-4", "--compact", "--store", arg(&store)]);
    assert_eq!(count(&["stats"], "190 (0 hidden)"), 1);
    assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
    assert!(!run(&["forget", "nobody", "--store", arg(&store)]).status.success());
}

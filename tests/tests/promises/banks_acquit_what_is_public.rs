//! A family that a negative bank knows is acquitted by name; a bank holds no text and fits one key; a positive one only marks.

use promptprint_tests::cli::{ok, run};
use serde_json::Value;

use crate::support::{arg, log, write};

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

/// The groups whose nearest bank entry is `entry` and known.
fn known(text: &str, entry: &str) -> Vec<Value> {
    rows(text).into_iter().filter(|row| row["bank"]["entry"] == entry && row["bank"]["known"] == true).collect()
}

#[test]
fn a_public_prompt_is_acquitted_by_the_entry_that_knows_it() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let traffic = write(dir.path(), "log.jsonl", &log(600));
    let _ = ok(&["index", arg(&traffic), "--store", arg(&store)]);
    let secret = "Solve the following problem step by step and show all of the work:";
    let prompt = write(dir.path(), "solver.md", &format!("{secret} [case] of [name]\nAnswer:\n"));
    let file = dir.path().join("public.bank");
    let told = ok(&[
        "bank",
        "build",
        arg(&prompt),
        "--store",
        arg(&store),
        "--name",
        "collection",
        "--licence",
        "CC0-1.0",
        "--out",
        arg(&file),
    ]);
    assert!(told.contains("1 entries"), "{told}");
    let bytes = std::fs::read(&file).expect("the bank");
    assert!(!String::from_utf8_lossy(&bytes).to_lowercase().contains("step by step"), "a bank holds no text");

    let all = |more: &[&str]| ok(&[&["campaigns", "--all", "--json", "--store", arg(&store)], more].concat());
    assert!(known(&all(&[]), "solver").is_empty());
    let with = known(&all(&["--bank", arg(&file)]), "solver");
    assert!(!with.is_empty());
    for row in &with {
        assert_eq!((&row["verdict"], &row["bank"]["kind"]), (&"acquitted".into(), &"negative".into()), "{row}");
        assert!(row["reason"].as_str().expect("a reason").contains("public"), "{row}");
    }

    // Imported, it is used without being named, listed, exported as it was, and removed again.
    let _ = ok(&["bank", "import", arg(&file), "--store", arg(&store)]);
    assert_eq!(known(&all(&[]), "solver").len(), with.len());
    let listed = rows(&ok(&["bank", "list", "--json", "--store", arg(&store)]));
    assert_eq!((&listed[0]["bank"], &listed[0]["licence"]), (&"collection".into(), &"CC0-1.0".into()));
    let copy = dir.path().join("copy.bank");
    let _ = ok(&["bank", "export", "collection", "--store", arg(&store), "--out", arg(&copy)]);
    assert_eq!(std::fs::read(&copy).expect("the copy"), bytes);
    assert!(ok(&["verify", "--store", arg(&store)]).contains(".bank  sound"));
    let _ = ok(&["bank", "remove", "collection", "--store", arg(&store)]);
    assert!(known(&all(&[]), "solver").is_empty());
    assert!(!run(&["bank", "remove", "collection", "--store", arg(&store)]).status.success());

    // Another key's bank would know nothing: it is refused, and damage is told.
    let other = dir.path().join("other");
    let _ = ok(&["index", arg(&traffic), "--store", arg(&other)]);
    let refused = run(&["bank", "import", arg(&file), "--store", arg(&other)]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another key"), "{refused:?}");
    let mut damaged = bytes;
    damaged[40] ^= 1;
    std::fs::write(&copy, damaged).expect("written");
    assert!(!run(&["campaigns", "--store", arg(&store), "--bank", arg(&copy)]).status.success());
}

#[test]
fn a_family_of_the_store_becomes_an_entry_and_a_positive_bank_changes_no_verdict() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let traffic = write(dir.path(), "log.jsonl", &log(600));
    let _ = ok(&["index", arg(&traffic), "--store", arg(&store)]);
    let families = rows(&ok(&["families", "--json", "--store", arg(&store)]));
    let family = families[0]["family"].as_str().expect("a family");
    let file = dir.path().join("harmful.bank");
    let _ = ok(&[
        "bank",
        "build",
        "--family",
        family,
        "--kind",
        "positive",
        "--store",
        arg(&store),
        "--name",
        "elicitations",
        "--licence",
        "none",
        "--out",
        arg(&file),
    ]);
    let verdicts = |text: &str| -> Vec<(Value, Value)> {
        rows(text).into_iter().map(|row| (row["campaign"].clone(), row["verdict"].clone())).collect()
    };
    let plain = ok(&["campaigns", "--all", "--json", "--store", arg(&store)]);
    let marked = ok(&["campaigns", "--all", "--json", "--store", arg(&store), "--bank", arg(&file)]);
    assert_eq!(verdicts(&plain), verdicts(&marked));
    assert_eq!(known(&marked, family).len(), 1);
    let absent = ["bank", "build", "--family", "00000000000000ff", "--store", arg(&store), "--name", "x", "--licence"];
    assert_eq!(run(&[&absent[..], &["x", "--out", arg(&file)]].concat()).status.code(), Some(2));
}

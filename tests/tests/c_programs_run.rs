//! A C or C++ program links the library and gets the answers of the bulk job, under every standard it may be written to.

use promptprint_tests::abi;

const PROMPT: &str =
    "Solve the following problem step by step, and give the answer at the end: how many primes are below 1000?";
const NEAR: &str =
    "Solve the following problem step by step, and give the answer at the end: how many primes are below 5000?";
const FAR: &str = "Please write a short story about a lighthouse keeper who collects umbrellas that were lost at sea.";

fn lines() -> Vec<String> {
    let mut lines: Vec<String> = (0..6)
        .map(|n| format!(r#"{{"id":"r{n}","account":"a{}","ts":{},"prompt":"{PROMPT}"}}"#, n % 3, 1000 + n))
        .collect();
    lines
        .push(r#"{"id":"s","account":"b","ts":5,"prompt":"An unrelated question about the weather in April."}"#.into());
    lines
}

#[test]
fn the_first_program_runs_under_every_standard() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = abi::make_store(dir.path(), &lines());
    let store = store.to_str().expect("UTF-8");
    let strict = ["-Wall", "-Wextra", "-Werror"];
    let mut answers = Vec::new();
    for (compiler, standard) in [("cc", "c99"), ("cc", "c11"), ("c++", "c++11"), ("c++", "c++20")] {
        let standard = format!("-std={standard}");
        let language = if compiler == "cc" { "-xc" } else { "-xc++" };
        let flags = [&strict[..], &[&standard, "-pedantic", language]].concat();
        let program = abi::compile("query.c", compiler, &flags, dir.path());
        answers.push(abi::run(&program, &[store, PROMPT, "r0", NEAR, FAR]));
    }
    assert!(answers[0].starts_with("exact requests=6 accounts=3 first=1000 last=1005 fingerprint="), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

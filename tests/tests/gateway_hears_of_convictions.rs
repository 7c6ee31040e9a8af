//! After a bulk audit a gateway is told of the convicted campaign whose template a prompt is made from, and of no other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use promptprint_tests::abi;
use promptprint_tests::cli::ok;
use serde_json::Value;

/// What the C library says of each line of a log: campaign, advice, family.
fn ask(program: &std::path::Path, store: &str, log: &str) -> Vec<(String, u32, String)> {
    let mut child = Command::new(program)
        .arg(store)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let lines = log.as_bytes().to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&lines));
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("the feeder ends").expect("everything is read");
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let word = |line: &str, at: usize| line.split(' ').nth(at).expect("three words").to_owned();
    told.lines().map(|line| (word(line, 0), word(line, 1).parse().expect("a number"), word(line, 2))).collect()
}

#[test]
fn the_campaign_over_a_prompts_family_is_told() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let sample = std::fs::File::open(abi::workspace().join("datasets/sample/traffic.jsonl.zst")).expect("the sample");
    let log = String::from_utf8(zstd::decode_all(sample).expect("zstd")).expect("UTF-8");
    let path = dir.path().join("log.jsonl");
    std::fs::write(&path, &log).expect("the log is written");
    let store = dir.path().join("store");
    let store = store.to_str().expect("UTF-8");
    let program = abi::compile("verdicts.c", "cc", &["-std=c11", "-Wall", "-Wextra", "-Werror"], dir.path());

    // Before anything is judged, everything is allowed.
    let _ = ok(&["index", path.to_str().expect("UTF-8"), "--store", store]);
    assert!(
        ask(&program, store, &log)
            .iter()
            .all(|(campaign, advice, _)| campaign.trim_matches('0').is_empty() && *advice == 0)
    );

    let said = ok(&["audit", path.to_str().expect("UTF-8"), "--decoys", "0", "--store", store]);
    let convicted: BTreeMap<String, BTreeSet<String>> = ok(&["campaigns", "--decoys", "0", "--store", store, "--json"])
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let families = row["families"].as_array().expect("families");
            let families = families.iter().map(|family| family.as_str().expect("hex").to_owned()).collect();
            (row["campaign"].as_str().expect("hex").to_owned(), families)
        })
        .collect();
    assert!(!convicted.is_empty(), "the sample has a campaign: {said}");
    let accused: BTreeMap<String, String> = ok(&["campaigns", "--decoys", "0", "--store", store, "--accused"])
        .lines()
        .filter_map(|line| line.split_once('\t').map(|(account, campaign)| (account.to_owned(), campaign.to_owned())))
        .collect();

    let told = ask(&program, store, &log);
    let mut heard: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sent: BTreeMap<(&String, &String), usize> = BTreeMap::new();
    for (line, (campaign, advice, family)) in log.lines().zip(&told) {
        // Told of exactly where the prompt's family is a campaign's; mining may hold templates of two for one family.
        let over_it: Vec<&String> =
            convicted.iter().filter(|(_, families)| families.contains(family)).map(|(campaign, _)| campaign).collect();
        if over_it.is_empty() {
            assert!(campaign.trim_matches('0').is_empty(), "{line}");
        } else {
            assert!(over_it.contains(&campaign) && *advice == 2, "{campaign} of {over_it:?}: {line}");
        }
        let request: Value = serde_json::from_str(line).expect("JSON");
        let account = request["account"].as_str().unwrap_or_default();
        if let Some(own) = accused.get(account) {
            *sent.entry((family, own)).or_default() += 1;
            *heard.entry(campaign).or_default() += usize::from(own == campaign);
        }
    }
    for (line, (campaign, _, family)) in log.lines().zip(&told).filter(|(_, (_, advice, _))| *advice == 2) {
        let by = |campaign: &String| sent.get(&(family, campaign)).copied().unwrap_or(0);
        let most = convicted.iter().filter(|(_, families)| families.contains(family)).map(|(id, _)| by(id)).max();
        // A request may have several parts of the family.
        assert!(10 * by(campaign) >= 8 * most.unwrap_or(0), "{campaign} sent {} of {most:?}: {line}", by(campaign));
    }
    for campaign in convicted.keys() {
        assert!(heard.get(campaign.as_str()).is_some_and(|count| *count >= 10), "{campaign} of {heard:?}");
    }

    // The same audit again tells gateways nothing new, so it writes no other verdicts.
    let verdicts = || -> Vec<_> {
        let files = std::fs::read_dir(store).expect("the store").map(|entry| entry.expect("an entry").file_name());
        files.filter(|name| name.to_string_lossy().ends_with(".verdicts")).collect()
    };
    let before = verdicts();
    let _ = ok(&["audit", path.to_str().expect("UTF-8"), "--decoys", "0", "--store", store]);
    assert_eq!(before.len(), 1);
    assert_eq!(verdicts(), before);
}

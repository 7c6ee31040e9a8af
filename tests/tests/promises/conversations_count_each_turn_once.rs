//! An agent's run of n requests, each with all turns before, costs O(n), is not its own near-duplicate, and its changing
//! system block is one family; what is left depends on the set of requests, not on their order.

use std::path::{Path, PathBuf};

use promptprint::audit::{self, IndexOptions, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::snapshot::Snapshot;
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;
use promptprint_tests::cli::ok;
use serde_json::{Value, json};

use crate::support::{arg, word, write};

const START_MS: u64 = 1_790_000_000_000;

/// Prose that no other `seed` shares.
fn prose(seed: usize, words: usize) -> String {
    (0..words).map(|n| word(seed * 7919 + n * n * 31 + n) + " ").collect()
}

/// The `turns` requests of one agent's run: a task, then a tool result for each step, and now and then a word of the user.
fn run_of(account: usize, turns: usize) -> Vec<String> {
    let reminder =
        "<system-reminder>\nThe user has opened a file. Keep the list of tasks up to date.\n</system-reminder>\n";
    let task = format!("{reminder}Please repair the following module: {}", prose(account + 1, 120));
    let mut messages = vec![json!({"role": "user", "content": task})];
    let request = |turn: usize, messages: &[Value]| {
        let system = format!(
            "You are a coding agent that works in small steps. {} The time is {:02}:{:02}.",
            prose(0, 150),
            turn / 60,
            turn % 60
        );
        let line = json!({
            "id": format!("run-{account}-{turn}"), "account": format!("acct-{account}"), "ts": START_MS + promptprint::num::u64_of(turn) * 1000,
            "model": "m", "max_tokens": 9, "system": system, "messages": messages,
        });
        line.to_string()
    };
    (0..turns)
        .map(|turn| {
            if turn > 0 {
                let call =
                    json!([{"type": "tool_use", "id": format!("t{turn}"), "name": "read", "input": {"n": turn}}]);
                messages.push(json!({"role": "assistant", "content": call}));
                let result = prose(account * 1000 + turn + 50, 60);
                let mut content =
                    vec![json!({"type": "tool_result", "tool_use_id": format!("t{turn}"), "content": result})];
                if turn % 10 == 5 {
                    content.push(json!({"type": "text", "text": prose(account * 1000 + turn + 500, 40)}));
                }
                messages.push(json!({"role": "user", "content": content}));
            }
            request(turn, &messages)
        })
        .collect()
}

struct Store {
    bytes: Vec<u8>,
    parts: Vec<(PartKind, u64)>,
}

/// Indexes `lines`, in logs and segments of `log_lines` requests, and compacts; the parts are those before the compaction.
fn indexed(dir: &Path, name: &str, lines: &[String], log_lines: usize) -> Store {
    let (store, key) = (dir.join(name), dir.join("shared.key"));
    let logs: Vec<PathBuf> = lines
        .chunks(log_lines)
        .enumerate()
        .map(|(n, lines)| write(dir, &format!("{name}-{n}.jsonl"), &lines.join("\n")))
        .collect();
    let (spec, kernels) = (Spec::new(Shingle::C5), Kernels::detect());
    let (mut maintainer, keys) = audit::open_or_create(&store, &key, spec, RealFs::shared()).expect("store");
    let preparer = Preparer::new(spec, keys.clone(), kernels);
    let mut options = IndexOptions { segment_requests: log_lines, ..IndexOptions::default() };
    options.parse.chain_seed = keys.chain_seed();
    audit::index(&mut maintainer, &preparer, kernels, &logs, &options, &mut TextCache::new(0), &Silent)
        .expect("indexed");
    let snapshot = Snapshot::open(maintainer.store()).expect("opened");
    let mut parts = Vec::new();
    for view in snapshot.views().expect("views") {
        view.check_deep().expect("whole");
        for part in 0..view.part_count() {
            let bytes = view.text_bytes(promptprint::num::usize_of(view.form_of(part).expect("a form")));
            parts.push((view.kind_of(part).expect("a kind"), u64::from(bytes)));
        }
    }
    audit::compact(&mut maintainer, &keys, spec, kernels).expect("compacted");
    let manifest = maintainer.store().manifest();
    Store { bytes: std::fs::read(store.join(&manifest.segments[0].file)).expect("segment"), parts }
}

fn bytes_of(store: &Store, kinds: &[PartKind]) -> u64 {
    store.parts.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, bytes)| bytes).sum()
}

#[test]
fn a_run_of_n_turns_costs_n() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let turns = [15, 30, 60].map(|turns| indexed(dir.path(), &format!("run{turns}"), &run_of(1, turns), 1 << 18));
    let said = [PartKind::FirstUser, PartKind::LastUser, PartKind::ToolResult, PartKind::Injected];
    let [short, middle, long] = turns.each_ref().map(|store| bytes_of(store, &said));
    assert!(long < short * 5 && long < middle * 5 / 2, "{short} {middle} {long}");
    // The task, and the user's words of turns 5, 15, ..., 55: each once.
    let user = turns[2].parts.iter().filter(|(kind, _)| kind.class() == PartKind::LastUser.class()).count();
    let injected = turns[2].parts.iter().filter(|(kind, _)| *kind == PartKind::Injected).count();
    assert_eq!((user, injected), (7, 1));
    let results = turns[2].parts.iter().filter(|(kind, _)| *kind == PartKind::ToolResult).count();
    assert_eq!(results, 59);
}

#[test]
fn a_run_is_not_near_itself_and_its_system_block_is_one_family() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let runs: Vec<String> = (1..4).flat_map(|account| run_of(account, 60)).collect();
    // One account asks what another one's run began with: that is near, once.
    let copy = run_of(1, 1)[0].replace("run-1-0", "copy").replace("acct-1", "acct-9");
    let path = write(dir.path(), "runs.jsonl", &runs.join("\n"));
    let told = ok(&["index", arg(&path), "--store", arg(&store)]);
    assert!(told.contains("earlier turns of conversations were known and left out"), "{told}");
    let near = |path: &Path| -> Vec<Value> {
        let told =
            ok(&["near", "--store", arg(&store), "--input", arg(path), "--min", "0.5", "--top", "100", "--json"]);
        told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let answers = near(&path);
    assert_eq!(answers.len(), 180);
    for answer in &answers {
        assert_eq!(answer["hits"].as_array().map(Vec::len), Some(0), "{answer}");
    }
    let copy = write(dir.path(), "copy.jsonl", &copy);
    let hits = &near(&copy)[0]["hits"];
    assert_eq!(hits.as_array().map(Vec::len), Some(1), "{hits}");
    assert_eq!((&hits[0]["id"], &hits[0]["resemblance"]), (&json!("run-1-0"), &json!(1.0)));

    // The last turn alone, asked of a store that has its beginning, is not near its own beginning.
    let last = write(dir.path(), "last.jsonl", &runs[59]);
    assert_eq!(near(&last)[0]["hits"].as_array().map(Vec::len), Some(0));

    let members = ok(&["families", "--store", arg(&store), "--members", "--json"]);
    let mut systems: Vec<String> = members
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|row| {
            let also = row["also"].as_array().expect("a list").iter();
            let system = also.filter(|also| also["part"] == "system").map(|also| also["family"].to_string());
            system.collect::<Vec<_>>().join(",")
        })
        .collect();
    assert_eq!(systems.len(), 180);
    systems.sort();
    systems.dedup();
    assert!(systems.len() == 1 && !systems[0].is_empty(), "{systems:?}");
}

#[test]
fn neither_order_nor_shards_show() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let lines: Vec<String> = (1..5).flat_map(|account| run_of(account, 12)).collect();
    let whole = indexed(dir.path(), "whole", &lines, 1 << 18);
    let mut reversed = lines.clone();
    reversed.reverse();
    // In logs of five lines the beginnings come last, so that later turns keep what compaction leaves out.
    let sharded = indexed(dir.path(), "sharded", &reversed, 5);
    assert!(sharded.parts.len() > whole.parts.len());
    assert!(whole.bytes == sharded.bytes, "the order shows");
    // Without the requests that asked them, first turns stay.
    let sampled: Vec<String> =
        lines.iter().enumerate().filter(|(n, _)| n % 12 != 0).map(|(_, line)| line.clone()).collect();
    let sampled = indexed(dir.path(), "sampled", &sampled, 1 << 18);
    assert!(sampled.parts.iter().any(|(kind, _)| *kind == PartKind::FirstUser));
    assert!(whole.parts.iter().all(|(kind, _)| *kind != PartKind::FirstUser));
}

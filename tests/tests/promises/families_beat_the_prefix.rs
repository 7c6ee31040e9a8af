//! Families group labelled prompts by template, clearly better than a hash of their first 32 bytes does.

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::Hash;

use promptprint::num::f64_of;
use promptprint_tests::cli::{labelled, ok};
use serde_json::Value;

use crate::support::{arg, write};

/// F1 over pairs of prompts; what has no group is alone.
fn pair_f1<L: Eq + Hash + Clone, G: Eq + Hash + Clone>(labels: &[Option<L>], groups: &[Option<G>]) -> f64 {
    let pairs = |n: usize| f64_of(n * n.saturating_sub(1) / 2);
    let mut both: HashMap<(L, G), usize> = HashMap::new();
    let mut by_label: HashMap<L, usize> = HashMap::new();
    let mut by_group: HashMap<G, usize> = HashMap::new();
    for (label, group) in labels.iter().zip(groups) {
        if let Some(label) = label {
            *by_label.entry(label.clone()).or_default() += 1;
        }
        if let Some(group) = group {
            *by_group.entry(group.clone()).or_default() += 1;
        }
        if let (Some(label), Some(group)) = (label, group) {
            *both.entry((label.clone(), group.clone())).or_default() += 1;
        }
    }
    let right: f64 = both.values().map(|n| pairs(*n)).sum();
    let precision = right / by_group.values().map(|n| pairs(*n)).sum::<f64>().max(1.0);
    let recall = right / by_label.values().map(|n| pairs(*n)).sum::<f64>().max(1.0);
    2.0 * precision * recall / (precision + recall).max(1e-9)
}

#[test]
fn the_score_is_one_for_the_labels_and_falls_with_every_mistake() {
    let labels = [Some(1), Some(1), Some(2), Some(2), None];
    assert!((pair_f1(&labels, &labels) - 1.0).abs() < 1e-9);
    assert!(pair_f1(&labels, &[Some(1), Some(1), Some(1), Some(2), None]) < 0.7);
    assert!(pair_f1(&labels, &[None::<u8>; 5]) < 1e-6);
}

#[test]
fn a_log_of_one_template_shows_it() {
    // With nothing else in the log, what every text holds once said nothing at all.
    let mut log = String::new();
    for n in 0..60 {
        let slot: Vec<String> = (0..25).map(|at| crate::support::word(n * 131 + at * 37)).collect();
        let _ = writeln!(
            log,
            r#"{{"id":"r{n}","account":"a{}","ts":{},"prompt":"Solve the following puzzle with care and explain each step: {}. Give the answer on the last line."}}"#,
            n % 20,
            1_790_000_000_000_u64 + promptprint::num::u64_of(n) * 60_000,
            slot.join(" ")
        );
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let (path, store) = (write(dir.path(), "log.jsonl", &log), dir.path().join("store"));
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    let families = ok(&["families", "--json", "--store", arg(&store)]);
    let found: Vec<Value> = families.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(found.len(), 1, "{families}");
    assert_eq!((&found[0]["requests"], &found[0]["accounts"]), (&60.into(), &20.into()));
    assert!(
        found[0]["skeleton"].as_str().is_some_and(|text| text.starts_with("Solve the following puzzle")),
        "{families}"
    );
}

#[test]
fn families_reach_the_floor() {
    let Some(path) = labelled("template.jsonl.zst") else { return };
    let bytes = zstd::decode_all(std::fs::read(path).expect("labelled data").as_slice()).expect("zstd");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let labels: Vec<Option<&str>> = rows.iter().map(|row| row["template_id"].as_str()).collect();
    let prefixes: Vec<Option<String>> = rows
        .iter()
        .map(|row| {
            let words: Vec<String> = row["prompt"]
                .as_str()
                .expect("a prompt")
                .to_lowercase()
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            Some(words.join(" ").chars().take(32).collect())
        })
        .collect();
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let log = write(dir.path(), "log.jsonl", &text);
    let _ = ok(&["index", arg(&log), "--no-skeletons", "--store", arg(&store)]);
    let mut family_of: HashMap<String, Option<String>> = HashMap::new();
    for line in ok(&["families", "--members", "--json", "--store", arg(&store)]).lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        family_of.insert(row["id"].as_str().expect("an id").to_owned(), row["family"].as_str().map(str::to_owned));
    }
    let families: Vec<Option<String>> =
        rows.iter().map(|row| family_of[row["id"].as_str().expect("an id")].clone()).collect();
    let (ours, prefix) = (pair_f1(&labels, &families), pair_f1(&labels, &prefixes));
    println!("pair F1: families {ours:.3}, prefix of 32 characters {prefix:.3}");
    assert!(ours >= 0.85, "{ours}");
    assert!(ours > prefix, "{ours} is no better than {prefix}");
}

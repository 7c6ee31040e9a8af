//! Near-duplicates of labelled texts are found, and what is returned is near: measured against the exact join.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;

use promptprint::num::f64_of;
use promptprint_tests::cli::{labelled, ok};
use serde_json::Value;

use crate::support::{arg, write};

fn unpacked(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("labelled data");
    String::from_utf8(zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("UTF-8")
}

fn pair(a: &str, b: &str) -> (String, String) {
    if a < b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) }
}

#[test]
fn near_duplicates_reach_the_floors() {
    let Some(folder) = labelled("") else { return };
    let wanted: HashSet<String> =
        unpacked(&folder.join("neardup_sub20k_ids.txt.zst")).lines().map(str::to_owned).collect();
    let mut log = String::new();
    let mut script = HashMap::new();
    for line in unpacked(&folder.join("neardup.jsonl.zst")).lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let id = row["id"].as_str().expect("an id");
        if wanted.contains(id) {
            script.insert(id.to_owned(), script_of(row["prompt"].as_str().expect("a prompt")));
            let _ = writeln!(log, "{line}");
        }
    }
    // Every pair of resemblance .5 or more; what is not listed is less.
    let mut truth = HashMap::new();
    for line in unpacked(&folder.join("neardup_pairs_c5.tsv.zst")).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let Ok(jaccard) = fields[5].parse::<f64>() {
            truth.insert(pair(fields[0], fields[1]), jaccard);
        }
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = write(dir.path(), "log.jsonl", &log);
    let store = dir.path().join("store");
    let _ = ok(&["index", arg(&path), "--no-families", "--store", arg(&store)]);
    let answers =
        ok(&["near", "--store", arg(&store), "--input", arg(&path), "--min", "0.70", "--top", "1000", "--json"]);
    let mut found: HashMap<(String, String), f64> = HashMap::new();
    for line in answers.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        for hit in row["hits"].as_array().expect("hits") {
            let key = pair(row["id"].as_str().expect("an id"), hit["id"].as_str().expect("an id"));
            let score = hit["resemblance"].as_f64().expect("a number");
            let best = found.entry(key).or_default();
            *best = best.max(score);
        }
    }
    for min in [0.70, 0.73, 0.76, 0.79, 0.82, 0.85] {
        for kind in ["ascii", "chinese", "other", "mixed"] {
            let of_kind = |key: &(String, String)| {
                let (a, b) = (script[&key.0], script[&key.1]);
                (if a == b { a } else { "mixed" }) == kind
            };
            let near: Vec<_> = truth.iter().filter(|(key, jaccard)| **jaccard >= 0.8 && of_kind(key)).collect();
            let hit = near.iter().filter(|(key, _)| found.get(*key).is_some_and(|score| *score >= min)).count();
            let returned: Vec<_> = found.iter().filter(|(key, score)| **score >= min && of_kind(key)).collect();
            let at_least = |bound: f64| {
                let right = returned.iter().filter(|(key, _)| truth.get(*key).is_some_and(|jaccard| *jaccard >= bound));
                f64_of(right.count()) / f64_of(returned.len().max(1))
            };
            let recall = f64_of(hit) / f64_of(near.len().max(1));
            let (p75, p70) = (at_least(0.75), at_least(0.70));
            println!(
                "min {min:.2} {kind:<8} pairs {:>6}  recall {recall:.4}  J>=.75 {p75:.4}  J>=.70 {p70:.4}",
                near.len()
            );
            if (min - 0.76_f64).abs() < 1e-9 {
                match kind {
                    "ascii" => assert!(recall >= 0.97 && p75 >= 0.94 && p70 >= 0.99, "{recall} {p75} {p70}"),
                    _ => assert!(recall >= 0.95, "{kind}: {recall}"),
                }
            }
        }
    }
}

fn script_of(text: &str) -> &'static str {
    let chinese = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    if text.is_ascii() {
        "ascii"
    } else if chinese * 10 > text.chars().count() * 3 {
        "chinese"
    } else {
        "other"
    }
}

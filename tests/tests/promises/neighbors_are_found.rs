//! The nearest requests are found without a threshold, by either sketch, and hidden ones never; the recall is measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use promptprint::Error;
use promptprint::audit::{self, IndexOptions, MaintainOptions, Silent, TextCache};
use promptprint::corpus::prepare::{CodeSource, Preparer};
use promptprint::corpus::snapshot::Snapshot;
use promptprint::engine::{Envelope, NeighborsSeen, Piece, QueryOptions, Reader, ReaderOptions, Writer, WriterOptions};
use promptprint::key::Keys;
use promptprint::num::f64_of;
use promptprint::query::neighbors::{By, NeighborOptions};
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;
use promptprint::store::manifest::GraphChoice;
use promptprint_tests::cli::{labelled, ok, run};
use serde_json::Value;

use crate::support::{arg, varied_log, word, write};

fn opened(store: &Path) -> (Maintainer, Preparer) {
    let spec = Spec::new(Shingle::C5);
    let (maintainer, keys) =
        audit::open_or_create(store, &Keys::default_path(store), spec, RealFs::shared()).expect("the store opens");
    (maintainer, Preparer::new(spec, keys, Kernels::detect()))
}

fn indexed(dir: &Path, name: &str, log: &str, graph: GraphChoice) -> PathBuf {
    let store = dir.join(name);
    let path = write(dir, &format!("{name}.jsonl"), log);
    let (mut maintainer, preparer) = opened(&store);
    let options = IndexOptions { graph: Some(graph), ..IndexOptions::default() };
    let kernels = Kernels::detect();
    let mut texts = TextCache::new(0);
    audit::index(&mut maintainer, &preparer, kernels, &[path], &options, &mut texts, &Silent).expect("indexed");
    audit::mine_families(&mut maintainer, &preparer, None, &Silent).expect("mined");
    store
}

fn reader(store: &Path) -> Reader {
    Reader::open(store, ReaderOptions { refresh_ms: 0, ..ReaderOptions::default() }).expect("a reader")
}

fn prompts(log: &str) -> Vec<String> {
    let prompt = |line: &str| serde_json::from_str::<Value>(line).ok()?["prompt"].as_str().map(str::to_owned);
    log.lines().filter_map(prompt).collect()
}

/// Recall@10 of `by` over `queries`, against a scan of every text of the store, by distance: ties are as good.
fn recall(store: &Path, queries: &[String], by: By, ef: usize) -> f64 {
    let (maintainer, preparer) = opened(store);
    let snapshot = Snapshot::open(maintainer.store()).expect("a snapshot");
    let views = snapshot.views().expect("sound segments");
    let reader = reader(store);
    let kernels = Kernels::detect();
    let (mut found, mut wanted) = (0, 0);
    for text in queries {
        let mut scratch = promptprint::corpus::prepare::PrepareScratch::default();
        let part = preparer.text(PartKind::Prompt, text.as_bytes(), &mut scratch);
        let code = preparer.code(&scratch).0;
        let mut exact: Vec<u32> = views
            .iter()
            .flat_map(|view| (0..view.form_count()).map(move |form| (view, form)))
            .filter(|(view, form)| view.class(*form) == PartKind::Prompt.class())
            .filter_map(|(view, form)| match by {
                By::Code => view.code(form).map(|other| kernels.hamming(&code, other)),
                _ => view.signature(form).map(|other| kernels.unequal_bytes(&part.signature, other)),
            })
            .collect();
        exact.sort_unstable();
        let worst = exact[9];
        let floor = match by {
            By::Code => promptprint::sketch::embedding::cosine_of_unequal_bits(worst),
            _ => promptprint::sketch::minhash::resemblance_of_unequal(worst),
        };
        let options = NeighborOptions { by, ef, ..NeighborOptions::default() };
        let hits = reader.neighbors(&Piece { kind: PartKind::Prompt, text: text.as_bytes() }, &options);
        let score = |hit: &promptprint::engine::NeighborSeen| match by {
            By::Code => hit.cosine,
            _ => hit.resemblance,
        };
        found += hits.expect("an answer").hits.iter().filter(|hit| score(hit).is_some_and(|own| own >= floor)).count();
        wanted += 10;
    }
    f64_of(found) / f64_of(wanted)
}

fn ids(reader: &Reader, seen: &NeighborsSeen) -> Vec<String> {
    seen.hits.iter().map(|hit| reader.request_id(hit.place).expect("an id")).collect()
}

#[test]
fn graphs_find_what_a_scan_finds_and_never_what_is_hidden() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = varied_log(12_000);
    let store = indexed(dir.path(), "leaders", &log, GraphChoice::Leaders);
    let texts = prompts(&log);
    // Every third word is another one.
    let reworded = |text: &String| {
        let words =
            text.split(' ').enumerate().map(|(at, own)| if at % 3 == 0 { word(at * 71) } else { own.to_owned() });
        words.collect::<Vec<_>>().join(" ")
    };
    let queries: Vec<String> = texts.iter().step_by(97).map(reworded).collect();
    for by in [By::Signature, By::Code] {
        let found = recall(&store, &queries, by, 256);
        println!("near --by {}: recall@10 {found:.4} over {} texts", by.name(), texts.len());
        assert!(found >= 0.95, "{}: {found}", by.name());
    }

    let reader = reader(&store);
    let piece = Piece { kind: PartKind::Prompt, text: texts[41].as_bytes() };
    for by in [By::Bands, By::Signature, By::Code, By::All] {
        let options = NeighborOptions { by, top: 5, ..NeighborOptions::default() };
        let seen = reader.neighbors(&piece, &options).expect("an answer");
        assert_eq!(ids(&reader, &seen)[0], "req-41", "{by:?}");
        assert_eq!(seen.hits.len(), 5);
        assert!(seen.hits[0].resemblance.is_some_and(|own| own > 0.999));
        let far = NeighborOptions { min: Some(0.999), ..options };
        assert_eq!(reader.neighbors(&piece, &far).expect("an answer").hits.len(), 1, "{by:?}");
    }
    let wrong = NeighborOptions { min: Some(f32::NAN), ..NeighborOptions::default() };
    assert!(matches!(reader.neighbors(&piece, &wrong), Err(Error::InvalidArgument { .. })));

    // Request 41 is of account 41, and so is every 97th.
    let (mut maintainer, preparer) = opened(&store);
    let hidden = audit::forget(&mut maintainer, preparer.keys(), preparer.spec(), "acct-41").expect("hidden");
    assert!(hidden > 100 && reader.refresh());
    for by in [By::Signature, By::Code, By::All] {
        let options = NeighborOptions { by, top: 200, ..NeighborOptions::default() };
        let seen = reader.neighbors(&piece, &options).expect("an answer");
        assert_eq!(seen.hits.len(), 200);
        let number = |id: &String| id.trim_start_matches("req-").parse::<usize>().expect("a number");
        assert!(ids(&reader, &seen).iter().all(|id| number(id) % 97 != 41), "{by:?}");
    }
}

#[test]
fn the_command_line_asks_by_every_sketch() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = varied_log(600);
    let path = write(dir.path(), "log.jsonl", &log);
    let query = write(dir.path(), "q.jsonl", log.lines().nth(50).expect("a line"));
    let near = |store: &Path, by: &str| {
        let args = ["near", "--by", by, "--top", "3", "--json", "--input", arg(&query), "--store", arg(store)];
        serde_json::from_str::<Value>(&ok(&args)).expect("JSON")
    };
    for choice in ["leaders", "families", "none"] {
        let store = dir.path().join(choice);
        let _ = ok(&["index", arg(&path), "--graph", choice, "--store", arg(&store)]);
        let by_signature = near(&store, "signature");
        assert_eq!(by_signature["hits"].as_array().map(Vec::len), Some(3), "{choice}: {by_signature}");
        // Neighbours share the family's words: 400 apart.
        assert_eq!(by_signature["hits"][0]["id"], "req-450", "{choice}");
        assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
        if choice == "none" {
            let refused = run(&["near", "--by", "code", "--input", arg(&query), "--store", arg(&store)]);
            assert_eq!(refused.status.code(), Some(2));
            assert!(String::from_utf8_lossy(&refused.stderr).contains("--graph"));
            continue;
        }
        for by in ["code", "all"] {
            let answer = near(&store, by);
            assert_eq!(answer["hits"].as_array().map(Vec::len), Some(3), "{choice} {by}: {answer}");
            assert!(answer["hits"][0]["cosine"].as_f64().is_some_and(|cosine| cosine > 0.2), "{choice} {by}: {answer}");
        }
    }
    let (maintainer, _) = opened(&dir.path().join("families"));
    assert!(maintainer.store().manifest().exemplars.is_some());
    assert_eq!(run(&["near", "--by", "magic", "--input", arg(&query), "--store", "x"]).status.code(), Some(2));
}

/// A caller who embeds texts itself gives their codes and asks by code; codes of another origin are refused.
#[test]
fn codes_of_a_caller_are_found_and_not_mixed_with_others() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let (mut maintainer, preparer) = opened(&store);
    let preparer = preparer.with_codes(CodeSource::Caller);
    let pass = |maintainer: &mut Maintainer| {
        let options = MaintainOptions { mine: false, ..MaintainOptions::default() };
        audit::maintain(maintainer, &preparer, Kernels::detect(), &options, &Silent).expect("a pass")
    };
    let _ = pass(&mut maintainer);
    let reader = Arc::new(reader(&store));
    let options = WriterOptions { codes: CodeSource::Caller, ..WriterOptions::default() };
    let writer = Writer::open(Arc::clone(&reader), options).expect("a writer");
    let direction = |n: usize| -> Vec<f32> { (0..64).map(|at| if at == n { 1.0 } else { 0.05 }).collect() };
    for n in 0..20 {
        let text = format!("{} {} a text of its own, number {n}", word(n * 91), word(n * 57));
        let piece = [Piece { kind: PartKind::Prompt, text: text.as_bytes() }];
        let code = [writer.preparer().code_of_vector(&direction(n)).expect("a direction")];
        let envelope = Envelope { id: Some(format!("req-{n}")), ..Envelope::default() };
        let (seen, trouble) =
            writer.observe_with_codes(envelope, &piece, &code, QueryOptions::default()).expect("observed");
        assert!(seen.sequence > 0 && trouble.is_none());
    }
    writer.commit().expect("durable");
    assert_eq!(pass(&mut maintainer).requests, 20);
    assert!(reader.refresh());
    let code = preparer.code_of_vector(&direction(7)).expect("a direction");
    let seen = reader.neighbors_of_code(PartKind::Prompt, &code, &NeighborOptions::default()).expect("an answer");
    assert_eq!(ids(&reader, &seen)[0], "req-7");
    assert_eq!(seen.hits[0].cosine, Some(1.0));
    assert!(seen.hits[1].cosine.is_some_and(|cosine| cosine < 0.6));

    let piece = Piece { kind: PartKind::Prompt, text: b"whose codes are these" };
    let by_code = NeighborOptions { by: By::Code, ..NeighborOptions::default() };
    assert!(matches!(reader.neighbors(&piece, &by_code), Err(Error::SpecMismatch { .. })));
    let built_in = WriterOptions { codes: CodeSource::BuiltIn, ..WriterOptions::default() };
    assert!(matches!(Writer::open(Arc::clone(&reader), built_in), Err(Error::SpecMismatch { .. })));
    let none = Writer::open(Arc::clone(&reader), WriterOptions::default()).expect("a writer without codes");
    let refused = none.observe_with_codes(Envelope::default(), &[piece], &[code], QueryOptions::default());
    assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
    let other = Preparer::new(preparer.spec(), preparer.keys().clone(), Kernels::detect());
    let refused = audit::maintain(&mut maintainer, &other, Kernels::detect(), &MaintainOptions::default(), &Silent);
    assert!(matches!(refused, Err(Error::SpecMismatch { .. })));
}

/// The figures that stand in the table: over labelled texts, where there are any.
#[test]
fn recall_on_labelled_texts() {
    let Some(path) = labelled("neardup.jsonl.zst") else { return };
    let bytes = std::fs::read(path).expect("labelled data");
    let log = String::from_utf8(zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("UTF-8");
    let dir = tempfile::tempdir().expect("temporary folder");
    // Every tenth line is a query and is not indexed.
    let part = |keep: fn(usize) -> bool| -> String {
        let lines = log.lines().enumerate().filter(|(at, _)| keep(*at));
        lines.flat_map(|(_, line)| [line, "\n"]).collect()
    };
    let store = indexed(dir.path(), "labelled", &part(|at| at % 10 != 0), GraphChoice::Leaders);
    let queries: Vec<String> = prompts(&part(|at| at % 10 == 0)).into_iter().step_by(7).collect();
    for by in [By::Signature, By::Code] {
        for ef in [64, 256, 1024] {
            let found = recall(&store, &queries, by, ef);
            println!("near --by {} --ef {ef}: recall@10 {found:.4} of {} queries", by.name(), queries.len());
            assert!(ef < 256 || found >= 0.90, "{}: {found}", by.name());
        }
    }
}

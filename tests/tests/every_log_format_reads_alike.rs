//! Promise: every log format that is understood reads to the same parts, principals, tags and time as the plain form of
//! the same requests. `NAME.jsonl` holds a log as its maker writes it, `NAME.plain.jsonl` the same requests in plain form.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use promptprint::request::formats::Format;
use promptprint::request::map::PathMap;
use promptprint::request::parse::{ParseOptions, Parsed, Scratch, explain, parse_line};
use promptprint::request::source::{Batch, LineReader};

const FORMATS: &[(&str, &[Format])] = &[
    ("openai_chat", &[Format::OpenAiChat]),
    ("openai_responses", &[Format::OpenAiResponses]),
    ("openai_batch", &[Format::OpenAiBatch]),
    ("anthropic_messages", &[Format::AnthropicMessages, Format::OpenAiChat]),
    ("anthropic_batch", &[Format::AnthropicBatch]),
    ("litellm", &[Format::LiteLlm]),
    ("litellm_spend", &[Format::LiteLlmSpend]),
    ("langfuse", &[Format::Langfuse]),
    ("helicone", &[Format::Helicone]),
    ("otel_genai", &[Format::OtelGenAi]),
    ("otel_genai_events", &[Format::OtelGenAi]),
    ("openinference", &[Format::OpenInference]),
    ("kong_ai", &[Format::KongAi]),
    ("bedrock", &[Format::Bedrock]),
    ("mapped", &[Format::Mapped]),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs").join(name)
}

fn read(name: &str, options: &ParseOptions) -> Vec<Parsed> {
    let mut reader = LineReader::open(&fixture(name)).expect("the fixture opens");
    let (mut batch, mut scratch, mut all) = (Batch::default(), Scratch::default(), Vec::new());
    while reader.next_batch(100, 1 << 20, &mut batch).expect("the fixture reads") > 0 {
        for line in batch.lines() {
            if let Err(error) = parse_line(line.bytes, options, &mut scratch, &mut all) {
                panic!("{name}:{}: {error}", line.number);
            }
        }
    }
    all
}

fn options(name: &str) -> ParseOptions {
    let map = fixture(&format!("{name}.toml"));
    let map = map.exists().then(|| Arc::new(PathMap::open(&map).expect("a good map")));
    ParseOptions { map, ..ParseOptions::default() }
}

/// Kinds that are compared with each other count as one: a lone user turn is what the plain form calls a prompt.
fn parts(parsed: &Parsed) -> Vec<(u8, &str)> {
    parsed.request.parts.iter().map(|part| (part.kind.class(), part.text.as_str())).collect()
}

#[test]
fn every_format_reads_as_its_plain_form() {
    for (name, formats) in FORMATS {
        let found = read(&format!("{name}.jsonl"), &options(name));
        let plain = read(&format!("{name}.plain.jsonl"), &ParseOptions::default());
        assert_eq!(found.len(), plain.len(), "{name}: requests");
        assert!(plain.len() >= 2, "{name}: a fixture has a conversation and a single prompt");
        for (found, plain) in found.iter().zip(&plain) {
            let id = plain.request.id.as_deref().unwrap_or_default();
            assert_eq!(parts(found), parts(plain), "{name} {id}: parts");
            assert_eq!(found.request.principals, plain.request.principals, "{name} {id}: principals");
            assert_eq!(found.request.tags, plain.request.tags, "{name} {id}: tags");
            assert_eq!(found.request.time_ms, plain.request.time_ms, "{name} {id}: time");
            assert_eq!(found.request.id, plain.request.id, "{name} {id}: id");
            let known = formats.contains(&found.format) || (id == "r2" && found.format == Format::OpenAiChat);
            assert!(known, "{name} {id}: read as {:?}", found.format);
        }
        assert!(!parts(&found[0]).is_empty() && found[0].turns.chain.len() == 3, "{name}: three turns");
    }
}

#[test]
fn every_format_has_a_fixture_and_a_description() {
    for format in Format::ALL {
        let described = format.describe();
        assert!(!described.name.is_empty() && !described.checked.is_empty());
        let tested = format == Format::Plain || FORMATS.iter().any(|(_, formats)| formats.contains(&format));
        assert!(tested, "{}", described.name);
    }
}

#[test]
fn the_chain_of_a_conversation_is_the_same_in_every_spelling() {
    let chains: Vec<_> = ["openai_chat", "anthropic_messages", "openai_responses", "bedrock"]
        .iter()
        .map(|name| read(&format!("{name}.jsonl"), &ParseOptions::default()).swap_remove(0).turns.chain)
        .collect();
    assert!(chains.windows(2).all(|pair| pair[0] == pair[1]), "{chains:?}");
}

#[test]
fn an_explanation_names_every_part_and_its_path() {
    for (name, _) in FORMATS {
        let text = std::fs::read_to_string(fixture(&format!("{name}.jsonl"))).expect("the fixture reads");
        for line in text.lines() {
            for explained in explain(line.as_bytes(), &options(name)).expect("a good line") {
                for part in &explained.parsed.request.parts {
                    let taken = explained.taken.iter().find(|taken| taken.target == part.kind.name());
                    assert!(taken.is_some_and(|taken| taken.path.starts_with('$')), "{name}: {:?}", part.kind);
                }
            }
        }
    }
}

#[test]
fn lists_indented_values_and_csv_read_as_lines_do() {
    let lines = read("langfuse.jsonl", &ParseOptions::default());
    let text = std::fs::read_to_string(fixture("langfuse.jsonl")).expect("the fixture reads");
    let values: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let list = serde_json::to_string_pretty(&values).expect("JSON");
    let mut names: Vec<_> = values.iter().flat_map(|value| value.as_object().expect("an object").keys()).collect();
    names.sort();
    names.dedup();
    let cell = |value: Option<&serde_json::Value>| match value {
        None => String::new(),
        Some(serde_json::Value::String(text)) => format!("\"{}\"", text.replace('"', "\"\"")),
        Some(other) => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    };
    let row = |value: &serde_json::Value| names.iter().map(|name| cell(value.get(*name))).collect::<Vec<_>>().join(",");
    let header = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
    let csv = format!("{header}\n{}\n", values.iter().map(row).collect::<Vec<_>>().join("\n"));
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("list.json", list), ("rows.csv", csv)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        let found = read(&path.display().to_string(), &ParseOptions::default());
        assert_eq!(found, lines, "{name}");
    }
}

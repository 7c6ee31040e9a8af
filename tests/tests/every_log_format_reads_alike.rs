//! Promise: every log format that is understood reads to the same parts, principals, tags and time as the plain form of
//! the same requests. `NAME.jsonl` holds a log as its maker writes it, `NAME.plain.jsonl` the same requests in plain form.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use promptprint::request::formats::Format;
use promptprint::request::map::PathMap;
use promptprint::request::parse::{ParseOptions, Parsed, Scratch, explain, parse_line};
use promptprint::request::source::Batch;
use serde_json::Value;

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
    let mut reader = options.open(&fixture(name)).expect("the fixture opens");
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
fn lists_indented_values_and_tables_read_as_lines_do() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, _) in FORMATS {
        let options = options(name);
        let lines = read(&format!("{name}.jsonl"), &options);
        let text = std::fs::read_to_string(fixture(&format!("{name}.jsonl"))).expect("the fixture reads");
        let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        // Some loggers send lists of entries: each entry is a row of its own.
        let rows: Vec<Value> = values
            .into_iter()
            .flat_map(|value| if let Value::Array(list) = value { list } else { vec![value] })
            .collect();
        let table = Table::of(&rows);
        let mut files = vec![
            ("list.json", serde_json::to_vec_pretty(&rows).expect("JSON")),
            ("rows.csv", table.csv(',').into_bytes()),
            ("rows.tsv", table.csv('\t').into_bytes()),
        ];
        files.extend(table.in_columns());
        for (file, bytes) in files {
            let path = folder.path().join(format!("{name}-{file}"));
            std::fs::write(&path, bytes).expect("written");
            let found = read(&path.display().to_string(), &options);
            assert_eq!(found.len(), lines.len(), "{name} as {file}: requests");
            for (found, line) in found.iter().zip(&lines) {
                // Which request of its line it was is another matter in a list that was taken apart.
                let found = Parsed { ordinal: line.ordinal, ..found.clone() };
                assert_eq!(&found, line, "{name} as {file}");
            }
        }
    }
}

/// Rows with named columns; lists and objects are kept as JSON text, as exports do.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Table {
    fn of(rows: &[Value]) -> Self {
        let mut names: Vec<_> =
            rows.iter().flat_map(|row| row.as_object().expect("an object").keys().cloned()).collect();
        names.sort();
        names.dedup();
        let cell = |value: Option<&Value>| match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let rows = rows.iter().map(|row| names.iter().map(|name| cell(row.get(name))).collect()).collect();
        Self { names, rows }
    }

    fn csv(&self, delimiter: char) -> String {
        let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let line = |cells: Vec<String>| cells.join(&delimiter.to_string()) + "\n";
        let mut text = line(self.names.iter().map(|name| cell(name)).collect());
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|value| value.as_deref().map_or(String::new(), cell)).collect()));
        }
        text
    }

    #[cfg(not(feature = "parquet"))]
    fn in_columns(&self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }

    #[cfg(feature = "parquet")]
    fn in_columns(&self) -> Vec<(&'static str, Vec<u8>)> {
        use std::sync::Arc;

        use arrow_array::{ArrayRef, RecordBatch, StringArray};

        let column = |at: usize| -> ArrayRef {
            Arc::new(StringArray::from(self.rows.iter().map(|row| row[at].as_deref()).collect::<Vec<_>>()))
        };
        let columns = self.names.iter().enumerate().map(|(at, name)| (name, column(at), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
        let (mut parquet, mut file, mut stream) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("written");
        let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut file, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("written");
        let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut stream, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("written");
        vec![("rows.parquet", parquet), ("rows.arrow", file), ("rows.arrows", stream)]
    }
}

#[cfg(feature = "parquet")]
#[test]
fn the_program_reads_columns_by_a_map() {
    use promptprint_tests::cli::ok;

    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<Value> = (0..700)
        .map(|n| {
            serde_json::json!({"request_text": format!("question number {n} of seven hundred"), "tenant": format!("t{}", n % 7),
                "nr": n.to_string(), "at": (1_790_000_000 + n).to_string(), "answer": "never read"})
        })
        .collect();
    let map = folder.path().join("columns.toml");
    std::fs::write(&map, "prompt = 'request_text'\naccount = 'tenant'\nid = 'nr'\nts = 'at'\nts_unit = 's'\n")
        .expect("written");
    let argument = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    for (file, bytes) in Table::of(&rows).in_columns() {
        let (path, store) = (folder.path().join(file), folder.path().join(format!("store-{file}")));
        std::fs::write(&path, bytes).expect("written");
        let told = ok(&["index", &argument(&path), "--map", &argument(&map), "--store", &argument(&store)]);
        assert!(told.contains("700 requests new, 0 repeated, 0 lines skipped"), "{file}: {told}");
        let shown = ok(&["formats", &argument(&path), "--map", &argument(&map), "--json"]);
        assert!(shown.contains("\"account\":\"t0\"") && shown.contains("1790000000000"), "{file}: {shown}");
    }
}

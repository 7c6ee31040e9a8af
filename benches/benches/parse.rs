//! Question: what does it cost to turn a line of a log into parts, beside general JSON readers that do less?
//!
//! And: what share of a request's work is it? `stages_1k` times the parsing of prompts of 1 KB alone and all of a request's
//! way into the store up to the seal; the ratio bounds the share of parsing in the whole job from above.
//!
//! Two lines: a prompt of 1 KB in the plain form, and a conversation of 100 KB of which only the newest turn is wanted. The
//! others stop where ours goes on: `lazy` finds the messages and unescapes the last, `tree` reads every value; neither
//! splits injected blocks, hashes the turns or makes parts. Throughput counts the bytes of the line.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promptprint::corpus::prepare::{PrepareScratch, Preparer};
use promptprint::key::Keys;
use promptprint::request::parse::{ParseOptions, Scratch, parse_line};
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Words with line breaks and quotes about as often as in code and prose.
fn text(bytes: usize, seed: u64) -> String {
    const WORDS: [&str; 12] =
        ["let", "the", "function", "returns", "\"value\"", "of", "each", "item;\n", "and", "writes", "<b>", "naïve"];
    let mut state = seed;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(state >> 33).unwrap_or_default() % WORDS.len();
        text.push_str(WORDS[pick]);
        text.push(' ');
    }
    text
}

fn plain_line_of(n: u64, prompt: &str) -> Vec<u8> {
    let line =
        serde_json::json!({"id": format!("r{n:08}"), "account": "a17", "ts": 1_789_948_804_744_u64, "prompt": prompt});
    line.to_string().into_bytes()
}

fn conversation() -> Vec<u8> {
    let message = |n: u64| {
        let role = if n.is_multiple_of(2) { "user" } else { "assistant" };
        let content = serde_json::json!([{"type": "text", "text": text(2000, n)}]);
        serde_json::json!({"role": role, "content": content})
    };
    let messages: Vec<_> = (0..49).map(message).collect();
    let line = serde_json::json!({"id": "r1", "account": "a17", "ts": 1_789_948_804_744_u64, "model": "m",
        "system": text(3000, 99), "max_tokens": 1024, "messages": messages});
    line.to_string().into_bytes()
}

#[derive(Deserialize)]
struct LazyPlain<'a> {
    #[serde(borrow)]
    prompt: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct LazyChat<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
}

fn parse(c: &mut Criterion) {
    for (name, line) in [("plain_1k", plain_line_of(1, &text(1024, 1))), ("conversation_100k", conversation())] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(line.len().try_into().unwrap_or(u64::MAX)));
        let options = ParseOptions { chain_seed: 1, ..ParseOptions::default() };
        let (mut scratch, mut out) = (Scratch::default(), Vec::new());

        // The answer first: all readers have to find the same last turn.
        let value: serde_json::Value = serde_json::from_slice(&line).expect("valid JSON");
        let last =
            value.get("prompt").or_else(|| value.pointer("/messages/48/content/0/text")).and_then(|v| v.as_str());
        parse_line(&line, &options, &mut scratch, &mut out).expect("a request");
        assert_eq!(out.first().and_then(|parsed| parsed.request.parts.last()).map(|part| part.text.as_str()), last);

        group.bench_function("promptprint", |b| {
            b.iter(|| {
                out.clear();
                parse_line(black_box(&line), &options, &mut scratch, &mut out).expect("a request")
            });
        });
        group.bench_function("serde_json_lazy", |b| {
            b.iter(|| match serde_json::from_slice::<LazyChat<'_>>(black_box(&line)) {
                Ok(chat) => chat.messages.last().map(|m| {
                    let message: serde_json::Value = serde_json::from_str(m.get()).expect("valid JSON");
                    message.to_string().len()
                }),
                Err(_) => serde_json::from_slice::<LazyPlain<'_>>(&line).ok().map(|plain| plain.prompt.len()),
            });
        });
        group.bench_function("serde_json_tree", |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&line)).expect("valid JSON"));
        });
        group.bench_function("sonic_rs_tree", |b| {
            b.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(black_box(&line)).expect("valid JSON"));
        });
        group.bench_function("sonic_rs_lazy", |b| {
            b.iter(|| {
                let prompt = sonic_rs::get(black_box(line.as_slice()), ["prompt"]);
                prompt.or_else(|_| sonic_rs::get(line.as_slice(), ["messages"])).map(|v| v.as_raw_str().len()).ok()
            });
        });
        let (mut copy, mut buffers) = (line.clone(), simd_json::Buffers::default());
        group.bench_function("simd_json_tape", |b| {
            b.iter(|| {
                // It unescapes in place, so that it needs its own copy.
                copy.clear();
                copy.extend_from_slice(black_box(&line));
                simd_json::to_tape_with_buffers(&mut copy, &mut buffers).expect("valid JSON").0.len()
            });
        });
        group.finish();
    }
}

fn stages(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("promptprint-parse-{}", std::process::id()));
    let keys = Keys::create(&folder).expect("a key");
    std::fs::remove_file(&folder).expect("the key file goes");
    let options = ParseOptions { chain_seed: keys.chain_seed(), ..ParseOptions::default() };
    let preparer = Preparer::new(Spec::new(Shingle::C5), keys, Kernels::detect());
    let lines: Vec<Vec<u8>> = (0..1000).map(|n| plain_line_of(n, &text(1024, n))).collect();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let mut group = c.benchmark_group("stages_1k");
    group.throughput(Throughput::Bytes(bytes.try_into().unwrap_or(u64::MAX)));
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let mut read = |line: &[u8]| {
        out.clear();
        parse_line(line, &options, &mut scratch, &mut out).expect("a request");
        out.pop().expect("one request")
    };
    group.bench_function("parse", |b| {
        b.iter(|| lines.iter().map(|line| read(black_box(line)).request.parts.len()).sum::<usize>());
    });
    let mut prepare = PrepareScratch::default();
    group.bench_function("parse_and_sketch", |b| {
        b.iter(|| {
            let sketch = |line: &Vec<u8>| {
                let parsed = read(black_box(line));
                let turns = preparer.turns(&parsed);
                let (prepared, _) = preparer.request(parsed.request, line, 0, &mut prepare);
                prepared.parts.len() + turns.asked.len()
            };
            lines.iter().map(sketch).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, parse, stages);
criterion_main!(benches);

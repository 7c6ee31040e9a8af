//! How well do embedding codes alone find a prompt's own variants, and the reworded skeletons of one template? Prints the
//! tables of `src/sketch/embedding/README.md` from labelled logs (`neardup.jsonl.zst`, `camp.jsonl.zst`):
//! `cargo run --release --example codes -- FOLDER [MODEL]`; MODEL, a folder, needs the feature `model`.
#![allow(clippy::print_stdout, reason = "the result of an example is what it prints")]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

use promptprint::index::hnsw::{Flat, Hit, Metric, Scratch};
use promptprint::num::{f64_of, usize_of};
use promptprint::simd::Kernels;
use promptprint::sketch::{Embedder, SketchSeed};
use promptprint::text::{NormalForm, Normalizer};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;
type Code = [u8; 128];

/// Answers of a query.
const K: usize = 10;

/// Makes the code of a text.
struct Coder {
    normalizer: Normalizer,
    embedder: Embedder,
    kernels: Kernels,
    #[cfg(feature = "model")]
    model: Option<std::sync::Arc<promptprint::sketch::embedding::model::StaticModel>>,
}

impl Coder {
    fn new(model: Option<&Path>) -> Outcome<Self> {
        let kernels = Kernels::detect();
        #[cfg(not(feature = "model"))]
        if model.is_some() {
            return Err("this build has no feature `model`".into());
        }
        Ok(Self {
            normalizer: Normalizer::new(kernels),
            embedder: Embedder::new(&SketchSeed::new([7; 32]), kernels),
            kernels,
            #[cfg(feature = "model")]
            model: match model {
                None => None,
                Some(folder) => Some(promptprint::sketch::embedding::model::StaticModel::from_bytes(
                    &std::fs::read(folder.join("tokenizer.json"))?,
                    &std::fs::read(folder.join("model.safetensors"))?,
                )?),
            },
        })
    }

    fn code(&self, text: &str, form: &mut NormalForm) -> Code {
        self.normalizer.normalize(text.as_bytes(), form);
        #[cfg(feature = "model")]
        if let Some(model) = &self.model {
            return self.embedder.code_by_model(model, form).0;
        }
        self.embedder.code(form).0
    }

    fn codes<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<Code> {
        let mut form = NormalForm::new();
        texts.map(|text| self.code(text, &mut form)).collect()
    }
}

fn rows(path: &Path) -> Outcome<Vec<Value>> {
    let text = zstd::decode_all(std::fs::File::open(path)?)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Of those that belong to each of `queries`, ten at most, the share that is among the ten nearest.
fn shares(
    codes: &[Code],
    group_of: &[usize],
    queries: impl Iterator<Item = usize>,
    kernels: Kernels,
) -> Vec<(usize, f64)> {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for group in group_of {
        *sizes.entry(*group).or_default() += 1;
    }
    let flat = Flat { sketches: codes, metric: Metric::HammingBits, kernels };
    let (mut scratch, mut hits): (Scratch, Vec<Hit>) = (Scratch::new(), Vec::new());
    let mut found = Vec::new();
    for query in queries {
        let others = sizes.get(&group_of[query]).map_or(0, |size| size - 1).min(K);
        if others == 0 {
            continue;
        }
        flat.search(&codes[query], K, |row| usize_of(row.0) != query, &mut scratch, &mut hits);
        let own = hits.iter().filter(|hit| group_of[usize_of(hit.row.0)] == group_of[query]).count();
        found.push((query, f64_of(own.min(others)) / f64_of(others)));
    }
    found
}

fn print(title: &str, table: &BTreeMap<String, Vec<f64>>) {
    println!("\n{title}");
    for (name, shares) in table {
        println!("| {name} ({}) | {:.3} |", shares.len(), shares.iter().sum::<f64>() / f64_of(shares.len()));
    }
}

/// Every seventh prompt asks for the others of its group.
fn variants(path: &Path, coder: &Coder) -> Outcome<()> {
    let rows = rows(path)?;
    let codes = coder.codes(rows.iter().map(|row| text(row, "prompt")));
    let group_of: Vec<usize> =
        rows.iter().map(|row| row["group"].as_u64().and_then(promptprint::num::usize_of_u64).unwrap_or(0)).collect();
    let mut table: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (query, share) in shares(&codes, &group_of, (0..rows.len()).step_by(7), coder.kernels) {
        table.entry("all".to_owned()).or_default().push(share);
        for edit in rows[query]["edits"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            table.entry(edit.to_owned()).or_default().push(share);
        }
    }
    print("a prompt's own variants, recall@10 by code alone", &table);
    Ok(())
}

/// Words in a row that two texts must share: fewer are common to any two texts.
const RUN: usize = 3;

/// Stands between runs that are not side by side, and in no text.
const GAP: &str = "\n";

/// The runs of words that two texts have in common, in order (longest common subsequence), with gaps between them.
fn common<'a>(a: &[&'a str], b: &[&str]) -> Vec<&'a str> {
    let mut longest = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            longest[i][j] = if x == y { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut runs) = (0, 0, vec![Vec::new()]);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            runs.last_mut().into_iter().for_each(|run| run.push(a[i]));
            (i, j) = (i + 1, j + 1);
            continue;
        }
        runs.push(Vec::new());
        if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    runs.retain(|run| run.len() >= RUN);
    runs.join(&GAP)
}

/// Skeletons as the normal forms of three prompts of one account show them; each asks for the others of its template.
fn skeletons(path: &Path, coder: &Coder) -> Outcome<()> {
    const WORDS_MAX: usize = 600;
    let rows = rows(path)?;
    let mut prompts: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !text(row, "template_id").is_empty()) {
        prompts.entry((text(row, "template_id"), text(row, "account"))).or_default().push(row);
    }
    let mut templates: Vec<&str> = Vec::new();
    let (mut skeletons, mut group_of, mut edit_of) = (Vec::new(), Vec::new(), Vec::new());
    for ((template, _), made) in &prompts {
        let [first, second, third, ..] = made.as_slice() else { continue };
        let mut form = NormalForm::new();
        let mut words = |row: &'_ Value| -> Vec<String> {
            coder.normalizer.normalize(text(row, "prompt").as_bytes(), &mut form);
            form.text().split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
        };
        let (first_words, second, third) = (words(first), words(second), words(third));
        let first_words: Vec<&str> = first_words.iter().map(String::as_str).collect();
        let second: Vec<&str> = second.iter().map(String::as_str).collect();
        let third: Vec<&str> = third.iter().map(String::as_str).collect();
        let skeleton = common(&common(&first_words, &second), &third).join(" ").replace(GAP, "");
        if skeleton.is_empty() {
            continue;
        }
        if templates.last() != Some(template) {
            templates.push(template);
        }
        skeletons.push(skeleton);
        group_of.push(templates.len());
        edit_of.push(text(first, "cls").rsplit('/').next().unwrap_or_default().to_owned());
    }
    let codes = coder.codes(skeletons.iter().map(String::as_str));
    let mut table: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (query, share) in shares(&codes, &group_of, 0..codes.len(), coder.kernels) {
        table.entry(edit_of[query].clone()).or_default().push(share);
    }
    println!("\n{} skeletons of {} templates", skeletons.len(), templates.len());
    print("reworded skeletons, share of the ten nearest that are of the same template", &table);
    Ok(())
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: codes FOLDER [MODEL]")?;
    let model = arguments.next();
    let coder = Coder::new(model.as_deref().map(Path::new))?;
    let folder = Path::new(&folder);
    variants(&folder.join("neardup.jsonl.zst"), &coder)?;
    skeletons(&folder.join("camp.jsonl.zst"), &coder)
}

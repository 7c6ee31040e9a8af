//! Mines the families of a log in the plain form and writes `id <TAB> family <TAB> other families`, the form that
//! scorers of groupings read: `cargo run --release --example families -- LOG.jsonl OUT.tsv [OPTION=VALUE]...`;
//! options are the fields of [`MineOptions`], to see how far a result hangs on one. `key=N` takes another key. `live=N` replays the log as a gateway
//! sees it instead, in the order of the file, with tables sealed every N requests (0 for never); the fourth column is
//! then 3 where a family was told at arrival.

mod live;

use promptprint::family::packed::encode;
use promptprint::family::{Anchorer, Anchors, Scratch};
use promptprint::family::{Documents, Families, MineOptions, NO_ACCOUNT, Use, mine};
use promptprint::num;
use promptprint::simd::Kernels;
use promptprint::text::{NormalForm, Normalizer};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::time::Instant;

/// The anchors of distinct normal forms, end to end.
#[derive(Default)]
struct Column {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Documents for Column {
    fn count(&self) -> u32 {
        num::u32_saturating(self.starts.len())
    }
    fn anchors(&self, document: u32) -> &[u8] {
        let at = num::usize_of(document);
        let from = self.starts.get(at).copied().unwrap_or(0);
        let to = self.starts.get(at + 1).copied().unwrap_or(self.bytes.len());
        self.bytes.get(from..to).unwrap_or(&[])
    }
    fn class(&self, _document: u32) -> u8 {
        1
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(log), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: families LOG.jsonl OUT.tsv".into());
    };
    let mut options = MineOptions::default();
    let (mut seal_every, mut key) = (None, 7);
    for setting in arguments {
        let (name, value) = setting.split_once('=').ok_or("options are written NAME=VALUE")?;
        if name == "live" {
            seal_every = Some(value.parse()?);
            continue;
        }
        if name == "key" {
            key = value.parse()?;
            continue;
        }
        set(&mut options, name, value.parse()?)?;
    }
    let mut rows: Vec<(i64, String, String, String)> = Vec::new();
    for line in std::io::BufReader::new(std::fs::File::open(&log)?).lines() {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let text = |field: &str| row.get(field).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let time = row.get("ts").and_then(serde_json::Value::as_i64).unwrap_or(0);
        rows.push((
            time,
            text("id").unwrap_or_default(),
            text("account").unwrap_or_default(),
            text("prompt").unwrap_or_default(),
        ));
    }
    if seal_every.is_none() {
        rows.sort();
    }
    let start = Instant::now();
    let (normalizer, anchorer) = (Normalizer::new(Kernels::detect()), Anchorer::new(&[key; 32], Kernels::detect()));
    let (mut form, mut scratch, mut anchors) = (NormalForm::default(), Scratch::default(), Anchors::default());
    let (mut column, mut uses) = (Column::default(), Vec::new());
    let (mut documents, mut accounts): (HashMap<String, u32>, HashMap<String, u32>) = (HashMap::new(), HashMap::new());
    for (time_ms, _, account, prompt) in &rows {
        normalizer.normalize(prompt.as_bytes(), &mut form);
        let document = match documents.get(form.text()) {
            Some(&known) => known,
            None => {
                let new = column.count();
                anchorer.anchors(&form, &mut scratch, &mut anchors);
                column.starts.push(column.bytes.len());
                encode(&anchors, &mut column.bytes);
                documents.insert(form.text().to_owned(), new);
                new
            }
        };
        let next = num::u32_saturating(accounts.len());
        let account = if account.is_empty() { NO_ACCOUNT } else { *accounts.entry(account.clone()).or_insert(next) };
        uses.push(Use { document, account, principal: account, time_ms: *time_ms });
    }
    if let Some(seal_every) = seal_every {
        let ids: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
        std::fs::write(&out, live::replay(&ids, &uses, &column, &options, seal_every)?)?;
        return Ok(());
    }
    let read = start.elapsed();
    let families = mine(&column, uses.as_slice(), &options, &|_, _, _| true)?;
    let mined = start.elapsed() - read;
    std::fs::write(&out, tsv(&rows, &uses, &families)?)?;
    let (same, stray) = live::agreement(&column, &families);
    writeln!(
        std::io::stderr(),
        "lookup in the sealed table gives the mined family to {:.1} % of its texts, and a family to {:.1} % of the others",
        same * 100.0,
        stray * 100.0
    )?;
    let rate = |seconds: f64| num::f64_of(rows.len()) / seconds / 1000.0;
    writeln!(
        std::io::stderr(),
        "{} requests, {} texts, {} families; {} B of anchors a text; anchors {:.0} k/s, mining {:.0} k/s",
        rows.len(),
        column.count(),
        families.families.len(),
        column.bytes.len() / column.starts.len().max(1),
        rate(read.as_secs_f64()),
        rate(mined.as_secs_f64()),
    )?;
    Ok(())
}

/// Sets one option by its name.
fn set(options: &mut MineOptions, name: &str, value: f64) -> Result<(), String> {
    let count = || num::u32_saturating(num::usize_of_f64(value));
    match name {
        "recurrence_min" => options.recurrence_min = count(),
        "skeleton_min" => options.skeleton_min = value,
        "place_weight" => options.place_weight = value,
        "volume_octaves" => options.volume_octaves = value,
        "explained_min" => options.explained_min = value,
        "held_min" => options.held_min = value,
        "merge_jaccard" => options.merge_jaccard = value,
        "carriers_max" => options.carriers_max = count(),
        "everyday_bits" => options.everyday_bits = value,
        "unreturned_bits" => options.unreturned_bits = value,
        "join_bits" => options.join_bits = value,
        "join_share" => options.join_share = value,
        _ => return Err(format!("no option is called {name}")),
    }
    Ok(())
}

fn tsv(rows: &[(i64, String, String, String)], uses: &[Use], found: &Families) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for (row, request) in rows.iter().zip(uses) {
        let at = num::usize_of(request.document);
        let name = |family: u32| found.families.get(num::usize_of(family)).map(|f| format!("{:010x}.{}", f.id, family));
        let best = found.of_document.get(at).copied().flatten().and_then(|m| name(m.family));
        let range = found.match_starts.get(at).zip(found.match_starts.get(at + 1));
        let matches = range.and_then(|(&from, &to)| found.matches.get(num::usize_of(from)..num::usize_of(to)));
        let all: Vec<String> = matches.into_iter().flatten().filter_map(|m| name(m.family)).collect();
        writeln!(out, "{}\t{}\t{}", row.1, best.unwrap_or_else(|| "-1".into()), all.join(","))?;
    }
    Ok(out)
}

//! Answers a log of queries, one by one.

use std::cell::OnceCell;
use std::path::Path;

use serde::Serialize;

use super::ingest::Skipped;
use super::lines::leave_out;
use crate::corpus::builder::PreparedRequest;
use crate::corpus::names::Reader;
use crate::corpus::prepare::{PrepareScratch, Preparer};
use crate::corpus::snapshot::display_id;
pub use crate::corpus::snapshot::spec_of;
use crate::error::Result;
use crate::key::{Keys, hex};
use crate::num::f64_of_f32;
use crate::query::{Hit, NearOptions, QueryPart, Searcher};
use crate::request::parse::{self, ParseOptions};
use crate::request::source::Batch;
use crate::simd::Kernels;
use crate::store::manifest::Manifest;

/// One query's answer, as users see it.
#[derive(Debug, Clone, Serialize)]
pub struct NearAnswer {
    /// The query's id.
    pub id: String,
    /// Requests near it, best first.
    pub hits: Vec<NearHit>,
    /// Whether a bound cut the search short.
    pub truncated: bool,
}

/// One request near a query.
#[derive(Debug, Clone, Serialize)]
pub struct NearHit {
    /// Its id.
    pub id: String,
    /// Estimated resemblance of its best part, to four places.
    pub resemblance: f64,
}

/// Answers every request of the log `input`, read under `parse_options`; `answer` gets each in order and may end the work by returning false.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`], [`crate::Error::InvalidArgument`]. Lines that cannot be used are skipped and returned.
pub fn near(
    searcher: &Searcher<'_>,
    preparer: &Preparer,
    input: &Path,
    parse_options: &ParseOptions,
    options: NearOptions,
    mut answer: impl FnMut(NearAnswer) -> Result<bool>,
) -> Result<Skipped> {
    let mut ids = Ids::new(searcher, preparer.keys())?;
    let mut scratch = PrepareScratch::default();
    let mut parse_scratch = parse::Scratch::default();
    let mut parsed = Vec::new();
    let mut skipped = Skipped::default();
    let mut reader = parse_options.open(input)?;
    let mut batch = Batch::default();
    while reader.next_batch(1024, 8 << 20, &mut batch)? > 0 || !batch.skipped().is_empty() {
        for (line, reason) in batch.skipped() {
            skipped.add(reader.name(), *line, reason.clone());
        }
        for line in batch.lines() {
            parsed.clear();
            if let Err(reason) = parse::parse_line(line.bytes, parse_options, &mut parse_scratch, &mut parsed) {
                skipped.add(reader.name(), line.number, reason);
                continue;
            }
            for (place, mut query) in parsed.drain(..).enumerate() {
                // What the store knows as an earlier turn is not asked here, and would find the query's own conversation.
                let mut turns = preparer.turns(&query);
                leave_out(&mut query, &mut turns, &|turn| searcher.snapshot().tells(searcher.views(), turn));
                let (prepared, _) = preparer.request(query.request, line.bytes, place, &mut scratch);
                if !answer(answer_one(searcher, &mut ids, prepared, options)?)? {
                    return Ok(skipped);
                }
            }
        }
    }
    Ok(skipped)
}

fn answer_one(
    searcher: &Searcher<'_>,
    ids: &mut Ids<'_>,
    query: PreparedRequest,
    options: NearOptions,
) -> Result<NearAnswer> {
    let parts: Vec<QueryPart<'_>> = query
        .parts
        .iter()
        .map(|part| QueryPart { kind: part.kind, signature: &part.signature, is_empty: part.is_empty })
        .collect();
    let found = searcher.near(&parts, Some(query.identity), options)?;
    let mut hits = Vec::with_capacity(found.hits.len());
    for hit in &found.hits {
        let resemblance = (f64_of_f32(hit.resemblance) * 1e4).round() / 1e4;
        hits.push(NearHit { id: ids.of(searcher, hit)?, resemblance });
    }
    let id = query.id.unwrap_or_else(|| hex(&query.identity.to_le_bytes()));
    Ok(NearAnswer { id, hits, truncated: found.truncated })
}

/// The ids that users see for hits, opened as they are needed.
struct Ids<'a> {
    keys: &'a Keys,
    readers: Vec<Reader<'a>>,
    identities: Vec<OnceCell<Vec<u128>>>,
}

impl<'a> Ids<'a> {
    fn new(searcher: &Searcher<'a>, keys: &'a Keys) -> Result<Self> {
        let readers = searcher.views().iter().map(|view| view.ids()).collect::<Result<Vec<_>>>()?;
        let identities = searcher.views().iter().map(|_| OnceCell::new()).collect();
        Ok(Self { keys, readers, identities })
    }

    fn of(&mut self, searcher: &Searcher<'_>, hit: &Hit) -> Result<String> {
        let view = &searcher.views()[hit.segment];
        let identities = &self.identities[hit.segment];
        let own = || identities.get_or_init(|| view.identities_by_row()).get(hit.row).copied().unwrap_or(0);
        display_id(view, &mut self.readers[hit.segment], self.keys, hit.row, own)
    }
}

/// A preparer for a store that exists: under the spec of its sketches.
/// # Errors
/// [`crate::Error::Corrupt`] when the manifest names no spec of this build.
pub fn preparer_of(manifest: &Manifest, dir: &Path, keys: Keys, kernels: Kernels) -> Result<Preparer> {
    Ok(Preparer::new(spec_of(manifest, dir)?, keys, kernels))
}

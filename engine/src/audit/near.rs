//! Answers a log of queries, one by one.

use std::cell::OnceCell;
use std::path::Path;

use serde::Serialize;

use super::ingest::Skipped;
use super::lines::leave_out;
use crate::corpus::builder::PreparedRequest;
use crate::corpus::names::Reader;
use crate::corpus::prepare::{PrepareScratch, Preparer};
pub use crate::corpus::snapshot::spec_of;
use crate::corpus::snapshot::{check_codes, display_id};
use crate::error::Result;
use crate::key::{Keys, hex};
use crate::num::f64_of_f32;
use crate::query::neighbors::{By, NeighborOptions, NeighborScratch};
use crate::query::{NearOptions, QueryPart, Searcher};
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
    /// Estimated cosine of the embedding codes of that part, to four places; left out where bands decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
}

/// How queries are answered.
#[derive(Debug, Clone, Copy)]
pub enum NearBy {
    /// What resembles them above a threshold.
    Bands(NearOptions),
    /// What is nearest, however far.
    Sketches(NeighborOptions),
}

/// Answers every request of the log `input`, read under `parse_options`; `answer` gets each in order and may end the work by returning false.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`], [`crate::Error::InvalidArgument`]. Lines that cannot be used are skipped and returned.
pub fn near(
    searcher: &Searcher<'_>,
    preparer: &Preparer,
    input: &Path,
    parse_options: &ParseOptions,
    by: NearBy,
    mut answer: impl FnMut(NearAnswer) -> Result<bool>,
) -> Result<Skipped> {
    if let (NearBy::Sketches(NeighborOptions { by: By::Code | By::All, .. }), Some(origin)) =
        (by, preparer.code_origin())
    {
        check_codes(searcher.code_origin(), origin)?;
    }
    let mut ids = Ids::new(searcher, preparer.keys())?;
    let mut scratch = PrepareScratch::default();
    let mut neighbor_scratch = NeighborScratch::default();
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
                if !answer(answer_one(searcher, &mut ids, prepared, by, &mut neighbor_scratch)?)? {
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
    by: NearBy,
    scratch: &mut NeighborScratch,
) -> Result<NearAnswer> {
    let parts: Vec<QueryPart<'_>> = query
        .parts
        .iter()
        .map(|part| QueryPart {
            kind: part.kind,
            signature: &part.signature,
            code: &part.code,
            is_empty: part.is_empty,
        })
        .collect();
    let exclude = Some(query.identity);
    let rounded = |score: f32| (f64_of_f32(score) * 1e4).round() / 1e4;
    let mut hits = Vec::new();
    let truncated = match by {
        NearBy::Bands(options) => {
            let found = searcher.near(&parts, exclude, options)?;
            for hit in &found.hits {
                let id = ids.of(searcher, hit.segment, hit.row)?;
                hits.push(NearHit { id, resemblance: rounded(hit.resemblance), cosine: None });
            }
            found.truncated
        }
        NearBy::Sketches(options) => {
            let found = searcher.neighbors(&parts, exclude, &options, scratch)?;
            for hit in &found.hits {
                let id = ids.of(searcher, hit.segment, hit.row)?;
                let resemblance = hit.resemblance.map_or(0.0, rounded);
                hits.push(NearHit { id, resemblance, cosine: hit.cosine.map(rounded) });
            }
            found.truncated
        }
    };
    let id = query.id.unwrap_or_else(|| hex(&query.identity.to_le_bytes()));
    Ok(NearAnswer { id, hits, truncated })
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

    fn of(&mut self, searcher: &Searcher<'_>, segment: usize, row: usize) -> Result<String> {
        let view = &searcher.views()[segment];
        let identities = &self.identities[segment];
        let own = || identities.get_or_init(|| view.identities_by_row()).get(row).copied().unwrap_or(0);
        display_id(view, &mut self.readers[segment], self.keys, row, own)
    }
}

/// A preparer for a store that exists: under the spec of its sketches.
/// # Errors
/// [`crate::Error::Corrupt`] when the manifest names no spec of this build.
pub fn preparer_of(manifest: &Manifest, dir: &Path, keys: Keys, kernels: Kernels) -> Result<Preparer> {
    Ok(Preparer::new(spec_of(manifest, dir)?, keys, kernels))
}

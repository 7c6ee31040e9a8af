//! Answers a log of queries, one by one.

use std::path::Path;

use serde::Serialize;

use super::ingest::Skipped;
use crate::corpus::prepare::{PrepareScratch, Preparer};
use crate::corpus::snapshot::display_id;
use crate::error::{CorruptKind, Error, Result};
use crate::key::{Keys, hex, unhex};
use crate::num::f64_of_f32;
use crate::query::{NearOptions, QueryPart, Searcher};
use crate::request::parse::{self, ParseOptions};
use crate::request::source::{Batch, LineReader};
use crate::simd::Kernels;
use crate::sketch::spec::Spec;
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
    /// Estimated resemblance of its best part.
    pub resemblance: f64,
}

/// Answers every request of the log `input`; `answer` gets each in order and may end the work by returning false.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`], [`Error::InvalidArgument`]. Lines that cannot be used are skipped and returned.
pub fn near(
    searcher: &Searcher<'_>,
    keys: &Keys,
    manifest: &Manifest,
    kernels: Kernels,
    input: &Path,
    options: NearOptions,
    mut answer: impl FnMut(NearAnswer) -> Result<bool>,
) -> Result<Skipped> {
    let preparer = Preparer::new(spec_of(manifest, input)?, keys.clone(), kernels);
    let mut scratch = PrepareScratch::default();
    let mut skipped = Skipped::default();
    let mut readers = searcher.views().iter().map(|view| view.ids()).collect::<Result<Vec<_>>>()?;
    let identities: Vec<_> = searcher.views().iter().map(|_| std::cell::OnceCell::<Vec<u128>>::new()).collect();
    let mut reader = LineReader::open(input)?;
    let mut batch = Batch::default();
    let parse_options = ParseOptions::default();
    while reader.next_batch(1024, 8 << 20, &mut batch)? > 0 || !batch.skipped().is_empty() {
        for (line, reason) in batch.skipped() {
            skipped.add(reader.name(), *line, reason.clone());
        }
        for line in batch.lines() {
            let request = match parse::parse_line(line.bytes, &parse_options) {
                Ok(Some(request)) => request,
                Ok(None) => continue,
                Err(reason) => {
                    skipped.add(reader.name(), line.number, reason);
                    continue;
                }
            };
            let (prepared, _) = preparer.request(request, line.bytes, &mut scratch);
            let parts: Vec<QueryPart<'_>> = prepared
                .parts
                .iter()
                .map(|part| QueryPart { kind: part.kind, signature: &part.signature, is_empty: part.is_empty })
                .collect();
            let found = searcher.near(&parts, Some(prepared.identity), options)?;
            let mut hits = Vec::with_capacity(found.hits.len());
            for hit in &found.hits {
                let view = &searcher.views()[hit.segment];
                let own = || {
                    let by_row = identities[hit.segment].get_or_init(|| view.identities_by_row());
                    by_row.get(hit.row).copied().unwrap_or(0)
                };
                let id = display_id(view, &mut readers[hit.segment], keys, hit.row, own)?;
                hits.push(NearHit { id, resemblance: (f64_of_f32(hit.resemblance) * 1e4).round() / 1e4 });
            }
            let id = prepared.id.unwrap_or_else(|| hex(&prepared.identity.to_le_bytes()));
            if !answer(NearAnswer { id, hits, truncated: found.truncated })? {
                return Ok(skipped);
            }
        }
    }
    Ok(skipped)
}

/// The spec that a store's sketches were made under.
pub(super) fn spec_of(manifest: &Manifest, path: &Path) -> Result<Spec> {
    let bytes = unhex(&manifest.spec).and_then(|bytes| <[u8; Spec::ENCODED_BYTES]>::try_from(bytes).ok());
    Spec::decode(&bytes.ok_or_else(|| Error::corrupt(path, 0, CorruptKind::Value))?)
}

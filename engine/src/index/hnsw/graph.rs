//! A sealed graph, opened where its bytes lie: in a mapped segment, or in memory.

use std::path::Path;

use super::image::{Flaw, HAS_TWINS, Header, VERSION};
use super::record::{Node, RECORD_BYTES};
use super::scan::scan;
use super::search::{FirstNodes, Scratch, SearchOptions, Searched, walk};
use super::{Hit, Metric, Row, SKETCH_BYTES};
use crate::error::{CorruptKind, Error, Result};
use crate::limits::CANDIDATES_MAX;
use crate::num::{u32_at, usize_of, usize_of_u64};
use crate::simd::Kernels;

/// Below so many nodes an exact sweep is as fast as the walk, and finds all: no graph need be made.
pub const SCAN_NODES_MAX: usize = 8_192;

/// Which file an image came from, and where it starts there, so that an error can say so.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file.
    pub path: &'a Path,
    /// The offset of the image in it, in bytes.
    pub offset: u64,
}

/// A sealed graph. Copies are cheap; the bytes stay where they are.
///
/// Opening checks the header and all sizes, and costs microseconds whatever the size. Records are not read: a search over
/// damaged ones may answer wrongly, but reads nothing outside the image, does not panic, and ends.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    header: Header,
    kernels: Kernels,
    records: &'a [[u8; RECORD_BYTES]],
    rows: &'a [[u8; 4]],
    twins: &'a [[u8; 8]],
}

impl<'a> Graph<'a> {
    /// Opens an image, which must be all of `image`, at any address (a multiple of 64 is fastest).
    /// # Errors
    /// [`Error::Corrupt`] when it is cut short, foreign or contradicts itself; [`Error::IncompatibleFormat`] for another
    /// version; [`Error::SpecMismatch`] for another metric.
    pub fn open(image: &'a [u8], origin: Origin<'_>, metric: Metric, kernels: Kernels) -> Result<Self> {
        let damaged = |at: u64, kind| Error::corrupt(origin.path, origin.offset.saturating_add(at), kind);
        let header = Header::parse(image).map_err(|flaw| match flaw {
            Flaw::Damaged(at, kind) => damaged(at, kind),
            Flaw::Version(found) => {
                Error::IncompatibleFormat { path: origin.path.to_path_buf(), found, supported: VERSION }
            }
        })?;
        if header.metric != metric {
            return Err(Error::SpecMismatch {
                what: format!("the graph compares by {:?}, the query by {metric:?}", header.metric),
            });
        }
        let layout = header.layout();
        let section = |start: u64, count: u32, width: u64| {
            let end = start.checked_add(u64::from(count) * width);
            let range = usize_of_u64(start).zip(end.and_then(usize_of_u64));
            range.and_then(|(start, end)| image.get(start..end)).ok_or(damaged(start, CorruptKind::Bounds))
        };
        let (records, _) = section(layout.records, header.nodes, 256)?.as_chunks();
        let (rows, _) = section(layout.rows, header.nodes, 4)?.as_chunks();
        let (twins, _) = section(layout.twins, header.twins, 8)?.as_chunks();
        Ok(Self { header, kernels, records, rows, twins })
    }

    /// How many nodes the graph has: sketches that differ.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.records.len()
    }

    /// How many rows it can answer with.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.records.len() + self.twins.len()
    }

    /// How sketches are compared.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.header.metric
    }

    /// Puts the rows nearest to `query` in `hits`, nearest first, equal distances by ascending row: at most `options.k`, and
    /// only rows that `keep` lets through (tombstones, another account's ...). The search passes through rows that are
    /// not kept, so a filter that keeps few needs a larger `ef`; [`Searched::truncated`] says that fewer than `k` were
    /// found though there are more rows. In graphs of under some 8,000 nodes the answer is exact.
    /// Rows come from the image: check them against the column before use.
    pub fn search(
        &self,
        query: &[u8; SKETCH_BYTES],
        options: &SearchOptions,
        mut keep: impl FnMut(Row) -> bool,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Searched {
        if self.records.len() < SCAN_NODES_MAX {
            return self.search_exact(query, options, keep, scratch, hits);
        }
        hits.clear();
        let ef = options.ef.max(options.k).min(self.records.len());
        let entries = FirstNodes(self.header.entries);
        let evaluated = walk(self.kernels, self.metric(), self.records, entries, query, ef, scratch);
        let cut = self.emit(options.k, &mut keep, scratch, hits);
        Searched { evaluated, truncated: cut || (hits.len() < options.k && hits.len() < self.row_count()) }
    }

    /// The exact answer, by looking at every node: for small graphs, and for measuring [`Graph::search`].
    pub fn search_exact(
        &self,
        query: &[u8; SKETCH_BYTES],
        options: &SearchOptions,
        mut keep: impl FnMut(Row) -> bool,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Searched {
        hits.clear();
        let limit = options.k.min(self.records.len());
        if limit == 0 {
            return Searched::default();
        }
        let admit = |node| self.rows_of(node).any(&mut keep);
        let pool = &mut scratch.pool;
        let evaluated =
            scan(self.kernels, self.metric(), self.records.iter().map(Node::sketch), query, limit, admit, pool);
        let truncated = self.emit(options.k, &mut keep, scratch, hits);
        Searched { evaluated, truncated }
    }

    /// Turns the nodes of the pool into hits; true when a bound on twins cut it short.
    fn emit(&self, k: usize, keep: &mut impl FnMut(Row) -> bool, scratch: &Scratch, hits: &mut Vec<Hit>) -> bool {
        let mut cut = false;
        let mut looked = 0_usize;
        for (distance, node) in scratch.pool.nodes() {
            // All rows as near as the last that fits are needed, to put equal distances in order of rows.
            if hits.len() >= k && hits.last().is_none_or(|last| last.distance < distance) {
                break;
            }
            let before = hits.len();
            for (row, twin) in self.rows_of(node).zip(0_usize..) {
                looked += usize::from(twin > 0);
                if looked > CANDIDATES_MAX {
                    cut = true;
                    break;
                }
                if hits.len() - before >= k {
                    break;
                }
                if keep(row) {
                    hits.push(Hit { distance, row });
                }
            }
        }
        hits.sort_unstable();
        hits.truncate(k);
        cut
    }

    /// The rows of a node, ascending.
    fn rows_of(&self, node: u32) -> impl Iterator<Item = Row> + '_ {
        let row = self.rows.get(usize_of(node)).map_or(0, |&row| u32::from_le_bytes(row));
        let first = if row & HAS_TWINS == 0 { self.twins.len() } else { self.first_twin(node) };
        let twins = self.twins.iter().skip(first).map_while(move |twin| {
            let of = u32_at(twin, 0)?;
            if of == node { u32_at(twin, 4) } else { None }
        });
        std::iter::once(row & !HAS_TWINS).chain(twins).map(Row)
    }

    /// Where the twins of a node begin.
    fn first_twin(&self, node: u32) -> usize {
        self.twins.partition_point(|twin| u32_at(twin, 0).is_some_and(|of| of < node))
    }

    /// The sketches and rows, in the order of the nodes; twins follow their node. For merging and verifying.
    pub(super) fn sketches(&self) -> impl Iterator<Item = (u32, Row, &'a [u8; SKETCH_BYTES])> + '_ {
        self.records.iter().zip(0u32..).flat_map(|(record, node)| {
            let sketch = record.sketch();
            self.rows_of(node).map(move |row| (node, row, sketch))
        })
    }

    /// The links of a node, as stored.
    pub(super) fn links(&self, node: u32) -> impl Iterator<Item = u32> + 'a {
        self.records.get(usize_of(node)).into_iter().flat_map(|record| record.links())
    }

    /// Looks at every record: whether links, rows and twins lie inside the graph and every node can be reached.
    /// Reads the whole image; for `verify` and for tests.
    /// # Errors
    /// The offset in the image, and what is wrong there.
    pub fn check(&self) -> std::result::Result<(), (u64, CorruptKind)> {
        let layout = self.header.layout();
        let mut reached = vec![false; self.records.len()];
        let mut queue: Vec<u32> = (0..self.header.entries).collect();
        for mark in reached.iter_mut().take(queue.len()) {
            *mark = true;
        }
        while let Some(node) = queue.pop() {
            for link in self.links(node) {
                let Some(mark) = reached.get_mut(usize_of(link)) else {
                    return Err((layout.records + 256 * u64::from(node), CorruptKind::Bounds));
                };
                if !std::mem::replace(mark, true) {
                    queue.push(link);
                }
            }
        }
        if let Some(at) = reached.iter().position(|&mark| !mark) {
            return Err((layout.records + 256 * crate::num::u64_of(at), CorruptKind::Value));
        }
        let pairs: Vec<(u32, u32)> =
            self.twins.iter().filter_map(|twin| u32_at(twin, 0).zip(u32_at(twin, 4))).collect();
        let in_order = pairs.windows(2).all(|pair| pair[0] < pair[1]);
        if !in_order || pairs.iter().any(|&(node, row)| node >= self.header.nodes || row > Row::MAX) {
            return Err((layout.twins, CorruptKind::Value));
        }
        for (&row, node) in self.rows.iter().zip(0u32..) {
            let flagged = u32::from_le_bytes(row) & HAS_TWINS != 0;
            if flagged != pairs.get(self.first_twin(node)).is_some_and(|&(of, _)| of == node) {
                return Err((layout.rows + 4 * u64::from(node), CorruptKind::Value));
            }
        }
        Ok(())
    }
}

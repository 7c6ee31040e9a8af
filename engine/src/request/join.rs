//! Completes requests from an access log without bodies: address, user agent and time, by the id of the request.
//!
//! The access log is read first and kept as a sorted list of 24 bytes a line; addresses and user agents, which repeat, are
//! kept once each.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Request;
use super::access;
use super::json::Tape;
use super::source::{Batch, LineReader};
use crate::error::{Error, Result};
use crate::{limits, num};

/// Bytes an index may take unless the caller says otherwise: 30 million lines.
pub const JOIN_BYTES_DEFAULT: u64 = 1 << 30;

/// Lines and bytes that are read at a time.
const BATCH_LINES: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// Bytes that a kept text takes beside itself.
const TEXT_OVERHEAD_BYTES: u64 = 48;

/// No text, and no time.
const NONE: u32 = u32::MAX;
const NO_TIME: i64 = i64::MIN;

/// An access log by request id.
#[derive(Debug)]
pub struct AccessIndex {
    entries: Vec<Entry>,
    texts: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    seed: u64,
    bytes: u64,
    bytes_max: u64,
    skipped: u64,
    sorted: bool,
    /// Requests completed so far, over all threads.
    completed: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u64,
    time_ms: i64,
    ip: u32,
    user_agent: u32,
}

impl AccessIndex {
    /// An empty index that takes at most `bytes_max` bytes. `seed` keys the hashes of ids: two ids that meet by chance
    /// (one pair in 10^19) would share their entry.
    #[must_use]
    pub fn new(bytes_max: u64, seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            texts: Vec::new(),
            known: HashMap::new(),
            seed,
            bytes: 0,
            bytes_max,
            skipped: 0,
            sorted: true,
            completed: AtomicU64::new(0),
        }
    }

    /// Reads the access log at `path`, as [`Self::add`] does.
    /// # Errors
    /// As [`Self::add`], and [`Error::InvalidArgument`] for a log of which no line has a request id.
    pub fn open(&mut self, path: &Path) -> Result<()> {
        let before = self.entries.len();
        self.add(&mut LineReader::open_columns(path, &access::columns())?)?;
        if self.entries.len() == before && self.skipped > 0 {
            let reason = format!("no line of {} has a request id", path.display());
            return Err(Error::InvalidArgument { argument: "access log", reason });
        }
        Ok(())
    }

    /// Adds all lines of a log. JSON objects, CSV and TSV with a header, Envoy's default format and the combined format
    /// with the request id as its last word are understood; other lines are counted and passed over.
    /// # Errors
    /// Those of [`LineReader::next_batch`]; [`Error::LimitExceeded`] when the index would pass its bound.
    pub fn add(&mut self, reader: &mut LineReader) -> Result<()> {
        let (mut batch, mut tape) = (Batch::default(), Tape::default());
        while reader.next_batch(BATCH_LINES, BATCH_BYTES, &mut batch)? > 0 {
            self.skipped += num::u64_of(batch.skipped().len());
            for line in batch.lines() {
                self.add_line(&String::from_utf8_lossy(line.bytes), &mut tape)?;
            }
        }
        self.sort();
        Ok(())
    }

    fn add_line(&mut self, line: &str, tape: &mut Tape) -> Result<()> {
        let Some(line) = access::read(line, tape) else {
            self.skipped += 1;
            return Ok(());
        };
        let ip = self.text(line.ip);
        let user_agent = self.text(line.user_agent);
        let time_ms = line.time_ms.unwrap_or(NO_TIME);
        self.entries.push(Entry { id: self.hash(&line.id), time_ms, ip, user_agent });
        self.bytes += num::u64_of(size_of::<Entry>());
        self.sorted = false;
        if self.bytes > self.bytes_max {
            return Err(Error::LimitExceeded { limit: "access log index bytes", got: self.bytes, max: self.bytes_max });
        }
        Ok(())
    }

    fn text(&mut self, text: Option<String>) -> u32 {
        let Some(mut text) = text.filter(|text| !text.is_empty()) else { return NONE };
        if text.len() > limits::NAME_BYTES_MAX {
            let end = (0..=limits::NAME_BYTES_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.truncate(end);
        }
        if let Some(&number) = self.known.get(text.as_str()) {
            return number;
        }
        let number = num::u32_saturating(self.texts.len());
        if number == NONE {
            return NONE;
        }
        self.bytes += 2 * num::u64_of(text.len()) + TEXT_OVERHEAD_BYTES;
        self.known.insert(text.as_str().into(), number);
        self.texts.push(text.into());
        number
    }

    fn sort(&mut self) {
        if !self.sorted {
            // Stable, so that of two lines with one id the first one counts, as it does in the log.
            self.entries.sort_by_key(|entry| entry.id);
            self.entries.dedup_by_key(|entry| entry.id);
            self.sorted = true;
        }
    }

    fn hash(&self, id: &str) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(id.as_bytes(), self.seed)
    }

    /// Fills in what `request` does not know itself; `false` where the access log does not know its id.
    pub fn complete(&self, request: &mut Request) -> bool {
        let Some(id) = &request.id else { return false };
        let id = self.hash(id);
        let Ok(at) = self.entries.binary_search_by_key(&id, |entry| entry.id) else { return false };
        let Some(entry) = self.entries.get(at) else { return false };
        let text = |number: u32| self.texts.get(num::usize_of(number)).map(|text| text.to_string());
        let tags = &mut request.tags;
        tags.ip = tags.ip.take().or_else(|| text(entry.ip));
        tags.user_agent = tags.user_agent.take().or_else(|| text(entry.user_agent));
        request.time_ms = request.time_ms.or((entry.time_ms != NO_TIME).then_some(entry.time_ms));
        self.completed.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// How many requests [`Self::complete`] knew.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }

    /// How many requests the index knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lines that had no id or could not be read.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn index(text: String, bytes_max: u64) -> Result<AccessIndex> {
        let mut reader = LineReader::from_reader(Box::new(Cursor::new(text)), "access.log").expect("opens");
        let mut index = AccessIndex::new(bytes_max, 5);
        index.add(&mut reader).map(|()| index)
    }

    #[test]
    fn requests_are_completed_but_never_overwritten() {
        let text = (0..1000).map(|n| {
            format!(
                "{{\"request_id\":\"r{n}\",\"ip\":\"10.0.0.{}\",\"ua\":\"x\",\"ts\":{}}}\n",
                n % 9,
                1_789_948_804_000_i64 + n
            )
        });
        let index = index(text.chain(["no id\n".to_owned()]).collect(), JOIN_BYTES_DEFAULT).expect("in bounds");
        assert_eq!((index.len(), index.skipped(), index.texts.len()), (1000, 1, 10));
        let mut request = Request { id: Some("r13".to_owned()), ..Request::default() };
        request.tags.user_agent = Some("its own".to_owned());
        assert!(index.complete(&mut request));
        assert_eq!(request.tags.ip.as_deref(), Some("10.0.0.4"));
        assert_eq!(request.tags.user_agent.as_deref(), Some("its own"));
        assert_eq!(request.time_ms, Some(1_789_948_804_013));
        assert!(!index.complete(&mut Request { id: Some("r1000".to_owned()), ..Request::default() }));
        assert!(!index.complete(&mut Request::default()));
    }

    #[test]
    fn envoys_own_format_is_read_line_by_line() {
        let line = |id: &str| {
            format!(
                "[2026-09-21T00:00:04.000Z] \"POST / HTTP/2\" 200 - 1 0 2 1 \"203.0.113.7\" \"curl/8\" \"{id}\" \"api\" \"-\"\n"
            )
        };
        let index = index(line("0f1e2d3c4b") + &line("1f1e2d3c4b"), JOIN_BYTES_DEFAULT).expect("in bounds");
        assert_eq!((index.len(), index.skipped()), (2, 0));
    }

    #[test]
    fn the_index_is_bounded() {
        let text = |n: u32| (0..n).map(|n| format!("{{\"request_id\":\"r{n}\"}}\n")).collect::<String>();
        assert!(index(text(100), 2400).is_ok());
        assert!(matches!(index(text(101), 2400), Err(Error::LimitExceeded { .. })));
    }
}

//! Opens a log, plain or compressed, and yields its lines in batches of bounded size.
//!
//! A line is one record: a line of text, one value of a JSON list or of values one after the other, or a row of a CSV
//! file as a JSON object (`super::split`, `super::csv`).
//! Everything streams: a line that is too long is passed over without being held, and a compressed stream may only grow
//! so far beyond its size. A damaged stream gives the whole lines before the damage, then the error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;

#[cfg(feature = "parquet")]
use super::columnar::Columns;
use super::csv::Rows;
use super::formats;
use super::json::Tape;
use super::split::Values;
use super::unfold::unfold;
use crate::error::{Error, LineError, Result};
use crate::{limits, num};

const BUFFER_BYTES: usize = 256 << 10;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Zstd frames that hold no data (0x184D2A50 to 0x184D2A5F) may come first, as `pzstd` writes them.
const ZSTD_SKIPPABLE_MAGIC: &[u8] = &[0x2a, 0x4d, 0x18];
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Lines of one log, side by side in one buffer, so that many threads can parse them.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    lines: Vec<(u64, Range<usize>)>,
    skipped: Vec<(u64, LineError)>,
}

/// One line of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line of the log, counted from 1.
    pub number: u64,
    /// Its bytes, without the line break.
    pub bytes: &'a [u8],
}

impl Batch {
    /// How many lines the batch holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at `index`, counted from 0 within the batch.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Line<'_>> {
        let (number, range) = self.lines.get(index)?;
        Some(Line { number: *number, bytes: self.bytes.get(range.clone())? })
    }

    /// All lines, in the order of the log.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Line<'_>> {
        self.lines
            .iter()
            .map(|(number, range)| Line { number: *number, bytes: self.bytes.get(range.clone()).unwrap_or_default() })
    }

    /// Lines that were passed over while the batch was filled, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[(u64, LineError)] {
        &self.skipped
    }

    /// Bytes of all lines together.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        // One giant line must not keep its memory for the rest of the log.
        self.bytes.shrink_to(16 << 20);
        self.lines.clear();
        self.skipped.clear();
    }
}

/// Bounds of a reader; [`Default`] gives those of [`limits`].
#[derive(Debug, Clone, Copy)]
pub struct SourceBounds {
    /// Bytes of one line.
    pub line_bytes_max: usize,
    /// Bytes out of a compressed stream before its ratio is looked at.
    pub compression_floor_bytes: u64,
    /// Bytes out per byte in, beyond the floor.
    pub compression_ratio_max: u64,
}

impl Default for SourceBounds {
    fn default() -> Self {
        Self {
            line_bytes_max: limits::LINE_BYTES_MAX,
            compression_floor_bytes: limits::COMPRESSION_FLOOR_BYTES,
            compression_ratio_max: limits::COMPRESSION_RATIO_MAX,
        }
    }
}

/// Reads the lines of one log.
pub struct LineReader {
    input: Box<dyn BufRead + Send>,
    name: String,
    compressed: bool,
    total_bytes: Option<u64>,
    consumed: Arc<AtomicU64>,
    bounds: SourceBounds,
    line: u64,
    state: State,
    records: Records,
    /// For tables whose cells may hold JSON as text, what reads it.
    folded: Option<Tape>,
}

/// How the log is cut into records.
enum Records {
    Lines,
    Values(Values),
    Rows(Box<Rows>),
    #[cfg(feature = "parquet")]
    Columns(Columns),
}

enum State {
    Reading,
    /// The stream broke after lines that are still to be handed out.
    Broken(Error),
    Done,
}

/// How reading one record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Line,
    TooLong,
    End,
}

impl LineReader {
    /// Opens the log at `path`; `-` is standard input. Gzip and Zstandard are known by their first bytes, CSV and TSV by
    /// the name of the file, Parquet and Arrow IPC (feature `parquet`) by their first bytes.
    /// # Errors
    /// [`Error::Io`] when the file cannot be opened or its first bytes cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = Self::open_columns(path, formats::COLUMNS)?;
        // Known formats find lists and objects by name, also where a table keeps them as text.
        if matches!(reader.records, Records::Lines | Records::Values(_)) {
            return Ok(reader);
        }
        reader.folded = Some(Tape::default());
        Ok(reader)
    }

    /// As [`Self::open`]; of a file in columns only `columns` are read, as [`super::map::PathMap::columns`] gives them.
    /// # Errors
    /// As [`Self::open`].
    pub fn open_columns(path: &Path, columns: &[&str]) -> Result<Self> {
        if path == Path::new("-") {
            return Self::from_reader(Box::new(io::stdin()), "standard input");
        }
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        // A pipe or a device has no length to make progress against.
        let total = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        if let Some(records) = in_columns(path, columns)? {
            let mut reader = Self::from_reader(Box::new(io::empty()), &path.display().to_string())?;
            reader.records = records;
            return Ok(reader);
        }
        let mut reader = Self::from_reader(Box::new(file), &path.display().to_string())?;
        reader.total_bytes = total;
        if let Some(delimiter) = Rows::delimiter_of(path) {
            reader.records = Records::Rows(Box::new(Rows::new(delimiter)));
        }
        Ok(reader)
    }

    /// Reads a log from any stream; `name` stands in errors.
    /// # Errors
    /// [`Error::Io`] when the first bytes cannot be read.
    pub fn from_reader(input: Box<dyn Read + Send>, name: &str) -> Result<Self> {
        Self::with_bounds(input, name, SourceBounds::default())
    }

    /// As [`Self::from_reader`], under other bounds.
    /// # Errors
    /// [`Error::Io`] when the first bytes cannot be read.
    pub fn with_bounds(input: Box<dyn Read + Send>, name: &str, bounds: SourceBounds) -> Result<Self> {
        let path = Path::new(name);
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: input, count: Arc::clone(&consumed) };
        let mut start = Vec::new();
        let mut counted = counted;
        // A pipe may give less than asked for: read until the magic can be told.
        counted.by_ref().take(4).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
        let gzip = start.starts_with(GZIP_MAGIC);
        let zstd =
            start == ZSTD_MAGIC || (start.len() == 4 && start[0] >> 4 == 5 && start[1..] == *ZSTD_SKIPPABLE_MAGIC);
        let whole = io::Cursor::new(start).chain(counted);
        let bound = |inner: Box<dyn Read + Send>| Bounded { inner, out: 0, consumed: Arc::clone(&consumed), bounds };
        let buffered = |inner| -> Box<dyn BufRead + Send> { Box::new(BufReader::with_capacity(BUFFER_BYTES, inner)) };
        let input: Box<dyn BufRead + Send> = if gzip {
            let decoder = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, whole));
            buffered(bound(Box::new(decoder)))
        } else if zstd {
            let decoder = zstd::stream::read::Decoder::new(whole).map_err(|source| Error::io("read", path, source))?;
            buffered(bound(Box::new(decoder)))
        } else {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, whole))
        };
        let mut reader = Self {
            input,
            name: name.to_owned(),
            compressed: gzip || zstd,
            total_bytes: None,
            consumed,
            bounds,
            line: 0,
            state: State::Reading,
            records: Records::Lines,
            folded: None,
        };
        reader.look();
        Ok(reader)
    }

    /// Looks at the beginning of the text: passes over a byte order mark and tells lines from values that span lines.
    fn look(&mut self) {
        let start = loop {
            match self.input.fill_buf() {
                Ok(start) => break start,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.state = State::Broken(self.explain(error));
                    return;
                }
            }
        };
        let mark = if start.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if Values::span_lines(&start[mark..]) {
            self.records = Records::Values(Values::default());
        }
        self.input.consume(mark);
    }

    /// The log's name, as errors give it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes read from the file so far, as they lie on disk.
    #[must_use]
    pub fn consumed_bytes(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Bytes of the file, where it has a length.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Fills `batch` with the next lines, at most `max_lines`, and no further line once `max_bytes` are in it (so that
    /// one line may pass that bound, up to its own). Blank lines are passed over; a batch whose lines were all too long
    /// has only [`Batch::skipped`]. Returns how many lines were taken or passed over as too long; 0 is the end of the log.
    /// # Errors
    /// [`Error::Io`] when the file cannot be read; [`Error::Line`] with [`LineError::Compression`] when the stream is
    /// damaged, cut short or grows beyond its bound. Lines whole before the damage were handed out before; after an
    /// error the log is at its end.
    pub fn next_batch(&mut self, max_lines: usize, max_bytes: usize, batch: &mut Batch) -> Result<usize> {
        batch.clear();
        match std::mem::replace(&mut self.state, State::Done) {
            State::Broken(error) => return Err(error),
            State::Done => return Ok(0),
            State::Reading => self.state = State::Reading,
        }
        while batch.len() + batch.skipped.len() < max_lines && batch.bytes.len() < max_bytes.max(1) {
            let start = batch.bytes.len();
            match self.read_record(&mut batch.bytes) {
                Ok(Outcome::Line) => {
                    self.unfold(&mut batch.bytes, start);
                    let range = trim(&batch.bytes, start);
                    if range.is_empty() {
                        batch.bytes.truncate(start);
                    } else {
                        batch.lines.push((self.line, range));
                    }
                }
                Ok(Outcome::TooLong) => {
                    batch.bytes.truncate(start);
                    let max = num::u64_of(self.bounds.line_bytes_max);
                    batch.skipped.push((self.line, LineError::TooLong { max }));
                }
                Ok(Outcome::End) => {
                    self.state = State::Done;
                    break;
                }
                Err(source) => {
                    // What is left of a cut line cannot be told from a whole one, so it is not handed out.
                    batch.bytes.truncate(start);
                    let error = self.explain(source);
                    if batch.is_empty() && batch.skipped.is_empty() {
                        self.state = State::Done;
                        return Err(error);
                    }
                    self.state = State::Broken(error);
                    break;
                }
            }
        }
        Ok(batch.len() + batch.skipped.len())
    }

    /// Opens the folded cells of the row from `start`.
    fn unfold(&mut self, bytes: &mut Vec<u8>, start: usize) {
        let Some(tape) = &mut self.folded else { return };
        let row = bytes.get(start..).and_then(|row| std::str::from_utf8(row).ok());
        if let Some(opened) = row.and_then(|row| unfold(row, tape)) {
            bytes.truncate(start);
            bytes.extend_from_slice(opened.as_bytes());
        }
    }

    fn read_record(&mut self, bytes: &mut Vec<u8>) -> io::Result<Outcome> {
        let bytes_max = self.bounds.line_bytes_max;
        match &mut self.records {
            Records::Lines => read_line(&mut *self.input, bytes, bytes_max, &mut self.line),
            Records::Values(values) => values.read(&mut *self.input, bytes, bytes_max, &mut self.line),
            Records::Rows(rows) => rows.read(&mut *self.input, bytes, bytes_max, &mut self.line),
            #[cfg(feature = "parquet")]
            Records::Columns(columns) => columns.read(bytes, bytes_max, &mut self.line),
        }
    }

    fn explain(&self, source: io::Error) -> Error {
        // The system's own errors carry its number; a decoder's do not.
        if self.compressed && source.raw_os_error().is_none() {
            let reason = match source.kind() {
                io::ErrorKind::UnexpectedEof => "the stream is cut short".to_owned(),
                _ => source.to_string(),
            };
            let line = self.line.max(1);
            return Error::Line { file: self.name.clone(), line, reason: LineError::Compression(reason) };
        }
        Error::Io { op: "read", path: PathBuf::from(&self.name), source }
    }
}

#[cfg(feature = "parquet")]
fn in_columns(path: &Path, columns: &[&str]) -> Result<Option<Records>> {
    Ok(Columns::open(path, columns)?.map(Records::Columns))
}

/// Says what is missing instead of a million lines that are no JSON.
#[cfg(not(feature = "parquet"))]
fn in_columns(path: &Path, _columns: &[&str]) -> Result<Option<Records>> {
    let mut start = Vec::new();
    let is_file = path.metadata().is_ok_and(|data| data.is_file());
    if is_file {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        file.take(6).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
    }
    if start.starts_with(b"PAR1") || start == b"ARROW1" {
        let reason =
            format!("{} is in columns: build promptprint with the feature `parquet` to read it", path.display());
        return Err(Error::InvalidArgument { argument: "log", reason });
    }
    Ok(None)
}

/// What can be read now; empty at the end.
pub(super) fn available(input: &mut dyn BufRead) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // Borrowed twice because a loop may not hand out the first borrow.
            Ok(_) => return input.fill_buf(),
        }
    }
}

/// Appends the next line to `bytes`; one beyond the bound is read to its end but not kept.
fn read_line(input: &mut dyn BufRead, bytes: &mut Vec<u8>, bytes_max: usize, line: &mut u64) -> io::Result<Outcome> {
    let start = bytes.len();
    let mut too_long = false;
    let mut seen = false;
    loop {
        let available = available(input)?;
        if available.is_empty() {
            return Ok(match (seen, too_long) {
                (false, _) => Outcome::End,
                (true, true) => Outcome::TooLong,
                (true, false) => Outcome::Line,
            });
        }
        if !seen {
            seen = true;
            *line += 1;
        }
        let line_break = memchr(b'\n', available);
        let piece = &available[..line_break.unwrap_or(available.len())];
        if bytes.len() - start + piece.len() > bytes_max {
            too_long = true;
            bytes.truncate(start);
        } else if !too_long {
            bytes.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(line_break.is_some());
        input.consume(used);
        if line_break.is_some() {
            return Ok(if too_long { Outcome::TooLong } else { Outcome::Line });
        }
    }
}

/// The line from `start` without the carriage return; empty when blank.
fn trim(bytes: &[u8], start: usize) -> Range<usize> {
    let line = &bytes[start..];
    let end = bytes.len() - usize::from(line.last() == Some(&b'\r'));
    if line.iter().all(u8::is_ascii_whitespace) { start..start } else { start..end }
}

/// Counts what is read from the file.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.count.fetch_add(num::u64_of(got), Ordering::Relaxed);
        Ok(got)
    }
}

/// Stops a compressed stream that grows beyond its bound.
struct Bounded {
    inner: Box<dyn Read + Send>,
    out: u64,
    consumed: Arc<AtomicU64>,
    bounds: SourceBounds,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.out += num::u64_of(got);
        let max = self.bounds.compression_ratio_max;
        let allowed = self.consumed.load(Ordering::Relaxed).saturating_mul(max);
        if self.out > allowed.saturating_add(self.bounds.compression_floor_bytes) {
            return Err(io::Error::other(format!("the stream grows to more than {max} times its size")));
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_all(mut reader: LineReader, max_lines: usize) -> (Vec<(u64, String)>, Vec<u64>, Option<Error>) {
        let (mut lines, mut skipped, mut batch) = (Vec::new(), Vec::new(), Batch::default());
        loop {
            match reader.next_batch(max_lines, 1 << 20, &mut batch) {
                Ok(0) => return (lines, skipped, None),
                Ok(_) => {
                    lines.extend(batch.lines().map(|l| (l.number, String::from_utf8_lossy(l.bytes).into_owned())));
                    skipped.extend(batch.skipped().iter().map(|(line, _)| *line));
                }
                Err(error) => {
                    assert_eq!(reader.next_batch(max_lines, 1 << 20, &mut batch).expect("the end"), 0);
                    return (lines, skipped, Some(error));
                }
            }
        }
    }

    fn open(bytes: Vec<u8>) -> LineReader {
        LineReader::from_reader(Box::new(io::Cursor::new(bytes)), "test.log").expect("opens")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 1).expect("in memory")
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = b"\xef\xbb\xbfone\r\n\n  \nfour\nfive".to_vec();
        for max_lines in [1, 2, 100] {
            let (lines, _, error) = read_all(open(text.clone()), max_lines);
            assert!(error.is_none());
            assert_eq!(lines, [(1, "one".into()), (4, "four".into()), (5, "five".into())]);
        }
    }

    #[test]
    fn concatenated_members_read_as_one_log() {
        for encode in [gzip, zstd] {
            let bytes = [encode(b"a\nb"), encode(b"c\n"), encode(b"d\n")].concat();
            let total = num::u64_of(bytes.len());
            let mut reader = open(bytes);
            let mut batch = Batch::default();
            assert_eq!(reader.next_batch(10, 1 << 20, &mut batch).expect("whole"), 3);
            let lines: Vec<_> = batch.lines().map(|l| l.bytes.to_vec()).collect();
            assert_eq!(lines, [b"a".to_vec(), b"bc".to_vec(), b"d".to_vec()]);
            assert_eq!(reader.consumed_bytes(), total);
        }
    }

    #[test]
    fn a_cut_stream_gives_its_whole_lines_then_an_error() {
        let text: String = (0..20_000).map(|i| format!("line {} {i}\n", i * 7919 % 104_729)).collect();
        for encode in [gzip, zstd] {
            let mut bytes = encode(text.as_bytes());
            bytes.truncate(bytes.len() * 2 / 3);
            let (lines, _, error) = read_all(open(bytes), 1000);
            assert!(lines.len() > 1000 && lines.len() < 20_000, "{}", lines.len());
            assert!(lines.iter().zip(text.lines()).all(|((_, line), whole)| line == whole));
            assert!(matches!(error, Some(Error::Line { reason: LineError::Compression(_), .. })), "{error:?}");
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let bounds =
            SourceBounds { compression_floor_bytes: 1 << 20, compression_ratio_max: 100, ..SourceBounds::default() };
        let bytes = zstd(&vec![b'x'; 8 << 20]);
        let reader = LineReader::with_bounds(Box::new(io::Cursor::new(bytes)), "bomb", bounds).expect("opens");
        let (lines, _, error) = read_all(reader, 10);
        assert!(lines.is_empty());
        assert!(error.expect("stopped").to_string().contains("more than 100 times"));
    }

    #[test]
    fn a_line_one_past_the_bound_is_skipped_without_being_held() {
        let bounds = SourceBounds { line_bytes_max: 1 << 20, ..SourceBounds::default() };
        let mut text = vec![b'a'; 1 << 20];
        text.extend_from_slice(b"\n");
        text.extend(vec![b'b'; (1 << 20) + 1]);
        text.extend_from_slice(b"\nlast\n");
        let mut reader = LineReader::with_bounds(Box::new(io::Cursor::new(text)), "long", bounds).expect("opens");
        let mut batch = Batch::default();
        assert_eq!(reader.next_batch(10, 1 << 30, &mut batch).expect("reads"), 3);
        assert_eq!(batch.lines().map(|l| (l.number, l.bytes.len())).collect::<Vec<_>>(), [(1, 1 << 20), (3, 4)]);
        assert_eq!(batch.skipped(), [(2, LineError::TooLong { max: 1 << 20 })]);
        assert!(batch.bytes.capacity() < 3 << 20);
    }

    #[test]
    fn an_empty_log_has_no_lines() {
        assert!(read_all(open(Vec::new()), 5).0.is_empty());
        assert!(read_all(open(gzip(b"")), 5).0.is_empty());
        assert!(LineReader::open(Path::new("/nonexistent/log")).is_err());
    }
}

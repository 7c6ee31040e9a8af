//! Logs in columns, Parquet and Arrow IPC: rows become JSON objects, so that every format and path map reads them by name.
//!
//! Only columns that some format or the path map asks for are read; rows come in small batches, so that memory holds
//! a few hundred of them and not the file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_json::LineDelimitedWriter;
use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::source::Outcome;
use crate::error::{Error, LineError, Result};
use crate::num;

const PARQUET_MAGIC: &[u8] = b"PAR1";
const ARROW_FILE_MAGIC: &[u8] = b"ARROW1";
const ARROW_STREAM_MAGIC: &[u8] = &[0xff; 4];

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 256;

type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

/// Reads the rows of one file.
pub(super) struct Columns {
    batches: Batches,
    /// Rows of the batch at hand, one JSON object a line.
    rows: Vec<u8>,
    at: usize,
}

impl Columns {
    /// Opens `path` if it is a file in columns; `None` for every other file. `wanted` names the columns to read; where the
    /// file has none of them all are read, so that an error can name them.
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Line`] when it is damaged.
    pub(super) fn open(path: &Path, wanted: &[&str]) -> Result<Option<Self>> {
        let io = |source| Error::io("read", path, source);
        let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        if !file.metadata().map_err(io)?.is_file() {
            return Ok(None);
        }
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(6).read_to_end(&mut start).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let open = if start.starts_with(PARQUET_MAGIC) {
            parquet_batches
        } else if start == ARROW_FILE_MAGIC {
            arrow_file_batches
        } else if start.starts_with(ARROW_STREAM_MAGIC) {
            arrow_stream_batches
        } else {
            return Ok(None);
        };
        match guarded(|| open(file, wanted)) {
            Ok(batches) => Ok(Some(Self { batches, rows: Vec::new(), at: 0 })),
            Err(error) => Err(Error::Line {
                file: path.display().to_string(),
                line: 1,
                reason: LineError::Compression(error.to_string()),
            }),
        }
    }

    /// Appends the next row to `bytes`; one beyond the bound is passed over. `line` counts rows.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>, bytes_max: usize, line: &mut u64) -> io::Result<Outcome> {
        while self.at >= self.rows.len() {
            self.rows.clear();
            self.at = 0;
            let batches = &mut self.batches;
            let Some(batch) = guarded(|| batches.next().transpose())? else { return Ok(Outcome::End) };
            let rows = &mut self.rows;
            guarded(|| LineDelimitedWriter::new(rows).write(&batch))?;
        }
        let rest = &self.rows[self.at..];
        let row = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        self.at += row.len() + 1;
        *line += 1;
        if row.len() > bytes_max {
            return Ok(Outcome::TooLong);
        }
        bytes.extend_from_slice(row);
        Ok(Outcome::Line)
    }
}

/// Runs a decoder on bytes that anybody may have made: what it panics on is an error of the file.
fn guarded<T>(decode: impl FnOnce() -> std::result::Result<T, ArrowError>) -> io::Result<T> {
    let damaged =
        |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("columns cannot be decoded: {what}"));
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| damaged(error.to_string())),
        Err(_) => Err(damaged("the decoder gave up".to_owned())),
    }
}

/// The positions of the wanted columns; all when there are none.
fn positions<'a>(names: impl Iterator<Item = &'a str>, wanted: &[&str]) -> Option<Vec<usize>> {
    let found: Vec<_> = names.enumerate().filter(|(_, name)| wanted.contains(name)).map(|(at, _)| at).collect();
    (!found.is_empty()).then_some(found)
}

fn parquet_batches(file: File, wanted: &[&str]) -> std::result::Result<Batches, ArrowError> {
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS);
    let names = builder.schema().fields().iter().map(|field| field.name().as_str());
    if let Some(found) = positions(names, wanted) {
        let mask = ProjectionMask::roots(builder.parquet_schema(), found);
        builder = builder.with_projection(mask);
    }
    Ok(Box::new(builder.build()?))
}

fn arrow_file_batches(file: File, wanted: &[&str]) -> std::result::Result<Batches, ArrowError> {
    let schema = arrow_ipc::reader::FileReader::try_new(&file, None)?.schema();
    let found = positions(schema.fields().iter().map(|field| field.name().as_str()), wanted);
    Ok(small(Box::new(arrow_ipc::reader::FileReader::try_new_buffered(file, found)?)))
}

fn arrow_stream_batches(file: File, wanted: &[&str]) -> std::result::Result<Batches, ArrowError> {
    let reader = arrow_ipc::reader::StreamReader::try_new_buffered(file, None)?;
    let found = positions(reader.schema().fields().iter().map(|field| field.name().as_str()), wanted);
    Ok(small(match found {
        // A stream cannot be opened twice: the columns are chosen from each batch.
        Some(found) => Box::new(reader.map(move |batch| batch?.project(&found))),
        None => Box::new(reader),
    }))
}

/// IPC batches are as large as their writer made them.
fn small(batches: Batches) -> Batches {
    Box::new(batches.flat_map(|batch| -> Batches {
        match batch {
            Ok(batch) => {
                let rows = batch.num_rows();
                Box::new((0..rows).step_by(BATCH_ROWS).map(move |at| Ok(batch.slice(at, BATCH_ROWS.min(rows - at)))))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }))
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columns").field("rows_bytes", &num::u64_of(self.rows.len())).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};

    use super::super::parse::{ParseOptions, Parsed, Scratch, parse_line};
    use super::super::source::{Batch, LineReader};
    use super::*;

    fn batch() -> RecordBatch {
        let text = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let rows = 1000;
        let ids = (0..rows).map(|n| format!("r{n}")).collect::<Vec<_>>();
        let times: ArrayRef =
            Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|n| 1_789_948_804_744 + n)));
        let costs: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let prompts = (0..rows).map(|n| format!("line one\nof \"prompt\" {n}")).collect::<Vec<_>>();
        RecordBatch::try_from_iter_with_nullable([
            ("id", text(ids.iter().map(|id| Some(id.as_str())).collect()), true),
            ("account", text((0..rows).map(|n| (n % 2 == 0).then_some("a")).collect()), true),
            ("ts", times, true),
            ("prompt", text(prompts.iter().map(|p| Some(p.as_str())).collect()), true),
            ("cost", costs, true),
        ])
        .expect("a batch")
    }

    fn read(path: &Path) -> Result<Vec<Parsed>> {
        let mut reader = LineReader::open(path)?;
        let (mut batch, mut all) = (Batch::default(), Vec::new());
        while reader.next_batch(100, 1 << 20, &mut batch)? > 0 {
            for line in batch.lines() {
                assert!(!String::from_utf8_lossy(line.bytes).contains("cost"), "a column that nobody asked for");
                let options = ParseOptions::default();
                // A damaged value is a bad line; the count of requests tells.
                parse_line(line.bytes, &options, &mut Scratch::default(), &mut all).unwrap_or_default();
            }
        }
        Ok(all)
    }

    fn files() -> Vec<(&'static str, Vec<u8>)> {
        let batch = batch();
        let (mut parquet, mut file, mut stream) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("written");
        let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut file, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("written");
        let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut stream, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("written");
        vec![("log.parquet", parquet), ("log.arrow", file), ("log.arrows", stream)]
    }

    #[test]
    fn rows_of_columns_read_as_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files() {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            let found = read(&path).expect("a good file");
            assert_eq!(found.len(), 1000, "{name}");
            let request = &found[999].request;
            assert_eq!((request.id.as_deref(), request.time_ms), (Some("r999"), Some(1_789_948_805_743)), "{name}");
            assert_eq!(request.parts[0].text, "line one\nof \"prompt\" 999", "{name}");
            assert_eq!((&found[0].request.principals.account, &request.principals.account), (&Some("a".into()), &None));
        }
    }

    #[test]
    fn nested_columns_read_as_lists_and_objects() {
        let line = r#"{"id":"r1","account":"a","ts":1789948804744,"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}"#;
        let (schema, _) = arrow_json::reader::infer_json_schema(line.as_bytes(), None).expect("a schema");
        let mut rows = arrow_json::ReaderBuilder::new(Arc::new(schema)).build(line.as_bytes()).expect("a reader");
        let batch = rows.next().expect("a batch").expect("rows");
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("nested.parquet");
        std::fs::write(&path, bytes).expect("written");
        let found = read(&path).expect("a good file");
        let texts: Vec<_> = found[0].request.parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!((texts.as_slice(), found[0].request.time_ms), (&["s", "u"][..], Some(1_789_948_804_744)));
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files() {
            let path = folder.path().join(name);
            for keep in [7, bytes.len() / 2, bytes.len() - 9] {
                std::fs::write(&path, &bytes[..keep]).expect("written");
                let found = read(&path);
                assert!(found.is_err() || found.is_ok_and(|found| found.len() <= 1000), "{name} cut at {keep}");
            }
            for at in (8..bytes.len()).step_by(401) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x55;
                std::fs::write(&path, &bytes).expect("written");
                // Any answer is right but a panic.
                drop(read(&path));
            }
        }
    }
}

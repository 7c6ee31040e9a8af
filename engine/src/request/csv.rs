//! Rows of a CSV or TSV file as JSON objects, so that every format reads its columns as it reads its fields.

use std::io::{self, BufRead};
use std::path::Path;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::source::{Outcome, available};
use crate::num;

/// Columns of a file; a row with more of them is no row of a log.
const COLUMNS_MAX: usize = 4096;

/// Bytes of one field that are asked for at a time.
const STEP_BYTES: usize = 4096;

/// Reads rows; the first one names the columns.
pub(super) struct Rows {
    reader: Reader,
    columns: Option<Vec<String>>,
    step: [u8; STEP_BYTES],
    /// Whether a row ended at a carriage return, whose line feed the reader has not counted yet.
    between: bool,
}

impl Rows {
    /// The delimiter of a file by its name (`.csv`, `.tsv`, also compressed); `None` where it is no such file.
    pub(super) fn delimiter_of(path: &Path) -> Option<u8> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        match name.rsplit_once('.')?.1 {
            "csv" => Some(b','),
            "tsv" => Some(b'\t'),
            _ => None,
        }
    }

    pub(super) fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, columns: None, step: [0; STEP_BYTES], between: false }
    }

    /// Appends the next row to `bytes` as one JSON object; one beyond the bound is read to its end but not kept. `line`
    /// becomes the line on which the row began.
    pub(super) fn read(
        &mut self,
        input: &mut dyn BufRead,
        bytes: &mut Vec<u8>,
        bytes_max: usize,
        line: &mut u64,
    ) -> io::Result<Outcome> {
        if self.columns.is_none() {
            match self.row(input, bytes_max)? {
                Some(Some(names)) => {
                    let text = |name: &Vec<u8>| String::from_utf8_lossy(name).trim().to_owned();
                    self.columns = Some(names.iter().map(text).collect());
                }
                Some(None) => return Ok(Outcome::TooLong),
                None => return Ok(Outcome::End),
            }
        }
        *line = self.reader.line() + u64::from(self.between);
        let Some(fields) = self.row(input, bytes_max)? else { return Ok(Outcome::End) };
        let Some(fields) = fields else { return Ok(Outcome::TooLong) };
        let start = bytes.len();
        let columns = self.columns.as_deref().unwrap_or_default();
        // Cells beyond the named columns have no meaning; an empty cell is an absent value.
        let cells = columns.iter().zip(&fields).filter(|(_, cell)| !cell.is_empty());
        bytes.push(b'{');
        for (at, (column, cell)) in cells.enumerate() {
            if at > 0 {
                bytes.push(b',');
            }
            serde_json::to_writer(&mut *bytes, column)?;
            bytes.push(b':');
            serde_json::to_writer(&mut *bytes, &String::from_utf8_lossy(cell))?;
        }
        bytes.push(b'}');
        Ok(if bytes.len() - start > bytes_max { Outcome::TooLong } else { Outcome::Line })
    }

    /// The cells of the next row; `None` at the end, and `Some(None)` for a row beyond the bounds.
    #[allow(clippy::type_complexity, reason = "the end and a row too long are both no row, for different reasons")]
    fn row(&mut self, input: &mut dyn BufRead, bytes_max: usize) -> io::Result<Option<Option<Vec<Vec<u8>>>>> {
        let (mut cells, mut cell, mut held, mut too_long) = (Vec::new(), Vec::new(), 0_usize, false);
        loop {
            let available = available(input)?;
            let (result, used, written) = self.reader.read_field(available, &mut self.step);
            self.between = used.checked_sub(1).map_or(self.between, |last| available.get(last) == Some(&b'\r'));
            input.consume(used);
            held += written;
            if held > bytes_max || cells.len() >= COLUMNS_MAX {
                too_long = true;
                cells = Vec::new();
                cell = Vec::new();
            } else if !too_long {
                cell.extend_from_slice(&self.step[..written]);
            }
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    cells.push(std::mem::take(&mut cell));
                    if record_end {
                        return Ok(Some((!too_long).then_some(cells)));
                    }
                }
                ReadFieldResult::End => return Ok(None),
            }
        }
    }
}

/// The reader's buffer says nothing to someone who debugs.
impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("columns", &self.columns).field("cells_max", &num::u64_of(COLUMNS_MAX)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn rows(text: &[u8], capacity: usize, bytes_max: usize) -> Vec<(u64, Option<String>)> {
        let mut input = BufReader::with_capacity(capacity, text);
        let (mut rows, mut line, mut found) = (Rows::new(b','), 0, Vec::new());
        loop {
            let mut bytes = Vec::new();
            match rows.read(&mut input, &mut bytes, bytes_max, &mut line).expect("in memory") {
                Outcome::End => return found,
                Outcome::Line => found.push((line, Some(String::from_utf8(bytes).expect("text")))),
                Outcome::TooLong => found.push((line, None)),
            }
        }
    }

    #[test]
    fn rows_become_objects_and_empty_cells_are_absent() {
        let text = b"id,prompt,ts\r\n1,\"a \"\"b\"\"\nc\",\r\n2,\xff,5,extra\r\n\r\n3";
        for capacity in [1, 3, 100] {
            let found = rows(text, capacity, 100);
            assert_eq!(
                found,
                [
                    (2, Some(r#"{"id":"1","prompt":"a \"b\"\nc"}"#.to_owned())),
                    (4, Some("{\"id\":\"2\",\"prompt\":\"\u{fffd}\",\"ts\":\"5\"}".to_owned())),
                    (5, Some(r#"{"id":"3"}"#.to_owned())),
                ]
            );
        }
    }

    #[test]
    fn an_open_quote_does_not_hold_the_rest_of_the_file() {
        let text = [b"a,b\n1,\"".to_vec(), vec![b'x'; 1 << 20]].concat();
        assert_eq!(rows(&text, 1000, 100), [(2, None)]);
    }

    #[test]
    fn names_tell_the_delimiter() {
        assert_eq!(Rows::delimiter_of(Path::new("x/A.CSV.gz")), Some(b','));
        assert_eq!(Rows::delimiter_of(Path::new("a.tsv")), Some(b'\t'));
        assert_eq!(Rows::delimiter_of(Path::new("a.jsonl.zst")), None);
    }
}

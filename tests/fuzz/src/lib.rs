//! What each fuzz target checks; the targets themselves only name it.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use promptprint::error::LineError;
use promptprint::limits;
use promptprint::request::Request;
use promptprint::request::conversation::{self, Turn};
use promptprint::request::join::AccessIndex;
use promptprint::request::map::PathMap;
use promptprint::request::parse::{ParseOptions, Parsed, Scratch, explain, parse_line};
use promptprint::request::source::{Batch, LineReader, SourceBounds};

fn keeps_its_bounds(parsed: &Parsed) {
    assert!(parsed.request.parts.len() <= limits::PARTS_MAX);
    assert_eq!(parsed.request.parts.len(), parsed.turns.of_parts.len());
    for (part, turn) in parsed.request.parts.iter().zip(&parsed.turns.of_parts) {
        assert!(part.text.len() <= limits::PROMPT_BYTES_MAX);
        assert!(usize::try_from(*turn).is_ok_and(|turn| turn <= parsed.turns.chain.len()));
    }
    let principals = &parsed.request.principals;
    let names = [&principals.account, &principals.key, &principals.end_user, &principals.org, &parsed.request.id];
    assert!(names.into_iter().flatten().all(|name| name.len() <= limits::NAME_BYTES_MAX));
}

/// One line of any log.
pub fn line(data: &[u8]) {
    read(data, &ParseOptions::default());
}

fn read(data: &[u8], options: &ParseOptions) {
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let found = parse_line(data, options, &mut scratch, &mut out);
    out.iter().for_each(keeps_its_bounds);
    match explain(data, options) {
        Ok(explained) => {
            assert_eq!(found, Ok(explained.len()));
            assert!(explained.into_iter().map(|one| one.parsed).eq(out));
        }
        Err(error) => assert_eq!(found, Err(error)),
    }
}

/// A map, a NUL, a line.
pub fn path_map(data: &[u8]) {
    let mut pieces = data.splitn(2, |&byte| byte == 0);
    let map = String::from_utf8_lossy(pieces.next().unwrap_or_default());
    if let Ok(map) = PathMap::parse(&map) {
        assert!(map.columns().is_sorted());
        let options = ParseOptions { map: Some(Arc::new(map)), ..ParseOptions::default() };
        read(pieces.next().unwrap_or_default(), &options);
    }
}

fn bounds() -> SourceBounds {
    SourceBounds { line_bytes_max: 4096, compression_floor_bytes: 1 << 16, compression_ratio_max: 100 }
}

/// A log of any bytes.
pub fn source(data: &[u8]) {
    let input = Box::new(Cursor::new(data.to_vec()));
    let mut reader = LineReader::with_bounds(input, "fuzz", bounds()).expect("opening reads memory");
    let mut batch = Batch::default();
    let mut last = 0;
    while let Ok(1..) = reader.next_batch(7, 1000, &mut batch) {
        for line in batch.lines() {
            assert!(line.number >= last && !line.bytes.is_empty() && line.bytes.len() <= 4096);
            last = line.number;
        }
    }
    assert_eq!(reader.next_batch(7, 1000, &mut batch).expect("the end stays the end"), 0);
}

/// A CSV file of any bytes: each row is JSON, of whatever shape.
pub fn csv_rows(data: &[u8]) {
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
    std::io::Write::write_all(&mut file, data).expect("written");
    let Ok(mut reader) = LineReader::open(file.path()) else { return };
    let mut batch = Batch::default();
    while let Ok(1..) = reader.next_batch(7, 1000, &mut batch) {
        for line in batch.lines() {
            let mut out = Vec::new();
            let read = parse_line(line.bytes, &ParseOptions::default(), &mut Scratch::default(), &mut out);
            assert!(line.bytes.starts_with(b"{") && !matches!(read, Err(LineError::Json(_))));
        }
    }
}

/// An access log of any bytes.
pub fn access_log(data: &[u8]) {
    let mut reader = LineReader::with_bounds(Box::new(Cursor::new(data.to_vec())), "fuzz", bounds()).expect("opens");
    let mut index = AccessIndex::new(1 << 20, 1);
    if index.add(&mut reader).is_ok() {
        let mut request = Request { id: Some("0f1e2d3c4b".to_owned()), ..Request::default() };
        assert!(!index.complete(&mut request) || !index.is_empty());
    }
}

/// What the reference reader takes as a prompt is our prompt.
pub fn json_agrees(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let Some(text) = value.as_str().filter(|text| !text.contains('<')) else { return };
    let line = [b"{\"prompt\":".as_slice(), data, b"}"].concat();
    let mut out = Vec::new();
    parse_line(&line, &ParseOptions::default(), &mut Scratch::default(), &mut out).expect("valid JSON is read");
    assert_eq!(out[0].request.parts[0].text, text);
}

/// Requests of one sender, one a line: parts and their turns stay together, whatever is left out.
pub fn conversations(data: &[u8]) {
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    for line in data.split(|&byte| byte == b'\n') {
        let _ = parse_line(line, &ParseOptions::default(), &mut scratch, &mut out);
    }
    let asked: HashSet<u64> =
        out.iter().flat_map(conversation::turns).filter(|turn| !turn.is_earlier).map(|turn| turn.chain).collect();
    for parsed in &mut out {
        let turns: Vec<Turn> = conversation::turns(parsed).collect();
        let known = |turn: &&Turn| turn.is_earlier && asked.contains(&turn.chain);
        let places: Vec<usize> = turns.iter().filter(known).map(|turn| turn.part).collect();
        let before = parsed.request.parts.len();
        let gone = conversation::leave_out(parsed, |part| places.contains(&part));
        assert_eq!((gone, parsed.request.parts.len()), (places.len(), before - places.len()));
        assert_eq!(conversation::turns(parsed).filter(|turn| turn.is_earlier && asked.contains(&turn.chain)).count(), 0);
        keeps_its_bounds(parsed);
    }
}

//! Cuts JSON that is not written one value a line, such as an exported list or indented objects, into its values.

use std::io::{self, BufRead};

use memchr::memchr2;

use super::source::{Outcome, available};

/// Reads values one after the other; those of an outermost list each count by themselves.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Whether the cursor stands inside an outermost list.
    in_list: bool,
}

/// Where the cursor stands within a value.
#[derive(Debug, Default)]
struct Cursor {
    depth: u32,
    in_string: bool,
    escaped: bool,
    started: bool,
}

impl Values {
    /// Whether a text that begins like this holds values that span lines, or a list that may.
    pub(super) fn span_lines(start: &[u8]) -> bool {
        let start = start.trim_ascii_start();
        let line = start.split(|&b| b == b'\n').next().unwrap_or_default();
        let is_whole_line = line.len() < start.len() && line.trim_ascii_end().ends_with(b"]");
        // Access logs begin their lines with a time in brackets; lists of logs hold objects.
        let is_list = start
            .strip_prefix(b"[")
            .is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b']')));
        line.trim_ascii() == b"{" || (is_list && !is_whole_line)
    }

    /// Appends the next value to `bytes`; one beyond the bound is read to its end but not kept. `line` becomes the line on
    /// which the value began.
    pub(super) fn read(
        &mut self,
        input: &mut dyn BufRead,
        bytes: &mut Vec<u8>,
        bytes_max: usize,
        line: &mut u64,
    ) -> io::Result<Outcome> {
        let start = bytes.len();
        let mut cursor = Cursor::default();
        let mut too_long = false;
        loop {
            let available = available(input)?;
            if available.is_empty() {
                return Ok(if cursor.started { finish(too_long) } else { Outcome::End });
            }
            let (from, to, ended) = self.step(&mut cursor, available);
            let piece = &available[from..to];
            // Line breaks inside a value cannot be told apart in a record; as white space they are worth a space.
            if bytes.len() - start + piece.len() > bytes_max {
                too_long = true;
                bytes.truncate(start);
            } else if !too_long {
                bytes.extend_from_slice(piece);
            }
            let used = to + usize::from(ended && cursor.depth == 0 && to < available.len() && available[to] == b',');
            *line += crate::num::u64_of(memchr::memchr_iter(b'\n', &available[..used]).count());
            input.consume(used);
            if ended {
                return Ok(finish(too_long));
            }
        }
    }

    /// Moves over `bytes` as far as the value goes; returns where it begins and ends in them, and whether it is whole.
    fn step(&mut self, cursor: &mut Cursor, bytes: &[u8]) -> (usize, usize, bool) {
        let mut at = 0;
        if !cursor.started {
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
                    b'[' if !self.in_list => self.in_list = true,
                    // One that closes nothing is passed over too: it begins no value.
                    b']' => self.in_list = false,
                    _ => break,
                }
                at += 1;
            }
        }
        let from = at;
        while let Some(&byte) = bytes.get(at) {
            cursor.started = true;
            if cursor.in_string {
                if cursor.escaped {
                    cursor.escaped = false;
                    at += 1;
                    continue;
                }
                let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) else { return (from, bytes.len(), false) };
                at += found + 1;
                cursor.escaped = bytes[at - 1] == b'\\';
                cursor.in_string = cursor.escaped;
                continue;
            }
            match byte {
                b'"' => cursor.in_string = true,
                b'{' | b'[' => cursor.depth += 1,
                b'}' | b']' if cursor.depth > 0 => {
                    cursor.depth -= 1;
                    if cursor.depth == 0 {
                        return (from, at + 1, true);
                    }
                }
                // Values that are no containers end where the next thing begins.
                b',' | b'\n' | b']' if cursor.depth == 0 => return (from, at, true),
                _ => {}
            }
            at += 1;
        }
        (from, at, false)
    }
}

fn finish(too_long: bool) -> Outcome {
    if too_long { Outcome::TooLong } else { Outcome::Line }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Reads through a buffer of `capacity` bytes, so that every value is cut everywhere.
    fn values(text: &str, capacity: usize, bytes_max: usize) -> Vec<(u64, Option<String>)> {
        let mut input = BufReader::with_capacity(capacity, text.as_bytes());
        let (mut values, mut line, mut found) = (Values::default(), 1, Vec::new());
        loop {
            let (mut bytes, before) = (Vec::new(), line);
            match values.read(&mut input, &mut bytes, bytes_max, &mut line).expect("in memory") {
                Outcome::End => return found,
                Outcome::Line => found.push((before, Some(String::from_utf8(bytes).expect("text")))),
                Outcome::TooLong => found.push((before, None)),
            }
        }
    }

    #[test]
    fn lists_and_indented_objects_are_cut_alike() {
        let text = "[\n {\"a\": \"}],\\\"\",\n  \"b\": [1, {}]},\n {\"c\":2} , 7,\"x\"\n]\n{\n\"d\":3}\n";
        for capacity in 1..40 {
            let found: Vec<_> = values(text, capacity, 100).into_iter().filter_map(|(_, value)| value).collect();
            let expected = ["{\"a\": \"}],\\\"\",\n  \"b\": [1, {}]}", "{\"c\":2}", "7", "\"x\"", "{\n\"d\":3}"];
            assert_eq!(found, expected, "{capacity}");
        }
    }

    /// A bracket that closed nothing was a value without bytes, over and over.
    #[test]
    fn stray_brackets_do_not_stop_the_reader() {
        for capacity in 1..9 {
            let found: Vec<_> = values("[{\"a\":1}]0}\n] ] ,}{\"b\":2}]]\n7", capacity, 100);
            let found: Vec<_> = found.into_iter().filter_map(|(_, value)| value).collect();
            assert_eq!(found, ["{\"a\":1}", "0}", "}{\"b\":2}", "7"], "{capacity}");
        }
    }

    #[test]
    fn a_value_past_the_bound_is_passed_over() {
        let found = values("[{\"a\":\"0123456789\"},{\"b\":1}]", 4, 8);
        assert_eq!(found, [(1, None), (1, Some("{\"b\":1}".to_owned()))]);
    }

    #[test]
    fn lines_are_told_from_values_that_span_them() {
        for text in ["[\n{}]", "[{\"a\":1},", "{\n", "  {  \r\n", "[{}]"] {
            assert!(Values::span_lines(text.as_bytes()), "{text}");
        }
        let envoy = "[2026-09-21T00:00:04.000Z] \"POST / HTTP/2\" 200";
        for text in ["{\"a\":1}\n", "[{}]\n[{}]\n", "", "a,b\n", "{\"a\":\n", envoy] {
            assert!(!Values::span_lines(text.as_bytes()), "{text}");
        }
    }
}

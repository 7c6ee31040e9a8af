//! One line of JSON as a flat list of values that point into the line, so that nothing is copied or unescaped before it is wanted.
//!
//! A conversation of 100 KB repeats what earlier requests said; only its newest turn is read. Every string is therefore
//! skipped once, by vector search for its closing quote, and stays as it stood. Safe code on purpose: the bytes are
//! chosen by the people this program looks for.

use std::borrow::Cow;

use memchr::memchr2;

use crate::error::LineError;
use crate::{limits, num};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    /// A string without a backslash: its bytes are its text.
    Plain,
    /// A string that has to be unescaped to be read.
    Escaped,
    Array,
    Object,
}

/// A value: where it stands in the line and where the list goes on after it and all it holds.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// First byte; of a string, the one after the quote.
    start: u32,
    /// One past the last byte; of a string, its closing quote.
    end: u32,
    /// The node after this one's subtree.
    next: u32,
    kind: Kind,
}

/// The list of values of one line, in order of appearance; reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

/// A parsed text: the place where [`Json`] values live.
#[derive(Debug)]
pub(super) struct Doc<'a> {
    text: &'a str,
    nodes: &'a [Node],
    /// Path of the text itself, when it stood inside a string of another document.
    base: &'a str,
}

/// One value of a [`Doc`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a> {
    doc: &'a Doc<'a>,
    at: usize,
}

impl Tape {
    /// Reads `text` as one JSON value. `NaN` and the infinities, which Python writes, count as null; control characters
    /// inside strings are taken as they are; of equal keys the last one counts, as in the servers that serve them.
    /// # Errors
    /// [`LineError::Json`] with the byte where it ends to be JSON; [`LineError::TooDeep`] and
    /// [`LineError::TooManyValues`] beyond [`limits::JSON_DEPTH_MAX`] and [`limits::JSON_VALUES_MAX`].
    pub(super) fn parse<'a>(&'a mut self, text: &'a str, base: &'a str) -> Result<Doc<'a>, LineError> {
        self.nodes.clear();
        self.open.clear();
        // A rare giant must not be paid for by every later line.
        self.nodes.shrink_to(1 << 16);
        if num::u32_of(text.len()).is_none() {
            return Err(LineError::TooLong { max: num::u64_of(limits::LINE_BYTES_MAX) });
        }
        self.fill(text.as_bytes())?;
        Ok(Doc { text, nodes: &self.nodes, base })
    }

    fn fill(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        let mut at = 0;
        'value: loop {
            at = skip_space(bytes, at);
            at = match bytes.get(at) {
                Some(b'"') => self.string(bytes, at)?,
                Some(b'{') => {
                    self.open(Kind::Object, at)?;
                    let inside = skip_space(bytes, at + 1);
                    if bytes.get(inside) != Some(&b'}') {
                        at = self.key(bytes, inside)?;
                        continue 'value;
                    }
                    inside
                }
                Some(b'[') => {
                    self.open(Kind::Array, at)?;
                    let inside = skip_space(bytes, at + 1);
                    if bytes.get(inside) != Some(&b']') {
                        at = inside;
                        continue 'value;
                    }
                    inside
                }
                Some(_) => self.word(bytes, at)?,
                None => return Err(broken("ends early", at)),
            };
            // A value has ended: close what ends with it, then go on to its next sibling.
            loop {
                at = skip_space(bytes, at);
                let Some(&container) = self.open.last() else {
                    return if at == bytes.len() { Ok(()) } else { Err(broken("more after the value", at)) };
                };
                let container = num::usize_of(container);
                let in_object = self.nodes[container].kind == Kind::Object;
                match (bytes.get(at), in_object) {
                    (Some(b','), true) => {
                        at = self.key(bytes, skip_space(bytes, at + 1))?;
                        continue 'value;
                    }
                    (Some(b','), false) => {
                        at += 1;
                        continue 'value;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        at += 1;
                        let next = num::u32_saturating(self.nodes.len());
                        self.nodes[container].end = num::u32_saturating(at);
                        self.nodes[container].next = next;
                        self.open.pop();
                    }
                    (Some(_), _) => return Err(broken("expected a comma or the end of its container", at)),
                    (None, _) => return Err(broken("ends early", at)),
                }
            }
        }
    }

    fn open(&mut self, kind: Kind, at: usize) -> Result<(), LineError> {
        if self.open.len() >= num::usize_of(limits::JSON_DEPTH_MAX) {
            return Err(LineError::TooDeep { max: limits::JSON_DEPTH_MAX });
        }
        self.open.push(num::u32_saturating(self.nodes.len()));
        self.push(kind, at, at)
    }

    /// A key and its colon; returns where its value may begin.
    fn key(&mut self, bytes: &[u8], at: usize) -> Result<usize, LineError> {
        if bytes.get(at) != Some(&b'"') {
            return Err(broken("expected a key", at));
        }
        let after = self.string(bytes, at)?;
        let colon = skip_space(bytes, after);
        if bytes.get(colon) == Some(&b':') { Ok(colon + 1) } else { Err(broken("expected a colon", colon)) }
    }

    /// A string from its opening quote; escapes are checked here so that reading them later cannot fail.
    fn string(&mut self, bytes: &[u8], quote: usize) -> Result<usize, LineError> {
        let start = quote + 1;
        let mut at = start;
        let mut kind = Kind::Plain;
        loop {
            let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
                return Err(broken("a string does not end", quote));
            };
            at += found;
            if bytes[at] == b'"' {
                self.push(kind, start, at)?;
                return Ok(at + 1);
            }
            kind = Kind::Escaped;
            at += match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u') if hex4(bytes, at + 2).is_some() => 6,
                _ => return Err(broken("an escape has no meaning", at)),
            };
        }
    }

    /// A number or a literal.
    fn word(&mut self, bytes: &[u8], at: usize) -> Result<usize, LineError> {
        let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
        let word = &bytes[at..at + length];
        let kind = match word {
            b"true" | b"false" => Kind::Bool,
            b"null" | b"NaN" | b"Infinity" | b"-Infinity" => Kind::Null,
            _ if is_number(word) => Kind::Number,
            _ => return Err(broken("expected a value", at)),
        };
        self.push(kind, at, at + length)?;
        Ok(at + length)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) -> Result<(), LineError> {
        if self.nodes.len() >= limits::JSON_VALUES_MAX {
            return Err(LineError::TooManyValues { max: num::u64_of(limits::JSON_VALUES_MAX) });
        }
        let next = num::u32_saturating(self.nodes.len() + 1);
        self.nodes.push(Node { start: num::u32_saturating(start), end: num::u32_saturating(end), next, kind });
        Ok(())
    }
}

impl<'a> Doc<'a> {
    /// The value that the text is.
    pub(super) fn root(&'a self) -> Json<'a> {
        Json { doc: self, at: 0 }
    }
}

impl<'a> Json<'a> {
    fn node(self) -> Node {
        self.doc.nodes[self.at]
    }

    pub(super) fn kind(self) -> Kind {
        self.node().kind
    }

    pub(super) fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    pub(super) fn is_array(self) -> bool {
        self.kind() == Kind::Array
    }

    pub(super) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub(super) fn is_string(self) -> bool {
        matches!(self.kind(), Kind::Plain | Kind::Escaped)
    }

    /// The bytes of the value as they stand in the line; of a string, what is between its quotes.
    pub(super) fn raw(self) -> &'a str {
        let node = self.node();
        self.doc.text.get(num::usize_of(node.start)..num::usize_of(node.end)).unwrap_or_default()
    }

    /// The text of a string; `None` for everything else.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Plain => Some(Cow::Borrowed(self.raw())),
            Kind::Escaped => Some(Cow::Owned(unescape(self.raw()))),
            _ => None,
        }
    }

    /// The text of a string, a number or a truth value: what an id may be written as.
    pub(super) fn scalar(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Number | Kind::Bool => Some(Cow::Borrowed(self.raw())),
            _ => self.text(),
        }
    }

    /// Whether this is the string `text`.
    pub(super) fn is(self, text: &str) -> bool {
        match self.kind() {
            Kind::Plain => self.raw() == text,
            Kind::Escaped => unescape(self.raw()) == text,
            _ => false,
        }
    }

    /// The elements of an array; nothing for everything else.
    pub(super) fn items(self) -> Children<'a> {
        self.children(Kind::Array)
    }

    /// Keys and values of an object, in order of appearance; nothing for everything else.
    pub(super) fn entries(self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> {
        let mut children = self.children(Kind::Object);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    fn children(self, kind: Kind) -> Children<'a> {
        let node = self.node();
        let end = if node.kind == kind { num::usize_of(node.next) } else { 0 };
        Children { doc: self.doc, at: self.at + 1, end }
    }

    /// The value of `key`, the last one if the key is repeated; null counts as absent.
    pub(super) fn get(self, key: &str) -> Option<Json<'a>> {
        let mut found = None;
        for (name, value) in self.entries() {
            if name.is(key) {
                found = Some(value);
            }
        }
        found.filter(|value| !value.is_null())
    }

    /// The value under several keys, one inside the other.
    pub(super) fn find(self, keys: &[&str]) -> Option<Json<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Where this value stands, as a path from the root: `$.messages[2].content`.
    pub(super) fn path(self) -> String {
        let mut path = if self.doc.base.is_empty() { String::from("$") } else { self.doc.base.to_owned() };
        let mut here = self.doc.root();
        while here.at < self.at {
            let inside = |child: &Json<'_>| (child.at..num::usize_of(child.node().next)).contains(&self.at);
            let step = if here.is_array() {
                here.items().enumerate().find(|(_, item)| inside(item)).map(|(i, item)| (format!("[{i}]"), item))
            } else {
                here.entries().find(|(_, value)| inside(value)).map(|(key, value)| (path_step(key), value))
            };
            let Some((step, child)) = step else { break };
            path.push_str(&step);
            here = child;
        }
        path
    }
}

fn path_step(key: Json<'_>) -> String {
    let key = key.text().unwrap_or_default();
    if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        format!(".{key}")
    } else {
        format!("[{key:?}]")
    }
}

/// The children of a container.
pub(super) struct Children<'a> {
    doc: &'a Doc<'a>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = Json { doc: self.doc, at: self.at };
        self.at = num::usize_of(value.node().next);
        Some(value)
    }
}

fn broken(what: &str, at: usize) -> LineError {
    LineError::Json(format!("{what} (byte {at})"))
}

#[inline]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// The grammar of RFC 8259: a lenient reader would give ids that another reader of the same log spells otherwise.
fn is_number(word: &[u8]) -> bool {
    let digits = |from: usize| word.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(word.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && word[at] == b'0') {
        return false;
    }
    at += whole;
    if word.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if matches!(word.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(word.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == word.len()
}

/// The text of a string whose escapes [`Tape::string`] has checked; half a surrogate pair becomes U+FFFD.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut length = 2;
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let unit = hex4(rest.as_bytes(), at + 2).unwrap_or(0xFFFD);
                length = 6;
                let pair = rest.as_bytes().get(at + 6..at + 8) == Some(b"\\u");
                let low = if pair { hex4(rest.as_bytes(), at + 8) } else { None };
                match (unit, low) {
                    (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
                        length = 12;
                        let point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        text.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => text.push(char::from(other)),
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// A document that stood, as a string, inside another one.
#[derive(Debug)]
pub(super) struct Embedded {
    text: String,
    base: String,
    tape: Tape,
}

/// Hands `value` to `read`; where it is a string that itself holds a JSON object or array, hands over what it holds.
pub(super) fn opened<R>(value: Json<'_>, read: impl FnOnce(Json<'_>) -> R) -> R {
    // Most strings are text, which must not be copied only to be looked at.
    let begins = value.raw().trim_start().starts_with(['{', '[', '\\']);
    let mut inner = match if begins { value.text() } else { None } {
        Some(text) if text.trim_start().starts_with(['{', '[']) => {
            Embedded { text: text.into_owned(), base: value.path(), tape: Tape::default() }
        }
        _ => return read(value),
    };
    match inner.tape.parse(&inner.text, &inner.base) {
        Ok(doc) => read(doc.root()),
        Err(_) => read(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        Tape::default().parse(text, "").is_ok()
    }

    #[test]
    fn reads_what_the_reference_reader_reads() {
        let samples = [
            r#"{"a":[1,-2.5e3,{"b":null}],"c":"d\n\u00e9\ud83d\ude00","e":{}}"#,
            r#"[]"#,
            r#" "x" "#,
            r#"[[],[[]],{"":""}]"#,
            r#"{"a\"b":true}"#,
            "0",
        ];
        for text in samples {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "tru",
            "\"a",
            "\"\\x\"",
            "[1 2]",
            "{}{}",
            "-",
            "\"\\u12\"",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn strings_unescape_as_the_reference_does() {
        for text in [r#""\u0041\n\/\\\"""#, r#""\ud83d\ude00x""#, r#""é\t日本""#] {
            let expected: String = serde_json::from_str(text).expect("valid");
            let mut tape = Tape::default();
            let doc = tape.parse(text, "").expect("valid");
            assert_eq!(doc.root().text().expect("a string"), expected);
        }
        let mut tape = Tape::default();
        let doc = tape.parse(r#""a\ud800b""#, "").expect("half a pair is accepted");
        assert_eq!(doc.root().text().expect("a string"), "a\u{fffd}b");
    }

    #[test]
    fn depth_is_bounded() {
        let depth = num::usize_of(limits::JSON_DEPTH_MAX);
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(accepts(&nested(depth)));
        let error = Tape::default().parse(&nested(depth + 1), "").expect_err("one past the bound");
        assert_eq!(error, LineError::TooDeep { max: limits::JSON_DEPTH_MAX });
    }

    #[test]
    fn values_are_bounded() {
        let text = format!("[{}1]", "1,".repeat(limits::JSON_VALUES_MAX - 2));
        assert!(accepts(&text));
        let text = format!("[{}1]", "1,".repeat(limits::JSON_VALUES_MAX - 1));
        assert!(matches!(Tape::default().parse(&text, ""), Err(LineError::TooManyValues { .. })));
    }

    #[test]
    fn the_last_of_equal_keys_counts_and_null_is_absent() {
        let mut tape = Tape::default();
        let doc = tape.parse(r#"{"a":1,"\u0061":2,"b":null}"#, "").expect("valid");
        assert_eq!(doc.root().get("a").expect("present").raw(), "2");
        assert!(doc.root().get("b").is_none());
    }

    #[test]
    fn paths_name_every_value() {
        let mut tape = Tape::default();
        let doc = tape.parse(r#"{"m":[{"x":1},{"a.b":"v"}]}"#, "").expect("valid");
        let value = doc.root().get("m").and_then(|m| m.items().nth(1)).and_then(|m| m.get("a.b")).expect("present");
        assert_eq!(value.path(), r#"$.m[1]["a.b"]"#);
        assert_eq!(doc.root().path(), "$");
    }

    #[test]
    fn strings_that_hold_json_are_opened() {
        let mut tape = Tape::default();
        let doc = tape.parse(r#"{"p":"{\"q\":[7]}","s":"{no"}"#, "").expect("valid");
        let path = opened(doc.root().get("p").expect("present"), |inner| {
            inner.get("q").and_then(|q| q.items().next()).map(Json::path)
        });
        assert_eq!(path.as_deref(), Some("$.p.q[0]"));
        assert!(opened(doc.root().get("s").expect("present"), |value| value.is_string()));
    }
}

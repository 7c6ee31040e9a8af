//! A path map: a few lines of TOML that say where a log of no known format keeps things.
//!
//! ```toml
//! prompt = "$.request.text"          # or messages = "...", or body = "..." for a whole request body
//! account = ["$.user.id", "$.key"]   # the first that is there
//! ts = "$.time"
//! ts_unit = "s"                      # s, ms (default), auto; dates in text are known by themselves
//! ```
//! A path may lead through a string that holds JSON. In CSV and column files the keys are the names of the columns.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::plain::FIELDS;
use super::time::Unit;
use super::{PartKind, body, chat, plain, tools};
use crate::error::{Error, LineError, Result};
use crate::limits;

/// Bytes of a map file; a longer one is no map.
const MAP_BYTES_MAX: usize = 64 << 10;

/// Steps of one path; deeper lines are refused anyway.
const STEPS_MAX: usize = 64;

/// Where a log keeps what a request is made of.
#[derive(Debug, Clone, Default)]
pub struct PathMap {
    fields: Vec<(Field, Vec<JsonPath>)>,
    time: Vec<JsonPath>,
    unit: Unit,
    prompt: Vec<JsonPath>,
    messages: Vec<JsonPath>,
    body: Vec<JsonPath>,
    system: Vec<JsonPath>,
    tools: Vec<JsonPath>,
}

/// A path into a line: keys and indexes from its root.
#[derive(Debug, Clone, PartialEq, Eq)]
struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl PathMap {
    /// Reads the map in the file at `path`.
    /// # Errors
    /// [`Error::Io`] when the file cannot be read; [`Error::InvalidArgument`] naming what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
        Self::parse(&text).map_err(|error| match error {
            Error::InvalidArgument { argument, reason } => {
                Error::InvalidArgument { argument, reason: format!("{}: {reason}", path.display()) }
            }
            other => other,
        })
    }

    /// Reads a map.
    /// # Errors
    /// [`Error::InvalidArgument`] naming the line and key that is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAP_BYTES_MAX {
            return Err(wrong(format!("longer than {MAP_BYTES_MAX} bytes")));
        }
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong_at(text, at, error.message())
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut map = Self::default();
        for (key, value) in entries {
            let written = text.get(value.span()).unwrap_or_default();
            map.entry(key.get_ref(), value.get_ref(), written)
                .map_err(|reason| wrong_at(text, key.span().start, &reason))?;
        }
        if map.prompt.is_empty() && map.messages.is_empty() && map.body.is_empty() {
            return Err(wrong("one of prompt, messages or body must say where the text is".to_owned()));
        }
        Ok(map)
    }

    /// Takes one line of the map in; `written` is its value as it stands there.
    fn entry(&mut self, key: &str, value: &DeValue<'_>, written: &str) -> std::result::Result<(), String> {
        let texts = match key {
            "ts" => &mut self.time,
            "ts_unit" => {
                self.unit = match value.as_str() {
                    Some("s") => Unit::Seconds,
                    Some("ms") => Unit::Milliseconds,
                    Some("auto") => Unit::Guessed,
                    _ => return Err(format!("ts_unit = {written}: expected \"s\", \"ms\" or \"auto\"")),
                };
                return Ok(());
            }
            "prompt" => &mut self.prompt,
            "messages" => &mut self.messages,
            "body" => &mut self.body,
            "system" => &mut self.system,
            "tools" => &mut self.tools,
            _ => {
                let Some((_, field)) = FIELDS.iter().find(|(name, _)| *name == key) else {
                    return Err(format!("unknown key {key}; known are {}", known_keys()));
                };
                self.fields.push((*field, paths(key, value, written)?));
                return Ok(());
            }
        };
        *texts = paths(key, value, written)?;
        Ok(())
    }

    /// The names of the outermost keys that the map looks at: the columns that a column file has to give.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let texts = [&self.time, &self.prompt, &self.messages, &self.body, &self.system, &self.tools];
        let all = texts.into_iter().chain(self.fields.iter().map(|(_, paths)| paths)).flatten();
        let mut names: Vec<_> = all
            .filter_map(|path| match path.0.first() {
                Some(Step::Key(key)) => Some(key.as_str()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Reads a line as the map says.
    pub(super) fn read(&self, draft: &mut Draft, line: Json<'_>) -> std::result::Result<(), LineError> {
        for (field, paths) in &self.fields {
            first(paths, line, |value| draft.set(*field, [Some(value)]));
        }
        first(&self.time, line, |value| draft.set_time(Some(value), self.unit)).transpose()?;
        first(&self.system, line, |value| opened(value, |value| draft.system(value)));
        first(&self.tools, line, |value| {
            opened(value, |value| draft.made(PartKind::Tools, tools::canonical(value), value));
        });
        let read = first(&self.body, line, |value| body::read(draft, value)).transpose()?;
        let read = read.or(first(&self.messages, line, |value| {
            opened(value, |value| {
                // A log that keeps a whole body where messages were expected still says what it means.
                if value.is_array() { chat::messages(draft, value) } else { body::read(draft, value) }
            })
        })
        .transpose()?);
        let read = read.or(first(&self.prompt, line, |value| plain::prompt(draft, value)).transpose()?);
        read.ok_or_else(|| {
            let wanted: Vec<_> = [&self.body, &self.messages, &self.prompt].into_iter().flatten().map(show).collect();
            LineError::UnknownShape(format!("nothing at {}", wanted.join(" or ")))
        })
    }
}

/// The keys that a map may hold, for those who ask and those who misspell one.
#[must_use]
pub fn known_keys() -> String {
    let mut names = vec!["prompt", "messages", "body", "system", "tools", "ts", "ts_unit"];
    names.extend(FIELDS.iter().map(|(name, _)| *name));
    names.join(", ")
}

fn wrong(reason: String) -> Error {
    Error::InvalidArgument { argument: "path map", reason }
}

/// What is wrong at byte `at` of the map.
fn wrong_at(text: &str, at: usize, reason: &str) -> Error {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    wrong(format!("line {line}: {}", reason.trim_end()))
}

/// A path, or a list of paths of which the first that leads somewhere counts.
fn paths(key: &str, value: &DeValue<'_>, written: &str) -> std::result::Result<Vec<JsonPath>, String> {
    let one = |value: &DeValue<'_>| match value.as_str() {
        Some(text) => JsonPath::parse(text).map_err(|reason| format!("{key} = \"{text}\": {reason}")),
        None => Err(format!("{key} = {written}: expected a path such as \"$.a.b\", or a list of paths")),
    };
    match value.as_array() {
        Some(list) if list.is_empty() => Err(format!("{key} is an empty list")),
        Some(list) => list.iter().map(|value| one(value.get_ref())).collect(),
        None => Ok(vec![one(value)?]),
    }
}

/// Hands the value at the first of `paths` that leads to one to `read`.
fn first<R>(paths: &[JsonPath], line: Json<'_>, read: impl FnOnce(Json<'_>) -> R) -> Option<R> {
    let mut read = Some(read);
    let mut result = None;
    for path in paths {
        walk(line, &path.0, &mut |value| {
            if let Some(read) = read.take() {
                result = Some(read(value));
            }
        });
        if result.is_some() {
            break;
        }
    }
    result
}

/// Follows `steps` from `value`, also through strings that hold JSON; calls `found` where they end at a value.
fn walk(value: Json<'_>, steps: &[Step], found: &mut dyn FnMut(Json<'_>)) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            found(value);
        }
        return;
    };
    let next = |value: Json<'_>, found: &mut dyn FnMut(Json<'_>)| {
        let child = match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.items().nth(*index),
        };
        if let Some(child) = child {
            walk(child, rest, found);
        }
    };
    if value.is_string() { opened(value, |inner| next(inner, found)) } else { next(value, found) }
}

fn show(path: &JsonPath) -> String {
    path.0.iter().fold(String::from("$"), |mut text, step| {
        match step {
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
        text
    })
}

impl JsonPath {
    /// `$.a.b[0]["c.d"]`; the `$` may be left out, and a bare name is a key.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        if rest.is_empty() {
            return Err("leads nowhere; expected a path such as \"$.a.b\"".to_owned());
        }
        if rest.len() == text.len() && !rest.starts_with(['.', '[']) {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(Step::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            if let Some(inside) = rest.strip_prefix('.') {
                let end = inside.find(['.', '[']).unwrap_or(inside.len());
                if end == 0 {
                    return Err(format!("a key is missing after character {at}"));
                }
                steps.push(Step::Key(inside[..end].to_owned()));
                rest = &inside[end..];
            } else if let Some(inside) = rest.strip_prefix('[') {
                let (step, after) = bracket(inside).ok_or_else(|| {
                    format!("character {at}: expected an index such as [0] or a quoted key such as [\"a.b\"]")
                })?;
                steps.push(step);
                rest = after;
            } else {
                return Err(format!("character {at}: expected '.' or '['"));
            }
            if steps.len() > STEPS_MAX.min(crate::num::usize_of(limits::JSON_DEPTH_MAX)) {
                return Err(format!("more than {STEPS_MAX} steps"));
            }
        }
        Ok(Self(steps))
    }
}

/// What stands between brackets, and the rest after them.
fn bracket(inside: &str) -> Option<(Step, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = inside.strip_prefix(quote) {
            let (key, after) = quoted.split_once(quote)?;
            return Some((Step::Key(key.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (index, after) = inside.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::parse::{ParseOptions, Parsed, Scratch, parse_line};
    use super::*;

    fn parse(map: &str, line: &str) -> std::result::Result<Parsed, LineError> {
        let map = PathMap::parse(map).expect("a map");
        let options = ParseOptions { map: Some(Arc::new(map)), ..ParseOptions::default() };
        let mut out = Vec::new();
        parse_line(line.as_bytes(), &options, &mut Scratch::default(), &mut out)?;
        Ok(out.pop().expect("one request"))
    }

    #[test]
    fn a_map_finds_everything() {
        let map =
            "prompt = \"$.r.body.q\"\naccount = [\"$.none\", \"$['user.id']\"]\nts = 't[1]'\nts_unit = 's'\nid = 'n'";
        let line = r#"{"r":"{\"body\":{\"q\":\"hi\"}}","user.id":"a","t":[0,12],"n":3}"#;
        let request = parse(map, line).expect("a request").request;
        assert_eq!(request.parts[0].text, "hi");
        assert_eq!(request.principals.account.as_deref(), Some("a"));
        assert_eq!((request.time_ms, request.id.as_deref()), (Some(12_000), Some("3")));
    }

    #[test]
    fn messages_and_bodies_can_be_mapped() {
        let line = r#"{"m":[{"role":"user","content":"hi"}],"s":"sys","b":"{\"messages\":[{\"role\":\"user\",\"content\":\"in\"}]}"}"#;
        let parts = parse("messages = 'm'\nsystem = 's'", line).expect("a request").request.parts;
        assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>(), ["sys", "hi"]);
        assert_eq!(parse("body = 'b'", line).expect("a request").request.parts[0].text, "in");
    }

    #[test]
    fn a_line_without_text_says_where_it_was_looked_for() {
        let error = parse("prompt = ['$.a[0]', 'b']", "{}").expect_err("nothing there");
        assert_eq!(error.to_string(), "no known request shape: nothing at $.a[0] or $.b");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let cases = [
            ("prompt = '$.a'\nacount = '$.b'", "line 2: unknown key acount; known are prompt"),
            ("account = '$.b'", "one of prompt, messages or body"),
            ("prompt = 5", "prompt = 5: expected a path"),
            ("prompt = '$.a..b'", "a key is missing after character 3"),
            ("prompt = '$'", "leads nowhere"),
            ("prompt = '$.a[x]'", "character 3: expected an index"),
            ("prompt = '$x'", "character 1: expected '.' or '['"),
            ("prompt = []", "prompt is an empty list"),
            ("prompt = '$.a'\nts_unit = 'h'", "expected \"s\", \"ms\" or \"auto\""),
            ("prompt = ", "line 1: "),
            ("prompt = '$.a'\n\nts = '$.t'\nid = [1]", "line 4: id = [1]: expected a path"),
            ("prompt = '$.a'\nprompt = '$.b'", "line 2: duplicate key"),
        ];
        for (map, expected) in cases {
            let error = PathMap::parse(map).expect_err(map).to_string();
            assert!(error.contains(expected), "{map}: {error}");
        }
    }

    #[test]
    fn columns_are_the_outermost_keys() {
        let map = PathMap::parse("prompt = '$.b.c'\naccount = ['a', 'b.d']").expect("a map");
        assert_eq!(map.columns(), ["a", "b"]);
    }
}

//! One line of a log to the requests it tells of: finds out which shape the line has and has that shape read it.

use std::borrow::Cow;

use super::draft::Draft;
use super::json::{Json, Tape};
use super::{Request, anthropic, chat, plain};
use crate::error::LineError;

/// How lines are read.
#[derive(Debug, Clone, Default)]
pub struct ParseOptions {
    /// Keys the chains by which a conversation's earlier turns are known again: take it from the store's secret.
    pub chain_seed: u64,
}

/// Memory that is kept from line to line; one a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    tape: Tape,
}

/// A request read from a line, with what its reading left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The request.
    pub request: Request,
    /// The shape or log format it had.
    pub format: Format,
    /// Its turns, by which a conversation is followed.
    pub turns: Turns,
    /// Parts beyond [`crate::limits::PARTS_MAX`], not read.
    pub parts_dropped: u32,
    /// Parts cut at [`crate::limits::PROMPT_BYTES_MAX`].
    pub parts_cut: u32,
}

/// The turns of a conversation as hashes: entry `k` of the chain covers all messages up to the `k`-th.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turns {
    /// One keyed hash for each message that is not a system one; empty where there are no messages.
    pub chain: Vec<u64>,
    /// For each part of the request the message it comes from, counted from 1; 0 for what belongs to no turn.
    pub of_parts: Vec<u32>,
    /// The earlier response that this request goes on from, where the API keeps the history itself.
    pub previous: Option<String>,
}

/// Where one thing was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What it became: a field of the plain form or the name of a part's kind.
    pub target: &'static str,
    /// Its path in the line.
    pub path: String,
}

/// The shapes and log formats that are understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Our plain form.
    #[default]
    Plain,
    /// OpenAI chat completions.
    OpenAiChat,
    /// Anthropic Messages.
    AnthropicMessages,
}

/// Reads one line and appends its requests to `out`; returns how many there were: none for a blank line, one for most
/// formats, several for exports that pack them. Bytes that are not UTF-8 become U+FFFD. Linear in the line.
/// # Errors
/// [`LineError`] when the line is no JSON, of no known shape, or has a field that cannot be used; then nothing is appended.
pub fn parse_line(
    line: &[u8],
    options: &ParseOptions,
    scratch: &mut Scratch,
    out: &mut Vec<Parsed>,
) -> Result<usize, LineError> {
    let start = out.len();
    let result = parse_into(line, options, false, scratch, &mut |parsed, _| out.push(parsed));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn parse_into(
    line: &[u8],
    options: &ParseOptions,
    traced: bool,
    scratch: &mut Scratch,
    take: &mut dyn FnMut(Parsed, Vec<Taken>),
) -> Result<usize, LineError> {
    let text: Cow<'_, str> = match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line),
    };
    if text.trim().is_empty() {
        return Ok(0);
    }
    let doc = scratch.tape.parse(&text, "")?;
    let mut draft = Draft::new(options.chain_seed, traced);
    let format = read(&mut draft, doc.root())?;
    let (mut parsed, taken) = draft.finish();
    parsed.format = format;
    take(parsed, taken);
    Ok(1)
}

fn read(draft: &mut Draft, line: Json<'_>) -> Result<Format, LineError> {
    plain::envelope(draft, line)?;
    if line.get("messages").is_some() {
        if anthropic::is_body(line) {
            anthropic::read(draft, line)?;
            return Ok(Format::AnthropicMessages);
        }
        chat::read(draft, line)?;
        return Ok(Format::OpenAiChat);
    }
    match line.entries().find(|(key, _)| key.is("prompt")) {
        Some((_, prompt)) if prompt.is_null() => Ok(Format::Plain),
        Some((_, prompt)) => plain::prompt(draft, prompt).map(|()| Format::Plain),
        None => Err(unknown(line)),
    }
}

/// Names the keys that are there, since the reader of the error wants to know what was looked at.
fn unknown(line: Json<'_>) -> LineError {
    let keys: Vec<_> = line.entries().take(12).filter_map(|(key, _)| key.text()).collect();
    let keys: String = keys.join(", ").chars().take(200).collect();
    let what = if line.is_object() { format!("its keys are: {keys}") } else { "not an object".to_owned() };
    LineError::UnknownShape(what)
}

#[cfg(test)]
mod tests {
    use super::super::PartKind;
    use super::*;

    fn parse(line: &str) -> Result<Parsed, LineError> {
        parse_bytes(line.as_bytes())
    }

    fn parse_bytes(line: &[u8]) -> Result<Parsed, LineError> {
        let mut out = Vec::new();
        parse_line(line, &ParseOptions::default(), &mut Scratch::default(), &mut out)?;
        Ok(out.pop().expect("one request"))
    }

    fn parts(line: &str) -> Vec<(PartKind, String)> {
        let parsed = parse(line).expect("a request");
        assert_eq!(parsed.turns.of_parts.len(), parsed.request.parts.len());
        parsed.request.parts.into_iter().map(|part| (part.kind, part.text)).collect()
    }

    #[test]
    fn the_plain_form() {
        let line = r#"{"id":7,"account":"a","ts":"5","prompt":"p\n","end_user":"e","key":"k","org":"o","payer":"y","ip":"i","ua":"u","model":"m","x":[1]}"#;
        let request = parse(line).expect("a request").request;
        assert_eq!(request.id.as_deref(), Some("7"));
        assert_eq!(request.time_ms, Some(5));
        assert_eq!(request.principals.accusable(), Some("a"));
        assert_eq!(request.principals.party(), Some("y"));
        assert_eq!(request.principals.end_user.as_deref(), Some("e"));
        assert_eq!(request.tags.user_agent.as_deref(), Some("u"));
        assert_eq!(request.parts.len(), 1);
        assert_eq!((request.parts[0].kind, request.parts[0].text.as_str()), (PartKind::Prompt, "p\n"));
    }

    #[test]
    fn every_odd_line_has_a_defined_answer() {
        assert!(parts(r#"{"prompt":null}"#).is_empty());
        assert_eq!(parts(r#"{"prompt":""}"#), [(PartKind::Prompt, String::new())]);
        assert_eq!(parts(r#"{"prompt":"a","prompt":"b"}"#)[0].1, "a");
        assert_eq!(parse_bytes(b"{\"prompt\":\"a\xff\"}").expect("read").request.parts[0].text, "a\u{fffd}");
        assert!(matches!(parse(r#"{"prompt":5}"#), Err(LineError::Field { .. })));
        assert!(matches!(parse(r#"{"prompt":"a","ts":"soon"}"#), Err(LineError::Field { .. })));
        assert!(matches!(parse(r#"{"promt":"a"}"#), Err(LineError::UnknownShape(_))));
        assert!(matches!(parse("[]"), Err(LineError::UnknownShape(_))));
        assert!(matches!(parse("hello"), Err(LineError::Json(_))));
        let mut out = Vec::new();
        for blank in ["", "  \t"] {
            assert_eq!(
                parse_line(blank.as_bytes(), &ParseOptions::default(), &mut Scratch::default(), &mut out),
                Ok(0)
            );
        }
    }

    #[test]
    fn one_user_turn_is_the_last_one() {
        let line = r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}"#;
        assert_eq!(parts(line), [(PartKind::System, "s".into()), (PartKind::LastUser, "u".into())]);
    }

    #[test]
    fn of_a_conversation_only_its_ends_are_read() {
        let line = r#"{"system":[{"type":"text","text":"s1"},{"type":"text","text":"s2"}],"messages":[
            {"role":"user","content":"u1"},
            {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"old"}]},
            {"role":"assistant","content":"ok"},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"new"}]},
              {"type":"image","source":{}},
              {"type":"text","text":"<system-reminder>r</system-reminder>"},{"type":"text","text":"u2"}]}],
            "tools":[{"name":"f","input_schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer"}},"required":["a"]}}],
            "max_tokens":10,"temperature":1.0}"#;
        assert_eq!(
            parts(line),
            [
                (PartKind::System, "s1".into()),
                (PartKind::System, "s2".into()),
                (PartKind::Tools, "f(a:integer,b?:string)".into()),
                (PartKind::Shape, "max_tokens=10\ntemperature=1".into()),
                (PartKind::FirstUser, "u1".into()),
                (PartKind::ToolResult, "new".into()),
                (PartKind::Injected, "<system-reminder>r</system-reminder>".into()),
                (PartKind::LastUser, "u2".into()),
            ]
        );
        let parsed = parse(line).expect("a request");
        assert_eq!(parsed.turns.chain.len(), 5);
        assert_eq!(parsed.turns.of_parts, [0, 0, 0, 0, 1, 5, 5, 5]);
        assert_eq!(parsed.request.media_skipped, 1);
    }

    #[test]
    fn parts_are_bounded_and_the_turn_is_kept() {
        let results = r#"{"role":"tool","content":"r"},"#.repeat(crate::limits::PARTS_MAX + 1);
        let line = format!(r#"{{"messages":[{results}{{"role":"user","content":"u"}}]}}"#);
        let parsed = parse(&line).expect("a request");
        assert!(parsed.request.parts.len() <= crate::limits::PARTS_MAX);
        assert_eq!(parsed.request.parts.last().map(|part| part.kind), Some(PartKind::LastUser));
        assert!(parsed.parts_dropped > 0);
    }
}

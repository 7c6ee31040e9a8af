//! One line of a log to the requests it tells of: finds out which shape the line has and has that shape read it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::draft::Draft;
use super::formats::Format;
use super::join::AccessIndex;
use super::json::{self, Json, Tape};
use super::map::PathMap;
use super::source::LineReader;
use super::{
    Request, anthropic, batch, bedrock, body, chat, helicone, kong, langfuse, litellm, openinference, otel, plain,
    responses, spans,
};
use crate::error::{LineError, Result as LogResult};
use crate::num;

/// How lines are read.
#[derive(Debug, Clone, Default)]
pub struct ParseOptions {
    /// Keys the chains by which a conversation's earlier turns are known again: the one that the store's keys give.
    pub chain_seed: u64,
    /// Where to find everything, for logs of no known format; then no format is looked for.
    pub map: Option<Arc<PathMap>>,
    /// An access log that completes requests of the same id with what their own line does not say.
    pub join: Option<Arc<AccessIndex>>,
}

impl ParseOptions {
    /// Opens a log that is to be read under these options: of a file in columns only what is asked for is read.
    /// # Errors
    /// As [`LineReader::open`].
    pub fn open(&self, log: &Path) -> LogResult<LineReader> {
        match &self.map {
            Some(map) => LineReader::open_columns(log, &map.columns()),
            None => LineReader::open(log),
        }
    }

    fn complete(&self, parsed: &mut Parsed) {
        if let Some(join) = &self.join {
            join.complete(&mut parsed.request);
        }
    }
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
    /// Which request of its line it is, counted from 0.
    pub ordinal: u32,
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
    /// Messages up to the last one that the model has answered, it and its answer included; a beginning of an answer that
    /// the caller put there himself is none. What stands in them was asked by an earlier request.
    pub answered: u32,
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
    /// The beginning of the value as it stands there.
    pub preview: String,
}

/// What a line was read as, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What came of the line.
    pub parsed: Parsed,
    /// Where each thing was taken from, in the order of taking.
    pub taken: Vec<Taken>,
}

/// Reads one line and appends its requests to `out`; returns how many there were: none for a blank line or one that tells
/// of no call of a model (a span of another kind), one for most formats, several for exports that pack them. Bytes that
/// are not UTF-8 become U+FFFD. Linear in the line.
/// # Errors
/// [`LineError`] when the line is no JSON, of no known shape, or has a field that cannot be used; then nothing is appended.
pub fn parse_line(
    line: &[u8],
    options: &ParseOptions,
    scratch: &mut Scratch,
    out: &mut Vec<Parsed>,
) -> Result<usize, LineError> {
    let start = out.len();
    let mut ordinal = 0;
    let result = parse_into(line, options, false, scratch, &mut |draft, format| {
        let (mut parsed, _) = draft.finish();
        parsed.format = format;
        parsed.ordinal = ordinal;
        options.complete(&mut parsed);
        ordinal += 1;
        out.push(parsed);
    });
    if result.is_err() {
        out.truncate(start);
    }
    result.map(|()| out.len() - start)
}

/// As [`parse_line`], and tells what was taken from where.
/// # Errors
/// As [`parse_line`].
pub fn explain(line: &[u8], options: &ParseOptions) -> Result<Vec<Explanation>, LineError> {
    let mut all = Vec::new();
    parse_into(line, options, true, &mut Scratch::default(), &mut |draft, format| {
        let (mut parsed, taken) = draft.finish();
        parsed.format = format;
        parsed.ordinal = num::u32_saturating(all.len());
        options.complete(&mut parsed);
        all.push(Explanation { parsed, taken });
    })?;
    Ok(all)
}

fn parse_into(
    line: &[u8],
    options: &ParseOptions,
    traced: bool,
    scratch: &mut Scratch,
    take: &mut dyn FnMut(Draft, Format),
) -> Result<(), LineError> {
    let text: Cow<'_, str> = match simdutf8::basic::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line),
    };
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    let doc = scratch.tape.parse(&text, "")?;
    let root = doc.root();
    let mut reader = Reader { options, traced, take };
    if root.is_array() {
        // Some loggers send their entries in lists.
        return root.items().try_for_each(|item| reader.read(item));
    }
    reader.read(root)
}

/// Reads the objects of one line.
struct Reader<'r> {
    options: &'r ParseOptions,
    traced: bool,
    take: &'r mut dyn FnMut(Draft, Format),
}

impl Reader<'_> {
    fn draft(&self) -> Draft {
        Draft::new(self.options.chain_seed, self.traced)
    }

    fn read(&mut self, line: Json<'_>) -> Result<(), LineError> {
        let mut draft = self.draft();
        if let Some(map) = &self.options.map {
            map.read(&mut draft, line)?;
            (self.take)(draft, Format::Mapped);
            return Ok(());
        }
        let Some(format) = Format::of_object(line) else {
            return self.envelope(line);
        };
        let is_request = match format {
            Format::OpenAiBatch => batch::openai(&mut draft, line).map(|()| true),
            Format::AnthropicBatch => batch::anthropic(&mut draft, line).map(|()| true),
            Format::LiteLlm => litellm::payload(&mut draft, line).map(|()| true),
            Format::LiteLlmSpend => litellm::spend(&mut draft, line).map(|()| true),
            Format::Langfuse => langfuse::read(&mut draft, line),
            Format::Helicone => helicone::read(&mut draft, line).map(|()| true),
            Format::KongAi => kong::read(&mut draft, line),
            Format::Bedrock => bedrock::read(&mut draft, line).map(|()| true),
            Format::OtelGenAi | Format::OpenInference => return self.spans(line),
            _ => body_with_fields(&mut draft, line, format).map(|()| true),
        }?;
        if is_request {
            (self.take)(draft, format);
        }
        Ok(())
    }

    /// The fields of the plain form around a body of any API.
    fn envelope(&mut self, line: Json<'_>) -> Result<(), LineError> {
        let inner = ["body", "request", "request_body"].iter().find_map(|key| line.get(key));
        let Some(inner) = inner else { return Err(body::unknown(line)) };
        let mut draft = self.draft();
        plain::envelope(&mut draft, line)?;
        body::read(&mut draft, inner)?;
        let format = json::opened(inner, |inner| Format::of_object(inner).unwrap_or_default());
        (self.take)(draft, format);
        Ok(())
    }

    fn spans(&mut self, line: Json<'_>) -> Result<(), LineError> {
        spans::each(line, &mut |span| {
            let mut draft = self.draft();
            let (is_request, format) = if openinference::is_span(span) {
                (openinference::read(&mut draft, span)?, Format::OpenInference)
            } else {
                (otel::read(&mut draft, span)?, Format::OtelGenAi)
            };
            if is_request {
                (self.take)(draft, format);
            }
            Ok(())
        })
    }
}

/// A body with the fields of the plain form beside it.
fn body_with_fields(draft: &mut Draft, line: Json<'_>, format: Format) -> Result<(), LineError> {
    plain::envelope(draft, line)?;
    match format {
        Format::AnthropicMessages => anthropic::read(draft, line),
        Format::OpenAiChat => chat::read(draft, line),
        Format::OpenAiResponses => responses::read(draft, line),
        _ => match line.get("prompt") {
            Some(prompt) => plain::prompt(draft, prompt),
            None => Ok(()),
        },
    }
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
        assert_eq!(parts(r#"{"prompt":"a","prompt":"b"}"#)[0].1, "b");
        assert_eq!(parse_bytes(b"{\"prompt\":\"a\xff\"}").expect("read").request.parts[0].text, "a\u{fffd}");
        assert!(matches!(parse(r#"{"prompt":5}"#), Err(LineError::Field { .. })));
        assert!(matches!(parse(r#"{"prompt":"a","ts":"soon"}"#), Err(LineError::Field { .. })));
        assert!(matches!(parse(r#"{"promt":"a"}"#), Err(LineError::UnknownShape(_))));
        assert!(matches!(parse("[7]"), Err(LineError::UnknownShape(_))));
        assert!(matches!(parse("hello"), Err(LineError::Json(_))));
        let mut out = Vec::new();
        for blank in ["", "  \t"] {
            assert_eq!(
                parse_line(blank.as_bytes(), &ParseOptions::default(), &mut Scratch::default(), &mut out),
                Ok(0)
            );
        }
    }

    /// Of a repeated account the first one counted, so that a request could show the log another account than the server.
    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let line = r#"{"id":"x","account":"a","ts":1,"model":"m","account":"b","id":"y","ts":2,"messages":[],
            "messages":[{"role":"user","content":"first","content":"u"}],"org":"o","org":null}"#;
        let request = parse(line).expect("a request").request;
        assert_eq!((request.id.as_deref(), request.time_ms), (Some("y"), Some(2)));
        assert_eq!((request.principals.account.as_deref(), request.principals.org), (Some("b"), None));
        assert_eq!(request.parts.last().map(|part| part.text.as_str()), Some("u"));
    }

    #[test]
    fn numbers_and_strings_stand_for_each_other() {
        let line = r#"{"id":12.5,"account":7,"key":true,"ts":"1790000000000","ip":{"v4":1},"model":null,"prompt":"p"}"#;
        let request = parse(line).expect("a request").request;
        assert_eq!((request.id.as_deref(), request.time_ms), (Some("12.5"), Some(1_790_000_000_000)));
        assert_eq!(request.principals.account.as_deref(), Some("7"));
        // Whatever is no scalar is no name.
        assert_eq!(
            (request.principals.key.as_deref(), request.tags.ip, request.tags.model),
            (Some("true"), None, None)
        );
    }

    #[test]
    fn bad_encodings_become_replacement_characters_wherever_they_stand() {
        let parsed = parse_bytes(
            b"{\"account\":\"\xc3\x28\",\"messages\":[{\"role\":\"user\",\"content\":\"\xf0\x9f\\ud83d\"}]}",
        );
        let request = parsed.expect("a request").request;
        assert_eq!(request.principals.account.as_deref(), Some("\u{fffd}("));
        assert_eq!(request.parts[0].text, "\u{fffd}\u{fffd}");
        // In another encoding a line is no JSON, and says so.
        let utf16: Vec<u8> = r#"{"prompt":"p"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(parse_bytes(&utf16), Err(LineError::Json(_))));
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

    #[test]
    fn odd_messages_have_a_defined_answer() {
        let user = r#"{"role":"user","content":"u"}"#;
        let cases: [(&str, &[PartKind], u32); 10] = [
            // Null, absent and empty content.
            (r#"{"role":"assistant","content":null},{"role":"user"}"#, &[PartKind::LastUser], 0),
            (r#"{"role":"user","content":[]}"#, &[PartKind::LastUser], 0),
            // A call without arguments, and one without anything.
            (
                r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}},{},null]}"#,
                &[PartKind::LastUser],
                0,
            ),
            // Images, files and sounds are counted.
            (
                r#"{"role":"user","content":[{"type":"image_url","image_url":{}},{"type":"file"},{"type":"input_audio"}]}"#,
                &[PartKind::LastUser],
                3,
            ),
            (
                r#"{"role":"user","content":[{"type":"text","text":5},{"type":7,"text":"t"}]}"#,
                &[PartKind::FirstUser, PartKind::LastUser],
                1,
            ),
            // Blocks of a kind that nobody knows count as text where they have some.
            (
                r#"{"role":"user","content":[{"type":"new","text":"t"},{"type":"new"}]}"#,
                &[PartKind::FirstUser, PartKind::LastUser],
                1,
            ),
            // Bare strings in a list, and content that is neither text nor list.
            (r#"{"role":"user","content":["a","b"]}"#, &[PartKind::FirstUser, PartKind::LastUser], 0),
            (r#"{"role":"user","content":7}"#, &[PartKind::LastUser], 0),
            // A role nobody knows is the user's; a role that is no text too.
            (r#"{"role":"critic","content":"c"}"#, &[PartKind::FirstUser, PartKind::LastUser], 0),
            (r#"{"role":5,"content":"c"}"#, &[PartKind::FirstUser, PartKind::LastUser], 0),
        ];
        for (message, kinds, media) in cases {
            let parsed = parse(&format!(r#"{{"messages":[{message},{user}]}}"#)).expect(message);
            let found: Vec<_> = parsed.request.parts.iter().map(|part| part.kind).collect();
            assert_eq!((found.as_slice(), parsed.request.media_skipped), (kinds, media), "{message}");
        }
        for bad in [r#"{"messages":"u"}"#, r#"{"messages":[5]}"#, r#"{"messages":{}}"#] {
            assert!(matches!(parse(bad), Err(LineError::Field { .. })), "{bad}");
        }
    }

    #[test]
    fn names_and_prompts_are_cut_one_past_their_bounds() {
        let (name_max, prompt_max) = (crate::limits::NAME_BYTES_MAX, crate::limits::PROMPT_BYTES_MAX);
        for over in [0, 1] {
            let line = format!(
                r#"{{"account":"{}","prompt":"{}"}}"#,
                "n".repeat(name_max + over),
                "p".repeat(prompt_max + over)
            );
            let parsed = parse(&line).expect("a request");
            assert_eq!(parsed.request.principals.account.map(|name| name.len()), Some(name_max));
            assert_eq!(parsed.request.parts[0].text.len(), prompt_max);
            assert_eq!(parsed.parts_cut, u32::from(over > 0));
        }
        let line = format!(r#"{{"account":"{}é","prompt":""}}"#, "n".repeat(name_max - 1));
        assert_eq!(
            parse(&line).expect("a request").request.principals.account.map(|name| name.len()),
            Some(name_max - 1)
        );
    }

    #[test]
    fn a_redacted_log_gives_no_text() {
        let line = r#"{"id":"x","call_type":"acompletion","startTime":1.5,"model_parameters":{},"metadata":{},
            "messages":[{"role":"user","content":"redacted-by-litellm"}]}"#;
        let parsed = parse(line).expect("a request");
        assert!(parsed.request.parts.is_empty() && parsed.request.time_ms == Some(1500));
    }
}

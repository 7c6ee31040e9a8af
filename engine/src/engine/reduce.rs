//! Shrinks a request body while it arrives: what the one parser of the engine would not make a part of is not kept.
//!
//! A conversation's earlier turns, the model's own messages and pictures are most of a long body, and none of them is
//! fingerprinted. They are left out here, message by message and string by string, so that a body of megabytes is held in
//! the memory of its new text; the rest goes to the same parser as every log, which is why a streamed request and a logged
//! one give the same parts. What is no JSON passes through, for the parser to refuse.

use memchr::memchr2;

use crate::limits;
use crate::num::usize_of;
use crate::request::parse::{ParseOptions, Parsed, Scratch, parse_line};

/// Bytes of a string that are looked at to know a key, a role or a type.
const CAPTURED_BYTES: usize = 24;
/// Bytes that stay of a picture or a file.
const MEDIA_BYTES: usize = 32;
/// What stands for a message that is left out.
const ASSISTANT_LEFT_OUT: &[u8] = br#"{"role":"assistant"}"#;
const MESSAGE_LEFT_OUT: &[u8] = br#"{"role":"tool"}"#;
/// Bytes by which the buffer grows at least: doubling would hold twice the text. A chunk of text brings its own length.
const GROWTH_BYTES: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Messages,
    Role,
    Content,
    Type,
    /// Wraps a picture, a sound or a file.
    Media,
    /// Holds its bytes.
    Data,
    Other,
}

fn key_of(name: &[u8]) -> Key {
    match name {
        b"messages" => Key::Messages,
        b"role" => Key::Role,
        b"content" => Key::Content,
        b"type" => Key::Type,
        b"source" | b"image" | b"image_url" | b"input_audio" | b"audio" | b"file" | b"inline_data" | b"inlineData" => {
            Key::Media
        }
        b"data" | b"bytes" | b"file_data" | b"url" => Key::Data,
        _ => Key::Other,
    }
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    is_object: bool,
    expects_key: bool,
    key: Key,
}

/// What a message is, as far as leaving it out goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never left out: the system's, and what is left out already.
    Kept,
    /// The model's: left out at once.
    Assistant,
    /// The caller's, of which it is not known yet whether the user wrote in it.
    Unknown,
    /// The caller's with text of the user.
    Turn,
    /// The caller's with what tools gave back.
    Results,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    kind: Kind,
}

/// A body in the making.
#[derive(Debug, Default)]
pub(super) struct Reducer {
    out: Vec<u8>,
    stack: Vec<Frame>,
    in_string: bool,
    escaped: bool,
    is_key: bool,
    captured: [u8; CAPTURED_BYTES],
    captured_bytes: usize,
    /// Bytes of the string that may still pass; others are dropped.
    room: usize,
    message_start: usize,
    role: Role,
    spans: Vec<Span>,
    /// Spans before this one stand before a message of the model.
    settled: usize,
    /// Nested deeper than any request: passes through as it is, for the parser to refuse.
    is_plain: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    System,
    Assistant,
    Tool,
    #[default]
    User,
}

impl Reducer {
    /// The body so far, reduced.
    pub(super) fn body(&self) -> &[u8] {
        &self.out
    }

    /// Takes the next bytes of the body, cut anywhere.
    pub(super) fn push(&mut self, mut chunk: &[u8]) {
        while let Some(&byte) = chunk.first() {
            if self.in_string {
                let end = if self.escaped { 0 } else { memchr2(b'"', b'\\', chunk).unwrap_or(chunk.len()) };
                let (plain, rest) = chunk.split_at(end);
                self.string_bytes(plain);
                chunk = rest;
                let Some(&byte) = chunk.first() else { break };
                chunk = chunk.get(1..).unwrap_or_default();
                if self.escaped || byte == b'\\' {
                    self.escaped = !self.escaped;
                    // An escape passes whole or not at all.
                    if self.escaped && self.room < 12 {
                        self.room = 0;
                    }
                    self.string_bytes(&[byte]);
                } else {
                    self.put(&[byte]);
                    self.end_string();
                }
                continue;
            }
            chunk = chunk.get(1..).unwrap_or_default();
            self.structure(byte);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.out.len() + bytes.len() > self.out.capacity() {
            self.out.reserve_exact(bytes.len().max(GROWTH_BYTES));
        }
        self.out.extend_from_slice(bytes);
    }

    fn string_bytes(&mut self, bytes: &[u8]) {
        let captured = bytes.len().min(CAPTURED_BYTES - self.captured_bytes);
        if let (Some(to), Some(from)) =
            (self.captured.get_mut(self.captured_bytes..self.captured_bytes + captured), bytes.get(..captured))
        {
            to.copy_from_slice(from);
            self.captured_bytes += captured;
        }
        if self.room == usize::MAX {
            return self.put(bytes);
        }
        let mut end = bytes.len().min(self.room);
        // Never a part of a character.
        while end > 0 && end < bytes.len() && bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
            end -= 1;
        }
        self.room = if end < bytes.len() { 0 } else { self.room - end };
        let kept = bytes.get(..end).unwrap_or_default();
        if !kept.is_empty() {
            self.put(kept);
        }
    }

    fn structure(&mut self, byte: u8) {
        if self.is_plain {
            return self.put(&[byte]);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.captured_bytes = 0;
                self.is_key = self.stack.last().is_some_and(|top| top.is_object && top.expects_key);
                self.room = if self.is_media() { MEDIA_BYTES } else { usize::MAX };
            }
            b'{' | b'[' => {
                if self.stack.len() >= usize_of(limits::JSON_DEPTH_MAX) {
                    self.is_plain = true;
                } else {
                    self.stack.push(Frame { is_object: byte == b'{', expects_key: byte == b'{', key: Key::Other });
                    if self.at_message() {
                        self.message_start = self.out.len();
                        self.role = Role::User;
                    }
                }
            }
            b'}' | b']' => {
                let ends_message = self.at_message();
                self.stack.pop();
                self.put(&[byte]);
                if ends_message {
                    self.end_message();
                }
                return;
            }
            b':' => {
                if let Some(top) = self.stack.last_mut() {
                    top.expects_key = false;
                }
            }
            b',' => {
                if let Some(top) = self.stack.last_mut() {
                    top.expects_key = top.is_object;
                }
            }
            // White space between values says nothing.
            b' ' | b'\n' | b'\r' | b'\t' => return,
            _ => {}
        }
        self.put(&[byte]);
    }

    /// Whether the innermost value is an item of the body's `messages`.
    fn at_message(&self) -> bool {
        matches!(self.stack.as_slice(), [body, list, item]
            if body.key == Key::Messages && !list.is_object && item.is_object)
    }

    /// Whether the string that begins is the content of a picture or a file.
    fn is_media(&self) -> bool {
        let [.., outer, inner] = self.stack.as_slice() else { return false };
        !self.is_key && outer.key == Key::Media && inner.is_object && inner.key == Key::Data && self.stack.len() > 3
    }

    fn end_string(&mut self) {
        self.in_string = false;
        let text = self.captured.get(..self.captured_bytes).unwrap_or_default();
        if self.is_key {
            let key = key_of(text);
            if let Some(top) = self.stack.last_mut() {
                top.key = key;
            }
        } else if self.at_message() && self.stack.last().is_some_and(|top| top.key == Key::Role) {
            self.role = match text {
                b"system" | b"developer" => Role::System,
                b"assistant" | b"model" | b"ai" | b"bot" => Role::Assistant,
                b"tool" | b"function" | b"ipython" => Role::Tool,
                _ => Role::User,
            };
        }
    }

    fn end_message(&mut self) {
        let start = self.message_start;
        let kind = match self.role {
            Role::System => Kind::Kept,
            Role::Assistant => Kind::Assistant,
            Role::Tool => Kind::Results,
            Role::User => Kind::Unknown,
        };
        if kind == Kind::Assistant {
            self.out.truncate(start);
            self.put(ASSISTANT_LEFT_OUT);
        }
        self.spans.push(Span { start, end: self.out.len(), kind });
        if kind == Kind::Assistant {
            self.settle();
        }
    }

    /// What the model has answered is history: of it only the first and the last turn of the user are parts.
    fn settle(&mut self) {
        for at in self.settled..self.spans.len() {
            if self.spans[at].kind == Kind::Unknown {
                self.spans[at].kind = self.kind_of(self.spans[at]);
            }
        }
        self.settled = self.spans.len();
        let is_turn = |span: &Span| span.kind == Kind::Turn;
        let first = self.spans.iter().position(is_turn);
        let last = self.spans.iter().rposition(is_turn);
        let mut shift = 0;
        let mut fresh = Vec::new();
        for at in 0..self.spans.len() {
            let span = &mut self.spans[at];
            let (start, end) = (span.start - shift, span.end - shift);
            let goes = span.kind == Kind::Results || (span.kind == Kind::Turn && Some(at) != first && Some(at) != last);
            if goes && end - start > MESSAGE_LEFT_OUT.len() {
                self.out.splice(start..end, MESSAGE_LEFT_OUT.iter().copied());
                shift += end - start - MESSAGE_LEFT_OUT.len();
                fresh.push(Span { start, end: start + MESSAGE_LEFT_OUT.len(), kind: Kind::Kept });
            } else {
                fresh.push(Span { start, end, kind: if goes { Kind::Kept } else { span.kind } });
            }
        }
        self.spans = fresh;
    }

    /// Asks the parser itself whether the user wrote in a message.
    fn kind_of(&self, span: Span) -> Kind {
        let message = self.out.get(span.start..span.end).unwrap_or_default();
        let body = [br#"{"messages":["#, message, b"]}"].concat();
        let mut parsed: Vec<Parsed> = Vec::new();
        // A message that the parser refuses stays, so that it refuses the whole.
        if parse_line(&body, &ParseOptions::default(), &mut Scratch::default(), &mut parsed).is_err() {
            return Kind::Kept;
        }
        let is_turn =
            |parsed: &Parsed| parsed.request.parts.iter().any(|part| part.kind == crate::request::PartKind::LastUser);
        if parsed.iter().any(is_turn) { Kind::Turn } else { Kind::Results }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Part;

    fn parts(body: &[u8]) -> Vec<Part> {
        let mut parsed = Vec::new();
        parse_line(body, &ParseOptions::default(), &mut Scratch::default(), &mut parsed).expect("a request");
        parsed.pop().expect("one request").request.parts
    }

    fn reduce(body: &[u8], chunk: usize) -> Reducer {
        let mut reducer = Reducer::default();
        body.chunks(chunk).for_each(|chunk| reducer.push(chunk));
        reducer
    }

    fn conversation(turns: usize) -> String {
        let mut messages = vec![r#"{"role": "system", "content": "Be kind. \"quoted\" \\ é"}"#.to_owned()];
        for turn in 0..turns {
            messages.push(format!(
                r#"{{"role":"user","content":[{{"type":"text","text":"question {turn} {{ [ \" é"}},{{"type":"image","source":{{"type":"base64","data":"{}"}}}}]}}"#,
                "QUJD".repeat(500)
            ));
            messages.push(format!(
                r#"{{"content":"{}","role":"assistant","tool_calls":[{{"id":"t{turn}"}}]}}"#,
                "answer ".repeat(300)
            ));
            messages.push(format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t{turn}","content":"{}"}}]}}"#,
                "row ".repeat(400)
            ));
            messages.push(r#"{"role":"assistant","content":"done"}"#.to_owned());
        }
        messages.push(r#"{"role":"user","content":"<system-reminder>today</system-reminder>"}"#.to_owned());
        messages.push(r#"{"role":"user","content":"the last question"}"#.to_owned());
        let list = messages.join(", ");
        format!(r#"{{"model":"m","max_tokens":5,"messages":[{list}],"tools":[{{"name":"f","input_schema":{{}}}}]}}"#)
    }

    #[test]
    fn a_reduced_body_gives_the_same_parts_wherever_it_was_cut() {
        for turns in [0, 1, 2, 7] {
            let body = conversation(turns);
            let expected = parts(body.as_bytes());
            for chunk in [1, 2, 3, 7, 64, 4096, body.len()] {
                let reducer = reduce(body.as_bytes(), chunk);
                assert_eq!(parts(reducer.body()), expected, "{turns} turns, chunks of {chunk}");
            }
        }
    }

    #[test]
    fn history_does_not_add_up() {
        let body = conversation(200);
        let reducer = reduce(body.as_bytes(), 4096);
        assert!(body.len() > 1_000_000);
        assert!(reducer.body().len() < 16_000, "{}", reducer.body().len());
        assert!(reducer.out.capacity() < 32_000, "{}", reducer.out.capacity());
    }

    #[test]
    fn what_is_no_request_passes_through() {
        for body in
            ["", "nonsense", "{\"a\":", "[[[[", "\"\\", "}}]]", "{\"messages\":[{\"role\":\"assistant\"", "\u{fffd}"]
        {
            let reducer = reduce(body.as_bytes(), 1);
            assert_eq!(reducer.body(), body.as_bytes());
        }
        let deep = "[".repeat(1000);
        assert_eq!(reduce(deep.as_bytes(), 3).body().len(), 1000);
    }
}

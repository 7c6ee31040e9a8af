//! A request in the making: formats hand in fields and messages, the draft decides what becomes a part.
//!
//! Of a conversation only its ends are read: the first and the last user turn, and what came after the model last spoke.
//! Everything before was in an earlier request of the same conversation and is only hashed into the chain by which
//! [`super::conversation`] knows it again.

use std::borrow::Cow;

use super::content::{Block, blocks, push_line, result_text};
use super::injected::{self, Piece};
use super::json::Json;
use super::parse::{Parsed, Taken};
use super::time::{self, Unit};
use super::{Part, PartKind};
use crate::error::LineError;
use crate::{limits, num};

/// Places kept for the turns when a request has too many parts: first and last user turn, tools and shape.
const PARTS_RESERVED: usize = 4;

/// Characters of a value that are shown to someone who asks where it was taken from.
const PREVIEW_CHARS: usize = 60;

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// The role of a name, over all APIs; an unknown one counts as the user's, so that nothing escapes under a made-up name.
    pub(super) fn of_name(name: &str) -> Self {
        match name {
            "system" | "developer" => Self::System,
            "assistant" | "model" | "ai" | "bot" => Self::Assistant,
            "tool" | "function" | "ipython" => Self::Tool,
            _ => Self::User,
        }
    }
}

/// One message, wherever its pieces stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) role: Role,
    /// Text or blocks; absent for a message that only calls tools.
    pub(super) content: Option<Json<'a>>,
    /// Calls that stand beside the content.
    pub(super) calls: Option<Json<'a>>,
}

/// A field of a request that is not text to fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    EndUser,
    Key,
    Account,
    Org,
    Payer,
    Ip,
    UserAgent,
    Model,
    Asn,
    Payment,
    Previous,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::EndUser => "end_user",
            Self::Key => "key",
            Self::Account => "account",
            Self::Org => "org",
            Self::Payer => "payer",
            Self::Ip => "ip",
            Self::UserAgent => "ua",
            Self::Model => "model",
            Self::Asn => "asn",
            Self::Payment => "payment",
            Self::Previous => "previous_response_id",
        }
    }
}

/// A request in the making.
#[derive(Debug)]
pub(super) struct Draft {
    parsed: Parsed,
    chain_seed: u64,
    /// Where each thing was taken from, when somebody asks.
    trace: Option<Vec<Taken>>,
}

impl Draft {
    pub(super) fn new(chain_seed: u64, traced: bool) -> Self {
        Self { parsed: Parsed::default(), chain_seed, trace: traced.then(Vec::new) }
    }

    /// The request, its parts in one order whatever the order of the log's fields: system, tools, shape, then the turns.
    pub(super) fn finish(mut self) -> (Parsed, Vec<Taken>) {
        let rank = |kind: PartKind| match kind {
            PartKind::System => 0,
            PartKind::Tools => 1,
            PartKind::Shape => 2,
            _ => 3,
        };
        let parts = &mut self.parsed.request.parts;
        if !parts.is_sorted_by_key(|part| rank(part.kind)) {
            let turns = &mut self.parsed.turns.of_parts;
            let mut both: Vec<_> = parts.drain(..).zip(turns.drain(..)).collect();
            both.sort_by_key(|(part, _)| rank(part.kind));
            (*parts, *turns) = both.into_iter().unzip();
        }
        (self.parsed, self.trace.unwrap_or_default())
    }

    /// Sets `field` from the first of `sources` that is a string, a number or a truth value and not empty, unless it is
    /// set already.
    pub(super) fn set<'a>(&mut self, field: Field, sources: impl IntoIterator<Item = Option<Json<'a>>>) {
        if self.slot(field).is_some() {
            return;
        }
        for source in sources.into_iter().flatten() {
            if let Some(text) = source.scalar().filter(|text| !text.is_empty()) {
                return self.set_text(field, &text, source);
            }
        }
    }

    /// Sets `field` to a text that was made from `source`, unless it is set already.
    pub(super) fn set_text(&mut self, field: Field, text: &str, source: Json<'_>) {
        let slot = self.slot(field);
        if slot.is_none() && !text.is_empty() {
            *slot = Some(cut(text, limits::NAME_BYTES_MAX).to_owned());
            self.note(field.name(), source);
        }
    }

    fn slot(&mut self, field: Field) -> &mut Option<String> {
        let request = &mut self.parsed.request;
        match field {
            Field::Id => &mut request.id,
            Field::EndUser => &mut request.principals.end_user,
            Field::Key => &mut request.principals.key,
            Field::Account => &mut request.principals.account,
            Field::Org => &mut request.principals.org,
            Field::Payer => &mut request.principals.payer,
            Field::Ip => &mut request.tags.ip,
            Field::UserAgent => &mut request.tags.user_agent,
            Field::Model => &mut request.tags.model,
            Field::Asn => &mut request.tags.asn,
            Field::Payment => &mut request.tags.payment,
            Field::Previous => &mut self.parsed.turns.previous,
        }
    }

    /// Sets the time from `source`, unless it is set already; an absent or empty one leaves it unset.
    /// # Errors
    /// [`LineError::Field`] when the value is no time: a request in the wrong hour would be evidence of nothing.
    pub(super) fn set_time(&mut self, source: Option<Json<'_>>, unit: Unit) -> Result<(), LineError> {
        let Some(source) = source.filter(|_| self.parsed.request.time_ms.is_none()) else { return Ok(()) };
        if source.is_string() && source.raw().is_empty() {
            return Ok(());
        }
        let Some(ms) = time::of_json(source, unit) else {
            let reason = "not a time (a unix time or an RFC 3339 date is expected)".to_owned();
            return Err(LineError::Field { field: source.path(), reason });
        };
        self.parsed.request.time_ms = Some(ms);
        self.note("ts", source);
        Ok(())
    }

    /// A prompt without roles.
    pub(super) fn prompt(&mut self, value: Json<'_>) {
        if let Some(text) = value.text() {
            let mut turn = Turn::default();
            turn.add(text);
            self.turn_parts(turn, PartKind::Prompt, 0, value);
        }
    }

    /// System or developer text: one part for each block.
    pub(super) fn system(&mut self, content: Json<'_>) {
        let mut media = 0;
        blocks(content, &mut |block| match block {
            Block::Text(text) => {
                if let Some(words) = text.text().filter(|words| !words.trim().is_empty()) {
                    self.part(PartKind::System, words.into_owned(), 0, text);
                }
            }
            Block::Media => media += 1,
            _ => {}
        });
        self.parsed.request.media_skipped += media;
    }

    /// A part made of more than one value, such as the tools; nothing when empty.
    pub(super) fn made(&mut self, kind: PartKind, text: String, from: Json<'_>) {
        if !text.is_empty() {
            self.part(kind, text, 0, from);
        }
    }

    /// The messages of a request in order, system ones among them.
    pub(super) fn messages(&mut self, all: &[Message<'_>]) {
        for message in all.iter().filter(|message| message.role == Role::System) {
            if let Some(content) = message.content {
                self.system(content);
            }
        }
        let turns: Vec<_> = all.iter().filter(|message| message.role != Role::System).collect();
        for message in &turns {
            self.extend_chain(message);
        }
        let is_answer = |message: &&Message<'_>| message.role == Role::Assistant;
        let asked = turns.len() - turns.iter().rev().take_while(|message| is_answer(message)).count();
        let answered = turns[..asked].iter().rposition(is_answer).map_or(0, |at| at + 1);
        self.parsed.turns.answered = num::u32_saturating(answered);
        let new_from = turns.iter().rposition(|m| m.role == Role::Assistant).map_or(0, |at| at + 1);
        let user_turn = |at: usize| {
            let turn = Turn::of(turns[at].content.filter(|_| turns[at].role == Role::User));
            turn.is_turn.then_some((at, turn))
        };
        let mut first = (0..turns.len()).find_map(user_turn);
        let first_at = first.as_ref().map_or(turns.len(), |(at, _)| *at);
        let mut last = (first_at + 1..turns.len()).rev().find_map(user_turn);
        if last.is_none() {
            last = first.take();
        }
        for (at, message) in turns.iter().enumerate() {
            let number = num::u32_saturating(at + 1);
            let Some(content) = message.content else { continue };
            if at >= new_from {
                self.tool_results(message.role, content, number);
            }
            if let Some((_, turn)) = first.take_if(|(first, _)| *first == at) {
                self.turn_parts(turn, PartKind::FirstUser, number, content);
            } else if let Some((_, turn)) = last.take_if(|(last, _)| *last == at) {
                self.turn_parts(turn, PartKind::LastUser, number, content);
            } else if at >= new_from && message.role == Role::User {
                self.injected(Turn::of(Some(content)).injected, number, content);
            }
        }
    }

    fn tool_results(&mut self, role: Role, content: Json<'_>, number: u32) {
        let mut any = false;
        blocks(content, &mut |block| {
            if let Block::ToolResult(result) = block {
                any = true;
                self.part(PartKind::ToolResult, result_text(result), number, result);
            }
        });
        if role == Role::Tool && !any {
            self.part(PartKind::ToolResult, result_text(content), number, content);
        }
    }

    fn turn_parts(&mut self, turn: Turn, kind: PartKind, number: u32, from: Json<'_>) {
        self.injected(turn.injected, number, from);
        if turn.is_turn {
            self.part(kind, turn.written, number, from);
        }
    }

    fn injected(&mut self, texts: Vec<String>, number: u32, from: Json<'_>) {
        for text in texts {
            self.part(PartKind::Injected, text, number, from);
        }
    }

    fn part(&mut self, kind: PartKind, mut text: String, turn: u32, from: Json<'_>) {
        let surplus = matches!(kind, PartKind::System | PartKind::Injected | PartKind::ToolResult);
        let bound = if surplus { limits::PARTS_MAX - PARTS_RESERVED } else { limits::PARTS_MAX };
        if self.parsed.request.parts.len() >= bound {
            self.parsed.parts_dropped += 1;
            return;
        }
        if text.len() > limits::PROMPT_BYTES_MAX {
            text.truncate(cut(&text, limits::PROMPT_BYTES_MAX).len());
            self.parsed.parts_cut += 1;
        }
        self.parsed.request.parts.push(Part { kind, text });
        self.parsed.turns.of_parts.push(turn);
        self.note(kind.name(), from);
    }

    fn note(&mut self, target: &'static str, from: Json<'_>) {
        if let Some(trace) = &mut self.trace {
            let shown: String = from.raw().chars().take(PREVIEW_CHARS).collect();
            let preview = if shown.len() < from.raw().len() { format!("{shown}...") } else { shown };
            trace.push(Taken { target, path: from.path(), preview });
        }
    }

    /// Adds one message to the chain. Only what a client repeats unchanged counts: neither reasoning, nor cache marks, nor
    /// injected blocks, nor whether a text stood alone or in a list.
    fn extend_chain(&mut self, message: &Message<'_>) {
        let seed = self.chain_seed;
        let hash = |bytes: &[u8]| xxhash_rust::xxh3::xxh3_64_with_seed(bytes, seed);
        let mut state = self.parsed.turns.chain.last().copied().unwrap_or(seed);
        let mut add = |tag: u8, digest: u64| {
            let mut joint = [0; 17];
            joint[..8].copy_from_slice(&state.to_le_bytes());
            joint[8..16].copy_from_slice(&digest.to_le_bytes());
            joint[16] = tag;
            state = hash(&joint);
        };
        let role = match message.role {
            Role::System => b's',
            Role::User => b'u',
            Role::Assistant => b'a',
            Role::Tool => b't',
        };
        add(role, 0);
        let mut media = 0;
        if let Some(content) = message.content {
            blocks(content, &mut |block| match block {
                Block::Text(text) => injected::split(text.raw(), |piece| {
                    if let Piece::Written(written) = piece {
                        let written = trim_escaped(written);
                        if !written.is_empty() {
                            add(b'x', hash(written.as_bytes()));
                        }
                    }
                }),
                Block::ToolResult(result) => {
                    if result.is_string() {
                        return add(b'r', hash(result.raw().as_bytes()));
                    }
                    blocks(result, &mut |inner| match inner {
                        Block::Text(text) => add(b'r', hash(text.raw().as_bytes())),
                        Block::Media => media += 1,
                        _ => {}
                    });
                }
                Block::Call(call) => add(b'c', hash(call_key(call).as_bytes())),
                Block::Media => {
                    media += 1;
                    add(b'm', 0);
                }
                Block::Thinking => {}
            });
        }
        for call in message.calls.into_iter().flat_map(Json::items) {
            add(b'c', hash(call_key(call).as_bytes()));
        }
        self.parsed.turns.chain.push(state);
        self.parsed.request.media_skipped += media;
    }
}

/// What names a call of a tool: its id, else its arguments as they stand.
fn call_key(call: Json<'_>) -> &str {
    let named = |key| call.get(key).filter(|value| value.is_string());
    named("id").or_else(|| named("call_id")).or_else(|| named("toolUseId")).map_or("", Json::raw)
}

/// A user's turn, with what a client injected told apart.
#[derive(Debug, Default)]
struct Turn {
    written: String,
    injected: Vec<String>,
    /// Whether there is user text; an empty string is one, a turn of blocks from tools or clients alone is none.
    is_turn: bool,
}

impl Turn {
    fn of(content: Option<Json<'_>>) -> Self {
        let mut turn = Self::default();
        if let Some(content) = content {
            blocks(content, &mut |block| {
                if let Block::Text(text) = block
                    && let Some(text) = text.text()
                {
                    turn.add(text);
                }
            });
        }
        turn
    }

    fn add(&mut self, text: Cow<'_, str>) {
        let mut written = String::new();
        let injected_before = self.injected.len();
        injected::split(&text, |piece| match piece {
            // Most texts are one piece, which need not be copied.
            Piece::Written(piece) if piece.len() == text.len() => {}
            Piece::Written(piece) => written.push_str(piece),
            Piece::Injected(piece) => self.injected.push(piece.to_owned()),
        });
        if self.injected.len() == injected_before {
            written = text.into_owned();
        } else {
            // The breaks around a block belong to the block.
            let kept = written.trim();
            if kept.is_empty() {
                return;
            }
            written = kept.to_owned();
        }
        self.is_turn = true;
        if self.written.is_empty() {
            self.written = written;
        } else {
            push_line(&mut self.written, &written);
        }
    }
}

/// `text` without white space at its ends, also where it is escaped as in a JSON string.
fn trim_escaped(mut text: &str) -> &str {
    const SPACES: [&str; 3] = ["\\n", "\\r", "\\t"];
    loop {
        let trimmed = text.trim();
        let trimmed = SPACES.iter().find_map(|space| trimmed.strip_prefix(space)).unwrap_or(trimmed);
        let trimmed = SPACES.iter().find_map(|space| trimmed.strip_suffix(space)).unwrap_or(trimmed);
        if trimmed.len() == text.len() {
            return text;
        }
        text = trimmed;
    }
}

/// The longest beginning of `text` that has at most `bytes_max` bytes and ends at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

//! Knows earlier turns of a conversation again, so that only what is new in a request is fingerprinted.
//!
//! A chat of n turns is logged n times, each time with all turns before. Without this every chat would be its own
//! near-duplicate and an agent's n turns would cost the work of n^2. Each request brings a chain of keyed hashes, one entry
//! for each message, that covers everything up to it ([`Turns`]); the last entry of every request is remembered, and a
//! later request of the same sender whose chain holds a remembered entry before its end goes on from there.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::parse::{Parsed, Turns};
use crate::num;

/// Conversations that are remembered unless the caller says otherwise: about 100 MB.
pub const CONVERSATIONS_DEFAULT: usize = 1 << 20;

/// Entries of a chain that are looked up, from its end: a request rarely adds more than its last few messages.
const LOOKBACK_MAX: usize = 256;

/// What a request adds to its conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Continuation {
    /// Messages known from an earlier request; 0 for a conversation that begins here or is not known.
    pub known_messages: u32,
    /// Parts removed because they belong to known messages.
    pub parts_known: u32,
    /// Names the conversation: equal for all requests that were found to go on from one another.
    pub conversation: u64,
}

/// The conversations seen so far, in bounded memory: when full, those that were longest without a new request go.
#[derive(Debug)]
pub struct Conversations {
    /// The sender's chain at its last request, to the conversation it belongs to and when it was last seen.
    ends: HashMap<u64, Seen, BuildHasherDefault<PlainHasher>>,
    /// Ends in order of their last request; entries that were seen again since are passed over.
    order: VecDeque<(u64, u64)>,
    clock: u64,
    conversations_max: usize,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    conversation: u64,
    at: u64,
}

impl Default for Conversations {
    fn default() -> Self {
        Self::new(CONVERSATIONS_DEFAULT)
    }
}

impl Conversations {
    /// Remembers at most `conversations_max` conversations, about 100 bytes each.
    #[must_use]
    pub fn new(conversations_max: usize) -> Self {
        let conversations_max = conversations_max.max(1);
        Self { ends: HashMap::default(), order: VecDeque::new(), clock: 0, conversations_max }
    }

    /// Removes from `parsed` the parts of messages that an earlier request of the same sender brought, and remembers where
    /// this one ends. Requests of one sender have to come in the order of the log. A request that repeats an earlier one
    /// in full keeps its last turn: it was asked again. Linear in the messages of the request, of which at most the last
    /// 256 are looked up.
    pub fn observe(&mut self, parsed: &mut Parsed) -> Continuation {
        let Some(&last) = parsed.turns.chain.last() else { return Continuation::default() };
        let sender = sender_hash(parsed);
        let mut found = None;
        for (at, &entry) in parsed.turns.chain.iter().enumerate().rev().skip(1).take(LOOKBACK_MAX) {
            if let Some(seen) = self.ends.get(&mix(entry, sender)) {
                found = Some((at + 1, seen.conversation));
                break;
            }
        }
        let (known, conversation) = found.unwrap_or((0, mix(last, sender)));
        let known = num::u32_saturating(known);
        let parts_known = drop_known(parsed, known);
        self.remember(mix(last, sender), conversation);
        Continuation { known_messages: known, parts_known, conversation }
    }

    /// How many conversations are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn remember(&mut self, end: u64, conversation: u64) {
        self.clock += 1;
        let at = self.clock;
        // A conversation keeps its name when it is taken up again at the same place.
        let seen = self.ends.entry(end).or_insert(Seen { conversation, at });
        seen.at = at;
        self.order.push_back((end, at));
        while self.ends.len() > self.conversations_max || self.order.len() > 2 * self.conversations_max {
            let Some((oldest, at)) = self.order.pop_front() else { break };
            if self.ends.get(&oldest).is_some_and(|seen| seen.at == at) {
                self.ends.remove(&oldest);
            }
        }
    }
}

/// Two senders who open a conversation with the same words are two conversations.
fn sender_hash(parsed: &Parsed) -> u64 {
    let sender = parsed.request.principals.accusable().unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(sender.as_bytes())
}

fn mix(entry: u64, sender: u64) -> u64 {
    entry ^ sender.rotate_left(1)
}

/// Removes the parts that belong to the first `known` messages; returns how many there were.
fn drop_known(parsed: &mut Parsed, known: u32) -> u32 {
    if known == 0 {
        return 0;
    }
    let Parsed { request, turns: Turns { of_parts, .. }, .. } = parsed;
    let is_known = |turn: Option<&u32>| turn.is_some_and(|&turn| turn > 0 && turn <= known);
    let before = request.parts.len();
    let mut turns = of_parts.iter();
    request.parts.retain(|_| !is_known(turns.next()));
    of_parts.retain(|turn| !is_known(Some(turn)));
    num::u32_saturating(before - request.parts.len())
}

/// The keys are keyed hashes already.
#[derive(Debug, Default)]
struct PlainHasher(u64);

impl Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

#[cfg(test)]
mod tests {
    use super::super::PartKind;
    use super::super::parse::{ParseOptions, Scratch, parse_line};
    use super::*;

    fn parse(account: &str, messages: &[String]) -> Parsed {
        let line = format!(r#"{{"account":"{account}","system":"s","messages":[{}]}}"#, messages.join(","));
        let options = ParseOptions { chain_seed: 7, ..ParseOptions::default() };
        let mut out = Vec::new();
        parse_line(line.as_bytes(), &options, &mut Scratch::default(), &mut out).expect("a request");
        out.pop().expect("one request")
    }

    fn kinds(parsed: &Parsed) -> Vec<PartKind> {
        assert_eq!(parsed.request.parts.len(), parsed.turns.of_parts.len());
        parsed.request.parts.iter().map(|part| part.kind).collect()
    }

    fn say(role: &str, text: &str) -> String {
        format!(r#"{{"role":"{role}","content":"{text}"}}"#)
    }

    #[test]
    fn a_conversation_of_n_turns_gives_each_turn_once() {
        let mut conversations = Conversations::default();
        let (mut messages, mut texts, mut name) = (Vec::new(), Vec::new(), None);
        for turn in 0..50 {
            messages.push(say("user", &format!("question {turn}")));
            let mut parsed = parse("a", &messages);
            let continuation = conversations.observe(&mut parsed);
            assert_eq!(continuation.known_messages, if turn == 0 { 0 } else { 2 * turn - 1 });
            assert_eq!(*name.get_or_insert(continuation.conversation), continuation.conversation);
            assert_eq!(kinds(&parsed), [PartKind::System, PartKind::LastUser]);
            texts.push(parsed.request.parts.pop().expect("a turn").text);
            messages.push(say("assistant", "answer"));
        }
        let expected: Vec<_> = (0..50).map(|turn| format!("question {turn}")).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_agents_run_gives_each_tool_result_once() {
        let mut conversations = Conversations::default();
        let mut messages = vec![say("user", "do it")];
        for step in 0..20 {
            let mut parsed = parse("a", &messages);
            conversations.observe(&mut parsed);
            let expected = if step == 0 { PartKind::LastUser } else { PartKind::ToolResult };
            assert_eq!(kinds(&parsed), [PartKind::System, expected]);
            let id = format!(r#""id":"t{step}""#);
            messages.push(format!(r#"{{"role":"assistant","content":[{{"type":"tool_use",{id},"input":{{}}}}]}}"#));
            messages.push(format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","content":"out {step}","cache_control":{{}}}}]}}"#
            ));
            // Clients move their cache mark to the newest block: the older ones lose it.
            let before = messages.len() - 3;
            messages[before] = messages[before].replace(r#","cache_control":{}"#, "");
        }
    }

    #[test]
    fn a_repeated_request_keeps_its_turn_and_other_senders_are_strangers() {
        let mut conversations = Conversations::default();
        let opening = [say("user", "hello")];
        let longer = [say("user", "hello"), say("assistant", "hi"), say("user", "more")];
        for _ in 0..2 {
            let mut parsed = parse("a", &opening);
            assert_eq!(conversations.observe(&mut parsed).known_messages, 0);
            assert_eq!(kinds(&parsed), [PartKind::System, PartKind::LastUser]);
        }
        let mut stranger = parse("b", &longer);
        assert_eq!(conversations.observe(&mut stranger).known_messages, 0);
        assert_eq!(kinds(&stranger), [PartKind::System, PartKind::FirstUser, PartKind::LastUser]);
        let mut known = parse("a", &longer);
        assert_eq!(
            conversations.observe(&mut known),
            Continuation { known_messages: 1, parts_known: 1, ..conversations_of(&longer) }
        );
    }

    fn conversations_of(longer: &[String]) -> Continuation {
        let mut first = parse("a", &longer[..1]);
        Conversations::default().observe(&mut first)
    }

    #[test]
    fn injected_blocks_that_come_and_go_do_not_break_the_chain() {
        let mut conversations = Conversations::default();
        let reminder = r"<system-reminder>\nToday is Monday\n</system-reminder>\n";
        let mut first = parse("a", &[say("user", &format!(r"{reminder}\nhello\n"))]);
        conversations.observe(&mut first);
        assert_eq!(kinds(&first), [PartKind::System, PartKind::Injected, PartKind::LastUser]);
        let mut second = parse("a", &[say("user", "hello"), say("assistant", "hi"), say("user", "more")]);
        assert_eq!(conversations.observe(&mut second).known_messages, 1);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let mut conversations = Conversations::new(100);
        for n in 0..10_000 {
            conversations.observe(&mut parse("a", &[say("user", &format!("q{n}"))]));
            // Kept fresh, so it stays.
            conversations.observe(&mut parse("a", &[say("user", "fresh")]));
        }
        assert!(conversations.len() <= 100 && conversations.order.len() <= 200);
        let mut fresh = parse("a", &[say("user", "fresh"), say("assistant", "x"), say("user", "y")]);
        assert_eq!(conversations.observe(&mut fresh).known_messages, 1);
        let mut old = parse("a", &[say("user", "q1"), say("assistant", "x"), say("user", "y")]);
        assert_eq!(conversations.observe(&mut old).known_messages, 0);
    }
}

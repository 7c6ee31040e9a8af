//! Tells which parts of a request are asked now and which only tell an earlier turn of the conversation again.
//!
//! A chat of n turns is logged n times, each time with all turns before. Without this every chat would be its own
//! near-duplicate and an agent's n turns would cost the work of n^2. Each request brings a chain of keyed hashes, one entry
//! for each message, that covers everything up to it ([`super::parse::Turns`]): two requests with the same entry tell the
//! same turn of the same conversation. What a request asks is decided from the request alone: the messages behind the
//! model's last answer. Of what stands before them only the first user turn and, where nothing new is asked, the last one
//! are parts at all; they are left out where the request that asked them is known (`corpus::turns` has the rule).

use super::parse::Parsed;
use super::{Part, PartKind};
use crate::num::usize_of;

/// The turn that a part belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The part, by its place.
    pub part: usize,
    /// The chain up to its message.
    pub chain: u64,
    /// Whether the model has answered it already.
    pub is_earlier: bool,
}

/// The turns of the parts of `parsed`: of every user turn, and of what a client injected into an earlier one. Parts that
/// belong to no message, and what tools gave back, have none: they are new in every request.
pub fn turns(parsed: &Parsed) -> impl Iterator<Item = Turn> + '_ {
    let of_parts = parsed.request.parts.iter().zip(&parsed.turns.of_parts).enumerate();
    of_parts.filter_map(|(part, (Part { kind, .. }, message))| {
        let chain = *parsed.turns.chain.get(usize_of(message.checked_sub(1)?))?;
        let is_earlier = *message <= parsed.turns.answered;
        let counts = match kind {
            PartKind::FirstUser | PartKind::LastUser => true,
            PartKind::Injected => is_earlier,
            _ => false,
        };
        counts.then_some(Turn { part, chain, is_earlier })
    })
}

/// Removes the parts for which `is_known` holds, by their places; returns how many there were.
pub fn leave_out(parsed: &mut Parsed, is_known: impl Fn(usize) -> bool) -> usize {
    let before = parsed.request.parts.len();
    let mut place = 0..;
    parsed.request.parts.retain(|_| !place.next().is_some_and(&is_known));
    let mut place = 0..;
    parsed.turns.of_parts.retain(|_| !place.next().is_some_and(&is_known));
    before - parsed.request.parts.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::parse::{ParseOptions, Scratch, parse_line};
    use super::*;

    fn parse(messages: &[String]) -> Parsed {
        let line = format!(r#"{{"account":"a","system":"s","messages":[{}]}}"#, messages.join(","));
        let options = ParseOptions { chain_seed: 7, ..ParseOptions::default() };
        let mut out = Vec::new();
        parse_line(line.as_bytes(), &options, &mut Scratch::default(), &mut out).expect("a request");
        out.pop().expect("one request")
    }

    fn say(role: &str, text: &str) -> String {
        format!(r#"{{"role":"{role}","content":"{text}"}}"#)
    }

    /// What is left of a request where `asked` are the turns of all others; its own are added.
    fn new_in(parsed: &mut Parsed, asked: &mut HashSet<u64>) -> Vec<PartKind> {
        let turns: Vec<Turn> = turns(parsed).collect();
        let known = |part| turns.iter().any(|turn| turn.part == part && turn.is_earlier && asked.contains(&turn.chain));
        leave_out(parsed, known);
        asked.extend(turns.iter().filter(|turn| !turn.is_earlier).map(|turn| turn.chain));
        assert_eq!(parsed.request.parts.len(), parsed.turns.of_parts.len());
        parsed.request.parts.iter().map(|part| part.kind).collect()
    }

    #[test]
    fn a_conversation_of_n_turns_gives_each_turn_once() {
        let (mut asked, mut messages, mut texts) = (HashSet::new(), Vec::new(), Vec::new());
        for turn in 0..50 {
            messages.push(say("user", &format!("question {turn}")));
            let mut parsed = parse(&messages);
            assert_eq!(new_in(&mut parsed, &mut asked), [PartKind::System, PartKind::LastUser]);
            texts.push(parsed.request.parts.pop().expect("a turn").text);
            messages.push(say("assistant", "answer"));
        }
        let expected: Vec<_> = (0..50).map(|turn| format!("question {turn}")).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_agents_run_gives_each_tool_result_once() {
        let mut asked = HashSet::new();
        let mut messages = vec![say("user", "do it")];
        for step in 0..20 {
            let expected = if step == 0 { PartKind::LastUser } else { PartKind::ToolResult };
            assert_eq!(new_in(&mut parse(&messages), &mut asked), [PartKind::System, expected]);
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
    fn a_turn_that_nobody_asked_stays() {
        let longer = [say("user", "hello"), say("assistant", "hi"), say("user", "more")];
        let mut asked = HashSet::new();
        let all = [PartKind::System, PartKind::FirstUser, PartKind::LastUser];
        assert_eq!(new_in(&mut parse(&longer), &mut asked), all);
        assert_eq!(new_in(&mut parse(&longer[..1]), &mut asked), [PartKind::System, PartKind::LastUser]);
        assert_eq!(new_in(&mut parse(&longer), &mut asked), [PartKind::System, PartKind::LastUser]);
        let other = [say("user", "hello "), say("assistant", "another answer"), say("user", "more")];
        assert_eq!(new_in(&mut parse(&other), &mut asked), [PartKind::System, PartKind::LastUser]);
        let other = [say("user", "Hello"), say("assistant", "hi"), say("user", "more")];
        assert_eq!(new_in(&mut parse(&other), &mut asked), all);
    }

    /// The turn before a beginning of an answer is asked now, though a message of the model stands behind it.
    #[test]
    fn an_answer_begun_by_the_caller_is_no_answer() {
        let begun = [say("user", "hello"), say("assistant", "{")];
        let parsed = parse(&begun);
        assert!(turns(&parsed).all(|turn| !turn.is_earlier));
        let mut asked = HashSet::new();
        assert_eq!(new_in(&mut parse(&begun), &mut asked), [PartKind::System, PartKind::LastUser]);
        let more = [say("user", "hello"), say("assistant", "{1}"), say("user", "more"), say("assistant", "{")];
        assert_eq!(new_in(&mut parse(&more), &mut asked), [PartKind::System, PartKind::LastUser]);
    }

    #[test]
    fn injected_blocks_that_come_and_go_do_not_break_the_chain() {
        let mut asked = HashSet::new();
        let reminder = r"<system-reminder>\nToday is Monday\n</system-reminder>\n";
        let opened = say("user", &format!(r"{reminder}\nhello\n"));
        let kinds = new_in(&mut parse(&[opened]), &mut asked);
        assert_eq!(kinds, [PartKind::System, PartKind::Injected, PartKind::LastUser]);
        for first in [say("user", "hello"), say("user", &format!("{reminder}hello"))] {
            let kinds = new_in(&mut parse(&[first, say("assistant", "hi"), say("user", "more")]), &mut asked);
            assert_eq!(kinds, [PartKind::System, PartKind::LastUser]);
        }
    }
}

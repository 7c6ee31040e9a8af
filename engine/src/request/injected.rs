//! Tells what a client injects into a user's turn, such as `<system-reminder>` blocks, from what the user wrote.
//!
//! An injected block is the same for all users of a client: left inside a turn it would make them all alike.

use memchr::{memchr, memmem};

/// Tags that coding agents and chat clients are known to wrap their own text in.
const NAMES: &[&str] = &[
    "additional_data",
    "attached_files",
    "env",
    "environment_context",
    "environment_details",
    "ide_opened_file",
    "ide_selection",
    "local-command-caveat",
    "local-command-stdout",
    "open_and_recently_viewed_files",
    "project_layout",
    "user_info",
    "user_instructions",
];

/// What a name that nobody listed may begin or end with and still be a client's.
const PREFIXES: &[&str] = &["system-", "system_"];
const SUFFIXES: &[&str] = &["-reminder", "_reminder"];

/// Blocks looked at in one turn; text beyond them is the user's.
const BLOCKS_MAX: usize = 64;

/// A piece of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What the user wrote.
    Written(&'a str),
    /// A whole injected block with its tags.
    Injected(&'a str),
}

/// Calls `take` with each piece of `text` in order; blocks that do not end are the user's. Works on text and on the escaped
/// text of a JSON string alike, since no tag holds a character that is escaped. Linear in the text.
pub(super) fn split<'a>(text: &'a str, mut take: impl FnMut(Piece<'a>)) {
    let mut written_from = 0;
    let mut at = 0;
    let mut blocks = 0;
    while blocks < BLOCKS_MAX {
        let Some(found) = text.as_bytes().get(at..).and_then(|rest| memchr(b'<', rest)) else { break };
        at += found;
        let Some(name) = opening_tag(&text[at..]) else {
            at += 1;
            continue;
        };
        blocks += 1;
        let Some(end) = end_of_block(&text[at..], name) else {
            at += 1;
            continue;
        };
        if written_from < at {
            take(Piece::Written(&text[written_from..at]));
        }
        take(Piece::Injected(&text[at..at + end]));
        at += end;
        written_from = at;
    }
    if written_from < text.len() {
        take(Piece::Written(&text[written_from..]));
    }
}

/// The name of the tag that `text` opens with, if it is a client's.
fn opening_tag(text: &str) -> Option<&str> {
    let inside = text.get(1..)?;
    let length = inside.bytes().take(48).take_while(|b| b.is_ascii_lowercase() || b"-_".contains(b)).count();
    let name = &inside[..length];
    let ends = matches!(inside.as_bytes().get(length), Some(b'>' | b' '));
    let known = NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.len() > suffix.len() && name.ends_with(suffix));
    (ends && known).then_some(name)
}

/// One past the closing tag of the block that `text` opens with.
fn end_of_block(text: &str, name: &str) -> Option<usize> {
    let closing = format!("</{name}>");
    memmem::find(text.as_bytes(), closing.as_bytes()).map(|at| at + closing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece<'_>> {
        let mut all = Vec::new();
        split(text, |piece| all.push(piece));
        all
    }

    #[test]
    fn blocks_of_clients_are_told_apart() {
        let text = "Hi <system-reminder>\nnow</system-reminder> there <b>x</b><env>e</env>";
        assert_eq!(
            pieces(text),
            [
                Piece::Written("Hi "),
                Piece::Injected("<system-reminder>\nnow</system-reminder>"),
                Piece::Written(" there <b>x</b>"),
                Piece::Injected("<env>e</env>"),
            ]
        );
        assert_eq!(pieces("<session_reminder a=\"b\">x</session_reminder>").len(), 1);
    }

    #[test]
    fn the_users_own_tags_and_open_blocks_stay_theirs() {
        for text in
            ["<doc>a</doc>", "<system-reminder> never ends", "a < b", "<", "<system->x</system->", "<environment>"]
        {
            assert_eq!(pieces(text), [Piece::Written(text)], "{text}");
        }
        assert!(pieces("").is_empty());
    }

    #[test]
    fn many_open_blocks_cost_linear_time() {
        let text = "<env>".repeat(200_000);
        assert_eq!(pieces(&text).len(), 1);
    }
}

//! The rules of the normal form for every script, one character at a time.

use super::Changes;
use crate::num::u32_saturating;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_script::{Script, UnicodeScript};

/// Combining marks kept in a row; no language has words that need more (Unicode's own Stream-Safe Text Format says 30).
const MARKS_MAX: usize = 30;

/// Buffers that the next prompt reuses.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    chars: Vec<char>,
}

/// Appends the normal form of `prompt` to `bytes`, which is empty, and the offsets of its line breaks to `breaks`.
pub(super) fn fold(prompt: &[u8], work: &mut Work, bytes: &mut Vec<u8>, breaks: &mut Vec<u32>, changes: &mut Changes) {
    work.chars.clear();
    decompose(prompt, &mut work.chars, changes);
    fold_confusables(&mut work.chars, changes);
    let mut in_space = true;
    let mut utf8 = [0; 4];
    for c in work.chars.iter().copied().nfc() {
        if c.is_whitespace() {
            if !in_space {
                bytes.push(b' ');
            }
            in_space = true;
            let at = u32_saturating(bytes.len().saturating_sub(1));
            if is_line_break(c) && !bytes.is_empty() && breaks.last() != Some(&at) {
                breaks.push(at);
            }
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            in_space = false;
        }
    }
    if in_space && bytes.pop().is_some() && breaks.last() == Some(&u32_saturating(bytes.len())) {
        breaks.pop();
    }
}

/// Characters of `prompt`, decomposed and case folded, without what cannot be seen.
fn decompose(prompt: &[u8], chars: &mut Vec<char>, changes: &mut Changes) {
    let mut mark_count = 0;
    for chunk in prompt.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_ignorable(c) {
                changes.ignorables_removed += 1;
                continue;
            }
            decompose_compatible(c, |d| {
                if canonical_combining_class(d) == 0 {
                    mark_count = 0;
                } else {
                    mark_count += 1;
                    if mark_count > MARKS_MAX {
                        changes.marks_dropped += 1;
                        return;
                    }
                }
                fold_case(d, chars);
            });
        }
        if !chunk.invalid().is_empty() {
            changes.invalid_replaced += 1;
            chars.push(char::REPLACEMENT_CHARACTER);
            mark_count = 0;
        }
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_ignorable(c: char) -> bool {
    let mut utf8 = [0; 4];
    !c.is_ascii() && unicode_security::skeleton(c.encode_utf8(&mut utf8)).next().is_none()
}

fn fold_case(c: char, chars: &mut Vec<char>) {
    match c {
        'ß' => chars.extend(['s', 's']),
        'ς' => chars.push('σ'),
        '\u{345}' => chars.push('ι'),
        _ => chars.extend(c.to_lowercase()),
    }
}

/// Replaces what looks like a Latin letter in words that hold Latin letters beside those of another script.
fn fold_confusables(chars: &mut [char], changes: &mut Changes) {
    for word in chars.split_mut(|c| !is_word(*c)) {
        if !word.iter().any(|c| c.script() == Script::Latin) {
            continue;
        }
        for c in word {
            if !c.is_ascii()
                && canonical_combining_class(*c) == 0
                && let Some(latin) = ascii_look_alike(*c)
            {
                *c = latin;
                changes.confusables_folded += 1;
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || !(c.is_ascii() || c.is_whitespace() || is_cjk(c))
}

fn is_cjk(c: char) -> bool {
    matches!(c.script(), Script::Han | Script::Hiragana | Script::Katakana | Script::Bopomofo | Script::Hangul)
}

fn ascii_look_alike(c: char) -> Option<char> {
    let mut utf8 = [0; 4];
    let mut prototype = unicode_security::skeleton(c.encode_utf8(&mut utf8));
    match (prototype.next(), prototype.next()) {
        (Some(only), None) if only.is_ascii_alphanumeric() => Some(only.to_ascii_lowercase()),
        _ => None,
    }
}

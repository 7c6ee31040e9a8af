//! The rules of the normal form for every script, one character at a time.
//!
//! Runs that are not ASCII come here; the SIMD kernels do the rest. Most characters of most scripts are copied after one
//! look at the table. What may compose waits: one starter and the marks on it, at most 30, so that the work is linear in
//! the input whatever it is. Words are looked at when they end: one that holds letters of several scripts, or one made
//! of look-alikes only behind a Latin word, is rewritten in Latin letters.

use super::normalize::Output;
use super::table::{Entry, Kind, ascii_look_alike};
use crate::num::{low8, usize_of};
use crate::simd::Folded;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// Combining marks kept in a row; no language has words that need more (Unicode's own Stream-Safe Text Format says 30).
const MARKS_MAX: usize = 30;

/// ASCII that must lie ahead for the kernels to be worth the call.
const ASCII_AHEAD: usize = 16;

/// Invisible, and between ASCII letters of honest text.
const SOFT_HYPHEN: u32 = 0xad;

/// What the word being written holds, and what stood before it.
#[derive(Debug, Clone, Default)]
struct Word {
    /// Where it starts in the output.
    start: usize,
    /// There is one.
    open: bool,
    /// [`Entry::LATIN`], [`Entry::LOOK_ALIKE`] and [`Entry::FOREIGN`] of its letters, together.
    letters: [bool; 3],
    /// The last word before it with letters had Latin ones.
    after_latin: bool,
    /// Where in the output the last run ended; ASCII written by a kernel follows.
    run_end: usize,
}

/// State of one prompt and buffers that the next reuses.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    /// A character that may compose with what comes.
    starter: Option<char>,
    /// The marks on it, by class; equal classes in the order they came.
    marks: Vec<(u8, char)>,
    word: Word,
    spelling: Vec<u8>,
    /// The character taken in last was invisible.
    invisible: bool,
}

impl Work {
    /// Forgets the prompt before.
    pub(super) fn reset(&mut self) {
        self.starter = None;
        self.marks.clear();
        self.word = Word::default();
    }

    /// Folds `prompt` from `at.read` on, until the end or until ASCII lies ahead that a kernel can take.
    pub(super) fn run(&mut self, prompt: &[u8], at: &mut Folded, out: &mut Output) {
        self.enter(at, out);
        let mut was_ascii = false;
        while let Some(rest) = prompt.get(at.read..).filter(|rest| !rest.is_empty()) {
            let han_bytes = leading_han(rest);
            if han_bytes > 0 {
                self.copy_han(rest.get(..han_bytes).unwrap_or_default(), at, out);
                was_ascii = false;
                continue;
            }
            let (scalar, length) = decode(rest);
            let ascii_ahead = || rest.first_chunk::<ASCII_AHEAD>().is_some_and(|ahead| ahead.is_ascii());
            if length == 1 && !was_ascii && self.may_leave() && ascii_ahead() {
                break;
            }
            was_ascii = length == 1;
            at.read += length;
            match scalar {
                Some(scalar) => {
                    self.take(scalar, at, out);
                    if std::mem::take(&mut self.invisible) {
                        self.note_invisible(prompt.get(at.read), out);
                    }
                }
                None => {
                    out.changes.invalid_replaced += 1;
                    self.take(u32::from(char::REPLACEMENT_CHARACTER), at, out);
                }
            }
        }
        self.flush(out);
        self.word.run_end = out.len;
        at.written = out.len;
        at.break_count = out.break_count;
    }

    /// Takes in a run of unified ideographs, which all have one entry and become themselves.
    fn copy_han(&mut self, han: &[u8], at: &mut Folded, out: &mut Output) {
        self.flush(out);
        self.note(Entry::of(HAN_FIRST), out);
        out.push_all(han);
        at.in_space = false;
        at.read += han.len();
    }

    /// Ends the last word of the prompt.
    pub(super) fn finish(&mut self, out: &mut Output) {
        if self.word.run_end == out.len {
            self.end_word(out);
        }
    }

    /// A word that may have to be rewritten cannot be handed to a kernel, which knows of no words.
    fn may_leave(&self) -> bool {
        !(self.word.open && self.word.letters[1])
    }

    /// Finds the word that the output ends in. What a kernel wrote since the last run is looked at once, so that the
    /// work stays linear.
    fn enter(&mut self, at: &Folded, out: &mut Output) {
        (out.len, out.break_count) = (at.written, at.break_count);
        let since = out.bytes.get(self.word.run_end..out.len).unwrap_or_default();
        let tail_length = since.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (before, tail) = since.split_at(since.len() - tail_length);
        let latin_before = before.iter().any(u8::is_ascii_alphabetic);
        let latin_tail = tail.iter().any(u8::is_ascii_alphabetic);
        if !before.is_empty() {
            self.end_word(out);
            self.word.after_latin |= latin_before;
        }
        if tail_length > 0 {
            if !self.word.open {
                self.word.open = true;
                self.word.start = out.len - tail_length;
            }
            self.word.letters[0] |= latin_tail;
        }
    }

    /// Takes in one character of the prompt.
    #[inline(always)]
    fn take(&mut self, scalar: u32, at: &mut Folded, out: &mut Output) {
        let entry = Entry::of(scalar);
        match entry.kind() {
            Kind::Single => {
                at.in_space = false;
                out.changes.compatibility_folded += u32::from(entry.is(Entry::COMPATIBLE));
                self.flush(out);
                self.note(entry, out);
                out.push(entry.single(scalar));
            }
            Kind::Ignored => {
                out.changes.ignorables_removed += 1;
                self.invisible = scalar != SOFT_HYPHEN;
            }
            kind @ (Kind::Space | Kind::Break) => self.space(kind == Kind::Break, at, out),
            Kind::Sequence => {
                out.changes.compatibility_folded += u32::from(entry.is(Entry::COMPATIBLE));
                for part in entry.sequence() {
                    if part.is_whitespace() {
                        self.space(false, at, out);
                    } else {
                        at.in_space = false;
                        self.part(part, out);
                    }
                }
            }
        }
    }

    /// Counts an invisible character that stands between two ASCII letters.
    #[cold]
    fn note_invisible(&self, next: Option<&u8>, out: &mut Output) {
        let before = out.len.checked_sub(1).and_then(|last| out.bytes.get(last));
        let waiting = self.starter.is_some() || !self.marks.is_empty();
        if !waiting && before.is_some_and(u8::is_ascii_alphabetic) && next.is_some_and(u8::is_ascii_alphabetic) {
            out.note_disguise(self.word.start, 1);
        }
    }

    fn space(&mut self, breaking: bool, at: &mut Folded, out: &mut Output) {
        self.flush(out);
        self.end_word(out);
        if !at.in_space {
            out.push(u32::from(b' '));
        }
        at.in_space = true;
        if breaking {
            out.note_break();
        }
    }

    /// Keeps count of the word that a character belongs to or ends; what waited is written by now.
    #[inline(always)]
    fn note(&mut self, entry: Entry, out: &mut Output) {
        if entry.is(Entry::MARK) {
            return;
        }
        if entry.is(Entry::WORD) {
            if !self.word.open {
                self.word.open = true;
                self.word.start = out.len;
            }
            for (seen, flag) in self.word.letters.iter_mut().zip([Entry::LATIN, Entry::LOOK_ALIKE, Entry::FOREIGN]) {
                *seen |= entry.is(flag);
            }
        } else {
            if self.word.open {
                self.end_word(out);
            }
            if entry.is(Entry::FOREIGN) {
                self.word.after_latin = false;
            }
        }
    }

    /// Takes in one decomposed character, which may compose with what waits.
    fn part(&mut self, c: char, out: &mut Output) {
        let class = canonical_combining_class(c);
        let entry = Entry::of(u32::from(c));
        if entry.kind() == Kind::Single {
            self.flush(out);
            self.note(entry, out);
            self.starter = Some(c);
            return;
        }
        if self.starter.is_none()
            && self.marks.is_empty()
            && let Some(last) = out.pop_starter()
        {
            self.word.start = self.word.start.min(out.len);
            decompose_canonical(last, |d| self.join(canonical_combining_class(d), d, out));
        }
        self.join(class, c, out);
    }

    /// Adds a mark to the starter that waits, or a starter that may compose with it.
    fn join(&mut self, class: u8, c: char, out: &mut Output) {
        if class != 0 {
            if self.marks.len() < MARKS_MAX {
                let place = self.marks.partition_point(|&(other, _)| other <= class);
                self.marks.insert(place, (class, c));
            } else {
                out.changes.marks_dropped += 1;
            }
            return;
        }
        self.compose_marks();
        if self.marks.is_empty()
            && let Some(composed) = self.starter.and_then(|starter| compose(starter, c))
        {
            self.starter = Some(composed);
        } else {
            self.flush(out);
            self.note(Entry::of(u32::from(c)), out);
            self.starter = Some(c);
        }
    }

    /// Composes the starter with each mark that no other stands before (Unicode, D115).
    fn compose_marks(&mut self) {
        let Some(mut starter) = self.starter else { return };
        let mut last_class = 0;
        self.marks.retain(|&(class, mark)| {
            let composed = if class > last_class { compose(starter, mark) } else { None };
            starter = composed.unwrap_or(starter);
            if composed.is_none() {
                last_class = class;
            }
            composed.is_none()
        });
        self.starter = Some(starter);
    }

    /// Writes what waits.
    #[inline(always)]
    fn flush(&mut self, out: &mut Output) {
        if self.starter.is_some() || !self.marks.is_empty() {
            self.write_waiting(out);
        }
    }

    #[inline(never)]
    fn write_waiting(&mut self, out: &mut Output) {
        self.compose_marks();
        let marks = self.marks.drain(..).map(|(_, mark)| mark);
        for c in self.starter.take().into_iter().chain(marks) {
            out.push(u32::from(c));
        }
    }

    /// Closes the word that the output ends in, and writes it in Latin letters if it disguises them.
    fn end_word(&mut self, out: &mut Output) {
        let [latin, alike, foreign] = self.word.letters;
        let disguised = alike && (latin || (!foreign && self.word.after_latin));
        if disguised {
            self.respell(latin && !foreign, out);
        }
        if latin || alike || foreign {
            self.word.after_latin = latin || disguised;
        }
        self.word.letters = [false; 3];
        self.word.open = false;
    }

    #[inline(never)]
    fn respell(&mut self, is_pure: bool, out: &mut Output) {
        let mut spelling = std::mem::take(&mut self.spelling);
        spelling.clear();
        spelling.extend_from_slice(out.bytes.get(self.word.start..out.len).unwrap_or_default());
        out.len = self.word.start;
        let mut changed = 0;
        for c in std::str::from_utf8(&spelling).unwrap_or_default().chars() {
            decompose_canonical(c, |d| {
                let latin = ascii_look_alike(d);
                changed += u32::from(latin.is_some());
                let d = latin.unwrap_or(d);
                let class = canonical_combining_class(d);
                if Entry::of(u32::from(d)).kind() == Kind::Single {
                    self.flush(out);
                    self.starter = Some(d);
                } else {
                    self.join(class, d, out);
                }
            });
        }
        self.flush(out);
        out.changes.confusables_folded += changed;
        if is_pure {
            out.note_disguise(self.word.start, inner_look_alikes(&spelling));
        }
        self.spelling = spelling;
    }
}

/// The first unified ideograph of the block of U+4E00 to U+9FFF.
const HAN_FIRST: u32 = 0x4e00;

/// How many bytes of unified ideographs of U+4E00 to U+9FFF `bytes` start with.
#[inline(always)]
fn leading_han(bytes: &[u8]) -> usize {
    let is_han = |&&[a, b, c]: &&[u8; 3]| {
        (0xe4..=0xe9).contains(&a) && (a > 0xe4 || b >= 0xb8) && b & 0xc0 == 0x80 && c & 0xc0 == 0x80
    };
    3 * bytes.as_chunks::<3>().0.iter().take_while(is_han).count()
}

/// Look-alikes with an ASCII letter somewhere before and behind them: an ending of another script and a Greek letter in a
/// formula stand at the edge of their word.
fn inner_look_alikes(word: &[u8]) -> u32 {
    let first = word.iter().position(u8::is_ascii_alphabetic);
    let last = word.iter().rposition(u8::is_ascii_alphabetic);
    let (Some(first), Some(last)) = (first, last) else { return 0 };
    let inner = word.get(first..last).and_then(|inner| std::str::from_utf8(inner).ok()).unwrap_or_default();
    inner.chars().map(|c| u32::from(Entry::of(u32::from(c)).is(Entry::LOOK_ALIKE))).sum()
}

/// The first scalar of `bytes`, which are not empty, or `None` for a sequence that is not UTF-8, and its bytes.
#[inline(always)]
pub(super) fn decode(bytes: &[u8]) -> (Option<u32>, usize) {
    let continued = |byte: u8| byte & 0xc0 == 0x80;
    let low = |byte: u8| u32::from(byte & 0x3f);
    match *bytes {
        [a @ 0..=0x7f, ..] => return (Some(u32::from(a)), 1),
        [a @ 0xe0..=0xef, b, c, ..] if continued(b) && continued(c) => {
            let scalar = u32::from(a & 0x0f) << 12 | low(b) << 6 | low(c);
            if scalar >= 0x800 && scalar >> 11 != 0x1b {
                return (Some(scalar), 3);
            }
        }
        [a @ 0xc2..=0xdf, b, ..] if continued(b) => return (Some(u32::from(a & 0x1f) << 6 | low(b)), 2),
        [a @ 0xf0..=0xf4, b, c, d, ..] if continued(b) && continued(c) && continued(d) => {
            let scalar = u32::from(a & 0x07) << 18 | low(b) << 12 | low(c) << 6 | low(d);
            if (0x1_0000..=0x10_ffff).contains(&scalar) {
                return (Some(scalar), 4);
            }
        }
        _ => {}
    }
    (None, invalid_length(bytes))
}

/// How many bytes one replacement character stands for: the longest start of a sequence, as Unicode recommends.
#[cold]
fn invalid_length(bytes: &[u8]) -> usize {
    let head = bytes.get(..4).unwrap_or(bytes);
    match std::str::from_utf8(head) {
        Ok(_) => 1,
        Err(error) => error.error_len().unwrap_or(head.len()),
    }
}

/// The UTF-8 of a scalar, and its length.
#[inline(always)]
pub(super) fn encode(scalar: u32) -> ([u8; 4], usize) {
    let tail = |shift: u32| 0x80 | low8(scalar >> shift) & 0x3f;
    match scalar {
        0..0x80 => ([low8(scalar), 0, 0, 0], 1),
        0x80..0x800 => ([0xc0 | low8(scalar >> 6), tail(0), 0, 0], 2),
        0x800..0x1_0000 => ([0xe0 | low8(scalar >> 12), tail(6), tail(0), 0], 3),
        _ => ([0xf0 | low8(scalar >> 18), tail(12), tail(6), tail(0)], 4),
    }
}

/// The last character of UTF-8 text, and its length.
pub(super) fn last_char(text: &[u8]) -> Option<(char, usize)> {
    let from = (1..=4).find(|&back| text.len().checked_sub(back).is_some_and(|at| text[at] & 0xc0 != 0x80))?;
    let c = std::str::from_utf8(text.get(text.len() - from..)?).ok()?.chars().next()?;
    Some((c, usize_of(u32::try_from(from).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_is_one_entry_and_becomes_itself() {
        let first = Entry::of(HAN_FIRST);
        assert!(
            first.kind() == Kind::Single && !first.is(Entry::WORD | Entry::LATIN | Entry::LOOK_ALIKE | Entry::MARK)
        );
        for scalar in HAN_FIRST..=0x9fff {
            let (utf8, length) = encode(scalar);
            assert_eq!((Entry::of(scalar), first.single(scalar), leading_han(&utf8[..length])), (first, scalar, 3));
        }
        for other in [HAN_FIRST - 1, 0xa000, 0x3007, 0xac00, 0x1_4e00, 0xe9, 0x41] {
            let (utf8, length) = encode(other);
            assert_eq!(leading_han(&utf8[..length]), 0, "{other:x}");
        }
        assert_eq!(leading_han(b"\xe5\x80"), 0);
        assert_eq!(leading_han(b"\xe5\x80A"), 0);
        assert_eq!(leading_han(b"\xe5A\x80"), 0);
        assert_eq!(leading_han("中文，a".as_bytes()), 6);
    }
}

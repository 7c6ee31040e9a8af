//! The normal form of a prompt: what remains after case, white space, invisible and look-alike characters are evened out.
//!
//! ASCII, nearly all of most prompts, is changed by case and white space alone and goes through the SIMD kernels.
//! Everything else goes through `unicode`, which keeps to the same rules and says what it had to change.

use super::unicode;
use crate::limits::PROMPT_BYTES_MAX;
use crate::num::u32_saturating;
use crate::simd::{Folded, Kernels};

/// The version of these rules and of the Unicode tables (18.0) behind them; a change of either makes other sketches.
pub const NORMAL_FORM_VERSION: u16 = 1;

/// What had to be changed in one prompt beyond case and white space: signs of disguise when there are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Invisible characters removed: zero width, bidirectional controls, tags, variation selectors, soft hyphens.
    pub ignorables_removed: u32,
    /// Look-alikes of Latin letters replaced, in words that mix scripts.
    pub confusables_folded: u32,
    /// Letters disguised beyond doubt: look-alikes inside words of ASCII letters, and invisible characters between two ASCII
    /// letters. Scripts that need joiners, emoji, and words that mix scripts as people do are not counted.
    pub disguises: u32,
    /// Compatibility forms replaced: full-width, mathematical, circled and superscript letters, ligatures.
    pub compatibility_folded: u32,
    /// Combining marks dropped because more than 30 stood in a row.
    pub marks_dropped: u32,
    /// Bytes that were not UTF-8, each sequence replaced by U+FFFD.
    pub invalid_replaced: u32,
    /// Bytes beyond [`PROMPT_BYTES_MAX`] that were left out.
    pub bytes_cut: u32,
}

/// A normal form being written, in buffers that the next prompt reuses.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    /// UTF-8 up to `len`; what follows is room.
    pub(super) bytes: Vec<u8>,
    pub(super) len: usize,
    /// Positions up to `break_count`; what follows is room.
    breaks: Vec<u32>,
    pub(super) break_count: usize,
    pub(super) changes: Changes,
    /// Where the words with disguised letters begin, ascending.
    disguised: Vec<u32>,
}

impl Output {
    /// Appends one character.
    #[inline(always)]
    pub(super) fn push(&mut self, scalar: u32) {
        let (utf8, length) = unicode::encode(scalar);
        if self.len + 4 > self.bytes.len() {
            self.grow(64);
        }
        if let Some(to) = self.bytes.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *to = utf8;
            self.len += length;
        }
    }

    /// Appends UTF-8.
    pub(super) fn push_all(&mut self, utf8: &[u8]) {
        let end = self.len + utf8.len();
        if end > self.bytes.len() {
            self.grow(utf8.len());
        }
        if let Some(to) = self.bytes.get_mut(self.len..end) {
            to.copy_from_slice(utf8);
            self.len = end;
        }
    }

    /// Makes room for `more` bytes, and for twice what there is so that growing stays linear.
    #[cold]
    fn grow(&mut self, more: usize) {
        self.bytes.resize((self.len + more).max(2 * self.bytes.len()), 0);
    }

    /// Makes room for the line breaks of one block.
    fn grow_breaks(&mut self) {
        if self.breaks.len() < self.break_count + 64 {
            let length = (2 * self.breaks.len()).max(256);
            self.breaks.resize(length, 0);
        }
    }

    /// Takes the last character back, for what comes may compose with it; not a space.
    pub(super) fn pop_starter(&mut self) -> Option<char> {
        let (last, length) = unicode::last_char(self.bytes.get(..self.len)?)?;
        if last == ' ' {
            return None;
        }
        self.len -= length;
        Some(last)
    }

    /// Notes that the run of white space which the output ends in holds a line break; a run at the start has no space.
    pub(super) fn note_break(&mut self) {
        let Some(at) = self.len.checked_sub(1).map(u32_saturating) else { return };
        if self.breaks.get(..self.break_count).and_then(<[u32]>::last) == Some(&at) {
            return;
        }
        self.grow_breaks();
        if let Some(place) = self.breaks.get_mut(self.break_count) {
            *place = at;
            self.break_count += 1;
        }
    }

    /// Counts disguised letters of the word that begins at `start`.
    #[cold]
    pub(super) fn note_disguise(&mut self, start: usize, letters: u32) {
        self.changes.disguises += letters;
        let start = u32_saturating(start);
        if letters > 0 && self.disguised.last() != Some(&start) {
            self.disguised.push(start);
        }
    }

    /// Drops the space at the end, and the line break that stood in it.
    fn trim_end(&mut self) {
        if self.len > 0 && self.bytes.get(self.len - 1) == Some(&b' ') {
            self.len -= 1;
            if self.breaks.get(..self.break_count).and_then(<[u32]>::last) == Some(&u32_saturating(self.len)) {
                self.break_count -= 1;
            }
        }
    }
}

/// A normal form, in buffers that the next prompt reuses.
#[derive(Debug, Clone, Default)]
pub struct NormalForm {
    out: Output,
    ascii: bool,
    work: unicode::Work,
}

impl NormalForm {
    /// An empty one; buffers grow to what the prompts need and stay.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The normal form as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Appends the Unicode scalars of the normal form to `scalars`.
    pub(crate) fn scalars(&self, scalars: &mut Vec<u32>) {
        let bytes = self.bytes();
        let (before, mut count, mut at) = (scalars.len(), scalars.len(), 0);
        // Room for as many scalars as there are bytes, cut afterwards: nothing has to ask for room in the loop.
        scalars.resize(before + bytes.len(), 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (scalar, length) = match *rest {
                // Three bytes, the most of Chinese, Japanese and Korean; a normal form is valid, so that nothing is checked.
                [a @ 0xe0..=0xef, b, c, ..] => {
                    (u32::from(a & 0x0f) << 12 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f), 3)
                }
                [a @ 0..=0x7f, ..] => (u32::from(a), 1),
                _ => {
                    let (scalar, length) = unicode::decode(rest);
                    (scalar.unwrap_or_default(), length)
                }
            };
            if let Some(to) = scalars.get_mut(count) {
                *to = scalar;
            }
            count += 1;
            at += length;
        }
        scalars.truncate(count);
    }

    /// The normal form as UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.out.bytes.get(..self.out.len).unwrap_or_default()
    }

    /// Where line breaks stood: ascending byte offsets of the spaces whose run of white space held at least one.
    #[must_use]
    pub fn line_breaks(&self) -> &[u32] {
        self.out.breaks.get(..self.out.break_count).unwrap_or_default()
    }

    /// Where words with disguised letters begin: ascending byte offsets, [`Changes::disguises`] says of what.
    #[must_use]
    pub fn disguised_words(&self) -> &[u32] {
        &self.out.disguised
    }

    /// What had to be changed beyond case and white space.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.out.changes
    }

    /// The normal form is all ASCII.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Nothing was left: the prompt was empty, or white space and invisible characters only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.len == 0
    }
}

/// Makes normal forms; one serves any number of threads.
#[derive(Debug, Clone, Copy)]
pub struct Normalizer {
    kernels: Kernels,
}

impl Normalizer {
    /// Makes normal forms with `kernels`; every level gives the same.
    #[must_use]
    pub fn new(kernels: Kernels) -> Self {
        Self { kernels }
    }

    /// Writes the normal form of `prompt`, any bytes at all, to `out`; takes time linear in its length.
    ///
    /// In this order: invalid UTF-8 replaced by U+FFFD, default-ignorable code points removed, NFKC, case folded, confusables
    /// (Unicode Technical Standard 39) of Latin letters folded in words that mix scripts, at most 30 combining marks in a
    /// row, and each run of white space one space, none at the ends. Bytes beyond [`PROMPT_BYTES_MAX`] are left out and
    /// counted. A normal form is its own normal form.
    pub fn normalize(&self, prompt: &[u8], form: &mut NormalForm) {
        let NormalForm { out, ascii, work } = form;
        out.changes = Changes::default();
        out.disguised.clear();
        let prompt = cut(prompt, &mut out.changes);
        let mut at = Folded { in_space: true, ..Folded::default() };
        *ascii = true;
        loop {
            let room = at.written + (prompt.len() - at.read) + 64;
            if out.bytes.len() < room {
                out.bytes.resize(room, 0);
            }
            out.break_count = at.break_count;
            out.grow_breaks();
            self.kernels.fold_ascii(prompt, &mut out.bytes, &mut out.breaks, &mut at);
            match prompt.get(at.read) {
                None => break,
                Some(byte) if byte.is_ascii() => {}
                Some(_) => {
                    if *ascii {
                        *ascii = false;
                        work.reset();
                    }
                    work.run(prompt, &mut at, out);
                }
            }
        }
        (out.len, out.break_count) = (at.written, at.break_count);
        if !*ascii {
            work.finish(out);
            *ascii = out.bytes.get(..out.len).is_some_and(<[u8]>::is_ascii);
        }
        out.trim_end();
    }
}

/// The part of a prompt that is looked at, which ends between two characters.
fn cut<'a>(prompt: &'a [u8], changes: &mut Changes) -> &'a [u8] {
    if prompt.len() <= PROMPT_BYTES_MAX {
        return prompt;
    }
    let is_start = |at: &usize| prompt.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let end = (PROMPT_BYTES_MAX - 3..=PROMPT_BYTES_MAX).rev().find(is_start).unwrap_or(PROMPT_BYTES_MAX);
    changes.bytes_cut = u32_saturating(prompt.len() - end);
    prompt.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(prompt: &[u8]) -> NormalForm {
        let mut out = NormalForm::new();
        Normalizer::new(Kernels::detect()).normalize(prompt, &mut out);
        out
    }

    #[track_caller]
    fn becomes(prompt: &str, expected: &str) {
        assert_eq!(form(prompt.as_bytes()).text(), expected, "{prompt:?}");
    }

    #[test]
    fn ascii_loses_case_and_white_space_only() {
        becomes("  Hello\t\n World!  ", "hello world!");
        becomes("", "");
        becomes(" \r\n ", "");
        becomes("a\u{0}B\u{1c}c\u{7f}", "a\u{0}b\u{1c}c\u{7f}");
    }

    #[test]
    fn line_breaks_are_offsets_of_their_space() {
        assert_eq!(form(b"\n a \n\n b c\r\nd \n").line_breaks(), [1, 5]);
        assert_eq!(form("\n ä \n\n b c\u{2028}d \n".as_bytes()).line_breaks(), [2, 6]);
    }

    #[test]
    fn disguises_come_off_and_are_counted() {
        becomes("Ｆｕｌｌ　width", "full width");
        becomes("ze\u{200b}ro wi\u{feff}dth \u{202e}bidi\u{2069}", "zero width bidi");
        becomes("p\u{0430}ssw\u{043e}rd", "password");
        becomes("cafe\u{301} CAFÉ", "café café");
        becomes("Straße", "strasse");
        becomes("Москва and Αθήνα", "москва and αθήνα");
        becomes("中文，GPT模型", "中文,gpt模型");
        let changes = form("p\u{0430}ss\u{200b}w\u{043e}rd".as_bytes()).changes();
        assert_eq!((changes.confusables_folded, changes.ignorables_removed), (2, 1));
    }

    #[test]
    fn only_what_no_honest_writer_types_is_a_disguise() {
        let disguises = |prompt: &str| form(prompt.as_bytes()).changes().disguises;
        assert_eq!(disguises("p\u{0430}ss\u{200b}w\u{043e}rd"), 3);
        assert_eq!(disguises("sol\u{200d}\u{2060}ve the pr\u{043e}blem"), 2);
        let honest = [
            "\u{feff}Hello, wor\u{ad}ld",
            "می\u{200c}خواهم با React کار کنم",
            "क्\u{200d}ष और क\u{94d}\u{200c}ष",
            "👩\u{200d}👩\u{200d}👧 ok ❤\u{fe0f} fine",
            "в React а также в USBа и GPTшка",
            "cos\u{3b1} + \u{3b1}x, \u{3bf} and \u{430}",
            "one\u{200b} two \u{200b}three",
            "\u{202b}עברית abc\u{202c}",
        ];
        for prompt in honest {
            assert_eq!(disguises(prompt), 0, "{prompt:?}");
        }
    }

    #[test]
    fn disguised_words_are_found_where_they_stand() {
        let words = |prompt: &str| {
            let form = form(prompt.as_bytes());
            let word =
                |at: &u32| form.text()[crate::num::usize_of(*at)..].split(' ').next().unwrap_or_default().to_owned();
            form.disguised_words().iter().map(word).collect::<Vec<_>>()
        };
        let prompt = "Pl\u{0435}ase  so\u{200b}l\u{200b}ve th\u{0456}\u{200b}s Puzzle, th\u{0435}n sto\u{2060}p";
        assert_eq!(words(prompt), ["please", "solve", "this", "then", "stop"]);
        assert_eq!(words("plain text of 20 \u{430} letters, and a great many words"), Vec::<String>::new());
    }

    #[test]
    fn words_of_look_alikes_are_latin_behind_latin() {
        becomes("such \u{430} word, he\u{2019}\u{455}", "such a word, he\u{2019}s");
        becomes("слово \u{430} слово", "слово \u{430} слово");
        becomes("中文 \u{430}", "中文 \u{430}");
        becomes("sınıf ɑ", "sınıf ɑ");
        becomes("x\u{438}\u{306}p\u{430}\u{301}", "xйpá");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        let out = form(b"a\xff\xfe b\xe4\xb8");
        assert_eq!(out.text(), "a\u{fffd}\u{fffd} b\u{fffd}");
        assert_eq!(out.changes().invalid_replaced, 3);
    }

    #[test]
    fn combining_runs_are_capped() {
        let out = form(format!("x{}", "\u{327}".repeat(100)).as_bytes());
        assert_eq!(out.text().chars().count(), 31);
        assert_eq!(out.changes().marks_dropped, 70);
    }

    #[test]
    fn one_byte_past_the_bound_is_cut_between_characters() {
        let mut prompt = vec![b'a'; PROMPT_BYTES_MAX - 1];
        prompt.extend_from_slice("é".as_bytes());
        let out = form(&prompt);
        assert_eq!((out.bytes().len(), out.changes().bytes_cut), (PROMPT_BYTES_MAX - 1, 2));
        assert!(out.is_ascii());
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(prompt in r"(\PC|[ \n\u{300}-\u{36f}\u{200b}-\u{200f}\u{370}-\u{52f}a-zA-Z\u{1100}-\u{11ff}\u{ac00}-\u{ac40}]){0,40}") {
            let once = form(prompt.as_bytes());
            let twice = form(once.bytes());
            prop_assert_eq!(once.text(), twice.text());
            prop_assert!(once.line_breaks().is_empty() || twice.line_breaks().is_empty());
        }

        #[test]
        fn any_bytes_have_a_normal_form(prompt in proptest::collection::vec(any::<u8>(), 0..300)) {
            let once = form(&prompt);
            prop_assert!(std::str::from_utf8(once.bytes()).is_ok());
            prop_assert!(once.line_breaks().is_sorted_by(|a, b| a < b));
            let broken = once.line_breaks().iter().all(|&at| once.bytes().get(crate::num::usize_of(at)) == Some(&b' '));
            prop_assert!(broken);
        }
    }
}

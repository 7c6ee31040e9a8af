//! Cuts a normal form into tokens, the units in which templates are compared.
//!
//! A token is a run of letters and digits; a script written without spaces (Chinese, kana, Thai ...) and Hangul give
//! one token a character; a run of digits alone is one NUMBER whatever its value, a line break is a token, and the text
//! stands between BEGIN and END. Punctuation separates and is dropped: rewording scripts change it first.

use crate::num;
use crate::simd::{Inlined, Kernels, Loop, dispatch};
use crate::text::normalize::NormalForm;

/// Hashes tokens under a secret, so that what is kept of a text cannot be looked up in a dictionary.
#[derive(Clone)]
pub struct Tokenizer {
    secret: [u64; 3],
    class: [Class; 128],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Break,
    Letter,
    Digit,
}

/// Bytes a word's hash reads; a longer run (base64, a path) is known by its head and its length.
const WORD_BYTES_MAX: usize = 64;

impl Tokenizer {
    /// A tokenizer under three secret words.
    #[must_use]
    pub fn new(secret: [u64; 3]) -> Self {
        let mut class = [Class::Break; 128];
        for (byte, slot) in (0u8..128).zip(&mut class) {
            if byte.is_ascii_digit() {
                *slot = Class::Digit;
            } else if byte.is_ascii_alphabetic() {
                *slot = Class::Letter;
            }
        }
        Self { secret: [secret[0], secret[1] | 1, secret[2]], class }
    }

    /// The hash of the mark before the first token.
    #[must_use]
    pub fn begin(&self) -> u64 {
        self.mark(1)
    }

    /// The hash of the mark after the last token.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.mark(2)
    }

    /// The hash of a line break.
    #[must_use]
    pub fn line_break(&self) -> u64 {
        self.mark(3)
    }

    /// The hash that all numbers share.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.mark(4)
    }

    fn mark(&self, n: u64) -> u64 {
        folded_multiply(self.secret[2] ^ n, self.secret[1])
    }

    /// Replaces `out` by the tokens of `form`, BEGIN first and END last, each as the keyed hash of its bytes: equal tokens have
    /// equal hashes under one key. Linear in the text; allocates only while `out` grows.
    pub fn tokenize(&self, form: &NormalForm, kernels: Kernels, out: &mut Vec<u64>) {
        dispatch(kernels, Cut { tokenizer: self, form, out });
    }

    /// The hash of the token that begins at the byte `start` of `form`; `None` where none does.
    #[must_use]
    pub fn token_at(&self, form: &NormalForm, start: usize) -> Option<u64> {
        self.any_word(form.text(), start).1
    }

    /// The end and the hash of the word at `start`; of a separator its end alone.
    fn any_word(&self, text: &str, start: usize) -> (usize, Option<u64>) {
        let bytes = text.as_bytes();
        let Some(&byte) = bytes.get(start) else { return (start + 1, None) };
        let (class, width, alone) = self.classify(text, start, byte);
        let mut at = start + width;
        if class == Class::Break {
            return (at, None);
        }
        let mut digits = class == Class::Digit;
        while let Some(&next) = bytes.get(at).filter(|_| !alone) {
            let (class, width, alone) = self.classify(text, at, next);
            if class == Class::Break || alone {
                break;
            }
            digits &= class == Class::Digit;
            at += width;
        }
        (at, Some(if digits { self.number() } else { self.word(bytes.get(start..at).unwrap_or(&[])) }))
    }

    /// The class of the character at `at`, its bytes, and whether it is a token by itself.
    #[inline(always)]
    fn classify(&self, text: &str, at: usize, byte: u8) -> (Class, usize, bool) {
        if let Some(&class) = self.class.get(usize::from(byte)) {
            return (class, 1, false);
        }
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(c) if stands_alone(c) => (Class::Letter, c.len_utf8(), true),
            Some(c) if c.is_numeric() => (Class::Digit, c.len_utf8(), false),
            Some(c) if c.is_alphanumeric() || is_mark(c) => (Class::Letter, c.len_utf8(), false),
            Some(c) => (Class::Break, c.len_utf8(), false),
            None => (Class::Break, 1, false),
        }
    }

    /// What [`Tokenizer::word`] gives for the first `bytes` of these, fewer than sixteen: without a jump, for how long a word
    /// is nobody can guess.
    #[inline(always)]
    fn short_word(&self, first: u64, second: u64, bytes: u32) -> u64 {
        let kept = |lane: u64, bytes: u32| if bytes < 8 { lane & ((1 << (8 * bytes)) - 1) } else { lane };
        let hash = self.secret[0] ^ u64::from(bytes);
        let once = folded_multiply(hash ^ kept(first, bytes), self.secret[1]);
        let twice = folded_multiply(once ^ kept(second, bytes.saturating_sub(8)), self.secret[1]);
        let hash = if bytes < 8 { once } else { twice };
        hash ^ self.secret[2]
    }

    /// The token of a word of `window`.
    #[inline(always)]
    fn ascii_word(&self, window: &[u8], word: &AsciiWord) -> u64 {
        let (first, second) = (num::u64_at(window, word.start), num::u64_at(window, word.start + 8));
        let hash = match (first, second) {
            (Some(first), Some(second)) if word.bytes < 16 => self.short_word(first, second, word.bytes),
            _ => {
                let end = word.start + num::usize_of(word.bytes);
                self.word(window.get(word.start..end).unwrap_or(&[]))
            }
        };
        if word.has_letter { hash } else { self.number() }
    }

    /// The keyed hash of a word.
    fn word(&self, word: &[u8]) -> u64 {
        let mut hash = self.secret[0] ^ num::u64_of(word.len());
        let head = word.get(..WORD_BYTES_MAX).unwrap_or(word);
        let mut chunks = head.chunks_exact(8);
        for chunk in &mut chunks {
            let lane = num::u64_at(chunk, 0).unwrap_or(0);
            hash = folded_multiply(hash ^ lane, self.secret[1]);
        }
        let lane = chunks.remainder().iter().rev().fold(0u64, |lane, &byte| lane << 8 | u64::from(byte));
        folded_multiply(hash ^ lane, self.secret[1]) ^ self.secret[2]
    }
}

/// Bytes that are looked at together.
const WINDOW: usize = 64;

/// Cuts one form, in a loop that `simd` compiles for each level.
struct Cut<'a> {
    tokenizer: &'a Tokenizer,
    form: &'a NormalForm,
    out: &'a mut Vec<u64>,
}

impl Loop for Cut<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Inlined>(self, kernel: K) {
        let Self { tokenizer, form, out } = self;
        let text = form.text();
        let mut breaks = Breaks { places: form.line_breaks(), mark: tokenizer.line_break() };
        out.clear();
        out.push(tokenizer.begin());
        let mut at = 0;
        while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            let window = Window::new(rest, kernel);
            match window.bytes {
                0 => {
                    let (end, hash) = tokenizer.any_word(text, at);
                    if let Some(hash) = hash {
                        breaks.pass(at, out);
                        out.push(hash);
                    }
                    at = end;
                }
                bytes => {
                    window.words(|word| {
                        breaks.pass(at + word.start, out);
                        out.push(tokenizer.ascii_word(rest, &word));
                    });
                    at += bytes;
                }
            }
        }
        out.push(tokenizer.end());
    }
}

/// The line breaks of a form that no token stands behind yet.
struct Breaks<'a> {
    places: &'a [u32],
    mark: u64,
}

impl Breaks<'_> {
    /// One token for all line breaks between the token before and the one that begins at `start`.
    #[inline(always)]
    fn pass(&mut self, start: usize, out: &mut Vec<u64>) {
        let start = num::u32_saturating(start);
        if self.places.first().is_some_and(|at| *at <= start) {
            out.push(self.mark);
            let passed = self.places.iter().take_while(|at| **at <= start).count();
            self.places = self.places.get(passed..).unwrap_or(&[]);
        }
    }
}

/// The words of ASCII that end inside [`WINDOW`] bytes, which begin where a word may begin.
struct Window {
    /// Bytes of those words and of what separates them, the separator of the last one included; 0 where a word goes on
    /// beyond the window or touches what is not ASCII.
    bytes: usize,
    letters: u64,
    words: u64,
}

/// A word of ASCII letters and digits in a window.
struct AsciiWord {
    start: usize,
    bytes: u32,
    has_letter: bool,
}

impl Window {
    /// The window at the beginning of `text`; behind its end stand zeros, which separate.
    #[inline(always)]
    fn new(text: &[u8], kernel: impl Inlined) -> Self {
        let classes = match text.first_chunk::<WINDOW>() {
            Some(bytes) => kernel.classes(bytes),
            None => {
                let mut bytes = [0; WINDOW];
                bytes.iter_mut().zip(text).for_each(|(to, &from)| *to = from);
                kernel.classes(&bytes)
            }
        };
        let words = classes.letters | classes.digits;
        // Below the first byte that is not ASCII, which separates nothing: it may be a letter.
        let ascii = (classes.high & classes.high.wrapping_neg()).wrapping_sub(1);
        let bytes = u64::BITS - (!words & ascii).leading_zeros();
        let inside = u64::MAX.checked_shr(u64::BITS - bytes).unwrap_or(0);
        Self { bytes: num::usize_of(bytes), letters: classes.letters, words: words & inside }
    }

    #[inline(always)]
    fn words(&self, mut each: impl FnMut(AsciiWord)) {
        let mut starts = self.words & !(self.words << 1);
        let mut ends = !self.words & (self.words << 1);
        while starts != 0 {
            let start = starts.trailing_zeros();
            let bytes = ends.trailing_zeros() - start;
            // A word ends inside the window, so it has fewer than 64 bytes.
            let has_letter = (self.letters >> start) & ((1 << bytes) - 1) != 0;
            each(AsciiWord { start: num::usize_of(start), bytes, has_letter });
            starts &= starts - 1;
            ends &= ends - 1;
        }
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").finish_non_exhaustive()
    }
}

/// Multiplies to 128 bits and folds the halves: every input bit reaches every output bit.
#[inline(always)]
#[must_use]
pub(crate) fn folded_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    num::low64(product) ^ num::low64(product >> 64)
}

/// Scripts written without spaces, and Hangul: one character is one token.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}')
}

/// Combining marks belong to the word they stand in (Devanagari, Arabic, Hebrew ...).
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;
    use crate::text::normalize::Normalizer;

    fn tokens_of(text: &str) -> (Tokenizer, Vec<u64>, String) {
        let (tokenizer, mut form, mut out) = (Tokenizer::new([1, 3, 5]), NormalForm::default(), Vec::new());
        Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
        tokenizer.tokenize(&form, Kernels::detect(), &mut out);
        (tokenizer, out, form.text().to_owned())
    }

    /// The tokens of `text`, each as the word of `known` that has its hash.
    fn words<'a>(text: &str, known: &[&'a str]) -> Vec<&'a str> {
        let (tokenizer, tokens, _) = tokens_of(text);
        let marks = [
            ("<", tokenizer.begin()),
            (">", tokenizer.end()),
            ("/", tokenizer.line_break()),
            ("#", tokenizer.number()),
        ];
        let known = known.iter().map(|word| (*word, tokenizer.word(word.as_bytes())));
        let names: Vec<_> = marks.into_iter().chain(known).collect();
        let name = |token: &u64| names.iter().find(|(_, hash)| hash == token).map_or("?", |(name, _)| name);
        tokens.iter().map(name).collect()
    }

    #[test]
    fn words_numbers_and_line_breaks() {
        let known = ["solve", "of", "3a", "x", "y"];
        assert_eq!(words("Solve 12 of\n\n3a: x+y", &known), ["<", "solve", "#", "of", "/", "3a", "x", "y", ">"]);
        assert_eq!(words("", &known), ["<", ">"]);
        assert_eq!(words("...!", &known), ["<", ">"]);
    }

    /// The definition, byte by byte, that the short cut for ASCII words must agree with.
    fn plainly(tokenizer: &Tokenizer, form: &str) -> Vec<u64> {
        let (mut found, mut start) = (vec![tokenizer.begin()], None);
        let is_letter = |c: char| c.is_alphanumeric() || is_mark(c);
        for (at, c) in form.char_indices().chain([(form.len(), ' ')]) {
            let goes_on = is_letter(c) && !stands_alone(c);
            if let (Some(from), false) = (start, goes_on) {
                let word = &form[from..at];
                let is_number = word.chars().all(char::is_numeric);
                found.push(if is_number { tokenizer.number() } else { tokenizer.word(word.as_bytes()) });
                start = None;
            }
            if goes_on {
                start = start.or(Some(at));
            } else if stands_alone(c) && is_letter(c) {
                found.push(tokenizer.word(&form.as_bytes()[at..at + c.len_utf8()]));
            }
        }
        found.push(tokenizer.end());
        found
    }

    #[test]
    fn words_are_cut_and_hashed_as_defined_at_every_level() {
        let long = "x1".repeat(40);
        let words = "a z 0 9 { ` @ [ / : - \u{e9} \u{4e2d} \u{b2} \u{301} \u{2014} word 1234567 12345678 abcdefg abcdefgh \
                     abcdefghi fifteen_letters abcdefghijklmno abcdefghijklmnop";
        let all: Vec<&str> = words.split(' ').chain([" ", " the ", " of ", &long]).collect();
        let ascii: Vec<&str> = all.iter().copied().filter(|piece| piece.is_ascii()).collect();
        let mut state = 7_u64;
        let mut draw = |below: usize| {
            state = folded_multiply(state ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
            num::usize_of(num::high32(state)) % below
        };
        let (tokenizer, mut form, mut tokens) = (Tokenizer::new([1, 3, 5]), NormalForm::default(), Vec::new());
        for _ in 0..3000 {
            // Every other text is ASCII alone, for whole windows of it.
            let pieces = [&all, &ascii][draw(2)];
            let text: String = (0..draw(120)).map(|_| pieces[draw(pieces.len())]).collect();
            for kernels in Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()) {
                Normalizer::new(kernels).normalize(text.as_bytes(), &mut form);
                tokenizer.tokenize(&form, kernels, &mut tokens);
                assert_eq!(tokens, plainly(&tokenizer, form.text()), "{kernels:?} {text:?}");
            }
        }
    }

    #[test]
    fn a_chinese_character_is_a_token() {
        let expected = ["<", "用", "python", "写", "代", "码", ">"];
        assert_eq!(words("用python写 代码", &expected[1..6]), expected);
    }

    #[test]
    fn long_words_differ_by_length_and_head() {
        let (_, a, _) = tokens_of(&"a".repeat(1000));
        let (_, b, _) = tokens_of(&"a".repeat(1001));
        assert_ne!(a[1], b[1]);
    }

    #[test]
    fn the_secret_decides_the_hash() {
        let mut form = NormalForm::default();
        Normalizer::new(Kernels::detect()).normalize(b"word", &mut form);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        Tokenizer::new([1, 3, 5]).tokenize(&form, Kernels::detect(), &mut a);
        Tokenizer::new([2, 3, 5]).tokenize(&form, Kernels::detect(), &mut b);
        assert_ne!(a[1], b[1]);
    }
}

//! Cuts a normal form into tokens, the units in which templates are compared.
//!
//! A token is a run of letters and digits; a script written without spaces (Chinese, kana, Thai ...) and Hangul give
//! one token a character; a run of digits alone is one NUMBER whatever its value, a line break is a token, and the text
//! stands between BEGIN and END. Punctuation separates and is dropped: rewording scripts change it first.

use crate::num;
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
    pub fn tokenize(&self, form: &NormalForm, out: &mut Vec<u64>) {
        let text = form.text();
        let bytes = text.as_bytes();
        let mut breaks = form.line_breaks();
        out.clear();
        out.push(self.begin());
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            // A short word ends before an ASCII byte that separates, which need not be looked at again.
            let (hash, separator_bytes) = match ShortWord::at(bytes, at) {
                Some(word) if word.bytes == 0 => {
                    at += 1;
                    continue;
                }
                Some(word) => {
                    at += num::usize_of(word.bytes);
                    (if word.has_letter { self.short_word(&word) } else { self.number() }, 1)
                }
                None => {
                    let (end, hash) = self.any_word(text, at);
                    at = end;
                    let Some(hash) = hash else { continue };
                    (hash, 0)
                }
            };
            let start = num::u32_saturating(start);
            if breaks.first().is_some_and(|at| *at <= start) {
                out.push(self.line_break());
                let passed = breaks.iter().take_while(|at| **at <= start).count();
                breaks = breaks.get(passed..).unwrap_or(&[]);
            }
            out.push(hash);
            at += separator_bytes;
        }
        out.push(self.end());
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

    /// What [`Tokenizer::word`] gives for the same bytes.
    #[inline(always)]
    fn short_word(&self, word: &ShortWord) -> u64 {
        let hash = self.secret[0] ^ u64::from(word.bytes);
        folded_multiply(hash ^ word.lane, self.secret[1]) ^ self.secret[2]
    }

    /// The keyed hash of a word.
    #[inline(always)]
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

/// The ASCII word of fewer than eight bytes that begins at a place, with its bytes in one number: most words of most texts.
struct ShortWord {
    /// Its bytes, the first one lowest, zero above the last.
    lane: u64,
    /// 0 where no word begins.
    bytes: u32,
    /// Whether it is more than a number.
    has_letter: bool,
}

impl ShortWord {
    /// `None` where eight bytes do not tell: the word goes on, a byte that is not ASCII touches it, or the text ends.
    #[inline(always)]
    fn at(text: &[u8], at: usize) -> Option<Self> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x80 * ONES;
        // The high bit of each byte of `bytes`, all of them below 128, that lies between `first` and `last`.
        let between = |bytes: u64, first: u8, last: u8| {
            (bytes + (128 - u64::from(first)) * ONES) & !(bytes + (127 - u64::from(last)) * ONES) & HIGH
        };
        let eight = num::u64_at(text, at)?;
        let low = eight & !HIGH;
        let letters = between(low | (0x20 * ONES), b'a', b'z') & !eight;
        let digits = between(low, b'0', b'9') & !eight;
        let other = !(letters | digits) & HIGH;
        let bits = other.trailing_zeros() & !7;
        let byte_at_end = eight.checked_shr(bits)?;
        if byte_at_end & 0x80 != 0 {
            return None;
        }
        let inside = (1 << bits) - 1;
        Some(Self { lane: eight & inside, bytes: bits / 8, has_letter: letters & inside != 0 })
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
    use crate::simd::Kernels;
    use crate::text::normalize::Normalizer;

    fn tokens_of(text: &str) -> (Tokenizer, Vec<u64>, String) {
        let (tokenizer, mut form, mut out) = (Tokenizer::new([1, 3, 5]), NormalForm::default(), Vec::new());
        Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
        tokenizer.tokenize(&form, &mut out);
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
    fn short_words_are_hashed_as_all_are() {
        let pieces = [
            "a", "z", "0", "9", "{", "`", "@", "[", "/", ":", " ", "-", "\u{e9}", "\u{4e2d}", "\u{b2}", "\u{301}",
            "word", "12345678",
        ];
        let mut state = 7_u64;
        let mut draw = |below: usize| {
            state = folded_multiply(state ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
            num::usize_of(num::high32(state)) % below
        };
        for _ in 0..3000 {
            let text: String = (0..draw(30)).map(|_| pieces[draw(pieces.len())]).collect();
            let (tokenizer, tokens, form) = tokens_of(&text);
            assert_eq!(tokens, plainly(&tokenizer, &form), "{text:?}");
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
        Tokenizer::new([1, 3, 5]).tokenize(&form, &mut a);
        Tokenizer::new([2, 3, 5]).tokenize(&form, &mut b);
        assert_ne!(a[1], b[1]);
    }
}

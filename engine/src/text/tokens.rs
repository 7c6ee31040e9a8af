//! Cuts a normal form into tokens, the units in which templates are compared.
//!
//! A token is a run of letters and digits; a run of digits alone is one NUMBER whatever its value, a line break is a token,
//! and the text stands between BEGIN and END. Punctuation separates and is dropped: rewording scripts change it first.
//!
//! Scripts written without spaces (Chinese, kana, Thai ...) are cut into pieces about as long as their words. The text itself
//! says where, as in content-defined chunking: behind a character whose keyed hash with the next one is less than those of the
//! places ahead. What stands elsewhere moves no cut, so one phrase gives the same pieces in every text. A character a
//! token was measured and is no unit: all accounts share the letters of an alphabet and the commonest thousand
//! ideographs, whatever they say.

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
    /// A letter of a script without spaces, with the places ahead that a cut behind it is compared with.
    Unspaced(u32),
}

/// Places ahead for ideographs and kana: pieces of two on the average, as Chinese words are.
const IDEOGRAPHS_AHEAD: u32 = 1;
/// Places ahead for the scripts of South East Asia, vowels and tones counted: pieces of five.
const ALPHABETS_AHEAD: u32 = 4;
/// Characters of a piece at most: a run of one character has no least place.
const PIECE_CHARS_MAX: usize = 32;

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

    /// The end and the hash of the word of `text`, in any form, that begins at the byte `start`; of a separator its end alone.
    pub(crate) fn any_word(&self, text: &str, start: usize) -> (usize, Option<u64>) {
        let bytes = text.as_bytes();
        let Some(&byte) = bytes.get(start) else { return (start + 1, None) };
        let (class, width) = self.classify(text, start, byte);
        let mut at = start + width;
        let mut digits = class == Class::Digit;
        match class {
            Class::Break => return (at, None),
            Class::Unspaced(ahead) => at = self.piece_end(text, start, ahead),
            Class::Letter | Class::Digit => {
                while let Some(&next) = bytes.get(at) {
                    let (class, width) = self.classify(text, at, next);
                    match class {
                        Class::Letter => digits = false,
                        Class::Digit => {}
                        Class::Break | Class::Unspaced(_) => break,
                    }
                    at += width;
                }
            }
        }
        (at, Some(if digits { self.number() } else { self.word(bytes.get(start..at).unwrap_or(&[])) }))
    }

    /// Where the piece ends that begins at `start`: at the first place whose hash is less than those of the `ahead` places
    /// behind it.
    fn piece_end(&self, text: &str, start: usize, ahead: u32) -> usize {
        let place = |before: char, next: u32| {
            folded_multiply(self.secret[0] ^ (u64::from(u32::from(before)) << 32 | u64::from(next)), self.secret[1])
        };
        let mut chars = text.get(start..).unwrap_or("").chars();
        let Some(mut before) = chars.next() else { return start };
        let mut at = start + before.len_utf8();
        let (mut cut, mut least, mut passed) = (at, u64::MAX, 0);
        for next in chars.take(PIECE_CHARS_MAX).take_while(|c| unspaced(*c).is_some()) {
            let here = place(before, u32::from(next));
            // A place is given up only for a later one that is no greater, which rules out those between the two.
            if here <= least {
                (cut, least, passed) = (at, here, 0);
            } else {
                passed += 1;
                if passed == ahead {
                    return cut;
                }
            }
            before = next;
            at += next.len_utf8();
        }
        // Behind the end stand places of no character, so that cuts near it are no rarer than elsewhere.
        let beyond = (0..ahead).map(|n| place(before, n)).take(num::usize_of(ahead - passed));
        if beyond.min().is_some_and(|beyond| beyond > least) { cut } else { at }
    }

    /// The class of the character at `at`, and its bytes.
    #[inline(always)]
    fn classify(&self, text: &str, at: usize, byte: u8) -> (Class, usize) {
        if let Some(&class) = self.class.get(usize::from(byte)) {
            return (class, 1);
        }
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return (Class::Break, 1) };
        let class = match unspaced(c) {
            Some(ahead) => Class::Unspaced(ahead),
            None if c.is_numeric() => Class::Digit,
            None if c.is_alphanumeric() || is_mark(c) => Class::Letter,
            None => Class::Break,
        };
        (class, c.len_utf8())
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

/// For a character of a script written without spaces, how many places ahead a cut behind it is compared with. Ideographs and
/// kana; scripts of the line breaking class SA (Unicode Standard Annex 14: Thai, Lao, Myanmar, Khmer, Tai Le, New Tai Lue,
/// Tai Tham, Tai Viet). Hangul has spaces.
fn unspaced(c: char) -> Option<u32> {
    match c {
        '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{1950}'..='\u{19df}'
        | '\u{1a20}'..='\u{1aad}'
        | '\u{a9e0}'..='\u{a9ff}'
        | '\u{aa60}'..='\u{aadf}' => Some(ALPHABETS_AHEAD),
        '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3fffd}' => Some(IDEOGRAPHS_AHEAD),
        _ => None,
    }
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

    /// The definition, character by character, that the short cuts must agree with.
    fn plainly(tokenizer: &Tokenizer, form: &str) -> Vec<u64> {
        let (mut found, mut start) = (vec![tokenizer.begin()], None);
        let mut piece_start = 0;
        for (at, c) in form.char_indices().chain([(form.len(), ' ')]) {
            let goes_on = (c.is_alphanumeric() || is_mark(c)) && unspaced(c).is_none();
            if let (Some(from), false) = (start, goes_on) {
                let word = &form[from..at];
                let is_number = word.chars().all(char::is_numeric);
                found.push(if is_number { tokenizer.number() } else { tokenizer.word(word.as_bytes()) });
                start = None;
            }
            if goes_on {
                start = start.or(Some(at));
            } else if unspaced(c).is_some() && at >= piece_start {
                let piece = first_piece(tokenizer, &form[at..]);
                found.push(tokenizer.word(piece.as_bytes()));
                piece_start = at + piece.len();
            }
        }
        found.push(tokenizer.end());
        found
    }

    /// The definition of a piece: up to the first place that is less than as many places behind it as its script asks for;
    /// behind the last character stand places with numbers for characters.
    fn first_piece(tokenizer: &Tokenizer, text: &str) -> String {
        let run: Vec<char> = text.chars().take_while(|c| unspaced(*c).is_some()).take(PIECE_CHARS_MAX + 1).collect();
        let ahead = unspaced(run[0]).expect("a letter of such a script");
        let codes = run.iter().map(|c| u32::from(*c)).chain(0..ahead).collect::<Vec<_>>();
        let place = |n: usize| {
            let before = u64::from(codes[n.min(run.len() - 1)]);
            folded_multiply(tokenizer.secret[0] ^ (before << 32 | u64::from(codes[n + 1])), tokenizer.secret[1])
        };
        let is_cut = |n: usize| (1..=num::usize_of(ahead)).all(|next| place(n) < place(n + next));
        let chars = (0..run.len() - 1).find(|n| is_cut(*n)).map_or(run.len(), |n| n + 1);
        run[..chars].iter().collect()
    }

    #[test]
    fn words_are_cut_and_hashed_as_defined_at_every_level() {
        let long = "x1".repeat(40);
        let words = "a z 0 9 { ` @ [ / : - \u{e9} \u{4e2d} \u{6587} \u{5199} \u{3042} \u{e01} \u{e02} \u{e31} \u{e48} \u{ac00} \
                     \u{4e2d}\u{6587}\u{5199}\u{4f5c} \u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35} \u{b2} \u{301} \u{2014} word 1234567 12345678 abcdefg abcdefgh \
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

    /// Runs of letters of a script, drawn from `alphabet` letters that begin at `first`.
    fn letters(seed: u64, first: u32, alphabet: u32, count: u32) -> String {
        let drawn = |n: u32| {
            let hash = folded_multiply(seed ^ 0x9e37_79b9_7f4a_7c15, u64::from(n) ^ 0xd6e8_feb8_6659_fd93);
            char::from_u32(first + num::high32(hash) % alphabet).expect("letters of one block")
        };
        (0..count).map(drawn).collect()
    }

    /// First letter and number of letters of Han, kana and Thai, and the mean length of their pieces.
    const UNSPACED: [(u32, u32, u32); 3] = [(0x4e00, 3000, 2), (0x3042, 80, 2), (0xe01, 46, 5)];

    #[test]
    fn pieces_of_scripts_without_spaces_are_as_long_as_their_words() {
        for (first, alphabet, mean) in UNSPACED {
            let (_, tokens, _) = tokens_of(&letters(1, first, alphabet, 20_000));
            let pieces = num::u32_saturating(tokens.len() - 2);
            assert!((18_000 / mean..22_000 / mean).contains(&pieces), "{first:x}: {pieces} pieces");
        }
    }

    #[test]
    fn a_phrase_is_cut_alike_wherever_it_stands() {
        for (first, alphabet, _) in UNSPACED {
            let phrase = letters(2, first, alphabet, 60);
            let (_, alone, _) = tokens_of(&phrase);
            for seed in 10..60 {
                let (before, after) = (letters(seed, first, alphabet, 30), letters(seed + 50, first, alphabet, 30));
                let (_, tokens, _) = tokens_of(&format!("{before}{phrase}{after}"));
                let inner = tokens.windows(alone.len() - 6).any(|window| window == &alone[3..alone.len() - 3]);
                assert!(inner, "{first:x} {seed}");
            }
        }
    }

    #[test]
    fn a_run_of_one_character_is_cut() {
        let (_, tokens, _) = tokens_of(&"\u{e01}".repeat(1000));
        assert!(tokens.len() > 1000 / (PIECE_CHARS_MAX + 1), "{} tokens", tokens.len());
    }

    #[test]
    fn scripts_meet_without_a_space_and_hangul_has_spaces() {
        let expected = ["<", "python", "中", ">"];
        assert_eq!(words("python中", &expected[1..3]), expected);
        let expected = ["<", "요약해", "주세요", ">"];
        // Normalized, Hangul is still one letter a syllable.
        assert_eq!(words("요약해 주세요.", &expected[1..3]), expected);
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

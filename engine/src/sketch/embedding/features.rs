//! From text to 1024 sums: words and pairs of neighbouring words, each hashed to one sum and a sign.

use super::CODE_BITS;
use crate::num::{low64, u32_saturating, usize_of};

/// Longer words weigh no more; most words of more than eight letters are as rare as they get.
const WEIGHT_MAX: u32 = 8;

/// The weight of a character that is a word by itself: an ideograph says about as much as half an English word.
const WEIGHT_ALONE: u32 = 4;

/// The weight of a mark that is no letter or digit.
const WEIGHT_MARK: u32 = 1;

/// Multipliers of the hashes; odd, drawn from the seed.
#[derive(Clone)]
pub(super) struct FeatureKeys {
    /// Of 8 bytes of a word.
    bytes: u64,
    /// Of the length of a word.
    length: u64,
    /// Of a word that stands for itself.
    single: u64,
    /// Of the first and the second word of a pair.
    pair: [u64; 2],
}

impl FeatureKeys {
    /// Keys from uniform random words.
    pub(super) fn from_words(words: &mut impl Iterator<Item = u64>) -> Self {
        let mut odd = || words.next().unwrap_or(1) | 1;
        Self { bytes: odd(), length: odd(), single: odd(), pair: [odd(), odd()] }
    }

    /// The hash of a word: its length first, so that padding cannot be confused, then 8 bytes a step.
    #[inline(always)]
    fn word(&self, word: &[u8]) -> u64 {
        let mut hash = u64::from(u32_saturating(word.len())).wrapping_mul(self.length);
        let (whole, rest) = word.as_chunks::<8>();
        for piece in whole {
            hash = mix(hash ^ u64::from_le_bytes(*piece), self.bytes);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        mix(hash ^ u64::from_le_bytes(last), self.bytes)
    }
}

/// Both halves of a product, folded: every bit of the input reaches every bit of the output.
#[inline(always)]
fn mix(x: u64, multiplier: u64) -> u64 {
    let product = u128::from(x ^ 0x9e37_79b9_7f4a_7c15) * u128::from(multiplier);
    low64(product) ^ low64(product >> 64)
}

/// Adds one feature: the top bits of its hash name the sum, the lowest the sign.
#[inline(always)]
fn add(hash: u64, weight: u32, sums: &mut [i32; CODE_BITS]) {
    let weight = weight.cast_signed();
    if let Some(sum) = sums.get_mut(usize_of(crate::num::high32(hash) >> 22)) {
        *sum += if hash & 1 == 0 { weight } else { -weight };
    }
}

/// Adds the words of `text`, and the pairs of neighbours, to `sums`. A word weighs its letters, a pair half as much as its
/// words on average, and all is doubled so that halves are whole. 16 MiB of text stay below 2^30.
pub(super) fn add_text(text: &str, keys: &FeatureKeys, sums: &mut [i32; CODE_BITS]) {
    let mut before: Option<(u64, u32)> = None;
    for_each_word(text, |word, weight| {
        let hash = keys.word(word);
        add(mix(hash, keys.single), 4 * weight, sums);
        if let Some((first, first_weight)) = before {
            let pair = first.wrapping_mul(keys.pair[0]).wrapping_add(hash);
            add(mix(pair, keys.pair[1]), weight + first_weight, sums);
        }
        before = Some((hash, weight));
    });
}

/// Calls `word` with each word and its weight. A word is a run of letters and digits; a character of a script without
/// spaces, and any other mark, is one by itself.
fn for_each_word(text: &str, mut word: impl FnMut(&[u8], u32)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        if byte == b' ' {
            at += 1;
            continue;
        }
        // The run of letters from here: ASCII a byte at a time, the others by their class.
        let mut alone = None;
        loop {
            match bytes.get(at) {
                Some(byte) if byte.is_ascii_alphanumeric() => at += 1,
                Some(byte) if !byte.is_ascii() => {
                    let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                    let weight = weight_alone(next);
                    if weight.is_some() {
                        if at == start {
                            at += next.len_utf8();
                            alone = weight;
                        }
                        break;
                    }
                    at += next.len_utf8();
                }
                _ => break,
            }
        }
        if at == start {
            // ASCII, but neither space, letter nor digit.
            at += 1;
            alone = Some(WEIGHT_MARK);
        }
        let run = bytes.get(start..at).unwrap_or(&[]);
        word(run, alone.unwrap_or_else(|| u32_saturating(run.len()).min(WEIGHT_MAX)));
    }
}

/// The weight of a character that is a word by itself, or `None` for one that is written in a run with others.
fn weight_alone(c: char) -> Option<u32> {
    match c {
        // Hangul is written with spaces, in the middle of scripts that are not.
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7ff}' => None,
        // Thai, Lao, Tibetan, Myanmar, Khmer; from U+2E80 ideographs and kana; beyond the first plane ideographs and signs.
        '\u{0e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
            Some(WEIGHT_ALONE)
        }
        '\u{20000}'..='\u{3ffff}' => Some(WEIGHT_ALONE),
        c if c.is_alphanumeric() => None,
        _ => Some(WEIGHT_MARK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, u32)> {
        let mut words = Vec::new();
        for_each_word(text, |word, weight| words.push((String::from_utf8_lossy(word).into_owned(), weight)));
        words
    }

    #[test]
    fn words_are_runs_in_scripts_with_spaces_and_characters_in_others() {
        let expected = [("it", 2), ("'", 1), ("s", 1), ("extraordinary", 8), (",", 1), ("привет", 8), ("42a", 3)];
        let found = words("it's extraordinary, привет 42a");
        assert!(found.iter().map(|(word, weight)| (word.as_str(), *weight)).eq(expected), "{found:?}");
        let expected = [("总", 4), ("结", 4), ("abc", 3), ("成", 4), ("안녕", 6), ("—", 1)];
        let found = words("总结abc成 안녕—");
        assert!(found.iter().map(|(word, weight)| (word.as_str(), *weight)).eq(expected), "{found:?}");
    }

    #[test]
    fn the_longest_text_does_not_overflow() {
        let text = "aaaaaaaa ".repeat(crate::limits::PROMPT_BYTES_MAX / 9);
        let mut sums = [0; CODE_BITS];
        add_text(&text, &FeatureKeys::from_words(&mut (1..)), &mut sums);
        assert!(sums.iter().all(|sum| sum.unsigned_abs() < 1 << 30));
    }
}

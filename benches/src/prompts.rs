//! Prompts made from a seed: template families of Zipf sizes, and one-off prompts, over topics with words of their own.
//! No text of anybody; what matters to an index is how the codes cluster, and that comes from the families.

/// A small generator of random numbers (Steele, Lea, Flood 2014: SplitMix64); the same numbers everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.word()) * u128::from(promptprint::num::u64_of(bound));
        promptprint::num::usize_of_u64(promptprint::num::low64(wide >> 64)).unwrap_or(0)
    }

    /// A number below `bound` whose logarithm is uniform: low numbers are common, as the first words of a language are.
    pub fn zipf(&mut self, bound: usize) -> usize {
        let unit = promptprint::num::f64_of_u64(self.word() >> 11) / 9_007_199_254_740_992.0;
        let bound_f = promptprint::num::f64_of(bound);
        promptprint::num::usize_of_f64((bound_f + 1.0).powf(unit) - 1.0).min(bound - 1)
    }
}

/// Words that all topics share, and words of one topic.
const SHARED_WORDS: usize = 2_000;
const TOPIC_WORDS: usize = 3_000;
const TOPICS: usize = 500;

/// Makes prompts; the families are fixed by the seed, each prompt is a new filling.
#[derive(Debug, Clone)]
pub struct Prompts {
    seed: u64,
    families: usize,
    random: Random,
}

impl Prompts {
    /// A stream of prompts number `stream` over `families` families that `seed` fixes.
    #[must_use]
    pub fn new(seed: u64, families: usize, stream: u64) -> Self {
        Self { seed, families: families.max(1), random: Random::new(seed ^ stream.wrapping_mul(0xd605_bbb5_8c8a_bbfd)) }
    }

    /// Appends the next prompt to `text`.
    pub fn next_into(&mut self, text: &mut String) {
        if self.random.below(10) == 0 {
            let topic = self.random.below(TOPICS);
            let length = 8 + self.random.below(80);
            say(text, &mut self.random, topic, length);
            return;
        }
        let family = self.random.zipf(self.families);
        let mut skeleton =
            Random::new(self.seed ^ promptprint::num::u64_of(family + 1).wrapping_mul(0xa076_1d64_78bd_642f));
        let topic = skeleton.below(TOPICS);
        let slots = 1 + skeleton.below(3);
        let slot_words = 3 + skeleton.below(16);
        for _ in 0..slots {
            let piece = 8 + skeleton.below(40);
            say(text, &mut skeleton, topic, piece);
            // A filling is about something else, and as long as it happens to be.
            let about = self.random.below(TOPICS);
            let length = 1 + self.random.below(slot_words);
            say(text, &mut self.random, about, length);
        }
    }
}

/// Appends `length` words of a topic.
fn say(text: &mut String, random: &mut Random, topic: usize, length: usize) {
    for _ in 0..length {
        if random.below(2) == 0 {
            spell(text, random.zipf(SHARED_WORDS));
        } else {
            spell(text, SHARED_WORDS + topic * TOPIC_WORDS + random.zipf(TOPIC_WORDS));
        }
        text.push(' ');
    }
}

/// Spells word number `word` in syllables.
fn spell(text: &mut String, word: usize) {
    const SYLLABLES: [&str; 32] = [
        "ka", "lo", "mi", "ter", "sun", "ra", "vel", "do", "pin", "ga", "shu", "ner", "ti", "bol", "ce", "fa", "wen",
        "ju", "ros", "li", "mon", "qua", "de", "zi", "hart", "be", "no", "ply", "est", "cu", "om", "y",
    ];
    let mut rest = word + 1;
    while rest > 0 {
        text.push_str(SYLLABLES[rest % 32]);
        rest /= 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_another_differs() {
        let text = |stream| {
            let mut prompts = Prompts::new(1, 100, stream);
            let mut text = String::new();
            prompts.next_into(&mut text);
            text
        };
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }
}

//! The embedding code: 1024 sign bits of a rotated vector, so that texts which say alike things in other words, order or
//! length differ in few bits.
//!
//! The built-in vector needs no model: words and pairs of words are hashed into 1024 integers (feature hashing,
//! Weinberger et al. 2009), a longer word counting more, and each sum is damped to its square root, so that a word said a
//! hundred times does not drown the others. A random rotation, made of sign flips and Hadamard transforms (Ailon,
//! Chazelle 2006), spreads each word over all 1024 numbers, and the sign of each is a bit (Charikar 2002: the share of unequal
//! bits estimates the angle). All of it is integer arithmetic keyed by the secret seed: the same bits on every CPU.
//! `README.md` beside this file says how well it finds what.

mod features;
#[cfg(feature = "model")]
pub mod model;
mod rotate;
mod vector;

use super::spec::SketchSeed;
use crate::error::Result;
use crate::simd::Kernels;
use crate::text::NormalForm;
use features::FeatureKeys;
use rotate::RotationKeys;

/// Bits of a code, and numbers in the vector they are the signs of.
pub const CODE_BITS: usize = 1024;

/// Bytes of a code.
pub const CODE_BYTES: usize = CODE_BITS / 8;

/// The version of the rules from text to code; it is part of what makes two codes comparable.
pub const EMBEDDING_VERSION: u16 = 1;

/// What the codes of this version are made by, as a store names it: only codes of one origin can be compared.
pub const BUILT_IN: &str = "built-in 1";

/// An embedding code: the distance of two is the number of unequal bits, 0 to 1024; unrelated texts are near 512.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EmbeddingCode(pub [u8; CODE_BYTES]);

impl EmbeddingCode {
    /// The code of a text in which there is nothing; it must not be indexed.
    pub const EMPTY: Self = Self([0; CODE_BYTES]);

    /// Whether this is the code of nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }
}

impl std::fmt::Debug for EmbeddingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmbeddingCode(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The cosine of the angle that `unequal_bits` of two codes stand for, -1 to 1.
#[must_use]
pub fn cosine_of_unequal_bits(unequal_bits: u32) -> f32 {
    let share = f64::from(unequal_bits.min(1024)) / 1024.0;
    crate::num::f32_of((share * std::f64::consts::PI).cos())
}

/// Makes embedding codes under one seed; one serves any number of threads and allocates nothing per text.
#[derive(Clone)]
pub struct Embedder {
    features: FeatureKeys,
    rotation: Box<RotationKeys>,
    kernels: Kernels,
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedder({:?})", self.kernels)
    }
}

impl Embedder {
    /// An embedder keyed by `seed`; every level of `kernels` makes the same codes.
    #[must_use]
    pub fn new(seed: &SketchSeed, kernels: Kernels) -> Self {
        let mut words = seed.embedding_words(EMBEDDING_VERSION);
        Self {
            features: FeatureKeys::from_words(&mut words),
            rotation: Box::new(RotationKeys::from_words(&mut words)),
            kernels,
        }
    }

    /// The code of a normal form; [`EmbeddingCode::EMPTY`] when there is nothing in it. Linear in the text.
    #[must_use]
    pub fn code(&self, form: &NormalForm) -> EmbeddingCode {
        let mut sums = [0; CODE_BITS];
        features::add_text(form.text(), &self.features, &mut sums);
        rotate::code(&mut sums, rotate::Damp::Yes, &self.rotation, self.kernels)
    }

    /// The code that a static model gives a normal form; [`EmbeddingCode::EMPTY`] when it knows nothing in it.
    #[cfg(feature = "model")]
    #[must_use]
    pub fn code_by_model(&self, model: &model::StaticModel, form: &NormalForm) -> EmbeddingCode {
        model.code(form.text(), &self.rotation, self.kernels)
    }

    /// The code of a vector that the caller made, of 1 to 65,536 numbers: those of one model and length are comparable,
    /// and [`cosine_of_unequal_bits`] estimates their cosine (standard error at most 0.05). The length of the vector in
    /// space does not matter. The numbers are brought to fixed point first, so the bits do not depend on the CPU.
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for an empty or longer vector, all zeros, or a number that is not finite.
    pub fn code_of_vector(&self, vector: &[f32]) -> Result<EmbeddingCode> {
        let mut sums = [0; CODE_BITS];
        vector::add_vector(vector, &self.rotation, &mut sums)?;
        Ok(rotate::code(&mut sums, rotate::Damp::No, &self.rotation, self.kernels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;
    use crate::text::Normalizer;

    fn embedder(kernels: Kernels) -> Embedder {
        Embedder::new(&SketchSeed::new([7; 32]), kernels)
    }

    fn code(text: &str) -> EmbeddingCode {
        let kernels = Kernels::detect();
        let mut form = NormalForm::new();
        Normalizer::new(kernels).normalize(text.as_bytes(), &mut form);
        embedder(kernels).code(&form)
    }

    fn unequal(a: &str, b: &str) -> u32 {
        Kernels::detect().hamming(&code(a).0, &code(b).0)
    }

    #[test]
    fn alike_texts_are_near_and_others_are_not() {
        let text = "Summarise the following article in three sentences, and name the people who are mentioned in it.";
        let reworded =
            "Summarise the article that follows in three sentences, and list the people who are named in it.";
        let other = "Which metal melts at the lowest temperature, and what is it used for in a laboratory?";
        assert_eq!(unequal(text, text), 0);
        assert!(unequal(text, reworded) < 330, "{}", unequal(text, reworded));
        assert!((430..600).contains(&unequal(text, other)), "{}", unequal(text, other));
        let chinese = unequal("请把下面的内容总结成三个要点", "请把下面的文章总结成三个要点");
        assert!(chinese < 330, "{chinese}");
    }

    #[test]
    fn nothing_has_the_empty_code_and_all_else_has_not() {
        assert!(code("").is_empty());
        assert!(code(" \n ").is_empty());
        for text in ["a", "?", "字", "é", "a b", "\u{1f600}"] {
            assert!(!code(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn every_level_makes_the_same_code() {
        let texts = ["", "one", "the quick brown fox", "请把下面的内容 总结 成三个要点 please", "Привет, мир! 42"];
        let long = "word salad of many words ".repeat(20_000);
        for text in texts.into_iter().chain([long.as_str()]) {
            let mut form = NormalForm::new();
            Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
            let codes: Vec<EmbeddingCode> = Level::ALL
                .into_iter()
                .filter_map(|level| Kernels::for_level(level).ok())
                .map(|kernels| embedder(kernels).code(&form))
                .collect();
            assert!(codes.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn another_seed_makes_unrelated_codes() {
        let mut form = NormalForm::new();
        Normalizer::new(Kernels::detect()).normalize(b"the same text under two seeds", &mut form);
        let other = Embedder::new(&SketchSeed::new([8; 32]), Kernels::detect()).code(&form);
        let unequal = Kernels::detect().hamming(&embedder(Kernels::detect()).code(&form).0, &other.0);
        assert!((400..624).contains(&unequal), "{unequal}");
    }

    /// Pins the rules: a change here is a new [`EMBEDDING_VERSION`].
    #[test]
    fn codes_are_as_they_were() {
        let checksum = |text: &str| xxhash_rust::xxh3::xxh3_64(&code(text).0);
        assert_eq!(checksum("pin the bits of version one"), 16_785_829_181_506_017_500);
        assert_eq!(checksum("第一版的位元 stay, as they were: Привет"), 794_494_005_057_538_258);
    }
}

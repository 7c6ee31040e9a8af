//! The numbers that key every hash of a shingle; drawn from the secret seed, so that nobody outside can aim at a slot.

/// Words that [`HashKeys::from_words`] takes.
const WORDS: usize = 16;

/// Multipliers (odd) and addends of the shingle hashes. Plain numbers, no secrets in their shape.
#[derive(Clone)]
pub struct HashKeys {
    /// `c5` of ASCII: multiplier of bytes 1 to 4.
    pub(super) ascii_mul: u32,
    /// `c5` of ASCII: addend.
    pub(super) ascii_add: u32,
    /// `c5` of other text: one multiplier a scalar.
    pub(super) scalar_mul: [u32; 5],
    /// `c5` of other text: addend; short text adds its length times `length_mul` as well.
    pub(super) scalar_add: u32,
    /// Multiplier of the length of a word, and of a text shorter than a shingle.
    pub(super) length_mul: u32,
    /// Multipliers of the two halves of 8 bytes of a word.
    pub(super) word_mul: [u32; 2],
    /// `w3`: multipliers of the first and second word.
    pub(super) triple_mul: [u32; 2],
    /// `w3`: addend.
    pub(super) triple_add: u32,
    /// The last multiplier of every shingle hash.
    pub(super) final_mul: u32,
    /// Multiplier that folds a lane to 8 bits.
    pub(super) fold_mul: u32,
}

impl HashKeys {
    /// Words of key material that [`HashKeys::from_words`] takes.
    pub const WORDS: usize = WORDS;

    /// Keys from uniform random words.
    #[must_use]
    pub fn from_words(words: &[u32; WORDS]) -> Self {
        let at = |i: usize| words.get(i).copied().unwrap_or(1);
        Self {
            ascii_mul: at(0) | 1,
            ascii_add: at(1),
            scalar_mul: std::array::from_fn(|i| at(2 + i) | 1),
            scalar_add: at(7),
            length_mul: at(8) | 1,
            word_mul: [at(9) | 1, at(10) | 1],
            triple_mul: [at(11) | 1, at(12) | 1],
            triple_add: at(13),
            final_mul: at(14) | 1,
            fold_mul: at(15) | 1,
        }
    }

    /// The multiplier that [`super::Kernels::fold_lanes`] takes.
    #[must_use]
    pub fn fold_multiplier(&self) -> u32 {
        self.fold_mul
    }

    /// The hash of text shorter than a `c5` shingle, which is one shingle together with its length.
    #[must_use]
    pub fn hash_short_text(&self, scalars: &[u32]) -> u32 {
        let length = u32::try_from(scalars.len()).unwrap_or(u32::MAX);
        let sum =
            scalars.iter().zip(self.scalar_mul).fold(self.scalar_add, |x, (&s, m)| x.wrapping_add(s.wrapping_mul(m)));
        self.finish(sum.wrapping_add(length.wrapping_mul(self.length_mul)))
    }

    /// The hash of one word of the normal form: 8 bytes a step, its length first, so that padding cannot be confused.
    #[must_use]
    pub fn hash_word(&self, word: &[u8]) -> u32 {
        word.chunks(8).fold(self.start_word(word.len()), |x, piece| {
            let mut bytes = [0_u8; 8];
            bytes.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
            self.step_word(x, u64::from_le_bytes(bytes))
        })
    }

    /// What a word's hash starts from.
    #[inline(always)]
    pub(super) fn start_word(&self, length: usize) -> u32 {
        crate::num::u32_saturating(length).wrapping_mul(self.length_mul)
    }

    /// Takes in eight bytes of a word, the last of them padded with zeros.
    #[inline(always)]
    pub(super) fn step_word(&self, x: u32, bytes: u64) -> u32 {
        let [first, second] = self.word_mul;
        let x = x.wrapping_add(crate::num::low32(bytes)).wrapping_mul(first);
        let x = (x ^ (x >> 15)).wrapping_add(crate::num::high32(bytes)).wrapping_mul(second);
        x ^ (x >> 15)
    }

    /// The hash of three consecutive words, given the hash of each.
    #[must_use]
    pub fn hash_triple(&self, [first, second, third]: [u32; 3]) -> u32 {
        let [m0, m1] = self.triple_mul;
        let sum = first.wrapping_mul(m0).wrapping_add(second.wrapping_mul(m1)).wrapping_add(third);
        self.finish(sum.wrapping_add(self.triple_add))
    }

    /// Spreads a sum over 31 bits: the slot is taken from the top seven, the value from the others.
    #[inline(always)]
    pub(super) fn finish(&self, sum: u32) -> u32 {
        let x = (sum ^ (sum >> 15)).wrapping_mul(self.final_mul);
        (x ^ (x >> 16)) & 0x7fff_ffff
    }
}

impl std::fmt::Debug for HashKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKeys(secret)")
    }
}

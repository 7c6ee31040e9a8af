//! The signature of a text: 128 slots, each the smallest hash of the shingles that fell into it, 8 bits a slot at rest.
//!
//! Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup 2017), each shingle visiting each slot once as in SuperMinHash (Ertl
//! 2017): as cheap as one pass over the shingles, unbiased for short texts too, with less variance than k-permutation MinHash
//! when a text has fewer shingles than slots, and mergeable.

use super::spec::{Shingle, SketchSeed, Spec};
use crate::num::{f32_of, f64_of, u32_saturating, usize_of};
use crate::simd::{HASHES_MAX, HashKeys, Hashes, Kernels, LANE_EMPTY, LANE_ROUND_SHIFT, LANES, SHINGLE_CHARS};
use crate::text::NormalForm;

/// Chance that two unequal slots have equal 8 bits.
const COLLISION: f64 = 1.0 / 256.0;

/// A signature at rest: what is stored and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Signature(pub [u8; LANES]);

impl Signature {
    /// The signature of a text without shingles. It resembles nothing, not even itself, and is never banded.
    pub const EMPTY: Self = Self([0; LANES]);

    /// No shingle went in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }
}

/// The slots before they are cut to 8 bits: what merges exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes([u32; LANES]);

impl Default for Lanes {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Lanes {
    /// The lanes of no shingles: merging them changes nothing.
    pub const EMPTY: Self = Self([LANE_EMPTY; LANES]);

    /// No shingle went in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Becomes the lanes of the union of both sets of shingles.
    pub fn merge(&mut self, other: &Self) {
        for (a, &b) in self.0.iter_mut().zip(&other.0) {
            *a = (*a).min(b);
        }
    }

    /// The slots: `round << 24 | value`, [`LANE_EMPTY`] where no shingle went in.
    #[must_use]
    pub const fn slots(&self) -> &[u32; LANES] {
        &self.0
    }
}

/// Hashes whose vectors lie in one cache line each.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Aligned(Hashes);

/// Buffers of one thread; they grow to what the texts need and stay.
#[derive(Debug, Clone)]
pub struct Scratch {
    hashes: Box<Aligned>,
    words: Box<Aligned>,
    scalars: Vec<u32>,
    /// Pieces of this text that went into the lanes.
    piece_count: usize,
    /// Hashes of this text seen lately, each at the place its low bits name; nothing while `seen_count` is 0.
    seen: Box<[u32; SEEN]>,
    seen_count: usize,
}

/// Places for hashes seen lately; a text that leaves slots empty after a thousand shingles has far fewer distinct ones.
const SEEN: usize = 4096;

impl Default for Scratch {
    fn default() -> Self {
        let room = || Box::new(Aligned([0; HASHES_MAX + 64]));
        Self {
            hashes: room(),
            words: room(),
            scalars: Vec::new(),
            piece_count: 0,
            seen: Box::new([0; SEEN]),
            seen_count: 0,
        }
    }
}

impl Scratch {
    /// Fresh buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves those of the first `count` hashes that were not seen lately to the front, and returns how many there are.
    fn drop_seen(&mut self, count: usize) -> usize {
        if self.seen_count == 0 {
            // No hash has 32 bits.
            self.seen.fill(u32::MAX);
        }
        self.seen_count += count;
        let mut kept = 0;
        for at in 0..count.min(HASHES_MAX) {
            let hash = self.hashes.0[at];
            let place = &mut self.seen[usize_of(hash) % SEEN];
            if *place != hash {
                *place = hash;
                self.hashes.0[kept] = hash;
                kept += 1;
            }
        }
        kept
    }
}

/// Makes signatures of one spec under one seed; one serves any number of threads, each with its own [`Scratch`].
#[derive(Debug, Clone)]
pub struct Sketcher {
    spec: Spec,
    keys: Box<HashKeys>,
    kernels: Kernels,
}

impl Sketcher {
    /// Makes signatures of `spec`, keyed by `seed`, with `kernels`; every level gives the same.
    #[must_use]
    pub fn new(spec: Spec, seed: &SketchSeed, kernels: Kernels) -> Self {
        Self { spec, keys: Box::new(seed.keys(&spec)), kernels }
    }

    /// What makes these signatures comparable.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The signature of a normal form; [`Signature::EMPTY`] when there is nothing in it.
    #[must_use]
    pub fn signature(&self, form: &NormalForm, scratch: &mut Scratch) -> Signature {
        if form.is_empty() {
            return Signature::EMPTY;
        }
        Signature(self.kernels.fold_lanes(&self.lanes(form, scratch).0, self.keys.fold_multiplier()))
    }

    /// The lanes of a normal form, for merging.
    #[must_use]
    pub fn lanes(&self, form: &NormalForm, scratch: &mut Scratch) -> Lanes {
        if self.spec.shingle == Shingle::C5
            && form.is_ascii()
            && (SHINGLE_CHARS..HASHES_MAX + SHINGLE_CHARS).contains(&form.bytes().len())
        {
            // One piece, as most prompts are.
            return Lanes(self.kernels.sketch_bytes(form.bytes(), &self.keys, &mut scratch.hashes.0));
        }
        let mut lanes = Lanes::EMPTY;
        if !form.is_empty() {
            self.add(form, scratch, &mut lanes);
        }
        lanes
    }

    /// Adds the shingles of a normal form, which has some, to empty lanes.
    fn add(&self, form: &NormalForm, scratch: &mut Scratch, lanes: &mut Lanes) {
        scratch.piece_count = 0;
        scratch.seen_count = 0;
        match self.spec.shingle {
            Shingle::C5 if form.is_ascii() => self.chars_of_ascii(form.bytes(), scratch, lanes),
            Shingle::C5 => self.chars_of_any(form, scratch, lanes),
            Shingle::W3 => self.words(form.bytes(), scratch, lanes),
        }
    }

    /// The lanes of shingles that the caller hashed: 31 uniform bits each (the top bit is ignored), comparable with lanes of
    /// the same hash only.
    #[must_use]
    pub fn lanes_of_hashes(&self, hashes: &[u32]) -> Lanes {
        if hashes.iter().fold(0, |all, &hash| all | hash) >> 31 == 0 {
            return Lanes(self.kernels.sketch(hashes));
        }
        let mut lanes = Lanes::EMPTY;
        let mut buffer = [0; HASHES_MAX];
        for chunk in hashes.chunks(HASHES_MAX) {
            buffer.iter_mut().zip(chunk).for_each(|(to, &from)| *to = from & 0x7fff_ffff);
            self.kernels.absorb(buffer.get(..chunk.len()).unwrap_or_default(), &mut lanes.0);
        }
        lanes
    }

    /// The signature of lanes.
    #[must_use]
    pub fn fold(&self, lanes: &Lanes) -> Signature {
        if lanes.is_empty() {
            return Signature::EMPTY;
        }
        Signature(self.kernels.fold_lanes(&lanes.0, self.keys.fold_multiplier()))
    }

    fn chars_of_ascii(&self, text: &[u8], scratch: &mut Scratch, lanes: &mut Lanes) {
        if text.len() < SHINGLE_CHARS {
            let mut scalars = [0; SHINGLE_CHARS];
            for (to, &from) in scalars.iter_mut().zip(text) {
                *to = u32::from(from);
            }
            let hash = self.keys.hash_short_text(scalars.get(..text.len()).unwrap_or_default());
            self.kernels.absorb(&[hash], &mut lanes.0);
            return;
        }
        for piece in pieces(text) {
            let count = self.kernels.hash_bytes(piece, &self.keys, &mut scratch.hashes.0);
            self.absorb(scratch, count, lanes);
        }
    }

    fn chars_of_any(&self, form: &NormalForm, scratch: &mut Scratch, lanes: &mut Lanes) {
        let mut scalars = std::mem::take(&mut scratch.scalars);
        scalars.clear();
        form.scalars(&mut scalars);
        if scalars.len() < SHINGLE_CHARS {
            self.kernels.absorb(&[self.keys.hash_short_text(&scalars)], &mut lanes.0);
        } else {
            for piece in pieces(&scalars) {
                let count = self.kernels.hash_scalars(piece, &self.keys, &mut scratch.hashes.0);
                self.absorb(scratch, count, lanes);
            }
        }
        scratch.scalars = scalars;
    }

    /// Three words a shingle; a text of fewer is one shingle, the missing word replaced by their number.
    fn words(&self, text: &[u8], scratch: &mut Scratch, lanes: &mut Lanes) {
        // The last two words of a piece are the first two of the next.
        let mut carried = 0;
        let mut next = 0;
        while next < text.len() {
            let (from, found) = self.kernels.hash_words(text, next, &self.keys, &mut scratch.hashes.0);
            next = from;
            let word_count = carried + found;
            scratch.words.0[carried..word_count].copy_from_slice(&scratch.hashes.0[..found]);
            if word_count < 3 {
                let [first, second, ..] = scratch.words.0;
                let second = if word_count == 2 { second } else { 0 };
                let hash = self.keys.hash_triple([u32_saturating(word_count), second, first]);
                self.kernels.absorb(&[hash], &mut lanes.0);
                return;
            }
            let count = self.kernels.hash_triples(&scratch.words.0[..word_count], &self.keys, &mut scratch.hashes.0);
            self.absorb(scratch, count, lanes);
            scratch.words.0.copy_within(word_count - 2..word_count, 0);
            carried = 2;
        }
    }

    /// Adds the first `count` hashes of the scratch. Every slot is full after the first piece of most long texts; where it
    /// is not, the text repeats itself, and each piece would go through all rounds again: so repeated hashes are left out.
    fn absorb(&self, scratch: &mut Scratch, count: usize, lanes: &mut Lanes) {
        let repeats =
            scratch.piece_count > 0 && lanes.0.iter().fold(0, |all, &lane| all | lane) >= 1 << LANE_ROUND_SHIFT;
        scratch.piece_count += 1;
        let kept = if repeats { scratch.drop_seen(count) } else { count };
        if kept > 0 {
            self.kernels.absorb(scratch.hashes.0.get(..kept).unwrap_or_default(), &mut lanes.0);
        }
    }
}

/// Pieces of `text` with `HASHES_MAX` windows each that together have every window once.
fn pieces<T>(text: &[T]) -> impl Iterator<Item = &[T]> {
    let overlap = SHINGLE_CHARS - 1;
    let window_count = text.len().saturating_sub(overlap);
    (0..window_count)
        .step_by(HASHES_MAX)
        .filter_map(move |at| text.get(at..(at + HASHES_MAX + overlap).min(text.len())))
}

/// The estimated Jaccard resemblance of two shingle sets, 0 to 1, from the equal slots of their signatures; chance
/// equality of 8 bits is taken out, which leaves no bias. Nothing resembles an empty signature.
#[must_use]
pub fn resemblance(a: &Signature, b: &Signature, kernels: Kernels) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    resemblance_of_unequal(kernels.unequal_bytes(&a.0, &b.0))
}

/// The resemblance that a number of unequal slots stands for.
#[must_use]
pub fn resemblance_of_unequal(unequal_count: u32) -> f32 {
    let unequal = f64_of(usize_of(unequal_count)) / f64_of(LANES);
    f32_of((1.0 - unequal / (1.0 - COLLISION)).clamp(0.0, 1.0))
}

/// The standard error of an estimated resemblance when both texts have many more shingles than slots; for shorter ones
/// it is smaller, down to 0.7 of this.
#[must_use]
pub fn standard_error(resemblance: f32) -> f32 {
    let equal = f64::from(resemblance.clamp(0.0, 1.0)).mul_add(1.0 - COLLISION, COLLISION);
    f32_of((equal * (1.0 - equal) / f64_of(LANES)).sqrt() / (1.0 - COLLISION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Normalizer;

    fn sketcher(shingle: Shingle) -> Sketcher {
        Sketcher::new(Spec::new(shingle), &SketchSeed::new([7; 32]), Kernels::detect())
    }

    fn lanes(sketcher: &Sketcher, text: &str) -> Lanes {
        let mut form = NormalForm::new();
        Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
        sketcher.lanes(&form, &mut Scratch::new())
    }

    fn signature(sketcher: &Sketcher, text: &str) -> Signature {
        sketcher.fold(&lanes(sketcher, text))
    }

    #[test]
    fn empty_text_resembles_nothing() {
        for shingle in [Shingle::C5, Shingle::W3] {
            let sketcher = sketcher(shingle);
            let empty = signature(&sketcher, " \u{200b}\n");
            assert!(empty.is_empty());
            assert_eq!(resemblance(&empty, &empty, Kernels::detect()), 0.0);
        }
    }

    #[test]
    fn short_texts_are_one_shingle_with_their_length() {
        for shingle in [Shingle::C5, Shingle::W3] {
            let sketcher = sketcher(shingle);
            let texts = ["a", "ab", "abc", "abcd", "a b", "好", "你好", "a 好"];
            for a in texts {
                for b in texts {
                    let near = resemblance(&signature(&sketcher, a), &signature(&sketcher, b), Kernels::detect());
                    assert!(if a == b { near == 1.0 } else { near < 0.1 }, "{a:?} {b:?} {near}");
                }
            }
        }
    }

    #[test]
    fn lanes_of_a_union_are_the_merged_lanes() {
        let sketcher = sketcher(Shingle::C5);
        let hash = |i: u32| i.wrapping_mul(0x9e37_79b9) ^ (i << 7);
        for (a, b) in [(1, 2), (3, 40), (100, 50), (700, 9), (3000, 3000)] {
            let first: Vec<u32> = (0..a).map(hash).collect();
            let second: Vec<u32> = (a / 2..a + b).map(hash).collect();
            let both: Vec<u32> = (0..a + b).map(hash).collect();
            let mut merged = sketcher.lanes_of_hashes(&first);
            merged.merge(&sketcher.lanes_of_hashes(&second));
            assert_eq!(merged, sketcher.lanes_of_hashes(&both), "{a} {b}");
        }
    }

    #[test]
    fn every_slot_is_filled_by_one_shingle() {
        let lanes = sketcher(Shingle::C5).lanes_of_hashes(&[1]);
        assert!(lanes.slots().iter().all(|&slot| slot != LANE_EMPTY));
    }

    #[test]
    fn resemblance_is_clamped() {
        assert_eq!(resemblance_of_unequal(0), 1.0);
        assert_eq!(resemblance_of_unequal(128), 0.0);
        assert!((resemblance_of_unequal(64) - 0.498).abs() < 0.001);
        assert!(standard_error(1.0) < 1e-6 && (standard_error(0.5) - 0.0444).abs() < 0.001);
    }
}

//! What stood in a family's slots: per request a hash, a similarity code and a length, taken from anchors alone, since
//! the text is not kept; and bottom-k sketches of the values, which say how many there are and who shares them.

use crate::family::anchor::{Anchors, SHINGLE_TOKENS};
use crate::family::mine::CoreAnchor;
use crate::num;

/// Slots told apart in one text; what comes later belongs to the last.
pub const SLOTS_MAX: usize = 4;

/// One value: what stood in one slot of one text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlotValue {
    /// Keyed hash of the value; equal values in the same slot have equal hashes, 0 is an empty slot.
    pub hash: u64,
    /// 64 sign bits over the value's anchors (Charikar 2002): like values differ in few bits.
    pub code: u64,
    /// About how many bytes of normal form.
    pub bytes: u32,
}

/// The values of one text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlotValues {
    /// By slot, in order; unused ones are empty.
    pub slots: [SlotValue; SLOTS_MAX],
    /// How many are used.
    pub count: u32,
    /// All slots together.
    pub whole: SlotValue,
}

/// Collects anchors into a value.
#[derive(Clone, Copy)]
struct Collector {
    hash: u64,
    signs: [i16; 64],
    any: bool,
    tokens: u32,
}

impl Collector {
    const EMPTY: Self = Self { hash: 0x9e37_79b9_7f4a_7c15, signs: [0; 64], any: false, tokens: 0 };

    fn add(&mut self, fingerprint: u64) {
        let mixed = mix(fingerprint);
        self.any = true;
        self.hash = mix(self.hash ^ mixed);
        for (bit, sign) in self.signs.iter_mut().enumerate() {
            *sign = sign.saturating_add(if mixed >> bit & 1 == 1 { 1 } else { -1 });
        }
    }

    fn value(&self, bytes_a_token: f64) -> SlotValue {
        if !self.any {
            return SlotValue::default();
        }
        let code = self.signs.iter().enumerate().fold(0u64, |code, (bit, sign)| code | u64::from(*sign > 0) << bit);
        let bytes = num::low32(num::u64_of_f64((f64::from(self.tokens) * bytes_a_token).round()));
        SlotValue { hash: self.hash.max(1), code, bytes }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The slot values of a text of the family with this `core` (ascending fingerprints, as in
/// [`crate::family::Family::core`]). A slot is what stands between two core anchors and has anchors of its own; shingles
/// that reach into the skeleton are left out, so that a value is the same wherever the skeleton ends.
#[must_use]
pub fn slot_values(anchors: &Anchors, core: &[CoreAnchor]) -> SlotValues {
    let shingle = num::u32_saturating(SHINGLE_TOKENS);
    let is_core = |fingerprint: u64| core.binary_search_by_key(&fingerprint, |c| c.fingerprint).is_ok();
    let bytes_a_token = f64::from(anchors.text_bytes) / f64::from(anchors.token_count.saturating_sub(2).max(1));
    let mut found = SlotValues::default();
    let mut collected = [Collector::EMPTY; SLOTS_MAX];
    let mut whole = Collector::EMPTY;
    let mut used = 0usize;
    let list = &anchors.anchors;
    let mut at = 0;
    // The first token after the skeleton's last piece; BEGIN is skeleton.
    let mut from = 1;
    while at < list.len() {
        let run = list.get(at..).unwrap_or(&[]);
        let inside = run.iter().take_while(|anchor| !is_core(anchor.fingerprint)).count();
        let next = run.get(inside);
        let to = next.map_or(anchors.token_count.saturating_sub(1), |anchor| anchor.position);
        let slot = used.min(SLOTS_MAX - 1);
        let mut any = false;
        for anchor in run.iter().take(inside) {
            if anchor.position >= from && anchor.position + shingle <= to {
                any = true;
                whole.add(anchor.fingerprint);
                if let Some(collector) = collected.get_mut(slot) {
                    collector.add(anchor.fingerprint);
                }
            }
        }
        if any {
            let tokens = to.saturating_sub(from);
            whole.tokens += tokens;
            if let Some(collector) = collected.get_mut(slot) {
                collector.tokens += tokens;
            }
            used += 1;
        }
        from = next.map_or(to, |anchor| anchor.position.saturating_add(shingle));
        at += inside + 1;
    }
    found.count = num::u32_saturating(used.min(SLOTS_MAX));
    for (slot, collector) in found.slots.iter_mut().zip(&collected) {
        *slot = collector.value(bytes_a_token);
    }
    found.whole = whole.value(bytes_a_token);
    found
}

/// The `k` smallest of many hashes: their number, and how much two collections share (Bar-Yossef et al. 2002). Adding
/// and merging are set operations, so the order of values does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BottomK {
    k: usize,
    smallest: Vec<u64>,
}

impl BottomK {
    /// An empty sketch of at most `k` hashes, at least 2.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self { k: k.max(2), smallest: Vec::new() }
    }

    /// Adds a value's hash; 0 is no value.
    pub fn add(&mut self, hash: u64) {
        if hash == 0 {
            return;
        }
        let hash = mix(hash);
        if self.smallest.len() == self.k && self.smallest.last().is_some_and(|&last| hash >= last) {
            return;
        }
        if let Err(at) = self.smallest.binary_search(&hash) {
            self.smallest.insert(at, hash);
            self.smallest.truncate(self.k);
        }
    }

    /// Makes this the sketch of both collections.
    pub fn merge(&mut self, other: &Self) {
        self.smallest.extend_from_slice(&other.smallest);
        self.smallest.sort_unstable();
        self.smallest.dedup();
        self.smallest.truncate(self.k);
    }

    /// The hashes, ascending.
    #[must_use]
    pub fn hashes(&self) -> &[u64] {
        &self.smallest
    }

    /// About how many distinct values were added; exact below `k`.
    #[must_use]
    pub fn distinct(&self) -> f64 {
        match self.smallest.last() {
            Some(&last) if self.smallest.len() == self.k => {
                num::f64_of(self.k - 1) * 2f64.powi(64) / num::f64_of_u64(last.max(1))
            }
            _ => num::f64_of(self.smallest.len()),
        }
    }

    /// About which share of all values of both collections is in both, 0..=1.
    #[must_use]
    pub fn resemblance(&self, other: &Self) -> f64 {
        let mut union = self.clone();
        union.k = self.k.min(other.k);
        union.merge(other);
        let shared = union
            .smallest
            .iter()
            .filter(|&hash| self.smallest.binary_search(hash).is_ok() && other.smallest.binary_search(hash).is_ok());
        num::f64_of(shared.count()) / num::f64_of(union.smallest.len().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::anchor::{Anchorer, Scratch};
    use crate::simd::Kernels;
    use crate::text::{NormalForm, Normalizer};
    use std::collections::BTreeSet;

    fn anchors_of(text: &str) -> Anchors {
        let (mut form, mut scratch, mut out) = (NormalForm::default(), Scratch::default(), Anchors::default());
        Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
        Anchorer::new(&[3; 32], Kernels::detect()).anchors(&form, &mut scratch, &mut out);
        out
    }

    /// What texts with different values share is their skeleton.
    fn core_of(texts: &[&str]) -> Vec<CoreAnchor> {
        let sets = texts.iter().map(|t| anchors_of(t).anchors.iter().map(|a| a.fingerprint).collect::<BTreeSet<u64>>());
        let shared = sets.reduce(|a, b| &a & &b).unwrap_or_default();
        shared.into_iter().map(|fingerprint| CoreAnchor { fingerprint, support: 1.0, order: 0 }).collect()
    }

    #[test]
    fn equal_values_have_equal_hashes_and_other_values_have_not() {
        let a = "Solve the following riddle now: the quick brown fox jumps over it. Give the final answer only.";
        let b = "Solve the following riddle now: nine tall ships sailed past us. Give the final answer only.";
        let core = core_of(&[a, b]);
        let (x, y) = (slot_values(&anchors_of(a), &core), slot_values(&anchors_of(b), &core));
        assert_eq!((x.count, y.count), (1, 1));
        assert_ne!(x.whole.hash, y.whole.hash);
        assert_eq!(x, slot_values(&anchors_of(&a.to_uppercase()), &core));
        assert!((20..60).contains(&x.whole.bytes), "{} bytes", x.whole.bytes);
    }

    #[test]
    fn a_text_that_is_all_skeleton_has_no_values() {
        let text = "Say hello to all the people of the town today.";
        assert_eq!(slot_values(&anchors_of(text), &core_of(&[text])).whole, SlotValue::default());
    }

    #[test]
    fn a_bottom_k_sketch_counts_and_does_not_care_for_order() {
        let (mut up, mut down) = (BottomK::new(256), BottomK::new(256));
        for n in 1..=10_000u64 {
            up.add(n);
            down.add(10_001 - n);
        }
        assert_eq!(up, down);
        assert!((up.distinct() - 10_000.0).abs() < 2_000.0, "{}", up.distinct());
        assert!((up.resemblance(&down) - 1.0).abs() < 1e-9);
    }
}

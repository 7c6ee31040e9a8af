//! Finds the anchors that recur: those of at least a few distinct texts, in two passes and bounded memory.
//!
//! The first pass counts every anchor in a table of four-bit counters, one cell an anchor and no chains; the second
//! counts exactly, but only anchors whose cell has reached the bound. Nearly all anchors of a log occur once and never
//! reach the exact table. A cell is shared by chance: that lets an anchor through to the exact count, never drops one.
//! A log too large for one table of counters is read once more for each further share of the anchors.

use crate::family::anchor::{Anchors, FINGERPRINT_BITS};
use crate::family::mine::Documents;
use crate::family::packed::decode_into;
use crate::num;
use crate::simd::{prefetch, table};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Hashes what is already a keyed fingerprint, or a small number, by one multiplication.
#[derive(Default, Clone, Copy)]
pub(super) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        let product = (self.0.rotate_left(23) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

/// A map whose keys need no protection against collisions: its order is never looked at.
pub(super) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Folded>>;

/// Texts of the world, without the anchor in question, that count as seen beside those of the log: a log that holds
/// nothing but one template still shows a template.
pub(super) const UNSEEN_TEXTS: f64 = 1024.0;

/// The recurrent anchors of all texts, and the way from an anchor to its number.
pub(super) struct Recurrence {
    /// Ascending; the class of the texts stands above the fingerprint, so that classes never mix.
    pub(super) fingerprints: Vec<u64>,
    /// Distinct texts that hold each.
    pub(super) frequency: Vec<u32>,
    documents: u32,
    /// A bit for each recurrent anchor, by its hash: most anchors that do not recur are turned away here.
    known: Vec<u64>,
    /// By hash, the next place where one is taken: 0 where free, else the high bits of a mixed key above its number plus one.
    slots: Vec<u64>,
}

/// Buffers of [`Recurrence::numbers`].
#[derive(Default)]
pub(super) struct Lookups {
    hashes: Vec<u64>,
    likely: Vec<(usize, u64)>,
}

/// Bits of a slot that number an anchor. The 36 above them tell keys apart that share a place: of 10^10 lookups in a full
/// table one may be wrong, and it is the same one on every run.
const NUMBER_BITS: u32 = 28;

impl Recurrence {
    fn new(mut kept: Vec<(u64, u32)>, documents: u32) -> Self {
        kept.truncate(num::usize_of_u64(NUMBER).unwrap_or(0));
        let (mut fingerprints, mut frequency) = (Vec::with_capacity(kept.len()), table(kept.len()));
        for ((key, texts), frequency) in kept.into_iter().zip(&mut frequency) {
            fingerprints.push(key);
            *frequency = texts;
        }
        let slots = (fingerprints.len() + fingerprints.len() / 2 + 2).next_power_of_two();
        let mut found = Self { fingerprints, frequency, documents, known: table(slots / 8 + 1), slots: table(slots) };
        for (number, &key) in (1u32..).zip(&found.fingerprints) {
            let hash = hash(key);
            let (word, bit) = bit_of(hash, found.known.len());
            if let Some(word) = found.known.get_mut(word) {
                *word |= bit;
            }
            let mut at = slot_of(hash, slots);
            while found.slots.get(at).is_some_and(|&taken| taken != 0) {
                at = (at + 1) % slots;
            }
            if let Some(slot) = found.slots.get_mut(at) {
                *slot = tag(hash) | u64::from(number);
            }
        }
        found
    }

    /// The number of an anchor, where it recurs.
    pub(super) fn number(&self, key: u64) -> Option<u32> {
        let hash = hash(key);
        if self.is_likely(hash) { self.number_of_hash(hash) } else { None }
    }

    /// Tells those of `keys` that recur, in their order: their place and their number. Most lookups miss every cache twice, so
    /// all of a text's are asked for before the first is waited for.
    pub(super) fn numbers(
        &self,
        keys: impl Iterator<Item = u64>,
        lookups: &mut Lookups,
        mut found: impl FnMut(usize, u32),
    ) {
        let Lookups { hashes, likely } = lookups;
        hashes.clear();
        hashes.extend(keys.map(hash));
        let words = self.known.len();
        for &hash in hashes.iter() {
            self.known.get(bit_of(hash, words).0).into_iter().for_each(prefetch);
        }
        likely.clear();
        for (place, &hash) in hashes.iter().enumerate() {
            if self.is_likely(hash) {
                likely.push((place, hash));
                self.slots.get(slot_of(hash, self.slots.len())).into_iter().for_each(prefetch);
            }
        }
        for &(place, hash) in likely.iter() {
            if let Some(number) = self.number_of_hash(hash) {
                found(place, number);
            }
        }
    }

    /// False where no recurrent anchor has this hash.
    #[inline]
    fn is_likely(&self, hash: u64) -> bool {
        let (word, bit) = bit_of(hash, self.known.len());
        self.known.get(word).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    fn number_of_hash(&self, hash: u64) -> Option<u32> {
        let mut at = slot_of(hash, self.slots.len());
        loop {
            let slot = *self.slots.get(at)?;
            if slot == 0 {
                return None;
            }
            if slot & !NUMBER == tag(hash) {
                return num::low32(slot & NUMBER).checked_sub(1);
            }
            at = (at + 1) % self.slots.len();
        }
    }

    /// How many anchors recur.
    pub(super) fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// What one occurrence of an anchor says, in bits: rare anchors say more.
    pub(super) fn bits(&self, anchor: u32) -> f64 {
        let frequency = self.frequency.get(num::usize_of(anchor)).copied().unwrap_or(1).max(1);
        ((f64::from(self.documents) + UNSEEN_TEXTS) / f64::from(frequency)).log2()
    }
}

const NUMBER: u64 = (1 << NUMBER_BITS) - 1;

/// What a slot holds of a hash beside the number.
#[inline]
fn tag(hash: u64) -> u64 {
    hash & !NUMBER
}

#[inline]
fn hash(key: u64) -> u64 {
    // The class must move the place too, or one text's parts of two classes would meet.
    let product = (key ^ (key >> FINGERPRINT_BITS) << 17).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// Where the bit of a hash is among `words` words, and which it is.
#[inline]
fn bit_of(hash: u64, words: usize) -> (usize, u64) {
    let word = num::usize_of(num::high32(num::u64_of(words).wrapping_mul(u64::from(num::low32(hash)))));
    (word, 1 << (hash >> 58))
}

#[inline]
fn slot_of(hash: u64, slots: usize) -> usize {
    // A power of two.
    num::usize_of(num::low32(hash)) % slots
}

/// The fingerprint with the class above it.
pub(super) fn of_class(fingerprint: u64, class: u8) -> u64 {
    fingerprint | u64::from(class) << FINGERPRINT_BITS
}

/// The fingerprint without its class.
pub(super) fn without_class(fingerprint: u64) -> u64 {
    fingerprint & ((1 << FINGERPRINT_BITS) - 1)
}

/// Four-bit saturating counters; the cell of a key is its low bits.
pub(super) struct Filter {
    cells: Vec<u8>,
    mask: u64,
}

/// The count at which a cell stays.
pub(super) const CELL_MAX: u8 = 15;
/// Cells of a filter at most: 512 MiB.
const CELLS_MAX: u64 = 1 << 30;

impl Filter {
    /// Two cells for each of `keys`, if there is room.
    pub(super) fn new(keys: u64) -> Self {
        let cells = (keys.saturating_mul(2)).clamp(1 << 10, CELLS_MAX).next_power_of_two();
        Self { cells: table(num::usize_of_u64(cells / 2).unwrap_or(0)), mask: cells - 1 }
    }

    /// Asks for the cell of a key, which is a miss of every cache in a large filter.
    #[inline]
    pub(super) fn ask(&self, key: u64) {
        self.cells.get(self.cell(key).0).into_iter().for_each(prefetch);
    }

    /// Adds one.
    #[inline]
    pub(super) fn add(&mut self, key: u64) {
        let (at, shift) = self.cell(key);
        if let Some(byte) = self.cells.get_mut(at) {
            *byte += u8::from((*byte >> shift) & CELL_MAX < CELL_MAX) << shift;
        }
    }

    /// The count of a key and of those that share its cell, at most [`CELL_MAX`].
    #[inline]
    pub(super) fn count(&self, key: u64) -> u8 {
        let (at, shift) = self.cell(key);
        self.cells.get(at).map_or(CELL_MAX, |byte| (byte >> shift) & CELL_MAX)
    }

    #[inline]
    fn cell(&self, key: u64) -> (usize, u32) {
        // The class must move the cell too, or one text's parts of two classes would meet.
        let cell = (key ^ (key >> FINGERPRINT_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15)) & self.mask;
        (num::usize_of_u64(cell / 2).unwrap_or(usize::MAX), if cell.is_multiple_of(2) { 0 } else { 4 })
    }
}

/// How much memory finding recurrent anchors may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Anchors of all texts that are counted in one reading: two cells each.
    pub(super) counted: u64,
    /// Anchors that may recur: where more do, more texts must hold an anchor for it to count, up to [`CELL_MAX`].
    pub(super) recurrent: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { counted: 1 << 29, recurrent: 1 << 27 }
    }
}

/// Anchors that occur in at least `least` documents. Reads the documents in order, twice for each share of the anchors.
pub(super) fn recurrence(documents: &impl Documents, least: u32, bounds: Bounds) -> Recurrence {
    let mut total = 0u64;
    for document in 0..documents.count() {
        // The least an anchor takes is five bytes.
        total += num::u64_of(documents.anchors(document).len() / 5);
    }
    let shares = total.div_ceil(bounds.counted.max(1)).max(1);
    let mut least = num::low8(least.clamp(1, u32::from(CELL_MAX)));
    let mut kept: Vec<(u64, u32)> = Vec::new();
    for share in 0..shares {
        let mut filter = Filter::new(total / shares);
        let is_counted = |fingerprint: u64| (fingerprint >> 8) % shares == share;
        each_text(documents, is_counted, |keys| {
            keys.iter().for_each(|&key| filter.ask(key));
            keys.iter().for_each(|&key| filter.add(key));
        });
        let mut counts: Map<u64, u32> = Map::default();
        let room = bounds.recurrent / num::usize_of_u64(shares).unwrap_or(1).max(1);
        each_text(documents, is_counted, |keys| {
            keys.iter().for_each(|&key| filter.ask(key));
            for &key in keys {
                if filter.count(key) < least {
                    continue;
                }
                *counts.entry(key).or_default() += 1;
                // What is left depends on the texts alone, not on their order: too many reach the bound or not.
                while counts.len() > room && least < CELL_MAX {
                    least += 1;
                    counts.retain(|&key, _| filter.count(key) >= least);
                }
            }
        });
        kept.extend(counts.into_iter().filter(|entry| entry.1 >= u32::from(least)));
    }
    kept.retain(|entry| entry.1 >= u32::from(least));
    kept.sort_unstable();
    Recurrence::new(kept, documents.count())
}

/// Calls `see` once a text, with those of its anchors whose fingerprint `is_counted`, under its class.
fn each_text(documents: &impl Documents, is_counted: impl Fn(u64) -> bool, mut see: impl FnMut(&[u64])) {
    let (mut anchors, mut keys) = (Anchors::default(), Vec::new());
    for document in 0..documents.count() {
        decode_into(documents.anchors(document), &mut anchors);
        let class = documents.class(document);
        let counted = anchors.anchors.iter().filter(|anchor| is_counted(anchor.fingerprint));
        keys.clear();
        keys.extend(counted.map(|anchor| of_class(anchor.fingerprint, class)));
        see(&keys);
    }
}

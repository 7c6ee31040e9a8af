//! Finds the anchors that recur: those of at least a few distinct texts, in two passes and bounded memory.
//!
//! The first pass counts every anchor in a table of four-bit counters, one cell an anchor and no chains; the second
//! counts exactly, but only anchors whose cell has reached the bound. Nearly all anchors of a log occur once and never
//! reach the exact table. A cell is shared by chance: that lets an anchor through to the exact count, never drops one.

use crate::family::anchor::{Anchors, FINGERPRINT_BITS, decode_into};
use crate::family::mine::Documents;
use crate::num;
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

/// The recurrent anchors of every text.
pub(super) struct Recurrence {
    /// Ascending; the class of the texts stands above the fingerprint, so that classes never mix.
    pub(super) fingerprints: Vec<u64>,
    /// Distinct texts that hold each.
    pub(super) frequency: Vec<u32>,
    starts: Vec<u64>,
    held: Vec<u32>,
}

impl Recurrence {
    /// How many texts there are.
    pub(super) fn documents(&self) -> usize {
        self.starts.len() - 1
    }

    /// The recurrent anchors of one text, in its order.
    pub(super) fn of(&self, document: usize) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).and_then(|&n| num::usize_of_u64(n)).unwrap_or(0);
        self.held.get(bound(document)..bound(document + 1)).unwrap_or(&[])
    }

    /// What one occurrence of an anchor says, in bits: rare anchors say more.
    pub(super) fn bits(&self, anchor: u32) -> f64 {
        let frequency = self.frequency.get(num::usize_of(anchor)).copied().unwrap_or(1).max(1);
        ((num::f64_of(self.documents()) + UNSEEN_TEXTS) / f64::from(frequency)).log2()
    }
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
struct Filter {
    cells: Vec<u8>,
    mask: u64,
}

/// Cells of the filter at most: 1 GiB. Above it more anchors reach the exact table than recur.
const CELLS_MAX: u64 = 1 << 31;

impl Filter {
    fn new(keys: u64) -> Self {
        let cells = (keys.saturating_mul(2)).clamp(1 << 10, CELLS_MAX).next_power_of_two();
        Self { cells: vec![0; num::usize_of_u64(cells / 2).unwrap_or(0)], mask: cells - 1 }
    }

    /// Adds one and returns the count, at most 15.
    fn add(&mut self, key: u64) -> u8 {
        let (at, shift) = self.cell(key);
        let Some(byte) = self.cells.get_mut(at) else { return 15 };
        let count = (*byte >> shift) & 15;
        if count < 15 {
            *byte += 1 << shift;
        }
        (count + 1).min(15)
    }

    fn count(&self, key: u64) -> u8 {
        let (at, shift) = self.cell(key);
        self.cells.get(at).map_or(15, |byte| (byte >> shift) & 15)
    }

    fn cell(&self, key: u64) -> (usize, u32) {
        // The class must move the cell too, or one text's parts of two classes would meet.
        let cell = (key ^ (key >> FINGERPRINT_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15)) & self.mask;
        (num::usize_of_u64(cell / 2).unwrap_or(usize::MAX), if cell.is_multiple_of(2) { 0 } else { 4 })
    }
}

/// Anchors that occur in at least `least` documents. Reads the documents three times, in order.
pub(super) fn recurrence(documents: &impl Documents, least: u32) -> Recurrence {
    let mut anchors = Anchors::default();
    let mut total = 0u64;
    for document in 0..documents.count() {
        // The least an anchor takes is five bytes.
        total += num::u64_of(documents.anchors(document).len() / 5);
    }
    let mut filter = Filter::new(total);
    for document in 0..documents.count() {
        decode_into(documents.anchors(document), &mut anchors);
        let class = documents.class(document);
        for anchor in &anchors.anchors {
            filter.add(of_class(anchor.fingerprint, class));
        }
    }
    let mut counts: Map<u64, u32> = Map::default();
    let enough = num::low8(least.min(15));
    for document in 0..documents.count() {
        decode_into(documents.anchors(document), &mut anchors);
        let class = documents.class(document);
        for key in anchors.anchors.iter().map(|anchor| of_class(anchor.fingerprint, class)) {
            if filter.count(key) >= enough {
                *counts.entry(key).or_default() += 1;
            }
        }
    }
    drop(filter);
    let mut kept: Vec<(u64, u32)> = counts.into_iter().filter(|entry| entry.1 >= least).collect();
    kept.sort_unstable();
    let number: Map<u64, u32> = kept.iter().map(|entry| entry.0).zip(0u32..).collect();
    let (mut starts, mut held) = (vec![0], Vec::new());
    for document in 0..documents.count() {
        decode_into(documents.anchors(document), &mut anchors);
        let class = documents.class(document);
        held.extend(anchors.anchors.iter().filter_map(|a| number.get(&of_class(a.fingerprint, class))));
        starts.push(num::u64_of(held.len()));
    }
    let (fingerprints, frequency) = kept.into_iter().unzip();
    Recurrence { fingerprints, frequency, starts, held }
}

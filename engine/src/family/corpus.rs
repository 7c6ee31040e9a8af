//! The texts that are mined, as lists of their recurrent anchors: held where they are few, else read again from their
//! anchors by each step, so that memory does not grow with the length of texts.

use crate::family::anchor::{Anchors, decode_into};
use crate::family::mine::Documents;
use crate::family::recurrence::{Bounds, Recurrence, of_class, recurrence};
use crate::num;
use xxhash_rust::xxh3::xxh3_64;

/// Recurrent anchors that are held for all texts together; of more, none are.
const HELD_MAX: usize = 1 << 24;

/// Texts and their recurrent anchors.
pub(super) struct Corpus<'a, D: Documents> {
    pub(super) documents: &'a D,
    pub(super) recurrence: Recurrence,
    /// For each text how many times in succession a coin tossed for it, by what it says, fell tails.
    levels: Vec<u8>,
    held: Option<Held>,
}

/// The recurrent anchors of every text, end to end.
struct Held {
    starts: Vec<u32>,
    anchors: Vec<u32>,
}

/// Buffers for reading texts.
#[derive(Default)]
pub(super) struct Reading {
    anchors: Anchors,
    held: Vec<u32>,
}

impl<'a, D: Documents> Corpus<'a, D> {
    /// The texts, with the anchors that at least `least` of them hold.
    pub(super) fn new(documents: &'a D, least: u32) -> Self {
        Self::bounded(documents, least, Bounds::default(), HELD_MAX)
    }

    /// The same under other bounds of memory, which do not show in what is read.
    pub(super) fn bounded(documents: &'a D, least: u32, bounds: Bounds, held_max: usize) -> Self {
        let recurrence = recurrence(documents, least, bounds);
        let level = |document| num::low8(xxh3_64(documents.anchors(document)).trailing_zeros());
        let levels = (0..documents.count()).map(level).collect();
        let occurrences: u64 = recurrence.frequency.iter().map(|&n| u64::from(n)).sum();
        let mut corpus = Self { documents, recurrence, levels, held: None };
        if occurrences <= num::u64_of(held_max.min(HELD_MAX)) {
            let mut held = Held { starts: vec![0], anchors: Vec::new() };
            let mut reading = Reading::default();
            for document in 0..documents.count() {
                held.anchors.extend_from_slice(corpus.of(document, &mut reading));
                held.starts.push(num::u32_saturating(held.anchors.len()));
            }
            corpus.held = Some(held);
        }
        corpus
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> u32 {
        self.documents.count()
    }

    /// The recurrent anchors of one text, in its order.
    pub(super) fn of<'r>(&'r self, document: u32, reading: &'r mut Reading) -> &'r [u32] {
        if let Some(held) = &self.held {
            let bound = |at: usize| held.starts.get(at).copied().map_or(0, num::usize_of);
            let at = num::usize_of(document);
            return held.anchors.get(bound(at)..bound(at + 1)).unwrap_or(&[]);
        }
        decode_into(self.documents.anchors(document), &mut reading.anchors);
        let class = self.documents.class(document);
        let anchors = reading.anchors.anchors.iter();
        reading.held.clear();
        reading.held.extend(anchors.filter_map(|anchor| self.recurrence.number(of_class(anchor.fingerprint, class))));
        &reading.held
    }

    /// Calls `see` with every recurrent anchor of a text, its place, and its distance from the end, in tokens.
    pub(super) fn places(&self, document: u32, reading: &mut Reading, mut see: impl FnMut(u32, u32, u32)) {
        decode_into(self.documents.anchors(document), &mut reading.anchors);
        let class = self.documents.class(document);
        for anchor in &reading.anchors.anchors {
            if let Some(number) = self.recurrence.number(of_class(anchor.fingerprint, class)) {
                see(number, anchor.position, reading.anchors.token_count.saturating_sub(anchor.position));
            }
        }
    }

    /// Every text is in the sample of level 0, half of a sample in the next: what very many texts hold need not be
    /// counted in all of them.
    pub(super) fn level(&self, document: u32) -> u8 {
        self.levels.get(num::usize_of(document)).copied().unwrap_or(0)
    }
}

/// The level whose sample has at most `most` of `texts` texts, and at least half as many, or all.
pub(super) fn level_of(texts: u32, most: u32) -> u8 {
    if texts <= most { 0 } else { num::low8((texts / most.max(1)).ilog2() + 1) }
}

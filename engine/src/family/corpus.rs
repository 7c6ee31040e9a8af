//! The texts that are mined, as lists of their recurrent anchors: held where they are few, else read again from their
//! anchors by each step, so that memory does not grow with the length of texts.

use crate::family::anchor::Anchors;
use crate::family::mine::Documents;
use crate::family::packed::decode_into;
use crate::family::recurrence::{Bounds, Lookups, Recurrence, of_class, recurrence};
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
    lookups: Lookups,
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
        let Reading { anchors, held, lookups } = reading;
        decode_into(self.documents.anchors(document), anchors);
        let class = self.documents.class(document);
        held.clear();
        let keys = anchors.anchors.iter().map(|anchor| of_class(anchor.fingerprint, class));
        self.recurrence.numbers(keys, lookups, |_, number| held.push(number));
        held
    }

    /// Calls `see` with every recurrent anchor of a text, its place, and its distance from the end, in tokens.
    pub(super) fn places(&self, document: u32, reading: &mut Reading, mut see: impl FnMut(u32, u32, u32)) {
        let Reading { anchors, lookups, .. } = reading;
        decode_into(self.documents.anchors(document), anchors);
        let class = self.documents.class(document);
        let keys = anchors.anchors.iter().map(|anchor| of_class(anchor.fingerprint, class));
        self.recurrence.numbers(keys, lookups, |place, number| {
            let position = anchors.anchors.get(place).map_or(0, |anchor| anchor.position);
            see(number, position, anchors.token_count.saturating_sub(position));
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::anchor::Anchor;
    use crate::family::atoms::atoms;
    use crate::family::packed::encode;

    /// Texts given by the fingerprints of their anchors, which stand one token apart.
    struct Lists(Vec<Vec<u8>>);

    impl Documents for Lists {
        fn count(&self) -> u32 {
            num::u32_saturating(self.0.len())
        }
        fn anchors(&self, document: u32) -> &[u8] {
            self.0.get(num::usize_of(document)).map_or(&[], Vec::as_slice)
        }
        fn class(&self, _: u32) -> u8 {
            1
        }
    }

    /// A fingerprint that depends on `n`, as a keyed hash would.
    fn print(n: u64) -> u64 {
        (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
    }

    fn lists(texts: impl Iterator<Item = Vec<u64>>) -> Lists {
        let encoded = |names: Vec<u64>| {
            let token_count = num::u32_saturating(names.len());
            let anchors = names.into_iter().zip(0u32..);
            let anchors = anchors.map(|(n, position)| Anchor { fingerprint: print(n), position }).collect();
            let mut bytes = Vec::new();
            encode(&Anchors { anchors, token_count, text_bytes: 6 * token_count }, &mut bytes);
            bytes
        };
        Lists(texts.map(encoded).collect())
    }

    /// Texts of three anchors of their own, and of one that ever fewer share: the n-th of each 4, 8, 16 ... texts.
    fn traffic() -> Lists {
        lists(
            (0..1024u64)
                .map(|n| (0..3).map(|own| 1_000_000 + 3 * n + own).chain((2..9).map(|k| n >> k << 8 | k)).collect()),
        )
    }

    #[test]
    fn memory_bounds_do_not_show_in_what_is_read() {
        let texts = traffic();
        let held = Corpus::new(&texts, 4);
        assert!(held.held.is_some());
        let bounds = Bounds { counted: 500, ..Bounds::default() };
        let read = Corpus::bounded(&texts, 4, bounds, 0);
        assert!(read.held.is_none());
        assert_eq!(held.recurrence.fingerprints, read.recurrence.fingerprints);
        assert_eq!(held.recurrence.frequency, read.recurrence.frequency);
        let (mut one, mut other) = (Reading::default(), Reading::default());
        for document in 0..texts.count() {
            assert_eq!(held.of(document, &mut one), read.of(document, &mut other));
            assert_eq!(held.of(document, &mut one).len(), 7, "of ten anchors three are the text's own");
        }
    }

    #[test]
    fn where_too_much_recurs_more_texts_must_hold_it_whatever_their_order() {
        let texts = traffic();
        let all = recurrence(&texts, 4, Bounds::default());
        // 256 anchors of 4 texts, 128 of 8, and so on: without the rarest there is room for the others.
        assert_eq!(all.len(), 256 + 128 + 64 + 32 + 16 + 8 + 4);
        let bounds = Bounds { recurrent: 300, ..Bounds::default() };
        let bounded = recurrence(&texts, 4, bounds);
        assert_eq!(bounded.len(), 128 + 64 + 32 + 16 + 8 + 4);
        assert!(bounded.frequency.iter().all(|&texts| texts >= 8));
        let backwards = Lists(texts.0.iter().rev().cloned().collect());
        assert_eq!(bounded.fingerprints, recurrence(&backwards, 4, bounds).fingerprints);
    }

    #[test]
    fn an_anchor_is_found_by_its_number_and_a_stranger_is_not() {
        let found = recurrence(&traffic(), 4, Bounds::default());
        for (&key, number) in found.fingerprints.iter().zip(0u32..) {
            assert_eq!(found.number(key), Some(number));
            assert_eq!(
                found.number(key ^ 1),
                found.fingerprints.binary_search(&(key ^ 1)).ok().map(num::u32_saturating)
            );
        }
    }

    #[test]
    fn what_very_many_texts_share_is_one_atom_though_a_sample_is_counted() {
        // Of 6,000 texts all hold one run, two thirds another, and each a phrase of five texts.
        let text = |n: u64| {
            let other = (!n.is_multiple_of(3)).then_some(20..30u64);
            (1..10).chain(other.into_iter().flatten()).chain(100 + n / 5 * 10..104 + n / 5 * 10).collect()
        };
        let texts = lists((0..6000).map(text));
        let corpus = Corpus::new(&texts, 4);
        let atoms = atoms(&corpus);
        let atom = |n: u64| corpus.recurrence.number(of_class(print(n), 1)).map(|anchor| atoms.atom(anchor));
        assert!((1..10).all(|n| atom(n) == atom(1)) && (20..30).all(|n| atom(n) == atom(20)));
        assert_eq!(atom(1), atom(20), "two thirds of the texts hold both");
        assert!((100..104).all(|n| atom(n) == atom(100)) && atom(100) != atom(110) && atom(100) != atom(1));
    }
}

//! The skeleton anchors that texts vote with, each list of them held once: texts of one template differ in their slots,
//! and what is left of them when slots are gone is mostly the same.

use crate::family::corpus::{Corpus, Reading};
use crate::family::mine::Documents;
use crate::family::recurrence::Map;
use crate::num;
use xxhash_rust::xxh3::xxh3_64;

/// Anchors of one text that vote: at most this many, chosen by hash.
const VOTES_MAX: usize = 64;

/// Anchors of every text that vote, and what each anchor says in bits.
pub(super) struct Votes {
    starts: Vec<u64>,
    votes: Vec<u32>,
    bits: Vec<f32>,
    /// The list of every text.
    of_document: Vec<u32>,
    /// How many texts have each list.
    texts: Vec<u32>,
}

impl Votes {
    /// The votes of all texts: those of their recurrent anchors that are skeleton.
    pub(super) fn new(corpus: &Corpus<'_, impl Documents>, is_skeleton: impl Fn(u32) -> bool) -> Self {
        let recurrence = &corpus.recurrence;
        let anchors = 0..num::u32_saturating(recurrence.len());
        let mut votes = Self {
            starts: vec![0],
            votes: Vec::new(),
            bits: anchors.clone().map(|anchor| num::f32_of(recurrence.bits(anchor))).collect(),
            of_document: Vec::with_capacity(num::usize_of(corpus.len())),
            texts: Vec::new(),
        };
        let is_skeleton: Vec<bool> = anchors.map(is_skeleton).collect();
        let mut known: Map<u64, u32> = Map::default();
        let (mut reading, mut here, mut bytes) = (Reading::default(), Vec::new(), Vec::new());
        for document in 0..corpus.len() {
            here.clear();
            let held = corpus.of(document, &mut reading).iter().copied();
            here.extend(held.filter(|&anchor| is_skeleton.get(num::usize_of(anchor)) == Some(&true)));
            here.sort_unstable_by_key(|&vote: &u32| u64::from(vote).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            here.truncate(VOTES_MAX);
            bytes.clear();
            here.iter().for_each(|vote| bytes.extend_from_slice(&vote.to_le_bytes()));
            let list = votes.intern(&here, xxh3_64(&bytes), &mut known);
            votes.of_document.push(list);
        }
        votes
    }

    /// The number of a list with this hash. Another list of the same hash is taken at the next free hash.
    fn intern(&mut self, list: &[u32], mut hash: u64, known: &mut Map<u64, u32>) -> u32 {
        loop {
            let next = num::u32_saturating(self.texts.len());
            let number = *known.entry(hash).or_insert(next);
            if number == next {
                self.votes.extend_from_slice(list);
                self.starts.push(num::u64_of(self.votes.len()));
                self.texts.push(0);
            }
            if self.of_list(number) == list {
                if let Some(texts) = self.texts.get_mut(num::usize_of(number)) {
                    *texts += 1;
                }
                return number;
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// How many lists there are.
    pub(super) fn lists(&self) -> u32 {
        num::u32_saturating(self.texts.len())
    }

    /// The list of one text.
    pub(super) fn list_of(&self, document: u32) -> u32 {
        self.of_document.get(num::usize_of(document)).copied().unwrap_or(0)
    }

    /// How many texts have a list.
    pub(super) fn texts(&self, list: u32) -> u32 {
        self.texts.get(num::usize_of(list)).copied().unwrap_or(0)
    }

    /// The votes of one list.
    pub(super) fn of_list(&self, list: u32) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).and_then(|&n| num::usize_of_u64(n)).unwrap_or(0);
        let list = num::usize_of(list);
        self.votes.get(bound(list)..bound(list + 1)).unwrap_or(&[])
    }

    /// The votes of one text.
    pub(super) fn of(&self, document: u32) -> &[u32] {
        self.of_list(self.list_of(document))
    }

    /// What one anchor says.
    pub(super) fn bits(&self, anchor: u32) -> f64 {
        self.bits.get(num::usize_of(anchor)).copied().map_or(0.0, f64::from)
    }

    /// The weight of one list.
    pub(super) fn weight(&self, list: u32) -> f64 {
        self.of_list(list).iter().map(|&anchor| self.bits(anchor)).sum()
    }

    /// Lists in the order in which clusters grow: by a hash of what they say. Those of most texts first was tried: .004 more
    /// on one set, .008 and .015 less on two others.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.lists()).collect();
        let hashed = |list: u32| {
            let votes = self.of_list(list).iter();
            votes.fold(0u64, |sum, &vote| (sum.rotate_left(23) ^ u64::from(vote)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        };
        order.sort_by_cached_key(|&list| hashed(list));
        order
    }

    /// What is known by list, by text.
    pub(super) fn spread<T: Copy>(&self, by_list: &[Option<T>]) -> Vec<Option<T>> {
        self.of_document.iter().map(|&list| by_list.get(num::usize_of(list)).copied().flatten()).collect()
    }
}

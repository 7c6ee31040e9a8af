//! A bounded sample of the texts that pass by, so that skeletons can be rendered without a second look at the log.
//!
//! Held in memory alone, and gone with the job. Texts are kept by the value of their fingerprint: when the budget is full
//! the threshold halves, so what is kept is always an even sample, whatever the order of the log.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3Builder;

use crate::num::{high32, low64};

/// Bytes of one text that are kept; a skeleton's pieces lie near the ends, and both are kept.
const TEXT_BYTES_MAX: usize = 32 << 10;

/// Texts by fingerprint.
#[derive(Debug)]
pub struct TextCache {
    texts: HashMap<u128, Box<str>, Xxh3Builder>,
    bytes: usize,
    bytes_max: usize,
    threshold: u32,
}

impl TextCache {
    /// A cache of at most `bytes_max` bytes of text.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { texts: HashMap::default(), bytes: 0, bytes_max, threshold: u32::MAX }
    }

    /// Whether a text of this fingerprint belongs to the sample and is not there yet.
    #[must_use]
    pub fn wants(&self, fingerprint: u128) -> bool {
        rank(fingerprint) <= self.threshold && self.bytes_max > 0 && !self.texts.contains_key(&fingerprint)
    }

    /// Keeps a text, if its fingerprint belongs to the sample.
    pub fn insert(&mut self, fingerprint: u128, text: &str) {
        if text.len() > TEXT_BYTES_MAX || !self.wants(fingerprint) {
            return;
        }
        self.bytes += text.len() + 64;
        self.texts.insert(fingerprint, text.into());
        while self.bytes > self.bytes_max && self.threshold > 0 {
            self.threshold /= 2;
            let threshold = self.threshold;
            self.texts.retain(|fingerprint, _| rank(*fingerprint) <= threshold);
            self.bytes = self.texts.values().map(|text| text.len() + 64).sum();
        }
    }

    /// The text of a fingerprint, where it was kept.
    #[must_use]
    pub fn get(&self, fingerprint: u128) -> Option<&str> {
        self.texts.get(&fingerprint).map(|text| &**text)
    }

    /// Texts held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

fn rank(fingerprint: u128) -> u32 {
    high32(low64(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_and_the_sample_does_not_depend_on_the_order() {
        let fingerprint =
            |n: u32| u128::from_le_bytes(*blake3::hash(&n.to_le_bytes()).as_bytes().first_chunk().expect("16 bytes"));
        let fill = |order: &mut dyn Iterator<Item = u32>| {
            let mut cache = TextCache::new(100_000);
            for n in order {
                cache.insert(fingerprint(n), &format!("text number {n}"));
                assert!(cache.bytes <= cache.bytes_max);
            }
            let mut kept: Vec<u128> = cache.texts.keys().copied().collect();
            kept.sort_unstable();
            kept
        };
        let forward = fill(&mut (0..10_000));
        assert!(forward.len() > 300);
        assert_eq!(forward, fill(&mut (0..10_000).rev()));
    }
}

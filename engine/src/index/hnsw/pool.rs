//! The nearest nodes seen so far, sorted, in place of the two heaps of the published search; and which nodes were seen.

use crate::num::{low32, usize_of};

/// Set in a key once the node's links were followed.
const EXPANDED: u64 = 1;

/// A node and its distance in one word, so that the order of words is the order of (distance, node).
/// Nodes are below 2^31: the lowest bit says whether the links were followed.
#[inline(always)]
fn key(distance: u32, node: u32) -> u64 {
    (u64::from(distance) << 32) | (u64::from(node) << 1)
}

/// A sorted list of at most `capacity` keys. An insert moves on average half of a few hundred words, in cache, without the
/// unpredictable branches of a heap; and the next node to expand is found by walking on, not by a second heap.
#[derive(Debug, Default)]
pub(super) struct Pool {
    keys: Vec<u64>,
    capacity: usize,
}

impl Pool {
    /// Empties the pool and sets how many nodes it keeps, at least one.
    pub(super) fn reset(&mut self, capacity: usize) {
        self.keys.clear();
        self.capacity = capacity.max(1);
        self.keys.reserve(self.capacity);
    }

    /// Keeps what it holds and more from now on.
    pub(super) fn widen(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
        self.keys.reserve(self.capacity - self.keys.len());
    }

    /// How many nodes it holds.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a node at `distance` would be kept now (equal distances: the first come stay).
    #[inline(always)]
    pub(super) fn admits(&self, distance: u32) -> bool {
        self.keys.len() < self.capacity || self.keys.last().is_some_and(|&last| u64::from(distance) < last >> 32)
    }

    /// Keeps a node that [`Pool::admits`], and says where it now stands.
    #[inline(always)]
    pub(super) fn insert(&mut self, distance: u32, node: u32) -> usize {
        let new = key(distance, node);
        if self.keys.len() == self.capacity {
            self.keys.pop();
        }
        let at = self.keys.partition_point(|&old| old < new);
        self.keys.insert(at, new);
        at
    }

    /// Marks the node at `at` as expanded and returns it, or `None` when it was already, or lies past the end.
    #[inline(always)]
    pub(super) fn expand(&mut self, at: usize) -> Option<u32> {
        let key = self.keys.get_mut(at)?;
        if *key & EXPANDED != 0 {
            return None;
        }
        *key |= EXPANDED;
        Some(low32(*key) >> 1)
    }

    /// The nodes, nearest first, equal distances by ascending node.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.keys.iter().map(|&key| (low32(key >> 32), low32(key) >> 1))
    }
}

/// Which nodes a search has seen: a bit each, cleared by the list of words that were touched, so that a search of a large
/// graph pays for what it saw alone.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: Vec<u64>,
    touched: Vec<u32>,
}

impl Seen {
    /// Forgets everything and makes room for `nodes` nodes.
    pub(super) fn reset(&mut self, nodes: usize) {
        for &word in &self.touched {
            if let Some(word) = self.words.get_mut(usize_of(word)) {
                *word = 0;
            }
        }
        self.touched.clear();
        if self.words.len() < nodes.div_ceil(64) {
            self.words.resize(nodes.div_ceil(64), 0);
        }
    }

    /// Marks a node; true when it had not been seen. A node past the end has always been seen.
    #[inline(always)]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        let Some(word) = self.words.get_mut(usize_of(node >> 6)) else { return false };
        let bit = 1 << (node & 63);
        if *word & bit != 0 {
            return false;
        }
        if *word == 0 {
            self.touched.push(node >> 6);
        }
        *word |= bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_keeps_the_nearest_and_walks_them_in_order() {
        let mut pool = Pool::default();
        pool.reset(3);
        for (distance, node) in [(9, 1), (5, 2), (7, 3), (5, 0)] {
            assert!(pool.admits(distance));
            pool.insert(distance, node);
        }
        assert_eq!(pool.nodes().collect::<Vec<_>>(), [(5, 0), (5, 2), (7, 3)]);
        assert!(!pool.admits(7));
        assert_eq!(pool.expand(0), Some(0));
        assert_eq!(pool.expand(0), None);
        assert_eq!(pool.expand(3), None);
        assert_eq!(pool.insert(6, 9), 2);
        assert_eq!(pool.len(), 3);
    }

    #[test]
    fn a_reset_forgets_what_was_seen() {
        let mut seen = Seen::default();
        seen.reset(100);
        assert!(seen.insert(99));
        assert!(!seen.insert(99));
        assert!(!seen.insert(5_000));
        seen.reset(100);
        assert!(seen.insert(99));
    }
}

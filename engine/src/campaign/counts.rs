//! In how many requests each token stands.

use super::ledger::Ledger;
use crate::num;

/// Entries of an empty table.
const ENTRIES_MIN: usize = 1024;

/// A table of tokens and counts with linear probing, to be used again: sorting what a hundred requests hold took a quarter of the
/// whole stage.
#[derive(Debug, Clone, Default)]
pub struct TokenCounts {
    /// Token and count; 0 where free. A power of two, and half of them are free at least.
    entries: Vec<(u32, u32)>,
    /// Entries that are not free.
    used: usize,
}

impl TokenCounts {
    /// The tokens that stand in at least `share` of these rows and in `least` of them, ascending. Of more than `rows_max` rows
    /// so many are read, spread evenly.
    pub fn recurrent(
        &mut self,
        ledger: &Ledger<'_>,
        rows: &[u32],
        rows_max: usize,
        share: f64,
        least: usize,
    ) -> Vec<u32> {
        let step = rows.len().div_ceil(rows_max).max(1);
        let read = rows.len().div_ceil(step);
        let least = num::usize_of_f64((share * num::f64_of(read)).ceil()).max(least);
        self.at_least(rows.iter().step_by(step).map(|&row| ledger.tokens(row)), least)
    }

    /// The tokens that stand in at least `least` of these lists (each token once in a list), ascending.
    fn at_least<'t>(&mut self, lists: impl ExactSizeIterator<Item = &'t [u32]>, least: usize) -> Vec<u32> {
        self.entries.clear();
        self.entries.resize(ENTRIES_MIN, (0, 0));
        self.used = 0;
        // Whoever stands in so many lists stands in one of the first already: the others are no news.
        let Some(first) = (lists.len() + 1).checked_sub(least.max(1)) else { return Vec::new() };
        for (place, list) in lists.enumerate() {
            for &token in list {
                let at = self.place_of(token);
                let count = self.entries[at].1;
                if count > 0 || place < first {
                    self.entries[at] = (token, count + 1);
                    self.used += usize::from(count == 0);
                    if 2 * self.used > self.entries.len() {
                        self.grow();
                    }
                }
            }
        }
        let is_enough = |entry: &&(u32, u32)| num::usize_of(entry.1) >= least.max(1);
        let mut tokens: Vec<u32> = self.entries.iter().filter(is_enough).map(|&(token, _)| token).collect();
        tokens.sort_unstable();
        tokens
    }

    /// Where a token is counted, or the free entry where it would be.
    fn place_of(&self, token: u32) -> usize {
        let mask = self.entries.len() - 1;
        // Of a long text only the smallest hashes are kept: multiplied, they fill the table evenly all the same.
        let mut at = num::usize_of(num::high32(u64::from(token).wrapping_mul(0x9e37_79b9_7f4a_7c15))) & mask;
        while self.entries[at].1 > 0 && self.entries[at].0 != token {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let free = vec![(0, 0); 2 * self.entries.len()];
        for entry in std::mem::replace(&mut self.entries, free) {
            if entry.1 > 0 {
                let at = self.place_of(entry.0);
                self.entries[at] = entry;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::chance::Random;
    use std::collections::BTreeMap;

    #[test]
    fn it_counts_as_a_map_does() {
        let mut counts = TokenCounts::default();
        for seed in 1..40 {
            let mut random = Random::new(seed, 0xc0);
            // Few tokens and many, all small and all large.
            let (spread, from) = (
                1 + num::low32(random.bits()) % if seed % 3 == 0 { 900 } else { 9000 },
                if seed % 2 == 0 { u32::MAX - 9000 } else { 0 },
            );
            let lists: Vec<Vec<u32>> = (0..random.below(30))
                .map(|_| {
                    let mut list: Vec<u32> =
                        (0..random.below(200)).map(|_| from + num::low32(random.bits()) % spread).collect();
                    list.sort_unstable();
                    list.dedup();
                    list
                })
                .collect();
            let mut expected: BTreeMap<u32, usize> = BTreeMap::new();
            for &token in lists.iter().flatten() {
                *expected.entry(token).or_default() += 1;
            }
            for least in [0, 1, 2, 9, 31] {
                let enough = expected.iter().filter(|&(_, &count)| count >= least).map(|(&token, _)| token);
                let found = counts.at_least(lists.iter().map(Vec::as_slice), least);
                assert_eq!(found, enough.collect::<Vec<u32>>(), "seed {seed}, at least {least}");
            }
        }
    }
}

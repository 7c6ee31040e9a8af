//! In how many requests each token stands.

use super::ledger::Ledger;
use crate::num;

/// A table of tokens and counts with linear probing, to be used again: sorting what a hundred requests hold took a quarter of the
/// whole stage.
#[derive(Debug, Clone, Default)]
pub struct TokenCounts {
    /// Token and count; 0 where free. A power of two, at least twice as many as are counted.
    slots: Vec<(u32, u32)>,
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
    fn at_least<'t>(&mut self, lists: impl ExactSizeIterator<Item = &'t [u32]> + Clone, least: usize) -> Vec<u32> {
        // Whoever stands in so many lists stands in one of the first already: so the table stays small.
        let Some(first) = (lists.len() + 1).checked_sub(least.max(1)) else { return Vec::new() };
        let total: usize = lists.clone().take(first).map(<[u32]>::len).sum();
        let size = (2 * total).next_power_of_two().max(2);
        self.slots.clear();
        self.slots.resize(size, (0, 0));
        for (place, list) in lists.enumerate() {
            for &token in list {
                let slot = self.slot(token);
                if slot.1 > 0 || place < first {
                    *slot = (token, slot.1 + 1);
                }
            }
        }
        let is_enough = |slot: &&(u32, u32)| num::usize_of(slot.1) >= least.max(1);
        let mut tokens: Vec<u32> = self.slots.iter().filter(is_enough).map(|&(token, _)| token).collect();
        tokens.sort_unstable();
        tokens
    }

    /// Where a token is counted, or the free slot where it would be.
    fn slot(&mut self, token: u32) -> &mut (u32, u32) {
        let mask = self.slots.len() - 1;
        // Of a long text only the smallest hashes are kept: multiplied, they fill the table evenly all the same.
        let mut at = num::usize_of(token.wrapping_mul(0x9e37_79b1) >> (u32::BITS - mask.count_ones()));
        while self.slots[at].1 > 0 && self.slots[at].0 != token {
            at = (at + 1) & mask;
        }
        &mut self.slots[at]
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
            let (spread, from) = (1 + num::low32(random.bits()) % 900, if seed % 2 == 0 { u32::MAX - 1000 } else { 0 });
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

//! Counts distinct accounts in 136 bytes, over sealed and recent traffic alike: a few one by one, many by linear counting
//! (Whang and others 1990).

use crate::num::{f64_of, high32, u32_of_f64, u32_saturating, usize_of};

const WORDS: usize = 16;
const BITS: usize = WORDS * 64;
/// Accounts held one by one; their numbers take the room of the bits.
const FEW: usize = 31;

/// A set of keyed account numbers, of which only the size can be asked. Sets are united by inserting one into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountCounter {
    /// The high halves of so many numbers, ascending; zeros behind them.
    Few(u8, [u32; FEW]),
    /// A bit an account, by chance.
    Many([u64; WORDS]),
}

impl Default for AccountCounter {
    fn default() -> Self {
        Self::Few(0, [0; FEW])
    }
}

impl AccountCounter {
    /// Adds an account; its number is a keyed digest, so nobody can aim at a bit.
    pub(super) fn insert(&mut self, account: u64) {
        self.add(high32(account));
    }

    fn add(&mut self, number: u32) {
        match self {
            Self::Few(count, held) => {
                let used = usize::from(*count);
                let Err(at) = held[..used].binary_search(&number) else { return };
                if used == FEW {
                    let mut bits = [0; WORDS];
                    held.iter().chain([&number]).for_each(|number| set(&mut bits, *number));
                    *self = Self::Many(bits);
                } else {
                    held.copy_within(at..used, at + 1);
                    held[at] = number;
                    *count += 1;
                }
            }
            Self::Many(bits) => set(bits, number),
        }
    }

    /// Adds all accounts of `other`.
    pub(super) fn unite(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Few(count, numbers)) => {
                numbers[..usize::from(*count)].iter().for_each(|number| self.add(*number))
            }
            (Self::Many(mine), Self::Many(theirs)) => {
                mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine |= theirs)
            }
            (Self::Few(..), Self::Many(_)) => {
                let few = std::mem::replace(self, *other);
                self.unite(&few);
            }
        }
    }

    /// The number of distinct accounts: exact up to 31, within 5 % up to 3,000; 7,000 stands for more.
    pub(super) fn count(&self) -> u32 {
        let words = match self {
            Self::Few(count, _) => return u32::from(*count),
            Self::Many(words) => words,
        };
        let set: u32 = words.iter().map(|word| word.count_ones()).sum();
        let free = BITS.saturating_sub(usize_of(set)).max(1);
        let bits = f64_of(BITS);
        // More than were held one by one, whatever bits they share.
        u32_of_f64((-bits * (f64_of(free) / bits).ln()).round()).max(u32_saturating(FEW) + 1)
    }
}

fn set(bits: &mut [u64; WORDS], number: u32) {
    let bit = usize_of(number) % BITS;
    bits[bit / 64] |= 1 << (bit % 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u64) -> u64 {
        u64::from_le_bytes(*blake3::hash(&n.to_le_bytes()).as_bytes().first_chunk().expect("8 bytes"))
    }

    fn counter(numbers: impl Iterator<Item = u64>) -> AccountCounter {
        let mut counter = AccountCounter::default();
        numbers.for_each(|n| counter.insert(account(n)));
        counter
    }

    #[test]
    fn few_accounts_are_counted_exactly_and_many_within_five_percent() {
        // Two of four accounts once shared a bit in one case of 170.
        for first in 0..2_000 {
            assert_eq!(counter((first..first + 4).chain(first..first + 4)).count(), 4, "from {first}");
        }
        for (count, error) in [(0, 0), (1, 0), (31, 0), (32, 2), (100, 6), (1000, 50), (3000, 300)] {
            let counted = counter((0..count).chain(0..count)).count();
            assert!(u64::from(counted).abs_diff(count) <= error, "{count} counted as {counted}");
        }
    }

    #[test]
    fn a_union_counts_what_both_hold_once() {
        for (mine, theirs, size) in
            [(0..10, 5..20, 20), (0..20, 10..200, 200), (0..200, 190..210, 210), (0..200, 100..300, 300)]
        {
            let mut both = counter(mine.clone());
            both.unite(&counter(theirs.clone()));
            assert_eq!(both, counter(mine.chain(theirs)), "the order does not show");
            assert!(both.count().abs_diff(size) <= size / 20, "{size} counted as {}", both.count());
        }
    }
}

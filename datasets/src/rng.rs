//! The random numbers of the generator: SplitMix64 (Steele, Lea and Flood 2014), keyed by what is being written, so that
//! any request can be written again from its coordinates without keeping its text.

use crate::num::{count, exp, index, ln, real, scaled};

/// Spreads a word over all 64 bits; a bijection.
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Folds coordinates into one key.
pub(crate) fn key(coordinates: &[u64]) -> u64 {
    coordinates.iter().fold(0x5851_f42d_4c95_7f2d, |state, &c| {
        mix(state.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(c).wrapping_add(1))
    })
}

/// A key of a name.
pub(crate) fn key_of_name(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| mix(state ^ u64::from(byte)))
}

/// A stream of random numbers; 8 bytes, so that each of a million accounts can own one.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of these coordinates.
    pub(crate) fn of(coordinates: &[u64]) -> Self {
        Self(key(coordinates))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        scaled(self.next(), n)
    }

    /// An index of a list of `n`; 0 when it is empty.
    pub(crate) fn at(&mut self, n: usize) -> usize {
        index(self.below(count(n)))
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        real(self.next() >> 11) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.unit() < p
    }

    /// One of a list; an empty list gives the default.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        list.get(self.at(list.len())).copied().unwrap_or_default()
    }

    /// An index of a list of `n`, low ones more often: the rank follows the square of a uniform number.
    pub(crate) fn skewed(&mut self, n: usize) -> usize {
        let u = self.unit();
        index(crate::num::whole(u * u * real(count(n)))).min(n.saturating_sub(1))
    }

    /// Close to a standard normal (the sum of eight uniform numbers), never beyond five.
    pub(crate) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..8).map(|_| self.unit()).sum();
        (sum - 4.0) * 1.224_744_871_391_589
    }

    /// Log-normal with this median; `sigma` 1 has a heavy tail.
    pub(crate) fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Pareto with minimum 1 and this tail index, cut at `most`.
    pub(crate) fn pareto(&mut self, tail: f64, most: f64) -> f64 {
        exp(-ln(1.0 - self.unit()) / tail).min(most)
    }

    /// How many trials until one of probability `1 / mean` succeeds: at least 1, `mean` on average, at most `most`.
    pub(crate) fn geometric(&mut self, mean: f64, most: u64) -> u64 {
        let mut n = 1;
        while n < most && !self.chance(1.0 / mean.max(1.0)) {
            n += 1;
        }
        n
    }

    /// The smallest of `k` uniform numbers in `0..1`: the next of `k` events that are spread evenly.
    pub(crate) fn first_of(&mut self, k: u64) -> f64 {
        1.0 - exp(ln(1.0 - self.unit()) / real(k.max(1)))
    }
}

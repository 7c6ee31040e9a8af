//! Chance made repeatable: a seeded generator, and the tail probabilities that turn a statistic into a p-value.

use crate::num;

/// A small counter-based generator (splitmix64: Steele, Lea, Flood 2014). The same seed gives the same numbers on every
/// machine, which a verdict that must be reproduced on appeal needs more than statistical luxury.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator for one purpose: `seed` of the run, `stream` of the question asked.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
        random.bits();
        random
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..end`; 0 when `end` is 0. The bias of the multiplication is below 2^-32 for every list here.
    pub fn below(&mut self, end: usize) -> usize {
        let product = u128::from(self.bits()) * u128::from(num::u64_of(end));
        num::usize_of_u64(num::low64(product >> 64)).unwrap_or(0)
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        num::f64_of_u64(self.bits() >> 11) / 9_007_199_254_740_992.0
    }

    /// Shuffles in place (Fisher, Yates 1938).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Lower tail of the standard normal distribution, relative error below 1e-5 down to z = -37 (continued fraction of
/// Laplace beyond |z| = 3, series of Marsaglia 2004 within).
#[must_use]
pub fn normal_below(z: f64) -> f64 {
    if z.is_nan() {
        return 1.0;
    }
    let density = (-0.5 * z * z).exp() / (std::f64::consts::TAU).sqrt();
    let size = z.abs();
    let tail = if size > 3.0 {
        let mut fraction = size;
        for step in (1..=60u32).rev() {
            fraction = size + f64::from(step) / fraction;
        }
        density / fraction
    } else {
        let (mut sum, mut term, mut odd) = (size, size, 3.0);
        while term > 1e-17 * sum {
            term *= size * size / odd;
            sum += term;
            odd += 2.0;
        }
        0.5 - density * sum
    };
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// An upper bound of `P(X >= successes)` for X binomial, a few hundredths above the truth in the tail and never below it: Stirling's formula
/// for the first term (Robbins 1955) times the geometric series that bounds the others (Feller 1968, VI.3), or Chernoff's
/// bound where that is less. A bound that errs towards innocence is the right error here.
#[must_use]
pub fn binomial_above(successes: usize, trials: usize, rate: f64) -> f64 {
    let (k, n, p) = (num::f64_of(successes), num::f64_of(trials), rate.clamp(1e-9, 1.0));
    if trials == 0 || k <= n * p {
        return 1.0;
    }
    let share = k / n;
    let term = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    let chernoff = (-n * (term(share, p) + term(1.0 - share, (1.0 - p).max(1e-300)))).exp();
    if successes >= trials {
        return chernoff.min(1.0);
    }
    let first = (n / (std::f64::consts::TAU * k * (n - k))).sqrt();
    let ratio = (n - k) * p / ((k + 1.0) * (1.0 - p));
    (chernoff * (first / (1.0 - ratio)).min(1.0)).min(1.0)
}

/// The p-value of "at least `wanted` of these kinds of evidence are real" (partial conjunction, Benjamini and Heller 2008:
/// `(n - u + 1) * p_(u)`): valid under any dependence between the kinds.
#[must_use]
pub fn partial_conjunction(p_values: &[f64], wanted: usize) -> f64 {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.get(wanted.wrapping_sub(1)) {
        Some(p) => (num::f64_of(sorted.len() - wanted + 1) * p).min(1.0),
        None => 1.0,
    }
}

/// The p-value of two independent p-values together (Fisher 1932): the probability of a product as small.
#[must_use]
pub fn fisher(a: f64, b: f64) -> f64 {
    let product = (a * b).max(f64::MIN_POSITIVE);
    (product * (1.0 - product.ln())).min(1.0)
}

/// Adjusted p-values (q-values) by Benjamini and Hochberg 1995, in the order given.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let p = |index: usize| p_values.get(index).copied().unwrap_or(1.0);
    order.sort_by(|&a, &b| p(a).total_cmp(&p(b)).then(a.cmp(&b)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut least = 1.0_f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        least = least.min(p(index) * num::f64_of(p_values.len()) / num::f64_of(rank + 1));
        if let Some(slot) = adjusted.get_mut(index) {
            *slot = least;
        }
    }
    adjusted
}

/// Exact two-sided 95 % bounds of a rate (Clopper and Pearson 1934), by bisection on the binomial tail.
#[must_use]
pub fn clopper_pearson(hits: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let at_most = |most: usize, rate: f64| -> f64 {
        let n = num::f64_of(trials);
        let mut log_term = n * (1.0 - rate).max(1e-300).ln();
        let mut sum = log_term.exp();
        for k in 0..most {
            let kf = num::f64_of(k);
            log_term += ((n - kf) / (kf + 1.0)).ln() + (rate / (1.0 - rate).max(1e-300)).ln();
            sum += log_term.exp();
        }
        sum.min(1.0)
    };
    let bisect = |hits_at_most: usize, tail: f64| {
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if at_most(hits_at_most, middle) > tail { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    let lower = if hits == 0 { 0.0 } else { bisect(hits - 1, 0.975) };
    let upper = if hits == trials { 1.0 } else { bisect(hits, 0.025) };
    (lower, upper)
}

/// The value below which `share` of the sorted values lie; 0 for none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = num::usize_of_f64(share * num::f64_of(sorted.len().saturating_sub(1)) + 0.5);
    sorted.get(at).copied().unwrap_or(0.0)
}

/// The median, sorting in place; 0 for none.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_tail_is_known() {
        for (z, p) in [(0.0, 0.5), (-1.0, 0.158_655), (-3.5, 2.326_29e-4), (-8.0, 6.220_96e-16), (2.0, 0.977_25)] {
            assert!((normal_below(z) / p - 1.0).abs() < 1e-4, "{z}");
        }
    }

    #[test]
    fn binomial_bound_never_understates_and_is_tight_in_the_tail() {
        for (trials, rate) in [(1_u32, 0.3_f64), (10, 0.5), (10, 0.1), (60, 0.02), (159, 0.05), (400, 0.8)] {
            let mut term = (1.0 - rate).powi(i32::try_from(trials).unwrap());
            let mut terms = vec![term];
            for k in 0..trials {
                term *= f64::from(trials - k) / f64::from(k + 1) * rate / (1.0 - rate);
                terms.push(term);
            }
            let mut exact = 0.0;
            for k in (0..=num::usize_of(trials)).rev() {
                exact += terms[k];
                let bound = binomial_above(k, num::usize_of(trials), rate);
                assert!(bound >= exact * (1.0 - 1e-9), "{k} of {trials} at {rate}: {bound} for {exact}");
                assert!(exact > 0.02 || bound <= 1.35 * exact, "{k} of {trials} at {rate}: {bound} for {exact}");
            }
        }
        assert!(binomial_above(3, 10, 0.5) >= 1.0);
    }

    #[test]
    fn adjusted_p_values_are_those_of_the_paper() {
        let q = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]);
        let known = [0.02, 0.04, 0.04, 0.02];
        assert!(q.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-12), "{q:?}");
        assert!((partial_conjunction(&[0.2, 0.001, 0.03], 2) - 0.06).abs() < 1e-12);
        // Chi-squared of four degrees of freedom above -2 ln(.05 * .05) = 11.983.
        assert!((fisher(0.05, 0.05) - 0.017_479).abs() < 1e-6 && fisher(0.0, 0.5) < 1e-300 && fisher(1.0, 1.0) >= 1.0);
    }

    #[test]
    fn clopper_pearson_of_nothing_seen() {
        let (low, high) = clopper_pearson(0, 300_000);
        assert!(low == 0.0 && (high - 1.2296e-5).abs() < 1e-8, "{high}");
        let (low, high) = clopper_pearson(5, 10);
        assert!((low - 0.187_09).abs() < 1e-4 && (high - 0.812_91).abs() < 1e-4);
    }
}

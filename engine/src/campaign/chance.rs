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

/// An upper bound of `P(X >= successes)` for X binomial, a tenth or so above the truth in the tail and never below
/// it: Stirling's formula for the first term (Robbins 1955) times the geometric series that bounds the others (Feller
/// 1968, VI.3), or Chernoff's bound where that is less. A bound that errs towards innocence is the right error here.
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

/// Draws of the parts of a whole that counts have lost.
const DRAWS: u32 = 16;

/// The p-value of "these counts are as uneven as exponential volumes, or more", of `counts` in ascending order of which
/// all but the first `kept` are censored at the largest of those. Any mean will do.
///
/// Of exponential volumes the total time on test at each but the last is uniform over the last's (Barlow 1968; Epstein
/// 1960), so their sum is one of independent uniforms: Irwin-Hall for few, the normal curve for many, which overstates
/// such tails. Even volumes have large ones. A count stands for the volume between it and the next, drawn as the null
/// has it; the mean over draws varies less than one draw does, which errs towards innocence.
#[must_use]
pub fn more_even_than_exponential(counts: &[f64], kept: usize, random: &mut Random) -> f64 {
    let n = counts.len();
    let kept = kept.min(n);
    let mean = counts.iter().sum::<f64>() / num::f64_of(n.max(1));
    if kept < 2 || mean <= 0.0 {
        return 1.0;
    }
    let rate = (1.0 / mean).ln_1p();
    let mut sum = 0.0;
    for _ in 0..DRAWS {
        let lost = |unit: f64| -(unit * (-rate).exp_m1()).ln_1p() / rate;
        let mut volumes: Vec<f64> = counts.iter().map(|count| count + lost(random.unit())).collect();
        volumes.sort_by(f64::total_cmp);
        let (mut on_test, mut sum_on_test, mut before) = (0.0, 0.0, 0.0);
        for (at, volume) in volumes.iter().take(kept).enumerate() {
            sum_on_test += on_test;
            on_test += num::f64_of(n - at) * (volume - before);
            before = *volume;
        }
        sum += sum_on_test / on_test;
    }
    uniforms_above(sum / f64::from(DRAWS), kept - 1)
}

/// Upper tail of the sum of `n` independent uniforms (Irwin 1927, Hall 1927); by the normal curve from 41 on, where the
/// alternating sum would lose its digits.
fn uniforms_above(sum: f64, n: usize) -> f64 {
    let (terms, below) = (num::f64_of(n), num::f64_of(n) - sum);
    if n > 40 || below > 0.5 * terms {
        return normal_below((below - 0.5 * terms) / (terms / 12.0).sqrt());
    }
    let (mut tail, mut choices, mut factorial) = (0.0, 1.0, 1.0);
    for k in 0..n {
        let kf = num::f64_of(k);
        factorial *= kf + 1.0;
        if kf < below {
            tail += choices * (below - kf).powi(i32::try_from(n).unwrap_or(i32::MAX));
        }
        choices *= -(terms - kf) / (kf + 1.0);
    }
    (tail / factorial).clamp(0.0, 1.0)
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
        for (trials, rate) in [(1_i32, 0.3_f64), (10, 0.5), (10, 0.1), (60, 0.02), (159, 0.05), (400, 0.8)] {
            let mut term = (1.0 - rate).powi(trials);
            let mut terms = vec![term];
            for k in 0..trials {
                term *= f64::from(trials - k) / f64::from(k + 1) * rate / (1.0 - rate);
                terms.push(term);
            }
            let (mut exact, all) = (0.0, terms.len() - 1);
            for (k, term) in terms.iter().enumerate().rev() {
                exact += term;
                let bound = binomial_above(k, all, rate);
                assert!(bound >= exact * (1.0 - 1e-9), "{k} of {all} at {rate}: {bound} for {exact}");
                assert!(exact > 0.02 || bound <= 1.35 * exact, "{k} of {all} at {rate}: {bound} for {exact}");
            }
        }
        assert!(binomial_above(3, 10, 0.5) >= 1.0);
    }

    #[test]
    fn sums_of_uniforms_are_known() {
        // (3 - 2.5)^3 / 3!; a half; 20 of them at two standard deviations, by Edgeworth's expansion.
        for (sum, n, p) in [(2.5, 3, 0.020_833), (1.0, 2, 0.5), (12.581_989, 20, 0.022_47), (4.0, 4, 0.0)] {
            assert!((uniforms_above(sum, n) - p).abs() < 2e-4, "{sum} of {n}: {}", uniforms_above(sum, n));
        }
        // The normal curve overstates the tail, and not by much: three and a half standard deviations.
        for (n, floor) in [(20_u32, 0.3), (40, 0.6)] {
            let terms = f64::from(n);
            let normal = normal_below(-3.5);
            let exact = uniforms_above(0.5 * terms + 3.5 * (terms / 12.0).sqrt(), num::usize_of(n));
            assert!((floor..1.0).contains(&(exact / normal)), "{n}: {exact} for {normal}");
        }
    }

    #[test]
    fn exponential_volumes_are_even_as_seldom_as_said_and_even_ones_are_found() {
        let mut random = Random::new(3, 1);
        let mut draw = |of: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let mut counts: Vec<f64> = (0..25).map(|_| of(random.unit())).collect();
            counts.sort_by(f64::total_cmp);
            counts
        };
        let geometric = |unit: f64| ((1.0 - unit).ln() / (12.0_f64 / 13.0).ln()).floor();
        let even = |unit: f64| (8.0 + 10.0 * unit).floor();
        for kept in [25, 24] {
            let mut of = |law: &dyn Fn(f64) -> f64, below: f64| {
                (0..1000)
                    .filter(|_| more_even_than_exponential(&draw(law), kept, &mut Random::new(5, 1)) < below)
                    .count()
            };
            // Binomial of 1,000 at .05: between 25 and 78 with a probability of all but 1e-4.
            assert!((25..=78).contains(&of(&geometric, 0.05)));
            assert!(of(&even, 1e-5) > 950);
        }
        // One busy stranger hides nothing where the busiest is left out.
        let mut glued = draw(&even);
        glued[24] = 335.0;
        let p = |kept| more_even_than_exponential(&glued, kept, &mut Random::new(5, 1));
        assert!(p(25) > 0.01 && p(24) < 1e-4, "{} {}", p(25), p(24));
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

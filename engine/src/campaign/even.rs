//! How likely counts as even as these are, if a total is divided among principals as popularity divides it.
//!
//! Under the null every count is geometric with one mean, the least uneven that organic use is known to be. Given the total,
//! every division of it is then equally likely whatever the mean was (Feller 1968, II.5), so the test conditions on the total
//! and needs no estimate. Its statistic is the sum of squares (Greenwood 1946). Divisions as even as those of a campaign are too
//! rare to be met by drawing at random; they are drawn from counts that are as even as the ones observed, and each weighs what
//! it is likelier under the null (importance sampling with an exponentially tilted law: Siegmund 1976).

use super::chance::Random;
use crate::num;

/// Divisions drawn. At 400 principals one in ten meets the total, at 10 one in two.
const DRAWS: usize = 1000;
/// Least width of the tilted law: narrow enough that it draws hardly anything but the two whole numbers next to a mean.
const WIDTH_MIN: f64 = 0.03;
/// Halvings of the intervals in which its centre and its width are sought.
const HALVINGS: usize = 30;

/// The law that divisions are drawn from: probability of a count in proportion to `exp(-(count - centre)^2 / (2 width))`.
struct Tilted {
    /// Logarithm of the probability of each count from 0.
    log_p: Vec<f64>,
    /// Probability of a count at most this.
    at_most: Vec<f64>,
}

impl Tilted {
    fn new(most: usize, centre: f64, width: f64) -> Self {
        let exponent = |count: usize| -(num::f64_of(count) - centre).powi(2) / (2.0 * width);
        // Next to the centre, or at 0 where it lies below: the largest exponent, taken out so that no sum vanishes.
        let top = exponent(num::usize_of_f64(centre.max(0.0).round()).min(most));
        let weights: Vec<f64> = (0..=most).map(|count| (exponent(count) - top).exp()).collect();
        let all: f64 = weights.iter().sum();
        let log_p = (0..=most).map(|count| exponent(count) - top - all.ln()).collect();
        let mut sum = 0.0;
        let at_most = weights.iter().map(|weight| (sum += weight / all, sum).1).collect();
        Self { log_p, at_most }
    }

    /// Mean of a power of the count.
    fn moment(&self, power: i32) -> f64 {
        self.log_p.iter().enumerate().map(|(count, log_p)| num::f64_of(count).powi(power) * log_p.exp()).sum()
    }

    fn with_mean(most: usize, mean: f64, width: f64) -> Self {
        let (mut low, mut high) = (mean - 20.0 * width.max(1.0), mean + 1.0);
        for _ in 0..HALVINGS {
            let centre = 0.5 * (low + high);
            if Self::new(most, centre, width).moment(1) < mean { low = centre } else { high = centre }
        }
        Self::new(most, 0.5 * (low + high), width)
    }

    /// The law of this mean and mean square, or the one nearest to it. A narrower one would miss the divisions that are just as
    /// even as the observed one, which are most of those that count.
    fn with_moments(most: usize, mean: f64, mean_square: f64) -> Self {
        let (mut low, mut high) = (WIDTH_MIN.ln(), (1000.0 * (mean_square - mean * mean).max(1.0)).ln());
        for _ in 0..HALVINGS {
            let width = 0.5 * (low + high);
            if Self::with_mean(most, mean, width.exp()).moment(2) < mean_square { low = width } else { high = width }
        }
        Self::with_mean(most, mean, (0.5 * (low + high)).exp())
    }

    fn draw(&self, random: &mut Random) -> usize {
        let unit = random.unit();
        self.at_most.partition_point(|&below| below <= unit).min(self.log_p.len() - 1)
    }
}

/// An estimate of the probability that a total, divided so that every division is equally likely, is divided at least as
/// evenly as these counts, two standard errors above the estimate's mean; 1 where no division drawn was.
#[must_use]
pub fn as_even(counts: &[usize], random: &mut Random) -> f64 {
    let (n, total): (usize, usize) = (counts.len(), counts.iter().sum());
    let square = |count: usize| count.saturating_mul(count);
    let squares: usize = counts.iter().map(|&count| square(count)).sum();
    if n < 2 || total == 0 {
        return 1.0;
    }
    let mean = num::f64_of(total) / num::f64_of(n);
    // No count can be larger and the sum of squares as small.
    let most = squares.isqrt().min(total);
    let tilted = Tilted::with_moments(most, mean, num::f64_of(squares) / num::f64_of(n));
    // Divisions of the total among n: C(total + n - 1, n - 1).
    let log_divisions: f64 = (1..n).map(|k| (num::f64_of(total + k) / num::f64_of(k)).ln()).sum();
    let (mut sum, mut sum_of_squares) = (0.0, 0.0);
    for _ in 0..DRAWS {
        let (mut left, mut log_p, mut drawn_squares) = (total, 0.0, 0_usize);
        for _ in 1..n {
            let count = tilted.draw(random);
            let Some(rest) = left.checked_sub(count) else {
                drawn_squares = usize::MAX;
                break;
            };
            left = rest;
            log_p += tilted.log_p[count];
            drawn_squares = drawn_squares.saturating_add(square(count));
        }
        if drawn_squares.saturating_add(square(left)) <= squares {
            let weight = (-log_divisions - log_p).exp();
            sum += weight;
            sum_of_squares += weight * weight;
        }
    }
    if sum <= 0.0 {
        return 1.0;
    }
    let draws = num::f64_of(DRAWS);
    let mean_weight = sum / draws;
    let error = ((sum_of_squares / draws - mean_weight * mean_weight).max(0.0) / draws).sqrt();
    (mean_weight + 2.0 * error).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All divisions of a total among `left` principals, counted by whether their squares stay within a bound.
    fn divisions(total: usize, left: usize, within: Option<usize>) -> (f64, f64) {
        if left == 1 {
            return (f64::from(u8::from(within.is_some_and(|within| total * total <= within))), 1.0);
        }
        (0..=total)
            .map(|first| divisions(total - first, left - 1, within.and_then(|w| w.checked_sub(first * first))))
            .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    #[test]
    fn small_totals_agree_with_counting() {
        for counts in [
            &[6, 6, 6, 6, 6][..],
            &[6, 7, 6, 6, 6],
            &[5, 9, 7, 6, 4],
            &[12, 4, 3, 8],
            &[1, 2, 2, 1, 0, 3],
            &[20, 2, 5, 9, 1],
            &[9, 9, 9, 9],
        ] {
            let (even, all) =
                divisions(counts.iter().sum(), counts.len(), Some(counts.iter().map(|count| count * count).sum()));
            let exact = even / all;
            let p = as_even(counts, &mut Random::new(7, 1));
            assert!((0.95 * exact..1.4 * exact).contains(&p), "{counts:?}: {p} for {exact}");
        }
    }

    #[test]
    fn counts_that_nobody_drew_by_chance_are_as_rare_as_they_are() {
        // Poisson-like counts of 40 principals: a plain simulation of 10^9 would see none.
        let counts: Vec<usize> = (0..40).map(|i| 12 + (i * 3) % 7).collect();
        let (a, b) = (as_even(&counts, &mut Random::new(1, 1)), as_even(&counts, &mut Random::new(2, 1)));
        assert!(a < 1e-14 && (0.6..1.7).contains(&(a / b)), "{a} {b}");
        let doubled: Vec<usize> = counts.iter().chain(&counts).copied().collect();
        let twice = as_even(&doubled, &mut Random::new(1, 1));
        assert!(twice > 0.0 && twice < a * a * 1e4, "{twice} {a}");
    }

    #[test]
    fn geometric_counts_are_nothing_special() {
        let mut random = Random::new(3, 1);
        let mut rare = 0;
        for _ in 0..400 {
            let counts: Vec<usize> = (0..25)
                .map(|_| num::usize_of_f64(((1.0 - random.unit()).ln() / (12.0_f64 / 13.0).ln()).floor()))
                .collect();
            rare += usize::from(as_even(&counts, &mut random) < 0.05);
        }
        // Binomial of 400 at .05: between 6 and 34 with a probability of all but 1e-4.
        assert!((6..=34).contains(&rare), "{rare}");
    }

    #[test]
    fn nothing_is_no_evidence() {
        for counts in [&[][..], &[5], &[0, 0, 0]] {
            assert!(as_even(counts, &mut Random::new(1, 1)) >= 1.0);
        }
    }
}

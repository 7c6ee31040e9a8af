//! When requests come: intensities over the window of the log, and the inverse that turns even spacing into times of day.

use crate::num::{index, real, whole};
use crate::rng::Rng;

/// Milliseconds of an hour and a day.
pub(crate) const HOUR_MS: u64 = 3_600_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// The day of a kind of user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    /// Machines: every hour alike.
    Flat,
    /// Working hours, little at the weekend.
    Office,
    /// Consumers: mornings and, above all, evenings.
    Leisure,
    /// Scheduled jobs, at night.
    Night,
}

/// The kinds of day, in the order of [`Rhythms`].
const DAYS: [Day; 4] = [Day::Flat, Day::Office, Day::Leisure, Day::Night];

impl Day {
    /// Relative intensity of an hour of the local week (0 is Monday, midnight).
    fn weight(self, hour_of_week: u64) -> f64 {
        let (hour, weekend) = (hour_of_week % 24, hour_of_week / 24 % 7 >= 5);
        match self {
            Self::Flat => 1.0,
            Self::Office => {
                let weight = match hour {
                    9..=11 | 14..=16 => 1.0,
                    8 | 12 | 13 | 17 => 0.65,
                    7 | 18 => 0.3,
                    19..=22 => 0.12,
                    _ => 0.02,
                };
                if weekend { weight * 0.15 } else { weight }
            }
            Self::Leisure => {
                let weight = match hour {
                    19..=22 => 1.0,
                    12..=18 => 0.6,
                    8..=11 => 0.5,
                    23 | 7 => 0.4,
                    0 => 0.2,
                    _ => 0.06,
                };
                if weekend { weight * 1.3 } else { weight }
            }
            Self::Night => {
                if (1..=4).contains(&hour) {
                    1.0
                } else {
                    0.01
                }
            }
        }
    }
}

/// Cumulative intensity at break points of the window.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    /// (time in ms from the beginning, cumulative intensity), both ascending.
    points: Vec<(u64, f64)>,
}

impl Clock {
    /// Only inside these spans (ms from the beginning), each as likely as it is long.
    pub(crate) fn spans(spans: &[(u64, u64)]) -> Self {
        let (mut points, mut sum) = (Vec::new(), 0.0);
        for &(from, to) in spans {
            points.push((from, sum));
            sum += real(to.saturating_sub(from).max(1));
            points.push((to.max(from + 1), sum));
        }
        Self { points }
    }

    /// Cumulative intensity at a time.
    pub(crate) fn at(&self, time: u64) -> f64 {
        let i = self.points.partition_point(|&(t, _)| t <= time);
        match (i.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(i)) {
            (Some(&(t0, c0)), Some(&(t1, c1))) => c0 + (c1 - c0) * real(time - t0) / real((t1 - t0).max(1)),
            (Some(&(_, c)), None) => c,
            _ => 0.0,
        }
    }

    /// The time at which the cumulative intensity reaches `goal`.
    pub(crate) fn when(&self, goal: f64) -> u64 {
        let i = self.points.partition_point(|&(_, c)| c <= goal);
        match (i.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(i)) {
            (Some(&(t0, c0)), Some(&(t1, c1))) => t0 + whole((goal - c0) / (c1 - c0).max(1e-12) * real(t1 - t0)),
            (Some(&(t, _)), None) | (None, Some(&(t, _))) => t,
            (None, None) => 0,
        }
    }
}

/// The clocks of every kind of day in every time zone, over a window.
#[derive(Debug)]
pub(crate) struct Rhythms(Vec<Clock>);

impl Rhythms {
    /// Clocks over `days` days from `start_ms` (unix time).
    pub(crate) fn new(start_ms: u64, days: u64) -> Self {
        let mut clocks = Vec::new();
        for day in DAYS {
            for zone in 0..24 {
                let mut sum = 0.0;
                let mut points = Vec::with_capacity(index(days * 24 + 1));
                for hour in 0..=days * 24 {
                    points.push((hour * HOUR_MS, sum));
                    // 1970-01-01 was a Thursday: three days after a Monday.
                    sum += day.weight((start_ms / HOUR_MS + 72 + zone + hour) % 168);
                }
                clocks.push(Clock { points });
            }
        }
        Self(clocks)
    }

    /// How many clocks there are: the first free number for others.
    pub(crate) fn into_clocks(self) -> Vec<Clock> {
        self.0
    }
}

/// The number of the clock of a kind of day in a time zone.
pub(crate) fn clock_of(day: Day, zone: u64) -> usize {
    let kind = DAYS.iter().position(|&d| d == day).unwrap_or(0);
    kind * 24 + index(zone % 24)
}

/// A time zone as people are spread over the world: hours east of Greenwich.
pub(crate) fn zone(rng: &mut Rng) -> u64 {
    rng.pick(&[0, 1, 1, 1, 2, 2, 3, 4, 5, 5, 5, 7, 8, 8, 8, 8, 9, 9, 10, 16, 16, 17, 18, 19, 19, 19, 20, 21])
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Mean requests of a session.
    pub(crate) session: f64,
    /// Median milliseconds between the requests of a session.
    pub(crate) gap_ms: f64,
    /// Spread of that gap.
    pub(crate) spread: f64,
}

impl Pace {
    /// The gap to the next request of a session.
    pub(crate) fn gap(&self, rng: &mut Rng) -> u64 {
        whole(rng.lognormal(self.gap_ms, self.spread)).max(1)
    }

    /// About how many sessions `requests` requests make.
    pub(crate) fn sessions(&self, requests: u32) -> u64 {
        whole(f64::from(requests) / self.session.max(1.0)).max(1)
    }
}

/// Splits `total` by weights so that the parts add up to it exactly.
pub(crate) fn apportion(total: u64, weights: &[f64]) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    let (mut running, mut given) = (0.0, 0_u64);
    let n = weights.len();
    weights
        .iter()
        .enumerate()
        .map(|(i, weight)| {
            running += weight;
            let upto = if i + 1 == n { total } else { whole(real(total) * (running / sum.max(1e-12))).min(total) };
            let part = upto.saturating_sub(given);
            given += part;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_inverts_itself() {
        let clocks = Rhythms::new(1_790_000_000_000, 30).into_clocks();
        let clock = &clocks[clock_of(Day::Office, 7)];
        for hour in 0..720 {
            let time = hour * HOUR_MS + 1_234_567;
            if time < 30 * DAY_MS {
                assert!(clock.when(clock.at(time)).abs_diff(time) < 2_000, "hour {hour}");
            }
        }
    }

    #[test]
    fn parts_add_up() {
        let parts = apportion(1_000_003, &[0.1, 3.7, 0.0, 12.0, 1e-9]);
        assert_eq!(parts.iter().sum::<u64>(), 1_000_003);
        assert_eq!(parts.len(), 5);
    }
}

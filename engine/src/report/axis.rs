//! The time axis of a report: all its timelines share one, so that they can be compared and drawn alike.

use serde::Serialize;

use crate::num;

/// A time axis of equal buckets; bucket `i` covers `start_ms + i * bucket_ms` up to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Axis {
    /// Start of the first bucket: a full hour or day in UTC.
    pub start_ms: i64,
    /// Width of a bucket: at least an hour, and more than zero.
    pub bucket_ms: i64,
    /// How many buckets there are; at most [`Axis::BUCKETS_MAX`].
    pub bucket_count: usize,
}

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

impl Default for Axis {
    fn default() -> Self {
        Self { start_ms: 0, bucket_ms: HOUR_MS, bucket_count: 0 }
    }
}

impl Axis {
    /// Buckets of one axis: what a chart can show, and what a timeline may cost per family.
    pub const BUCKETS_MAX: usize = 128;

    /// The finest axis of hours, days or multiples of days that covers `first_ms..=last_ms` in at most
    /// [`Axis::BUCKETS_MAX`] buckets. `last_ms` before `first_ms` gives an empty axis.
    #[must_use]
    pub fn covering(first_ms: i64, last_ms: i64) -> Self {
        if last_ms < first_ms {
            return Self::default();
        }
        for hours in [1, 2, 3, 6, 12, 24, 48, 7 * 24, 28 * 24] {
            if let Some(axis) = Self::of_width(first_ms, last_ms, hours * HOUR_MS) {
                return axis;
            }
        }
        // Beyond nine years: as wide as it takes, in whole days.
        let span = i128::from(last_ms) - i128::from(first_ms);
        let days = span / i128::from(24 * HOUR_MS * 100) + 1;
        let width = i64::try_from(days * i128::from(24 * HOUR_MS)).unwrap_or(i64::MAX);
        Self::of_width(first_ms, last_ms, width).unwrap_or_default()
    }

    /// The axis of buckets of `bucket_ms`, or `None` when there would be too many.
    fn of_width(first_ms: i64, last_ms: i64, bucket_ms: i64) -> Option<Self> {
        let start_ms = first_ms.checked_sub(first_ms.rem_euclid(bucket_ms)).unwrap_or(first_ms);
        let count = (i128::from(last_ms) - i128::from(start_ms)) / i128::from(bucket_ms) + 1;
        let bucket_count = usize::try_from(count).ok().filter(|&count| count <= Self::BUCKETS_MAX)?;
        Some(Self { start_ms, bucket_ms, bucket_count })
    }

    /// The bucket of a time, or `None` outside of the axis.
    #[must_use]
    pub fn bucket(&self, time_ms: i64) -> Option<usize> {
        let offset = time_ms.checked_sub(self.start_ms).filter(|&offset| offset >= 0)?;
        let bucket = num::usize_of_u64(u64::try_from(offset.checked_div(self.bucket_ms)?).ok()?)?;
        (bucket < self.bucket_count).then_some(bucket)
    }

    /// A timeline of zeros.
    #[must_use]
    pub fn timeline(&self) -> Vec<u32> {
        vec![0; self.bucket_count]
    }

    /// Counts one request at `time_ms`; a time outside of the axis is not counted.
    pub fn count(&self, timeline: &mut [u32], time_ms: i64) {
        if let Some(count) = self.bucket(time_ms).and_then(|bucket| timeline.get_mut(bucket)) {
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_covers_its_period_and_nothing_else() {
        for (days, width_hours) in [(0, 1), (5, 1), (6, 2), (30, 6), (45, 12), (90, 24), (239, 48), (2000, 28 * 24)] {
            let first = 1_780_000_000_123;
            let last = first + days * 24 * HOUR_MS;
            let axis = Axis::covering(first, last);
            assert_eq!(axis.bucket_ms, width_hours * HOUR_MS, "{days} days");
            assert_eq!(axis.start_ms % axis.bucket_ms, 0);
            assert_eq!(axis.bucket(first), Some(0));
            assert_eq!(axis.bucket(last), Some(axis.bucket_count - 1));
            assert_eq!(axis.bucket(axis.start_ms - 1), None);
            assert_eq!(axis.bucket(last + axis.bucket_ms), None);
        }
    }

    #[test]
    fn no_period_breaks_the_axis() {
        for (first, last) in [(i64::MIN, i64::MAX), (i64::MIN, i64::MIN), (i64::MAX, i64::MAX), (0, i64::MAX), (5, 4)] {
            let axis = Axis::covering(first, last);
            assert!(axis.bucket_count <= Axis::BUCKETS_MAX);
            let mut timeline = axis.timeline();
            axis.count(&mut timeline, first);
            axis.count(&mut timeline, last);
        }
        assert_eq!(Axis::default().bucket(0), None);
    }
}

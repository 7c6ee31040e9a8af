//! Typed views of section bytes: little-endian, fixed width, bounds checked once when the view is made.

use std::borrow::Cow;

use zerocopy::FromBytes;

use crate::num::{bytes_at, u64_of, usize_of};

/// Values of a fixed width that a column can hold.
pub trait Value: Copy + 'static {
    /// Bytes of one value.
    const BYTES: usize;
    /// Reads a value from exactly `BYTES` bytes.
    fn read(bytes: &[u8]) -> Self;
    /// Appends the value.
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! value {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            const BYTES: usize = size_of::<$kind>();
            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                bytes_at(bytes, 0).map_or(0, Self::from_le_bytes)
            }
            #[inline(always)]
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
value!(u8, u16, u32, u64, i64, u128);

/// A column of `T` over the bytes of a section.
#[derive(Debug)]
pub struct Column<'a, T> {
    bytes: &'a [u8],
    kind: std::marker::PhantomData<T>,
}

impl<T> Clone for Column<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<'_, T> {}

impl<'a, T: Value> Column<'a, T> {
    /// Views `bytes` as a column, or `None` when they are not a whole number of values.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(T::BYTES).then_some(Self { bytes, kind: std::marker::PhantomData })
    }

    /// Number of values.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() / T::BYTES
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The value at `index`, or `None` past the end.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        let start = index.checked_mul(T::BYTES)?;
        self.bytes.get(start..start + T::BYTES).map(T::read)
    }

    /// Asks the CPU to fetch the value at `index`, which will be read soon.
    #[inline]
    pub fn prefetch(&self, index: usize) {
        if let Some(byte) = index.checked_mul(T::BYTES).and_then(|start| self.bytes.get(start)) {
            crate::simd::prefetch(byte);
        }
    }

    /// The values from `start` on, before `end`; none past the end of the column.
    #[must_use]
    #[inline]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let bytes = start.checked_mul(T::BYTES).zip(end.checked_mul(T::BYTES));
        let bytes = bytes.and_then(|(start, end)| self.bytes.get(start..end)).unwrap_or(&[]);
        Self { bytes, kind: self.kind }
    }

    /// All values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + 'a {
        self.bytes.chunks_exact(T::BYTES).map(T::read)
    }
}

impl<'a> Column<'a, u32> {
    /// The values as a slice: the bytes themselves where they lie as this machine has numbers in memory, else a copy.
    #[must_use]
    pub fn values(&self) -> Cow<'a, [u32]> {
        match <[u32]>::ref_from_bytes(self.bytes) {
            Ok(values) if cfg!(target_endian = "little") => Cow::Borrowed(values),
            _ => Cow::Owned(self.iter().collect()),
        }
    }
}

/// The bytes of a column of `values`.
#[must_use]
pub fn encode<T: Value>(values: impl IntoIterator<Item = T>) -> Vec<u8> {
    let values = values.into_iter();
    let mut out = Vec::with_capacity(values.size_hint().0 * T::BYTES);
    for value in values {
        value.write(&mut out);
    }
    out
}

/// Whether `starts` are offsets that never fall and end at `end`: then every slice between two of them is inside.
#[must_use]
pub fn is_partition(starts: Column<'_, u32>, end: usize) -> bool {
    let mut last = 0;
    for (index, start) in starts.iter().enumerate() {
        if (index == 0 && start != 0) || start < last {
            return false;
        }
        last = start;
    }
    !starts.is_empty() && u64::from(last) == u64_of(end)
}

/// Which of `end` values belong to a row, by where the rows start; `None` where that is no range of them.
#[must_use]
pub fn span(starts: Column<'_, u32>, row: usize, end: usize) -> Option<std::ops::Range<usize>> {
    let (from, to) = (usize_of(starts.get(row)?), usize_of(starts.get(row.checked_add(1)?)?));
    (from <= to && to <= end).then_some(from..to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_gives_back_what_was_encoded_and_nothing_past_its_end() {
        let bytes = encode([1_u32, 7, u32::MAX]);
        let column = Column::<u32>::new(&bytes).expect("whole values");
        assert_eq!(column.iter().collect::<Vec<_>>(), [1, 7, u32::MAX]);
        assert_eq!(column.get(2), Some(u32::MAX));
        assert_eq!(column.get(3), None);
        assert_eq!(column.get(usize::MAX), None);
        // Wherever they lie in memory: at one of four places they can be lent.
        let mut lent = 0;
        for shift in 0..4 {
            let shifted = [&vec![9; shift], &bytes[..]].concat();
            let column = Column::<u32>::new(&shifted[shift..]).expect("whole values");
            assert_eq!(*column.values(), [1, 7, u32::MAX]);
            assert_eq!(*column.slice(1, 3).values(), [7, u32::MAX]);
            assert!(column.slice(3, 4).values().is_empty());
            let address = shifted[shift..].as_ptr().addr();
            let is_lent = matches!(column.values(), Cow::Borrowed(_));
            assert_eq!(is_lent, address.is_multiple_of(4) && cfg!(target_endian = "little"));
            lent += usize::from(is_lent);
        }
        assert!(lent > 0 || cfg!(target_endian = "big"), "allocations lie at multiples of four");
        assert!(Column::<u32>::new(&bytes[1..]).is_none());
    }

    #[test]
    fn starts_that_fall_or_end_elsewhere_are_no_partition() {
        for (starts, end, expected) in [
            (vec![0_u32, 2, 2, 5], 5, true),
            (vec![0, 3, 2, 5], 5, false),
            (vec![0, 2], 5, false),
            (vec![1, 5], 5, false),
            (vec![], 0, false),
        ] {
            let bytes = encode(starts.iter().copied());
            let column = Column::<u32>::new(&bytes).expect("whole values");
            assert_eq!(is_partition(column, end), expected, "{starts:?}");
            if expected {
                assert_eq!(span(column, 1, end), Some(2..2));
            }
            assert_eq!(span(column, 2, 1), None, "past the end");
            assert_eq!(span(column, usize::MAX, end), None);
        }
    }
}

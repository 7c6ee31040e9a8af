//! Checked conversions and little-endian reads; the only home of `as`, so that every lossy cast can be audited here.
#![allow(clippy::as_conversions)]

/// Widens an index; every platform this crate supports has at least 32-bit addresses.
#[inline(always)]
#[must_use]
pub const fn usize_of(n: u32) -> usize {
    n as usize
}

/// Widens a 64-bit length from a file, or `None` where the platform cannot address it.
#[inline(always)]
#[must_use]
pub fn usize_of_u64(n: u64) -> Option<usize> {
    usize::try_from(n).ok()
}

/// Narrows a count to 32 bits, or `None` when it does not fit.
#[inline(always)]
#[must_use]
pub fn u32_of(n: usize) -> Option<u32> {
    u32::try_from(n).ok()
}

/// Narrows a count to 32 bits; a larger one becomes `u32::MAX`.
#[inline(always)]
#[must_use]
pub fn u32_saturating(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Widens a length to the fixed width that files use.
#[inline(always)]
#[must_use]
pub const fn u64_of(n: usize) -> u64 {
    n as u64
}

/// The low 32 bits.
#[inline(always)]
#[must_use]
pub const fn low32(n: u64) -> u32 {
    n as u32
}

/// The high 32 bits.
#[inline(always)]
#[must_use]
pub const fn high32(n: u64) -> u32 {
    (n >> 32) as u32
}

/// The low 16 bits.
#[inline(always)]
#[must_use]
pub const fn low16(n: u32) -> u16 {
    n as u16
}

/// The low 8 bits.
#[inline(always)]
#[must_use]
pub const fn low8(n: u32) -> u8 {
    n as u8
}

/// The high half.
#[must_use]
pub const fn high64(n: u128) -> u64 {
    (n >> 64) as u64
}

/// The low 64 bits.
#[inline(always)]
#[must_use]
pub const fn low64(n: u128) -> u64 {
    n as u64
}

/// The nearest double; counts below 2^53 are exact.
#[inline(always)]
#[must_use]
pub const fn f64_of(n: usize) -> f64 {
    n as f64
}

/// The nearest double; counts below 2^53 are exact.
#[inline(always)]
#[must_use]
pub const fn f64_of_u64(n: u64) -> f64 {
    n as f64
}

/// The nearest double; times below 2^53 are exact.
#[inline(always)]
#[must_use]
pub const fn f64_of_i64(n: i64) -> f64 {
    n as f64
}

/// Widens a single; exact.
#[inline(always)]
#[must_use]
pub const fn f64_of_f32(n: f32) -> f64 {
    n as f64
}

/// Rounds to the nearest single.
#[inline(always)]
#[must_use]
pub const fn f32_of(n: f64) -> f32 {
    n as f32
}

/// The nearest single; counts below 2^24 are exact.
#[inline(always)]
#[must_use]
pub const fn f32_of_u32(n: u32) -> f32 {
    n as f32
}

/// Truncates towards zero; negative and NaN become 0, too large becomes the maximum.
#[inline(always)]
#[must_use]
pub const fn u32_of_f32(n: f32) -> u32 {
    n as u32
}

/// Truncates towards zero; negative and NaN become 0, too large becomes the maximum.
#[inline(always)]
#[must_use]
pub const fn u64_of_f64(n: f64) -> u64 {
    n as u64
}

/// Truncates towards zero; NaN becomes 0, values out of range the nearest bound.
#[inline(always)]
#[must_use]
pub const fn i64_of_f64(n: f64) -> i64 {
    n as i64
}

/// Truncates towards zero; negative and NaN become 0, too large becomes the maximum.
#[inline(always)]
#[must_use]
pub const fn usize_of_f64(n: f64) -> usize {
    n as usize
}

/// Truncates towards zero; negative and NaN become 0, too large becomes the maximum.
#[inline(always)]
#[must_use]
pub const fn u32_of_f64(n: f64) -> u32 {
    n as u32
}

/// The first `N` bytes from `offset`, or `None` past the end.
#[inline]
#[must_use]
pub fn bytes_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

/// A little-endian `u16` at `offset`, or `None` past the end.
#[inline]
#[must_use]
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes_at(bytes, offset).map(u16::from_le_bytes)
}

/// A little-endian `u32` at `offset`, or `None` past the end.
#[inline]
#[must_use]
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes_at(bytes, offset).map(u32::from_le_bytes)
}

/// A little-endian `u64` at `offset`, or `None` past the end.
#[inline]
#[must_use]
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes_at(bytes, offset).map(u64::from_le_bytes)
}

//! From a caller's floats to integers, without asking the CPU to round.

use super::CODE_BITS;
use super::rotate::RotationKeys;
use crate::error::{Error, Result};
use crate::num::{low32, u64_of};

/// The longest vector taken; the largest models in use have some 16,000 numbers.
const NUMBERS_MAX: usize = 1 << 16;

/// Bits of the largest number of a vector in fixed point.
const FIXED_BITS: i32 = 20;

/// Adds `vector` to `sums`, scaled so that its largest number has [`FIXED_BITS`] bits. A vector longer than a code is folded:
/// each number is added or subtracted by a sign of its own, which keeps angles but for a little noise.
pub(super) fn add_vector(vector: &[f32], keys: &RotationKeys, sums: &mut [i32; CODE_BITS]) -> Result<()> {
    let wrong = |reason: &str| Error::InvalidArgument { argument: "vector", reason: reason.to_owned() };
    if vector.is_empty() || vector.len() > NUMBERS_MAX {
        return Err(wrong("a vector has 1 to 65,536 numbers"));
    }
    if vector.iter().any(|number| !number.is_finite()) {
        return Err(wrong("a number is not finite"));
    }
    let Some(top) = vector.iter().filter(|&&number| number != 0.0).map(|&number| exponent(number)).max() else {
        return Err(wrong("all numbers are zero"));
    };
    for (at, number) in (0..).zip(vector) {
        let fixed = fixed_point(*number, top);
        let flip = at >= CODE_BITS && flips(keys.long, u64_of(at));
        if let Some(sum) = sums.get_mut(at % CODE_BITS) {
            *sum += if flip { -fixed } else { fixed };
        }
    }
    Ok(())
}

/// The exponent of a finite number: its top bit stands for 2^exponent, or below for numbers that are not normal.
pub(super) fn exponent(number: f32) -> i32 {
    ((number.to_bits() >> 23) & 0xff).cast_signed()
}

/// The number times 2^([`FIXED_BITS`] - 1 - `top`), cut towards zero: shifts of the bits as they are stored.
pub(super) fn fixed_point(number: f32, top: i32) -> i32 {
    let bits = number.to_bits();
    let implicit = if exponent(number) == 0 { 0 } else { 1 << 23 };
    let digits = ((bits & 0x007f_ffff) | implicit).cast_signed();
    let below = (top - exponent(number)) + (24 - FIXED_BITS);
    let size = if below < 24 { digits >> below } else { 0 };
    if bits >> 31 == 0 { size } else { -size }
}

/// A random sign for the number at `at`, drawn from the key.
pub(super) fn flips(key: u64, at: u64) -> bool {
    let product = u128::from(at.wrapping_add(key)) * u128::from(key);
    low32(crate::num::low64(product >> 61)) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::SketchSeed;
    use super::super::{Embedder, cosine_of_unequal_bits};
    use super::*;
    use crate::simd::Kernels;

    #[test]
    fn fixed_point_keeps_the_leading_bits() {
        let top = exponent(1.0);
        assert_eq!(fixed_point(1.0, top), 1 << 19);
        assert_eq!(fixed_point(-0.5, top), -(1 << 18));
        assert_eq!(fixed_point(0.0, top), 0);
        assert_eq!(fixed_point(f32::MIN_POSITIVE, top), 0);
        let exact = 0.3_f32 * crate::num::f32_of_u32(1 << 19);
        assert_eq!(fixed_point(0.3, top), 157_286, "{exact}");
    }

    #[test]
    fn codes_estimate_the_cosine() {
        let embedder = Embedder::new(&SketchSeed::new([1; 32]), Kernels::detect());
        for dimensions in [2, 256, 1024, 3000] {
            for degrees in [0.0_f64, 20.0, 60.0, 90.0, 180.0] {
                // Two orthogonal directions, spread over all numbers.
                let at = |i: usize, angle: f64| {
                    let (first, second) = if i.is_multiple_of(2) { (1.0, 0.0) } else { (0.0, 1.0) };
                    crate::num::f32_of(first * angle.cos() + second * angle.sin())
                };
                let a: Vec<f32> = (0..dimensions).map(|i| at(i, 0.0)).collect();
                let b: Vec<f32> = (0..dimensions).map(|i| 7.5 * at(i, degrees.to_radians())).collect();
                let (Ok(a), Ok(b)) = (embedder.code_of_vector(&a), embedder.code_of_vector(&b)) else {
                    panic!("a finite vector has a code")
                };
                let cosine = cosine_of_unequal_bits(Kernels::detect().hamming(&a.0, &b.0));
                let exact = crate::num::f32_of(degrees.to_radians().cos());
                assert!((cosine - exact).abs() < 0.2, "{dimensions} numbers, {degrees} degrees: {cosine} for {exact}");
            }
        }
    }

    #[test]
    fn vectors_that_have_no_direction_are_refused() {
        let embedder = Embedder::new(&SketchSeed::new([1; 32]), Kernels::detect());
        for vector in [&[][..], &[0.0, -0.0], &[f32::NAN], &[1.0, f32::INFINITY], &vec![1.0; NUMBERS_MAX + 1]] {
            assert!(embedder.code_of_vector(vector).is_err());
        }
    }
}

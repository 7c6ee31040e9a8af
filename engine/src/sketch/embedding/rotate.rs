//! The random rotation of 1024 integers, and the signs of what comes out.

use super::{CODE_BITS, CODE_BYTES, EmbeddingCode};
use crate::num::{low32, usize_of};
use crate::simd::{Inlined, Kernels, Loop, dispatch};

/// Sign flips and transforms one after the other. One would leave a text of few words with few different sums.
const ROUNDS: usize = 2;

/// The square roots of 0 to 255, 256-fold.
const ROOTS: [i32; 256] = {
    let mut roots = [0; 256];
    let mut i = 0;
    while i < 256 {
        // The root of i * 2^16, by counting up from that of i - 1: the roots ascend.
        let mut root: i32 = if i == 0 { 0 } else { roots[i - 1] };
        let mut square = 0;
        let mut k = 0;
        while k < i {
            square += 1 << 16;
            k += 1;
        }
        while (root + 1) * (root + 1) <= square {
            root += 1;
        }
        roots[i] = root;
        i += 1;
    }
    roots
};

/// Where the signs flip: 0 or -1 for each number of each round.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct RotationKeys {
    flips: [[i32; CODE_BITS]; ROUNDS],
    /// Draws the signs of vectors longer than a code.
    pub(super) long: u64,
}

impl RotationKeys {
    /// Keys from uniform random words.
    pub(super) fn from_words(words: &mut impl Iterator<Item = u64>) -> Self {
        let mut bits = 0;
        let mut left = 0;
        let mut flip = || {
            if left == 0 {
                bits = words.next().unwrap_or(0);
                left = 64;
            }
            left -= 1;
            let flip = -(low32(bits) & 1).cast_signed();
            bits >>= 1;
            flip
        };
        let flips = std::array::from_fn(|_| std::array::from_fn(|_| flip()));
        Self { flips, long: words.next().unwrap_or(1) | 1 }
    }
}

/// Whether sums are brought to their square root first: sums of words are, numbers of a model are not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Damp {
    Yes,
    No,
}

/// Rotates `sums`, which are below 2^30 each, and takes the signs.
pub(super) fn code(sums: &mut [i32; CODE_BITS], damp: Damp, keys: &RotationKeys, kernels: Kernels) -> EmbeddingCode {
    // Integers alone: whatever instructions the compiler makes of the loop at a level, the bits are the same.
    dispatch(kernels, Rotate { sums, damp, keys })
}

/// The arguments of [`code`], as the loop that `simd` compiles for each level.
struct Rotate<'a> {
    sums: &'a mut [i32; CODE_BITS],
    damp: Damp,
    keys: &'a RotationKeys,
}

impl Loop for Rotate<'_> {
    type Output = EmbeddingCode;

    #[inline(always)]
    fn run<K: Inlined>(self, _: K) -> EmbeddingCode {
        let Self { sums, damp, keys } = self;
        if damp == Damp::Yes {
            for sum in sums.iter_mut() {
                *sum = damped(*sum);
            }
        }
        for flips in &keys.flips {
            for (sum, flip) in sums.iter_mut().zip(flips) {
                *sum = (*sum ^ flip) - flip;
            }
            make_room(sums);
            hadamard(sums);
        }
        let mut code = [0; CODE_BYTES];
        for (byte, sums) in code.iter_mut().zip(sums.as_chunks::<8>().0) {
            let mut bits = 0;
            for (sum, at) in sums.iter().zip(0..) {
                bits |= u8::from(*sum > 0) << at;
            }
            *byte = bits;
        }
        EmbeddingCode(code)
    }
}

/// A sum's square root, 256-fold, with its sign: from a table up to 255, beyond it of the four leading bits pairs.
#[inline(always)]
fn damped(sum: i32) -> i32 {
    let size = sum.unsigned_abs();
    // Most sums of most texts are small; asking first spares them the rest.
    if let Some(&root) = ROOTS.get(usize_of(size)) {
        return if sum < 0 { -root } else { root };
    }
    // An even shift that leaves 64 to 255, so that half of it belongs to the root.
    let shift = ((32 - size.leading_zeros()).saturating_sub(8) + 1) & !1;
    let root = ROOTS.get(usize_of(size >> shift)).map_or(0, |root| root << (shift / 2));
    if sum < 0 { -root } else { root }
}

/// Scales the numbers down until the transform, whose results are at most the sum of all sizes, fits.
#[inline(always)]
fn make_room(sums: &mut [i32; CODE_BITS]) {
    let total: u64 = sums.iter().map(|sum| u64::from(sum.unsigned_abs())).sum();
    let shift = (64 - total.leading_zeros()).saturating_sub(30);
    if shift > 0 {
        for sum in sums.iter_mut() {
            *sum >>= shift;
        }
    }
}

/// The side of the numbers laid out as a square.
const SIDE: usize = 32;

/// The Walsh-Hadamard transform, not scaled, its results transposed as a square of 32 by 32; which number comes where does
/// not matter to a random rotation, and so every step is a sum and a difference of whole rows.
#[inline(always)]
fn hadamard(sums: &mut [i32; CODE_BITS]) {
    hadamard_of_rows(sums);
    let before = *sums;
    for (row, at) in sums.as_chunks_mut::<SIDE>().0.iter_mut().zip(0..SIDE) {
        for (to, from) in row.iter_mut().zip(before.as_chunks::<SIDE>().0) {
            *to = from[at];
        }
    }
    hadamard_of_rows(sums);
}

/// The transform down each column of the square.
#[inline(always)]
fn hadamard_of_rows(sums: &mut [i32; CODE_BITS]) {
    // Told the length, the compiler unrolls all of it into 10,000 instructions that shuffle; asked, it makes plain loops.
    let length = std::hint::black_box(CODE_BITS);
    let mut half = SIDE;
    while half < length {
        for pair in sums.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_close_over_the_whole_range() {
        for exponent in 0..30 {
            for sum in [(1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1] {
                let exact = f64::from(sum).sqrt() * 256.0;
                let root = f64::from(damped(sum));
                assert!(root <= exact + 0.5 && root >= exact * 0.99 - 1.0, "{sum}: {root} for {exact}");
                assert_eq!(damped(-sum), -damped(sum));
            }
        }
    }

    #[test]
    fn the_transform_twice_is_the_same_1024_fold() {
        let mut sums: [i32; CODE_BITS] = std::array::from_fn(|i| (i * i % 97).try_into().unwrap_or(0));
        let before = sums;
        hadamard(&mut sums);
        hadamard(&mut sums);
        assert!(sums.iter().zip(before).all(|(after, before)| *after == before * 1024));
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let mut sums = [(1 << 30) - 1; CODE_BITS];
        make_room(&mut sums);
        hadamard(&mut sums);
        assert!(sums[0] > 0);
    }
}

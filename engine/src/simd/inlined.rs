//! Kernels that stand inside a caller's loop: the loop is compiled once per level, with the kernel inlined into it.
//!
//! A graph search computes some 500 distances of 2 ns each; a call through a table would cost as much again, and would
//! keep the loads of several distances from overlapping. So here the *loop* is dispatched and the kernel is inlined.
#![allow(unsafe_code)]

use super::{Kernels, Level};

/// What each of 64 bytes is, a bit each, the first byte lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    /// ASCII letters.
    pub letters: u64,
    /// ASCII digits.
    pub digits: u64,
    /// Bytes that are not ASCII.
    pub high: u64,
}

/// The kernels of one level, as a value that only [`dispatch`] can make.
pub trait Inlined: Copy {
    /// How many of 128 bytes differ.
    fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32;
    /// How many of 1024 bits differ.
    fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32;
    /// Which of 64 bytes are letters, digits, or not ASCII.
    fn classes(self, bytes: &[u8; 64]) -> Classes;
}

/// A loop over kernels; `run` and all it calls must be `#[inline(always)]`, else it is compiled for the lowest level and
/// is slow (but right).
pub trait Loop {
    /// What the loop returns.
    type Output;
    /// The loop, with the kernels of one level.
    fn run<K: Inlined>(self, kernel: K) -> Self::Output;
}

/// Runs the loop, compiled for the level of `kernels`.
pub fn dispatch<L: Loop>(kernels: Kernels, body: L) -> L::Output {
    match kernels.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Kernels` of this level are handed out by `Kernels::for_level` alone, after it found AVX-512 as listed.
        Level::Avx512 => unsafe { x86_64::run_avx512(body) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Kernels` of this level are handed out by `Kernels::for_level` alone, after it found AVX2 and POPCNT.
        Level::Avx2 => unsafe { x86_64::run_avx2(body) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => body.run(aarch64::Neon(())),
        _ => body.run(Scalar),
    }
}

/// The definition, with words in place of bytes where the compiler would not see it.
#[derive(Clone, Copy)]
struct Scalar;

impl Inlined for Scalar {
    #[inline(always)]
    fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
        super::scalar::unequal_bytes(a, b)
    }

    #[inline(always)]
    fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
        hamming_words(a, b)
    }

    #[inline(always)]
    fn classes(self, bytes: &[u8; 64]) -> Classes {
        super::scalar::classes(bytes)
    }
}

/// Sixteen words; with POPCNT one instruction each.
#[inline(always)]
fn hamming_words(a: &[u8; 128], b: &[u8; 128]) -> u32 {
    let (a, _) = a.as_chunks::<8>();
    let (b, _) = b.as_chunks::<8>();
    a.iter().zip(b).map(|(a, b)| (u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b)).count_ones()).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{Classes, Inlined, Loop, hamming_words};
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set1_epi8, _mm256_sub_epi8, _mm512_add_epi64, _mm512_cmple_epu8_mask,
        _mm512_cmpneq_epi8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512, _mm512_popcnt_epi64,
        _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_sub_epi8, _mm512_xor_si512,
    };

    /// `a` to `z` and `0` to `9`, as vectors have bytes; and what makes letters lower case.
    const A: i8 = 0x61;
    const ZERO: i8 = 0x30;
    const LOWER: i8 = 0x20;

    /// # Safety
    /// The CPU must have the features named.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn run_avx512<L: Loop>(body: L) -> L::Output {
        body.run(Avx512(()))
    }

    /// # Safety
    /// The CPU must have the features named.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) unsafe fn run_avx2<L: Loop>(body: L) -> L::Output {
        body.run(Avx2(()))
    }

    /// Two vectors of 64 bytes.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512(());

    /// The vector at byte `64 * part` of a sketch.
    #[inline(always)]
    fn load512(_proof: Avx512, bytes: &[u8; 128], part: usize) -> __m512i {
        let (parts, _) = bytes.as_chunks::<64>();
        // SAFETY: the chunk is 64 bytes, the load is unaligned, and an `Avx512` exists only inside `run_avx512`.
        unsafe { _mm512_loadu_si512(parts[part].as_ptr().cast()) }
    }

    impl Inlined for Avx512 {
        #[inline(always)]
        fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            let (a0, a1) = (load512(self, a, 0), load512(self, a, 1));
            let (b0, b1) = (load512(self, b, 0), load512(self, b, 1));
            // SAFETY: no memory is touched, and an `Avx512` exists only inside `run_avx512`.
            unsafe { _mm512_cmpneq_epi8_mask(a0, b0).count_ones() + _mm512_cmpneq_epi8_mask(a1, b1).count_ones() }
        }

        #[inline(always)]
        #[allow(clippy::as_conversions, reason = "a count of at most 1024 bits")]
        fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            let (a0, a1) = (load512(self, a, 0), load512(self, a, 1));
            let (b0, b1) = (load512(self, b, 0), load512(self, b, 1));
            // SAFETY: no memory is touched, and an `Avx512` exists only inside `run_avx512`.
            unsafe {
                let counts = _mm512_add_epi64(
                    _mm512_popcnt_epi64(_mm512_xor_si512(a0, b0)),
                    _mm512_popcnt_epi64(_mm512_xor_si512(a1, b1)),
                );
                _mm512_reduce_add_epi64(counts) as u32
            }
        }

        #[inline(always)]
        fn classes(self, bytes: &[u8; 64]) -> Classes {
            // SAFETY: the load is of 64 bytes and unaligned, and an `Avx512` exists only inside `run_avx512`.
            unsafe {
                let bytes = _mm512_loadu_si512(bytes.as_ptr().cast());
                let lower = _mm512_or_si512(bytes, _mm512_set1_epi8(LOWER));
                let letter = _mm512_sub_epi8(lower, _mm512_set1_epi8(A));
                let digit = _mm512_sub_epi8(bytes, _mm512_set1_epi8(ZERO));
                Classes {
                    letters: _mm512_cmple_epu8_mask(letter, _mm512_set1_epi8(25)),
                    digits: _mm512_cmple_epu8_mask(digit, _mm512_set1_epi8(9)),
                    high: _mm512_movepi8_mask(bytes),
                }
            }
        }
    }

    /// Four vectors of 32 bytes; bits are counted a word at a time, which is as fast as a table in registers.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    /// The vector at byte `32 * part` of a sketch.
    #[inline(always)]
    fn load256(_proof: Avx2, bytes: &[u8; 128], part: usize) -> __m256i {
        let (parts, _) = bytes.as_chunks::<32>();
        // SAFETY: the chunk is 32 bytes, the load is unaligned, and an `Avx2` exists only inside `run_avx2`.
        unsafe { _mm256_loadu_si256(parts[part].as_ptr().cast()) }
    }

    impl Inlined for Avx2 {
        #[inline(always)]
        fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            let equal: u32 = (0..4)
                .map(|part| {
                    let (a, b) = (load256(self, a, part), load256(self, b, part));
                    // SAFETY: no memory is touched, and an `Avx2` exists only inside `run_avx2`.
                    unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)).count_ones() }
                })
                .sum();
            128 - equal
        }

        #[inline(always)]
        fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            hamming_words(a, b)
        }

        #[inline(always)]
        fn classes(self, bytes: &[u8; 64]) -> Classes {
            let halves = bytes.as_chunks::<32>().0;
            // SAFETY: each load is of 32 bytes and unaligned, and an `Avx2` exists only inside `run_avx2`.
            let [low, high] = [0, 1].map(|half| unsafe {
                let bytes = _mm256_loadu_si256(halves[half].as_ptr().cast());
                let up_to =
                    |x, most| _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(most)), x));
                let lower = _mm256_or_si256(bytes, _mm256_set1_epi8(LOWER));
                let letters = up_to(_mm256_sub_epi8(lower, _mm256_set1_epi8(A)), 25);
                let digits = up_to(_mm256_sub_epi8(bytes, _mm256_set1_epi8(ZERO)), 9);
                [letters, digits, _mm256_movemask_epi8(bytes)].map(|mask| u64::from(mask.cast_unsigned()))
            });
            let both = |class: usize| low[class] | high[class] << 32;
            Classes { letters: both(0), digits: both(1), high: both(2) }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::{Classes, Inlined};
    use std::arch::aarch64::{
        uint8x16_t, vaddlvq_u8, vaddq_u8, vandq_u8, vceqq_u8, vcgeq_u8, vcleq_u8, vcntq_u8, vdupq_n_u8, veorq_u8,
        vgetq_lane_u64, vld1q_u8, vorrq_u8, vpaddq_u8, vreinterpretq_u64_u8, vsubq_u8,
    };

    /// Eight vectors of 16 bytes. NEON is part of every AArch64 target, so any loop may use it.
    #[derive(Clone, Copy)]
    pub(super) struct Neon(pub(super) ());

    /// The vector at byte `16 * part` of a sketch.
    #[inline(always)]
    fn load(bytes: &[u8; 128], part: usize) -> uint8x16_t {
        let (parts, _) = bytes.as_chunks::<16>();
        // SAFETY: the chunk is 16 bytes, and NEON is part of the target.
        unsafe { vld1q_u8(parts[part].as_ptr()) }
    }

    impl Inlined for Neon {
        #[inline(always)]
        fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            // SAFETY: no memory is touched, and NEON is part of the target.
            let mut equal = unsafe { vdupq_n_u8(0) };
            for part in 0..8 {
                // An equal byte compares to 255, which is one less than 0: eight at most, so no byte overflows.
                // SAFETY: no memory is touched, and NEON is part of the target.
                equal = unsafe { vsubq_u8(equal, vceqq_u8(load(a, part), load(b, part))) };
            }
            // SAFETY: no memory is touched, and NEON is part of the target.
            128 - u32::from(unsafe { vaddlvq_u8(equal) })
        }

        #[inline(always)]
        fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
            // SAFETY: no memory is touched, and NEON is part of the target.
            let mut counts = unsafe { vdupq_n_u8(0) };
            for part in 0..8 {
                // Eight bits a vector, eight vectors: 64 at most, so no byte overflows.
                // SAFETY: no memory is touched, and NEON is part of the target.
                counts = unsafe { vaddq_u8(counts, vcntq_u8(veorq_u8(load(a, part), load(b, part)))) };
            }
            // SAFETY: no memory is touched, and NEON is part of the target.
            u32::from(unsafe { vaddlvq_u8(counts) })
        }

        #[inline(always)]
        fn classes(self, bytes: &[u8; 64]) -> Classes {
            let quarters = bytes.as_chunks::<16>().0;
            // SAFETY: each load is of 16 bytes, and NEON is part of the target.
            let found = [0, 1, 2, 3].map(|part| unsafe {
                let bytes = vld1q_u8(quarters[part].as_ptr());
                let letter = vsubq_u8(vorrq_u8(bytes, vdupq_n_u8(0x20)), vdupq_n_u8(b'a'));
                let digit = vsubq_u8(bytes, vdupq_n_u8(b'0'));
                let high = vcgeq_u8(bytes, vdupq_n_u8(0x80));
                [vcleq_u8(letter, vdupq_n_u8(25)), vcleq_u8(digit, vdupq_n_u8(9)), high]
            });
            let mask = |class: usize| mask(found.map(|part| part[class]));
            Classes { letters: mask(0), digits: mask(1), high: mask(2) }
        }
    }

    /// A bit for each of 64 bytes that are 0 or 255: each byte keeps the bit of its place in eight, and neighbours are
    /// added three times, which puts eight bytes into one.
    #[inline(always)]
    fn mask(bytes: [uint8x16_t; 4]) -> u64 {
        const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: the load is of 16 bytes, and NEON is part of the target.
        unsafe {
            let places = vld1q_u8(PLACES.as_ptr());
            let [a, b, c, d] = bytes.map(|bytes| vandq_u8(bytes, places));
            let eighths = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
            vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(eighths, eighths)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both distances of one pair, by the inlined kernels.
    struct Both<'a>(&'a [u8; 128], &'a [u8; 128]);

    impl Loop for Both<'_> {
        type Output = (u32, u32);
        #[inline(always)]
        fn run<K: Inlined>(self, kernel: K) -> (u32, u32) {
            (kernel.unequal_bytes(self.0, self.1), kernel.hamming(self.0, self.1))
        }
    }

    /// What 64 bytes are, by the inlined kernel.
    struct ClassesOf<'a>(&'a [u8; 64]);

    impl Loop for ClassesOf<'_> {
        type Output = Classes;
        #[inline(always)]
        fn run<K: Inlined>(self, kernel: K) -> Classes {
            kernel.classes(self.0)
        }
    }

    #[test]
    fn bytes_have_one_class_at_every_level() {
        for kernels in Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()) {
            for (byte, place) in (0..=255_u8).flat_map(|byte| (0..64).map(move |place| (byte, place))) {
                let mut bytes: [u8; 64] =
                    std::array::from_fn(|at| byte.wrapping_add(u8::try_from(at).expect("below 64")));
                bytes.rotate_left(place);
                let bits =
                    |is: fn(&u8) -> bool| bytes.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(is(byte)));
                let expected = Classes {
                    letters: bits(u8::is_ascii_alphabetic),
                    digits: bits(u8::is_ascii_digit),
                    high: bits(|byte| !byte.is_ascii()),
                };
                assert_eq!(dispatch(kernels, ClassesOf(&bytes)), expected, "{kernels:?}");
            }
        }
    }

    #[test]
    fn every_level_equals_the_scalar_definition() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        for round in 0..200 {
            let a: [u8; 128] = std::array::from_fn(|_| byte());
            let mut b = a;
            for slot in &mut b {
                if byte() < round {
                    *slot = byte();
                }
            }
            let expected = (crate::simd::scalar::unequal_bytes(&a, &b), crate::simd::scalar::hamming(&a, &b));
            for kernels in Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()) {
                assert_eq!(dispatch(kernels, Both(&a, &b)), expected, "{kernels:?}");
            }
        }
        let (zeros, ones) = ([0; 128], [255; 128]);
        assert_eq!(dispatch(Kernels::detect(), Both(&zeros, &ones)), (128, 1024));
    }
}

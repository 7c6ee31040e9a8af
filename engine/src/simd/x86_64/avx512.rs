//! Every kernel for AVX-512: 64 bytes or 16 hashes a step.
//!
//! The pace of a sketch is set by the rounds, which have a file of their own.

use super::super::blocks::Masks;
use super::super::scalar::{self, VALUE_BITS, VALUE_MASK, throw};
use super::super::{
    Folded, HASHES_MAX, HashKeys, Hashes, LANE_EMPTY, LANES, Level, SHINGLE_CHARS, Table, visits, words,
};
use crate::num::{u32_saturating, usize_of};
use std::arch::x86_64::*;

pub(in super::super) static TABLE: Table = Table {
    level: Level::Avx512,
    unequal_bytes,
    hamming,
    fold_ascii,
    hash_bytes,
    hash_scalars,
    hash_words,
    hash_triples,
    sketch_bytes: Some(sketch_bytes),
    sketch: Some(sketch),
    absorb,
    merge,
    fold_lanes,
};

/// Declares kernels: each a safe function for the table, which calls its body compiled for this level.
macro_rules! kernels {
    ($(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        fn $name($($arg: $type),*) $(-> $result)? {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
            #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
            fn body($($arg: $type),*) $(-> $result)? $body
            // SAFETY: this table is handed out by `x86_64::table` alone, and only after it found these features.
            unsafe { body($($arg),*) }
        }
    )*};
}

/// Declares parts of kernels, compiled for this level and callable from kernels only.
macro_rules! parts {
    ($($(#[$doc:meta])* $seen:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
        $seen fn $name($($arg: $type),*) $(-> $result)? $body
    )*};
}

mod rounds;

kernels! {
    fn unequal_bytes(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        let ([a0, a1], [b0, b1]) = (load_pair(a), load_pair(b));
        _mm512_cmpneq_epu8_mask(a0, b0).count_ones() + _mm512_cmpneq_epu8_mask(a1, b1).count_ones()
    }

    fn hamming(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        let ([a0, a1], [b0, b1]) = (load_pair(a), load_pair(b));
        let first = _mm512_popcnt_epi64(_mm512_xor_si512(a0, b0));
        let second = _mm512_popcnt_epi64(_mm512_xor_si512(a1, b1));
        _mm512_reduce_add_epi32(_mm512_add_epi64(first, second)).cast_unsigned()
    }

    fn fold_ascii(src: &[u8], dst: &mut [u8], breaks: &mut [u32], state: &mut Folded) {
        let mut at = *state;
        if !at.has_room(src, dst) {
            return;
        }
        loop {
            at = fold_whole_blocks(src, dst, breaks, at);
            if at.read >= src.len() || !at.may_break(breaks) {
                break;
            }
            let (block, valid) = load_some(src.get(at.read..).unwrap_or_default());
            let (even, white, breaking) = fold_block(block);
            let masks = Masks { valid, high: _mm512_movepi8_mask(block), white, breaking };
            let written = at.written;
            let kept = at.take(masks, breaks);
            store(dst, written, _mm512_maskz_compress_epi8(kept.bytes, even));
            if !at.step(kept) {
                break;
            }
        }
        *state = at;
    }

    fn hash_bytes(text: &[u8], keys: &HashKeys, out: &mut Hashes) -> usize {
        hash_windows(text, keys, out, |_, _| {})
    }

    fn sketch_bytes(text: &[u8], keys: &HashKeys, out: &mut Hashes) -> [u32; LANES] {
        let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
        if count <= rounds::THINNED {
            hash_windows(text, keys, out, |_, _| {});
            return rounds::sketch_piece(out.get(..count).unwrap_or_default());
        }
        let (mut hits, mut hit_count, limit) = (rounds::ROOM, 0, rounds::small(count));
        hash_windows(text, keys, out, |hashes, valid| {
            let found = rounds::is_small(hashes, limit) & valid;
            rounds::write(&mut hits, hit_count, found, hashes);
            hit_count += usize_of(u32::from(found).count_ones());
        });
        rounds::sketch_thinned(out.get(..count).unwrap_or_default(), &mut hits, hit_count)
    }

    fn hash_scalars(text: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
        let ascii_mul = splat(keys.ascii_mul);
        let ascii_add = splat(keys.ascii_add);
        for done in (0..count).step_by(16) {
            let rest = text.get(done..).unwrap_or_default();
            let [a, b] = [load_words_at(rest, 0), load_words_at(rest, 1)];
            let [c, d, e] = [load_words_at(rest, 2), load_words_at(rest, 3), load_words_at(rest, 4)];
            let middle = or(b, or(_mm512_slli_epi32::<8>(c), _mm512_slli_epi32::<16>(d)));
            let first = or(a, _mm512_slli_epi32::<8>(middle));
            let last = or(middle, _mm512_slli_epi32::<24>(e));
            let ascii = _mm512_add_epi32(_mm512_add_epi32(first, ascii_add), _mm512_mullo_epi32(last, ascii_mul));
            let mut sum = splat(keys.scalar_add);
            for (scalars, mul) in [a, b, c, d, e].into_iter().zip(keys.scalar_mul) {
                sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(scalars, splat(mul)));
            }
            let all = or(or(a, b), or(c, or(d, e)));
            let is_ascii = _mm512_cmplt_epu32_mask(all, splat(0x80));
            store_hashes(out, done, finish(_mm512_mask_blend_epi32(is_ascii, sum, ascii), keys));
        }
        count
    }

    fn hash_words(text: &[u8], from: usize, keys: &HashKeys, out: &mut Hashes) -> (usize, usize) {
        words::hash_words(text, from, keys, out, |block| {
            _mm512_cmpeq_epu8_mask(load(block), _mm512_set1_epi8(0x20))
        })
    }

    fn hash_triples(words: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = words.len().saturating_sub(2).min(HASHES_MAX);
        let [first_mul, second_mul] = [splat(keys.triple_mul[0]), splat(keys.triple_mul[1])];
        for done in (0..count).step_by(16) {
            let rest = words.get(done..).unwrap_or_default();
            let [a, b, c] = [load_words_at(rest, 0), load_words_at(rest, 1), load_words_at(rest, 2)];
            let pair = _mm512_add_epi32(_mm512_mullo_epi32(a, first_mul), _mm512_mullo_epi32(b, second_mul));
            let sum = _mm512_add_epi32(_mm512_add_epi32(pair, c), splat(keys.triple_add));
            store_hashes(out, done, finish(sum, keys));
        }
        count
    }

    fn sketch(hashes: &[u32]) -> [u32; LANES] {
        let Some((first, rest)) = hashes.split_at_checked(HASHES_MAX) else { return rounds::sketch_piece(hashes) };
        let mut lanes = rounds::sketch_piece(first);
        // What is thrown may win or not; so any piece may be added alone.
        for piece in rest.chunks(HASHES_MAX) {
            rounds::absorb_piece(piece, &mut lanes);
        }
        lanes
    }

    fn absorb(hashes: &[u32], lanes: &mut [u32; LANES]) {
        for piece in hashes.chunks(HASHES_MAX) {
            rounds::absorb_piece(piece, lanes);
        }
    }

    fn merge(into: &mut [u32; LANES], other: &[u32; LANES]) {
        scalar::merge(into, other);
    }

    fn fold_lanes(lanes: &[u32; LANES], multiplier: u32) -> [u8; LANES] {
        let mut folded = [0; LANES];
        for (from, to) in lanes.as_chunks::<16>().0.iter().zip(folded.as_chunks_mut::<16>().0) {
            let lane = load_words(from);
            let mixed = _mm512_mullo_epi32(_mm512_xor_si512(lane, _mm512_srli_epi32::<15>(lane)), splat(multiplier));
            store_quarter(to, _mm512_cvtepi32_epi8(_mm512_srli_epi32::<24>(mixed)));
        }
        folded
    }
}

/// Hashes the windows of a text to `out`; `each` sees them too, with a bit set for each that is one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn hash_windows(text: &[u8], keys: &HashKeys, out: &mut Hashes, mut each: impl FnMut(__m512i, u16)) -> usize {
    let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
    let mul = splat(keys.ascii_mul);
    let add = splat(keys.ascii_add);
    let mut done = 0;
    // Lane j of the words loaded at `at + s` is the window at `at + s + 4j`: no shuffle is needed.
    while done + 64 <= count
        && let Some(bytes) = text.get(done..done + 68)
    {
        let mut first = load_at(bytes, 0);
        for s in 0..4 {
            let last = load_at(bytes, s + 1);
            let sum = _mm512_add_epi32(_mm512_add_epi32(first, add), _mm512_mullo_epi32(last, mul));
            let hashes = finish(sum, keys);
            store_hashes(out, done + 16 * s, hashes);
            each(hashes, u16::MAX);
            first = last;
        }
        done += 64;
    }
    let mut written = done;
    let rest = text.get(done..).unwrap_or_default();
    for s in 0..4.min(count - done) {
        let first = load_some(rest.get(s..).unwrap_or_default()).0;
        let last = load_some(rest.get(s + 1..).unwrap_or_default()).0;
        let sum = _mm512_add_epi32(_mm512_add_epi32(first, add), _mm512_mullo_epi32(last, mul));
        let hashes = finish(sum, keys);
        store_hashes(out, written, hashes);
        let valid_count = (count - done - s).div_ceil(4);
        each(hashes, u16::MAX >> (16 - u32_saturating(valid_count).min(16)));
        written += valid_count;
    }
    count
}

parts! {
    /// What 64 bytes of ASCII become, which of them are white space, and which of those break a line.
    fn fold_block(block: __m512i) -> (__m512i, u64, u64) {
        let space = _mm512_cmpeq_epu8_mask(block, _mm512_set1_epi8(0x20));
        let tab = _mm512_cmpeq_epu8_mask(block, _mm512_set1_epi8(0x09));
        let control = _mm512_cmple_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
        let upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8(0x41)), _mm512_set1_epi8(26));
        let lower = _mm512_mask_add_epi8(block, upper, block, _mm512_set1_epi8(0x20));
        (_mm512_mask_blend_epi8(control, lower, _mm512_set1_epi8(0x20)), space | control, control & !tab)
    }

    /// Folds whole blocks of ASCII, until one is not or goes on with a run of white space that holds a line break.
    fn fold_whole_blocks(src: &[u8], dst: &mut [u8], breaks: &mut [u32], from: Folded) -> Folded {
        let Folded { mut read, mut written, mut break_count, in_space } = from;
        let mut in_space = u64::from(in_space);
        let last_place = breaks.len().saturating_sub(64);
        while break_count <= last_place && let Some(bytes) = src.get(read..).and_then(|rest| rest.first_chunk()) {
            let block = load(bytes);
            let (even, white, breaking) = fold_block(block);
            let continued = breaking & white & !white.wrapping_add(in_space);
            if _mm512_movepi8_mask(block) | continued != 0 {
                break;
            }
            let starts = white & !(white << 1 | in_space);
            // Of each run one byte is kept: its first break if there is one, or its last byte. Adding a bit to a run of
            // ones carries it to the first place behind: a break, or no white space.
            let calm = white & !breaking;
            let (sum, beyond) = calm.overflowing_add(starts & calm);
            let behind = sum & !calm;
            let broken = (starts | behind) & breaking;
            let kept = !white | broken | (behind & !white) >> 1 | u64::from(beyond) << 63;
            store(dst, written, _mm512_maskz_compress_epi8(kept, even));
            // Two places are written whether there are breaks or not: most blocks have no more.
            let mut left = _pext_u64(broken, kept);
            let Some(places) = breaks.get_mut(break_count..).and_then(|rest| rest.first_chunk_mut::<64>()) else { break };
            let base = u32_saturating(written);
            places[0] = base.saturating_add(left.trailing_zeros());
            left &= left.wrapping_sub(1);
            places[1] = base.saturating_add(left.trailing_zeros());
            left &= left.wrapping_sub(1);
            for place in &mut places[2..] {
                if left == 0 {
                    break;
                }
                *place = base.saturating_add(left.trailing_zeros());
                left &= left - 1;
            }
            break_count += usize_of(broken.count_ones());
            written += usize_of(kept.count_ones());
            in_space = white >> 63;
            read += 64;
        }
        Folded { read, written, break_count, in_space: in_space == 1 }
    }

    /// Up to 16 words from `at` on, zeros after them.
    fn load_words_at(words: &[u32], at: usize) -> __m512i {
        match words.get(at..) {
            Some(rest) => load_some_words(rest),
            None => splat(0),
        }
    }

    fn finish(sum: __m512i, keys: &HashKeys) -> __m512i {
        let mixed = _mm512_mullo_epi32(_mm512_xor_si512(sum, _mm512_srli_epi32::<15>(sum)), splat(keys.final_mul));
        // (mixed ^ shifted) & mask, as one table of three inputs.
        _mm512_ternarylogic_epi32::<0x28>(mixed, _mm512_srli_epi32::<16>(mixed), splat(0x7fff_ffff))
    }

    fn or(a: __m512i, b: __m512i) -> __m512i {
        _mm512_or_si512(a, b)
    }

    fn splat(word: u32) -> __m512i {
        _mm512_set1_epi32(word.cast_signed())
    }

    fn load(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    fn load_words(words: &[u32; 16]) -> __m512i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    fn load_pair(bytes: &[u8; 128]) -> [__m512i; 2] {
        match bytes.as_chunks::<64>().0 {
            [first, second] => [load(first), load(second)],
            _ => [splat(0); 2],
        }
    }

    /// The 64 bytes from `at` on; all zero when they are not there.
    fn load_at(bytes: &[u8], at: usize) -> __m512i {
        match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            Some(block) => load(block),
            None => splat(0),
        }
    }

    /// Up to 64 bytes from the start, zeros after them, and which are there.
    fn load_some(bytes: &[u8]) -> (__m512i, u64) {
        if let Some(block) = bytes.first_chunk() {
            return (load(block), u64::MAX);
        }
        if bytes.is_empty() {
            return (splat(0), 0);
        }
        let valid = (1 << bytes.len()) - 1;
        // SAFETY: the mask has a bit for each byte that `bytes` has, and masked-out bytes are not read.
        (unsafe { _mm512_maskz_loadu_epi8(valid, bytes.as_ptr().cast()) }, valid)
    }

    /// Up to 16 words from the start, zeros after them.
    fn load_some_words(words: &[u32]) -> __m512i {
        if let Some(block) = words.first_chunk() {
            return load_words(block);
        }
        // A masked load of nothing is right anywhere, but takes a microcode trap where no memory is.
        if words.is_empty() {
            return splat(0);
        }
        let valid = (1 << words.len()) - 1;
        // SAFETY: the mask has a bit for each word that `words` has, and masked-out words are not read.
        unsafe { _mm512_maskz_loadu_epi32(valid, words.as_ptr().cast()) }
    }

    fn store(bytes: &mut [u8], at: usize, vector: __m512i) {
        if let Some(to) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<64>()) {
            // SAFETY: the array is as long as the vector, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) }
        }
    }

    fn store_words(words: &mut [u32; 16], vector: __m512i) {
        // SAFETY: the array is as long as the vector, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    fn store_some(words: &mut [u32], at: usize, vector: __m512i) {
        if let Some(to) = words.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            store_words(to, vector);
        }
    }

    fn store_hashes(out: &mut Hashes, at: usize, vector: __m512i) {
        store_some(out, at, vector);
    }

    fn store_quarter(bytes: &mut [u8; 16], vector: __m128i) {
        // SAFETY: the array is as long as the vector, and the store needs no alignment.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
    }
}

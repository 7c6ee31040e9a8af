//! Every kernel for AVX2: 32 bytes or 8 hashes a step; the same steps as in `avx512`, which explains them.

use super::super::blocks::{COMPRESS, Masks};
use super::super::scalar::{self, VALUE_BITS, VALUE_MASK, throw};
use super::super::{
    Folded, HASHES_MAX, HashKeys, Hashes, LANE_EMPTY, LANES, Level, SHINGLE_CHARS, Table, visits, words,
};
use crate::num::{high32, low8, low32, u32_saturating, usize_of};
use std::arch::x86_64::*;

pub(in super::super) static TABLE: Table = Table {
    level: Level::Avx2,
    unequal_bytes,
    hamming,
    fold_ascii,
    hash_bytes,
    hash_scalars,
    hash_words,
    hash_triples,
    sketch_bytes: None,
    sketch: None,
    absorb,
    merge,
    fold_lanes,
};

/// Declares kernels: each a safe function for the table, which calls its body compiled for this level.
macro_rules! kernels {
    ($(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        fn $name($($arg: $type),*) $(-> $result)? {
            #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
            fn body($($arg: $type),*) $(-> $result)? $body
            // SAFETY: this table is handed out by `x86_64::table` alone, and only after it found these features.
            unsafe { body($($arg),*) }
        }
    )*};
}

/// Declares parts of kernels, compiled for this level and callable from kernels only.
macro_rules! parts {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
        fn $name($($arg: $type),*) $(-> $result)? $body
    )*};
}

kernels! {
    fn unequal_bytes(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        let mut equal = 0;
        for (x, y) in a.as_chunks::<32>().0.iter().zip(b.as_chunks::<32>().0) {
            equal += mask_of(_mm256_cmpeq_epi8(load(x), load(y))).count_ones();
        }
        128 - equal
    }

    fn hamming(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        scalar::hamming(a, b)
    }

    fn fold_ascii(src: &[u8], dst: &mut [u8], breaks: &mut [u32], state: &mut Folded) {
        let mut at = *state;
        if !at.has_room(src, dst) {
            return;
        }
        while at.read < src.len() && at.may_break(breaks) {
            let rest = src.get(at.read..).unwrap_or_default();
            let mut padded = [0; 64];
            let (block, valid) = match rest.first_chunk::<64>() {
                Some(block) => (block, u64::MAX),
                None => {
                    padded.iter_mut().zip(rest).for_each(|(to, &byte)| *to = byte);
                    (&padded, (1 << rest.len()) - 1)
                }
            };
            let mut masks = Masks { valid, high: 0, white: 0, breaking: 0 };
            let mut even = [0; 64];
            let mut shift = 0;
            for (bytes, to) in block.as_chunks::<32>().0.iter().zip(even.as_chunks_mut::<32>().0) {
                let bytes = load(bytes);
                let space = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x20));
                let tab = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(9));
                let control = at_most(_mm256_sub_epi8(bytes, _mm256_set1_epi8(9)), 4);
                let upper = at_most(_mm256_sub_epi8(bytes, _mm256_set1_epi8(0x41)), 25);
                let lower = _mm256_or_si256(bytes, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
                store(to, _mm256_blendv_epi8(lower, _mm256_set1_epi8(0x20), control));
                masks.high |= u64::from(mask_of(bytes)) << shift;
                masks.white |= u64::from(mask_of(_mm256_or_si256(space, control))) << shift;
                masks.breaking |= u64::from(mask_of(_mm256_andnot_si256(tab, control))) << shift;
                shift += 32;
            }
            let mut written = at.written;
            let kept = at.take(masks, breaks);
            if kept.bytes == u64::MAX {
                if let Some(to) = dst.get_mut(written..).and_then(|rest| rest.first_chunk_mut()) {
                    *to = even;
                }
            } else {
                let mut bits = kept.bytes;
                for eight in even.as_chunks::<8>().0 {
                    let some = low8(low32(bits));
                    let picked = compress(u64::from_le_bytes(*eight), some);
                    if let Some(to) = dst.get_mut(written..).and_then(|rest| rest.first_chunk_mut()) {
                        *to = picked.to_le_bytes();
                    }
                    written += usize_of(some.count_ones());
                    bits >>= 8;
                }
            }
            if !at.step(kept) {
                break;
            }
        }
        *state = at;
    }

    fn hash_bytes(text: &[u8], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
        let mut done = 0;
        // Lane j of the words loaded at `at + s` is the window at `at + s + 4j`: no shuffle is needed.
        while done + 32 <= count && let Some(bytes) = text.get(done..).and_then(|rest| rest.first_chunk::<36>()) {
            let mut first = load_at(bytes, 0);
            for s in 0..4 {
                let last = load_at(bytes, s + 1);
                store_some(out, done + 8 * s, finish(ascii_sum(first, last, keys), keys));
                first = last;
            }
            done += 32;
        }
        let mut padded = [0; 36];
        padded.iter_mut().zip(text.get(done..).unwrap_or_default()).for_each(|(to, &byte)| *to = byte);
        let mut written = done;
        for s in 0..4.min(count - done) {
            let sum = ascii_sum(load_at(&padded, s), load_at(&padded, s + 1), keys);
            store_some(out, written, finish(sum, keys));
            written += (count - done - s).div_ceil(4);
        }
        count
    }

    fn hash_scalars(text: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
        for done in (0..count).step_by(8) {
            let [a, b] = [load_words_at(text, done), load_words_at(text, done + 1)];
            let [c, d, e] =
                [load_words_at(text, done + 2), load_words_at(text, done + 3), load_words_at(text, done + 4)];
            let middle = or(b, or(_mm256_slli_epi32::<8>(c), _mm256_slli_epi32::<16>(d)));
            let first = or(a, _mm256_slli_epi32::<8>(middle));
            let last = or(middle, _mm256_slli_epi32::<24>(e));
            let ascii = ascii_sum(first, last, keys);
            let mut sum = splat(keys.scalar_add);
            for (scalars, mul) in [a, b, c, d, e].into_iter().zip(keys.scalar_mul) {
                sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(scalars, splat(mul)));
            }
            let all = or(or(a, b), or(c, or(d, e)));
            let is_ascii = _mm256_cmpeq_epi32(_mm256_srli_epi32::<7>(all), splat(0));
            store_some(out, done, finish(_mm256_blendv_epi8(sum, ascii, is_ascii), keys));
        }
        count
    }

    fn hash_words(text: &[u8], from: usize, keys: &HashKeys, out: &mut Hashes) -> (usize, usize) {
        words::hash_words(text, from, keys, out, |block| {
            let mut mask = 0;
            for bytes in block.as_chunks::<32>().0.iter().rev() {
                let spaces = _mm256_cmpeq_epi8(load(bytes), _mm256_set1_epi8(0x20));
                mask = mask << 32 | u64::from(mask_of(spaces));
            }
            mask
        })
    }

    fn hash_triples(words: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = words.len().saturating_sub(2).min(HASHES_MAX);
        let [first_mul, second_mul] = [splat(keys.triple_mul[0]), splat(keys.triple_mul[1])];
        for done in (0..count).step_by(8) {
            let [a, b] = [load_words_at(words, done), load_words_at(words, done + 1)];
            let c = load_words_at(words, done + 2);
            let pair = _mm256_add_epi32(_mm256_mullo_epi32(a, first_mul), _mm256_mullo_epi32(b, second_mul));
            let sum = _mm256_add_epi32(_mm256_add_epi32(pair, c), splat(keys.triple_add));
            store_some(out, done, finish(sum, keys));
        }
        count
    }

    fn absorb(hashes: &[u32], lanes: &mut [u32; LANES]) {
        if hashes.len() <= visits::FEW {
            scalar::merge(lanes, &visits::sketch_few(hashes));
            return;
        }
        let mut open = [u64::MAX; 2];
        let fresh = open_slots(lanes, LANE_EMPTY) == [u64::MAX; 2];
        first_round(hashes, lanes);
        for r in 1..LANES {
            if r == 1 || !fresh {
                open = open_slots(lanes, u32_saturating(r) << VALUE_BITS);
            }
            if open == [0, 0] {
                return;
            }
            later_round(hashes, r, &mut open, lanes);
        }
    }

    fn merge(into: &mut [u32; LANES], other: &[u32; LANES]) {
        scalar::merge(into, other);
    }

    fn fold_lanes(lanes: &[u32; LANES], multiplier: u32) -> [u8; LANES] {
        scalar::fold_lanes(lanes, multiplier)
    }
}

/// Hashes scattered without a look at the slots, which would let too many of them pass.
const UNFILTERED: usize = 640;

/// Hashes compared with one copy of the slots.
const FILTERED: usize = 128;

parts! {
    /// Round 0: each slot gets the smallest hash that falls into it.
    fn first_round(hashes: &[u32], lanes: &mut [u32; LANES]) {
        let mut least = [u32::MAX; LANES];
        let fresh = open_slots(lanes, 1 << VALUE_BITS) == [u64::MAX; 2];
        let (unfiltered, filtered) = hashes.split_at(if fresh { hashes.len().min(UNFILTERED) } else { 0 });
        if !fresh {
            for (slot, (to, &lane)) in (0_u32..).zip(least.iter_mut().zip(lanes.iter())) {
                *to = if lane <= VALUE_MASK { slot << VALUE_BITS | lane } else { u32::MAX };
            }
        }
        scatter(unfiltered, &mut least);
        for part in filtered.chunks(FILTERED) {
            let thresholds = thresholds(&least);
            for block in part.chunks(32) {
                let Some(block) = block.first_chunk::<32>() else {
                    scatter(block, &mut least);
                    continue;
                };
                let [bins, values] = bins_and_values(block);
                let limits = look_up(bins, &thresholds);
                let mut winners = mask_of(_mm256_cmpeq_epi8(_mm256_min_epu8(values, limits), values));
                while winners != 0 {
                    let h = block[packed_place(winners.trailing_zeros())];
                    let (slot, _) = throw(h);
                    least[slot] = least[slot].min(h);
                    winners &= winners - 1;
                }
            }
        }
        for (lane, &value) in lanes.iter_mut().zip(&least) {
            // `u32::MAX` is no hash, for hashes have 31 bits.
            *lane = (*lane).min(if value == u32::MAX { u32::MAX } else { value & VALUE_MASK });
        }
    }

    /// One at a time: the slot is known only when the hash is.
    fn scatter(hashes: &[u32], least: &mut [u32; LANES]) {
        for &h in hashes {
            let (slot, _) = throw(h);
            least[slot] = least[slot].min(h);
        }
    }

    /// One of the rounds after the first: only what falls into an open slot counts.
    fn later_round(hashes: &[u32], r: usize, open: &mut [u64; 2], lanes: &mut [u32; LANES]) {
        let (mul, add) = (visits::MUL[r], visits::ADD[r]);
        let (mul_all, add_all) = (splat(mul), splat(add));
        let floor = u32_saturating(r) << VALUE_BITS;
        let is_open = spread(open);
        for block in hashes.chunks(32) {
            let mut hits = 0;
            for i in (0..block.len()).step_by(8) {
                let thrown = _mm256_add_epi32(_mm256_mullo_epi32(load_words_at(block, i), mul_all), add_all);
                hits |= falls_open(thrown, is_open) << i;
            }
            hits &= u32::MAX >> (32 - block.len());
            while hits != 0 {
                let h = block.get(usize_of(hits.trailing_zeros())).copied().unwrap_or_default();
                let (slot, value) = throw(h.wrapping_mul(mul).wrapping_add(add));
                lanes[slot] = lanes[slot].min(floor | value);
                open[slot / 64] &= !(1 << (slot % 64));
                hits &= hits - 1;
            }
        }
    }

    /// The slots whose lane is at least `floor`, one bit each.
    fn open_slots(lanes: &[u32; LANES], floor: u32) -> [u64; 2] {
        let mut open = [0_u64; 2];
        for (i, words) in lanes.as_chunks::<8>().0.iter().enumerate() {
            let lane = load_words(words);
            let is_open = _mm256_cmpeq_epi32(_mm256_max_epu32(lane, splat(floor)), lane);
            let bits = _mm256_movemask_ps(_mm256_castsi256_ps(is_open)).cast_unsigned();
            open[i / 8] |= u64::from(bits) << (8 * (i % 8));
        }
        open
    }

    /// The open slots for [`falls_open`]: 32 in each word, lowest at the top, the four words twice.
    fn spread(open: &[u64; 2]) -> __m256i {
        let [a, b] = *open;
        let [a, b, c, d] = [low32(a), high32(a), low32(b), high32(b)].map(|word| word.reverse_bits().cast_signed());
        _mm256_setr_epi32(a, b, c, d, a, b, c, d)
    }

    /// Which of eight throws fall into an open slot.
    fn falls_open(thrown: __m256i, is_open: __m256i) -> u32 {
        let word = _mm256_permutevar8x32_epi32(is_open, _mm256_srli_epi32::<29>(thrown));
        let place = _mm256_and_si256(_mm256_srli_epi32::<24>(thrown), splat(31));
        let at_top = _mm256_sllv_epi32(word, place);
        _mm256_movemask_ps(_mm256_castsi256_ps(at_top)).cast_unsigned()
    }

    /// The top byte of the value each slot holds, 255 where it holds none; 16 slots a vector, twice.
    fn thresholds(least: &[u32; LANES]) -> [__m256i; 8] {
        let mut bytes = [0_u8; LANES];
        for (to, &value) in bytes.iter_mut().zip(least) {
            *to = low8(value >> 16);
        }
        let mut tables = [splat(0); 8];
        for (to, from) in tables.iter_mut().zip(bytes.as_chunks::<16>().0) {
            *to = _mm256_broadcastsi128_si256(load_half(from));
        }
        tables
    }

    /// One of 128 bytes for each of 32 numbers below 128.
    fn look_up(bins: __m256i, tables: &[__m256i; 8]) -> __m256i {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = *tables;
        let (bit4, bit5, bit6) =
            (_mm256_slli_epi16::<3>(bins), _mm256_slli_epi16::<2>(bins), _mm256_slli_epi16::<1>(bins));
        let pick = [
            _mm256_blendv_epi8(_mm256_shuffle_epi8(t0, bins), _mm256_shuffle_epi8(t1, bins), bit4),
            _mm256_blendv_epi8(_mm256_shuffle_epi8(t2, bins), _mm256_shuffle_epi8(t3, bins), bit4),
            _mm256_blendv_epi8(_mm256_shuffle_epi8(t4, bins), _mm256_shuffle_epi8(t5, bins), bit4),
            _mm256_blendv_epi8(_mm256_shuffle_epi8(t6, bins), _mm256_shuffle_epi8(t7, bins), bit4),
        ];
        let [low, high] = [_mm256_blendv_epi8(pick[0], pick[1], bit5), _mm256_blendv_epi8(pick[2], pick[3], bit5)];
        _mm256_blendv_epi8(low, high, bit6)
    }

    /// The top bytes of 32 numbers, and the bytes below them, in the order that packing leaves them in.
    fn bins_and_values(words: &[u32; 32]) -> [__m256i; 2] {
        let high = |at| _mm256_srli_epi32::<16>(load_words_at(words, at));
        let ab = _mm256_packus_epi32(high(0), high(8));
        let cd = _mm256_packus_epi32(high(16), high(24));
        let low_bytes = _mm256_set1_epi16(0xff);
        [
            _mm256_packus_epi16(_mm256_srli_epi16::<8>(ab), _mm256_srli_epi16::<8>(cd)),
            _mm256_packus_epi16(_mm256_and_si256(ab, low_bytes), _mm256_and_si256(cd, low_bytes)),
        ]
    }

    /// Where the number stood whose bytes packing left at `place`: packing works on halves of vectors.
    fn packed_place(place: u32) -> usize {
        usize_of((place & 12) << 1 | (place & 16) >> 2 | (place & 3))
    }

    /// The bytes of `word` whose bits are set, together at the low end.
    fn compress(word: u64, bits: u8) -> u64 {
        let picks = COMPRESS[usize_of(u32::from(bits))];
        let bytes = _mm_shuffle_epi8(_mm_cvtsi64_si128(word.cast_signed()), _mm_cvtsi64_si128(picks.cast_signed()));
        _mm_cvtsi128_si64(bytes).cast_unsigned()
    }

    fn ascii_sum(first: __m256i, last: __m256i, keys: &HashKeys) -> __m256i {
        let product = _mm256_mullo_epi32(last, splat(keys.ascii_mul));
        _mm256_add_epi32(_mm256_add_epi32(first, splat(keys.ascii_add)), product)
    }

    fn finish(sum: __m256i, keys: &HashKeys) -> __m256i {
        let mixed = _mm256_mullo_epi32(_mm256_xor_si256(sum, _mm256_srli_epi32::<15>(sum)), splat(keys.final_mul));
        _mm256_and_si256(_mm256_xor_si256(mixed, _mm256_srli_epi32::<16>(mixed)), splat(0x7fff_ffff))
    }

    fn or(a: __m256i, b: __m256i) -> __m256i {
        _mm256_or_si256(a, b)
    }

    fn splat(word: u32) -> __m256i {
        _mm256_set1_epi32(word.cast_signed())
    }

    /// All ones in each byte that is at most `limit`.
    fn at_most(bytes: __m256i, limit: i8) -> __m256i {
        _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(limit)), bytes)
    }

    /// The top bit of each byte.
    fn mask_of(bytes: __m256i) -> u32 {
        _mm256_movemask_epi8(bytes).cast_unsigned()
    }

    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    fn load_half(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    fn load_words(words: &[u32; 8]) -> __m256i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    /// The 32 bytes from `at` on; all zero when they are not there.
    fn load_at(bytes: &[u8; 36], at: usize) -> __m256i {
        match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            Some(block) => load(block),
            None => splat(0),
        }
    }

    /// Up to eight words from `at` on, zeros after them.
    fn load_words_at(words: &[u32], at: usize) -> __m256i {
        let rest = words.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(block) => load_words(block),
            None => {
                let mut padded = [0; 8];
                padded.iter_mut().zip(rest).for_each(|(to, &word)| *to = word);
                load_words(&padded)
            }
        }
    }

    fn store(bytes: &mut [u8; 32], vector: __m256i) {
        // SAFETY: the array is as long as the vector, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
    }

    fn store_words(words: &mut [u32; 8], vector: __m256i) {
        // SAFETY: the array is as long as the vector, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    fn store_some(words: &mut Hashes, at: usize, vector: __m256i) {
        if let Some(to) = words.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            store_words(to, vector);
        }
    }
}

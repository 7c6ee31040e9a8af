//! Every kernel for AVX-512: 64 bytes or 16 hashes a step.
//!
//! The pace of a sketch is set by scattering minima, one hash at a time. So only the first hashes are all scattered; from
//! then on 64 at a time are compared, a byte each, with the slots as they stood a while ago, and only those that may win
//! are looked at. The same look-up finds, in later rounds, the few hashes that fall into slots still open.

use super::super::blocks::Masks;
use super::super::scalar::{self, VALUE_BITS, VALUE_MASK, throw};
use super::super::{Folded, HASHES_MAX, HashKeys, Hashes, LANE_EMPTY, LANES, Level, SHINGLE_CHARS, Table, words};
use crate::num::{low16, low32, u32_saturating, usize_of};
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
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
        fn $name($($arg: $type),*) $(-> $result)? $body
    )*};
}

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

    fn fold_ascii(src: &[u8], dst: &mut [u8], breaks: &mut [u32], from: Folded) -> Folded {
        let mut at = from;
        if !from.has_room(src, dst) {
            return from;
        }
        while at.read < src.len() && at.may_break(breaks) {
            let (block, valid) = load_some(src.get(at.read..).unwrap_or_default());
            let space = _mm512_cmpeq_epu8_mask(block, _mm512_set1_epi8(0x20));
            let tab = _mm512_cmpeq_epu8_mask(block, _mm512_set1_epi8(0x09));
            let control = _mm512_cmple_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
            let upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8(0x41)), _mm512_set1_epi8(26));
            let lower = _mm512_mask_add_epi8(block, upper, block, _mm512_set1_epi8(0x20));
            let even = _mm512_mask_blend_epi8(control, lower, _mm512_set1_epi8(0x20));
            let masks = Masks { valid, high: _mm512_movepi8_mask(block), white: space | control, breaking: control & !tab };
            let written = at.written;
            let kept = at.take(masks, breaks);
            store(dst, written, _mm512_maskz_compress_epi8(kept.bytes, even));
            if kept.last {
                break;
            }
        }
        at
    }

    fn hash_bytes(text: &[u8], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = text.len().saturating_sub(SHINGLE_CHARS - 1).min(HASHES_MAX);
        let mul = splat(keys.ascii_mul);
        let add = splat(keys.ascii_add);
        let mut done = 0;
        // Lane j of the words loaded at `at + s` is the window at `at + s + 4j`: no shuffle is needed.
        while done + 64 <= count && let Some(bytes) = text.get(done..done + 68) {
            let mut first = load_at(bytes, 0);
            for s in 0..4 {
                let last = load_at(bytes, s + 1);
                let sum = _mm512_add_epi32(_mm512_add_epi32(first, add), _mm512_mullo_epi32(last, mul));
                store_hashes(out, done + 16 * s, finish(sum, keys));
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
            store_hashes(out, written, finish(sum, keys));
            written += (count - done - s).div_ceil(4);
        }
        count
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

    fn absorb(hashes: &[u32], keys: &HashKeys, lanes: &mut [u32; LANES]) {
        let mut open = [u64::MAX; 2];
        if hashes.len() <= FEWEST {
            absorb_fewest(hashes, keys, lanes);
        } else if hashes.len() <= FEW {
            absorb_few(hashes, keys, &mut open, lanes);
        } else {
            let fresh = lanes.iter().all(|&lane| lane == LANE_EMPTY);
            first_round(hashes, lanes);
            for r in 1..LANES {
                if r == 1 || !fresh {
                    open = open_slots(lanes, u32_saturating(r) << VALUE_BITS);
                }
                if open == [0, 0] {
                    return;
                }
                later_round(hashes, keys, r, &mut open, lanes);
            }
        }
        force(hashes, keys, lanes);
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

/// Sets of at most this many hashes need all rounds, and are scattered without a look at what is open.
const FEWEST: usize = 3;

/// Sets of at most this many hashes need so many rounds that rounds, not hashes, go side by side.
const FEW: usize = 16;

/// Hashes scattered without a look at the slots, which would let nearly all of them pass.
const UNFILTERED: usize = 128;

/// Hashes compared with one copy of the slots; a copy costs the wait for the stores before it.
const FILTERED: usize = 128;

parts! {
    /// Round 0: each slot gets the smallest hash that falls into it.
    fn first_round(hashes: &[u32], lanes: &mut [u32; LANES]) {
        // A lane is kept together with its slot's number, so that one load gives both.
        let mut least = [u32::MAX; LANES];
        let fresh = lanes.iter().all(|&lane| lane > VALUE_MASK);
        let (unfiltered, filtered) = hashes.split_at(if fresh { hashes.len().min(UNFILTERED) } else { 0 });
        if !fresh {
            for (slot, (to, &lane)) in (0_u32..).zip(least.iter_mut().zip(lanes.iter())) {
                *to = if lane <= VALUE_MASK { slot << VALUE_BITS | lane } else { u32::MAX };
            }
        }
        scatter(unfiltered, &mut least);
        let mut winners = [0; FILTERED + 64];
        for part in filtered.chunks(FILTERED) {
            let mut winner_count = 0;
            let thresholds = thresholds(&least);
            for block in part.chunks(64) {
                let group = load_group(block);
                let [bins, values] = bins_and_values(group);
                let limits = _mm512_permutex2var_epi8(thresholds[0], bins, thresholds[1]);
                let valid = u64::MAX >> (64 - block.len());
                let mut mask = _mm512_cmple_epu8_mask(values, limits) & valid;
                if mask == 0 {
                    continue;
                }
                for words in group {
                    let some = low16(low32(mask));
                    store_some(&mut winners, winner_count, _mm512_maskz_compress_epi32(some, words));
                    winner_count += usize_of(some.count_ones());
                    mask >>= 16;
                }
            }
            scatter(winners.get(..winner_count).unwrap_or_default(), &mut least);
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
    fn later_round(hashes: &[u32], keys: &HashKeys, r: usize, open: &mut [u64; 2], lanes: &mut [u32; LANES]) {
        let (mul, add) = (keys.round_mul[r], keys.round_add[r]);
        let (mul_all, add_all) = (splat(mul), splat(add));
        let floor = u32_saturating(r) << VALUE_BITS;
        let is_open = [_mm512_movm_epi8(open[0]), _mm512_movm_epi8(open[1])];
        for block in hashes.chunks(64) {
            let [a, b, c, d] = load_group(block);
            let thrown = [throw_all(a, mul_all, add_all), throw_all(b, mul_all, add_all), throw_all(c, mul_all, add_all), throw_all(d, mul_all, add_all)];
            let bins = bins(thrown);
            let found = _mm512_permutex2var_epi8(is_open[0], bins, is_open[1]);
            let mut hits = _mm512_movepi8_mask(found) & (u64::MAX >> (64 - block.len()));
            while hits != 0 {
                let h = block.get(usize_of(hits.trailing_zeros())).copied().unwrap_or_default();
                let (slot, value) = throw(h.wrapping_mul(mul).wrapping_add(add));
                lanes[slot] = lanes[slot].min(floor | value);
                open[slot / 64] &= !(1 << (slot % 64));
                hits &= hits - 1;
            }
        }
    }

    /// All rounds in which slots are picked, sixteen rounds a step, for a set that needs nearly all of them.
    fn absorb_few(hashes: &[u32], keys: &HashKeys, open: &mut [u64; 2], lanes: &mut [u32; LANES]) {
        let (muls, adds) = (keys.round_mul.as_chunks::<16>().0, keys.round_add.as_chunks::<16>().0);
        for (step, (mul, add)) in (0_u32..).zip(muls.iter().zip(adds)).take(LANES / 16) {
            if *open == [0, 0] {
                return;
            }
            let [first, second] = *open;
            let halves = [low32(first), low32(first >> 32), low32(second), low32(second >> 32)];
            let is_open = _mm512_broadcast_i32x4(_mm_setr_epi32(
                halves[0].cast_signed(),
                halves[1].cast_signed(),
                halves[2].cast_signed(),
                halves[3].cast_signed(),
            ));
            for &h in hashes {
                let thrown = _mm512_add_epi32(_mm512_mullo_epi32(splat(h), load_words(mul)), load_words(add));
                let slots = _mm512_srli_epi32::<24>(thrown);
                let word = _mm512_permutexvar_epi32(_mm512_srli_epi32::<5>(slots), is_open);
                let bit = _mm512_sllv_epi32(splat(1), _mm512_and_si512(slots, splat(31)));
                let mut hits = _mm512_test_epi32_mask(word, bit);
                let mut spilled = [0; 16];
                store_words(&mut spilled, thrown);
                while hits != 0 {
                    let i = hits.trailing_zeros();
                    let (slot, value) = throw(spilled[usize_of(i & 15)]);
                    lanes[slot] = lanes[slot].min((16 * step + i) << VALUE_BITS | value);
                    open[slot / 64] &= !(1 << (slot % 64));
                    hits &= hits - 1;
                }
            }
        }
    }

    /// All rounds in which slots are picked, without a branch that depends on a hash.
    fn absorb_fewest(hashes: &[u32], keys: &HashKeys, lanes: &mut [u32; LANES]) {
        let (muls, adds) = (keys.round_mul.as_chunks::<16>().0, keys.round_add.as_chunks::<16>().0);
        for &h in hashes {
            let mut thrown = [0; LANES];
            for (to, (mul, add)) in thrown.as_chunks_mut::<16>().0.iter_mut().zip(muls.iter().zip(adds)) {
                store_words(to, _mm512_add_epi32(_mm512_mullo_epi32(splat(h), load_words(mul)), load_words(add)));
            }
            for (r, &x) in (0_u32..).zip(&thrown) {
                let (slot, value) = throw(x);
                lanes[slot] = lanes[slot].min(r << VALUE_BITS | value);
            }
        }
    }

    /// The last rounds: a slot still open takes the smallest value of all hashes.
    fn force(hashes: &[u32], keys: &HashKeys, lanes: &mut [u32; LANES]) {
        let muls = keys.round_mul.as_chunks::<16>().0.iter().skip(LANES / 16);
        let adds = keys.round_add.as_chunks::<16>().0.iter().skip(LANES / 16);
        let floors = (0_u32..).step_by(16).map(|slot| (u32_saturating(LANES) + slot) << VALUE_BITS);
        for (((mul, add), lane), floor) in muls.zip(adds).zip(lanes.as_chunks_mut::<16>().0).zip(floors) {
            let before = load_words(lane);
            if _mm512_cmpge_epu32_mask(before, splat(floor)) == 0 {
                continue;
            }
            let steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let floor = _mm512_add_epi32(splat(floor), _mm512_slli_epi32::<24>(steps));
            let mut least = before;
            for &h in hashes {
                let thrown = _mm512_add_epi32(_mm512_mullo_epi32(splat(h), load_words(mul)), load_words(add));
                let value = or(floor, _mm512_and_si512(thrown, splat(VALUE_MASK)));
                least = _mm512_min_epu32(least, value);
            }
            store_words(lane, least);
        }
    }

    /// The slots whose lane is at least `floor`, one bit each.
    fn open_slots(lanes: &[u32; LANES], floor: u32) -> [u64; 2] {
        let mut open = [0_u64; 2];
        for (i, words) in lanes.as_chunks::<16>().0.iter().enumerate() {
            let mask = _mm512_cmpge_epu32_mask(load_words(words), splat(floor));
            open[i / 4] |= u64::from(mask) << (16 * (i % 4));
        }
        open
    }

    /// The top byte of the value each slot holds, 255 where it holds none.
    fn thresholds(least: &[u32; LANES]) -> [__m512i; 2] {
        let (first, second) = least.split_at(LANES / 2);
        [bins_and_values(load_group(first))[1], bins_and_values(load_group(second))[1]]
    }

    /// Numbers thrown in one round.
    fn throw_all(words: __m512i, mul: __m512i, add: __m512i) -> __m512i {
        _mm512_add_epi32(_mm512_mullo_epi32(words, mul), add)
    }

    /// Up to 64 words from the start, zeros after them.
    fn load_group(words: &[u32]) -> [__m512i; 4] {
        if let Some(block) = words.first_chunk::<64>() {
            let (w, _) = block.as_chunks::<16>();
            if let [a, b, c, d] = w {
                return [load_words(a), load_words(b), load_words(c), load_words(d)];
            }
        }
        [load_words_at(words, 0), load_words_at(words, 16), load_words_at(words, 32), load_words_at(words, 48)]
    }

    /// Up to 16 words from `at` on, zeros after them.
    fn load_words_at(words: &[u32], at: usize) -> __m512i {
        match words.get(at..) {
            Some(rest) => load_some_words(rest),
            None => splat(0),
        }
    }

    /// The top bytes of 64 numbers, and the bytes below them.
    fn bins_and_values(words: [__m512i; 4]) -> [__m512i; 2] {
        let [a, b, c, d] = words;
        let odd = load_table(&ODD_HALVES);
        let (ab, cd) = (_mm512_permutex2var_epi16(a, odd, b), _mm512_permutex2var_epi16(c, odd, d));
        let even_bytes = load(&EVEN_BYTES);
        let odd_bytes = _mm512_add_epi8(even_bytes, _mm512_set1_epi8(1));
        [_mm512_permutex2var_epi8(ab, odd_bytes, cd), _mm512_permutex2var_epi8(ab, even_bytes, cd)]
    }

    /// The top bytes of 64 numbers.
    fn bins(words: [__m512i; 4]) -> __m512i {
        bins_and_values(words)[0]
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

    fn load_table(halves: &[u16; 32]) -> __m512i {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(halves.as_ptr().cast()) }
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

/// Picks the odd halves of 32 words.
const ODD_HALVES: [u16; 32] = {
    let mut table = [0; 32];
    let mut i = 0;
    while i < 32 {
        table[usize_of(low32(i))] = low16(low32(2 * i + 1));
        i += 1;
    }
    table
};

/// Picks the even bytes of 128.
const EVEN_BYTES: [u8; 64] = {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[usize_of(i)] = crate::num::low8(2 * i);
        i += 1;
    }
    table
};

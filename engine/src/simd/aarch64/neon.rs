//! Every kernel for NEON: 16 bytes or 4 hashes a step; the same steps as in `avx512`, which explains them.
//! NEON is part of every AArch64 CPU that Rust builds for.

use super::super::blocks::{COMPRESS, Masks};
use super::super::scalar::{self, VALUE_BITS, VALUE_MASK, throw};
use super::super::{
    Folded, HASHES_MAX, HashKeys, Hashes, LANE_EMPTY, LANES, Level, SHINGLE_CHARS, Table, visits, words,
};
use crate::num::{low8, low32, u32_saturating, usize_of};
use std::arch::aarch64::*;

pub(in super::super) static TABLE: Table = Table {
    level: Level::Neon,
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

/// Declares kernels: each a safe function for the table, which calls its body compiled for NEON.
macro_rules! kernels {
    ($(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        fn $name($($arg: $type),*) $(-> $result)? {
            #[target_feature(enable = "neon")]
            fn body($($arg: $type),*) $(-> $result)? $body
            // SAFETY: NEON belongs to the target this module is compiled for.
            unsafe { body($($arg),*) }
        }
    )*};
}

kernels! {
    fn unequal_bytes(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        let mut equal = vdupq_n_u8(0);
        for (x, y) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
            equal = vsubq_u8(equal, vceqq_u8(load(x), load(y)));
        }
        128 - u32::from(vaddlvq_u8(equal))
    }

    fn hamming(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        let mut unequal = vdupq_n_u8(0);
        for (x, y) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
            unequal = vaddq_u8(unequal, vcntq_u8(veorq_u8(load(x), load(y))));
        }
        u32::from(vaddlvq_u8(unequal))
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
            let mut even = [0; 64];
            let (mut high, mut white, mut breaking) = ([vdupq_n_u8(0); 4], [vdupq_n_u8(0); 4], [vdupq_n_u8(0); 4]);
            for (i, (bytes, to)) in block.as_chunks::<16>().0.iter().zip(even.as_chunks_mut::<16>().0).enumerate() {
                let bytes = load(bytes);
                let space = vceqq_u8(bytes, vdupq_n_u8(0x20));
                let tab = vceqq_u8(bytes, vdupq_n_u8(9));
                let control = vcleq_u8(vsubq_u8(bytes, vdupq_n_u8(9)), vdupq_n_u8(4));
                let upper = vcltq_u8(vsubq_u8(bytes, vdupq_n_u8(0x41)), vdupq_n_u8(26));
                let lower = vorrq_u8(bytes, vandq_u8(upper, vdupq_n_u8(0x20)));
                store(to, vbslq_u8(control, vdupq_n_u8(0x20), lower));
                high[i] = vcgeq_u8(bytes, vdupq_n_u8(0x80));
                white[i] = vorrq_u8(space, control);
                breaking[i] = vbicq_u8(control, tab);
            }
            let masks = Masks { valid, high: mask_of(&high), white: mask_of(&white), breaking: mask_of(&breaking) };
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
        while done + 16 <= count
            && let Some(bytes) = text.get(done..).and_then(|rest| rest.first_chunk::<20>())
        {
            let mut first = load_at(bytes, 0);
            for s in 0..4 {
                let last = load_at(bytes, s + 1);
                store_some(out, done + 4 * s, finish(ascii_sum(first, last, keys), keys));
                first = last;
            }
            done += 16;
        }
        let mut padded = [0; 20];
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
        for done in (0..count).step_by(4) {
            let [a, b] = [load_words_at(text, done), load_words_at(text, done + 1)];
            let [c, d, e] = [load_words_at(text, done + 2), load_words_at(text, done + 3), load_words_at(text, done + 4)];
            let middle = vorrq_u32(b, vorrq_u32(vshlq_n_u32::<8>(c), vshlq_n_u32::<16>(d)));
            let first = vorrq_u32(a, vshlq_n_u32::<8>(middle));
            let last = vorrq_u32(middle, vshlq_n_u32::<24>(e));
            let ascii = ascii_sum(first, last, keys);
            let mut sum = vdupq_n_u32(keys.scalar_add);
            for (scalars, mul) in [a, b, c, d, e].into_iter().zip(keys.scalar_mul) {
                sum = vmlaq_u32(sum, scalars, vdupq_n_u32(mul));
            }
            let all = vorrq_u32(vorrq_u32(a, b), vorrq_u32(c, vorrq_u32(d, e)));
            let is_ascii = vcltq_u32(all, vdupq_n_u32(0x80));
            store_some(out, done, finish(vbslq_u32(is_ascii, ascii, sum), keys));
        }
        count
    }

    fn hash_words(text: &[u8], from: usize, keys: &HashKeys, out: &mut Hashes) -> (usize, usize) {
        words::hash_words(text, from, keys, out, |block| {
            let mut spaces = [vdupq_n_u8(0); 4];
            for (to, bytes) in spaces.iter_mut().zip(block.as_chunks::<16>().0) {
                *to = vceqq_u8(load(bytes), vdupq_n_u8(0x20));
            }
            mask_of(&spaces)
        })
    }

    fn hash_triples(words: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        let count = words.len().saturating_sub(2).min(HASHES_MAX);
        let [first_mul, second_mul] = keys.triple_mul;
        for done in (0..count).step_by(4) {
            let sum = vaddq_u32(load_words_at(words, done + 2), vdupq_n_u32(keys.triple_add));
            let sum = vmlaq_u32(sum, load_words_at(words, done), vdupq_n_u32(first_mul));
            let sum = vmlaq_u32(sum, load_words_at(words, done + 1), vdupq_n_u32(second_mul));
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
        let fresh = lanes.iter().all(|&lane| lane == LANE_EMPTY);
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

/// A byte for each slot.
type Bytes = [uint8x16x4_t; 2];

/// Round 0: each slot gets the smallest hash that falls into it.
#[inline]
#[target_feature(enable = "neon")]
fn first_round(hashes: &[u32], lanes: &mut [u32; LANES]) {
    let mut least = [u32::MAX; LANES];
    let fresh = lanes.iter().all(|&lane| lane > VALUE_MASK);
    let (unfiltered, filtered) = hashes.split_at(if fresh { hashes.len().min(UNFILTERED) } else { 0 });
    if !fresh {
        for (slot, (to, &lane)) in (0_u32..).zip(least.iter_mut().zip(lanes.iter())) {
            *to = if lane <= VALUE_MASK { slot << VALUE_BITS | lane } else { u32::MAX };
        }
    }
    scatter(unfiltered, &mut least);
    for part in filtered.chunks(FILTERED) {
        let thresholds = thresholds(&least);
        for block in part.chunks(16) {
            let Some(block) = block.first_chunk::<16>() else {
                scatter(block, &mut least);
                continue;
            };
            let [bins, values] = bins_and_values(load_group(block));
            let mut winners = nibbles(vcleq_u8(values, look_up(bins, &thresholds)));
            while winners != 0 {
                let h = block[usize_of(winners.trailing_zeros() / 4)];
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
#[inline]
fn scatter(hashes: &[u32], least: &mut [u32; LANES]) {
    for &h in hashes {
        let (slot, _) = throw(h);
        least[slot] = least[slot].min(h);
    }
}

/// One of the rounds after the first: only what falls into an open slot counts.
#[inline]
#[target_feature(enable = "neon")]
fn later_round(hashes: &[u32], r: usize, open: &mut [u64; 2], lanes: &mut [u32; LANES]) {
    let (mul, add) = (visits::MUL[r], visits::ADD[r]);
    let floor = u32_saturating(r) << VALUE_BITS;
    let is_open = spread(open);
    for block in hashes.chunks(16) {
        let mut padded = [0; 16];
        let group = match block.first_chunk() {
            Some(block) => block,
            None => {
                padded.iter_mut().zip(block).for_each(|(to, &h)| *to = h);
                &padded
            }
        };
        let [a, b, c, d] = load_group(group);
        let (mul_all, add_all) = (vdupq_n_u32(mul), vdupq_n_u32(add));
        let thrown = [
            vmlaq_u32(add_all, a, mul_all),
            vmlaq_u32(add_all, b, mul_all),
            vmlaq_u32(add_all, c, mul_all),
            vmlaq_u32(add_all, d, mul_all),
        ];
        let mut hits = nibbles(look_up(bins_and_values(thrown)[0], &is_open)) & (u64::MAX >> (64 - 4 * block.len()));
        while hits != 0 {
            let h = group[usize_of(hits.trailing_zeros() / 4)];
            let (slot, value) = throw(h.wrapping_mul(mul).wrapping_add(add));
            lanes[slot] = lanes[slot].min(floor | value);
            open[slot / 64] &= !(1 << (slot % 64));
            hits &= hits - 1;
        }
    }
}

/// The slots whose lane is at least `floor`, one bit each.
#[inline]
fn open_slots(lanes: &[u32; LANES], floor: u32) -> [u64; 2] {
    let mut open = [0_u64; 2];
    for (slot, &lane) in lanes.iter().enumerate() {
        open[slot / 64] |= u64::from(lane >= floor) << (slot % 64);
    }
    open
}

/// A byte for each slot, all ones where it is open.
#[inline]
#[target_feature(enable = "neon")]
fn spread(open: &[u64; 2]) -> Bytes {
    let weights = load(&WEIGHTS);
    let of = |word: u64| {
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        let pair = |x, y| vtstq_u8(vcombine_u8(vdup_n_u8(x), vdup_n_u8(y)), weights);
        uint8x16x4_t(pair(a, b), pair(c, d), pair(e, f), pair(g, h))
    };
    [of(open[0]), of(open[1])]
}

/// The top byte of the value each slot holds, 255 where it holds none.
#[inline]
#[target_feature(enable = "neon")]
fn thresholds(least: &[u32; LANES]) -> Bytes {
    let of = |words: &[u32; 64]| {
        let mut quarters = [vdupq_n_u8(0); 4];
        for (to, group) in quarters.iter_mut().zip(words.as_chunks::<16>().0) {
            *to = bins_and_values(load_group(group))[1];
        }
        let [a, b, c, d] = quarters;
        uint8x16x4_t(a, b, c, d)
    };
    match least.as_chunks::<64>().0 {
        [first, second] => [of(first), of(second)],
        _ => [uint8x16x4_t(vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)); 2],
    }
}

/// One of 128 bytes for each of 16 numbers; the top bit of a number is ignored.
#[inline]
#[target_feature(enable = "neon")]
fn look_up(bins: uint8x16_t, table: &Bytes) -> uint8x16_t {
    let slots = vandq_u8(bins, vdupq_n_u8(0x7f));
    vqtbx4q_u8(vqtbl4q_u8(table[0], slots), table[1], vsubq_u8(slots, vdupq_n_u8(64)))
}

/// The top bytes of 16 numbers, and the bytes below them.
#[inline]
#[target_feature(enable = "neon")]
fn bins_and_values(words: [uint32x4_t; 4]) -> [uint8x16_t; 2] {
    let [a, b, c, d] = words;
    let ab = vreinterpretq_u8_u16(vuzp2q_u16(vreinterpretq_u16_u32(a), vreinterpretq_u16_u32(b)));
    let cd = vreinterpretq_u8_u16(vuzp2q_u16(vreinterpretq_u16_u32(c), vreinterpretq_u16_u32(d)));
    [vuzp2q_u8(ab, cd), vuzp1q_u8(ab, cd)]
}

/// One bit in four for each byte that is all ones.
#[inline]
#[target_feature(enable = "neon")]
fn nibbles(bytes: uint8x16_t) -> u64 {
    let narrow = vshrn_n_u16::<4>(vreinterpretq_u16_u8(bytes));
    vget_lane_u64::<0>(vreinterpret_u64_u8(narrow)) & 0x1111_1111_1111_1111
}

/// The bits of a byte, twice.
const WEIGHTS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

/// One bit for each of 64 bytes, which are all ones or all zeros.
#[inline]
#[target_feature(enable = "neon")]
fn mask_of(bytes: &[uint8x16_t; 4]) -> u64 {
    let weights = load(&WEIGHTS);
    let [a, b, c, d] = *bytes;
    let ab = vpaddq_u8(vandq_u8(a, weights), vandq_u8(b, weights));
    let cd = vpaddq_u8(vandq_u8(c, weights), vandq_u8(d, weights));
    let all = vpaddq_u8(ab, cd);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(all, all)))
}

/// The bytes of `word` whose bits are set, together at the low end.
#[inline]
#[target_feature(enable = "neon")]
fn compress(word: u64, bits: u8) -> u64 {
    let picks = COMPRESS[usize_of(u32::from(bits))];
    vget_lane_u64::<0>(vreinterpret_u64_u8(vtbl1_u8(vcreate_u8(word), vcreate_u8(picks))))
}

#[inline]
#[target_feature(enable = "neon")]
fn ascii_sum(first: uint32x4_t, last: uint32x4_t, keys: &HashKeys) -> uint32x4_t {
    vmlaq_u32(vaddq_u32(first, vdupq_n_u32(keys.ascii_add)), last, vdupq_n_u32(keys.ascii_mul))
}

#[inline]
#[target_feature(enable = "neon")]
fn finish(sum: uint32x4_t, keys: &HashKeys) -> uint32x4_t {
    let mixed = vmulq_u32(veorq_u32(sum, vshrq_n_u32::<15>(sum)), vdupq_n_u32(keys.final_mul));
    vandq_u32(veorq_u32(mixed, vshrq_n_u32::<16>(mixed)), vdupq_n_u32(0x7fff_ffff))
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_words(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: the array is as long as the vector, and the load needs no more than its alignment.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_group(words: &[u32; 16]) -> [uint32x4_t; 4] {
    match words.as_chunks::<4>().0 {
        [a, b, c, d] => [load_words(a), load_words(b), load_words(c), load_words(d)],
        _ => [vdupq_n_u32(0); 4],
    }
}

/// The 16 bytes from `at` on as words; all zero when they are not there.
#[inline]
#[target_feature(enable = "neon")]
fn load_at(bytes: &[u8; 20], at: usize) -> uint32x4_t {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(block) => vreinterpretq_u32_u8(load(block)),
        None => vdupq_n_u32(0),
    }
}

/// Up to four words from `at` on, zeros after them.
#[inline]
#[target_feature(enable = "neon")]
fn load_words_at(words: &[u32], at: usize) -> uint32x4_t {
    let rest = words.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(block) => load_words(block),
        None => {
            let mut padded = [0; 4];
            padded.iter_mut().zip(rest).for_each(|(to, &word)| *to = word);
            load_words(&padded)
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(bytes: &mut [u8; 16], vector: uint8x16_t) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_words(words: &mut [u32; 4], vector: uint32x4_t) {
    // SAFETY: the array is as long as the vector, and the store needs no more than its alignment.
    unsafe { vst1q_u32(words.as_mut_ptr(), vector) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_some(words: &mut Hashes, at: usize, vector: uint32x4_t) {
    if let Some(to) = words.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        store_words(to, vector);
    }
}

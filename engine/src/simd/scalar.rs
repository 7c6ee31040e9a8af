//! Every kernel in plain Rust, written to be read: what the other levels must equal, bit for bit.

use super::{Classes, Folded, HASHES_MAX, HashKeys, Hashes, LANES, Level, SHINGLE_CHARS, Table, visits, words};
use crate::num::{low8, u32_saturating, usize_of};

pub(super) static TABLE: Table = Table {
    level: Level::Scalar,
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

/// Bits of a lane below its round.
pub(super) const VALUE_BITS: u32 = super::LANE_ROUND_SHIFT;

/// The bits of a lane below its round.
pub(super) const VALUE_MASK: u32 = (1 << VALUE_BITS) - 1;

pub(super) fn unequal_bytes(a: &[u8; 128], b: &[u8; 128]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x != y)).sum()
}

#[inline]
pub(super) fn hamming(a: &[u8; 128], b: &[u8; 128]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum()
}

/// White space as Unicode has it, below 128.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// What a byte becomes; white space becomes a space.
static EVEN: [u8; 256] = {
    let mut even = [b' '; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = low8(byte);
        if !is_space(c) {
            even[usize_of(byte)] = c.to_ascii_lowercase();
        }
        byte += 1;
    }
    even
};

/// See [`Inlined::classes`](super::Inlined::classes).
#[inline(always)]
pub(super) fn classes(bytes: &[u8; 64]) -> Classes {
    let bits = |is: fn(&u8) -> bool| bytes.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(is(byte)));
    Classes {
        letters: bits(u8::is_ascii_alphabetic),
        digits: bits(u8::is_ascii_digit),
        high: bits(|byte| !byte.is_ascii()),
    }
}

pub(super) fn fold_ascii(src: &[u8], dst: &mut [u8], breaks: &mut [u32], state: &mut Folded) {
    let mut at = *state;
    if !at.has_room(src, dst) {
        return;
    }
    while at.may_break(breaks) {
        let block = src.get(at.read..).unwrap_or_default();
        let block = block.get(..64).unwrap_or(block);
        let count = block.iter().take_while(|byte| byte.is_ascii()).count();
        let Folded { mut written, mut in_space, mut break_count, .. } = at;
        for &byte in block.get(..count).unwrap_or_default() {
            let even = EVEN[usize_of(u32::from(byte))];
            let white = even == b' ';
            // What is written and not counted is written over; a branch would be guessed wrong at every other word.
            dst[written] = even;
            written += usize::from(!(white & in_space));
            in_space = white;
            // A run with several line breaks is noted once; one that opens the text has no space, and is not.
            if matches!(byte, b'\n'..=b'\r')
                && let Some(last) = written.checked_sub(1).map(u32_saturating)
                && (break_count == 0 || breaks[break_count - 1] != last)
            {
                breaks[break_count] = last;
                break_count += 1;
            }
        }
        at = Folded { read: at.read + count, written, break_count, in_space };
        if count < 64 {
            break;
        }
    }
    *state = at;
}

/// The sum of a window of ASCII: its first four bytes as one number, its last four as another.
#[inline(always)]
fn ascii_sum(first: u32, last: u32, keys: &HashKeys) -> u32 {
    first.wrapping_add(last.wrapping_mul(keys.ascii_mul)).wrapping_add(keys.ascii_add)
}

pub(super) fn hash_bytes(text: &[u8], keys: &HashKeys, out: &mut Hashes) -> usize {
    let mut count = 0;
    for (window, to) in text.windows(SHINGLE_CHARS).zip(out.iter_mut().take(HASHES_MAX)) {
        if let &[a, b, c, d, e] = window {
            let sum = ascii_sum(u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([b, c, d, e]), keys);
            *to = keys.finish(sum);
            count += 1;
        }
    }
    count
}

pub(super) fn hash_scalars(text: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
    let mut count = 0;
    for (window, to) in text.windows(SHINGLE_CHARS).zip(out.iter_mut().take(HASHES_MAX)) {
        if let &[a, b, c, d, e] = window {
            let sum = if (a | b | c | d | e) < 0x80 {
                ascii_sum(a | b << 8 | c << 16 | d << 24, b | c << 8 | d << 16 | e << 24, keys)
            } else {
                window.iter().zip(keys.scalar_mul).fold(keys.scalar_add, |x, (&s, m)| x.wrapping_add(s.wrapping_mul(m)))
            };
            *to = keys.finish(sum);
            count += 1;
        }
    }
    count
}

pub(super) fn hash_words(text: &[u8], from: usize, keys: &HashKeys, out: &mut Hashes) -> (usize, usize) {
    words::hash_words(text, from, keys, out, |block| {
        block.iter().enumerate().fold(0, |mask, (i, &byte)| mask | u64::from(byte == b' ') << i)
    })
}

pub(super) fn hash_triples(words: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
    let mut count = 0;
    for (triple, to) in words.windows(3).zip(out.iter_mut().take(HASHES_MAX)) {
        if let &[first, second, third] = triple {
            *to = keys.hash_triple([first, second, third]);
            count += 1;
        }
    }
    count
}

/// The slot and the value below the round that a number thrown in one round stands for.
#[inline(always)]
pub(super) const fn throw(x: u32) -> (usize, u32) {
    (usize_of((x >> VALUE_BITS) & 0x7f), x & VALUE_MASK)
}

/// In round 0 every shingle falls into one slot, and each slot keeps the smallest. While slots are empty there is another round,
/// in which each shingle goes to the next slot of its order (see [`visits`]), and whose values are larger than all before it.
/// A lane is `round << 24 | value`, so that the minimum of two lanes is the lane of the union; and since larger rounds
/// cannot win, any piece may do more rounds than it needs.
pub(super) fn absorb(hashes: &[u32], lanes: &mut [u32; LANES]) {
    for (r, (&mul, &add)) in (0_u32..).zip(visits::MUL.iter().zip(&visits::ADD)) {
        let floor = r << VALUE_BITS;
        if hashes.is_empty() || lanes.iter().all(|&lane| lane < floor) {
            return;
        }
        for &h in hashes {
            let (slot, value) = throw(h.wrapping_mul(mul).wrapping_add(add));
            lanes[slot] = lanes[slot].min(floor | value);
        }
    }
}

#[inline]
pub(super) fn merge(into: &mut [u32; LANES], other: &[u32; LANES]) {
    for (a, &b) in into.iter_mut().zip(other) {
        *a = (*a).min(b);
    }
}

#[inline]
pub(super) fn fold_lanes(lanes: &[u32; LANES], multiplier: u32) -> [u8; LANES] {
    lanes.map(|lane| low8((lane ^ (lane >> 15)).wrapping_mul(multiplier) >> 24))
}

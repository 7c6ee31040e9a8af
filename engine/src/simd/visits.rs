//! The order in which a shingle visits the slots, known both ways: the slot of a round by one multiplication, the round of every
//! slot by one look into a table.
//!
//! As in SuperMinHash (Ertl 2017) each shingle visits each slot once, in an order of its own, so that after as many rounds as there
//! are slots none is open. Its order is a walk `slot + step(round) * stride`, modulo the slots, where slot and stride are bits of its
//! hash and the steps are one random permutation that all share. A walk is one of 8,192; what that costs against orders drawn
//! at random is .01 in the error of a resemblance (as a share of the theory of k-permutation MinHash, `benches/README.md`).

use super::LANES;
use super::scalar::{VALUE_BITS, VALUE_MASK, throw};
use crate::num::{low8, low32, u64_of, usize_of};

/// Which permutation the steps are: of the first 48 one of those with the least error for 2 to 100 shingles.
const STEPS_SEED: u64 = 24;

/// Strides: the odd numbers below the slots, for those visit all.
const STRIDES: usize = LANES / 2;

const LANES_WIDE: u64 = u64_of(LANES);

/// Sets of at most this many hashes are sketched from the table.
pub(super) const FEW: usize = 16;

/// `step(round)`: 0 first, then a permutation of the others (Fisher and Yates; numbers by SplitMix64).
const STEPS: [u32; LANES] = {
    let mut steps = [0; LANES];
    let mut i = 0;
    while i < LANES_WIDE {
        steps[usize_of(low32(i))] = low32(i);
        i += 1;
    }
    let mut state = STEPS_SEED;
    while i > 2 {
        i -= 1;
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let (i, j) = (usize_of(low32(i)), 1 + usize_of(low32((z ^ (z >> 31)) % i)));
        let moved = steps[i];
        steps[i] = steps[j];
        steps[j] = moved;
    }
    steps
};

/// What a hash is multiplied by in each round, and what is added then, to have the slot of that round on top of its value:
/// `h + (step * (2 h + 1) << 24)`, which is `h * (1 + (step << 25)) + (step << 24)`, as the stride is `2 h + 1`.
pub(super) static MUL: [u32; LANES] = multiples(VALUE_BITS + 1, 1);
pub(super) static ADD: [u32; LANES] = multiples(VALUE_BITS, 0);

const fn multiples(shift: u32, more: u32) -> [u32; LANES] {
    let mut words = [0; LANES];
    let mut round = 0;
    while round < LANES {
        words[round] = STEPS[round].wrapping_shl(shift).wrapping_add(more);
        round += 1;
    }
    words
}

/// For each stride the round in which each slot is visited by a walk from slot 0, twice in a row: a walk from another slot is
/// a window of it.
#[repr(align(64))]
struct Rounds([[u8; 2 * LANES]; STRIDES]);

static ROUNDS: Rounds = {
    let mut table = [[0; 2 * LANES]; STRIDES];
    let mut row = 0;
    while row < STRIDES {
        let mut round = 0;
        while usize_of(round) < LANES {
            let slot = usize_of(STEPS[usize_of(round)]) * (2 * row + 1) % LANES;
            table[row][slot] = low8(round);
            table[row][slot + LANES] = low8(round);
            round += 1;
        }
        row += 1;
    }
    Rounds(table)
};

/// The round in which a shingle visits each slot.
#[inline(always)]
pub(super) fn rounds_of(hash: u32) -> &'static [u8; LANES] {
    let row = &ROUNDS.0[usize_of(hash) % STRIDES];
    let (slot, _) = throw(hash);
    row.get(LANES - slot..).and_then(|window| window.first_chunk()).unwrap_or(&[0; LANES])
}

/// The lanes of at most [`FEW`] hashes: each slot goes to the hash that visits it first, and of two in the same round to the
/// smaller value, which is seen first.
#[inline(always)]
pub(super) fn sketch_few(hashes: &[u32]) -> [u32; LANES] {
    let mut lanes = [super::LANE_EMPTY; LANES];
    if hashes.is_empty() {
        return lanes;
    }
    // Values on top; a slot left over from a longer set is never read.
    let mut sorted = [0; FEW];
    let count = hashes.len().min(FEW);
    for (i, &h) in hashes.iter().take(FEW).enumerate() {
        let key = h.rotate_left(u32::BITS - VALUE_BITS);
        let mut at = i;
        while at > 0 && sorted[at - 1] > key {
            sorted[at] = sorted[at - 1];
            at -= 1;
        }
        sorted[at] = key;
    }
    let sorted = sorted.map(|key| key.rotate_right(u32::BITS - VALUE_BITS));
    let all_rounds = sorted.map(rounds_of);
    // As many slots a step as two or four vectors hold, so that they may stay in registers.
    const STEP: usize = 32;
    for (step, lanes) in lanes.as_chunks_mut::<STEP>().0.iter_mut().enumerate() {
        let (mut first, mut winner) = ([u8::MAX; STEP], [0_u8; STEP]);
        for (i, rounds) in (0..).zip(all_rounds.iter().take(count)) {
            let Some(rounds) = rounds.as_chunks::<STEP>().0.get(step) else { break };
            for ((first, winner), &round) in first.iter_mut().zip(&mut winner).zip(rounds) {
                let earlier = round < *first;
                *first = if earlier { round } else { *first };
                *winner = if earlier { i } else { *winner };
            }
        }
        for ((lane, first), winner) in lanes.iter_mut().zip(first).zip(winner) {
            *lane = u32::from(first) << VALUE_BITS | sorted[usize::from(winner) % FEW] & VALUE_MASK;
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_visits_every_slot_once_and_the_table_knows_when() {
        for hash in (0..1000_u32).map(|i| i.wrapping_mul(0x9e37_79b9) >> 1) {
            let mut visited = [0; LANES];
            for round in 0..LANES {
                let (slot, value) = throw(hash.wrapping_mul(MUL[round]).wrapping_add(ADD[round]));
                assert_eq!((usize::from(rounds_of(hash)[slot]), value), (round, hash & VALUE_MASK));
                visited[slot] += 1;
            }
            assert_eq!(visited, [1; LANES], "{hash}");
        }
    }

    #[test]
    fn the_first_round_is_the_hash_itself() {
        assert_eq!((MUL[0], ADD[0]), (1, 0));
    }
}

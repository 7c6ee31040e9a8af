//! The rounds of a sketch for AVX-512: what may win a slot is found sixteen at a time, and put there one at a time.
//!
//! Throwing sixteen numbers and asking whether they fall into an open slot takes a few cycles; taking the minimum of a
//! slot takes more than one for each number, and asking again which slots are open waits until all stores before are
//! done. So numbers that cannot win are kept out of the slots, several rounds are thrown between two such questions, and
//! nothing branches on a single number. Rounds thrown in vain do no harm: a later round never wins.

use super::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Numbers that one pass over the hashes may find.
const HITS_MAX: usize = HASHES_MAX;

/// Sets of more hashes are thinned before their first round.
pub(super) const THINNED: usize = 448;

/// Hashes a slot that thinning leaves, as a fraction: enough to fill most slots.
const LEFT_A_SLOT: [u32; 2] = [3, 2];

/// Hashes compared with one copy of what the slots hold.
const FILTERED: usize = 512;

/// What a pass throws while more than [`MANY_OPEN`] slots are open, and after that: fewer passes want more throws, fewer
/// useless hits less.
const THROWS: [usize; 2] = [256, 640];

/// See [`THROWS`].
const MANY_OPEN: u32 = 32;

/// Open slots that a large set fills one by one.
const FEW_OPEN: u32 = 3;

/// A bitonic network (Batcher 1968) that sorts the first 2, 4, 8 or 16 of sixteen numbers after 1, 3, 6 or 10 steps: how far
/// off the partner of each is, and which of them keep the smaller.
const SORTING: [(u32, u16); 10] = {
    let (mut steps, mut step, mut block) = ([(0, 0); 10], 0, 2_u32);
    while block <= 16 {
        let mut apart = block / 2;
        while apart > 0 {
            let (mut smaller, mut i) = (0, 0);
            while i < 16 {
                smaller |= if (i & apart == 0) == (i & block == 0) { 1 << i } else { 0 };
                i += 1;
            }
            steps[step] = (apart, smaller);
            step += 1;
            apart /= 2;
        }
        block *= 2;
    }
    steps
};

/// Something whose vectors lie in one cache line each.
#[repr(C, align(64))]
struct Aligned<T>(T);

/// Room for the hits of one pass; what was not written is not read.
pub(super) type Room = [MaybeUninit<u32>; HITS_MAX + 16];

/// Room before anything is written.
pub(super) const ROOM: Room = [MaybeUninit::uninit(); HITS_MAX + 16];

parts! {
    /// The lanes of at most [`HASHES_MAX`] hashes.
    pub(super) fn sketch_piece(hashes: &[u32]) -> [u32; LANES] {
        if hashes.len() <= visits::FEW {
            return sketch_few(hashes);
        }
        let mut lanes = Aligned([LANE_EMPTY; LANES]);
        let open = if hashes.len() < LANES {
            scatter_hashes(hashes, &mut lanes.0);
            [u64::MAX; 2]
        } else if hashes.len() <= THINNED {
            let mut least = Aligned([LANE_EMPTY; LANES]);
            put_least(hashes, &mut least.0);
            take_values(&least.0, &mut lanes.0)
        } else {
            let (mut hits, limit) = (ROOM, small(hashes.len()));
            let hit_count = find(hashes, &mut hits, |words| is_small(words, limit));
            return sketch_thinned(hashes, &mut hits, hit_count);
        };
        later_rounds(hashes, open, &mut lanes.0);
        lanes.0
    }

    /// The value on top of what [`is_small`] lets pass of a number of hashes.
    pub(super) fn small(count: usize) -> __m512i {
        let [left, of] = LEFT_A_SLOT;
        splat((VALUE_MASK / u32_saturating(count.max(THINNED)) * (u32_saturating(LANES) * left / of)) << 8)
    }

    /// Which of sixteen hashes have a small value.
    pub(super) fn is_small(hashes: __m512i, limit: __m512i) -> u16 {
        _mm512_cmple_epu32_mask(_mm512_slli_epi32::<8>(hashes), limit)
    }

    /// The lanes of many hashes, given those whose values are small. Most slots get their smallest from these; the few slots
    /// that they leave open then look at the rest.
    pub(super) fn sketch_thinned(hashes: &[u32], hits: &mut Room, hit_count: usize) -> [u32; LANES] {
        let mut least = Aligned([LANE_EMPTY; LANES]);
        put_least(written(hits, hit_count), &mut least.0);
        let is_open = spread(open_slots(&least.0, LANE_EMPTY));
        let hit_count = find(hashes, hits, |words| falls_open(words, is_open));
        put_least(written(hits, hit_count), &mut least.0);
        let mut lanes = [LANE_EMPTY; LANES];
        let open = take_values(&least.0, &mut lanes);
        later_rounds(hashes, open, &mut lanes);
        lanes
    }

    /// Lanes of the smallest hash of each slot; returns the slots that have none.
    fn take_values(least: &[u32; LANES], lanes: &mut [u32; LANES]) -> [u64; 2] {
        let mut open = [0_u64; 2];
        for (i, (from, to)) in least.as_chunks::<16>().0.iter().zip(lanes.as_chunks_mut::<16>().0).enumerate() {
            let held = load_words(from);
            let is_open = _mm512_cmpeq_epu32_mask(held, splat(LANE_EMPTY));
            let value = _mm512_and_si512(held, splat(VALUE_MASK));
            store_words(to, _mm512_mask_mov_epi32(value, is_open, held));
            open[i / 4] |= u64::from(is_open) << (16 * (i % 4));
        }
        open
    }

    /// Adds at most [`HASHES_MAX`] hashes to lanes that may hold some.
    pub(super) fn absorb_piece(hashes: &[u32], lanes: &mut [u32; LANES]) {
        if open_slots(lanes, 1 << VALUE_BITS) == [0, 0] {
            // No later round can win.
            first_round_over(hashes, lanes);
        } else {
            scalar::merge(lanes, &sketch_piece(hashes));
        }
    }

    /// Round 0 over lanes that all hold a hash of round 0 already.
    fn first_round_over(hashes: &[u32], lanes: &mut [u32; LANES]) {
        let mut hits = ROOM;
        for part in hashes.chunks(FILTERED) {
            let thresholds = thresholds(lanes);
            let hit_count = find(part, &mut hits, |words| below_thresholds(words, thresholds));
            scatter_hashes(written(&mut hits, hit_count), lanes);
        }
    }

    /// The rounds after the first, until every slot has a lane of an earlier one; `open` are the slots that have none yet.
    fn later_rounds(hashes: &[u32], open: [u64; 2], lanes: &mut [u32; LANES]) {
        let (mut open, mut round) = (open, 1);
        if hashes.len() < LANES {
            // At first nearly every slot is open.
            while round * hashes.len() < LANES {
                let (mul, add) = (splat(visits::MUL[round]), splat(visits::ADD[round]));
                let floor = splat(u32_saturating(round) << VALUE_BITS);
                let (blocks, rest) = hashes.as_chunks::<16>();
                for block in blocks {
                    let thrown = _mm512_add_epi32(_mm512_mullo_epi32(load_words(block), mul), add);
                    scatter_all(thrown, lane_of(thrown, floor), lanes);
                }
                for &h in rest {
                    let thrown = h.wrapping_mul(visits::MUL[round]).wrapping_add(visits::ADD[round]);
                    put(lanes, thrown, u32_saturating(round) << VALUE_BITS | thrown & VALUE_MASK);
                }
                round += 1;
            }
            open = open_slots(lanes, u32_saturating(round) << VALUE_BITS);
        }
        while open != [0, 0] {
            let open_count = open[0].count_ones() + open[1].count_ones();
            if open_count <= FEW_OPEN && hashes.len() > LANES {
                fill_one_by_one(open, round, hashes, lanes);
                return;
            }
            let throws = THROWS[usize::from(open_count <= MANY_OPEN)];
            let rounds = (throws / hashes.len()).clamp(1, LANES - round);
            throw_many(hashes, round..round + rounds, open, lanes);
            round += rounds;
            open = open_slots(lanes, u32_saturating(round) << VALUE_BITS);
        }
    }

    /// The rounds from one on, for each of a few open slots by itself.
    fn fill_one_by_one(open: [u64; 2], from: usize, hashes: &[u32], lanes: &mut [u32; LANES]) {
        for (half, mut open) in (0..).zip(open) {
            while open != 0 {
                let slot = (64 * half + usize_of(open.trailing_zeros())) % LANES;
                lanes[slot] = lanes[slot].min(lane_of_slot(slot, from, hashes));
                open &= open - 1;
            }
        }
    }

    /// The lane that a slot gets in the rounds from one on.
    fn lane_of_slot(slot: usize, from: usize, hashes: &[u32]) -> u32 {
        let base = u32_saturating(slot) << VALUE_BITS;
        let (blocks, rest) = hashes.as_chunks::<16>();
        let valid = if rest.is_empty() { 0 } else { u16::MAX >> (16 - rest.len()) };
        let rest = load_some_words(rest);
        for round in from..LANES {
            // A throw less its slot is a value if it fell there, and more than any value if not. The top bit is no part of
            // a throw, so all of it is moved up by one.
            let mul = splat(visits::MUL[round] << 1);
            let add = splat(visits::ADD[round].wrapping_sub(base) << 1);
            let last = _mm512_add_epi32(_mm512_mullo_epi32(rest, mul), add);
            let mut least = _mm512_mask_mov_epi32(splat(u32::MAX), valid, last);
            for block in blocks {
                let thrown = _mm512_add_epi32(_mm512_mullo_epi32(load_words(block), mul), add);
                least = _mm512_min_epu32(least, thrown);
            }
            let least = _mm512_reduce_min_epu32(least) >> 1;
            if least <= VALUE_MASK {
                return u32_saturating(round) << VALUE_BITS | least;
            }
        }
        LANE_EMPTY
    }

    /// See [`visits::sketch_few`].
    fn sketch_few(hashes: &[u32]) -> [u32; LANES] {
        let count = hashes.len();
        if count == 0 || count > visits::FEW {
            return [LANE_EMPTY; LANES];
        }
        // Values on top; what is no hash is larger.
        let keys = _mm512_rol_epi32::<8>(load_some_words(hashes));
        let mut sorted = _mm512_mask_mov_epi32(splat(u32::MAX), u16::MAX >> (16 - count), keys);
        let places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let steps = usize_of(usize::BITS - (count - 1).leading_zeros());
        for &(apart, smaller) in SORTING.iter().take(steps * (steps + 1) / 2) {
            let partner = _mm512_permutexvar_epi32(_mm512_xor_si512(places, splat(apart)), sorted);
            let larger = _mm512_max_epu32(sorted, partner);
            sorted = _mm512_mask_min_epu32(larger, smaller, sorted, partner);
        }
        let mut ordered = [0; 16];
        store_words(&mut ordered, _mm512_ror_epi32::<8>(sorted));
        let (mut first, mut winner) = ([_mm512_set1_epi8(-1); 2], [splat(0); 2]);
        let mut i = splat(0);
        for &h in ordered.iter().take(count) {
            let rounds = load_pair(visits::rounds_of(h));
            for half in 0..2 {
                let earlier = _mm512_cmplt_epu8_mask(rounds[half], first[half]);
                first[half] = _mm512_min_epu8(rounds[half], first[half]);
                winner[half] = _mm512_mask_mov_epi8(winner[half], earlier, i);
            }
            i = _mm512_add_epi8(i, _mm512_set1_epi8(1));
        }
        let values = _mm512_srli_epi32::<8>(sorted);
        let mut lanes = [0; LANES];
        for (half, lanes) in lanes.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let [first, winner] = [quarters_of(first[half]), quarters_of(winner[half])];
            for (quarter, lanes) in lanes.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                let round = _mm512_slli_epi32::<VALUE_BITS>(_mm512_cvtepu8_epi32(first[quarter]));
                let value = _mm512_permutexvar_epi32(_mm512_cvtepu8_epi32(winner[quarter]), values);
                store_words(lanes, or(round, value));
            }
        }
        lanes
    }

    fn quarters_of(vector: __m512i) -> [__m128i; 4] {
        [
            _mm512_castsi512_si128(vector),
            _mm512_extracti32x4_epi32::<1>(vector),
            _mm512_extracti32x4_epi32::<2>(vector),
            _mm512_extracti32x4_epi32::<3>(vector),
        ]
    }

    /// Throws all hashes in some rounds, hashes side by side.
    fn throw_many(hashes: &[u32], rounds: Range<usize>, open: [u64; 2], lanes: &mut [u32; LANES]) {
        let is_open = spread(open);
        let (mut hits, mut won, mut hit_count) = (ROOM, ROOM, 0);
        let (blocks, rest) = hashes.as_chunks::<16>();
        for round in rounds {
            let (mul, add) = (splat(visits::MUL[round]), splat(visits::ADD[round]));
            let floor = splat(u32_saturating(round) << VALUE_BITS);
            for block in blocks {
                let thrown = _mm512_add_epi32(_mm512_mullo_epi32(load_words(block), mul), add);
                let found = falls_open(thrown, is_open);
                write(&mut hits, hit_count, found, thrown);
                write(&mut won, hit_count, found, lane_of(thrown, floor));
                hit_count += usize_of(u32::from(found).count_ones());
            }
            if !rest.is_empty() {
                let thrown = _mm512_add_epi32(_mm512_mullo_epi32(load_some_words(rest), mul), add);
                let found = falls_open(thrown, is_open) & (u16::MAX >> (16 - rest.len()));
                write(&mut hits, hit_count, found, thrown);
                write(&mut won, hit_count, found, lane_of(thrown, floor));
                hit_count += usize_of(u32::from(found).count_ones());
            }
        }
        scatter(written(&mut hits, hit_count), written(&mut won, hit_count), lanes);
    }

    /// Puts sixteen throws where they fall, if they are the smallest there.
    fn scatter_all(thrown: __m512i, won: __m512i, lanes: &mut [u32; LANES]) {
        let (mut hits, mut values) = ([0; 16], [0; 16]);
        store_words(&mut hits, thrown);
        store_words(&mut values, won);
        for (&hit, &lane) in hits.iter().zip(&values) {
            put(lanes, hit, lane);
        }
    }
}

parts! {
    /// The lanes that numbers thrown in a round become: `floor` and the value.
    fn lane_of(thrown: __m512i, floor: __m512i) -> __m512i {
        // (thrown & mask) | floor, as one table of three inputs.
        _mm512_ternarylogic_epi32::<0xea>(thrown, splat(VALUE_MASK), floor)
    }

    /// Which of sixteen throws fall into an open slot.
    fn falls_open(thrown: __m512i, is_open: [__m512i; 2]) -> u16 {
        // Every byte is looked up, at its low seven bits; the top one is the slot, and the sign bit its answer.
        _mm512_movepi32_mask(_mm512_permutex2var_epi8(is_open[0], thrown, is_open[1]))
    }

    /// Which of sixteen hashes have a value whose top byte is not above that of their slot.
    fn below_thresholds(hashes: __m512i, thresholds: [__m512i; 2]) -> u16 {
        let limits = _mm512_permutex2var_epi8(thresholds[0], hashes, thresholds[1]);
        _mm512_cmple_epu32_mask(_mm512_slli_epi32::<8>(hashes), or(limits, splat(VALUE_MASK)))
    }

    /// The open slots, a byte each, for [`falls_open`].
    fn spread(open: [u64; 2]) -> [__m512i; 2] {
        [_mm512_movm_epi8(open[0]), _mm512_movm_epi8(open[1])]
    }

    /// The top byte of the value each slot holds, 255 where it holds none of round 0.
    fn thresholds(lanes: &[u32; LANES]) -> [__m512i; 2] {
        let mut quarters = [_mm_setzero_si128(); 8];
        for (to, words) in quarters.iter_mut().zip(lanes.as_chunks::<16>().0) {
            *to = _mm512_cvtusepi32_epi8(_mm512_srli_epi32::<16>(load_words(words)));
        }
        let [a, b, c, d, e, f, g, h] = quarters;
        let four = |a, b, c, d| {
            let halves = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(a), b);
            _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(halves, c), d)
        };
        [four(a, b, c, d), four(e, f, g, h)]
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

    /// Writes the words that were found to `to`, from `at` on, of which there are less than [`HITS_MAX`].
    pub(super) fn write(to: &mut Room, at: usize, found: u16, words: __m512i) {
        store_found(&mut to[at % HITS_MAX..][..16], _mm512_maskz_compress_epi32(found, words));
    }

    fn store_found(to: &mut [MaybeUninit<u32>], words: __m512i) {
        if let Some(to) = to.first_chunk_mut::<16>() {
            // SAFETY: the array is as long as the vector, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), words) }
        }
    }

    /// The first `count` words, of which the first are repeated until their number divides by eight: a loop whose length is
    /// known roughly is one the CPU guesses right more often. Not one word again and again, for each put would wait for the
    /// one before.
    fn written(words: &mut Room, count: usize) -> &[u32] {
        if count == 0 || count > HITS_MAX {
            return &[];
        }
        // SAFETY: `count` is not 0, so that `write` wrote a whole vector at the start; it is no longer than the array, and
        // the load needs no alignment.
        let first = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
        let again = if count < 8 { _mm512_broadcastd_epi32(_mm512_castsi512_si128(first)) } else { first };
        store_found(&mut words[count..][..16], again);
        // SAFETY: `count` words were written by `write` as they were counted, and sixteen more in the line above, which
        // end inside the array because `count` is at most `HITS_MAX`.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), count.next_multiple_of(8)) }
    }

    /// Puts each hash into its slot if it is the smallest there. One at a time: the slot is known only when the hash is.
    fn scatter_hashes(hashes: &[u32], lanes: &mut [u32; LANES]) {
        let (eights, rest) = hashes.as_chunks::<8>();
        for eight in eights {
            for &h in eight {
                put(lanes, h, h & VALUE_MASK);
            }
        }
        for &h in rest {
            put(lanes, h, h & VALUE_MASK);
        }
    }

    /// Puts each hash into its slot if it is the smallest there, slot and all, which is the same for all in a slot.
    fn put_least(hashes: &[u32], least: &mut [u32; LANES]) {
        let (eights, rest) = hashes.as_chunks::<8>();
        for eight in eights {
            for &h in eight {
                let (slot, _) = throw(h);
                let held = least[slot];
                least[slot] = if held < h { held } else { h };
            }
        }
        for &h in rest {
            let (slot, _) = throw(h);
            least[slot] = least[slot].min(h);
        }
    }

    /// Puts each lane into the slot that was hit, if it is the smallest there.
    fn scatter(hits: &[u32], won: &[u32], lanes: &mut [u32; LANES]) {
        for (hits, won) in hits.as_chunks::<8>().0.iter().zip(won.as_chunks::<8>().0) {
            for (&hit, &lane) in hits.iter().zip(won) {
                put(lanes, hit, lane);
            }
        }
    }

    fn put(lanes: &mut [u32; LANES], thrown: u32, lane: u32) {
        let (slot, _) = throw(thrown);
        let held = lanes[slot];
        lanes[slot] = if held < lane { held } else { lane };
    }
}

/// Writes the hashes that `is_hit` finds to `hits`; returns how many there are.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn find(hashes: &[u32], hits: &mut Room, is_hit: impl Fn(__m512i) -> u16) -> usize {
    let mut hit_count = 0;
    let (fours, rest) = hashes.as_chunks::<64>();
    for four in fours {
        for block in four.as_chunks::<16>().0 {
            let words = load_words(block);
            let found = is_hit(words);
            write(hits, hit_count, found, words);
            hit_count += usize_of(u32::from(found).count_ones());
        }
    }
    let (blocks, rest) = rest.as_chunks::<16>();
    for block in blocks {
        let words = load_words(block);
        let found = is_hit(words);
        write(hits, hit_count, found, words);
        hit_count += usize_of(u32::from(found).count_ones());
    }
    if !rest.is_empty() {
        let words = load_some_words(rest);
        let found = is_hit(words) & (u16::MAX >> (16 - rest.len()));
        write(hits, hit_count, found, words);
        hit_count += usize_of(u32::from(found).count_ones());
    }
    hit_count
}

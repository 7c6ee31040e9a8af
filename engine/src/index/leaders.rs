//! Leaders first: a text that nearly repeats an earlier one becomes its member and enters no index.
//!
//! Only leaders stand in bands and graphs: a bucket probe costs 44 ns, a graph insert 650 us. A text is compared with
//! leaders and never with members, so groups cannot drift along a chain. The pass takes texts in their given order; the
//! order decides who leads, so whoever wants equal answers gives equal orders.

use super::SKETCH_BYTES;
use super::lsh::band_hash;
use crate::limits::BUCKET_MAX;
use crate::num::{u32_of, usize_of};

/// Slots of 128 that may differ between a member and its leader: an estimate of .9.
pub const RADIUS_SLOTS: u32 = 12;

/// Bands probed for a leader. At J = .87, the edge of the radius, one band of four rows meets with probability .57, eight
/// with .999; the other 24 are for queries that look further.
const JOIN_BANDS: usize = 8;

const NONE: u32 = u32::MAX;

/// Finds each text's leader: `result[i]` is the index of the leader of text `i`, or `i` itself where it leads.
/// `exempt` texts (the empty one) lead and take no members.
pub fn assign<'a>(
    count: usize,
    signature: impl Fn(usize) -> &'a [u8; SKETCH_BYTES],
    class: impl Fn(usize) -> u8,
    exempt: impl Fn(usize) -> bool,
    unequal: impl Fn(&[u8; SKETCH_BYTES], &[u8; SKETCH_BYTES]) -> u32,
) -> Vec<u32> {
    let bits = count.max(16).next_power_of_two().trailing_zeros().min(26);
    // Chained hash tables over leaders: one head a bucket, one link a leader and band.
    let mut heads = vec![NONE; JOIN_BANDS << bits];
    let mut links: Vec<[u32; JOIN_BANDS]> = Vec::new();
    let mut leaders: Vec<u32> = Vec::new();
    let mut leader_of = Vec::with_capacity(count);
    let mut seen_by: Vec<u32> = Vec::new();
    for index in 0..count {
        let own = u32_of(index).unwrap_or(NONE);
        if exempt(index) {
            leader_of.push(own);
            continue;
        }
        let mine = signature(index);
        let mut hashes = [0; JOIN_BANDS];
        // Any leader at the edge of the radius comes before no leader at all.
        let mut best = (RADIUS_SLOTS, NONE);
        for (band, slot) in hashes.iter_mut().enumerate() {
            let hash = band_hash(mine, band, class(index)) >> (32 - bits);
            *slot = (band << bits) + usize_of(hash);
            let mut at = heads[*slot];
            // The newest leaders come first; a cap keeps one hot template from making the pass quadratic.
            for _ in 0..BUCKET_MAX {
                if at == NONE {
                    break;
                }
                let place = usize_of(at);
                if seen_by[place] != own {
                    seen_by[place] = own;
                    let leader = leaders[place];
                    let other = usize_of(leader);
                    if class(other) == class(index) {
                        best = best.min((unequal(mine, signature(other)), leader));
                    }
                }
                at = links[place][band];
            }
        }
        if best.1 != NONE {
            leader_of.push(best.1);
            continue;
        }
        let place = u32_of(leaders.len()).unwrap_or(NONE);
        let mut link = [NONE; JOIN_BANDS];
        for (band, slot) in hashes.iter().enumerate() {
            link[band] = heads[*slot];
            heads[*slot] = place;
        }
        leaders.push(own);
        links.push(link);
        seen_by.push(NONE);
        leader_of.push(own);
    }
    leader_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unequal(a: &[u8; 128], b: &[u8; 128]) -> u32 {
        u32_of(a.iter().zip(b).filter(|(x, y)| x != y).count()).unwrap_or(NONE)
    }

    fn text(seed: u8, changed: usize) -> [u8; 128] {
        let mut slots = [0; 128];
        for (index, slot) in slots.iter_mut().enumerate() {
            *slot = seed.wrapping_mul(31).wrapping_add(crate::num::low8(u32_of(index * 7).unwrap_or(0)));
        }
        for slot in slots.iter_mut().rev().take(changed) {
            *slot ^= 0x55;
        }
        slots
    }

    #[test]
    fn near_texts_join_the_first_and_chains_do_not_drift() {
        // 0, 8 and 16 slots away from the first: the third is near the second, but not near the leader.
        let texts = [text(1, 0), text(1, 8), text(1, 16), text(2, 0), text(1, 0)];
        let leaders = assign(texts.len(), |i| &texts[i], |_| 1, |_| false, unequal);
        assert_eq!(leaders, [0, 0, 2, 3, 0]);
    }

    #[test]
    fn the_radius_holds_its_edge_and_not_one_slot_more() {
        let texts = [text(1, 0), text(1, 12), text(1, 13)];
        let leaders = assign(texts.len(), |i| &texts[i], |_| 1, |_| false, unequal);
        assert_eq!(leaders, [0, 0, 2]);
    }

    #[test]
    fn classes_and_exempt_texts_stay_apart() {
        let texts = [text(1, 0), text(1, 0), text(1, 0)];
        let leaders = assign(3, |i| &texts[i], |i| if i == 1 { 2 } else { 1 }, |_| false, unequal);
        assert_eq!(leaders, [0, 1, 0]);
        let leaders = assign(3, |i| &texts[i], |_| 1, |i| i == 0, unequal);
        assert_eq!(leaders, [0, 1, 1]);
    }
}

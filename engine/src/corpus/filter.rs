//! A blocked Bloom filter over identities: "surely not here" for the price of one cache line (Putze, Sanders, Singler 2007).

use crate::num::{high32, low32, low64, u64_of, usize_of, usize_of_u64};

/// Bytes of a block: one cache line.
const BLOCK_BYTES: usize = 64;
/// Identities a block serves: 51 bits each, 8 of them set; under 1 in 10^5 strangers pass.
const PER_BLOCK: usize = 10;
const PROBES: u32 = 8;

/// The filter of `identities`, which are keyed MACs and so evenly spread already.
#[must_use]
pub fn build(identities: &[u128]) -> Vec<u8> {
    let blocks = identities.len().div_ceil(PER_BLOCK).max(1);
    let mut filter = vec![0; blocks * BLOCK_BYTES];
    for identity in identities {
        let at = block_of(*identity, blocks) * BLOCK_BYTES;
        for bit in bits_of(*identity) {
            filter[at + bit / 8] |= 1 << (bit % 8);
        }
    }
    filter
}

/// Whether `identity` may be among those that `filter` was built of.
#[must_use]
pub fn may_contain(filter: &[u8], identity: u128) -> bool {
    let blocks = filter.len() / BLOCK_BYTES;
    if blocks == 0 {
        return true;
    }
    let at = block_of(identity, blocks) * BLOCK_BYTES;
    bits_of(identity).all(|bit| filter[at + bit / 8] & (1 << (bit % 8)) != 0)
}

fn block_of(identity: u128, blocks: usize) -> usize {
    let spread = u64::from(low32(low64(identity)));
    usize_of_u64((spread * u64_of(blocks)) >> 32).unwrap_or(0)
}

fn bits_of(identity: u128) -> impl Iterator<Item = usize> {
    let start = high32(low64(identity));
    let step = low32(low64(identity >> 64)) | 1;
    (0..PROBES).map(move |probe| usize_of(start.wrapping_add(step.wrapping_mul(probe)) >> 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(n: u32) -> u128 {
        let hash = blake3::hash(&n.to_le_bytes());
        u128::from_le_bytes(hash.as_bytes()[..16].try_into().expect("16 bytes"))
    }

    #[test]
    fn members_always_pass_and_strangers_hardly_ever() {
        let members: Vec<u128> = (0..10_000).map(identity).collect();
        let filter = build(&members);
        assert!(members.iter().all(|member| may_contain(&filter, *member)));
        let passed = (10_000..110_000).filter(|n| may_contain(&filter, identity(*n))).count();
        assert!(passed < 100, "{passed} of 100,000 strangers pass");
    }
}

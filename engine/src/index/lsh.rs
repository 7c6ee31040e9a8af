//! Bands of the signature: near-duplicates share a band, so a look into a few buckets finds them.
//!
//! Locality-sensitive hashing of MinHash signatures (Broder 1997; Indyk and Motwani 1998). 128 slots of 8 bits are cut
//! into 32 bands of 4 rows; two texts of resemblance J meet in some bucket with probability 1 - (1 - J^4)^32: .9998 at
//! J = .7 and .987 at J = .6. A band is four bytes of the signature itself, so the tables hold no copy of it: sorted ids,
//! one tag byte an id that spares most looks at signatures, and bucket offsets. 6 bytes a band and leader.

use super::SKETCH_BYTES;
use crate::column::Column;
use crate::limits::{BUCKET_MAX, CANDIDATES_MAX};
use crate::num::{low8, u32_of, usize_of};

/// Bands of a signature.
pub const BANDS: usize = 32;

/// Bands that are enough where only J = .8 and above is sought.
pub const FEW_BANDS: usize = 16;

/// A bucket of so many ids is read whole where repeated ids are sought: a strange one in it seldom meets the text again, and
/// the tags would be one more miss.
const SHORT_BUCKET: usize = 16;

/// Slots of one band.
pub const ROWS: usize = SKETCH_BYTES / BANDS;

/// Bits in which ids are looked for that were met before.
const SEEN_BITS: usize = 1 << 15;

/// Ids of which so many may have been met before are counted one by one; more are put in order.
const COUNTED_MAX: usize = 64;

/// Ids a bucket holds on average: more makes the offsets cheaper, and each look longer.
const LOAD: usize = 4;

/// The hash of band `band`; texts of different `class` are never compared, so they never share a bucket.
#[inline]
#[must_use]
pub fn band_hash(signature: &[u8; SKETCH_BYTES], band: usize, class: u8) -> u32 {
    let at = band * ROWS;
    let rows = u32::from_le_bytes([signature[at], signature[at + 1], signature[at + 2], signature[at + 3]]);
    // The finaliser of MurmurHash3 (Appleby 2008): the rows are keyed already, it only spreads them.
    let mut hash = rows ^ (u32::from(class).wrapping_mul(0x9E37_79B9));
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85EB_CA6B);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

/// log2 of the number of buckets for `count` signatures.
#[must_use]
pub fn bucket_bits(count: usize) -> u32 {
    (count / LOAD).max(1).next_power_of_two().trailing_zeros().min(28)
}

fn bucket_of(hash: u32, bits: u32) -> usize {
    if bits == 0 { 0 } else { usize_of(hash >> (32 - bits)) }
}

/// The tables of all bands, ready to be written.
#[derive(Debug, Default)]
pub struct BandTables {
    /// For each band, `2^bits + 1` offsets into that band's ids.
    pub offsets: Vec<u32>,
    /// For each band, the ids in bucket order, ascending within a bucket.
    pub ids: Vec<u32>,
    /// For each band, the low byte of each id's hash.
    pub tags: Vec<u8>,
}

impl BandTables {
    /// Cuts the bands of all `signatures` whose `banded` flag is set (the empty text has no band).
    #[must_use]
    pub fn build<'a>(
        signatures: impl Fn(usize) -> &'a [u8; SKETCH_BYTES] + Sync,
        classes: &[u8],
        banded: &[u32],
    ) -> Self {
        use rayon::prelude::*;
        let bits = bucket_bits(banded.len());
        let buckets = 1_usize << bits;
        let tables: Vec<Self> = (0..BANDS)
            .into_par_iter()
            .map(|band| {
                let hashes: Vec<u32> = banded
                    .iter()
                    .map(|id| band_hash(signatures(usize_of(*id)), band, classes[usize_of(*id)]))
                    .collect();
                let mut offsets = vec![0_u32; buckets + 1];
                for hash in &hashes {
                    offsets[bucket_of(*hash, bits) + 1] += 1;
                }
                for bucket in 0..buckets {
                    offsets[bucket + 1] += offsets[bucket];
                }
                let mut next = offsets.clone();
                let mut ids = vec![0; banded.len()];
                let mut tags = vec![0; banded.len()];
                for (hash, id) in hashes.iter().zip(banded) {
                    let place = &mut next[bucket_of(*hash, bits)];
                    ids[usize_of(*place)] = *id;
                    tags[usize_of(*place)] = low8(*hash);
                    *place += 1;
                }
                Self { offsets, ids, tags }
            })
            .collect();
        let mut all = Self::default();
        for table in tables {
            all.offsets.extend(table.offsets);
            all.ids.extend(table.ids);
            all.tags.extend(table.tags);
        }
        all
    }
}

/// The bands of a sealed segment.
#[derive(Debug, Clone, Copy)]
pub struct Bands<'a> {
    offsets: Column<'a, u32>,
    ids: Column<'a, u32>,
    tags: &'a [u8],
    banded: usize,
    bits: u32,
}

/// What a look into the bands gave.
#[derive(Debug, Default, Clone)]
pub struct Candidates {
    /// Ids, each once, ascending.
    pub ids: Vec<u32>,
    /// Whether a bound cut the look short: the ids are then not all.
    pub truncated: bool,
    /// Ids that may have been met before.
    met: Vec<u32>,
}

impl<'a> Bands<'a> {
    /// Views the three sections, or `None` when their sizes contradict each other.
    #[must_use]
    pub fn new(offsets: Column<'a, u32>, ids: Column<'a, u32>, tags: &'a [u8]) -> Option<Self> {
        let banded = ids.len() / BANDS;
        let bits = bucket_bits(banded);
        let whole = ids.len() == banded * BANDS
            && tags.len() == ids.len()
            && offsets.len() == ((1_usize << bits) + 1) * BANDS
            && u32_of(banded).is_some();
        whole.then_some(Self { offsets, ids, tags, banded, bits })
    }

    /// The ids that share a bucket with `signature` in at least one band: at most [`BUCKET_MAX`] a bucket and
    /// [`CANDIDATES_MAX`] in all; what is cut says so.
    pub fn candidates(&self, signature: &[u8; SKETCH_BYTES], class: u8, out: &mut Candidates) {
        self.gather(signature, class, BANDS, 0, out);
        out.ids.sort_unstable();
        out.ids.dedup();
        out.cut();
    }

    /// The ids that share a bucket with `signature` in two bands or more, bounded as [`Bands::candidates`]. What is unlike a
    /// text meets it in one band by chance, and to compare its signature costs two cache misses; what is like it meets it
    /// in many: two of all bands find J = .7 with probability .998, J = .8 with .999999. Of signatures that differ in 25 slots
    /// of 128 (J = .8) two of the first [`FEW_BANDS`] find 99.97 %, and cost half. The first `bands` are looked at.
    pub fn repeated(&self, signature: &[u8; SKETCH_BYTES], class: u8, bands: usize, out: &mut Candidates) {
        self.gather(signature, class, bands, SHORT_BUCKET, out);
        let Candidates { ids, met, .. } = out;
        // A bit an id tells those that may have been met before: nearly all are met once, and one in a hundred by chance.
        met.clear();
        let mut seen = [0_u64; SEEN_BITS / 64];
        for &id in ids.iter() {
            let bit = usize_of(id.wrapping_mul(0x9E37_79B1) >> 8) % SEEN_BITS;
            let (word, mask) = (&mut seen[bit / 64], 1 << (bit % 64));
            if *word & mask != 0 {
                met.push(id);
            }
            *word |= mask;
        }
        met.sort_unstable();
        met.dedup();
        if met.len() <= COUNTED_MAX {
            met.retain(|id| ids.iter().map(|other| u32::from(other == id)).sum::<u32>() > 1);
            std::mem::swap(ids, met);
        } else {
            ids.sort_unstable();
            met.clear();
            met.extend(ids.chunk_by(|a, b| a == b).filter(|run| run.len() > 1).map(|run| run[0]));
            std::mem::swap(ids, met);
        }
        out.cut();
    }

    /// The ids in the buckets of the first `bands` of `signature`, as often as they are met: all of a bucket of at most
    /// `short`, and at most [`BUCKET_MAX`] of the right tag of any other.
    fn gather(&self, signature: &[u8; SKETCH_BYTES], class: u8, bands: usize, short: usize, out: &mut Candidates) {
        out.ids.clear();
        out.truncated = false;
        let buckets = (1_usize << self.bits) + 1;
        // Each band costs a miss in the offsets, then one in the ids, and before it one in the tags of a long bucket: asked for
        // ahead, the bands wait for memory together instead of one after the other.
        let hashes: [u32; BANDS] = std::array::from_fn(|band| band_hash(signature, band, class));
        let bucket_in = |band: usize| band * buckets + bucket_of(hashes[band], self.bits);
        (0..bands).for_each(|band| self.offsets.prefetch(bucket_in(band)));
        let mut ranges = [(0, 0); BANDS];
        for (band, range) in ranges.iter_mut().enumerate().take(bands) {
            let bucket = bucket_in(band);
            let start = self.offsets.get(bucket).map_or(0, usize_of);
            let end = self.offsets.get(bucket + 1).map_or(0, usize_of).min(self.banded);
            if start < end {
                *range = (band * self.banded + start, band * self.banded + end);
                self.ids.prefetch(range.0);
                if end - start > short {
                    self.tags.get(range.0).into_iter().for_each(crate::simd::prefetch);
                }
            }
        }
        for (band, (start, end)) in ranges.into_iter().enumerate().take(bands) {
            if end - start <= short {
                out.ids.extend(self.ids.slice(start, end).iter());
                continue;
            }
            let tag = low8(hashes[band]);
            for (taken, place) in (start..end).filter(|place| self.tags.get(*place) == Some(&tag)).enumerate() {
                if taken == BUCKET_MAX {
                    out.truncated = true;
                    break;
                }
                out.ids.extend(self.ids.get(place));
            }
        }
    }
}

impl Candidates {
    fn cut(&mut self) {
        if self.ids.len() > CANDIDATES_MAX {
            self.ids.truncate(CANDIDATES_MAX);
            self.truncated = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::encode;

    #[test]
    fn repeated_ids_are_those_that_candidates_meet_twice() {
        // Signatures of few values, so that bands are shared by chance: once, twice and often.
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            low8(crate::num::high32(state) >> 28) % 6
        };
        let signatures: Vec<[u8; SKETCH_BYTES]> = (0..4000).map(|_| std::array::from_fn(|_| draw())).collect();
        let classes = vec![1; signatures.len()];
        let banded: Vec<u32> = (0..4000).collect();
        let tables = BandTables::build(|at| &signatures[at], &classes, &banded);
        let (offsets, ids) = (encode(tables.offsets.iter().copied()), encode(tables.ids.iter().copied()));
        let columns = (Column::new(&offsets).expect("whole"), Column::new(&ids).expect("whole"));
        let bands = Bands::new(columns.0, columns.1, &tables.tags).expect("they fit");
        let (mut once, mut twice) = (Candidates::default(), Candidates::default());
        let mut sizes = [0, 0];
        for (signature, looked_at) in signatures.iter().take(50).flat_map(|each| [(each, BANDS), (each, FEW_BANDS)]) {
            bands.candidates(signature, 1, &mut once);
            bands.repeated(signature, 1, looked_at, &mut twice);
            // What a look compares: the bucket, and the tag where there is one.
            let seen = |signature: &[u8; SKETCH_BYTES], band, is_tagged| {
                let hash = band_hash(signature, band, 1);
                (bucket_of(hash, bucket_bits(signatures.len())), if is_tagged { low8(hash) } else { 0 })
            };
            let shared = |id: &u32, bands: usize, tagged: &dyn Fn(usize) -> bool| {
                let other = &signatures[usize_of(*id)];
                (0..bands)
                    .filter(|band| seen(signature, *band, tagged(*band)) == seen(other, *band, tagged(*band)))
                    .count()
            };
            assert!(once.ids.iter().all(|id| shared(id, BANDS, &|_| true) >= 1));
            let is_long = |band: usize| {
                let bucket = seen(signature, band, false);
                signatures.iter().filter(|other| seen(other, band, false) == bucket).count() > SHORT_BUCKET
            };
            let long: Vec<bool> = (0..BANDS).map(is_long).collect();
            let expected: Vec<u32> =
                banded.iter().copied().filter(|id| shared(id, looked_at, &|band| long[band]) >= 2).collect();
            assert_eq!(twice.ids, expected);
            sizes[0] += once.ids.len();
            sizes[1] += twice.ids.len();
        }
        assert!(sizes[0] > 2 * sizes[1] && sizes[1] > 50, "both kinds were there: {sizes:?}");
    }
}

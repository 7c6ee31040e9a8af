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
pub const FEW_BANDS: usize = 20;

/// Slots of one band.
pub const ROWS: usize = SKETCH_BYTES / BANDS;

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
    /// Room to count in.
    met: Vec<u64>,
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
        self.gather(signature, class, BANDS, out);
        out.ids.sort_unstable();
        out.ids.dedup();
        out.cut();
    }

    /// The ids that share a bucket with `signature` in two bands or more, bounded as [`Bands::candidates`]. What is unlike a
    /// text meets it in one band by chance, and to compare its signature costs two cache misses; what is like it meets it
    /// in many: two of all bands find J = .7 with probability .998, J = .8 with .999999; two of [`FEW_BANDS`] find J = .8
    /// with .9996, and cost five eighths. The first `bands` are looked at.
    pub fn repeated(&self, signature: &[u8; SKETCH_BYTES], class: u8, bands: usize, out: &mut Candidates) {
        self.gather(signature, class, bands, out);
        let Candidates { ids, met, .. } = out;
        met.clear();
        met.resize((2 * ids.len()).next_power_of_two(), 0);
        let last = met.len() - 1;
        let mut kept = 0;
        for at in 0..ids.len() {
            // The low bit of a place says that its id was met again; ids are below 2^31, since a segment has fewer forms.
            let id = ids[at];
            let held = (u64::from(id) + 1) << 1;
            let mut place = usize_of(id.wrapping_mul(0x9E37_79B1) >> 8) & last;
            loop {
                match met[place] {
                    0 => met[place] = held,
                    other if other == held => {
                        met[place] = held | 1;
                        ids[kept] = id;
                        kept += 1;
                    }
                    other if other == (held | 1) => {}
                    _ => {
                        place = (place + 1) & last;
                        continue;
                    }
                }
                break;
            }
        }
        ids.truncate(kept);
        ids.sort_unstable();
        out.cut();
    }

    /// The ids in the buckets of the first `bands` of `signature`, as often as they are met: at most [`BUCKET_MAX`] a bucket.
    fn gather(&self, signature: &[u8; SKETCH_BYTES], class: u8, bands: usize, out: &mut Candidates) {
        out.ids.clear();
        out.truncated = false;
        let buckets = (1_usize << self.bits) + 1;
        // Each band costs a miss in the offsets, then one in the tags and one in the ids: asked for ahead, the 32 bands wait
        // for memory together instead of one after the other.
        let hashes: [u32; BANDS] = std::array::from_fn(|band| band_hash(signature, band, class));
        let bucket_in = |band: usize| band * buckets + bucket_of(hashes[band], self.bits);
        (0..bands).for_each(|band| self.offsets.prefetch(bucket_in(band)));
        let ranges: [(usize, usize); BANDS] = std::array::from_fn(|band| {
            if band >= bands {
                return (0, 0);
            }
            let bucket = bucket_in(band);
            let start = self.offsets.get(bucket).map_or(0, usize_of);
            let end = self.offsets.get(bucket + 1).map_or(0, usize_of).min(self.banded);
            if let Some(tag) = self.tags.get(band * self.banded + start).filter(|_| start < end) {
                crate::simd::prefetch(tag);
                self.ids.prefetch(band * self.banded + start);
            }
            (start, end)
        });
        for (band, (start, end)) in ranges.into_iter().enumerate() {
            let hash = hashes[band];
            let mut taken = 0;
            for place in start..end {
                let place = band * self.banded + place;
                if self.tags.get(place) != Some(&low8(hash)) {
                    continue;
                }
                if taken == BUCKET_MAX {
                    out.truncated = true;
                    break;
                }
                taken += 1;
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
            // What a look compares: the bucket and the tag.
            let seen = |signature: &[u8; SKETCH_BYTES], band| {
                let hash = band_hash(signature, band, 1);
                (bucket_of(hash, bucket_bits(signatures.len())), low8(hash))
            };
            let shared = |id: &u32, bands: usize| {
                let other = &signatures[usize_of(*id)];
                (0..bands).filter(|band| seen(signature, *band) == seen(other, *band)).count()
            };
            assert!(once.ids.iter().all(|id| shared(id, BANDS) >= 1));
            let expected: Vec<u32> = once.ids.iter().copied().filter(|id| shared(id, looked_at) >= 2).collect();
            assert_eq!(twice.ids, expected);
            sizes[0] += once.ids.len();
            sizes[1] += twice.ids.len();
        }
        assert!(sizes[0] > 2 * sizes[1] && sizes[1] > 50, "both kinds were there: {sizes:?}");
    }
}

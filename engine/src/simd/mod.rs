//! The inner loops, once per instruction set: a sketch made on one machine equals, bit for bit, the sketch made on any other.
//!
//! `scalar` is the definition of every kernel, written to be read; the other files are written to be equal to it.
//! Which of them runs is chosen once, here, when an engine is built. Kernels take slices and plain numbers; they do not
//! allocate, panic or fail, and use 32-bit multiplication only, the widest that every instruction set has for vectors.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod blocks;
mod inlined;
mod keys;
mod level;
mod memory;
mod scalar;
mod visits;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(test)]
mod identity;

pub use inlined::{Classes, Inlined, Loop, dispatch};
pub use keys::HashKeys;
pub use level::Level;
pub use memory::{return_large_blocks, table};

use crate::error::{Error, Result};

/// Slots of a signature: the `k` of MinHash. At 8 bits a slot a signature fills two cache lines.
pub const LANES: usize = 128;

/// A lane that no shingle has reached; larger than every value, so that the minimum ignores it.
pub const LANE_EMPTY: u32 = u32::MAX;

/// Where the round of a lane begins: a lane below `1 << LANE_ROUND_SHIFT` was filled in the first round.
pub const LANE_ROUND_SHIFT: u32 = 24;

/// Consecutive characters in a `c5` shingle.
pub const SHINGLE_CHARS: usize = 5;

/// Hashes that one call of a hashing kernel writes at most: 4 KiB, which stay in the first-level cache until their last round.
pub const HASHES_MAX: usize = 1024;

/// Room for the hashes of one call, and for whole vectors beyond the last.
pub type Hashes = [u32; HASHES_MAX + 64];

/// How far [`Kernels::fold_ascii`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Bytes of the source that are done.
    pub read: usize,
    /// Bytes in the destination after the call.
    pub written: usize,
    /// Line breaks in their slice after the call.
    pub break_count: usize,
    /// The last byte done was white space, so that more white space writes nothing.
    pub in_space: bool,
}

impl Folded {
    /// The destination holds whatever the rest of the source can become, and a block more, so that blocks may be stored whole.
    fn has_room(&self, src: &[u8], dst: &[u8]) -> bool {
        let rest = src.len().saturating_sub(self.read);
        self.written.checked_add(rest).and_then(|n| n.checked_add(64)).is_some_and(|n| n <= dst.len())
    }

    /// There is a place for each line break that a block of 64 bytes can hold.
    fn may_break(&self, breaks: &[u32]) -> bool {
        self.break_count.checked_add(64).is_some_and(|n| n <= breaks.len())
    }
}

type SketchBytes = fn(&[u8], &HashKeys, &mut Hashes) -> [u32; LANES];
type Sketch = fn(&[u32]) -> [u32; LANES];

/// One function per kernel; every level has one such table.
struct Table {
    level: Level,
    unequal_bytes: fn(&[u8; 128], &[u8; 128]) -> u32,
    hamming: fn(&[u8; 128], &[u8; 128]) -> u32,
    fold_ascii: fn(&[u8], &mut [u8], &mut [u32], &mut Folded),
    hash_bytes: fn(&[u8], &HashKeys, &mut Hashes) -> usize,
    hash_scalars: fn(&[u32], &HashKeys, &mut Hashes) -> usize,
    hash_words: fn(&[u8], usize, &HashKeys, &mut Hashes) -> (usize, usize),
    hash_triples: fn(&[u32], &HashKeys, &mut Hashes) -> usize,
    /// Where there is a shorter way than to hash first, and to absorb into empty lanes.
    sketch_bytes: Option<SketchBytes>,
    sketch: Option<Sketch>,
    absorb: fn(&[u32], &mut [u32; LANES]),
    merge: fn(&mut [u32; LANES], &[u32; LANES]),
    fold_lanes: fn(&[u32; LANES], u32) -> [u8; LANES],
}

/// The kernels of one level; a copy costs a pointer.
#[derive(Clone, Copy)]
pub struct Kernels(&'static Table);

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernels({})", self.0.level)
    }
}

impl Kernels {
    /// The fastest kernels this CPU can run.
    #[must_use]
    pub fn detect() -> Self {
        let best = Level::ALL.into_iter().rev().find_map(|level| Self::for_level(level).ok());
        best.unwrap_or(Self(&scalar::TABLE))
    }

    /// The kernels of `level`.
    /// # Errors
    /// [`Error::InvalidArgument`] when this CPU, or this build, lacks the level.
    pub fn for_level(level: Level) -> Result<Self> {
        let table = match level {
            Level::Scalar => Some(&scalar::TABLE),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 | Level::Avx512 => x86_64::table(level),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => aarch64::table(),
            _ => None,
        };
        table.map(Self).ok_or_else(|| Error::InvalidArgument {
            argument: "level",
            reason: format!("this CPU has no {level}; leave the level out to use what it has"),
        })
    }

    /// The level of these kernels.
    #[must_use]
    pub fn level(self) -> Level {
        self.0.level
    }

    /// How many of 128 bytes differ: the distance of two signatures, 0 to 128.
    #[inline]
    #[must_use]
    pub fn unequal_bytes(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
        (self.0.unequal_bytes)(a, b)
    }

    /// How many of 1024 bits differ: the distance of two embedding codes, 0 to 1024.
    #[inline]
    #[must_use]
    pub fn hamming(self, a: &[u8; 128], b: &[u8; 128]) -> u32 {
        (self.0.hamming)(a, b)
    }

    /// Folds ASCII up to the first byte that is not: lower case, every run of white space one space.
    /// `state` is where an earlier call stopped (or the default with `in_space` set, to trim the start) and then where this one
    /// did: writing goes on at `dst[state.written]`, and the position of each space whose run held a line break goes to `breaks`, ascending.
    /// Stops before a block of 64 bytes for which `breaks` has fewer than 64 free places; `read` counts from the start of `src`. Does nothing unless
    /// `dst` has room for all the rest of `src` and 64 bytes more.
    #[inline]
    pub fn fold_ascii(self, src: &[u8], dst: &mut [u8], breaks: &mut [u32], state: &mut Folded) {
        (self.0.fold_ascii)(src, dst, breaks, state);
    }

    /// Hashes every window of 5 bytes of ASCII text to `out`, in no particular order, and returns how many there are:
    /// `text.len() - 4`, or 0; windows beyond [`HASHES_MAX`] are left out. What follows the hashes in `out` is lost.
    #[inline]
    #[must_use]
    pub fn hash_bytes(self, text: &[u8], keys: &HashKeys, out: &mut Hashes) -> usize {
        (self.0.hash_bytes)(text, keys, out)
    }

    /// Hashes every window of 5 Unicode scalars to `out`, and is else as [`Kernels::hash_bytes`]; a window of ASCII has the
    /// same hash there.
    #[inline]
    #[must_use]
    pub fn hash_scalars(self, text: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        (self.0.hash_scalars)(text, keys, out)
    }

    /// Hashes the words of `text`, divided by single spaces, in their order, from the one that starts at `from`. Returns
    /// where the next word starts, beyond the text when there is none, and how many were hashed, [`HASHES_MAX`] at most.
    #[inline]
    #[must_use]
    pub fn hash_words(self, text: &[u8], from: usize, keys: &HashKeys, out: &mut Hashes) -> (usize, usize) {
        (self.0.hash_words)(text, from, keys, out)
    }

    /// Hashes each three consecutive hashes of words to `out`, and is else as [`Kernels::hash_bytes`].
    #[inline]
    #[must_use]
    pub fn hash_triples(self, words: &[u32], keys: &HashKeys, out: &mut Hashes) -> usize {
        (self.0.hash_triples)(words, keys, out)
    }

    /// [`Kernels::sketch`] of what [`Kernels::hash_bytes`] makes of `text`, which goes to `out` on the way.
    #[inline]
    #[must_use]
    pub fn sketch_bytes(self, text: &[u8], keys: &HashKeys, out: &mut Hashes) -> [u32; LANES] {
        if let Some(sketch_bytes) = self.0.sketch_bytes {
            return sketch_bytes(text, keys, out);
        }
        let count = self.hash_bytes(text, keys, out);
        self.sketch(out.get(..count).unwrap_or_default())
    }

    /// The lanes of Fast Similarity Sketching of a set of shingle hashes, of 31 bits each.
    #[inline]
    #[must_use]
    pub fn sketch(self, hashes: &[u32]) -> [u32; LANES] {
        if let Some(sketch) = self.0.sketch {
            return sketch(hashes);
        }
        let mut lanes = [LANE_EMPTY; LANES];
        self.absorb(hashes, &mut lanes);
        lanes
    }

    /// Adds a set of shingle hashes, of 31 bits each, to the lanes of Fast Similarity Sketching. Adding in pieces, in any order, with any
    /// repetition, gives the same lanes as adding all at once.
    #[inline]
    pub fn absorb(self, hashes: &[u32], lanes: &mut [u32; LANES]) {
        (self.0.absorb)(hashes, lanes);
    }

    /// The lanes of a union: the smaller of each pair.
    #[inline]
    pub fn merge(self, into: &mut [u32; LANES], other: &[u32; LANES]) {
        (self.0.merge)(into, other);
    }

    /// Each lane mixed by the odd `multiplier` and cut to 8 bits.
    #[inline]
    #[must_use]
    pub fn fold_lanes(self, lanes: &[u32; LANES], multiplier: u32) -> [u8; LANES] {
        (self.0.fold_lanes)(lanes, multiplier)
    }
}

/// Asks the CPU to fetch the cache line of `value`, which will be read soon; changes nothing else.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    let at: *const T = value;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads no memory as far as the program can tell, and `at` comes from a reference, so is valid.
    #[allow(unsafe_code)]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast::<i8>());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

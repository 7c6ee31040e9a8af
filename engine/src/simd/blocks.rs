//! What every vector level does with a block of 64 bytes once it has the masks; plain numbers, no vectors.

use super::Folded;
use crate::num::{u32_saturating, usize_of};

/// What stands where in up to 64 bytes of source, one bit a byte.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    /// Inside the source.
    pub valid: u64,
    /// Not ASCII.
    pub high: u64,
    /// White space.
    pub white: u64,
    /// White space that breaks a line.
    pub breaking: u64,
}

/// What of a block is kept, and whether the block was the last.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// Bytes to keep, one bit each: all up to the first that is not ASCII, and of white space the first of each run.
    pub bytes: u64,
    /// Nothing after this block can be folded.
    pub last: bool,
}

impl Folded {
    /// Takes one block in: counts what is kept and notes line breaks. The caller has seen to 64 free places in `breaks`
    /// and stores the kept bytes at what `written` was before.
    #[inline(always)]
    pub(super) fn take(&mut self, masks: Masks, breaks: &mut [u32]) -> Kept {
        // All bits below the first that is not ASCII; all of them when there is none.
        let ascii = masks.valid & masks.high.wrapping_sub(1) & !masks.high;
        let white = masks.white & ascii;
        let repeated = white & (white << 1 | u64::from(self.in_space));
        let kept = ascii & !repeated;
        let mut breaking = masks.breaking & ascii;
        while breaking != 0 {
            let up_to = breaking ^ (breaking - 1);
            let end = self.written + usize_of((kept & up_to).count_ones());
            // The last byte kept up to here is the space of this run, unless the run opens the text and has none.
            if let Some(at) = end.checked_sub(1).map(u32_saturating) {
                let noted = self.break_count.checked_sub(1).and_then(|last| breaks.get(last)) == Some(&at);
                if !noted && let Some(place) = breaks.get_mut(self.break_count) {
                    *place = at;
                    self.break_count += 1;
                }
            }
            breaking &= breaking - 1;
        }
        if ascii != 0 {
            let count = usize_of(ascii.count_ones());
            self.in_space = white >> (count - 1) & 1 == 1;
            self.read += count;
        }
        self.written += usize_of(kept.count_ones());
        Kept { bytes: kept, last: ascii != u64::MAX }
    }
}

/// For each pattern of eight bits the places of the set ones, a byte each, then bytes that a shuffle turns into zeros.
pub(super) static COMPRESS: [u64; 256] = {
    let mut table = [u64::MAX; 256];
    let mut pattern = 0_u32;
    while pattern < 256 {
        let (mut picks, mut place, mut count) = (u64::MAX, 0_u64, 0);
        while place < 8 {
            if pattern >> place & 1 == 1 {
                picks &= !(0xff << (8 * count));
                picks |= place << (8 * count);
                count += 1;
            }
            place += 1;
        }
        table[usize_of(pattern)] = picks;
        pattern += 1;
    }
    table
};

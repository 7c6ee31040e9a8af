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

/// What of a block is kept.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// Bytes to keep, one bit each: all up to the first that is not ASCII, and of white space the first of each run.
    pub bytes: u64,
    /// The bytes up to the first that is not ASCII.
    ascii: u64,
    /// White space among them.
    white: u64,
}

impl Folded {
    /// Takes one block in: counts what is kept and notes line breaks; [`Folded::step`] goes on. The caller has seen to 64 free places in `breaks`
    /// and stores the kept bytes at what `written` was before.
    #[inline(always)]
    pub(super) fn take(&mut self, masks: Masks, breaks: &mut [u32]) -> Kept {
        // All bits below the first that is not ASCII; all of them when there is none.
        let ascii = masks.valid & masks.high.wrapping_sub(1) & !masks.high;
        let white = masks.white & ascii;
        let repeated = white & (white << 1 | u64::from(self.in_space));
        let kept = ascii & !repeated;
        let breaking = masks.breaking & ascii;
        // Breaks that are the space of their run, and those that are not and follow none: adding a bit to a run of ones
        // carries it past the run's end.
        let first = breaking & kept;
        let late = breaking & !kept & white.wrapping_add(first);
        if late == 0 {
            self.note_first(first, kept, breaks);
        } else {
            self.break_count = note_each(breaking, kept, *self, breaks);
        }
        self.written += usize_of(kept.count_ones());
        Kept { bytes: kept, ascii, white }
    }

    /// Steps over the block that was taken in; returns whether another can follow. It branches, so that the load of the
    /// next block need not wait until this one is counted.
    #[inline(always)]
    pub(super) fn step(&mut self, kept: Kept) -> bool {
        if kept.ascii == u64::MAX {
            self.in_space = kept.white >> 63 == 1;
            self.read += 64;
            return true;
        }
        if kept.ascii != 0 {
            let count = usize_of(kept.ascii.count_ones());
            self.in_space = kept.white >> (count - 1) & 1 == 1;
            self.read += count;
        }
        false
    }

    /// Notes line breaks that are kept themselves. Most blocks have two at most, which are written whether they are there
    /// or not, so that nothing branches on them.
    #[inline(always)]
    fn note_first(&mut self, mut breaking: u64, kept: u64, breaks: &mut [u32]) {
        let written = self.written;
        let places = breaks.get_mut(self.break_count..).unwrap_or_default();
        self.break_count += usize_of(breaking.count_ones());
        let place = |breaking: u64| {
            let below = breaking.wrapping_sub(1) & !breaking;
            u32_saturating(written + usize_of((kept & below).count_ones()))
        };
        let rest = breaking & breaking.wrapping_sub(1);
        if let Some([first, second]) = places.first_chunk_mut() {
            (*first, *second) = (place(breaking), place(rest));
        }
        breaking = rest & rest.wrapping_sub(1);
        for to in places.iter_mut().skip(2) {
            if breaking == 0 {
                break;
            }
            *to = place(breaking);
            breaking &= breaking - 1;
        }
    }
}

/// Notes line breaks wherever in a run they stand, each run once; returns how many there are then. Takes what came before
/// by value: behind a reference, the loop over the blocks would keep it in memory.
#[inline(never)]
fn note_each(mut breaking: u64, kept: u64, before: Folded, breaks: &mut [u32]) -> usize {
    let mut count = before.break_count;
    while breaking != 0 {
        let up_to = breaking ^ (breaking - 1);
        let end = before.written + usize_of((kept & up_to).count_ones());
        // The last byte kept up to here is the space of this run, unless the run opens the text and has none.
        if let Some(at) = end.checked_sub(1).map(u32_saturating) {
            let noted = count.checked_sub(1).and_then(|last| breaks.get(last)) == Some(&at);
            if !noted && let Some(place) = breaks.get_mut(count) {
                *place = at;
                count += 1;
            }
        }
        breaking &= breaking - 1;
    }
    count
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

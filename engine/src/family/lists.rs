//! Ascending lists of numbers, one a text: held as gaps in varints, since lists of all texts are most of what mining holds.

use crate::family::packed::{put_varint, take_varint};
use crate::num;

/// Lists of one block: a block is made anew as a whole, so that lists can change without a second copy of all.
const BLOCK: usize = 1 << 12;

/// Lists, numbered from 0 in the order in which they were pushed.
#[derive(Debug, Default)]
pub(super) struct Lists {
    blocks: Vec<Block>,
    last: Block,
}

#[derive(Debug, Default)]
struct Block {
    /// One past the last byte of each list.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Lists {
    /// Adds a list, which ascends.
    pub(super) fn push(&mut self, list: &[u32]) {
        self.last.push(list);
        if self.last.ends.len() == BLOCK {
            let mut full = std::mem::take(&mut self.last);
            full.bytes.shrink_to_fit();
            self.blocks.push(full);
        }
    }

    /// Replaces `out` by a list; by nothing where there is none.
    pub(super) fn read(&self, number: u32, out: &mut Vec<u32>) {
        let number = num::usize_of(number);
        self.blocks.get(number / BLOCK).unwrap_or(&self.last).read(number % BLOCK, out);
    }

    /// Calls `change` with each list in order and holds what it leaves, which ascends again.
    pub(super) fn change(&mut self, mut change: impl FnMut(&mut Vec<u32>)) {
        let mut list = Vec::new();
        for block in self.blocks.iter_mut().chain([&mut self.last]) {
            let mut changed = Block::default();
            for number in 0..block.ends.len() {
                block.read(number, &mut list);
                change(&mut list);
                changed.push(&list);
            }
            changed.bytes.shrink_to_fit();
            *block = changed;
        }
    }
}

impl Block {
    fn push(&mut self, list: &[u32]) {
        let mut next = 0;
        for &number in list {
            put_varint(number - next, &mut self.bytes);
            next = number;
        }
        self.ends.push(num::u32_saturating(self.bytes.len()));
    }

    fn read(&self, number: usize, out: &mut Vec<u32>) {
        out.clear();
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| num::usize_of(*end));
        let bytes = self.ends.get(number).and_then(|end| self.bytes.get(start..num::usize_of(*end))).unwrap_or(&[]);
        let (mut at, mut next) = (0, 0);
        while let Some(gap) = take_varint(bytes, &mut at) {
            next += gap;
            out.push(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_and_change_in_place() {
        let expected: Vec<Vec<u32>> = (0..3 * num::u32_saturating(BLOCK) / 2)
            .map(|n| {
                (0..n % 7).map(|k| k * k * (n % 1000) * 5000 + k).chain((n % 5 == 0).then_some(u32::MAX)).collect()
            })
            .collect();
        let mut lists = Lists::default();
        expected.iter().for_each(|list| lists.push(list));
        let mut out = vec![9];
        for (list, number) in expected.iter().zip(0..) {
            lists.read(number, &mut out);
            assert_eq!(&out, list, "{number}");
        }
        lists.read(num::u32_saturating(expected.len()), &mut out);
        assert!(out.is_empty());
        lists.change(|list| {
            list.iter_mut().for_each(|number| *number /= 2);
            list.dedup();
        });
        for (list, number) in expected.iter().zip(0..) {
            lists.read(number, &mut out);
            let mut halved: Vec<u32> = list.iter().map(|number| number / 2).collect();
            halved.dedup();
            assert_eq!(out, halved, "{number}");
        }
    }
}

//! Strings at rest: packed into blocks, compressed, sealed under the key; one string costs the opening of its block.

use std::collections::HashMap;

use crate::column::{Column, Value};
use crate::key::Keys;
use crate::num::{u16_at, u64_of, usize_of_u64};

/// Strings of one block: about 4 KB of ids, which open in a few microseconds.
pub const BLOCK: usize = 128;

/// Bytes that one block may unpack to: 128 names of at most 64 KiB.
const UNPACKED_MAX: usize = BLOCK * ((1 << 16) + 2);

/// Seals `strings` in blocks; returns the first byte of each block, and one more, and the blocks.
pub fn seal<'a>(keys: &Keys, purpose: &str, strings: impl Iterator<Item = &'a str>) -> (Vec<u8>, Vec<u8>) {
    let mut starts = Vec::new();
    let mut blocks: Vec<u8> = Vec::new();
    let mut plain = Vec::new();
    let mut held = 0;
    let mut flush = |plain: &mut Vec<u8>, blocks: &mut Vec<u8>| {
        u64_of(blocks.len()).write(&mut starts);
        let packed = zstd::bulk::compress(plain, 3).expect("compression into memory does not fail");
        blocks.extend_from_slice(&keys.seal(purpose, &packed));
        plain.clear();
    };
    for string in strings {
        let bytes = cut(string);
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        length.write(&mut plain);
        plain.extend_from_slice(bytes);
        held += 1;
        if held == BLOCK {
            flush(&mut plain, &mut blocks);
            held = 0;
        }
    }
    if held > 0 {
        flush(&mut plain, &mut blocks);
    }
    u64_of(blocks.len()).write(&mut starts);
    (starts, blocks)
}

/// The longest prefix that ends on a character and fits its length field.
fn cut(string: &str) -> &[u8] {
    let mut end = string.len().min(usize::from(u16::MAX));
    while !string.is_char_boundary(end) {
        end -= 1;
    }
    &string.as_bytes()[..end]
}

/// Opened blocks a reader keeps: 16 MB at ids of 30 bytes.
const OPENED_MAX: usize = 4096;

/// A sealed table of strings, with the blocks it opened last at hand.
#[derive(Debug)]
pub struct Reader<'a> {
    starts: Column<'a, u64>,
    blocks: &'a [u8],
    purpose: &'static str,
    opened: HashMap<usize, Vec<u8>>,
}

impl<'a> Reader<'a> {
    /// A reader over what [`seal`] wrote for the same purpose.
    #[must_use]
    pub fn new(starts: Column<'a, u64>, blocks: &'a [u8], purpose: &'static str) -> Self {
        Self { starts, blocks, purpose, opened: HashMap::new() }
    }

    /// String number `index`, or `None` when there is none, or the key or the bytes are wrong.
    pub fn get(&mut self, keys: &Keys, index: usize) -> Option<String> {
        let block = index / BLOCK;
        if !self.opened.contains_key(&block) {
            let start = usize_of_u64(self.starts.get(block)?)?;
            let end = usize_of_u64(self.starts.get(block + 1)?)?;
            let packed = keys.open(self.purpose, self.blocks.get(start..end)?)?;
            if self.opened.len() == OPENED_MAX {
                self.opened.clear();
            }
            self.opened.insert(block, zstd::bulk::decompress(&packed, UNPACKED_MAX).ok()?);
        }
        let plain = self.opened.get(&block)?;
        let mut at = 0;
        for _ in 0..index % BLOCK {
            at += 2 + usize::from(u16_at(plain, at)?);
        }
        let length = usize::from(u16_at(plain, at)?);
        let bytes = plain.get(at + 2..at + 2 + length)?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_under_the_key_alone() {
        let keys = Keys::derive(1, &[3; 32]);
        let names: Vec<String> = (0..300).map(|n| format!("name-{n}")).collect();
        let (starts, blocks) = seal(&keys, "name", names.iter().map(String::as_str));
        let open =
            |keys: &Keys, index| Reader::new(Column::new(&starts).expect("whole"), &blocks, "name").get(keys, index);
        for index in [0, 1, 127, 128, 255, 299] {
            assert_eq!(open(&keys, index).as_deref(), Some(names[index].as_str()));
        }
        assert_eq!(open(&keys, 300), None);
        assert_eq!(open(&Keys::derive(1, &[4; 32]), 0), None);
        assert!(!blocks.windows(6).any(|window| window == b"name-1"));
    }

    #[test]
    fn a_name_longer_than_its_field_is_cut_on_a_character() {
        let keys = Keys::derive(1, &[3; 32]);
        let long = "é".repeat(40_000);
        let (starts, blocks) = seal(&keys, "name", [long.as_str()].into_iter());
        let mut reader = Reader::new(Column::new(&starts).expect("whole"), &blocks, "name");
        assert_eq!(reader.get(&keys, 0).expect("opens").len(), 65_534);
    }
}

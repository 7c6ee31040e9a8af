//! What the normal form makes of each code point, as one table of the Unicode version it is pinned to.
//!
//! The table is made by the test below from the pinned crates and committed, so that neither the compiler's Unicode
//! version nor a start-up cost comes into it. It is an array of words: one for each block of 128 code points, saying where
//! the block is; the blocks, one entry a code point; the sequences that entries point to, each after its length.

/// Code points from here on are not in the table.
const LIMIT: u32 = 0x3_4000;

/// Code points in a block.
const BLOCK: u32 = 128;

const BYTES: &[u8] = include_bytes!("unicode.table");

static TABLE: [u32; BYTES.len() / 4] = {
    let mut words = [0; BYTES.len() / 4];
    let mut i = 0;
    while i < words.len() {
        words[i] = u32::from_le_bytes([BYTES[4 * i], BYTES[4 * i + 1], BYTES[4 * i + 2], BYTES[4 * i + 3]]);
        i += 1;
    }
    words
};

/// What becomes of a code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It becomes one character, often itself, that composes with nothing before it.
    Single,
    /// White space within a line.
    Space,
    /// White space that breaks a line.
    Break,
    /// Nothing: it is default-ignorable.
    Ignored,
    /// It becomes a sequence, decomposed, that may compose with its neighbours.
    Sequence,
}

/// The entry of one code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    /// A letter of the Latin script.
    pub(super) const LATIN: u32 = 1 << 24;
    /// A letter of another script that looks like an ASCII letter or digit.
    pub(super) const LOOK_ALIKE: u32 = 1 << 25;
    /// Any other letter of another script.
    pub(super) const FOREIGN: u32 = 1 << 26;
    /// A letter or digit of a script whose words are looked at for mixing; all but the scripts of East Asia.
    pub(super) const WORD: u32 = 1 << 27;
    /// A compatibility form of an ASCII letter or digit.
    pub(super) const COMPATIBLE: u32 = 1 << 28;
    /// A combining mark: it belongs to whatever it stands on.
    pub(super) const MARK: u32 = 1 << 29;

    /// The entry of `scalar`.
    #[inline(always)]
    pub(super) fn of(scalar: u32) -> Self {
        let block = TABLE.get(crate::num::usize_of(scalar / BLOCK)).copied().unwrap_or_default();
        match TABLE.get(crate::num::usize_of(block + scalar % BLOCK)) {
            Some(&word) if scalar < LIMIT => Self(word),
            _ if scalar / 0x1000 == 0xe0 => Self(3 << 21),
            _ => Self(0),
        }
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 >> 21 & 7 {
            0 => Kind::Single,
            1 => Kind::Space,
            2 => Kind::Break,
            3 => Kind::Ignored,
            _ => Kind::Sequence,
        }
    }

    /// Any of these flags is set.
    #[inline(always)]
    pub(super) fn is(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    /// What a [`Kind::Single`] becomes. The entry holds the distance, so that all blocks of unchanged characters are one.
    #[inline(always)]
    pub(super) fn single(self, scalar: u32) -> u32 {
        scalar.wrapping_add(self.0) & 0x1f_ffff
    }

    /// What a [`Kind::Sequence`] becomes.
    pub(super) fn sequence(self) -> impl Iterator<Item = char> {
        let at = crate::num::usize_of(self.0 & 0x1f_ffff);
        let length = TABLE.get(at).copied().map_or(0, crate::num::usize_of);
        TABLE.get(at + 1..at + 1 + length).unwrap_or_default().iter().filter_map(|&word| char::from_u32(word))
    }
}

/// The ASCII letter or digit that the letter `c` of another script looks like (Unicode Technical Standard 39).
pub(super) fn ascii_look_alike(c: char) -> Option<char> {
    let mut utf8 = [0; 4];
    let mut prototype = unicode_security::skeleton(c.encode_utf8(&mut utf8));
    match (prototype.next(), prototype.next()) {
        (Some(only), None) if !c.is_ascii() && only.is_ascii_alphanumeric() => Some(only.to_ascii_lowercase()),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::HashMap;
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
    use unicode_script::{Script, UnicodeScript};

    /// The Unicode version of the compiler that made the table: the source of case and of the class of letters.
    const MADE_WITH: (u8, u8, u8) = (17, 0, 0);

    pub(in super::super) fn is_ignorable(c: char) -> bool {
        let mut utf8 = [0; 4];
        !c.is_ascii() && unicode_security::skeleton(c.encode_utf8(&mut utf8)).next().is_none()
    }

    pub(in super::super) fn is_east_asian(c: char) -> bool {
        use Script::{Bopomofo, Han, Hangul, Hiragana, Katakana, Yi};
        matches!(c.script(), Han | Hiragana | Katakana | Bopomofo | Hangul | Yi)
    }

    /// Full case folding of a decomposed character: what is equal in capitals is equal.
    fn fold_case(c: char) -> Vec<char> {
        if c == 'ı' {
            return vec![c];
        }
        c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    }

    /// What one code point becomes, decomposed.
    pub(in super::super) fn decomposed(c: char) -> Vec<char> {
        let folded: String = std::iter::once(c).nfkd().flat_map(fold_case).collect();
        folded.nfkd().filter(|d| !is_ignorable(*d)).collect()
    }

    fn letter_flags(c: char) -> u32 {
        if is_combining_mark(c) {
            return Entry::MARK;
        }
        let foreign = !matches!(c.script(), Script::Latin | Script::Common | Script::Inherited);
        let alike = std::iter::once(c).nfd().any(|d| ascii_look_alike(d).is_some());
        match (c.is_alphanumeric(), is_east_asian(c)) {
            (true, true) => Entry::FOREIGN,
            (false, _) => 0,
            (true, false) if foreign && alike => Entry::WORD | Entry::LOOK_ALIKE,
            (true, false) if foreign => Entry::WORD | Entry::FOREIGN,
            (true, false) if c.script() == Script::Latin => Entry::WORD | Entry::LATIN,
            (true, false) => Entry::WORD,
        }
    }

    fn make() -> Vec<u32> {
        let mut sequences: Vec<u32> = Vec::new();
        let mut known: HashMap<Vec<char>, u32> = HashMap::new();
        let mut entries = Vec::new();
        for scalar in 0..LIMIT {
            let Some(c) = char::from_u32(scalar) else {
                entries.push((false, 0));
                continue;
            };
            if c.is_whitespace() {
                let breaking = matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
                entries.push((false, if breaking { 2 } else { 1 } << 21));
            } else if is_ignorable(c) {
                entries.push((false, 3 << 21));
            } else {
                let parts = decomposed(c);
                let compatible = std::iter::once(c).nfkd().ne(std::iter::once(c).nfd())
                    && parts.iter().any(char::is_ascii_alphanumeric);
                let flag = if compatible { Entry::COMPATIBLE } else { 0 };
                let composed: Vec<char> = parts.iter().copied().nfc().collect();
                if let [only] = composed[..]
                    && canonical_combining_class(only) == 0
                    && unicode_normalization::is_nfc_quick(std::iter::once(only))
                        == unicode_normalization::IsNormalized::Yes
                    && !only.is_whitespace()
                {
                    let distance = u32::from(only).wrapping_sub(scalar) & 0x1f_ffff;
                    entries.push((false, distance | letter_flags(only) | flag));
                } else {
                    let at = *known.entry(parts.clone()).or_insert_with(|| {
                        let at = u32::try_from(sequences.len()).expect("few sequences");
                        sequences.push(u32::try_from(parts.len()).expect("short sequences"));
                        sequences.extend(parts.iter().map(|&part| u32::from(part)));
                        at
                    });
                    entries.push((true, at | 4 << 21 | letter_flags(c) | flag));
                }
            }
        }
        let mut blocks: Vec<&[(bool, u32)]> = Vec::new();
        let index: Vec<usize> = entries
            .chunks(128)
            .map(|block| {
                blocks.iter().position(|known| *known == block).unwrap_or_else(|| {
                    blocks.push(block);
                    blocks.len() - 1
                })
            })
            .collect();
        let blocks_at = index.len();
        let sequences_at = u32::try_from(blocks_at + 128 * blocks.len()).expect("a small table");
        let mut table: Vec<u32> =
            index.iter().map(|i| u32::try_from(blocks_at + 128 * i).expect("a small table")).collect();
        let moved = |&(is_sequence, entry): &(bool, u32)| if is_sequence { entry + sequences_at } else { entry };
        table.extend(blocks.iter().flat_map(|block| block.iter().map(moved)));
        table.extend(&sequences);
        table
    }

    #[test]
    fn the_table_is_what_the_pinned_crates_say() {
        assert_eq!(unicode_normalization::UNICODE_VERSION, (18, 0, 0));
        assert_eq!((unicode_script::UNICODE_VERSION, unicode_security::UNICODE_VERSION), ((18, 0, 0), (18, 0, 0)));
        if char::UNICODE_VERSION != MADE_WITH {
            eprintln!("skipped: this compiler knows case and letters of another Unicode version");
            return;
        }
        let table = make();
        if std::env::var_os("PROMPTPRINT_REWRITE").is_some() {
            let bytes: Vec<u8> = table.iter().flat_map(|word| word.to_le_bytes()).collect();
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/unicode.table");
            std::fs::write(path, bytes).expect("the table can be written");
        } else {
            assert!(table == TABLE, "run this test with PROMPTPRINT_REWRITE=1 and look at what changes");
        }
    }

    #[test]
    fn beyond_the_table_are_tags_and_strangers() {
        for (scalar, kind) in [(0xe_0001, Kind::Ignored), (0xe_0100, Kind::Ignored), (0xf_0000, Kind::Single)] {
            assert_eq!(Entry::of(scalar).kind(), kind);
            assert_eq!(char::from_u32(scalar).is_some_and(is_ignorable), kind == Kind::Ignored);
        }
        for c in (LIMIT..=0x10_ffff).filter_map(char::from_u32) {
            assert_eq!(is_ignorable(c), Entry::of(u32::from(c)).kind() == Kind::Ignored, "{c:?}");
            assert!(is_ignorable(c) || decomposed(c) == [c], "{c:?}");
        }
    }
}

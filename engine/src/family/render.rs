//! Shows what a family's texts were made of: the pieces they share, in order, and the slots between them.
//!
//! Works on a few exemplars, in memory, while their log is read. A run of words is a piece when every three neighbouring
//! words of it stand in at least [`PIECE_TEXTS_MIN`] of the exemplars, so no text of one or two people is ever shown.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{Xxh3Builder, xxh3_64};

use crate::num::u64_of;
use crate::text::tokens::Tokenizer;

/// Exemplars looked at for the pieces.
pub const EXEMPLARS_MAX: usize = 8;
/// Distinct texts that must hold a piece before it is shown.
pub const PIECE_TEXTS_MIN: usize = 4;
/// Bytes of one text that are looked at.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Words of a shingle.
const SHINGLE: usize = 3;
/// Words of the shortest piece inside a text; at either end two words and the edge will do.
const INNER_WORDS_MIN: usize = 4;
/// Where scripts without spaces are cut is no secret of a text that is shown.
const CUTTER: [u64; 3] = [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0x8CB9_2BA7_2F3D_8DD7];
/// Values of an enumeration at most.
const ENUM_MAX: usize = 32;
/// A slot that holds this many texts' values or fewer tells little of its kind.
const ENUM_TEXTS_MIN: usize = 6;

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// One value in all texts.
    Constant,
    /// A few values, each in several texts.
    Enum,
    /// Digits.
    Number,
    /// Anything.
    Free,
}

impl SlotKind {
    /// The name that users see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Enum => "enum",
            Self::Number => "number",
            Self::Free => "free",
        }
    }
}

/// What varies between two pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What it holds.
    pub kind: SlotKind,
    /// Bytes of the shortest value.
    pub min_bytes: u64,
    /// Bytes of the longest value.
    pub max_bytes: u64,
    /// Distinct values over the texts given.
    pub distinct: u64,
}

/// A stretch of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// Text that the exemplars share.
    Piece(String),
    /// Text that varies.
    Slot(Slot),
}

/// Renders a family from its texts: the first [`EXEMPLARS_MAX`] give the pieces, all of them the slots. `None` where
/// fewer than [`PIECE_TEXTS_MIN`] distinct texts are given, or where they share nothing. Linear in the texts.
#[must_use]
pub fn render(texts: &[&str]) -> Option<Vec<Stretch>> {
    let mut distinct = HashSet::new();
    let cutter = Tokenizer::new(CUTTER);
    let texts: Vec<Text<'_>> =
        texts.iter().map(|text| Text::new(text, &cutter)).filter(|text| distinct.insert(text.digest())).collect();
    if texts.len() < PIECE_TEXTS_MIN {
        return None;
    }
    let exemplars = &texts[..texts.len().min(EXEMPLARS_MAX)];
    let mut holders: HashMap<u64, usize, Xxh3Builder> = HashMap::default();
    for text in exemplars {
        let own: HashSet<u64> = text.shingles().collect();
        for shingle in own {
            *holders.entry(shingle).or_default() += 1;
        }
    }
    let shared = |shingle: u64| holders.get(&shingle).is_some_and(|count| *count >= PIECE_TEXTS_MIN);
    // The exemplar that shares most is the one to read; of equals the shortest.
    let reference = exemplars.iter().max_by_key(|text| {
        (text.shingles().filter(|shingle| shared(*shingle)).count(), std::cmp::Reverse(text.words.len()))
    })?;
    let pieces = reference.pieces(shared);
    if pieces.is_empty() {
        return None;
    }
    Some(assemble(reference, &pieces, &texts))
}

/// A text as words; the marks at both ends are words too, so that a piece may lean on an edge.
struct Text<'a> {
    text: &'a str,
    words: Vec<Word>,
}

#[derive(Clone, Copy)]
struct Word {
    hash: u64,
    start: usize,
    end: usize,
}

impl<'a> Text<'a> {
    fn new(text: &'a str, cutter: &Tokenizer) -> Self {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let mut words = vec![Word { hash: 1, start: 0, end: 0 }];
        let mut end = 0;
        while end < text.len() {
            let start = end;
            // What the miner cuts, and marks, each a word by itself.
            end = cutter.any_word(text, start).0.min(text.len());
            let word = &text[start..end];
            if !word.trim().is_empty() {
                words.push(Word { hash: xxh3_64(word.to_lowercase().as_bytes()), start, end });
            }
        }
        words.push(Word { hash: 2, start: text.len(), end: text.len() });
        Self { text, words }
    }

    fn digest(&self) -> u64 {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.hash.to_le_bytes()).collect();
        xxh3_64(&bytes)
    }

    fn shingles(&self) -> impl Iterator<Item = u64> + '_ {
        self.words.windows(SHINGLE).map(shingle)
    }

    /// Maximal runs of words that shared shingles cover, long enough to mean something.
    fn pieces(&self, shared: impl Fn(u64) -> bool) -> Vec<std::ops::Range<usize>> {
        let mut covered = vec![false; self.words.len()];
        for (at, shingle) in self.shingles().enumerate() {
            if shared(shingle) {
                covered[at..at + SHINGLE].fill(true);
            }
        }
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < covered.len() {
            let end = covered[at..].iter().position(|covered| !covered).map_or(covered.len(), |length| at + length);
            if end > at {
                let at_edge = at == 0 || end == covered.len();
                if at_edge || end - at >= INNER_WORDS_MIN {
                    pieces.push(at..end);
                }
            }
            at = end + 1;
        }
        pieces
    }

    /// Where the words of `piece` stand from word `from` on: all of them, or else its first and its last three in order.
    fn find(&self, piece: &[Word], from: usize) -> Option<std::ops::Range<usize>> {
        let rest = &self.words[from.min(self.words.len())..];
        let same = |window: &[Word], part: &[Word]| window.iter().zip(part).all(|(a, b)| a.hash == b.hash);
        if let Some(at) = rest.windows(piece.len()).position(|window| same(window, piece)) {
            return Some(from + at..from + at + piece.len());
        }
        let (head, tail) = (&piece[..SHINGLE.min(piece.len())], &piece[piece.len().saturating_sub(SHINGLE)..]);
        let start = rest.windows(head.len()).position(|window| same(window, head))?;
        let end = rest[start..].windows(tail.len()).position(|window| same(window, tail))?;
        (end + tail.len() <= 2 * piece.len()).then_some(from + start..from + start + end + tail.len())
    }
}

fn shingle(words: &[Word]) -> u64 {
    words.iter().fold(0, |hash: u64, word| hash.rotate_left(21).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ word.hash)
}

/// Pieces and slots in the order of the reference; a slot stands wherever some text has words between two pieces.
fn assemble(reference: &Text<'_>, pieces: &[std::ops::Range<usize>], texts: &[Text<'_>]) -> Vec<Stretch> {
    let mut values: Vec<Vec<&str>> = vec![Vec::new(); pieces.len() + 1];
    for text in texts {
        let mut found = Vec::with_capacity(pieces.len());
        let mut from = 0;
        for piece in pieces {
            let Some(place) = text.find(&reference.words[piece.clone()], from) else { break };
            from = place.end;
            found.push(place);
        }
        if found.len() < pieces.len() {
            continue;
        }
        let mut before = 0;
        for (slot, place) in found.iter().enumerate() {
            values[slot].push(text.text[before..text.words[place.start].start.max(before)].trim());
            before = text.words[place.end - 1].end;
        }
        values[pieces.len()].push(text.text[before..].trim());
    }
    let mut stretches = Vec::new();
    for (at, slot_values) in values.iter().enumerate() {
        if let Some(slot) = slot(slot_values) {
            stretches.push(Stretch::Slot(slot));
        }
        if let Some(piece) = pieces.get(at) {
            let words = &reference.words[piece.clone()];
            let text = &reference.text[words[0].start..words[words.len() - 1].end];
            // The space around a slot belongs to the picture.
            let follows = stretches.last().is_some_and(|stretch| matches!(stretch, Stretch::Slot(_)));
            let before = reference.text[..words[0].start].ends_with(char::is_whitespace) && follows;
            let after = reference.text[words[words.len() - 1].end..].starts_with(char::is_whitespace);
            let text = format!("{}{text}{}", if before { " " } else { "" }, if after { " " } else { "" });
            stretches.push(Stretch::Piece(text));
        }
    }
    stretches
}

/// What the values of one gap say, or `None` where there never is one.
fn slot(values: &[&str]) -> Option<Slot> {
    if values.iter().all(|value| value.is_empty()) {
        return None;
    }
    let distinct: HashSet<&str> = values.iter().copied().collect();
    let is_number = |value: &&&str| {
        value.bytes().any(|byte| byte.is_ascii_digit())
            && value.bytes().all(|byte| byte.is_ascii_digit() || b".,+- %".contains(&byte))
    };
    let kind = if distinct.len() == 1 {
        SlotKind::Constant
    } else if distinct.iter().filter(|value| !value.is_empty()).collect::<Vec<_>>().iter().all(is_number) {
        SlotKind::Number
    } else if values.len() >= ENUM_TEXTS_MIN && distinct.len() <= ENUM_MAX && distinct.len() * 3 <= values.len() {
        SlotKind::Enum
    } else {
        SlotKind::Free
    };
    let lengths = || values.iter().map(|value| u64_of(value.len()));
    Some(Slot {
        kind,
        min_bytes: lengths().min().unwrap_or(0),
        max_bytes: lengths().max().unwrap_or(0),
        distinct: u64_of(distinct.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(texts: &[String]) -> Option<String> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let stretches = render(&texts)?;
        let show = |stretch: &Stretch| match stretch {
            Stretch::Piece(text) => text.clone(),
            Stretch::Slot(slot) => {
                format!("{{{} {}-{} {}}}", slot.kind.name(), slot.min_bytes, slot.max_bytes, slot.distinct)
            }
        };
        Some(stretches.iter().map(show).collect())
    }

    #[test]
    fn pieces_and_slots_come_in_order() {
        let names = ["oak", "river stone", "glass", "a very old bell", "rain", "wool", "ink", "salt"];
        let texts: Vec<String> = (0..8)
            .map(|n| format!("Solve the following riddle: {} weighs in all about {} kg. Answer:", names[n], n * 7 + 3))
            .collect();
        assert_eq!(
            show(&texts).as_deref(),
            Some("Solve the following riddle: {free 3-15 8} weighs in all about {number 1-2 8} kg. Answer:")
        );
    }

    #[test]
    fn what_fewer_than_four_texts_hold_is_not_shown() {
        let text = |n: usize| format!("Summarise this text for me please: {}", ["secret plan", "b", "c", "d", "e"][n]);
        assert_eq!(show(&(0..3).map(text).collect::<Vec<_>>()), None);
        assert_eq!(show(&vec![text(0); 9]), None, "copies of one text are one text");
        let shared: Vec<String> = (0..5).map(text).collect();
        assert!(!show(&shared).expect("five texts").contains("secret"));
    }

    /// Where a letter was a word of its own, values that share a few letters were shown.
    #[test]
    fn a_value_is_not_shown_for_letters_it_shares_in_any_script() {
        let cases = [
            ("Кратко перескажи следующий текст: ", ["секретность", "секретарь", "секретный", "секретно"], "секрет"),
            ("สรุปข้อความต่อไปนี้ให้เป็นสามประเด็นสำคัญ: ", ["ความลับหนึ่ง", "ความลับสอง", "ความลับสาม", "ความลับสี่"], "ความลับ"),
            (
                "다음 글을 세 문장으로 요약해 주세요: ",
                ["비밀번호가", "비밀번호는", "비밀번호를", "비밀번호와"],
                "비밀번호",
            ),
        ];
        for (template, values, shared) in cases {
            let texts: Vec<String> = values.iter().map(|value| format!("{template}{value}")).collect();
            let shown = show(&texts).expect("a template");
            assert!(shown.starts_with(template.trim_end()) && !shown.contains(shared), "{shown}");
        }
    }

    #[test]
    fn chinese_and_empty_texts_are_texts() {
        let texts: Vec<String> =
            ["猫", "狗", "海洋", "山"].iter().map(|word| format!("请把下面的内容总结成三个要点：{word}")).collect();
        assert_eq!(show(&texts).as_deref(), Some("请把下面的内容总结成三个要点：{free 3-6 4}"));
        assert_eq!(show(&vec![String::new(); 5]), None);
    }
}

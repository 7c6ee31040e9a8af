//! Shows a family as its skeleton: `Solve the following {slot 1: 40-2600 B, 1998 distinct, free text} Answer:`.
//!
//! Made from a few exemplar texts while they are at hand. Only words that stand in at least [`EXEMPLARS_MIN`] distinct
//! texts are shown, so that no one person's words reach a report. Linear in the texts: words are marked by three-word
//! runs that the exemplars share, in the order of the first exemplar.

use crate::family::slots::BottomK;
use crate::num;
use crate::text::NormalForm;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Distinct texts that must hold a piece for it to be shown.
pub const EXEMPLARS_MIN: usize = 4;
/// Exemplars that are looked at.
pub const EXEMPLARS_MAX: usize = 8;
/// Words of a text that are looked at.
const WORDS_MAX: usize = 4096;
/// Words of a run.
const RUN: usize = 3;
/// Values that are listed before a slot is free text.
pub const ENUM_MAX: usize = 32;
/// Bytes of one listed value.
const VALUE_BYTES_MAX: usize = 64;
/// Bytes of one shown piece.
const PIECE_BYTES_MAX: usize = 2000;

/// One text of a family: as it was sent, and its normal form.
#[derive(Debug, Clone, Copy)]
pub struct Exemplar<'a> {
    /// As it was sent; shown, because people read it.
    pub raw: &'a str,
    /// What is compared.
    pub form: &'a NormalForm,
}

/// What kind of values a slot takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// One value.
    Constant,
    /// A few values that come back.
    Enum,
    /// Numbers.
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

/// What was seen in one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Bytes of the shortest value.
    pub min_bytes: u32,
    /// Bytes of the longest.
    pub max_bytes: u32,
    /// Texts seen.
    pub seen: u32,
    /// Every text's value was a number.
    numbers: bool,
    values: BottomK,
    /// In how many texts each short value was seen, until there are too many.
    listed: Option<BTreeMap<String, u32>>,
}

impl Slot {
    fn new() -> Self {
        let listed = Some(BTreeMap::new());
        Self { min_bytes: u32::MAX, max_bytes: 0, seen: 0, numbers: true, values: BottomK::new(256), listed }
    }

    fn see(&mut self, value: &str) {
        let bytes = num::u32_saturating(value.len());
        self.min_bytes = self.min_bytes.min(bytes);
        self.max_bytes = self.max_bytes.max(bytes);
        self.seen = self.seen.saturating_add(1);
        let is_number = |c: char| c.is_numeric() || matches!(c, '.' | ',' | '-' | '+' | ' ');
        self.numbers &= value.chars().any(char::is_numeric) && value.chars().all(is_number);
        self.values.add(xxhash_rust::xxh3::xxh3_64(value.as_bytes()).max(1));
        if let Some(listed) = &mut self.listed {
            *listed.entry(value.to_owned()).or_default() += 1;
            if value.len() > VALUE_BYTES_MAX || listed.len() > ENUM_MAX {
                self.listed = None;
            }
        }
    }

    /// About how many different values were seen.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        num::u64_of_f64(self.values.distinct().round())
    }

    /// What kind of values it takes, as far as was seen.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        let distinct = self.distinct();
        if distinct <= 1 && self.seen > 1 {
            SlotKind::Constant
        } else if self.numbers && self.seen > 0 {
            SlotKind::Number
        } else if self.listed.is_some() && u64::from(self.seen) >= distinct.saturating_mul(4) {
            SlotKind::Enum
        } else {
            SlotKind::Free
        }
    }

    /// The values of a constant or an enum that at least [`EXEMPLARS_MIN`] texts held; nobody's own words are among them.
    #[must_use]
    pub fn values(&self) -> Vec<&str> {
        if !matches!(self.kind(), SlotKind::Constant | SlotKind::Enum) {
            return Vec::new();
        }
        let common = self.listed.iter().flatten().filter(|entry| num::usize_of(*entry.1) >= EXEMPLARS_MIN);
        common.map(|entry| entry.0.as_str()).collect()
    }
}

/// A piece of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// As it is shown.
    shown: String,
    /// Its words, in normal form.
    words: Vec<String>,
}

/// A family's fixed pieces in order, and what was seen between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skeleton {
    pieces: Vec<Piece>,
    /// One before every piece and one after the last; those that were always empty are not shown.
    gaps: Vec<Slot>,
}

/// The words of a text and where they stand.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    let alone = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}');
    for (at, c) in text.char_indices() {
        if found.len() >= WORDS_MAX {
            break;
        }
        let letter = c.is_alphanumeric();
        if (!letter || alone(c))
            && let Some(from) = start.take()
        {
            found.push((from, at));
        }
        if alone(c) {
            found.push((at, at + c.len_utf8()));
        } else if letter && start.is_none() {
            start = Some(at);
        }
    }
    if let Some(from) = start {
        found.push((from, text.len()));
    }
    found.truncate(WORDS_MAX);
    found
}

fn slice(text: &str, range: (usize, usize)) -> &str {
    text.get(range.0..range.1).unwrap_or("")
}

/// Runs of [`RUN`] words with the text's ends as words, each with the index of its first word (0 is the beginning).
fn runs(words: &[&str]) -> Vec<[String; RUN]> {
    let ends = std::iter::once("\u{1}").chain(words.iter().copied()).chain(std::iter::once("\u{2}"));
    let all: Vec<&str> = ends.collect();
    all.windows(RUN).filter_map(|w| <&[&str; RUN]>::try_from(w).ok()).map(|w| w.map(str::to_owned)).collect()
}

impl Skeleton {
    /// Renders a family from up to [`EXEMPLARS_MAX`] of its texts; `None` when fewer than [`EXEMPLARS_MIN`] are distinct,
    /// or when they share nothing.
    #[must_use]
    pub fn render(exemplars: &[Exemplar<'_>]) -> Option<Self> {
        let mut seen = BTreeSet::new();
        let distinct: Vec<&Exemplar<'_>> =
            exemplars.iter().filter(|e| seen.insert(e.form.text())).take(EXEMPLARS_MAX).collect();
        if distinct.len() < EXEMPLARS_MIN {
            return None;
        }
        let mut holders: BTreeMap<[String; RUN], usize> = BTreeMap::new();
        for exemplar in &distinct {
            let text = exemplar.form.text();
            let list: Vec<&str> = words(text).into_iter().map(|range| slice(text, range)).collect();
            for run in runs(&list).into_iter().collect::<BTreeSet<_>>() {
                *holders.entry(run).or_default() += 1;
            }
        }
        let enough = EXEMPLARS_MIN.max(distinct.len().div_ceil(2));
        // The shortest exemplar says the least beside the skeleton.
        let base = distinct.iter().min_by_key(|e| (e.form.text().len(), e.form.text()))?;
        let (text, raw) = (base.form.text(), base.raw);
        let (form_words, raw_words) = (words(text), words(raw));
        let list: Vec<&str> = form_words.iter().map(|&range| slice(text, range)).collect();
        let mut fixed = vec![false; list.len()];
        for (first, run) in runs(&list).iter().enumerate() {
            if holders.get(run).is_some_and(|&n| n >= enough) {
                // Run `first` starts one word earlier than word `first`: the beginning is a word.
                for word in first..first + RUN {
                    if let Some(slot) = word.checked_sub(1).and_then(|w| fixed.get_mut(w)) {
                        *slot = true;
                    }
                }
            }
        }
        // Where the normal form has other words than the raw text (invisible characters, say), the normal form is shown.
        let (shown, places) = if raw_words.len() == form_words.len() { (raw, &raw_words) } else { (text, &form_words) };
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < fixed.len() {
            let length = fixed.iter().skip(at).take_while(|&&is| is).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let (first, last) = (places.get(at)?.0, places.get(at + length - 1)?.1);
            let mut end = last.min(first + PIECE_BYTES_MAX);
            while !shown.is_char_boundary(end) {
                end -= 1;
            }
            let words = list.iter().skip(at).take(length).map(|&word| word.to_owned()).collect();
            pieces.push(Piece { shown: slice(shown, (first, end)).to_owned(), words });
            at += length;
        }
        if pieces.is_empty() {
            return None;
        }
        let gaps = vec![Slot::new(); pieces.len() + 1];
        let mut skeleton = Self { pieces, gaps };
        for exemplar in &distinct {
            skeleton.see(exemplar.form);
        }
        Some(skeleton)
    }

    /// The values in a text's slots, by gap: before the first piece, between pieces, after the last. `None` when the
    /// text does not hold the pieces in their order.
    #[must_use]
    pub fn slot_values<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let ranges = words(text);
        let list: Vec<&str> = ranges.iter().map(|&range| slice(text, range)).collect();
        let (mut from_word, mut from_byte) = (0, 0);
        let mut values = Vec::with_capacity(self.gaps.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            let length = piece.words.len();
            let fits = |at: usize| {
                list.get(at..at + length)
                    .is_some_and(|found| found.iter().zip(&piece.words).all(|(a, b)| *a == b.as_str()))
            };
            // The last piece may be what a text ends with, and its words may stand in the slot too.
            let last = index + 1 == self.pieces.len();
            let end = list.len().checked_sub(length).filter(|&at| last && at >= from_word && fits(at));
            let at = end.or_else(|| (from_word..=list.len().checked_sub(length)?).find(|&at| fits(at)))?;
            let start = ranges.get(at)?.0;
            values.push(slice(text, (from_byte, start)).trim());
            from_word = at + length;
            from_byte = ranges.get(from_word - 1)?.1;
        }
        values.push(slice(text, (from_byte, text.len())).trim());
        Some(values)
    }

    /// Takes note of one more text of the family; `false` when it does not hold the pieces in their order.
    pub fn see(&mut self, form: &NormalForm) -> bool {
        let Some(values) = self.slot_values(form.text()) else { return false };
        let letters = |value: &str| value.chars().any(char::is_alphanumeric);
        for (gap, value) in self.gaps.iter_mut().zip(&values) {
            gap.see(if letters(value) { value } else { "" });
        }
        true
    }

    /// The slots that ever held anything, in order.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.gaps.iter().filter(|gap| gap.max_bytes > 0)
    }

    /// The fixed pieces, in order, as they are shown.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| piece.shown.as_str())
    }
}

impl fmt::Display for Skeleton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut space) = (0, "");
        for (index, gap) in self.gaps.iter().enumerate() {
            if gap.max_bytes > 0 {
                number += 1;
                let (min, max, kind) = (gap.min_bytes, gap.max_bytes, gap.kind().name());
                write!(f, "{space}{{slot {number}: {min}-{max} B, {} distinct, {kind}}}", gap.distinct())?;
                space = " ";
            }
            if let Some(piece) = self.pieces.get(index) {
                write!(f, "{space}{}", piece.shown)?;
                space = " ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Kernels;
    use crate::text::Normalizer;

    fn forms(texts: &[String]) -> Vec<NormalForm> {
        let normalizer = Normalizer::new(Kernels::detect());
        let form = |text: &String| {
            let mut form = NormalForm::default();
            normalizer.normalize(text.as_bytes(), &mut form);
            form
        };
        texts.iter().map(form).collect()
    }

    fn render(texts: &[String]) -> Option<Skeleton> {
        let forms = forms(texts);
        let exemplars: Vec<Exemplar<'_>> = texts.iter().zip(&forms).map(|(raw, form)| Exemplar { raw, form }).collect();
        Skeleton::render(&exemplars)
    }

    const SLOTS: [&str; 5] = ["red apples", "what a dog eats", "nine old ships", "a very long tale of sand", "moon"];

    #[test]
    fn a_skeleton_keeps_its_case_and_counts_its_slot() {
        let texts: Vec<String> =
            SLOTS.iter().map(|s| format!("Solve the following task: {s}. Final answer only!")).collect();
        let skeleton = render(&texts).expect("five exemplars");
        let shown = skeleton.to_string();
        assert!(shown.starts_with("Solve the following task {slot 1: "), "{shown}");
        assert!(shown.contains("5 distinct, free} Final answer only"), "{shown}");
        assert_eq!(skeleton.slots().count(), 1);
    }

    #[test]
    fn words_of_fewer_than_four_texts_are_never_shown() {
        let mut texts: Vec<String> =
            SLOTS.iter().map(|s| format!("Please tell me more about {s} today my friend")).collect();
        texts[0] = "Please tell me more about the canary called secretname today my friend".into();
        texts[1] = texts[0].replace("today", "to-day");
        texts[2] = texts[0].replace("friend", "brother");
        let shown = render(&texts).map(|s| s.to_string()).unwrap_or_default();
        assert!(!shown.contains("secretname"), "{shown}");
        assert!(render(&texts[..3]).is_none(), "three texts show nothing");
    }

    #[test]
    fn values_are_found_again_in_other_texts() {
        let texts: Vec<String> =
            (0..8).map(|n| format!("Rate item {n} from one to ten please. Thank you so much.")).collect();
        let skeleton = render(&texts).expect("eight exemplars");
        let values = skeleton.slot_values("rate item 77 from one to ten please. thank you so much.");
        assert_eq!(values.as_deref().map(|v| v.contains(&"77")), Some(true));
        assert_eq!(skeleton.slots().next().map(Slot::kind), Some(SlotKind::Number));
        assert_eq!(skeleton.slot_values("something else"), None);
    }
}

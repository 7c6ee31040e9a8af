//! Notices a template that no sealed table holds yet, while its first few texts pass: a bounded table of anchors that
//! recur at one place, and the families that form around them.
//!
//! An anchor counts for a text only where it stands as far from the beginning or from the end as it did before: a
//! skeleton does, a popular slot value does not. Anchors of few texts are overwritten first, so random text cannot push
//! out what recurs. Nothing here is written down: sealing mines the same texts anew, with all that mining knows.

use crate::family::anchor::Anchors;

use crate::num;
use crate::simd::{prefetch, table};

/// Entries of one line, and lines: 64 bytes each, 16 MiB in all. At some forty fresh anchors a text they remember the
/// last twenty thousand texts that repeat nothing; what recurs stays longer.
const WAYS: usize = 3;
const LINES: usize = 1 << 18;
/// Earlier texts in which an anchor must have stood before it is a sign.
const TEXTS_MIN: u32 = 3;
/// Signs that a text must hold to found a family, and to belong to one.
const FOUNDING_MIN: usize = 4;
const BELONGING_MIN: usize = 3;
/// Families in the making; a new one replaces the oldest.
pub const FORMING_MAX: usize = 1 << 12;
/// Tokens by which an anchor's place may move.
const PLACE_TOLERANCE: u16 = 1;
/// The head and the tail of a text are looked at whole, of what is between one anchor in four.
const HEAD_TOKENS: u32 = 24;
const TAIL_TOKENS: u32 = 24;
const MIDDLE_BELOW: u64 = 1 << 38;

/// One anchor of recent texts.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    tag: u32,
    /// A bit for each text that holds it, by the text's hash: a text that is repeated counts once.
    texts: u32,
    /// Number of the family that formed around it; 0 for none.
    family: u32,
    /// When it was seen last, counted in 256 texts.
    seen: u32,
    from_begin: u16,
    from_end: u16,
}

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Line([Entry; WAYS]);

/// One anchor of the text in hand, and where it is counted.
#[derive(Debug, Clone, Copy, Default)]
struct Sought {
    fingerprint: u64,
    line: usize,
    tag: u32,
    from_begin: u16,
    from_end: u16,
}

/// A family in the making, as one text finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forming {
    /// Its place in the table, below [`FORMING_MAX`].
    pub place: usize,
    /// Its name: an anchor's fingerprint, often the one that the mined family will be named by.
    pub id: u64,
    /// Whether this very text founded it.
    pub is_new: bool,
}

/// The anchors that recur among recent texts, and the families that form around them. Its size is fixed when it is made.
#[derive(Debug)]
pub struct FormingTable {
    lines: Vec<Line>,
    /// Number and id of the family in each place; numbers rise, and `number % FORMING_MAX` is the place.
    families: Vec<(u32, u64)>,
    texts: u32,
    last: u32,
    /// The anchors of the text in hand.
    sought: Vec<Sought>,
    /// Of the text in hand: line and way of every sign, and the anchor's fingerprint.
    signs: Vec<(usize, usize, u64)>,
    held: Vec<u32>,
}

impl Default for FormingTable {
    fn default() -> Self {
        Self {
            lines: table(LINES),
            families: vec![(0, 0); FORMING_MAX],
            texts: 0,
            last: 0,
            sought: Vec::new(),
            signs: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl FormingTable {
    /// Takes in a text and tells the family that it belongs to or founds. `text` is a hash of its normal form, so that
    /// exact repetitions found nothing. Reads and writes one line an anchor; allocates nothing once its buffer has grown.
    /// `may_found` is false for a sender who has founded too many: its texts still belong to families of others.
    pub fn observe(&mut self, anchors: &Anchors, class: u8, text: u64, may_found: bool) -> Option<Forming> {
        self.texts = self.texts.wrapping_add(1);
        self.signs.clear();
        let bit = 1u32 << (text >> 59);
        self.seek(anchors, class);
        for at in 0..self.sought.len() {
            let Some(&sought) = self.sought.get(at) else { break };
            let way = self.take_in(&sought, bit);
            let entry = self.lines.get(sought.line).and_then(|line| line.0.get(way));
            let earlier = entry.map_or(0, |entry| (entry.texts & !bit).count_ones());
            if earlier >= TEXTS_MIN {
                self.signs.push((sought.line, way, sought.fingerprint));
            }
        }
        self.judge(may_found)
    }

    /// Lists the anchors that are looked at. Each line is a miss of every cache: asked for here, they arrive together.
    fn seek(&mut self, anchors: &Anchors, class: u8) {
        let Self { lines, sought, .. } = self;
        sought.clear();
        sought.resize(anchors.anchors.len(), Sought::default());
        let mut kept = 0;
        for anchor in &anchors.anchors {
            let after = anchors.token_count.saturating_sub(anchor.position);
            let at_edge = anchor.position < HEAD_TOKENS || after <= TAIL_TOKENS + 3;
            // Fingerprints are keyed: nobody can choose where they fall.
            let key = anchor.fingerprint ^ u64::from(class).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
            let is_sought = at_edge | (key & ((1 << 40) - 1) < MIDDLE_BELOW);
            let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let line = num::usize_of(num::high32(mixed)) % LINES;
            let tag = num::low32(mixed >> 8) | 1;
            let (from_begin, from_end) = (clamp(anchor.position), clamp(after));
            // Which of the middle are sought is chance: written always and counted where it is, none costs a wrong guess.
            sought[kept] = Sought { fingerprint: anchor.fingerprint, line, tag, from_begin, from_end };
            kept += usize::from(is_sought);
        }
        sought.truncate(kept);
        sought.iter().filter_map(|sought| lines.get(sought.line)).for_each(prefetch);
    }

    /// Counts an anchor and returns the way in which it stands. The victim is the entry of the fewest texts, the oldest first.
    fn take_in(&mut self, sought: &Sought, bit: u32) -> usize {
        let &Sought { tag, from_begin, from_end, .. } = sought;
        let fresh = Entry { tag, texts: bit, family: 0, seen: self.texts >> 8, from_begin, from_end };
        let Some(line) = self.lines.get_mut(sought.line) else { return 0 };
        if let Some((way, entry)) = line.0.iter_mut().enumerate().find(|(_, entry)| entry.tag == tag) {
            let near = |a: u16, b: u16| a.abs_diff(b) <= PLACE_TOLERANCE;
            if near(entry.from_begin, from_begin) || near(entry.from_end, from_end) {
                (entry.texts, entry.seen) = (entry.texts | bit, fresh.seen);
                (entry.from_begin, entry.from_end) = (from_begin, from_end);
            } else if entry.texts.count_ones() < 2 {
                *entry = fresh;
            }
            return way;
        }
        let now = fresh.seen;
        let (mut least, mut victim) = (u64::MAX, 0);
        for (way, entry) in line.0.iter().enumerate() {
            let age = now.wrapping_sub(entry.seen);
            let recurs = entry.texts & entry.texts.wrapping_sub(1) != 0 && age < 256;
            // One number an entry, so that the least is selected and not jumped to: which one it is, is chance.
            let worth = u64::from(entry.tag != 0) << 33 | u64::from(recurs) << 32 | u64::from(!age);
            victim = if worth < least { way } else { victim };
            least = least.min(worth);
        }
        line.0[victim] = fresh;
        victim
    }

    /// The family that most signs belong to, or one that they found.
    fn judge(&mut self, may_found: bool) -> Option<Forming> {
        if self.signs.len() < BELONGING_MIN {
            return None;
        }
        let Self { lines, families, signs, held, .. } = self;
        let family_of = |&(line, way, _): &(usize, usize, u64)| {
            let entry = lines.get(line).and_then(|line| line.0.get(way));
            let number = entry.map_or(0, |entry| entry.family);
            // What was replaced by a newer family is nobody's.
            let holder = families.get(num::usize_of(number) % FORMING_MAX).map_or(0, |family| family.0);
            if holder == number { number } else { 0 }
        };
        held.clear();
        held.extend(signs.iter().map(family_of));
        held.sort_unstable();
        let unclaimed = held.iter().take_while(|family| **family == 0).count();
        let runs = held.get(unclaimed..).unwrap_or(&[]).chunk_by(|a, b| a == b);
        let most = runs.max_by_key(|run| run.len()).and_then(|run| Some((run.len(), *run.first()?)));
        let (number, is_new) = match most {
            Some((votes, number)) if votes >= BELONGING_MIN && votes * 3 >= signs.len() => (number, false),
            _ if may_found && unclaimed >= FOUNDING_MIN && unclaimed * 2 >= signs.len() => (self.found(), true),
            _ => return None,
        };
        let place = num::usize_of(number) % FORMING_MAX;
        for &(line, way, _) in self.signs.iter() {
            let entry = self.lines.get_mut(line).and_then(|line| line.0.get_mut(way));
            let is_held =
                |n: u32| self.families.get(num::usize_of(n) % FORMING_MAX).is_some_and(|f| n != 0 && f.0 == n);
            if let Some(entry) = entry.filter(|entry| !is_held(entry.family)) {
                entry.family = number;
            }
        }
        Some(Forming { place, id: self.families.get(place).map_or(0, |family| family.1), is_new })
    }

    /// The number of a new family, named by its smallest sign.
    fn found(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1).max(1);
        let id = self.signs.iter().map(|sign| sign.2).min().unwrap_or(0);
        if let Some(family) = self.families.get_mut(num::usize_of(self.last) % FORMING_MAX) {
            *family = (self.last, id);
        }
        self.last
    }
}

fn clamp(position: u32) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::anchor::{Anchorer, Scratch};
    use crate::simd::Kernels;
    use crate::text::{NormalForm, Normalizer};
    use xxhash_rust::xxh3::xxh3_64;

    struct Gate {
        anchorer: Anchorer,
        table: FormingTable,
    }

    impl Gate {
        fn new() -> Self {
            Self { anchorer: Anchorer::new(&[5; 32], Kernels::detect()), table: FormingTable::default() }
        }

        fn observe(&mut self, text: &str) -> Option<Forming> {
            let (mut form, mut scratch, mut anchors) = (NormalForm::default(), Scratch::default(), Anchors::default());
            Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
            self.anchorer.anchors(&form, &mut scratch, &mut anchors);
            self.table.observe(&anchors, 1, xxh3_64(form.bytes()), true)
        }
    }

    /// `count` words that depend on `seed`.
    fn words(seed: u64, count: u64) -> String {
        let word = |n: u64| format!("{:x} ", (seed * 1000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
        (0..count).map(word).collect()
    }

    fn grade(seed: u64) -> String {
        format!("You grade the essays of my pupils. Essay: {} Grade from one to ten:", words(seed, 30))
    }

    #[test]
    fn a_template_is_noticed_by_its_fifth_text_and_known_from_then_on() {
        let mut gate = Gate::new();
        let mut founded = None;
        for n in 0..40 {
            for other in 0..20 {
                assert_eq!(gate.observe(&words(10_000 + n * 100 + other, 60)), None, "random words are no template");
            }
            let found = gate.observe(&grade(n));
            if n < 3 {
                assert_eq!(found, None, "three texts are no evidence");
            }
            if let Some(before) = founded {
                assert_eq!(found.map(|f| f.id), Some(before), "text {n}");
            }
            founded = founded.or(found.map(|f| f.id));
            assert!(n < 4 || founded.is_some());
        }
    }

    #[test]
    fn the_same_text_again_and_a_value_at_moving_places_found_nothing() {
        let mut gate = Gate::new();
        let quote = "to be or not to be that is the question whether tis nobler in the mind";
        for n in 0..50 {
            assert_eq!(gate.observe("The very same text is sent again and again by one impatient user."), None);
            let (before, after) = (words(n, 20 + n * 3), words(n + 500, 20 + n * 2));
            assert_eq!(gate.observe(&format!("{before} {quote} {after}")), None, "text {n}");
        }
    }

    #[test]
    fn random_text_does_not_push_out_what_recurs() {
        let mut gate = Gate::new();
        let founded = (0..6).filter_map(|n| gate.observe(&grade(n))).next_back().expect("founded");
        for n in 0..20_000 {
            gate.observe(&words(1_000_000 + n, 60));
        }
        assert_eq!(gate.observe(&grade(99)).map(|f| f.id), Some(founded.id));
    }

    #[test]
    fn families_in_the_making_are_bounded_and_the_oldest_is_replaced() {
        let mut gate = Gate::new();
        let template = |family: u64, n: u64| format!("{} {}", words(family + 1_000_000, 8), words(n * 7 + family, 20));
        for family in 0..num::u64_of(FORMING_MAX) + 10 {
            for n in 0..5 {
                gate.observe(&template(family, n + 10));
            }
        }
        assert!(gate.table.families.len() == FORMING_MAX);
        let again = gate.observe(&template(0, 50));
        assert!(again.is_none_or(|found| found.is_new), "its place went to another");
    }
}

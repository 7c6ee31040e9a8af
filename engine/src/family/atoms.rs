//! Joins recurrent anchors that occur in the same texts into atoms: the runs of a skeleton, or of a popular slot value.
//!
//! Two anchors are one atom's when the Jaccard similarity of the sets of texts that hold them is at least one half.
//! That needs frequencies within a factor of two, which rules most pairs out before they are counted. First neighbours
//! in the text are joined, then whole atoms that share their texts: a prefix with its suffix.
//!
//! Pairs are many and nearly all meet once. They are counted twice, as anchors are: in four-bit cells, and exactly where the
//! cell says that they may be one atom's. What many texts hold is counted in a sample of them.

use crate::family::corpus::{Corpus, Reading, level_of};
use crate::family::lists::Lists;
use crate::family::mine::Documents;
use crate::family::recurrence::{CELL_MAX, Filter, Map};
use crate::family::sets::Sets;
use crate::num;
use crate::simd::{prefetch, table};

/// Two sets of texts are one atom's when what they share is at least this part of their sizes' sum: a third of it is a
/// Jaccard similarity of one half.
const SHARED_PART: u32 = 3;
/// Of two such sets the larger is at most so many times the smaller.
const FACTOR: u32 = 2;
/// How far apart in the text, in recurrent anchors, neighbours may stand.
const REACH: usize = 3;
/// Texts with more atoms than this propose no pairs of atoms: they are lists of phrases, and pairs grow with the square.
const PAIR_ATOMS_MAX: usize = 60;
/// Rounds of joining atoms.
const ROUNDS: usize = 2;
/// Texts in which a pair is counted at most.
const SAMPLE: u32 = 128;
/// Pairs of one text for which there is room in the filter.
const PAIRS_OF_TEXT: u64 = 16;

/// The atoms of all texts.
pub(super) struct Atoms {
    /// The atom of every recurrent anchor.
    of_anchor: Vec<u32>,
    /// How many texts hold each.
    pub(super) sizes: Vec<u32>,
    /// The atoms of every text, ascending, each once.
    present: Lists,
}

impl Atoms {
    /// Asks for the atom of a recurrent anchor.
    pub(super) fn ask(&self, anchor: u32) {
        self.of_anchor.get(num::usize_of(anchor)).into_iter().for_each(prefetch);
    }

    /// The atom of a recurrent anchor.
    pub(super) fn atom(&self, anchor: u32) -> u32 {
        self.of_anchor.get(num::usize_of(anchor)).copied().unwrap_or(0)
    }

    /// Replaces `out` by the atoms of one text, ascending, each once.
    pub(super) fn read(&self, document: u32, out: &mut Vec<u32>) {
        self.present.read(document, out);
    }

    /// Lets go of what [`Atoms::read`] tells.
    pub(super) fn forget_lists(&mut self) {
        self.present = Lists::default();
    }

    /// Lists what texts hold and counts the texts of each of `count` atoms.
    fn list(corpus: &Corpus<'_, impl Documents>, of_anchor: Vec<u32>, count: usize) -> Self {
        let mut atoms = Self { of_anchor, sizes: table(count), present: Lists::default() };
        let (mut reading, mut here) = (Reading::default(), Vec::new());
        for document in 0..corpus.len() {
            here.clear();
            here.extend_from_slice(corpus.of(document, &mut reading));
            here.iter().for_each(|&anchor| atoms.ask(anchor));
            here.iter_mut().for_each(|one| *one = atoms.atom(*one));
            in_order(&mut here);
            atoms.present.push(&here);
            count_in(&mut atoms.sizes, &here);
        }
        atoms
    }

    /// Makes atoms one, `count` in all.
    fn join(&mut self, of_atom: &[u32], count: usize) {
        let joined = |atom: u32| of_atom.get(num::usize_of(atom)).copied().unwrap_or(0);
        for atom in &mut self.of_anchor {
            *atom = joined(*atom);
        }
        let mut sizes = table(count);
        self.present.change(|here| {
            here.iter_mut().for_each(|atom| *atom = joined(*atom));
            in_order(here);
            count_in(&mut sizes, here);
        });
        self.sizes = sizes;
    }
}

fn count_in(sizes: &mut [u32], present: &[u32]) {
    for &atom in present {
        if let Some(size) = sizes.get_mut(num::usize_of(atom)) {
            *size += 1;
        }
    }
}

fn in_order(list: &mut Vec<u32>) {
    list.sort_unstable();
    list.dedup();
}

/// Whether two sets of so many texts can be one atom's.
fn comparable(x: u32, y: u32) -> bool {
    x.min(y).saturating_mul(FACTOR) >= x.max(y)
}

/// Finds the atoms.
pub(super) fn atoms(corpus: &Corpus<'_, impl Documents>) -> Atoms {
    let (of_anchor, mut count) = joined(corpus, &corpus.recurrence.frequency, None).number();
    let mut atoms = Atoms::list(corpus, of_anchor, count);
    for _ in 0..ROUNDS {
        let (of_atom, fewer) = joined(corpus, &atoms.sizes, Some(&atoms)).number();
        if fewer == std::mem::replace(&mut count, fewer) {
            break;
        }
        atoms.join(&of_atom, fewer);
    }
    atoms
}

/// Counts how many texts hold both of a pair, where sizes allow the pair to be joined.
struct Pairs<'a> {
    sizes: &'a [u32],
    /// Texts of each in the sample of its own level, and in that of the next.
    sampled: Vec<[u32; 2]>,
    filter: Filter,
    counts: Map<u64, u32>,
    /// The level of the text at hand, and its pairs with their levels.
    level: u8,
    seen: Vec<(u64, u8)>,
    /// Whether pairs are counted exactly, after all went through the filter.
    exactly: bool,
}

/// Joins what is held by the same texts: anchors that stand near each other, or `atoms` anywhere.
fn joined(corpus: &Corpus<'_, impl Documents>, sizes: &[u32], atoms: Option<&Atoms>) -> Sets {
    let mut pairs = Pairs {
        sizes,
        sampled: table(sizes.len()),
        filter: Filter::new(u64::from(corpus.len()) * PAIRS_OF_TEXT),
        counts: Map::default(),
        level: 0,
        seen: Vec::new(),
        exactly: false,
    };
    let (mut reading, mut present, mut ordered) = (Reading::default(), Vec::new(), Vec::new());
    for exactly in [false, true] {
        pairs.exactly = exactly;
        for document in 0..corpus.len() {
            pairs.level = corpus.level(document);
            match atoms {
                None => {
                    let held = corpus.of(document, &mut reading);
                    pairs.meet(held);
                    pairs.see_neighbours(held);
                }
                Some(atoms) => {
                    atoms.read(document, &mut present);
                    pairs.meet(&present);
                    pairs.see_all(&present, &mut ordered);
                }
            }
            pairs.count();
        }
    }
    pairs.join()
}

impl Pairs<'_> {
    fn size(&self, of: u32) -> u32 {
        self.sizes.get(num::usize_of(of)).copied().unwrap_or(0)
    }

    /// Counts what a text holds in the samples that the text is in. What is known of anchors and atoms lies in tables beyond
    /// every cache, so that of a text's is asked for together.
    fn meet(&mut self, present: &[u32]) {
        for &one in present {
            self.sizes.get(num::usize_of(one)).into_iter().for_each(prefetch);
            self.sampled.get(num::usize_of(one)).into_iter().for_each(prefetch);
        }
        if self.exactly {
            return;
        }
        for &one in present {
            let own = level_of(self.size(one), SAMPLE);
            if let (true, Some(sampled)) = (self.level >= own, self.sampled.get_mut(num::usize_of(one))) {
                sampled[0] += 1;
                sampled[1] += u32::from(self.level > own);
            }
        }
    }

    fn see_neighbours(&mut self, held: &[u32]) {
        for (index, &first) in held.iter().enumerate() {
            let size = self.size(first);
            for &second in held.iter().skip(index + 1).take(REACH) {
                let other = self.size(second);
                if first != second && comparable(size, other) {
                    self.see((size, first), (other, second));
                }
            }
        }
    }

    fn see_all(&mut self, present: &[u32], ordered: &mut Vec<(u32, u32)>) {
        if present.len() > PAIR_ATOMS_MAX {
            return;
        }
        // By size, so that comparable ones are neighbours.
        ordered.clear();
        ordered.extend(present.iter().map(|&atom| (self.size(atom), atom)));
        ordered.retain(|&(size, _)| level_of(size, SAMPLE) <= self.level);
        ordered.sort_unstable();
        for (index, &first) in ordered.iter().enumerate() {
            for &second in ordered.iter().skip(index + 1).take_while(|other| comparable(first.0, other.0)) {
                self.see(first, second);
            }
        }
    }

    /// Notes a pair of comparable sizes that the text at hand holds, if the text is in the pair's sample.
    fn see(&mut self, (size, one): (u32, u32), (other_size, other): (u32, u32)) {
        let level = level_of(size.max(other_size), SAMPLE);
        if self.level >= level {
            let key = u64::from(one.min(other)) << 32 | u64::from(one.max(other));
            self.filter.ask(spread(key));
            self.seen.push((key, level));
        }
    }

    /// Counts the pairs of the text at hand.
    fn count(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        for &(key, level) in &seen {
            let cell = spread(key);
            if !self.exactly {
                self.filter.add(cell);
                continue;
            }
            let (one, other) = (num::high32(key), num::low32(key));
            let least = (self.sampled_at(one, level) + self.sampled_at(other, level)).div_ceil(SHARED_PART);
            if u32::from(self.filter.count(cell)) >= least.min(u32::from(CELL_MAX)) {
                *self.counts.entry(key).or_default() += 1;
            }
        }
        seen.clear();
        self.seen = seen;
    }

    /// Texts of one in the sample of a level, which is its own or the next.
    fn sampled_at(&self, one: u32, level: u8) -> u32 {
        let [own, next] = self.sampled.get(num::usize_of(one)).copied().unwrap_or([0; 2]);
        if level == level_of(self.size(one), SAMPLE) { own } else { next }
    }

    fn join(self) -> Sets {
        let mut sets = Sets::new(self.sizes.len());
        for (&key, &both) in &self.counts {
            let (one, other) = (num::high32(key), num::low32(key));
            let level = level_of(self.size(one).max(self.size(other)), SAMPLE);
            if both * SHARED_PART >= self.sampled_at(one, level) + self.sampled_at(other, level) {
                sets.join(one, other);
            }
        }
        sets
    }
}

/// A cell for a pair.
fn spread(key: u64) -> u64 {
    let product = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

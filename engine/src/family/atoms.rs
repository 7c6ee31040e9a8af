//! Joins recurrent anchors that occur in the same texts into atoms: the runs of a skeleton, or of a popular slot value.
//!
//! Two anchors are one atom's when the Jaccard similarity of the sets of texts that hold them is at least one half.
//! That needs frequencies within a factor of two, which rules most pairs out before they are counted. First neighbours
//! in the text are joined, then whole atoms that share their texts: a prefix with its suffix.

use crate::family::recurrence::{Map, Recurrence};
use crate::family::sets::Sets;
use crate::num;

/// Two sets of texts are one atom's from this Jaccard similarity on.
const JACCARD_MIN: f64 = 0.5;
/// How far apart in the text, in recurrent anchors, neighbours may stand.
const REACH: usize = 3;
/// Texts with more atoms than this propose no pairs of atoms: they are lists of phrases, and pairs grow with the square.
const PAIR_ATOMS_MAX: usize = 60;
/// Rounds of joining atoms.
const ROUNDS: usize = 2;

/// The atoms of all texts.
pub(super) struct Atoms {
    /// The atom of every recurrent anchor.
    pub(super) of_anchor: Vec<u32>,
    /// How many there are.
    pub(super) count: usize,
    starts: Vec<u64>,
    present: Vec<u32>,
}

impl Atoms {
    /// The atom of a recurrent anchor.
    pub(super) fn atom(&self, anchor: u32) -> u32 {
        self.of_anchor.get(num::usize_of(anchor)).copied().unwrap_or(0)
    }

    /// The atoms of one text, ascending, each once.
    pub(super) fn of(&self, document: usize) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).and_then(|&n| num::usize_of_u64(n)).unwrap_or(0);
        self.present.get(bound(document)..bound(document + 1)).unwrap_or(&[])
    }
}

/// Counts how many texts hold both of a pair, where frequencies allow the pair to be joined.
#[derive(Default)]
struct Pairs(Map<u64, u32>);

/// Whether two sets of so many texts can reach [`JACCARD_MIN`].
fn comparable(x: u32, y: u32) -> bool {
    f64::from(x.min(y)) >= JACCARD_MIN * f64::from(x.max(y))
}

impl Pairs {
    fn add(&mut self, a: u32, b: u32) {
        let key = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        *self.0.entry(key).or_default() += 1;
    }

    fn join(self, sets: &mut Sets, sizes: &[u32]) {
        let size = |n: u32| f64::from(sizes.get(num::usize_of(n)).copied().unwrap_or(0));
        for (key, both) in self.0 {
            let (a, b, both) = (num::high32(key), num::low32(key), f64::from(both));
            if both >= JACCARD_MIN * (size(a) + size(b) - both) {
                sets.join(a, b);
            }
        }
    }
}

/// Finds the atoms.
pub(super) fn atoms(recurrence: &Recurrence) -> Atoms {
    let mut pairs = Pairs::default();
    let size_of = |n: u32| recurrence.frequency.get(num::usize_of(n)).copied().unwrap_or(0);
    for document in 0..recurrence.documents() {
        let held = recurrence.of(document);
        for (index, &first) in held.iter().enumerate() {
            let size = size_of(first);
            for &second in held.iter().skip(index + 1).take(REACH) {
                if first != second && comparable(size, size_of(second)) {
                    pairs.add(first, second);
                }
            }
        }
    }
    let mut sets = Sets::new(recurrence.frequency.len());
    pairs.join(&mut sets, &recurrence.frequency);
    let (of_anchor, count) = sets.number();
    let mut atoms = Atoms { of_anchor, count, starts: Vec::new(), present: Vec::new() };
    atoms.list(recurrence);
    for _ in 0..ROUNDS {
        let mut sizes = vec![0u32; atoms.count];
        for &atom in &atoms.present {
            if let Some(size) = sizes.get_mut(num::usize_of(atom)) {
                *size += 1;
            }
        }
        let mut pairs = Pairs::default();
        let mut here: Vec<(u32, u32)> = Vec::new();
        for document in 0..recurrence.documents() {
            let present = atoms.of(document);
            if present.len() > PAIR_ATOMS_MAX {
                continue;
            }
            // By size, so that comparable ones are neighbours.
            here.clear();
            here.extend(present.iter().map(|&atom| (sizes.get(num::usize_of(atom)).copied().unwrap_or(0), atom)));
            here.sort_unstable();
            for (index, &(size, first)) in here.iter().enumerate() {
                let near = here.iter().skip(index + 1).take_while(|other| comparable(size, other.0));
                near.for_each(|&(_, second)| pairs.add(first, second));
            }
        }
        let mut sets = Sets::new(atoms.count);
        pairs.join(&mut sets, &sizes);
        let (of_atom, count) = sets.number();
        for atom in &mut atoms.of_anchor {
            *atom = of_atom.get(num::usize_of(*atom)).copied().unwrap_or(0);
        }
        let joined = count < atoms.count;
        atoms.count = count;
        atoms.list(recurrence);
        if !joined {
            break;
        }
    }
    atoms
}

impl Atoms {
    /// Lists the atoms of every text anew.
    fn list(&mut self, recurrence: &Recurrence) {
        let (mut starts, mut present, mut here) = (vec![0], Vec::new(), Vec::new());
        for document in 0..recurrence.documents() {
            here.clear();
            here.extend(recurrence.of(document).iter().map(|&anchor| self.atom(anchor)));
            here.sort_unstable();
            here.dedup();
            present.extend_from_slice(&here);
            starts.push(num::u64_of(present.len()));
        }
        self.starts = starts;
        self.present = present;
    }
}

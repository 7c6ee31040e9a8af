//! Tells skeleton atoms from slot values: what one account repeats from request to request, and what stands at the
//! same place in text after text.
//!
//! A popular slot value recurs as much as a skeleton does, so frequency cannot tell. Two things can. An account that
//! sends a template again repeats its skeleton and not its slots; and whoever sends it, a skeleton stands at a fixed
//! distance from the beginning or the end, while a value moves with what stands before it. An account that never repeats
//! anything says nothing about skeletons, so each account's trials count by how far it repeats at all; where no account
//! says anything, place and volume decide.

use crate::family::atoms::Atoms;
use crate::family::corpus::{Corpus, Reading, level_of};
use crate::family::mine::{Documents, MineOptions, NO_ACCOUNT, Use, Uses};
use crate::family::recurrence::Map;
use crate::num;
use crate::simd::{prefetch, table};

/// Tokens from the beginning within which an atom stands at the edge.
const EDGE_HEAD: u32 = 8;
/// The same from the end.
const EDGE_TAIL: u32 = 15;
/// Earlier requests of an account that are remembered: accounts alternate between templates.
pub(super) const MEMORY: usize = 4;
/// Pseudo-trials of the prior.
const PRIOR_TRIALS: f64 = 4.0;
/// Bits that two texts of an account must share to be called a repetition, and what every anchor gives up of its bits.
const REPEAT_BITS: f64 = 30.0;
const COMMON_BITS: f64 = 2.0;

/// Texts of which it is seen where an atom stands, at most.
const PLACED: u32 = 256;

/// What is known of one atom.
#[derive(Clone, Default)]
struct Evidence {
    /// Texts that hold it, and those that have it at an edge.
    documents: u32,
    edge: u32,
    /// Texts whose place for it was looked at; of these, those that have it at its most usual distance from the beginning,
    /// and from the end.
    placed: u32,
    from_begin: u32,
    from_end: u32,
    trials: f32,
    successes: f32,
}

/// Which atoms are skeleton. Which atoms each text holds is forgotten on the way. `weights` say how far each account
/// repeats anything at all, as [`repetition`] found.
pub(super) fn skeletons(
    corpus: &Corpus<'_, impl Documents>,
    atoms: &mut Atoms,
    uses: &(impl Uses + ?Sized),
    weights: &Map<u32, f64>,
    options: &MineOptions,
) -> Vec<bool> {
    let mut evidence: Vec<Evidence> = table(atoms.sizes.len());
    evidence.iter_mut().zip(&atoms.sizes).for_each(|(entry, &documents)| entry.documents = documents);
    stickiness(atoms, uses, weights, &mut evidence);
    // The lists of all texts make room for places.
    atoms.forget_lists();
    edges(corpus, atoms, &mut evidence);
    places(corpus, atoms, options, &mut evidence);
    evidence.iter().map(|e| e.is_skeleton(options)).collect()
}

impl Evidence {
    fn texts(&self) -> f64 {
        f64::from(self.documents.max(1))
    }

    fn edge(&self) -> f64 {
        f64::from(self.edge) / self.texts()
    }

    fn is_skeleton(&self, options: &MineOptions) -> bool {
        let prior = 0.2 + 0.2 * self.edge();
        let sticks = (f64::from(self.successes) + PRIOR_TRIALS * prior) / (f64::from(self.trials) + PRIOR_TRIALS);
        let regular = f64::from(self.from_begin.max(self.from_end)) / f64::from(self.placed.max(1));
        sticks.max(self.by_place(self.edge(), regular, options)) >= options.skeleton_min
    }

    /// The score of regular place, for these shares of texts.
    fn by_place(&self, edge: f64, regular: f64, options: &MineOptions) -> f64 {
        let volume = (self.texts() / f64::from(options.recurrence_min.max(1))).log2() / options.volume_octaves;
        options.place_weight * (edge * regular).sqrt() * volume.clamp(0.0, 1.0)
    }
}

/// Calls `see` with each atom of a text whose evidence `is_wanted`: its first distance from the beginning, and its last
/// from the end.
fn each_place(
    corpus: &Corpus<'_, impl Documents>,
    atoms: &Atoms,
    evidence: &mut [Evidence],
    is_wanted: impl Fn(&Evidence, u8) -> bool,
    mut see: impl FnMut(u32, &mut Evidence, u32, u32),
) {
    let mut reading = Reading::default();
    let mut here: Vec<(u32, u32, u32)> = Vec::new();
    for document in 0..corpus.len() {
        let level = corpus.level(document);
        here.clear();
        // Atoms and evidence lie in tables beyond every cache: those of a text are asked for together.
        corpus.places(document, &mut reading, |anchor, before, after| {
            atoms.ask(anchor);
            here.push((anchor, before, after));
        });
        for (one, _, _) in &mut here {
            *one = atoms.atom(*one);
            evidence.get(num::usize_of(*one)).into_iter().for_each(prefetch);
        }
        here.retain(|&(atom, _, _)| evidence.get(num::usize_of(atom)).is_some_and(|entry| is_wanted(entry, level)));
        here.sort_unstable();
        for run in here.chunk_by(|a, b| a.0 == b.0) {
            let (Some(&(atom, first, _)), Some(&(_, _, after))) = (run.first(), run.last()) else { continue };
            if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                see(atom, entry, first, after);
            }
        }
    }
}

/// Counts how often atoms stand at an edge.
fn edges(corpus: &Corpus<'_, impl Documents>, atoms: &Atoms, evidence: &mut [Evidence]) {
    each_place(
        corpus,
        atoms,
        evidence,
        |_, _| true,
        |_, entry, first, after| entry.edge += u32::from(first < EDGE_HEAD || after <= EDGE_TAIL),
    );
}

/// Counts at which places atoms stand, of those that a regular place would make skeleton.
fn places(corpus: &Corpus<'_, impl Documents>, atoms: &Atoms, options: &MineOptions, evidence: &mut [Evidence]) {
    let (mut begins, mut ends) = (Map::<u64, u32>::default(), Map::<u64, u32>::default());
    let key = |atom: u32, place: u32| u64::from(atom) << 32 | u64::from(place);
    let is_wanted = |entry: &Evidence, level: u8| {
        entry.by_place(entry.edge(), 1.0, options) >= options.skeleton_min && level >= level_of(entry.documents, PLACED)
    };
    each_place(corpus, atoms, evidence, is_wanted, |atom, entry, first, after| {
        entry.placed += 1;
        *begins.entry(key(atom, first)).or_default() += 1;
        *ends.entry(key(atom, after)).or_default() += 1;
    });
    for (&key, &count) in &begins {
        if let Some(entry) = evidence.get_mut(num::usize_of(num::high32(key))) {
            entry.from_begin = entry.from_begin.max(count);
        }
    }
    for (&key, &count) in &ends {
        if let Some(entry) = evidence.get_mut(num::usize_of(num::high32(key))) {
            entry.from_end = entry.from_end.max(count);
        }
    }
}

/// The last distinct texts of every account.
#[derive(Default)]
pub(super) struct Memory(Map<u32, Vec<u32>>);

impl Memory {
    /// The texts that the account sent before this one, oldest first, and remembers this one; `None` for a first
    /// request, an exact repetition of the last one, or a request of nobody.
    pub(super) fn before(&mut self, request: &Use, out: &mut Vec<u32>) -> Option<()> {
        if request.account == NO_ACCOUNT {
            return None;
        }
        let held = self.0.entry(request.account).or_default();
        if held.last() == Some(&request.document) {
            return None;
        }
        out.clear();
        out.extend_from_slice(held);
        if held.len() == MEMORY {
            held.remove(0);
        }
        held.push(request.document);
        (!out.is_empty()).then_some(())
    }
}

/// The last distinct texts of every account, with lists that tell what each holds.
#[derive(Default)]
struct Recent(Map<u32, Vec<Known>>);

/// A text and what it holds.
type Known = (u32, Box<[u32]>);

impl Recent {
    /// Calls `see` with the lists of the account's texts before this one, oldest first, and remembers this one; not for a
    /// first request, an exact repetition of the last one, or a request of nobody. As [`Memory::before`].
    fn meet(&mut self, request: &Use, list: impl FnOnce() -> Box<[u32]>, see: impl FnOnce(&[Known], &[u32])) {
        if request.account == NO_ACCOUNT {
            return;
        }
        let held = self.0.entry(request.account).or_default();
        if held.last().is_some_and(|last| last.0 == request.document) {
            return;
        }
        let list = list();
        if !held.is_empty() {
            see(held, &list);
        }
        if held.len() == MEMORY {
            held.remove(0);
        }
        held.push((request.document, list));
    }
}

/// How far each account repeats anything at all, 0..=1: the share of its requests that share a good deal with one of
/// the requests before. Accounts of one request are absent.
pub(super) fn repetition(corpus: &Corpus<'_, impl Documents>, uses: &(impl Uses + ?Sized)) -> Map<u32, f64> {
    let recurrence = &corpus.recurrence;
    let (mut recent, mut reading) = (Recent::default(), Reading::default());
    let mut counts: Map<u32, (f64, f64)> = Map::default();
    // The request in which each anchor was met last: a set that is emptied by counting on.
    let mut met: Vec<u32> = table(recurrence.len());
    let mut says: Vec<f32> = table(recurrence.len());
    for (says, anchor) in says.iter_mut().zip(0u32..) {
        *says = num::f32_of((recurrence.bits(anchor) - COMMON_BITS).max(0.0));
    }
    for (request, number) in uses.all().zip(1u32..) {
        let list = || corpus.of(request.document, &mut reading).into();
        recent.meet(&request, list, |before, now| {
            for &anchor in now {
                if let Some(slot) = met.get_mut(num::usize_of(anchor)) {
                    *slot = number;
                }
            }
            let is_met = |anchor: &&u32| met.get(num::usize_of(**anchor)) == Some(&number);
            let says = |anchor: &u32| f64::from(says.get(num::usize_of(*anchor)).copied().unwrap_or(0.0));
            let again = before.iter().any(|(_, held)| held.iter().filter(is_met).map(says).sum::<f64>() >= REPEAT_BITS);
            let entry = counts.entry(request.account).or_default();
            entry.0 += f64::from(u8::from(again));
            entry.1 += 1.0;
        });
    }
    counts.into_iter().map(|(account, (again, trials))| (account, (again + 0.5) / (trials + 1.0))).collect()
}

/// Counts how often atoms return in an account's next request.
fn stickiness(atoms: &Atoms, uses: &(impl Uses + ?Sized), weights: &Map<u32, f64>, evidence: &mut [Evidence]) {
    let (mut memory, mut before) = (Memory::default(), Vec::new());
    let (mut earlier, mut present, mut last) = (Vec::new(), Vec::new(), 0);
    for request in uses.all() {
        if memory.before(&request, &mut before).is_none() {
            continue;
        }
        let weight = num::f32_of(weights.get(&request.account).copied().unwrap_or(0.0));
        // What the texts before hold, the last of them at the end.
        earlier.clear();
        for &document in &before {
            atoms.read(document, &mut present);
            last = earlier.len();
            earlier.extend_from_slice(&present);
        }
        for &atom in earlier.get(last..).unwrap_or(&[]) {
            if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                entry.trials += weight;
            }
        }
        earlier.sort_unstable();
        atoms.read(request.document, &mut present);
        for atom in &present {
            let again = earlier.binary_search(atom).is_ok();
            if let (true, Some(entry)) = (again, evidence.get_mut(num::usize_of(*atom))) {
                entry.successes += weight;
            }
        }
    }
}

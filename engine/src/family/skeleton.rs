//! Tells skeleton atoms from slot values: what one account repeats from request to request, and what stands at the
//! same place in text after text.
//!
//! A popular slot value recurs as much as a skeleton does, so frequency cannot tell. Two things can. An account that
//! sends a template again repeats its skeleton and not its slots; and whoever sends it, a skeleton stands at a fixed
//! distance from the beginning or the end, while a value moves with what stands before it. An account that never repeats
//! anything says nothing about skeletons, so each account's trials count by how far it repeats at all; where no account
//! says anything, place and volume decide.

use crate::family::anchor::{Anchors, decode_into};
use crate::family::atoms::Atoms;
use crate::family::mine::{Documents, MineOptions, NO_ACCOUNT, Use};
use crate::family::recurrence::{Map, Recurrence, of_class};
use crate::num;

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

/// What is known of one atom.
#[derive(Clone, Default)]
struct Evidence {
    documents: f64,
    edge: f64,
    /// Texts that have it at its most usual distance from the beginning, and from the end.
    from_begin: f64,
    from_end: f64,
    trials: f64,
    successes: f64,
}

/// Which atoms are skeleton.
pub(super) fn skeletons(
    documents: &impl Documents,
    recurrence: &Recurrence,
    atoms: &Atoms,
    uses: &[Use],
    options: &MineOptions,
) -> Vec<bool> {
    let mut evidence = vec![Evidence::default(); atoms.count];
    places(documents, recurrence, atoms, &mut evidence);
    let weights = repetition(recurrence, uses);
    stickiness(atoms, uses, &weights, &mut evidence);
    evidence.iter().map(|e| e.is_skeleton(options)).collect()
}

impl Evidence {
    fn is_skeleton(&self, options: &MineOptions) -> bool {
        let texts = self.documents.max(1.0);
        let edge = self.edge / texts;
        let regular = self.from_begin.max(self.from_end) / texts;
        let prior = 0.2 + 0.2 * edge;
        let sticks = (self.successes + PRIOR_TRIALS * prior) / (self.trials + PRIOR_TRIALS);
        let volume = (texts / f64::from(options.recurrence_min.max(1))).log2() / options.volume_octaves;
        let placed = options.place_weight * (edge * regular).sqrt() * volume.clamp(0.0, 1.0);
        sticks.max(placed) >= options.skeleton_min
    }
}

/// Counts at which places atoms stand.
fn places(documents: &impl Documents, recurrence: &Recurrence, atoms: &Atoms, evidence: &mut [Evidence]) {
    let mut anchors = Anchors::default();
    let (mut begins, mut ends) = (Map::<u64, u32>::default(), Map::<u64, u32>::default());
    let key = |atom: u32, place: u32| u64::from(atom) << 32 | u64::from(place);
    let mut here: Vec<(u32, u32)> = Vec::new();
    for document in 0..documents.count() {
        let held = recurrence.of(num::usize_of(document));
        if held.is_empty() {
            continue;
        }
        decode_into(documents.anchors(document), &mut anchors);
        let class = documents.class(document);
        let mut next = held.iter();
        let mut wanted = next.next();
        here.clear();
        // `held` is the recurrent part of the anchors, in the same order.
        for anchor in &anchors.anchors {
            let Some(&number) = wanted else { break };
            if recurrence.fingerprints.get(num::usize_of(number)) == Some(&of_class(anchor.fingerprint, class)) {
                here.push((atoms.atom(number), anchor.position));
                wanted = next.next();
            }
        }
        here.sort_unstable();
        for run in here.chunk_by(|a, b| a.0 == b.0) {
            let (Some(&(atom, first)), Some(&(_, last))) = (run.first(), run.last()) else { continue };
            let Some(entry) = evidence.get_mut(num::usize_of(atom)) else { continue };
            let after = anchors.token_count.saturating_sub(last);
            entry.documents += 1.0;
            entry.edge += f64::from(u8::from(first < EDGE_HEAD || after <= EDGE_TAIL));
            *begins.entry(key(atom, first)).or_default() += 1;
            *ends.entry(key(atom, after)).or_default() += 1;
        }
    }
    for (&key, &count) in &begins {
        if let Some(entry) = evidence.get_mut(num::usize_of(num::high32(key))) {
            entry.from_begin = entry.from_begin.max(f64::from(count));
        }
    }
    for (&key, &count) in &ends {
        if let Some(entry) = evidence.get_mut(num::usize_of(num::high32(key))) {
            entry.from_end = entry.from_end.max(f64::from(count));
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

/// How far each account repeats anything at all, 0..=1: the share of its requests that share a good deal with one of
/// the requests before. Accounts of one request are absent.
fn repetition(recurrence: &Recurrence, uses: &[Use]) -> Map<u32, f64> {
    let (mut memory, mut before) = (Memory::default(), Vec::new());
    let mut counts: Map<u32, (f64, f64)> = Map::default();
    // The request in which each anchor was met last: a set that is emptied by counting on.
    let mut met = vec![0u32; recurrence.frequency.len()];
    let says: Vec<f32> = (0..num::u32_saturating(met.len()))
        .map(|anchor| num::f32_of((recurrence.bits(anchor) - COMMON_BITS).max(0.0)))
        .collect();
    for (request, number) in uses.iter().zip(1u32..) {
        if memory.before(request, &mut before).is_none() {
            continue;
        }
        for &anchor in recurrence.of(num::usize_of(request.document)) {
            if let Some(slot) = met.get_mut(num::usize_of(anchor)) {
                *slot = number;
            }
        }
        let is_met = |anchor: &&u32| met.get(num::usize_of(**anchor)) == Some(&number);
        let says = |anchor: &u32| f64::from(says.get(num::usize_of(*anchor)).copied().unwrap_or(0.0));
        let again = before.iter().any(|&document| {
            let held = recurrence.of(num::usize_of(document));
            held.iter().filter(is_met).map(says).sum::<f64>() >= REPEAT_BITS
        });
        let entry = counts.entry(request.account).or_default();
        entry.0 += f64::from(u8::from(again));
        entry.1 += 1.0;
    }
    counts.into_iter().map(|(account, (again, trials))| (account, (again + 0.5) / (trials + 1.0))).collect()
}

/// Counts how often atoms return in an account's next request.
fn stickiness(atoms: &Atoms, uses: &[Use], weights: &Map<u32, f64>, evidence: &mut [Evidence]) {
    let (mut memory, mut before) = (Memory::default(), Vec::new());
    for request in uses {
        if memory.before(request, &mut before).is_none() {
            continue;
        }
        let weight = weights.get(&request.account).copied().unwrap_or(0.0);
        let Some(&previous) = before.last() else { continue };
        for &atom in atoms.of(num::usize_of(previous)) {
            if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                entry.trials += weight;
            }
        }
        for &atom in atoms.of(num::usize_of(request.document)) {
            let again = before.iter().any(|&document| atoms.of(num::usize_of(document)).binary_search(&atom).is_ok());
            if let (true, Some(entry)) = (again, evidence.get_mut(num::usize_of(atom))) {
                entry.successes += weight;
            }
        }
    }
}

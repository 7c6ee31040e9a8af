//! The steps of mining between anchors and families: atoms, the skeleton filter, clusters of texts.

use crate::family::mine::{Held, Match, MineOptions, NO_ACCOUNT, Use};
use crate::num;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Anchors joined because they occur in the same texts.
pub(super) struct Atoms {
    /// The atom of every recurrent anchor.
    pub(super) of_anchor: Vec<u32>,
    pub(super) count: usize,
}

/// Disjoint sets, joined towards the smaller number so that the outcome does not depend on the order of joins.
struct Sets(Vec<u32>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..num::u32_saturating(count)).collect())
    }

    fn parent(&self, of: u32) -> u32 {
        self.0.get(num::usize_of(of)).copied().unwrap_or(of)
    }

    fn root(&self, mut of: u32) -> u32 {
        while self.parent(of) != of {
            of = self.parent(of);
        }
        of
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(num::usize_of(a.max(b))) {
            *slot = a.min(b);
        }
    }

    /// Numbers the sets from 0 by their smallest member: the set of every member, and how many there are.
    fn number(&self) -> (Vec<u32>, usize) {
        let (mut numbers, mut next) = (vec![0u32; self.0.len()], 0u32);
        for of in 0..num::u32_saturating(self.0.len()) {
            let root = self.root(of);
            let number = if root == of { next } else { numbers.get(num::usize_of(root)).copied().unwrap_or(0) };
            next += u32::from(root == of);
            if let Some(slot) = numbers.get_mut(num::usize_of(of)) {
                *slot = number;
            }
        }
        (numbers, num::usize_of(next))
    }
}

/// Two sets of texts are one atom's from this Jaccard similarity on.
const ATOM_JACCARD: f64 = 0.5;
/// Texts with more atoms than this propose no pairs: they are lists of phrases.
const PAIR_ATOMS_MAX: usize = 60;

/// Joins anchors that follow each other in the same texts, then atoms that share their texts.
pub(super) fn atoms(held: &[Vec<Held>], frequency: &[u32]) -> Atoms {
    let count_of = |list: &[u32], index: u32| f64::from(list.get(num::usize_of(index)).copied().unwrap_or(0));
    let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
    for anchors in held {
        for (index, first) in anchors.iter().enumerate() {
            for second in anchors.iter().skip(index + 1).take(3) {
                *pairs.entry((first.anchor.min(second.anchor), first.anchor.max(second.anchor))).or_default() += 1;
            }
        }
    }
    let join = |sets: &mut Sets, pairs: HashMap<(u32, u32), u32>, sizes: &[u32]| {
        for ((a, b), both) in pairs {
            let either = count_of(sizes, a) + count_of(sizes, b) - f64::from(both);
            if f64::from(both) >= ATOM_JACCARD * either {
                sets.join(a, b);
            }
        }
    };
    let mut sets = Sets::new(frequency.len());
    join(&mut sets, pairs, frequency);
    let (mut of_anchor, mut count) = sets.number();
    for _ in 0..2 {
        let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
        let mut sizes = vec![0u32; count];
        for anchors in held {
            let present = atoms_of(anchors, &of_anchor);
            for (index, &first) in present.iter().enumerate() {
                if let Some(size) = sizes.get_mut(num::usize_of(first)) {
                    *size += 1;
                }
                if present.len() <= PAIR_ATOMS_MAX {
                    for &second in present.iter().skip(index + 1) {
                        *pairs.entry((first, second)).or_default() += 1;
                    }
                }
            }
        }
        let mut sets = Sets::new(count);
        join(&mut sets, pairs, &sizes);
        let (of_atom, new_count) = sets.number();
        for atom in &mut of_anchor {
            *atom = of_atom.get(num::usize_of(*atom)).copied().unwrap_or(0);
        }
        count = new_count;
    }
    Atoms { of_anchor, count }
}

/// The atoms of one text, ascending, each once.
fn atoms_of(held: &[Held], of_anchor: &[u32]) -> Vec<u32> {
    let mut atoms: Vec<u32> =
        held.iter().map(|h| of_anchor.get(num::usize_of(h.anchor)).copied().unwrap_or(0)).collect();
    atoms.sort_unstable();
    atoms.dedup();
    atoms
}

#[derive(Clone, Default)]
struct Evidence {
    documents: f64,
    hits: f64,
    edge: f64,
    trials: f64,
    successes: f64,
    accounts: BTreeSet<u32>,
}

/// Tokens from the beginning within which an atom counts as standing at the edge.
const EDGE_HEAD: u32 = 8;
/// The same from the end.
const EDGE_TAIL: u32 = 15;
/// Earlier requests of an account that are remembered: accounts alternate between templates.
const MEMORY: usize = 4;
/// An atom of at least this many anchors is never a mere phrase.
const GENERIC_HITS: f64 = 24.0;

/// Which atoms are skeleton: those that return from request to request of one account.
pub(super) fn skeletons(
    atoms: &Atoms,
    held: &[Vec<Held>],
    lengths: &[u32],
    uses: &[Use],
    options: &MineOptions,
) -> Vec<bool> {
    let mut evidence = vec![Evidence::default(); atoms.count];
    let present: Vec<Vec<u32>> = held.iter().map(|anchors| atoms_of(anchors, &atoms.of_anchor)).collect();
    for (anchors, &length) in held.iter().zip(lengths) {
        let mut places: BTreeMap<u32, (u32, u32, u32)> = BTreeMap::new();
        for h in anchors {
            let atom = atoms.of_anchor.get(num::usize_of(h.anchor)).copied().unwrap_or(0);
            let entry = places.entry(atom).or_insert((0, h.position, h.position));
            entry.0 += 1;
            entry.2 = h.position;
        }
        for (atom, (hits, first, last)) in places {
            if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                entry.documents += 1.0;
                entry.hits += f64::from(hits);
                entry.edge += f64::from(u8::from(first < EDGE_HEAD || last + EDGE_TAIL >= length));
            }
        }
    }
    let mut memory: HashMap<u32, (u32, Vec<u32>)> = HashMap::new();
    let nothing = Vec::new();
    let of = |document: u32| present.get(num::usize_of(document)).unwrap_or(&nothing);
    for request in uses.iter().filter(|request| request.account != NO_ACCOUNT) {
        let now = of(request.document);
        let (last, before) = memory.entry(request.account).or_insert((u32::MAX, Vec::new()));
        for &atom in now {
            if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                entry.accounts.insert(request.account);
            }
        }
        if *last == request.document {
            continue;
        }
        if let Some(&previous) = before.last() {
            for &atom in of(previous) {
                if let Some(entry) = evidence.get_mut(num::usize_of(atom)) {
                    entry.trials += 1.0;
                }
            }
            for &atom in now {
                if before.iter().any(|&document| of(document).binary_search(&atom).is_ok())
                    && let Some(entry) = evidence.get_mut(num::usize_of(atom))
                {
                    entry.successes += 1.0;
                }
            }
        }
        *last = request.document;
        before.push(request.document);
        if before.len() > MEMORY {
            before.remove(0);
        }
    }
    let everyone: BTreeSet<u32> = uses.iter().map(|request| request.account).collect();
    let generic_from = options.generic_share * num::f64_of(everyone.len());
    evidence
        .iter()
        .map(|e| {
            let prior = 0.2 + 0.6 * e.edge / e.documents.max(1.0);
            let sticks = (e.successes + 4.0 * prior) / (e.trials + 4.0) >= options.stickiness_min;
            let phrase = num::f64_of(e.accounts.len()) > generic_from && e.hits < GENERIC_HITS * e.documents;
            sticks && !phrase
        })
        .collect()
}

#[derive(Clone, Default)]
struct Cluster {
    texts: f64,
    /// Mean weight of its texts.
    weight: f64,
    core: BTreeMap<u32, f64>,
}

impl Cluster {
    fn add(&mut self, features: &[(u32, f64)], weight: f64) {
        self.texts += 1.0;
        self.weight += (weight - self.weight) / self.texts.min(64.0);
        for feature in features {
            *self.core.entry(feature.0).or_insert(0.0) += 1.0;
        }
    }

    fn support(&self, anchor: u32) -> f64 {
        self.core.get(&anchor).map_or(0.0, |n| n / self.texts)
    }
}

/// Least weight in bits that a text needs to be placed.
const WEIGHT_MIN: f64 = 8.0;
/// Least share of a text's weight that its cluster explains.
const EXPLAINED_MIN: f64 = 0.4;
/// Least share of the cluster's weight that the text holds.
const HELD_MIN: f64 = 0.15;
/// Clusters whose cores have this weighted Jaccard similarity are one.
const MERGE_JACCARD: f64 = 0.25;
/// Clusters listed under one anchor, and verified for one text.
const POSTINGS_MAX: usize = 64;
const VERIFIED_MAX: usize = 6;

fn best(clusters: &[Cluster], index: &HashMap<u32, Vec<u32>>, features: &[(u32, f64)], weight: f64) -> Option<Match> {
    let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
    for (anchor, weight) in features {
        for &cluster in index.get(anchor).into_iter().flatten() {
            *shared.entry(cluster).or_insert(0.0) += weight;
        }
    }
    let mut candidates: Vec<(u32, f64)> = shared.into_iter().collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut found: Option<(f64, u32)> = None;
    for (number, _) in candidates.into_iter().take(VERIFIED_MAX) {
        let Some(cluster) = clusters.get(num::usize_of(number)) else { continue };
        let (mut explained, mut holds) = (0.0, 0.0);
        for &(anchor, weight) in features {
            let support = cluster.support(anchor);
            explained += if support > 0.05 { weight } else { 0.0 };
            holds += weight * support;
        }
        let (explained, holds) = (explained / weight, holds / cluster.weight);
        let score = explained * holds.min(1.0);
        if explained >= EXPLAINED_MIN && holds >= HELD_MIN && found.is_none_or(|f| score > f.0) {
            found = Some((score, number));
        }
    }
    found.map(|(score, family)| Match { family, score: num::f32_of(score) })
}

/// Groups texts by their filtered anchors: a leader pass, then twice a merge of like clusters and a new placing.
pub(super) fn cluster(features: &[Vec<(u32, f64)>], classes: &[u8]) -> Vec<Option<Match>> {
    let _ = classes;
    let weights: Vec<f64> = features.iter().map(|list| list.iter().map(|f| f.1).sum()).collect();
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index: HashMap<u32, Vec<u32>> = HashMap::new();
    for (features, &weight) in features.iter().zip(&weights).filter(|entry| *entry.1 >= WEIGHT_MIN) {
        let number = best(&clusters, &index, features, weight).map_or(clusters.len(), |m| num::usize_of(m.family));
        if number == clusters.len() {
            clusters.push(Cluster::default());
        }
        let Some(cluster) = clusters.get_mut(number) else { continue };
        for feature in features {
            let postings = index.entry(feature.0).or_default();
            if postings.len() < POSTINGS_MAX && !cluster.core.contains_key(&feature.0) {
                postings.push(num::u32_saturating(number));
            }
        }
        cluster.add(features, weight);
    }
    let anchor_weight: HashMap<u32, f64> = features.iter().flatten().copied().collect();
    let mut placed = vec![None; features.len()];
    for _ in 0..2 {
        clusters = merge(&clusters, &anchor_weight);
        index = index_of(&clusters);
        for ((place, features), &weight) in placed.iter_mut().zip(features).zip(&weights) {
            *place = if weight >= WEIGHT_MIN { best(&clusters, &index, features, weight) } else { None };
        }
        let mut next = vec![Cluster::default(); clusters.len()];
        for ((place, features), &weight) in placed.iter().zip(features).zip(&weights) {
            if let Some(cluster) = place.as_ref().and_then(|m: &Match| next.get_mut(num::usize_of(m.family))) {
                cluster.add(features, weight);
            }
        }
        clusters = next;
    }
    placed
}

fn index_of(clusters: &[Cluster]) -> HashMap<u32, Vec<u32>> {
    let mut order: Vec<(usize, &Cluster)> = clusters.iter().enumerate().collect();
    order.sort_by(|a, b| b.1.texts.total_cmp(&a.1.texts).then(a.0.cmp(&b.0)));
    let mut index: HashMap<u32, Vec<u32>> = HashMap::new();
    for (number, cluster) in order {
        for (&anchor, _) in cluster.core.iter().filter(|entry| entry.1 * 20.0 >= cluster.texts) {
            let postings = index.entry(anchor).or_default();
            if postings.len() < POSTINGS_MAX {
                postings.push(num::u32_saturating(number));
            }
        }
    }
    index
}

fn merge(clusters: &[Cluster], anchor_weight: &HashMap<u32, f64>) -> Vec<Cluster> {
    let cores: Vec<BTreeMap<u32, f64>> = clusters
        .iter()
        .map(|c| c.core.iter().map(|(&a, n)| (a, n / c.texts)).filter(|entry| entry.1 >= 0.1).collect())
        .collect();
    let mut holders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (core, number) in cores.iter().zip(0u32..) {
        for &anchor in core.keys() {
            holders.entry(anchor).or_default().push(number);
        }
    }
    let mut pairs: BTreeSet<(u32, u32)> = BTreeSet::new();
    for list in holders.values().filter(|list| list.len() <= POSTINGS_MAX) {
        for (index, &a) in list.iter().enumerate() {
            pairs.extend(list.iter().skip(index + 1).map(|&b| (a, b)));
        }
    }
    let mut sets = Sets::new(clusters.len());
    let empty = BTreeMap::new();
    for (a, b) in pairs {
        let core = |n: u32| cores.get(num::usize_of(n)).unwrap_or(&empty);
        let weight = |anchor: &u32| anchor_weight.get(anchor).copied().unwrap_or(0.0);
        let (mut both, mut either) = (0.0, 0.0);
        for (anchor, &support) in core(a) {
            let other = core(b).get(anchor).copied().unwrap_or(0.0);
            both += weight(anchor) * support.min(other);
            either += weight(anchor) * support.max(other);
        }
        either += core(b).iter().filter(|e| !core(a).contains_key(e.0)).map(|(x, s)| weight(x) * s).sum::<f64>();
        if both >= MERGE_JACCARD * either {
            sets.join(a, b);
        }
    }
    let (numbers, count) = sets.number();
    let mut merged = vec![Cluster::default(); count];
    for (cluster, &number) in clusters.iter().zip(&numbers) {
        let Some(into) = merged.get_mut(num::usize_of(number)) else { continue };
        into.weight =
            (into.weight * into.texts + cluster.weight * cluster.texts) / (into.texts + cluster.texts).max(1.0);
        into.texts += cluster.texts;
        for (&anchor, n) in &cluster.core {
            *into.core.entry(anchor).or_insert(0.0) += n;
        }
    }
    merged
}

//! Groups texts by their skeleton anchors: a leader pass, then twice a merge of like clusters and a new placing.
//!
//! A text joins a cluster that explains a good part of its anchors and of whose own anchors it holds a good part: the
//! second half keeps texts out that share no more than a public phrase with the cluster.

use crate::family::mine::{Match, MineOptions};
use crate::family::recurrence::Map;
use crate::family::sets::Sets;
use crate::num;
use std::collections::BTreeMap;

/// Anchors of every text that vote, with their weight in bits.
#[derive(Default)]
pub(super) struct Votes {
    starts: Vec<u64>,
    votes: Vec<(u32, f32)>,
}

impl Votes {
    /// Adds the votes of the next text.
    pub(super) fn push(&mut self, votes: &[(u32, f32)]) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.votes.extend_from_slice(votes);
        self.starts.push(num::u64_of(self.votes.len()));
    }

    /// How many texts there are.
    pub(super) fn documents(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The votes of one text.
    pub(super) fn of(&self, document: usize) -> &[(u32, f32)] {
        let bound = |at: usize| self.starts.get(at).and_then(|&n| num::usize_of_u64(n)).unwrap_or(0);
        self.votes.get(bound(document)..bound(document + 1)).unwrap_or(&[])
    }

    /// The weight of one text's votes.
    pub(super) fn weight(&self, document: usize) -> f64 {
        self.of(document).iter().map(|vote| f64::from(vote.1)).sum()
    }
}

/// Texts that were placed together.
#[derive(Clone, Default)]
pub(super) struct Cluster {
    /// How many.
    pub(super) texts: f64,
    /// Their mean weight.
    pub(super) weight: f64,
    /// In how many of them each anchor is.
    pub(super) core: Map<u32, f64>,
}

impl Cluster {
    pub(super) fn add(&mut self, votes: &[(u32, f32)], weight: f64) {
        self.texts += 1.0;
        self.weight += (weight - self.weight) / self.texts.min(64.0);
        for vote in votes {
            *self.core.entry(vote.0).or_insert(0.0) += 1.0;
        }
    }

    fn support(&self, anchor: u32) -> f64 {
        self.core.get(&anchor).map_or(0.0, |n| n / self.texts)
    }
}

/// Least weight in bits that a text needs to be placed.
pub(super) const WEIGHT_MIN: f64 = 8.0;
/// Support below which an anchor does not explain a text.
const SUPPORT_MIN: f64 = 0.05;
/// Clusters listed under one anchor: those of most texts.
const POSTINGS_MAX: usize = 64;
/// Clusters verified for one text.
const VERIFIED_MAX: usize = 6;
/// Rounds of merging and placing anew.
const ROUNDS: usize = 2;

/// Clusters by anchor.
type Index = Map<u32, Vec<u32>>;

/// Finds clusters for texts; keeps its buffers.
struct Search<'a> {
    options: &'a MineOptions,
    shared: Vec<f64>,
    touched: Vec<u32>,
}

impl Search<'_> {
    fn best(&mut self, clusters: &[Cluster], index: &Index, votes: &[(u32, f32)], weight: f64) -> Option<Match> {
        self.shared.resize(clusters.len(), 0.0);
        for (anchor, weight) in votes {
            for &cluster in index.get(anchor).into_iter().flatten() {
                if let Some(sum) = self.shared.get_mut(num::usize_of(cluster)) {
                    if *sum == 0.0 {
                        self.touched.push(cluster);
                    }
                    *sum += f64::from(*weight);
                }
            }
        }
        let mut candidates: Vec<(f64, u32)> = Vec::with_capacity(self.touched.len());
        for cluster in self.touched.drain(..) {
            if let Some(sum) = self.shared.get_mut(num::usize_of(cluster)) {
                candidates.push((*sum, cluster));
                *sum = 0.0;
            }
        }
        let order = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if candidates.len() > VERIFIED_MAX {
            candidates.select_nth_unstable_by(VERIFIED_MAX, order);
            candidates.truncate(VERIFIED_MAX);
        }
        candidates.sort_unstable_by(order);
        let mut found: Option<(f64, u32)> = None;
        for (_, number) in candidates {
            let Some(cluster) = clusters.get(num::usize_of(number)) else { continue };
            let (mut explained, mut held) = (0.0, 0.0);
            for &(anchor, weight) in votes {
                let support = cluster.support(anchor);
                explained += if support > SUPPORT_MIN { f64::from(weight) } else { 0.0 };
                held += f64::from(weight) * support;
            }
            let (explained, held) = (explained / weight, held / cluster.weight);
            let score = explained * held.min(1.0);
            let fits = explained >= self.options.explained_min && held >= self.options.held_min;
            if fits && found.is_none_or(|best| score > best.0) {
                found = Some((score, number));
            }
        }
        found.map(|(score, family)| Match { family, score: num::f32_of(score) })
    }
}

/// Groups texts, taken in `order`; the cluster of each, and the clusters.
pub(super) fn cluster(votes: &Votes, order: &[u32], options: &MineOptions) -> (Vec<Option<Match>>, Vec<Cluster>) {
    let mut search = Search { options, shared: Vec::new(), touched: Vec::new() };
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index = Index::default();
    for &document in order {
        let (list, weight) = (votes.of(num::usize_of(document)), votes.weight(num::usize_of(document)));
        if weight < WEIGHT_MIN {
            continue;
        }
        let found = search.best(&clusters, &index, list, weight);
        let number = found.map_or(clusters.len(), |m| num::usize_of(m.family));
        if number == clusters.len() {
            clusters.push(Cluster::default());
        }
        let Some(cluster) = clusters.get_mut(number) else { continue };
        for vote in list {
            if !cluster.core.contains_key(&vote.0) {
                let postings = index.entry(vote.0).or_default();
                if postings.len() < POSTINGS_MAX {
                    postings.push(num::u32_saturating(number));
                }
            }
        }
        cluster.add(list, weight);
    }
    let mut weight_of: Map<u32, f64> = Map::default();
    for &(anchor, weight) in &votes.votes {
        weight_of.insert(anchor, f64::from(weight));
    }
    let mut placed = vec![None; votes.documents()];
    for _ in 0..ROUNDS {
        clusters = merge(&clusters, &weight_of, options);
        let index = index_of(&clusters);
        let mut next = vec![Cluster::default(); clusters.len()];
        for &document in order {
            let at = num::usize_of(document);
            let (list, weight) = (votes.of(at), votes.weight(at));
            let place = if weight >= WEIGHT_MIN { search.best(&clusters, &index, list, weight) } else { None };
            if let Some(cluster) = place.and_then(|m| next.get_mut(num::usize_of(m.family))) {
                cluster.add(list, weight);
            }
            if let Some(slot) = placed.get_mut(at) {
                *slot = place;
            }
        }
        clusters = next;
    }
    (placed, clusters)
}

fn index_of(clusters: &[Cluster]) -> Index {
    let mut order: Vec<(usize, &Cluster)> = clusters.iter().enumerate().collect();
    order.sort_by(|a, b| b.1.texts.total_cmp(&a.1.texts).then(a.0.cmp(&b.0)));
    let mut index = Index::default();
    for (number, cluster) in order {
        for (&anchor, _) in cluster.core.iter().filter(|entry| *entry.1 >= SUPPORT_MIN * cluster.texts) {
            let postings = index.entry(anchor).or_default();
            if postings.len() < POSTINGS_MAX {
                postings.push(num::u32_saturating(number));
            }
        }
    }
    index
}

/// Support below which an anchor is left out of a core when cores are compared.
const CORE_SUPPORT: f64 = 0.1;

/// Makes clusters one whose cores are alike: weighted Jaccard similarity over supports.
fn merge(clusters: &[Cluster], weight_of: &Map<u32, f64>, options: &MineOptions) -> Vec<Cluster> {
    let weight = |anchor: u32| weight_of.get(&anchor).copied().unwrap_or(0.0);
    // Ascending anchors, so that sums are taken in one order.
    let cores: Vec<Vec<(u32, f64)>> = clusters
        .iter()
        .map(|c| {
            let share = c.core.iter().map(|(&anchor, n)| (anchor, n / c.texts));
            let mut core: Vec<(u32, f64)> = share.filter(|entry| entry.1 >= CORE_SUPPORT).collect();
            core.sort_unstable_by_key(|entry| entry.0);
            core
        })
        .collect();
    let mut holders: BTreeMap<u32, Vec<(u32, f64)>> = BTreeMap::new();
    let totals: Vec<f64> =
        cores.iter().map(|core| core.iter().map(|&(anchor, support)| weight(anchor) * support).sum()).collect();
    for (core, number) in cores.iter().zip(0u32..) {
        for &(anchor, support) in core {
            holders.entry(anchor).or_default().push((number, support));
        }
    }
    let mut both: Map<(u32, u32), f64> = Map::default();
    for (&anchor, list) in holders.iter().filter(|entry| entry.1.len() <= POSTINGS_MAX) {
        let weight = weight(anchor);
        for (index, &(a, x)) in list.iter().enumerate() {
            for &(b, y) in list.iter().skip(index + 1) {
                *both.entry((a, b)).or_insert(0.0) += weight * x.min(y);
            }
        }
    }
    let mut sets = Sets::new(clusters.len());
    let total = |n: u32| totals.get(num::usize_of(n)).copied().unwrap_or(0.0);
    for ((a, b), shared) in both {
        if shared >= options.merge_jaccard * (total(a) + total(b) - shared) {
            sets.join(a, b);
        }
    }
    let (numbers, count) = sets.number();
    let mut merged = vec![Cluster::default(); count];
    for (cluster, &number) in clusters.iter().zip(&numbers) {
        let Some(into) = merged.get_mut(num::usize_of(number)) else { continue };
        let texts = into.texts + cluster.texts;
        into.weight = (into.weight * into.texts + cluster.weight * cluster.texts) / texts.max(1.0);
        into.texts = texts;
        for (&anchor, n) in &cluster.core {
            *into.core.entry(anchor).or_insert(0.0) += n;
        }
    }
    merged
}

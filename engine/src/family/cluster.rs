//! Groups texts by their skeleton anchors: a leader pass, then twice a merge of like clusters and a new placing.
//!
//! A text joins a cluster that explains a good part of its anchors and of whose own anchors it holds a good part: the
//! second half keeps texts out that share no more than a public phrase with the cluster.

use crate::family::mine::{Match, MineOptions};
use crate::family::recurrence::Map;
use crate::family::sets::Sets;
use crate::family::votes::Votes;
use crate::num;

/// Texts that were placed together.
#[derive(Clone, Default)]
pub(super) struct Cluster {
    /// How many.
    pub(super) texts: f64,
    /// Their mean weight.
    pub(super) weight: f64,
    /// In how many of them each anchor is: exact, but for anchors of few texts in clusters that met very many.
    pub(super) core: Map<u32, u32>,
    /// How many anchors are counted before those of few texts are dropped.
    bound: usize,
}

/// Anchors counted in one cluster before those of few texts are dropped, and the support below which they are.
const COUNTED_MAX: usize = 1 << 12;
const DROPPED_SUPPORT: f64 = 0.02;

/// Support of an anchor that is reworded in some texts, texts and share of the core from which a cluster counts as reworded.
const VARIED_SUPPORT: (f64, f64) = (0.1, 0.85);
const VARIED_TEXTS: f64 = 4.0;
const VARIED_SHARE: f64 = 0.3;

impl Cluster {
    /// Adds so many texts of the same votes.
    pub(super) fn add(&mut self, votes: &[u32], weight: f64, texts: u32) {
        self.texts += f64::from(texts);
        self.weight += (weight - self.weight) * (f64::from(texts) / self.texts.min(64.0)).min(1.0);
        for &anchor in votes {
            *self.core.entry(anchor).or_insert(0) += texts;
        }
        if self.core.len() > self.bound.max(COUNTED_MAX) {
            let least = DROPPED_SUPPORT * self.texts;
            self.core.retain(|_, n| f64::from(*n) >= least);
            // Twice what is left: dropping must not become the work.
            self.bound = self.core.len() * 2;
        }
    }

    fn support(&self, anchor: u32) -> f64 {
        self.core.get(&anchor).map_or(0.0, |n| f64::from(*n) / self.texts)
    }

    /// What a text of the cluster holds of its core on average, in bits times support. Where several templates were put
    /// together each holds a part of the core only, and still belongs.
    fn usual(&self, votes: &Votes) -> f64 {
        // In one order, so that the sum has the same last bits on every run.
        let mut core: Vec<(u32, u32)> = self.core.iter().map(|(anchor, n)| (*anchor, *n)).collect();
        core.sort_unstable();
        core.iter().map(|&(anchor, n)| votes.bits(anchor) * (f64::from(n) / self.texts).powi(2)).sum()
    }

    /// Whether what its texts say varies: much of its core is held by a part of them only.
    pub(super) fn is_reworded(&self) -> bool {
        let (mut varied, mut all) = (0.0, 0.0);
        for n in self.core.values().map(|n| f64::from(*n)).filter(|n| *n >= VARIED_SUPPORT.0 * self.texts) {
            all += n;
            varied += if n < VARIED_SUPPORT.1 * self.texts { n } else { 0.0 };
        }
        self.texts >= VARIED_TEXTS && varied >= VARIED_SHARE * all
    }

    /// The anchors that at least this share of the texts hold, in no order.
    pub(super) fn held_by(&self, share: f64) -> impl Iterator<Item = u32> + '_ {
        let least = share * self.texts;
        self.core.iter().filter(move |entry| f64::from(*entry.1) >= least).map(|entry| *entry.0)
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
    votes: &'a Votes,
    /// By cluster: bits shared, and bits times support.
    sums: Vec<(f64, f64)>,
    touched: Vec<u32>,
    /// Votes at hand: how many clusters have each, the vote, its bits.
    ordered: Vec<(usize, u32, f64)>,
}

impl<'a> Search<'a> {
    fn new(votes: &'a Votes, options: &'a MineOptions) -> Self {
        Self { options, votes, sums: Vec::new(), touched: Vec::new(), ordered: Vec::new() }
    }

    /// Puts the votes of a list in order, those that fewest clusters have first, and returns how many of them can be the
    /// first to name a cluster that fits: what the others say together explains too little.
    fn put_in_order(&mut self, list: u32, weight: f64, clusters_of: impl Fn(u32) -> usize) -> usize {
        let votes = self.votes;
        self.ordered.clear();
        self.ordered.extend(votes.of_list(list).iter().map(|&vote| (clusters_of(vote), vote, votes.bits(vote))));
        self.ordered.sort_unstable_by_key(|&(clusters, vote, _)| (clusters, vote));
        // A little less than the bound, for the last bits of sums.
        let enough = self.options.explained_min * weight * 0.999;
        let mut rest = 0.0;
        let common = self.ordered.iter().rev().take_while(|entry| {
            rest += entry.2;
            rest < enough
        });
        self.ordered.len() - common.count()
    }

    /// The cluster that a text joins while clusters grow: those it shares most with are looked at.
    fn grow(&mut self, clusters: &[Cluster], index: &Index, list: u32, weight: f64) -> Option<u32> {
        self.sums.resize(clusters.len(), (0.0, 0.0));
        let votes = self.votes;
        let naming = self.put_in_order(list, weight, |vote| index.get(&vote).map_or(0, Vec::len));
        let ordered = std::mem::take(&mut self.ordered);
        for (place, &(_, anchor, bits)) in ordered.iter().enumerate() {
            for &cluster in index.get(&anchor).into_iter().flatten() {
                self.share(cluster, bits, 0.0, place < naming);
            }
        }
        self.ordered = ordered;
        let enough = self.options.explained_min * weight * 0.999;
        let mut candidates: Vec<(f64, u32)> = Vec::new();
        for cluster in self.touched.drain(..) {
            if let Some(sum) = self.sums.get_mut(num::usize_of(cluster)) {
                if sum.0 >= enough {
                    candidates.push((sum.0, cluster));
                }
                *sum = (0.0, 0.0);
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
            for &anchor in votes.of_list(list) {
                let (bits, support) = (votes.bits(anchor), cluster.support(anchor));
                explained += if support > SUPPORT_MIN { bits } else { 0.0 };
                held += bits * support;
            }
            let score = self.score(explained / weight, held / cluster.weight);
            if score > found.map_or(0.0, |best| best.0) {
                found = Some((score, number));
            }
        }
        found.map(|best| best.1)
    }

    /// The cluster of a text among clusters that stay as they are: `usual` is what their texts hold, `index` has supports.
    fn place(&mut self, usual: &[f64], index: &SupportIndex, list: u32, weight: f64) -> Option<Match> {
        self.sums.resize(usual.len(), (0.0, 0.0));
        let naming = self.put_in_order(list, weight, |vote| index.of(vote).len());
        let ordered = std::mem::take(&mut self.ordered);
        for (place, &(_, anchor, bits)) in ordered.iter().enumerate() {
            for &(cluster, support) in index.of(anchor) {
                self.share(cluster, bits, f64::from(support), place < naming);
            }
        }
        self.ordered = ordered;
        let enough = self.options.explained_min * weight * 0.999;
        let mut found: Option<(f64, u32)> = None;
        while let Some(number) = self.touched.pop() {
            let at = num::usize_of(number);
            let (Some(sum), Some(usual)) = (self.sums.get_mut(at), usual.get(at)) else { continue };
            let (explained, held) = std::mem::take(sum);
            if explained < enough {
                continue;
            }
            let score = self.score(explained / weight, held / usual);
            let (best, lowest) = found.unwrap_or((0.0, u32::MAX));
            if score > best || (score == best && score > 0.0 && number < lowest) {
                found = Some((score, number));
            }
        }
        found.map(|(score, family)| Match { family, score: num::f32_of(score) })
    }

    /// Adds to what a text shares with a cluster; a cluster that was not named yet counts only where the vote `names`.
    fn share(&mut self, cluster: u32, bits: f64, support: f64, names: bool) {
        if let Some(sum) = self.sums.get_mut(num::usize_of(cluster)) {
            if sum.0 == 0.0 {
                if !names {
                    return;
                }
                self.touched.push(cluster);
            }
            *sum = (sum.0 + bits, sum.1 + bits * support);
        }
    }

    /// How well a text fits a cluster that explains and is held so far; 0 where it does not.
    fn score(&self, explained: f64, held: f64) -> f64 {
        let fits = explained >= self.options.explained_min && held >= self.options.held_min;
        if fits { explained * held.min(1.0) } else { 0.0 }
    }
}

/// Groups texts, those of equal votes together: the cluster of each list of votes, and the clusters.
pub(super) fn cluster(votes: &Votes, options: &MineOptions) -> (Vec<Option<Match>>, Vec<Cluster>) {
    let mut search = Search::new(votes, options);
    let order: Vec<u32> = votes.order().into_iter().filter(|&list| votes.weight(list) >= WEIGHT_MIN).collect();
    let mut clusters = grow(&mut search, &order);
    let mut placed = vec![None; num::usize_of(votes.lists())];
    for _ in 0..ROUNDS {
        clusters = merge(&clusters, votes, options);
        let index = SupportIndex::new(&clusters);
        let usual: Vec<f64> = clusters.iter().map(|cluster| cluster.usual(votes)).collect();
        let mut next = vec![Cluster::default(); clusters.len()];
        for &list in &order {
            let weight = votes.weight(list);
            let place = search.place(&usual, &index, list, weight);
            if let Some(cluster) = place.and_then(|m| next.get_mut(num::usize_of(m.family))) {
                cluster.add(votes.of_list(list), weight, votes.texts(list));
            }
            if let Some(slot) = placed.get_mut(num::usize_of(list)) {
                *slot = place;
            }
        }
        clusters = next;
    }
    (placed, clusters)
}

/// The leader pass.
fn grow(search: &mut Search<'_>, order: &[u32]) -> Vec<Cluster> {
    let votes = search.votes;
    let (mut clusters, mut index): (Vec<Cluster>, Index) = (Vec::new(), Index::default());
    for &list in order {
        let weight = votes.weight(list);
        let found = search.grow(&clusters, &index, list, weight);
        let number = found.map_or(clusters.len(), num::usize_of);
        if number == clusters.len() {
            clusters.push(Cluster::default());
        }
        let Some(cluster) = clusters.get_mut(number) else { continue };
        for anchor in votes.of_list(list).iter().filter(|anchor| !cluster.core.contains_key(*anchor)) {
            let postings = index.entry(*anchor).or_default();
            if postings.len() < POSTINGS_MAX {
                postings.push(num::u32_saturating(number));
            }
        }
        cluster.add(votes.of_list(list), weight, votes.texts(list));
    }
    clusters
}

/// Clusters by anchor, with the anchor's support in each.
struct SupportIndex {
    /// Where the clusters of an anchor begin in `held`, by anchor.
    starts: Vec<u32>,
    held: Vec<(u32, f32)>,
}

impl SupportIndex {
    fn new(clusters: &[Cluster]) -> Self {
        let mut order: Vec<(usize, &Cluster)> = clusters.iter().enumerate().collect();
        order.sort_by(|a, b| b.1.texts.total_cmp(&a.1.texts).then(a.0.cmp(&b.0)));
        // (anchor, rank of the cluster, cluster, support)
        let mut all: Vec<(u32, u32, u32, f32)> = Vec::new();
        for ((number, cluster), rank) in order.into_iter().zip(0u32..) {
            let entry = |anchor| (anchor, rank, num::u32_saturating(number), num::f32_of(cluster.support(anchor)));
            all.extend(cluster.held_by(SUPPORT_MIN).map(entry));
        }
        all.sort_unstable_by_key(|entry| (entry.0, entry.1));
        let anchors = all.last().map_or(0, |last| num::usize_of(last.0) + 1);
        let mut index = Self { starts: Vec::with_capacity(anchors + 1), held: Vec::new() };
        for run in all.chunk_by(|a, b| a.0 == b.0) {
            let next = run.first().map_or(0, |first| num::usize_of(first.0) + 1);
            index.starts.resize(next, num::u32_saturating(index.held.len()));
            index.held.extend(run.iter().take(POSTINGS_MAX).map(|entry| (entry.2, entry.3)));
        }
        index.starts.push(num::u32_saturating(index.held.len()));
        index
    }

    fn of(&self, anchor: u32) -> &[(u32, f32)] {
        let bound = |at: usize| self.starts.get(at).copied().map_or(self.held.len(), num::usize_of);
        let at = num::usize_of(anchor);
        self.held.get(bound(at)..bound(at + 1)).unwrap_or(&[])
    }
}

/// Support below which an anchor is left out of a core when cores are compared.
const CORE_SUPPORT: f64 = 0.1;

fn pair(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

/// The pairs of clusters whose cores may be alike. Alike ones share a good part of both, so they share an anchor which is
/// not among the commonest of either that together say less than that part (prefix filtering: Chaudhuri, Ganti, Kaushik
/// 2006). Without this each pair that shares anything would take memory.
fn candidates(held: &[(u32, u32, f64)], totals: &[f64], votes: &Votes, options: &MineOptions) -> Map<u64, f64> {
    // (cluster, clusters that hold the anchor, place in `held`)
    let mut entries: Vec<(u32, usize, usize)> = Vec::new();
    let mut start = 0;
    for run in held.chunk_by(|a, b| a.0 == b.0) {
        if (2..=POSTINGS_MAX).contains(&run.len()) {
            entries.extend(run.iter().zip(start..).map(|(entry, at)| (entry.1, run.len(), at)));
        }
        start += run.len();
    }
    entries.sort_unstable();
    let mut names = vec![false; held.len()];
    for own in entries.chunk_by(|a, b| a.0 == b.0) {
        let total = own.first().and_then(|first| totals.get(num::usize_of(first.0))).copied().unwrap_or(0.0);
        // A little less than the bound, for the last bits of sums.
        let enough = options.merge_jaccard * total * 0.999;
        let mut common = 0.0;
        for &(_, _, at) in own.iter().rev() {
            common += held.get(at).map_or(0.0, |&(anchor, _, support)| votes.bits(anchor) * support);
            if let (true, Some(names)) = (common >= enough, names.get_mut(at)) {
                *names = true;
            }
        }
    }
    let mut found: Map<u64, f64> = Map::default();
    let mut start = 0;
    for run in held.chunk_by(|a, b| a.0 == b.0) {
        if run.len() <= POSTINGS_MAX {
            let naming = run.iter().zip(names.iter().skip(start)).filter(|entry| *entry.1).map(|entry| entry.0.1);
            let naming: Vec<u32> = naming.collect();
            for (index, &a) in naming.iter().enumerate() {
                found.extend(naming.iter().skip(index + 1).map(|&b| (pair(a, b), 0.0)));
            }
        }
        start += run.len();
    }
    found
}

/// Makes clusters one whose cores are alike: weighted Jaccard similarity over supports.
fn merge(clusters: &[Cluster], votes: &Votes, options: &MineOptions) -> Vec<Cluster> {
    // (anchor, cluster, support), ascending, so that sums are taken in one order.
    let mut held: Vec<(u32, u32, f64)> = Vec::new();
    for (cluster, number) in clusters.iter().zip(0u32..) {
        held.extend(cluster.held_by(CORE_SUPPORT).map(|anchor| (anchor, number, cluster.support(anchor))));
    }
    held.sort_unstable_by_key(|entry| (entry.0, entry.1));
    let mut totals = vec![0.0; clusters.len()];
    for &(anchor, number, support) in &held {
        if let Some(total) = totals.get_mut(num::usize_of(number)) {
            *total += votes.bits(anchor) * support;
        }
    }
    let mut both = candidates(&held, &totals, votes, options);
    for run in held.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() <= POSTINGS_MAX) {
        let weight = run.first().map_or(0.0, |first| votes.bits(first.0));
        for (index, &(_, a, x)) in run.iter().enumerate() {
            for &(_, b, y) in run.iter().skip(index + 1) {
                if let Some(shared) = both.get_mut(&pair(a, b)) {
                    *shared += weight * x.min(y);
                }
            }
        }
    }
    let mut sets = Sets::new(clusters.len());
    let total = |n: u32| totals.get(num::usize_of(n)).copied().unwrap_or(0.0);
    for (pair, shared) in both {
        let (a, b) = (num::high32(pair), num::low32(pair));
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
            *into.core.entry(anchor).or_insert(0) += n;
        }
    }
    merged
}

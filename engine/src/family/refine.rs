//! Mends clusters: parts those that two templates share by a common block, and joins the fragments of one template that
//! every account words in its own way.
//!
//! Both look at whose a piece is. A piece that many accounts send and that excludes another such piece is a variant; a
//! piece that one account alone sends is that account's wording.

use crate::family::anchor::{Anchors, decode_into};
use crate::family::cluster::{Cluster, Votes};
use crate::family::mine::{Documents, Match, MineOptions, NO_ACCOUNT, Use};
use crate::family::recurrence::{Map, Recurrence, of_class};
use crate::family::sets::Sets;
use crate::num;
use std::collections::{BTreeMap, BTreeSet};

/// Texts that a cluster must have to be parted.
const PARTED_TEXTS: usize = 16;
/// Texts looked at to part one cluster.
const PARTED_SAMPLE: usize = 2048;
/// Anchors looked at to part one cluster: those nearest to half support.
const PARTED_ANCHORS: usize = 256;
/// Share of a cluster's texts that hold a variant's piece.
const VARIANT_SUPPORT: (f64, f64) = (0.15, 0.9);
/// Anchors whose texts agree this far (Jaccard) make one piece.
const PIECE_JACCARD: f64 = 0.8;
/// Accounts that must send a piece.
const PIECE_ACCOUNTS: usize = 3;
/// Bits a piece must say.
const PIECE_BITS: f64 = 30.0;
/// Share of the smaller piece's texts that may hold the other.
const PIECE_OVERLAP: f64 = 0.05;

/// Accounts and texts of a cluster that is an account's own wording.
const WORDING_ACCOUNTS: usize = 3;
const WORDING_TEXTS: f64 = 2.0;
/// Support from which an anchor counts when clusters are compared for joining.
const JOIN_SUPPORT: f64 = 0.3;
/// Clusters that may hold an anchor for it to be a sign.
const JOIN_HOLDERS: usize = 200;
/// Most bits that one shared anchor is worth.
const JOIN_BITS_MAX: f64 = 8.0;
/// Clusters that one wording is joined to: those it shares most with.
const PARTNERS: usize = 3;
/// Tokens by which an anchor's mean place may differ between two wordings.
const PLACE_TOLERANCE: f64 = 3.0;

/// A piece that part of a cluster's texts hold.
struct Piece {
    /// Ascending.
    anchors: Vec<u32>,
    bits: f64,
    /// Which of the sampled texts hold it, a bit each.
    texts: Vec<u64>,
    count: u32,
}

fn both(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum()
}

/// An account of every document: any one will do to tell one account's wording from many accounts' variant.
fn accounts_of(documents: usize, uses: &[Use]) -> Vec<u32> {
    let mut accounts = vec![NO_ACCOUNT; documents];
    for request in uses {
        if let Some(slot) = accounts.get_mut(num::usize_of(request.document)).filter(|slot| **slot == NO_ACCOUNT) {
            *slot = request.account;
        }
    }
    accounts
}

/// The texts of every cluster, in canonical order.
fn members(placed: &[Option<Match>], order: &[u32], count: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); count];
    for &document in order {
        let found = placed.get(num::usize_of(document)).copied().flatten();
        if let Some(list) = found.and_then(|m| members.get_mut(num::usize_of(m.family))) {
            list.push(document);
        }
    }
    members
}

/// The clusters of a placing.
fn gather(placed: &[Option<Match>], votes: &Votes, order: &[u32], count: usize) -> Vec<Cluster> {
    let mut clusters = vec![Cluster::default(); count];
    for &document in order {
        let at = num::usize_of(document);
        if let Some(cluster) = placed.get(at).copied().flatten().and_then(|m| clusters.get_mut(num::usize_of(m.family)))
        {
            cluster.add(votes.of(at), votes.weight(at));
        }
    }
    clusters
}

/// Parts clusters in which pieces of many accounts exclude each other, or in which one such piece says more than all
/// that the cluster shares. Returns the clusters of the new placing, and which cluster each was part of before.
pub(super) fn part(
    placed: &mut [Option<Match>],
    clusters: &[Cluster],
    votes: &Votes,
    order: &[u32],
    uses: &[Use],
) -> (Vec<Cluster>, Vec<u32>) {
    let accounts = accounts_of(placed.len(), uses);
    let mut parents: Vec<u32> = (0..num::u32_saturating(clusters.len())).collect();
    let mut next = num::u32_saturating(clusters.len());
    for (list, parent) in members(placed, order, clusters.len()).into_iter().zip(0u32..) {
        if list.len() < PARTED_TEXTS {
            continue;
        }
        let (variants, common_bits) = variants(&list, votes, &accounts);
        let one_says_more = variants.first().is_some_and(|piece| piece.bits >= common_bits);
        if variants.len() < 2 && !one_says_more {
            continue;
        }
        for &document in &list {
            let held = votes.of(num::usize_of(document));
            let holds = |piece: &Piece| {
                let n = held.iter().filter(|vote| piece.anchors.binary_search(&vote.0).is_ok()).count();
                n * 2 >= piece.anchors.len()
            };
            let chosen = variants.iter().zip(next..).find(|(piece, _)| holds(piece)).map(|entry| entry.1);
            if let (Some(new), Some(Some(place))) = (chosen, placed.get_mut(num::usize_of(document))) {
                place.family = new;
            }
        }
        next += num::u32_saturating(variants.len());
        parents.resize(num::usize_of(next), parent);
    }
    (gather(placed, votes, order, num::usize_of(next)), parents)
}

/// Pieces of many accounts that exclude each other, those of most texts first, and the bits that all texts share.
fn variants(list: &[u32], votes: &Votes, accounts: &[u32]) -> (Vec<Piece>, f64) {
    let step = list.len().div_ceil(PARTED_SAMPLE);
    let sample: Vec<u32> = list.iter().copied().step_by(step).collect();
    let words = sample.len().div_ceil(64);
    let mut holders: BTreeMap<u32, (f64, Vec<u64>)> = BTreeMap::new();
    for (index, &document) in sample.iter().enumerate() {
        for &(anchor, weight) in votes.of(num::usize_of(document)) {
            let entry = holders.entry(anchor).or_insert_with(|| (f64::from(weight), vec![0; words]));
            if let Some(word) = entry.1.get_mut(index / 64) {
                *word |= 1 << (index % 64);
            }
        }
    }
    let texts = num::f64_of(sample.len());
    let share = |held: &[u64]| f64::from(both(held, held)) / texts;
    let common_bits = holders.values().filter(|entry| share(&entry.1) > VARIANT_SUPPORT.1).map(|entry| entry.0).sum();
    let varying = |entry: &(u32, (f64, Vec<u64>))| {
        let share = share(&entry.1.1);
        (VARIANT_SUPPORT.0..=VARIANT_SUPPORT.1).contains(&share)
    };
    let mut varying: Vec<(u32, (f64, Vec<u64>))> = holders.into_iter().filter(varying).collect();
    varying.sort_by_key(|entry| (std::cmp::Reverse(both(&entry.1.1, &entry.1.1)), entry.0));
    varying.truncate(PARTED_ANCHORS);
    let mut pieces: Vec<Piece> = Vec::new();
    for (anchor, (bits, held)) in varying {
        let count = both(&held, &held);
        let same = pieces.iter_mut().find(|piece| {
            let shared = f64::from(both(&piece.texts, &held));
            shared >= PIECE_JACCARD * (f64::from(piece.count) + f64::from(count) - shared)
        });
        match same {
            Some(piece) => {
                piece.bits += bits;
                piece.anchors.push(anchor);
            }
            None => pieces.push(Piece { anchors: vec![anchor], bits, texts: held, count }),
        }
    }
    let mut chosen: Vec<Piece> = Vec::new();
    for mut piece in pieces {
        let excludes = |other: &Piece| {
            f64::from(both(&other.texts, &piece.texts)) <= PIECE_OVERLAP * f64::from(other.count.min(piece.count))
        };
        if piece.bits >= PIECE_BITS
            && senders(&piece, &sample, accounts) >= PIECE_ACCOUNTS
            && chosen.iter().all(excludes)
        {
            piece.anchors.sort_unstable();
            chosen.push(piece);
        }
    }
    (chosen, common_bits)
}

/// How many accounts send a piece, counted up to [`PIECE_ACCOUNTS`].
fn senders(piece: &Piece, sample: &[u32], accounts: &[u32]) -> usize {
    let mut seen = Vec::new();
    for (index, &document) in sample.iter().enumerate() {
        let held = piece.texts.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1);
        let account = accounts.get(num::usize_of(document)).copied().unwrap_or(NO_ACCOUNT);
        if held && !seen.contains(&account) {
            seen.push(account);
            if seen.len() >= PIECE_ACCOUNTS {
                break;
            }
        }
    }
    seen.len()
}

/// Where anchors stand in the texts of a cluster, on average: tokens from the beginning and from the end.
fn places(corpus: &Corpus<'_, impl Documents>, placed: &[Option<Match>], count: usize) -> Vec<Map<u32, (f64, f64)>> {
    let mut sums: Vec<Map<u32, (f64, f64, f64)>> = vec![Map::default(); count];
    let mut anchors = Anchors::default();
    for (found, document) in placed.iter().zip(0u32..) {
        let Some(sums) = found.and_then(|m| sums.get_mut(num::usize_of(m.family))) else { continue };
        decode_into(corpus.documents.anchors(document), &mut anchors);
        let class = corpus.documents.class(document);
        let mut held = corpus.recurrence.of(num::usize_of(document)).iter().peekable();
        for anchor in &anchors.anchors {
            let key = of_class(anchor.fingerprint, class);
            let is_held = |n: &&u32| corpus.recurrence.fingerprints.get(num::usize_of(**n)) == Some(&key);
            if let Some(&number) = held.next_if(is_held) {
                let sum = sums.entry(number).or_default();
                sum.0 += 1.0;
                sum.1 += f64::from(anchor.position);
                sum.2 += f64::from(anchors.token_count.saturating_sub(anchor.position));
            }
        }
    }
    let mean = |sums: Map<u32, (f64, f64, f64)>| sums.into_iter().map(|(a, (n, b, e))| (a, (b / n, e / n))).collect();
    sums.into_iter().map(mean).collect()
}

/// What is mined, for steps that need places.
pub(super) struct Corpus<'a, D: Documents> {
    pub(super) documents: &'a D,
    pub(super) recurrence: &'a Recurrence,
}

/// Joins clusters that are one account's wording to those they share most with. `is_family` says which clusters are
/// worth joining; what dropped clusters say is a phrase and no sign. Rewording keeps words in their places, while
/// templates put together from common sentences have them anywhere: only anchors that stand at the same distance from
/// the beginning or the end count as shared.
pub(super) fn join(
    corpus: &Corpus<'_, impl Documents>,
    placed: &mut [Option<Match>],
    clusters: &[Cluster],
    parents: &[u32],
    is_family: &[bool],
    uses: &[Use],
    options: &MineOptions,
) {
    let places = places(corpus, placed, clusters.len());
    let same_place = |a: u32, b: u32, anchor: u32| {
        let of = |n: u32| places.get(num::usize_of(n)).and_then(|map| map.get(&anchor));
        match (of(a), of(b)) {
            (Some(x), Some(y)) => (x.0 - y.0).abs() <= PLACE_TOLERANCE || (x.1 - y.1).abs() <= PLACE_TOLERANCE,
            _ => false,
        }
    };
    let accounts = accounts_of(placed.len(), uses);
    let mut senders: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); clusters.len()];
    for (found, &account) in placed.iter().zip(&accounts) {
        if let Some(set) = found.and_then(|m| senders.get_mut(num::usize_of(m.family))) {
            set.insert(account);
        }
    }
    let family = |number: u32| is_family.get(num::usize_of(number)).copied().unwrap_or(false);
    let own_wording = |number: u32| {
        let at = num::usize_of(number);
        let few = |set: &BTreeSet<u32>| set.len() <= WORDING_ACCOUNTS && !set.contains(&NO_ACCOUNT);
        clusters.get(at).is_some_and(|c| c.texts >= WORDING_TEXTS) && senders.get(at).is_some_and(few)
    };
    let mut phrases: BTreeSet<u32> = BTreeSet::new();
    let mut holders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (cluster, number) in clusters.iter().zip(0u32..) {
        let held =
            |share: f64| cluster.core.iter().filter(move |entry| *entry.1 >= share * cluster.texts).map(|e| *e.0);
        if !family(number) {
            if cluster.texts >= WORDING_TEXTS {
                phrases.extend(held(0.5));
            }
            continue;
        }
        for anchor in held(JOIN_SUPPORT) {
            holders.entry(anchor).or_default().push(number);
        }
    }
    holders.retain(|anchor, list| !phrases.contains(anchor) && list.len() <= JOIN_HOLDERS);
    let count = num::f64_of(is_family.iter().filter(|&&is| is).count().max(2));
    let mut totals: Map<u32, f64> = Map::default();
    let mut shared: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (&anchor, list) in &holders {
        // What few clusters say says much.
        let bits = (count / num::f64_of(list.len())).log2().min(JOIN_BITS_MAX);
        for (index, &a) in list.iter().enumerate() {
            *totals.entry(a).or_insert(0.0) += bits;
            for &b in list.iter().skip(index + 1) {
                if same_place(a, b, anchor) {
                    *shared.entry((a, b)).or_insert(0.0) += bits;
                }
            }
        }
    }
    let total = |number: u32| totals.get(&number).copied().unwrap_or(0.0);
    let mut partners: BTreeMap<u32, Vec<(f64, u32)>> = BTreeMap::new();
    for ((a, b), bits) in shared {
        let share = bits / total(a).min(total(b));
        // What was parted as variants stays apart.
        let siblings = parents.get(num::usize_of(a)) == parents.get(num::usize_of(b));
        if !siblings && bits >= options.join_bits && share >= options.join_share {
            for (one, other) in [(a, b), (b, a)] {
                if own_wording(one) {
                    partners.entry(one).or_default().push((share, other));
                }
            }
        }
    }
    let mut sets = Sets::new(clusters.len());
    for (one, mut list) in partners {
        list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, other) in list.into_iter().take(PARTNERS) {
            sets.join(one, other);
        }
    }
    for place in placed.iter_mut().flatten() {
        if family(place.family) {
            place.family = sets.root(place.family);
        }
    }
}

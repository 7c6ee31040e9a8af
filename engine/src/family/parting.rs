//! Parts clusters that hold several templates: those that share a long block, such as examples, and differ in a sentence
//! at one edge; and those that a common phrase has put together.
//!
//! What parts a cluster is a set of pieces, runs of anchors, of which each text holds one. Slot values can look like
//! that, so more is asked. The pieces together must cover most of the texts, each must be sent by several accounts, and
//! an account must keep to its piece: it keeps to its template, and changes what stands in a slot. A sentence that stands
//! elsewhere in other texts is no piece: there a part of its anchors is kept, and so anchors of all texts stand among those
//! of the piece.

use crate::family::anchor::{HEAD, SHINGLE_TOKENS, TAIL};
use crate::family::cluster::Cluster;
use crate::family::corpus::{Corpus, Reading};
use crate::family::mine::{Documents, Match, NO_ACCOUNT, Uses};
use crate::family::recurrence::{Map, Recurrence, without_class};
use crate::family::sets::Sets;
use crate::family::votes::Votes;
use crate::num;
use std::collections::{BTreeMap, BTreeSet};

/// Texts that a cluster must have to be parted, and texts looked at to part one.
const PARTED_TEXTS: usize = 16;
const SAMPLE: usize = 512;
/// Share of the texts that hold an anchor of a piece.
const SUPPORT: (f64, f64) = (0.015, 0.7);
/// Anchors looked at, those of most texts first.
const ANCHORS: usize = 384;
/// Texts, accounts, anchors and bits of a piece, at least.
const PIECE_TEXTS: u32 = 4;
const PIECE_ACCOUNTS: usize = 3;
const PIECE_ANCHORS: usize = 3;
const PIECE_BITS: f64 = 16.0;
/// Share of a piece's anchors that a text must hold.
const HELD_SHARE: f64 = 0.25;
/// Anchors of an edge are one piece's when their texts agree this far (Jaccard): rewording parts what belongs together.
const EDGE_JACCARD: f64 = 0.35;
/// Share of the texts that pieces must cover together, and that the largest may hold at most.
const COVERED: f64 = 0.7;
const LARGEST: f64 = 0.85;
/// Share of the covered texts that may hold two pieces.
const DOUBLE: f64 = 0.1;
/// Most anchors of all texts that may stand among those of the pieces, for each of their own.
const MIXED: f64 = 0.2;
/// Accounts of several texts that are needed for a judgement, and how many of them must keep to one piece.
const KEEPERS_MIN: usize = 5;
const KEEPERS_SHARE: f64 = 0.7;
/// Of a strong piece, which parts a cluster whatever the others cover: share of the texts that hold it, bits, agreement of
/// its anchors' texts, share of it that a text must hold, and share of its texts that may hold another one.
const STRONG_SUPPORT: (f64, f64) = (0.15, 0.9);
const STRONG_BITS: f64 = 30.0;
const PIECE_JACCARD: f64 = 0.8;
const STRONG_SHARE: f64 = 0.5;
const OVERLAP: f64 = 0.05;

/// A parted placing.
pub(super) struct Parted {
    /// The clusters after parting.
    pub(super) clusters: Vec<Cluster>,
    /// Which cluster each was part of before.
    pub(super) parents: Vec<u32>,
    /// Clusters whose parts are surely different templates.
    pub(super) firm: BTreeSet<u32>,
}

/// A run of anchors that part of a cluster's texts hold.
pub(super) struct Piece {
    /// Ascending.
    pub(super) anchors: Vec<u32>,
    pub(super) bits: f64,
    /// Which of the sampled texts hold it, a bit each.
    pub(super) texts: Vec<u64>,
    pub(super) count: u32,
    /// Anchors within its reach, over all texts that hold it: its own, and those of nearly all texts.
    within: (usize, usize),
}

fn both(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum()
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

/// An account of every document: any one will do to tell one account's wording from many accounts' variant.
pub(super) fn accounts_of(documents: usize, uses: &(impl Uses + ?Sized)) -> Vec<u32> {
    let mut accounts = vec![NO_ACCOUNT; documents];
    for request in uses.all() {
        if let Some(slot) = accounts.get_mut(num::usize_of(request.document)).filter(|slot| **slot == NO_ACCOUNT) {
            *slot = request.account;
        }
    }
    accounts
}

/// Parts the clusters of a placing.
pub(super) fn part(
    corpus: &Corpus<'_, impl Documents>,
    placed: &mut [Option<Match>],
    mut clusters: Vec<Cluster>,
    votes: &Votes,
    order: &[u32],
    uses: &(impl Uses + ?Sized),
) -> Parted {
    let accounts = accounts_of(placed.len(), uses);
    let mut parents: Vec<u32> = (0..num::u32_saturating(clusters.len())).collect();
    let (mut firm, mut next) = (BTreeSet::new(), num::u32_saturating(clusters.len()));
    let mut reading = Reading::default();
    for (parent, list) in members(placed, order) {
        if list.len() < PARTED_TEXTS {
            continue;
        }
        let sample = Sample::new(corpus, &list, &accounts);
        let Some(parting) = sample.by_edge(true).or_else(|| sample.by_edge(false)).or_else(|| sample.by_pieces(votes))
        else {
            continue;
        };
        if parting.is_firm {
            firm.insert(parent);
        }
        for &document in &list {
            let held = corpus.of(document, &mut reading);
            let shares = parting.pieces.iter().map(|piece| piece.share(held)).zip(next..);
            let best = shares.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let place = placed.get_mut(num::usize_of(document));
            if let (Some((_, new)), Some(Some(place))) = (best.filter(|best| best.0 >= parting.least), place) {
                place.family = new;
            }
        }
        next += num::u32_saturating(parting.pieces.len());
        parents.resize(num::usize_of(next), parent);
        clusters.resize(num::usize_of(next), Cluster::default());
        if let Some(cluster) = clusters.get_mut(num::usize_of(parent)) {
            *cluster = Cluster::default();
        }
        for &document in &list {
            let found = placed.get(num::usize_of(document)).copied().flatten();
            if let Some(cluster) = found.and_then(|m| clusters.get_mut(num::usize_of(m.family))) {
                cluster.add(votes.of(document), votes.weight(votes.list_of(document)), 1);
            }
        }
    }
    Parted { clusters, parents, firm }
}

/// Clusters with their texts in `order`.
fn members(placed: &[Option<Match>], order: &[u32]) -> Vec<(u32, Vec<u32>)> {
    let cluster = |document: u32| placed.get(num::usize_of(document)).copied().flatten().map(|m| m.family);
    let mut members: Vec<(u32, u32)> =
        (0u32..).zip(order).filter_map(|(place, &document)| Some((cluster(document)?, place))).collect();
    members.sort_unstable();
    let document = |entry: &(u32, u32)| order.get(num::usize_of(entry.1)).copied();
    let runs = members.chunk_by(|a, b| a.0 == b.0);
    runs.map(|run| (run.first().map_or(0, |entry| entry.0), run.iter().filter_map(document).collect())).collect()
}

impl Piece {
    /// The share of the piece that a text with these recurrent anchors holds.
    pub(super) fn share(&self, held: &[u32]) -> f64 {
        let own = held.iter().filter(|anchor| self.anchors.binary_search(anchor).is_ok());
        num::f64_of(own.count()) / num::f64_of(self.anchors.len().max(1))
    }

    /// Whether nearly no text that holds the one of fewer texts holds the other.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        f64::from(both(&other.texts, &self.texts)) <= OVERLAP * f64::from(other.count.min(self.count))
    }
}

/// Which texts hold an anchor, and in how many of them it stands at an edge.
struct Held {
    texts: Vec<u64>,
    count: u32,
    head: u32,
    tail: u32,
}

/// How a cluster is parted.
struct Parting {
    pieces: Vec<Piece>,
    /// Share of a piece that a text of its must hold.
    least: f64,
    /// Whether the pieces are surely different templates, not wordings of one.
    is_firm: bool,
}

/// Some texts of one cluster.
pub(super) struct Sample<'a> {
    recurrence: &'a Recurrence,
    accounts: &'a [u32],
    pub(super) documents: Vec<u32>,
    /// The recurrent anchors of each.
    lists: Vec<Box<[u32]>>,
    held: Map<u32, Held>,
}

impl<'a> Sample<'a> {
    /// An even sample of a list of texts.
    pub(super) fn new(corpus: &'a Corpus<'_, impl Documents>, list: &[u32], accounts: &'a [u32]) -> Self {
        let documents: Vec<u32> = list.iter().copied().step_by(list.len().div_ceil(SAMPLE)).collect();
        let words = documents.len().div_ceil(64);
        let [shingle, head, tail] = [SHINGLE_TOKENS, HEAD, TAIL + SHINGLE_TOKENS].map(num::u32_saturating);
        let mut held: Map<u32, Held> = Map::default();
        let (mut reading, mut lists) = (Reading::default(), Vec::with_capacity(documents.len()));
        for (index, &document) in documents.iter().enumerate() {
            lists.push(corpus.of(document, &mut reading).into());
            corpus.places(document, &mut reading, |number, before, after| {
                let nothing = || Held { texts: vec![0; words], count: 0, head: 0, tail: 0 };
                let entry = held.entry(number).or_insert_with(nothing);
                set(&mut entry.texts, index);
                entry.count += 1;
                // Shingles that reach BEGIN or END say what stands there, not what the piece is.
                entry.head += u32::from((1..head).contains(&before));
                entry.tail += u32::from((shingle + 1..=tail).contains(&after));
            });
        }
        Self { recurrence: &corpus.recurrence, accounts, documents, lists, held }
    }

    /// The smallest fingerprint of a piece.
    pub(super) fn name(&self, piece: &Piece) -> u64 {
        let first = piece.anchors.first().and_then(|&anchor| self.recurrence.fingerprints.get(num::usize_of(anchor)));
        first.copied().map_or(0, without_class)
    }

    fn count(&self) -> f64 {
        num::f64_of(self.documents.len())
    }

    fn account(&self, index: usize) -> u32 {
        self.documents.get(index).and_then(|&d| self.accounts.get(num::usize_of(d))).copied().unwrap_or(NO_ACCOUNT)
    }

    /// Anchors that a share of the texts within `support` holds and `fits` allows, those of most texts first.
    fn varying(&self, support: (f64, f64), fits: impl Fn(u32, &Held) -> bool) -> Vec<(u32, &Held)> {
        let least = (support.0 * self.count()).max(f64::from(PIECE_TEXTS));
        let some = |held: &Held| (least..=support.1 * self.count()).contains(&f64::from(held.count));
        let chosen = self.held.iter().filter(|entry| some(entry.1) && fits(*entry.0, entry.1));
        let mut varying: Vec<(u32, &Held)> = chosen.map(|(&anchor, held)| (anchor, held)).collect();
        varying.sort_unstable_by_key(|(anchor, held)| (std::cmp::Reverse(held.count), *anchor));
        varying.truncate(ANCHORS);
        varying
    }

    /// Parts by what stands at the end (`tail`) or at the beginning of the texts.
    fn by_edge(&self, tail: bool) -> Option<Parting> {
        let mostly =
            |_: u32, held: &Held| f64::from(if tail { held.tail } else { held.head }) >= 0.8 * f64::from(held.count);
        let zone = self.varying(SUPPORT, mostly);
        let mut sets = Sets::new(zone.len());
        for (i, (_, a)) in (0u32..).zip(&zone) {
            for (j, (_, b)) in (0u32..).zip(&zone).skip(num::usize_of(i) + 1) {
                if f64::from(b.count) < EDGE_JACCARD * f64::from(a.count) {
                    break;
                }
                let shared = both(&a.texts, &b.texts);
                if f64::from(shared) >= EDGE_JACCARD * f64::from(a.count + b.count - shared) {
                    sets.join(i, j);
                }
            }
        }
        let (numbers, count) = sets.number();
        let mut runs: Vec<Vec<u32>> = vec![Vec::new(); count];
        for ((anchor, _), number) in zone.iter().zip(numbers) {
            if let Some(run) = runs.get_mut(num::usize_of(number)) {
                run.push(*anchor);
            }
        }
        let mut pieces: Vec<Piece> = runs.into_iter().filter_map(|run| self.piece(run)).collect();
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.count));
        let (mut once, mut twice) = (vec![0u64; self.documents.len().div_ceil(64)], 0);
        for piece in &pieces {
            twice += both(&once, &piece.texts);
            once.iter_mut().zip(&piece.texts).for_each(|(word, held)| *word |= held);
        }
        let covered = f64::from(both(&once, &once));
        let (own, mixed) = pieces.iter().fold((0, 0), |sum, piece| (sum.0 + piece.within.0, sum.1 + piece.within.1));
        let largest = pieces.first().map_or(0, |piece| piece.count);
        let parts = pieces.len() >= 2
            && covered >= COVERED * self.count()
            && f64::from(largest) <= LARGEST * self.count()
            && f64::from(twice) <= DOUBLE * covered
            && num::f64_of(mixed) <= MIXED * num::f64_of(own)
            && self.accounts_keep(&pieces);
        parts.then_some(Parting { pieces, least: HELD_SHARE, is_firm: true })
    }

    /// A piece of these anchors with the texts that hold it; `None` where it says too little or is of too few accounts.
    fn piece(&self, mut anchors: Vec<u32>) -> Option<Piece> {
        let bits: f64 = anchors.iter().map(|&anchor| self.recurrence.bits(anchor)).sum();
        if anchors.len() < PIECE_ANCHORS || bits < PIECE_BITS {
            return None;
        }
        anchors.sort_unstable();
        let mut piece =
            Piece { anchors, bits, texts: vec![0; self.documents.len().div_ceil(64)], count: 0, within: (0, 0) };
        let everywhere =
            |anchor: &&u32| self.held.get(*anchor).is_some_and(|h| f64::from(h.count) > SUPPORT.1 * self.count());
        let (mut own, mut mixed) = (0, 0);
        for (index, held) in self.lists.iter().enumerate() {
            if piece.share(held) < HELD_SHARE {
                continue;
            }
            piece.count += 1;
            set(&mut piece.texts, index);
            let is_own = |anchor: &u32| piece.anchors.binary_search(anchor).is_ok();
            let ends = held.iter().position(is_own).zip(held.iter().rposition(is_own));
            let within = ends.and_then(|(from, to)| held.get(from..to)).unwrap_or(&[]);
            own += within.iter().filter(|anchor| is_own(anchor)).count();
            mixed += within.iter().filter(everywhere).count();
        }
        piece.within = (own, mixed);
        (piece.count >= PIECE_TEXTS && self.is_sent_by_several(&piece)).then_some(piece)
    }

    fn is_sent_by_several(&self, piece: &Piece) -> bool {
        let mut seen = Vec::new();
        for index in (0..self.documents.len()).filter(|&index| is_set(&piece.texts, index)) {
            let account = self.account(index);
            if !seen.contains(&account) {
                seen.push(account);
                if seen.len() >= PIECE_ACCOUNTS {
                    return true;
                }
            }
        }
        false
    }

    /// Whether most accounts that sent several of the texts sent one piece alone.
    fn accounts_keep(&self, pieces: &[Piece]) -> bool {
        let mut by_account: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for index in 0..self.documents.len() {
            let piece = pieces.iter().position(|piece| is_set(&piece.texts, index));
            if let (Some(piece), true) = (piece, self.account(index) != NO_ACCOUNT) {
                by_account.entry(self.account(index)).or_default().push(piece);
            }
        }
        by_account.retain(|_, sent| sent.len() > 1);
        let keep = by_account.values().filter(|sent| sent.iter().all(|piece| Some(piece) == sent.first())).count();
        by_account.len() >= KEEPERS_MIN && num::f64_of(keep) >= KEEPERS_SHARE * num::f64_of(by_account.len())
    }

    /// Anchors of nearly the same texts as pieces, those of most texts first: of anchors that a share of the texts within
    /// `support` holds and `fits` allows.
    pub(super) fn together(&self, support: (f64, f64), fits: impl Fn(u32) -> bool) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (anchor, held) in self.varying(support, |anchor, _| fits(anchor)) {
            let bits = self.recurrence.bits(anchor);
            let same = pieces.iter_mut().find(|piece| {
                let shared = both(&piece.texts, &held.texts);
                f64::from(shared) >= PIECE_JACCARD * f64::from(piece.count + held.count - shared)
            });
            match same {
                Some(piece) => {
                    piece.bits += bits;
                    piece.anchors.push(anchor);
                }
                None => {
                    let (texts, count) = (held.texts.clone(), held.count);
                    pieces.push(Piece { anchors: vec![anchor], bits, texts, count, within: (0, 0) });
                }
            }
        }
        pieces
    }

    /// Parts by strong pieces of skeletons, wherever they stand, which exclude each other: two of them, or one that says
    /// more than all that the texts share.
    fn by_pieces(&self, votes: &Votes) -> Option<Parting> {
        let votes = self.documents.iter().flat_map(|&document| votes.of(document).iter().copied());
        let mut voting: Vec<u32> = votes.collect();
        voting.sort_unstable();
        voting.dedup();
        let votes = |anchor: u32| voting.binary_search(&anchor).is_ok();
        // Sums are taken in one order, or they would differ in their last bits.
        let common = voting.iter().filter(|anchor| {
            self.held.get(*anchor).is_some_and(|held| f64::from(held.count) > STRONG_SUPPORT.1 * self.count())
        });
        let common_bits: f64 = common.map(|&anchor| self.recurrence.bits(anchor)).sum();
        let pieces = self.together(STRONG_SUPPORT, votes);
        let mut chosen: Vec<Piece> = Vec::new();
        for mut piece in pieces {
            let is_apart = chosen.iter().all(|other| piece.excludes(other));
            if piece.bits >= STRONG_BITS && self.is_sent_by_several(&piece) && is_apart {
                piece.anchors.sort_unstable();
                chosen.push(piece);
            }
        }
        let one_says_more = chosen.first().is_some_and(|piece| piece.bits >= common_bits);
        (chosen.len() >= 2 || one_says_more).then_some(Parting { pieces: chosen, least: STRONG_SHARE, is_firm: false })
    }
}

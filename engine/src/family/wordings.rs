//! Joins the fragments of one template that every account words in its own way.
//!
//! A piece that one account alone sends is that account's wording; fragments that are wordings are joined to those they
//! share most with, and fragments of many accounts to each other where the texts of both vary. Rewording keeps words in their places, while templates put together from common sentences have them
//! anywhere: only anchors that stand at the same distance from the beginning or the end count as shared. What was parted
//! for good reason does not come together again, not through a third fragment either.

use crate::family::cluster::Cluster;
use crate::family::corpus::{Corpus, Reading};
use crate::family::mine::{Documents, Match, MineOptions, NO_ACCOUNT, Uses};
use crate::family::parting::{Parted, accounts_of};
use crate::family::recurrence::Map;
use crate::family::sets::Sets;
use crate::num;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts and texts of a cluster that is an account's own wording.
const WORDING_ACCOUNTS: usize = 3;
const WORDING_TEXTS: f64 = 2.0;
/// Support from which an anchor counts when clusters are compared for joining.
const JOIN_SUPPORT: f64 = 0.3;
/// Support from which an anchor belongs to what a dropped cluster says.
const PHRASE_SUPPORT: f64 = 0.5;
/// Clusters that may hold an anchor for it to be a sign.
const JOIN_HOLDERS: usize = 200;
/// Most bits that one shared anchor is worth.
const JOIN_BITS_MAX: f64 = 8.0;
/// Share of the smaller one's bits that two reworded fragments of many accounts must share.
const REWORDED_SHARE: f64 = 0.45;
/// Clusters that one wording is joined to: those it shares most with.
const PARTNERS: usize = 3;
/// Tokens by which an anchor's mean place may differ between two wordings.
const PLACE_TOLERANCE: f64 = 3.0;

/// Texts of a cluster in which places are looked up.
const PLACED_TEXTS: u32 = 512;

/// Mean distances of anchors from the beginning and from the end, by cluster.
type Places = Vec<Map<u32, (f64, f64)>>;

/// Joins clusters that are one account's wording to those they share most with. `is_family` says which clusters are
/// worth joining; what dropped clusters say is a phrase and no sign.
pub(super) fn join(
    corpus: &Corpus<'_, impl Documents>,
    placed: &mut [Option<Match>],
    parted: &Parted,
    is_family: &[bool],
    order: &[u32],
    uses: &(impl Uses + ?Sized),
    options: &MineOptions,
) {
    let clusters = &parted.clusters;
    let family = |number: u32| is_family.get(num::usize_of(number)).copied().unwrap_or(false);
    let holders = holders(clusters, family);
    let places = places(corpus, placed, order, &holders, clusters.len());
    let (shared, totals) = shared_bits(&holders, &places, is_family);
    let wordings = wordings(placed, clusters, uses);
    let reworded: Vec<bool> = clusters.iter().map(Cluster::is_reworded).collect();
    let total = |number: u32| totals.get(&number).copied().unwrap_or(0.0);
    let mut partners: BTreeMap<u32, Vec<(f64, u32)>> = BTreeMap::new();
    for ((a, b), bits) in shared {
        let share = bits / total(a).min(total(b));
        let parent = |number: u32| parted.parents.get(num::usize_of(number));
        if parent(a) != parent(b) && bits >= options.join_bits && share >= options.join_share {
            let is = |list: &[bool], number: u32| list.get(num::usize_of(number)) == Some(&true);
            // Fragments of many accounts are joined where both vary from account to account, and share more.
            let both = is(&reworded, a) && is(&reworded, b) && share >= REWORDED_SHARE;
            for (one, other) in [(a, b), (b, a)] {
                if is(&wordings, one) || both {
                    partners.entry(one).or_default().push((share, other));
                }
            }
        }
    }
    let mut edges: Vec<(f64, u32, u32)> = Vec::new();
    for (one, mut list) in partners {
        list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        edges.extend(list.into_iter().take(PARTNERS).map(|(share, other)| (share, one, other)));
    }
    edges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut sets = joined(&edges, parted);
    for place in placed.iter_mut().flatten() {
        if family(place.family) {
            place.family = sets.root(place.family);
        }
    }
}

/// Joins along `edges`, in order, unless two parts of a firmly parted cluster would meet.
fn joined(edges: &[(f64, u32, u32)], parted: &Parted) -> Sets {
    let mut sets = Sets::new(parted.clusters.len());
    // The firmly parted clusters of which each set holds a part.
    let mut held: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (parent, number) in parted.parents.iter().zip(0u32..).filter(|entry| parted.firm.contains(entry.0)) {
        held.entry(number).or_default().insert(*parent);
    }
    for &(_, one, other) in edges {
        let (a, b) = (sets.root(one), sets.root(other));
        let meets = held.get(&a).zip(held.get(&b)).is_some_and(|(x, y)| !x.is_disjoint(y));
        if a != b && !meets {
            sets.join(a, b);
            let more = held.remove(&a.max(b)).unwrap_or_default();
            held.entry(a.min(b)).or_default().extend(more);
        }
    }
    sets
}

/// Which clusters are an account's own wording.
fn wordings(placed: &[Option<Match>], clusters: &[Cluster], uses: &(impl Uses + ?Sized)) -> Vec<bool> {
    let accounts = accounts_of(placed.len(), uses);
    let mut senders: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); clusters.len()];
    for (found, &account) in placed.iter().zip(&accounts) {
        let set = found.and_then(|m| senders.get_mut(num::usize_of(m.family)));
        // One more than the bound is enough to know.
        if let Some(set) = set.filter(|set| set.len() <= WORDING_ACCOUNTS) {
            set.insert(account);
        }
    }
    let few = |set: &BTreeSet<u32>| set.len() <= WORDING_ACCOUNTS && !set.contains(&NO_ACCOUNT);
    clusters.iter().zip(&senders).map(|(cluster, set)| cluster.texts >= WORDING_TEXTS && few(set)).collect()
}

/// The families that hold each anchor which is no phrase, where there are several and not too many.
fn holders(clusters: &[Cluster], family: impl Fn(u32) -> bool) -> Vec<(u32, Vec<u32>)> {
    let mut phrases: Vec<u32> = Vec::new();
    let mut held: Vec<(u32, u32)> = Vec::new();
    for (cluster, number) in clusters.iter().zip(0u32..) {
        if family(number) {
            held.extend(cluster.held_by(JOIN_SUPPORT).map(|anchor| (anchor, number)));
        } else if cluster.texts >= WORDING_TEXTS {
            phrases.extend(cluster.held_by(PHRASE_SUPPORT));
        }
    }
    held.sort_unstable();
    phrases.sort_unstable();
    let runs = held.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() <= JOIN_HOLDERS);
    let runs =
        runs.map(|run| (run.first().map_or(0, |entry| entry.0), run.iter().map(|entry| entry.1).collect::<Vec<u32>>()));
    runs.filter(|(anchor, _)| phrases.binary_search(anchor).is_err()).collect()
}

/// Where anchors that several families hold stand in the texts of each, on average.
fn places(
    corpus: &Corpus<'_, impl Documents>,
    placed: &[Option<Match>],
    order: &[u32],
    holders: &[(u32, Vec<u32>)],
    count: usize,
) -> Places {
    // (texts, sum of distances from the beginning, from the end)
    let mut sums: Vec<Map<u32, (f64, f64, f64)>> = vec![Map::default(); count];
    for (anchor, list) in holders.iter().filter(|entry| entry.1.len() > 1) {
        for &number in list {
            if let Some(sums) = sums.get_mut(num::usize_of(number)) {
                sums.insert(*anchor, (0.0, 0.0, 0.0));
            }
        }
    }
    let (mut reading, mut seen) = (Reading::default(), vec![0u32; count]);
    for &document in order {
        let Some(cluster) = placed.get(num::usize_of(document)).copied().flatten().map(|m| num::usize_of(m.family))
        else {
            continue;
        };
        let (Some(sums), Some(seen)) = (sums.get_mut(cluster), seen.get_mut(cluster)) else { continue };
        if sums.is_empty() || *seen == PLACED_TEXTS {
            continue;
        }
        *seen += 1;
        corpus.places(document, &mut reading, |number, before, after| {
            if let Some(sum) = sums.get_mut(&number) {
                *sum = (sum.0 + 1.0, sum.1 + f64::from(before), sum.2 + f64::from(after));
            }
        });
    }
    let mean = |sums: Map<u32, (f64, f64, f64)>| {
        let met = sums.into_iter().filter(|entry| entry.1.0 > 0.0);
        met.map(|(a, (n, b, e))| (a, (b / n, e / n))).collect()
    };
    sums.into_iter().map(mean).collect()
}

/// Bits that pairs of families share at one place, and the bits of each family.
fn shared_bits(
    holders: &[(u32, Vec<u32>)],
    places: &Places,
    is_family: &[bool],
) -> (BTreeMap<(u32, u32), f64>, Map<u32, f64>) {
    let same_place = |a: u32, b: u32, anchor: u32| {
        let of = |n: u32| places.get(num::usize_of(n)).and_then(|map| map.get(&anchor));
        of(a)
            .zip(of(b))
            .is_some_and(|(x, y)| (x.0 - y.0).abs() <= PLACE_TOLERANCE || (x.1 - y.1).abs() <= PLACE_TOLERANCE)
    };
    let count = num::f64_of(is_family.iter().filter(|&&is| is).count().max(2));
    let mut totals: Map<u32, f64> = Map::default();
    let mut shared: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (anchor, list) in holders {
        // What few clusters say says much.
        let bits = (count / num::f64_of(list.len())).log2().min(JOIN_BITS_MAX);
        for (index, &a) in list.iter().enumerate() {
            *totals.entry(a).or_insert(0.0) += bits;
            for &b in list.iter().skip(index + 1) {
                if same_place(a, b, *anchor) {
                    *shared.entry((a, b)).or_insert(0.0) += bits;
                }
            }
        }
    }
    (shared, totals)
}

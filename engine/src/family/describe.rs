//! Turns clusters into families: names, cores, counts and times, and every text's place among them.

use crate::family::corpus::{Corpus, Reading};
use crate::family::mine::{CoreAnchor, Documents, Families, Family, Match, NO_ACCOUNT, Uses};
use crate::family::recurrence::{Map, of_class, without_class};
use crate::family::sets::Distinct;
use crate::family::variants::Variants;
use crate::family::votes::Votes;
use crate::num;
use std::collections::BTreeSet;

/// Support from which an anchor belongs to a family's core.
const CORE_SUPPORT: f64 = 0.1;
/// Anchors of a core at most: those of highest support.
pub const CORE_MAX: usize = 128;
/// Support from which an anchor may name its family.
const NAME_SUPPORT: f32 = 0.5;
/// Share of a family's core that a text must hold for the family to be listed beside its best one.
const LISTED_SHARE: f64 = 0.5;

/// Texts of a family in which the places of its anchors are looked up.
const PLACED_TEXTS: u32 = 256;

/// Builds the result.
pub(super) fn describe(
    corpus: &Corpus<'_, impl Documents>,
    votes: &Votes,
    mut placed: Vec<Option<Match>>,
    is_family: &[bool],
    order: &[u32],
    uses: &(impl Uses + ?Sized),
) -> Families {
    for found in &mut placed {
        *found = found.filter(|m| is_family.get(num::usize_of(m.family)).copied().unwrap_or(false));
    }
    let mut families = cores(corpus, votes, &placed, order, is_family.len());
    tally(&mut families, &placed, uses);
    let mut found = rename(families, placed);
    found.variants = Variants::find(corpus, &found.of_document, found.families.len(), order, uses);
    list_all(&mut found, corpus, votes);
    found
}

/// What is counted of an anchor in one family: texts that hold it, and of those looked up their number and the sum of places.
#[derive(Default)]
struct Support {
    texts: u32,
    placed: u32,
    places: u64,
}

/// One family of every cluster, with its core; clusters of no texts stay empty.
fn cores(
    corpus: &Corpus<'_, impl Documents>,
    votes: &Votes,
    placed: &[Option<Match>],
    order: &[u32],
    count: usize,
) -> Vec<Family> {
    let nothing = Family {
        id: 0,
        class: 0,
        documents: 0,
        requests: 0,
        accounts: 0,
        principals: 0,
        first_ms: i64::MAX,
        last_ms: i64::MIN,
        core: Vec::new(),
    };
    let mut families = vec![nothing; count];
    let mut support: Vec<Map<u32, Support>> = Vec::new();
    support.resize_with(count, Map::default);
    let cluster = |document: u32| placed.get(num::usize_of(document)).copied().flatten().map(|m| m.family);
    let documents = 0..corpus.len();
    let mut lists: Vec<(u32, u32)> =
        documents.filter_map(|document| Some((cluster(document)?, votes.list_of(document)))).collect();
    lists.sort_unstable();
    for run in lists.chunk_by(|a, b| a == b) {
        let Some(&(family, list)) = run.first() else { continue };
        let (texts, at) = (num::u32_saturating(run.len()), num::usize_of(family));
        let (Some(family), Some(support)) = (families.get_mut(at), support.get_mut(at)) else { continue };
        family.documents += texts;
        for &vote in votes.of_list(list) {
            support.entry(vote).or_default().texts += texts;
        }
    }
    drop(lists);
    let (mut reading, mut seen) = (Reading::default(), vec![0u32; count]);
    for &document in order {
        let Some(at) = cluster(document).map(num::usize_of) else { continue };
        let (Some(support), Some(seen)) = (support.get_mut(at), seen.get_mut(at)) else { continue };
        if *seen == PLACED_TEXTS {
            continue;
        }
        *seen += 1;
        if let Some(family) = families.get_mut(at) {
            family.class = corpus.documents.class(document);
        }
        corpus.places(document, &mut reading, |anchor, place, _| {
            if let Some(entry) = support.get_mut(&anchor) {
                entry.placed += 1;
                entry.places += u64::from(place);
            }
        });
    }
    for (family, support) in families.iter_mut().zip(support) {
        let texts = f64::from(family.documents.max(1));
        let enough = support.into_iter().filter(|(_, s)| f64::from(s.texts) >= CORE_SUPPORT * texts);
        // (fingerprint, mean place, support)
        let mut core: Vec<(u64, f64, f32)> = enough
            .map(|(anchor, s)| {
                let key = corpus.recurrence.fingerprints.get(num::usize_of(anchor)).copied().unwrap_or(0);
                let place = num::f64_of_u64(s.places) / f64::from(s.placed.max(1));
                (without_class(key), place, num::f32_of(f64::from(s.texts) / texts))
            })
            .collect();
        core.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        core.truncate(CORE_MAX);
        core.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let ordered = core.iter().zip(0u16..);
        family.core =
            ordered.map(|(&(fingerprint, _, support), order)| CoreAnchor { fingerprint, support, order }).collect();
        family.core.sort_unstable_by_key(|c| c.fingerprint);
    }
    families
}

/// Fills in requests, accounts, principals and times.
fn tally(families: &mut [Family], placed: &[Option<Match>], uses: &(impl Uses + ?Sized)) {
    let mut parties: Distinct<(u32, u32, u32)> = Distinct::default();
    for request in uses.all() {
        let Some(found) = placed.get(num::usize_of(request.document)).copied().flatten() else { continue };
        let Some(family) = families.get_mut(num::usize_of(found.family)) else { continue };
        family.requests += 1;
        family.first_ms = family.first_ms.min(request.time_ms);
        family.last_ms = family.last_ms.max(request.time_ms);
        if request.account != NO_ACCOUNT {
            parties.push((found.family, request.principal, request.account));
        }
    }
    let parties = parties.into_vec();
    let mut previous = None;
    for (family, principal, _) in parties {
        if let Some(entry) = families.get_mut(num::usize_of(family)) {
            entry.accounts += 1;
            entry.principals += u32::from(previous != Some((family, principal)));
        }
        previous = Some((family, principal));
    }
}

/// Names families and orders them by name. A family is named by the smallest fingerprint that half of its texts hold
/// and no larger family is named by.
fn rename(mut families: Vec<Family>, mut placed: Vec<Option<Match>>) -> Families {
    let mut largest: Vec<usize> = (0..families.len()).collect();
    let smallest = |family: &Family| family.core.first().map_or(0, |c| c.fingerprint);
    largest.sort_by_key(|&index| {
        families.get(index).map(|f| (std::cmp::Reverse(f.documents), smallest(f), f.first_ms, f.requests))
    });
    let mut taken = BTreeSet::new();
    let mut named: Vec<(u64, usize)> = Vec::new();
    for index in largest {
        let Some(family) = families.get_mut(index).filter(|f| f.documents >= 2) else { continue };
        let strong = family.core.iter().filter(|c| c.support >= NAME_SUPPORT).chain(&family.core);
        let mut id = strong.map(|c| c.fingerprint).find(|id| !taken.contains(id)).unwrap_or_else(|| smallest(family));
        while !taken.insert(id) {
            id += 1;
        }
        family.id = id;
        named.push((id, index));
    }
    named.sort_unstable();
    let mut number = vec![None; families.len()];
    for (&(_, index), new) in named.iter().zip(0u32..) {
        if let Some(slot) = number.get_mut(index) {
            *slot = Some(new);
        }
    }
    for found in &mut placed {
        let new = found.and_then(|m| Some((number.get(num::usize_of(m.family)).copied().flatten()?, m.score)));
        *found = new.map(|(family, score)| Match { family, score });
    }
    let families = named.iter().filter_map(|entry| families.get(entry.1).cloned()).collect();
    Families { families, of_document: placed, ..Families::default() }
}

/// Lists for every text all families of whose core it holds a good part, its best one first.
fn list_all(found: &mut Families, corpus: &Corpus<'_, impl Documents>, votes: &Votes) {
    let recurrence = &corpus.recurrence;
    let mut holders: Map<u32, Vec<(u32, f32)>> = Map::default();
    let mut totals = Vec::with_capacity(found.families.len());
    for (family, index) in found.families.iter().zip(0u32..) {
        let mut total = 0.0;
        for core in &family.core {
            if let Some(anchor) = recurrence.number(of_class(core.fingerprint, family.class)) {
                total += recurrence.bits(anchor) * f64::from(core.support);
                holders.entry(anchor).or_default().push((index, core.support));
            }
        }
        totals.push(total);
    }
    // What texts of equal votes hold is the same: families by list, with the share that is held of each.
    let (mut starts, mut held): (Vec<u64>, Vec<Match>) = (vec![0], Vec::new());
    let mut shares: Map<u32, f64> = Map::default();
    for list in 0..votes.lists() {
        shares.clear();
        for &anchor in votes.of_list(list) {
            let weight = num::f32_of(votes.bits(anchor));
            for &(family, support) in holders.get(&anchor).into_iter().flatten() {
                *shares.entry(family).or_insert(0.0) += f64::from(weight * support);
            }
        }
        let from = held.len();
        let total = |family: u32| totals.get(num::usize_of(family)).copied().unwrap_or(f64::INFINITY);
        let of_list = shares.iter().map(|(&family, share)| (family, share / total(family)));
        let listed = of_list.filter(|&(_, share)| share >= LISTED_SHARE);
        held.extend(listed.map(|(family, share)| Match { family, score: num::f32_of(share.min(1.0)) }));
        if let Some(new) = held.get_mut(from..) {
            new.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.family.cmp(&b.family)));
        }
        starts.push(num::u64_of(held.len()));
    }
    found.match_starts = vec![0];
    for (best, document) in found.of_document.iter().zip(0u32..) {
        let bound = |at: usize| starts.get(at).and_then(|&n| num::usize_of_u64(n)).unwrap_or(0);
        let list = num::usize_of(votes.list_of(document));
        let others = held.get(bound(list)..bound(list + 1)).unwrap_or(&[]);
        found.matches.extend(best);
        found.matches.extend(others.iter().filter(|m| best.is_none_or(|b| b.family != m.family)));
        found.match_starts.push(num::u32_saturating(found.matches.len()));
    }
}

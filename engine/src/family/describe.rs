//! Turns clusters into families: names, cores, counts and times, and every text's place among them.

use crate::family::anchor::{Anchors, decode_into};
use crate::family::cluster::Votes;
use crate::family::mine::{CoreAnchor, Documents, Families, Family, Match, NO_ACCOUNT, Use};
use crate::family::recurrence::{Map, Recurrence, of_class, without_class};
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

/// Builds the result.
pub(super) fn describe(
    documents: &impl Documents,
    recurrence: &Recurrence,
    votes: &Votes,
    placed: &[Option<Match>],
    is_family: &[bool],
    uses: &[Use],
) -> Families {
    let kept: Vec<Option<Match>> = placed
        .iter()
        .map(|found| found.filter(|m| is_family.get(num::usize_of(m.family)).copied().unwrap_or(false)))
        .collect();
    let mut families = cores(documents, recurrence, votes, &kept, is_family.len());
    tally(&mut families, &kept, uses);
    let mut found = rename(families, &kept);
    list_all(&mut found, recurrence, votes);
    found
}

/// One family of every cluster, with its core; clusters of no texts stay empty.
fn cores(
    documents: &impl Documents,
    recurrence: &Recurrence,
    votes: &Votes,
    placed: &[Option<Match>],
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
    let mut support: Vec<Map<u32, (u32, u64)>> = vec![Map::default(); count];
    let (mut anchors, mut voting) = (Anchors::default(), Vec::new());
    for (found, document) in placed.iter().zip(0u32..) {
        let Some(index) = found.map(|m| num::usize_of(m.family)) else { continue };
        let (Some(family), Some(support)) = (families.get_mut(index), support.get_mut(index)) else { continue };
        let class = documents.class(document);
        family.documents += 1;
        family.class = class;
        voting.clear();
        voting.extend_from_slice(votes.of(num::usize_of(document)));
        voting.sort_unstable();
        decode_into(documents.anchors(document), &mut anchors);
        let held = recurrence.of(num::usize_of(document));
        let mut next = held.iter().peekable();
        for anchor in &anchors.anchors {
            let key = of_class(anchor.fingerprint, class);
            let is_held = |number: &&u32| recurrence.fingerprints.get(num::usize_of(**number)) == Some(&key);
            if let Some(number) = next.next_if(is_held)
                && voting.binary_search(number).is_ok()
            {
                let entry = support.entry(*number).or_default();
                entry.0 += 1;
                entry.1 += u64::from(anchor.position);
            }
        }
    }
    for (family, support) in families.iter_mut().zip(support) {
        let texts = f64::from(family.documents.max(1));
        let enough = support.into_iter().filter(|(_, (n, _))| f64::from(*n) >= CORE_SUPPORT * texts);
        // (fingerprint, mean place, support)
        let mut core: Vec<(u64, f64, f32)> = enough
            .map(|(anchor, (n, places))| {
                let key = recurrence.fingerprints.get(num::usize_of(anchor)).copied().unwrap_or(0);
                (without_class(key), num::f64_of_u64(places) / f64::from(n), num::f32_of(f64::from(n) / texts))
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
fn tally(families: &mut [Family], placed: &[Option<Match>], uses: &[Use]) {
    let mut parties: Vec<(u32, u32, u32)> = Vec::new();
    for request in uses {
        let Some(found) = placed.get(num::usize_of(request.document)).copied().flatten() else { continue };
        let Some(family) = families.get_mut(num::usize_of(found.family)) else { continue };
        family.requests += 1;
        family.first_ms = family.first_ms.min(request.time_ms);
        family.last_ms = family.last_ms.max(request.time_ms);
        if request.account != NO_ACCOUNT {
            parties.push((found.family, request.principal, request.account));
        }
    }
    parties.sort_unstable();
    parties.dedup();
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
fn rename(mut families: Vec<Family>, placed: &[Option<Match>]) -> Families {
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
    let of_document = placed
        .iter()
        .map(|found| {
            let m = (*found)?;
            let family = (*number.get(num::usize_of(m.family))?)?;
            Some(Match { family, score: m.score })
        })
        .collect();
    let families = named.iter().filter_map(|entry| families.get(entry.1).cloned()).collect();
    Families { families, of_document, match_starts: Vec::new(), matches: Vec::new() }
}

/// Lists for every text all families of whose core it holds a good part, its best one first.
fn list_all(found: &mut Families, recurrence: &Recurrence, votes: &Votes) {
    let number: Map<u64, u32> = recurrence.fingerprints.iter().copied().zip(0u32..).collect();
    let mut holders: Map<u32, Vec<(u32, f32)>> = Map::default();
    let mut totals = Vec::with_capacity(found.families.len());
    for (family, index) in found.families.iter().zip(0u32..) {
        let mut total = 0.0;
        for core in &family.core {
            if let Some(&anchor) = number.get(&of_class(core.fingerprint, family.class)) {
                total += recurrence.bits(anchor) * f64::from(core.support);
                holders.entry(anchor).or_default().push((index, core.support));
            }
        }
        totals.push(total);
    }
    found.match_starts = vec![0];
    let mut shares: Map<u32, f64> = Map::default();
    for (document, best) in found.of_document.iter().enumerate() {
        shares.clear();
        for &anchor in votes.of(document) {
            let weight = num::f32_of(votes.bits(anchor));
            for &(family, support) in holders.get(&anchor).into_iter().flatten() {
                *shares.entry(family).or_insert(0.0) += f64::from(weight * support);
            }
        }
        let total = |family: u32| totals.get(num::usize_of(family)).copied().unwrap_or(f64::INFINITY);
        let others = shares.iter().map(|(&family, share)| (family, share / total(family)));
        let mut list: Vec<Match> = others
            .filter(|&(family, share)| share >= LISTED_SHARE && best.is_none_or(|b| b.family != family))
            .map(|(family, share)| Match { family, score: num::f32_of(share.min(1.0)) })
            .collect();
        list.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.family.cmp(&b.family)));
        found.matches.extend(best);
        found.matches.extend(list);
        found.match_starts.push(num::u32_saturating(found.matches.len()));
    }
}

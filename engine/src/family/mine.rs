//! Mines families: which distinct texts were made from one template, from their anchors and who sent them when.
//!
//! Frequency does not tell a skeleton from a popular slot value: what does is that an account repeats its skeleton
//! from request to request and not its slots. Recurrent anchors that occur in the same texts are joined into atoms,
//! atoms that do not stick are dropped, and texts are grouped by what is left of their anchors.

use crate::error::{Error, Result};
use crate::family::anchor::{Anchors, decode_into};
use crate::family::groups;
use crate::num;
use std::collections::HashMap;

/// Distinct normal forms, in any order: the result depends on their anchors and uses, not on their numbers.
pub trait Documents: Sync {
    /// How many there are; documents are numbered from 0.
    fn count(&self) -> u32;
    /// The anchors of one, as [`crate::family::anchor::encode`] wrote them; damaged bytes count as a text of no anchors.
    fn anchors(&self, document: u32) -> &[u8];
    /// What kind of part it is: documents of different class never share a family.
    fn class(&self, document: u32) -> u8;
}

/// One request: which text, who sent it, when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The text.
    pub document: u32,
    /// Who sent it; [`NO_ACCOUNT`] where nobody knows.
    pub account: u32,
    /// The widest party the account belongs to; the account itself where nothing wider is known.
    pub principal: u32,
    /// Unix time.
    pub time_ms: i64,
}

/// The account of an unattributed request.
pub const NO_ACCOUNT: u32 = u32::MAX;

/// What a miner may be told; the defaults are those of the published figures.
#[derive(Debug, Clone, PartialEq)]
pub struct MineOptions {
    /// Distinct texts an anchor must occur in to recur.
    pub recurrence_min: u32,
    /// Share of one account's consecutive requests in which an atom must return to be skeleton, 0..=1.
    pub stickiness_min: f64,
    /// Share of all accounts above which a short atom is a phrase of the language, 0..=1.
    pub generic_share: f64,
}

impl Default for MineOptions {
    fn default() -> Self {
        Self { recurrence_min: 4, stickiness_min: 0.45, generic_share: 0.1 }
    }
}

/// One anchor of a family's core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreAnchor {
    /// The anchor.
    pub fingerprint: u64,
    /// Share of the family's texts that hold it, 0..=1.
    pub support: f32,
    /// Rank among the core's anchors, by mean place in the text.
    pub order: u16,
}

/// Texts made from one template.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Stable name: the smallest fingerprint that at least half of its texts hold.
    pub id: u64,
    /// The class of its documents.
    pub class: u8,
    /// Distinct texts.
    pub documents: u32,
    /// Requests.
    pub requests: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Distinct principals.
    pub principals: u32,
    /// Time of the first request.
    pub first_ms: i64,
    /// Time of the last request.
    pub last_ms: i64,
    /// What its texts share, by ascending fingerprint.
    pub core: Vec<CoreAnchor>,
}

/// One text found in one family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Index into [`Families::families`].
    pub family: u32,
    /// How much of the text's recurrent content the family explains, 0..=1.
    pub score: f32,
}

/// The result: families by ascending id, and every text's place among them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Families {
    /// By ascending id.
    pub families: Vec<Family>,
    /// The best family of every document.
    pub of_document: Vec<Option<Match>>,
    /// Where the matches of a document begin in `matches`; one entry more than documents.
    pub match_starts: Vec<u32>,
    /// All families whose core a document holds, best first.
    pub matches: Vec<Match>,
}

/// How far the work is: a stage's name, steps done, steps in all. Returning `false` stops it.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64, u64) -> bool + Sync);

/// A recurrent anchor of one text: its number and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) anchor: u32,
    pub(super) position: u32,
}

/// Groups `documents` into families. `uses` are sorted by (time, identity).
/// # Errors
/// [`Error::Interrupted`] when `progress` says stop; [`Error::InvalidArgument`] when a use names no document.
pub fn mine(
    documents: &impl Documents,
    uses: &[Use],
    options: &MineOptions,
    progress: Progress<'_>,
) -> Result<Families> {
    let count = documents.count();
    if uses.iter().any(|request| request.document >= count) {
        return Err(Error::InvalidArgument { argument: "uses", reason: "a use names no document".into() });
    }
    let step = |stage, done| if progress(stage, done, 4) { Ok(()) } else { Err(Error::Interrupted) };
    step("recurrence", 0)?;
    let (fingerprints, frequency) = recurrent(documents, options.recurrence_min);
    let held = held_anchors(documents, &fingerprints);
    let lengths = token_counts(documents);
    step("atoms", 1)?;
    let atoms = groups::atoms(&held, &frequency);
    step("skeletons", 2)?;
    let skeleton = groups::skeletons(&atoms, &held, &lengths, uses, options);
    step("families", 3)?;
    let features: Vec<Vec<(u32, f64)>> =
        held.iter().map(|anchors| features_of(anchors, &atoms.of_anchor, &skeleton, &frequency, held.len())).collect();
    let classes: Vec<u8> = (0..count).map(|document| documents.class(document)).collect();
    let clusters = groups::cluster(&features, &classes);
    Ok(describe(&clusters, &features, &held, &fingerprints, &classes, uses))
}

/// Anchors that occur in at least `least` documents, ascending, and in how many. Classes do not mix: the class is part
/// of the anchor.
fn recurrent(documents: &impl Documents, least: u32) -> (Vec<u64>, Vec<u32>) {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut anchors = Anchors::default();
    for document in 0..documents.count() {
        decode_into(documents.anchors(document), &mut anchors);
        for anchor in &anchors.anchors {
            *counts.entry(of_class(anchor.fingerprint, documents.class(document))).or_default() += 1;
        }
    }
    let mut kept: Vec<(u64, u32)> = counts.into_iter().filter(|entry| entry.1 >= least).collect();
    kept.sort_unstable();
    kept.into_iter().unzip()
}

fn of_class(fingerprint: u64, class: u8) -> u64 {
    fingerprint | u64::from(class) << 56
}

fn held_anchors(documents: &impl Documents, fingerprints: &[u64]) -> Vec<Vec<Held>> {
    let number: HashMap<u64, u32> = fingerprints.iter().copied().zip(0u32..).collect();
    let mut anchors = Anchors::default();
    (0..documents.count())
        .map(|document| {
            decode_into(documents.anchors(document), &mut anchors);
            let class = documents.class(document);
            anchors
                .anchors
                .iter()
                .filter_map(|a| {
                    Some(Held { anchor: *number.get(&of_class(a.fingerprint, class))?, position: a.position })
                })
                .collect()
        })
        .collect()
}

fn token_counts(documents: &impl Documents) -> Vec<u32> {
    let mut anchors = Anchors::default();
    (0..documents.count())
        .map(|document| {
            decode_into(documents.anchors(document), &mut anchors);
            anchors.token_count
        })
        .collect()
}

/// Anchors of one text that vote: at most this many, chosen by hash.
const VOTES_MAX: usize = 64;

fn features_of(
    held: &[Held],
    of_anchor: &[u32],
    skeleton: &[bool],
    frequency: &[u32],
    documents: usize,
) -> Vec<(u32, f64)> {
    let at = |list: &[u32], index: u32| list.get(num::usize_of(index)).copied().unwrap_or(0);
    let mut features: Vec<(u32, f64)> = held
        .iter()
        .filter(|h| skeleton.get(num::usize_of(at(of_anchor, h.anchor))).copied().unwrap_or(false))
        .map(|h| (h.anchor, (num::f64_of(documents) / f64::from(at(frequency, h.anchor).max(1))).log2()))
        .collect();
    features.sort_unstable_by_key(|f| u64::from(f.0).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    features.truncate(VOTES_MAX);
    features
}

fn describe(
    clusters: &[Option<Match>],
    features: &[Vec<(u32, f64)>],
    held: &[Vec<Held>],
    fingerprints: &[u64],
    classes: &[u8],
    uses: &[Use],
) -> Families {
    let cluster_count = clusters.iter().flatten().map(|m| num::usize_of(m.family) + 1).max().unwrap_or(0);
    let mut families: Vec<Family> = vec![
        Family {
            id: 0,
            class: 0,
            documents: 0,
            requests: 0,
            accounts: 0,
            principals: 0,
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            core: Vec::new()
        };
        cluster_count
    ];
    let mut support: Vec<HashMap<u32, (u32, u64)>> = vec![HashMap::new(); cluster_count];
    for (document, found) in clusters.iter().enumerate() {
        let Some(index) = found.map(|m| num::usize_of(m.family)) else { continue };
        let (Some(family), Some(support)) = (families.get_mut(index), support.get_mut(index)) else { continue };
        family.documents += 1;
        family.class = classes.get(document).copied().unwrap_or(0);
        let voting: Vec<u32> = features.get(document).map(|f| f.iter().map(|x| x.0).collect()).unwrap_or_default();
        for h in held.get(document).map(Vec::as_slice).unwrap_or_default() {
            if voting.contains(&h.anchor) {
                let entry = support.entry(h.anchor).or_default();
                entry.0 += 1;
                entry.1 += u64::from(h.position);
            }
        }
    }
    for (family, support) in families.iter_mut().zip(support) {
        let mut core: Vec<(u64, f64, f32)> = support
            .into_iter()
            .filter(|(_, (n, _))| n * 10 >= family.documents)
            .map(|(anchor, (n, places))| {
                let fingerprint = fingerprints.get(num::usize_of(anchor)).copied().unwrap_or(0) & !(0xff << 56);
                let share = f64::from(n) / f64::from(family.documents.max(1));
                (fingerprint, num::f64_of_u64(places) / f64::from(n), num::f32_of(share))
            })
            .collect();
        core.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        family.core = core
            .iter()
            .zip(0u16..)
            .map(|(&(fingerprint, _, support), order)| CoreAnchor { fingerprint, support, order })
            .collect();
        family.core.sort_unstable_by_key(|c| c.fingerprint);
        let half = family.core.iter().find(|c| c.support >= 0.5).or(family.core.first());
        family.id = half.map_or(0, |c| c.fingerprint);
    }
    tally(&mut families, clusters, uses);
    rename(families, clusters)
}

/// Fills in requests, accounts, principals and times.
fn tally(families: &mut [Family], clusters: &[Option<Match>], uses: &[Use]) {
    let mut parties: Vec<(u32, u32, u32)> = Vec::new();
    for request in uses {
        let Some(found) = clusters.get(num::usize_of(request.document)).copied().flatten() else { continue };
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

/// Orders families by id and gives every match its family's new number; families of one text are none.
fn rename(families: Vec<Family>, clusters: &[Option<Match>]) -> Families {
    let mut order: Vec<(u64, u32, usize)> = families
        .iter()
        .enumerate()
        .filter(|(_, f)| f.documents >= 2)
        .map(|(index, f)| (f.id, f.documents, index))
        .collect();
    order.sort_unstable();
    let number: HashMap<usize, u32> = order.iter().zip(0u32..).map(|(entry, number)| (entry.2, number)).collect();
    let of_document: Vec<Option<Match>> = clusters
        .iter()
        .map(|found| {
            found.and_then(|m| number.get(&num::usize_of(m.family)).map(|&family| Match { family, score: m.score }))
        })
        .collect();
    let mut out = Families { of_document, match_starts: vec![0], ..Families::default() };
    out.families = order.iter().filter_map(|entry| families.get(entry.2).cloned()).collect();
    for found in &out.of_document {
        out.matches.extend(found);
        out.match_starts.push(num::u32_saturating(out.matches.len()));
    }
    out
}

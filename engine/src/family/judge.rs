//! Decides which clusters are families: not public phrases that many templates carry, and not openings of everyday
//! language that nobody repeats.
//!
//! "Let's think step by step." in front of hundreds of unrelated questions looks like a template. What betrays it is
//! that other families, with skeletons of their own, contain all of it, while no account repeats it for its own sake.
//! No share of accounts above which a phrase is generic has to be chosen.

use crate::family::cluster::Cluster;
use crate::family::mine::{Documents, Match, MineOptions, NO_ACCOUNT, Uses};
use crate::family::packed::lengths;
use crate::family::recurrence::Map;
use crate::family::sets::Distinct;
use crate::family::skeleton::Memory;
use crate::family::votes::Votes;
use crate::num;
use std::collections::BTreeMap;

/// Support from which an anchor belongs to what a cluster's texts all say.
const STRONG_SUPPORT: f64 = 0.5;
/// Support from which a cluster carries another's phrase.
const CARRIED_SUPPORT: f64 = 0.3;
/// Texts a cluster must have to count as a carrier.
const CARRIER_TEXTS: f64 = 4.0;
/// Share of a phrase that a carrier must hold.
const CARRIED_SHARE: f64 = 0.7;
/// How much more than the phrase a carrier must say, as a factor of its weight.
const CARRIER_FACTOR: f64 = 1.5;
/// Least share of an account's next requests that return to a cluster which accounts repeat for its own sake.
const OWN_STICKINESS: f64 = 0.3;
/// The same for a cluster that is merely not everyday language.
const ANY_STICKINESS: f64 = 0.2;
/// Bits and texts of a cluster that is surely a template.
const SURE_BITS: f64 = 60.0;
const SURE_TEXTS: f64 = 8.0;
/// Share of its texts whose account sent another one, from which accounts return to a cluster.
const REPEATED_SHARE: f64 = 0.2;
/// Bytes of a word and the space after it: a token of fewer bytes, such as a Chinese character, says less.
const WORD_BYTES: f64 = 6.0;
/// How surprising it can be at most that nobody returns, in bits: a twentieth is the least chance that is believed in.
const SURPRISE_MAX: f64 = 4.0;

/// What accounts do with one cluster.
#[derive(Clone, Copy, Default)]
struct Returns {
    trials: f64,
    successes: f64,
}

/// Which clusters are families.
pub(super) fn families(
    documents: &impl Documents,
    placed: &[Option<Match>],
    clusters: &[Cluster],
    votes: &Votes,
    uses: &(impl Uses + ?Sized),
    options: &MineOptions,
) -> Vec<bool> {
    let strong = strong_cores(clusters, votes);
    let weights: Vec<f64> = strong.iter().map(|core| core.iter().map(|c| c.1).sum()).collect();
    let carriers = carriers(clusters, &strong, &weights);
    let returns = returns(placed, clusters.len(), uses);
    let repeats = repeats(placed, clusters.len(), uses);
    let usual = usually_repeated(&weights, &repeats);
    let widths = widths(documents, placed, clusters.len());
    let judge = |(number, cluster): (usize, &Cluster)| {
        let returns = returns.get(number).copied().unwrap_or_default();
        let texts = repeats.get(number).map_or(0.0, |repeats| repeats.texts);
        let weight = weights.get(number).copied().unwrap_or(0.0);
        // A prior of one fifth over four trials: few trials prove nothing.
        let own = (returns.successes + 0.8) / (returns.trials + 4.0);
        let any = (returns.successes + 0.5) / (returns.trials + 1.0);
        let carried = carriers.get(number).is_some_and(|&carriers| carriers >= options.carriers_max);
        let phrase = carried && own < OWN_STICKINESS;
        let chance = 1.0 - usual * texts / (texts + 1.0);
        let surprise = (-chance.log2() / SURPRISE_MAX).min(1.0);
        let says = weight * widths.get(number).copied().unwrap_or(1.0);
        let everyday = any < ANY_STICKINESS && says < options.everyday_bits + options.unreturned_bits * surprise;
        cluster.texts >= 2.0 && !phrase && !everyday
    };
    clusters.iter().enumerate().map(judge).collect()
}

/// How many texts of known accounts a cluster has, and of how many the account sent another one.
#[derive(Clone, Copy, Default)]
struct Repeats {
    texts: f64,
    repeated: f64,
}

fn repeats(placed: &[Option<Match>], count: usize, uses: &(impl Uses + ?Sized)) -> Vec<Repeats> {
    let of = |document: u32| placed.get(num::usize_of(document)).copied().flatten();
    let mut sent: Distinct<(u32, u32, u32)> = Distinct::default();
    for request in uses.all().filter(|request| request.account != NO_ACCOUNT) {
        if let Some(found) = of(request.document) {
            sent.push((found.family, request.account, request.document));
        }
    }
    let sent = sent.into_vec();
    let mut repeats = vec![Repeats::default(); count];
    for run in sent.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let texts = num::f64_of(run.len());
        if let Some(entry) = run.first().and_then(|first| repeats.get_mut(num::usize_of(first.0))) {
            entry.texts += texts;
            entry.repeated += if run.len() > 1 { texts } else { 0.0 };
        }
    }
    repeats
}

/// The share of the clusters that are surely templates to which accounts return; two that are not are added.
fn usually_repeated(weights: &[f64], repeats: &[Repeats]) -> f64 {
    let sure =
        weights.iter().zip(repeats).filter(|(weight, repeats)| **weight >= SURE_BITS && repeats.texts >= SURE_TEXTS);
    let (mut count, mut repeated) = (2.0, 0.0);
    for (_, repeats) in sure {
        count += 1.0;
        repeated += f64::from(u8::from(repeats.repeated >= REPEATED_SHARE * repeats.texts));
    }
    repeated / count
}

/// How much of a word a token of each cluster is, at most 1.
fn widths(documents: &impl Documents, placed: &[Option<Match>], count: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); count];
    for (found, document) in placed.iter().zip(0u32..) {
        let Some(entry) = found.and_then(|m| sums.get_mut(num::usize_of(m.family))) else { continue };
        if let Some((tokens, bytes)) = lengths(documents.anchors(document)) {
            *entry = (entry.0 + f64::from(bytes), entry.1 + f64::from(tokens));
        }
    }
    sums.into_iter().map(|(bytes, tokens): (f64, f64)| (bytes / tokens.max(1.0) / WORD_BYTES).min(1.0)).collect()
}

/// The anchors that at least half of a cluster's texts hold, ascending, with their weights.
fn strong_cores(clusters: &[Cluster], votes: &Votes) -> Vec<Vec<(u32, f64)>> {
    let strong = |cluster: &Cluster| {
        let mut core: Vec<(u32, f64)> =
            cluster.held_by(STRONG_SUPPORT).map(|anchor| (anchor, votes.bits(anchor))).collect();
        core.sort_unstable_by_key(|entry| entry.0);
        core
    };
    clusters.iter().map(strong).collect()
}

/// How many other clusters carry all that a cluster says, and say a good deal more.
fn carriers(clusters: &[Cluster], strong: &[Vec<(u32, f64)>], weights: &[f64]) -> Vec<u32> {
    let mut by_anchor: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (cluster, number) in clusters.iter().zip(0u32..).filter(|entry| entry.0.texts >= CARRIER_TEXTS) {
        for anchor in cluster.held_by(CARRIED_SUPPORT) {
            by_anchor.entry(anchor).or_default().push(number);
        }
    }
    let weight_of = |number: u32| weights.get(num::usize_of(number)).copied().unwrap_or(0.0);
    strong
        .iter()
        .zip(0u32..)
        .map(|(core, own)| {
            let mut shared: Map<u32, f64> = Map::default();
            for (anchor, weight) in core {
                for &other in by_anchor.get(anchor).into_iter().flatten() {
                    *shared.entry(other).or_insert(0.0) += weight;
                }
            }
            let carries = shared.iter().filter(|&(&other, &shared)| {
                other != own
                    && shared >= CARRIED_SHARE * weight_of(own)
                    && weight_of(other) >= CARRIER_FACTOR * weight_of(own)
            });
            num::u32_saturating(carries.count())
        })
        .collect()
}

/// How often an account that sent one of a cluster's texts comes back to the cluster.
fn returns(placed: &[Option<Match>], count: usize, uses: &(impl Uses + ?Sized)) -> Vec<Returns> {
    let mut returns = vec![Returns::default(); count];
    let of = |document: u32| placed.get(num::usize_of(document)).copied().flatten().map(|m| num::usize_of(m.family));
    let (mut memory, mut before) = (Memory::default(), Vec::new());
    for request in uses.all() {
        if memory.before(&request, &mut before).is_none() {
            continue;
        }
        if let Some(entry) = before.last().and_then(|&d| of(d)).and_then(|c| returns.get_mut(c)) {
            entry.trials += 1.0;
        }
        let now = of(request.document);
        if let Some(entry) = now.filter(|_| before.iter().any(|&d| of(d) == now)).and_then(|c| returns.get_mut(c)) {
            entry.successes += 1.0;
        }
    }
    returns
}

//! Decides which clusters are families: not public phrases that many templates carry, and not openings of everyday
//! language that nobody repeats.
//!
//! "Let's think step by step." in front of hundreds of unrelated questions looks like a template. What betrays it is
//! that other families, with skeletons of their own, contain all of it, while no account repeats it for its own sake.
//! No share of accounts above which a phrase is generic has to be chosen.

use crate::family::cluster::{Cluster, Votes};
use crate::family::mine::{Match, MineOptions, Use};
use crate::family::recurrence::Map;
use crate::family::skeleton::Memory;
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

/// What accounts do with one cluster.
#[derive(Clone, Copy, Default)]
struct Returns {
    trials: f64,
    successes: f64,
}

/// Which clusters are families.
pub(super) fn families(
    placed: &[Option<Match>],
    clusters: &[Cluster],
    votes: &Votes,
    uses: &[Use],
    options: &MineOptions,
) -> Vec<bool> {
    let strong = strong_cores(clusters, votes);
    let weights: Vec<f64> = strong.iter().map(|core| core.iter().map(|c| c.1).sum()).collect();
    let carriers = carriers(clusters, &strong, &weights);
    let returns = returns(placed, clusters.len(), uses);
    clusters
        .iter()
        .zip(weights.iter().zip(carriers).zip(returns))
        .map(|(cluster, ((&weight, carriers), returns))| {
            // A prior of one fifth over four trials: few trials prove nothing.
            let own = (returns.successes + 0.8) / (returns.trials + 4.0);
            let any = (returns.successes + 0.5) / (returns.trials + 1.0);
            let phrase = carriers >= options.carriers_max && own < OWN_STICKINESS;
            let everyday = any < ANY_STICKINESS && weight < options.unrepeated_bits_min;
            cluster.texts >= 2.0 && !phrase && !everyday
        })
        .collect()
}

/// The anchors that at least half of a cluster's texts hold, ascending, with their weights.
fn strong_cores(clusters: &[Cluster], votes: &Votes) -> Vec<Vec<(u32, f64)>> {
    let mut weight_of: Map<u32, f64> = Map::default();
    for document in 0..votes.documents() {
        for &(anchor, weight) in votes.of(document) {
            weight_of.insert(anchor, f64::from(weight));
        }
    }
    clusters
        .iter()
        .map(|cluster| {
            let held = cluster.core.iter().filter(|entry| *entry.1 >= STRONG_SUPPORT * cluster.texts);
            let mut core: Vec<(u32, f64)> =
                held.map(|(&anchor, _)| (anchor, weight_of.get(&anchor).copied().unwrap_or(0.0))).collect();
            core.sort_unstable_by_key(|entry| entry.0);
            core
        })
        .collect()
}

/// How many other clusters carry all that a cluster says, and say a good deal more.
fn carriers(clusters: &[Cluster], strong: &[Vec<(u32, f64)>], weights: &[f64]) -> Vec<u32> {
    let mut by_anchor: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (cluster, number) in clusters.iter().zip(0u32..).filter(|entry| entry.0.texts >= CARRIER_TEXTS) {
        for (&anchor, _) in cluster.core.iter().filter(|entry| *entry.1 >= CARRIED_SUPPORT * cluster.texts) {
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
fn returns(placed: &[Option<Match>], count: usize, uses: &[Use]) -> Vec<Returns> {
    let mut returns = vec![Returns::default(); count];
    let of = |document: u32| placed.get(num::usize_of(document)).copied().flatten().map(|m| num::usize_of(m.family));
    let (mut memory, mut before) = (Memory::default(), Vec::new());
    for request in uses {
        if memory.before(request, &mut before).is_none() {
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

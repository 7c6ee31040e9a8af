//! The answer to an appeal, with the names that users know and the recipe that gives it again.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::{BankRow, Judged, Names};
use crate::campaign::bank::{COMMON_MIN, SHARE_MIN};
use crate::campaign::{BankHit, Options, Polarity, WhyEdge};
use crate::corpus::slots::Overlap;
use crate::error::Result;
use crate::num::{low64, u32_saturating, usize_of};
use crate::store::Store;

/// Bank entries told of one edge.
const NEAREST: usize = 5;
/// Accounts told that sent the same slot values.
const SHARERS: usize = 5;

/// Everything that was weighed about one account.
#[derive(Debug, Clone, Serialize)]
pub struct WhyAnswer {
    /// The account, as the log names it.
    pub account: String,
    /// `convicted`, `review`, `unexplained` or `acquitted`.
    pub verdict: &'static str,
    /// `allow`, `step_up` or `review`.
    pub advice: &'static str,
    /// Its campaign, hex.
    pub campaign: Option<String>,
    /// Whether it came in by a fragment too small to be judged alone.
    pub adopted: bool,
    /// All edges, gravest first.
    pub edges: Vec<WhyRow>,
    /// How to get this answer again.
    pub recipe: Recipe,
}

/// One edge.
#[derive(Debug, Clone, Serialize)]
pub struct WhyRow {
    /// Its families, hex; none where every request is reworded.
    pub families: Vec<String>,
    /// Statistics, explanations and what would change the answer.
    #[serde(flatten)]
    pub edge: WhyEdge,
    /// The nearest entries of the banks, nearest first.
    pub nearest: Vec<Nearest>,
    /// Who else sent the slot values that this account sent in these families.
    pub slot_values: SlotValues,
}

/// Slot values that other accounts sent too, by the sketches that mining keeps of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SlotValues {
    /// Distinct ones of 24 bytes or more that this account sent.
    pub values: u64,
    /// Accounts that sent one of them too, of those that sketches remember.
    pub sharers: usize,
    /// Those that share the most, most first.
    pub most: Vec<Sharer>,
}

/// An account that sent the same slot values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sharer {
    /// Its name.
    pub account: String,
    /// Values that both sent, of those compared.
    pub shared: u32,
    /// Values that either sent and both sketches would hold.
    pub compared: u32,
}

/// An entry of a bank, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Nearest {
    /// The entry.
    #[serde(flatten)]
    pub bank: BankRow,
    /// Why it cleared the family, or why not.
    pub outcome: String,
}

/// What an answer depends on.
#[derive(Debug, Clone, Serialize)]
pub struct Recipe {
    /// Version of this program.
    pub version: &'static str,
    /// Seed of every sample and permutation.
    pub seed: u64,
    /// Epoch of the key.
    pub key_epoch: u32,
    /// Spec of the sketches, hex.
    pub spec: String,
    /// The manifest in force.
    pub manifest: u64,
    /// The thresholds of the decision.
    pub parameters: Vec<(&'static str, String)>,
    /// The banks that families were held against.
    pub banks: Vec<String>,
}

/// Answers for one account of a judged store.
/// # Errors
/// [`crate::Error::Corrupt`].
pub fn why(judged: &Judged<'_>, store: &Store, options: &Options, name: &str, account: u32) -> Result<WhyAnswer> {
    let found = judged.traffic.with_columns(|columns| judged.findings.why(columns, account));
    let mut names = Names::new(&judged.population, judged.keys())?;
    let mut edges = Vec::with_capacity(found.edges.len());
    for edge in found.edges {
        edges.push(WhyRow {
            families: edge.families.iter().filter_map(|family| judged.tables.name(*family)).collect(),
            nearest: nearest(judged, &edge),
            slot_values: slot_values(judged, &mut names, &edge.families, account)?,
            edge,
        });
    }
    Ok(WhyAnswer {
        account: name.to_owned(),
        verdict: found.verdict.name(),
        advice: found.advice.name(),
        campaign: found.campaign.and_then(|number| judged.campaign_id(number)),
        adopted: found.adopted,
        edges,
        recipe: recipe(judged, store, options),
    })
}

/// Who shares the slot values of an account, over some families.
fn slot_values(judged: &Judged<'_>, names: &mut Names<'_>, families: &[u32], account: u32) -> Result<SlotValues> {
    let ids = &judged.population.account_ids;
    let key = ids.get(usize_of(account)).map_or(0, |id| low64(*id));
    let mut told = SlotValues::default();
    let mut sharers: BTreeMap<u64, Overlap> = BTreeMap::new();
    for family in families.iter().copied().map(usize_of) {
        let Some(own) = judged.tables.slots_of_account(family, key)? else { continue };
        told.values += u64::from(own.values);
        for (other, sketch) in judged.tables.slots_of_accounts(family)? {
            let found = own.overlap(&sketch);
            if other != key && found.shared > 0 {
                let sum = sharers.entry(other).or_default();
                sum.shared += found.shared;
                sum.compared += found.compared;
            }
        }
    }
    told.sharers = sharers.len();
    let mut most: Vec<(u64, Overlap)> = sharers.into_iter().collect();
    most.sort_by_key(|(key, found)| (std::cmp::Reverse(found.shared), found.compared, *key));
    for (key, Overlap { shared, compared }) in most.into_iter().take(SHARERS) {
        if let Some(at) = ids.iter().position(|id| low64(*id) == key) {
            told.most.push(Sharer { account: names.of(u32_saturating(at))?, shared, compared });
        }
    }
    Ok(told)
}

fn nearest(judged: &Judged<'_>, edge: &WhyEdge) -> Vec<Nearest> {
    let cleared = edge.bank.iter().filter(|hit| hit.known && hit.polarity == Polarity::Negative).count();
    let row = |hit: &BankHit| {
        let outcome = match (hit.known, hit.polarity) {
            (true, Polarity::Positive) => "a known elicitation: it marks the family and convicts nobody".to_owned(),
            (true, Polarity::Negative) if cleared == edge.families.len() => "a known public prompt: cleared".to_owned(),
            (true, Polarity::Negative) => {
                format!("clears its own family; {cleared} of {} are public, all would have to be", edge.families.len())
            }
            (false, _) => format!(
                "holds {:.0} % of the family's core ({} fingerprints); {:.0} % and {COMMON_MIN} would be needed",
                100.0 * hit.share,
                hit.common,
                100.0 * SHARE_MIN
            ),
        };
        Some(Nearest { bank: judged.bank_row(*hit)?, outcome })
    };
    edge.bank.iter().take(NEAREST).filter_map(row).collect()
}

fn recipe(judged: &Judged<'_>, store: &Store, options: &Options) -> Recipe {
    let decide = &options.decide;
    Recipe {
        version: env!("CARGO_PKG_VERSION"),
        seed: decide.seed,
        key_epoch: store.manifest().key_epoch,
        spec: store.manifest().spec.clone(),
        manifest: store.manifest().sequence,
        parameters: parameters(options),
        banks: judged.banks.iter().map(|bank| bank.name.clone()).collect(),
    }
}

/// The thresholds of a decision, by name.
#[must_use]
pub fn parameters(options: &Options) -> Vec<(&'static str, String)> {
    let decide = &options.decide;
    vec![
        ("principals at least", decide.principals_min.to_string()),
        ("requests at least", decide.requests_min.to_string()),
        ("returning accounts at least", decide.returning_min.to_string()),
        ("kinds of evidence at least", decide.kinds_min.to_string()),
        ("adjusted p-value at most", decide.q_max.to_string()),
    ]
}

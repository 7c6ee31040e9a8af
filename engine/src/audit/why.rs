//! The answer to an appeal, with the names that users know and the recipe that gives it again.

use serde::Serialize;

use super::judge::{BankRow, Judged};
use crate::campaign::bank::{COMMON_MIN, SHARE_MIN};
use crate::campaign::{BankHit, Options, Polarity, WhyEdge};
use crate::store::Store;

/// Bank entries told of one edge.
const NEAREST: usize = 5;

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
#[must_use]
pub fn why(judged: &Judged<'_>, store: &Store, options: &Options, name: &str, account: u32) -> WhyAnswer {
    let found = judged.traffic.with_columns(|columns| judged.findings.why(columns, account));
    let edges = found.edges.into_iter().map(|edge| WhyRow {
        families: edge.families.iter().filter_map(|family| judged.tables.name(*family)).collect(),
        nearest: nearest(judged, &edge),
        edge,
    });
    WhyAnswer {
        account: name.to_owned(),
        verdict: found.verdict.name(),
        advice: found.advice.name(),
        campaign: found.campaign.and_then(|number| judged.campaign_id(number)),
        adopted: found.adopted,
        edges: edges.collect(),
        recipe: recipe(judged, store, options),
    }
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

//! The report as plain data: what was read, what was found, how sure that is, and how to get the same answer again.
//!
//! Every type has a `Default`, so that a caller fills what it knows; an empty list is shown as "none", a `None` as
//! "not measured". Times are Unix milliseconds, ids of families and campaigns are hex strings, ratios are `0.0..=1.0`.

use std::cmp::Reverse;
use std::fmt;

use serde::Serialize;

use super::axis::Axis;

/// A whole report. Field names are those of the JSON that scripts read: add to them, do not rename them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Who made the report, from which store, and under which parameters.
    pub meta: Meta,
    /// What was read, and what was not.
    pub inputs: Inputs,
    /// Counts over the whole store.
    pub totals: Totals,
    /// The time axis that every `timeline` of this report shares.
    pub axis: Axis,
    /// Requests of all traffic, one count a bucket of [`Report::axis`].
    pub timeline: Vec<u32>,
    /// Every campaign, of whatever verdict; [`Report::rank`] puts them in order.
    pub campaigns: Vec<CampaignRow>,
    /// Every family; [`Report::rank`] puts them in order.
    pub families: Vec<FamilyRow>,
    /// How often this method is wrong, as far as this run can tell.
    pub error_rates: ErrorRates,
    /// What the method cannot see and what is known to confuse it, one sentence each.
    pub limits: Vec<String>,
    /// Commands that give this report again, one line each.
    pub reproduce: Vec<String>,
}

/// Who made the report, from which store, and under which parameters.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Meta {
    /// Version of the engine.
    pub version: String,
    /// The store, as the caller named it.
    pub store: String,
    /// When the report was made.
    pub made_ms: i64,
    /// The period the report is about: first and last time of any request, where any request has one.
    pub first_ms: Option<i64>,
    /// End of the period.
    pub last_ms: Option<i64>,
    /// Everything that was chosen and could change the answer, in a fixed order.
    pub parameters: Vec<Parameter>,
    /// Which generation of the key names and fingerprints were made under.
    pub key_epoch: u32,
    /// Seed of every permutation and decoy.
    pub seed: u64,
}

/// One choice that could change the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name, as on the command line or in the Spec.
    pub name: String,
    /// Its value, with its unit.
    pub value: String,
}

/// What was read, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Inputs {
    /// The logs of this run, in the order given.
    pub logs: Vec<LogRow>,
    /// Requests that were already in the store before this run.
    pub requests_before: u64,
    /// Requests added by this run.
    pub requests_added: u64,
    /// Requests whose identity was known: counted once, read again.
    pub repeated: u64,
    /// Lines that could not be used, all of them.
    pub skipped_lines_count: u64,
    /// The first of them, in reading order.
    pub skipped_lines: Vec<SkippedLine>,
    /// Images, files and other content that is not text.
    pub media_skipped: u64,
    /// Prompts that were longer than the bound and were cut.
    pub cut: u64,
    /// Requests without any id of a sender: counted, never accused.
    pub unattributed: u64,
    /// Requests without a time: grouped, but in no timeline.
    pub without_time: u64,
}

/// One log that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// Its name, as given.
    pub file: String,
    /// Requests it added.
    pub requests: u64,
    /// Requests that were known already.
    pub repeated: u64,
    /// Lines that could not be used.
    pub skipped: u64,
}

/// One line of a log that could not be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SkippedLine {
    /// The log.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Counts over the whole store.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Accounts: what could be accused.
    pub accounts: u64,
    /// Principals: parties.
    pub principals: u64,
    /// Distinct normal forms.
    pub distinct_texts: u64,
    /// Distinct texts that are no near-duplicate of an earlier one.
    pub leaders: u64,
    /// Families.
    pub families: u64,
    /// Requests that belong to a family.
    pub requests_in_families: u64,
    /// Bytes of the store on disk.
    pub bytes_on_disk: u64,
    /// Parts by script of their text, largest first.
    pub by_script: Vec<Count>,
    /// Parts by what they are, in the order of their kinds.
    pub by_part: Vec<Count>,
}

/// A named count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// What a family was made of: fixed pieces and slots, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skeleton {
    /// Fixed text and slots, in the order of the prompt.
    pub pieces: Vec<Piece>,
}

/// A stretch of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Fixed text, found in enough documents to be no one's own.
    Text(String),
    /// What varies. Its values are not kept.
    Slot(Slot),
}

/// What varies in a skeleton.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// `constant`, `enum`, `number` or `free`.
    pub kind: String,
    /// Shortest value seen.
    pub min_bytes: u64,
    /// Longest value seen.
    pub max_bytes: u64,
    /// Distinct values, as estimated.
    pub distinct: u64,
}

/// What is said of a family or a campaign. Only [`Verdict::Convicted`] accuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Coordinated: enough independent kinds of evidence over different principals.
    Convicted,
    /// Strong evidence that an honest fleet could explain too: a person must look.
    Review,
    /// Shared, and no explanation found: it accuses no one.
    #[default]
    Unexplained,
    /// An innocent explanation was found.
    Acquitted,
}

impl Verdict {
    /// All verdicts, gravest first.
    pub const ALL: [Self; 4] = [Self::Convicted, Self::Review, Self::Unexplained, Self::Acquitted];

    /// The name that scripts and users see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Convicted => "convicted",
            Self::Review => "review",
            Self::Unexplained => "unexplained",
            Self::Acquitted => "acquitted",
        }
    }
}

/// What a gateway or an operator is advised to do; never a ban.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Nothing.
    #[default]
    Allow,
    /// Ask for more proof of who it is, or slow down.
    StepUp,
    /// Let a person decide.
    Review,
}

impl Advice {
    /// The name that scripts see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Review => "review",
        }
    }
}

/// Which way a statistic points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Supports {
    /// Towards coordination.
    Accuse,
    /// Towards an innocent explanation.
    Acquit,
    /// Neither, or too little was seen.
    #[default]
    Neutral,
}

impl Supports {
    /// The name that scripts see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuse => "accuse",
            Self::Acquit => "acquit",
            Self::Neutral => "neutral",
        }
    }
}

/// Prompts made from one template.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FamilyRow {
    /// Its id, hex.
    pub family: String,
    /// Which part of a request it is found in.
    pub part: String,
    /// Its fixed pieces and slots, where a log was at hand to render them.
    pub skeleton: Option<Skeleton>,
    /// Requests.
    pub requests: u64,
    /// Accounts.
    pub accounts: u64,
    /// Principals.
    pub principals: u64,
    /// Distinct texts.
    pub documents: u64,
    /// How much of the traffic of its accounts lies in this family.
    pub exclusivity: f64,
    /// First request, where any has a time.
    pub first_ms: Option<i64>,
    /// Last request.
    pub last_ms: Option<i64>,
    /// Requests, one count a bucket of [`Report::axis`].
    pub timeline: Vec<u32>,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why, in plain language.
    pub reason: String,
    /// The campaign it belongs to, hex.
    pub campaign: Option<String>,
    /// Ids of a few requests to read in the operator's own log.
    pub exemplars: Vec<String>,
}

/// Principals coordinated over one or more families, or a group that was tested for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CampaignRow {
    /// Its id, hex.
    pub campaign: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// What to do, as advice.
    pub advice: Advice,
    /// Why, in plain language.
    pub reason: String,
    /// Weight of evidence: larger is stronger. Orders campaigns of one verdict, means nothing between reports.
    pub weight: f64,
    /// Ids of its families, hex, largest first.
    pub families: Vec<String>,
    /// Its accounts.
    pub accounts: Vec<AccountRow>,
    /// Principals.
    pub principals: u64,
    /// Requests of its accounts inside its families.
    pub requests: u64,
    /// First of them, where any has a time.
    pub first_ms: Option<i64>,
    /// Last of them.
    pub last_ms: Option<i64>,
    /// When it was first convicted, where that was replayed.
    pub flagged_ms: Option<i64>,
    /// Share of its requests already served by then.
    pub served_share: Option<f64>,
    /// Requests, one count a bucket of [`Report::axis`].
    pub timeline: Vec<u32>,
    /// Every statistic that was measured, for and against.
    pub evidence: Vec<Evidence>,
    /// Innocent explanations that were tested, with what came of it.
    pub innocent_explanations: Vec<Explanation>,
    /// Attributes shared more than chance: reported, never needed.
    pub enrichment: Vec<Enrichment>,
    /// Ids of a few requests to read in the operator's own log.
    pub exemplars: Vec<String>,
}

/// One account of a campaign. The evidence is on the edge: its other traffic stays innocent.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AccountRow {
    /// Its name.
    pub account: String,
    /// The party it belongs to, where that is wider than the account.
    pub principal: Option<String>,
    /// How firmly it belongs to the campaign.
    pub strength: f64,
    /// All its requests.
    pub requests: u64,
    /// Those inside the campaign's families.
    pub family_requests: u64,
    /// First of those, where any has a time.
    pub first_ms: Option<i64>,
    /// Last of those.
    pub last_ms: Option<i64>,
    /// Its edges to families of the campaign; may be empty where only the sum is known.
    pub edges: Vec<Edge>,
}

/// An account's use of one family.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Edge {
    /// The family, hex.
    pub family: String,
    /// Requests of the account in it.
    pub requests: u64,
    /// How firmly the edge belongs to the campaign.
    pub strength: f64,
}

/// One statistic, with what chance would give.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Its name in the literature or in `campaign/README.md`.
    pub kind: String,
    /// What it says, in plain language.
    pub meaning: String,
    /// As measured.
    pub value: f64,
    /// Expected without coordination.
    pub null: Option<f64>,
    /// How often chance gives as much.
    pub p: Option<f64>,
    /// Observations it rests on.
    pub n: u64,
    /// Which way it points.
    pub supports: Supports,
}

/// One innocent explanation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What was tested, as a sentence that could be true.
    pub tested: String,
    /// What came of it.
    pub outcome: String,
    /// Whether it explains the group.
    pub explains: bool,
}

/// An attribute that accounts of a campaign share more than others do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Enrichment {
    /// Which attribute.
    pub tag: String,
    /// Its value, as the operator's log names it.
    pub value: String,
    /// Accounts of the campaign that have it.
    pub accounts: u64,
    /// Their share of the campaign.
    pub share: f64,
    /// The share among all accounts.
    pub base_share: f64,
}

/// How often this method is wrong, as far as this run can tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ErrorRates {
    /// Families with shuffled labels that were judged beside the real ones.
    pub decoys_tested: u64,
    /// Those that were convicted: each is an error by construction.
    pub decoys_convicted: u64,
    /// Real families and groups that were judged.
    pub groups_tested: u64,
    /// Permutations of each test.
    pub permutations: u64,
    /// The false-discovery rate that Benjamini and Hochberg's procedure was run at.
    pub false_discovery_rate: Option<f64>,
    /// What is known from traffic with labels.
    pub false_accusation: Option<FalseAccusation>,
    /// In words, one sentence each.
    pub statement: Vec<String>,
}

/// Accusations of innocents on labelled traffic.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FalseAccusation {
    /// On which traffic.
    pub traffic: String,
    /// Innocent accounts in it.
    pub innocents: u64,
    /// Those that were accused.
    pub accused: u64,
    /// One-sided 95 % Clopper-Pearson bound on the rate.
    pub bound: f64,
}

impl Report {
    /// Puts campaigns (gravest verdict, then weight of evidence, then size) and families (requests) in the order in
    /// which they are read, and accounts by strength; equal ones by id. The writers keep the order they find.
    pub fn rank(&mut self) {
        self.campaigns.sort_by(|a, b| {
            (a.verdict.cmp(&b.verdict))
                .then_with(|| b.weight.total_cmp(&a.weight))
                .then_with(|| b.requests.cmp(&a.requests))
                .then_with(|| a.campaign.cmp(&b.campaign))
        });
        for campaign in &mut self.campaigns {
            campaign.accounts.sort_by(|a, b| {
                (b.strength.total_cmp(&a.strength))
                    .then_with(|| b.family_requests.cmp(&a.family_requests))
                    .then_with(|| a.account.cmp(&b.account))
            });
        }
        self.families.sort_by(|a, b| {
            (Reverse(a.requests), Reverse(a.accounts), &a.family).cmp(&(
                Reverse(b.requests),
                Reverse(b.accounts),
                &b.family,
            ))
        });
    }
}

impl fmt::Display for Skeleton {
    /// Fixed text as it is, and each slot as `{slot 1: 40-2600 B, 1998 distinct}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Slot(slot) => {
                    number += 1;
                    write!(
                        f,
                        "{{slot {number}: {}-{} B, {} distinct}}",
                        slot.min_bytes, slot.max_bytes, slot.distinct
                    )?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_and_strongest_come_first() {
        let campaign = |id: &str, verdict, weight, requests| CampaignRow {
            campaign: id.into(),
            verdict,
            weight,
            requests,
            ..CampaignRow::default()
        };
        let mut report = Report {
            campaigns: vec![
                campaign("e", Verdict::Acquitted, 90.0, 1),
                campaign("d", Verdict::Convicted, 2.0, 1),
                campaign("b", Verdict::Convicted, 9.0, 1),
                campaign("c", Verdict::Convicted, 2.0, 1),
                campaign("a", Verdict::Review, f64::NAN, 1),
            ],
            ..Report::default()
        };
        report.rank();
        let order: String = report.campaigns.iter().map(|row| row.campaign.as_str()).collect();
        assert_eq!(order, "bcdae");
    }

    #[test]
    fn a_skeleton_reads_as_text() {
        let slot = Slot { kind: "free".into(), min_bytes: 40, max_bytes: 2600, distinct: 1998 };
        let pieces = vec![Piece::Text("Solve ".into()), Piece::Slot(slot), Piece::Text(" Answer:".into())];
        assert_eq!(Skeleton { pieces }.to_string(), "Solve {slot 1: 40-2600 B, 1998 distinct} Answer:");
    }
}

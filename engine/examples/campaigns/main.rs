//! Question: whom does this room accuse in a labelled log, and whom would simpler rules accuse on the same families? Judges
//! a store as the command line does, and only then looks at the labels.
//!
//! usage: campaigns STORE ACCOUNTS.jsonl [--key FILE] [--decoys N] [--verbose]
#![allow(clippy::print_stdout)]

mod baselines;

use promptprint::audit::{self, Judged, Names};
use promptprint::campaign::chance::clopper_pearson;
use promptprint::campaign::{Findings, NONE, Options, Unit};
use promptprint::corpus::snapshot::Snapshot;
use promptprint::key::Keys;
use promptprint::num;
use promptprint::store::Store;
use promptprint::store::fs::RealFs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// Who is guilty of what, by account number.
struct Labels {
    campaign: BTreeMap<u32, String>,
    members: BTreeMap<String, BTreeSet<u32>>,
    innocents: usize,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let [dir, accounts] = [0, 1].map(|at| args.get(at).map_or_else(PathBuf::new, PathBuf::from));
    let key = value("--key").map_or_else(|| Keys::default_path(&dir), PathBuf::from);
    let store = Store::open(&dir, RealFs::shared())?;
    let keys = Keys::load(&key)?;
    let snapshot = Snapshot::open(&store)?;
    let container = audit::family_container(&store)?;
    let start = Instant::now();
    let options = Options::default();
    let judged = audit::judge(&snapshot, &container, &keys, &options, audit::banks(&store)?)?;
    println!("{} requests judged in {:.2} s", judged.request_count(), start.elapsed().as_secs_f64());
    let labels = labels(&judged, &keys, &accounts)?;
    let accused: BTreeSet<u32> =
        judged.findings.campaigns.iter().flat_map(|campaign| campaign.members.iter().map(|m| m.account)).collect();
    tell("this room", &accused, &labels);
    let others = judged.traffic.with_columns(|columns| baselines::all(columns, &judged.findings));
    for (name, accused) in others {
        tell(&name, &accused, &labels);
    }
    let guilty: BTreeSet<u32> = labels.campaign.keys().copied().collect();
    for window in [1_000, 5_000] {
        let alarms = |without: &BTreeSet<u32>| {
            judged.traffic.with_columns(|columns| baselines::shifted_windows(columns, window, without))
        };
        let (with, without) = (alarms(&BTreeSet::new()), alarms(&guilty));
        println!(
            "MMD, windows of {window}: alarm in {with:.2} of them, {without:.2} without the guilty; names no account"
        );
    }
    campaigns(&judged.findings, &labels);
    if let Some(logs) = value("--decoys") {
        println!("{:?}", judged.decoys(&options, logs.parse()?)?);
    }
    if args.iter().any(|arg| arg == "--verbose") {
        for unit in judged.findings.units.iter().filter(|unit| !unit.judgement.evidence.is_empty()) {
            verbose(unit, &labels);
        }
    }
    Ok(())
}

/// Reads the labels of the accounts that the store knows.
fn labels(judged: &Judged<'_>, keys: &Keys, path: &Path) -> Result<Labels, Failure> {
    let mut by_name: BTreeMap<String, Option<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let name = row["account"].as_str().unwrap_or_default().to_owned();
        by_name.insert(name, row["campaign"].as_str().map(str::to_owned));
    }
    let mut names = Names::new(&judged.population, keys)?;
    let mut labels = Labels { campaign: BTreeMap::new(), members: BTreeMap::new(), innocents: 0 };
    for account in 0..num::u32_saturating(judged.population.accounts.len()) {
        match by_name.get(&names.of(account)?) {
            Some(Some(campaign)) => {
                labels.campaign.insert(account, campaign.clone());
                labels.members.entry(campaign.clone()).or_default().insert(account);
            }
            _ => labels.innocents += 1,
        }
    }
    Ok(labels)
}

/// One line of the table: recall of each campaign, and the innocents accused.
fn tell(rule: &str, accused: &BTreeSet<u32>, labels: &Labels) {
    let recall = |members: &BTreeSet<u32>| {
        num::f64_of(members.intersection(accused).count()) / num::f64_of(members.len().max(1))
    };
    let recalls: Vec<String> =
        labels.members.iter().map(|(name, members)| format!("{name} {:.3}", recall(members))).collect();
    let innocents = accused.iter().filter(|account| !labels.campaign.contains_key(account)).count();
    let bound = clopper_pearson(innocents, labels.innocents).1;
    println!("{rule}: {}; innocents {innocents} of {} (bound {bound:.1e})", recalls.join(" "), labels.innocents);
}

/// Ids of each true campaign, and purity of each id.
fn campaigns(findings: &Findings, labels: &Labels) {
    for (number, campaign) in findings.campaigns.iter().enumerate() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for member in &campaign.members {
            *counts.entry(labels.campaign.get(&member.account).map_or("innocent", String::as_str)).or_default() += 1;
        }
        let adopted = campaign.members.iter().filter(|member| member.adopted).count();
        println!("campaign {number}: {} units, accounts {counts:?}, {adopted} adopted", campaign.units.len());
    }
}

/// One judged unit, with the commonest label of its accounts.
fn verbose(unit: &Unit, labels: &Labels) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in unit.view.edges.iter().filter(|edge| edge.account != NONE) {
        *counts.entry(labels.campaign.get(&edge.account).map_or("innocent", String::as_str)).or_default() += 1;
    }
    let judgement = &unit.judgement;
    let evidence: Vec<String> = judgement
        .evidence
        .iter()
        .map(|e| {
            format!("{}{} {:.2}/{:.2} p{:.0e}", if e.holds { "*" } else { "" }, e.kind.name(), e.value, e.null, e.p)
        })
        .collect();
    println!(
        "{} {}, {} families, {} principals, {} requests, {counts:?}, p {:.1e} q {:.1e}, within {:.2} across {:.2}: {}",
        judgement.verdict.name(),
        judgement.reason.name(),
        unit.families.len(),
        unit.view.principals,
        unit.view.requests,
        judgement.p,
        judgement.q,
        judgement.wording.within,
        judgement.wording.across,
        evidence.join("; ")
    );
}

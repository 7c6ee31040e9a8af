//! Judges the families of a store and publishes what gateways are to be told of them.

use std::collections::BTreeMap;

use super::bank::banks;
use super::compact::file_identity;
use super::judge::{Judged, family_container, judge};
use crate::campaign::{Campaign, Options};
use crate::corpus::prepare::Preparer;
use crate::corpus::snapshot::Snapshot;
use crate::corpus::verdicts::{Judgement, Judgements, gravest, write};
use crate::error::Result;
use crate::key::Keys;
use crate::sketch::spec::Spec;
use crate::store::Maintainer;
use crate::store::segment::FileKind;
use crate::verdict::Advice;

/// Judges everything visible under the current families, and publishes advice for the families that are not simply allowed.
/// # Errors
/// [`crate::Error::InvalidArgument`] when the families are not mined from what is in the store now; [`crate::Error::Io`],
/// [`crate::Error::Corrupt`].
pub fn publish_verdicts(maintainer: &mut Maintainer, preparer: &Preparer) -> Result<()> {
    let snapshot = Snapshot::open(maintainer.store())?;
    let container = family_container(maintainer.store())?;
    let judged = judge(&snapshot, &container, preparer.keys(), &Options::default(), banks(maintainer.store())?)?;
    publish_judged(maintainer, preparer.keys(), preparer.spec(), &judged)
}

/// Publishes advice for the families that `judged` does not simply allow; nothing is written where gateways are told the
/// same already. `judged` must be of what the store holds now.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`].
pub fn publish_judged(maintainer: &mut Maintainer, keys: &Keys, spec: Spec, judged: &Judged<'_>) -> Result<()> {
    let judgements = judgements(judged)?;
    let is_told = match &maintainer.store().manifest().verdicts {
        None => judgements.is_empty(),
        Some(file) => {
            let told = maintainer.store().container(file, FileKind::Verdicts);
            // What is damaged is replaced.
            told.is_ok_and(|told| Judgements::new(&told).is_ok_and(|told| told.iter().eq(judgements.iter().copied())))
        }
    };
    if is_told {
        return Ok(());
    }
    let (file, mut writer) = maintainer.create(FileKind::Verdicts, file_identity(keys, spec))?;
    write(&judgements, &mut writer)?;
    writer.finish()?;
    let mut manifest = maintainer.store().manifest().clone();
    manifest.verdicts = Some(file);
    maintainer.publish(manifest)
}

/// The families that speak for something else than "allow", each once.
fn judgements(judged: &Judged<'_>) -> Result<Vec<Judgement>> {
    let requests = accused_requests(judged);
    let mut judgements = Vec::new();
    for row in judged.rows(true)? {
        let advice = match row.advice {
            "review" => Advice::Review,
            "step_up" => Advice::StepUp,
            _ => continue,
        };
        let campaign = if row.verdict == "convicted" { hex(&row.campaign) } else { 0 };
        judgements.extend(row.families.iter().map(|family| {
            let requests = row.number.and_then(|number| requests.get(&(number, hex(family)))).copied();
            (Judgement { family: hex(family), campaign, advice }, requests.unwrap_or(0))
        }));
    }
    Ok(gravest(judgements))
}

/// The number of a campaign or family that users know in hex.
fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or(0)
}

/// How often the accused accounts of each campaign sent each family, by the campaign's place and the family's id.
fn accused_requests(judged: &Judged<'_>) -> BTreeMap<(usize, u64), u64> {
    let is_member = |campaign: &Campaign, account: u32| {
        campaign.members.binary_search_by_key(&account, |member| member.account).is_ok()
    };
    let mut requests: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    for (account, _, family) in judged.traffic.rows() {
        let campaigns = judged.findings.campaigns.iter().enumerate();
        for (number, _) in campaigns.filter(|(_, campaign)| is_member(campaign, account)) {
            *requests.entry((number, family)).or_default() += 1;
        }
    }
    let named = |((number, family), requests)| Some(((number, hex(&judged.tables.name(family)?)), requests));
    requests.into_iter().filter_map(named).collect()
}

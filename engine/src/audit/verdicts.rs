//! Judges the families of a store and publishes what gateways are to be told of them.

use super::bank::banks;
use super::compact::file_identity;
use super::judge::{family_container, judge};
use crate::campaign::Options;
use crate::corpus::prepare::Preparer;
use crate::corpus::snapshot::Snapshot;
use crate::corpus::verdicts::{Judgement, write};
use crate::error::Result;
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
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
    let mut judgements = Vec::new();
    for row in judged.rows(true)? {
        let advice = match row.advice {
            "review" => Advice::Review,
            "step_up" => Advice::StepUp,
            _ => continue,
        };
        let campaign = if row.verdict == "convicted" { hex(&row.campaign) } else { 0 };
        judgements.extend(row.families.iter().map(|family| Judgement { family: hex(family), campaign, advice }));
    }
    let identity = file_identity(preparer.keys(), preparer.spec());
    let (file, mut writer) = maintainer.create(FileKind::Verdicts, identity)?;
    write(judgements, &mut writer)?;
    writer.finish()?;
    let mut manifest = maintainer.store().manifest().clone();
    manifest.verdicts = Some(file);
    maintainer.publish(manifest)
}

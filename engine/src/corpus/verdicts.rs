//! What was judged of the families, for gateways: the convicted campaign over a family, and the advice.
//!
//! Only families that speak for something else than "allow" stand in it, so it is small, and empty most of the time.

use std::cmp::Reverse;

use crate::column::{Column, encode};
use crate::error::{CorruptKind, Result};
use crate::store::segment::{Container, ContainerWriter};
use crate::verdict::Advice;

/// Section numbers of a verdict file. They are on disk: never reuse one.
pub mod section {
    /// Ids of families, ascending; u64.
    pub const FAMILIES: u32 = 1;
    /// Id of the convicted campaign, 0 where nobody is convicted; u64.
    pub const CAMPAIGNS: u32 = 2;
    /// 1 step up, 2 review; u8.
    pub const ADVICE: u32 = 3;
}

/// What was judged of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The family.
    pub family: u64,
    /// The convicted campaign over it; 0 where there is none.
    pub campaign: u64,
    /// What to do.
    pub advice: Advice,
}

/// The judgements by family, ascending, each given with the requests that accused accounts sent of the family. Of several on one
/// family the gravest counts, a conviction before none; of several convictions the one of most requests, since mining may hold
/// templates of two campaigns for one family.
#[must_use]
pub fn gravest(mut judgements: Vec<(Judgement, u64)>) -> Vec<Judgement> {
    let gravity = |judgement: &Judgement| (judgement.campaign != 0, judgement.advice);
    judgements.sort_unstable_by_key(|(judgement, requests)| {
        (judgement.family, Reverse((gravity(judgement), *requests)), judgement.campaign)
    });
    judgements.dedup_by_key(|(judgement, _)| judgement.family);
    judgements.into_iter().map(|(judgement, _)| judgement).collect()
}

/// Writes judgements that [`gravest`] has put in order.
/// # Errors
/// [`crate::Error::Io`].
pub fn write(judgements: &[Judgement], writer: &mut ContainerWriter) -> Result<()> {
    writer.section(section::FAMILIES, &encode(judgements.iter().map(|judgement| judgement.family)))?;
    writer.section(section::CAMPAIGNS, &encode(judgements.iter().map(|judgement| judgement.campaign)))?;
    let advice: Vec<u8> = judgements.iter().map(|judgement| number(judgement.advice)).collect();
    writer.section(section::ADVICE, &advice)
}

const fn number(advice: Advice) -> u8 {
    match advice {
        Advice::Allow => 0,
        Advice::StepUp => 1,
        Advice::Review => 2,
    }
}

/// The judgements of a store, opened.
#[derive(Debug, Clone, Copy)]
pub struct Judgements<'a> {
    families: Column<'a, u64>,
    campaigns: Column<'a, u64>,
    advice: &'a [u8],
}

impl<'a> Judgements<'a> {
    /// Views `container` as judgements.
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn new(container: &'a Container) -> Result<Self> {
        let families: Column<'_, u64> = container.column(section::FAMILIES)?;
        let campaigns: Column<'_, u64> = container.column(section::CAMPAIGNS)?;
        let advice = container.require(section::ADVICE)?;
        if campaigns.len() != families.len() || advice.len() != families.len() {
            return Err(container.damaged(section::FAMILIES, CorruptKind::Bounds));
        }
        Ok(Self { families, campaigns, advice })
    }

    /// All of them, by family.
    pub fn iter(&self) -> impl Iterator<Item = Judgement> {
        (0..self.families.len()).filter_map(|at| self.at(at))
    }

    fn at(&self, at: usize) -> Option<Judgement> {
        let advice = match self.advice.get(at)? {
            1 => Advice::StepUp,
            2 => Advice::Review,
            _ => Advice::Allow,
        };
        Some(Judgement { family: self.families.get(at)?, campaign: self.campaigns.get(at)?, advice })
    }

    /// What was judged of a family; `None` is "allow".
    #[must_use]
    pub fn of(&self, family: u64) -> Option<Judgement> {
        let (mut low, mut high) = (0, self.families.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.families.get(middle)?.cmp(&family) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.at(middle),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::{Fs, RealFs};
    use crate::store::map::Bytes;
    use crate::store::segment::{FileKind, Identity};

    #[test]
    fn the_gravest_judgement_of_a_family_comes_back() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("00000001.verdicts");
        let identity = Identity { spec: [0; 16], key_check: [0; 8], key_epoch: 1 };
        let file = RealFs::default().create(&path).expect("a file");
        let mut writer = ContainerWriter::new(file, &path, FileKind::Verdicts, identity).expect("a header");
        let mild = Judgement { family: 7, campaign: 0, advice: Advice::StepUp };
        let grave = Judgement { family: 7, campaign: 9, advice: Advice::Review };
        let of_few = Judgement { family: 7, campaign: 12, advice: Advice::Review };
        let other = Judgement { family: 3, campaign: 0, advice: Advice::StepUp };
        let judged = vec![(mild, 900), (of_few, 20), (grave, 300), (other, 0)];
        write(&gravest(judged), &mut writer).expect("sections");
        writer.finish().expect("a footer");
        let bytes = Bytes::owned(std::fs::read(&path).expect("the file"));
        let container = Container::open(bytes, &path, FileKind::Verdicts).expect("sound");
        let judgements = Judgements::new(&container).expect("sound");
        assert_eq!(judgements.of(7), Some(grave));
        assert_eq!(judgements.of(3), Some(other));
        assert_eq!(judgements.of(4), None);
    }
}

//! The sealed part of a store as a reader holds it: the sound segments of one manifest, and the family tables over them.

use std::sync::Arc;

use crate::corpus::exemplars::Exemplars;
use crate::corpus::families::{FamilyInfo, FamilyTables};
use crate::corpus::snapshot::Segment;
use crate::corpus::verdicts::{Judgement, Judgements};
use crate::family::Anchors;
use crate::num::usize_of;
use crate::store::Store;
use crate::store::manifest::{Manifest, SegmentEntry};
use crate::store::segment::{Container, FileKind};

/// What one manifest names, opened as far as it is sound.
#[derive(Debug)]
pub(super) struct Sealed {
    manifest: Manifest,
    /// In the manifest's order; `None` where the file is damaged.
    segments: Vec<Option<Live>>,
    families: Option<Arc<Container>>,
    judgements: Option<Arc<Container>>,
    /// Places are those among the sound segments.
    exemplars: Option<Arc<Exemplars>>,
    trouble: Vec<String>,
}

/// One sound segment.
#[derive(Debug, Clone)]
struct Live {
    file: u32,
    segment: Arc<Segment>,
}

impl Sealed {
    /// Opens what the store's manifest names; a damaged file is left out and told of, the rest opens. What `before` has
    /// open already stays mapped, so a new manifest costs no more than its new files.
    pub(super) fn open(store: &Store, before: Option<&Self>, verify: bool) -> Self {
        let manifest = store.manifest().clone();
        let mut trouble = Vec::new();
        let mut segments = Vec::with_capacity(manifest.segments.len());
        for entry in &manifest.segments {
            let kept = before.and_then(|before| before.kept(entry));
            let opened = kept.map_or_else(|| open_segment(store, entry, verify), Ok);
            segments.push(opened.map_err(|error| trouble.push(error.to_string())).ok());
        }
        // Segments that came after the mining have no families yet; those that it saw keep theirs.
        let families = manifest.families.as_ref().and_then(|entry| {
            let same = |before: &&Self| before.manifest.families.as_ref() == Some(entry);
            if let Some(kept) = before.filter(same).and_then(|before| before.families.clone()) {
                return Some(kept);
            }
            let opened = store.container(&entry.file, FileKind::Families).and_then(|container| {
                FamilyTables::new(&container)?;
                Ok(Arc::new(container))
            });
            opened.map_err(|error| trouble.push(error.to_string())).ok()
        });
        let judgements = manifest.verdicts.as_ref().and_then(|file| {
            let same = |before: &&Self| before.manifest.verdicts.as_ref() == Some(file);
            if let Some(kept) = before.filter(same).and_then(|before| before.judgements.clone()) {
                return Some(kept);
            }
            let opened = store.container(file, FileKind::Verdicts).and_then(|container| {
                Judgements::new(&container)?;
                Ok(Arc::new(container))
            });
            opened.map_err(|error| trouble.push(error.to_string())).ok()
        });
        let sound = manifest.segments.iter().zip(&segments).filter(|(_, live)| live.is_some());
        let sound = sound.map(|(entry, _)| entry.file.as_str());
        let exemplars = manifest.exemplars.as_ref().and_then(|entry| {
            let opened = Exemplars::open(store, entry, sound).map(Arc::new);
            opened.map_err(|error| trouble.push(error.to_string())).ok()
        });
        Self { manifest, segments, families, judgements, exemplars, trouble }
    }

    fn kept(&self, entry: &SegmentEntry) -> Option<Live> {
        let place = self.manifest.segments.iter().position(|known| known == entry)?;
        self.segments.get(place)?.clone()
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What could not be opened, in words.
    pub(super) fn trouble(&self) -> &[String] {
        &self.trouble
    }

    /// The sound segments: place in the manifest, number of the file, segment.
    pub(super) fn segments(&self) -> impl Iterator<Item = (usize, u32, &Segment)> {
        self.segments.iter().enumerate().filter_map(|(place, live)| {
            let live = live.as_ref()?;
            Some((place, live.file, &*live.segment))
        })
    }

    /// The segment of file number `file`, where it is live and sound.
    pub(super) fn segment_of_file(&self, file: u32) -> Option<&Segment> {
        self.segments().find(|(_, number, _)| *number == file).map(|(_, _, segment)| segment)
    }

    /// The best family of a form of the segment at `place`, where families were mined from it.
    pub(super) fn family_of(&self, place: usize, form: usize) -> Option<FamilyInfo> {
        let tables = FamilyTables::new(self.families.as_ref()?).ok()?;
        tables.info(usize_of(tables.of_form(self.mined(place)?, form)?)).ok()
    }

    /// The variant within that family.
    pub(super) fn variant_of(&self, place: usize, form: usize) -> Option<u64> {
        FamilyTables::new(self.families.as_ref()?).ok()?.variant_of_form(self.mined(place)?, form).ok()?
    }

    /// The place of a segment among those that families were mined from.
    fn mined(&self, place: usize) -> Option<usize> {
        let name = &self.manifest.segments.get(place)?.file;
        self.manifest.families.as_ref()?.segments.iter().position(|segment| segment == name)
    }

    /// The family of a text that no mined segment holds, by its anchors.
    pub(super) fn family_of_anchors(&self, anchors: &Anchors, class: u8) -> Option<FamilyInfo> {
        FamilyTables::new(self.families.as_ref()?).ok()?.of_anchors(anchors, class)
    }
}

impl Sealed {
    /// The exemplars, where the store keeps them.
    pub(super) fn exemplars(&self) -> Option<&Exemplars> {
        self.exemplars.as_deref()
    }

    /// What was judged of a family; `None` is "allow".
    pub(super) fn judgement_of(&self, family: u64) -> Option<Judgement> {
        Judgements::new(self.judgements.as_ref()?).ok()?.of(family)
    }
}

fn open_segment(store: &Store, entry: &SegmentEntry, verify: bool) -> crate::Result<Live> {
    let segment = Segment::open(store, entry)?;
    if verify {
        segment.container().verify()?;
    }
    segment.view()?;
    Ok(Live { file: file_number(&entry.file), segment: Arc::new(segment) })
}

/// The number in a segment's file name; numbers are never used twice in one store.
fn file_number(name: &str) -> u32 {
    name.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

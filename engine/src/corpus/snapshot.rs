//! The segments of one manifest, opened, with the rows that `forget` has hidden.

use super::exemplars::Exemplars;
use super::view::SegmentView;
use super::{ACCUSABLE, Level};
use crate::error::{CorruptKind, Error, Result};
use crate::key::{Keys, hex, unhex};
use crate::num::{u32_of, usize_of};
use crate::sketch::spec::Spec;
use crate::store::Store;
use crate::store::manifest::{Manifest, SegmentEntry};
use crate::store::segment::{Container, FileKind};

/// The one section of a tombstone file: a bit a row, set where the row is hidden.
pub const HIDDEN_ROWS: u32 = 1;

/// What a reader sees: every live segment as of one manifest.
#[derive(Debug)]
pub struct Snapshot {
    segments: Vec<Segment>,
    exemplars: Option<Exemplars>,
    manifest: Manifest,
}

/// One live segment.
#[derive(Debug)]
pub struct Segment {
    container: Container,
    hidden: Vec<u8>,
}

impl Segment {
    /// Opens the segment that `entry` of the store's manifest names, with its hidden rows.
    /// # Errors
    /// As [`Store::container`].
    pub fn open(store: &Store, entry: &SegmentEntry) -> Result<Self> {
        let container = store.container(&entry.file, FileKind::Segment)?;
        let hidden = match &entry.tombstones {
            Some(file) => store.container(file, FileKind::Tombstones)?.require(HIDDEN_ROWS)?.to_vec(),
            None => Vec::new(),
        };
        Ok(Self { container, hidden })
    }

    /// Its columns.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn view(&self) -> Result<SegmentView<'_>> {
        SegmentView::new(&self.container)
    }

    /// The file.
    #[must_use]
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// Whether a row is hidden.
    #[must_use]
    #[inline]
    pub fn is_hidden(&self, row: usize) -> bool {
        self.hidden.get(row / 8).is_some_and(|byte| byte & (1 << (row % 8)) != 0)
    }

    /// Whether any row is hidden.
    #[must_use]
    pub fn has_hidden(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Number of hidden rows.
    #[must_use]
    pub fn hidden_count(&self) -> usize {
        self.hidden.iter().map(|byte| usize_of(byte.count_ones())).sum()
    }

    /// The bits of the hidden rows, as many as there are rows.
    #[must_use]
    pub fn hidden_bits(&self, rows: usize) -> Vec<u8> {
        let mut bits = self.hidden.clone();
        bits.resize(rows.div_ceil(8), 0);
        bits
    }
}

impl Snapshot {
    /// Opens every segment that the manifest names.
    /// # Errors
    /// As [`Store::container`].
    pub fn open(store: &Store) -> Result<Self> {
        let mut segments = Vec::with_capacity(store.manifest().segments.len());
        for entry in &store.manifest().segments {
            segments.push(Segment::open(store, entry)?);
        }
        let manifest = store.manifest().clone();
        let files = manifest.segments.iter().map(|entry| entry.file.as_str());
        let exemplars = manifest.exemplars.as_ref().map(|entry| Exemplars::open(store, entry, files)).transpose()?;
        Ok(Self { segments, exemplars, manifest })
    }

    /// The segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The exemplars, where the store keeps them.
    #[must_use]
    pub fn exemplars(&self) -> Option<&Exemplars> {
        self.exemplars.as_ref()
    }

    /// The manifest the snapshot was opened from.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether a request that asks `turn` is here. The newest segments are looked at first, since a conversation mostly
    /// goes on soon.
    #[must_use]
    pub fn asks(&self, views: &[SegmentView<'_>], turn: u64) -> bool {
        let mut pairs = self.segments.iter().zip(views).rev();
        pairs.any(|(segment, view)| view.turns().rows_asking(turn).any(|row| !segment.is_hidden(usize_of(row))))
    }

    /// Whether any request tells of `turn`, asking it or as one of its earlier turns.
    #[must_use]
    pub fn tells(&self, views: &[SegmentView<'_>], turn: u64) -> bool {
        let tells = |segment: &Segment, view: &SegmentView<'_>| {
            let mut rows = view.turns().parts_telling(turn).filter_map(|part| view.row_of_part(usize_of(part)));
            rows.any(|row| !segment.is_hidden(row))
        };
        self.asks(views, turn) || self.segments.iter().zip(views).any(|(segment, view)| tells(segment, view))
    }

    /// The columns of every segment.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn views(&self) -> Result<Vec<SegmentView<'_>>> {
        self.segments.iter().map(Segment::view).collect()
    }
}

/// Refuses the keys of another store before they do harm.
/// # Errors
/// [`Error::Key`].
pub fn check_keys(manifest: &Manifest, keys: &Keys, key_path: &std::path::Path) -> Result<()> {
    if manifest.key_check == hex(&keys.check()) && manifest.key_epoch == keys.epoch() {
        return Ok(());
    }
    Err(Error::Key { path: key_path.to_path_buf(), reason: "is the key of another store".to_owned() })
}

/// Refuses to compare codes of two origins, whose distances mean nothing; `codes` is what the manifest says.
/// # Errors
/// [`Error::SpecMismatch`].
pub fn check_codes(codes: &str, origin: &str) -> Result<()> {
    if codes.is_empty() || codes == origin {
        return Ok(());
    }
    Err(Error::SpecMismatch {
        what: format!("the embedding codes of the store are made by {codes}, those of this call by {origin}"),
    })
}

/// The name row of an origin that can be accused, and its level.
#[must_use]
pub fn accusable(origin: &[u32; super::LEVELS]) -> Option<(Level, u32)> {
    ACCUSABLE.into_iter().map(|level| (level, origin[level.index()])).find(|(_, name)| *name != super::NONE)
}

/// The name row of an origin's principal, and its level.
#[must_use]
pub fn party(origin: &[u32; super::LEVELS]) -> Option<(Level, u32)> {
    super::PARTY.into_iter().map(|level| (level, origin[level.index()])).find(|(_, name)| *name != super::NONE)
}

/// The id that users see for a row: the source's own, else the identity in hex.
/// # Errors
/// [`Error::Corrupt`] when the sealed id does not open.
pub fn display_id(
    view: &SegmentView<'_>,
    ids: &mut super::names::Reader<'_>,
    keys: &Keys,
    row: usize,
    identity: impl FnOnce() -> u128,
) -> Result<String> {
    let id = ids.get(keys, row).ok_or_else(|| view.damaged(super::section::ID_BLOCKS, CorruptKind::Sealed))?;
    Ok(if id.is_empty() { hex(&identity().to_le_bytes()) } else { id })
}

/// Rows of a segment as 32-bit numbers; a segment never has more.
pub fn rows_of(view: &SegmentView<'_>) -> std::ops::Range<u32> {
    0..u32_of(view.row_count()).unwrap_or(u32::MAX)
}

/// The spec that a store's sketches were made under.
/// # Errors
/// [`Error::Corrupt`] when the manifest names none that this build knows.
pub fn spec_of(manifest: &Manifest, dir: &std::path::Path) -> Result<Spec> {
    let bytes = unhex(&manifest.spec).and_then(|bytes| <[u8; Spec::ENCODED_BYTES]>::try_from(bytes).ok());
    Spec::decode(&bytes.ok_or_else(|| Error::corrupt(dir, 0, CorruptKind::Value))?)
}

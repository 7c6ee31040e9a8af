//! Rewrites segments: few instead of many, and what `forget` has hidden is gone for good.

use std::ops::ControlFlow;

use crate::column::encode;
use crate::corpus::graphs::GraphTask;
use crate::corpus::merge::merge;
use crate::corpus::snapshot::{HIDDEN_ROWS, Segment, Snapshot};
use crate::corpus::{ACCUSABLE, Level};
use crate::error::Result;
use crate::key::Keys;
use crate::num::{u64_of, usize_of};
use crate::simd::Kernels;
use crate::sketch::spec::Spec;
use crate::store::Maintainer;
use crate::store::manifest::SegmentEntry;
use crate::store::segment::{FileKind, Identity};

/// What every new file of a store carries in its header.
pub(super) fn file_identity(keys: &Keys, spec: Spec) -> Identity {
    Identity { spec: spec.encode(), key_check: keys.check(), key_epoch: keys.epoch() }
}

/// Rewrites all segments as one of visible rows. The bytes depend on the set of requests alone, however they were
/// sharded. Family tables are stale afterwards.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`]; the store is as it was then.
pub fn compact(maintainer: &mut Maintainer, keys: &Keys, spec: Spec, kernels: Kernels) -> Result<()> {
    let snapshot = Snapshot::open(maintainer.store())?;
    let segments: Vec<&Segment> = snapshot.segments().iter().collect();
    let builder = merge(&segments, keys, None)?;
    let mut manifest = maintainer.store().manifest().clone();
    manifest.segments.clear();
    if !builder.is_empty() {
        let requests = u64_of(builder.len());
        let (file, mut writer) = maintainer.create(FileKind::Segment, file_identity(keys, spec))?;
        let mut task = GraphTask { choice: manifest.graph, progress: &mut |_| ControlFlow::Continue(()) };
        builder.seal(keys, kernels, &mut task, &mut writer)?;
        writer.finish()?;
        manifest.segments.push(SegmentEntry { file, requests, tombstones: None });
    }
    maintainer.publish(manifest)
}

/// Hides every request of `account` (a name at the account, key or end user level) at once; returns how many. Their bytes
/// go at the next compaction. Family tables are stale afterwards.
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Corrupt`].
pub fn forget(maintainer: &mut Maintainer, keys: &Keys, spec: Spec, account: &str) -> Result<u64> {
    let snapshot = Snapshot::open(maintainer.store())?;
    let wanted = ACCUSABLE.map(|level| (level, keys.name(level_number(level), account)));
    let mut manifest = maintainer.store().manifest().clone();
    let mut hidden_count = 0;
    for (segment, entry) in snapshot.segments().iter().zip(&mut manifest.segments) {
        let view = segment.view()?;
        let holds = |origin: usize| {
            let names = view.origin(origin);
            wanted.iter().any(|(level, id)| view.name_id(names[level.index()]) == Some(*id))
        };
        let theirs: Vec<bool> = (0..view.origin_count()).map(holds).collect();
        let mut bits = segment.hidden_bits(view.row_count());
        let before = hidden_count;
        for row in 0..view.row_count() {
            let is_theirs = view.origin_of(row).is_some_and(|origin| theirs.get(usize_of(origin)) == Some(&true));
            if is_theirs && !segment.is_hidden(row) {
                bits[row / 8] |= 1 << (row % 8);
                hidden_count += 1;
            }
        }
        if hidden_count > before {
            let (file, mut writer) = maintainer.create(FileKind::Tombstones, file_identity(keys, spec))?;
            writer.section(HIDDEN_ROWS, &encode(bits))?;
            writer.finish()?;
            entry.tombstones = Some(file);
        }
    }
    if hidden_count > 0 {
        // The tables told of the hidden requests; what is left is mined anew.
        manifest.families_stale = true;
        maintainer.publish(manifest)?;
    }
    Ok(hidden_count)
}

fn level_number(level: Level) -> u8 {
    crate::num::low8(crate::num::u32_saturating(level.index()))
}

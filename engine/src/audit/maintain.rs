//! Brings what gateways logged into segments: the one process that may change a store, run beside them or by hand.
//!
//! One pass reads the logs behind what the manifest says is sealed, seals the rest as a segment, and publishes segment and
//! progress in one manifest: a kill at any moment leaves either both or neither, and the next pass reads the same records
//! again. A request that a log of another kind brought in before counts once, by its identity. Only then is a log removed,
//! and only when its writer has ended.

use std::collections::HashSet;
use std::path::PathBuf;

use xxhash_rust::xxh3::Xxh3Builder;

use super::Progress;
use super::compact::file_identity;
use super::graph::{choose_sketches, tell_graph};
use super::mine::mine_families;
use super::verdicts::publish_verdicts;
use crate::corpus::NO_TIME;
use crate::corpus::builder::SegmentBuilder;
use crate::corpus::graphs::GraphTask;
use crate::corpus::merge::merge;
use crate::corpus::observation;
use crate::corpus::prepare::Preparer;
use crate::corpus::snapshot::{Segment, Snapshot};
use crate::corpus::view::SegmentView;
use crate::error::{CorruptKind, Error, Result};
use crate::num::u64_of;
use crate::simd::Kernels;
use crate::store::Maintainer;
use crate::store::manifest::{GraphChoice, LogEntry, Manifest, SegmentEntry};
use crate::store::segment::FileKind;
use crate::store::wal;

/// What a pass does beside taking in logs.
#[derive(Debug, Clone, Copy)]
pub struct MaintainOptions {
    /// Requests older than this many ms before `now_ms` are let go; `None` keeps all. A segment goes when all of it is too
    /// old, and its old rows when it is rewritten: with small ones, or because half of it is too old.
    pub retain_ms: Option<i64>,
    /// Unix time in ms, for retention.
    pub now_ms: i64,
    /// Segments of up to `segment_requests` requests that may stand side by side before they are merged.
    pub small_segments_max: usize,
    /// Requests of a segment that is not merged any more, and at most taken into one.
    pub segment_requests: usize,
    /// Whether families are mined anew when the segments changed.
    pub mine: bool,
    /// Which graphs new segments get from now on; `None` leaves it as the store has it.
    pub graph: Option<GraphChoice>,
}

impl Default for MaintainOptions {
    fn default() -> Self {
        Self { retain_ms: None, now_ms: 0, small_segments_max: 8, segment_requests: 1 << 18, mine: true, graph: None }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Requests sealed.
    pub requests: u64,
    /// Requests that were in a segment already.
    pub repeated: u64,
    /// Logs read to their end and removed.
    pub logs_removed: u64,
    /// Segments merged into others.
    pub segments_merged: u64,
    /// Segments removed because of their age.
    pub segments_expired: u64,
    /// Requests let go because of their age, those of the segments removed included.
    pub requests_expired: u64,
    /// Whether families were mined anew.
    pub mined: bool,
    /// Logs that could not be used, and why; they stay where they are.
    pub trouble: Vec<String>,
}

/// Runs one pass.
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`] for the store itself; damaged logs are told in [`Maintained::trouble`].
/// [`Error::Interrupted`] when `progress` says stop; what was published stays.
pub fn maintain(
    maintainer: &mut Maintainer,
    preparer: &Preparer,
    kernels: Kernels,
    options: &MaintainOptions,
    progress: &dyn Progress,
) -> Result<Maintained> {
    choose_sketches(maintainer, preparer, options.graph)?;
    let mut pass = Pass {
        maintainer,
        preparer,
        kernels,
        options,
        progress,
        done: Maintained::default(),
        builder: SegmentBuilder::default(),
        fresh: HashSet::default(),
        reached: Vec::new(),
    };
    pass.take_in_logs()?;
    pass.expire()?;
    pass.merge_small()?;
    // A rewritten segment loses its families: a gateway would not know them until they are mined anew.
    let has_families = pass.maintainer.store().manifest().families.is_some();
    let rewritten = pass.done.segments_merged > 0 || pass.done.requests_expired > 0;
    let due = options.mine || (has_families && rewritten);
    if due && !pass.maintainer.store().manifest().families_are_current() {
        progress.step("mining families");
        mine_families(pass.maintainer, preparer, None, progress)?;
        progress.step("judging campaigns");
        publish_verdicts(pass.maintainer, preparer)?;
        pass.done.mined = true;
    }
    Ok(pass.done)
}

struct Pass<'a> {
    maintainer: &'a mut Maintainer,
    preparer: &'a Preparer,
    kernels: Kernels,
    options: &'a MaintainOptions,
    progress: &'a dyn Progress,
    done: Maintained,
    builder: SegmentBuilder,
    /// Identities in `builder`.
    fresh: HashSet<u128, Xxh3Builder>,
    /// How far the logs are in segments, once `builder` is sealed.
    reached: Vec<LogEntry>,
}

/// One log, looked at.
struct Found {
    name: String,
    path: PathBuf,
    is_abandoned: bool,
}

impl Pass<'_> {
    fn take_in_logs(&mut self) -> Result<()> {
        let logs = self.find_logs()?;
        self.reached = self.maintainer.store().manifest().logs.clone();
        self.reached.retain(|known| logs.iter().any(|log| log.name == known.file));
        let mut finished = Vec::new();
        for log in &logs {
            self.progress.step(&format!("reading {}", log.name));
            match self.take_in(log) {
                Ok(()) if log.is_abandoned => finished.push(log.path.clone()),
                Ok(()) => {}
                // A log that is damaged or foreign waits for a person; the others go on.
                Err(
                    error @ (Error::Corrupt { .. } | Error::SpecMismatch { .. } | Error::IncompatibleFormat { .. }),
                ) => {
                    self.done.trouble.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        self.seal()?;
        // What these held is in synced segments now, named by a synced manifest.
        let fs = self.maintainer.store().fs();
        for path in finished {
            fs.remove(&path)?;
            self.done.logs_removed += 1;
        }
        Ok(())
    }

    fn find_logs(&mut self) -> Result<Vec<Found>> {
        let store = self.maintainer.store();
        let (fs, dir) = (store.fs(), store.dir().join(wal::DIR));
        if !fs.exists(&dir) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for name in fs.list(&dir)? {
            let path = dir.join(&name);
            // Asked before the log is read: what is read after its writer has ended is all there is.
            let is_abandoned = fs.is_abandoned(&path);
            if name.ends_with(".wal") {
                match is_abandoned {
                    Ok(is_abandoned) => found.push(Found { name, path, is_abandoned }),
                    Err(error) => self.done.trouble.push(error.to_string()),
                }
            } else if name.ends_with(".tmp") && matches!(is_abandoned, Ok(true)) {
                // A process ended before its log had a name; nothing was ever acknowledged in it.
                fs.remove(&path)?;
            }
        }
        Ok(found)
    }

    /// Takes in what one log holds beyond what is sealed.
    fn take_in(&mut self, log: &Found) -> Result<()> {
        let bytes = self.maintainer.store().fs().read(&log.path, wal::LOG_BYTES_MAX)?;
        let Some(contents) = wal::read(&bytes, &log.path)? else { return Ok(()) };
        if contents.identity != file_identity(self.preparer.keys(), self.preparer.spec()) {
            let what = format!("{} was written under another key or spec than the store's", log.path.display());
            return Err(Error::SpecMismatch { what });
        }
        let through = self.reached.iter().find(|known| known.file == log.name).map_or(0, |known| known.sequence);
        let mut snapshot = Snapshot::open(self.maintainer.store())?;
        for (sequence, kind, body) in contents.records {
            if sequence <= through {
                continue;
            }
            if kind == observation::KIND {
                let request = observation::open(body, self.preparer.keys());
                let request = request.ok_or_else(|| Error::corrupt(&log.path, sequence, CorruptKind::Sealed))?;
                let views = snapshot.views()?;
                let is_known = views.iter().any(|view| view.row_of(request.identity).is_some());
                if is_known || !self.fresh.insert(request.identity) {
                    self.done.repeated += 1;
                } else {
                    self.builder.push(request)?;
                }
            }
            self.reach(&log.name, sequence);
            if self.builder.len() >= self.options.segment_requests {
                self.seal()?;
                snapshot = Snapshot::open(self.maintainer.store())?;
            }
        }
        Ok(())
    }

    fn reach(&mut self, name: &str, sequence: u64) {
        match self.reached.iter_mut().find(|known| known.file == name) {
            Some(known) => known.sequence = sequence,
            None => self.reached.push(LogEntry { file: name.to_owned(), sequence }),
        }
    }

    /// Seals what was taken in, and publishes it with how far the logs were read.
    fn seal(&mut self) -> Result<()> {
        let mut manifest = self.maintainer.store().manifest().clone();
        self.reached.sort_by(|a, b| a.file.cmp(&b.file));
        if self.builder.is_empty() && manifest.logs == self.reached {
            return Ok(());
        }
        if self.progress.should_stop() {
            return Err(Error::Interrupted);
        }
        let builder = std::mem::take(&mut self.builder);
        self.fresh.clear();
        manifest.logs.clone_from(&self.reached);
        if !builder.is_empty() {
            let requests = u64_of(builder.len());
            self.progress.step(&format!("sealing {requests} requests"));
            let entry = self.write_segment(builder)?;
            manifest.segments.push(entry);
            manifest.inputs.lines += requests;
            manifest.inputs.requests += requests;
            self.done.requests += requests;
        }
        self.publish(manifest)
    }

    fn write_segment(&mut self, builder: SegmentBuilder) -> Result<SegmentEntry> {
        let requests = u64_of(builder.len());
        let identity = file_identity(self.preparer.keys(), self.preparer.spec());
        let (file, mut writer) = self.maintainer.create(FileKind::Segment, identity)?;
        let (progress, choice) = (self.progress, self.maintainer.store().manifest().graph);
        let mut task = GraphTask { choice, progress: &mut |at| tell_graph(progress, at) };
        builder.seal(self.preparer.keys(), self.kernels, &mut task, &mut writer)?;
        writer.finish()?;
        Ok(SegmentEntry { file, requests, tombstones: None })
    }

    fn publish(&mut self, manifest: Manifest) -> Result<()> {
        self.maintainer.publish(manifest)
    }

    /// The time before which requests are let go; requests without a time stay until their segment goes.
    fn oldest_ms(&self) -> Option<i64> {
        self.options.retain_ms.map(|retain_ms| self.options.now_ms.saturating_sub(retain_ms))
    }

    /// Drops segments that are too old as a whole, one unlink a segment, and rewrites those of which half is.
    fn expire(&mut self) -> Result<()> {
        let Some(oldest_ms) = self.oldest_ms() else { return Ok(()) };
        let snapshot = Snapshot::open(self.maintainer.store())?;
        let mut manifest = self.maintainer.store().manifest().clone();
        let entries = std::mem::take(&mut manifest.segments);
        for (segment, entry) in snapshot.segments().iter().zip(entries) {
            let view = segment.view()?;
            let expired = expired_rows(&view, oldest_ms);
            // Rows are sorted by time, and rows without a time come first; those expire with the others.
            let last = view.row_count().checked_sub(1).map_or(NO_TIME, |row| view.time_ms(row));
            if last != NO_TIME && last < oldest_ms {
                self.done.segments_expired += 1;
                self.done.requests_expired += u64_of(view.row_count());
            } else if 2 * expired > view.row_count() && self.is_sound(segment) {
                self.progress.step(&format!("letting go of {expired} old requests"));
                let builder = merge(&[segment], self.preparer.keys(), Some(oldest_ms))?;
                if !builder.is_empty() {
                    manifest.segments.push(self.write_segment(builder)?);
                }
                self.done.requests_expired += u64_of(expired);
            } else {
                manifest.segments.push(entry);
            }
        }
        if self.done.requests_expired > 0 {
            self.publish(manifest)?;
        }
        Ok(())
    }

    /// Whether a segment may be rewritten. A damaged one waits for a person; the others go on.
    fn is_sound(&mut self, segment: &Segment) -> bool {
        let verified = segment.container().verify();
        self.done.trouble.extend(verified.as_ref().err().map(ToString::to_string));
        verified.is_ok()
    }

    /// Merges the small segments into one when there are many: each request is rewritten once for each factor of
    /// `small_segments_max` that its segment grows by.
    fn merge_small(&mut self) -> Result<()> {
        let manifest = self.maintainer.store().manifest();
        let most = u64_of(self.options.segment_requests);
        let is_small = |entry: &SegmentEntry| entry.requests < most;
        if manifest.segments.iter().filter(|entry| is_small(entry)).count() <= self.options.small_segments_max {
            return Ok(());
        }
        if self.progress.should_stop() {
            return Err(Error::Interrupted);
        }
        let snapshot = Snapshot::open(self.maintainer.store())?;
        let mut manifest = manifest.clone();
        let mut chosen: Vec<&Segment> = Vec::new();
        let mut requests = 0;
        let mut places = HashSet::new();
        for (place, (segment, entry)) in snapshot.segments().iter().zip(&manifest.segments).enumerate() {
            if is_small(entry) && requests + entry.requests <= most.saturating_mul(2) {
                if !self.is_sound(segment) {
                    continue;
                }
                requests += entry.requests;
                chosen.push(segment);
                places.insert(place);
            }
        }
        if chosen.len() < 2 {
            return Ok(());
        }
        self.progress.step(&format!("merging {} segments of {requests} requests", chosen.len()));
        let oldest_ms = self.oldest_ms();
        for segment in chosen.iter().filter(|_| oldest_ms.is_some()) {
            self.done.requests_expired += u64_of(expired_rows(&segment.view()?, oldest_ms.unwrap_or(NO_TIME)));
        }
        let builder = merge(&chosen, self.preparer.keys(), oldest_ms)?;
        let mut place = 0;
        manifest.segments.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
        if !builder.is_empty() {
            manifest.segments.push(self.write_segment(builder)?);
        }
        self.done.segments_merged = u64_of(chosen.len());
        self.publish(manifest)
    }
}

/// Rows with a time before `oldest_ms`. Rows are sorted by time, those without one first.
fn expired_rows(view: &SegmentView<'_>, oldest_ms: i64) -> usize {
    let first_at = |time_ms: i64| {
        let (mut low, mut high) = (0, view.row_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if view.time_ms(middle) < time_ms { low = middle + 1 } else { high = middle }
        }
        low
    };
    first_at(oldest_ms) - first_at(NO_TIME.saturating_add(1)).min(first_at(oldest_ms))
}

/// So many days, in ms.
#[must_use]
pub fn days_ms(days: u32) -> i64 {
    i64::from(days) * 86_400_000
}

//! Logs into segments: one thread reads and unpacks, all threads parse and sketch, one takes in and seals.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3Builder;

use super::compact::file_identity;
use super::graph::{choose_sketches, tell_graph};
use super::lines::{self, ReadLine, Taken};
use super::{Progress, TextCache};
use crate::corpus::builder::SegmentBuilder;
use crate::corpus::graphs::GraphTask;
use crate::corpus::prepare::{PrepareScratch, Preparer};
use crate::corpus::snapshot::{Snapshot, check_keys};
use crate::error::{Error, LineError, Result};
use crate::key::{Keys, hex};
use crate::num::u64_of;
use crate::request::parse::{self, ParseOptions};
use crate::request::source::{Batch, LineReader};
use crate::simd::Kernels;
use crate::sketch::spec::Spec;
use crate::store::fs::Fs;
use crate::store::manifest::{GraphChoice, Inputs, Manifest, SegmentEntry};
use crate::store::segment::FileKind;
use crate::store::{Maintainer, Store};

/// Lines of one batch: enough for every thread to find work, few enough to stop soon.
const BATCH_LINES: usize = 8192;
/// Bytes of one batch.
const BATCH_BYTES: usize = 8 << 20;
/// Batches read ahead.
const AHEAD: usize = 2;
/// Bad lines that are told one by one; the rest are counted.
const SAMPLES_MAX: usize = 20;

/// How to index.
#[derive(Debug, Clone)]
pub struct IndexOptions {
    /// Stop at the first line that cannot be used.
    pub strict: bool,
    /// Seal a segment at this many requests.
    pub segment_requests: usize,
    /// Seal a segment at about this many bytes of memory.
    pub segment_bytes: usize,
    /// Which graphs new segments get from now on; `None` leaves it as the store has it.
    pub graph: Option<GraphChoice>,
    /// How lines are read.
    pub parse: ParseOptions,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            strict: false,
            segment_requests: 1 << 18,
            segment_bytes: 384 << 20,
            graph: None,
            parse: ParseOptions::default(),
        }
    }
}

/// Lines that could not be used.
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub samples: Vec<SkippedLine>,
}

/// One line that could not be used.
#[derive(Debug, Clone)]
pub struct SkippedLine {
    /// The log.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: LineError,
}

impl std::fmt::Display for SkippedLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl Skipped {
    pub(super) fn add(&mut self, file: &str, line: u64, reason: LineError) {
        self.count += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(SkippedLine { file: file.to_owned(), line, reason });
        }
    }
}

/// What one log gave.
#[derive(Debug, Clone, Default)]
pub struct LogCount {
    /// The log.
    pub file: String,
    /// Requests taken in.
    pub requests: u64,
    /// Requests that were there already.
    pub repeated: u64,
    /// Lines that could not be used.
    pub skipped: u64,
}

/// What a run of indexing did.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Counts of this run.
    pub inputs: Inputs,
    /// The same, log by log.
    pub logs: Vec<LogCount>,
    /// Lines that could not be used.
    pub skipped: Skipped,
    /// Parts left out because they tell an earlier turn of a conversation again.
    pub parts_known: u64,
    /// Whether the caller stopped it.
    pub interrupted: bool,
}

/// Opens the store in `dir` for change, making store and key where there is none. A key is never made for a store that
/// exists, since it would not fit.
/// # Errors
/// [`Error::Key`], [`Error::SpecMismatch`], [`Error::Locked`], [`Error::Io`].
pub fn open_or_create(dir: &Path, key_path: &Path, spec: Spec, fs: Arc<dyn Fs>) -> Result<(Maintainer, Keys)> {
    let exists = Store::exists(dir, fs.as_ref());
    let keys = if exists || key_path.exists() { Keys::load(key_path)? } else { Keys::create(key_path)? };
    let first = || Manifest::empty(keys.epoch(), hex(&keys.check()), hex(&spec.encode()));
    let maintainer = Maintainer::open(dir, fs, first)?;
    check_keys(maintainer.store().manifest(), &keys, key_path)?;
    let found = &maintainer.store().manifest().spec;
    if *found != hex(&spec.encode()) {
        return Err(Error::SpecMismatch {
            what: format!("the store was made under spec {found}, this call asks for {}", hex(&spec.encode())),
        });
    }
    Ok((maintainer, keys))
}

/// Reads `logs` into the store. Every segment that is sealed is acknowledged: it is durable from then on.
/// # Errors
/// [`Error::Io`] when a log or the store fails; [`Error::Line`] with [`IndexOptions::strict`]. What was acknowledged stays.
pub fn index(
    maintainer: &mut Maintainer,
    preparer: &Preparer,
    kernels: Kernels,
    logs: &[PathBuf],
    options: &IndexOptions,
    texts: &mut TextCache,
    progress: &dyn Progress,
) -> Result<Summary> {
    choose_sketches(maintainer, preparer, options.graph)?;
    let mut run = Run {
        builder: SegmentBuilder::default(),
        fresh: HashSet::default(),
        asked: HashSet::default(),
        snapshot: Snapshot::open(maintainer.store())?,
        maintainer,
        preparer,
        kernels,
        options,
        texts,
        progress,
        summary: Summary::default(),
        recorded: Inputs::default(),
    };
    // A log that is not there is found before the first is read.
    let readers = logs.iter().map(|log| options.parse.open(log)).collect::<Result<Vec<_>>>()?;
    let mut result = Ok(());
    for (reader, log) in readers.into_iter().zip(logs) {
        let name = preparer.keys().seal("log name", log.display().to_string().as_bytes());
        run.summary.inputs.logs.push(hex(&name));
        run.summary.logs.push(LogCount { file: log.display().to_string(), ..LogCount::default() });
        result = run.read(reader);
        if result.is_err() || run.summary.interrupted {
            break;
        }
    }
    // Whatever ended the reading, what was read is kept.
    run.seal()?;
    result.map(|()| run.summary)
}

struct Run<'a> {
    builder: SegmentBuilder,
    fresh: HashSet<u128, Xxh3Builder>,
    /// Turns that requests of the segment in the making ask.
    asked: HashSet<u64, Xxh3Builder>,
    snapshot: Snapshot,
    maintainer: &'a mut Maintainer,
    preparer: &'a Preparer,
    kernels: Kernels,
    options: &'a IndexOptions,
    texts: &'a mut TextCache,
    progress: &'a dyn Progress,
    summary: Summary,
    recorded: Inputs,
}

impl Run<'_> {
    fn read(&mut self, mut reader: LineReader) -> Result<()> {
        let name = reader.name().to_owned();
        let total = reader.total_bytes();
        let (full, batches) = crossbeam::channel::bounded::<Result<(Batch, u64)>>(AHEAD);
        crossbeam::thread::scope(|scope| {
            scope.spawn(move |_| {
                loop {
                    let mut batch = Batch::default();
                    let message = match reader.next_batch(BATCH_LINES, BATCH_BYTES, &mut batch) {
                        Ok(0) if batch.skipped().is_empty() => break,
                        Ok(_) => Ok((batch, reader.consumed_bytes())),
                        Err(error) => {
                            if !batch.is_empty() && full.send(Ok((batch, reader.consumed_bytes()))).is_err() {
                                break;
                            }
                            Err(error)
                        }
                    };
                    let failed = message.is_err();
                    // The receiver is gone when the job stops early.
                    if full.send(message).is_err() || failed {
                        break;
                    }
                }
            });
            for message in &batches {
                let (batch, consumed) = message.or_else(|error| self.broken_stream(&name, error))?;
                self.take_batch(&name, &batch)?;
                self.tell(&name, consumed, total);
                if self.progress.should_stop() {
                    self.summary.interrupted = true;
                    break;
                }
            }
            Ok(())
        })
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A damaged stream ends its log: a bad line like any other, unless the caller is strict.
    fn broken_stream(&mut self, name: &str, error: Error) -> Result<(Batch, u64)> {
        match error {
            Error::Line { line, reason, .. } if !self.options.strict => {
                self.skip(name, line, reason);
                Ok((Batch::default(), 0))
            }
            error => Err(error),
        }
    }

    fn tell(&self, name: &str, consumed: u64, total: Option<u64>) {
        let share =
            total.filter(|total| *total > 0).map_or(String::new(), |total| format!(" {} %", consumed * 100 / total));
        let requests = self.summary.inputs.requests;
        self.progress.step(&format!("{name}{share}: {requests} requests, {} repeated", self.summary.inputs.repeated));
    }

    fn take_batch(&mut self, name: &str, batch: &Batch) -> Result<()> {
        for (line, reason) in batch.skipped() {
            if self.options.strict {
                return Err(Error::Line { file: name.to_owned(), line: *line, reason: reason.clone() });
            }
            self.skip(name, *line, reason.clone());
        }
        let read = self.parse_batch(batch);
        for (number, taken) in self.sketch_batch(batch, read)? {
            match taken {
                Ok(taken) => {
                    self.summary.inputs.lines += u64::from(!taken.is_empty());
                    for (taken, sealed) in taken {
                        self.take(taken, sealed)?;
                    }
                }
                Err(reason) if self.options.strict => {
                    return Err(Error::Line { file: name.to_owned(), line: number, reason });
                }
                Err(reason) => {
                    self.summary.inputs.lines += 1;
                    self.skip(name, number, reason);
                }
            }
        }
        if self.builder.len() >= self.options.segment_requests || self.builder.bytes() >= self.options.segment_bytes {
            self.seal()?;
        }
        Ok(())
    }

    /// Parses the lines of a batch, and remembers the turns that their requests ask.
    fn parse_batch(&mut self, batch: &Batch) -> Vec<ReadLine> {
        let (preparer, options) = (self.preparer, &self.options.parse);
        let read: Vec<ReadLine> = (0..batch.len())
            .into_par_iter()
            .map_init(parse::Scratch::default, |scratch, index| {
                let (number, bytes) = batch.get(index).map_or((0, &[][..]), |line| (line.number, line.bytes));
                ReadLine { number, outcome: lines::read(bytes, preparer, options, scratch) }
            })
            .collect();
        // Nothing behind the line that a strict reader stops at gets in.
        let taken_in = read.iter().take_while(|line| !self.options.strict || line.outcome.is_ok());
        let requests = taken_in.flat_map(|line| line.outcome.iter().flatten());
        self.asked.extend(requests.flat_map(|request| &request.turns.asked).copied());
        read
    }

    /// Sketches what was parsed; of each request, whether a sealed segment holds it.
    #[expect(clippy::type_complexity, reason = "line number, then requests beside whether they are sealed, or why not")]
    fn sketch_batch(
        &self,
        batch: &Batch,
        read: Vec<ReadLine>,
    ) -> Result<Vec<(u64, std::result::Result<Vec<(Taken, bool)>, LineError>)>> {
        let views = self.snapshot.views()?;
        let (preparer, texts) = (self.preparer, &*self.texts);
        let is_known = |turn: u64| self.asked.contains(&turn) || self.snapshot.asks(&views, turn);
        let is_sealed = |taken: &Taken| views.iter().any(|view| view.row_of(taken.request.identity).is_some());
        let sketched = read.into_par_iter().enumerate().map_init(PrepareScratch::default, |scratch, (index, read)| {
            let line = batch.get(index).map_or(&[][..], |line| line.bytes);
            let taken = read.outcome.map(|requests| {
                let taken = lines::sketch(line, requests, preparer, texts, &is_known, scratch);
                taken
                    .into_iter()
                    .map(|taken| (is_sealed(&taken), taken))
                    .map(|(sealed, taken)| (taken, sealed))
                    .collect()
            });
            (read.number, taken)
        });
        Ok(sketched.collect())
    }

    fn skip(&mut self, name: &str, line: u64, reason: LineError) {
        self.summary.inputs.skipped += 1;
        self.log().skipped += 1;
        self.summary.skipped.add(name, line, reason);
    }

    fn log(&mut self) -> &mut LogCount {
        self.summary.logs.last_mut().expect("a log is entered before it is read")
    }

    /// Takes one request in, unless a sealed segment or the one in the making holds it.
    fn take(&mut self, taken: Taken, sealed: bool) -> Result<()> {
        // Texts of requests that are known already serve too: so a log read again renders skeletons anew.
        for (fingerprint, text) in taken.texts {
            self.texts.insert(fingerprint, &text);
        }
        if sealed || !self.fresh.insert(taken.request.identity) {
            self.summary.inputs.repeated += 1;
            self.log().repeated += 1;
            return Ok(());
        }
        self.summary.inputs.requests += 1;
        self.summary.parts_known += taken.parts_known;
        self.log().requests += 1;
        self.summary.inputs.media_skipped += u64::from(taken.media_skipped);
        self.summary.inputs.unattributed += u64::from(!taken.attributed);
        self.builder.push(taken.request)
    }

    /// Seals what is in memory as a segment and publishes it.
    fn seal(&mut self) -> Result<()> {
        let counts_changed = self.summary.inputs != self.recorded;
        if self.builder.is_empty() && !counts_changed {
            return Ok(());
        }
        let mut manifest = self.maintainer.store().manifest().clone();
        if !self.builder.is_empty() {
            self.progress.step(&format!("sealing {} requests", self.builder.len()));
            let spec = self.preparer.spec();
            let requests = u64_of(self.builder.len());
            let (file, mut writer) =
                self.maintainer.create(FileKind::Segment, file_identity(self.preparer.keys(), spec))?;
            let progress = self.progress;
            let mut task = GraphTask { choice: manifest.graph, progress: &mut |at| tell_graph(progress, at) };
            std::mem::take(&mut self.builder).seal(self.preparer.keys(), self.kernels, &mut task, &mut writer)?;
            writer.finish()?;
            manifest.segments.push(SegmentEntry { file, requests, tombstones: None });
        }
        record(&mut manifest.inputs, &self.summary.inputs, &self.recorded);
        self.maintainer.publish(manifest)?;
        self.recorded = self.summary.inputs.clone();
        self.fresh.clear();
        self.asked.clear();
        self.snapshot = Snapshot::open(self.maintainer.store())?;
        Ok(())
    }
}

/// Adds to `total` what `now` counts beyond `before`.
fn record(total: &mut Inputs, now: &Inputs, before: &Inputs) {
    total.lines += now.lines - before.lines;
    total.requests += now.requests - before.requests;
    total.repeated += now.repeated - before.repeated;
    total.skipped += now.skipped - before.skipped;
    total.media_skipped += now.media_skipped - before.media_skipped;
    total.unattributed += now.unattributed - before.unattributed;
    for log in &now.logs {
        if !total.logs.contains(log) {
            total.logs.push(log.clone());
        }
    }
}

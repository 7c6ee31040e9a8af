//! Records what passes: one log and one table of recent traffic for each process, shared by its threads.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::forming::Forming;
use super::logs::Logs;
use super::reader::{Deadline, Piece, QueryOptions, Reader, Scratch, State};
use super::recent::{Recent, Sighting};
use crate::corpus::builder::{PreparedPart, PreparedRequest};
use crate::corpus::prepare::{CodeSource, Preparer};
use crate::corpus::snapshot::check_codes;
use crate::corpus::turns::RequestTurns;
use crate::corpus::{ACCUSABLE, LEVELS, Level, OriginNames, observation};
use crate::error::{Error, Result};
use crate::limits;
use crate::num::{low8, low64, u32_saturating};
use crate::request::PartKind;
use crate::sketch::EmbeddingCode;
use crate::sketch::minhash::Signature;
use crate::store::segment::Identity;
use crate::store::wal::{self, Log};
use crate::verdict::{Depth, Verdict};

/// When an observation counts as recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// At once, in memory; it is handed to the system when 64 KB or [`WriterOptions::delay_ms`] have passed, and at the
    /// latest when the writer is closed. A process that is killed loses what it had not handed over.
    #[default]
    Buffered,
    /// When it is handed to the system, before the call returns: a killed process loses nothing. With the next
    /// [`Writer::commit`], which a host calls on a timer, it survives the loss of power too.
    Group,
    /// When it is on the disk, before the call returns. Threads that observe at once share a sync.
    Synced,
}

/// How a process records.
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// When an observation counts as recorded.
    pub durability: Durability,
    /// Milliseconds that a buffered observation waits at most for the next one to hand it over.
    pub delay_ms: u64,
    /// Bytes after which the process begins another log, so that the maintainer can remove the old one.
    pub wal_bytes_max: u64,
    /// What embedding codes are made by. A verdict has no use for them and a new text of 4 KB costs some 10 us more with
    /// them, so a gateway makes none by default: then `near --by code` does not find what it alone recorded.
    pub codes: CodeSource,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { durability: Durability::Buffered, delay_ms: 100, wal_bytes_max: 64 << 20, codes: CodeSource::None }
    }
}

/// One request as a gateway knows it beside its text. All names are opaque; longer ones than 1024 bytes are cut.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// The gateway's own id of the request. With it, the same request in a log that is indexed counts once.
    pub id: Option<String>,
    /// Unix time in ms; `None` is now.
    pub time_ms: Option<i64>,
    /// Who sent it and from where, by [`crate::corpus::Level`].
    pub origin: OriginNames,
}

/// What recording a request gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// What was known of it before.
    pub verdict: Verdict,
    /// Its sequence in the log of this process; 0 where it was not recorded.
    pub sequence: u64,
}

/// The recorder of one process.
#[derive(Debug)]
pub struct Writer {
    reader: Arc<Reader>,
    options: WriterOptions,
    owner: u32,
    preparer: Arc<Preparer>,
    logs: Logs,
    recent: Recent,
    forming: Forming,
    /// The manifest up to which recent traffic was forgotten.
    seen_manifest: AtomicU64,
    observed: AtomicU64,
    not_recorded: AtomicU64,
}

impl Writer {
    /// Opens a recorder for this process on the store of `reader`.
    /// # Errors
    /// [`Error::Key`] when the reader has no key (see [`Reader::trouble`]); [`Error::SpecMismatch`] when the store's codes
    /// are made by something else than [`WriterOptions::codes`]; [`Error::Io`].
    pub fn open(reader: Arc<Reader>, options: WriterOptions) -> Result<Self> {
        reader.refresh();
        let preparer = reader.state().and_then(|state| state.preparer().cloned()).ok_or_else(|| Error::Key {
            path: reader.key_path().to_path_buf(),
            reason: format!("no key and store to record for: {}", reader.trouble().join("; ")),
        })?;
        if let (Some(origin), Some(state)) = (options.codes.origin(), reader.state()) {
            check_codes(state.sealed().map_or("", |sealed| sealed.manifest().codes.as_str()), origin)?;
        }
        #[cfg(feature = "model")]
        if options.codes == CodeSource::Model {
            let reason = "a gateway makes no codes of a model; give them with observe_with_codes".to_owned();
            return Err(Error::InvalidArgument { argument: "codes", reason });
        }
        let owner = std::process::id();
        let current = new_log(&reader, &preparer, owner, true)?;
        let logs = Logs::new(Arc::clone(reader.fs()), reader.dir().join(wal::DIR), current);
        Ok(Self {
            reader,
            options,
            owner,
            preparer,
            logs,
            recent: Recent::default(),
            forming: Forming::default(),
            seen_manifest: AtomicU64::new(0),
            observed: AtomicU64::new(0),
            not_recorded: AtomicU64::new(0),
        })
    }

    /// What makes this store's sketches; for [`Preparer::code_of_vector`].
    #[must_use]
    pub fn preparer(&self) -> &Preparer {
        &self.preparer
    }

    /// The reader whose store this records for.
    #[must_use]
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Requests observed, and those among them that could not be recorded.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.observed.load(Ordering::Relaxed), self.not_recorded.load(Ordering::Relaxed))
    }

    /// Says what is known of a request made of `pieces`, and records it. Each piece is sketched once for both.
    /// # Errors
    /// [`Error::WrongProcess`] after a fork. Whatever keeps the request from being recorded ([`Error::Busy`],
    /// [`Error::Poisoned`], [`Error::Io`]) comes beside the verdict.
    pub fn observe(
        &self,
        envelope: Envelope,
        pieces: &[Piece<'_>],
        options: QueryOptions,
    ) -> Result<(Observed, Option<Error>)> {
        self.observe_with_codes(envelope, pieces, &[], options)
    }

    /// As [`Writer::observe`], for a caller who embeds texts itself: `codes` has the code of each piece, or none where it is
    /// shorter; [`Preparer::code_of_vector`] makes one of a vector.
    /// # Errors
    /// As [`Writer::observe`]; [`Error::InvalidArgument`] for codes without [`CodeSource::Caller`] in the options.
    pub fn observe_with_codes(
        &self,
        envelope: Envelope,
        pieces: &[Piece<'_>],
        codes: &[EmbeddingCode],
        options: QueryOptions,
    ) -> Result<(Observed, Option<Error>)> {
        self.observe_by(envelope, pieces, codes, Deadline::new(options.deadline_us))
    }

    /// The same against a clock that runs already.
    pub(super) fn observe_by(
        &self,
        envelope: Envelope,
        pieces: &[Piece<'_>],
        codes: &[EmbeddingCode],
        deadline: Deadline,
    ) -> Result<(Observed, Option<Error>)> {
        self.check_process()?;
        if !codes.is_empty() && self.options.codes != CodeSource::Caller {
            return Err(Error::InvalidArgument {
                argument: "codes",
                reason: "the writer was not opened with the caller as source of codes".to_owned(),
            });
        }
        self.reader.refresh_in_time();
        let Some(state) = self.reader.state() else {
            let verdict = Verdict { store_damaged: true, ..Verdict::default() };
            return Ok((Observed { verdict, sequence: 0 }, None));
        };
        self.forget_sealed(&state);
        let mut scratch = self.reader.scratch();
        let pieces = pieces.get(..limits::PARTS_MAX).unwrap_or(pieces);
        let (parts, depth) = self.sketch(pieces, codes, deadline, &mut scratch);
        let (mut verdict, unknown) = self.reader.verdict_of_parts(&state, &parts, deadline, &mut scratch, &self.recent);
        verdict.depth = verdict.depth.max(depth);
        let account = account_of(&envelope, &self.preparer);
        if let Some(part) = unknown {
            let anchors = scratch.prepare.anchors_of(part.fingerprint, &part.anchors);
            verdict.family = self.forming.observe(anchors, part.kind.class(), low64(part.fingerprint), account);
        }
        self.reader.give_back(scratch);
        let number = self.observed.fetch_add(1, Ordering::Relaxed);
        let recorded = self.record(envelope, parts, account, number);
        if recorded.is_err() {
            self.not_recorded.fetch_add(1, Ordering::Relaxed);
        }
        let (sequence, error) = recorded.map_or_else(|error| (0, Some(error)), |sequence| (sequence, None));
        Ok((Observed { verdict, sequence }, error))
    }

    /// Sketches the pieces that there is time for: those a verdict ranks first come first.
    fn sketch(
        &self,
        pieces: &[Piece<'_>],
        codes: &[EmbeddingCode],
        deadline: Deadline,
        scratch: &mut Scratch,
    ) -> (Vec<PreparedPart>, Depth) {
        let mut depth = Depth::Full;
        let mut parts: Vec<Option<PreparedPart>> = pieces.iter().map(|_| None).collect();
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        order.sort_by_key(|at| rank(pieces[*at].kind));
        for (done, at) in order.into_iter().enumerate() {
            let piece = &pieces[at];
            if deadline.hopeless(piece.text.len()) || (done > 0 && deadline.passed()) {
                depth = if done == 0 { Depth::Skipped } else { depth.max(Depth::Near) };
                continue;
            }
            scratch.note_text(piece.text.len());
            let mut part = self.preparer.text(piece.kind, piece.text, &mut scratch.prepare);
            part.code = match self.options.codes {
                CodeSource::None => EmbeddingCode::EMPTY.0,
                CodeSource::BuiltIn => self.preparer.code(&scratch.prepare).0,
                // Refused when the writer was opened.
                #[cfg(feature = "model")]
                CodeSource::Model => EmbeddingCode::EMPTY.0,
                CodeSource::Caller => codes.get(at).map_or(EmbeddingCode::EMPTY.0, |code| code.0),
            };
            parts[at] = Some(part);
        }
        (parts.into_iter().flatten().collect(), depth)
    }

    /// Records the request that is `number` of this process.
    fn record(&self, envelope: Envelope, parts: Vec<PreparedPart>, account: Option<u64>, number: u64) -> Result<u64> {
        let keys = self.preparer.keys();
        let (log, base) = self.logs.current();
        let time_ms = envelope.time_ms.unwrap_or_else(now_ms);
        let identity = match &envelope.id {
            Some(id) => keys.identity(true, id.as_bytes()),
            // Two requests without id may say the same in the same millisecond; the log's name is drawn at random.
            None => keys.identity(false, format!("{} {number} {time_ms}", log.name()).as_bytes()),
        };
        let first = parts.iter().min_by_key(|part| rank(part.kind));
        let seen = first.map(|part| (part.fingerprint, part.kind.class(), part.signature, part.is_empty));
        // A streamed body is reduced before its turns could be hashed: the gateway tells no conversation.
        let turns = RequestTurns::default();
        let request = PreparedRequest { identity, id: envelope.id, time_ms, origin: envelope.origin, parts, turns };
        let sequence = log.push(observation::KIND, &observation::seal(&request, keys))?;
        if let Some((fingerprint, class, signature, false)) = seen {
            let time_ms = Some(time_ms);
            let sighting = Sighting { fingerprint, class, signature: &signature, account, time_ms };
            self.recent.insert(&sighting, base + sequence, self.reader.kernels());
        }
        match self.options.durability {
            Durability::Buffered => log.flush_if_due(Duration::from_millis(self.options.delay_ms))?,
            Durability::Group => log.flush()?,
            Durability::Synced => log.commit(sequence)?,
        }
        if log.bytes() >= self.options.wal_bytes_max {
            let in_path = self.options.durability == Durability::Synced;
            self.logs.replace(&log, new_log(&self.reader, &self.preparer, self.owner, in_path)?, in_path)?;
        } else if !self.logs.is_current(&log) {
            // Another thread put it aside meanwhile: nobody comes by to hand over what is left in it.
            log.flush()?;
        }
        Ok(base + sequence)
    }

    /// Returns when everything observed before the call is on the disk.
    /// # Errors
    /// [`Error::WrongProcess`], [`Error::Io`], [`Error::Poisoned`].
    pub fn commit(&self) -> Result<()> {
        self.check_process()?;
        self.logs.commit()
    }

    /// Hands everything observed before the call to the system.
    /// # Errors
    /// [`Error::WrongProcess`], [`Error::Io`], [`Error::Poisoned`].
    pub fn flush(&self) -> Result<()> {
        self.check_process()?;
        self.logs.current().0.flush()
    }

    /// The file of the log in use.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.logs.path()
    }

    /// Forgets recent traffic that the segments of a new manifest hold.
    fn forget_sealed(&self, state: &State) {
        let Some(manifest) = state.sealed().map(|sealed| sealed.manifest()) else { return };
        if self.seen_manifest.swap(manifest.sequence, Ordering::Relaxed) == manifest.sequence {
            return;
        }
        self.recent.sealed_up_to(self.logs.sealed_by(manifest));
    }

    fn check_process(&self) -> Result<()> {
        if std::process::id() == self.owner { Ok(()) } else { Err(Error::WrongProcess { owner: self.owner }) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A child has a copy of the parent's buffer; what the parent will write must not be written twice.
        if self.check_process().is_ok() {
            drop(self.flush());
        }
    }
}

/// Begins a log; its name is durable with `is_synced`.
fn new_log(reader: &Reader, preparer: &Preparer, pid: u32, is_synced: bool) -> Result<Log> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| Error::Io {
        op: "draw a random name for",
        path: reader.dir().join(wal::DIR),
        source: std::io::Error::other(error.to_string()),
    })?;
    let keys = preparer.keys();
    let identity = Identity { spec: preparer.spec().encode(), key_check: keys.check(), key_epoch: keys.epoch() };
    Log::create(reader.fs().as_ref(), reader.dir(), identity, pid, u64::from_le_bytes(random), is_synced)
}

/// The order in which parts decide a verdict; less is first.
pub(super) const fn rank(kind: PartKind) -> u8 {
    match kind {
        PartKind::LastUser => 0,
        PartKind::FirstUser => 1,
        PartKind::Prompt => 2,
        PartKind::System => 3,
        PartKind::Injected => 4,
        PartKind::Tools => 5,
        PartKind::ToolResult => 6,
        PartKind::Shape => 7,
    }
}

/// A keyed number of the account that can be accused.
fn account_of(envelope: &Envelope, preparer: &Preparer) -> Option<u64> {
    let name = |level: &Level| Some((level.index(), envelope.origin[level.index()].as_deref()?));
    let (level, name) = ACCUSABLE.iter().find_map(name)?;
    Some(low64(preparer.keys().name(low8(u32_saturating(level)), name)))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

const _: () = assert!(LEVELS == 10, "an envelope names every level");

/// The signature of a prepared part.
pub(super) fn signature_of(part: &PreparedPart) -> Signature {
    if part.is_empty { Signature::EMPTY } else { Signature(part.signature) }
}

//! The log of one writing process: append-only, acknowledged when synced, told apart from damage after a crash.
//!
//! Unsynced appends may reach the disk out of order, so a hole says nothing by itself. Each record therefore carries
//! *synced-through*, the last sequence known durable when it was written: a hole above every later record's synced-through is
//! an unacknowledged tail and is cut; a hole at or below one is acknowledged data lost, and that is damage.
//!
//! Two locks. The buffer's is held for a copy in memory; the file's is held across I/O, and nobody who only appends waits for
//! it. Whoever commits syncs for all who came before (group commit). A failed write or sync poisons the log for good.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::fs::{Fs, WriteFile};
use super::segment::Identity;
use crate::column::Value;
use crate::error::{CorruptKind, Error, Result};
use crate::num::{bytes_at, u32_at, u32_of, u64_at, u64_of, usize_of};

/// The newest log version this build reads and writes.
pub const VERSION: u32 = 1;

/// Bytes of one body at most: names, sketches and anchors of the most parts a request may have take a tenth of it.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes that wait for the disk at most; beyond it a request is not recorded, and its caller told so.
pub const WAITING_BYTES_MAX: usize = 4 << 20;

/// Bytes of a log at most; a writer begins another one long before.
pub const LOG_BYTES_MAX: usize = 1 << 30;

/// Bytes at which the buffer is handed to the system without waiting for its delay.
const FLUSH_BYTES: usize = 64 << 10;

const MAGIC: [u8; 8] = *b"PPWAL\x1a\n\x00";
const FILE_HEADER_BYTES: usize = 64;
const RECORD_HEADER_BYTES: usize = 32;
const ALIGN: usize = 8;

/// The folder of the logs, inside the store's.
pub const DIR: &str = "logs";

/// The log of this process, shared by its threads.
#[derive(Debug)]
pub struct Log {
    name: String,
    path: PathBuf,
    id: u64,
    buffer: Mutex<Buffer>,
    file: Mutex<Output>,
    written: AtomicU64,
    synced: AtomicU64,
    bytes: AtomicU64,
    poisoned: AtomicBool,
}

#[derive(Debug, Default)]
struct Buffer {
    records: Vec<u8>,
    /// The last sequence given out.
    sequence: u64,
    oldest: Option<Instant>,
}

#[derive(Debug)]
struct Output {
    file: Box<dyn WriteFile>,
    /// Swapped with the buffer, so that neither is allocated anew.
    spare: Vec<u8>,
}

impl Log {
    /// Begins the log `PID-RANDOM.wal` of the store in `store_dir`; with `is_synced` its name is durable when this returns.
    /// # Errors
    /// [`Error::Io`].
    pub fn create(
        fs: &dyn Fs,
        store_dir: &Path,
        identity: Identity,
        pid: u32,
        random: u64,
        is_synced: bool,
    ) -> Result<Self> {
        let dir = store_dir.join(DIR);
        fs.create_dir(&dir)?;
        let name = format!("{pid}-{random:016x}.wal");
        let path = dir.join(&name);
        let mut file = fs.create_log(&path)?;
        file.append(&file_header(identity, random))?;
        if is_synced {
            file.sync()?;
            fs.sync_dir(&dir)?;
        }
        Ok(Self {
            name,
            path,
            id: random,
            buffer: Mutex::default(),
            file: Mutex::new(Output { file, spare: Vec::new() }),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            bytes: AtomicU64::new(u64_of(FILE_HEADER_BYTES)),
            poisoned: AtomicBool::new(false),
        })
    }

    /// The name of its file in the folder of logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes given to the log so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The last sequence that is surely on the disk.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// The last sequence given out.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.buffer().sequence
    }

    /// Appends one record to the buffer and returns its sequence, counted from 1. Waits for nothing but memory.
    /// # Errors
    /// [`Error::Busy`] when the disk does not keep up; [`Error::LimitExceeded`] for a body that is too long;
    /// [`Error::Poisoned`].
    pub fn push(&self, kind: u32, body: &[u8]) -> Result<u64> {
        self.check()?;
        let length = u32_of(body.len()).filter(|_| body.len() <= BODY_BYTES_MAX).ok_or(Error::LimitExceeded {
            limit: "bytes of one log record",
            got: u64_of(body.len()),
            max: u64_of(BODY_BYTES_MAX),
        })?;
        let synced_through = self.synced();
        let mut buffer = self.buffer();
        if buffer.records.len() + body.len() > WAITING_BYTES_MAX {
            return Err(Error::Busy { path: self.path.clone() });
        }
        buffer.sequence += 1;
        let sequence = buffer.sequence;
        let before = buffer.records.len();
        put_record(&mut buffer.records, self.id, Record { sequence, synced_through, kind, length }, body);
        let added = buffer.records.len() - before;
        if buffer.oldest.is_none() {
            buffer.oldest = Some(Instant::now());
        }
        drop(buffer);
        self.bytes.fetch_add(u64_of(added), Ordering::Relaxed);
        Ok(sequence)
    }

    /// Hands the buffer to the system when it is full or `delay` old, unless another thread is at the disk already.
    /// # Errors
    /// [`Error::Io`], [`Error::Poisoned`].
    pub fn flush_if_due(&self, delay: Duration) -> Result<()> {
        let buffer = self.buffer();
        let is_due = buffer.records.len() >= FLUSH_BYTES || buffer.oldest.is_some_and(|since| since.elapsed() >= delay);
        drop(buffer);
        if !is_due {
            return Ok(());
        }
        match self.file.try_lock() {
            Ok(mut output) => self.write(&mut output).map(|_| ()),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Poisoned(output)) => self.write(&mut output.into_inner()).map(|_| ()),
        }
    }

    /// Hands everything to the system: it survives the end of this process, though not of the machine.
    /// # Errors
    /// [`Error::Io`], [`Error::Poisoned`].
    pub fn flush(&self) -> Result<()> {
        self.write(&mut self.output()).map(|_| ())
    }

    /// Returns when every record up to `sequence` is on the disk. Threads that commit at once share one sync.
    /// # Errors
    /// [`Error::Io`]; the log is poisoned then, and no later call retries.
    pub fn commit(&self, sequence: u64) -> Result<()> {
        if self.synced() >= sequence {
            return Ok(());
        }
        let mut output = self.output();
        if self.synced() >= sequence {
            return Ok(());
        }
        let written = self.write(&mut output)?;
        self.keep(output.file.sync_data())?;
        self.synced.store(written, Ordering::Release);
        Ok(())
    }

    fn write(&self, output: &mut Output) -> Result<u64> {
        self.check()?;
        let mut buffer = self.buffer();
        std::mem::swap(&mut buffer.records, &mut output.spare);
        buffer.oldest = None;
        let sequence = buffer.sequence;
        drop(buffer);
        if !output.spare.is_empty() {
            self.keep(output.file.append(&output.spare))?;
            output.spare.clear();
        }
        self.written.store(sequence, Ordering::Release);
        Ok(sequence)
    }

    fn check(&self) -> Result<()> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Error::Poisoned { path: self.path.clone() });
        }
        Ok(())
    }

    /// Poisons the log when a write failed: what reached the disk is unknown, so it is never tried again.
    fn keep(&self, result: Result<()>) -> Result<()> {
        if result.is_err() {
            self.poisoned.store(true, Ordering::Release);
        }
        result
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The fixed part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    sequence: u64,
    synced_through: u64,
    kind: u32,
    length: u32,
}

fn put_record(out: &mut Vec<u8>, id: u64, record: Record, body: &[u8]) {
    let start = out.len();
    record.length.write(out);
    body_checksum(id, record, body).write(out);
    record.sequence.write(out);
    record.synced_through.write(out);
    record.kind.write(out);
    let header = out.get(start..).unwrap_or_default();
    header_checksum(id, header).write(out);
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(ALIGN), 0);
}

fn header_checksum(id: u64, fields: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.to_le_bytes()), fields)
}

fn body_checksum(id: u64, record: Record, body: &[u8]) -> u32 {
    let mut sum = crc32c::crc32c(&id.to_le_bytes());
    sum = crc32c::crc32c_append(sum, &record.sequence.to_le_bytes());
    crc32c::crc32c_append(sum, body)
}

fn file_header(identity: Identity, id: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(FILE_HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    VERSION.write(&mut header);
    identity.key_epoch.write(&mut header);
    header.extend_from_slice(&identity.spec);
    header.extend_from_slice(&identity.key_check);
    id.write(&mut header);
    header.resize(FILE_HEADER_BYTES - 4, 0);
    crc32c::crc32c(&header).write(&mut header);
    header
}

/// A log as it was found.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Spec and key it was written under.
    pub identity: Identity,
    /// Its records: sequence, kind, body; sequences rise by one from 1.
    pub records: Vec<(u64, u32, &'a [u8])>,
    /// Bytes behind the last whole record: what a crash left of unacknowledged records, or a record being written just now.
    pub cut_bytes: usize,
}

/// Reads the bytes of the log at `path`; `None` for a log whose writer ended before it had a header.
/// # Errors
/// [`Error::Corrupt`] for acknowledged records that are not there; [`Error::IncompatibleFormat`].
pub fn read<'a>(bytes: &'a [u8], path: &Path) -> Result<Option<Contents<'a>>> {
    let corrupt = |offset: usize, kind| Error::corrupt(path, u64_of(offset), kind);
    if bytes.len() < FILE_HEADER_BYTES {
        return Ok(None);
    }
    if bytes.get(..8) != Some(MAGIC.as_slice()) {
        return Err(corrupt(0, CorruptKind::Magic));
    }
    let version = u32_at(bytes, 8).unwrap_or(0);
    if version != VERSION {
        return Err(Error::IncompatibleFormat { path: path.to_path_buf(), found: version, supported: VERSION });
    }
    let sum = crc32c::crc32c(bytes.get(..FILE_HEADER_BYTES - 4).unwrap_or_default());
    if u32_at(bytes, FILE_HEADER_BYTES - 4) != Some(sum) {
        return Err(corrupt(0, CorruptKind::Checksum));
    }
    let field = || corrupt(0, CorruptKind::Truncated);
    let identity = Identity {
        key_epoch: u32_at(bytes, 12).ok_or_else(field)?,
        spec: bytes_at(bytes, 16).ok_or_else(field)?,
        key_check: bytes_at(bytes, 32).ok_or_else(field)?,
    };
    let id = u64_at(bytes, 40).ok_or_else(field)?;
    let mut records = Vec::new();
    let (mut at, mut last) = (FILE_HEADER_BYTES, 0_u64);
    while let Some((record, body)) = record_at(bytes, at, id) {
        if record.sequence != last + 1 {
            return Err(corrupt(at, CorruptKind::Value));
        }
        last = record.sequence;
        records.push((record.sequence, record.kind, body));
        at = (at + RECORD_HEADER_BYTES + body.len()).next_multiple_of(ALIGN);
    }
    let at = at.min(bytes.len());
    // Whether the hole is an unacknowledged tail: look at every header behind it. Linear, since bodies are not looked at.
    let mut later = at;
    while later + RECORD_HEADER_BYTES <= bytes.len() {
        if header_at(bytes, later, id).is_some_and(|record| record.synced_through > last) {
            return Err(corrupt(at, CorruptKind::Truncated));
        }
        later += ALIGN;
    }
    Ok(Some(Contents { identity, records, cut_bytes: bytes.len() - at }))
}

fn header_at(bytes: &[u8], at: usize, id: u64) -> Option<Record> {
    let header: [u8; RECORD_HEADER_BYTES] = bytes_at(bytes, at)?;
    let fields = header.get(..RECORD_HEADER_BYTES - 4)?;
    if u32_at(&header, RECORD_HEADER_BYTES - 4)? != header_checksum(id, fields) {
        return None;
    }
    let record = Record {
        length: u32_at(&header, 0)?,
        sequence: u64_at(&header, 8)?,
        synced_through: u64_at(&header, 16)?,
        kind: u32_at(&header, 24)?,
    };
    (usize_of(record.length) <= BODY_BYTES_MAX).then_some(record)
}

fn record_at(bytes: &[u8], at: usize, id: u64) -> Option<(Record, &[u8])> {
    let record = header_at(bytes, at, id)?;
    let start = at + RECORD_HEADER_BYTES;
    let body = bytes.get(start..start.checked_add(usize_of(record.length))?)?;
    (u32_at(bytes, at + 4)? == body_checksum(id, record, body)).then_some((record, body))
}

#[cfg(test)]
mod tests;

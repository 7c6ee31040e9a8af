//! promptprint_writer: the recorder of one process.

use std::ffi::c_char;
use std::sync::Arc;

use engine::corpus::Level;
use engine::engine::{Durability, Envelope, Piece, Writer, WriterOptions};
use engine::request::PartKind;

use crate::boundary::{Failure, LastError, guard, guard_value};
use crate::memory::{self, Sized32};
use crate::reader::{promptprint_query_options, promptprint_reader, query_options};
use crate::status::promptprint_status;
use crate::status::promptprint_status as Status;
use crate::verdict::promptprint_verdict;

/// The recorder of one process: a log of its own in the store, and a table of what it saw lately. Opaque.
pub struct promptprint_writer {
    pub(crate) writer: Writer,
    pub(crate) last_error: LastError,
}

/// promptprint_writer_options.durability: when an observation counts as recorded.
#[repr(u32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_durability {
    /// At once, in memory; handed to the system after 64 KB or delay_ms, whichever comes first, by the observation that finds
    /// it so. A killed process loses what it had not handed over.
    PROMPTPRINT_BUFFERED = 0,
    /// Handed to the system before the call returns: a killed process loses nothing. promptprint_writer_commit, called on a
    /// timer, makes it survive the loss of power too.
    PROMPTPRINT_GROUP = 1,
    /// On the disk before the call returns. Threads that observe at once share a sync.
    PROMPTPRINT_SYNCED = 2,
}

/// How a process records. Zero is a good value for everything but struct_size.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_writer_options {
    /// sizeof(struct promptprint_writer_options).
    pub struct_size: u32,
    /// An enum promptprint_durability.
    pub durability: u32,
    /// Milliseconds a buffered observation waits at most for the next one to hand it over; 0 means 100.
    pub delay_ms: u64,
    /// Bytes after which the process begins another log; 0 means 64 MiB.
    pub wal_bytes_max: u64,
}

// SAFETY: repr(C), `struct_size` comes first, and the other fields are numbers, of which zero is a value.
unsafe impl Sized32 for promptprint_writer_options {
    const BYTES_MIN: usize = size_of::<Self>();
}

/// What a gateway knows of a request beside its text. All names are opaque bytes of UTF-8, not NUL-terminated, NULL where
/// unknown; the library keeps keyed digests and sealed copies of them, and cuts them at 1024 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_envelope {
    /// sizeof(struct promptprint_envelope).
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Unix time in ms; 0 is now.
    pub time_ms: i64,
    /// The gateway's own id of the request: with it, the same request in a log that is indexed later counts once.
    pub id: *const c_char,
    /// Bytes of id.
    pub id_bytes: usize,
    /// The caller's own user.
    pub end_user: *const c_char,
    /// Bytes of end_user.
    pub end_user_bytes: usize,
    /// The API key, or better a hash of it.
    pub key: *const c_char,
    /// Bytes of key.
    pub key_bytes: usize,
    /// The account: what can be accused. Where it is NULL the key is, and then the end user.
    pub account: *const c_char,
    /// Bytes of account.
    pub account_bytes: usize,
    /// The organisation of the account.
    pub org: *const c_char,
    /// Bytes of org.
    pub org_bytes: usize,
    /// Who pays.
    pub payer: *const c_char,
    /// Bytes of payer.
    pub payer_bytes: usize,
    /// Network address or prefix.
    pub ip: *const c_char,
    /// Bytes of ip.
    pub ip_bytes: usize,
    /// User agent.
    pub user_agent: *const c_char,
    /// Bytes of user_agent.
    pub user_agent_bytes: usize,
    /// The model asked for.
    pub model: *const c_char,
    /// Bytes of model.
    pub model_bytes: usize,
    /// Autonomous system of the address.
    pub asn: *const c_char,
    /// Bytes of asn.
    pub asn_bytes: usize,
    /// Hash of the payment means.
    pub payment: *const c_char,
    /// Bytes of payment.
    pub payment_bytes: usize,
}

// SAFETY: repr(C), `struct_size` comes first, and all fields are numbers and raw pointers, of which zero is a value.
unsafe impl Sized32 for promptprint_envelope {
    const BYTES_MIN: usize = size_of::<Self>();
}

/// promptprint_part.kind: what a piece of a request is.
#[repr(u32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_part_kind {
    /// A prompt without roles.
    PROMPTPRINT_PROMPT = 1,
    /// The first user turn of a conversation that has more than one.
    PROMPTPRINT_FIRST_USER = 2,
    /// The last user turn, or the only one.
    PROMPTPRINT_LAST_USER = 3,
    /// One system or developer block.
    PROMPTPRINT_SYSTEM = 4,
    /// The tools on offer.
    PROMPTPRINT_TOOLS = 5,
    /// The shape of the request: roles, parameters set, schema.
    PROMPTPRINT_SHAPE = 6,
    /// A tool result.
    PROMPTPRINT_TOOL_RESULT = 7,
    /// A block that a client injects into user turns.
    PROMPTPRINT_INJECTED = 8,
}

/// One piece of a request, for hosts that have parsed it already. An array of them is an argument, so its layout never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_part {
    /// An enum promptprint_part_kind.
    pub kind: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Any bytes, not NUL-terminated.
    pub text: *const c_char,
    /// Bytes of text.
    pub text_bytes: usize,
}

/// Open the recorder of this process, on the store of a reader. One for a process is enough: its threads share it.
///
/// options: NULL for the defaults.
/// out: set to a handle on PROMPTPRINT_OK; close it with promptprint_writer_close. The reader may be closed before.
///
/// Call it after fork(), in the process that records: elsewhere the handle answers PROMPTPRINT_WRONG_PROCESS. It creates and
/// syncs a file, so it takes as long as the disk does. Starts no thread.
///
/// # Safety
/// `reader` is NULL or an open handle; `options` is readable and `out` writable, or they are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_open(
    reader: *const promptprint_reader,
    options: *const promptprint_writer_options,
    out: *mut *mut promptprint_writer,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        memory::check_out(out, "out")?;
        let mut chosen = WriterOptions::default();
        if !options.is_null() {
            // SAFETY: not NULL by the line above, and so a caller's struct by the contract.
            let given = unsafe { memory::read_struct(options, "options") }?;
            chosen.durability = match given.durability {
                0 => Durability::Buffered,
                1 => Durability::Group,
                2 => Durability::Synced,
                other => {
                    let text = format!("durability {other} is none");
                    return Err(Failure::new(Status::PROMPTPRINT_INVALID_ARGUMENT, text));
                }
            };
            if given.delay_ms > 0 {
                chosen.delay_ms = given.delay_ms;
            }
            if given.wal_bytes_max > 0 {
                chosen.wal_bytes_max = given.wal_bytes_max;
            }
        }
        let writer = Writer::open(Arc::clone(&handle.reader), chosen)?;
        let handle = promptprint_writer { writer, last_error: LastError::default() };
        // SAFETY: `check_out` found it not NULL; it is writable by the contract.
        unsafe { memory::write(out, Box::into_raw(Box::new(handle))) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Close a recorder, handing over what it holds. NULL is fine. No other call on the handle may be running.
///
/// # Safety
/// `writer` is NULL, or an open handle that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_close(writer: *mut promptprint_writer) {
    guard_value((), || {
        if !writer.is_null() {
            // SAFETY: not NULL, and made by `Box::into_raw` in `promptprint_writer_open`; by the contract it is closed once.
            drop(unsafe { Box::from_raw(writer) });
        }
    });
}

/// Return when everything observed before the call is on the disk. Threads that commit at once share a sync.
/// A failed sync is never tried again: the writer answers PROMPTPRINT_POISONED from then on, and verdicts go on.
///
/// # Safety
/// `writer` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_commit(writer: *const promptprint_writer) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(writer, "writer") };
    guard(handle.as_ref().ok().map(|handle| &handle.last_error), || {
        handle?.writer.commit()?;
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Hand everything observed before the call to the system: it survives the end of this process.
///
/// # Safety
/// `writer` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_flush(writer: *const promptprint_writer) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(writer, "writer") };
    guard(handle.as_ref().ok().map(|handle| &handle.last_error), || {
        handle?.writer.flush()?;
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Count what was observed, and what of it could not be recorded. Either output may be NULL.
///
/// # Safety
/// `writer` is NULL or an open handle; the outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_counts(
    writer: *const promptprint_writer,
    observed: *mut u64,
    not_recorded: *mut u64,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(writer, "writer") };
    guard(handle.as_ref().ok().map(|handle| &handle.last_error), || {
        let counts = handle?.writer.counts();
        // SAFETY: NULL or writable, by the contract.
        unsafe { memory::write(observed, counts.0) };
        // SAFETY: as the line above.
        unsafe { memory::write(not_recorded, counts.1) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// The writer's last failure, as promptprint_last_error.
///
/// # Safety
/// `writer` is NULL or an open handle; `out` has room for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_writer_last_error(
    writer: *const promptprint_writer,
    out: *mut c_char,
    capacity: usize,
) -> usize {
    guard_value(0, || {
        // SAFETY: a live handle or NULL, by the contract.
        let Ok(handle) = (unsafe { memory::handle(writer, "writer") }) else { return 0 };
        // SAFETY: `out` has room for `capacity` bytes, by the contract.
        unsafe { memory::write_text(out, capacity, &handle.last_error.get()) }
    })
}

/// Look a request up and record it, in one call: its parts are sketched once. For hosts that have parsed the body already;
/// others stream it (promptprint_request_begin).
///
/// envelope: who sent it, when; NULL for unknown and now.
/// parts, part_count: its pieces; of more than 64 the rest is ignored. Not kept after the call.
/// options: NULL for no deadline.
/// verdict: NULL, or set on success to what was known before this request.
/// Returns PROMPTPRINT_OK when it is recorded, PROMPTPRINT_DEGRADED when it could not be: the verdict is set, and
/// promptprint_writer_last_error tells why.
///
/// May be called from many threads on one writer. Waits for the disk only as durability asks for.
///
/// # Safety
/// `writer` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_observe(
    writer: *const promptprint_writer,
    envelope: *const promptprint_envelope,
    parts: *const promptprint_part,
    part_count: usize,
    options: *const promptprint_query_options,
    verdict: *mut promptprint_verdict,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(writer, "writer") };
    guard(handle.as_ref().ok().map(|handle| &handle.last_error), || {
        let handle = handle?;
        if !verdict.is_null() {
            // SAFETY: not NULL by the line above, and so a caller's struct by the contract.
            unsafe { memory::check_struct(verdict, "verdict") }?;
        }
        // SAFETY: a caller's struct or NULL, by the contract.
        let envelope = unsafe { read_envelope(envelope) }?;
        // SAFETY: `part_count` readable parts, by the contract.
        let pieces = unsafe { read_parts(parts, part_count) }?;
        // SAFETY: a caller's struct or NULL, by the contract.
        let options = unsafe { query_options(options) }?;
        let (observed, error) = handle.writer.observe(envelope, &pieces, options)?;
        if !verdict.is_null() {
            // SAFETY: `check_struct` above found it to be a struct of a known size.
            unsafe { memory::write_struct(verdict, &promptprint_verdict::of(&observed.verdict)) };
        }
        Ok(recorded(&handle.last_error, error))
    })
}

/// DEGRADED, with the reason kept, where a request could not be recorded.
pub(crate) fn recorded(last_error: &LastError, error: Option<engine::Error>) -> Status {
    match error {
        None => Status::PROMPTPRINT_OK,
        Some(error) => {
            last_error.set(&error.to_string());
            Status::PROMPTPRINT_DEGRADED
        }
    }
}

/// # Safety
/// `envelope` is NULL or a caller's struct, whose pointers are NULL or readable.
pub(crate) unsafe fn read_envelope(envelope: *const promptprint_envelope) -> Result<Envelope, Failure> {
    if envelope.is_null() {
        return Ok(Envelope::default());
    }
    // SAFETY: not NULL by the check above, and so a caller's struct by the contract.
    let given = unsafe { memory::read_struct(envelope, "envelope") }?;
    let mut read = Envelope { time_ms: (given.time_ms != 0).then_some(given.time_ms), ..Envelope::default() };
    // SAFETY: pointer and length are a pair of the caller's, readable by the contract.
    read.id = unsafe { name(given.id, given.id_bytes, "id") }?;
    let names = [
        (Level::EndUser, given.end_user, given.end_user_bytes),
        (Level::Key, given.key, given.key_bytes),
        (Level::Account, given.account, given.account_bytes),
        (Level::Org, given.org, given.org_bytes),
        (Level::Payer, given.payer, given.payer_bytes),
        (Level::Ip, given.ip, given.ip_bytes),
        (Level::UserAgent, given.user_agent, given.user_agent_bytes),
        (Level::Model, given.model, given.model_bytes),
        (Level::Asn, given.asn, given.asn_bytes),
        (Level::Payment, given.payment, given.payment_bytes),
    ];
    for (level, text, length) in names {
        // SAFETY: pointer and length are a pair of the caller's, readable by the contract.
        read.origin[level.index()] = unsafe { name(text, length, "a name of the envelope") }?;
    }
    Ok(read)
}

/// A name as text; what is not UTF-8 becomes U+FFFD, since names come from headers that anybody can send.
///
/// # Safety
/// `text` is NULL, or points to `length` readable bytes.
unsafe fn name(text: *const c_char, length: usize, argument: &str) -> Result<Option<String>, Failure> {
    if text.is_null() || length == 0 {
        return Ok(None);
    }
    let length = length.min(engine::limits::NAME_BYTES_MAX);
    // SAFETY: the caller's bytes, of which no more are read than are there.
    let bytes = unsafe { memory::bytes(text.cast(), length, argument) }?;
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// # Safety
/// `parts` points to `count` readable parts, whose texts are readable, or `count` is 0.
pub(crate) unsafe fn read_parts<'a>(parts: *const promptprint_part, count: usize) -> Result<Vec<Piece<'a>>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if parts.is_null() {
        return Err(Failure::null("parts"));
    }
    let count = count.min(engine::limits::PARTS_MAX);
    // SAFETY: not NULL by the check above, and at most as many parts as the caller says are there.
    let parts = unsafe { std::slice::from_raw_parts(parts, count) };
    parts
        .iter()
        .map(|part| {
            // SAFETY: pointer and length are a pair of the caller's, readable by the contract.
            let text = unsafe { memory::bytes(part.text.cast(), part.text_bytes, "the text of a part") }?;
            Ok(Piece { kind: part_kind(part.kind)?, text })
        })
        .collect()
}

pub(crate) fn part_kind(number: u32) -> Result<PartKind, Failure> {
    u8::try_from(number)
        .ok()
        .and_then(PartKind::of_number)
        .ok_or_else(|| Failure::new(Status::PROMPTPRINT_INVALID_ARGUMENT, format!("there is no part kind {number}")))
}

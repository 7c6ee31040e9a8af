//! promptprint_reader: a store opened for questions.

use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};

use engine::engine::{Piece, QueryOptions, Reader, ReaderOptions};
use engine::request::PartKind;
use std::sync::Arc;

use crate::boundary::{Failure, LastError, guard, guard_value};
use crate::memory::{self, Sized32};
use crate::status::promptprint_status;
use crate::status::promptprint_status as Status;
use crate::verdict::{place_of, promptprint_verdict};
use crate::writer::{part_kind, promptprint_part, read_parts};

/// A store opened for questions. Opaque.
pub struct promptprint_reader {
    pub(crate) reader: Arc<Reader>,
    pub(crate) last_error: Arc<LastError>,
}

/// How a store is opened. Set struct_size and store; zero is a good value for everything else.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_options {
    /// sizeof(struct promptprint_options).
    pub struct_size: u32,
    /// 1: read files into memory instead of mapping them, for file systems that may lose a page.
    pub copy: u32,
    /// The store's folder, UTF-8, not NUL-terminated; kept by the library as a copy.
    pub store: *const c_char,
    /// Bytes of store.
    pub store_bytes: usize,
    /// The key file, or NULL for the one beside the store.
    pub key: *const c_char,
    /// Bytes of key.
    pub key_bytes: usize,
    /// The least resemblance of a text that counts as near, up to 1; 0 means 0.8.
    pub resemblance_min: f64,
    /// Milliseconds between looks for new segments, made by the query that finds them passed. 0 means 1000; UINT64_MAX means
    /// never, and promptprint_refresh does it.
    pub refresh_ms: u64,
}

// SAFETY: repr(C), `struct_size` comes first, and all fields are numbers and raw pointers, of which zero is a value.
unsafe impl Sized32 for promptprint_options {
    const BYTES_MIN: usize = size_of::<Self>();
}

/// How one prompt is looked up.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_query_options {
    /// sizeof(struct promptprint_query_options).
    pub struct_size: u32,
    /// Microseconds after which no further step begins; 0 is no deadline. promptprint_verdict.depth tells what was left out.
    pub deadline_us: u32,
}

// SAFETY: repr(C), `struct_size` comes first, and the other field is a number, of which zero is a value.
unsafe impl Sized32 for promptprint_query_options {
    const BYTES_MIN: usize = size_of::<Self>();
}

/// Open a store for questions.
///
/// options: what to open; not kept after the call.
/// out: set to a handle on PROMPTPRINT_OK and PROMPTPRINT_DEGRADED; close it with promptprint_close.
///
/// A missing or damaged store is no failure: the call gives PROMPTPRINT_DEGRADED and a handle that answers "unknown" where it
/// has to, and becomes whole when the store does. promptprint_last_error tells what is wrong.
/// May be called before fork(); starts no thread; the handle serves parent and children.
///
/// # Safety
/// `options` and what it points to are readable, `out` is writable, or they are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_open(
    options: *const promptprint_options,
    out: *mut *mut promptprint_reader,
) -> promptprint_status {
    guard(None, || {
        memory::check_out(out, "out")?;
        // SAFETY: a caller's struct or NULL, by the contract of this function.
        let options = unsafe { memory::read_struct(options, "options") }?;
        // SAFETY: pointer and length come from the caller's options, which are readable by the contract.
        let store = unsafe { path(options.store, options.store_bytes, "store") }?;
        // SAFETY: as the line above.
        let key = unsafe { path(options.key, options.key_bytes, "key") }?;
        let store = store.ok_or_else(|| Failure::null("store"))?;
        let defaults = ReaderOptions::default();
        #[allow(clippy::cast_possible_truncation, clippy::as_conversions)]
        let resemblance_min = options.resemblance_min as f32;
        let reader = Reader::open(
            &store,
            ReaderOptions {
                key,
                copy: options.copy != 0,
                verify: defaults.verify,
                resemblance_min: if options.resemblance_min == 0.0 {
                    defaults.resemblance_min
                } else {
                    resemblance_min
                },
                refresh_ms: match options.refresh_ms {
                    0 => defaults.refresh_ms,
                    u64::MAX => 0,
                    some => some,
                },
            },
        )?;
        let trouble = reader.trouble();
        let handle = promptprint_reader { reader: Arc::new(reader), last_error: Arc::default() };
        handle.last_error.set(&trouble.join("; "));
        // SAFETY: `check_out` found it not NULL; it is writable by the contract.
        unsafe { memory::write(out, Box::into_raw(Box::new(handle))) };
        Ok(state(&trouble))
    })
}

/// Close a reader. NULL is fine. No other call on the handle may be running; writers and requests opened from it stay valid.
///
/// # Safety
/// `reader` is NULL, or an open handle that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_close(reader: *mut promptprint_reader) {
    guard_value((), || {
        if !reader.is_null() {
            // SAFETY: not NULL, and made by `Box::into_raw` in `promptprint_open`; by the contract it is closed once.
            drop(unsafe { Box::from_raw(reader) });
        }
    });
}

/// Look for new segments now, and open them. Costs one small read where there are none.
/// Returns PROMPTPRINT_OK, or PROMPTPRINT_DEGRADED when something cannot be read: see promptprint_last_error.
/// May be called from any thread at any time; queries go on meanwhile and never wait for it.
///
/// # Safety
/// `reader` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_refresh(reader: *const promptprint_reader) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        handle.reader.refresh();
        let trouble = handle.reader.trouble();
        if !trouble.is_empty() {
            handle.last_error.set(&trouble.join("; "));
        }
        Ok(state(&trouble))
    })
}

/// Copy the text of the reader's last failure, ended by NUL, into out; it is cut where capacity is too small.
/// Returns the bytes of the whole text, without the NUL; 0 when nothing failed. out may be NULL when capacity is 0.
///
/// # Safety
/// `reader` is NULL or an open handle; `out` has room for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_last_error(
    reader: *const promptprint_reader,
    out: *mut c_char,
    capacity: usize,
) -> usize {
    guard_value(0, || {
        // SAFETY: a live handle or NULL, by the contract.
        let Ok(handle) = (unsafe { memory::handle(reader, "reader") }) else { return 0 };
        // SAFETY: `out` has room for `capacity` bytes, by the contract.
        unsafe { memory::write_text(out, capacity, &handle.last_error.get()) }
    })
}

/// Look one prompt up in the newest snapshot of the store.
///
/// text, text_bytes: any bytes, not NUL-terminated; of more than 16 MiB the rest is ignored. Not kept after the call.
/// options: NULL for no deadline.
/// out: set on PROMPTPRINT_OK only; out->struct_size must be set by the caller.
///
/// May be called from many threads on one reader. Never waits for a writer, and never for the disk, except for pages of the
/// store that were not read before and for the look for new segments (promptprint_options.refresh_ms).
///
/// # Safety
/// `reader` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_query(
    reader: *const promptprint_reader,
    text: *const c_void,
    text_bytes: usize,
    options: *const promptprint_query_options,
    out: *mut promptprint_verdict,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        // SAFETY: a caller's struct or NULL, by the contract.
        unsafe { memory::check_struct(out, "out") }?;
        // SAFETY: readable bytes, by the contract.
        let text = unsafe { memory::bytes(text, text_bytes, "text") }?;
        // SAFETY: a caller's struct or NULL, by the contract.
        let options = unsafe { query_options(options) }?;
        let verdict = handle.reader.query(&[Piece { kind: PartKind::Prompt, text }], options);
        // SAFETY: `check_struct` above found it to be a struct of a known size.
        unsafe { memory::write_struct(out, &promptprint_verdict::of(&verdict)) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Look up a request that the host has parsed already.
///
/// parts, part_count: its pieces; the last user turn is looked up, else the first, else the plain prompt.
/// Otherwise as promptprint_query.
///
/// # Safety
/// `reader` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_query_parts(
    reader: *const promptprint_reader,
    parts: *const promptprint_part,
    part_count: usize,
    options: *const promptprint_query_options,
    out: *mut promptprint_verdict,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        // SAFETY: a caller's struct or NULL, by the contract.
        unsafe { memory::check_struct(out, "out") }?;
        // SAFETY: `part_count` readable parts, by the contract.
        let pieces = unsafe { read_parts(parts, part_count) }?;
        // SAFETY: a caller's struct or NULL, by the contract.
        let options = unsafe { query_options(options) }?;
        let verdict = handle.reader.query(&pieces, options);
        // SAFETY: `check_struct` above found it to be a struct of a known size.
        unsafe { memory::write_struct(out, &promptprint_verdict::of(&verdict)) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// What is kept of a text.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_sketch {
    /// In: sizeof(struct promptprint_sketch), set by the caller.
    pub struct_size: u32,
    /// 1: the normal form is empty; such a text is near nothing.
    pub is_empty: u32,
    /// Keyed digest of the normal form: equal texts have equal ones, under one key and class.
    pub fingerprint: [u8; 16],
    /// 128 slots of 8 bits: the share of equal ones estimates the resemblance.
    pub signature: [u8; 128],
}

// SAFETY: repr(C), `struct_size` comes first, and all fields are numbers, of which zero is a value.
unsafe impl Sized32 for promptprint_sketch {
    const BYTES_MIN: usize = size_of::<Self>();
}

/// Sketch one text under the store's key, without looking it up.
///
/// kind: an enum promptprint_part_kind.
/// out: set on PROMPTPRINT_OK only; out->struct_size must be set by the caller.
/// Returns PROMPTPRINT_NOT_FOUND where the reader has no key: see promptprint_last_error.
///
/// # Safety
/// `reader` is NULL or an open handle; `text` points to `text_bytes` readable bytes; `out` is NULL or a caller's struct.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_sketch_text(
    reader: *const promptprint_reader,
    kind: u32,
    text: *const c_void,
    text_bytes: usize,
    out: *mut promptprint_sketch,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        // SAFETY: a caller's struct or NULL, by the contract.
        unsafe { memory::check_struct(out, "out") }?;
        // SAFETY: readable bytes, by the contract.
        let text = unsafe { memory::bytes(text, text_bytes, "text") }?;
        let piece = Piece { kind: part_kind(kind)?, text };
        let sketch = handle.reader.sketch(&piece);
        let sketch =
            sketch.ok_or_else(|| Failure::new(Status::PROMPTPRINT_NOT_FOUND, handle.reader.trouble().join("; ")))?;
        let told = promptprint_sketch {
            struct_size: 0,
            is_empty: u32::from(sketch.is_empty),
            fingerprint: sketch.fingerprint.to_le_bytes(),
            signature: sketch.signature,
        };
        // SAFETY: `check_struct` above found it to be a struct of a known size.
        unsafe { memory::write_struct(out, &told) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Copy the id of the request behind promptprint_verdict.nearest, ended by NUL, into out; it is cut where capacity is too
/// small. The id is the one its source gave it, else a digest in hex. For logs and people, not for each request.
///
/// out_bytes: set on PROMPTPRINT_OK to the bytes of the whole id, without the NUL; may be NULL.
/// Returns PROMPTPRINT_NOT_FOUND where it is not sealed yet, has been forgotten, or its segment is no longer live.
///
/// # Safety
/// `reader` is NULL or an open handle; `out` has room for `capacity` bytes; `out_bytes` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_request_id(
    reader: *const promptprint_reader,
    nearest: u64,
    out: *mut c_char,
    capacity: usize,
    out_bytes: *mut usize,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        if out.is_null() && capacity > 0 {
            return Err(Failure::null("out"));
        }
        let id = place_of(nearest).and_then(|place| handle.reader.request_id(place));
        let id = id.ok_or_else(|| Failure::new(Status::PROMPTPRINT_NOT_FOUND, "no such request, or no longer"))?;
        // SAFETY: `out` has room for `capacity` bytes, by the contract.
        let bytes = unsafe { memory::write_text(out, capacity, &id) };
        // SAFETY: NULL or writable, by the contract.
        unsafe { memory::write(out_bytes, bytes) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// # Safety
/// `options` is NULL or a caller's struct.
pub(crate) unsafe fn query_options(options: *const promptprint_query_options) -> Result<QueryOptions, Failure> {
    if options.is_null() {
        return Ok(QueryOptions::default());
    }
    // SAFETY: not NULL by the check above, and so a caller's struct by the contract.
    let options = unsafe { memory::read_struct(options, "options") }?;
    Ok(QueryOptions { deadline_us: options.deadline_us })
}

fn state(trouble: &[String]) -> Status {
    if trouble.is_empty() { Status::PROMPTPRINT_OK } else { Status::PROMPTPRINT_DEGRADED }
}

/// # Safety
/// `text` points to `length` readable bytes, or is NULL.
unsafe fn path(text: *const c_char, length: usize, argument: &str) -> Result<Option<PathBuf>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: `length` readable bytes, by the contract.
    let bytes = unsafe { memory::bytes(text.cast(), length, argument) }?;
    let text = memory::utf8(bytes, argument)?;
    if text.is_empty() || text.contains('\0') {
        let text = format!("{argument} is no path");
        return Err(Failure::new(Status::PROMPTPRINT_INVALID_ARGUMENT, text));
    }
    Ok(Some(Path::new(text).to_path_buf()))
}

//! promptprint_request: a request body that arrives in chunks.

use std::ffi::c_void;
use std::sync::Arc;

use engine::engine::{Reader, RequestStream};

use crate::boundary::{Failure, LastError, guard, guard_value};
use crate::memory;
use crate::reader::{promptprint_query_options, promptprint_reader, query_options};
use crate::status::promptprint_status;
use crate::status::promptprint_status as Status;
use crate::verdict::promptprint_verdict;
use crate::writer::{promptprint_envelope, promptprint_writer, read_envelope, recorded};

/// A request body in the making: one thread at a time. Opaque.
pub struct promptprint_request {
    stream: RequestStream,
    reader: Arc<Reader>,
    last_error: Arc<LastError>,
    /// Why the body cannot be used, once it cannot.
    failed: Option<Failure>,
}

/// Begin a request body: OpenAI chat, Anthropic Messages, or any form that the bulk job reads.
///
/// out: set to a handle on PROMPTPRINT_OK; promptprint_request_end or promptprint_request_cancel gives it back. The reader may
/// be closed before.
/// Costs no system call; memory is taken as text arrives, and only for text that is fingerprinted.
///
/// # Safety
/// `reader` is NULL or an open handle; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_request_begin(
    reader: *const promptprint_reader,
    out: *mut *mut promptprint_request,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, by the contract.
    let handle = unsafe { memory::handle(reader, "reader") };
    guard(handle.as_ref().ok().map(|handle| &*handle.last_error), || {
        let handle = handle?;
        memory::check_out(out, "out")?;
        let request = promptprint_request {
            stream: RequestStream::default(),
            reader: Arc::clone(&handle.reader),
            last_error: Arc::clone(&handle.last_error),
            failed: None,
        };
        // SAFETY: `check_out` found it not NULL; it is writable by the contract.
        unsafe { memory::write(out, Box::into_raw(Box::new(request))) };
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// Take the next bytes of the body, cut anywhere. Not kept after the call; linear in them.
/// Returns PROMPTPRINT_LIMIT_EXCEEDED for a body whose new text alone is longer than 64 MiB; promptprint_request_end then says
/// so again.
///
/// # Safety
/// `request` is NULL or a begun handle; `body` points to `body_bytes` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_request_update(
    request: *mut promptprint_request,
    body: *const c_void,
    body_bytes: usize,
) -> promptprint_status {
    // SAFETY: a live handle or NULL, which one thread uses at a time, by the contract.
    let Some(request) = (unsafe { request.as_mut() }) else { return Status::PROMPTPRINT_NULL_POINTER };
    let last_error = Arc::clone(&request.last_error);
    guard(Some(&last_error), || {
        if let Some(failed) = &request.failed {
            return Err(Failure::new(failed.status, failed.text.clone()));
        }
        // SAFETY: readable bytes, by the contract.
        let chunk = unsafe { memory::bytes(body, body_bytes, "body") }?;
        request.stream.update(chunk).map_err(|error| {
            let failure = Failure::from(error);
            request.failed = Some(Failure::new(failure.status, failure.text.clone()));
            failure
        })?;
        Ok(Status::PROMPTPRINT_OK)
    })
}

/// End a request body: look it up and, where a writer is given, record it. The handle is given back, whatever comes of it.
///
/// writer: NULL to look up only.
/// envelope: who sent it, when; NULL for unknown and now. The body's own end user and model are taken where it names none.
/// options: NULL for no deadline.
/// verdict: NULL, or set on success to what was known before this request.
/// Returns PROMPTPRINT_UNREADABLE_REQUEST for a body of no known API, and PROMPTPRINT_DEGRADED when the request could not be
/// recorded: the verdict is set then. The reason is in promptprint_last_error of the reader, or of the writer.
///
/// # Safety
/// `request` is NULL or a begun handle that nobody uses any more; `writer` is NULL or an open handle; the other pointers are
/// valid for what they point to, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_request_end(
    request: *mut promptprint_request,
    writer: *const promptprint_writer,
    envelope: *const promptprint_envelope,
    options: *const promptprint_query_options,
    verdict: *mut promptprint_verdict,
) -> promptprint_status {
    if request.is_null() {
        return Status::PROMPTPRINT_NULL_POINTER;
    }
    // SAFETY: not NULL, made by `Box::into_raw` in `promptprint_request_begin`, and given back once by the contract.
    let request = unsafe { Box::from_raw(request) };
    let last_error = Arc::clone(&request.last_error);
    guard(Some(&last_error), || {
        let promptprint_request { stream, reader, failed, .. } = *request;
        if let Some(failed) = failed {
            return Err(failed);
        }
        if !verdict.is_null() {
            // SAFETY: not NULL by the line above, and so a caller's struct by the contract.
            unsafe { memory::check_struct(verdict, "verdict") }?;
        }
        // SAFETY: a caller's struct or NULL, by the contract.
        let envelope = unsafe { read_envelope(envelope) }?;
        // SAFETY: a caller's struct or NULL, by the contract.
        let options = unsafe { query_options(options) }?;
        let ended = stream.end(envelope)?;
        let pieces = ended.pieces();
        // SAFETY: a live handle or NULL, by the contract.
        let (told, status) = match unsafe { writer.as_ref() } {
            None => (reader.query(&pieces, options), Status::PROMPTPRINT_OK),
            Some(handle) => {
                let (observed, error) = handle.writer.observe(ended.envelope.clone(), &pieces, options)?;
                (observed.verdict, recorded(&handle.last_error, error))
            }
        };
        if !verdict.is_null() {
            // SAFETY: `check_struct` above found it to be a struct of a known size.
            unsafe { memory::write_struct(verdict, &promptprint_verdict::of(&told)) };
        }
        Ok(status)
    })
}

/// Give a request body back without looking it up. NULL is fine.
///
/// # Safety
/// `request` is NULL, or a begun handle that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promptprint_request_cancel(request: *mut promptprint_request) {
    guard_value((), || {
        if !request.is_null() {
            // SAFETY: not NULL, made by `Box::into_raw` in `promptprint_request_begin`, and given back once by the contract.
            drop(unsafe { Box::from_raw(request) });
        }
    });
}

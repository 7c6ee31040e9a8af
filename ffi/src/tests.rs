//! Every exported function with every pointer NULL in turn, and with a panic forced inside: a status, and the process lives.

use std::ptr::{null, null_mut};

use crate::boundary::forced::next_call_panics;
use crate::library::{promptprint_abi_version, promptprint_status_text, promptprint_version};
use crate::reader::*;
use crate::request::*;
use crate::status::promptprint_status as Status;
use crate::verdict::promptprint_verdict;
use crate::writer::*;
use engine::store::fs::RealFs;

const NULL: Status = Status::PROMPTPRINT_NULL_POINTER;
const INTERNAL: Status = Status::PROMPTPRINT_INTERNAL;

fn zeroed<T: crate::memory::Sized32>() -> T {
    // SAFETY: `Sized32` says that all-zero bytes are a value.
    let mut value: T = unsafe { std::mem::zeroed() };
    let size = u32::try_from(size_of::<T>()).expect("a small struct");
    // SAFETY: the struct begins with its size, by the contract of `Sized32`.
    unsafe { std::ptr::from_mut(&mut value).cast::<u32>().write(size) };
    value
}

struct Fixture {
    _dir: tempfile::TempDir,
    reader: *mut promptprint_reader,
    writer: *mut promptprint_writer,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = dir.path().join("store");
        let key = engine::key::Keys::default_path(&store);
        let spec = engine::sketch::spec::Spec::new(engine::sketch::spec::Shingle::C5);
        drop(engine::audit::open_or_create(&store, &key, spec, RealFs::shared()).expect("a store"));
        let mut options: promptprint_options = zeroed();
        let path = store.to_str().expect("UTF-8");
        (options.store, options.store_bytes) = (path.as_ptr().cast(), path.len());
        let (mut reader, mut writer) = (null_mut(), null_mut());
        // SAFETY: every pointer is to a live local.
        assert_eq!(unsafe { promptprint_open(&raw const options, &raw mut reader) }, Status::PROMPTPRINT_OK);
        // SAFETY: the reader was opened by the line above.
        assert_eq!(unsafe { promptprint_writer_open(reader, null(), &raw mut writer) }, Status::PROMPTPRINT_OK);
        Self { _dir: dir, reader, writer }
    }

    fn request(&self) -> *mut promptprint_request {
        let mut request = null_mut();
        // SAFETY: the reader is open.
        assert_eq!(unsafe { promptprint_request_begin(self.reader, &raw mut request) }, Status::PROMPTPRINT_OK);
        let body = br#"{"messages":[{"role":"user","content":"hello there"}]}"#;
        // SAFETY: the request was begun by the line above.
        let status = unsafe { promptprint_request_update(request, body.as_ptr().cast(), body.len()) };
        assert_eq!(status, Status::PROMPTPRINT_OK);
        request
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { promptprint_writer_close(self.writer) };
        // SAFETY: as the line above.
        unsafe { promptprint_close(self.reader) };
    }
}

/// Runs one call of C in its own unsafe block.
macro_rules! call {
    ($call:expr) => {{
        // SAFETY: every pointer is NULL or to a live local or handle; that is what is tested.
        unsafe { $call }
    }};
}

#[test]
fn null_in_every_pointer_is_a_status() {
    let f = Fixture::new();
    let text = b"text";
    let (ptr, bytes) = (text.as_ptr().cast(), text.len());
    let mut verdict: promptprint_verdict = zeroed();
    let mut sketch: promptprint_sketch = zeroed();
    let out = &raw mut verdict;
    let options: promptprint_options = zeroed();
    let (mut reader, mut writer, mut request) = (null_mut(), null_mut(), null_mut());
    assert_eq!(call!(promptprint_open(null(), &raw mut reader)), NULL);
    assert_eq!(call!(promptprint_open(&raw const options, null_mut())), NULL);
    assert_eq!(call!(promptprint_open(&raw const options, &raw mut reader)), NULL, "store is NULL");
    call!(promptprint_close(null_mut()));
    assert_eq!(call!(promptprint_refresh(null())), NULL);
    assert_eq!(call!(promptprint_last_error(null(), null_mut(), 0)), 0);
    call!(promptprint_last_error(f.reader, null_mut(), 0));
    call!(promptprint_last_error(f.reader, null_mut(), 9));
    assert_eq!(call!(promptprint_query(null(), ptr, bytes, null(), out)), NULL);
    assert_eq!(call!(promptprint_query(f.reader, null(), bytes, null(), out)), NULL);
    assert_eq!(call!(promptprint_query(f.reader, null(), 0, null(), out)), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_query(f.reader, ptr, bytes, null(), null_mut())), NULL);
    assert_eq!(call!(promptprint_query(f.reader, ptr, bytes, null(), out)), Status::PROMPTPRINT_OK);
    let part = promptprint_part { kind: 3, reserved: 0, text: null(), text_bytes: 4 };
    assert_eq!(call!(promptprint_query_parts(null(), &raw const part, 1, null(), out)), NULL);
    assert_eq!(call!(promptprint_query_parts(f.reader, null(), 1, null(), out)), NULL);
    assert_eq!(call!(promptprint_query_parts(f.reader, null(), 0, null(), out)), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_query_parts(f.reader, &raw const part, 1, null(), out)), NULL);
    assert_eq!(call!(promptprint_query_parts(f.reader, &raw const part, 0, null(), null_mut())), NULL);
    assert_eq!(call!(promptprint_sketch_text(null(), 1, ptr, bytes, &raw mut sketch)), NULL);
    assert_eq!(call!(promptprint_sketch_text(f.reader, 1, null(), bytes, &raw mut sketch)), NULL);
    assert_eq!(call!(promptprint_sketch_text(f.reader, 1, ptr, bytes, null_mut())), NULL);
    assert_eq!(
        call!(promptprint_sketch_text(f.reader, 99, ptr, bytes, &raw mut sketch)),
        Status::PROMPTPRINT_INVALID_ARGUMENT
    );
    assert_eq!(call!(promptprint_sketch_text(f.reader, 1, ptr, bytes, &raw mut sketch)), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_request_id(null(), 0, null_mut(), 0, null_mut())), NULL);
    assert_eq!(call!(promptprint_request_id(f.reader, 0, null_mut(), 4, null_mut())), NULL);
    let missing = Status::PROMPTPRINT_NOT_FOUND;
    assert_eq!(call!(promptprint_request_id(f.reader, 0, null_mut(), 0, null_mut())), missing);
    assert_eq!(call!(promptprint_writer_open(null(), null(), &raw mut writer)), NULL);
    assert_eq!(call!(promptprint_writer_open(f.reader, null(), null_mut())), NULL);
    call!(promptprint_writer_close(null_mut()));
    assert_eq!(call!(promptprint_writer_commit(null())), NULL);
    assert_eq!(call!(promptprint_writer_flush(null())), NULL);
    assert_eq!(call!(promptprint_writer_counts(null(), null_mut(), null_mut())), NULL);
    assert_eq!(call!(promptprint_writer_counts(f.writer, null_mut(), null_mut())), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_writer_last_error(null(), null_mut(), 0)), 0);
    assert_eq!(call!(promptprint_observe(null(), null(), null(), 0, null(), out)), NULL);
    assert_eq!(call!(promptprint_observe(f.writer, null(), null(), 1, null(), out)), NULL);
    assert_eq!(call!(promptprint_observe(f.writer, null(), &raw const part, 1, null(), out)), NULL);
    assert_eq!(call!(promptprint_observe(f.writer, null(), null(), 0, null(), null_mut())), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_request_begin(null(), &raw mut request)), NULL);
    assert_eq!(call!(promptprint_request_begin(f.reader, null_mut())), NULL);
    assert_eq!(call!(promptprint_request_update(null_mut(), ptr, bytes)), NULL);
    let begun = f.request();
    assert_eq!(call!(promptprint_request_update(begun, null(), 3)), NULL);
    assert_eq!(call!(promptprint_request_end(begun, null(), null(), null(), out)), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_request_end(null_mut(), f.writer, null(), null(), out)), NULL);
    let begun = f.request();
    assert_eq!(call!(promptprint_request_end(begun, f.writer, null(), null(), null_mut())), Status::PROMPTPRINT_OK);
    call!(promptprint_request_cancel(null_mut()));
    call!(promptprint_request_cancel(f.request()));
    assert!(!promptprint_status_text(-1).is_null() && !promptprint_version().is_null());
}

#[test]
fn a_panic_inside_every_call_is_a_status() {
    let f = Fixture::new();
    let mut verdict: promptprint_verdict = zeroed();
    let mut sketch: promptprint_sketch = zeroed();
    let out = &raw mut verdict;
    let options: promptprint_options = zeroed();
    let text = b"text";
    let (ptr, bytes) = (text.as_ptr().cast(), text.len());
    let (mut reader, mut writer, mut request) = (null_mut(), null_mut(), null_mut());
    let (begun, ended, cancelled) = (f.request(), f.request(), f.request());
    macro_rules! panics {
        ($call:expr, $expected:expr) => {
            next_call_panics();
            assert_eq!(call!($call), $expected, stringify!($call));
        };
    }
    panics!(promptprint_open(&raw const options, &raw mut reader), INTERNAL);
    panics!(promptprint_refresh(f.reader), INTERNAL);
    panics!(promptprint_last_error(f.reader, null_mut(), 0), 0);
    panics!(promptprint_query(f.reader, ptr, bytes, null(), out), INTERNAL);
    panics!(promptprint_query_parts(f.reader, null(), 0, null(), out), INTERNAL);
    panics!(promptprint_sketch_text(f.reader, 1, ptr, bytes, &raw mut sketch), INTERNAL);
    panics!(promptprint_request_id(f.reader, 0, null_mut(), 0, null_mut()), INTERNAL);
    panics!(promptprint_writer_open(f.reader, null(), &raw mut writer), INTERNAL);
    panics!(promptprint_writer_commit(f.writer), INTERNAL);
    panics!(promptprint_writer_flush(f.writer), INTERNAL);
    panics!(promptprint_writer_counts(f.writer, null_mut(), null_mut()), INTERNAL);
    panics!(promptprint_writer_last_error(f.writer, null_mut(), 0), 0);
    panics!(promptprint_observe(f.writer, null(), null(), 0, null(), out), INTERNAL);
    panics!(promptprint_request_begin(f.reader, &raw mut request), INTERNAL);
    panics!(promptprint_request_update(begun, ptr, bytes), INTERNAL);
    panics!(promptprint_request_end(ended, f.writer, null(), null(), out), INTERNAL);
    panics!(promptprint_request_cancel(cancelled), ());
    panics!(promptprint_close(null_mut()), ());
    panics!(promptprint_writer_close(null_mut()), ());
    next_call_panics();
    assert_eq!(promptprint_abi_version(), 0);
    next_call_panics();
    assert!(promptprint_version().is_null());
    next_call_panics();
    assert!(!promptprint_status_text(0).is_null());
    assert!(reader.is_null() && writer.is_null() && request.is_null(), "no output of a failed call is written");
    assert_eq!(verdict.flags, 0);
    // The cancelled request was not given back by the call that panicked.
    call!(promptprint_request_cancel(cancelled));
    call!(promptprint_request_cancel(begun));
    // The handles go on.
    assert_eq!(call!(promptprint_query(f.reader, ptr, bytes, null(), out)), Status::PROMPTPRINT_OK);
    assert_eq!(call!(promptprint_writer_commit(f.writer)), Status::PROMPTPRINT_OK);
}

#[test]
fn the_test_above_forces_a_panic_in_every_exported_function() {
    let (_, test) =
        include_str!("tests.rs").split_once("fn a_panic_inside_every_call_is_a_status").expect("it is there");
    let (test, _) = test.split_once("#[test]").expect("another one follows");
    for symbol in include_str!("../symbols.txt").lines() {
        let is_forced = test.contains(&format!("panics!({symbol}("))
            || test.contains(&format!("next_call_panics();\n    assert_eq!({symbol}("))
            || test.contains(&format!("next_call_panics();\n    assert!({symbol}("))
            || test.contains(&format!("next_call_panics();\n    assert!(!{symbol}("));
        assert!(is_forced, "{symbol} is exported, and no panic is forced in it");
    }
}

#[test]
fn struct_size_from_zero_to_twice_the_struct() {
    let f = Fixture::new();
    let size = size_of::<promptprint_verdict>();
    for told in 0..=2 * size {
        let mut room = vec![0_u64; size.div_ceil(4)];
        let out = room.as_mut_ptr().cast::<promptprint_verdict>();
        let told = u32::try_from(told).expect("small");
        call!(out.cast::<u32>().write(told));
        let status = call!(promptprint_query(f.reader, b"x".as_ptr().cast(), 1, null(), out));
        let is_known = usize::try_from(told).expect("small") >= size;
        assert_eq!(status, if is_known { Status::PROMPTPRINT_OK } else { Status::PROMPTPRINT_STRUCT_SIZE }, "{told}");
        assert_eq!(call!(out.cast::<u32>().read()), told);
    }
    // A newer caller's field that is not zero asks for something this library does not know.
    let mut newer = [0_u64; 2];
    let options = newer.as_mut_ptr().cast::<promptprint_query_options>();
    call!(options.cast::<u32>().write(16));
    let mut verdict: promptprint_verdict = zeroed();
    let ask = |options| call!(promptprint_query(f.reader, b"x".as_ptr().cast(), 1, options, &raw mut verdict));
    let mut ask = ask;
    assert_eq!(ask(options), Status::PROMPTPRINT_OK);
    newer[1] = 1;
    assert_eq!(ask(newer.as_ptr().cast()), Status::PROMPTPRINT_STRUCT_SIZE);
}

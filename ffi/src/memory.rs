//! Memory that belongs to the caller: read and written here alone, after the checks that make it safe.

use std::ffi::{c_char, c_void};

use crate::boundary::Failure;
use crate::status::promptprint_status as Status;

/// A struct that callers fill: plain numbers and pointers, valid when all zero, with `struct_size` first.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32` named `struct_size`, and every bit pattern that is all zero in any field is a
/// value of that field.
pub(crate) unsafe trait Sized32: Copy {
    /// Bytes of the first released version: nothing smaller is a caller's struct.
    const BYTES_MIN: usize;
}

/// A shared reference to a handle.
///
/// # Safety
/// `handle` is NULL, or was given out by this library and not closed yet.
pub(crate) unsafe fn handle<'a, T>(handle: *const T, argument: &str) -> Result<&'a T, Failure> {
    // SAFETY: not NULL is what `as_ref` checks; that it is live is the contract of every function that takes a handle.
    unsafe { handle.as_ref() }.ok_or_else(|| Failure::null(argument))
}

/// The caller's bytes; NULL is fine where there are none.
///
/// # Safety
/// `bytes` points to `length` readable bytes, or `length` is 0.
pub(crate) unsafe fn bytes<'a>(bytes: *const c_void, length: usize, argument: &str) -> Result<&'a [u8], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    if bytes.is_null() {
        return Err(Failure::null(argument));
    }
    if isize::try_from(length).is_err() {
        return Err(Failure::new(
            Status::PROMPTPRINT_INVALID_ARGUMENT,
            format!("the length of {argument} is no length"),
        ));
    }
    // SAFETY: not NULL and a length below `isize::MAX` were checked above; that the bytes are readable is the contract.
    Ok(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) })
}

/// The caller's struct, whatever version of it the caller knows: what an older one lacks is zero, what a newer one has more
/// must be zero.
///
/// # Safety
/// `from` is NULL, or points to as many readable bytes as its first 32-bit number says.
pub(crate) unsafe fn read_struct<T: Sized32>(from: *const T, argument: &str) -> Result<T, Failure> {
    if from.is_null() {
        return Err(Failure::null(argument));
    }
    // SAFETY: not NULL was checked above; every version of the struct begins with this number, by the contract of `Sized32`.
    let size = unsafe { from.cast::<u32>().read() };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let wrong = |what: &str| Failure::new(Status::PROMPTPRINT_STRUCT_SIZE, format!("struct_size of {argument} {what}"));
    if size < T::BYTES_MIN || size > 4096 {
        return Err(wrong("is that of no version; set it to sizeof"));
    }
    // SAFETY: the pointer is not NULL, and the contract says that `size` bytes, at most 4096 by the check above, are readable.
    let given = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), size) };
    let known = size.min(size_of::<T>());
    if given[known..].iter().any(|byte| *byte != 0) {
        return Err(wrong("covers fields that this library does not know, and they are not zero"));
    }
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is at most the size of either side, and the two do not overlap, since one is a local.
    unsafe { std::ptr::copy_nonoverlapping(given.as_ptr(), value.as_mut_ptr().cast::<u8>(), known) };
    // SAFETY: zeroed and then partly filled by a caller of C; `Sized32` says that all-zero fields are values, and the others
    // are numbers and pointers, of which every bit pattern is a value.
    Ok(unsafe { value.assume_init() })
}

/// Gives `value` to the caller, as much of it as the caller's version has room for; `struct_size` keeps the caller's number.
///
/// # Safety
/// `to` points to as many writable bytes as its first 32-bit number says, which the caller has checked with
/// [`check_struct`].
pub(crate) unsafe fn write_struct<T: Sized32>(to: *mut T, value: &T) {
    // SAFETY: `check_struct` has read the same number through the same pointer.
    let size = unsafe { to.cast::<u32>().read() };
    let size = usize::try_from(size).unwrap_or(0).min(size_of::<T>());
    let skip = size_of::<u32>();
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: the first number is inside the value, whose size is at least `BYTES_MIN`.
    let from = unsafe { from.add(skip) };
    // SAFETY: the same offset inside the caller's struct, whose size `check_struct` found to be at least `BYTES_MIN`.
    let to = unsafe { to.cast::<u8>().add(skip) };
    // SAFETY: `size` is at most the size of either side, and the value is ours, so the two do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(from, to, size.saturating_sub(skip)) };
}

/// Checks that `to` can take a struct before any work is done for it.
///
/// # Safety
/// `to` is NULL, or points to a struct whose first 32-bit number is its size.
pub(crate) unsafe fn check_struct<T: Sized32>(to: *const T, argument: &str) -> Result<(), Failure> {
    if to.is_null() {
        return Err(Failure::null(argument));
    }
    // SAFETY: not NULL was checked above, and every version of the struct begins with this number.
    let size = unsafe { to.cast::<u32>().read() };
    if usize::try_from(size).is_ok_and(|size| (T::BYTES_MIN..=4096).contains(&size)) {
        return Ok(());
    }
    let text = format!("struct_size of {argument} is that of no version; set it to sizeof");
    Err(Failure::new(Status::PROMPTPRINT_STRUCT_SIZE, text))
}

/// Checks that `to` can take one value.
pub(crate) fn check_out<T>(to: *mut T, argument: &str) -> Result<(), Failure> {
    if to.is_null() { Err(Failure::null(argument)) } else { Ok(()) }
}

/// Gives one value to the caller.
///
/// # Safety
/// `to` is NULL or writable.
pub(crate) unsafe fn write<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: not NULL was checked above; that it is writable is the contract.
        unsafe { to.write(value) };
    }
}

/// Copies `text` and a NUL into the caller's buffer, cut on a character where it is too long; returns the bytes of all of it.
///
/// # Safety
/// `to` points to `capacity` writable bytes, or `capacity` is 0.
pub(crate) unsafe fn write_text(to: *mut c_char, capacity: usize, text: &str) -> usize {
    if !to.is_null() && capacity > 0 {
        let mut end = text.len().min(capacity - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // SAFETY: `end` is less than `capacity`, so inside the caller's buffer, and at most the length of the text.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), to.cast::<u8>(), end) };
        // SAFETY: `end` is less than `capacity`.
        let nul = unsafe { to.add(end) };
        // SAFETY: inside the buffer, as the line above.
        unsafe { nul.write(0) };
    }
    text.len()
}

/// The caller's bytes as text.
pub(crate) fn utf8<'a>(bytes: &'a [u8], argument: &str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::new(Status::PROMPTPRINT_INVALID_ARGUMENT, format!("{argument} is not UTF-8")))
}

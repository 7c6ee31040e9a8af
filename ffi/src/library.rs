//! What can be asked of the library without a handle.

use std::ffi::c_char;

use crate::boundary::guard_value;
use crate::status::promptprint_status as Status;

/// Major and minor version of the ABI: 1000 * major + minor. A minor adds functions and fields at the end of structs; a major
/// is another file (libpromptprint.so.MAJOR).
pub(crate) const ABI_VERSION: u32 = 1;

/// The version of the ABI that this library speaks, as 1000 * major + minor; compare it with PROMPTPRINT_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn promptprint_abi_version() -> u32 {
    guard_value(0, || ABI_VERSION)
}

/// The version of the library, as text that lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn promptprint_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    guard_value(std::ptr::null(), || VERSION.as_ptr().cast())
}

/// One line of English for a status, as text that lives as long as the library. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn promptprint_status_text(status: i32) -> *const c_char {
    guard_value(c"unknown status".as_ptr(), || Status::text(status).as_ptr())
}

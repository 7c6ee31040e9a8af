//! Status codes: grouped in tens, pinned for ever, gaps reserved.

use engine::Error;

/// What a call gives back. 0 and 1 are successes; everything else leaves the outputs untouched.
/// Numbers never change their meaning; a caller treats one it does not know as a failure.
#[repr(i32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_status {
    /// Done.
    PROMPTPRINT_OK = 0,
    /// Done, but the store or a part of it cannot be read: answers say "unknown" where they would need it.
    PROMPTPRINT_DEGRADED = 1,
    /// An argument has no meaning: fix the call.
    PROMPTPRINT_INVALID_ARGUMENT = 10,
    /// A pointer that must not be NULL is: fix the call.
    PROMPTPRINT_NULL_POINTER = 11,
    /// A bound was passed: send less.
    PROMPTPRINT_LIMIT_EXCEEDED = 12,
    /// struct_size is smaller than any version's, or what this version does not know is not zero: fix the call.
    PROMPTPRINT_STRUCT_SIZE = 13,
    /// The file system refused: look at the disk.
    PROMPTPRINT_IO = 20,
    /// Another maintainer holds the store: wait.
    PROMPTPRINT_LOCKED = 21,
    /// An earlier write failed: close the writer and open another.
    PROMPTPRINT_POISONED = 22,
    /// The writer was opened before a fork: open one in this process.
    PROMPTPRINT_WRONG_PROCESS = 23,
    /// The disk does not keep up: the request was not recorded, go on without.
    PROMPTPRINT_BUSY = 24,
    /// Bytes on disk are not what was written: restore.
    PROMPTPRINT_CORRUPT = 30,
    /// The store was written by another version: use that one, or index the logs anew.
    PROMPTPRINT_INCOMPATIBLE_FORMAT = 31,
    /// Sketches of another kind: open with the same spec.
    PROMPTPRINT_SPEC_MISMATCH = 32,
    /// The key file is missing, readable by others, or of another store.
    PROMPTPRINT_KEY = 33,
    /// The body is no request of a known API: it was counted, nothing is known of it.
    PROMPTPRINT_UNREADABLE_REQUEST = 40,
    /// There is no such thing, or no longer.
    PROMPTPRINT_NOT_FOUND = 41,
    /// The library itself failed and caught it: the process lives, close the handle.
    PROMPTPRINT_INTERNAL = 90,
}

use promptprint_status as Status;

impl Status {
    /// One line for a log, ended by NUL.
    pub(crate) const fn text(code: i32) -> &'static std::ffi::CStr {
        match code {
            0 => c"done",
            1 => c"done, but the store cannot be read in full; answers may say unknown",
            10 => c"an argument has no meaning; fix the call",
            11 => c"a pointer that must not be NULL is; fix the call",
            12 => c"a bound was passed; send less",
            13 => c"struct_size is too small, or an unknown field is not zero; fix the call",
            20 => c"the file system refused; look at the disk",
            21 => c"another maintainer holds the store; wait",
            22 => c"an earlier write failed; close the writer and open another",
            23 => c"the writer was opened before a fork; open one in this process",
            24 => c"the disk does not keep up; the request was not recorded",
            30 => c"bytes on disk are not what was written; restore",
            31 => c"the store was written by another version; use that one, or index the logs anew",
            32 => c"sketches of another kind; open with the same spec",
            33 => c"the key file is missing, readable by others, or of another store",
            40 => c"the body is no request of a known API",
            41 => c"there is no such thing, or no longer",
            90 => c"the library failed and caught it; close the handle",
            _ => c"unknown status",
        }
    }

    /// The code of an error of the engine.
    pub(crate) const fn of(error: &Error) -> Self {
        match error {
            Error::InvalidArgument { .. } => Self::PROMPTPRINT_INVALID_ARGUMENT,
            Error::LimitExceeded { .. } => Self::PROMPTPRINT_LIMIT_EXCEEDED,
            Error::Io { .. } => Self::PROMPTPRINT_IO,
            Error::Locked { .. } => Self::PROMPTPRINT_LOCKED,
            Error::Poisoned { .. } => Self::PROMPTPRINT_POISONED,
            Error::WrongProcess { .. } => Self::PROMPTPRINT_WRONG_PROCESS,
            Error::Corrupt { .. } => Self::PROMPTPRINT_CORRUPT,
            Error::IncompatibleFormat { .. } => Self::PROMPTPRINT_INCOMPATIBLE_FORMAT,
            Error::SpecMismatch { .. } => Self::PROMPTPRINT_SPEC_MISMATCH,
            Error::Key { .. } => Self::PROMPTPRINT_KEY,
            Error::Line { .. } => Self::PROMPTPRINT_UNREADABLE_REQUEST,
            _ => Self::PROMPTPRINT_INTERNAL,
        }
    }
}

//! Every error a caller can meet; each tells what to do next. No other file defines a public error.

use std::path::{Path, PathBuf};

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, and so what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call itself is wrong: fix the named argument.
    #[error("invalid {argument}: {reason}")]
    InvalidArgument {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A bound of [`crate::limits`] was passed: send less.
    #[error("{limit} exceeded: {got} is more than {max}")]
    LimitExceeded {
        /// The name of the bound.
        limit: &'static str,
        /// What was asked for.
        got: u64,
        /// The most that is accepted.
        max: u64,
    },
    /// Another maintainer holds the store: wait for it to end.
    #[error("store {path} is in use by another maintainer; wait until it ends")]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The file system refused: look at the disk.
    #[error("cannot {op} {path}: {source}")]
    Io {
        /// What was being done, as a verb.
        op: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bytes on disk are not what was written: restore the file.
    #[error("{path} is damaged at byte {offset}: {kind}")]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        kind: CorruptKind,
    },
    /// The file was written by another version: open it with that one, or index the logs anew.
    #[error(
        "{path} has format version {found}; this build reads {supported}: use the build that wrote it, or index the logs into a new store"
    )]
    IncompatibleFormat {
        /// The file.
        path: PathBuf,
        /// The version in its header.
        found: u32,
        /// The newest version this build reads.
        supported: u32,
    },
    /// Two sketches or stores that cannot be compared: open with the same spec.
    #[error("specs differ: {what}")]
    SpecMismatch {
        /// In what they differ.
        what: String,
    },
    /// The key is missing, readable by others, or not the key of this store.
    #[error("key file {path}: {reason}")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// An earlier write failed and the handle no longer knows what is on disk: reopen.
    #[error("an earlier write to {path} failed; reopen the store")]
    Poisoned {
        /// The store's folder.
        path: PathBuf,
    },
    /// The disk does not keep up with what is to be logged: go on without, or try later.
    #[error("{path} has too much waiting for the disk; the record was not taken")]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// The handle was opened before a fork: open one in this process.
    #[error("the handle belongs to process {owner}; open the store in this process")]
    WrongProcess {
        /// The process that opened it.
        owner: u32,
    },
    /// A line of a log could not be read: mend the line, or let it be skipped.
    #[error("{file}:{line}: {reason}")]
    Line {
        /// The log.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: LineError,
    },
    /// The caller asked for the work to stop; what was acknowledged is kept.
    #[error("interrupted; what was acknowledged is kept")]
    Interrupted,
}

/// What is wrong with damaged bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptKind {
    /// Not a file of this kind.
    #[error("not a promptprint file of this kind")]
    Magic,
    /// The file ends before what it promises.
    #[error("the file is cut short")]
    Truncated,
    /// A checksum does not fit its bytes.
    #[error("the checksum does not match")]
    Checksum,
    /// A count, offset or size contradicts the file's length.
    #[error("a count or offset points outside the file")]
    Bounds,
    /// A section that must be there is not.
    #[error("section {0} is missing")]
    MissingSection(u32),
    /// A value has no meaning.
    #[error("a value has no meaning")]
    Value,
    /// A sealed value does not open under the key.
    #[error("a sealed value does not open under this key")]
    Sealed,
}

/// Why one line of a log cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON, but of no known shape.
    #[error("no known request shape: {0}")]
    UnknownShape(String),
    /// A field has a value that cannot be used.
    #[error("field {field}: {reason}")]
    Field {
        /// The field's path.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Longer than the bound on a line.
    #[error("line of more than {max} bytes")]
    TooLong {
        /// The bound.
        max: u64,
    },
    /// Nested deeper than the bound.
    #[error("nested deeper than {max} levels")]
    TooDeep {
        /// The bound.
        max: u32,
    },
    /// More JSON values in the line than the bound.
    #[error("more than {max} values in one line")]
    TooManyValues {
        /// The bound.
        max: u64,
    },
    /// The compressed stream is damaged, or grows beyond its bound.
    #[error("compressed input: {0}")]
    Compression(String),
}

impl Error {
    /// Wraps a system error with what was being done, and to which file.
    pub(crate) fn io(op: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { op, path: path.to_path_buf(), source }
    }

    /// Damage at `offset` of `path`.
    pub(crate) fn corrupt(path: &Path, offset: u64, kind: CorruptKind) -> Self {
        Self::Corrupt { path: path.to_path_buf(), offset, kind }
    }
}

//! One maintainer at a time: an advisory lock on the file `LOCK`, freed by the system when its holder ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::{Error, Result};

/// The lock of a store, held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store in `dir`.
    /// # Errors
    /// [`Error::Locked`] when another process, or another handle of this one, holds it; [`Error::Io`].
    pub fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join("LOCK");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| Error::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: dir.to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_maintainer_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let first = Lock::acquire(dir.path()).expect("free lock");
        assert!(matches!(Lock::acquire(dir.path()), Err(Error::Locked { .. })));
        drop(first);
        Lock::acquire(dir.path()).expect("freed lock");
    }
}

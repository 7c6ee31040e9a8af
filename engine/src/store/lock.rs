//! One maintainer at a time: an advisory lock on the file `LOCK`, freed by the system when its holder ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How long a lock that is held is asked for again. Where another thread starts a program, the child has this process's files
/// from its fork until it becomes that program, and so holds a lock that was dropped here some milliseconds longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// The lock of a store, held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store in `dir`.
    /// # Errors
    /// [`Error::Locked`] when another process, or another handle of this one, holds it for a quarter of a second; [`Error::Io`].
    pub fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join("LOCK");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| Error::io("open", &path, source))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 50),
                Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: dir.to_path_buf() }),
                Err(TryLockError::Error(source)) => return Err(Error::io("lock", &path, source)),
            }
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

    #[test]
    fn a_lock_that_is_freed_in_a_moment_is_waited_for() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let first = Lock::acquire(dir.path()).expect("free lock");
        let freed = std::thread::spawn(move || {
            std::thread::sleep(PATIENCE / 10);
            drop(first);
        });
        Lock::acquire(dir.path()).expect("a lock that was freed while it was asked for");
        freed.join().expect("a thread that sleeps");
    }
}

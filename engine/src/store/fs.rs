//! The file system behind a trait, so that tests can put a stricter one in its place; the only home of `std::fs` for stores.

use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::map::Bytes;
use crate::error::{Error, Result};
use crate::num::{u64_of, usize_of_u64};

/// A file being written: bytes go to its end, and count as durable after `sync` alone.
pub trait WriteFile: Debug + Send {
    /// Writes all of `bytes` to the end.
    /// # Errors
    /// [`Error::Io`]; what reached the disk is unknown then.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;
    /// Returns when everything appended is on the disk. Never retry a failed sync.
    /// # Errors
    /// [`Error::Io`].
    fn sync(&mut self) -> Result<()>;
    /// The same for the bytes alone, where the file's name and times do not matter.
    /// # Errors
    /// [`Error::Io`].
    fn sync_data(&mut self) -> Result<()> {
        self.sync()
    }
}

/// What a store asks of a file system.
pub trait Fs: Debug + Send + Sync {
    /// Creates a file that must not exist yet.
    /// # Errors
    /// [`Error::Io`].
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;
    /// Creates a log that must not exist yet, and holds it: [`Fs::is_abandoned`] is false while the file is open.
    /// # Errors
    /// [`Error::Io`].
    fn create_log(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.create(path)
    }
    /// Whether the writer of a log has ended, so that nothing will be appended to it.
    /// # Errors
    /// [`Error::Io`].
    fn is_abandoned(&self, path: &Path) -> Result<bool> {
        let _ = path;
        Ok(false)
    }
    /// Reads a whole file of at most `bytes_max` bytes.
    /// # Errors
    /// [`Error::Io`], [`Error::LimitExceeded`].
    fn read(&self, path: &Path, bytes_max: usize) -> Result<Vec<u8>>;
    /// Maps a sealed file read-only.
    /// # Errors
    /// [`Error::Io`].
    fn map(&self, path: &Path) -> Result<Bytes>;
    /// The length of a file in bytes.
    /// # Errors
    /// [`Error::Io`].
    fn length(&self, path: &Path) -> Result<u64>;
    /// Replaces `to` by `from` in one step.
    /// # Errors
    /// [`Error::Io`].
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;
    /// Unlinks a file.
    /// # Errors
    /// [`Error::Io`].
    fn remove(&self, path: &Path) -> Result<()>;
    /// The names in a folder, sorted.
    /// # Errors
    /// [`Error::Io`].
    fn list(&self, dir: &Path) -> Result<Vec<String>>;
    /// Whether something of this name is there.
    fn exists(&self, path: &Path) -> bool;
    /// Creates a folder and its parents; no error when it exists.
    /// # Errors
    /// [`Error::Io`].
    fn create_dir(&self, dir: &Path) -> Result<()>;
    /// Returns when what was appended to a file, by whomever, is on the disk.
    /// # Errors
    /// [`Error::Io`].
    fn sync_file(&self, path: &Path) -> Result<()>;
    /// Returns when creations, renames and removals in `dir` are on the disk.
    /// # Errors
    /// [`Error::Io`].
    fn sync_dir(&self, dir: &Path) -> Result<()>;
}

/// The operating system's own file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealFs {
    /// Read sealed files into memory instead of mapping them: for remote file systems, where a lost page is a signal.
    pub copy: bool,
}

impl RealFs {
    /// The file system with mapped reads.
    #[must_use]
    pub fn shared() -> Arc<dyn Fs> {
        Arc::new(Self { copy: false })
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
}

impl WriteFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|source| Error::io("write", &self.path, source))
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_all().map_err(|source| Error::io("sync", &self.path, source))
    }

    fn sync_data(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|source| Error::io("sync", &self.path, source))
    }
}

impl Fs for RealFs {
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| Error::io("create", path, source))?;
        Ok(Box::new(RealFile { file, path: path.to_path_buf() }))
    }

    fn create_log(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        // Held before it has its name: a maintainer that sees the name sees the lock.
        let unnamed = path.with_extension("tmp");
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        let file = options.open(&unnamed).map_err(|source| Error::io("create", &unnamed, source))?;
        file.lock().map_err(|source| Error::io("lock", &unnamed, source))?;
        self.rename(&unnamed, path)?;
        Ok(Box::new(RealFile { file, path: path.to_path_buf() }))
    }

    fn is_abandoned(&self, path: &Path) -> Result<bool> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", path, source)),
        }
    }

    fn read(&self, path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        file.take(u64_of(bytes_max) + 1).read_to_end(&mut bytes).map_err(|source| Error::io("read", path, source))?;
        if bytes.len() > bytes_max {
            return Err(Error::LimitExceeded {
                limit: "bytes of a metadata file",
                got: u64_of(bytes.len()),
                max: u64_of(bytes_max),
            });
        }
        Ok(bytes)
    }

    fn map(&self, path: &Path) -> Result<Bytes> {
        if self.copy {
            let length = usize_of_u64(self.length(path)?).unwrap_or(usize::MAX - 1);
            return Ok(Bytes::owned(self.read(path, length)?));
        }
        Bytes::map(path)
    }

    fn length(&self, path: &Path) -> Result<u64> {
        Ok(std::fs::metadata(path).map_err(|source| Error::io("look at", path, source))?.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to).map_err(|source| Error::io("rename", from, source))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path).map_err(|source| Error::io("remove", path, source))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|source| Error::io("list", dir, source))? {
            let entry = entry.map_err(|source| Error::io("list", dir, source))?;
            if let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).map_err(|source| Error::io("create folder", dir, source))
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        file.sync_all().map_err(|source| Error::io("sync", path, source))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let folder = File::open(dir).map_err(|source| Error::io("open folder", dir, source))?;
        folder.sync_all().map_err(|source| Error::io("sync folder", dir, source))
    }
}

//! The folder on disk: immutable segment files, the manifest that names them, and the lock; it knows bytes, not sketches.
//!
//! `FORMAT.md` describes every byte. Files are written, synced, then named by a manifest; never changed, only unlinked.

pub mod fs;
pub mod lock;
pub mod manifest;
pub mod map;
pub mod segment;
pub mod wal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{CorruptKind, Error, Result};
use fs::Fs;
use lock::Lock;
use manifest::Manifest;
use segment::{Container, ContainerWriter, FileKind, Identity};

/// The file that names the current manifest; the only file ever replaced.
const CURRENT: &str = "CURRENT";

/// A store as a reader sees it: one manifest and the files it names.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    fs: Arc<dyn Fs>,
    manifest: Manifest,
}

impl Store {
    /// Opens the store in `dir`.
    /// # Errors
    /// [`Error::Io`] when there is none, [`Error::Corrupt`] and [`Error::IncompatibleFormat`] for files that cannot be read.
    pub fn open(dir: &Path, fs: Arc<dyn Fs>) -> Result<Self> {
        let manifest = read_manifest(dir, fs.as_ref())?.ok_or_else(|| {
            Error::io("open the store", &dir.join(CURRENT), std::io::Error::from(std::io::ErrorKind::NotFound))
        })?;
        Ok(Self { dir: dir.to_path_buf(), fs, manifest })
    }

    /// Whether `dir` holds a store.
    #[must_use]
    pub fn exists(dir: &Path, fs: &dyn Fs) -> bool {
        fs.exists(&dir.join(CURRENT))
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the current manifest says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens one file that the manifest names: header, table and footer are checked, section bodies are not.
    /// # Errors
    /// As [`Container::open`].
    pub fn container(&self, name: &str, kind: FileKind) -> Result<Container> {
        let path = self.dir.join(name);
        Container::open(self.fs.map(&path)?, &path, kind)
    }

    /// The file system.
    #[must_use]
    pub fn fs(&self) -> Arc<dyn Fs> {
        Arc::clone(&self.fs)
    }

    /// Bytes on disk of all files that the manifest names.
    /// # Errors
    /// [`Error::Io`] when one is missing.
    pub fn bytes_on_disk(&self) -> Result<u64> {
        let mut sum = 0;
        for name in self.manifest.files() {
            sum += self.fs.length(&self.dir.join(name))?;
        }
        Ok(sum)
    }
}

/// The one process that may change a store: the bulk job or the maintainer.
#[derive(Debug)]
pub struct Maintainer {
    store: Store,
    poisoned: bool,
    _lock: Lock,
}

impl Maintainer {
    /// Opens the store in `dir` for change, creating it with `first` as its manifest where there is none, and removes
    /// files that no manifest names (left by a crash).
    /// # Errors
    /// [`Error::Locked`] when another process holds it; otherwise as [`Store::open`].
    pub fn open(dir: &Path, fs: Arc<dyn Fs>, first: impl FnOnce() -> Manifest) -> Result<Self> {
        fs.create_dir(dir)?;
        let lock = Lock::acquire(dir)?;
        let manifest = match read_manifest(dir, fs.as_ref())? {
            Some(manifest) => manifest,
            None => {
                let manifest = first();
                publish(dir, fs.as_ref(), &manifest)?;
                manifest
            }
        };
        let maintainer = Self { store: Store { dir: dir.to_path_buf(), fs, manifest }, poisoned: false, _lock: lock };
        maintainer.sweep()?;
        Ok(maintainer)
    }

    /// The store as of the last published manifest.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a new file; it counts for nothing until a manifest names it.
    /// # Errors
    /// [`Error::Io`]; [`Error::Poisoned`] after an earlier failed write.
    pub fn create(&mut self, kind: FileKind, identity: Identity) -> Result<(String, ContainerWriter)> {
        self.check()?;
        let number = self.store.manifest.next_file;
        self.store.manifest.next_file += 1;
        let name = format!("{number:08}.{}", kind.extension());
        let path = self.store.dir.join(&name);
        let file = self.store.fs.create(&path)?;
        let writer = ContainerWriter::new(file, &path, kind, identity)?;
        Ok((name, writer))
    }

    /// Publishes a new manifest: everything it names is durable when this returns.
    /// # Errors
    /// [`Error::Io`]; the maintainer is poisoned then, since it no longer knows what is on disk.
    pub fn publish(&mut self, mut manifest: Manifest) -> Result<()> {
        self.check()?;
        manifest.sequence = self.store.manifest.sequence + 1;
        manifest.next_file = manifest.next_file.max(self.store.manifest.next_file);
        if let Err(error) = publish(&self.store.dir, self.store.fs.as_ref(), &manifest) {
            self.poisoned = true;
            return Err(error);
        }
        self.store.manifest = manifest;
        self.sweep()
    }

    fn check(&self) -> Result<()> {
        if self.poisoned {
            return Err(Error::Poisoned { path: self.store.dir.clone() });
        }
        Ok(())
    }

    /// Unlinks numbered files that the manifest does not name; mapped ones live on in their readers.
    fn sweep(&self) -> Result<()> {
        let keep: Vec<&str> = self.store.manifest.files().collect();
        let current = manifest_name(self.store.manifest.sequence);
        for name in self.store.fs.list(&self.store.dir)? {
            let ours = FileKind::ALL.iter().any(|kind| numbered(&name, kind.extension()));
            let stale_manifest = numbered(&name, "manifest") && name != current;
            if (ours && !keep.contains(&name.as_str())) || stale_manifest || name == "CURRENT.tmp" {
                self.store.fs.remove(&self.store.dir.join(&name))?;
            }
        }
        Ok(())
    }
}

fn manifest_name(sequence: u64) -> String {
    format!("{sequence:08}.manifest")
}

fn numbered(name: &str, extension: &str) -> bool {
    name.strip_suffix(extension)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|number| number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read_manifest(dir: &Path, fs: &dyn Fs) -> Result<Option<Manifest>> {
    let current = dir.join(CURRENT);
    if !fs.exists(&current) {
        return Ok(None);
    }
    let text = fs.read(&current, 256)?;
    let name = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .filter(|name| numbered(name, "manifest"))
        .ok_or_else(|| Error::corrupt(&current, 0, CorruptKind::Value))?;
    let path = dir.join(name);
    Manifest::decode(&fs.read(&path, manifest::BYTES_MAX)?, &path).map(Some)
}

/// Manifest written and synced, folder synced, CURRENT replaced by rename, folder synced: a crash between any two steps
/// leaves either the old manifest or the new one in force, never a part of one.
fn publish(dir: &Path, fs: &dyn Fs, manifest: &Manifest) -> Result<()> {
    let name = manifest_name(manifest.sequence);
    let path = dir.join(&name);
    if fs.exists(&path) {
        fs.remove(&path)?;
    }
    let mut file = fs.create(&path)?;
    file.append(&manifest.encode())?;
    file.sync()?;
    fs.sync_dir(dir)?;
    let temporary = dir.join("CURRENT.tmp");
    if fs.exists(&temporary) {
        fs.remove(&temporary)?;
    }
    let mut file = fs.create(&temporary)?;
    file.append(format!("{name}\n").as_bytes())?;
    file.sync()?;
    fs.rename(&temporary, &dir.join(CURRENT))?;
    fs.sync_dir(dir)
}

//! The logs of one process: the one in use, and those before it that the maintainer may not have read yet.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::store::fs::Fs;
use crate::store::manifest::Manifest;
use crate::store::wal::Log;

/// Sequences of a process go on from log to log.
#[derive(Debug)]
pub(super) struct Logs {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<Log>,
    /// What the first record of the log in use counts from.
    base: u64,
    /// Whether the name of the log in use survives the loss of power.
    is_named: bool,
    retired: Vec<Retired>,
}

#[derive(Debug)]
struct Retired {
    name: String,
    base: u64,
    /// Of its own count.
    last: u64,
    /// Whether all of it is on the disk.
    is_synced: bool,
}

impl Logs {
    /// Begins with `current`, whose name is durable; all logs are files in `dir`.
    pub(super) fn new(fs: Arc<dyn Fs>, dir: PathBuf, current: Log) -> Self {
        let state = State { current: Arc::new(current), base: 0, is_named: true, retired: Vec::new() };
        Self { fs, dir, state: Mutex::new(state) }
    }

    /// The log in use, and the sequence that its records count from.
    pub(super) fn current(&self) -> (Arc<Log>, u64) {
        let state = self.state();
        (Arc::clone(&state.current), state.base)
    }

    /// The file of the log in use.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(self.current().0.name())
    }

    /// Whether `log` is still the one in use.
    pub(super) fn is_current(&self, log: &Arc<Log>) -> bool {
        Arc::ptr_eq(&self.state().current, log)
    }

    /// Puts `fresh` in the place of `full` where that is still in use. With `in_path` everything is on the disk when this
    /// returns; without, the old log is only handed to the system, since a sync of so much stops a request for a tenth of
    /// a second, and [`Logs::commit`] makes up for it.
    pub(super) fn replace(&self, full: &Arc<Log>, fresh: Log, in_path: bool) -> Result<()> {
        let mut state = self.state();
        if !Arc::ptr_eq(&state.current, full) {
            // Another thread was first; its log is in use, and this one's, which is empty, goes when the process does.
            return Ok(());
        }
        let (base, last) = (state.base, full.sequence());
        state.retired.push(Retired { name: full.name().to_owned(), base, last, is_synced: in_path });
        state.base += last;
        state.is_named = in_path;
        state.current = Arc::new(fresh);
        drop(state);
        if in_path { full.commit(full.sequence()) } else { full.flush() }
    }

    /// Returns when everything that was pushed before the call is on the disk.
    pub(super) fn commit(&self) -> Result<()> {
        let state = self.state();
        let (current, is_named) = (Arc::clone(&state.current), state.is_named);
        let waiting: Vec<String> =
            state.retired.iter().filter(|log| !log.is_synced).map(|log| log.name.clone()).collect();
        drop(state);
        for name in &waiting {
            let path = self.dir.join(name);
            // The maintainer removes a log when a durable segment holds all of it.
            if self.fs.exists(&path)
                && let Err(error) = self.fs.sync_file(&path)
                && self.fs.exists(&path)
            {
                return Err(error);
            }
        }
        if !is_named {
            self.fs.sync_dir(&self.dir)?;
        }
        let mut state = self.state();
        state.retired.iter_mut().filter(|log| waiting.contains(&log.name)).for_each(|log| log.is_synced = true);
        state.is_named |= Arc::ptr_eq(&state.current, &current);
        drop(state);
        current.commit(current.sequence())
    }

    /// The last sequence of this process that the segments of a manifest hold; logs that it holds whole are forgotten.
    pub(super) fn sealed_by(&self, manifest: &Manifest) -> u64 {
        let sealed_of = |name: &str| manifest.logs.iter().find(|log| log.file == name).map(|log| log.sequence);
        let mut state = self.state();
        let mut sealed = 0;
        // A retired log that the manifest names no more was read to its end and removed.
        state.retired.retain(|Retired { name, base, last, .. }| {
            let through = sealed_of(name).unwrap_or(if sealed >= *base { *last } else { 0 });
            sealed = sealed.max(base + through.min(*last));
            through < *last
        });
        if state.retired.is_empty() {
            sealed = sealed.max(state.base + sealed_of(state.current.name()).unwrap_or(0));
        }
        sealed
    }

    /// Held for the exchange of a pointer.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::store::fs::{RealFs, WriteFile};
    use crate::store::map::Bytes;
    use crate::store::segment::Identity;
    use crate::store::wal;

    /// The real file system, which counts the syncs that are asked for.
    #[derive(Debug, Default)]
    struct Counting {
        real: RealFs,
        syncs: Arc<AtomicUsize>,
    }

    #[derive(Debug)]
    struct CountingFile {
        real: Box<dyn WriteFile>,
        syncs: Arc<AtomicUsize>,
    }

    impl WriteFile for CountingFile {
        fn append(&mut self, bytes: &[u8]) -> Result<()> {
            self.real.append(bytes)
        }
        fn sync(&mut self) -> Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            self.real.sync()
        }
    }

    impl Fs for Counting {
        fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
            let syncs = Arc::clone(&self.syncs);
            Ok(Box::new(CountingFile { real: self.real.create(path)?, syncs }))
        }
        fn read(&self, path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
            self.real.read(path, bytes_max)
        }
        fn map(&self, path: &Path) -> Result<Bytes> {
            self.real.map(path)
        }
        fn length(&self, path: &Path) -> Result<u64> {
            self.real.length(path)
        }
        fn rename(&self, from: &Path, to: &Path) -> Result<()> {
            self.real.rename(from, to)
        }
        fn remove(&self, path: &Path) -> Result<()> {
            self.real.remove(path)
        }
        fn list(&self, dir: &Path) -> Result<Vec<String>> {
            self.real.list(dir)
        }
        fn exists(&self, path: &Path) -> bool {
            self.real.exists(path)
        }
        fn create_dir(&self, dir: &Path) -> Result<()> {
            self.real.create_dir(dir)
        }
        fn sync_dir(&self, dir: &Path) -> Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            self.real.sync_dir(dir)
        }
        fn sync_file(&self, path: &Path) -> Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            self.real.sync_file(path)
        }
    }

    #[test]
    fn a_full_log_stops_nobody_for_a_sync_and_a_commit_makes_up_for_it() {
        // Once every 64 MB a request waited for all of them to reach the disk.
        let dir = tempfile::tempdir().expect("temporary folder");
        let syncs = Arc::new(AtomicUsize::new(0));
        let fs: Arc<dyn Fs> = Arc::new(Counting { real: RealFs::default(), syncs: Arc::clone(&syncs) });
        let identity = Identity { spec: [1; 16], key_check: [2; 8], key_epoch: 1 };
        let begin =
            |random, in_path| Log::create(fs.as_ref(), dir.path(), identity, 7, random, in_path).expect("a log");
        let logs = Logs::new(Arc::clone(&fs), dir.path().join(wal::DIR), begin(0, true));
        let begun = syncs.load(Ordering::Relaxed);
        for round in 1..4 {
            let (full, base) = logs.current();
            assert_eq!(base, round - 1);
            full.push(1, b"something that was seen").expect("room");
            logs.replace(&full, begin(round, false), false).expect("replaced");
            assert!(!logs.is_current(&full));
            let path = dir.path().join(wal::DIR).join(full.name());
            let bytes = std::fs::read(&path).expect("handed to the system");
            assert_eq!(wal::read(&bytes, &path).expect("sound").expect("begun").records.len(), 1);
        }
        assert_eq!(syncs.load(Ordering::Relaxed), begun, "nothing waited for the disk");
        logs.commit().expect("on the disk");
        assert_eq!(syncs.load(Ordering::Relaxed), begun + 4, "three logs and the folder; the one in use is empty");
        logs.commit().expect("on the disk");
        assert_eq!(syncs.load(Ordering::Relaxed), begun + 4, "once is enough");

        let (full, _) = logs.current();
        full.push(1, b"something else").expect("room");
        logs.replace(&full, begin(9, true), true).expect("replaced");
        assert_eq!(syncs.load(Ordering::Relaxed), begun + 7, "asked for, all of it is on the disk at once");
    }
}

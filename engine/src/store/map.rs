//! The one mapping: sealed files, read-only, exact length; everything else of the engine sees slices.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// The bytes of a sealed file, mapped or copied; cheap to clone.
#[derive(Clone)]
pub struct Bytes(Arc<Backing>);

enum Backing {
    Mapped(Mmap),
    Owned(Vec<u8>),
    Empty,
}

impl Bytes {
    /// Bytes held in memory.
    #[must_use]
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Backing::Owned(bytes)))
    }

    /// Maps `path` read-only.
    ///
    /// The contract of a store is that its folder belongs to promptprint: sealed files are unlinked, never truncated or
    /// changed. Whoever breaks it may make a reader see other bytes, or receive a signal on a page that is gone.
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn map(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        let length = file.metadata().map_err(|source| Error::io("look at", path, source))?.len();
        if length == 0 {
            return Ok(Self(Arc::new(Backing::Empty)));
        }
        // SAFETY: the file is sealed: writers finish and sync it before a manifest names it (`Maintainer::publish`), and
        // after that it is only ever unlinked (`Maintainer::sweep`), so the mapped bytes do not change.
        let map = unsafe { Mmap::map(&file) }.map_err(|source| Error::io("map", path, source))?;
        Ok(Self(Arc::new(Backing::Mapped(map))))
    }

    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &*self.0 {
            Backing::Mapped(map) => map,
            Backing::Owned(bytes) => bytes,
            Backing::Empty => &[],
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.as_slice().len())
    }
}

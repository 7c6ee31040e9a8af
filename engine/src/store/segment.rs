//! One immutable file: header, 64-byte aligned sections, table, footer; each byte is under a checksum.
//!
//! The same container holds segments, tombstones and derived tables; [`FileKind`] tells them apart.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::fs::WriteFile;
use super::map::Bytes;
use crate::column::{Column, Value};
use crate::error::{CorruptKind, Error, Result};
use crate::num::{bytes_at, u32_at, u32_of, u64_at, u64_of, usize_of, usize_of_u64};

/// The newest container version this build reads and writes.
pub const VERSION: u32 = 1;

/// Text, then bytes that a transfer in text mode would change.
const MAGIC: [u8; 8] = *b"PPRINT\x1a\n";
const FOOTER_MAGIC: [u8; 8] = *b"PPEND\x1a\n\x00";
const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 32;
const FOOTER_BYTES: usize = 48;
const ALIGN: u64 = 64;
/// More sections than any kind has; a count from a file is not trusted beyond it.
const SECTIONS_MAX: usize = 1024;

/// What a container holds. The numbers are on disk: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Requests and their sketches.
    Segment,
    /// Hidden rows of one segment.
    Tombstones,
    /// Families and who uses them, derived from segments.
    Families,
    /// What gateways are told of families, derived from them.
    Verdicts,
    /// The graph of family exemplars, derived from segments and families.
    Exemplars,
    /// Known families: a bank that was imported.
    Bank,
}

impl FileKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Segment, Self::Tombstones, Self::Families, Self::Verdicts, Self::Bank, Self::Exemplars];

    const fn number(self) -> u32 {
        match self {
            Self::Segment => 1,
            Self::Tombstones => 2,
            Self::Families => 3,
            Self::Verdicts => 4,
            Self::Exemplars => 6,
            Self::Bank => 5,
        }
    }

    /// The ending of its file names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Tombstones => "tombs",
            Self::Families => "families",
            Self::Verdicts => "verdicts",
            Self::Exemplars => "exemplars",
            Self::Bank => "bank",
        }
    }
}

/// What makes two files comparable: the spec of their sketches and the key they were made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The encoded sketch spec.
    pub spec: [u8; 16],
    /// The check value of the key.
    pub key_check: [u8; 8],
    /// The epoch of the key.
    pub key_epoch: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u32,
    offset: u64,
    bytes: u64,
    checksum: u64,
}

/// Writes one container, section by section, without holding more than a section's slice in memory.
#[derive(Debug)]
pub struct ContainerWriter {
    file: Box<dyn WriteFile>,
    at: u64,
    entries: Vec<Entry>,
    header_checksum: u64,
}

impl ContainerWriter {
    /// Begins the file with its header.
    /// # Errors
    /// [`Error::Io`].
    pub fn new(mut file: Box<dyn WriteFile>, path: &Path, kind: FileKind, identity: Identity) -> Result<Self> {
        debug_assert!(path.file_name().is_some(), "a container has a name");
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&MAGIC);
        VERSION.write(&mut header);
        kind.number().write(&mut header);
        header.extend_from_slice(&identity.spec);
        header.extend_from_slice(&identity.key_check);
        identity.key_epoch.write(&mut header);
        header.resize(HEADER_BYTES - 8, 0);
        let header_checksum = xxh3_64(&header);
        header_checksum.write(&mut header);
        file.append(&header)?;
        Ok(Self { file, at: u64_of(HEADER_BYTES), entries: Vec::new(), header_checksum })
    }

    /// Writes one section.
    /// # Errors
    /// [`Error::Io`].
    pub fn section(&mut self, id: u32, bytes: &[u8]) -> Result<()> {
        self.section_of(id, std::iter::once(bytes))
    }

    /// Writes one section from several slices, one behind the other.
    /// # Errors
    /// [`Error::Io`].
    pub fn section_of<'a>(&mut self, id: u32, slices: impl Iterator<Item = &'a [u8]>) -> Result<()> {
        debug_assert!(self.entries.iter().all(|entry| entry.id != id), "section {id} is written once");
        debug_assert!(usize_of(id) <= SECTIONS_MAX, "section {id} could not be found again");
        self.pad()?;
        let offset = self.at;
        let mut hash = Xxh3::new();
        for slice in slices {
            hash.update(slice);
            self.file.append(slice)?;
            self.at += u64_of(slice.len());
        }
        self.entries.push(Entry { id, offset, bytes: self.at - offset, checksum: hash.digest() });
        Ok(())
    }

    /// Writes one section piece by piece, as `write` makes it: for what is too large to hold twice.
    /// # Errors
    /// [`Error::Io`].
    pub fn section_from(
        &mut self,
        id: u32,
        write: impl FnOnce(&mut SectionWriter<'_>) -> std::io::Result<()>,
    ) -> Result<()> {
        debug_assert!(self.entries.iter().all(|entry| entry.id != id), "section {id} is written once");
        self.pad()?;
        let offset = self.at;
        let mut section = SectionWriter { file: self.file.as_mut(), hash: Xxh3::new(), bytes: 0, failed: None };
        let result = write(&mut section);
        let SectionWriter { hash, bytes, failed, .. } = section;
        if let Some(error) = failed {
            return Err(error);
        }
        result.map_err(|source| Error::Io { op: "write", path: PathBuf::from(format!("section {id}")), source })?;
        self.at += bytes;
        self.entries.push(Entry { id, offset, bytes, checksum: hash.digest() });
        Ok(())
    }

    /// Ends the file with its table and footer, and syncs it.
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<u64> {
        self.pad()?;
        let table_offset = self.at;
        let mut table = Vec::with_capacity(self.entries.len() * ENTRY_BYTES);
        for entry in &self.entries {
            u64::from(entry.id).write(&mut table);
            entry.offset.write(&mut table);
            entry.bytes.write(&mut table);
            entry.checksum.write(&mut table);
        }
        self.file.append(&table)?;
        let length = table_offset + u64_of(table.len()) + u64_of(FOOTER_BYTES);
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        table_offset.write(&mut footer);
        u64_of(self.entries.len()).write(&mut footer);
        (xxh3_64(&table) ^ self.header_checksum).write(&mut footer);
        length.write(&mut footer);
        xxh3_64(&footer).write(&mut footer);
        footer.extend_from_slice(&FOOTER_MAGIC);
        self.file.append(&footer)?;
        self.file.sync()?;
        Ok(length)
    }

    fn pad(&mut self) -> Result<()> {
        let rest = self.at % ALIGN;
        if rest != 0 {
            let zeros = [0_u8; 64];
            let missing = usize_of_u64(ALIGN - rest).unwrap_or(0);
            self.file.append(&zeros[..missing])?;
            self.at += u64_of(missing);
        }
        Ok(())
    }
}

/// Takes the bytes of one section.
pub struct SectionWriter<'a> {
    file: &'a mut dyn WriteFile,
    hash: Xxh3,
    bytes: u64,
    /// The error of the file, which says more than what passes through [`std::io::Write`].
    failed: Option<Error>,
}

impl std::fmt::Debug for SectionWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SectionWriter({} bytes)", self.bytes)
    }
}

impl std::io::Write for SectionWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.hash.update(bytes);
        if let Err(error) = self.file.append(bytes) {
            let told = std::io::Error::other(error.to_string());
            self.failed = Some(error);
            return Err(told);
        }
        self.bytes += u64_of(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One container, opened: header, table and footer are sound, section bodies are checked by [`Container::verify`] alone.
#[derive(Debug, Clone)]
pub struct Container {
    bytes: Bytes,
    path: PathBuf,
    identity: Identity,
    entries: Vec<Entry>,
    /// Where in `entries` each section is, by its id; past the end where there is none.
    places: Vec<usize>,
}

impl Container {
    /// Checks header, footer, table and that every section lies inside the file.
    /// # Errors
    /// [`Error::Corrupt`] naming file and offset; [`Error::IncompatibleFormat`].
    pub fn open(bytes: Bytes, path: &Path, kind: FileKind) -> Result<Self> {
        let file = bytes.as_slice();
        let corrupt = |offset: usize, kind| Error::corrupt(path, u64_of(offset), kind);
        if file.get(..8) != Some(MAGIC.as_slice()) {
            return Err(corrupt(0, CorruptKind::Magic));
        }
        let version = u32_at(file, 8).ok_or_else(|| corrupt(8, CorruptKind::Truncated))?;
        if version != VERSION {
            return Err(Error::IncompatibleFormat { path: path.to_path_buf(), found: version, supported: VERSION });
        }
        if file.len() < HEADER_BYTES + FOOTER_BYTES {
            return Err(corrupt(file.len(), CorruptKind::Truncated));
        }
        let header_checksum = xxh3_64(&file[..HEADER_BYTES - 8]);
        if u64_at(file, HEADER_BYTES - 8) != Some(header_checksum) {
            return Err(corrupt(HEADER_BYTES - 8, CorruptKind::Checksum));
        }
        if u32_at(file, 12) != Some(kind.number()) {
            return Err(corrupt(12, CorruptKind::Magic));
        }
        let identity = Identity {
            spec: bytes_at(file, 16).ok_or_else(|| corrupt(16, CorruptKind::Truncated))?,
            key_check: bytes_at(file, 32).ok_or_else(|| corrupt(32, CorruptKind::Truncated))?,
            key_epoch: u32_at(file, 40).ok_or_else(|| corrupt(40, CorruptKind::Truncated))?,
        };
        let footer_at = file.len() - FOOTER_BYTES;
        let footer = &file[footer_at..];
        if footer[40..] != FOOTER_MAGIC {
            return Err(corrupt(footer_at + 40, CorruptKind::Truncated));
        }
        if u64_at(footer, 32) != Some(xxh3_64(&footer[..32])) {
            return Err(corrupt(footer_at + 32, CorruptKind::Checksum));
        }
        if u64_at(footer, 24) != Some(u64_of(file.len())) {
            return Err(corrupt(footer_at + 24, CorruptKind::Bounds));
        }
        let table_offset = u64_at(footer, 0).and_then(usize_of_u64).unwrap_or(usize::MAX);
        let count = u64_at(footer, 8).and_then(usize_of_u64).unwrap_or(usize::MAX);
        let bounds = || corrupt(footer_at, CorruptKind::Bounds);
        if count > SECTIONS_MAX || table_offset > footer_at || footer_at - table_offset != count * ENTRY_BYTES {
            return Err(bounds());
        }
        let table = &file[table_offset..footer_at];
        if u64_at(footer, 16) != Some(xxh3_64(table) ^ header_checksum) {
            return Err(corrupt(table_offset, CorruptKind::Checksum));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        let mut end = u64_of(HEADER_BYTES);
        for index in 0..count {
            let at = index * ENTRY_BYTES;
            let (Some(id), Some(offset), Some(length), Some(checksum)) =
                (u64_at(table, at), u64_at(table, at + 8), u64_at(table, at + 16), u64_at(table, at + 24))
            else {
                return Err(bounds());
            };
            let id = usize_of_u64(id).and_then(u32_of).ok_or_else(bounds)?;
            // Sections stand in the order of the table, each at the first aligned place behind the one before.
            let section_end = offset.checked_add(length).ok_or_else(bounds)?;
            if offset != end.next_multiple_of(ALIGN) || section_end > u64_of(table_offset) {
                return Err(bounds());
            }
            end = section_end;
            entries.push(Entry { id, offset, bytes: length, checksum });
        }
        if end.next_multiple_of(ALIGN) != u64_of(table_offset) {
            return Err(bounds());
        }
        let highest = entries.iter().map(|entry| usize_of(entry.id)).max().unwrap_or(0);
        let mut places = vec![usize::MAX; highest.min(SECTIONS_MAX) + 1];
        for (place, entry) in entries.iter().enumerate().rev() {
            if let Some(slot) = places.get_mut(usize_of(entry.id)) {
                *slot = place;
            }
        }
        Ok(Self { bytes, path: path.to_path_buf(), identity, entries, places })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The spec and key that the header names.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The bytes of a section, or `None` where the file has no such section.
    #[must_use]
    pub fn section(&self, id: u32) -> Option<&[u8]> {
        let entry = self.entry(id)?;
        let start = usize_of_u64(entry.offset)?;
        self.bytes.as_slice().get(start..start + usize_of_u64(entry.bytes)?)
    }

    /// Where a section begins in the file.
    #[must_use]
    pub fn offset(&self, id: u32) -> Option<u64> {
        self.entry(id).map(|entry| entry.offset)
    }

    /// Found without a search: a view of a segment asks for some thirty sections, and a query makes one.
    fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries.get(*self.places.get(usize_of(id))?)
    }

    /// The bytes of a section that must be there.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn require(&self, id: u32) -> Result<&[u8]> {
        self.section(id).ok_or_else(|| Error::corrupt(&self.path, 0, CorruptKind::MissingSection(id)))
    }

    /// A section that must be there, as a column of `T`.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn column<T: Value>(&self, id: u32) -> Result<Column<'_, T>> {
        Column::new(self.require(id)?).ok_or_else(|| self.damaged(id, CorruptKind::Bounds))
    }

    /// Damage inside section `id`.
    #[must_use]
    pub fn damaged(&self, id: u32, kind: CorruptKind) -> Error {
        let offset = self.entry(id).map_or(0, |entry| entry.offset);
        Error::corrupt(&self.path, offset, kind)
    }

    /// Reads every byte: each section against its checksum, the padding between them against zero.
    /// # Errors
    /// [`Error::Corrupt`] for the first damage.
    pub fn verify(&self) -> Result<()> {
        let file = self.bytes.as_slice();
        let mut end = HEADER_BYTES;
        for entry in &self.entries {
            let start = usize_of_u64(entry.offset).unwrap_or(usize::MAX);
            if let Some(at) = file[end..start].iter().position(|byte| *byte != 0) {
                return Err(Error::corrupt(&self.path, u64_of(end + at), CorruptKind::Value));
            }
            end = start + usize_of_u64(entry.bytes).unwrap_or(0);
            if xxh3_64(&file[start..end]) != entry.checksum {
                return Err(Error::corrupt(&self.path, entry.offset, CorruptKind::Checksum));
            }
        }
        let table = end.next_multiple_of(usize_of(64));
        if let Some(at) = file[end..table].iter().position(|byte| *byte != 0) {
            return Err(Error::corrupt(&self.path, u64_of(end + at), CorruptKind::Value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fs::{Fs, RealFs};
    use super::*;

    fn example() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("00000001.segment");
        let file = RealFs::default().create(&path).expect("new file");
        let identity = Identity { spec: [1; 16], key_check: [2; 8], key_epoch: 3 };
        let mut writer = ContainerWriter::new(file, &path, FileKind::Segment, identity).expect("header");
        writer.section(5, b"hello").expect("section");
        writer.section(6, &[]).expect("section");
        writer.section_of(7, [b"ab".as_slice(), &[9; 200]].into_iter()).expect("section");
        let pieces = writer.section_from(9, |out| {
            std::io::Write::write_all(out, b"piece ")?;
            std::io::Write::write_all(out, b"by piece")
        });
        pieces.expect("section");
        let length = writer.finish().expect("footer");
        let bytes = std::fs::read(&path).expect("written file");
        assert_eq!(length, u64_of(bytes.len()));
        (dir, path, bytes)
    }

    #[test]
    fn sections_come_back_as_they_were_written() {
        let (_dir, path, bytes) = example();
        let container = Container::open(Bytes::owned(bytes), &path, FileKind::Segment).expect("sound file");
        assert_eq!(container.section(5), Some(b"hello".as_slice()));
        assert_eq!(container.section(6), Some([].as_slice()));
        assert_eq!(container.require(7).expect("section").len(), 202);
        assert!(container.section(8).is_none());
        assert_eq!(container.section(9), Some(b"piece by piece".as_slice()));
        assert_eq!(container.offset(5), Some(64));
        assert_eq!(container.identity().key_epoch, 3);
        container.verify().expect("sound bodies");
    }

    #[test]
    fn every_truncation_is_refused() {
        let (_dir, path, bytes) = example();
        for end in 0..bytes.len() {
            let cut = Bytes::owned(bytes[..end].to_vec());
            Container::open(cut, &path, FileKind::Segment).expect_err("cut short");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let (_dir, path, bytes) = example();
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[index] ^= 1 << bit;
                let found = Container::open(Bytes::owned(damaged), &path, FileKind::Segment)
                    .and_then(|container| container.verify());
                assert!(found.is_err(), "byte {index} bit {bit}");
            }
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let (_dir, path, bytes) = example();
        assert!(Container::open(Bytes::owned(bytes), &path, FileKind::Families).is_err());
    }
}

//! The immutable list of what is live: segments, their tombstones, the derived tables, and under which key and spec.

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{CorruptKind, Error, Result};

/// The store's format: the manifest's, and what the segments it names hold. It rises when a store of before would be misread, or
/// compared with what is not like it (`engine/FORMAT.md`, version changes). The headers of segments and logs have versions of
/// their own.
pub const VERSION: u32 = 2;

/// Bytes of a manifest at most: 10^5 segments take 20 MB.
pub const BYTES_MAX: usize = 32 << 20;

/// What the store consists of at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Rises by one with each manifest.
    pub sequence: u64,
    /// The number that the next new file gets.
    pub next_file: u64,
    /// The key epoch that new segments are written under.
    pub key_epoch: u32,
    /// The check value of that epoch's key, in hex: tells a wrong key before it does harm.
    pub key_check: String,
    /// The sketch spec, in hex: only equal specs can be compared.
    pub spec: String,
    /// The live segments, oldest first.
    pub segments: Vec<SegmentEntry>,
    /// The tables mined from exactly these segments, where there are any.
    pub families: Option<DerivedEntry>,
    /// Whether rows were hidden after those tables were mined.
    #[serde(default)]
    pub families_stale: bool,
    /// Which graphs new segments get.
    #[serde(default)]
    pub graph: GraphChoice,
    /// What the embedding codes were made by; empty until the first are made. Only codes of one origin can be compared.
    #[serde(default)]
    pub codes: String,
    /// The graph of family exemplars over exactly these segments, where there is one.
    #[serde(default)]
    pub exemplars: Option<DerivedEntry>,
    /// What gateways are told of families, as of the last judging.
    #[serde(default)]
    pub verdicts: Option<String>,
    /// Banks of known families, in the order of their import.
    #[serde(default)]
    pub banks: Vec<String>,
    /// How far the logs of gateway processes are in the segments.
    #[serde(default)]
    pub logs: Vec<LogEntry>,
    /// What reading logs has met so far, for the report.
    pub inputs: Inputs,
}

/// Which graphs of sketches new segments get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GraphChoice {
    /// Two for each segment, of the signatures and of the codes of its leaders: top-k without a threshold, at once.
    #[default]
    Leaders,
    /// One for the store, of the codes of one text a family and of the leaders in no family; made when families are mined.
    Families,
    /// None, and no codes either.
    None,
}

impl GraphChoice {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Leaders, Self::Families, Self::None];

    /// The name that [`str::parse`] reads back.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leaders => "leaders",
            Self::Families => "families",
            Self::None => "none",
        }
    }
}

impl std::str::FromStr for GraphChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name).ok_or_else(|| Error::InvalidArgument {
            argument: "graph",
            reason: format!("{name:?} is none of leaders, families and none"),
        })
    }
}

/// One log of a gateway process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its file in the folder `logs`.
    pub file: String,
    /// The last sequence that is in a segment.
    pub sequence: u64,
}

/// One live segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Its file.
    pub file: String,
    /// Its number of requests, hidden ones included.
    pub requests: u64,
    /// The file of hidden rows, where there are any.
    pub tombstones: Option<String>,
}

/// A file derived from the segments; it is stale when the segments are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedEntry {
    /// The file.
    pub file: String,
    /// The segment files it was made from, in order.
    pub segments: Vec<String>,
}

/// Counts over everything that was ever read into the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Names of the logs, in the order of their first reading; sealed under the key, in hex.
    pub logs: Vec<String>,
    /// Lines read, blank ones left out.
    pub lines: u64,
    /// Requests taken in.
    pub requests: u64,
    /// Requests that were there already.
    pub repeated: u64,
    /// Lines that could not be used.
    pub skipped: u64,
    /// Images, files and other content that is not text.
    pub media_skipped: u64,
    /// Requests without any principal.
    pub unattributed: u64,
}

impl Manifest {
    /// The first manifest of a store: epoch and check value of its key, and its sketch spec, the latter two in hex.
    #[must_use]
    pub fn empty(key_epoch: u32, key_check: String, spec: String) -> Self {
        Self {
            sequence: 1,
            next_file: 1,
            key_epoch,
            key_check,
            spec,
            segments: Vec::new(),
            families: None,
            families_stale: false,
            graph: GraphChoice::default(),
            codes: String::new(),
            exemplars: None,
            verdicts: None,
            banks: Vec::new(),
            logs: Vec::new(),
            inputs: Inputs::default(),
        }
    }

    /// Every file that the manifest names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.segments
            .iter()
            .flat_map(|segment| std::iter::once(segment.file.as_str()).chain(segment.tombstones.as_deref()))
            .chain(self.families.iter().map(|families| families.file.as_str()))
            .chain(self.exemplars.iter().map(|exemplars| exemplars.file.as_str()))
            .chain(self.verdicts.as_deref())
            .chain(self.banks.iter().map(String::as_str))
    }

    /// Whether the family tables were mined from exactly the live segments.
    #[must_use]
    pub fn families_are_current(&self) -> bool {
        !self.families_stale
            && self
                .families
                .as_ref()
                .is_some_and(|families| families.segments.iter().eq(self.segments.iter().map(|segment| &segment.file)))
    }

    /// The bytes of the file: one line with version, checksum and length, then JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = serde_json::to_vec_pretty(self).expect("a manifest has no value that JSON cannot hold");
        let mut out = format!("promptprint-manifest {VERSION} {:016x} {}\n", xxh3_64(&body), body.len()).into_bytes();
        out.extend_from_slice(&body);
        out
    }

    /// Reads the bytes of a manifest file.
    /// # Errors
    /// [`Error::Corrupt`], [`Error::IncompatibleFormat`].
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let corrupt = |offset, kind| Error::corrupt(path, offset, kind);
        let end =
            bytes.iter().take(128).position(|byte| *byte == b'\n').ok_or_else(|| corrupt(0, CorruptKind::Magic))?;
        let (head, body) = bytes.split_at(end);
        let body = &body[1..];
        let head = std::str::from_utf8(head).map_err(|_| corrupt(0, CorruptKind::Magic))?;
        let mut words = head.split(' ');
        if words.next() != Some("promptprint-manifest") {
            return Err(corrupt(0, CorruptKind::Magic));
        }
        let version: u32 =
            words.next().and_then(|word| word.parse().ok()).ok_or_else(|| corrupt(0, CorruptKind::Value))?;
        if version != VERSION {
            return Err(Error::IncompatibleFormat { path: path.to_path_buf(), found: version, supported: VERSION });
        }
        let checksum = words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
        let length = words.next().and_then(|word| word.parse::<usize>().ok());
        if length.is_none_or(|length| length != body.len()) {
            return Err(corrupt(0, CorruptKind::Truncated));
        }
        if checksum != Some(xxh3_64(body)) {
            return Err(corrupt(0, CorruptKind::Checksum));
        }
        let manifest: Self = serde_json::from_slice(body).map_err(|_| corrupt(0, CorruptKind::Value))?;
        // A name leads into the folder of the store and nowhere else.
        if manifest.files().any(|name| !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)))
        {
            return Err(corrupt(0, CorruptKind::Value));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Manifest {
        Manifest {
            sequence: 7,
            next_file: 9,
            segments: vec![SegmentEntry { file: "00000001.segment".into(), requests: 3, tombstones: None }],
            ..Manifest::empty(1, "00".into(), "01".into())
        }
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_refused() {
        let whole = example().encode();
        let path = Path::new("m");
        assert_eq!(Manifest::decode(&whole, path).expect("whole"), example());
        for end in 0..whole.len() {
            Manifest::decode(&whole[..end], path).expect_err("cut short");
        }
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 0x10;
            assert!(Manifest::decode(&bytes, path).is_err(), "byte {index}");
        }
    }
}

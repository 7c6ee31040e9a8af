//! Banks: sealed sets of known families, public ones that acquit and harmful ones that call for attention, as files that
//! hold fingerprints and no prompt text.
//!
//! A family is known by its core: the keyed fingerprints of its skeleton. Fingerprints compare only under one key and one
//! set of rules, so a bank names both, and another key's bank is refused rather than silently useless. Sharing a bank
//! between keys means building it again from its texts, which are public where the bank is negative.
//! What a bank acquits is the family, never the account or the whole request: a campaign that hides behind a popular
//! agent's system prompt is judged by its other parts.

use crate::error::{CorruptKind, Error, Result};
use crate::num;
use std::path::Path;

/// Opens every bank file.
const MAGIC: [u8; 8] = *b"PPBANK\0\x01";
/// Entries of one bank.
pub const ENTRIES_MAX: usize = 1 << 20;
/// Fingerprints of one entry.
pub const CORE_MAX: usize = 4096;
/// Bytes of a name or a licence.
const LABEL_MAX: usize = 1024;
/// Least share of a family's core that an entry must hold.
pub const SHARE_MIN: f64 = 0.6;
/// Least fingerprints in common.
pub const COMMON_MIN: usize = 4;

/// What being in a bank says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// A public prompt, harness or agent: sharing it says nothing.
    Negative,
    /// A known elicitation: worth an analyst's eye, and never a proof.
    Positive,
}

impl Polarity {
    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Positive => "positive",
        }
    }
}

/// One known family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called in reports.
    pub name: String,
    /// Fingerprints of its skeleton, ascending, each once.
    pub core: Vec<u64>,
}

/// A set of known families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// What the bank is called.
    pub name: String,
    /// Under which licence its sources stand.
    pub licence: String,
    /// What being in it says.
    pub polarity: Polarity,
    /// Encoded spec of the rules its fingerprints were made by.
    pub spec: [u8; 16],
    /// Check value of the key they were made under.
    pub key_check: [u8; 8],
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// How a family stands to the banks.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct BankHit {
    /// Which bank, in the order given.
    pub bank: u32,
    /// Which of its entries.
    pub entry: u32,
    /// What the bank says.
    pub polarity: Polarity,
    /// Share of the family's core that the entry holds, 0 to 1.
    pub share: f64,
    /// Fingerprints of the core that it holds.
    pub common: usize,
    /// True when that is enough to be this entry; else it is only the nearest.
    pub known: bool,
}

/// Finds, for each family's core (ascending fingerprints), the nearest entry of the banks; negative banks win ties.
#[must_use]
pub fn nearest(banks: &[Bank], cores: &[&[u64]]) -> Vec<Option<BankHit>> {
    let mut postings: Vec<(u64, u32, u32)> = Vec::new();
    for (bank_number, bank) in banks.iter().enumerate() {
        for (entry_number, entry) in bank.entries.iter().enumerate() {
            let at = (num::u32_saturating(bank_number), num::u32_saturating(entry_number));
            postings.extend(entry.core.iter().map(|&fingerprint| (fingerprint, at.0, at.1)));
        }
    }
    postings.sort_unstable();
    cores.iter().map(|core| nearest_of(banks, &postings, core)).collect()
}

fn nearest_of(banks: &[Bank], postings: &[(u64, u32, u32)], core: &[u64]) -> Option<BankHit> {
    let mut met: Vec<(u32, u32)> = Vec::new();
    for &fingerprint in core {
        let begin = postings.partition_point(|posting| posting.0 < fingerprint);
        met.extend(postings.iter().skip(begin).take_while(|posting| posting.0 == fingerprint).map(|p| (p.1, p.2)));
    }
    met.sort_unstable();
    met.chunk_by(|a, b| a == b)
        .filter_map(|run| {
            let &(bank, entry) = run.first()?;
            let share = num::f64_of(run.len()) / num::f64_of(core.len().max(1));
            let polarity = banks.get(num::usize_of(bank))?.polarity;
            let known = share >= SHARE_MIN && run.len() >= COMMON_MIN;
            Some(BankHit { bank, entry, polarity, share, common: run.len(), known })
        })
        .max_by(|a, b| {
            let rank = |hit: &BankHit| (hit.known, hit.polarity == Polarity::Negative);
            rank(a).cmp(&rank(b)).then(a.share.total_cmp(&b.share)).then((b.bank, b.entry).cmp(&(a.bank, a.entry)))
        })
}

impl Bank {
    /// The bank as the bytes of a file: header, labels, entries, and a checksum over all of it. Little-endian.
    /// # Errors
    /// [`Error::LimitExceeded`] when there are more entries, fingerprints or label bytes than a reader accepts.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.spec);
        out.extend_from_slice(&self.key_check);
        out.push(match self.polarity {
            Polarity::Negative => 0,
            Polarity::Positive => 1,
        });
        put_label(&mut out, &self.name)?;
        put_label(&mut out, &self.licence)?;
        put_count(&mut out, "bank entries", self.entries.len(), ENTRIES_MAX)?;
        for entry in &self.entries {
            put_label(&mut out, &entry.name)?;
            put_count(&mut out, "bank entry fingerprints", entry.core.len(), CORE_MAX)?;
            for fingerprint in &entry.core {
                out.extend_from_slice(&fingerprint.to_le_bytes());
            }
        }
        let checksum = xxhash_rust::xxh3::xxh3_64(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(out)
    }

    /// Reads the bytes of a bank file; `path` only names it in errors.
    /// # Errors
    /// [`Error::Corrupt`] when the bytes are not a whole, undamaged bank.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let corrupt = |offset: usize, kind| Error::corrupt(path, num::u64_of(offset), kind);
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(corrupt(0, CorruptKind::Magic));
        }
        let Some(body_len) = bytes.len().checked_sub(8) else { return Err(corrupt(0, CorruptKind::Truncated)) };
        let body = bytes.get(..body_len).unwrap_or_default();
        if num::u64_at(bytes, body_len) != Some(xxhash_rust::xxh3::xxh3_64(body)) {
            return Err(corrupt(body_len, CorruptKind::Checksum));
        }
        let mut cursor = Cursor { bytes: body, at: MAGIC.len(), path };
        let spec = cursor.bytes()?;
        let key_check = cursor.bytes()?;
        let polarity = match cursor.byte()? {
            0 => Polarity::Negative,
            1 => Polarity::Positive,
            _ => return Err(corrupt(cursor.at, CorruptKind::Value)),
        };
        let (name, licence) = (cursor.label()?, cursor.label()?);
        let count = cursor.count(ENTRIES_MAX, 8)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let name = cursor.label()?;
            let fingerprints = cursor.count(CORE_MAX, 8)?;
            let core = (0..fingerprints).map(|_| cursor.number()).collect::<Result<Vec<u64>>>()?;
            if !core.is_sorted_by(|a, b| a < b) {
                return Err(corrupt(cursor.at, CorruptKind::Value));
            }
            entries.push(Entry { name, core });
        }
        if cursor.at != body_len {
            return Err(corrupt(cursor.at, CorruptKind::Bounds));
        }
        Ok(Self { name, licence, polarity, spec, key_check, entries })
    }
}

fn put_count(out: &mut Vec<u8>, limit: &'static str, count: usize, max: usize) -> Result<()> {
    if count > max {
        return Err(Error::LimitExceeded { limit, got: num::u64_of(count), max: num::u64_of(max) });
    }
    out.extend_from_slice(&num::u32_saturating(count).to_le_bytes());
    Ok(())
}

fn put_label(out: &mut Vec<u8>, label: &str) -> Result<()> {
    put_count(out, "bank label bytes", label.len(), LABEL_MAX)?;
    out.extend_from_slice(label.as_bytes());
    Ok(())
}

/// Walks the body; every count is checked against what is left before it is believed.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    path: &'a Path,
}

impl Cursor<'_> {
    fn fail(&self, kind: CorruptKind) -> Error {
        Error::corrupt(self.path, num::u64_of(self.at), kind)
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| self.fail(CorruptKind::Truncated))?;
        self.at += 1;
        Ok(byte)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = num::bytes_at(self.bytes, self.at).ok_or_else(|| self.fail(CorruptKind::Truncated))?;
        self.at += N;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64> {
        let number = num::u64_at(self.bytes, self.at).ok_or_else(|| self.fail(CorruptKind::Truncated))?;
        self.at += 8;
        Ok(number)
    }

    fn count(&mut self, max: usize, bytes_each: usize) -> Result<usize> {
        let count =
            num::u32_at(self.bytes, self.at).map(num::usize_of).ok_or_else(|| self.fail(CorruptKind::Truncated))?;
        self.at += 4;
        if count > max || count.saturating_mul(bytes_each) > self.bytes.len() - self.at {
            return Err(self.fail(CorruptKind::Bounds));
        }
        Ok(count)
    }

    fn label(&mut self) -> Result<String> {
        let length = self.count(LABEL_MAX, 1)?;
        let bytes = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        let label = std::str::from_utf8(bytes).map_err(|_| self.fail(CorruptKind::Value))?;
        self.at += length;
        Ok(label.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bank() -> Bank {
        let entry = |name: &str, core: &[u64]| Entry { name: name.to_owned(), core: core.to_vec() };
        Bank {
            name: "collections".to_owned(),
            licence: "MIT".to_owned(),
            polarity: Polarity::Negative,
            spec: [3; 16],
            key_check: [7; 8],
            entries: vec![entry("terminal", &[1, 2, 3, 4, 5]), entry("translator", &[4, 5, 6, 7, 8, 9])],
        }
    }

    #[test]
    fn comes_back_as_it_was_and_notices_every_damaged_byte() {
        let path = Path::new("test.bank");
        let bytes = bank().encode().expect("within bounds");
        assert_eq!(Bank::decode(&bytes, path).expect("undamaged"), bank());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert!(Bank::decode(&damaged, path).is_err(), "byte {at}");
            assert!(Bank::decode(&bytes[..at], path).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn refuses_one_fingerprint_too_many() {
        let mut bank = bank();
        bank.entries[0].core = (0..=num::u64_of(CORE_MAX)).collect();
        assert!(matches!(bank.encode(), Err(Error::LimitExceeded { .. })));
    }

    #[test]
    fn knows_a_family_by_most_of_its_core() {
        let hits = nearest(&[bank()], &[&[1, 2, 3, 4, 10], &[4, 5, 20, 21, 22, 23], &[30]]);
        let first = hits[0].expect("shares fingerprints");
        assert!(first.known && first.entry == 0 && (first.share - 0.8).abs() < 1e-9);
        assert!(hits[1].is_some_and(|hit| !hit.known));
        assert!(hits[2].is_none());
    }
}

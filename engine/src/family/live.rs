//! Finds the family of one new text from sealed tables, in microseconds and without allocating: what a gateway asks.
//!
//! The table is one block of bytes, made by [`Table::seal`] and read in place: a bucket index over the fingerprints of
//! all cores, entries of (fingerprint, family, support, weight), and one record a family. Every count is checked against
//! the length before use, and every family number when it is read; damaged bytes make [`Table::open`] fail or a lookup
//! miss, never panic.

use crate::family::anchor::{Anchors, FINGERPRINT_BITS};
use crate::family::mine::{Families, Match};
use crate::family::recurrence::UNSEEN_TEXTS;
use crate::num;

/// First bytes of a table.
const MAGIC: u32 = 0x3146_5050;
/// Bytes of the header: magic, families, entries, bucket bits.
const HEADER: usize = 16;
/// Bytes of one family: id u64, mean weight f32, class and padding u32.
const FAMILY: usize = 16;
/// Bytes of one entry: fingerprint's low 32 bits u32, family u32, support u8, weight in eighths of a bit u8, high bits u8,
/// padding u8.
const ENTRY: usize = 12;
/// Families that may share a fingerprint before the rest are not looked at.
const SHARERS_MAX: usize = 16;
/// Families that one text is compared with.
const CANDIDATES: usize = 64;
/// Share of a text's known weight that its family must explain, and share of the family's weight that the text must hold.
const EXPLAINED_MIN: f32 = 0.4;
const HELD_MIN: f32 = 0.35;
/// Bits that they must share, as for a text to be placed when families are mined.
const WEIGHT_MIN: f32 = 8.0;

/// Families sealed for lookup, in borrowed bytes.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    families: &'a [u8],
    buckets: &'a [u8],
    entries: &'a [u8],
    bucket_bits: u32,
}

impl<'a> Table<'a> {
    /// Seals families into bytes; equal families give equal bytes. `documents` is the number of distinct texts mined,
    /// from which an anchor's weight is taken.
    #[must_use]
    pub fn seal(found: &Families, documents: u32) -> Vec<u8> {
        let mut entries: Vec<(u64, u32, u8, u8)> = Vec::new();
        let mut holders: std::collections::BTreeMap<u64, f64> = std::collections::BTreeMap::new();
        for family in &found.families {
            for core in &family.core {
                *holders.entry(core.fingerprint).or_default() += f64::from(core.support) * f64::from(family.documents);
            }
        }
        let bits = |fingerprint: u64| {
            let texts = holders.get(&fingerprint).copied().unwrap_or(1.0).max(1.0);
            ((f64::from(documents) + UNSEEN_TEXTS) / texts).log2().clamp(0.125, 31.0)
        };
        let eighths = |bits: f64| num::low8(num::low32(num::u64_of_f64((bits * 8.0).round())));
        let mut means = Vec::with_capacity(found.families.len());
        for (family, number) in found.families.iter().zip(0u32..) {
            let mut mean = 0.0;
            for core in &family.core {
                let weight = eighths(bits(core.fingerprint));
                let support = num::low8(num::low32(num::u64_of_f64((f64::from(core.support) * 255.0).round())));
                mean += f64::from(weight) / 8.0 * f64::from(support) / 255.0;
                entries.push((core.fingerprint, number, support, weight));
            }
            means.push(num::f32_of(mean));
        }
        entries.sort_unstable();
        let bucket_bits = entries.len().max(2).ilog2().clamp(1, 24);
        let mut out = Vec::new();
        for word in [MAGIC, num::u32_saturating(found.families.len()), num::u32_saturating(entries.len()), bucket_bits]
        {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for (family, mean) in found.families.iter().zip(means) {
            out.extend_from_slice(&family.id.to_le_bytes());
            out.extend_from_slice(&mean.to_le_bytes());
            out.extend_from_slice(&u32::from(family.class).to_le_bytes());
        }
        let mut at = 0;
        for bucket in 0..=(1u64 << bucket_bits) {
            while entries.get(at).is_some_and(|entry| entry.0 >> (FINGERPRINT_BITS - bucket_bits) < bucket) {
                at += 1;
            }
            out.extend_from_slice(&num::u32_saturating(at).to_le_bytes());
        }
        for (fingerprint, family, support, weight) in entries {
            out.extend_from_slice(&num::low32(fingerprint).to_le_bytes());
            out.extend_from_slice(&family.to_le_bytes());
            out.extend_from_slice(&[support, weight, num::low8(num::high32(fingerprint)), 0]);
        }
        out
    }

    /// Opens sealed bytes; `None` when they are damaged.
    #[must_use]
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let word = |at| num::u32_at(bytes, at);
        if word(0)? != MAGIC {
            return None;
        }
        let (families, entries, bucket_bits) = (num::usize_of(word(4)?), num::usize_of(word(8)?), word(12)?);
        if !(1..=24).contains(&bucket_bits) {
            return None;
        }
        let families_end = families.checked_mul(FAMILY)?.checked_add(HEADER)?;
        let buckets_end = families_end.checked_add(((1usize << bucket_bits) + 1) * 4)?;
        let end = entries.checked_mul(ENTRY)?.checked_add(buckets_end)?;
        (end == bytes.len()).then_some(())?;
        Some(Self {
            families: bytes.get(HEADER..families_end)?,
            buckets: bytes.get(families_end..buckets_end)?,
            entries: bytes.get(buckets_end..)?,
            bucket_bits,
        })
    }

    /// How many families there are.
    #[must_use]
    pub fn family_count(&self) -> usize {
        self.families.len() / FAMILY
    }

    /// The name of a family, or `None` past the end.
    #[must_use]
    pub fn family_id(&self, family: u32) -> Option<u64> {
        num::u64_at(self.families, num::usize_of(family).checked_mul(FAMILY)?)
    }

    /// The best family of a text of `class`, or `None`: looks at no more than `SHARERS_MAX` families an anchor and
    /// `CANDIDATES` in all, and allocates nothing.
    #[must_use]
    pub fn find(&self, anchors: &Anchors, class: u8) -> Option<Match> {
        // (family, explained, held)
        let mut sums = [(0u32, 0.0f32, 0.0f32); CANDIDATES];
        let mut used = 0;
        let mut known = 0.0f32;
        for anchor in &anchors.anchors {
            let mut weight_of_anchor = 0.0f32;
            for (family, support, weight) in self.sharers(anchor.fingerprint).take(SHARERS_MAX) {
                let own = num::u32_at(self.families, num::usize_of(family).saturating_mul(FAMILY).saturating_add(12));
                if own != Some(u32::from(class)) {
                    continue;
                }
                weight_of_anchor = weight;
                let known_at = sums.iter().take(used).position(|sum| sum.0 == family);
                let at = known_at.unwrap_or(used);
                if let Some(sum) = sums.get_mut(at) {
                    if known_at.is_none() {
                        *sum = (family, 0.0, 0.0);
                        used += 1;
                    }
                    sum.1 += weight;
                    sum.2 += weight * support;
                }
            }
            known += weight_of_anchor;
        }
        let mut found: Option<Match> = None;
        for &(family, explained, held) in sums.iter().take(used) {
            let at = num::usize_of(family).saturating_mul(FAMILY).saturating_add(8);
            let mean = num::u32_at(self.families, at).map_or(f32::INFINITY, f32::from_bits);
            let says_enough = explained >= WEIGHT_MIN;
            let (explained, held) = (explained / known, held / mean);
            let score = explained * held.min(1.0);
            let better = found.is_none_or(|m| score > m.score || (score == m.score && family < m.family));
            if says_enough && explained >= EXPLAINED_MIN && held >= HELD_MIN && better {
                found = Some(Match { family, score });
            }
        }
        found
    }

    /// The families of one fingerprint: (family, support 0..=1, weight in bits).
    fn sharers(&self, fingerprint: u64) -> impl Iterator<Item = (u32, f32, f32)> + '_ {
        let bucket = num::usize_of_u64(fingerprint >> (FINGERPRINT_BITS - self.bucket_bits)).unwrap_or(usize::MAX);
        let bound = |n: usize| num::u32_at(self.buckets, n.saturating_mul(4)).map_or(0, num::usize_of);
        // A damaged bound must not make a walk longer than the table.
        let count = self.entries.len() / ENTRY;
        let (from, to) = (bound(bucket).min(count), bound(bucket.saturating_add(1)).min(count));
        let entry = move |n: usize| {
            let at = n.checked_mul(ENTRY)?;
            let [support, weight, high, _] = num::bytes_at::<4>(self.entries, at + 8)?;
            let stored = u64::from(num::u32_at(self.entries, at)?) | u64::from(high) << 32;
            let family = num::u32_at(self.entries, at + 4)?;
            (stored == fingerprint).then(|| (family, f32::from(support) / 255.0, f32::from(weight) / 8.0))
        };
        (from..to).filter_map(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::anchor::Anchor;
    use crate::family::mine::{CoreAnchor, Family};

    fn families() -> Families {
        let family = |id: u64, prints: std::ops::Range<u64>| Family {
            id,
            class: 1,
            documents: 10,
            requests: 10,
            accounts: 1,
            principals: 1,
            first_ms: 0,
            last_ms: 1,
            core: prints.map(|n| CoreAnchor { fingerprint: n << 33 | 5, support: 1.0, order: 0 }).collect(),
        };
        Families { families: vec![family(7, 0..20), family(9, 15..40)], ..Families::default() }
    }

    fn text(prints: std::ops::Range<u64>) -> Anchors {
        let anchors = prints.zip(0u32..).map(|(n, position)| Anchor { fingerprint: n << 33 | 5, position }).collect();
        Anchors { anchors, token_count: 50, text_bytes: 300 }
    }

    #[test]
    fn a_sealed_family_is_found_and_a_stranger_is_not() {
        let bytes = Table::seal(&families(), 1000);
        let table = Table::open(&bytes).expect("sealed a moment ago");
        assert_eq!(table.find(&text(0..18), 1).map(|m| table.family_id(m.family)), Some(Some(7)));
        assert_eq!(table.find(&text(18..40), 1).map(|m| table.family_id(m.family)), Some(Some(9)));
        assert_eq!(table.find(&text(50..70), 1), None);
        assert_eq!(table.find(&text(0..18), 4), None, "classes do not mix");
        assert_eq!(table.find(&text(0..3), 1), None, "three anchors of twenty are no instance");
    }

    #[test]
    fn damaged_tables_never_panic() {
        let bytes = Table::seal(&families(), 1000);
        for length in 0..bytes.len() {
            assert!(Table::open(bytes.get(..length).unwrap_or(&[])).is_none());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            if let Some(table) = Table::open(&damaged) {
                let _ = table.find(&text(0..40), 1);
            }
        }
    }
}

//! Remembers what became of system blocks, tools and shapes, which clients send word for word with every request.
//!
//! An agent's system block is often twenty times as long as what its user wrote. A repeat costs one hash and one comparison
//! instead of a normal form, a signature and anchors. Texts are compared in full, so nothing rests on the hash.

use super::builder::PreparedPart;
use crate::num::usize_of_u64;
use crate::request::{Part, PartKind};

/// Texts remembered by one thread; each slot holds the last text that fell into it.
const SLOTS: usize = 64;
/// Bytes of the longest text that is remembered: 4 MiB a thread at most.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The texts of one thread.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    slots: Vec<Option<(Box<str>, PreparedPart)>>,
}

impl Repeats {
    /// `part` prepared, by `prepare` where it was not prepared just before.
    pub(super) fn of(&mut self, part: &Part, prepare: impl FnOnce(&Part) -> PreparedPart) -> PreparedPart {
        let repeats = matches!(part.kind, PartKind::System | PartKind::Tools | PartKind::Shape | PartKind::Injected);
        if !repeats || part.text.len() > TEXT_BYTES_MAX {
            return prepare(part);
        }
        self.slots.resize_with(SLOTS, || None);
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(part.text.as_bytes(), u64::from(part.kind.number()));
        let slot = usize_of_u64(hash).unwrap_or_default() % SLOTS;
        if let Some(Some((text, prepared))) = self.slots.get(slot)
            && prepared.kind == part.kind
            && **text == *part.text
        {
            return prepared.clone();
        }
        let prepared = prepare(part);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some((part.text.as_str().into(), prepared.clone()));
        }
        prepared
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::family::disguised::Disguised;
    use crate::index::SKETCH_BYTES;

    fn prepared(part: &Part) -> PreparedPart {
        let fingerprint = blake3::hash(format!("{:?} {}", part.kind, part.text).as_bytes());
        PreparedPart {
            kind: part.kind,
            fingerprint: u128::from_le_bytes(*fingerprint.as_bytes().first_chunk().expect("16 bytes")),
            bytes: 0,
            flags: 0,
            disguised: Disguised::NONE,
            signature: [0; SKETCH_BYTES],
            code: [0; SKETCH_BYTES],
            is_empty: false,
            anchors: Vec::new(),
            tokens: Vec::new(),
        }
    }

    #[test]
    fn repeats_are_prepared_once_and_nothing_is_mistaken() {
        let (mut repeats, calls) = (Repeats::default(), Cell::new(0));
        let mut of = |kind, text: &str| {
            let part = Part { kind, text: text.to_owned() };
            let found = repeats.of(&part, |part| {
                calls.set(calls.get() + 1);
                prepared(part)
            });
            assert_eq!((found.kind, found.fingerprint), (kind, prepared(&part).fingerprint));
        };
        for _ in 0..10 {
            of(PartKind::System, "the same block");
            of(PartKind::Tools, "f(a:string)");
        }
        assert_eq!(calls.get(), 2);
        // One text under two kinds, and more texts than slots.
        of(PartKind::Injected, "the same block");
        for n in 0..10 * SLOTS {
            of(PartKind::System, &format!("block {n}"));
        }
        let before = calls.get();
        of(PartKind::LastUser, "a prompt");
        of(PartKind::LastUser, "a prompt");
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        of(PartKind::System, &long);
        of(PartKind::System, &long);
        assert_eq!(calls.get(), before + 4);
    }
}

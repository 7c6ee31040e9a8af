//! What two sketches must share to be comparable: the shingle, the version of the rules, and the secret seed.

use crate::error::{Error, Result};
use crate::num::low16;
use crate::simd::{HashKeys, LANES};
use crate::text::NORMAL_FORM_VERSION;

/// What a window of the normal form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shingle {
    /// Five consecutive Unicode scalars; in ASCII text, five bytes. The default: it works in every script and in code.
    C5,
    /// Three consecutive words, divided by spaces: a changed word costs three shingles, where `C5` loses about ten.
    W3,
}

/// What makes two signatures comparable, apart from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    /// What a window of the normal form is.
    pub shingle: Shingle,
    /// The version of the hash and of the sketching; this build makes [`Spec::VERSION`].
    pub version: u16,
}

impl Default for Spec {
    fn default() -> Self {
        Self::new(Shingle::C5)
    }
}

impl Spec {
    /// The version that this build makes and reads.
    pub const VERSION: u16 = 1;

    /// Bytes of [`Spec::encode`].
    pub const ENCODED_BYTES: usize = 16;

    /// The newest version with this shingle.
    #[must_use]
    pub const fn new(shingle: Shingle) -> Self {
        Self { shingle, version: Self::VERSION }
    }

    /// For file headers: version (u16), version of the normal form (u16), shingle (u16), lanes (u16), bits of a lane (u16),
    /// rest zero; all little-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::ENCODED_BYTES] {
        let lanes = u16::try_from(LANES).unwrap_or(u16::MAX);
        let fields = [self.version, NORMAL_FORM_VERSION, self.shingle.code(), lanes, 8, 0, 0, 0];
        let mut bytes = [0; Self::ENCODED_BYTES];
        for (to, field) in bytes.chunks_exact_mut(2).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Spec::encode`] wrote.
    /// # Errors
    /// [`Error::SpecMismatch`] when this build makes no such sketches.
    pub fn decode(bytes: &[u8; Self::ENCODED_BYTES]) -> Result<Self> {
        [Shingle::C5, Shingle::W3]
            .map(Self::new)
            .into_iter()
            .find(|spec| spec.encode() == *bytes)
            .ok_or_else(|| Error::SpecMismatch { what: format!("this build does not know the spec {bytes:02x?}") })
    }

    /// The spec as one number, for tables in memory; equal for equal specs only.
    #[must_use]
    pub fn id(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.encode();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Shingle {
    const fn code(self) -> u16 {
        match self {
            Self::C5 => low16(1),
            Self::W3 => low16(2),
        }
    }

    /// The name that [`str::parse`] reads back.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::C5 => "c5",
            Self::W3 => "w3",
        }
    }
}

impl std::fmt::Display for Shingle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Shingle {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::C5, Self::W3].into_iter().find(|shingle| shingle.name() == name).ok_or_else(|| Error::InvalidArgument {
            argument: "shingle",
            reason: format!("{name:?} is neither c5 nor w3"),
        })
    }
}

/// The secret that keys every hash: who does not know it cannot aim at a slot, or test a guessed prompt against a signature.
#[derive(Clone)]
pub struct SketchSeed([u8; 32]);

impl SketchSeed {
    /// Takes 32 uniformly random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Eight bytes that differ between seeds and give none of the seed away, for file headers.
    #[must_use]
    pub fn check_value(&self) -> [u8; 8] {
        let mut value = [0; 8];
        self.derive(b"promptprint sketch seed check v1").fill(&mut value);
        value
    }

    /// The keys of the sketches of `spec`.
    pub(super) fn keys(&self, spec: &Spec) -> HashKeys {
        let mut label = b"promptprint sketch keys v1".to_vec();
        label.extend_from_slice(&spec.encode());
        let mut material = self.derive(&label);
        let words = std::array::from_fn(|_| {
            let mut word = [0; 4];
            material.fill(&mut word);
            u32::from_le_bytes(word)
        });
        HashKeys::from_words(&words)
    }

    /// Endless uniform random words for the embedding codes of `version`.
    pub(super) fn embedding_words(&self, version: u16) -> impl Iterator<Item = u64> + use<> {
        let mut label = b"promptprint embedding keys".to_vec();
        label.extend_from_slice(&version.to_le_bytes());
        let mut material = self.derive(&label);
        std::iter::repeat_with(move || {
            let mut word = [0; 8];
            material.fill(&mut word);
            u64::from_le_bytes(word)
        })
    }

    fn derive(&self, label: &[u8]) -> blake3::OutputReader {
        blake3::Hasher::new_keyed(&self.0).update(label).finalize_xof()
    }
}

impl std::fmt::Debug for SketchSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SketchSeed(secret)")
    }
}

impl Drop for SketchSeed {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out a store that nothing reads.
        std::hint::black_box(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_read_back_and_strangers_do_not() {
        for shingle in [Shingle::C5, Shingle::W3] {
            let spec = Spec::new(shingle);
            assert_eq!(Spec::decode(&spec.encode()).ok(), Some(spec));
            assert_eq!(shingle.name().parse::<Shingle>().ok(), Some(shingle));
        }
        assert_ne!(Spec::new(Shingle::C5).id(), Spec::new(Shingle::W3).id());
        assert!(Spec::decode(&[0; 16]).is_err());
        assert!(Spec::decode(&Spec { version: 2, ..Spec::default() }.encode()).is_err());
    }

    #[test]
    fn a_seed_shows_nothing_of_itself() {
        let seed = SketchSeed::new([0xab; 32]);
        assert_eq!(format!("{seed:?}"), "SketchSeed(secret)");
        assert_ne!(seed.check_value(), SketchSeed::new([0xac; 32]).check_value());
    }
}

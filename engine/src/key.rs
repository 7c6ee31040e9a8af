//! The secret of a store: kept in a file beside it, never inside; every keyed value is made under a key derived from it.
//!
//! One 32-byte secret an epoch. From it come, each by BLAKE3's key derivation under its own context: the MAC keys of
//! identities, names and fingerprints, the seed of the sketches, the key of the anchors, and the key that seals text.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use aes_siv::KeyInit;
use aes_siv::siv::Aes128Siv;

use crate::error::{Error, Result};
use crate::num::{low64, u64_of};

/// Bytes of a keyed id: long enough that two different inputs never meet.
pub const ID_BYTES: usize = 16;

/// Tags under which the identity key makes other things than identities, whose tags are 0 and 1.
const CHAIN_SEED: u8 = 2;
const TURN: u8 = 3;

/// The keys of one epoch of a store.
#[derive(Clone)]
pub struct Keys {
    epoch: u32,
    check: [u8; 8],
    identity: [u8; 32],
    name: [u8; 32],
    fingerprint: [u8; 32],
    sketch: [u8; 32],
    anchor: [u8; 32],
    seal: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys {{ epoch: {}, .. }}", self.epoch)
    }
}

impl Keys {
    /// Derives the keys of `secret`.
    #[must_use]
    pub fn derive(epoch: u32, secret: &[u8; 32]) -> Self {
        let key = |context| blake3::derive_key(context, secret);
        let check = key("promptprint 2026-11 check value v1");
        let mut check_value = [0; 8];
        check_value.copy_from_slice(&check[..8]);
        Self {
            epoch,
            check: check_value,
            identity: key("promptprint 2026-11 request identity v1"),
            name: key("promptprint 2026-11 principal name v1"),
            fingerprint: key("promptprint 2026-11 normal form fingerprint v1"),
            sketch: key("promptprint 2026-11 sketch seed v1"),
            anchor: key("promptprint 2026-11 template anchors v1"),
            seal: key("promptprint 2026-11 sealed text v1"),
        }
    }

    /// Reads the key file at `path`.
    /// # Errors
    /// [`Error::Key`] when it is missing, malformed, or readable by others.
    pub fn load(path: &Path) -> Result<Self> {
        let bad = |reason: &str| Error::Key { path: path.to_path_buf(), reason: reason.to_owned() };
        check_mode(path)?;
        let text = std::fs::read_to_string(path).map_err(|source| {
            bad(&format!("cannot be read ({source}); without it the store tells no names and no skeletons"))
        })?;
        let mut words = text.split_whitespace();
        if (words.next(), words.next()) != (Some("promptprint-key"), Some("1")) {
            return Err(bad("is not a key file of this version"));
        }
        let epoch = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| bad("has no epoch"))?;
        let secret = words.next().and_then(unhex32).ok_or_else(|| bad("does not hold 64 hex digits"))?;
        if words.next().is_some() {
            return Err(bad("has something behind the key"));
        }
        Ok(Self::derive(epoch, &secret))
    }

    /// Makes a new secret at `path`, readable by its owner alone.
    /// # Errors
    /// [`Error::Io`] when the file exists or cannot be written; [`Error::Key`] when the system gives no randomness.
    pub fn create(path: &Path) -> Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Error::Key {
            path: path.to_path_buf(),
            reason: format!("cannot be made: the system gives no randomness ({error})"),
        })?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| Error::io("create the key file", path, source))?;
        let line = format!("promptprint-key 1 1 {}\n", hex(&secret));
        file.write_all(line.as_bytes()).map_err(|source| Error::io("write the key file", path, source))?;
        file.sync_all().map_err(|source| Error::io("sync the key file", path, source))?;
        Ok(Self::derive(1, &secret))
    }

    /// Where the key of the store in `dir` lies unless the user says otherwise: beside it, `DIR.key`.
    #[must_use]
    pub fn default_path(dir: &Path) -> PathBuf {
        let mut name = dir.file_name().unwrap_or_default().to_os_string();
        name.push(".key");
        dir.with_file_name(name)
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A value that tells a wrong key, and nothing about the key.
    #[must_use]
    pub fn check(&self) -> [u8; 8] {
        self.check
    }

    /// The seed of the sketches.
    #[must_use]
    pub fn sketch_seed(&self) -> &[u8; 32] {
        &self.sketch
    }

    /// The key of the template anchors.
    #[must_use]
    pub fn anchor_key(&self) -> &[u8; 32] {
        &self.anchor
    }

    /// The identity of a request: of its id where the source has one, else of its raw line.
    #[must_use]
    pub fn identity(&self, has_id: bool, bytes: &[u8]) -> u128 {
        mac(&self.identity, u8::from(has_id), bytes)
    }

    /// The keyed id of a name; `level` keeps an account and a key of the same name apart.
    #[must_use]
    pub fn name(&self, level: u8, name: &str) -> u128 {
        mac(&self.name, level, name.as_bytes())
    }

    /// The seed of the chains by which the turns of a conversation are known again while a log is read.
    #[must_use]
    pub fn chain_seed(&self) -> u64 {
        low64(mac(&self.identity, CHAIN_SEED, b"conversation"))
    }

    /// What a store keeps of one turn of a conversation: of the chain up to it and of who sent it. Never 0.
    #[must_use]
    pub fn turn(&self, chain: u64, sender: &str) -> u64 {
        let mut bytes = Vec::with_capacity(8 + sender.len());
        bytes.extend_from_slice(&chain.to_le_bytes());
        bytes.extend_from_slice(sender.as_bytes());
        low64(mac(&self.identity, TURN, &bytes)).max(1)
    }

    /// The fingerprint of a normal form; `class` keeps user text and system text apart: keyed BLAKE3 of the class and the
    /// text. A text that fills more than one chunk stands in front, with zeros, the class and its length behind it, up to a
    /// multiple of four chunks if it is short: four are hashed in the time of one, and three in that of two.
    #[must_use]
    pub fn fingerprint(&self, class: u8, normal_form: &[u8]) -> u128 {
        let bytes = normal_form.len();
        if bytes < ONE_CHUNK {
            return mac(&self.fingerprint, class, normal_form);
        }
        let mut trailer = [class; 9];
        trailer[1..].copy_from_slice(&u64_of(bytes).to_le_bytes());
        let whole = (bytes + trailer.len()).next_multiple_of(FOUR_CHUNKS);
        let mut hasher = blake3::Hasher::new_keyed(&self.fingerprint);
        let mut padded = [0; PADDED_MAX];
        match padded.get_mut(..whole) {
            Some(padded) => {
                padded[..bytes].copy_from_slice(normal_form);
                padded[whole - trailer.len()..].copy_from_slice(&trailer);
                hasher.update(padded)
            }
            None => hasher.update(normal_form).update(&trailer),
        };
        finish(&hasher)
    }

    /// Seals `plain`; equal texts under one `purpose` give equal bytes, so that compaction is deterministic.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        Aes128Siv::new(&self.seal.into())
            .encrypt([purpose.as_bytes()], plain)
            .expect("the cipher takes any text of fewer than 2^36 bytes")
    }

    /// Opens what [`Keys::seal`] made for the same purpose, or `None` when key, purpose or bytes are others.
    #[must_use]
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        Aes128Siv::new(&self.seal.into()).decrypt([purpose.as_bytes()], sealed).ok()
    }
}

/// With its class a text of fewer bytes fills at most one chunk of BLAKE3.
const ONE_CHUNK: usize = 1024;
const FOUR_CHUNKS: usize = 4096;
/// Beyond so many bytes a text has more chunks than are hashed at once either way.
const PADDED_MAX: usize = 2 * FOUR_CHUNKS;

fn mac(key: &[u8; 32], tag: u8, bytes: &[u8]) -> u128 {
    finish(blake3::Hasher::new_keyed(key).update(&[tag]).update(bytes))
}

fn finish(hasher: &blake3::Hasher) -> u128 {
    let mut id = [0; ID_BYTES];
    hasher.finalize_xof().fill(&mut id);
    u128::from_le_bytes(id)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        return Err(Error::Key {
            path: path.to_path_buf(),
            reason: "can be read by others; run chmod 600 on it".to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<()> {
    Ok(())
}

/// Lower-case hex digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a string of hex digits, or `None` when it is not one.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2).map(|index| u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()).collect()
}

fn unhex32(text: &str) -> Option<[u8; 32]> {
    unhex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_texts_and_classes_apart_at_every_length() {
        let keys = Keys::derive(1, &[3; 32]);
        // Zeros are what short texts are filled up with.
        let text = [0; 10_000];
        let mut seen = std::collections::HashSet::new();
        for length in (0..1100).chain(4080..4100).chain(8170..8200).chain([2047, 2048, 3000, 9999]) {
            for class in [0, 1, 2] {
                assert!(seen.insert(keys.fingerprint(class, &text[..length])), "{length} bytes of class {class}");
            }
        }
    }

    #[test]
    fn fingerprints_are_as_they_are_defined() {
        let keys = Keys::derive(1, &[3; 32]);
        let text: Vec<u8> = (0..10_000).map(|n| crate::num::low8(n * 7)).collect();
        for length in [0, 1, 1023, 1024, 2046, 3000, 4087, 4088, 8183, 8184, 10_000] {
            let text = &text[..length];
            let mut input = if length < 1024 { [&[9], text].concat() } else { text.to_vec() };
            if length >= 1024 {
                if length + 9 <= 8192 {
                    input.resize((length + 9).next_multiple_of(4096) - 9, 0);
                }
                input.push(9);
                input.extend_from_slice(&u64_of(length).to_le_bytes());
            }
            let mut expected = [0; ID_BYTES];
            blake3::Hasher::new_keyed(&keys.fingerprint).update(&input).finalize_xof().fill(&mut expected);
            assert_eq!(keys.fingerprint(9, text), u128::from_le_bytes(expected), "{length}");
        }
    }

    #[test]
    fn a_key_file_is_private_and_gives_the_same_keys_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = Keys::default_path(&dir.path().join("demo"));
        assert!(path.ends_with("demo.key"));
        let made = Keys::create(&path).expect("new key");
        let read = Keys::load(&path).expect("key file");
        assert_eq!(made.check(), read.check());
        assert_eq!(made.name(3, "a"), read.name(3, "a"));
        assert!(Keys::create(&path).is_err(), "an existing key is never replaced");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("chmod");
            assert!(matches!(Keys::load(&path), Err(Error::Key { .. })));
        }
    }

    #[test]
    fn malformed_key_files_are_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("k");
        for text in ["", "promptprint-key 1 1 00", "promptprint-key 2 1 00", "promptprint-key 1 x", "\u{fffd}"] {
            let _ = std::fs::remove_file(&path);
            let _ = Keys::create(&path).expect("new key");
            std::fs::write(&path, text).expect("overwrite");
            assert!(matches!(Keys::load(&path), Err(Error::Key { .. })), "{text:?}");
        }
    }

    #[test]
    fn sealed_text_opens_under_its_key_and_purpose_alone() {
        let keys = Keys::derive(1, &[7; 32]);
        let sealed = keys.seal("name", b"acct-1");
        assert_eq!(keys.open("name", &sealed).as_deref(), Some(b"acct-1".as_slice()));
        assert!(keys.open("skeleton", &sealed).is_none());
        assert!(Keys::derive(1, &[8; 32]).open("name", &sealed).is_none());
        assert!(keys.open("name", &sealed[..sealed.len() - 1]).is_none());
        assert_eq!(format!("{keys:?}"), "Keys { epoch: 1, .. }");
    }

    #[test]
    fn hex_comes_back() {
        assert_eq!(unhex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
        assert!(unhex("0").is_none() && unhex("zz").is_none() && unhex("é").is_none());
    }
}

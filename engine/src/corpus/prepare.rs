//! From a request to what is kept of it: normal form, fingerprint, signature and anchors of each part, keyed identity.
//!
//! The bulk job and the gateway both come through here, so a prompt seen in the path and the same prompt in the log are one.

use super::builder::{PreparedPart, PreparedRequest, time_or_none};
use super::origin_names;
use crate::family::anchor;
use crate::key::Keys;
use crate::limits::NAME_BYTES_MAX;
use crate::num::{u32_saturating, u64_of};
use crate::request::{Part, PartKind, Request};
use crate::simd::Kernels;
use crate::sketch::minhash::{Scratch, Signature, Sketcher};
use crate::sketch::spec::{SketchSeed, Spec};
use crate::text::normalize::{NormalForm, Normalizer};

/// A part whose text held zero-width or other invisible characters.
pub const FLAG_INVISIBLE: u8 = 1;
/// A part whose text held letters of one script dressed as another.
pub const FLAG_CONFUSABLE: u8 = 2;
/// A part whose text disguised letters as no honest writer does.
pub const FLAG_DISGUISED: u8 = 4;

/// Makes sketches under one spec and key; shared by all threads.
#[derive(Debug)]
pub struct Preparer {
    keys: Keys,
    normalizer: Normalizer,
    sketcher: Sketcher,
    anchorer: anchor::Anchorer,
}

/// The buffers of one thread: nothing is allocated for a prompt's sketch once they have grown.
#[derive(Debug, Default)]
pub struct PrepareScratch {
    form: NormalForm,
    sketch: Scratch,
    anchor: anchor::Scratch,
    anchors: anchor::Anchors,
}

impl Preparer {
    /// A preparer under `spec` and `keys`.
    #[must_use]
    pub fn new(spec: Spec, keys: Keys, kernels: Kernels) -> Self {
        let seed = SketchSeed::new(*keys.sketch_seed());
        Self {
            normalizer: Normalizer::new(kernels),
            sketcher: Sketcher::new(spec, &seed, kernels),
            anchorer: anchor::Anchorer::new(keys.anchor_key()),
            keys,
        }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The identity of a request: of its id where it has one, else of the line it was read from and its place there.
    #[must_use]
    pub fn identity(&self, id: Option<&str>, line: &[u8], place: usize) -> u128 {
        match (id, place) {
            (Some(id), _) => self.keys.identity(true, id.as_bytes()),
            (None, 0) => self.keys.identity(false, line),
            (None, _) => self.keys.identity(false, &[line, &u64_of(place).to_le_bytes()].concat()),
        }
    }

    /// The spec of the sketches.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.sketcher.spec()
    }

    /// Prepares request number `place` of `line`; its parts come back beside it, with their texts.
    pub fn request(
        &self,
        mut request: Request,
        line: &[u8],
        place: usize,
        scratch: &mut PrepareScratch,
    ) -> (PreparedRequest, Vec<Part>) {
        let identity = self.identity(request.id.as_deref(), line, place);
        let mut origin = origin_names(&mut request);
        for name in origin.iter_mut().flatten() {
            cut(name);
        }
        let parts = request.parts.iter().map(|part| self.part(part, scratch)).collect();
        let time_ms = time_or_none(request.time_ms);
        (PreparedRequest { identity, id: request.id, time_ms, origin, parts }, request.parts)
    }

    /// Prepares one part.
    pub fn part(&self, part: &Part, scratch: &mut PrepareScratch) -> PreparedPart {
        self.text(part.kind, part.text.as_bytes(), scratch)
    }

    /// Prepares one part from its bytes, which need not be UTF-8.
    pub fn text(&self, kind: PartKind, text: &[u8], scratch: &mut PrepareScratch) -> PreparedPart {
        let fingerprint = self.fingerprint(kind, text, scratch);
        let signature = self.signature(scratch);
        let mut anchors = Vec::new();
        let mut tokens = Vec::new();
        self.anchors(kind, scratch, &mut anchors, &mut tokens);
        PreparedPart {
            kind,
            fingerprint,
            bytes: u32_saturating(text.len()),
            flags: scratch.flags(),
            signature: signature.0,
            is_empty: scratch.form.is_empty(),
            anchors,
            tokens,
        }
    }

    /// The fingerprint of a text; its normal form stays in `scratch`, for the steps below.
    pub fn fingerprint(&self, kind: PartKind, text: &[u8], scratch: &mut PrepareScratch) -> u128 {
        self.normalizer.normalize(text, &mut scratch.form);
        self.keys.fingerprint(kind.class(), scratch.form.bytes())
    }

    /// The signature of the normal form in `scratch`.
    pub fn signature(&self, scratch: &mut PrepareScratch) -> Signature {
        self.sketcher.signature(&scratch.form, &mut scratch.sketch)
    }

    /// Appends the encoded anchors and the sampled tokens of the normal form in `scratch`; nothing for a kind that has no
    /// family.
    pub fn anchors(&self, kind: PartKind, scratch: &mut PrepareScratch, anchors: &mut Vec<u8>, tokens: &mut Vec<u32>) {
        if kind.has_family() {
            self.anchorer.anchors(&scratch.form, &mut scratch.anchor, &mut scratch.anchors);
            anchor::encode(&scratch.anchors, anchors);
            self.anchorer.token_sample(&scratch.anchor, tokens);
        }
    }
}

impl PrepareScratch {
    /// Signs of obfuscation in the text prepared last.
    #[must_use]
    pub fn flags(&self) -> u8 {
        let changes = self.form.changes();
        (if changes.ignorables_removed > 0 { FLAG_INVISIBLE } else { 0 })
            | (if changes.confusables_folded > 0 { FLAG_CONFUSABLE } else { 0 })
            | if changes.disguises > 0 { FLAG_DISGUISED } else { 0 }
    }

    /// The normal form of the part prepared last.
    #[must_use]
    pub fn normal_form(&self) -> &NormalForm {
        &self.form
    }
}

/// Cuts a name at the bound, on a character.
fn cut(name: &mut String) {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
}

//! From a request to what is kept of it: normal form, fingerprint, signature and anchors of each part, keyed identity.
//!
//! The bulk job and the gateway both come through here, so a prompt seen in the path and the same prompt in the log are one.

use super::builder::{PreparedPart, PreparedRequest, time_or_none};
use super::origin_names;
use super::repeats::Repeats;
use super::turns::RequestTurns;
use crate::error::Result;
use crate::family::disguised::Disguised;
use crate::family::{anchor, packed};
use crate::key::Keys;
use crate::limits::NAME_BYTES_MAX;
use crate::num::{u32_saturating, u64_of};
use crate::request::parse::Parsed;
use crate::request::{Part, PartKind, Request, conversation};
use crate::simd::Kernels;
#[cfg(feature = "model")]
use crate::sketch::embedding::model::StaticModel;
use crate::sketch::embedding::{BUILT_IN, Embedder, EmbeddingCode};
use crate::sketch::minhash::{Scratch, Signature, Sketcher};
use crate::sketch::spec::{SketchSeed, Spec};
use crate::text::normalize::{NormalForm, Normalizer};

/// A part whose text held zero-width or other invisible characters.
pub const FLAG_INVISIBLE: u8 = 1;
/// A part whose text held letters of one script dressed as another.
pub const FLAG_CONFUSABLE: u8 = 2;
/// A part whose text disguised letters as no honest writer does.
pub const FLAG_DISGUISED: u8 = 4;

/// What embedding codes are made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CodeSource {
    /// Nothing: texts get no code.
    None,
    /// The built-in embedder, which needs no model.
    #[default]
    BuiltIn,
    /// The caller, who gives each text its code; see [`Preparer::code_of_vector`].
    Caller,
    /// A static model; see [`Preparer::with_model`].
    #[cfg(feature = "model")]
    Model,
}

impl CodeSource {
    /// The name under which a store remembers what its codes were made by; `None` where there are none, or where it is the
    /// model that says.
    #[must_use]
    pub const fn origin(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::BuiltIn => Some(BUILT_IN),
            Self::Caller => Some("caller"),
            #[cfg(feature = "model")]
            Self::Model => None,
        }
    }
}

/// Makes sketches under one spec and key; shared by all threads.
#[derive(Debug)]
pub struct Preparer {
    keys: Keys,
    normalizer: Normalizer,
    sketcher: Sketcher,
    embedder: Embedder,
    anchorer: anchor::Anchorer,
    codes: CodeSource,
    #[cfg(feature = "model")]
    model: Option<std::sync::Arc<StaticModel>>,
    kernels: Kernels,
}

/// The buffers of one thread: nothing is allocated for a prompt's sketch once they have grown.
#[derive(Debug, Default)]
pub struct PrepareScratch {
    form: NormalForm,
    sketch: Scratch,
    anchor: anchor::Scratch,
    anchors: anchor::Anchors,
    /// The fingerprint of the text that `anchors` are of, where that is known.
    anchored: Option<u128>,
    repeats: Repeats,
}

impl Preparer {
    /// A preparer under `spec` and `keys`.
    #[must_use]
    pub fn new(spec: Spec, keys: Keys, kernels: Kernels) -> Self {
        let seed = SketchSeed::new(*keys.sketch_seed());
        Self {
            normalizer: Normalizer::new(kernels),
            sketcher: Sketcher::new(spec, &seed, kernels),
            embedder: Embedder::new(&seed, kernels),
            codes: CodeSource::default(),
            #[cfg(feature = "model")]
            model: None,
            kernels,
            anchorer: anchor::Anchorer::new(keys.anchor_key(), kernels),
            keys,
        }
    }

    /// The same, with embedding codes of another source in what [`Preparer::request`] and [`Preparer::part`] prepare.
    #[must_use]
    pub fn with_codes(self, codes: CodeSource) -> Self {
        Self { codes, ..self }
    }

    /// The same, with embedding codes that `model` makes.
    #[cfg(feature = "model")]
    #[must_use]
    pub fn with_model(self, model: std::sync::Arc<StaticModel>) -> Self {
        Self { codes: CodeSource::Model, model: Some(model), ..self }
    }

    /// The name under which a store remembers what embedding codes are made by: only codes of one origin can be compared.
    /// `None` where none are made.
    #[must_use]
    pub fn code_origin(&self) -> Option<&str> {
        #[cfg(feature = "model")]
        if let (CodeSource::Model, Some(model)) = (self.codes, &self.model) {
            return Some(model.origin());
        }
        self.codes.origin()
    }

    /// The code of a vector that the caller made, under the key of the store: what a caller who embeds texts itself
    /// gives to [`PreparedPart::code`], or to a gateway's writer.
    /// # Errors
    /// As [`Embedder::code_of_vector`].
    pub fn code_of_vector(&self, vector: &[f32]) -> Result<EmbeddingCode> {
        self.embedder.code_of_vector(vector)
    }

    /// The kernels it computes with.
    #[must_use]
    pub fn kernels(&self) -> Kernels {
        self.kernels
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

    /// The turns that a parsed request asks and those that it only tells again, by its parts.
    #[must_use]
    pub fn turns(&self, parsed: &Parsed) -> RequestTurns {
        let sender = parsed.request.principals.accusable().unwrap_or_default();
        let mut turns = RequestTurns::default();
        for turn in conversation::turns(parsed) {
            let keyed = self.keys.turn(turn.chain, sender);
            if turn.is_earlier {
                turns.earlier.push((u32_saturating(turn.part), keyed));
            } else if !turns.asked.contains(&keyed) {
                turns.asked.push(keyed);
            }
        }
        turns
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
        let mut repeats = std::mem::take(&mut scratch.repeats);
        let parts = request.parts.iter().map(|part| repeats.of(part, |part| self.part(part, scratch))).collect();
        scratch.repeats = repeats;
        let time_ms = time_or_none(request.time_ms);
        (
            PreparedRequest { identity, id: request.id, time_ms, origin, parts, turns: RequestTurns::default() },
            request.parts,
        )
    }

    /// Prepares one part.
    pub fn part(&self, part: &Part, scratch: &mut PrepareScratch) -> PreparedPart {
        let mut prepared = self.text(part.kind, part.text.as_bytes(), scratch);
        match self.codes {
            CodeSource::None | CodeSource::Caller => {}
            CodeSource::BuiltIn => prepared.code = self.code(scratch).0,
            #[cfg(feature = "model")]
            CodeSource::Model => {
                let code = self.model.as_ref().map(|model| self.embedder.code_by_model(model, &scratch.form));
                prepared.code = code.unwrap_or(EmbeddingCode::EMPTY).0;
            }
        }
        prepared
    }

    /// Prepares one part from its bytes, which need not be UTF-8, without an embedding code: a gateway has no use for it.
    pub fn text(&self, kind: PartKind, text: &[u8], scratch: &mut PrepareScratch) -> PreparedPart {
        let fingerprint = self.fingerprint(kind, text, scratch);
        let signature = self.signature(scratch);
        let mut anchors = Vec::new();
        let mut tokens = Vec::new();
        self.anchors(kind, scratch, &mut anchors, &mut tokens);
        scratch.anchored = kind.has_family().then_some(fingerprint);
        PreparedPart {
            kind,
            fingerprint,
            bytes: u32_saturating(text.len()),
            flags: scratch.flags(),
            disguised: self.disguised(kind, scratch, &tokens),
            signature: signature.0,
            code: EmbeddingCode::EMPTY.0,
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

    /// The built-in embedding code of the normal form in `scratch`.
    pub fn code(&self, scratch: &PrepareScratch) -> EmbeddingCode {
        self.embedder.code(&scratch.form)
    }

    /// Appends the encoded anchors and the token hashes of the normal form in `scratch`; nothing for a kind that has no
    /// family.
    pub fn anchors(&self, kind: PartKind, scratch: &mut PrepareScratch, anchors: &mut Vec<u8>, tokens: &mut Vec<u32>) {
        scratch.anchored = None;
        if kind.has_family() {
            self.anchorer.anchors(&scratch.form, &mut scratch.anchor, &mut scratch.anchors);
            packed::encode(&scratch.anchors, anchors);
            self.anchorer.token_hashes(&mut scratch.anchor, tokens);
        }
    }
}

impl Preparer {
    /// Which of the `tokens` are disguised in the text in `scratch`.
    fn disguised(&self, kind: PartKind, scratch: &PrepareScratch, tokens: &[u32]) -> Disguised {
        let is_disguised = kind.has_family() && scratch.form.changes().disguises > 0;
        if is_disguised { self.anchorer.disguised(&scratch.form, tokens) } else { Disguised::NONE }
    }

    /// The anchors of the normal form in `scratch`, for a lookup.
    pub fn lookup_anchors<'a>(&self, scratch: &'a mut PrepareScratch) -> &'a anchor::Anchors {
        scratch.anchored = None;
        self.anchorer.anchors(&scratch.form, &mut scratch.anchor, &mut scratch.anchors);
        &scratch.anchors
    }
}

impl PrepareScratch {
    /// The anchors of the text of that fingerprint, for a lookup, from what [`Preparer::anchors`] encoded; none where they are
    /// damaged. Those of the text prepared last, or asked for last, are here still.
    pub fn anchors_of(&mut self, fingerprint: u128, encoded: &[u8]) -> &anchor::Anchors {
        if self.anchored != Some(fingerprint) {
            packed::decode_into(encoded, &mut self.anchors);
            self.anchored = Some(fingerprint);
        }
        &self.anchors
    }

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

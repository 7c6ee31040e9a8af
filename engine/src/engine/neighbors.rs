//! The nearest sealed requests to a text or a code, however far: for people and tools, since it opens no verdict.

use super::reader::{Piece, Reader, Scratch};
use super::sealed::Sealed;
use crate::corpus::prepare::CodeSource;
use crate::corpus::snapshot::check_codes;
use crate::error::Result;
use crate::num::u32_saturating;
use crate::query::neighbors::{By, NeighborOptions, Probe, Source, neighbors};
use crate::request::PartKind;
use crate::sketch::EmbeddingCode;
use crate::verdict::Place;

/// One request that is near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeighborSeen {
    /// Where it is; [`Reader::request_id`] tells its id.
    pub place: Place,
    /// Estimated resemblance of the text that is near, 0 to 1; `None` where a code alone was given.
    pub resemblance: Option<f32>,
    /// Estimated cosine of the embeddings, -1 to 1; `None` where either text has no code.
    pub cosine: Option<f32>,
}

/// The nearest requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeighborsSeen {
    /// Nearest first.
    pub hits: Vec<NeighborSeen>,
    /// Whether a bound cut the search short: there may be nearer ones then.
    pub truncated: bool,
}

impl Reader {
    /// The sealed requests nearest to a text, at most `options.top`; hidden ones are left out. Traffic that is not sealed yet
    /// is not searched. Nothing is found where the reader knows no store.
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for options without meaning, and by code where the store keeps none;
    /// [`crate::Error::SpecMismatch`] by code where a caller or a model made the store's codes;
    /// [`crate::Error::Corrupt`] when a graph contradicts its section.
    pub fn neighbors(&self, piece: &Piece<'_>, options: &NeighborOptions) -> Result<NeighborsSeen> {
        self.refresh_in_time();
        let Some(state) = self.state() else { return Ok(NeighborsSeen::default()) };
        let (Some(preparer), Some(sealed)) = (state.preparer(), state.sealed()) else {
            return Ok(NeighborsSeen::default());
        };
        let by_code = matches!(options.by, By::Code | By::All);
        if let Some(origin) = CodeSource::BuiltIn.origin().filter(|_| by_code) {
            check_codes(&sealed.manifest().codes, origin)?;
        }
        let mut scratch = self.scratch();
        scratch.note_text(piece.text.len());
        let part = preparer.text(piece.kind, piece.text, &mut scratch.prepare);
        let code = preparer.code(&scratch.prepare);
        let probe = Probe {
            class: piece.kind.class(),
            signature: Some(&part.signature).filter(|_| !part.is_empty),
            code: Some(&code.0).filter(|_| by_code && !code.is_empty()),
        };
        let found = self.search(sealed, &probe, options, &mut scratch);
        self.give_back(scratch);
        found
    }

    /// The sealed requests whose text of `kind` has a code nearest to `code`, which is of the origin that the store's codes
    /// are: a caller who embeds texts itself asks this way.
    /// # Errors
    /// As [`Reader::neighbors`].
    pub fn neighbors_of_code(
        &self,
        kind: PartKind,
        code: &EmbeddingCode,
        options: &NeighborOptions,
    ) -> Result<NeighborsSeen> {
        self.refresh_in_time();
        let Some(state) = self.state() else { return Ok(NeighborsSeen::default()) };
        let Some(sealed) = state.sealed() else { return Ok(NeighborsSeen::default()) };
        let probe = Probe { class: kind.class(), signature: None, code: Some(&code.0) };
        let options = NeighborOptions { by: By::Code, ..*options };
        let mut scratch = self.scratch();
        let found = self.search(sealed, &probe, &options, &mut scratch);
        self.give_back(scratch);
        found
    }

    fn search(
        &self,
        sealed: &Sealed,
        probe: &Probe<'_>,
        options: &NeighborOptions,
        scratch: &mut Scratch,
    ) -> Result<NeighborsSeen> {
        let mut sources = Vec::new();
        let mut files = Vec::new();
        for (_, file, segment) in sealed.segments() {
            sources.push(Source { view: segment.view()?, segment });
            files.push(file);
        }
        let scratch = &mut scratch.neighbors;
        let found = neighbors(&sources, sealed.exemplars(), &[*probe], None, options, self.kernels(), scratch)?;
        let hits = found
            .hits
            .iter()
            .filter_map(|hit| {
                let place = Place::Sealed { file: *files.get(hit.segment)?, row: u32_saturating(hit.row) };
                Some(NeighborSeen { place, resemblance: hit.resemblance, cosine: hit.cosine })
            })
            .collect();
        Ok(NeighborsSeen { hits, truncated: found.truncated })
    }
}

//! A request that arrives in chunks: reduced as it comes, parsed at its end, known under the names that the host gives.

use super::reader::Piece;
use super::reduce::Reducer;
use super::writer::Envelope;
use crate::corpus::Level;
use crate::error::{Error, Result};
use crate::limits;
use crate::num::u64_of;
use crate::request::Part;
use crate::request::parse::{ParseOptions, Scratch, parse_line};

/// A body in the making.
#[derive(Debug, Default)]
pub struct RequestStream {
    reducer: Reducer,
    bytes: u64,
}

/// A body that ended: its parts, and its envelope with what the body itself tells.
#[derive(Debug, Clone, Default)]
pub struct EndedRequest {
    /// What is known beside the text.
    pub envelope: Envelope,
    /// The parts.
    pub parts: Vec<Part>,
}

impl EndedRequest {
    /// The parts, as they are looked up and observed.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        self.parts.iter().map(Piece::from).collect()
    }
}

impl RequestStream {
    /// Takes the next bytes of the body, cut anywhere, and keeps what becomes a part.
    /// # Errors
    /// [`Error::LimitExceeded`] when the new text alone passes [`limits::LINE_BYTES_MAX`]; the stream then takes nothing more.
    pub fn update(&mut self, chunk: &[u8]) -> Result<()> {
        let held = self.reducer.body().len().saturating_add(chunk.len());
        if held > limits::LINE_BYTES_MAX {
            return Err(Error::LimitExceeded {
                limit: "bytes of one request",
                got: u64_of(held),
                max: u64_of(limits::LINE_BYTES_MAX),
            });
        }
        self.bytes += u64_of(chunk.len());
        self.reducer.push(chunk);
        Ok(())
    }

    /// Bytes taken so far, and bytes held of them.
    #[must_use]
    pub fn byte_counts(&self) -> (u64, u64) {
        (self.bytes, u64_of(self.reducer.body().len()))
    }

    /// Parses the body. Who sent it is what the host says: of the client's own words only its end user and the model
    /// count, and only where the host names none.
    /// # Errors
    /// [`Error::Line`] when the body is no request of a known API.
    pub fn end(self, envelope: Envelope) -> Result<EndedRequest> {
        let mut parsed = Vec::new();
        let unreadable = |reason| Error::Line { file: "request body".to_owned(), line: 1, reason };
        parse_line(self.reducer.body(), &ParseOptions::default(), &mut Scratch::default(), &mut parsed)
            .map_err(unreadable)?;
        let mut ended = EndedRequest { envelope, parts: Vec::new() };
        let Some(first) = parsed.into_iter().next() else { return Ok(ended) };
        let request = first.request;
        let names = [(Level::EndUser, request.principals.end_user), (Level::Model, request.tags.model)];
        for (level, name) in names {
            let slot = &mut ended.envelope.origin[level.index()];
            if slot.is_none() {
                *slot = name;
            }
        }
        ended.parts = request.parts;
        Ok(ended)
    }
}

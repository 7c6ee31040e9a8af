//! Batch files: OpenAI's lines wrap a body, Anthropic's wrap the parameters of a message.

use super::draft::{Draft, Field};
use super::json::Json;
use super::{body, plain};
use crate::error::LineError;

/// Reads one line of an OpenAI Batch input file.
pub(super) fn openai(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    read(draft, line, "body")
}

/// Reads one request of an Anthropic Message Batch.
pub(super) fn anthropic(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    read(draft, line, "params")
}

fn read(draft: &mut Draft, line: Json<'_>, inner: &str) -> Result<(), LineError> {
    plain::envelope(draft, line)?;
    draft.set(Field::Id, [line.get("custom_id")]);
    body::read(draft, line.get(inner).unwrap_or(line))
}

//! Helicone's export of requests: the body as it was sent, with who and when beside it.

use super::body;
use super::draft::{Draft, Field};
use super::json::Json;
use super::time::Unit;
use crate::error::LineError;

/// Reads one exported request.
pub(super) fn read(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    draft.set(Field::Id, [line.get("request_id")]);
    draft.set(Field::Account, [line.get("request_user_id"), line.get("helicone_user")]);
    draft.set(Field::Model, [line.get("request_model"), line.get("model_override"), line.get("model")]);
    draft.set_time(line.get("request_created_at"), Unit::Milliseconds)?;
    line.get("request_body").map_or(Ok(()), |inner| body::read(draft, inner))
}

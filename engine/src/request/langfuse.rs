//! Langfuse's export of observations: one object each, in snake case from blob storage, in camel case from the API.

use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::time::Unit;
use super::{PartKind, body, chat, tools};
use crate::error::LineError;

/// Reads one observation; `false` for one that is no call of a model.
pub(super) fn read(draft: &mut Draft, line: Json<'_>) -> Result<bool, LineError> {
    if line.get("type").is_some_and(|kind| !kind.is("GENERATION")) {
        return Ok(false);
    }
    let either = |snake: &str, camel: &str| line.get(snake).or_else(|| line.get(camel));
    draft.set(Field::Id, [line.get("id")]);
    draft.set(Field::Account, [either("user_id", "userId")]);
    draft.set(Field::Model, [line.get("model"), either("provided_model_name", "providedModelName")]);
    draft.set_time(either("start_time", "startTime"), Unit::Seconds)?;
    if let Some(definitions) = either("tool_definitions", "toolDefinitions") {
        opened(definitions, |all| draft.made(PartKind::Tools, tools::canonical(all), all));
    }
    if let Some(parameters) = either("model_parameters", "modelParameters") {
        opened(parameters, |parameters| chat::settings(draft, parameters));
    }
    match line.get("input") {
        Some(input) => body::read(draft, input).map(|()| true),
        None => Ok(true),
    }
}

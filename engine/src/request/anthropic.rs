//! Anthropic Messages: `system` beside the messages, tools with an input schema, tool results inside user messages.

use super::chat;
use super::draft::Draft;
use super::json::Json;
use crate::error::LineError;

/// Whether a body with messages is Anthropic's rather than OpenAI's; both read alike where they agree.
pub(super) fn is_body(body: Json<'_>) -> bool {
    body.entries().any(|(key, value)| match key.raw() {
        "system" | "anthropic_version" | "stop_sequences" | "thinking" => !value.is_null(),
        "tools" => value.items().any(|tool| tool.get("input_schema").is_some()),
        _ => false,
    })
}

/// Reads a Messages body.
pub(super) fn read(draft: &mut Draft, body: Json<'_>) -> Result<(), LineError> {
    if let Some(system) = body.get("system") {
        draft.system(system);
    }
    chat::read(draft, body)
}

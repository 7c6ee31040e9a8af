//! OpenAI chat completions, and every API that speaks them: `messages` with roles, tools wrapped as functions.

use super::draft::{Draft, Field, Message, Role};
use super::json::Json;
use super::{PartKind, tools};
use crate::error::LineError;

/// Reads a chat body: system and developer messages, tools, shape, turns and the caller's own user.
pub(super) fn read(draft: &mut Draft, body: Json<'_>) -> Result<(), LineError> {
    let messages = body.get("messages").unwrap_or(body);
    if !messages.is_array() {
        return Err(LineError::Field { field: messages.path(), reason: "not a list of messages".to_owned() });
    }
    settings(draft, body);
    draft.messages(&list(messages)?);
    Ok(())
}

/// What all shapes with tools and parameters share: tools, shape, model and the caller's own user.
pub(super) fn settings(draft: &mut Draft, body: Json<'_>) {
    let tools = body.get("tools").or_else(|| body.get("functions")).or_else(|| body.get("toolConfig")?.get("tools"));
    if let Some(tools) = tools {
        draft.made(PartKind::Tools, tools::canonical(tools), tools);
    }
    let nested = body.get("inferenceConfig").unwrap_or(body);
    let bodies = [body, nested];
    draft.made(PartKind::Shape, tools::shape(&bodies), body);
    draft.set(Field::Model, [body.get("model")]);
    let metadata = body.get("metadata");
    draft.set(
        Field::EndUser,
        [body.get("safety_identifier"), body.get("user"), metadata.and_then(|m| m.get("user_id"))],
    );
}

/// The messages of a list.
/// # Errors
/// [`LineError::Field`] for an item that is no object.
pub(super) fn list<'a>(messages: Json<'a>) -> Result<Vec<Message<'a>>, LineError> {
    messages
        .items()
        .map(|item| {
            if !item.is_object() {
                return Err(LineError::Field { field: item.path(), reason: "not a message".to_owned() });
            }
            let role = item.get("role").and_then(Json::text).unwrap_or_default();
            // OpenTelemetry names the blocks of a message its parts.
            let content = item.get("content").or_else(|| item.get("parts"));
            Ok(Message { role: Role::of_name(&role), content, calls: item.get("tool_calls") })
        })
        .collect()
}

//! OpenAI chat completions, and every API that speaks them: `messages` with roles, tools wrapped as functions.

use super::draft::{Draft, Field, Message, Role};
use super::json::{Json, opened};
use super::{PartKind, anthropic, tools};
use crate::error::LineError;

/// Reads a chat body: system and developer messages, tools, shape, turns and the caller's own user.
pub(super) fn read(draft: &mut Draft, body: Json<'_>) -> Result<(), LineError> {
    settings(draft, body);
    body.get("messages").map_or(Ok(()), |all| opened(all, |all| messages(draft, all)))
}

/// Reads a list of messages by itself.
/// # Errors
/// [`LineError::Field`] when it is none.
pub(super) fn messages(draft: &mut Draft, messages: Json<'_>) -> Result<(), LineError> {
    if !messages.is_array() {
        return Err(LineError::Field { field: messages.path(), reason: "not a list of messages".to_owned() });
    }
    draft.messages(&list(messages)?);
    Ok(())
}

/// What all shapes with tools and parameters share: tools, shape, model and the caller's own user.
pub(super) fn settings(draft: &mut Draft, body: Json<'_>) {
    let tools = body.get("tools").or_else(|| body.get("functions")).or_else(|| body.find(&["toolConfig", "tools"]));
    if let Some(tools) = tools {
        opened(tools, |tools| draft.made(PartKind::Tools, tools::canonical(tools), tools));
    }
    // Converse and Titan keep their parameters one level down.
    let nested = body.get("inferenceConfig").or_else(|| body.get("textGenerationConfig"));
    let all = body.entries().chain(nested.into_iter().flat_map(Json::entries));
    draft.made(PartKind::Shape, tools::shape(all.filter_map(|(key, value)| Some((key.text()?, value)))), body);
    draft.set(Field::Model, [body.get("model")]);
    draft.set(Field::EndUser, [body.get("safety_identifier"), body.get("user")]);
    if let Some(user_id) = body.find(&["metadata", "user_id"]) {
        let text = user_id.scalar().unwrap_or_default();
        draft.set_text(Field::EndUser, &anthropic::stable_user(&text), user_id);
    }
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

//! OpenAI Responses: `input` and `instructions`; what earlier responses hold is not in the body, only its newest part is.

use super::draft::{Draft, Field, Message, Role};
use super::json::Json;
use super::{chat, content};
use crate::error::LineError;

/// Reads a Responses body. A body that goes on from a stored response or conversation says so in
/// [`super::parse::Turns::previous`]; its input is new in full.
pub(super) fn read(draft: &mut Draft, body: Json<'_>) -> Result<(), LineError> {
    if let Some(instructions) = body.get("instructions") {
        draft.system(instructions);
    }
    chat::settings(draft, body);
    let conversation = body.get("conversation");
    let named = conversation.and_then(|conversation| conversation.get("id")).or(conversation);
    draft.set(Field::Previous, [body.get("previous_response_id"), named]);
    let Some(input) = body.get("input") else { return Ok(()) };
    if input.is_string() {
        draft.messages(&[Message { role: Role::User, content: Some(input), calls: None }]);
        return Ok(());
    }
    let mut messages = Vec::new();
    for item in input.items() {
        if item.is_string() {
            messages.push(Message { role: Role::User, content: Some(item), calls: None });
        } else if item.is_object() {
            messages.extend(message(item));
        } else {
            return Err(LineError::Field { field: item.path(), reason: "not an input item".to_owned() });
        }
    }
    draft.messages(&messages);
    Ok(())
}

/// One item of the input; `None` for what is no message: a reference to what the API keeps, or reasoning.
fn message(item: Json<'_>) -> Option<Message<'_>> {
    let kind = item.get("type").and_then(Json::text).unwrap_or_default();
    let role = item.get("role").and_then(Json::text);
    let (role, content) = match (&*kind, role) {
        // Reasoning is dropped and kept by clients at will: it must not change the chain.
        ("item_reference" | "reasoning", _) => return None,
        ("message" | "", Some(role)) => (Role::of_name(&role), item.get("content")),
        (kind, _) if kind.ends_with("_output") => (Role::Tool, item.get("output")),
        (kind, _) if kind.ends_with("_call") => (Role::Assistant, Some(item)),
        _ => {
            // A loose content block, as some clients send it, is the user's.
            let mut known = false;
            content::blocks(item, &mut |_| known = true);
            return known.then_some(Message { role: Role::User, content: Some(item), calls: None });
        }
    };
    Some(Message { role, content, calls: None })
}

//! A request body of any API, found inside an envelope.

use super::draft::Draft;
use super::formats::Format;
use super::json::{Json, opened};
use super::{anthropic, chat, plain, responses};
use crate::error::LineError;

/// Reads `body`, an object or JSON in a string; a list is taken for messages and a bare string for a prompt.
/// # Errors
/// [`LineError::UnknownShape`] when it is a body of no known API.
pub(super) fn read(draft: &mut Draft, body: Json<'_>) -> Result<(), LineError> {
    opened(body, |body| {
        if body.is_string() {
            draft.prompt(body);
            return Ok(());
        }
        if body.is_array() {
            return chat::messages(draft, body);
        }
        match Format::of_object(body) {
            Some(Format::AnthropicMessages) => anthropic::read(draft, body),
            Some(Format::OpenAiChat) => chat::read(draft, body),
            Some(Format::OpenAiResponses) => responses::read(draft, body),
            _ => match ["prompt", "inputText", "message", "inputs"].iter().find_map(|key| body.get(key)) {
                Some(prompt) => {
                    chat::settings(draft, body);
                    plain::prompt(draft, prompt)
                }
                None => Err(unknown(body)),
            },
        }
    })
}

/// Names the keys that are there, since the reader of the error wants to know what was looked at.
pub(super) fn unknown(value: Json<'_>) -> LineError {
    let keys: Vec<_> = value.entries().take(12).filter_map(|(key, _)| key.text()).collect();
    let keys: String = keys.join(", ").chars().take(200).collect();
    let path = value.path();
    LineError::UnknownShape(match (value.is_object(), path.as_str()) {
        (true, "$") => format!("its keys are: {keys}"),
        (true, path) => format!("the keys of {path} are: {keys}"),
        (false, path) => format!("{path} is not an object"),
    })
}

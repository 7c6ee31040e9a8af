//! Anthropic Messages: `system` beside the messages, tools with an input schema, tool results inside user messages.

use std::borrow::Cow;

use super::chat;
use super::draft::Draft;
use super::json::{Json, Tape};
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

/// The part of a `metadata.user_id` that stays from session to session. Coding agents send
/// `user_<device>_account_<id>_session_<id>`, or the same as JSON; whole, each session would be a user of its own. (Seen in
/// traffic and third-party code, not in the vendor's documentation.)
pub(super) fn stable_user(user_id: &str) -> Cow<'_, str> {
    if user_id.starts_with('{') {
        let mut tape = Tape::default();
        if let Ok(doc) = tape.parse(user_id, "") {
            let named = |key: &str| doc.root().get(key).and_then(Json::text).filter(|text| !text.is_empty());
            if let Some(text) = named("account_uuid").or_else(|| named("device_id")) {
                return Cow::Owned(text.into_owned());
            }
        }
    }
    match user_id.rsplit_once("_session_") {
        Some((stable, _)) if user_id.starts_with("user_") => Cow::Borrowed(stable),
        _ => Cow::Borrowed(user_id),
    }
}

#[cfg(test)]
mod tests {
    use super::stable_user;

    #[test]
    fn sessions_of_one_user_are_one_user() {
        assert_eq!(stable_user("user_ab_account_cd_session_ef"), "user_ab_account_cd");
        assert_eq!(stable_user(r#"{"device_id":"ab","account_uuid":"cd","session_id":"ef"}"#), "cd");
        assert_eq!(stable_user(r#"{"device_id":"ab","account_uuid":"","session_id":"ef"}"#), "ab");
        for other in ["u-5", "a_session_b", "{", "{}", ""] {
            assert_eq!(stable_user(other), other);
        }
    }
}

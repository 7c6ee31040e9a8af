//! LiteLLM's two logs: the payload that its loggers ship, and the rows of its own table of spend.

use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::time::Unit;
use super::{body, chat};
use crate::error::LineError;

/// What LiteLLM writes in place of every message when it is told not to log them; as text it would be one great family.
const REDACTED: &str = "redacted-by-litellm";

/// Reads a `StandardLoggingPayload`.
pub(super) fn payload(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    let metadata = |key: &str| line.find(&["metadata", key]);
    draft.set(Field::Id, [line.get("id"), line.get("litellm_call_id")]);
    draft.set(Field::Key, [metadata("user_api_key_hash")]);
    draft.set(Field::Account, [metadata("user_api_key_user_id")]);
    draft.set(Field::Org, [metadata("user_api_key_org_id"), metadata("user_api_key_team_id")]);
    draft.set(Field::EndUser, [line.get("end_user"), metadata("user_api_key_end_user_id")]);
    draft.set(Field::Ip, [line.get("requester_ip_address"), metadata("requester_ip_address")]);
    draft.set(Field::UserAgent, [line.get("user_agent"), metadata("user_agent")]);
    draft.set(Field::Model, [line.get("model"), line.get("model_group")]);
    draft.set_time(line.get("startTime"), Unit::Seconds)?;
    if let Some(parameters) = line.get("model_parameters") {
        // The Messages route keeps its system text among the parameters.
        if let Some(system) = parameters.get("system") {
            draft.system(system);
        }
        chat::settings(draft, parameters);
    }
    line.get("messages").map_or(Ok(()), |messages| texts(draft, messages))
}

/// Reads a row of `LiteLLM_SpendLogs`.
pub(super) fn spend(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    draft.set(Field::Id, [line.get("request_id")]);
    draft.set(Field::Key, [line.get("api_key")]);
    draft.set(Field::Account, [line.get("user")]);
    draft.set(Field::Org, [line.get("organization_id"), line.get("team_id")]);
    draft.set(Field::EndUser, [line.get("end_user")]);
    draft.set(Field::Ip, [line.get("requester_ip_address")]);
    draft.set(Field::Model, [line.get("model"), line.get("model_group")]);
    draft.set_time(line.get("startTime"), Unit::Seconds)?;
    let stored =
        ["proxy_server_request", "messages"].iter().filter_map(|key| line.get(key)).find(|value| !is_empty(*value));
    let Some(stored) = stored else { return Ok(()) };
    opened(stored, |stored| texts(draft, stored.get("body").unwrap_or(stored)))
}

/// A body, messages or a prompt, unless the messages were redacted.
fn texts(draft: &mut Draft, value: Json<'_>) -> Result<(), LineError> {
    opened(value, |value| {
        let redacted = |item: Json<'_>| item.get("content").is_some_and(|content| content.is(REDACTED));
        let messages = value.get("messages").unwrap_or(value);
        if is_empty(value) || value.is(REDACTED) || messages.items().any(redacted) {
            return Ok(());
        }
        body::read(draft, value)
    })
}

/// Prompt storage that is switched off leaves `{}`, `[]` or an empty string.
fn is_empty(value: Json<'_>) -> bool {
    opened(value, |value| {
        (value.is_string() && value.raw().is_empty())
            || (value.is_object() && value.entries().next().is_none())
            || (value.is_array() && value.items().next().is_none())
    })
}

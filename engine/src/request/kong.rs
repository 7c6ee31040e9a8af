//! Kong's log entries, where an AI plugin adds what was sent to the model.

use super::body;
use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::time::Unit;
use crate::error::LineError;

/// Reads one log entry; `false` where the plugin logged no payload.
pub(super) fn read(draft: &mut Draft, line: Json<'_>) -> Result<bool, LineError> {
    let consumer = |key: &str| line.find(&["consumer", key]);
    draft.set(Field::Id, [line.find(&["request", "id"])]);
    draft.set(Field::Account, [consumer("custom_id"), consumer("username"), consumer("id")]);
    draft.set(Field::Key, [line.find(&["authenticated_entity", "id"])]);
    draft.set(Field::Ip, [line.get("client_ip")]);
    let headers = line.find(&["request", "headers"]);
    draft.set(Field::UserAgent, [headers.and_then(|headers| headers.get("user-agent"))]);
    draft.set_time(line.get("started_at"), Unit::Milliseconds)?;
    let Some(ai) = line.get("ai") else { return Ok(false) };
    // Older versions name the entry after the plugin instead of `proxy`.
    for plugin in ai.get("proxy").into_iter().chain(ai.entries().map(|(_, plugin)| plugin)) {
        let meta = |key: &str| plugin.find(&["meta", key]);
        draft.set(Field::Model, [meta("request_model"), meta("response_model")]);
        let Some(payload) = plugin.get("payload") else { continue };
        let request = opened(payload, |payload| payload.get("request").map(|request| body::read(draft, request)));
        if let Some(result) = request {
            return result.map(|()| true);
        }
    }
    Ok(false)
}

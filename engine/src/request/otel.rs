//! OpenTelemetry's GenAI conventions, as they are now and as they were before messages became attributes.

use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::spans::{Span, lookup, numbered, plain_attributes, reread, write_value};
use super::time::Unit;
use super::{PartKind, body, chat, tools};
use crate::error::LineError;

/// Names of request attributes, with the parameter each one is.
const PARAMETERS: &[(&str, &str)] = &[
    ("gen_ai.openai.request.response_format", "response_format"),
    ("gen_ai.request.choice.count", "n"),
    ("gen_ai.request.frequency_penalty", "frequency_penalty"),
    ("gen_ai.request.max_tokens", "max_tokens"),
    ("gen_ai.request.presence_penalty", "presence_penalty"),
    ("gen_ai.request.seed", "seed"),
    ("gen_ai.request.stop_sequences", "stop"),
    ("gen_ai.request.temperature", "temperature"),
    ("gen_ai.request.top_k", "top_k"),
    ("gen_ai.request.top_p", "top_p"),
];

/// Reads a span under the GenAI conventions; `false` for one that holds no prompt.
pub(super) fn read(draft: &mut Draft, span: Span<'_>) -> Result<bool, LineError> {
    let input = span.attribute("gen_ai.input.messages");
    let older = span.attribute("gen_ai.prompt").filter(|prompt| prompt.is_string());
    let indexed = numbered(span.attributes, "gen_ai.prompt");
    let events = message_events(span);
    let system = span.attribute("gen_ai.system_instructions");
    if input.is_none() && older.is_none() && indexed.is_empty() && events.is_empty() && system.is_none() {
        return Ok(false);
    }
    envelope(draft, span)?;
    draft.set(Field::Account, [span.attribute("enduser.id")]);
    draft.set(Field::Model, [span.attribute("gen_ai.request.model"), span.attribute("gen_ai.response.model")]);
    if let Some(system) = system {
        opened(system, |system| draft.system(system));
    }
    if let Some(definitions) = span.attribute("gen_ai.tool.definitions") {
        opened(definitions, |all| draft.made(PartKind::Tools, tools::canonical(all), all));
    }
    let set = PARAMETERS.iter().filter_map(|(name, parameter)| Some(((*parameter).into(), span.attribute(name)?)));
    draft.made(PartKind::Shape, tools::shape(set), span.attributes);
    if let Some(input) = input {
        body::read(draft, input)?;
    } else if !indexed.is_empty() {
        of_texts(draft, &indexed)?;
    } else if !events.is_empty() {
        of_texts(draft, &events)?;
    } else if let Some(older) = older {
        body::read(draft, older)?;
    }
    Ok(true)
}

/// What all spans share: id, time, user and client.
pub(super) fn envelope(draft: &mut Draft, span: Span<'_>) -> Result<(), LineError> {
    draft.set(Field::Id, [span.id()]);
    draft.set(Field::Account, [span.attribute("user.id")]);
    draft.set(Field::Ip, [span.attribute("client.address")]);
    draft.set(Field::UserAgent, [span.attribute("user_agent.original"), span.attribute("http.user_agent")]);
    draft.set_time(span.start(), Unit::Guessed)
}

/// Reads messages that were put together as texts of their own.
pub(super) fn of_texts(draft: &mut Draft, messages: &[String]) -> Result<(), LineError> {
    let text = format!("[{}]", messages.join(","));
    reread(&text, "$.attributes", |messages| messages.map_or(Ok(()), |messages| chat::messages(draft, messages)))
}

/// Conventions up to 1.36 told of each message in an event of the span, or in a log record by itself.
fn message_events(span: Span<'_>) -> Vec<String> {
    let events = span.record.get("events").into_iter().flat_map(Json::items);
    events.chain([span.record]).filter_map(message_event).collect()
}

fn message_event(event: Json<'_>) -> Option<String> {
    let named = ["name", "eventName", "event_name"].iter().find_map(|key| event.get(key)?.text());
    plain_attributes(event, |attributes| {
        let name = named.or_else(|| lookup(attributes?, "event.name")?.text())?;
        let role = name.strip_prefix("gen_ai.")?.strip_suffix(".message")?;
        let body = event.get("body");
        let content = body
            .and_then(|body| body.get("content"))
            .or_else(|| attributes.and_then(|attributes| attributes.get("content")))
            .or_else(|| attributes.and_then(|attributes| lookup(attributes, "gen_ai.event.content")));
        let mut text = format!("{{\"role\":{},\"content\":", serde_json::Value::from(role));
        write_value(&mut text, content);
        text.push('}');
        Some(text)
    })
}

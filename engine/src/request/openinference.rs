//! The OpenInference conventions (Phoenix, Arize): messages flattened into numbered attributes.

use super::draft::{Draft, Field};
use super::json::{Json, opened};
use super::spans::{Span, lookup, numbered, reread, write_value};
use super::{PartKind, body, chat, otel, tools};
use crate::error::LineError;

/// Whether a span follows these conventions.
pub(super) fn is_span(span: Span<'_>) -> bool {
    span.attribute("openinference.span.kind").is_some()
}

/// Reads a span; `false` for one that is no call of a model or holds no prompt.
pub(super) fn read(draft: &mut Draft, span: Span<'_>) -> Result<bool, LineError> {
    if !span.attribute("openinference.span.kind").is_some_and(|kind| kind.is("LLM") || kind.is("llm")) {
        return Ok(false);
    }
    otel::envelope(draft, span)?;
    draft.set(Field::Model, [span.attribute("llm.request.model_name"), span.attribute("llm.model_name")]);
    let definitions: Vec<_> = numbered(span.attributes, "llm.tools").iter().filter_map(|text| tool(text)).collect();
    if !definitions.is_empty() {
        let all = format!("[{}]", definitions.join(","));
        reread(&all, "$.attributes", |all| {
            if let Some(all) = all {
                draft.made(PartKind::Tools, tools::canonical(all), span.attributes);
            }
        });
    }
    if let Some(parameters) = span.attribute("llm.invocation_parameters") {
        opened(parameters, |parameters| chat::settings(draft, parameters));
    }
    let messages: Vec<_> = numbered(span.attributes, "llm.input_messages").iter().filter_map(|m| message(m)).collect();
    let prompts = numbered(span.attributes, "llm.prompts");
    if !messages.is_empty() {
        otel::of_texts(draft, &messages)?;
    } else if !prompts.is_empty() {
        for prompt in &prompts {
            reread(prompt, "$.attributes", |prompt| {
                if let Some(text) = prompt.and_then(|prompt| lookup(prompt, "prompt.text")) {
                    draft.prompt(text);
                }
            });
        }
    } else if let Some(input) = span.attribute("input.value") {
        // A JSON value here is what the instrumented library was called with; what is no body is no prompt.
        let is_json = span.attribute("input.mime_type").is_some_and(|kind| kind.is("application/json"));
        if !is_json {
            draft.prompt(input);
        } else if body::read(draft, input).is_err() {
            return Ok(false);
        }
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// One numbered message as a chat message.
fn message(text: &str) -> Option<String> {
    reread(text, "", |fields| {
        let fields = fields?;
        let mut message = String::from("{\"role\":");
        write_value(&mut message, lookup(fields, "message.role"));
        message.push_str(",\"content\":");
        let inner = lookup(fields, "message").unwrap_or(fields);
        let contents = [numbered(fields, "message.contents"), numbered(inner, "contents")].concat();
        if contents.is_empty() {
            write_value(&mut message, lookup(fields, "message.content"));
        } else {
            let blocks: Vec<_> = contents.iter().map(|block| reread(block, "", block_text)).collect();
            message.push_str(&format!("[{}]", blocks.join(",")));
        }
        let calls = [numbered(fields, "message.tool_calls"), numbered(inner, "tool_calls")].concat();
        if !calls.is_empty() {
            let ids: Vec<_> = calls.iter().map(|call| reread(call, "", call_id)).collect();
            message.push_str(&format!(",\"tool_calls\":[{}]", ids.join(",")));
        }
        message.push('}');
        Some(message)
    })
}

fn block_text(block: Option<Json<'_>>) -> String {
    let field = |name: &str| block.and_then(|block| lookup(block, name));
    let mut text = String::from("{\"type\":");
    write_value(&mut text, field("message_content.type"));
    text.push_str(",\"text\":");
    write_value(&mut text, field("message_content.text"));
    text.push('}');
    text
}

fn call_id(call: Option<Json<'_>>) -> String {
    let mut text = String::from("{\"id\":");
    write_value(&mut text, call.and_then(|call| lookup(call, "tool_call.id")));
    text.push('}');
    text
}

/// The schema of one numbered tool, which stands as JSON in a string.
fn tool(text: &str) -> Option<String> {
    reread(text, "", |fields| {
        let schema = lookup(fields?, "tool.json_schema")?;
        Some(opened(schema, |schema| schema.raw().to_owned()))
    })
}

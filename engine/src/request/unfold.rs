//! Opens what tables keep folded: a cell whose text is JSON, in a column that holds messages, bodies or attributes.
//!
//! CSV has no lists, and many exports to Parquet keep them as text too. A cell is opened only where its column's name is one
//! that some format reads a list or an object from; a prompt that is itself JSON stays the text it is.

use super::json::{Json, Tape};
use super::spans::write_value;

/// Columns that hold objects or lists.
const FOLDED: &[&str] = &[
    "ai",
    "attributes",
    "authenticated_entity",
    "body",
    "consumer",
    "context",
    "conversation",
    "events",
    "functions",
    "identity",
    "inferenceConfig",
    "input",
    "logit_bias",
    "messages",
    "metadata",
    "modalities",
    "model_parameters",
    "modelParameters",
    "output_config",
    "params",
    "proxy_server_request",
    "reasoning",
    "request",
    "request_body",
    "resourceLogs",
    "resourceSpans",
    "response_format",
    "text",
    "textGenerationConfig",
    "thinking",
    "tool_choice",
    "tool_definitions",
    "toolConfig",
    "toolDefinitions",
    "tools",
];

/// Columns that hold a list or a text; a text may well begin as an object does.
const LISTS: &[&str] = &["stop", "stop_sequences", "stopSequences", "system"];

/// `row`, a JSON object, with its folded cells opened; `None` where there is nothing to open.
pub(super) fn unfold(row: &str, tape: &mut Tape) -> Option<String> {
    let doc = tape.parse(row, "").ok()?;
    let root = doc.root();
    if !root.entries().any(|(key, value)| is_folded(key, value)) {
        return None;
    }
    let mut inner = Tape::default();
    let mut text = String::with_capacity(row.len());
    for (key, value) in root.entries() {
        text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
        text.push_str(key.raw());
        text.push_str("\":");
        let opened = value.text().filter(|text| is_folded(key, value) && inner.parse(text, "").is_ok());
        match opened {
            Some(json) => text.push_str(&json),
            None => write_value(&mut text, Some(value)),
        }
    }
    text.push('}');
    Some(text)
}

fn is_folded(key: Json<'_>, value: Json<'_>) -> bool {
    let begins = |byte| value.raw().trim_start().starts_with(byte);
    value.is_string()
        && ((begins('{') && FOLDED.contains(&key.raw()))
            || (begins('[') && (FOLDED.contains(&key.raw()) || LISTS.contains(&key.raw()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_known_columns_are_opened_and_nothing_else() {
        let mut tape = Tape::default();
        let row =
            r#"{"messages":"[{\"role\":\"user\",\"content\":\"a \\\"b\\\"\"}]","prompt":"{\"a\":1}","n":2,"x":null}"#;
        let opened = r#"{"messages":[{"role":"user","content":"a \"b\""}],"prompt":"{\"a\":1}","n":2,"x":null}"#;
        assert_eq!(unfold(row, &mut tape).as_deref(), Some(opened));
        for whole in
            [r#"{"prompt":"[1]","model":"{}"}"#, r#"{"messages":[1]}"#, r#"{"system":"{\"role\":1}"}"#, "[1", "5"]
        {
            assert_eq!(unfold(whole, &mut tape), None, "{whole}");
        }
        // What only begins like JSON is text.
        let text = r#"{"tools":"[and more","system":"[\"x\"]"}"#;
        assert_eq!(unfold(text, &mut tape).as_deref(), Some(r#"{"tools":"[and more","system":["x"]}"#));
    }
}

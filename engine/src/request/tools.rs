//! The canonical text of the tools on offer, and of the shape of a request: what tells one client from another.

use std::borrow::Cow;

use super::json::Json;

/// Levels of nested parameters that are told apart; deeper ones are only `object`.
const SCHEMA_DEPTH_MAX: u32 = 4;

/// Parameters that make the shape of a request, with the name under which the APIs' spellings meet. Those that only say
/// how the answer travels (`stream`, `store`) are no part of it.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("frequency_penalty", "frequency_penalty"),
    ("logit_bias", "logit_bias"),
    ("logprobs", "logprobs"),
    ("max_completion_tokens", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("max_tokens", "max_tokens"),
    ("maxTokens", "max_tokens"),
    ("modalities", "modalities"),
    ("n", "n"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("presence_penalty", "presence_penalty"),
    ("reasoning", "reasoning"),
    ("reasoning_effort", "reasoning_effort"),
    ("seed", "seed"),
    ("stop", "stop"),
    ("stopSequences", "stop"),
    ("stop_sequences", "stop"),
    ("temperature", "temperature"),
    ("thinking", "thinking"),
    ("tool_choice", "tool_choice"),
    ("top_k", "top_k"),
    ("top_logprobs", "top_logprobs"),
    ("top_p", "top_p"),
    ("topP", "top_p"),
    ("verbosity", "verbosity"),
];

/// One line a tool, sorted: `name(param:type,other?:type)`, optional parameters marked. Empty when there are no tools.
pub(super) fn canonical(tools: Json<'_>) -> String {
    let mut lines: Vec<String> = tools.items().map(tool).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}

fn tool(tool: Json<'_>) -> String {
    // OpenAI chat wraps a function, Bedrock Converse a toolSpec; everything else stands flat.
    let inner = tool.get("function").filter(|f| f.is_object()).or_else(|| tool.get("toolSpec")).unwrap_or(tool);
    let text = |key| inner.get(key).and_then(Json::text);
    let Some(name) = text("name").or_else(|| tool.get("type").and_then(Json::text)) else { return String::new() };
    let schema = ["parameters", "input_schema", "inputSchema"].into_iter().find_map(|key| inner.get(key));
    let schema = schema.map(|schema| schema.get("json").unwrap_or(schema));
    let mut line = name.into_owned();
    line.push('(');
    line.push_str(&schema.map(|schema| properties(schema, 0)).unwrap_or_default());
    line.push(')');
    line
}

fn properties(schema: Json<'_>, depth: u32) -> String {
    let Some(all) = schema.get("properties").filter(|_| depth < SCHEMA_DEPTH_MAX) else { return String::new() };
    let mut required: Vec<_> =
        schema.get("required").into_iter().flat_map(Json::items).filter_map(Json::text).collect();
    required.sort_unstable();
    let mut fields: Vec<String> = all
        .entries()
        .map(|(name, value)| {
            let name = name.text().unwrap_or_default();
            let mark = if required.binary_search(&name).is_ok() { "" } else { "?" };
            format!("{name}{mark}:{}", kind(value, depth))
        })
        .collect();
    fields.sort_unstable();
    fields.join(",")
}

fn kind(schema: Json<'_>, depth: u32) -> String {
    let Some(kind) = schema.get("type") else {
        return if schema.get("enum").is_some() { "enum" } else { "any" }.to_owned();
    };
    let mut name = if kind.is_array() {
        let mut names: Vec<_> = kind.items().filter_map(Json::text).collect();
        names.sort_unstable();
        names.join("|")
    } else {
        kind.text().unwrap_or_default().to_lowercase()
    };
    let nested = properties(schema, depth + 1);
    if !nested.is_empty() {
        name = format!("{name}{{{nested}}}");
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object() && depth < SCHEMA_DEPTH_MAX) {
        name = format!("{name}[{}]", self::kind(items, depth + 1));
    }
    name
}

/// One line a parameter that the request sets, sorted, and one for the schema it asks the answer to follow. Values of
/// numbers and truth values are kept, since clients leave them at their own defaults; texts and lists are not, except
/// the names of choices. Empty when nothing is set.
pub(super) fn shape<'a>(parameters: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>) -> String {
    let mut lines = Vec::new();
    for (key, value) in parameters.filter(|(_, value)| !value.is_null()) {
        if let Some((_, name)) = PARAMETERS.iter().find(|(spelling, _)| *spelling == key) {
            lines.push(setting(name, value));
        } else if key == "response_format" || key == "text" || key == "output_config" {
            lines.extend(answer_schema(value));
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}

fn setting(name: &str, value: Json<'_>) -> String {
    let choice = matches!(name, "tool_choice" | "reasoning_effort" | "verbosity");
    let effort = value.get("effort").or_else(|| value.get("type")).or_else(|| value.get("budget_tokens"));
    if name == "seed" || value.is_array() {
        name.to_owned()
    } else if let Some(effort) = effort.and_then(Json::scalar) {
        format!("{name}={effort}")
    } else if value.is_object() || (value.is_string() && !choice && !is_number_or_truth(value)) {
        name.to_owned()
    } else {
        format!("{name}={}", number(&value.scalar().unwrap_or_default()))
    }
}

/// Tables and form posts write numbers as text.
fn is_number_or_truth(value: Json<'_>) -> bool {
    let text = value.raw();
    matches!(text, "true" | "false")
        || (text.starts_with(|first: char| first.is_ascii_digit() || first == '-') && text.parse::<f64>().is_ok())
}

/// `1.0` and `1` are one setting: exporters rewrite the one as the other.
fn number(text: &str) -> &str {
    let bare = text.trim_end_matches('0');
    bare.strip_suffix('.').unwrap_or(text)
}

/// What the answer has to look like: Chat's `response_format`, Responses' `text.format`, Anthropic's `output_config.format`.
fn answer_schema(value: Json<'_>) -> Option<String> {
    let format = value.get("format").unwrap_or(value);
    let kind = format.get("type").and_then(Json::text)?;
    if kind == "text" {
        return None;
    }
    let wrapped = format.get("json_schema").unwrap_or(format);
    let name = wrapped.get("name").and_then(Json::text).unwrap_or_default();
    let fields = wrapped.get("schema").map(|schema| properties(schema, 0)).unwrap_or_default();
    Some(if name.is_empty() && fields.is_empty() {
        format!("format={kind}")
    } else {
        format!("format={kind} {name}({fields})")
    })
}

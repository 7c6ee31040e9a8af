//! What a message holds, over all APIs: text, tool calls, tool results, reasoning, media; one reader for their many spellings.

use std::borrow::Cow;

use super::json::Json;

/// One block of a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Block<'a> {
    /// A string of text.
    Text(Json<'a>),
    /// What a tool gave back: a string, or blocks again.
    ToolResult(Json<'a>),
    /// The model's call of a tool.
    Call(Json<'a>),
    /// The model's reasoning, which clients drop from history at will.
    Thinking,
    /// Anything that is not text.
    Media,
}

/// Hands each block of `content` to `visit`: a string is one text, an array is its items, an object is itself, null nothing.
pub(super) fn blocks<'a>(content: Json<'a>, visit: &mut impl FnMut(Block<'a>)) {
    if content.is_string() {
        visit(Block::Text(content));
    } else if content.is_object() {
        visit(block(content));
    } else {
        for item in content.items() {
            if item.is_string() {
                visit(Block::Text(item));
            } else if item.is_object() {
                visit(block(item));
            }
        }
    }
}

fn block<'a>(item: Json<'a>) -> Block<'a> {
    let text = || item.get("text").or_else(|| item.get("content")).filter(|text| text.is_string());
    let kind = item.get("type").and_then(Json::text);
    match kind.as_deref() {
        Some("text" | "input_text" | "output_text") => text().map_or(Block::Media, Block::Text),
        Some("tool_result") => Block::ToolResult(item.get("content").unwrap_or(item)),
        Some("tool_call_response") => {
            Block::ToolResult(item.get("response").or_else(|| item.get("result")).unwrap_or(item))
        }
        Some("tool_use" | "tool_call" | "function_call" | "server_tool_use") => Block::Call(item),
        Some("thinking" | "redacted_thinking" | "reasoning") => Block::Thinking,
        Some(_) => text().map_or(Block::Media, Block::Text),
        // Bedrock Converse names the kind by the key that is present.
        None => match (text(), item.get("toolResult"), item.get("toolUse")) {
            (Some(text), _, _) => Block::Text(text),
            (_, Some(result), _) => Block::ToolResult(result.get("content").unwrap_or(result)),
            (_, _, Some(call)) => Block::Call(call),
            _ if item.get("reasoningContent").is_some() => Block::Thinking,
            _ => Block::Media,
        },
    }
}

/// All text of a tool result: its strings, one a line; what is no text block is given as it stands.
pub(super) fn result_text(content: Json<'_>) -> String {
    if !content.is_string() && !content.is_array() {
        return content.raw().to_owned();
    }
    let mut all = String::new();
    blocks(content, &mut |block| {
        if let Block::Text(text) = block {
            push_line(&mut all, &text.text().unwrap_or(Cow::Borrowed("")));
        }
    });
    // Structured results (Bedrock's `json` blocks) have no text of their own.
    if all.is_empty() && content.is_array() && content.items().any(|item| item.get("json").is_some()) {
        all.push_str(content.raw());
    }
    all
}

/// Appends `line`, after a line break when something stands before it.
pub(super) fn push_line(all: &mut String, line: &str) {
    if !all.is_empty() {
        all.push('\n');
    }
    all.push_str(line);
}

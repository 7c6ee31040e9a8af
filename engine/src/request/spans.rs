//! OpenTelemetry spans and log records in their JSON spellings, brought to one: an object of attributes.

use super::json::{Json, Kind, Tape};
use crate::error::LineError;

/// One span or log record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    /// The record itself: ids, times, events.
    pub(super) record: Json<'a>,
    /// Its attributes as one object, names as keys; flat or nested.
    pub(super) attributes: Json<'a>,
}

/// Hands every span and log record of a line to `take`: OTLP exports pack many, other exporters write one a line.
/// # Errors
/// What `take` returns.
pub(super) fn each(line: Json<'_>, take: &mut dyn FnMut(Span<'_>) -> Result<(), LineError>) -> Result<(), LineError> {
    let groups = [
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceSpans", "instrumentationLibrarySpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ];
    if line.get("resourceSpans").is_none() && line.get("resourceLogs").is_none() {
        return with_attributes(line, take);
    }
    for (resources, scopes, records) in groups {
        for resource in line.get(resources).into_iter().flat_map(Json::items) {
            for scope in resource.get(scopes).into_iter().flat_map(Json::items) {
                for record in scope.get(records).into_iter().flat_map(Json::items) {
                    with_attributes(record, take)?;
                }
            }
        }
    }
    Ok(())
}

fn with_attributes(record: Json<'_>, take: &mut dyn FnMut(Span<'_>) -> Result<(), LineError>) -> Result<(), LineError> {
    plain_attributes(record, |attributes| match attributes {
        Some(attributes) => take(Span { record, attributes }),
        None => Ok(()),
    })
}

/// Hands over the attributes of a span, a record or an event as one object; `None` where there are none.
pub(super) fn plain_attributes<R>(holder: Json<'_>, read: impl FnOnce(Option<Json<'_>>) -> R) -> R {
    let Some(attributes) = holder.get("attributes") else { return read(None) };
    if !attributes.is_array() {
        return read(Some(attributes).filter(|attributes| attributes.is_object()));
    }
    let mut text = String::new();
    write_pairs(&mut text, attributes);
    reread(&text, &attributes.path(), read)
}

/// Parses a text that was put together from pieces of a line.
pub(super) fn reread<R>(text: &str, base: &str, read: impl FnOnce(Option<Json<'_>>) -> R) -> R {
    let mut tape = Tape::default();
    match tape.parse(text, base) {
        Ok(doc) => read(Some(doc.root())),
        Err(_) => read(None),
    }
}

/// OTLP's list of keys and values as a JSON object.
fn write_pairs(text: &mut String, pairs: Json<'_>) {
    text.push('{');
    let mut comma = "";
    for pair in pairs.items() {
        let (Some(key), Some(value)) = (pair.get("key").filter(|key| key.is_string()), pair.get("value")) else {
            continue;
        };
        text.push_str(comma);
        comma = ",";
        text.push('"');
        text.push_str(key.raw());
        text.push_str("\":");
        write_any(text, value);
    }
    text.push('}');
}

/// OTLP's `AnyValue` as plain JSON. The recursion is as deep as the line is nested, which is bounded.
fn write_any(text: &mut String, value: Json<'_>) {
    if let Some(list) = value.find(&["arrayValue"]) {
        text.push('[');
        let mut comma = "";
        for item in list.get("values").into_iter().flat_map(Json::items) {
            text.push_str(comma);
            comma = ",";
            write_any(text, item);
        }
        text.push(']');
    } else if let Some(pairs) = value.find(&["kvlistValue", "values"]) {
        write_pairs(text, pairs);
    } else if let Some(int) = value.get("intValue").and_then(|int| int.raw().parse::<i64>().ok()) {
        // 64-bit numbers travel as strings.
        text.push_str(&int.to_string());
    } else {
        let scalar = ["stringValue", "doubleValue", "boolValue"].iter().find_map(|key| value.get(key));
        write_value(text, scalar.filter(|scalar| !scalar.is_object() && !scalar.is_array()));
    }
}

/// A value as it stands, with its quotes; null for none.
pub(super) fn write_value(text: &mut String, value: Option<Json<'_>>) {
    match value {
        Some(value) if value.is_string() => {
            text.push('"');
            text.push_str(value.raw());
            text.push('"');
        }
        // Python's NaN is null to us, and must not become text again.
        Some(value) if value.kind() == Kind::Null => text.push_str("null"),
        Some(value) => text.push_str(value.raw()),
        None => text.push_str("null"),
    }
}

impl<'a> Span<'a> {
    /// The attribute `name`, written flat (`"a.b": 1`) or nested (`"a": {"b": 1}`).
    pub(super) fn attribute(&self, name: &str) -> Option<Json<'a>> {
        lookup(self.attributes, name)
    }

    /// When it began, under the names of the exporters.
    pub(super) fn start(&self) -> Option<Json<'a>> {
        [
            "startTimeUnixNano",
            "start_time_unix_nano",
            "start_time",
            "startTime",
            "timeUnixNano",
            "time_unix_nano",
            "observedTimeUnixNano",
            "timestamp",
        ]
        .iter()
        .find_map(|key| self.record.get(key))
        .filter(|time| !time.is("0"))
    }

    /// The span's id, under the names of the exporters.
    pub(super) fn id(&self) -> Option<Json<'a>> {
        let record = self.record;
        let context = |key: &str| record.find(&["context", key]);
        record
            .get("spanId")
            .or_else(|| record.get("span_id"))
            .or_else(|| context("span_id"))
            .or_else(|| context("spanId"))
    }
}

/// `name` in an object of attributes, flat or nested.
pub(super) fn lookup<'a>(attributes: Json<'a>, name: &str) -> Option<Json<'a>> {
    attributes.get(name).or_else(|| name.split('.').try_fold(attributes, |value, key| value.get(key)))
}

/// The attributes under `prefix` that are numbered, `prefix.N.rest` or `prefix: [{rest}]`, in the order of their numbers;
/// each is handed over as an object whose keys are what follows the number.
pub(super) fn numbered(attributes: Json<'_>, prefix: &str) -> Vec<String> {
    if let Some(list) = lookup(attributes, prefix).filter(|list| list.is_array()) {
        return list
            .items()
            .map(|item| {
                let mut text = String::new();
                write_value(&mut text, Some(item));
                text
            })
            .collect();
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for (key, value) in attributes.entries() {
        let Some(key) = key.text() else { continue };
        let rest = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.'));
        let Some((number, field)) = rest.and_then(|rest| rest.split_once('.')) else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        let mut text = serde_json::Value::from(field).to_string();
        text.push(':');
        write_value(&mut text, Some(value));
        found.push((number, text));
    }
    // Exporters write attributes in any order; within one number the order does not matter.
    found.sort_by_key(|(number, _)| *number);
    let groups = found.chunk_by(|(a, _), (b, _)| a == b);
    groups
        .map(|group| {
            let fields: Vec<_> = group.iter().map(|(_, text)| text.as_str()).collect();
            format!("{{{}}}", fields.join(","))
        })
        .collect()
}

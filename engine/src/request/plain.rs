//! Our own plain form, `{"id","account","ts","prompt"}`, and its fields beside the bodies of other shapes.

use super::draft::{Draft, Field};
use super::json::Json;
use super::time::Unit;
use crate::error::LineError;

/// The fields that may stand beside any body, by their names, which are also those of a path map.
pub(super) const FIELDS: [(&str, Field); 11] = [
    ("id", Field::Id),
    ("account", Field::Account),
    ("end_user", Field::EndUser),
    ("key", Field::Key),
    ("org", Field::Org),
    ("payer", Field::Payer),
    ("ip", Field::Ip),
    ("ua", Field::UserAgent),
    ("model", Field::Model),
    ("asn", Field::Asn),
    ("payment", Field::Payment),
];

/// Reads the fields that may stand beside any body: ids, principals, tags and time; of equal keys the last one counts.
pub(super) fn envelope(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    let (mut values, mut time) = ([None; FIELDS.len()], None);
    // One walk for all of them: lines are short, and a walk for each field cost as much as reading them.
    for (key, value) in line.entries() {
        let name = key.raw();
        if let Some(at) = FIELDS.iter().position(|(field, _)| *field == name) {
            values[at] = Some(value);
        } else if name == "ts" {
            time = Some(value).filter(|value| !value.is_null());
        }
    }
    for ((_, field), value) in FIELDS.iter().zip(values) {
        draft.set(*field, [value]);
    }
    draft.set_time(time, Unit::Milliseconds)
}

/// Reads `prompt`: a string, an array of strings (completion APIs send several at once), or null for none.
pub(super) fn prompt(draft: &mut Draft, prompt: Json<'_>) -> Result<(), LineError> {
    if prompt.is_string() {
        draft.prompt(prompt);
    } else if prompt.is_array() {
        prompt.items().for_each(|one| draft.prompt(one));
    } else {
        return Err(LineError::Field { field: prompt.path(), reason: "not a string".to_owned() });
    }
    Ok(())
}

//! Amazon Bedrock's model invocation log.

use super::body;
use super::draft::{Draft, Field};
use super::json::Json;
use super::time::Unit;
use crate::error::LineError;

/// Reads one invocation; a body that the log keeps elsewhere is an error that says where.
pub(super) fn read(draft: &mut Draft, line: Json<'_>) -> Result<(), LineError> {
    draft.set(Field::Id, [line.get("requestId")]);
    draft.set(Field::Account, [line.find(&["identity", "arn"])]);
    draft.set(Field::Org, [line.get("accountId")]);
    draft.set(Field::Model, [line.get("modelId")]);
    draft.set_time(line.get("timestamp"), Unit::Milliseconds)?;
    if let Some(inner) = line.find(&["input", "inputBodyJson"]) {
        return body::read(draft, inner);
    }
    match line.find(&["input", "inputBodyS3Path"]) {
        Some(elsewhere) => {
            let reason = "the body lies in a file of its own; give that file as a log".to_owned();
            Err(LineError::Field { field: elsewhere.path(), reason })
        }
        None => Ok(()),
    }
}

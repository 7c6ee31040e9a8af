//! The whole report as one JSON document, for scripts; nothing is left out here.

use std::io::Write;

use super::Report;
use crate::Result;

/// Writes `report` as one line of JSON with the field names of [`Report`]. A number that is not finite becomes `null`.
///
/// # Errors
/// [`crate::Error::Io`] when `out` refuses.
pub fn write_json(report: &Report, out: &mut impl Write) -> Result<()> {
    serde_json::to_writer(&mut *out, report).map_err(|e| super::refused(e.into()))?;
    out.write_all(b"\n").map_err(super::refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{Evidence, FamilyRow, Piece, Skeleton, Slot, Verdict};
    use crate::report::{CampaignRow, demo};

    #[test]
    fn names_are_a_contract_with_scripts() {
        let mut json = Vec::new();
        let evidence = vec![Evidence { value: f64::NAN, p: Some(0.5), ..Evidence::default() }];
        let pieces = vec![Piece::Text("a".into()), Piece::Slot(Slot { kind: "free".into(), ..Slot::default() })];
        let report = Report {
            campaigns: vec![CampaignRow { evidence, verdict: Verdict::Convicted, ..CampaignRow::default() }],
            families: vec![FamilyRow { skeleton: Some(Skeleton { pieces }), ..FamilyRow::default() }],
            ..Report::default()
        };
        write_json(&report, &mut json).expect("memory does not refuse");
        let value: serde_json::Value = serde_json::from_slice(&json).expect("what was written is JSON");
        assert_eq!(value["campaigns"][0]["verdict"], "convicted");
        assert_eq!(value["campaigns"][0]["advice"], "allow");
        assert_eq!(value["campaigns"][0]["evidence"][0]["value"], serde_json::Value::Null);
        assert_eq!(value["campaigns"][0]["evidence"][0]["supports"], "neutral");
        assert_eq!(value["families"][0]["skeleton"]["pieces"][0]["text"], "a");
        assert_eq!(value["families"][0]["skeleton"]["pieces"][1]["slot"]["kind"], "free");
    }

    #[test]
    fn one_line_holds_everything() {
        let report = demo::report(7);
        let mut json = Vec::new();
        write_json(&report, &mut json).expect("memory does not refuse");
        let value: serde_json::Value = serde_json::from_slice(&json).expect("what was written is JSON");
        assert_eq!(json.iter().filter(|&&byte| byte == b'\n').count(), 1);
        assert_eq!(
            value["campaigns"][0]["accounts"].as_array().map(Vec::len),
            Some(report.campaigns[0].accounts.len())
        );
    }
}

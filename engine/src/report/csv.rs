//! The report as CSV tables, for spreadsheets and scripts.
//!
//! A column is the JSON field of the same name: a list of names is joined by spaces, a skeleton is its text, `null` is
//! empty. Rows nested in a campaign open with its id. The page makes the same tables in the browser (`page.js`).

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::model::{CampaignRow, Piece, Skeleton, Slot};
use super::{Report, refused};
use crate::Result;

/// One table of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row a campaign.
    Campaigns,
    /// One row an account of a campaign.
    Accounts,
    /// One row an account's use of one family of its campaign.
    Edges,
    /// One row a statistic of a campaign.
    Evidence,
    /// One row a family.
    Families,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 5] = [Self::Campaigns, Self::Accounts, Self::Edges, Self::Evidence, Self::Families];

    /// Its name, for a file or a link.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Campaigns => "campaigns",
            Self::Accounts => "accounts",
            Self::Edges => "edges",
            Self::Evidence => "evidence",
            Self::Families => "families",
        }
    }

    /// Its columns, in order. Later versions add columns at the end.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Campaigns => &[
                "campaign",
                "verdict",
                "advice",
                "weight",
                "principals",
                "requests",
                "first_ms",
                "last_ms",
                "flagged_ms",
                "served_share",
                "families",
                "exemplars",
                "reason",
            ],
            Self::Accounts => &[
                "campaign",
                "verdict",
                "account",
                "principal",
                "strength",
                "requests",
                "family_requests",
                "first_ms",
                "last_ms",
            ],
            Self::Edges => &["campaign", "verdict", "account", "family", "requests", "strength"],
            Self::Evidence => &["campaign", "verdict", "kind", "value", "null", "p", "n", "supports", "meaning"],
            Self::Families => &[
                "family",
                "part",
                "verdict",
                "campaign",
                "requests",
                "accounts",
                "principals",
                "documents",
                "exclusivity",
                "first_ms",
                "last_ms",
                "exemplars",
                "reason",
                "skeleton",
            ],
        }
    }

    /// The list inside a campaign (for edges: inside its accounts) that its rows come from, or `None` for a table of its own.
    #[must_use]
    pub const fn nested(self) -> Option<&'static str> {
        match self {
            Self::Campaigns | Self::Families => None,
            Self::Accounts => Some("accounts"),
            Self::Edges => Some("edges"),
            Self::Evidence => Some("evidence"),
        }
    }
}

/// Writes one table of `report` as CSV (RFC 4180: comma, quotes doubled, CRLF), a line of column names first.
///
/// Names and prompts are hostile: a cell of text that a spreadsheet would run as a formula (it opens with `=`, `+`,
/// `-`, `@`, a tab or a carriage return) gets an apostrophe in front.
///
/// # Errors
/// [`crate::Error::Io`] when `out` refuses.
pub fn write_csv(report: &Report, table: Table, out: &mut impl Write) -> Result<()> {
    let columns = table.columns();
    write_row(out, columns.iter().map(|column| (*column).to_owned()))?;
    match table {
        Table::Families => report.families.iter().try_for_each(|row| write_record(out, columns, row, &[])),
        Table::Campaigns => report.campaigns.iter().try_for_each(|row| write_record(out, columns, row, &[])),
        Table::Accounts => report.campaigns.iter().try_for_each(|campaign| {
            campaign.accounts.iter().try_for_each(|row| write_record(out, columns, row, &outer(campaign)))
        }),
        Table::Edges => report.campaigns.iter().try_for_each(|campaign| {
            campaign.accounts.iter().try_for_each(|account| {
                let [id, verdict] = outer(campaign);
                let outer = [id, verdict, ("account", account.account.as_str())];
                account.edges.iter().try_for_each(|row| write_record(out, columns, row, &outer))
            })
        }),
        Table::Evidence => report.campaigns.iter().try_for_each(|campaign| {
            campaign.evidence.iter().try_for_each(|row| write_record(out, columns, row, &outer(campaign)))
        }),
    }
}

/// What the rows of a campaign take from it.
fn outer(campaign: &CampaignRow) -> [(&'static str, &str); 2] {
    [("campaign", campaign.campaign.as_str()), ("verdict", campaign.verdict.name())]
}

/// Writes the columns of one row; a nested row takes some from what it stands in.
fn write_record(out: &mut impl Write, columns: &[&str], row: &impl Serialize, outer: &[(&str, &str)]) -> Result<()> {
    let row = serde_json::to_value(row).map_err(|e| refused(e.into()))?;
    let cells = columns.iter().map(|column| match outer.iter().find(|(name, _)| name == column) {
        Some((_, value)) => inert((*value).to_owned()),
        None => cell(row.get(column).unwrap_or(&Value::Null)),
    });
    write_row(out, cells)
}

/// The text of a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text.clone()),
        Value::Array(items) => inert(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        Value::Object(_) => inert(skeleton_text(value)),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A skeleton that went through JSON, as text.
fn skeleton_text(value: &Value) -> String {
    let pieces = value.get("pieces").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let bytes = |slot: &Value, field: &str| slot.get(field).and_then(Value::as_u64).unwrap_or(0);
    let pieces = pieces.iter().filter_map(|piece| match (piece.get("text"), piece.get("slot")) {
        (Some(text), _) => text.as_str().map(|text| Piece::Text(text.to_owned())),
        (None, Some(slot)) => Some(Piece::Slot(Slot {
            kind: String::new(),
            min_bytes: bytes(slot, "min_bytes"),
            max_bytes: bytes(slot, "max_bytes"),
            distinct: bytes(slot, "distinct"),
        })),
        (None, None) => None,
    });
    Skeleton { pieces: pieces.collect() }.to_string()
}

/// Text that no spreadsheet takes for a formula.
fn inert(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// Writes one line, quoting where the text needs it.
fn write_row(out: &mut impl Write, cells: impl Iterator<Item = String>) -> Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&cell);
        }
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes()).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;
    use crate::report::model::{AccountRow, FamilyRow};

    fn csv(report: &Report, table: Table) -> String {
        let mut bytes = Vec::new();
        write_csv(report, table, &mut bytes).expect("memory does not refuse");
        String::from_utf8(bytes).expect("CSV is UTF-8")
    }

    #[test]
    fn a_hostile_name_is_quoted_and_never_a_formula() {
        let account =
            AccountRow { account: "=cmd|' /C calc'!A0,\"x\"\n".into(), strength: 0.5, ..AccountRow::default() };
        let campaign = CampaignRow { campaign: "c1".into(), accounts: vec![account], ..CampaignRow::default() };
        let text = csv(&Report { campaigns: vec![campaign], ..Report::default() }, Table::Accounts);
        let row = text.split_once("\r\n").map(|(_, rows)| rows);
        assert_eq!(row, Some("c1,unexplained,\"'=cmd|' /C calc'!A0,\"\"x\"\"\n\",,0.5,0,0,,\r\n"));
    }

    #[test]
    fn a_negative_number_stays_a_number() {
        let family = FamilyRow { family: "f".into(), first_ms: Some(-5), ..FamilyRow::default() };
        let text = csv(&Report { families: vec![family], ..Report::default() }, Table::Families);
        assert!(text.contains(",-5,"), "{text}");
    }

    #[test]
    fn every_column_is_a_field() {
        let report = demo::report(3);
        let row = |table: Table| -> Value {
            let campaign = &report.campaigns[0];
            match table {
                Table::Campaigns => serde_json::to_value(campaign),
                Table::Accounts => serde_json::to_value(&campaign.accounts[0]),
                Table::Edges => serde_json::to_value(&campaign.accounts[0].edges[0]),
                Table::Evidence => serde_json::to_value(&campaign.evidence[0]),
                Table::Families => serde_json::to_value(&report.families[0]),
            }
            .expect("rows are plain data")
        };
        for table in Table::ALL {
            let skip = match table {
                Table::Edges => 3,
                _ if table.nested().is_some() => 2,
                _ => 0,
            };
            for column in &table.columns()[skip..] {
                assert!(row(table).get(column).is_some(), "{column} of {table:?}");
            }
            assert!(csv(&report, table).lines().count() > 1);
        }
    }

    #[test]
    fn an_empty_report_has_only_headings() {
        for table in Table::ALL {
            assert_eq!(csv(&Report::default(), table), table.columns().join(",") + "\r\n");
        }
    }
}

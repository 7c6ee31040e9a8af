//! The part of a report that fits one page, with a count of what was left out: a page must open in a browser, however
//! large the store; the JSON file has the rest.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Report;
use super::model::{CampaignRow, FamilyRow, Piece};

/// Families on the page.
pub(super) const FAMILIES_MAX: usize = 500;
/// Campaigns on the page.
pub(super) const CAMPAIGNS_MAX: usize = 100;
/// Accounts listed in one campaign.
pub(super) const ACCOUNTS_MAX: usize = 200;
/// Accounts listed in all campaigns; the gravest campaigns take theirs first.
pub(super) const ACCOUNTS_ALL_MAX: usize = 4_000;
/// Edges listed of one account.
const EDGES_MAX: usize = 12;
/// Rows of any other list: logs, skipped lines, statistics, parameters.
const ROWS_MAX: usize = 200;
/// Exemplars of one family or campaign.
const EXEMPLARS_MAX: usize = 10;
/// Bytes of one name, reason or other short text.
const TEXT_BYTES_MAX: usize = 600;
/// Bytes of one skeleton's fixed text.
const SKELETON_BYTES_MAX: usize = 4_000;
/// Pieces of one skeleton.
const PIECES_MAX: usize = 200;

/// What is in the report but not on the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// Families.
    pub(super) families: usize,
    /// Campaigns.
    pub(super) campaigns: usize,
    /// Accounts of the campaigns that are on the page.
    pub(super) accounts: usize,
}

/// The part of `report` that fits a page. Campaigns and accounts keep their order; of the families, those of the
/// campaigns on the page are kept first, then the first in order.
pub(super) fn fit(report: &Report) -> (Report, LeftOut) {
    let mut left_out = LeftOut::default();
    let mut accounts_left = ACCOUNTS_ALL_MAX;
    let campaigns: Vec<CampaignRow> = report
        .campaigns
        .iter()
        .take(CAMPAIGNS_MAX)
        .map(|campaign| {
            let kept = campaign.accounts.len().min(ACCOUNTS_MAX).min(accounts_left);
            accounts_left -= kept;
            left_out.accounts += campaign.accounts.len() - kept;
            fit_campaign(campaign, kept)
        })
        .collect();
    let families = fit_families(&report.families, &campaigns);
    left_out.campaigns = report.campaigns.len() - campaigns.len();
    left_out.families = report.families.len() - families.len();

    let mut meta = report.meta.clone();
    cut(&mut meta.store, TEXT_BYTES_MAX);
    meta.parameters.truncate(ROWS_MAX);
    let mut inputs = report.inputs.clone();
    inputs.logs.truncate(ROWS_MAX);
    inputs.skipped_lines.truncate(ROWS_MAX);
    for line in &mut inputs.skipped_lines {
        cut(&mut line.file, TEXT_BYTES_MAX);
        cut(&mut line.reason, TEXT_BYTES_MAX);
    }
    for log in &mut inputs.logs {
        cut(&mut log.file, TEXT_BYTES_MAX);
    }
    let mut totals = report.totals.clone();
    totals.by_script.truncate(ROWS_MAX);
    totals.by_part.truncate(ROWS_MAX);
    let fitted = Report {
        meta,
        inputs,
        totals,
        axis: report.axis,
        timeline: report.timeline.clone(),
        campaigns,
        families,
        error_rates: report.error_rates.clone(),
        limits: fit_texts(&report.limits, ROWS_MAX),
        reproduce: fit_texts(&report.reproduce, ROWS_MAX),
    };
    (fitted, left_out)
}

/// One campaign with `accounts` of its accounts.
fn fit_campaign(campaign: &CampaignRow, accounts: usize) -> CampaignRow {
    let accounts = campaign.accounts.iter().take(accounts).cloned().map(|mut account| {
        cut(&mut account.account, TEXT_BYTES_MAX);
        if let Some(principal) = &mut account.principal {
            cut(principal, TEXT_BYTES_MAX);
        }
        account.edges.truncate(EDGES_MAX);
        account
    });
    let mut row = CampaignRow {
        campaign: campaign.campaign.clone(),
        reason: campaign.reason.clone(),
        families: campaign.families.iter().take(ROWS_MAX).cloned().collect(),
        accounts: accounts.collect(),
        timeline: campaign.timeline.clone(),
        evidence: campaign.evidence.iter().take(ROWS_MAX).cloned().collect(),
        innocent_explanations: campaign.innocent_explanations.iter().take(ROWS_MAX).cloned().collect(),
        enrichment: campaign.enrichment.iter().take(ROWS_MAX).cloned().collect(),
        exemplars: fit_texts(&campaign.exemplars, EXEMPLARS_MAX),
        ..*campaign
    };
    cut(&mut row.reason, TEXT_BYTES_MAX);
    for enrichment in &mut row.enrichment {
        cut(&mut enrichment.value, TEXT_BYTES_MAX);
    }
    row
}

/// The families that fit, in their order.
fn fit_families(families: &[FamilyRow], campaigns: &[CampaignRow]) -> Vec<FamilyRow> {
    let named: BTreeSet<&str> = campaigns.iter().flat_map(|row| row.families.iter().map(String::as_str)).collect();
    let of_campaign = |row: &FamilyRow| named.contains(row.family.as_str());
    let mut kept: Vec<usize> = (0..families.len()).collect();
    kept.sort_by_key(|&index| (!families.get(index).is_some_and(of_campaign), index));
    kept.truncate(FAMILIES_MAX);
    kept.sort_unstable();
    kept.into_iter().filter_map(|index| families.get(index)).map(fit_family).collect()
}

/// One family with its texts cut.
fn fit_family(family: &FamilyRow) -> FamilyRow {
    let mut row = family.clone();
    cut(&mut row.reason, TEXT_BYTES_MAX);
    row.exemplars = fit_texts(&row.exemplars, EXEMPLARS_MAX);
    if let Some(skeleton) = &mut row.skeleton {
        let mut left = SKELETON_BYTES_MAX;
        let cut_pieces = skeleton.pieces.len() > PIECES_MAX;
        skeleton.pieces.truncate(PIECES_MAX);
        for piece in &mut skeleton.pieces {
            if let Piece::Text(text) = piece {
                let had = text.len();
                cut(text, left);
                left = left.saturating_sub(had);
            }
        }
        if cut_pieces {
            skeleton.pieces.push(Piece::Text(" […]".to_owned()));
        }
    }
    row
}

/// The first `rows` texts, each cut.
fn fit_texts(texts: &[String], rows: usize) -> Vec<String> {
    let mut texts: Vec<String> = texts.iter().take(rows).cloned().collect();
    for text in &mut texts {
        cut(text, TEXT_BYTES_MAX);
    }
    texts
}

/// Cuts `text` to at most `bytes_max` bytes at a character, and says that it did.
fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" […]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;
    use crate::report::model::{AccountRow, Skeleton};

    #[test]
    fn what_fits_is_kept_as_it_is() {
        let report = demo::report(1);
        let (fitted, left_out) = fit(&report);
        assert_eq!(left_out.families + left_out.campaigns, 0);
        assert_eq!(fitted.families, report.families);
        assert_eq!(fitted.error_rates, report.error_rates);
        let accounts: usize = report.campaigns.iter().map(|row| row.accounts.len().saturating_sub(ACCOUNTS_MAX)).sum();
        assert_eq!(left_out.accounts, accounts);
    }

    #[test]
    fn one_more_than_fits_is_left_out_and_counted() {
        let family = |index: usize| FamilyRow { family: format!("f{index}"), ..FamilyRow::default() };
        let campaign = CampaignRow {
            families: vec![format!("f{FAMILIES_MAX}")],
            accounts: vec![AccountRow::default(); ACCOUNTS_MAX + 1],
            ..CampaignRow::default()
        };
        let report = Report {
            families: (0..=FAMILIES_MAX).map(family).collect(),
            campaigns: vec![campaign; CAMPAIGNS_MAX + 1],
            ..Report::default()
        };
        let (fitted, left_out) = fit(&report);
        assert_eq!((left_out.families, left_out.campaigns), (1, 1));
        assert_eq!(fitted.campaigns[0].accounts.len(), ACCOUNTS_MAX);
        let listed: usize = fitted.campaigns.iter().map(|row| row.accounts.len()).sum();
        assert_eq!(listed, ACCOUNTS_ALL_MAX);
        assert_eq!(left_out.accounts + listed, (ACCOUNTS_MAX + 1) * CAMPAIGNS_MAX);
        let last = fitted.families.last().map(|row| row.family.as_str());
        assert_eq!(last, Some(format!("f{FAMILIES_MAX}").as_str()), "a family of a campaign comes first");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut text = "é".repeat(10);
        cut(&mut text, 5);
        assert_eq!(text, "éé […]");
        let pieces = vec![Piece::Text("x".repeat(SKELETON_BYTES_MAX)), Piece::Text("y".repeat(9))];
        let family = fit_family(&FamilyRow { skeleton: Some(Skeleton { pieces }), ..FamilyRow::default() });
        let pieces = family.skeleton.expect("a skeleton stays one").pieces;
        assert_eq!(pieces[1], Piece::Text(" […]".to_owned()));
    }
}

//! The answer in a few sentences, before any table: who is accused, who is not, and how sure that is.

use super::Report;
use super::format;
use super::model::{CampaignRow, Verdict};

/// The sentences that open the page, over the whole report (not only what fits the page).
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let of = |verdict| report.campaigns.iter().filter(move |row| row.verdict == verdict);
    let mut sentences = vec![convicted(&of(Verdict::Convicted).collect::<Vec<_>>())];
    let review = of(Verdict::Review).count();
    if review > 0 {
        sentences.push(match review {
            1 => "One group has strong evidence with a possible innocent explanation: a person must look.".to_owned(),
            n => format!(
                "{} groups have strong evidence with possible innocent explanations: a person must look.",
                format::count(crate::num::u64_of(n))
            ),
        });
    }
    let acquitted = report.families.iter().filter(|row| row.verdict == Verdict::Acquitted).count();
    let unexplained = report.families.iter().filter(|row| row.verdict == Verdict::Unexplained).count();
    if acquitted > 0 {
        let each = if acquitted == 1 { "" } else { "each " };
        sentences.push(format!("{} acquitted, {each}with its reason.", families(acquitted)));
    }
    if unexplained > 0 {
        sentences.push(format!(
            "{} shared without a sign of coordination; sharing alone accuses no one.",
            families(unexplained)
        ));
    }
    sentences
}

/// "14 families are", "One family is".
fn families(count: usize) -> String {
    match count {
        1 => "One family is".to_owned(),
        n => format!("{} families are", format::count(crate::num::u64_of(n))),
    }
}

/// Who is accused.
fn convicted(rows: &[&CampaignRow]) -> String {
    if rows.is_empty() {
        return "No campaign is convicted: no account is accused.".to_owned();
    }
    let accounts: usize = rows.iter().map(|row| row.accounts.len()).sum();
    let requests: u64 = rows.iter().map(|row| row.requests).sum();
    let who = match rows.len() {
        1 => "One campaign is".to_owned(),
        n => format!("{} campaigns are", format::count(crate::num::u64_of(n))),
    };
    format!(
        "{who} convicted: {} accounts, {} requests.",
        format::count(crate::num::u64_of(accounts)),
        format::count(requests)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::FamilyRow;

    #[test]
    fn nothing_found_accuses_no_one() {
        assert_eq!(sentences(&Report::default()), ["No campaign is convicted: no account is accused."]);
    }

    #[test]
    fn only_convictions_accuse() {
        let campaign = |verdict| CampaignRow { verdict, requests: 1200, ..CampaignRow::default() };
        let family = FamilyRow { verdict: Verdict::Acquitted, ..FamilyRow::default() };
        let report = Report {
            campaigns: vec![campaign(Verdict::Convicted), campaign(Verdict::Review), campaign(Verdict::Review)],
            families: vec![family],
            ..Report::default()
        };
        assert_eq!(
            sentences(&report),
            [
                "One campaign is convicted: 0 accounts, 1,200 requests.",
                "2 groups have strong evidence with possible innocent explanations: a person must look.",
                "One family is acquitted, with its reason.",
            ]
        );
    }
}

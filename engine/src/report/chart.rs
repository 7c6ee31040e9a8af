//! Charts as inline SVG: timelines as steps, accounts against families as lines.
//!
//! An SVG here holds numbers and class names only, never text of the model: labels stand beside it as HTML, so that
//! they wrap, scale and are searched like all other text. Charts stretch to their box (`preserveAspectRatio="none"`);
//! strokes do not (`vector-effect` in `page.css`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::model::{AccountRow, CampaignRow};
use crate::num;

/// Rows that a bipartite picture draws on its left side.
const LEFT_MAX: usize = 20;
/// Rows that it draws on its right side.
const RIGHT_MAX: usize = 12;
/// Steps of a sparkline: it is about 100 pixels wide.
const SPARK_MAX: usize = 40;
/// Height of a row in CSS pixels.
const ROW_PX: usize = 24;

/// Counts as filled steps over a baseline, in a box `counts.len()` wide and 100 high. A count that is not zero is at
/// least 3 high: one request must be seen.
pub(super) fn steps(counts: &[u32], class: &str) -> String {
    let width = counts.len().max(1);
    let most = f64::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let mut path = String::from("M0 100");
    let mut level = 100;
    for (index, &count) in counts.iter().enumerate() {
        let height = num::u64_of_f64((f64::from(count) / most * 100.0).round()).max(u64::from(count > 0) * 3);
        let top = 100 - height.min(100);
        if top != level {
            push(&mut path, format_args!("H{index}V{top}"));
            level = top;
        }
    }
    push(&mut path, format_args!("H{width}V100z"));
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path d=\"{path}\"/></svg>"
    )
}

/// A timeline as small as a word: neighbouring buckets are summed until at most 40 are left.
pub(super) fn spark(counts: &[u32]) -> String {
    let together = counts.len().div_ceil(SPARK_MAX).max(1);
    let sums = counts.chunks(together).map(|chunk| chunk.iter().fold(0, |sum: u32, &count| sum.saturating_add(count)));
    steps(&sums.collect::<Vec<u32>>(), "spark")
}

/// A ratio as a bar in a box 100 wide.
pub(super) fn bar(ratio: f64) -> String {
    let width = num::u64_of_f64((ratio * 100.0).round()).min(100);
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path d=\"M0 0H{width}V10H0z\"/></svg>"
    )
}

/// Accounts against families, with a line for each use; its thickness is the strength of the edge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Bipartite {
    /// Accounts, or groups of accounts that use the same families, from above.
    pub(super) left: Vec<Node>,
    /// Ids of families, from above.
    pub(super) right: Vec<String>,
    /// Whether a row on the left stands for several accounts.
    pub(super) grouped: bool,
    /// Accounts that are drawn, alone or in a group.
    pub(super) accounts: usize,
    /// Families that are not drawn.
    pub(super) families_left_out: usize,
    /// The lines.
    pub(super) svg: String,
}

/// A row on the left of a picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Node {
    /// The account, where the row is one.
    pub(super) account: Option<String>,
    /// Accounts in the row.
    pub(super) count: usize,
    /// Mean strength of its lines.
    pub(super) strength: f64,
    /// Families it is joined to.
    pub(super) families: usize,
}

/// Strengths on one row: to which family, how strong.
type Lines = BTreeMap<usize, f64>;

/// The picture of a campaign, or `None` when its edges are not known. Up to 20 accounts are drawn one by one; more are
/// put together by the set of families they use, largest set first, and what is beyond 20 rows in one last row.
pub(super) fn bipartite(campaign: &CampaignRow) -> Option<Bipartite> {
    let right: Vec<String> = campaign.families.iter().take(RIGHT_MAX).cloned().collect();
    let index: BTreeMap<&str, usize> = right.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
    let lines: Vec<(&AccountRow, Lines)> = campaign
        .accounts
        .iter()
        .map(|account| (account, lines_of(account, &index)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    if lines.is_empty() {
        return None;
    }
    let grouped = lines.len() > LEFT_MAX;
    let accounts = lines.len();
    let rows = if grouped { group(&lines) } else { lines.into_iter().map(single).collect() };
    let svg = draw(&rows, right.len());
    Some(Bipartite {
        left: rows.into_iter().map(|(node, _)| node).collect(),
        grouped,
        accounts,
        families_left_out: campaign.families.len() - right.len(),
        right,
        svg,
    })
}

/// The lines of one account to the families that are drawn.
fn lines_of(account: &AccountRow, index: &BTreeMap<&str, usize>) -> Lines {
    let known = account.edges.iter().filter_map(|edge| Some((*index.get(edge.family.as_str())?, edge.strength)));
    known.collect()
}

/// A row that is one account.
fn single((account, lines): (&AccountRow, Lines)) -> (Node, Lines) {
    let node = Node { account: Some(account.account.clone()), count: 1, strength: mean(&lines), families: lines.len() };
    (node, lines)
}

/// Rows of accounts that use the same families, largest first; the smallest share the last row.
fn group(accounts: &[(&AccountRow, Lines)]) -> Vec<(Node, Lines)> {
    let mut sets: BTreeMap<Vec<usize>, Vec<&Lines>> = BTreeMap::new();
    for (_, lines) in accounts {
        sets.entry(lines.keys().copied().collect()).or_default().push(lines);
    }
    let mut sets: Vec<(Vec<usize>, Vec<&Lines>)> = sets.into_iter().collect();
    sets.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let rest: Vec<&Lines> = sets.split_off(LEFT_MAX.min(sets.len())).into_iter().flat_map(|(_, lines)| lines).collect();
    let mut rows: Vec<(Node, Lines)> = sets.iter().map(|(_, members)| together(members)).collect();
    if !rest.is_empty() {
        rows.push(together(&rest));
    }
    rows
}

/// One row for several accounts: the mean of their strengths, an absent line counting as zero.
fn together(members: &[&Lines]) -> (Node, Lines) {
    let mut sum = Lines::new();
    for (&family, &strength) in members.iter().copied().flatten() {
        *sum.entry(family).or_default() += strength;
    }
    for strength in sum.values_mut() {
        *strength /= num::f64_of(members.len());
    }
    (Node { account: None, count: members.len(), strength: mean(&sum), families: sum.len() }, sum)
}

/// The mean strength of the lines of a row.
fn mean(lines: &Lines) -> f64 {
    lines.values().sum::<f64>() / num::f64_of(lines.len().max(1))
}

/// Draws the lines between two columns of equally spaced rows.
fn draw(rows: &[(Node, Lines)], right_count: usize) -> String {
    let height = rows.len().max(right_count) * ROW_PX;
    let middle = |index: usize, count: usize| {
        let row = num::f64_of(height) / num::f64_of(count.max(1));
        (num::f64_of(index) + 0.5) * row
    };
    let mut paths = String::new();
    for (index, (_, lines)) in rows.iter().enumerate() {
        let from = middle(index, rows.len());
        for (&family, &strength) in lines {
            let to = middle(family, right_count);
            let strength = if strength.is_finite() { strength.clamp(0.0, 1.0) } else { 0.0 };
            let thickness = 0.4 + 1.8 * strength;
            let opacity = 0.2 + 0.5 * strength;
            push(
                &mut paths,
                format_args!(
                    "<path d=\"M0 {from:.1}C40 {from:.1} 60 {to:.1} 100 {to:.1}\" stroke-width=\"{thickness:.1}\" \
                     stroke-opacity=\"{opacity:.2}\"/>"
                ),
            );
        }
    }
    format!(
        "<svg class=\"lines\" viewBox=\"0 0 100 {height}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">{paths}</svg>"
    )
}

/// Appends formatted text; writing to a `String` cannot fail.
fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;
    use crate::report::model::Edge;

    #[test]
    fn steps_show_even_one_request() {
        let svg = steps(&[0, 1000, 1, 0], "timeline");
        assert!(svg.contains("d=\"M0 100H1V0H2V97H3V100H4V100z\""), "{svg}");
        assert!(spark(&[1; 128]).contains("viewBox=\"0 0 32 100\"") && spark(&[]).contains("viewBox=\"0 0 1 100\""));
        assert!(steps(&[], "timeline").contains("viewBox=\"0 0 1 100\""));
        assert!(steps(&[u32::MAX; 3], "timeline").contains("H0V0H3"));
    }

    #[test]
    fn a_bar_stays_in_its_box() {
        for ratio in [f64::NAN, -1.0, 0.0, 0.5, 1.0, 9.0, f64::INFINITY] {
            let svg = bar(ratio);
            let (_, width) = svg.split_once("M0 0H").expect("a bar is a path");
            let width: u32 = width.split('V').next().unwrap_or_default().parse().expect("a width is a number");
            assert!(width <= 100, "{ratio}");
        }
    }

    #[test]
    fn many_accounts_are_grouped_by_what_they_use() {
        let account = |index: usize| AccountRow {
            account: format!("a{index}"),
            edges: (0..12)
                .filter(|family| index >> family & 1 == 1)
                .map(|family| Edge { family: format!("f{family}"), requests: 1, strength: 1.0 })
                .collect(),
            ..AccountRow::default()
        };
        let campaign = CampaignRow {
            families: (0..14).map(|family| format!("f{family}")).collect(),
            accounts: (0..600).map(account).collect(),
            ..CampaignRow::default()
        };
        let picture = bipartite(&campaign).expect("there are edges");
        assert!(picture.grouped && picture.left.len() == LEFT_MAX + 1 && picture.right.len() == RIGHT_MAX);
        assert_eq!(picture.left.iter().map(|node| node.count).sum::<usize>(), 599, "one account has no edge");
        assert_eq!(picture.families_left_out, 2);
    }

    #[test]
    fn few_accounts_are_named() {
        let mut campaign = demo::report(1).campaigns.swap_remove(0);
        campaign.accounts.truncate(5);
        let picture = bipartite(&campaign).expect("there are edges");
        assert!(!picture.grouped && picture.left.iter().all(|node| node.account.is_some()));
        assert_eq!(bipartite(&CampaignRow::default()), None);
    }
}

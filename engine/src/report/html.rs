//! The page an analyst works from: one file, no network, usable without script, safe to open whatever a prompt says.
//!
//! Three walls stand between a prompt and the browser: the template engine escapes every value (`escape`, also what
//! a reader would not see); the page's content security policy allows one script, named by its hash, and no request
//! to anywhere; data for that script is JSON in which no `<` is left.

use std::collections::BTreeMap;
use std::io::Write;

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, Output, State, Value};
use serde::Serialize;

use super::bounds::{self, LeftOut};
use super::chart::{self, Bipartite};
use super::csv::Table;
use super::model::{CampaignRow, FamilyRow};
use super::{Report, format, refused, summary};
use crate::{Result, num};

/// The page, with a few partial templates.
const PAGE: &str = include_str!("page.html");
/// One campaign.
const CAMPAIGN: &str = include_str!("page_campaign.html");
/// Fragments that several places use.
const MACROS: &str = include_str!("page_macros.html");
/// Its looks.
const STYLE: &str = include_str!("page.css");
/// What it does beyond reading: search, sort, export, theme.
const SCRIPT: &str = include_str!("page.js");
/// SHA-256 of `page.js`, base64, as the content security policy names it. `tests/browser/run` prints the right one
/// when the script was changed.
const SCRIPT_SHA256: &str = "qz+W+/qtOUSL3/ciz3rLp+iZap3/8DuU8VzUPk/AhUE=";

/// Families whose skeletons are shown whole inside their campaign.
const SKELETONS_MAX: usize = 3;

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    report: &'a Report,
    left_out: LeftOut,
    campaigns: Vec<Campaign<'a>>,
    sentences: Vec<String>,
    style: &'static str,
    script: &'static str,
    script_sha256: &'static str,
    data: String,
}

/// A campaign with what is drawn of it.
#[derive(Serialize)]
struct Campaign<'a> {
    row: &'a CampaignRow,
    rank: usize,
    accounts_count: usize,
    strength_median: f64,
    outside_share: Option<f64>,
    picture: Option<Bipartite>,
    skeletons: Vec<&'a FamilyRow>,
}

/// What the script gets.
#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    left_out: LeftOut,
    tables: BTreeMap<&'static str, Columns>,
}

/// How the script makes a CSV table.
#[derive(Serialize)]
struct Columns {
    columns: &'static [&'static str],
    nested: Option<&'static str>,
}

/// Writes `report` as one HTML page in the order it has (see [`Report::rank`]). The page holds at most 500 families,
/// 100 campaigns and 200 accounts of each; it says how many it leaves out, and [`super::write_json`] has them.
///
/// # Errors
/// [`crate::Error::Io`] when `out` refuses.
pub fn write_html(report: &Report, out: &mut impl Write) -> Result<()> {
    let (fitted, left_out) = bounds::fit(report);
    let tables = Table::ALL.map(|t| (t.name(), Columns { columns: t.columns(), nested: t.nested() }));
    let data = Data { report: &fitted, left_out, tables: tables.into_iter().collect() };
    let page = Page {
        report: &fitted,
        left_out,
        campaigns: campaigns(report, &fitted),
        sentences: summary::sentences(report),
        style: STYLE,
        script: SCRIPT,
        script_sha256: SCRIPT_SHA256,
        data: json_for_script(&data)?,
    };
    let text = environment()
        .and_then(|environment| environment.get_template("page.html")?.render(Value::from(Serde(page))))
        .map_err(|e| refused(std::io::Error::other(format!("{e:#}"))))?;
    out.write_all(text.as_bytes()).map_err(refused)
}

/// What is drawn of each campaign on the page; pictures are of all its accounts, listed or not.
fn campaigns<'a>(report: &Report, fitted: &'a Report) -> Vec<Campaign<'a>> {
    let families: BTreeMap<&str, &FamilyRow> = fitted.families.iter().map(|row| (row.family.as_str(), row)).collect();
    let pairs = report.campaigns.iter().zip(&fitted.campaigns).enumerate();
    let campaigns = pairs.map(|(index, (whole, row))| {
        let mut strengths: Vec<f64> = whole.accounts.iter().map(|account| account.strength).collect();
        strengths.sort_by(f64::total_cmp);
        let inside: u64 = whole.accounts.iter().map(|account| account.family_requests).sum();
        let all: u64 = whole.accounts.iter().map(|account| account.requests).sum();
        Campaign {
            row,
            rank: index + 1,
            accounts_count: whole.accounts.len(),
            strength_median: strengths.get(strengths.len() / 2).copied().unwrap_or(0.0),
            outside_share: (all > 0).then(|| num::f64_of_u64(all.saturating_sub(inside)) / num::f64_of_u64(all)),
            picture: chart::bipartite(whole),
            skeletons: (row.families.iter())
                .filter_map(|id| families.get(id.as_str()).copied())
                .filter(|family| family.skeleton.is_some())
                .take(SKELETONS_MAX)
                .collect(),
        }
    });
    campaigns.collect()
}

/// JSON that may stand inside a `script` element: what could end the element, or a line of script, is escaped.
fn json_for_script(data: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(data).map_err(|e| refused(e.into()))?;
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            _ => safe.push(c),
        }
    }
    Ok(safe)
}

/// Writes one value of the template: everything but what this room marked safe is escaped.
fn escape(out: &mut Output, _: &mut State, value: &Value) -> std::result::Result<(), minijinja::Error> {
    if value.is_safe() {
        out.write_str(value.as_str().unwrap_or_default())?;
    } else if !matches!(value.kind(), ValueKind::None | ValueKind::Undefined) {
        let mut text = String::new();
        format::push_escaped(&mut text, &value.to_string());
        out.write_str(&text)?;
    }
    Ok(())
}

/// The templates with their filters.
fn environment() -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_formatter(escape);
    // An error must not carry skeletons and names into a terminal or a log.
    environment.set_debug(false);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("number", format::count);
    environment.add_filter("value", format::value);
    environment.add_filter("probability", format::probability);
    environment.add_filter("percent", format::percent);
    environment.add_filter("strength", format::strength);
    environment.add_filter("bytes", format::bytes);
    environment.add_filter("duration", format::duration);
    environment.add_filter("date", format::date);
    environment.add_filter("datetime", format::datetime);
    environment.add_filter("words", |name: &str| name.replace('_', " "));
    environment.add_filter("steps", |counts: Vec<u32>| Value::from_safe_string(chart::steps(&counts, "timeline")));
    environment.add_filter("spark", |counts: Vec<u32>| Value::from_safe_string(chart::spark(&counts)));
    environment.add_filter("bar", |ratio: f64| Value::from_safe_string(chart::bar(ratio)));
    environment.add_template("page.html", PAGE)?;
    environment.add_template("page_campaign.html", CAMPAIGN)?;
    environment.add_template("page_macros.html", MACROS)?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;
    use crate::report::model::{AccountRow, Edge, Piece, Skeleton, SkippedLine, Verdict};

    fn html(report: &Report) -> String {
        let mut bytes = Vec::new();
        write_html(report, &mut bytes).expect("every report can be shown");
        String::from_utf8(bytes).expect("a page is UTF-8")
    }

    /// The page without its data and its script.
    fn shown(page: &str) -> &str {
        page.split_once("<script type=\"application/json\"").map_or(page, |(shown, _)| shown)
    }

    #[test]
    fn an_empty_report_is_a_page() {
        let page = html(&Report::default());
        assert!(page.contains("No campaign is convicted"));
        assert!(!shown(&page).contains("NaN") && !shown(&page).contains("undefined"));
    }

    /// Every text of the model is hostile here; none may reach the page as it is.
    #[test]
    fn no_text_of_the_model_is_obeyed() {
        let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}\u{202E}\u{0}";
        let text = || hostile.to_owned();
        let mut report = demo::report(1);
        report.meta.store = text();
        report.meta.version = text();
        report.inputs.skipped_lines = vec![SkippedLine { file: text(), line: 1, reason: text() }];
        report.limits = vec![text()];
        report.reproduce = vec![text()];
        for row in &mut report.families {
            (row.family, row.part, row.reason, row.exemplars) = (text(), text(), text(), vec![text()]);
            row.skeleton = Some(Skeleton { pieces: vec![Piece::Text(text())] });
        }
        for row in &mut report.campaigns {
            (row.campaign, row.reason, row.families) = (text(), text(), vec![text()]);
            let edges = vec![Edge { family: text(), requests: 1, strength: 1.0 }];
            let account = AccountRow { account: text(), principal: Some(text()), edges, ..AccountRow::default() };
            (row.accounts, row.exemplars) = (vec![account], vec![text()]);
            for evidence in &mut row.evidence {
                (evidence.kind, evidence.meaning) = (text(), text());
            }
            for explanation in &mut row.innocent_explanations {
                (explanation.tested, explanation.outcome) = (text(), text());
            }
            for enrichment in &mut row.enrichment {
                (enrichment.tag, enrichment.value) = (text(), text());
            }
        }
        let page = html(&report);
        assert!(!page.contains("<script>alert") && !page.contains("<img"));
        assert!(!shown(&page).contains("\"'{{") && !shown(&page).contains(['\u{202E}', '\0']));
        assert_eq!(page.matches("</script").count(), 2, "the data and the script of the page, no more");
        assert!(page.contains("‹U+202E›"));
    }

    #[test]
    fn a_huge_report_makes_a_bounded_page() {
        let mut report = demo::report(1);
        let family = report.families[0].clone();
        report.families = vec![family; 20_000];
        let mut campaign = report.campaigns[0].clone();
        campaign.accounts = vec![campaign.accounts[0].clone(); 25_000];
        report.campaigns = vec![campaign; 150];
        let page = html(&report);
        assert!(page.len() < 12 << 20, "{} bytes", page.len());
        assert!(page.contains("19,500 more families"), "the page says what it leaves out");
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        let page = html(&demo::report(1));
        for word in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn verdicts_stand_in_words() {
        let page = html(&demo::report(1));
        for verdict in Verdict::ALL {
            assert!(page.contains(&format!("verdict {}", verdict.name())), "{verdict:?}");
        }
    }
}

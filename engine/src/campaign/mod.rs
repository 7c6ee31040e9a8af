//! Tells coordinated accounts from those that merely share a popular prompt, and can say why of every one of them.
//!
//! Sharing a template proves nothing: collections, benchmarks, agents and one firm's many keys do it every day. So each
//! family is first asked for its innocent explanations, and convicted only when several independent kinds of evidence over
//! different principals remain. Evidence hangs on the edge (account, family): an account's other traffic stays innocent.
//! The room's README has the measurements behind each rule.

mod adopt;
pub mod bank;
pub mod chance;
mod co_use;
mod columns;
mod content;
mod counts;
mod decide;
mod decoy;
mod disguise;
mod evidence;
mod fragments;
mod join;
mod kin;
mod ledger;
mod pacing;
mod part;
mod readers;
mod replay;
mod residual;
mod strength;
mod tags;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_disguise;
#[cfg(test)]
mod tests_of_joining;
#[cfg(test)]
mod tests_of_strength;
mod whole;
mod why;
mod wording;

pub use bank::{Bank, BankHit, Polarity};
pub use columns::{Columns, NONE, SlotValue, Tag};
pub use content::{Content, SHUFFLES};
pub use decide::{DecideOptions, Judgement};
pub use decoy::{DecoyReport, decoys};
pub use disguise::Disguise;
pub use evidence::{Advice, Evidence, Kind, Reason, Verdict};
pub use join::{Campaign, Member};
pub use ledger::{Account, Edge, Ledger, View};
pub use replay::{Day, Latched, Replay};
pub use residual::ResidualOptions;
pub use tags::Lift;
pub use why::{Explanation, Why, WhyEdge, explanations};
pub use wording::Wording;

use crate::error::Result;
use crate::num;
use whole::{Joining, unit};

/// What governs a judgement of a whole log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Thresholds of the decision, and the seed.
    pub decide: DecideOptions,
    /// Thresholds of the residual linker.
    pub residual: ResidualOptions,
}

/// One view that was judged: a family, or a component of the residual linker.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its families, ascending; none for a component of the residual linker, several for joined fragments.
    pub families: Vec<u32>,
    /// Its rows and edges.
    pub view: View,
    /// What was found.
    pub judgement: Judgement,
    /// Strength of each edge, 0 to 1, in the order of the view's edges; empty unless the view is convicted.
    pub strength: Vec<f64>,
    /// Tags that stand out, for units in review or convicted.
    pub lifts: Vec<Lift>,
    /// The campaign it belongs to, as an index into [`Findings::campaigns`].
    pub campaign: Option<usize>,
    /// It is part of another unit that is convicted as well; its rows are that unit's.
    pub nested: bool,
    /// Families that came in by their wording alone, ascending: their accounts are judged with it, and never accused for it.
    pub guests: Vec<u32>,
    /// While judging: the units it was joined from.
    parts: Vec<usize>,
    /// While judging: its parts are templates that the same accounts use, not fragments of one template.
    several_templates: bool,
    /// While judging: its parts are parties that share no accounts.
    parted: bool,
    /// While judging: the templates of a whole whose parts are parties.
    pieces: Vec<usize>,
    /// While judging: parties took its place.
    superseded: bool,
}

/// The outcome over a log.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Every view that was judged, families first and by ascending number.
    pub units: Vec<Unit>,
    /// The campaigns; their members are the only accounts accused.
    pub campaigns: Vec<Campaign>,
    /// Rows of no account: counted, never accused.
    pub unattributed_rows: usize,
}

/// Judges a log. Deterministic from the columns and the seed in the options.
/// # Errors
/// [`crate::Error::InvalidArgument`] when the columns contradict each other.
pub fn judge(columns: &Columns<'_>, options: &Options) -> Result<Findings> {
    columns.check()?;
    let ledger = Ledger::new(columns);
    let mut units = family_units(&ledger);
    let mut explained = vec![false; columns.account.len()];
    for unit in units.iter().filter(|unit| unit.view.principals >= options.decide.principals_min) {
        for &row in &unit.view.rows {
            explained[num::usize_of(row)] = true;
        }
    }
    let free = |row: u32| ledger.family(row) == NONE && !explained[num::usize_of(row)];
    for component in residual::link(&ledger, free, &options.residual) {
        units.push(unit(Vec::new(), ledger.view(component.rows)));
    }
    for unit in units.iter().filter(|unit| unit.families.is_empty()) {
        for &row in &unit.view.rows {
            explained[num::usize_of(row)] = true;
        }
    }
    judge_units(&ledger, &mut units, &explained, options);
    for unit in units.iter_mut().filter(|unit| unit.judgement.verdict >= Verdict::Review) {
        unit.lifts = tags::lifts(columns, &unit.view);
    }
    let campaigns = join::join(&ledger, &mut units, &options.residual);
    Ok(Findings { units, campaigns, unattributed_rows: ledger.unattributed_rows })
}

/// Judges all units: families, templates joined from fragments, and templates that the same accounts use. Where a joined
/// unit is not convicted its parts stand alone. `explained` are the rows that a unit has already.
fn judge_units(ledger: &Ledger<'_>, units: &mut Vec<Unit>, explained: &[bool], options: &Options) {
    join_units(ledger, units, &options.residual);
    // What is rewritten with each request leaves many in no family; without them a young campaign is half seen.
    let free = |row: u32| ledger.family(row) == NONE && !explained[num::usize_of(row)];
    for unit in units.iter_mut().filter(|unit| !unit.parts.is_empty() && !unit.superseded) {
        let strays = residual::strays(ledger, &unit.view, free, &options.residual);
        if !strays.is_empty() {
            unit.view = ledger.view(unit.view.rows.iter().copied().chain(strays).collect());
        }
    }
    // First against everybody, then against those who are under no suspicion: a large campaign must not set its own norm.
    let mut suspects = vec![false; ledger.accounts.len()];
    for _ in 0..2 {
        let strata = pacing::Strata::new(ledger, |account| suspects[account]);
        for at in whole::hypotheses(units) {
            let public = !units[at].families.is_empty()
                && units[at].families.iter().all(|&family| known_public(ledger.columns, family));
            let pieces = whole::pieces_of(units, at);
            let views: Vec<&View> = pieces.iter().map(|&piece| &units[piece].view).collect();
            let mut judgement = decide::judge(ledger, &units[at].view, &views, &strata, public, &options.decide);
            judgement.templates = pieces.iter().map(|&piece| units[piece].families.clone()).collect();
            units[at].judgement = judgement;
            if units[at].judgement.pending {
                for edge in &units[at].view.edges {
                    suspects[num::usize_of(edge.account)] = true;
                }
            }
        }
    }
    let mut judged: Vec<&mut Judgement> =
        units.iter_mut().map(|unit| &mut unit.judgement).filter(|judgement| !judgement.evidence.is_empty()).collect();
    decide::adjust(&mut judged, &options.decide);
    whole::settle(units);
}

/// Joins fragments of one template by their wording, and templates by the accounts that use them.
fn join_units(ledger: &Ledger<'_>, units: &mut Vec<Unit>, options: &ResidualOptions) {
    let mut tops: Vec<usize> = (0..units.len()).collect();
    for seed in [fragments::Seed::Lively, fragments::Seed::OneShot] {
        let templates = fragments::by_wording(ledger, units, &tops, seed);
        let joining = Joining { has_guests: seed == fragments::Seed::Lively, several_templates: false };
        let inside = whole::join_parts(ledger, units, &templates, joining, options);
        tops = (0..units.len()).filter(|&at| !inside[at]).collect();
    }
    // Common accounts say more than a wording that is somewhat alike: where a whole of several parties shares accounts with none,
    // its parties are asked by themselves, or a template would wait for the strangers it was glued to.
    let opened = whole::opened(units, &tops, &fragments::by_accounts(ledger, units, &tops));
    let mut sets = fragments::by_accounts(ledger, units, &opened);
    whole::close(ledger, units, &tops, &mut sets);
    let joining = Joining { has_guests: true, several_templates: true };
    whole::join_parts(ledger, units, &sets, joining, options);
}

/// One unit a family, by ascending family.
fn family_units(ledger: &Ledger<'_>) -> Vec<Unit> {
    let mut rows: Vec<(u32, u32)> = ledger
        .account_rows
        .iter()
        .map(|&row| (ledger.family(row), row))
        .filter(|&(family, _)| family != NONE)
        .collect();
    rows.sort_unstable();
    rows.chunk_by(|a, b| a.0 == b.0)
        .filter_map(|run| Some(unit(vec![run.first()?.0], ledger.view(run.iter().map(|&(_, row)| row).collect()))))
        .collect()
}

/// True when the family stands in a negative bank.
fn known_public(columns: &Columns<'_>, family: u32) -> bool {
    let hit = columns.bank.get(num::usize_of(family)).copied().flatten();
    family != NONE && hit.is_some_and(|hit| hit.known && hit.polarity == Polarity::Negative)
}

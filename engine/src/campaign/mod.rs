//! Tells coordinated accounts from those that merely share a popular prompt, and can say why of every one of them.
//!
//! Sharing a template proves nothing: collections, benchmarks, agents and one firm's many keys do it every day. So each
//! family is first asked for its innocent explanations, and convicted only when several independent kinds of evidence over
//! different principals remain. Evidence hangs on the edge (account, family): an account's other traffic stays innocent.
//! The room's README has the measurements behind each rule.

mod adopt;
pub mod bank;
pub mod chance;
mod columns;
mod content;
mod decide;
mod decoy;
mod evidence;
mod fragments;
mod join;
mod ledger;
mod pacing;
mod replay;
mod residual;
mod strength;
mod tags;
#[cfg(test)]
mod tests;
mod why;
mod wording;

pub use bank::{Bank, BankHit, Polarity};
pub use columns::{Columns, Lists, NONE, SlotValue, Tag};
pub use content::{Content, SHUFFLES};
pub use decide::{DecideOptions, Judgement};
pub use decoy::{DecoyReport, decoys};
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
    judge_units(&ledger, &mut units, options);
    for unit in units.iter_mut().filter(|unit| unit.judgement.verdict >= Verdict::Review) {
        unit.lifts = tags::lifts(columns, &unit.view);
    }
    let campaigns = join::join(&ledger, &mut units, &options.residual);
    Ok(Findings { units, campaigns, unattributed_rows: ledger.unattributed_rows })
}

/// Judges all units: families, templates joined from fragments, and templates that the same accounts use. Where a joined
/// unit is not convicted its parts stand alone.
fn judge_units(ledger: &Ledger<'_>, units: &mut Vec<Unit>, options: &Options) {
    let mut tops: Vec<usize> = (0..units.len()).collect();
    for seed in [fragments::Seed::Lively, fragments::Seed::OneShot] {
        let templates = fragments::by_wording(ledger, units, &tops, seed);
        let inside = join_parts(ledger, units, &templates, seed == fragments::Seed::Lively);
        tops = (0..units.len()).filter(|&at| !inside[at]).collect();
    }
    let sets = fragments::by_accounts(ledger, units, &tops);
    let first_set = units.len();
    let inside = join_parts(ledger, units, &sets, true);
    for set in units.iter_mut().skip(first_set) {
        set.several_templates = true;
    }
    // First against everybody, then against those who are under no suspicion: a large campaign must not set its own norm.
    let mut suspects = vec![false; ledger.accounts.len()];
    for _ in 0..2 {
        let strata = pacing::Strata::new(ledger, |account| suspects[account]);
        for at in 0..units.len() {
            let public = !units[at].families.is_empty()
                && units[at].families.iter().all(|&family| known_public(ledger.columns, family));
            let pieces: Vec<&View> = pieces_of(units, at).into_iter().map(|piece| &units[piece].view).collect();
            let judgement = decide::judge(ledger, &units[at].view, &pieces, &strata, public, &options.decide);
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
    let mut keep: Vec<bool> = inside.iter().map(|inside| !inside).collect();
    for at in (0..units.len()).rev() {
        if units[at].parts.is_empty() || !keep[at] {
            continue;
        }
        let judgement = &units[at].judgement;
        if judgement.verdict != Verdict::Convicted && judgement.reason != Reason::OneShotAlarm {
            keep[at] = false;
            for part in units[at].parts.clone() {
                keep[part] = true;
            }
        }
    }
    // What is convicted by itself is kept beside the whole: its accounts are told by its own wording, not by the common one.
    let mut below: Vec<usize> = (0..units.len()).filter(|&at| keep[at]).collect();
    while let Some(at) = below.pop() {
        for part in units[at].parts.clone() {
            if units[part].judgement.verdict == Verdict::Convicted {
                (keep[part], units[part].nested) = (true, true);
            }
            // A guest has a verdict of its own.
            let is_guest = |family: &u32| units[at].guests.binary_search(family).is_ok();
            keep[part] |= units[part].parts.is_empty() && units[part].families.first().is_some_and(is_guest);
            below.push(part);
        }
    }
    let mut at = 0;
    units.retain(|_| {
        at += 1;
        keep[at - 1]
    });
}

/// Appends one unit for each group, and says which units are now parts of another. With guests, parts whose accounts do not
/// live as a campaign's are marked.
fn join_parts(ledger: &Ledger<'_>, units: &mut Vec<Unit>, groups: &[Vec<usize>], has_guests: bool) -> Vec<bool> {
    for group in groups {
        let mut families: Vec<u32> = group.iter().flat_map(|&at| units[at].families.iter().copied()).collect();
        families.sort_unstable();
        let rows = group.iter().flat_map(|&at| units[at].view.rows.iter().copied()).collect();
        let mut whole = unit(families, ledger.view(rows));
        whole.parts.clone_from(group);
        for part in group.iter().map(|&at| &units[at]).filter(|_| has_guests) {
            let is_guest = part.parts.is_empty() && !fragments::lively(ledger, &part.view);
            whole.guests.extend(if is_guest { &part.families } else { &part.guests });
        }
        whole.guests.sort_unstable();
        units.push(whole);
    }
    let mut inside = vec![false; units.len()];
    for part in units.iter().flat_map(|unit| unit.parts.clone()) {
        inside[part] = true;
    }
    inside
}

/// The templates of a unit: wording is compared within one template only.
fn pieces_of(units: &[Unit], at: usize) -> Vec<usize> {
    if units[at].several_templates { units[at].parts.clone() } else { vec![at] }
}

fn unit(families: Vec<u32>, view: View) -> Unit {
    Unit {
        families,
        view,
        judgement: Judgement::plain(Verdict::Unexplained, Reason::TooLittle),
        strength: Vec::new(),
        lifts: Vec::new(),
        campaign: None,
        nested: false,
        guests: Vec::new(),
        parts: Vec::new(),
        several_templates: false,
    }
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

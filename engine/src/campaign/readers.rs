//! Readers: who merely reads a template that a campaign works with.

use super::Unit;
use super::co_use;
use super::columns::NONE;
use super::decide::Judgement;
use super::evidence::{Evidence, Kind};
use super::ledger::{Edge, Ledger, View};
use super::strength::ACCUSE_MIN;
use crate::num;

/// The accounts of a convicted unit that use one template alone where its other users do not, ascending: asked within the unit, and
/// among the users of all templates that are mostly used beside it.
///
/// Two campaigns may work with one published template. Then it is a unit by itself, and what the accounts of each use beside it lies
/// in others: within the unit nobody but the readers would seem to use one template alone, or everybody.
#[must_use]
pub fn readers(ledger: &Ledger<'_>, units: &[Unit], index: usize) -> Vec<u32> {
    let unit = &units[index];
    let mut readers = of_one_template(ledger, &unit.view, &unit.judgement, &unit.strength);
    let beside = used_beside(units, unit);
    if beside.is_empty() {
        return readers;
    }
    let own_rows = |families: &Vec<u32>| {
        let rows = unit.view.rows.iter().copied();
        ledger.view(rows.filter(|&row| families.contains(&ledger.family(row))).collect())
    };
    let own: Vec<View> = unit.judgement.templates.iter().map(own_rows).collect();
    let templates: Vec<&View> = own.iter().chain(beside.iter().map(|other| &other.view)).collect();
    let rows = std::iter::once(unit).chain(beside.iter().copied()).flat_map(|unit| unit.view.rows.iter().copied());
    let all = ledger.view(rows.collect());
    let mut judgement = unit.judgement.clone();
    judgement.evidence = vec![co_use::co_use(ledger, &all, &templates)];
    judgement.templates.extend(beside.iter().map(|other| other.families.clone()));
    let strength_in = |unit: &Unit, account: u32| {
        let at = unit.view.edges.binary_search_by_key(&account, |edge| edge.account).ok()?;
        unit.strength.get(at).copied()
    };
    let strength = |edge: &Edge| {
        let of_each = std::iter::once(&unit).chain(&beside).filter_map(|unit| strength_in(unit, edge.account));
        of_each.fold(0.0, f64::max)
    };
    let strengths: Vec<f64> = all.edges.iter().map(strength).collect();
    // Whoever uses a template beside it alone is that unit's affair.
    let of_all = of_one_template(ledger, &all, &judgement, &strengths).into_iter();
    readers.extend(of_all.filter(|&account| strength_in(unit, account).is_some()));
    readers.sort_unstable();
    readers.dedup();
    readers
}

/// Accounts that a template has at least to say what its users use beside it.
const BESIDE_MIN: usize = 10;

/// The units of other templates half of whose accounts, or more, are accounts of this one; the largest first, each family once.
fn used_beside<'u>(units: &'u [Unit], unit: &Unit) -> Vec<&'u Unit> {
    let is_of_unit = |edge: &&Edge| unit.view.edges.binary_search_by_key(&edge.account, |edge| edge.account).is_ok();
    let mut others: Vec<&Unit> = (units.iter())
        .filter(|other| !other.families.is_empty() && other.view.edges.len() >= BESIDE_MIN)
        .filter(|other| 2 * other.view.edges.iter().filter(is_of_unit).count() >= other.view.edges.len())
        .collect();
    others.sort_by_key(|other| (std::cmp::Reverse(other.view.edges.len()), other.families.clone()));
    let mut taken = unit.families.clone();
    others.retain(|other| {
        let is_new = other.families.iter().all(|family| !taken.contains(family));
        taken.extend(other.families.iter().filter(|_| is_new));
        is_new
    });
    others
}

/// Requests from which an account shows whether it uses several templates.
const ALONE_REQUESTS: usize = 12;
/// Share of those who do, from which whoever does not stands out: campaigns that deal templates out have a quarter with one alone.
const NEARLY_ALL: f64 = 0.9;
/// Accounts that must have shown it for that share to be one.
const SHOWN_MIN: usize = 5;

/// The accounts that use one template of a unit alone, while most accounts of the unit use several: a copied template, one
/// that most of its users use alone and not as members live, or any in many requests.
///
/// A text that is copied word for word may be anybody's: a campaign may work with a published template beside its own, and
/// readers of that template come and go as its accounts do. So may a template that came in since a few accounts use it too. The
/// campaign's own accounts show another template as well, be it after some requests where nobody copies.
pub(super) fn of_one_template(ledger: &Ledger<'_>, view: &View, judgement: &Judgement, strengths: &[f64]) -> Vec<u32> {
    // Strangers whom a loose family brought in lower the share; what is asked is whether most accounts use several
    // beyond chance.
    let most_use_several = |co_use: &&Evidence| co_use.value > 0.5 && co_use.p < co_use::P_MAX;
    let Some(co_use) = judgement.of(Kind::CoUse).filter(most_use_several) else { return Vec::new() };
    let template = |row: &u32| judgement.templates.iter().position(|families| families.contains(&ledger.family(*row)));
    // A request of no family says nothing of its template, unless what the residual linker found is one.
    let says = |row: &&u32| ledger.family(**row) != NONE || judgement.templates.iter().any(Vec::is_empty);
    let (mut users, mut alone) = (vec![0_usize; judgement.templates.len()], vec![0_usize; judgement.templates.len()]);
    let mut members_alone = alone.clone();
    let (mut shown, mut shown_alone) = (0_usize, 0_usize);
    let mut said: Vec<Said> = Vec::with_capacity(view.edges.len());
    for (edge, strength) in view.edges.iter().zip(strengths) {
        let mut used: Vec<Option<usize>> = view.rows_of(edge).iter().filter(says).map(template).collect();
        let requests = used.len();
        used.sort_unstable();
        used.dedup();
        let (is_alone, is_member) = (used.len() == 1, *strength >= ACCUSE_MIN);
        for &template in used.iter().flatten() {
            users[template] += 1;
            alone[template] += usize::from(is_alone);
            members_alone[template] += usize::from(is_alone && is_member);
        }
        if is_member && requests >= ALONE_REQUESTS {
            shown += 1;
            shown_alone += usize::from(is_alone);
        }
        said.push(Said { account: edge.account, requests, only: used.first().copied().filter(|_| is_alone) });
    }
    // Young accounts have shown one template alone so far; those that have shown more are asked. One of them may be the stranger.
    let others_alone = num::f64_of(shown_alone.saturating_sub(1));
    let nearly_all_use_several =
        co_use.value >= NEARLY_ALL || (shown >= SHOWN_MIN && others_alone <= (1.0 - NEARLY_ALL) * num::f64_of(shown));
    let is_copied = |at: usize| co_use.holds && judgement.copied.get(at) == Some(&true);
    let is_strangers = |at: usize| 2 * alone[at] > users[at] && 2 * members_alone[at] <= alone[at];
    let is_anybodys = |said: &&Said| {
        let Some(only) = said.only else { return false };
        (nearly_all_use_several && said.requests >= ALONE_REQUESTS)
            || only.is_some_and(|at| is_copied(at) || is_strangers(at))
    };
    said.iter().filter(is_anybodys).map(|said| said.account).collect()
}

/// What an account's requests say of the templates it uses.
struct Said {
    account: u32,
    /// Requests that say something.
    requests: usize,
    /// The one template they are of, if they are of one; within, nothing where that is none of the unit's.
    only: Option<Option<usize>>,
}

//! The tree of units: wholes joined from parts, what a whole consists of, and which of them stand once all are judged.
//!
//! A whole always has a higher index than its parts.

use super::Unit;
use super::decide::Judgement;
use super::evidence::{Reason, Verdict};
use super::fragments;
use super::ledger::{Ledger, View};
use super::part;
use super::residual::ResidualOptions;

/// How groups of units become wholes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Joining {
    /// Parts whose accounts do not live as a campaign's are guests.
    pub(super) has_guests: bool,
    /// The parts are templates that the same accounts use, not fragments of one.
    pub(super) several_templates: bool,
}

/// A unit of these families and rows that was not judged yet.
pub(super) fn unit(families: Vec<u32>, view: View) -> Unit {
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
        parted: false,
        pieces: Vec::new(),
        superseded: false,
    }
}

/// Appends one unit for each group, and says which units are now parts of another. Where the families of a group fall into
/// parties, the parties are the parts of the whole.
pub(super) fn join_parts(
    ledger: &Ledger<'_>,
    units: &mut Vec<Unit>,
    groups: &[Vec<usize>],
    joining: Joining,
    options: &ResidualOptions,
) -> Vec<bool> {
    for group in groups {
        let group = &if joining.several_templates { divided(ledger, units, group, options) } else { group.clone() };
        let (leaves, parties) = parties_of(ledger, units, group, joining.several_templates, options);
        if parties.len() < 2 {
            push_whole(ledger, units, group.clone(), joining);
            continue;
        }
        let parties: Vec<usize> = parties
            .into_iter()
            .filter_map(|party| {
                let mut kept: Vec<usize> = party.into_iter().filter_map(|at| leaves.get(at).copied()).collect();
                kept.sort_unstable();
                let parts = group.iter().filter_map(|&at| restricted(ledger, units, at, &kept)).collect();
                one_of(ledger, units, parts, joining)
            })
            .collect();
        let before: Vec<usize> = group.iter().flat_map(|&at| wholes_of(units, at)).collect();
        let pieces = group.iter().flat_map(|&at| pieces_of(units, at)).collect();
        let whole = push_whole(ledger, units, parties, joining);
        units[whole].parted = true;
        units[whole].pieces = pieces;
        let after = wholes_of(units, whole);
        for gone in before.into_iter().filter(|at| !after.contains(at)) {
            units[gone].superseded = true;
        }
    }
    inside(units)
}

/// The families' own units of a group, and their parties.
fn parties_of(
    ledger: &Ledger<'_>,
    units: &[Unit],
    group: &[usize],
    several_templates: bool,
    options: &ResidualOptions,
) -> (Vec<usize>, Vec<Vec<usize>>) {
    let of_each: Vec<Vec<usize>> = group.iter().map(|&at| leaves_of(units, at)).collect();
    let number = |place: usize| if several_templates { place } else { 0 };
    let templates: Vec<usize> =
        of_each.iter().enumerate().flat_map(|(place, leaves)| vec![number(place); leaves.len()]).collect();
    let leaves = of_each.concat();
    let views: Vec<&View> = leaves.iter().map(|&leaf| &units[leaf].view).collect();
    let parties = part::parties(ledger, &views, &templates, options);
    (leaves, parties)
}

/// These templates, one that is two in one replaced by its sides if that parts them: mining may hold templates of two campaigns for one
/// family, by which they would be one campaign.
fn divided(ledger: &Ledger<'_>, units: &mut Vec<Unit>, group: &[usize], options: &ResidualOptions) -> Vec<usize> {
    let views: Vec<&View> = group.iter().map(|&at| &units[at].view).collect();
    let Some((place, sides)) = part::bridge(ledger, &views, options) else { return group.to_vec() };
    let (bridge, before) = (group[place], units.len());
    let families = units[bridge].families.clone();
    units.extend(sides.into_iter().map(|rows| unit(families.clone(), ledger.view(rows))));
    let mut with_sides: Vec<usize> = group.iter().copied().filter(|&at| at != bridge).collect();
    with_sides.extend(before..units.len());
    if parties_of(ledger, units, &with_sides, true, options).1.len() < 2 {
        units.truncate(before);
        return group.to_vec();
    }
    for gone in leaves_of(units, bridge).into_iter().chain(wholes_of(units, bridge)) {
        units[gone].superseded = true;
    }
    with_sides
}

/// These units, with its parties in the place of each whole of several that is in none of `sets`. Ascending.
pub(super) fn opened(units: &[Unit], tops: &[usize], sets: &[Vec<usize>]) -> Vec<usize> {
    let alone = |at: usize| units[at].parted && !sets.iter().any(|set| set.contains(&at));
    let parties = |at: usize| if alone(at) { units[at].parts.clone() } else { vec![at] };
    let mut opened: Vec<usize> = tops.iter().flat_map(|&at| parties(at)).collect();
    opened.sort_unstable();
    opened
}

/// Settles which parties leave their whole: those that share accounts with units elsewhere. Where others stay behind the whole is
/// replaced; where all go the same way it goes itself.
pub(super) fn close(ledger: &Ledger<'_>, units: &mut Vec<Unit>, tops: &[usize], sets: &mut Vec<Vec<usize>>) {
    for &at in tops {
        if !units[at].parted {
            continue;
        }
        let parties = units[at].parts.clone();
        for set in sets.iter_mut() {
            let (mine, mut others): (Vec<usize>, Vec<usize>) = set.iter().partition(|part| parties.contains(part));
            if mine.is_empty() {
                continue;
            }
            if mine.len() == parties.len() {
                others.push(at);
            } else if !others.is_empty() {
                let joining = Joining { has_guests: !units[at].guests.is_empty(), several_templates: false };
                others.extend(one_of(ledger, units, mine, joining));
                units[at].superseded = true;
            }
            *set = others;
        }
    }
    sets.retain(|set| set.len() >= 2);
}

/// The units that are judged: what was replaced can convict nobody, and must not dilute the error rate of the others.
pub(super) fn hypotheses(units: &[Unit]) -> Vec<usize> {
    (0..units.len()).filter(|&at| !units[at].superseded).collect()
}

/// Which units are parts of another, or were replaced.
pub(super) fn inside(units: &[Unit]) -> Vec<bool> {
    let mut inside: Vec<bool> = units.iter().map(|unit| unit.superseded).collect();
    for part in units.iter().filter(|unit| !unit.superseded).flat_map(|unit| unit.parts.clone()) {
        inside[part] = true;
    }
    inside
}

/// Appends the whole of these parts, and returns its index.
fn push_whole(ledger: &Ledger<'_>, units: &mut Vec<Unit>, parts: Vec<usize>, joining: Joining) -> usize {
    let mut families: Vec<u32> = parts.iter().flat_map(|&at| units[at].families.iter().copied()).collect();
    families.sort_unstable();
    families.dedup();
    let rows = parts.iter().flat_map(|&at| units[at].view.rows.iter().copied()).collect();
    let mut whole = unit(families, ledger.view(rows));
    // Where nobody lives as a campaign's accounts do, there is no company to be a guest of.
    let host = parts.iter().any(|&at| !units[at].parts.is_empty() || fragments::lively(ledger, &units[at].view));
    for part in parts.iter().map(|&at| &units[at]) {
        let is_guest = joining.has_guests && host && part.parts.is_empty() && !fragments::lively(ledger, &part.view);
        whole.guests.extend(if is_guest { &part.families } else { &part.guests });
    }
    whole.guests.sort_unstable();
    whole.guests.dedup();
    whole.parts = parts;
    whole.several_templates = joining.several_templates;
    units.push(whole);
    units.len() - 1
}

/// The whole of these parts: the part itself where there is only one.
fn one_of(ledger: &Ledger<'_>, units: &mut Vec<Unit>, parts: Vec<usize>, joining: Joining) -> Option<usize> {
    match parts.as_slice() {
        [] => None,
        &[only] => Some(only),
        _ => Some(push_whole(ledger, units, parts, joining)),
    }
}

/// What of a unit lies in these families' units (ascending): the unit itself, a smaller one that is made here, or nothing.
fn restricted(ledger: &Ledger<'_>, units: &mut Vec<Unit>, at: usize, kept: &[usize]) -> Option<usize> {
    if units[at].parts.is_empty() {
        return kept.binary_search(&at).is_ok().then_some(at);
    }
    let parts = units[at].parts.clone();
    let left: Vec<usize> = parts.iter().filter_map(|&part| restricted(ledger, units, part, kept)).collect();
    if left == parts {
        return Some(at);
    }
    let joining = Joining { has_guests: !units[at].guests.is_empty(), several_templates: units[at].several_templates };
    one_of(ledger, units, left, joining)
}

/// The families' own units below a unit, each once.
fn leaves_of(units: &[Unit], at: usize) -> Vec<usize> {
    if units[at].parts.is_empty() {
        return vec![at];
    }
    units[at].parts.iter().flat_map(|&part| leaves_of(units, part)).collect()
}

/// A unit and all below it that were joined.
fn wholes_of(units: &[Unit], at: usize) -> Vec<usize> {
    if units[at].parts.is_empty() {
        return Vec::new();
    }
    std::iter::once(at).chain(units[at].parts.iter().flat_map(|&part| wholes_of(units, part))).collect()
}

/// The templates of a unit: wording is compared within one template only. Parties of what was one template are compared
/// one by one: they are parties because they are unlike each other, and glued apps would be reworded by that.
pub(super) fn pieces_of(units: &[Unit], at: usize) -> Vec<usize> {
    let unit = &units[at];
    match (unit.several_templates, unit.parted) {
        (false, false) => vec![at],
        (false, true) => unit.parts.clone(),
        (true, false) => unit.parts.iter().flat_map(|&part| pieces_of(units, part)).collect(),
        (true, true) => unit.pieces.clone(),
    }
}

/// Keeps, of the judged units, those that stand.
///
/// A whole stands when it is convicted or alarms, or is for review while no part is, unless a party of it is convicted
/// by itself: the others are unlike it, and it needs none of them. Else its parts stand alone. What is convicted by
/// itself is kept beside its whole: its accounts are told by its own wording.
pub(super) fn settle(units: &mut Vec<Unit>) {
    let mut keep: Vec<bool> = inside(units).iter().map(|inside| !inside).collect();
    for at in (0..units.len()).rev() {
        if units[at].parts.is_empty() || !keep[at] {
            continue;
        }
        let judgement = &units[at].judgement;
        let convicted = |part: &usize| units[*part].judgement.verdict == Verdict::Convicted;
        let falls_apart = units[at].parted && units[at].parts.iter().any(convicted);
        let review = |part: &usize| units[*part].judgement.verdict >= Verdict::Review;
        let stands = match judgement.verdict {
            Verdict::Convicted => true,
            // For an analyst, a whole that says more than any of its parts.
            Verdict::Review => judgement.reason == Reason::OneShotAlarm || !units[at].parts.iter().any(review),
            Verdict::Acquitted | Verdict::Unexplained => false,
        };
        if falls_apart || !stands {
            keep[at] = false;
            for part in units[at].parts.clone() {
                keep[part] = true;
            }
        }
    }
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

//! Templates: the fixed sentences of an app, a harness, a collection or a campaign, and the slots between them. A sentence is
//! kept as a pattern and a seed, so that it can be said again in other words.

use crate::reword::{Rewording, reword_words};
use crate::rng::{Rng, key};
use crate::{grammar, lexicon};

/// What varies from request to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// What a user of the app asks.
    Ask,
    /// A problem of the cohort's set.
    Problem,
    /// Pasted text.
    Document,
    /// Source code of the account's own project.
    Source,
    /// A stack trace of the account's own project.
    Trace,
    /// Text in another language.
    Foreign,
    /// The name of the user, always the same for one account.
    UserName,
    /// Settings of the user, always the same for one account.
    Settings,
    /// A token that changes with each request.
    Volatile,
    /// The working directory, the date and open files of an agent.
    Environment,
    /// A table of records.
    Table,
    /// Running number or date of a scheduled job.
    Stamp,
    /// A provocation of a red team.
    Attack,
}

/// A sentence or a slot, and what parts it from the next.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    body: Body,
    after: &'static str,
}

#[derive(Debug, Clone)]
enum Body {
    Sentence { pattern: &'static str, seed: u64 },
    Text(String),
    Slot(Slot),
}

impl Unit {
    /// A fixed sentence.
    pub(crate) fn sentence(pattern: &'static str, seed: u64, after: &'static str) -> Self {
        Self { body: Body::Sentence { pattern, seed }, after }
    }

    /// Fixed text that is never reworded: a worked example, a heading.
    pub(crate) fn text(text: impl Into<String>, after: &'static str) -> Self {
        Self { body: Body::Text(text.into()), after }
    }

    /// The same, its fixed text rewritten.
    pub(crate) fn with_text(mut self, rewrite: impl Fn(&mut String)) -> Self {
        if let Body::Text(text) = &mut self.body {
            rewrite(text);
        }
        self
    }

    /// A slot.
    pub(crate) fn slot(slot: Slot, after: &'static str) -> Self {
        Self { body: Body::Slot(slot), after }
    }
}

/// One template.
#[derive(Debug, Clone)]
pub(crate) struct Skeleton {
    /// Its name in the labels.
    pub(crate) name: String,
    /// The system text, if it has one.
    pub(crate) system: Vec<Unit>,
    /// The user's turn.
    pub(crate) user: Vec<Unit>,
}

/// Writes units in order; `fill` writes the slots. With a rewording, sentences are said in other words and may change places.
pub(crate) fn render(
    units: &[Unit],
    rewording: Option<&Rewording>,
    mut fill: impl FnMut(Slot, &mut String),
    out: &mut String,
) {
    let order = rewording.and_then(|r| r.order(units.len()));
    for i in 0..units.len() {
        let at = order.as_ref().and_then(|o| o.get(i)).copied().unwrap_or(i);
        let Some(unit) = units.get(at) else { continue };
        match &unit.body {
            Body::Sentence { pattern, seed } => match rewording {
                Some(rewording) => {
                    let start = out.len();
                    let mut choice = grammar::Fixed::new(*seed, rewording.forms(at));
                    grammar::expand(pattern, &mut choice, out);
                    lexicon::capitalise(out, start);
                    reword_words(rewording, at, start, out);
                }
                None => {
                    let start = out.len();
                    grammar::expand(pattern, &mut grammar::Fixed::new(*seed, None), out);
                    lexicon::capitalise(out, start);
                }
            },
            Body::Text(text) => out.push_str(text),
            Body::Slot(slot) => fill(*slot, out),
        }
        out.push_str(unit.after);
    }
    out.truncate(out.trim_end().len());
}

/// Turns every sentence into finished text: for templates that nobody rewords, so that writing them is a copy.
pub(crate) fn freeze(units: &mut Vec<Unit>) {
    let mut frozen: Vec<Unit> = Vec::new();
    for unit in units.drain(..) {
        let text = match unit.body {
            Body::Sentence { pattern, seed } => {
                let mut text = String::new();
                grammar::expand(pattern, &mut grammar::Fixed::new(seed, None), &mut text);
                lexicon::capitalise(&mut text, 0);
                text
            }
            Body::Text(text) => text,
            Body::Slot(_) => {
                frozen.push(unit);
                continue;
            }
        };
        match frozen.last_mut() {
            Some(Unit { body: Body::Text(before), after }) => {
                before.push_str(after);
                before.push_str(&text);
                *after = unit.after;
            }
            _ => frozen.push(Unit { body: Body::Text(text), after: unit.after }),
        }
    }
    *units = frozen;
}

/// Picks `count` different patterns of a list, each with a seed of its own.
pub(crate) fn sentences(list: &[&'static str], count: u64, seed: u64, after: &'static str, units: &mut Vec<Unit>) {
    let mut rng = Rng::of(&[seed, 23]);
    let mut left: Vec<&'static str> = list.to_vec();
    for i in 0..count {
        if left.is_empty() {
            break;
        }
        let pattern = left.swap_remove(rng.at(left.len()));
        units.push(Unit::sentence(pattern, key(&[seed, i, 29]), after));
    }
}

//! The log as a stream: a heap holds each account's next request, so that requests come out in the order of time and nothing
//! but the accounts is kept in memory.

use crate::cohort::{Ask, Draft};
use crate::num::{count, index, low32, real_len};
use crate::person::Turn;
use crate::plan::{Actor, Model, Plan};
use crate::rng::Rng;
use crate::spec::SpecError;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where an account stands.
#[derive(Debug)]
struct Cursor {
    actor: Actor,
    rng: Rng,
    /// Position in the clock's cumulative intensity, and its end.
    position: f64,
    end: f64,
    made: u32,
    session: u32,
    turn: u32,
    session_left: u32,
    session_ms: u64,
}

/// A request's place in the log, before its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// Which account, by its number in the plan.
    pub(crate) account: u32,
    /// Its cohort.
    pub(crate) cohort: u32,
    /// Its number in the log.
    pub(crate) serial: u64,
    /// What is asked.
    pub(crate) ask: Ask,
}

/// A seeded log, request after request.
#[derive(Debug)]
pub struct Traffic {
    pub(crate) plan: Plan,
    pub(crate) model: Model,
    cursors: Vec<Cursor>,
    /// (time, account): ties go to the lower account.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    /// Campaign requests served, by cohort.
    served: Vec<u64>,
    serial: u64,
}

impl Traffic {
    /// Plans a model and sets texts to the wanted mean length.
    ///
    /// # Errors
    /// [`SpecError`] when the model cannot be carried out.
    pub fn new(model: &Model) -> Result<Self, SpecError> {
        let mut traffic = Self::with_scale(model, 1.0)?;
        for _ in 0..4 {
            let scale = traffic.plan.culture.scale;
            let mean = traffic.mean_bytes(2_000);
            traffic.plan.culture.scale = (scale * (model.bytes_mean / mean.max(1.0))).clamp(0.15, 40.0);
        }
        let scale = traffic.plan.culture.scale;
        Self::with_scale(model, scale)
    }

    fn with_scale(model: &Model, scale: f64) -> Result<Self, SpecError> {
        let mut plan = Plan::new(model)?;
        plan.culture.scale = scale;
        let mut cursors = Vec::with_capacity(plan.actors.len());
        let mut due = BinaryHeap::with_capacity(plan.actors.len());
        for (i, actor) in plan.actors.drain(..).enumerate() {
            let rng = Rng::of(&[actor.who, 269]);
            let (position, end) = plan
                .clocks
                .get(index(u64::from(actor.clock)))
                .map_or((0.0, 0.0), |clock| (clock.at(actor.life.0), clock.at(actor.life.1)));
            let cursor =
                Cursor { actor, rng, position, end, made: 0, session: 0, turn: 0, session_left: 0, session_ms: 0 };
            cursors.push(cursor);
            due.push(Reverse((0, low32(count(i)))));
        }
        let served = vec![0; plan.cohorts.len()];
        let mut traffic = Self { plan, model: model.clone(), cursors, due: BinaryHeap::new(), served, serial: 0 };
        let mut first: Vec<Reverse<(u64, u32)>> = Vec::with_capacity(due.len());
        for Reverse((_, account)) in due.into_vec() {
            if let Some(time) = traffic.advance(account, 0) {
                first.push(Reverse((time, account)));
            }
        }
        traffic.due = BinaryHeap::from(first);
        Ok(traffic)
    }

    /// When the account's next request comes, after one at `now`.
    fn advance(&mut self, account: u32, now: u64) -> Option<u64> {
        let last = self.model.days.max(1) * crate::rhythm::DAY_MS - 1;
        let cursor = self.cursors.get_mut(index(u64::from(account)))?;
        if cursor.actor.left == 0 {
            return None;
        }
        let pace = self.plan.cohorts.get(index(u64::from(cursor.actor.cohort)))?.pace;
        if cursor.session_left > 0 {
            cursor.session_left -= 1;
            cursor.turn += 1;
            return Some((now + pace.gap(&mut cursor.rng)).min(last.max(now)));
        }
        let clock = self.plan.clocks.get(index(u64::from(cursor.actor.clock)))?;
        let sessions = pace.sessions(cursor.actor.left);
        cursor.position += (cursor.end - cursor.position) * cursor.rng.first_of(sessions);
        let time = clock.when(cursor.position).max(now + 1).min(last.max(now));
        if cursor.made > 0 {
            cursor.session += 1;
        }
        let length = cursor.rng.geometric(pace.session, u64::from(cursor.actor.left));
        cursor.session_left = low32(length) - 1;
        cursor.turn = 0;
        cursor.session_ms = time;
        Some(time)
    }

    /// The next request in the order of time; its text goes into `draft`.
    pub(crate) fn next(&mut self, draft: &mut Draft) -> Option<Event> {
        let Reverse((now_ms, account)) = self.due.pop()?;
        let cursor = self.cursors.get_mut(index(u64::from(account)))?;
        let ask = Ask {
            who: cursor.actor.who,
            member: cursor.actor.member,
            made: cursor.made,
            session: cursor.session,
            turn: cursor.turn,
            session_ms: cursor.session_ms,
            now_ms,
        };
        cursor.made += 1;
        cursor.actor.left -= 1;
        let event = Event { account, cohort: cursor.actor.cohort, serial: self.serial, ask };
        self.serial += 1;
        let cohort = index(u64::from(event.cohort));
        if let (Some(script), Some(served)) = (self.plan.cohorts.get(cohort), self.served.get_mut(cohort)) {
            script.compose(&self.plan.culture, ask, served, draft);
        }
        if let Some(time) = self.advance(account, now_ms) {
            self.due.push(Reverse((time, account)));
        }
        Some(event)
    }

    /// What the account said earlier in this conversation, oldest first; empty for scripts that have none.
    pub(crate) fn earlier(&self, event: &Event) -> Vec<String> {
        let ask = &event.ask;
        (ask.turn.saturating_sub(6)..ask.turn)
            .map(|turn| {
                let mut text = String::new();
                self.plan
                    .culture
                    .say(Turn { who: ask.who, session: ask.session, turn, session_ms: ask.session_ms }, &mut text);
                text
            })
            .collect()
    }

    /// Mean bytes of the prompts of about `n` requests spread over accounts as requests are.
    fn mean_bytes(&self, n: u64) -> f64 {
        let total: u64 = self.cursors.iter().map(|c| u64::from(c.actor.left) + u64::from(c.made)).sum();
        let every = (total / n).max(1);
        let (mut passed, mut bytes, mut seen) = (0_u64, 0_usize, 0_usize);
        let mut draft = Draft::default();
        for cursor in &self.cursors {
            let left = u64::from(cursor.actor.left);
            let (from, to) = (passed, passed + left);
            passed = to;
            let mut at = from.next_multiple_of(every);
            while at < to {
                let made = low32(at - from);
                let ask = Ask {
                    who: cursor.actor.who,
                    member: cursor.actor.member,
                    made,
                    session: made / 3,
                    turn: made % 3,
                    session_ms: cursor.actor.life.0,
                    now_ms: cursor.actor.life.0,
                };
                if let Some(cohort) = self.plan.cohorts.get(index(u64::from(cursor.actor.cohort))) {
                    cohort.compose(&self.plan.culture, ask, &mut 0, &mut draft);
                    bytes += draft.system.len() + draft.user.len();
                    seen += 1;
                }
                at += every;
            }
        }
        real_len(bytes) / real_len(seen.max(1))
    }

    /// The accounts with what they are and how many requests they have made so far.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (u32, &Actor, u32)> {
        self.cursors.iter().enumerate().map(|(i, cursor)| (low32(count(i)), &cursor.actor, cursor.made))
    }
}

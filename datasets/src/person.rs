//! What a person sends: one-off requests in their languages, follow-ups, retries, pasted documents, code, and now and then a
//! prompt from a public collection or one that is going round.

use crate::code::{Project, table};
use crate::num::{index, real, whole};
use crate::rhythm::HOUR_MS;
use crate::rng::{Rng, key};
use crate::skeleton::{Skeleton, Slot, render};
use crate::{english, library, tongues};

/// A prompt that many people copy within days.
#[derive(Debug)]
pub(crate) struct Viral {
    /// When it appears, ms from the beginning.
    pub(crate) onset: u64,
    /// Its text.
    pub(crate) text: String,
}

/// What all people share.
#[derive(Debug)]
pub(crate) struct Culture {
    /// How long the log is.
    pub(crate) window_ms: u64,
    /// Multiplies the usual length of texts.
    pub(crate) scale: f64,
    /// Public collections, the popular prompts first.
    pub(crate) collections: Vec<Skeleton>,
    /// Prompts going round, by onset.
    pub(crate) virals: Vec<Viral>,
    /// Share of a person's first requests that come from a collection.
    pub(crate) collection_share: f64,
    /// Share that is going round.
    pub(crate) viral_share: f64,
}

/// One turn of one session of one person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// The account's key.
    pub(crate) who: u64,
    /// The number of the session.
    pub(crate) session: u32,
    /// The turn in it.
    pub(crate) turn: u32,
    /// When the session began, ms from the beginning.
    pub(crate) session_ms: u64,
}

/// What a turn turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// A request of their own.
    OneOff,
    /// A reply inside a conversation.
    FollowUp,
    /// The last turn again, nearly.
    Retry,
    /// A pasted document.
    Document,
    /// From the collection, by number.
    Collection(usize),
    /// Going round, by number.
    Viral(usize),
    /// The person's own habitual prompt, with a new request in it.
    Routine,
}

/// Habits of a person that follow from the account's key.
struct Habits {
    english: f64,
    tongue: &'static tongues::Tongue,
    developer: bool,
    /// Has a prompt of their own that they use again and again.
    routine: bool,
    scale: f64,
}

impl Habits {
    fn of(who: u64) -> Self {
        let mut rng = Rng::of(&[who, 1]);
        let native = rng.chance(0.45);
        let developer = rng.chance(0.2);
        let english = if native { 1.0 } else { rng.pick(&[0.0, 0.1, 0.3]) };
        Self {
            english,
            tongue: tongues::tongue(&mut rng),
            developer,
            routine: rng.chance(0.12),
            scale: rng.lognormal(1.0, 0.45),
        }
    }
}

impl Culture {
    /// Writes what is said in this turn.
    pub(crate) fn say(&self, at: Turn, out: &mut String) -> Said {
        let rng = &mut Rng::of(&[at.who, u64::from(at.session), u64::from(at.turn), 3]);
        let habits = Habits::of(at.who);
        if at.turn > 0 {
            match rng.below(20) {
                0..=10 => {
                    if rng.chance(habits.english) {
                        english::follow_up(rng, out)
                    } else {
                        habits.tongue.follow_up(rng, out)
                    }
                    return Said::FollowUp;
                }
                11 => {
                    self.say(Turn { turn: at.turn - 1, ..at }, out);
                    match rng.below(4) {
                        0 => out.push_str(rng.pick(&["?", "!", ".", " please", " pls", "??"])),
                        1 => _ = out.pop(),
                        _ => {}
                    }
                    return Said::Retry;
                }
                _ => {}
            }
        }
        if rng.chance(self.collection_share) && !self.collections.is_empty() {
            let which = rng.skewed(self.collections.len());
            if let Some(skeleton) = self.collections.get(which) {
                let as_is = rng.chance(0.25);
                let slot = |_: Slot, out: &mut String| {
                    let mut own = if as_is {
                        Rng::of(&[crate::num::count(which), 5])
                    } else {
                        Rng::of(&[at.who, u64::from(at.session), 7])
                    };
                    english::ask(&mut own, self.scale, out);
                };
                render(&skeleton.user, None, slot, out);
                return Said::Collection(which);
            }
        }
        if rng.chance(self.viral_share)
            && let Some(which) = self.going_round(at.session_ms, rng)
        {
            out.push_str(self.virals.get(which).map_or("", |viral| viral.text.as_str()));
            return Said::Viral(which);
        }
        if habits.routine && rng.chance(0.25) {
            let skeleton = library::collection(String::new(), key(&[at.who, 13]));
            render(&skeleton.user, None, |_, out| english::ask(rng, self.scale, out), out);
            return Said::Routine;
        }
        self.own(&habits, at.who, rng, out)
    }

    fn own(&self, habits: &Habits, who: u64, rng: &mut Rng, out: &mut String) -> Said {
        let in_english = rng.chance(habits.english);
        let scale = self.scale * habits.scale;
        if rng.chance(0.06) {
            let bytes = index(whole(rng.lognormal(1_800.0, 0.6) * self.scale));
            if in_english {
                english::ask(rng, 0.5, out);
                out.push_str("\n\n");
                if rng.chance(0.15) { table(rng, bytes, out) } else { english::prose(rng, bytes, out) }
            } else {
                habits.tongue.ask(rng, 5, out);
                out.push('\n');
                habits.tongue.prose(rng, bytes, out);
            }
            return Said::Document;
        }
        if habits.developer && rng.chance(0.5) {
            let project = Project(key(&[who, 9]));
            english::ask(rng, scale * 0.5, out);
            out.push_str(rng.pick(&["\n\n", "\n```\n", "\n"]));
            let bytes = index(whole(rng.lognormal(350.0, 0.7) * scale));
            if rng.chance(0.25) {
                project.trace(rng, out)
            } else {
                project.source(rng, bytes, out)
            }
            return Said::OneOff;
        }
        if in_english {
            english::ask(rng, scale, out);
        } else {
            let words = whole(rng.lognormal(11.0, 0.5) * scale);
            habits.tongue.ask(rng, words, out);
            if rng.chance(0.3) {
                out.push(' ');
                habits.tongue.ask(rng, words, out);
            }
        }
        Said::OneOff
    }

    /// Which prompt is going round at this time: each fades over hours after its onset.
    fn going_round(&self, now: u64, rng: &mut Rng) -> Option<usize> {
        let known = self.virals.partition_point(|viral| viral.onset <= now);
        let age = rng.lognormal(10.0, 0.9) * real(HOUR_MS);
        let since = now.saturating_sub(whole(age));
        let first = self.virals.partition_point(|viral| viral.onset < since);
        (first < known).then(|| first + rng.at(known - first))
    }
}

//! Cohorts: accounts of one kind that share a script. A script writes any request of any of its accounts from the account's
//! key and the request's number, so nothing about an account has to be remembered but its clock.

use crate::code::{Project, table};
use crate::grammar::expand;
use crate::library;
use crate::num::{count, index, whole};
use crate::person::{Culture, Said, Turn};
use crate::problem::{self, Subject, TOPICS};
use crate::reword::{Rewording, affix, obfuscate, smudge, watermark};
use crate::rhythm::{DAY_MS, Pace};
use crate::rng::{Rng, key};
use crate::skeleton::{Skeleton, Slot, render};
use crate::spec::{CampaignSpec, Draw, Style};
use crate::{english, tongues};
use std::fmt::Write;

/// What a request says, before it is put into a format.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The system text; empty for none.
    pub(crate) system: String,
    /// The user's turn.
    pub(crate) user: String,
    /// The label: what kind of request it is.
    pub(crate) kind: &'static str,
    /// The label: its template; empty for none.
    pub(crate) template: String,
    /// Whether tools are on offer.
    pub(crate) tools: bool,
}

impl Draft {
    fn clear(&mut self) {
        self.system.clear();
        self.user.clear();
        self.template.clear();
        self.kind = "human";
        self.tools = false;
    }
}

/// One request to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// The account's key.
    pub(crate) who: u64,
    /// Its number in the cohort.
    pub(crate) member: u32,
    /// How many requests it has made before.
    pub(crate) made: u32,
    /// The number of the session.
    pub(crate) session: u32,
    /// The turn in it.
    pub(crate) turn: u32,
    /// When the session began, ms from the beginning.
    pub(crate) session_ms: u64,
    /// Now, ms from the beginning.
    pub(crate) now_ms: u64,
}

impl Ask {
    fn turn(&self) -> Turn {
        Turn { who: self.who, session: self.session, turn: self.turn, session_ms: self.session_ms }
    }
}

/// Whose organisation an account belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Org {
    /// Nobody's.
    None,
    /// All accounts of the cohort are of one.
    One,
    /// Each account is its own.
    Each,
}

/// A problem set and how its users go through it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problems {
    /// The set.
    pub(crate) seed: u64,
    /// What it is about.
    pub(crate) subject: Subject,
    /// How many there are.
    pub(crate) size: u64,
    /// From the first to the last, by each account; else at random.
    pub(crate) in_order: bool,
}

/// Templates with slots: apps, harnesses, agents and most other traps.
#[derive(Debug)]
pub(crate) struct Templated {
    /// The templates, the popular ones first.
    pub(crate) skeletons: Vec<Skeleton>,
    /// An account always uses the same one.
    pub(crate) one_each: bool,
    /// What problem slots hold.
    pub(crate) problems: Problems,
    /// Share of an account's requests that are its own, like a person's.
    pub(crate) own: f64,
    /// Mean bytes of documents and code.
    pub(crate) bytes: f64,
    /// Whether tools are on offer.
    pub(crate) tools: bool,
    /// What stands in its texts that nobody sees.
    pub(crate) marks: Marks,
}

/// Letters that are not what they seem, for innocent reasons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Marks {
    /// None, or those that stand in the templates themselves.
    None,
    /// The templates are releases of one text: each is sent for its part of the window, whoever sends it.
    Releases,
    /// What fills the slots was scanned, typeset or mistyped: this share of its letters.
    Slots(f64),
    /// A watermark in each prompt.
    Watermark,
}

/// A campaign.
#[derive(Debug)]
pub(crate) struct Operation {
    /// What was asked for.
    pub(crate) spec: CampaignSpec,
    /// Its templates.
    pub(crate) skeletons: Vec<Skeleton>,
    /// The seed of its problems and wordings.
    pub(crate) seed: u64,
    /// The agent it hides behind, when it does.
    pub(crate) cloak: Option<Skeleton>,
}

/// How requests are written.
#[derive(Debug)]
pub(crate) enum Script {
    /// Like people.
    Person,
    /// From templates.
    Templated(Templated),
    /// For a campaign.
    Campaign(Box<Operation>),
}

/// Accounts of one kind.
#[derive(Debug)]
pub(crate) struct Cohort {
    /// Unique; also the name of its organisation.
    pub(crate) name: String,
    /// The label of its accounts.
    pub(crate) kind: &'static str,
    /// Whose organisation they belong to.
    pub(crate) org: Org,
    /// The campaign's name, for guilty accounts.
    pub(crate) campaign: Option<String>,
    /// How requests follow each other.
    pub(crate) pace: Pace,
    /// How they are written.
    pub(crate) script: Script,
    /// Whether a key serves many users of its own.
    pub(crate) end_users: bool,
}

impl Cohort {
    /// Writes one request. `served` counts the campaign requests of this cohort so far.
    pub(crate) fn compose(&self, culture: &Culture, ask: Ask, served: &mut u64, draft: &mut Draft) {
        draft.clear();
        match &self.script {
            Script::Person => person(culture, ask.turn(), draft),
            Script::Templated(script) => script.compose(culture, self.kind, ask, draft),
            Script::Campaign(operation) => operation.compose(culture, ask, served, draft),
        }
    }
}

fn person(culture: &Culture, turn: Turn, draft: &mut Draft) {
    draft.kind = match culture.say(turn, &mut draft.user) {
        Said::OneOff => "human",
        Said::FollowUp => "followup",
        Said::Retry => "retry",
        Said::Document => "longdoc",
        Said::Collection(which) => {
            draft.template.push_str(culture.collections.get(which).map_or("", |s| s.name.as_str()));
            "public"
        }
        Said::Viral(which) => {
            _ = write!(draft.template, "viral/{which}");
            "viral"
        }
        Said::Routine => {
            _ = write!(draft.template, "routine/{:08x}", turn.who >> 32);
            "routine"
        }
    };
}

impl Templated {
    fn compose(&self, culture: &Culture, kind: &'static str, ask: Ask, draft: &mut Draft) {
        let mut rng = Rng::of(&[ask.who, u64::from(ask.made), 43]);
        if rng.chance(self.own) {
            return person(culture, ask.turn(), draft);
        }
        let which = if self.marks == Marks::Releases {
            let releases = count(self.skeletons.len());
            index(ask.now_ms * releases / culture.window_ms.max(1)).min(self.skeletons.len().saturating_sub(1))
        } else if self.one_each {
            Rng::of(&[ask.who, 47]).skewed(self.skeletons.len())
        } else {
            rng.skewed(self.skeletons.len())
        };
        let Some(skeleton) = self.skeletons.get(which) else { return };
        draft.kind = kind;
        draft.template.push_str(&skeleton.name);
        draft.tools = self.tools;
        let problem = if self.problems.in_order {
            u64::from(ask.made) % self.problems.size
        } else {
            rng.below(self.problems.size)
        };
        let mut filler = Filler { culture, ask, rng, problems: self.problems, problem, topic: None, bytes: self.bytes };
        render(&skeleton.system, None, |slot, out| filler.fill(slot, out), &mut draft.system);
        let slots = &mut Rng::of(&[ask.who, u64::from(ask.made), 67]);
        let fill = |slot: Slot, out: &mut String| {
            let start = out.len();
            filler.fill(slot, out);
            if let Marks::Slots(rate) = self.marks {
                smudge(rate, slots, start, out);
            }
        };
        render(&skeleton.user, None, fill, &mut draft.user);
        if self.marks == Marks::Watermark {
            watermark(slots, &mut draft.user);
        }
    }
}

impl Operation {
    fn compose(&self, culture: &Culture, ask: Ask, served: &mut u64, draft: &mut Draft) {
        let mut rng = Rng::of(&[ask.who, u64::from(ask.made), 53]);
        let cover = self.spec.hydra.map_or(self.spec.cover, |share| 1.0 - share);
        if !self.spec.one_shot && rng.chance(cover) {
            person(culture, ask.turn(), draft);
            draft.kind = "cover";
            return;
        }
        // Templates stand language by language; an account keeps to one language.
        let languages = index(u64::from(self.spec.languages.max(1)));
        let which = rng.at(self.skeletons.len() / languages) * languages + index(u64::from(ask.member)) % languages;
        let Some(skeleton) = self.skeletons.get(which) else { return };
        draft.kind = "campaign";
        draft.template.push_str(&skeleton.name);
        let (problem, topic) = self.problem(ask, served, &mut rng);
        let subjects = [Subject::Math, Subject::Code, Subject::Reason, Subject::Read];
        let subject = self.spec.subject.unwrap_or(subjects[index(problem % count(subjects.len()))]);
        let problems = Problems { seed: key(&[self.seed, 59]), subject, size: self.spec.pool, in_order: false };
        let variant = match self.spec.style {
            Style::Exact => None,
            Style::Account => Some(key(&[self.seed, ask.who, count(which)])),
            Style::Request => Some(key(&[self.seed, ask.who, u64::from(ask.made), count(which)])),
        };
        // Synonyms and fillers are English; other languages vary in the forms of their sentences alone.
        let abroad = !which.is_multiple_of(languages);
        let words = if abroad { 0.0 } else { self.spec.reword };
        let paraphrase = if abroad { self.spec.paraphrase.max(self.spec.reword) } else { self.spec.paraphrase };
        let rewording = variant.filter(|_| !(self.spec.published && which == 0)).map(|seed| Rewording {
            seed,
            words,
            paraphrase,
            shuffle: self.spec.shuffle,
        });
        let mut filler = Filler { culture, ask, rng: rng.clone(), problems, problem, topic, bytes: 1_500.0 };
        render(&skeleton.user, rewording.as_ref(), |slot, out| filler.fill(slot, out), &mut draft.user);
        if rng.chance(self.spec.affix) {
            affix(&mut rng, 0, &mut draft.user);
        }
        obfuscate(self.spec.obfuscate, self.spec.obfuscate_rate, &mut rng, 0, &mut draft.user);
        if let Some(agent) = &self.cloak {
            draft.tools = true;
            render(&agent.system, None, |slot, out| filler.fill(slot, out), &mut draft.system);
        }
    }

    /// Which problem, and of which topic.
    fn problem(&self, ask: Ask, served: &mut u64, rng: &mut Rng) -> (u64, Option<u64>) {
        let pool = self.spec.pool;
        let drawn = match self.spec.draw {
            Draw::Replace => rng.below(pool),
            Draw::Shard => {
                let turn = *served / self.spec.samples.max(1);
                *served += 1;
                // A prime step larger than any usual pool walks through all of it, in a scattered order.
                turn.wrapping_mul(2_654_435_761) % pool
            }
        };
        if !self.spec.topics {
            return (drawn, None);
        }
        let topic = u64::from(ask.member) % TOPICS;
        (drawn - drawn % TOPICS + topic, Some(topic))
    }
}

/// Fills the slots of one request.
struct Filler<'a> {
    culture: &'a Culture,
    ask: Ask,
    rng: Rng,
    problems: Problems,
    problem: u64,
    topic: Option<u64>,
    bytes: f64,
}

impl Filler<'_> {
    fn fill(&mut self, slot: Slot, out: &mut String) {
        let scale = self.culture.scale;
        let rng = &mut self.rng;
        let own = &mut Rng::of(&[self.ask.who, 61]);
        let project = Project(key(&[self.ask.who, 9]));
        let bytes = |rng: &mut Rng| index(whole(rng.lognormal(self.bytes, 0.5) * scale));
        match slot {
            Slot::Ask => {
                if own.chance(0.35) {
                    let words = rng.between(5, 20);
                    tongues::tongue(own).ask(rng, words, out);
                } else {
                    english::ask(rng, scale, out);
                }
            }
            Slot::Problem => problem::write(self.problems.seed, self.problem, self.problems.subject, self.topic, out),
            Slot::Document => {
                let bytes = bytes(rng);
                english::prose(rng, bytes, out);
            }
            Slot::Source => {
                let bytes = bytes(rng);
                project.source(rng, bytes, out);
            }
            Slot::Trace => project.trace(rng, out),
            Slot::Foreign => {
                let bytes = bytes(rng);
                tongues::tongue(own).prose(rng, bytes, out);
            }
            Slot::UserName => expand("$f", own, out),
            Slot::Settings => expand(
                "{tone|voice}: $a; {level|tier}: {beginner|expert|$a}; interests: $s, $s{, $s|}; {city|home}: $c; {job|role}: $j; {units|dates}: {metric|imperial|ISO}; {avoid|never}: $s{; pets: $p the $n|}",
                own,
                out,
            ),
            Slot::Volatile => _ = write!(out, "{:05x}", rng.next() >> 44),
            Slot::Environment => {
                out.push_str("cwd: /home/");
                expand("$i/$i", own, out);
                _ = write!(out, "\ndate: day {}\nopen: ", self.ask.now_ms / DAY_MS);
                for _ in 0..rng.between(1, 4) {
                    project.path(rng, out);
                    out.push(' ');
                }
            }
            Slot::Table => {
                let bytes = bytes(rng) / 2;
                table(rng, bytes, out);
            }
            Slot::Stamp => {
                _ = write!(
                    out,
                    "run {} day {} hour {}",
                    self.ask.made,
                    self.ask.now_ms / DAY_MS,
                    self.ask.now_ms / 3_600_000 % 24
                )
            }
            Slot::Attack => library::attack(rng, out),
        }
    }
}

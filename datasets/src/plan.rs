//! Who is in the log: cohorts, their accounts, how many requests each makes and when. The plan is made once; its size is that
//! of the accounts, not of the requests.

use crate::cohort::{Cohort, Operation, Org, Script};
use crate::num::{count, index, low32, real, whole};
use crate::person::{Culture, Viral};
use crate::rhythm::{Clock, DAY_MS, Day, HOUR_MS, Pace, Rhythms, apportion, clock_of, zone};
use crate::rng::{Rng, key, key_of_name};
use crate::spec::{CampaignSpec, SpecError, Succession, TrapSpec};
use crate::{english, library, traps};

/// What to generate.
#[derive(Debug, Clone)]
pub struct Model {
    /// How many requests, exactly.
    pub requests: u64,
    /// How many accounts of people; `None` is one for 25 innocent requests.
    pub accounts: Option<u64>,
    /// The seed: the same model with the same seed gives the same bytes.
    pub seed: u64,
    /// Unix time of the beginning, ms.
    pub start_ms: u64,
    /// Days from the first request to the last.
    pub days: u64,
    /// The campaigns.
    pub campaigns: Vec<CampaignSpec>,
    /// The traps.
    pub traps: TrapSpec,
    /// Mean bytes of prompts, about.
    pub bytes_mean: f64,
}

/// An account on its way through the window.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// Its cohort.
    pub(crate) cohort: u32,
    /// Its number in it.
    pub(crate) member: u32,
    /// Its key, from which everything about it follows.
    pub(crate) who: u64,
    /// Its clock.
    pub(crate) clock: u32,
    /// Requests to come.
    pub(crate) left: u32,
    /// When it lives, ms from the beginning.
    pub(crate) life: (u64, u64),
}

/// Cohorts, clocks and accounts.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) cohorts: Vec<Cohort>,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) actors: Vec<Actor>,
    pub(crate) culture: Culture,
}

/// How the requests of a cohort fall on its accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volumes {
    /// A few accounts make most of them.
    Heavy,
    /// All about alike.
    Even,
}

/// When the accounts of a cohort live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Life {
    /// All through the window.
    Whole,
    /// Some come late, some leave early.
    Churn,
    /// For about this many days somewhere in the window.
    Days(f64),
}

/// Assembles a plan.
pub(crate) struct Planner<'a> {
    pub(crate) model: &'a Model,
    pub(crate) plan: Plan,
    pub(crate) window_ms: u64,
}

impl Plan {
    /// Plans a model.
    ///
    /// # Errors
    /// [`SpecError`] when the campaigns ask for more requests than the log has.
    pub(crate) fn new(model: &Model) -> Result<Self, SpecError> {
        let days = model.days.max(1);
        let culture = Culture {
            window_ms: days * DAY_MS,
            scale: 1.0,
            collections: (0..150)
                .map(|i| library::collection(format!("public/{i}"), key(&[model.seed, 71, i])))
                .collect(),
            virals: virals(model),
            collection_share: model.traps.share("public") * 1.6,
            viral_share: model.traps.share("viral") * 1.6,
        };
        let plan = Self {
            cohorts: Vec::new(),
            clocks: Rhythms::new(model.start_ms, days).into_clocks(),
            actors: Vec::new(),
            culture,
        };
        let mut planner = Planner { model, plan, window_ms: days * DAY_MS };
        for (i, spec) in model.campaigns.iter().enumerate() {
            planner.campaign(i, spec);
        }
        let guilty: u64 = planner.plan.actors.iter().map(|actor| u64::from(actor.left)).sum();
        let innocent = model.requests.checked_sub(guilty).ok_or_else(|| SpecError {
            part: format!("--requests {}", model.requests),
            expected: format!("at least {guilty}, which is what the campaigns make"),
        })?;
        traps::plan(&mut planner, innocent);
        let placed: u64 = planner.plan.actors.iter().map(|actor| u64::from(actor.left)).sum();
        planner.people(model.requests.saturating_sub(placed), innocent);
        Ok(planner.plan)
    }
}

fn virals(model: &Model) -> Vec<Viral> {
    let mut rng = Rng::of(&[model.seed, 73]);
    let mut virals: Vec<Viral> = (0..model.days.max(1) * 2)
        .map(|_| {
            let onset = rng.below(model.days.max(1) * DAY_MS);
            let mut text = String::new();
            english::ask(&mut rng, 1.8, &mut text);
            Viral { onset, text }
        })
        .collect();
    virals.sort_by(|a, b| (a.onset, &a.text).cmp(&(b.onset, &b.text)));
    virals
}

impl Planner<'_> {
    /// Adds a cohort; its accounts come next.
    pub(crate) fn cohort(&mut self, cohort: Cohort) -> u32 {
        self.plan.cohorts.push(cohort);
        low32(count(self.plan.cohorts.len() - 1))
    }

    /// Adds a clock of its own.
    pub(crate) fn clock(&mut self, clock: Clock) -> usize {
        self.plan.clocks.push(clock);
        self.plan.clocks.len() - 1
    }

    /// The key of an account.
    fn who(&self, cohort: u32, member: u64) -> u64 {
        let name = self.plan.cohorts.get(index(u64::from(cohort))).map_or("", |c| c.name.as_str());
        key(&[self.model.seed, key_of_name(name), member, 79])
    }

    /// Adds `accounts` accounts that make `requests` requests together.
    pub(crate) fn accounts(
        &mut self,
        cohort: u32,
        accounts: u64,
        requests: u64,
        volumes: Volumes,
        life: Life,
        day: Result<Day, usize>,
    ) {
        let weights: Vec<f64> = (0..accounts)
            .map(|member| {
                let mut rng = Rng::of(&[self.who(cohort, member), 83]);
                match volumes {
                    Volumes::Heavy => rng.pareto(1.15, 400.0) * rng.lognormal(1.0, 0.6),
                    Volumes::Even => 0.6 + 0.8 * rng.unit(),
                }
            })
            .collect();
        for (member, requests) in (0..accounts).zip(apportion(requests, &weights)) {
            let who = self.who(cohort, member);
            let mut rng = Rng::of(&[who, 89]);
            let window = real(self.window_ms);
            let life = match life {
                Life::Whole => (0, self.window_ms),
                Life::Churn => {
                    let from = if rng.chance(0.3) { rng.unit() * 0.9 } else { 0.0 };
                    let to = if rng.chance(0.2) { from + (1.0 - from) * (0.05 + 0.9 * rng.unit()) } else { 1.0 };
                    (whole(from * window), whole(to * window))
                }
                Life::Days(days) => {
                    let length = (rng.lognormal(days, 0.5) * real(DAY_MS)).min(window);
                    let from = rng.unit() * (window - length);
                    (whole(from), whole(from + length))
                }
            };
            let clock = match day {
                Ok(day) => clock_of(day, zone(&mut rng)),
                Err(own) => own,
            };
            self.actor(cohort, member, clock, requests, life);
        }
    }

    fn actor(&mut self, cohort: u32, member: u64, clock: usize, requests: u64, life: (u64, u64)) {
        let who = self.who(cohort, member);
        if requests > 0 {
            let (member, left, clock) =
                (low32(member), u32::try_from(requests).unwrap_or(u32::MAX), low32(count(clock)));
            self.plan.actors.push(Actor { cohort, member, who, clock, left, life });
        }
    }

    /// Adds a campaign: its templates, and accounts that follow one another.
    fn campaign(&mut self, position: usize, spec: &CampaignSpec) {
        let seed = key(&[self.model.seed, count(position), 97]);
        let name = if spec.name.is_empty() { format!("c{}", position + 1) } else { spec.name.clone() };
        let mut skeletons = Vec::new();
        for i in 0..u64::from(spec.templates) {
            for language in 0..index(u64::from(spec.languages.max(1))) {
                skeletons.push(match (i, language) {
                    (0, 0) if spec.published => traps::published(self.model.seed),
                    (_, 0) => library::elicitation(format!("{name}f{}", i + 1), key(&[seed, i])),
                    _ => library::elicitation_abroad(format!("{name}f{}", i + 1), key(&[seed, i]), language),
                });
            }
        }
        let operation = Operation {
            spec: spec.clone(),
            skeletons,
            seed,
            cloak: spec.cloak.then(|| traps::agent(self.model.seed, 0)),
        };
        let session = if spec.hydra.is_some() { 3.0 } else { spec.session };
        let cohort = self.cohort(Cohort {
            name: format!("campaign/{name}"),
            kind: "campaign",
            org: Org::None,
            campaign: Some(name),
            pace: Pace { session, gap_ms: 90_000.0, spread: 0.8 },
            script: Script::Campaign(Box::new(operation)),
            end_users: false,
        });
        let mut rng = Rng::of(&[seed, 101]);
        let begin = (spec.start_day * real(DAY_MS)).min(real(self.window_ms) * 0.95);
        let lasts = if spec.days > 0.0 { spec.days * real(DAY_MS) } else { f64::INFINITY };
        let end = (begin + lasts).min(real(self.window_ms));
        let mean_life = f64::midpoint(spec.lifetime.0, spec.lifetime.1) * real(DAY_MS);
        let seats = whole((f64::from(spec.accounts) * mean_life / (end - begin)).max(1.0)) + 1;
        let mut seat_ends: Vec<f64> =
            (0..seats).map(|_| begin + rng.unit() * (mean_life * 0.5).min(end - begin)).collect();
        for member in 0..u64::from(spec.accounts) {
            let length = (spec.lifetime.0 + rng.unit() * (spec.lifetime.1 - spec.lifetime.0)) * real(DAY_MS);
            let length = length.min(end - begin);
            let from = match spec.succession {
                Succession::Burst => begin + rng.unit() * (2.0 * real(DAY_MS)).min((end - begin) * 0.2),
                Succession::Uniform => begin + rng.unit() * (end - begin - length),
                Succession::Chain => {
                    let seat = (0..seat_ends.len()).min_by(|&a, &b| seat_ends[a].total_cmp(&seat_ends[b])).unwrap_or(0);
                    let from = seat_ends.get(seat).copied().unwrap_or(begin).min(end - length.min(end - begin));
                    if let Some(slot) = seat_ends.get_mut(seat) {
                        *slot = from + length + rng.lognormal(3.0, 0.8) * real(HOUR_MS);
                    }
                    from
                }
            };
            let (mut life, mut requests) = ((whole(from), whole((from + length).min(end))), 0.0);
            if spec.one_shot {
                requests = 1.0;
            } else if spec.hydra.is_some() {
                life = (0, self.window_ms);
                requests += rng.pareto(1.15, 40.0) * 12.0 * real(self.window_ms / DAY_MS) / 30.0;
                let share = spec.hydra.unwrap_or(1.0);
                requests =
                    requests.max(spec.rate / share * rng.lognormal(1.0, 0.3) * real(self.window_ms / DAY_MS) / 10.0);
            } else {
                requests += spec.rate / (1.0 - spec.cover) * (length / real(DAY_MS)) * (0.5 + rng.unit());
            }
            let clock = clock_of(if spec.hydra.is_some() { Day::Leisure } else { Day::Flat }, zone(&mut rng));
            self.actor(cohort, member, clock, whole(requests + rng.unit()).max(1), life);
        }
    }

    /// Adds the people who make the rest: two in five in office hours.
    fn people(&mut self, requests: u64, innocent: u64) {
        let others = count(self.plan.actors.len());
        let wanted = self.model.accounts.map_or(innocent / 25, |accounts| accounts.saturating_sub(others));
        let accounts = wanted.max(requests / 2_000).max(2);
        let (office, at_work) = ((accounts * 2 / 5).max(1), requests * 2 / 5);
        for (name, accounts, requests, day) in [
            ("people at work", office, at_work, Day::Office),
            ("people at home", accounts - office, requests - at_work, Day::Leisure),
        ] {
            let cohort = self.cohort(Cohort {
                name: name.to_owned(),
                kind: "human",
                org: Org::None,
                campaign: None,
                pace: Pace { session: 3.0, gap_ms: 100_000.0, spread: 0.9 },
                script: Script::Person,
                end_users: false,
            });
            self.accounts(cohort, accounts, requests, Volumes::Heavy, Life::Churn, Ok(day));
        }
    }
}

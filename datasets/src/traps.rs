//! The traps: innocent traffic that shares templates, timing or content, each for another reason. A detector that accuses any
//! of it is wrong.

use crate::cohort::{Cohort, Marks, Org, Problems, Script, Templated};
use crate::library;
use crate::num::{count, index, real, whole};
use crate::plan::{Life, Planner, Volumes};
use crate::problem::Subject;
use crate::rhythm::{Clock, DAY_MS, Day, HOUR_MS, Pace};
use crate::rng::{Rng, key};
use crate::skeleton::{Skeleton, Slot};

/// How many IDE agents are popular.
const AGENTS: u64 = 3;

/// A popular IDE agent; campaigns that cloak use the first one.
pub(crate) fn agent(seed: u64, which: u64) -> Skeleton {
    library::agent(format!("ide/{which}"), key(&[seed, 137, which]))
}

/// The distillation template that was published: honest researchers use it, and a campaign may.
pub(crate) fn published(seed: u64) -> Skeleton {
    library::elicitation("published/0".to_owned(), key(&[seed, 139]))
}

const CALM: Pace = Pace { session: 2.5, gap_ms: 60_000.0, spread: 0.9 };
const BATCH: Pace = Pace { session: 80.0, gap_ms: 1_200.0, spread: 0.6 };

/// What most traps have in common; each changes what it is about.
fn templated(skeletons: Vec<Skeleton>) -> Templated {
    let problems = Problems { seed: 0, subject: Subject::General, size: 1, in_order: false };
    Templated { skeletons, one_each: false, problems, own: 0.0, bytes: 700.0, tools: false, marks: Marks::None }
}

fn cohort(name: String, kind: &'static str, org: Org, pace: Pace, script: Templated) -> Cohort {
    Cohort { name, kind, org, campaign: None, pace, script: Script::Templated(script), end_users: false }
}

/// How many groups of about `each` requests a budget makes, at least one where there is a budget. In a log below a quarter of
/// a million requests groups are smaller, down to a quarter, so that a small log has as many kinds of trouble as a large one.
fn groups(planner: &Planner<'_>, requests: u64, each: u64, most: u64) -> u64 {
    let small = (real(planner.model.requests) / 250_000.0).clamp(0.25, 1.0);
    if requests == 0 { 0 } else { (requests / whole(real(each) * small).max(1)).clamp(1, most) }
}

/// The part of a budget that group `i` of `n` gets.
fn part(requests: u64, n: u64, i: u64) -> u64 {
    requests / n + u64::from(i < requests % n)
}

/// Adds all traps; `innocent` is the number of innocent requests in the log.
pub(crate) fn plan(planner: &mut Planner<'_>, innocent: u64) {
    let budget = |planner: &Planner<'_>, name: &str| whole(real(innocent) * planner.model.traps.share(name));
    let seed = planner.model.seed;
    let n = budget(planner, "app");
    apps(planner, n, seed);
    let n = budget(planner, "eval");
    evals(planner, n, seed);
    let n = budget(planner, "fleet");
    fleets(planner, n, seed);
    let n = budget(planner, "reseller");
    resellers(planner, n, seed);
    let n = budget(planner, "byok");
    own_keys(planner, n, seed);
    let n = budget(planner, "private");
    private_code(planner, n, seed);
    let n = budget(planner, "ide");
    agents(planner, n, seed);
    let n = budget(planner, "coursework");
    coursework(planner, n, seed);
    let n = budget(planner, "cron");
    scheduled(planner, n, seed);
    let n = budget(planner, "ab");
    experiments(planner, n, seed);
    let n = budget(planner, "localised");
    localised(planner, n, seed);
    let n = budget(planner, "redteam");
    red_teams(planner, n, seed);
    let n = budget(planner, "translate");
    translators(planner, n, seed);
    let n = budget(planner, "researcher");
    researchers(planner, n, seed);
    let n = budget(planner, "published");
    readers(planner, n, seed);
    let n = budget(planner, "marks");
    marked(planner, n, seed);
}

/// Apps of one organisation each, with one to seven keys.
fn apps(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 350, 4_000);
    let weights: Vec<f64> = (0..n).map(|i| Rng::of(&[seed, i, 149]).pareto(1.2, 60.0)).collect();
    for (i, requests) in (0..n).zip(crate::rhythm::apportion(requests, &weights)) {
        let mut rng = Rng::of(&[seed, i, 151]);
        let skeleton = library::app(format!("app/{i}"), key(&[seed, 157, i]));
        let cohort =
            Cohort { end_users: true, ..cohort(format!("app/{i}"), "app", Org::One, CALM, templated(vec![skeleton])) };
        let cohort = planner.cohort(cohort);
        let accounts = rng.pick(&[1, 1, 1, 2, 2, 3, 5, 7]).min(requests.max(1));
        let day = rng.pick(&[Some(Day::Office), Some(Day::Leisure), Some(Day::Flat)]).unwrap_or(Day::Flat);
        planner.accounts(cohort, accounts, requests, Volumes::Heavy, Life::Churn, Ok(day));
    }
}

/// Benchmarks that many strangers run, each in bursts, most of them in full or from the beginning.
fn evals(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 500, 24);
    for i in 0..n {
        let mut rng = Rng::of(&[seed, i, 163]);
        let subject = Subject::ALL[index(i % count(Subject::ALL.len()))];
        let skeleton = library::benchmark(format!("eval/{i}"), key(&[seed, 167, i]), subject);
        let problems =
            Problems { seed: key(&[seed, 173, i]), subject, size: rng.between(60, 1_500), in_order: rng.chance(0.7) };
        let script = Templated { problems, own: 0.08, ..templated(vec![skeleton]) };
        let cohort = planner.cohort(cohort(format!("eval/{i}"), "eval", Org::None, BATCH, script));
        let requests = part(requests, n, i);
        planner.accounts(cohort, (requests / 30).max(6), requests, Volumes::Heavy, Life::Days(4.0), Ok(Day::Office));
    }
}

/// One firm with 50 to 500 keys over one template: a campaign in every statistic but its owner.
fn fleets(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 4_000, 40);
    for i in 0..n {
        let mut rng = Rng::of(&[seed, i, 179]);
        let requests = part(requests, n, i);
        let skeletons =
            (0..rng.between(1, 2)).map(|j| library::app(format!("fleet/{i}.{j}"), key(&[seed, 181, i, j]))).collect();
        let cohort = planner.cohort(cohort(format!("fleet/{i}"), "fleet", Org::One, CALM, templated(skeletons)));
        let life = if rng.chance(0.5) { Life::Whole } else { Life::Days(8.0) };
        planner.accounts(cohort, (requests / 20).clamp(10, 500), requests, Volumes::Even, life, Ok(Day::Flat));
    }
}

/// A reseller's app at many customers, each an organisation with its own users.
fn resellers(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 5_000, 30);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeletons = (0..3).map(|j| library::app(format!("reseller/{i}.{j}"), key(&[seed, 191, i, j]))).collect();
        let script = Templated { one_each: true, ..templated(skeletons) };
        let cohort = Cohort { end_users: true, ..cohort(format!("reseller/{i}"), "reseller", Org::Each, CALM, script) };
        let cohort = planner.cohort(cohort);
        planner.accounts(cohort, (requests / 40).max(5), requests, Volumes::Heavy, Life::Churn, Ok(Day::Office));
    }
}

/// Bring-your-own-key apps: each user's name and settings stand in the system text; some users only try them out, for days and all alike.
fn own_keys(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 3_000, 40);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeleton = library::personal_app(format!("byok/{i}"), key(&[seed, 193, i]));
        let trial = requests / 4;
        for (name, requests, life, each, volumes) in [
            ("users", requests - trial, Life::Churn, 20, Volumes::Heavy),
            ("trial", trial, Life::Days(5.0), 10, Volumes::Even),
        ] {
            let script = Templated { own: 0.1, ..templated(vec![skeleton.clone()]) };
            let cohort = planner.cohort(cohort(format!("byok/{i}/{name}"), "byok", Org::None, CALM, script));
            planner.accounts(cohort, (requests / each).max(3), requests, volumes, life, Ok(Day::Leisure));
        }
    }
}

/// Pipelines over private code: one skeleton, many strangers, content that is all their own.
fn private_code(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 3_000, 40);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeleton = library::code_review(format!("private/{i}"), key(&[seed, 197, i]));
        let script = Templated { bytes: 900.0, ..templated(vec![skeleton]) };
        let cohort = planner.cohort(cohort(format!("private/{i}"), "private", Org::Each, CALM, script));
        planner.accounts(cohort, (requests / 30).max(4), requests, Volumes::Even, Life::Churn, Ok(Day::Office));
    }
}

/// Popular IDE agents: thousands of strangers behind one long system text that changes a token each turn.
fn agents(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    for i in 0..if requests == 0 { 0 } else { AGENTS } {
        let requests = part(requests, AGENTS, i);
        let script = Templated { bytes: 600.0, tools: true, own: 0.05, ..templated(vec![agent(seed, i)]) };
        let pace = Pace { session: 12.0, gap_ms: 40_000.0, spread: 1.0 };
        let cohort = planner.cohort(cohort(format!("ide/{i}"), "ide", Org::None, pace, script));
        planner.accounts(cohort, (requests / 16).max(5), requests, Volumes::Heavy, Life::Churn, Ok(Day::Office));
    }
}

/// Courses: the same tasks in the same hour, from new accounts, week after week.
fn coursework(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 800, 60);
    for i in 0..n {
        let mut rng = Rng::of(&[seed, i, 199]);
        let requests = part(requests, n, i);
        let skeletons =
            (0..3).map(|j| library::assignment(format!("coursework/{i}.{j}"), key(&[seed, 211, i, j]))).collect();
        let first = rng.below(7) * DAY_MS + rng.between(7, 19) * HOUR_MS;
        let spans: Vec<(u64, u64)> = (0..5)
            .map(|week| first + week * 7 * DAY_MS)
            .filter(|&t| t + 2 * HOUR_MS <= planner.window_ms)
            .map(|t| (t, t + rng.between(50, 110) * 60_000))
            .collect();
        let spans = if spans.is_empty() { vec![(0, planner.window_ms)] } else { spans };
        let clock = planner.clock(Clock::spans(&spans));
        let problems = Problems {
            seed: key(&[seed, 223, i]),
            subject: rng.pick(&[Some(Subject::Code), Some(Subject::Math)]).unwrap_or(Subject::Code),
            size: 6,
            in_order: true,
        };
        let script = Templated { problems, own: 0.3, ..templated(skeletons) };
        let pace = Pace { session: 3.0, gap_ms: 240_000.0, spread: 0.6 };
        let cohort = planner.cohort(cohort(format!("coursework/{i}"), "coursework", Org::None, pace, script));
        planner.accounts(cohort, (requests / 9).max(4), requests, Volumes::Even, Life::Whole, Err(clock));
    }
}

/// Scheduled jobs: the same words every night, and again when they fail.
fn scheduled(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 120, 2_000);
    for i in 0..n {
        let skeleton = library::scheduled(format!("cron/{i}"), key(&[seed, 227, i]));
        let pace = Pace { session: 1.3, gap_ms: 20_000.0, spread: 0.3 };
        let cohort = planner.cohort(cohort(format!("cron/{i}"), "cron", Org::One, pace, templated(vec![skeleton])));
        planner.accounts(cohort, 1, part(requests, n, i), Volumes::Even, Life::Whole, Ok(Day::Night));
    }
}

/// A/B tests: one app, two wordings that differ a little, dealt to its keys.
fn experiments(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 1_500, 60);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeletons = library::variants(&format!("ab/{i}"), key(&[seed, 229, i]), 3);
        let script = Templated { one_each: true, ..templated(skeletons) };
        let cohort = planner.cohort(cohort(format!("ab/{i}"), "ab", Org::One, CALM, script));
        planner.accounts(cohort, (requests / 60).clamp(2, 30), requests, Volumes::Even, Life::Churn, Ok(Day::Leisure));
    }
}

/// An app sold in several languages to strangers: one design, other words.
fn localised(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 2_500, 40);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeletons =
            (0..6).map(|j| library::localised(&format!("localised/{i}"), key(&[seed, 233, i]), j)).collect();
        let script = Templated { one_each: true, bytes: 300.0, ..templated(skeletons) };
        let cohort = planner.cohort(cohort(format!("localised/{i}"), "localised", Org::None, CALM, script));
        planner.accounts(cohort, (requests / 25).max(6), requests, Volumes::Heavy, Life::Churn, Ok(Day::Leisure));
    }
}

/// Red teams: one firm's testers with scaffolds and provocations, in bursts.
fn red_teams(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 1_500, 30);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeletons =
            (0..4).map(|j| library::red_team(format!("redteam/{i}.{j}"), key(&[seed, 239, i, j]))).collect();
        let script = Templated { own: 0.1, ..templated(skeletons) };
        let cohort = planner.cohort(cohort(format!("redteam/{i}"), "redteam", Org::One, BATCH, script));
        planner.accounts(
            cohort,
            (requests / 70).clamp(3, 25),
            requests,
            Volumes::Even,
            Life::Days(6.0),
            Ok(Day::Office),
        );
    }
}

/// Translation plug-ins: strangers' texts behind one head.
fn translators(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 3_000, 20);
    for i in 0..n {
        let requests = part(requests, n, i);
        let skeleton = library::translator(format!("translate/{i}"), key(&[seed, 241, i]));
        let script = Templated { bytes: 450.0, own: 0.05, ..templated(vec![skeleton]) };
        let pace = Pace { session: 8.0, gap_ms: 4_000.0, spread: 0.7 };
        let cohort = planner.cohort(cohort(format!("translate/{i}"), "translate", Org::None, pace, script));
        planner.accounts(cohort, (requests / 25).max(5), requests, Volumes::Heavy, Life::Churn, Ok(Day::Leisure));
    }
}

/// Honest researchers with a published distillation template, each over problems of their own, in bursts.
fn researchers(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 250, 200);
    for i in 0..n {
        let requests = part(requests, n, i);
        let subject = Subject::ALL[index(i % count(Subject::ALL.len()))];
        let which = i % 3;
        let skeleton = library::elicitation(format!("researcher/{which}"), key(&[seed, 251, which]));
        let problems = Problems { seed: key(&[seed, 257, i]), subject, size: 400, in_order: true };
        let script = Templated { problems, own: 0.15, ..templated(vec![skeleton]) };
        let cohort = planner.cohort(cohort(format!("researcher/{i}"), "researcher", Org::None, BATCH, script));
        planner.accounts(cohort, 1 + i % 2, requests, Volumes::Even, Life::Days(10.0), Ok(Day::Office));
    }
}

/// Readers who try the published template that a campaign uses too: a few requests each, among many of their own.
fn readers(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    if requests == 0 {
        return;
    }
    let problems = Problems { seed: key(&[seed, 263]), subject: Subject::General, size: 1_000_000, in_order: false };
    let script = Templated { problems, own: 0.7, ..templated(vec![published(seed)]) };
    let cohort = planner.cohort(cohort("published".to_owned(), "published", Org::None, CALM, script));
    planner.accounts(cohort, (requests / 12).max(5), requests, Volumes::Heavy, Life::Churn, Ok(Day::Leisure));
}

/// Letters that are not what they seem, and nobody hides: tools that paste invisible characters at the same places of every
/// prompt, or at others with each release; a watermark; scans and typeset texts behind a plain head. Their customers let
/// machines run them: even, every day, all they do. And writers who mix scripts.
fn marked(planner: &mut Planner<'_>, requests: u64, seed: u64) {
    let n = groups(planner, requests, 3_000, 60);
    let steady = Pace { session: 1.2, gap_ms: 90_000.0, spread: 0.8 };
    for i in 0..n {
        let requests = part(requests, n, i);
        let (name, seed) = (format!("marks/{i}"), key(&[seed, 269, i]));
        let pasted = |release, mark| library::marked_tool(name.clone(), seed, release, mark, Slot::Ask);
        let (skeletons, marks, pace) = match i % 6 {
            0 => (vec![pasted(0, '\u{200b}')], Marks::None, steady),
            1 => ((0..4).map(|release| pasted(release, '\u{2060}')).collect(), Marks::Releases, steady),
            2 => (vec![library::plain_tool(name.clone(), seed, Slot::Document)], Marks::Slots(0.03), steady),
            3 => (vec![library::plain_tool(name.clone(), seed, Slot::Problem)], Marks::Slots(0.06), steady),
            4 => (vec![library::plain_tool(name.clone(), seed, Slot::Ask)], Marks::Watermark, steady),
            _ => (vec![library::plain_tool(name.clone(), seed, Slot::Foreign)], Marks::Slots(0.05), CALM),
        };
        let problems = Problems { seed, subject: Subject::General, size: 4_000, in_order: false };
        let script = Templated { marks, problems, bytes: 500.0, ..templated(skeletons) };
        let cohort = planner.cohort(cohort(name.clone(), "marks", Org::None, pace, script));
        planner.accounts(cohort, (requests / 30).max(6), requests, Volumes::Even, Life::Whole, Ok(Day::Flat));
    }
}

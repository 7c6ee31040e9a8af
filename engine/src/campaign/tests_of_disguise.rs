//! Letters disguised: what convicts a campaign that hides its template, and leaves a tool's, a scanner's and a writer's alone.

use super::chance::Random;
use super::tests::{DAY_MS, Log, members};
use super::*;

/// Whose letters are not what they seem.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Disguises {
    /// A campaign's: one word of the template in four, others with each request.
    Changing,
    /// The same, and half of what the template is filled with.
    Everywhere,
    /// A tool's, in three places of the template, other ones with each of two releases.
    Pasted,
    /// A scanner's, in what the template is filled with.
    Scanned,
}

/// Six days of twelve accounts that do the same all day with one template, word for word, and of people with another.
fn first_days(seed: u64, disguises: Disguises, mirrored: bool) -> Findings {
    let (mut random, mut log) = (Random::new(seed, 8), Log::default());
    log.mirrored = mirrored;
    log.families = 2;
    for _ in 0..12 {
        let account = log.account(None);
        let begin = num::i64_of_f64(random.unit() * 86_400_000.0);
        for hour in (0..120).step_by(6) {
            let at = begin + num::i64_of_f64((f64::from(hour) + 6.0 * random.unit()) * 3_600_000.0);
            if random.unit() < 0.2 {
                continue;
            }
            let (value, release) = (random.bits(), if at > 3 * DAY_MS { 4 } else { 0 });
            log.send_hidden(at, account, (0..20).map(|place| place * 4).collect(), value, |token| match disguises {
                Disguises::Changing => random.unit() < 0.25,
                Disguises::Everywhere => random.unit() < if token >= 1 << 31 { 0.5 } else { 0.25 },
                Disguises::Pasted => [8 + release, 36 + release, 60 + release].contains(&token),
                Disguises::Scanned => token >= 1 << 31 && random.unit() < 0.5,
            });
        }
    }
    for _ in 0..300 {
        let account = log.account(None);
        for _ in 0..num::usize_of_f64(1.5 / (1.0 - random.unit()).max(0.02)) {
            let at = num::i64_of_f64(random.unit() * 6.0) * DAY_MS + num::i64_of_f64(random.unit() * 30_000_000.0);
            log.send(at, account, 1, (0..30).map(|place| 1000 + place * 4).collect(), random.bits());
        }
    }
    judge(&log.fill().columns(), &Options::default()).expect("columns agree")
}

#[test]
fn a_template_hidden_in_other_words_each_time_convicts_within_days() {
    for seed in 1..6 {
        // The first disguised word of each request tells it, or the last, wherever the words of the template stand.
        for (disguises, mirrored) in
            [(Disguises::Changing, false), (Disguises::Everywhere, false), (Disguises::Everywhere, true)]
        {
            let accused = members(&first_days(seed, disguises, mirrored));
            let found = accused.len() >= 11 && accused.iter().all(|&account| account < 12);
            assert!(found, "seed {seed}: {disguises:?} {mirrored}: {accused:?}");
        }
    }
}

/// An editor's invisible characters counted as disguise for all its customers, whose machines are even, steady and busy.
#[test]
fn letters_that_nobody_chose_to_disguise_are_no_evidence() {
    for seed in 1..6 {
        for (disguises, mirrored) in [
            (Disguises::Pasted, false),
            (Disguises::Pasted, true),
            (Disguises::Scanned, false),
            (Disguises::Scanned, true),
        ] {
            let findings = first_days(seed, disguises, mirrored);
            let judged: Vec<&Judgement> = (findings.units.iter().map(|unit| &unit.judgement))
                .filter(|judgement| judgement.disguise.share > 0.5)
                .collect();
            assert!(!judged.is_empty() && findings.campaigns.is_empty(), "seed {seed}: {disguises:?}");
            for judgement in judged {
                assert!(!judgement.holds(Kind::Wording), "seed {seed}: {disguises:?}: {:?}", judgement.disguise);
                // A firm's fleet would look so too: that is for review.
                assert!(judgement.verdict < Verdict::Convicted, "seed {seed}: {disguises:?}");
            }
        }
    }
}

/// Where each request is worded anew nobody wears a common wording: who hides the template is told by that, a tool's
/// customer is not.
#[test]
fn whoever_hides_a_template_that_is_rewritten_is_told_by_it() {
    let (mut random, mut log) = (Random::new(41, 1), Log::default());
    log.families = 1;
    let accounts: Vec<u32> = (0..10).map(|_| log.account(None)).collect();
    for &account in &accounts {
        // The last one scans what the template is filled with, and one misprint in thirty meets a word of the template.
        let requests = if account == 9 { 200 } else { 40 };
        for request in 0..requests {
            let words: Vec<u32> = (0..30u32).map(|place| place * 4 + num::low32(random.bits()) % 2).collect();
            let at = request * 40 / requests * DAY_MS / 6 + num::i64_of_f64(random.unit() * 10_000_000.0);
            let value = random.bits();
            let met = if request % 30 == 0 { request / 30 } else { i64::MAX };
            log.send_hidden(at, account, words, value, |token| match account {
                8 => [8, 9, 36].contains(&token),
                9 => token >= 1 << 31 && random.unit() < 0.5 || i64::from(token / 4) == met,
                _ => random.unit() < 0.2,
            });
        }
    }
    log.popular(&mut random, 1, 60);
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let view =
        ledger.view((0..num::u32_saturating(columns.account.len())).filter(|&row| ledger.family(row) == 0).collect());
    let mut judgement = Judgement::plain(Verdict::Convicted, Reason::Coordinated);
    judgement.disguise = disguise::measure(&ledger, &view, &view.edges, &[]);
    assert!(judgement.disguise.evades(), "{:?}", judgement.disguise);
    judgement.evidence = [Kind::Wording, Kind::Dedication]
        .map(|kind| Evidence { kind, value: 0.9, null: 0.0, p: 1e-9, n: 9, holds: true })
        .to_vec();
    let portrait = strength::portrait(&ledger, &view, &judgement);
    let hides = |edge: &&Edge| judgement.disguise.hides(&ledger, &view, edge);
    assert_eq!(view.edges.iter().filter(hides).map(|edge| edge.account).collect::<Vec<u32>>(), accounts[..8]);
    let told = |edge: &Edge| strength::strength(&ledger, &view, edge, &judgement, &portrait) >= strength::ACCUSE_MIN;
    let told: Vec<u32> = view.edges.iter().filter(|edge| told(edge)).map(|edge| edge.account).collect();
    assert_eq!(told, accounts[..8]);
}

/// Nine accounts deal two templates out and write each request anew, so that a word of either stands in a sixth of all requests.
#[test]
fn words_of_a_template_are_told_among_the_requests_with_it() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 42), Log::default());
        log.families = 1;
        for _ in 0..9 {
            let account = log.account(None);
            for request in 0..16 {
                let base = 1000 * (request % 2);
                let words = (0..30u32).map(|place| base + place * 4 + num::low32(random.bits()) % 3).collect();
                let at = i64::from(request) * DAY_MS / 3 + num::i64_of_f64(random.unit() * 20_000_000.0);
                let value = random.bits();
                log.send_hidden(at, account, words, value, |_| random.unit() < 0.25);
            }
        }
        log.popular(&mut random, 1, 60);
        let filled = log.fill();
        let columns = filled.columns();
        let ledger = Ledger::new(&columns);
        let rows = || (0..num::u32_saturating(columns.account.len())).filter(|&row| ledger.family(row) == 0);
        let is_first = |row: &u32| ledger.tokens(*row).first().is_some_and(|&token| token < 1000);
        let view = ledger.view(rows().collect());
        let pieces = [
            ledger.view(rows().filter(is_first).collect()),
            ledger.view(rows().filter(|row| !is_first(row)).collect()),
        ];
        let told = disguise::measure(&ledger, &view, &view.edges, &[&pieces[0], &pieces[1]]);
        assert!(told.evades(), "seed {seed}: {told:?}");
        let mixed = disguise::measure(&ledger, &view, &view.edges, &[&view]);
        assert!(told.p_places < 1e-3 * mixed.p_places, "seed {seed}: half of the template is not seen: {mixed:?}");
    }
}

/// A word that one request hides behind another hidden one, and the next request by itself, has not changed in between.
#[test]
fn a_word_hidden_at_either_end_is_hidden() {
    let (mut random, mut log) = (Random::new(7, 7), Log::default());
    log.families = 1;
    for _ in 0..6 {
        let account = log.account(None);
        for request in 0..12 {
            let hidden: &[u32] = [&[][..], &[0, 40], &[40]][request % 3];
            let at = num::i64_of_f64(num::f64_of(request)) * DAY_MS / 2;
            let words = (0..15).map(|place| place * 4).collect();
            log.send_hidden(at, account, words, random.bits(), |token| hidden.contains(&token));
        }
    }
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let view = ledger.view((0..num::u32_saturating(columns.account.len())).collect());
    let disguise = disguise::measure(&ledger, &view, &view.edges, &[]);
    assert_eq!(disguise.words, 1, "{disguise:?}");
}

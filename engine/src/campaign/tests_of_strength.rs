//! Who in a convicted view is a member, and who merely copies what it words.

use super::chance::Random;
use super::tests::{DAY_MS, Log, members};
use super::*;

/// Which accounts of these families are taken for copiers, when they are one template.
fn copiers(log: Log, families: u32) -> Vec<u32> {
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let rows = (0..num::u32_saturating(columns.account.len())).filter(|&row| ledger.family(row) < families);
    let view = ledger.view(rows.collect());
    let wording = wording::compare(&ledger, &view, &view.edges, 1);
    assert!(wording.rarely_copied(), "{}", wording.identical);
    let templates = vec![(0..families).collect()];
    let judgement = Judgement { wording, templates, ..Judgement::plain(Verdict::Convicted, Reason::Coordinated) };
    let copies = strength::copiers(&ledger, &view, &judgement);
    view.edges.iter().zip(copies).filter(|&(_, copies)| copies).map(|(edge, _)| edge.account).collect()
}

/// Mining divides a reworded template by the words that its accounts drew: within a family many have drawn the same few.
#[test]
fn accounts_of_a_campaign_that_drew_the_same_words_are_no_copiers() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 8), Log::default());
        for (account, begin) in log.accounts(&mut random, 160) {
            // Two words by halves, which make the family, and four of which a quarter is reworded.
            let drawn: Vec<u32> =
                (0..6).map(|place| u32::from(random.unit() < if place < 2 { 0.5 } else { 0.26 })).collect();
            let wording: Vec<u32> = (0..).zip(&drawn).map(|(place, choice)| 4 * place + choice).collect();
            for request in 0..8 {
                log.send(begin + request, account, 2 * drawn[0] + drawn[1], wording.clone(), random.bits());
            }
        }
        log.families = 4;
        log.popular(&mut random, 4, 1500);
        assert_eq!(copiers(log, 4), [0; 0], "seed {seed}");
    }
}

/// A campaign rewords a published template, of which forty people use the published words.
#[test]
fn people_who_copy_what_a_campaign_rewords_are_copiers() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 9), Log::default());
        let accounts = log.accounts(&mut random, 120);
        log.template(&mut random, 0, 0, &accounts, 8);
        let readers = log.accounts(&mut random, 40);
        for &(account, begin) in &readers {
            for request in 0..8 {
                let published = (0..40).map(|place| place * 4).collect();
                log.send(begin + request, account, 0, published, random.bits());
            }
        }
        log.popular(&mut random, 1, 1500);
        let readers: Vec<u32> = readers.iter().map(|&(account, _)| account).collect();
        assert_eq!(copiers(log, 1), readers, "seed {seed}");
    }
}

/// A short template of which six words tell. Some accounts drew none of them; strangers whom mining put there
/// live as members do, and word it in a way of their own.
#[test]
fn of_whom_no_word_is_known_goes_with_the_family_and_who_words_it_otherwise_does_not() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 10), Log::default());
        log.families = 1;
        let accounts = log.accounts(&mut random, 66);
        for (place, &(account, begin)) in accounts.iter().enumerate() {
            let words: Vec<u32> = match place {
                0..54 => (0..6).map(|place| 4 * place + num::low32(random.bits()) % 2).collect(),
                54..60 => Vec::new(),
                _ => (0..6).map(|place| 1000 * account + place).collect(),
            };
            for _ in 0..10 {
                let at = begin + num::i64_of_f64(random.unit() * 7.0 * num::f64_of_i64(DAY_MS));
                log.send(at, account, 0, words.clone(), random.bits());
            }
        }
        log.popular(&mut random, 1, 300);
        let accused = members(&judge(&log.fill().columns(), &Options::default()).expect("columns agree"));
        let of = |places: std::ops::Range<u32>| accused.iter().filter(|&account| places.contains(account)).count();
        assert!(of(0..54) >= 53 && of(54..60) >= 5, "seed {seed}: {accused:?}");
        assert_eq!(of(60..500), 0, "seed {seed}: {accused:?}");
    }
}

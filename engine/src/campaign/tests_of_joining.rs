//! How fragments become what is judged: who goes with whom, who is left behind, and what is measured over the whole.

use super::chance::Random;
use super::evidence::{Evidence, Kind, Reason};
use super::tests::{DAY_MS, Log};
use super::*;

/// The rows of a family, as a unit.
fn of_family(ledger: &Ledger<'_>, family: u32) -> Unit {
    let rows = (0..num::u32_saturating(ledger.columns.account.len())).filter(|&row| ledger.family(row) == family);
    unit(vec![family], ledger.view(rows.collect()))
}

#[test]
fn a_few_accounts_go_with_the_party_they_are_like_or_work_in_and_others_stay_behind() {
    let (mut random, mut log) = (Random::new(1, 0), Log::default());
    let party = log.accounts(&mut random, 8);
    let alike = log.accounts(&mut random, 2);
    let strangers = log.accounts(&mut random, 2);
    log.template(&mut random, 0, 0, &party, 12);
    log.template(&mut random, 1, 0, &alike, 12);
    log.template(&mut random, 2, 5, &strangers, 12);
    // Two requests of other words, from accounts of the party: too few to count as users, and no strangers.
    log.template(&mut random, 3, 6, &party[..4], 2);
    log.popular(&mut random, 4, 200);
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let units: Vec<Unit> = (0..4).map(|family| of_family(&ledger, family)).collect();
    let views: Vec<&View> = units.iter().map(|unit| &unit.view).collect();
    assert_eq!(part::parties(&ledger, &views, &[0; 4], &ResidualOptions::default()), [vec![0, 1, 3], vec![2]]);
}

/// A party works with two templates; two more accounts were seen with the one that half of the party uses, and a stranger was
/// glued to it.
#[test]
fn a_few_accounts_are_held_against_the_template_that_they_word() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 12), Log::default());
        let party = log.accounts(&mut random, 12);
        let few = log.accounts(&mut random, 2);
        let strangers = log.accounts(&mut random, 2);
        log.template(&mut random, 0, 0, &party[..6], 12);
        log.template(&mut random, 1, 5, &party, 12);
        log.template(&mut random, 2, 0, &few, 12);
        log.template(&mut random, 3, 7, &strangers, 12);
        log.popular(&mut random, 4, 200);
        let filled = log.fill();
        let columns = filled.columns();
        let ledger = Ledger::new(&columns);
        let units: Vec<Unit> = (0..4).map(|family| of_family(&ledger, family)).collect();
        let views: Vec<&View> = units.iter().map(|unit| &unit.view).collect();
        let parties = |templates: &[usize]| part::parties(&ledger, &views, templates, &ResidualOptions::default());
        assert_eq!(parties(&[0, 1, 0, 0]), [vec![0, 1, 2], vec![3]], "seed {seed}");
        assert_eq!(parties(&[0; 4]), [vec![0, 1], vec![2, 3]], "seed {seed}: two templates at once are like neither");
    }
}

#[test]
fn a_party_that_shares_accounts_with_a_template_leaves_the_strangers_it_was_glued_to() {
    let (mut random, mut log) = (Random::new(2, 0), Log::default());
    let accounts = log.accounts(&mut random, 20);
    let strangers = log.accounts(&mut random, 480);
    log.template(&mut random, 0, 0, &accounts, 12);
    log.template(&mut random, 1, 5, &strangers, 12);
    log.template(&mut random, 2, 9, &accounts, 12);
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let mut units: Vec<Unit> = (0..3).map(|family| of_family(&ledger, family)).collect();
    let rows = units[..2].iter().flat_map(|unit| unit.view.rows.clone()).collect();
    units.push(Unit { parts: vec![0, 1], parted: true, ..unit(vec![0, 1], ledger.view(rows)) });
    let tops = [2, 3];
    let sets = fragments::by_accounts(&ledger, &units, &tops);
    assert!(sets.is_empty(), "the glued whole has five and twenty times the accounts");
    let opened = whole::opened(&units, &tops, &sets);
    let mut sets = fragments::by_accounts(&ledger, &units, &opened);
    whole::close(&ledger, &mut units, &tops, &mut sets);
    assert_eq!(sets, [vec![2, 0]]);
    assert_eq!(whole::hypotheses(&units), [0, 1, 2], "the glued whole is replaced, and no hypothesis any more");
    // Where all parties share accounts with the same template, the whole goes as it is.
    units[3].superseded = false;
    let mut sets = vec![vec![0, 1, 2], vec![0, 1]];
    whole::close(&ledger, &mut units, &tops, &mut sets);
    assert_eq!((sets, units[3].superseded), (vec![vec![2, 3]], false));
}

/// A campaign of 260 accounts has a third template that fourteen work with, ten of them beside the others.
#[test]
fn a_small_template_goes_with_a_large_one_that_most_of_its_accounts_use() {
    for (seed, common) in (1..6).flat_map(|seed| [(seed, 10), (seed, 5)]) {
        let (mut random, mut log) = (Random::new(seed, 11), Log::default());
        let accounts = log.accounts(&mut random, 260);
        let others = log.accounts(&mut random, 14 - common);
        log.template(&mut random, 0, 0, &accounts, 12);
        log.template(&mut random, 1, 5, &accounts[..common], 6);
        log.template(&mut random, 1, 5, &others, 6);
        log.popular(&mut random, 2, 3000);
        let filled = log.fill();
        let columns = filled.columns();
        let ledger = Ledger::new(&columns);
        let units: Vec<Unit> = (0..3).map(|family| of_family(&ledger, family)).collect();
        let sets = fragments::by_accounts(&ledger, &units, &[0, 1, 2]);
        let expected: &[Vec<usize>] = if common == 10 { &[vec![0, 1]] } else { &[] };
        assert_eq!(sets, expected, "seed {seed}, {common} in common");
    }
}

#[test]
fn parties_of_a_whole_of_several_templates_are_no_templates() {
    let view = View::default;
    let mut units = vec![unit(vec![0], view()), unit(vec![1], view()), unit(vec![2], view()), unit(vec![3], view())];
    let whole = Unit { parts: vec![2, 3], several_templates: true, pieces: vec![0, 1], ..unit(vec![0, 1], view()) };
    units.push(Unit { parted: true, ..whole.clone() });
    units.push(whole);
    assert_eq!(
        whole::pieces_of(&units, 4),
        [0, 1],
        "wording is compared within what was one template before it was parted"
    );
    assert_eq!(whole::pieces_of(&units, 5), [2, 3]);
    let glued = Unit { parts: vec![2, 3], parted: true, pieces: vec![0, 1], ..unit(vec![0, 1], view()) };
    units.push(glued);
    assert_eq!(whole::pieces_of(&units, 6), [2, 3], "glued apps are unlike each other, and not reworded");
}

#[test]
fn any_template_of_several_may_tell_that_each_account_keeps_to_its_wording() {
    let wording =
        |p_own: f64| Wording { p_own, p_copy: p_own, within: 0.9, profiled: 20, tested: 20, ..Wording::default() };
    let whole = Wording::together(vec![(300, wording(0.04)), (200, wording(1e-8))]);
    assert!((whole.p_own / 2e-8 - 1.0).abs() < 1e-9 && (whole.p_copy / 2e-8 - 1.0).abs() < 1e-9, "{}", whole.p_own);
    // A template of too few accounts to be held against strangers says nothing either way.
    let of_few = Wording { identical: 1.0, between: 1.0, p_own: 1.0, p_copy: 1.0, ..Wording::default() };
    let whole = Wording::together(vec![(300, of_few.clone()), (200, wording(1e-8))]);
    assert!((whole.within - 0.9).abs() < 1e-9 && (whole.p_own / 1e-8 - 1.0).abs() < 1e-9, "{whole:?}");
    assert!(whole.identical < 1e-9 && whole.between < 1e-9, "nor that it is copied: {whole:?}");
    let whole = Wording::together(vec![(300, of_few.clone()), (100, Wording { between: 0.6, ..Wording::default() })]);
    assert!((whole.between - 0.9).abs() < 1e-9, "unless there are no others: {whole:?}");
    // One that many copy, in too few requests each to have halves, does say that it is copied.
    let whole = Wording::together(vec![(600, Wording { profiled: 200, ..of_few }), (200, wording(1e-8))]);
    assert!((whole.identical - 0.75).abs() < 1e-9 && (whole.within - 0.9).abs() < 1e-9, "{whole:?}");
}

/// Eight accounts in words of their own; the same with words that come and go with each request; all in one wording; five customers of
/// eight keys each, every customer in words of its own.
#[test]
fn a_few_accounts_that_keep_to_their_own_words_are_beyond_doubt() {
    for seed in 1..6 {
        let measured = |style: u32| {
            let (mut random, mut log) = (Random::new(seed, u64::from(style)), Log::default());
            log.families = 1;
            for key in 0..if style == 3 { 40 } else { 8 } {
                let account = log.account((style == 3).then_some(key / 8));
                let mut own = Random::new(seed, 70 + u64::from(if style == 3 { key / 8 } else { key }));
                let wording: Vec<u32> = (0..40u32).map(|place| place * 4 + num::low32(own.bits()) % 3).collect();
                for request in 0..12 {
                    let words = match style {
                        1 => (0..40u32).map(|place| place * 4 + u32::from(random.unit() < 0.2)).collect(),
                        2 => (0..40u32).map(|place| place * 4).collect(),
                        _ => wording.clone(),
                    };
                    log.send(request * DAY_MS / 2, account, 0, words, random.bits());
                }
            }
            log.popular(&mut random, 1, 300);
            let filled = log.fill();
            let columns = filled.columns();
            let ledger = Ledger::new(&columns);
            let unit = of_family(&ledger, 0);
            wording::compare(&ledger, &unit.view, &unit.view.edges, seed)
        };
        let [own, fresh, copied, keys] = [0, 1, 2, 3].map(measured);
        assert!(own.p_own < 1e-4 && own.p_own >= 1.0 / 40_320.0, "seed {seed}: {}", own.p_own);
        assert!(fresh.p_own > 1e-3 && fresh.across > 0.0, "seed {seed}: {} of {}", fresh.p_own, fresh.across);
        assert!(copied.p_own > 0.99 && copied.across > 0.99, "seed {seed}: {}", copied.p_own);
        assert!(keys.p_own >= 1.0 / 120.0, "seed {seed}: keys of one customer are one witness: {}", keys.p_own);
    }
}

#[test]
fn a_few_words_alike_are_no_copied_template() {
    let wording = |nats: f64| Wording { pairs: 500, identical: 0.3, nats, ..Wording::default() };
    assert!(wording(60.0).is_copied());
    assert!(!wording(12.0).is_copied(), "what stays when each request is rewritten is alike everywhere");
}

#[test]
fn requests_of_no_family_that_are_worded_as_the_unit_are_taken_in_and_others_are_not() {
    let (mut random, mut log) = (Random::new(3, 0), Log::default());
    let accounts = log.accounts(&mut random, 10);
    let (mut like, mut other) = (0, 0);
    for &(account, begin) in &accounts {
        for request in 0..16_i64 {
            // Each request draws its words anew; the last four are other business.
            let base = if request < 12 { 0 } else { 40 + account };
            let words = (0..40).map(|place| base * 1000 + place * 4 + num::low32(random.bits()) % 2).collect();
            let family = if request < 8 { 0 } else { NONE };
            log.send(begin + request * DAY_MS / 4, account, family, words, random.bits());
            like += usize::from((8..12).contains(&request));
            other += usize::from(request >= 12);
        }
    }
    log.popular(&mut random, 1, 200);
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let free = |row: u32| ledger.family(row) == NONE;
    let strays = residual::strays(&ledger, &of_family(&ledger, 0).view, free, &ResidualOptions::default());
    assert_eq!((strays.len(), other), (like, 40));
    let in_words = |row: &u32| ledger.tokens(*row).iter().all(|token| *token < 1000 || *token >= 1 << 31);
    assert!(strays.iter().all(|row| free(*row) && in_words(row)));
}

#[test]
fn a_request_of_no_family_makes_no_second_template_of_its_own() {
    let (mut random, mut log) = (Random::new(4, 0), Log::default());
    let accounts = log.accounts(&mut random, 20);
    log.template(&mut random, 0, 0, &accounts, 20);
    log.template(&mut random, 1, 1, &accounts[1..], 20);
    log.template(&mut random, NONE - 1, 0, &accounts[..1], 1);
    let mut filled = log.fill();
    filled.unassign(NONE - 1);
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let view = ledger.view((0..num::u32_saturating(columns.account.len())).collect());
    let co_use = Evidence { kind: Kind::CoUse, value: 0.95, null: 0.0, p: 1e-9, n: 20, holds: true };
    let plain = Judgement::plain(Verdict::Convicted, Reason::Coordinated);
    let judgement = Judgement { evidence: vec![co_use], templates: vec![vec![0], vec![1]], ..plain };
    let strengths = vec![1.0; view.edges.len()];
    assert_eq!(readers::of_one_template(&ledger, &view, &judgement, &strengths), [accounts[0].0]);
}

/// Mining held a template of each of two campaigns for one family.
#[test]
fn campaigns_of_which_one_family_has_a_template_each_are_two() {
    for seed in 1..4 {
        let (mut random, mut log) = (Random::new(seed, 41), Log::default());
        let (first, second) = (log.accounts(&mut random, 45), log.accounts(&mut random, 40));
        log.template(&mut random, 0, 1, &first, 20);
        log.template(&mut random, 1, 2, &second, 20);
        log.template(&mut random, 2, 3, &first, 20);
        log.template(&mut random, 2, 4, &second, 20);
        log.popular(&mut random, 3, 1500);
        let findings = judge(&log.fill().columns(), &Options::default()).expect("columns fit");
        let mut campaigns: Vec<Vec<u32>> = findings
            .campaigns
            .iter()
            .map(|campaign| campaign.members.iter().map(|member| member.account).collect())
            .collect();
        campaigns.sort();
        assert_eq!(campaigns, [(0..45).collect::<Vec<u32>>(), (45..85).collect()], "seed {seed}");
    }
}

/// The same where all word that family alike: nothing says that it is two templates.
#[test]
fn a_family_that_two_parties_word_alike_stays_whole() {
    let (mut random, mut log) = (Random::new(7, 43), Log::default());
    let (first, second) = (log.accounts(&mut random, 45), log.accounts(&mut random, 40));
    log.template(&mut random, 0, 1, &first, 20);
    log.template(&mut random, 1, 2, &second, 20);
    log.template(&mut random, 2, 3, &first, 20);
    log.template(&mut random, 2, 3, &second, 20);
    log.popular(&mut random, 3, 1500);
    let findings = judge(&log.fill().columns(), &Options::default()).expect("columns fit");
    assert_eq!(findings.campaigns.len(), 1);
}

/// What is rewritten with each request shatters into families in which most accounts have one request.
#[test]
fn shards_that_share_their_accounts_are_joined_though_most_sent_one_request() {
    let (mut random, mut log) = (Random::new(8, 0), Log::default());
    let accounts: Vec<(u32, i64)> =
        log.accounts(&mut random, 6).iter().map(|&(account, _)| (account, DAY_MS)).collect();
    let strangers = log.accounts(&mut random, 6);
    for family in 0..2 {
        let busy = num::usize_of(family) * 2..num::usize_of(family) * 2 + 2;
        log.template(&mut random, family, family, &accounts, 1);
        log.template(&mut random, family, family, &accounts[busy], 8);
    }
    log.template(&mut random, 2, 2, &strangers, 9);
    log.popular(&mut random, 3, 200);
    let filled = log.fill();
    let columns = filled.columns();
    let ledger = Ledger::new(&columns);
    let units: Vec<Unit> = (0..3).map(|family| of_family(&ledger, family)).collect();
    assert_eq!(fragments::by_accounts(&ledger, &units, &[0, 1, 2]), [vec![0, 1]]);
}

/// A conviction of the whole would judge the strangers of the other party by a wording that is half their own.
#[test]
fn a_whole_falls_apart_once_a_party_is_convicted_by_itself() {
    let judged = |parted: bool, first: Verdict| {
        let of = |families: Vec<u32>, verdict: Verdict| Unit {
            judgement: Judgement::plain(verdict, Reason::Coordinated),
            ..unit(families, View::default())
        };
        let mut units = vec![of(vec![0], first), of(vec![1], Verdict::Unexplained)];
        units.push(Unit { parts: vec![0, 1], parted, ..of(vec![0, 1], Verdict::Convicted) });
        whole::settle(&mut units);
        units.iter().map(|unit| (unit.families.clone(), unit.nested)).collect::<Vec<_>>()
    };
    assert_eq!(judged(true, Verdict::Convicted), [(vec![0], false), (vec![1], false)]);
    assert_eq!(judged(true, Verdict::Review), [(vec![0, 1], false)], "the whole says what no party does");
    assert_eq!(
        judged(false, Verdict::Convicted),
        [(vec![0], true), (vec![0, 1], false)],
        "fragments are of one template"
    );
}

/// Two campaigns copy one published template, which is a unit by itself, and each works with a template of its own beside it.
#[test]
fn readers_of_a_template_that_two_campaigns_copy_are_told_by_what_those_use_beside_it() {
    for seed in 1..6 {
        let (mut random, mut log) = (Random::new(seed, 77), Log::default());
        let (one, two) = (log.accounts(&mut random, 60), log.accounts(&mut random, 30));
        let readers_of_it = log.accounts(&mut random, 12);
        for accounts in [&one, &two, &readers_of_it] {
            log.copied(&mut random, 0, accounts, 6, 7.0);
        }
        log.template(&mut random, 1, 1, &one, 6);
        log.template(&mut random, 2, 2, &two, 6);
        // With one of the others alone, for so long that it shows: no reader of this one.
        let elsewhere = log.accounts(&mut random, 1);
        log.template(&mut random, 1, 1, &elsewhere, 14);
        log.popular(&mut random, 3, 600);
        let filled = log.fill();
        let columns = filled.columns();
        let ledger = Ledger::new(&columns);
        let mut units: Vec<Unit> = (0..4).map(|family| of_family(&ledger, family)).collect();
        for unit in &mut units[..3] {
            unit.judgement = Judgement::plain(Verdict::Convicted, Reason::Coordinated);
            unit.judgement.templates = vec![unit.families.clone()];
            unit.judgement.copied = vec![unit.families == [0]];
            unit.strength = vec![1.0; unit.view.edges.len()];
        }
        let expected: Vec<u32> = readers_of_it.iter().map(|&(account, _)| account).collect();
        assert_eq!(readers::readers(&ledger, &units, 0), expected, "seed {seed}");
        let of_one: Vec<u32> = one.iter().map(|&(account, _)| account).collect();
        assert!(readers::readers(&ledger, &units, 1).iter().all(|account| !of_one.contains(account)), "seed {seed}");
    }
}

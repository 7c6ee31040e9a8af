//! What an adversary may try against families, and what bounds it: each attack is a test.

use super::anchor::{Anchorer, Anchors, Scratch};
use super::live::Table;
use super::mine::{CoreAnchor, Documents, Families, Family, MineOptions, Use, mine};
use super::packed::encode;
use super::variants::VARIANTS_MAX;
use crate::limits;
use crate::num;
use crate::simd::Kernels;
use crate::text::{NormalForm, Normalizer};

struct Texts(Vec<Vec<u8>>);

impl Documents for Texts {
    fn count(&self) -> u32 {
        num::u32_saturating(self.0.len())
    }
    fn anchors(&self, document: u32) -> &[u8] {
        self.0.get(num::usize_of(document)).map_or(&[], Vec::as_slice)
    }
    fn class(&self, _: u32) -> u8 {
        1
    }
}

fn anchors_under(key: u8, text: &str) -> Anchors {
    let (mut form, mut scratch, mut anchors) = (NormalForm::default(), Scratch::default(), Anchors::default());
    Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
    Anchorer::new(&[key; 32], Kernels::detect()).anchors(&form, &mut scratch, &mut anchors);
    anchors
}

/// Mines texts with the accounts that sent them, in order.
fn mined(texts: &[(u32, String)]) -> Families {
    let encoded = |(_, text): &(u32, String)| {
        let mut bytes = Vec::new();
        encode(&anchors_under(4, text), &mut bytes);
        bytes
    };
    let documents = Texts(texts.iter().map(encoded).collect());
    let uses: Vec<Use> = texts
        .iter()
        .zip(0u32..)
        .map(|((account, _), n)| Use { document: n, account: *account, principal: *account, time_ms: i64::from(n) })
        .collect();
    mine(&documents, uses.as_slice(), &MineOptions::default(), &|_, _, _| true).expect("valid uses")
}

/// The families of the texts that `account` picks, each once.
fn families_of(found: &Families, texts: &[(u32, String)], account: impl Fn(u32) -> bool) -> Vec<Option<u32>> {
    let places = found.of_document.iter().zip(texts).filter(|(_, text)| account(text.0));
    let mut families: Vec<Option<u32>> = places.map(|(place, _)| place.map(|m| m.family)).collect();
    families.sort_unstable();
    families.dedup();
    families
}

/// `count` words that depend on `seed`.
fn words(seed: u64, count: u64) -> String {
    let word = |n: u64| format!("{:x} ", (seed * 1000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
    (0..count).map(word).collect()
}

fn background(texts: &mut Vec<(u32, String)>, count: u64) {
    for n in 0..count {
        texts.push((1000 + num::low32(n) % 50, words(900_000 + n, 40)));
    }
}

fn essay(n: u64) -> String {
    format!("You grade essays written by pupils of mine. Essay: {} Grade from one to ten, no more:", words(n, 20))
}

#[test]
fn disguises_fold_to_the_same_anchors() {
    let plain = "Please solve the following problem, and show the reasoning: what is seven times nine?";
    let expected = anchors_under(4, plain).anchors;
    let zero_width = plain.replace("solve", "so\u{200b}lve").replace("seven", "se\u{2060}ven");
    let homoglyphs = plain.replace("reasoning", "re\u{0430}soning");
    let spaced = plain.replace(' ', " \t ").to_uppercase();
    for disguise in [zero_width, homoglyphs, spaced] {
        assert_eq!(anchors_under(4, &disguise).anchors, expected, "{disguise}");
    }
}

#[test]
fn nobody_without_the_key_can_aim_at_a_fingerprint() {
    let text = words(1, 50);
    let (ours, theirs) = (anchors_under(4, &text), anchors_under(5, &text));
    let same = ours.anchors.iter().filter(|a| theirs.anchors.iter().any(|b| b.fingerprint == a.fingerprint));
    assert_eq!(same.count(), 0);
}

#[test]
fn a_repetitive_or_giant_text_is_no_burden() {
    let giant = anchors_under(4, &words(1, 100_000));
    assert!(giant.anchors.len() <= limits::ANCHORS_MAX);
    let mut texts: Vec<(u32, String)> =
        (0..40u32).map(|n| (n % 4, words(7, 20_000) + &words(u64::from(n), 9))).collect();
    texts.extend((0..40).map(|n| (n % 4 + 10, "again and again ".repeat(5_000) + &words(u64::from(n) + 50, 3))));
    let found = mined(&texts);
    assert!(found.families.iter().all(|family| family.core.len() <= 128));
    assert!(found.families.len() <= 2, "{} families of two texts", found.families.len());
}

#[test]
fn poisoned_copies_do_not_take_a_template_from_its_users() {
    let mut texts: Vec<(u32, String)> = (0..100).map(|n| (num::low32(n) % 10, essay(n))).collect();
    background(&mut texts, 200);
    let clean = mined(&texts);
    let id = |found: &Families| {
        let held = families_of(found, &texts, |account| account < 10);
        assert_eq!(held.len(), 1, "the users of one template are in one family");
        held.first().copied().flatten().and_then(|f| found.families.get(num::usize_of(f))).map(|f| f.id)
    };
    let before = id(&clean);
    // One account sends the victim's opening before text of its own, over and over.
    let mut poisoned = texts.clone();
    for n in 0..60 {
        poisoned.push((
            500,
            format!("You grade essays written by pupils of mine. {} {}", words(700, 30), words(n + 800, 9)),
        ));
    }
    let found = mined(&poisoned);
    assert_eq!(id(&found), before);
    let victims = families_of(&found, &poisoned, |account| account < 10);
    assert!(families_of(&found, &poisoned, |account| account == 500).iter().all(|f| !victims.contains(f)));
}

#[test]
fn common_boilerplate_does_not_glue_templates() {
    let boilerplate = "Do not include any explanation, only the final answer.";
    let template = |account: u64, n: u64| format!("{} {} {boilerplate}", words(account + 70, 12), words(n + 300, 20));
    let mut texts: Vec<(u32, String)> = (0..160).map(|n| (num::low32(n) % 8, template(n % 8, n))).collect();
    background(&mut texts, 200);
    let found = mined(&texts);
    let held: Vec<_> = (0..8).map(|account| families_of(&found, &texts, |other| other == account)).collect();
    for (account, families) in held.iter().enumerate() {
        assert_eq!(families.len(), 1, "account {account}");
        assert_eq!(held.iter().filter(|other| *other == families).count(), 1, "account {account} shares its family");
    }
}

#[test]
fn one_request_an_account_is_still_a_template() {
    let mut texts: Vec<(u32, String)> = (0..60).map(|n| (num::low32(n), essay(n))).collect();
    background(&mut texts, 200);
    let found = mined(&texts);
    let families = families_of(&found, &texts, |account| account < 60);
    assert!(matches!(families.as_slice(), [Some(_)]), "{families:?}");
}

#[test]
fn accounts_that_rotate_templates_hide_neither() {
    let other =
        |n: u64| format!("Translate the whole letter into plain Portuguese for me: {} Thank you!", words(n, 20));
    let text = |n: u64| if n.is_multiple_of(2) { essay(n) } else { other(n) };
    let mut texts: Vec<(u32, String)> = (0..200).map(|n| (num::low32(n / 2) % 10, text(n))).collect();
    background(&mut texts, 200);
    let found = mined(&texts);
    assert_eq!(families_of(&found, &texts, |account| account < 10).len(), 2);
    assert_eq!(found.families.len(), 2);
}

#[test]
fn an_anchor_of_a_thousand_families_costs_no_more_than_one_of_sixteen() {
    let core = |family: u64| {
        let own = (0..20).map(move |n| 1_000 + family * 20 + n);
        let mut core: Vec<CoreAnchor> = std::iter::once(5)
            .chain(own)
            .map(|fingerprint| CoreAnchor { fingerprint, support: 1.0, order: 0 })
            .collect();
        core.sort_unstable_by_key(|c| c.fingerprint);
        core
    };
    let family = |number: u64| Family {
        id: number,
        class: 1,
        documents: 10,
        requests: 10,
        accounts: 2,
        principals: 2,
        first_ms: 0,
        last_ms: 1,
        core: core(number),
    };
    let found = Families { families: (0..1000).map(family).collect(), ..Families::default() };
    let bytes = Table::seal(&found, 100_000);
    let table = Table::open(&bytes).expect("sealed a moment ago");
    let anchor = |fingerprint| super::Anchor { fingerprint, position: 0 };
    let mut anchors = Anchors { anchors: vec![anchor(5)], token_count: 40, text_bytes: 200 };
    assert_eq!(table.find(&anchors, 1), None, "what a thousand families share names none");
    anchors.anchors.extend((0..20).map(|n| anchor(1_000 + 999 * 20 + n)));
    assert_eq!(table.find(&anchors, 1).and_then(|m| table.family_id(m.family)), Some(999));
}

#[test]
fn a_family_of_many_blocks_has_few_variants() {
    // Every text holds the template and two of thirty long blocks; one block in a fifth of them, twice over.
    let block = |n: u64| words(500_000 + n, 60);
    let text = |n: u64| {
        let slot = words(n, 12);
        format!(
            "You grade essays of mine. {} {} Essay: {slot} Grade from one to ten, no more:",
            block(n % 5),
            block(5 + n % 30)
        )
    };
    let mut texts: Vec<(u32, String)> = (0..600).map(|n| (num::low32(n % 40), text(n))).collect();
    background(&mut texts, 200);
    let found = mined(&texts);
    let most = found.variants.starts.windows(2).map(|bounds| bounds[1] - bounds[0]).max();
    assert!(most.is_some_and(|most| num::usize_of(most) <= VARIANTS_MAX), "{most:?}");
    assert!(found.variants.of_documents.windows(2).all(|pair| pair[0].0 < pair[1].0), "two variants of one text");
}

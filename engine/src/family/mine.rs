//! Mines families: which distinct texts were made from one template, from their anchors and who sent them when.
//!
//! The steps, each in its own file: anchors that recur (`recurrence`), joined into atoms that share their texts
//! (`atoms`), of which skeletons are kept (`skeleton`); texts grouped by what is left of their anchors (`cluster`), groups
//! of several templates parted (`parting`), groups that are no templates dropped (`judge`), the fragments of reworded
//! templates joined (`wordings`), and the texts of a family that share a block told from the others (`variants`).

use crate::error::{Error, Result};
use crate::family::corpus::Corpus;
use crate::family::skeleton::{repetition, skeletons};
use crate::family::variants::Variants;
use crate::family::votes::Votes;
use crate::family::{atoms, cluster, describe, judge, parting, wordings};
use crate::num;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct normal forms, in any order: the result depends on their anchors and uses, not on their numbers.
pub trait Documents: Sync {
    /// How many there are; documents are numbered from 0.
    fn count(&self) -> u32;
    /// The anchors of one, as [`crate::family::packed::encode`] wrote them; damaged bytes count as a text of no anchors.
    fn anchors(&self, document: u32) -> &[u8];
    /// What kind of part it is: documents of different class never share a family.
    fn class(&self, document: u32) -> u8;
}

/// One request: which text, who sent it, when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The text.
    pub document: u32,
    /// Who sent it; [`NO_ACCOUNT`] where nobody knows.
    pub account: u32,
    /// The widest party the account belongs to; the account itself where nothing wider is known.
    pub principal: u32,
    /// Unix time.
    pub time_ms: i64,
}

/// The requests that are mined.
pub trait Uses: Sync {
    /// All of them, sorted by (time, identity), as often as asked: whoever has them in another form need not copy them.
    fn all(&self) -> impl Iterator<Item = Use> + '_;
}

impl Uses for [Use] {
    fn all(&self) -> impl Iterator<Item = Use> + '_ {
        self.iter().copied()
    }
}

/// The account of an unattributed request.
pub const NO_ACCOUNT: u32 = u32::MAX;

/// What a miner may be told; the defaults are those of the published figures.
#[derive(Debug, Clone, PartialEq)]
pub struct MineOptions {
    /// Distinct texts an anchor must occur in to recur; at most 15.
    pub recurrence_min: u32,
    /// Score from which an atom is skeleton: share of requests in which it returns, or regular place. 0..=1.
    pub skeleton_min: f64,
    /// Most that regular place can score where accounts say nothing, 0..=1.
    pub place_weight: f64,
    /// Octaves above `recurrence_min` at which an atom's volume counts in full.
    pub volume_octaves: f64,
    /// Least share of a text's weight that its cluster explains, 0..=1.
    pub explained_min: f64,
    /// Least share of a cluster's mean weight that a text of it holds, 0..=1.
    pub held_min: f64,
    /// Weighted Jaccard similarity of cores from which clusters are one, 0..=1.
    pub merge_jaccard: f64,
    /// Clusters that may carry all that a cluster says before it is called a phrase.
    pub carriers_max: u32,
    /// Bits that a cluster which no account returns to must say, or it is everyday language.
    pub everyday_bits: f64,
    /// Bits that it must say beyond that where accounts return to templates.
    pub unreturned_bits: f64,
    /// Bits that two wordings of one template must share.
    pub join_bits: f64,
    /// Share of the smaller wording's bits that they must be, 0..=1.
    pub join_share: f64,
}

impl Default for MineOptions {
    fn default() -> Self {
        Self {
            recurrence_min: 4,
            skeleton_min: 0.45,
            place_weight: 1.0,
            volume_octaves: 6.0,
            explained_min: 0.4,
            held_min: 0.35,
            merge_jaccard: 0.4,
            carriers_max: 3,
            everyday_bits: 14.0,
            unreturned_bits: 40.0,
            join_bits: 40.0,
            join_share: 0.3,
        }
    }
}

/// One anchor of a family's core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreAnchor {
    /// The anchor.
    pub fingerprint: u64,
    /// Share of the family's texts that hold it, 0..=1.
    pub support: f32,
    /// Rank among the core's anchors, by mean place in the text.
    pub order: u16,
}

/// Texts made from one template.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Stable name: the smallest fingerprint that at least half of its texts hold.
    pub id: u64,
    /// The class of its documents.
    pub class: u8,
    /// Distinct texts.
    pub documents: u32,
    /// Requests.
    pub requests: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Distinct principals.
    pub principals: u32,
    /// Time of the first request.
    pub first_ms: i64,
    /// Time of the last request.
    pub last_ms: i64,
    /// What its texts share, by ascending fingerprint.
    pub core: Vec<CoreAnchor>,
}

/// One text found in one family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Index into [`Families::families`].
    pub family: u32,
    /// How much of the text's recurrent content the family explains, 0..=1.
    pub score: f32,
}

/// The result: families by ascending id, and every text's place among them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Families {
    /// By ascending id.
    pub families: Vec<Family>,
    /// The best family of every document.
    pub of_document: Vec<Option<Match>>,
    /// Where the matches of a document begin in `matches`; one entry more than documents.
    pub match_starts: Vec<u32>,
    /// All families whose core a document holds, best first.
    pub matches: Vec<Match>,
    /// The variants of every family, and their texts.
    pub variants: Variants,
}

/// How far the work is: a stage's name, steps done, steps in all. Returning `false` stops it.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64, u64) -> bool + Sync);

/// Stages that [`Progress`] counts.
const STAGES: u64 = 5;

/// Groups `documents` into families. The result does not depend on how documents and accounts are numbered, nor on the number
/// of threads.
/// # Errors
/// [`Error::Interrupted`] when `progress` says stop; [`Error::InvalidArgument`] when a use names no document.
pub fn mine(
    documents: &impl Documents,
    uses: &(impl Uses + ?Sized),
    options: &MineOptions,
    progress: Progress<'_>,
) -> Result<Families> {
    if uses.all().any(|request| request.document >= documents.count()) {
        return Err(Error::InvalidArgument { argument: "uses", reason: "a use names no document".into() });
    }
    let step = |stage, done| if progress(stage, done, STAGES) { Ok(()) } else { Err(Error::Interrupted) };
    step("recurrent anchors", 0)?;
    let corpus = Corpus::new(documents, options.recurrence_min.clamp(2, 15));
    mine_corpus(&corpus, uses, options, &step)
}

/// The same of texts whose recurrent anchors are known.
fn mine_corpus(
    corpus: &Corpus<'_, impl Documents>,
    uses: &(impl Uses + ?Sized),
    options: &MineOptions,
    step: &dyn Fn(&'static str, u64) -> Result<()>,
) -> Result<Families> {
    step("atoms", 1)?;
    // Before there are atoms: what it remembers and their lists need not be held at once.
    let weights = repetition(corpus, uses);
    let mut atoms = atoms::atoms(corpus);
    step("skeletons", 2)?;
    let skeleton = skeletons(corpus, &mut atoms, uses, &weights, options);
    step("clusters", 3)?;
    let votes = Votes::new(corpus, |anchor| skeleton.get(num::usize_of(atoms.atom(anchor))) == Some(&true));
    drop((atoms, skeleton));
    let (by_list, clusters) = cluster::cluster(&votes, options);
    step("families", 4)?;
    let mut placed = votes.spread(&by_list);
    drop(by_list);
    let order = canonical_order(corpus.documents);
    let parted = parting::part(corpus, &mut placed, clusters, &votes, &order, uses);
    let families = judge::families(corpus.documents, &placed, &parted.clusters, &votes, uses, options);
    wordings::join(corpus, &mut placed, &parted, &families, &order, uses, options);
    drop(parted);
    Ok(describe::describe(corpus, &votes, placed, &families, &order, uses))
}

/// Documents by the hash of their anchors, so that a sample of them does not depend on how they are numbered.
fn canonical_order(documents: &impl Documents) -> Vec<u32> {
    let hash = |document: u32| xxh3_64(documents.anchors(document));
    // Half of the hash tells nearly all apart.
    let mut order: Vec<(u32, u32)> = (0..documents.count()).map(|one| (num::high32(hash(one)), one)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| (hash(a.1), a.1).cmp(&(hash(b.1), b.1))));
    order.into_iter().map(|entry| entry.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::anchor::{Anchorer, Anchors, Scratch};
    use crate::family::live::Table;
    use crate::family::packed::encode;
    use crate::family::recurrence::Bounds;
    use crate::simd::Kernels;
    use crate::text::{NormalForm, Normalizer};

    struct Column(Vec<(u8, Vec<u8>)>);

    impl Documents for Column {
        fn count(&self) -> u32 {
            num::u32_saturating(self.0.len())
        }
        fn anchors(&self, document: u32) -> &[u8] {
            self.0.get(num::usize_of(document)).map_or(&[], |entry| entry.1.as_slice())
        }
        fn class(&self, document: u32) -> u8 {
            self.0.get(num::usize_of(document)).map_or(0, |entry| entry.0)
        }
    }

    fn column(texts: &[(u8, String)]) -> Column {
        let (normalizer, anchorer) = (Normalizer::new(Kernels::detect()), Anchorer::new(&[9; 32], Kernels::detect()));
        let (mut form, mut scratch, mut anchors) = (NormalForm::default(), Scratch::default(), Anchors::default());
        let encoded = |(class, text): &(u8, String)| {
            normalizer.normalize(text.as_bytes(), &mut form);
            anchorer.anchors(&form, &mut scratch, &mut anchors);
            let mut bytes = Vec::new();
            encode(&anchors, &mut bytes);
            (*class, bytes)
        };
        Column(texts.iter().map(encoded).collect())
    }

    /// `count` words that depend on `seed`.
    fn words(seed: u64, count: u64) -> String {
        let word = |n: u64| format!("{:x} ", (seed * 1000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
        (0..count).map(word).collect()
    }

    /// Two templates over forty accounts that each keep to one, and as many texts of nobody's template.
    fn traffic() -> (Vec<(u8, String)>, Vec<Use>) {
        let (mut texts, mut uses) = (Vec::new(), Vec::new());
        for n in 0..400u32 {
            let account = n % 40;
            let slot = words(u64::from(n) + 10, 20);
            let text = match account {
                0..10 => format!("Solve the following exercise with great care: {slot} then state the final answer."),
                10..20 => format!("You grade essays written by pupils of mine. Essay: {slot} Grade from one to ten:"),
                _ => words(u64::from(n) + 5000, 40),
            };
            uses.push(Use { document: n, account, principal: account, time_ms: i64::from(n) });
            texts.push((1, text));
        }
        (texts, uses)
    }

    fn quiet(_: &'static str, _: u64, _: u64) -> bool {
        true
    }

    #[test]
    fn two_templates_are_two_families_and_the_rest_is_none() {
        let (texts, uses) = traffic();
        let found = mine(&column(&texts), uses.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
        assert_eq!(
            found.families.iter().map(|f| (f.documents, f.accounts)).collect::<Vec<_>>(),
            [(100, 10), (100, 10)]
        );
        assert_eq!(found.of_document.iter().flatten().count(), 200);
        assert_eq!(found.match_starts.len(), texts.len() + 1);
    }

    /// `text` in a language of 300 words, which letters of a script without spaces make.
    fn unspaced(text: &str, first: u32, alphabet: u32, letters: usize) -> String {
        let word = |word: &str| {
            let mut hash = xxh3_64(word.as_bytes()) % 300;
            let mut letter = || {
                hash = crate::text::tokens::folded_multiply(hash, 0x9e37_79b9_7f4a_7c15);
                char::from_u32(first + num::high32(hash) % alphabet).expect("letters of one block")
            };
            (0..letters).map(|_| letter()).collect::<String>()
        };
        text.split_whitespace().map(word).collect()
    }

    /// All texts share the letters of an alphabet: a letter a word made one family of everything, or none.
    #[test]
    fn templates_of_scripts_without_spaces_are_families_and_the_rest_is_none() {
        for (first, alphabet, letters) in [(0xe01, 26, 5), (0x3042, 80, 3), (0x4e00, 800, 2)] {
            let (mut texts, uses) = traffic();
            for (_, text) in &mut texts {
                *text = unspaced(text, first, alphabet, letters);
            }
            let found = mine(&column(&texts), uses.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
            let sizes: Vec<_> = found.families.iter().map(|f| (f.documents, f.accounts)).collect();
            assert_eq!(sizes, [(100, 10), (100, 10)], "{first:x}");
            assert_eq!(found.of_document.iter().flatten().count(), 200, "{first:x}");
        }
    }

    /// One template of forty accounts: `blocks` pairs of accounts put examples of their own between its head and its slot.
    fn examples(blocks: u32) -> (Vec<(u8, String)>, Vec<Use>) {
        let (mut texts, mut uses) = (Vec::new(), Vec::new());
        for n in 0..400u32 {
            let account = n % 10;
            let block = if account / 2 < blocks { words(90_000 + u64::from(account / 2), 40) } else { String::new() };
            let slot = words(u64::from(n) + 10, 20);
            let text = format!(
                "Solve the following exercise with great care and show every step of it as in the book. {block} Exercise: {slot} \
                 Then state the final answer in a line of its own, and nothing after it please."
            );
            uses.push(Use { document: n, account, principal: account, time_ms: i64::from(n) });
            texts.push((1, text));
        }
        (texts, uses)
    }

    #[test]
    fn two_shared_blocks_are_two_variants_and_a_plain_template_has_none() {
        for blocks in [0, 2] {
            let (texts, uses) = examples(blocks);
            let found = mine(&column(&texts), uses.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
            assert_eq!(found.families.iter().map(|f| f.documents).collect::<Vec<_>>(), [400]);
            assert_eq!(found.variants.starts, [0, blocks]);
            let told: Vec<_> =
                found.variants.rows.iter().map(|row| (row.documents, row.requests, row.accounts)).collect();
            assert_eq!(told, vec![(80, 80, 2); num::usize_of(blocks)]);
            for (request, document) in uses.iter().zip(0u32..) {
                let first = found.variants.of_document(request.account / 2 * 2);
                assert_eq!(found.variants.of_document(document), first.filter(|_| request.account / 2 < blocks));
            }
        }
    }

    #[test]
    fn families_do_not_depend_on_how_documents_and_accounts_are_numbered() {
        for (texts, uses) in [traffic(), examples(2)] {
            renumber(&texts, &uses);
        }
    }

    fn renumber(texts: &[(u8, String)], uses: &[Use]) {
        let expected = mine(&column(texts), uses, &MineOptions::default(), &quiet).expect("valid uses");
        // 400 and 149 have no common factor: a permutation.
        let moved = |n: u32| n * 149 % 400;
        let mut other = texts.to_vec();
        for (n, text) in texts.iter().enumerate() {
            other[num::usize_of(moved(num::u32_saturating(n)))] = text.clone();
        }
        let renumbered: Vec<Use> = uses
            .iter()
            .map(|u| Use { document: moved(u.document), account: 99 - u.account, principal: 99 - u.account, ..*u })
            .collect();
        let found = mine(&column(&other), renumbered.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
        assert_eq!(expected.families, found.families);
        assert_eq!(expected.variants.rows, found.variants.rows);
        for (n, place) in expected.of_document.iter().enumerate() {
            let (before, after) = (num::u32_saturating(n), moved(num::u32_saturating(n)));
            assert_eq!(place, &found.of_document[num::usize_of(after)]);
            assert_eq!(expected.variants.of_document(before), found.variants.of_document(after));
        }
    }

    #[test]
    fn texts_read_again_for_each_step_give_the_families_of_texts_held() {
        let (texts, uses) = traffic();
        let column = column(&texts);
        let options = MineOptions::default();
        let held = mine(&column, uses.as_slice(), &options, &quiet).expect("valid uses");
        let bounds = Bounds { counted: 3000, ..Bounds::default() };
        let corpus = Corpus::bounded(&column, options.recurrence_min, bounds, 0);
        assert_eq!(held, mine_corpus(&corpus, uses.as_slice(), &options, &|_, _| Ok(())).expect("valid uses"));
    }

    #[test]
    fn parts_of_different_class_never_share_a_family() {
        let (mut texts, uses) = traffic();
        for (n, text) in texts.iter_mut().enumerate() {
            text.0 = if n % 3 == 0 { 1 } else { 4 };
        }
        let found = mine(&column(&texts), uses.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
        assert_eq!(found.families.len(), 4);
        for (place, text) in found.of_document.iter().zip(&texts) {
            if let Some(m) = place {
                assert_eq!(found.families[num::usize_of(m.family)].class, text.0);
            }
        }
    }

    #[test]
    fn a_sealed_table_gives_a_text_the_family_that_mining_gave() {
        let (texts, uses) = traffic();
        let column = column(&texts);
        let found = mine(&column, uses.as_slice(), &MineOptions::default(), &quiet).expect("valid uses");
        let bytes = Table::seal(&found, column.count());
        let table = Table::open(&bytes).expect("sealed a moment ago");
        let mut anchors = Anchors::default();
        let mut agree = 0;
        for (mined, document) in found.of_document.iter().zip(0u32..) {
            assert!(crate::family::packed::decode_into(column.anchors(document), &mut anchors));
            let looked_up = table.find(&anchors, column.class(document)).map(|m| m.family);
            agree += u32::from(looked_up == mined.map(|m| m.family));
        }
        assert!(agree * 100 >= column.count() * 98, "{agree} of {}", column.count());
    }

    #[test]
    fn damaged_anchors_and_wrong_uses_are_survived() {
        let (texts, uses) = traffic();
        let mut column = column(&texts);
        for (n, entry) in column.0.iter_mut().enumerate() {
            let at = n % entry.1.len();
            entry.1[at] ^= 0x5a;
        }
        assert!(mine(&column, uses.as_slice(), &MineOptions::default(), &quiet).is_ok());
        let stray = [Use { document: 400, account: 0, principal: 0, time_ms: 0 }];
        assert!(mine(&column, stray.as_slice(), &MineOptions::default(), &quiet).is_err());
        assert!(mine(&column, uses.as_slice(), &MineOptions::default(), &|_, _, _| false).is_err());
    }
}

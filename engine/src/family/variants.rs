//! Variants: texts of one family that share a block, such as examples, which its other texts do not hold.
//!
//! Parting makes two families where texts are surely of two templates. Where that is not sure, a block that part of a
//! family's texts hold together still tells them from the others: a popular value of a slot can be such a block too, so a
//! variant says that texts share it and no more. A text has at most one variant, and most families have none.

use crate::family::corpus::{Corpus, Reading};
use crate::family::mine::{Documents, Match, NO_ACCOUNT, Uses};
use crate::family::parting::{Piece, Sample};
use crate::family::sets::Distinct;
use crate::num;

/// Texts that a family must have to be looked at, and that a variant must have.
const FAMILY_TEXTS: usize = 16;
const VARIANT_TEXTS: u32 = 4;
/// Share of a family's texts that hold a variant's block. A block of nearly all texts tells the few that lack it: with at
/// most .8 a template of seven texts stayed hidden among 225 of another that begins with the same examples. Blocks of fewer
/// than .2 are mostly the wording of one account.
const SUPPORT: (f64, f64) = (0.2, 0.98);
/// Anchors and bits of a block, at least.
const BLOCK_ANCHORS: usize = 8;
const BLOCK_BITS: f64 = 30.0;
/// Share of a block that a text of its variant holds.
const HELD_SHARE: f64 = 0.5;
/// Variants of one family at most: blocks that exclude each other and are in a fifth of the texts each are no more.
pub const VARIANTS_MAX: usize = 6;

/// Texts of one family that share a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Stable name, its own within its family: the smallest fingerprint of its block.
    pub id: u64,
    /// Distinct texts.
    pub documents: u32,
    /// Parts that are made from it.
    pub requests: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Unix ms of its first request.
    pub first_ms: i64,
    /// Unix ms of its last request.
    pub last_ms: i64,
}

/// The variants of all families.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variants {
    /// Where each family's variants begin in `rows`; one entry more than families.
    pub starts: Vec<u32>,
    /// By family, and within one by ascending id.
    pub rows: Vec<Variant>,
    /// Texts that have a variant, ascending, each with its index into `rows`.
    pub of_documents: Vec<(u32, u32)>,
}

impl Variants {
    /// The variants of texts that are placed in `families` families.
    pub(super) fn find(
        corpus: &Corpus<'_, impl Documents>,
        placed: &[Option<Match>],
        families: usize,
        order: &[u32],
        uses: &(impl Uses + ?Sized),
    ) -> Self {
        let mut found = Self::default();
        let mut reading = Reading::default();
        let texts = Texts::new(placed, families, order);
        for family in 0..families {
            found.starts.push(num::u32_saturating(found.rows.len()));
            let list = texts.of(family);
            if list.len() >= FAMILY_TEXTS {
                let blocks = blocks(&Sample::new(corpus, list, &[]));
                found.take(corpus, list, &blocks, &mut reading);
            }
        }
        found.starts.push(num::u32_saturating(found.rows.len()));
        found.of_documents.sort_unstable();
        found.tally(uses);
        found
    }

    /// Adds the variants of one family: every text goes to the block that it holds most of.
    fn take(
        &mut self,
        corpus: &Corpus<'_, impl Documents>,
        list: &[u32],
        blocks: &[(u64, Piece)],
        reading: &mut Reading,
    ) {
        if blocks.is_empty() {
            return;
        }
        let mut texts: Vec<Vec<u32>> = vec![Vec::new(); blocks.len()];
        for &document in list {
            let held = corpus.of(document, reading);
            let shares = blocks.iter().map(|(_, piece)| piece.share(held)).zip(&mut texts);
            let best = shares.rev().max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 >= HELD_SHARE);
            if let Some((_, texts)) = best {
                texts.push(document);
            }
        }
        for ((id, _), texts) in blocks.iter().zip(texts) {
            let documents = num::u32_saturating(texts.len());
            if documents < VARIANT_TEXTS {
                continue;
            }
            let row = num::u32_saturating(self.rows.len());
            self.of_documents.extend(texts.into_iter().map(|document| (document, row)));
            let nobody =
                Variant { id: *id, documents, requests: 0, accounts: 0, first_ms: i64::MAX, last_ms: i64::MIN };
            self.rows.push(nobody);
        }
    }

    /// The variant of a text, as an index into `rows`.
    #[must_use]
    pub fn of_document(&self, document: u32) -> Option<u32> {
        let at = self.of_documents.binary_search_by_key(&document, |entry| entry.0).ok()?;
        self.of_documents.get(at).map(|entry| entry.1)
    }

    /// Fills in requests, accounts and times.
    fn tally(&mut self, uses: &(impl Uses + ?Sized)) {
        if self.rows.is_empty() {
            return;
        }
        let mut accounts: Distinct<(u32, u32)> = Distinct::default();
        for request in uses.all() {
            let Some(at) = self.of_document(request.document) else { continue };
            let Some(row) = self.rows.get_mut(num::usize_of(at)) else { continue };
            row.requests += 1;
            row.first_ms = row.first_ms.min(request.time_ms);
            row.last_ms = row.last_ms.max(request.time_ms);
            if request.account != NO_ACCOUNT {
                accounts.push((at, request.account));
            }
        }
        for (at, _) in accounts.into_vec() {
            if let Some(row) = self.rows.get_mut(num::usize_of(at)) {
                row.accounts += 1;
            }
        }
    }
}

/// The texts of every family, in one order for all: one list, since mining holds most when families are described.
struct Texts {
    /// Where the texts of each family end.
    ends: Vec<u32>,
    texts: Vec<u32>,
}

impl Texts {
    fn new(placed: &[Option<Match>], families: usize, order: &[u32]) -> Self {
        let family = |document: &u32| placed.get(num::usize_of(*document)).copied().flatten().map(|m| m.family);
        let mut ends = vec![0_u32; families];
        let mut known = 0;
        for family in order.iter().filter_map(family) {
            if let Some(count) = ends.get_mut(num::usize_of(family)) {
                *count += 1;
                known += 1;
            }
        }
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        // An end is where the next text goes, until all are there.
        let mut texts = vec![0; known];
        for document in order {
            let end = family(document).and_then(|family| ends.get_mut(num::usize_of(family)));
            let Some(end) = end else { continue };
            if let Some(slot) = texts.get_mut(num::usize_of(*end)) {
                *slot = *document;
                *end += 1;
            }
        }
        Self { ends, texts }
    }

    fn of(&self, family: usize) -> &[u32] {
        let end = |at: usize| self.ends.get(at).copied().map_or(0, num::usize_of);
        let start = family.checked_sub(1).map_or(0, end);
        self.texts.get(start..end(family)).unwrap_or(&[])
    }
}

/// Blocks of a family that exclude each other, the weightiest chosen first, by ascending id.
fn blocks(sample: &Sample<'_>) -> Vec<(u64, Piece)> {
    let mut pieces = sample.together(SUPPORT, |_| true);
    let says = |piece: &Piece| piece.anchors.len() >= BLOCK_ANCHORS && piece.bits >= BLOCK_BITS;
    pieces.retain(|piece| says(piece) && num::usize_of(piece.count + VARIANT_TEXTS) <= sample.documents.len());
    pieces.iter_mut().for_each(|piece| piece.anchors.sort_unstable());
    let weight = |piece: &Piece| piece.bits * f64::from(piece.count);
    pieces.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.anchors.cmp(&b.anchors)));
    let mut chosen: Vec<(u64, Piece)> = Vec::new();
    for piece in pieces {
        if chosen.len() < VARIANTS_MAX && chosen.iter().all(|(_, other)| piece.excludes(other)) {
            chosen.push((sample.name(&piece), piece));
        }
    }
    chosen.sort_by_key(|entry| entry.0);
    chosen
}

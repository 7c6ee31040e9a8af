//! The columns that campaigns are judged on, taken out of the store: who used which text of which family when.

use std::borrow::Cow;
use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3Builder;

use super::bank::families_of_documents;
use crate::campaign::{BankHit, Columns, NONE, SlotValue, Tag};
use crate::corpus::families::FamilyTables;
use crate::corpus::population::{Place, Population};
use crate::corpus::prepare::FLAG_DISGUISED;
use crate::corpus::{LEVELS, Level, NO_TIME, slots};
use crate::error::Result;
use crate::family::disguised::Disguised;
use crate::num::{u32_saturating, usize_of};

/// Tags that verdicts report, never need.
const TAGS: [(Level, &str); 5] = [
    (Level::Ip, "ip"),
    (Level::UserAgent, "ua"),
    (Level::Asn, "asn"),
    (Level::Payment, "payment"),
    (Level::Model, "model"),
];

/// Columns; [`Traffic::with_columns`] lends them to the judge.
#[derive(Debug, Default)]
pub struct Traffic<'a> {
    account: Vec<u32>,
    time_ms: Vec<i64>,
    request: Vec<u32>,
    document: Vec<u32>,
    obfuscated: Vec<bool>,
    disguised: Vec<Disguised>,
    principal: Vec<u32>,
    family: Vec<u32>,
    slot: Vec<SlotValue>,
    /// Lent by the files of the store where they are mapped: they are the most of what a log is judged by.
    tokens: Vec<Cow<'a, [u32]>>,
    tags: Vec<Vec<u32>>,
    /// Where the name of each tag value stands.
    tag_places: Vec<Place>,
    families: u32,
    /// Per family: how it stands to the banks; empty when there are none.
    pub bank: Vec<Option<BankHit>>,
    /// Requests without a time: they are in families, but no pattern in time can be asked of them.
    pub without_time: u64,
}

impl<'a> Traffic<'a> {
    /// The columns of everything in `population`, under the families of `tables`.
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn new(population: &Population<'a>, tables: &FamilyTables<'_>) -> Result<Self> {
        Self::with_families(population, families_of_documents(population, tables), tables.len(), i64::MAX)
    }

    /// The columns of what was sent before `end_ms`; `family` has one of `families`, or [`NONE`], for each document.
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn with_families(population: &Population<'a>, family: Vec<u32>, families: usize, end_ms: i64) -> Result<Self> {
        let mut traffic = Self {
            principal: population.principal_of.clone(),
            families: u32_saturating(families),
            family,
            tags: vec![Vec::new(); TAGS.len()],
            ..Self::default()
        };
        traffic.take_documents(population);
        let (tags, tag_places) = tag_numbers(population);
        traffic.tag_places = tag_places;
        for part in &population.uses {
            let request = usize_of(part.request);
            if population.time_ms[request] == NO_TIME {
                traffic.without_time += 1;
                continue;
            }
            if population.time_ms[request] >= end_ms {
                break;
            }
            traffic.account.push(population.account_of[request]);
            traffic.time_ms.push(population.time_ms[request]);
            traffic.request.push(part.request);
            traffic.document.push(part.document);
            traffic.obfuscated.push(part.flags & FLAG_DISGUISED != 0);
            traffic.disguised.push(part.disguised);
            let place = population.requests[request];
            let origin = population.view(place).origin_of(usize_of(place.index)).map_or(0, usize_of);
            let numbers = tags[usize_of(place.segment)].get(origin);
            for (index, column) in traffic.tags.iter_mut().enumerate() {
                column.push(numbers.map_or(NONE, |numbers| numbers[index]));
            }
        }
        Ok(traffic)
    }

    /// Lends the columns to `judge`.
    pub fn with_columns<R>(&self, judge: impl FnOnce(&Columns<'_>) -> R) -> R {
        let tags: Vec<Tag<'_>> = TAGS.iter().zip(&self.tags).map(|((_, name), values)| Tag { name, values }).collect();
        judge(&Columns {
            account: &self.account,
            time_ms: &self.time_ms,
            request: &self.request,
            document: &self.document,
            obfuscated: &self.obfuscated,
            disguised: &self.disguised,
            tags: &tags,
            principal: &self.principal,
            family: &self.family,
            slot: &self.slot,
            tokens: &self.tokens,
            families: self.families,
            bank: &self.bank,
        })
    }

    /// Where the name of a tag's value stands.
    #[must_use]
    pub fn tag_place(&self, value: u32) -> Option<Place> {
        self.tag_places.get(usize_of(value)).copied()
    }

    /// The family of every document.
    #[must_use]
    pub fn family(&self) -> &[u32] {
        &self.family
    }

    /// The account, time and family of every row.
    pub fn rows(&self) -> impl Iterator<Item = (u32, i64, u32)> + '_ {
        (self.account.iter().zip(&self.time_ms).zip(&self.document))
            .map(|((account, time), document)| (*account, *time, self.family[usize_of(*document)]))
    }

    fn take_documents(&mut self, population: &Population<'a>) {
        let mut by_family: Vec<Vec<u32>> = vec![Vec::new(); usize_of(self.families)];
        for document in 0..u32_saturating(population.documents.len()) {
            self.tokens.push(population.tokens(document));
            let family = self.family[usize_of(document)];
            if let Some(members) = by_family.get_mut(usize_of(family)) {
                members.push(document);
            }
        }
        self.slot = vec![SlotValue::default(); population.documents.len()];
        let slots: Vec<Vec<(u32, SlotValue)>> =
            by_family.par_iter().map(|documents| slots_of(documents, population)).collect();
        for (document, slot) in slots.into_iter().flatten() {
            self.slot[usize_of(document)] = slot;
        }
    }
}

/// What stands in the slots of each text of one family.
fn slots_of(documents: &[u32], population: &Population<'_>) -> Vec<(u32, SlotValue)> {
    let mut found = Vec::with_capacity(documents.len());
    slots::of_family(population, documents, |document, value| {
        found.push((document, SlotValue { hash: value.hash, bytes: value.bytes }));
    });
    found
}

/// For each segment and origin, the number of its value of each tag; equal values have equal numbers in all segments.
fn tag_numbers(population: &Population<'_>) -> (Vec<Vec<[u32; TAGS.len()]>>, Vec<Place>) {
    let mut numbers: HashMap<u128, u32, Xxh3Builder> = HashMap::default();
    let mut places = Vec::new();
    let of_segments = (0_u32..)
        .zip(population.views())
        .map(|(segment, view)| {
            (0..view.origin_count())
                .map(|origin| {
                    let names: [u32; LEVELS] = view.origin(origin);
                    TAGS.map(|(level, _)| match view.name_id(names[level.index()]) {
                        Some(id) => {
                            let next = u32_saturating(numbers.len());
                            let number = *numbers.entry(id).or_insert(next);
                            if number == next {
                                places.push(Place { segment, index: names[level.index()] });
                            }
                            number
                        }
                        None => NONE,
                    })
                })
                .collect()
        })
        .collect();
    (of_segments, places)
}

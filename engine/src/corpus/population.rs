//! The whole store as columns: who sent which distinct text when, over all segments, without what is hidden.
//!
//! Families and campaigns are questions over all accounts, and a text or an account may stand in many segments; here they
//! get one number each. Numbers follow the order of keyed ids, so they do not depend on how requests were sharded.

use std::borrow::Cow;
use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3Builder;

use super::snapshot::{Snapshot, accusable, party};
use super::view::SegmentView;
use super::{Level, NONE, section};
use crate::error::{CorruptKind, Error, Result};
use crate::family::disguised::Disguised;
use crate::num::{u32_of, u64_of, usize_of};
use crate::request::PartKind;

/// A row of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which segment of the snapshot.
    pub segment: u32,
    /// Which row, form or name of it.
    pub index: u32,
}

/// One use of one text by one request.
#[derive(Debug, Clone, Copy)]
pub struct PartUse {
    /// The text, as an index into [`Population::documents`].
    pub document: u32,
    /// The request, as an index into [`Population::requests`].
    pub request: u32,
    /// What the part is.
    pub kind: PartKind,
    /// Signs of obfuscation.
    pub flags: u8,
    /// Which of the text's tokens are disguised.
    pub disguised: Disguised,
}

/// Every visible request of a snapshot.
#[derive(Debug)]
pub struct Population<'a> {
    views: Vec<SegmentView<'a>>,
    /// Distinct texts that may have a family: where the first of them stands.
    pub documents: Vec<Place>,
    document_of: Vec<Vec<u32>>,
    /// Requests by (time, identity).
    pub requests: Vec<Place>,
    /// Account of each request, [`NONE`] where it is unattributed.
    pub account_of: Vec<u32>,
    /// Unix ms of each request.
    pub time_ms: Vec<i64>,
    /// Parts that may have a family, in the order of their requests.
    pub uses: Vec<PartUse>,
    /// Where an account's name stands, by account.
    pub accounts: Vec<Place>,
    /// Keyed id of each account, ascending.
    pub account_ids: Vec<u128>,
    /// The principal of each account: equal numbers are one party.
    pub principal_of: Vec<u32>,
}

impl<'a> Population<'a> {
    /// Numbers everything that is visible in `snapshot`.
    /// # Errors
    /// [`Error::Corrupt`]; [`Error::LimitExceeded`] for more requests, texts or accounts than 32 bits count.
    pub fn new(snapshot: &'a Snapshot) -> Result<Self> {
        let views = snapshot.views()?;
        let requests = ordered_rows(snapshot, &views)?;
        let (documents, document_of) = number_documents(&views)?;
        let mut population = Self {
            views,
            documents,
            document_of,
            account_of: Vec::with_capacity(requests.len()),
            time_ms: Vec::with_capacity(requests.len()),
            uses: Vec::new(),
            accounts: Vec::new(),
            account_ids: Vec::new(),
            principal_of: Vec::new(),
            requests,
        };
        let accounts = population.number_accounts(&visible_origins(&population))?;
        population.collect_uses(&accounts)?;
        Ok(population)
    }

    /// The columns of the segments.
    #[must_use]
    pub fn views(&self) -> &[SegmentView<'a>] {
        &self.views
    }

    /// The text number of a form, [`NONE`] where it may have no family.
    #[must_use]
    pub fn document_of(&self, segment: usize, form: usize) -> u32 {
        self.document_of.get(segment).and_then(|forms| forms.get(form)).copied().unwrap_or(NONE)
    }

    /// The view that a place is in.
    #[must_use]
    pub fn view(&self, place: Place) -> &SegmentView<'a> {
        &self.views[usize_of(place.segment)]
    }

    /// The fingerprint of a text.
    #[must_use]
    pub fn fingerprint(&self, document: u32) -> Option<u128> {
        let place = *self.documents.get(usize_of(document))?;
        self.view(place).fingerprint(usize_of(place.index))
    }

    /// The token hashes of a text, ascending.
    #[must_use]
    pub fn tokens(&self, document: u32) -> Cow<'a, [u32]> {
        let place = self.documents.get(usize_of(document));
        place.map_or_else(Cow::default, |place| self.view(*place).tokens(usize_of(place.index)))
    }

    /// For each segment, the account of each of its origins.
    fn number_accounts(&mut self, visible: &[Vec<bool>]) -> Result<Vec<Vec<u32>>> {
        let mut found: HashMap<u128, (Place, Option<u128>), Xxh3Builder> = HashMap::default();
        let mut ids_of: Vec<Vec<Option<u128>>> = Vec::with_capacity(self.views.len());
        for (segment, view) in (0_u32..).zip(&self.views) {
            let id_of = |name: Option<(Level, u32)>| match name {
                None => Ok(None),
                Some((_, name)) => match view.name_id(name) {
                    Some(id) => Ok(Some((id, name))),
                    None => Err(view.damaged(section::ORIGINS, CorruptKind::Value)),
                },
            };
            let mut ids = Vec::with_capacity(view.origin_count());
            for origin in 0..view.origin_count() {
                if visible[usize_of(segment)].get(origin) != Some(&true) {
                    ids.push(None);
                    continue;
                }
                let names = view.origin(origin);
                let account = id_of(accusable(&names))?;
                let party = id_of(party(&names))?.map(|(id, _)| id);
                ids.push(account.map(|(id, _)| id));
                if let Some((id, name)) = account {
                    let entry = found.entry(id).or_insert((Place { segment, index: name }, party));
                    // An account seen under several parties belongs to the least of their ids, whatever the order.
                    entry.1 = entry.1.min(party).or(party);
                }
            }
            ids_of.push(ids);
        }
        let mut sorted: Vec<(u128, Place, u128)> =
            found.into_iter().map(|(id, (place, party))| (id, place, party.unwrap_or(id))).collect();
        sorted.sort_unstable_by_key(|(id, ..)| *id);
        let mut parties: Vec<u128> = sorted.iter().map(|(_, _, party)| *party).collect();
        parties.sort_unstable();
        parties.dedup();
        let number = |sorted: &[u128], id: u128| sorted.binary_search(&id).ok().and_then(u32_of).unwrap_or(NONE);
        self.principal_of = sorted.iter().map(|(_, _, party)| number(&parties, *party)).collect();
        self.accounts = sorted.iter().map(|(_, place, _)| *place).collect();
        self.account_ids = sorted.iter().map(|(id, ..)| *id).collect();
        checked(self.account_ids.len(), "accounts of a store")?;
        Ok(ids_of
            .into_iter()
            .map(|ids| ids.into_iter().map(|id| id.map_or(NONE, |id| number(&self.account_ids, id))).collect())
            .collect())
    }

    fn collect_uses(&mut self, accounts: &[Vec<u32>]) -> Result<()> {
        for (request, place) in (0_u32..).zip(&self.requests) {
            let view = &self.views[usize_of(place.segment)];
            let row = usize_of(place.index);
            let origin = view.origin_of(row).and_then(|origin| accounts[usize_of(place.segment)].get(usize_of(origin)));
            self.account_of.push(*origin.ok_or_else(|| view.damaged(section::ORIGINS_OF, CorruptKind::Value))?);
            self.time_ms.push(view.time_ms(row));
            for part in view.parts_of(row) {
                let (Some(form), Some(kind)) = (view.form_of(part), view.kind_of(part)) else {
                    return Err(view.damaged(section::PART_FORMS, CorruptKind::Value));
                };
                let document = self.document_of[usize_of(place.segment)].get(usize_of(form)).copied().unwrap_or(NONE);
                if document != NONE && kind.has_family() {
                    let (flags, disguised) = (view.flags_of(part), view.disguised_of(part));
                    self.uses.push(PartUse { document, request, kind, flags, disguised });
                }
            }
        }
        checked(self.uses.len(), "parts of a store")?;
        Ok(())
    }
}

/// Which origins of each segment some visible request has: an account that is hidden as a whole has no number.
fn visible_origins(population: &Population<'_>) -> Vec<Vec<bool>> {
    let mut visible: Vec<Vec<bool>> = population.views.iter().map(|view| vec![false; view.origin_count()]).collect();
    for place in &population.requests {
        let origin = population.view(*place).origin_of(usize_of(place.index)).map(usize_of);
        if let Some(slot) = origin.and_then(|origin| visible[usize_of(place.segment)].get_mut(origin)) {
            *slot = true;
        }
    }
    visible
}

/// Visible rows of all segments by (time, identity).
fn ordered_rows(snapshot: &Snapshot, views: &[SegmentView<'_>]) -> Result<Vec<Place>> {
    let mut rows: Vec<(i64, u128, Place)> = Vec::new();
    for ((segment, view), held) in (0_u32..).zip(views).zip(snapshot.segments()) {
        let identities = if views.len() > 1 { view.identities_by_row() } else { Vec::new() };
        for index in 0..checked(view.row_count(), "requests of a segment")? {
            let row = usize_of(index);
            if !held.is_hidden(row) {
                let identity = identities.get(row).copied().unwrap_or(0);
                rows.push((view.time_ms(row), identity, Place { segment, index }));
            }
        }
    }
    // The rows of one segment are in this order already.
    if views.len() > 1 {
        rows.sort_unstable_by_key(|(time, identity, place)| (*time, *identity, place.segment, place.index));
    }
    checked(rows.len(), "requests of a store")?;
    Ok(rows.into_iter().map(|(_, _, place)| place).collect())
}

/// Numbers the distinct texts that may have a family; a text that stands in several segments is one.
fn number_documents(views: &[SegmentView<'_>]) -> Result<(Vec<Place>, Vec<Vec<u32>>)> {
    let classes: Vec<u8> = PartKind::ALL.into_iter().filter(|kind| kind.has_family()).map(PartKind::class).collect();
    let mut documents = Vec::new();
    let mut document_of = Vec::with_capacity(views.len());
    let mut known: HashMap<u128, u32, Xxh3Builder> = HashMap::default();
    for (segment, view) in (0_u32..).zip(views) {
        let mut numbers = Vec::with_capacity(view.form_count());
        for index in 0..checked(view.form_count(), "texts of a segment")? {
            let form = usize_of(index);
            if !classes.contains(&view.class(form)) {
                numbers.push(NONE);
                continue;
            }
            let next = checked(documents.len(), "texts of a store")?;
            let number = if views.len() > 1 {
                let fingerprint = view.fingerprint(form).unwrap_or(0);
                *known.entry(fingerprint).or_insert(next)
            } else {
                next
            };
            if number == next {
                documents.push(Place { segment, index });
            }
            numbers.push(number);
        }
        document_of.push(numbers);
    }
    Ok((documents, document_of))
}

fn checked(n: usize, limit: &'static str) -> Result<u32> {
    u32_of(n).filter(|n| *n < NONE).ok_or(Error::LimitExceeded { limit, got: u64_of(n), max: u64::from(NONE) - 1 })
}

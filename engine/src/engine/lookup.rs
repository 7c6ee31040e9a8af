//! One prompt against one segment: the nearest leader, whether the very text is there, and who sent it or its like.
//!
//! Bounded whatever was inserted: candidates by the bands' caps, members and uses by the constants below; whoever meets a
//! bound says so.

use crate::corpus::snapshot::{Segment, accusable};
use crate::corpus::view::SegmentView;
use crate::corpus::{NO_TIME, NONE};
use crate::index::SKETCH_BYTES;
use crate::index::leaders::RADIUS_SLOTS;
use crate::index::lsh::{BANDS, Candidates, FEW_BANDS};
use crate::num::{low64, u32_saturating, u64_of, usize_of};
use crate::simd::{Kernels, prefetch};

use super::counter::AccountCounter;

/// Members of all leaders together whose fingerprints are compared.
const MEMBERS_MAX: usize = 4096;
/// Slots that may differ while nearly everything sought shares two bands: J = .7 and above.
const REPEATED_SLOTS: u32 = 38;
/// The same for J = .8, the default.
const NEAR_SLOTS: u32 = 25;
/// Uses of which the account is looked up, spread evenly over all: at 100 ns each they cost less than the sketch.
const ACCOUNTS_LOOKED_UP_MAX: usize = 128;

/// The prompt that is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe<'a> {
    pub(super) fingerprint: u128,
    pub(super) class: u8,
    pub(super) signature: &'a [u8; SKETCH_BYTES],
    /// The most slots that may differ.
    pub(super) unequal_max: u32,
}

impl Probe<'_> {
    /// Bands that are looked at: fewer where only what is very like is sought.
    fn bands(&self) -> usize {
        if self.unequal_max <= NEAR_SLOTS { FEW_BANDS } else { BANDS }
    }
}

/// What a segment knows of a prompt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The form that is nearest: the very text where it is there, else a leader.
    pub(super) form: usize,
    /// The leader of its group.
    pub(super) leader: usize,
    /// Slots of 128 that differ.
    pub(super) unequal: u32,
    /// Whether `form` is the very text.
    pub(super) is_exact: bool,
}

/// Finds the very text, else the nearest leader within `probe.unequal_max`; equal ones by the lower number.
pub(super) fn nearest(
    view: &SegmentView<'_>,
    probe: &Probe<'_>,
    kernels: Kernels,
    candidates: &mut Candidates,
    truncated: &mut bool,
) -> Option<Found> {
    if probe.unequal_max <= REPEATED_SLOTS {
        view.bands().repeated(probe.signature, probe.class, probe.bands(), candidates);
    } else {
        view.bands().candidates(probe.signature, probe.class, candidates);
    }
    *truncated |= candidates.truncated;
    let mut best: Option<Found> = None;
    let mut members_left = MEMBERS_MAX;
    for leader in &candidates.ids {
        // Two cache lines each; asked for ahead, they arrive together.
        if let Some((first, second)) =
            view.signature(usize_of(*leader)).map(|signature| signature.split_at(SKETCH_BYTES / 2))
        {
            first.first().into_iter().chain(second.first()).for_each(prefetch);
        }
    }
    for leader in &candidates.ids {
        let leader = usize_of(*leader);
        let Some(signature) = view.signature(leader) else { continue };
        let unequal = kernels.unequal_bytes(probe.signature, signature);
        if unequal > probe.unequal_max.max(RADIUS_SLOTS) || view.class(leader) != probe.class {
            continue;
        }
        // A text sits with a leader within the radius, and its twin has its signature: only these can hold the very text.
        if unequal <= RADIUS_SLOTS
            && let Some(form) = twin(view, leader, probe.fingerprint, &mut members_left, truncated)
        {
            return Some(Found { form, leader, unequal: 0, is_exact: true });
        }
        if unequal <= probe.unequal_max && best.is_none_or(|best| unequal < best.unequal) {
            best = Some(Found { form: leader, leader, unequal, is_exact: false });
        }
    }
    best
}

/// The form among a leader and its members whose fingerprint is `fingerprint`.
fn twin(
    view: &SegmentView<'_>,
    leader: usize,
    fingerprint: u128,
    members_left: &mut usize,
    truncated: &mut bool,
) -> Option<usize> {
    if view.fingerprint(leader) == Some(fingerprint) {
        return Some(leader);
    }
    let members = view.members_of(leader);
    *truncated |= members.len() > *members_left;
    let looked_at = members.len().min(*members_left);
    *members_left -= looked_at;
    members.take(looked_at).find(|member| view.fingerprint(*member) == Some(fingerprint))
}

/// Who sent a group of near-duplicates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Senders {
    pub(super) requests: u64,
    pub(super) first_ms: Option<i64>,
    pub(super) last_ms: Option<i64>,
}

impl Senders {
    /// Adds what another segment or table knows.
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.first_ms = [self.first_ms, other.first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

/// Counts the requests of a leader and its members that are not hidden, and their accounts into `accounts`.
pub(super) fn senders(
    segment: &Segment,
    view: &SegmentView<'_>,
    leader: usize,
    accounts: Option<&mut AccountCounter>,
    truncated: &mut bool,
) -> Senders {
    let members = view.members_of(leader);
    let forms = std::iter::once(leader).chain(members);
    let mut senders = Senders::default();
    let hides = segment.hidden_count() > 0;
    let mut uses = 0_usize;
    let mut forms_looked_at = 0;
    for form in forms.clone() {
        if forms_looked_at == MEMBERS_MAX {
            *truncated = true;
            break;
        }
        forms_looked_at += 1;
        let rows = view.use_count(form);
        uses += rows;
        // Rows are in the order of time, and a form's uses in the order of rows.
        let ends = [view.use_at(form, 0), view.use_at(form, rows.saturating_sub(1))];
        for time_ms in ends.into_iter().flatten().map(|row| view.time_ms(usize_of(row))).filter(|time| *time != NO_TIME)
        {
            senders.first_ms = Some(senders.first_ms.map_or(time_ms, |first| first.min(time_ms)));
            senders.last_ms = senders.last_ms.max(Some(time_ms));
        }
    }
    senders.requests = u64_of(uses);
    let step = if hides { 1 } else { uses.div_ceil(ACCOUNTS_LOOKED_UP_MAX).max(1) };
    let Some(accounts) = accounts else { return senders };
    *truncated |= step > 1;
    let mut hidden = 0;
    for row in forms.take(forms_looked_at).flat_map(|form| view.uses_of(form)).step_by(step).take(MEMBERS_MAX) {
        let row = usize_of(row);
        if hides && segment.is_hidden(row) {
            hidden += 1;
            continue;
        }
        if let Some(account) = account_of(view, row) {
            accounts.insert(account);
        }
    }
    senders.requests = senders.requests.saturating_sub(hidden);
    senders
}

/// A keyed number of the account that sent a row, the same in every segment.
fn account_of(view: &SegmentView<'_>, row: usize) -> Option<u64> {
    let (_, name) = accusable(&view.origin(usize_of(view.origin_of(row)?)))?;
    view.name_id(name).map(low64)
}

/// A row of the nearest form that is not hidden, for whoever wants to see the request.
pub(super) fn row_of(segment: &Segment, view: &SegmentView<'_>, form: usize) -> u32 {
    view.uses_of(form).take(MEMBERS_MAX).find(|row| !segment.is_hidden(usize_of(*row))).unwrap_or(NONE)
}

/// The most unequal slots of a resemblance of at least `min`.
pub(super) fn unequal_max(min: f32) -> u32 {
    let slots = u32_saturating(SKETCH_BYTES);
    (0..=slots).rev().find(|unequal| crate::sketch::minhash::resemblance_of_unequal(*unequal) >= min).unwrap_or(0)
}

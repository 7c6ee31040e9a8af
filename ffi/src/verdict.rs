//! What a gateway is told, as a C struct.

use engine::verdict::{Advice, Depth, Place, Verdict};

use crate::memory::Sized32;

/// Bits of promptprint_verdict.flags. A caller ignores bits it does not know.
#[repr(u32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_flag {
    /// fingerprint is set.
    PROMPTPRINT_HAS_FINGERPRINT = 1,
    /// A known text is near: nearest and resemblance are set.
    PROMPTPRINT_HAS_NEAREST = 2,
    /// The normal forms of prompt and nearest text are the same.
    PROMPTPRINT_IS_EXACT = 4,
    /// first_ms and last_ms are set.
    PROMPTPRINT_HAS_TIMES = 8,
    /// family and its counts are set.
    PROMPTPRINT_HAS_FAMILY = 16,
    /// campaign is set: it was convicted.
    PROMPTPRINT_HAS_CAMPAIGN = 32,
    /// A bound cut the search short: counts are lower bounds, something nearer may exist.
    PROMPTPRINT_IS_TRUNCATED = 64,
    /// The store or a part of it cannot be read: see promptprint_last_error.
    PROMPTPRINT_IS_DEGRADED = 128,
    /// The nearest text was seen by this process and is not in a sealed segment: it has no request id yet.
    PROMPTPRINT_IS_RECENT = 256,
}

/// promptprint_verdict.advice. Never a ban: a person decides.
#[repr(u32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_advice {
    /// Nothing speaks against the request, or nothing is known.
    PROMPTPRINT_ALLOW = 0,
    /// Ask for more: proof of who is there, a lower rate.
    PROMPTPRINT_STEP_UP = 1,
    /// Have a person look.
    PROMPTPRINT_REVIEW = 2,
}

/// promptprint_verdict.depth: how much of the work was done before the deadline.
#[repr(u32)]
#[allow(dead_code, reason = "constants for the header")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum promptprint_depth {
    /// All of it.
    PROMPTPRINT_FULL = 0,
    /// Near-duplicates were looked for; not all of their accounts were counted.
    PROMPTPRINT_NEAR = 1,
    /// The fingerprint alone.
    PROMPTPRINT_FINGERPRINT = 2,
    /// Nothing: the request was only counted.
    PROMPTPRINT_SKIPPED = 3,
}

/// What is known of one prompt. Fields without a flag are always set; the others are 0 without their flag.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct promptprint_verdict {
    /// In: sizeof(struct promptprint_verdict), set by the caller.
    pub struct_size: u32,
    /// Bits of enum promptprint_flag.
    pub flags: u32,
    /// Keyed digest of the prompt's normal form: equal for every gateway and for the bulk job.
    pub fingerprint: [u8; 16],
    /// Where the nearest text's request is, for promptprint_request_id; opaque.
    pub nearest: u64,
    /// Estimated Jaccard resemblance of prompt and nearest text, 0 to 1.
    pub resemblance: f64,
    /// Requests seen with the nearest text or a near-duplicate of it; this one is not counted.
    pub requests_seen: u64,
    /// Distinct accounts among them: exact for a few, within 5 % up to 3,000.
    pub accounts_seen: u64,
    /// Unix ms of the first of them.
    pub first_ms: i64,
    /// Unix ms of the last of them.
    pub last_ms: i64,
    /// Id of the family, as `promptprint families` prints it in 16 hex digits.
    pub family: u64,
    /// Parts made from the family's template, in the whole store.
    pub family_requests: u64,
    /// Distinct accounts that use the family.
    pub family_accounts: u64,
    /// Distinct parties that use the family.
    pub family_principals: u64,
    /// Id of the convicted campaign; of several over one family, the one whose accounts sent the most of it.
    pub campaign: u64,
    /// An enum promptprint_advice.
    pub advice: u32,
    /// An enum promptprint_depth.
    pub depth: u32,
}

// SAFETY: repr(C), `struct_size` comes first, and all fields are numbers, of which zero is a value.
unsafe impl Sized32 for promptprint_verdict {
    const BYTES_MIN: usize = 120;
}

const _: () = assert!(size_of::<promptprint_verdict>() == 120, "the first version has 120 bytes; later ones only grow");

impl promptprint_verdict {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let flag = |set: bool, flag: promptprint_flag| if set { flag_bits(flag) } else { 0 };
        let nearest = verdict.nearest;
        let times = verdict.first_ms.zip(verdict.last_ms);
        let family = verdict.family;
        let is_recent = nearest.is_some_and(|nearest| nearest.place == Place::Recent);
        Self {
            struct_size: 0,
            flags: flag(verdict.fingerprint.is_some(), promptprint_flag::PROMPTPRINT_HAS_FINGERPRINT)
                | flag(nearest.is_some(), promptprint_flag::PROMPTPRINT_HAS_NEAREST)
                | flag(nearest.is_some_and(|nearest| nearest.is_exact), promptprint_flag::PROMPTPRINT_IS_EXACT)
                | flag(times.is_some(), promptprint_flag::PROMPTPRINT_HAS_TIMES)
                | flag(family.is_some(), promptprint_flag::PROMPTPRINT_HAS_FAMILY)
                | flag(verdict.campaign.is_some(), promptprint_flag::PROMPTPRINT_HAS_CAMPAIGN)
                | flag(verdict.truncated, promptprint_flag::PROMPTPRINT_IS_TRUNCATED)
                | flag(verdict.store_damaged, promptprint_flag::PROMPTPRINT_IS_DEGRADED)
                | flag(is_recent, promptprint_flag::PROMPTPRINT_IS_RECENT),
            fingerprint: verdict.fingerprint.unwrap_or(0).to_le_bytes(),
            nearest: nearest.map_or(0, |nearest| place_number(nearest.place)),
            resemblance: nearest.map_or(0.0, |nearest| f64::from(nearest.resemblance)),
            requests_seen: verdict.requests_seen,
            accounts_seen: u64::from(verdict.accounts_seen),
            first_ms: times.map_or(0, |times| times.0),
            last_ms: times.map_or(0, |times| times.1),
            family: family.map_or(0, |family| family.id),
            family_requests: family.map_or(0, |family| family.requests),
            family_accounts: family.map_or(0, |family| u64::from(family.accounts)),
            family_principals: family.map_or(0, |family| u64::from(family.principals)),
            campaign: verdict.campaign.unwrap_or(0),
            advice: match verdict.advice {
                Advice::Allow => 0,
                Advice::StepUp => 1,
                Advice::Review => 2,
            },
            depth: match verdict.depth {
                Depth::Full => 0,
                Depth::Near => 1,
                Depth::Fingerprint => 2,
                Depth::Skipped => 3,
            },
        }
    }
}

const fn flag_bits(flag: promptprint_flag) -> u32 {
    match flag {
        promptprint_flag::PROMPTPRINT_HAS_FINGERPRINT => 1,
        promptprint_flag::PROMPTPRINT_HAS_NEAREST => 2,
        promptprint_flag::PROMPTPRINT_IS_EXACT => 4,
        promptprint_flag::PROMPTPRINT_HAS_TIMES => 8,
        promptprint_flag::PROMPTPRINT_HAS_FAMILY => 16,
        promptprint_flag::PROMPTPRINT_HAS_CAMPAIGN => 32,
        promptprint_flag::PROMPTPRINT_IS_TRUNCATED => 64,
        promptprint_flag::PROMPTPRINT_IS_DEGRADED => 128,
        promptprint_flag::PROMPTPRINT_IS_RECENT => 256,
    }
}

fn place_number(place: Place) -> u64 {
    match place {
        Place::Sealed { file, row } => (u64::from(file) << 32) | u64::from(row),
        Place::Recent => u64::MAX,
    }
}

/// The place that a number of [`place_number`] stands for.
pub(crate) fn place_of(number: u64) -> Option<Place> {
    if number == u64::MAX {
        return Some(Place::Recent);
    }
    let file = u32::try_from(number >> 32).ok()?;
    let row = u32::try_from(number & u64::from(u32::MAX)).ok()?;
    Some(Place::Sealed { file, row })
}

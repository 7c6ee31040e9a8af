//! What a gateway is told about one prompt: what it repeats, who else sent it, and what that may be worth.
//!
//! A verdict never bans. Its advice is `Allow` unless a campaign was convicted over the prompt's family.

/// What is known of one prompt, as of one snapshot and the process's own recent traffic.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Keyed digest of the prompt's normal form: equal for every way in, gateway or log. `None` when the work stopped
    /// before it, or no key could be read.
    pub fingerprint: Option<u128>,
    /// The nearest known text, where one is at least as near as the reader asks for.
    pub nearest: Option<Nearest>,
    /// Requests seen with the nearest text or a near-duplicate of it; this one is not counted.
    pub requests_seen: u64,
    /// Distinct accounts among them, by linear counting: exact for a few, within 5 % up to 3,000.
    pub accounts_seen: u32,
    /// Unix ms of the first of them that has a time.
    pub first_ms: Option<i64>,
    /// Unix ms of the last of them that has a time.
    pub last_ms: Option<i64>,
    /// The family the prompt belongs to: one that was mined, or one that is forming in the process's own recent traffic.
    pub family: Option<FamilySeen>,
    /// The convicted campaign over that family, where there is one; of several, the one whose accounts sent the most of it.
    pub campaign: Option<u64>,
    /// What to do about it.
    pub advice: Advice,
    /// Whether a bound cut the search short: counts are then lower bounds, and something nearer may exist.
    pub truncated: bool,
    /// Whether the store, or a part of it, could not be read: what is told is then not all.
    pub store_damaged: bool,
    /// Which steps the deadline left out.
    pub depth: Depth,
}

/// The nearest known text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Where a request that sent it can be found.
    pub place: Place,
    /// Estimated Jaccard resemblance, 0 to 1.
    pub resemblance: f32,
    /// Whether the normal forms are the same.
    pub is_exact: bool,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a sealed segment.
    Sealed {
        /// Number of the segment's file.
        file: u32,
        /// Its row there.
        row: u32,
    },
    /// Seen by this process since it started, and not sealed when the snapshot was taken.
    Recent,
}

/// A family as the whole store knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilySeen {
    /// Its id, as `promptprint families` prints it in hex.
    pub id: u64,
    /// Its variant that the prompt belongs to, as `promptprint families --level variant` prints it; known of a text that was
    /// mined, and of no other.
    pub variant: Option<u64>,
    /// Parts made from it.
    pub requests: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Distinct principals.
    pub principals: u32,
    /// Whether this process noticed the template itself and no sealed table holds it yet: the counts are then those of
    /// its own recent traffic, a principal is an account, and the id may change when families are mined.
    pub is_forming: bool,
}

/// What to do about a request. The numbers are in the C header: never reuse one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Advice {
    /// Nothing speaks against it, or nothing is known.
    #[default]
    Allow,
    /// Ask for more: proof of who is there, a lower rate.
    StepUp,
    /// Have a person look.
    Review,
}

/// How much of the work was done before the deadline, most first. The numbers are in the C header: never reuse one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// All of it.
    #[default]
    Full,
    /// Near-duplicates were looked for; accounts were not counted.
    Near,
    /// The fingerprint alone.
    Fingerprint,
    /// Nothing: the request was only counted.
    Skipped,
}

//! What the sections of a segment mean: requests, who sent them, their parts, and the distinct texts (forms) of the parts.
//!
//! `store` knows bytes and `index` knows columns; this room is where the two meet. A *form* is a distinct normal form of
//! one class: parts that repeat a text share its form. Leaders come first among the forms, then the members of each
//! leader, so that "is a leader" is a comparison and "members of" is a range.

pub mod builder;
pub mod exemplars;
pub mod families;
pub mod filter;
pub mod graphs;
pub mod merge;
pub mod names;
pub mod observation;
pub mod population;
pub mod prepare;
mod repeats;
pub mod slots;
pub mod snapshot;
pub mod turns;
mod variants;
pub mod verdicts;
pub mod view;

use crate::request::{Principals, Request, Tags};

/// A request without a time.
pub const NO_TIME: i64 = i64::MIN;

/// No such row.
pub const NONE: u32 = u32::MAX;

/// Section numbers of a segment. They are on disk: never reuse one.
pub mod section {
    /// Identities, ascending; 16 bytes a request.
    pub const IDENTITIES: u32 = 1;
    /// The row of each identity; u32.
    pub const IDENTITY_ROWS: u32 = 2;
    /// A blocked Bloom filter over the identities.
    pub const IDENTITY_FILTER: u32 = 3;
    /// Unix time in ms of each row, rows by (time, identity); i64.
    pub const TIMES: u32 = 4;
    /// The origin of each row; u32.
    pub const ORIGINS_OF: u32 = 5;
    /// First part of each row, and one more; u32.
    pub const PART_STARTS: u32 = 6;
    /// The form of each part; u32.
    pub const PART_FORMS: u32 = 7;
    /// The kind of each part; u8.
    pub const PART_KINDS: u32 = 8;
    /// Signs of obfuscation of each part; u8 flags.
    pub const PART_FLAGS: u32 = 9;
    /// [`Disguised`](crate::family::disguised::Disguised) of each part; two bytes. Empty where no part has any.
    pub const PART_DISGUISED: u32 = 47;
    /// Fingerprint of each form; 16 bytes.
    pub const FORM_FINGERPRINTS: u32 = 10;
    /// Class of each form; u8.
    pub const FORM_CLASSES: u32 = 11;
    /// Bytes of each form's text as sent; u32.
    pub const FORM_BYTES: u32 = 12;
    /// Signature of each form; 128 bytes. Leaders first, so members' signatures lie apart.
    pub const FORM_SIGNATURES: u32 = 13;
    /// For each leader the first of its members among the forms, and one more; u32.
    pub const MEMBER_STARTS: u32 = 14;
    /// For each form the first of its uses, and one more; u32.
    pub const USE_STARTS: u32 = 15;
    /// The row of each use, ascending within a form; u32.
    pub const USES: u32 = 16;
    /// Offsets into the bands' ids.
    pub const BAND_OFFSETS: u32 = 17;
    /// Leaders in bucket order.
    pub const BAND_IDS: u32 = 18;
    /// Tags of the leaders in bucket order.
    pub const BAND_TAGS: u32 = 19;
    /// For each form the first byte of its anchors, and one more; u64.
    pub const ANCHOR_STARTS: u32 = 20;
    /// Encoded anchors.
    pub const ANCHORS: u32 = 21;
    /// For each form the first of its tokens, and one more; u64.
    pub const TOKEN_STARTS: u32 = 29;
    /// Token hashes, ascending within a form; u32.
    pub const TOKENS: u32 = 30;
    /// Keyed ids of names, ascending by (level, id); 16 bytes.
    pub const NAME_IDS: u32 = 22;
    /// Level of each name; u8.
    pub const NAME_LEVELS: u32 = 23;
    /// First byte of each sealed block of names, and one more; u64.
    pub const NAME_BLOCK_STARTS: u32 = 24;
    /// Sealed names.
    pub const NAME_BLOCKS: u32 = 25;
    /// Distinct origins: ten name rows each; u32.
    pub const ORIGINS: u32 = 26;
    /// First byte of each sealed block of request ids, and one more; u64.
    pub const ID_BLOCK_STARTS: u32 = 27;
    /// Sealed request ids, in row order.
    pub const ID_BLOCKS: u32 = 28;
    /// Turns of conversations that a row asks, ascending; u64. Absent where there are none, as the next three.
    pub const TURNS_ASKED: u32 = 40;
    /// The row of each turn asked; u32.
    pub const TURN_ROWS: u32 = 41;
    /// Earlier turns that a part tells again, ascending; u64.
    pub const TURNS_TOLD: u32 = 42;
    /// The part of each earlier turn; u32.
    pub const TURN_PARTS: u32 = 43;
    /// Embedding code of each form; 128 bytes, zeros where it has none. Empty where no form has one.
    pub const FORM_CODES: u32 = 44;
    /// Graph image of the leaders' signatures; its rows are forms. Empty where a scan serves.
    pub const SIGNATURE_GRAPH: u32 = 45;
    /// Graph image of the leaders' codes; its rows are forms. Empty where a scan serves.
    pub const CODE_GRAPH: u32 = 46;
}

/// The ten names an origin is made of. The numbers are on disk: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// The caller's own user.
    EndUser = 0,
    /// The API key.
    Key = 1,
    /// The account.
    Account = 2,
    /// The organisation.
    Org = 3,
    /// Who pays.
    Payer = 4,
    /// Network address.
    Ip = 5,
    /// User agent.
    UserAgent = 6,
    /// Model asked for.
    Model = 7,
    /// Autonomous system.
    Asn = 8,
    /// Payment means.
    Payment = 9,
}

/// Names of one origin.
pub const LEVELS: usize = 10;

impl Level {
    /// All levels, in the order of their numbers.
    pub const ALL: [Self; LEVELS] = [
        Self::EndUser,
        Self::Key,
        Self::Account,
        Self::Org,
        Self::Payer,
        Self::Ip,
        Self::UserAgent,
        Self::Model,
        Self::Asn,
        Self::Payment,
    ];

    /// The place of the level within an origin.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::EndUser => 0,
            Self::Key => 1,
            Self::Account => 2,
            Self::Org => 3,
            Self::Payer => 4,
            Self::Ip => 5,
            Self::UserAgent => 6,
            Self::Model => 7,
            Self::Asn => 8,
            Self::Payment => 9,
        }
    }
}

/// Who sent a request and from where: a name at each level, or none.
pub type OriginNames = [Option<String>; LEVELS];

/// The names of a request, by level.
#[must_use]
pub fn origin_names(request: &mut Request) -> OriginNames {
    let Principals { end_user, key, account, org, payer } = std::mem::take(&mut request.principals);
    let Tags { ip, user_agent, model, asn, payment } = std::mem::take(&mut request.tags);
    [end_user, key, account, org, payer, ip, user_agent, model, asn, payment]
}

/// Which name of an origin can be accused: the account, else the key, else the end user.
pub const ACCUSABLE: [Level; 3] = [Level::Account, Level::Key, Level::EndUser];

/// Which name of an origin is its principal: payer or organisation, else what can be accused.
pub const PARTY: [Level; 5] = [Level::Payer, Level::Org, Level::Account, Level::Key, Level::EndUser];

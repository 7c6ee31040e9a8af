//! What a request is: who sent it, when, and the parts that are fingerprinted; one file per API shape and log format.

mod access;
mod anthropic;
mod batch;
mod bedrock;
mod body;
mod chat;
#[cfg(feature = "parquet")]
mod columnar;
mod content;
pub mod conversation;
mod csv;
mod draft;
pub mod formats;
mod helicone;
mod injected;
pub mod join;
mod json;
mod kong;
mod langfuse;
mod litellm;
pub mod map;
mod openinference;
mod otel;
pub mod parse;
mod plain;
mod responses;
pub mod source;
mod spans;
mod split;
mod time;
mod tools;
mod unfold;

use serde::{Deserialize, Serialize};

/// One API call, as a log or a gateway tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The source's own id of the request, where it has one.
    pub id: Option<String>,
    /// Unix time in milliseconds, where the source has one.
    pub time_ms: Option<i64>,
    /// Who sent it, narrow to wide.
    pub principals: Principals,
    /// Opaque attributes: reported as enrichment, never needed.
    pub tags: Tags,
    /// What is fingerprinted: system blocks, tools, shape, then the turns in their order.
    pub parts: Vec<Part>,
    /// Images, files and other content that is not text: skipped, but counted.
    pub media_skipped: u32,
}

/// The hierarchy of ids of a request, narrow to wide; all opaque.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principals {
    /// The caller's own user.
    pub end_user: Option<String>,
    /// The API key.
    pub key: Option<String>,
    /// The account: what can be accused.
    pub account: Option<String>,
    /// The organisation of the account.
    pub org: Option<String>,
    /// Who pays.
    pub payer: Option<String>,
}

impl Principals {
    /// What can be accused: the account, else the key, else the end user; `None` is an unattributed request.
    #[must_use]
    pub fn accusable(&self) -> Option<&str> {
        self.account.as_deref().or(self.key.as_deref()).or(self.end_user.as_deref())
    }

    /// The widest of payer or organisation, else what can be accused; accounts of one principal are one party.
    #[must_use]
    pub fn party(&self) -> Option<&str> {
        self.payer.as_deref().or(self.org.as_deref()).or_else(|| self.accusable())
    }
}

/// Opaque attributes of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tags {
    /// Network address or prefix.
    pub ip: Option<String>,
    /// User agent of the client.
    pub user_agent: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// Autonomous system of the address.
    pub asn: Option<String>,
    /// Hash of the payment means.
    pub payment: Option<String>,
}

/// A piece of a request that is fingerprinted alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What the piece is.
    pub kind: PartKind,
    /// Its text, as sent.
    pub text: String,
}

/// What a part is. The numbers are on disk: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PartKind {
    /// A prompt without roles (our plain form, completion APIs).
    Prompt = 1,
    /// The first user turn of a conversation that has more than one.
    FirstUser = 2,
    /// The last user turn, or the only one.
    LastUser = 3,
    /// One system or developer block.
    System = 4,
    /// The tools on offer, canonical: names and sorted parameters.
    Tools = 5,
    /// The shape of the request: roles, parameters set, schema.
    Shape = 6,
    /// A tool result: content only, never a template.
    ToolResult = 7,
    /// A block that a client injects into user turns (system-reminder style).
    Injected = 8,
}

impl PartKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Prompt,
        Self::FirstUser,
        Self::LastUser,
        Self::System,
        Self::Tools,
        Self::Shape,
        Self::ToolResult,
        Self::Injected,
    ];

    /// The number that is on disk.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Prompt => 1,
            Self::FirstUser => 2,
            Self::LastUser => 3,
            Self::System => 4,
            Self::Tools => 5,
            Self::Shape => 6,
            Self::ToolResult => 7,
            Self::Injected => 8,
        }
    }

    /// The kind of a number on disk, or `None` for one that has no meaning.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name that users see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::FirstUser => "first_user",
            Self::LastUser => "last_user",
            Self::System => "system",
            Self::Tools => "tools",
            Self::Shape => "shape",
            Self::ToolResult => "tool_result",
            Self::Injected => "injected",
        }
    }

    /// Kinds that are compared with each other: all user text is one, every other kind stands alone.
    #[must_use]
    pub const fn class(self) -> u8 {
        match self {
            Self::Prompt | Self::FirstUser | Self::LastUser => 1,
            other => other.number(),
        }
    }

    /// Whether parts of this kind may belong to a family.
    #[must_use]
    pub const fn has_family(self) -> bool {
        matches!(self, Self::Prompt | Self::FirstUser | Self::LastUser | Self::System | Self::Injected)
    }
}

//! The analyse plane: long work over whole logs and stores, with progress, in bounded memory.
//!
//! `ingest` turns logs into segments, `mine` finds the families of a store, `near` answers query logs, `compact` rewrites
//! segments, `maintain` takes in what gateways logged. Each publishes a manifest when a step is durable, so that an interruption at any moment loses nothing that was acknowledged.

mod bank;
mod compact;
mod graph;
mod ingest;
mod judge;
mod lines;
mod maintain;
mod mine;
mod near;
mod render;
mod replay;
mod reporting;
mod texts;
mod traffic;
mod verdicts;
mod why;

pub use bank::{
    BANK_IMAGE, BankLabel, bank_of_families, bank_of_texts, banks, cores, import_bank, read_bank, remove_bank,
};
pub use compact::{compact, forget};
pub use ingest::{IndexOptions, LogCount, Skipped, Summary, index, open_or_create};
pub use judge::{AccountRow, BankRow, CampaignRow, EvidenceRow, Judged, Names, family_container, judge};
pub use maintain::{MaintainOptions, Maintained, days_ms, maintain};
pub use mine::mine_families;
pub use near::{NearAnswer, NearBy, NearHit, near, preparer_of, spec_of};
pub use replay::{ReplayAccount, ReplayCampaign, ReplayOptions, ReplayStep, replay};
pub use reporting::{ReportOptions, report};
pub use texts::TextCache;
pub use traffic::Traffic;
pub use verdicts::{publish_judged, publish_verdicts};
pub use why::{Nearest, Recipe, Sharer, SlotValues, WhyAnswer, WhyRow, parameters, why};

/// How a long job tells where it is, and learns that it should stop.
pub trait Progress: Sync {
    /// Says what is being done now.
    fn step(&self, message: &str);
    /// Whether the caller wants the job to stop at the next safe place.
    fn should_stop(&self) -> bool;
}

/// No display, and no stop.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _message: &str) {}

    fn should_stop(&self) -> bool {
        false
    }
}

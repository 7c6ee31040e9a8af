//! A seeded generator of request logs: people, the traps that innocent traffic lays, and hidden campaigns, with labels apart.
//!
//! A [`Model`] says how much of what; [`Traffic`] streams it in the order of time; a [`Recorder`] writes lines and labels. The
//! same model and seed give the same bytes on every machine. `datasets/README.md` describes the model of the traffic.

mod code;
mod cohort;
mod english;
mod grammar;
mod lexicon;
mod library;
mod num;
mod person;
mod plan;
mod problem;
mod record;
mod reword;
mod rhythm;
mod rng;
mod skeleton;
mod spec;
mod stream;
mod tongues;
mod traps;

pub use plan::Model;
pub use problem::Subject;
pub use record::{Format, Output, Recorder};
pub use reword::Obfuscation;
pub use spec::{CampaignSpec, Draw, SpecError, Style, Succession, TrapSpec};
pub use stream::Traffic;

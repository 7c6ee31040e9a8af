//! Templates: which prompts were made from the same skeleton, and what stood in its slots.

pub mod anchor;
mod atoms;
mod cluster;
mod corpus;
mod describe;
pub mod disguised;
pub mod forming;
#[cfg(test)]
mod hostile;
mod judge;
mod lists;
pub mod live;
pub mod mine;
pub mod packed;
mod parting;
mod recurrence;
pub mod render;
mod sets;
mod skeleton;
pub mod variants;
mod votes;
mod wordings;

pub use anchor::{Anchor, Anchorer, Anchors, Scratch};
pub use mine::{CoreAnchor, Documents, Families, Family, Match, MineOptions, NO_ACCOUNT, Use, Uses, mine};
pub use variants::{Variant, Variants};

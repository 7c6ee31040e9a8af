//! The kernels for AArch64, all of which have NEON.
#![allow(unsafe_code)]

mod neon;

use super::Table;

/// The table of the only level.
pub(super) fn table() -> Option<&'static Table> {
    Some(&neon::TABLE)
}

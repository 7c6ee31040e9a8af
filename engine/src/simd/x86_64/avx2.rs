//! Every kernel for AVX2: 32 bytes or 8 hashes a step.
use super::super::{Table, scalar};
pub(in super::super) static TABLE: Table = Table { level: super::Level::Avx2, ..scalar::TABLE };

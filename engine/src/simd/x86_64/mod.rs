//! The kernels for x86-64, and which of them this CPU can run.
#![allow(unsafe_code)]

mod avx2;
mod avx512;

use super::{Level, Table};

/// The table of a level, or `None` when this CPU lacks it.
pub(super) fn table(level: Level) -> Option<&'static Table> {
    match level {
        Level::Avx2 if has_avx2() => Some(&avx2::TABLE),
        Level::Avx512 if has_avx2() && has_avx512() => Some(&avx512::TABLE),
        _ => None,
    }
}

fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt")
}

fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512vpopcntdq")
}

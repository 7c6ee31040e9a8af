//! The instruction sets that kernels are written for, and how a user names them.

use crate::error::{Error, Result};

/// An instruction set; `Scalar` runs everywhere and is the definition of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust.
    Scalar,
    /// x86-64 with AVX2, BMI1, BMI2 and POPCNT (2013).
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL, VBMI, VBMI2, BITALG and VPOPCNTDQ (2019).
    Avx512,
    /// AArch64 with NEON: every one of them.
    Neon,
}

impl Level {
    /// Every level, slowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Avx2, Self::Avx512, Self::Neon];

    /// Reads the value of the variable `PROMPTPRINT_LEVEL`, which the command line, tests and benchmarks look at and the
    /// library does not: a level's name, or nothing or `auto` for the best there is.
    /// # Errors
    /// [`Error::InvalidArgument`] when it names no level.
    pub fn from_env_value(value: &str) -> Result<Option<Self>> {
        match value.trim() {
            "" | "auto" => Ok(None),
            name => name.parse().map(Some),
        }
    }

    /// The name that [`str::parse`] reads back.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or_else(|| Error::InvalidArgument {
            argument: "level",
            reason: format!("{name:?} is none of auto, scalar, avx2, avx512, neon"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse::<Level>().ok(), Some(level));
            assert_eq!(Level::from_env_value(level.name()).ok(), Some(Some(level)));
        }
        assert_eq!(Level::from_env_value(" auto ").ok(), Some(None));
        assert!(Level::from_env_value("sse9").is_err());
    }
}

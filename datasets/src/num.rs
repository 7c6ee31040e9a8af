//! Conversions and the two functions of real numbers that the model needs, so that a seed gives the same bytes anywhere:
//! the only home of `as` in this crate, and no call into a platform's mathematics library.
#![allow(clippy::as_conversions)]

/// The nearest double.
pub(crate) const fn real(n: u64) -> f64 {
    n as f64
}

/// The nearest double of a length.
pub(crate) const fn real_len(n: usize) -> f64 {
    n as f64
}

/// The whole part; negative values and NaN become 0.
pub(crate) const fn whole(x: f64) -> u64 {
    x as u64
}

/// A count as an index; every platform with less than 64-bit addresses saturates.
pub(crate) fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A length as a count.
pub(crate) const fn count(n: usize) -> u64 {
    n as u64
}

/// The low 32 bits.
pub(crate) const fn low32(n: u64) -> u32 {
    n as u32
}

/// The upper half of a product: a 64-bit number scaled to `0..n` without the bias or cost of a division.
pub(crate) const fn scaled(x: u64, n: u64) -> u64 {
    ((x as u128 * n as u128) >> 64) as u64
}

/// Natural logarithm of a positive, normal number; 1e-12 is close enough for a traffic model.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let (mut power, mut sum, mut odd) = (s, 0.0, 1.0);
    while odd < 22.0 {
        sum += power / odd;
        power *= square;
        odd += 2.0;
    }
    2.0 * sum + exponent as f64 * std::f64::consts::LN_2
}

/// Exponential of a number in -700..700; outside of it the nearest end.
pub(crate) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let k = (x / std::f64::consts::LN_2).floor();
    let r = x - k * std::f64::consts::LN_2;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 18.0 {
        term *= r / n;
        sum += term;
        n += 1.0;
    }
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_agree_with_the_platform() {
        for i in 1..2_000_u32 {
            let x = f64::from(i) * 0.037;
            assert!((ln(x) - x.ln()).abs() < 1e-11, "ln {x}");
            assert!((exp(x - 30.0) / (x - 30.0).exp() - 1.0).abs() < 1e-11, "exp {x}");
        }
    }
}

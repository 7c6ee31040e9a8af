//! Reads the times that logs write: unix time in several units, and dates in text.

use super::json::{Json, Kind};
use crate::num;

/// The unit of a bare number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    #[default]
    Milliseconds,
    /// Told by the size of the number: exporters of spans write all of them.
    Guessed,
}

/// Unix milliseconds of `value`, or `None` when it is no time. A whole number, bare or in a string, counts in `unit`; one
/// with a fraction counts in seconds where it is small enough to be seconds; text is read as [`of_text`] reads it; a list
/// of two numbers is seconds and nanoseconds.
pub(super) fn of_json(value: Json<'_>, unit: Unit) -> Option<i64> {
    if value.is_array() {
        let mut items = value.items().map(|item| item.raw().parse::<i64>().ok());
        let (seconds, nanoseconds) = (items.next()??, items.next()??);
        return seconds.checked_mul(1000)?.checked_add(nanoseconds / 1_000_000).filter(|_| items.next().is_none());
    }
    let text = value.text();
    let text = match value.kind() {
        Kind::Number => value.raw(),
        _ => text.as_deref()?.trim(),
    };
    of_number(text, unit).or_else(|| of_text(text))
}

fn of_number(text: &str, unit: Unit) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return match unit {
            Unit::Seconds => whole.checked_mul(1000),
            Unit::Milliseconds => Some(whole),
            Unit::Guessed => match whole.unsigned_abs() {
                0..100_000_000_000 => whole.checked_mul(1000),
                100_000_000_000..100_000_000_000_000 => Some(whole),
                100_000_000_000_000..100_000_000_000_000_000 => Some(whole.div_euclid(1000)),
                _ => Some(whole.div_euclid(1_000_000)),
            },
        };
    }
    // Letters would let "inf" and "nan" through.
    if !text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
        return None;
    }
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite())?;
    // Past this a count of seconds would lie 3,000 years ahead, so it counts milliseconds.
    let ms = if unit == Unit::Seconds || value.abs() < 1e11 { value * 1000.0 } else { value };
    (ms.abs() < 9e15).then(|| num::i64_of_f64(ms.round()))
}

/// Unix milliseconds of a date in text: RFC 3339, also with a space for the `T` and without an offset, which then is UTC
/// (as database exports write it). Further digits of the second are cut; a leap second counts as the one before.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digits = |from: usize, length: usize| -> Option<i64> {
        let field = bytes.get(from..from + length)?;
        field.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    let (hour, minute, second) = (digits(11, 2)?, digits(14, 2)?, digits(17, 2)?);
    let separators = [bytes[4], bytes[7], bytes[13], bytes[16]] == *b"--::" && matches!(bytes[10], b'T' | b't' | b' ');
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !separators || !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut ms = 0;
    if matches!(bytes.get(at), Some(b'.' | b',')) {
        let length = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        ms = digits(at + 1, length.min(3))? * [0, 100, 10, 1][length.min(3)];
        at += 1 + length;
        if length == 0 {
            return None;
        }
    }
    let offset_minutes = match bytes.get(at..)? {
        [] | [b'Z' | b'z'] | b" UTC" => 0,
        [sign @ (b'+' | b'-'), zone @ ..] if matches!(zone.len(), 2 | 4 | 5) => {
            let minutes_at = at + zone.len() - 1;
            let (hours, minutes) = (digits(at + 1, 2)?, if zone.len() == 2 { 0 } else { digits(minutes_at, 2)? });
            if hours > 23 || minutes > 59 || (zone.len() == 5 && zone[2] != b':') {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second.min(59);
    Some((seconds - offset_minutes * 60) * 1000 + ms)
}

/// Days from 1970-01-01 of a date in the proleptic Gregorian calendar, by counting years from March, so that the leap
/// day is the last of its year (Hinnant, 2013).
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::super::json::Tape;
    use super::*;

    #[test]
    fn dates_in_text() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-09-21T00:00:04.744Z", Some(1_789_948_804_744)),
            ("2026-09-21 00:00:04.744999", Some(1_789_948_804_744)),
            ("2026-09-21T02:00:04.7+02:00", Some(1_789_948_804_700)),
            ("2026-09-20T19:00:04-0500", Some(1_789_948_804_000)),
            ("2024-02-29T23:59:60Z", Some(1_709_251_199_000)),
            ("1969-12-31T23:59:59Z", Some(-1000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-09-21T00:00:04.", None),
            ("2026-09-21", None),
            ("yesterday", None),
            ("2026-09-21T00:00:04+2", None),
            ("２026-09-21T00:00:04Z", None),
        ];
        for (text, expected) in cases {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_in_their_unit() {
        let cases = [
            ("1789948804744", Unit::Milliseconds, Some(1_789_948_804_744)),
            ("\"1789948804744\"", Unit::Milliseconds, Some(1_789_948_804_744)),
            ("1789948804.744", Unit::Milliseconds, Some(1_789_948_804_744)),
            ("1789948804.744", Unit::Seconds, Some(1_789_948_804_744)),
            ("1789948804", Unit::Seconds, Some(1_789_948_804_000)),
            ("\"1789948804744000123\"", Unit::Guessed, Some(1_789_948_804_744)),
            ("1789948804744123", Unit::Guessed, Some(1_789_948_804_744)),
            ("1789948804", Unit::Guessed, Some(1_789_948_804_000)),
            ("[1789948804,744000001]", Unit::Guessed, Some(1_789_948_804_744)),
            ("0", Unit::Milliseconds, Some(0)),
            ("-5", Unit::Milliseconds, Some(-5)),
            ("1e999", Unit::Milliseconds, None),
            ("\"inf\"", Unit::Seconds, None),
            ("9223372036854775807", Unit::Seconds, None),
            ("true", Unit::Milliseconds, None),
            ("[]", Unit::Milliseconds, None),
        ];
        for (text, unit, expected) in cases {
            let mut tape = Tape::default();
            let doc = tape.parse(text, "").expect("valid JSON");
            assert_eq!(of_json(doc.root(), unit), expected, "{text}");
        }
    }
}

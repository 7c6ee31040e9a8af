//! How numbers, times and hostile text are written for people; the page's template calls these as filters.

use crate::num;

/// Minus as a typographer sets it.
const MINUS: &str = "\u{2212}";
/// A space that holds a number and its unit together.
const NARROW_SPACE: char = '\u{202F}';

/// A count with its thousands apart: `28,800,000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A measured value to three significant digits: `0.0421`, `12.3`, `1,240`, `3.1 × 10⁻⁷`.
pub(super) fn value(x: f64) -> String {
    if !x.is_finite() {
        return "not measured".to_owned();
    }
    let size = x.abs();
    let sign = if x < 0.0 { MINUS } else { "" };
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e7).contains(&size) {
        format!("{sign}{}", power_of_ten(size))
    } else if size >= 999.5 {
        format!("{sign}{}", count(num::u64_of_f64(size.round())))
    } else {
        let decimals = if size >= 99.95 {
            0
        } else if size >= 9.995 {
            1
        } else if size >= 0.9995 {
            2
        } else if size >= 0.09995 {
            3
        } else {
            4
        };
        let text = format!("{size:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{sign}{text}")
    }
}

/// A probability: two digits where it matters, a power of ten where it is small.
pub(super) fn probability(p: f64) -> String {
    if !p.is_finite() {
        "not measured".to_owned()
    } else if p <= 0.0 {
        "0".to_owned()
    } else if p < 1e-3 {
        power_of_ten(p)
    } else if p < 0.1 {
        let text = format!("{p:.4}");
        text.trim_end_matches('0').to_owned()
    } else {
        format!("{p:.2}")
    }
}

/// A positive number as mantissa and power: `3.1 × 10⁻⁷`.
fn power_of_ten(size: f64) -> String {
    let text = format!("{size:.1e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised = exponent.chars().map(|c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(u32::from('⁰') + (u32::from(c) - u32::from('0'))).unwrap_or(c),
        other => other,
    });
    let raised: String = raised.collect();
    if mantissa == "1.0" {
        format!("10{raised}")
    } else {
        format!("{mantissa}{NARROW_SPACE}×{NARROW_SPACE}10{raised}")
    }
}

/// A ratio in percent: `0.3 %`, `97 %`; only nothing is `0 %`, and only all is `100 %`.
pub(super) fn percent(ratio: f64) -> String {
    if !ratio.is_finite() {
        return "not measured".to_owned();
    }
    let percent = (ratio * 100.0).clamp(0.0, 100.0);
    let text = if percent == 0.0 || percent == 100.0 {
        format!("{percent:.0}")
    } else if percent < 0.05 {
        "< 0.1".to_owned()
    } else if percent < 9.95 {
        format!("{percent:.1}")
    } else if percent > 99.9 {
        "> 99.9".to_owned()
    } else if percent > 99.0 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    };
    format!("{text}{NARROW_SPACE}%")
}

/// A strength, to the two digits that it is good for.
pub(super) fn strength(x: f64) -> String {
    if x.is_finite() { format!("{x:.2}") } else { "not measured".to_owned() }
}

/// A size in bytes: `640 B`, `4.2 GB`.
pub(super) fn bytes(n: u64) -> String {
    let mut size = num::f64_of_u64(n);
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            let decimals = usize::from(unit != "B" && size < 9.95);
            return format!("{size:.decimals$}{NARROW_SPACE}{unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1}{NARROW_SPACE}TB")
}

/// A length of time in the unit a person would say: `45 days`, `6 hours`.
pub(super) fn duration(ms: i64) -> String {
    let hours = ms / 3_600_000;
    let (amount, unit) = match hours {
        0 => (ms / 60_000, "minute"),
        1..=47 if hours % 24 != 0 => (hours, "hour"),
        _ => (hours / 24, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{amount} {unit}{plural}")
}

/// A day in UTC: `2026-04-22`.
pub(super) fn date(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02}")
}

/// A minute in UTC: `2026-04-22 13:05`.
pub(super) fn datetime(ms: i64) -> String {
    let minutes = ms.rem_euclid(86_400_000) / 60_000;
    format!("{} {:02}:{:02}", date(ms), minutes / 60, minutes % 60)
}

/// Year, month and day of a count of days since 1970 in the proleptic Gregorian calendar (Howard Hinnant's
/// `civil_from_days`: years that begin in March put the leap day last).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Appends `text` to `out` as HTML text or attribute value. What a browser would obey is escaped; what it would hide
/// (controls, direction overrides, zero-width characters, tags) is written out as `‹U+202E›`, so that an analyst
/// reads what is there. Joiners stay where scripts and emoji need them: between two characters that are not ASCII.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut previous = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            _ if hidden(c, previous, chars.peek().copied()) => {
                out.push_str(&format!("\u{2039}U+{:04X}\u{203A}", u32::from(c)));
            }
            _ => out.push(c),
        }
        previous = c;
    }
}

/// Whether a reader would not see `c` between its neighbours.
fn hidden(c: char, previous: char, next: Option<char>) -> bool {
    match c {
        '\u{200C}' | '\u{200D}' => previous.is_ascii() || next.is_none_or(|next| next.is_ascii()),
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}' => true,
        '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' => true,
        '\u{E0000}'..='\u{E0FFF}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        assert_eq!((count(0), count(999), count(28_800_000)), ("0".into(), "999".into(), "28,800,000".into()));
        let values = [0.0, 0.04213, -12.34, 1239.7, 3.1e-7, 0.5, 1.0, 100.0, 2e9, 1e-12, f64::NAN].map(value);
        let texts = [
            "0",
            "0.0421",
            "−12.3",
            "1,240",
            "3.1\u{202F}×\u{202F}10⁻⁷",
            "0.5",
            "1",
            "100",
            "2.0\u{202F}×\u{202F}10⁹",
            "10⁻¹²",
            "not measured",
        ];
        assert_eq!(values, texts);
        assert_eq!([1.0, 0.05, 0.0015, 1e-4, 0.0].map(probability), ["1.00", "0.05", "0.0015", "10⁻⁴", "0"]);
        let ratios = [0.0, 0.0001, 0.043, 0.97, 0.995, 0.99999, 1.0, 7.0].map(percent);
        assert_eq!(
            ratios.map(|r| r.replace('\u{202F}', " ")),
            ["0 %", "< 0.1 %", "4.3 %", "97 %", "99.5 %", "> 99.9 %", "100 %", "100 %"]
        );
        assert_eq!(
            [640, 4_200, 999_600, u64::MAX].map(bytes).map(|b| b.replace('\u{202F}', " ")),
            ["640 B", "4.2 kB", "1.0 MB", "18446744.1 TB"]
        );
        assert_eq!(
            [60_000, 3_600_000, 86_400_000, 129_600_000, 45 * 86_400_000].map(duration),
            ["1 minute", "1 hour", "1 day", "36 hours", "45 days"]
        );
    }

    #[test]
    fn dates_are_right_at_the_turns_of_the_calendar() {
        assert_eq!(datetime(0), "1970-01-01 00:00");
        assert_eq!(datetime(-1), "1969-12-31 23:59");
        assert_eq!(datetime(951_782_399_999), "2000-02-28 23:59");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_776_816_000_000), "2026-04-22");
        assert!(!datetime(i64::MAX).is_empty() && !datetime(i64::MIN).is_empty());
    }

    #[test]
    fn hostile_text_is_shown_and_not_obeyed() {
        let shown = |text: &str| {
            let mut out = String::new();
            push_escaped(&mut out, text);
            out
        };
        assert_eq!(shown("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(shown("a\u{202E}b\u{200B}c\u{0}\u{1B}"), "a‹U+202E›b‹U+200B›c‹U+0000›‹U+001B›");
        assert_eq!(shown("p\u{200D}q"), "p‹U+200D›q");
        assert_eq!(shown("👩\u{200D}💻 می\u{200C}خواهم"), "👩\u{200D}💻 می\u{200C}خواهم");
        assert_eq!(shown("line\n\ttab\u{2028}"), "line\n\ttab‹U+2028›");
        assert_eq!(shown("x\u{E0041}"), "x‹U+E0041›");
    }
}

//! Printing: to standard output, quiet when the reader of a pipe has gone.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use promptprint::{Error, Result};

/// Standard output, buffered; a closed pipe ends the printing, not the program.
pub struct Out {
    inner: BufWriter<StdoutLock<'static>>,
    closed: bool,
}

impl Out {
    /// Takes standard output.
    pub fn new() -> Self {
        Self { inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()), closed: false }
    }

    /// Prints one line.
    pub fn line(&mut self, text: impl std::fmt::Display) -> Result<()> {
        let result = writeln!(self.inner, "{text}");
        self.settle(result)
    }

    /// Prints one value as a line of JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_string(value).expect("the value has string keys and finite numbers");
        self.line(text)
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints what is still in the buffer.
    pub fn finish(mut self) -> Result<()> {
        let result = self.inner.flush();
        self.settle(result)
    }

    fn settle(&mut self, result: io::Result<()>) -> Result<()> {
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(source) => Err(Error::Io { op: "write", path: "standard output".into(), source }),
        }
    }
}

/// Unix milliseconds as `2026-09-21 14:03`, in UTC.
pub fn time(ms: i64) -> String {
    // Days to a civil date by Howard Hinnant's algorithm (2013); exact for every year that a log can hold.
    let minutes = ms.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_civil_utc() {
        assert_eq!(time(0), "1970-01-01 00:00");
        assert_eq!(time(1_790_642_265_953), "2026-09-29 00:37");
        assert_eq!(time(-60_000), "1969-12-31 23:59");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00");
    }
}

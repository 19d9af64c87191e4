//! Conversions between [`plugpipe_time`]'s types and those of the plug: `Duration`, and nanoseconds
//! since the Unix epoch. Reads no clock.

use core::time::Duration;

pub use plugpipe_time::{PrometheusDuration, Timestamp};

/// Formats nanoseconds since the Unix epoch as RFC 3339 in UTC with milliseconds, for example
/// `2024-01-01T00:00:00.000Z`.
pub fn rfc3339(unix_nanos: u64) -> String {
    let mut text = String::with_capacity("2024-01-01T00:00:00.000Z".len());
    Timestamp::from_unix_nanos(unix_nanos).write_rfc3339(&mut text);
    text
}

/// Parses a [`PrometheusDuration`]. The error tells what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<PrometheusDuration>().map(PrometheusDuration::get).map_err(|problem| problem.to_string())
}

/// Writes a [`PrometheusDuration`], such as `1m30s`; at least `1ms` unless it is zero.
pub fn prometheus_duration(duration: Duration) -> String {
    PrometheusDuration::saturating(duration).to_string()
}

/// Formats timestamps and caches the last text, because successive timestamps often share their
/// second and most of their text.
#[derive(Debug, Default)]
pub struct LastMoment {
    unix_seconds: u64,
    text: String,
}

impl LastMoment {
    /// The same text as [`rfc3339`].
    #[inline]
    pub fn rfc3339(&mut self, unix_nanos: u64) -> &str {
        const MILLIS: usize = "000Z".len();
        let (seconds, millis) = (unix_nanos / 1_000_000_000, unix_nanos / 1_000_000 % 1_000);
        match self.text.len().checked_sub(MILLIS).filter(|_| self.unix_seconds == seconds) {
            Some(begin) => {
                self.text.truncate(begin);
                for digit in [millis / 100, millis / 10 % 10, millis % 10] {
                    // Each is below ten.
                    self.text.push(char::from(b'0' + digit as u8));
                }
                self.text.push('Z');
            }
            None => {
                self.unix_seconds = seconds;
                self.text = rfc3339(unix_nanos);
            }
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_does_not_change_the_text() {
        let mut last = LastMoment::default();
        let begin = 1_704_067_199_998_500_000;
        for step in 0..4_000 {
            let nanos = begin + step * 700_000;
            assert_eq!(last.rfc3339(nanos), rfc3339(nanos));
        }
        assert_eq!(last.rfc3339(5_999_999), rfc3339(5_999_999));
    }
}

//! Between [`plugpipe_time`]'s types and what the plug counts with: `Duration`, and nanoseconds
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

/// Reads a [`PrometheusDuration`]. The error says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<PrometheusDuration>().map(PrometheusDuration::get).map_err(|problem| problem.to_string())
}

/// Writes a [`PrometheusDuration`], such as `1m30s`; at least `1ms` unless it is zero.
pub fn prometheus_duration(duration: Duration) -> String {
    PrometheusDuration::saturating(duration).to_string()
}

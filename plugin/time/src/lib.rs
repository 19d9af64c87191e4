//! Durations and timestamps as Prometheus and RFC 3339 write them.
//!
//! The plug and its host both use [`PrometheusDuration`] and [`Timestamp`], so they accept the same
//! input. Nothing here reads a clock: parsing a timestamp relative to now takes `now` as an
//! argument.
//!
//! [`excerpt`] is here because the contract and the metrics library both need it and share no other
//! crate.
//!
//! ```
//! use plugpipe_time::{PrometheusDuration, Timestamp};
//!
//! let timeout: PrometheusDuration = "1m30s".parse()?;
//! assert_eq!(timeout.as_millis(), 90_000);
//! let now: Timestamp = "2024-01-01T00:00:00Z".parse()?;
//! assert_eq!(Timestamp::parse("now-1.5h", now)?.to_string(), "2023-12-31T22:30:00.000Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod duration;
mod excerpt;
mod timestamp;
#[cfg(feature = "serde")]
mod wire;

pub use duration::{PrometheusDuration, WrongDuration};
pub use excerpt::excerpt;
pub use timestamp::{Timestamp, WrongTimestamp};

/// Maximum number of input bytes quoted in an error.
const MAX_QUOTED: usize = 60;

/// The beginning of the input, quoted for an error message.
fn quoted(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= MAX_QUOTED) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

//! The settings of remote write and OTLP.

use core::time::Duration;

use super::{duration, labels, setting, size, unless_unset, url};
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::http::{Limits, Url};
use crate::json::Json;
use crate::registry::Labels;
use crate::servers::remote_write::Version;

/// Where and how the registry is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The receiver, with its path, such as `http://127.0.0.1:9090/api/v1/write`.
    pub write_url: Option<Url>,
    /// The version to speak; none to find out.
    pub write_version: Option<Version>,
    /// For one request; and no further one is begun in the same call after so long.
    pub write_timeout: Duration,
    /// Values that are kept for a receiver that is away; a native histogram counts as one and one for each bucket.
    pub write_capacity: usize,
    /// Put on every series that has no such label itself.
    pub external_labels: Labels,
    /// The receiver, with its path, such as `http://127.0.0.1:9090/api/v1/otlp/v1/metrics`.
    pub otlp_url: Option<Url>,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            write_url: None,
            write_version: None,
            write_timeout: Duration::from_secs(10),
            write_capacity: 100_000,
            external_labels: Labels::default(),
            otlp_url: None,
        }
    }
}

impl Remote {
    pub(super) fn overlay(&mut self, fields: &Fields) -> Result<(), Error> {
        let defaults = Self::default();
        if let Some(url) = setting(fields, "remote_write_url", url)? {
            self.write_url = url;
        }
        if let Some(version) = setting(fields, "remote_write_version", version)? {
            self.write_version = version.flatten();
        }
        if let Some(timeout) = setting(fields, "remote_write_timeout", duration)? {
            self.write_timeout = timeout.unwrap_or(defaults.write_timeout);
        }
        if let Some(capacity) = setting(fields, "remote_write_capacity", size)? {
            self.write_capacity = capacity.unwrap_or(defaults.write_capacity);
        }
        if let Some(given) = unless_unset(fields, "external_labels") {
            self.external_labels = if given.is_some() { labels(fields, "external_labels")? } else { Labels::default() };
        }
        if let Some(url) = setting(fields, "otlp_url", url)? {
            self.otlp_url = url;
        }
        Ok(())
    }

    /// Bounds of one remote write.
    pub fn write_limits(&self, of_operations: Limits) -> Limits {
        let connect = of_operations.connect.min(self.write_timeout);
        Limits { connect, total: self.write_timeout, ..of_operations }
    }
}

fn version(value: &Json) -> Result<Option<Version>, String> {
    match fields::scalar(value).as_deref().map(str::trim) {
        Some("auto") => Ok(None),
        Some("2" | "2.0") => Ok(Some(Version::Two)),
        Some("1" | "1.0") => Ok(Some(Version::One)),
        _ => Err(format!("expected auto, 2.0 or 1.0, got {}", crate::error::excerpt(&value.shown(), 100))),
    }
}

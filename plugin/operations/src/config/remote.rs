//! The settings of remote write and OTLP.

use core::time::Duration;

use crate::http::{Limits, Url};
use crate::registry::Labels;
use crate::servers::remote_write::Version;
use plugpipe_contract::settings::RemoteWriteVersion;

/// Where and how the registry is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The receiver, with its path, such as `http://127.0.0.1:9090/api/v1/write`.
    pub write_url: Option<Url>,
    /// The version to speak; none to find out.
    pub write_version: Option<Version>,
    /// For one request; and no further one is begun in the same call after so long.
    pub write_timeout: Duration,
    /// Values that are kept for a receiver that is away; a native histogram counts as one and one
    /// for each bucket.
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
    /// Bounds of one remote write.
    pub fn write_limits(&self, of_operations: Limits) -> Limits {
        let connect = of_operations.connect.min(self.write_timeout);
        Limits { connect, total: self.write_timeout, ..of_operations }
    }
}

/// The version to speak; none to find out.
pub(super) fn version(given: RemoteWriteVersion) -> Option<Version> {
    match given {
        RemoteWriteVersion::Auto => None,
        RemoteWriteVersion::One => Some(Version::One),
        RemoteWriteVersion::Two => Some(Version::Two),
    }
}

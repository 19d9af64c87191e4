//! Settings of remote write and OTLP.

use core::time::Duration;

use crate::http::{Limits, Url};
use crate::registry::Labels;
use crate::servers::remote_write::Version;
use plugpipe_contract::settings::RemoteWriteVersion;

/// Settings of remote write and OTLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The remote-write receiver, including its path: `http://127.0.0.1:9090/api/v1/write`.
    pub write_url: Option<Url>,
    /// The protocol version; `None` to negotiate it.
    pub write_version: Option<Version>,
    /// The timeout of one request. After this time, a call starts no further request.
    pub write_timeout: Duration,
    /// The maximum number of values queued for an unavailable receiver; a native histogram counts
    /// as one plus one per bucket.
    pub write_capacity: usize,
    /// The age at which values that are queued are dropped.
    pub write_max_age: Duration,
    /// Labels added to every series that does not have them.
    pub external_labels: Labels,
    /// The OTLP receiver, including its path: `http://127.0.0.1:9090/api/v1/otlp/v1/metrics`.
    pub otlp_url: Option<Url>,
    /// Whether exports are compressed.
    pub otlp_gzip: bool,
    /// Whether exports have what was counted since the last one.
    pub otlp_delta: bool,
    /// Attributes of OTLP's resource, besides the external labels.
    pub resource_attributes: Labels,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            write_url: None,
            write_version: None,
            write_timeout: Duration::from_secs(10),
            // In the component a value takes 56 bytes, and a snapshot of the queue as much again:
            // about 64 MiB in all.
            write_capacity: 500_000,
            write_max_age: Duration::from_secs(2 * 3_600),
            external_labels: Labels::default(),
            otlp_url: None,
            otlp_gzip: false,
            otlp_delta: false,
            resource_attributes: Labels::default(),
        }
    }
}

impl Remote {
    /// Limits of one remote write.
    pub fn write_limits(&self, operation: Limits) -> Limits {
        let connect = operation.connect.min(self.write_timeout);
        Limits { connect, total: self.write_timeout, ..operation }
    }
}

/// The protocol version; `None` to negotiate it.
pub(super) fn version(given: RemoteWriteVersion) -> Option<Version> {
    match given {
        RemoteWriteVersion::Auto => None,
        RemoteWriteVersion::One => Some(Version::One),
        RemoteWriteVersion::Two => Some(Version::Two),
    }
}

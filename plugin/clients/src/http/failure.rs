//! Why no response came.

use core::time::Duration;

use plugpipe_contract::document::Request as _;
use plugpipe_contract::settings::OfRequest;

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The host refused the request before any connection: the origin is not among its grants.
    #[error("the host has not granted this origin, so no connection was made")]
    NotGranted,
    /// The host refused the connection: the origin's name leads to an address that is not among its
    /// grants.
    #[error("the name leads to an address that the host has not granted, so no connection was made")]
    AddressNotGranted,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The name does not resolve.
    #[error("the host name does not resolve")]
    UnknownHost,
    /// The time was up.
    #[error("no answer within {} ms", .after.as_millis() as u64)]
    Timeout {
        /// The bound that was reached.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the connection broke before the answer was complete")]
    Broken,
    /// TLS could not be agreed on, or the certificate is not trusted.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The answer is longer than the plug reads.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The server cost time a moment ago, and is not asked again yet.
    #[error("it did not answer a moment ago and is left alone for another {} ms", .left.as_millis() as u64)]
    CircuitOpen {
        /// How long.
        left: Duration,
    },
    /// Anything else that HTTP forbids.
    #[error("HTTP failed: {0}")]
    Protocol(String),
}

impl Failure {
    /// What to do about it, with a leading `; `, or nothing. `setting` is the configuration key
    /// that names the server, `origin` where it is.
    pub fn todo(&self, setting: &str, origin: &str) -> String {
        match self {
            Self::NotGranted if OfRequest::fields().contains(&setting) => format!(
                "; grant {origin} to the plug, or name the server as {setting} in a configuration that the host grants"
            ),
            // What only a call may say grants nothing.
            Self::NotGranted => format!("; grant {origin} to the plug"),
            Self::AddressNotGranted => {
                "; grant addresses of that kind to the plug: the host's log names the address and its kind".into()
            }
            Self::Refused | Self::UnknownHost => {
                format!("; check that the server runs and that {setting} is right")
            }
            Self::Timeout { .. } => "; check the server and the network, or raise timeout".into(),
            Self::TooLong { .. } => "; ask for less, or raise max_response_bytes".into(),
            Self::Tls(_) => format!("; check the certificate and that {setting} names the right scheme and port"),
            Self::Broken | Self::CircuitOpen { .. } | Self::Protocol(_) => String::new(),
        }
    }

    /// Whether the server should rest after this: it cost time, and would again. A refused
    /// connection costs none, so that a server that comes back is found at once.
    pub fn costs_time(&self) -> bool {
        matches!(self, Self::UnknownHost | Self::Timeout { .. } | Self::Broken)
    }
}

//! Why a request got no response.

use core::time::Duration;

use plugpipe_contract::document::Request as _;
use plugpipe_contract::settings::OfRequest;

/// Why a request got no response.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The host denied the request before connecting: the origin is not granted.
    #[error("the host has not granted this origin, so no connection was made")]
    NotGranted,
    /// The host denied the connection: the origin's name resolves to an address that is not
    /// granted.
    #[error("the name resolves to an address that the host has not granted, so no connection was made")]
    AddressNotGranted,
    /// Connection refused: no listener.
    #[error("connection refused")]
    Refused,
    /// The name does not resolve.
    #[error("the host name does not resolve")]
    UnknownHost,
    /// The timeout elapsed.
    #[error("no response within {} ms", .after.as_millis() as u64)]
    Timeout {
        /// The timeout.
        after: Duration,
    },
    /// The connection closed before the response was complete.
    #[error("the connection closed before the response was complete")]
    Broken,
    /// The TLS handshake failed, or the certificate is not trusted.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The response exceeds the size limit.
    #[error("the response is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The circuit is open after a recent failure, so no request was sent.
    #[error("it failed a moment ago; circuit open for another {} ms", .left.as_millis() as u64)]
    CircuitOpen {
        /// The remaining time.
        left: Duration,
    },
    /// Any other HTTP error.
    #[error("HTTP failed: {0}")]
    Protocol(String),
}

impl Failure {
    /// What to do, with a leading `; `, or empty. `setting` holds the server's URL; `origin` is its
    /// origin.
    pub fn todo(&self, setting: &str, origin: &str) -> String {
        match self {
            Self::NotGranted if OfRequest::fields().contains(&setting) => format!(
                "; grant {origin} to the plug, or name the server as {setting} in a configuration that the host grants"
            ),
            // Settings that only a call can give do not grant anything.
            Self::NotGranted => format!("; grant {origin} to the plug"),
            Self::AddressNotGranted => {
                "; grant addresses of that kind to the plug: the host's log names the address and its kind".into()
            }
            Self::Refused | Self::UnknownHost => {
                format!("; check that the server runs and that {setting} is right")
            }
            Self::Timeout { .. } => "; check the server and the network, or raise timeout".into(),
            Self::TooLong { .. } => "; request less, or raise max_response_bytes".into(),
            Self::Tls(_) => format!("; check the certificate and that {setting} names the right scheme and port"),
            Self::Broken | Self::CircuitOpen { .. } | Self::Protocol(_) => String::new(),
        }
    }

    /// Whether this opens the circuit: it cost time, and would again. A refused connection does
    /// not, so that a server that comes back is used at once.
    pub fn costs_time(&self) -> bool {
        matches!(self, Self::UnknownHost | Self::Timeout { .. } | Self::Broken)
    }
}

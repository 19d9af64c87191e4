//! Why there was no complete response. Independent of the WASI types, so that recordings can store
//! it.

use serde::{Deserialize, Serialize};

/// Why an allowed exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failure {
    #[error("the name resolves to an address that is not granted")]
    AddressProhibited,
    #[error("the name does not resolve")]
    UnknownHost,
    #[error("the connection was refused")]
    ConnectionRefused,
    #[error("the connection timed out")]
    ConnectionTimeout,
    #[error("the address is unreachable")]
    Unroutable,
    #[error("reading the response timed out")]
    ReadTimeout,
    #[error("the connection ended")]
    Terminated,
    #[error("the response is incomplete")]
    Incomplete,
    #[error("the response is longer than the granted {0} bytes")]
    TooLong(u64),
    #[error("the server's certificate is not trusted: {0}")]
    Certificate(String),
    #[error("the server sent a TLS alert: {0}")]
    TlsAlert(String),
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("the proxy refused with status {0}")]
    Proxy(u16),
    #[error("the server violated the HTTP protocol")]
    Protocol,
    #[error("the request body is longer than the granted {0} bytes")]
    RequestTooLong(u64),
    #[error("the server sent a part of the response (206) without a range request")]
    Partial,
    #[error("the response is compressed with {0}, which was not requested")]
    Coding(String),
    #[error("the compressed response is corrupt")]
    Gzip,
    #[error(
        "the first {compressed} bytes of the compressed response expand to {plain}; the limit is {limit} times the \
         size; check what the server sends, and have it sent without gzip if it is meant"
    )]
    Expands { limit: u64, compressed: u64, plain: u64 },
    #[error("{0}")]
    Said(String),
}

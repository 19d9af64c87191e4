//! Why there was no complete response. Independent of the WASI types, so that recordings can store
//! it.

use serde::{Deserialize, Serialize};

/// Why an exchange failed after it was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failure {
    #[error("the name leads to an address that is not granted")]
    AddressProhibited,
    #[error("the name does not resolve")]
    UnknownHost,
    #[error("the connection was refused")]
    ConnectionRefused,
    #[error("no connection came about in time")]
    ConnectionTimeout,
    #[error("the address cannot be reached from here")]
    Unroutable,
    #[error("no answer, or no more of it, came in time")]
    ReadTimeout,
    #[error("the connection ended")]
    Terminated,
    #[error("the answer is not whole")]
    Incomplete,
    #[error("the answer is longer than the {0} bytes that are granted")]
    TooLong(u64),
    #[error("the server's certificate is not trusted: {0}")]
    Certificate(String),
    #[error("the server ended TLS: {0}")]
    TlsAlert(String),
    #[error("no TLS could be agreed on: {0}")]
    Tls(String),
    #[error("the proxy refused with status {0}")]
    Proxy(u16),
    #[error("the server does not keep to HTTP")]
    Protocol,
    #[error("the body of the request is longer than the {0} bytes that are granted")]
    RequestTooLong(u64),
    #[error("the server answered with a part of the response (206), which was not asked for")]
    Partial,
    #[error("the response is compressed with {0}, which was not asked for")]
    Coding(String),
    #[error("the compressed response is damaged")]
    Gzip,
    #[error("the compressed response is more than {0} times longer once it is taken apart")]
    Expands(u64),
    #[error("{0}")]
    Said(String),
}

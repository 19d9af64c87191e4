//! Reasons for denying a request, and the missing grants.

use std::net::IpAddr;

use super::address::AddressKind;

/// A missing grant, as passed to [`Advice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing<'a> {
    /// An origin, such as `http://127.0.0.1:9091`.
    Origin(&'a str),
    /// Addresses of this kind, to which a granted name resolves.
    Address(AddressKind),
    /// A folder for rule files.
    RulesFolder,
}

/// Tells the user of this host how to add a missing grant, such as `grant it with --grant
/// http://127.0.0.1:9091`. This depends on the host: a command line has options, a program has
/// [`Grants`](super::Grants).
pub type Advice = fn(Missing<'_>) -> String;

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error("the plug was not granted this origin")]
    Origin(String),
    /// The plug says of each job which origins it will ask, and denies itself the others.
    #[error("the plug's job did not name this origin")]
    NotInJob,
    /// Without the path: in a webhook's it is the secret.
    #[error("a path of this origin that was not granted (the grants file has those that are)")]
    Path,
    #[error("the method {method} is not granted (add it to methods in the grants file)")]
    Method { method: String },
    #[error("{host} resolves to {address}, a {kind} address, which is not granted")]
    Address { host: String, address: IpAddr, kind: AddressKind },
    #[error("the header {0} is not granted for this origin (add it to its headers in the grants file)")]
    Header(String),
    #[error("the header {0} has a different value than the one granted for this origin")]
    HeaderValue(String),
    #[error("the header {0} is never allowed: the host manages connections, ranges and compression")]
    HeaderNever(String),
    #[error(
        "the origin's credential would be sent to {0} unencrypted (use https, or add the network to cleartext in the grants file)"
    )]
    Cleartext(IpAddr),
    #[error(
        "the origin's credential would be sent through the proxy unencrypted (use https, or set proxy.cleartext in the grants file)"
    )]
    CleartextProxy,
    #[error("the limit of {0} requests per minute is reached (limits.requests_per_minute in the grants file)")]
    Rate(u32),
    #[error("the limit of {0} requests per call is reached (limits.requests_per_call in the grants file)")]
    InACall(u32),
    #[error("the limit of {0} concurrent requests is reached (limits.requests_at_once in the grants file)")]
    InFlight(usize),
    #[error("the request body is longer than {0} bytes (limits.request in the grants file)")]
    RequestBody(u64),
    #[error(
        "the request bodies of this call are longer than {0} bytes in total (limits.request_total in the grants file)"
    )]
    RequestBodies(u64),
}

impl Denial {
    /// The missing capability, which is a label value of `plugpipe_capability_violations_total`.
    pub(crate) fn capability(&self) -> &'static str {
        match self {
            Self::Origin(_) | Self::NotInJob => "http_origin",
            Self::Path => "http_path",
            Self::Method { .. } => "http_method",
            Self::Address { .. } => "http_address",
            Self::Header(_) | Self::HeaderValue(_) | Self::HeaderNever(_) => "http_header",
            Self::Cleartext(_) | Self::CleartextProxy => "http_cleartext",
            Self::Rate(_) => "http_requests_per_minute",
            Self::InACall(_) => "http_requests_per_call",
            Self::InFlight(_) => "http_requests_under_way",
            Self::RequestBody(_) => "http_request_bytes",
            Self::RequestBodies(_) => "http_request_bytes_per_call",
        }
    }

    /// The grant that would allow the request, if a single one would.
    pub(crate) fn missing(&self) -> Option<Missing<'_>> {
        match self {
            Self::Origin(origin) => Some(Missing::Origin(origin)),
            Self::Address { kind, .. } => Some(Missing::Address(*kind)),
            _ => None,
        }
    }
}

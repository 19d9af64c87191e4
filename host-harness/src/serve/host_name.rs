//! Host names of a server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::uri::Authority;

/// A normalized host name or address without a port: lower case, no trailing dot, no brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// From the host of an authority, which may have brackets.
    pub(super) fn of(host: &str) -> Self {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::at(address),
            Err(_) => Self(bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()),
        }
    }

    pub(super) fn at(address: IpAddr) -> Self {
        Self(address.to_canonical().to_string())
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.0 == "localhost" || self.0.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a name or an address without a port, such as plug.example".to_owned();
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self::of(text));
        }
        let authority: Authority = text.parse().map_err(|_| expected())?;
        // Reject user information and a port.
        if text.is_empty() || authority.host() != text { Err(expected()) } else { Ok(Self::of(text)) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

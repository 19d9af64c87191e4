//! The names that a server answers to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::uri::Authority;

/// A name or address of a server, without a port: in lower case, without a dot at its end, without
/// brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// Of a part of an authority, which may have brackets.
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
        // What is before a host or behind it would be part of the text.
        if text.is_empty() || authority.host() != text { Err(expected()) } else { Ok(Self::of(text)) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! What a carrier of requests must do, and what can go wrong on the way.

use core::fmt;
use core::time::Duration;

use percent_encoding::percent_decode_str;

use super::auth::Secret;
use super::{Url, redacted};

/// HTTP methods that the plug uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Method {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

/// One request, ready to be sent.
#[derive(Clone)]
pub struct Request {
    /// GET, PUT, …
    pub method: Method,
    /// `http` or `https`. User and password, where there are any, become an `Authorization` header: [`Request::new`].
    pub url: Url,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// What the configuration's `<server>_auth` adds: [`super::auth`]. Names in lower case.
    pub credentials: Vec<(String, Secret)>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// Whether it does no harm when it arrives twice, so that it may be sent again: [`Request::repeatable`].
    pub repeatable: bool,
    /// Whether a response is final although its status says that the same request may fare better
    /// later: [`Request::unless`].
    pub is_final: fn(&Response) -> bool,
}

/// Without the values of headers, the query and the body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}, {} bytes", self.method, redacted(&self.url), self.body.len())
    }
}

impl Request {
    /// A request without a body. A user and password in the URL are moved to a basic `Authorization` header, so that no
    /// later layer can show them.
    pub fn new(method: Method, url: Url) -> Self {
        let mut headers =
            vec![("user-agent", concat!("plugpipe-monitoring-prometheus/", env!("CARGO_PKG_VERSION")).into())];
        if let Some((user, password)) = url.credentials() {
            headers.push(("authorization", basic_authorization(user, password)));
        }
        let repeatable = !matches!(method, Method::Post | Method::Patch);
        Self {
            method,
            url: url.without_credentials(),
            headers,
            credentials: Vec::new(),
            body: Vec::new(),
            repeatable,
            is_final: |_| false,
        }
    }

    /// Says that the request may be sent again: it asks only, or says an absolute state. GET, PUT and DELETE are so by themselves.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Excepts responses from being retried, for protocols in which fewer of them are temporary.
    #[must_use]
    pub fn unless(mut self, is_final: fn(&Response) -> bool) -> Self {
        self.is_final = is_final;
        self
    }

    /// Adds a body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.headers.push(("content-type", content_type.into()));
        self.body = body;
        self
    }
}

fn basic_authorization(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let mut pair: Vec<u8> = percent_decode_str(user).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values; a value that is not UTF-8 has its odd bytes replaced.
    pub headers: Vec<(String, String)>,
    /// At most [`Limits::response_bytes`].
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the last byte of the answer.
    pub total: Duration,
    /// Longest body that is read.
    pub response_bytes: usize,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The host refused the request before any connection: the origin is not among its grants.
    #[error("the host has not granted this origin, so no connection was made")]
    NotGranted,
    /// The host refused the connection: the origin's name leads to an address that is not among its grants.
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
    Resting {
        /// How long.
        left: Duration,
    },
    /// Anything else that HTTP forbids.
    #[error("HTTP failed: {0}")]
    Protocol(String),
}

impl Failure {
    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotGranted | Self::AddressNotGranted => "not_granted",
            Self::Timeout { .. } => "timeout",
            Self::TooLong { .. } => "answer_too_long",
            Self::Tls(_) => "tls_failed",
            Self::Refused | Self::UnknownHost | Self::Broken | Self::Resting { .. } | Self::Protocol(_) => {
                "unreachable"
            }
        }
    }

    /// What to do about it, with a leading `; `, or nothing. `setting` is the configuration key that names the server, `origin` where
    /// it is.
    pub fn todo(&self, setting: &str, origin: &str) -> String {
        match self {
            Self::NotGranted if plugpipe_contract::known::is_setting(setting) => format!(
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
            Self::Broken | Self::Resting { .. } | Self::Protocol(_) => String::new(),
        }
    }

    /// Whether the server should rest after this: it cost time, and would again. A refused connection costs none, so that a
    /// server that comes back is found at once.
    pub fn costs_time(&self) -> bool {
        matches!(self, Self::UnknownHost | Self::Timeout { .. } | Self::Broken)
    }
}

/// Tells the time.
pub trait Clock {
    /// Nanoseconds since the Unix epoch.
    fn unix_nanos(&self) -> u64;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// Carries requests to servers.
pub trait Transport: Clock {
    /// Sends all requests side by side and returns as many results, in the same order, each within `limits`.
    fn send_all(&mut self, requests: &[&Request], limits: &Limits) -> Vec<Result<Response, Failure>>;

    /// Does nothing for so long.
    fn sleep(&mut self, duration: Duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_leave_the_url_and_become_a_header() {
        let request = Request::new(Method::Get, Url::parse("http://a%40b:p%3Aw@h/").unwrap());
        assert_eq!(request.url.to_string(), "http://h/");
        // printf 'a@b:p:w' | base64
        assert!(request.headers.contains(&("authorization", "Basic YUBiOnA6dw==".into())));
        assert!(
            !Request::new(Method::Get, Url::parse("http://h/").unwrap())
                .headers
                .iter()
                .any(|(n, _)| *n == "authorization")
        );
    }
}

//! What a carrier of requests must do, and what can go wrong on the way.

use core::fmt;
use core::time::Duration;

use percent_encoding::percent_decode_str;

use super::failure::Failure;
use super::secret::Secret;
use plugpipe_contract::url::{Url, redacted};

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
    /// `http` or `https`. User and password, where there are any, become an `Authorization` header:
    /// [`Request::new`].
    pub url: Url,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// What the configuration's `<server>_auth` adds: [`super::auth`]. Names in lower case.
    pub credentials: Vec<(String, Secret)>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// Whether it does no harm when it arrives twice, so that it may be sent again:
    /// [`Request::repeatable`].
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
    /// A request without a body. A user and password in the URL are moved to a basic
    /// `Authorization` header, so that no later layer can show them.
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

    /// Says that the request may be sent again: it asks only, or says an absolute state. GET, PUT
    /// and DELETE are so by themselves.
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

/// Tells the time.
pub trait Clock {
    /// Nanoseconds since the Unix epoch.
    fn unix_nanos(&self) -> u64;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// Carries requests to servers.
pub trait Transport: Clock {
    /// Sends all requests side by side and returns as many results, in the same order, each within
    /// `limits`.
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

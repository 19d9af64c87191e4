//! The transport interface: requests, responses and limits.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::failure::Failure;
use super::secret::Secret;
use plugpipe_contract::url::{Url, redacted};

/// The HTTP methods the plug uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Method {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

/// One request, ready to send.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `http` or `https`. A user and password become an `Authorization` header: [`Request::new`].
    pub url: Url,
    /// Names in lower case, with values.
    pub headers: Vec<(&'static str, String)>,
    /// Headers from `<server>_auth`: [`super::auth`]. Names in lower case.
    pub credentials: Vec<(String, Secret)>,
    /// Empty for none. Shared, because it may be large and its sender may need it once more.
    pub body: Arc<Vec<u8>>,
    /// Whether sending it twice is harmless, so that it may be retried: [`Request::repeatable`].
    pub repeatable: bool,
    /// Whether a response is final although its status usually is transient: [`Request::unless`].
    pub is_final: fn(&Response) -> bool,
}

/// Omits header values, the query and the body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}, {} bytes", self.method, redacted(&self.url), self.body.len())
    }
}

impl Request {
    /// A request without a body. A user and password in the URL are moved to a basic
    /// `Authorization` header, so that no later layer can log them.
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
            body: Arc::default(),
            repeatable,
            is_final: |_| false,
        }
    }

    /// Marks the request as safe to retry: it is a read, or sets an absolute state. GET, PUT and
    /// DELETE are by default.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Exempts responses from retries, for protocols with fewer transient statuses.
    #[must_use]
    pub fn unless(mut self, is_final: fn(&Response) -> bool) -> Self {
        self.is_final = is_final;
        self
    }

    /// Adds a body and its `Content-Type`.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: Vec<u8>) -> Self {
        self.with_shared_body(content_type, body.into())
    }

    /// The same with a body that is kept elsewhere too.
    #[must_use]
    pub fn with_shared_body(mut self, content_type: &str, body: Arc<Vec<u8>>) -> Self {
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

/// A server's response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, with values; invalid UTF-8 in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// At most [`Limits::response_bytes`].
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the first header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Limits of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Until the connection is established.
    pub connect: Duration,
    /// Until the last byte of the response.
    pub total: Duration,
    /// The longest response body.
    pub response_bytes: usize,
}

/// A source of time.
pub trait Clock {
    /// Nanoseconds since the Unix epoch.
    fn unix_nanos(&self) -> u64;
    /// Time since some fixed moment; never decreases.
    fn monotonic(&self) -> Duration;
}

/// Sends requests to servers.
pub trait Transport: Clock {
    /// Sends all requests concurrently and returns their results in the same order, each within
    /// `limits`.
    fn send_all(&mut self, requests: &[&Request], limits: &Limits) -> Vec<Result<Response, Failure>>;

    /// Blocks for this long.
    fn sleep(&mut self, duration: Duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_move_from_the_url_to_a_header() {
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

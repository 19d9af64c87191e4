//! Server URLs from the configuration: `http` and `https` only. They are parsed by the `url` crate,
//! as in the host, which parses every URL again before it sends a request.
//!
//! Internationalized host names must be given in their `xn--` form: IDNA tables would make the
//! component larger by a quarter.

use std::fmt;

// Without its tables, `url` rejects names that need them.
use idna_adapter as _;
use url::Position;

use crate::error::excerpt;
use crate::segment::Segment;

/// An `http` or `https` URL with a host. The fragment, which is never sent, is removed.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(url::Url);

impl Url {
    /// Parses a URL. The error repeats no part of it except an unsupported scheme, because the URL
    /// may contain a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut url = url::Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => "there is no scheme".to_owned(),
            url::ParseError::IdnaError => "the host name is not ASCII; write it in its xn-- form".into(),
            error => error.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the scheme {:?} is not http or https", excerpt(url.scheme(), 20)));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.0.scheme() == "https" { "https" } else { "http" }
    }

    /// User and password, percent-encoded, if there are any.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let any = !self.0.username().is_empty() || self.0.password().is_some();
        any.then(|| (self.0.username(), self.0.password().unwrap_or_default()))
    }

    /// The host and, if it is not the scheme's default, the port. Never user or password.
    pub fn authority(&self) -> String {
        self.0[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    /// Scheme, host and port, always with the port, as in grants.
    pub fn origin(&self) -> String {
        let (host, port) = (self.0.host_str().unwrap_or_default(), self.0.port_or_known_default().unwrap_or_default());
        format!("{}://{host}:{port}", self.scheme())
    }

    /// Path and query, as in a request.
    pub fn path_and_query(&self) -> String {
        self.0[Position::BeforePath..Position::AfterQuery].to_owned()
    }

    /// The same URL without user and password.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        // These cannot fail for a URL with a host.
        let _ = self.0.set_username("");
        let _ = self.0.set_password(None);
        self
    }

    /// The same URL with user and password of another one, where that has the same origin.
    #[must_use]
    pub fn with_credentials_of(mut self, other: &Self) -> Self {
        if other.origin() == self.origin() {
            // URLs with a host can have both.
            let _ = self.0.set_username(other.0.username());
            let _ = self.0.set_password(other.0.password());
        }
        self
    }

    /// The same URL with this query, which is encoded already, or none.
    #[must_use]
    pub fn with_query(mut self, query: Option<String>) -> Self {
        self.0.set_query(query.as_deref());
        self
    }

    /// Adds a segment to the path. An empty segment at the end of the path is replaced.
    pub fn push_segment(&mut self, segment: &Segment) {
        let mut path = self.0.path().to_owned();
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(segment.encoded());
        self.0.set_path(&path);
    }
}

/// Without user, password and query.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(self))
    }
}

/// Includes user and password; use [`redacted`] for messages.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The URL without user, password and query.
pub fn redacted(url: &Url) -> String {
    url.clone().without_credentials().with_query(None).to_string().trim_end_matches('/').to_owned()
}

/// Appends path segments to `base`: `http://h/prom/` and `["api", "v1"]` give
/// `http://h/prom/api/v1`. The query of `base` is dropped.
pub fn endpoint<'s, S: Into<Segment<'s>>>(base: &Url, segments: impl IntoIterator<Item = S>) -> Url {
    let mut url = base.clone().with_query(None);
    segments.into_iter().for_each(|segment| url.push_segment(&segment.into()));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_normalized() {
        for (given, written) in [
            ("http://h", "http://h/"),
            ("HTTPS://Example.COM:443/a/./b/../c?q=a b#f", "https://example.com/a/c?q=a%20b"),
            ("http://h:9091/prom/", "http://h:9091/prom/"),
            ("http://h:80", "http://h/"),
            ("http://h:443/", "http://h:443/"),
            ("http://h?q", "http://h/?q"),
            ("http://[::0001]:1/", "http://[::1]:1/"),
            ("http://127.0.0.1:0", "http://127.0.0.1:0/"),
            ("http://u@h", "http://u@h/"),
            ("http://u:p%40@h/x", "http://u:p%40@h/x"),
            ("http://u:p@q@h/x", "http://u:p%40q@h/x"),
            ("http://h/a b/\u{e9}?", "http://h/a%20b/%C3%A9?"),
            ("http://a\\@b/", "http://a/@b/"),
            ("http://h/a/..", "http://h/"),
            ("http://h/../../a/%2E%2e/b/.", "http://h/b/"),
            ("http://h//a", "http://h//a"),
        ] {
            let url = Url::parse(given).unwrap();
            assert_eq!(url.to_string(), written, "{given}");
            assert_eq!(Url::parse(written), Ok(url), "{given}");
        }
    }

    #[test]
    fn invalid_urls_are_rejected_without_being_repeated() {
        for (text, problem) in [
            ("", "there is no scheme"),
            ("secret", "there is no scheme"),
            ("/secret", "there is no scheme"),
            ("127.0.0.1:9090", "there is no scheme"),
            ("ftp://secret", "the scheme \"ftp\" is not http or https"),
            ("localhost:9090", "the scheme \"localhost\" is not http or https"),
            ("http://", "empty host"),
            ("http://u:secret@", "empty host"),
            ("http://:80", "empty host"),
            ("http://h:secret", "invalid port number"),
            ("http://h:65536", "invalid port number"),
            ("http://h:+1", "invalid port number"),
            ("http://[::1", "invalid IPv6 address"),
            ("http://[secret]", "invalid IPv6 address"),
            ("http://256.0.0.1", "invalid IPv4 address"),
            ("http://a.0x7f", "invalid IPv4 address"),
            ("http://sec ret", "the host name is not ASCII; write it in its xn-- form"),
            ("http://\u{e9}", "the host name is not ASCII; write it in its xn-- form"),
        ] {
            assert_eq!(Url::parse(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_pushed_segment_stays_one_segment() {
        let mut url = Url::parse("http://h/p").unwrap();
        ["a/b", "%?#", "c"].iter().for_each(|segment| url.push_segment(&Segment::with_slashes(segment, "").unwrap()));
        assert_eq!(url.to_string(), "http://h/p/a%2Fb/%25%3F%23/c");
    }
}

//! URLs of servers: `http` and `https` only, as a configuration names them. The host reads every URL again by its own rules
//! before it lets a request out, so what is read here decides nothing about what is granted.
//!
//! | part | read as |
//! |---|---|
//! | scheme | `http` or `https`, in any case |
//! | user, password | percent-encoded as they stand |
//! | host | an ASCII name, in any case; an IPv4 address; an IPv6 address in brackets. A name in another script is to be given in its `xn--` form |
//! | port | 0 to 65535; left out where it is the scheme's own |
//! | path, query | as they stand; what may not stand in a URL is percent-encoded. `.` and `..` are taken out, `\` is `/` |
//! | fragment | dropped: it is never sent |

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::excerpt;
use crate::segment::Segment;

/// What may not stand in a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// What may not stand in a path.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');

/// What may not stand in a user or password.
const USER: &AsciiSet =
    &PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'|');

/// An `http` or `https` URL that has a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    https: bool,
    /// Percent-encoded; empty for none.
    user: String,
    /// Percent-encoded.
    password: Option<String>,
    /// In lower case; an IPv6 address in brackets.
    host: String,
    /// None for the scheme's own.
    port: Option<u16>,
    /// Begins with `/`.
    path: String,
    query: Option<String>,
}

impl Url {
    /// Reads a URL. The error says what is wrong and repeats none of it: there may be a password in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) =
            text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).ok_or("there is no scheme")?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(format!("the scheme {:?} is not one of http and https", excerpt(scheme, 20)));
        }
        let rest = rest.strip_prefix("//").ok_or("two slashes are missing after the scheme")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(utf8_percent_encode(query, QUERY).to_string())),
            None => (rest, None),
        };
        let rest = rest.replace('\\', "/");
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match user.split_once(':') {
            Some((user, password)) => (user, Some(utf8_percent_encode(password, USER).to_string())),
            None => (user, None),
        };
        // The colons of an IPv6 address are within its brackets.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (place, ""),
        };
        let port = match port {
            "" => None,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse::<u16>().map_err(|_| "the port is not a number up to 65535")?)
            }
            _ => return Err("the port is not a number up to 65535".into()),
        };
        let mut url = Self {
            https,
            user: utf8_percent_encode(user, USER).to_string(),
            password: password.filter(|password| !password.is_empty()),
            host: read_host(host)?,
            port: port.filter(|port| *port != default_port(https)),
            path: String::new(),
            query,
        };
        let last = path.matches('/').count().saturating_sub(1);
        for (index, segment) in path.split('/').skip(1).enumerate() {
            url.step(&utf8_percent_encode(segment, PATH).to_string(), index == last);
        }
        if url.path.is_empty() {
            url.path.push('/');
        }
        Ok(url)
    }

    /// Adds an encoded segment to the path, or goes where `.` and `..` say.
    fn step(&mut self, segment: &str, last: bool) {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        match dots.as_str() {
            "." => {}
            ".." => self.path.truncate(self.path.rfind('/').unwrap_or(0)),
            _ => {
                self.path.push('/');
                self.path.push_str(segment);
                return;
            }
        }
        if last {
            self.path.push('/');
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// User and password, percent-encoded, where there are any.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let any = !self.user.is_empty() || self.password.is_some();
        any.then(|| (self.user.as_str(), self.password.as_deref().unwrap_or_default()))
    }

    /// The host and, where it is not the scheme's own, the port. Never user or password.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Scheme, host and port; the port always said. As grants name it.
    pub fn origin(&self) -> String {
        format!("{}://{}:{}", self.scheme(), self.host, self.port.unwrap_or(default_port(self.https)))
    }

    /// Path and query, as a request names them.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The same URL without user and password.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        self.user.clear();
        self.password = None;
        self
    }

    /// The same URL with this query, which is encoded already, or none.
    #[must_use]
    pub fn with_query(mut self, query: Option<String>) -> Self {
        self.query = query;
        self
    }

    /// Adds a segment to the path. An empty segment at the end of the path is replaced.
    pub fn push_segment(&mut self, segment: &Segment) {
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        self.path.push_str(segment.encoded());
    }
}

/// Without user, password and query.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(self))
    }
}

/// With user and password: not for people; [`redacted`] is.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        if let Some((user, password)) = self.credentials() {
            f.write_str(user)?;
            if self.password.is_some() {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        write!(f, "{}{}", self.authority(), self.path_and_query())
    }
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'))
}

fn read_host(text: &str) -> Result<String, &'static str> {
    if let Some(address) = text.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or("the host is no IPv6 address")?;
        return address
            .parse::<Ipv6Addr>()
            .map(|address| format!("[{address}]"))
            .map_err(|_| "the host is no IPv6 address");
    }
    if text.is_empty() {
        return Err("the host is missing");
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return Err("the host may have letters, digits, -, . and _; other scripts in their xn-- form");
    }
    // What ends in a number is an address, or it would be another one to who comes after.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    if last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return text.parse::<Ipv4Addr>().map(|address| address.to_string()).map_err(|_| "the host is no IPv4 address");
    }
    Ok(text.to_ascii_lowercase())
}

/// The URL without user, password and query.
pub fn redacted(url: &Url) -> String {
    url.clone().without_credentials().with_query(None).to_string().trim_end_matches('/').to_owned()
}

/// `base` with path segments put after its own path: `http://h/prom/` and `["api", "v1"]` give
/// `http://h/prom/api/v1`. The query of the base is dropped.
pub fn endpoint<'s, S: Into<Segment<'s>>>(base: &Url, segments: impl IntoIterator<Item = S>) -> Url {
    let mut url = base.clone().with_query(None);
    segments.into_iter().for_each(|segment| url.push_segment(&segment.into()));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_written_as_they_are_meant() {
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
    fn what_is_no_url_of_a_server_is_refused_without_being_repeated() {
        for (text, problem) in [
            ("", "there is no scheme"),
            ("secret", "there is no scheme"),
            ("/secret", "there is no scheme"),
            ("127.0.0.1:9090", "there is no scheme"),
            ("ftp://secret", "the scheme \"ftp\" is not one of http and https"),
            ("localhost:9090", "the scheme \"localhost\" is not one of http and https"),
            ("http:secret", "two slashes are missing after the scheme"),
            ("http://", "the host is missing"),
            ("http://u:secret@", "the host is missing"),
            ("http://:80", "the host is missing"),
            ("http://h:secret", "the port is not a number up to 65535"),
            ("http://h:65536", "the port is not a number up to 65535"),
            ("http://h:+1", "the port is not a number up to 65535"),
            ("http://[::1", "the host is no IPv6 address"),
            ("http://[secret]", "the host is no IPv6 address"),
            ("http://1.2.3", "the host is no IPv4 address"),
            ("http://256.0.0.1", "the host is no IPv4 address"),
            ("http://a.0x7f", "the host is no IPv4 address"),
            ("http://sec ret", "the host may have letters, digits, -, . and _; other scripts in their xn-- form"),
            ("http://\u{e9}", "the host may have letters, digits, -, . and _; other scripts in their xn-- form"),
        ] {
            assert_eq!(Url::parse(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_segment_stays_one() {
        let mut url = Url::parse("http://h/p").unwrap();
        ["a/b", "%?#", "c"].iter().for_each(|segment| url.push_segment(&Segment::with_slashes(segment, "").unwrap()));
        assert_eq!(url.to_string(), "http://h/p/a%2Fb/%25%3F%23/c");
    }
}

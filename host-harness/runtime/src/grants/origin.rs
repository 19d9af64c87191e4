//! Normalized origins, and grants of their paths and methods.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::uri::{Parts, Uri};
use http::{HeaderName, HeaderValue, Method};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::address::AddressRange;
use super::denial::Denial;

/// Scheme, host and port: what a request is granted by. Written `http://127.0.0.1:9091`, always
/// with its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self { scheme: url.scheme().into(), host: url.host_str()?.into(), port: url.port_or_known_default()? })
    }

    /// The normalized origin of a request; none unless it is an `http` or `https` URI without a
    /// user.
    pub(crate) fn of_uri(uri: &Uri) -> Option<Self> {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        // A user can make one host look like another; the plug sends credentials as headers.
        if authority.as_str().contains('@') {
            return None;
        }
        Self::of(&Url::parse(&format!("{scheme}://{authority}/")).ok()?)
    }

    /// The request's URI with this normalized origin.
    pub(crate) fn in_uri(&self, uri: &Uri) -> Option<Uri> {
        let mut parts = Parts::default();
        parts.scheme = uri.scheme().cloned();
        // Omit the default port, so that the server sees its usual name.
        let default = if self.is_https() { ":443" } else { ":80" };
        let authority = self.authority();
        parts.authority = authority.strip_suffix(default).unwrap_or(&authority).parse().ok();
        parts.path_and_query = uri.path_and_query().cloned().or_else(|| "/".parse().ok());
        Uri::from_parts(parts).ok()
    }

    /// Host and port, as an HTTP authority.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host; an IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, if the host is an address literal.
    pub fn address(&self) -> Option<IpAddr> {
        // The URL parser has already normalized the host, for example `0x7f.1` to `127.0.0.1`.
        if self.host.starts_with('[') {
            self.host().parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        } else {
            self.host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Parses `http://host` or `https://host:port`. A path, query or user is an error, because it
    /// would suggest a narrower grant.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected an origin such as http://127.0.0.1:9091";
        let url = bare_url(text, expected)?;
        if url.path() != "/" {
            return Err(format!("an origin consists of scheme, host and port; {expected}"));
        }
        Self::of(&url).ok_or_else(|| format!("{text:?} is not http or https; {expected}"))
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An origin with the granted paths and methods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OriginGrant {
    /// The origin.
    pub origin: Origin,
    /// The granted path, which includes everything below it; `/` for all.
    pub path: String,
    /// The granted methods; empty for all except CONNECT and TRACE, which are never granted.
    pub methods: BTreeSet<String>,
    /// The name of the credential that the host adds.
    pub credential: Option<String>,
    /// The name of the client identity (in [`Tls::identities`](super::Tls::identities)) for this
    /// origin. Connections are shared by all paths of an origin, so all its grants have the same
    /// identity.
    pub identity: Option<String>,
    /// Additional headers, in lower case, that requests may have besides [`PLAIN_HEADERS`] if
    /// headers are restricted; with the allowed value, or any.
    pub headers: BTreeMap<String, Option<String>>,
    /// Addresses to which the credential may be sent unencrypted, in addition to loopback.
    pub cleartext: BTreeSet<AddressRange>,
}

/// Headers that describe a request but do not identify the sender, and that servers do not
/// interpret as another method, path, host or user. Restricted requests (see
/// `OriginGrant::allows_header`) may have only these and the granted ones.
pub const PLAIN_HEADERS: [&str; 16] = [
    "accept",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-disable-provenance",
    "x-grafana-alerting-datasource-uid",
    "x-grafana-alerting-signature",
    "x-grafana-alerting-timestamp",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
];

/// Headers that plugs may never send: hop-by-hop headers, and those that request ranges or
/// compression, because a credential in the response could not be recognized. The host handles
/// compression.
const FORBIDDEN_HEADERS: [&str; 13] = [
    "accept-encoding",
    "connection",
    "expect",
    "http2-settings",
    "if-range",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl OriginGrant {
    /// Parses `https://host:port/path`, which grants the path and everything below it.
    pub fn read(text: &str) -> Result<Self, String> {
        let expected = "expected a URL such as https://prometheus.example/prometheus";
        let url = bare_url(text, expected)?;
        let origin = Origin::of(&url).ok_or_else(|| format!("{text:?} is not http or https; {expected}"))?;
        let path = match url.path().trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        Ok(Self { path, ..origin.into() })
    }

    /// Checks the path and method of a request for the origin.
    pub(crate) fn allows(&self, method: &Method, path: &str) -> Result<(), Denial> {
        if self.path != "/" {
            let rest = path.strip_prefix(self.path.as_str()).ok_or(Denial::Path)?;
            if !(rest.is_empty() || rest.starts_with('/')) || may_escape(rest) {
                return Err(Denial::Path);
            }
        }
        let granted = self.methods.is_empty() || self.methods.contains(method.as_str());
        // CONNECT opens a tunnel. TRACE returns the request, including the credential.
        let never = ["CONNECT", "TRACE"].iter().any(|never| method.as_str().eq_ignore_ascii_case(never));
        if granted && !never {
            return Ok(());
        }
        Err(Denial::Method { method: method.to_string() })
    }

    /// Checks a header of a request. If the grant restricts paths or methods, or has a credential,
    /// headers must not override the method or path (`X-HTTP-Method-Override`, `X-Original-URL`) or
    /// the user (`Cookie`, `X-Forwarded-User`, `X-Scope-OrgID`).
    pub(crate) fn allows_header(&self, name: &HeaderName, value: &HeaderValue) -> Result<(), Denial> {
        let name = name.as_str();
        if FORBIDDEN_HEADERS.contains(&name) {
            return Err(Denial::HeaderNever(name.to_owned()));
        }
        let is_restricted = self.credential.is_some() || !self.methods.is_empty() || self.path != "/";
        if !is_restricted || PLAIN_HEADERS.contains(&name) {
            return Ok(());
        }
        match self.headers.get(name) {
            Some(None) => Ok(()),
            Some(Some(only)) if only.as_bytes() == value.as_bytes() => Ok(()),
            Some(Some(_)) => Err(Denial::HeaderValue(name.to_owned())),
            None => Err(Denial::Header(name.to_owned())),
        }
    }
}

impl From<Origin> for OriginGrant {
    fn from(origin: Origin) -> Self {
        Self {
            origin,
            path: "/".into(),
            methods: BTreeSet::new(),
            credential: None,
            identity: None,
            headers: BTreeMap::new(),
            cleartext: BTreeSet::new(),
        }
    }
}

impl fmt::Display for OriginGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        if self.path == "/" { Ok(()) } else { f.write_str(&self.path) }
    }
}

impl Serialize for OriginGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = Self { path: self.path.clone(), ..self.origin.clone().into() };
        if *self == plain {
            return serializer.collect_str(self);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &self.to_string())?;
        if !self.methods.is_empty() {
            map.serialize_entry("methods", &self.methods)?;
        }
        if let Some(credential) = &self.credential {
            map.serialize_entry("credential", credential)?;
        }
        if let Some(identity) = &self.identity {
            map.serialize_entry("identity", identity)?;
        }
        if !self.headers.is_empty() {
            map.serialize_entry("headers", &self.headers)?;
        }
        if !self.cleartext.is_empty() {
            map.serialize_entry("cleartext", &self.cleartext)?;
        }
        map.end()
    }
}

/// Parses a URL without a user, query or fragment.
fn bare_url(text: &str, expected: &str) -> Result<Url, String> {
    let url = parse_url(text).map_err(|error| format!("{text:?} is not a URL ({error}); {expected}"))?;
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        // A parsed URL does not preserve an `@` without a user.
        && !authority_in(text).contains('@')
        && !matches!(url.host(), None | Some(Host::Domain("")));
    if bare { Ok(url) } else { Err(format!("a grant cannot have a user, query or fragment; {expected}")) }
}

/// Parses a URL from a file or command line.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let authority = authority_in(text);
    let host = authority.rsplit('@').next().unwrap_or_default();
    // The parser rejects most of these, and panics with debug assertions.
    if !host.is_ascii() || host.contains('%') {
        return Err("the host is not ASCII; write an international name in its xn-- form".into());
    }
    Url::parse(text.trim()).map_err(|error| error.to_string())
}

/// The authority as the URL parser sees it, which is lenient about slashes and ignores tabs and
/// line breaks.
fn authority_in(url: &str) -> String {
    let url: String = url.chars().filter(|char| !matches!(char, '\t' | '\r' | '\n')).collect();
    let behind = url.split_once(':').map_or("", |(_, behind)| behind).trim_start_matches(['/', '\\']);
    behind.split(['/', '\\', '?', '#']).next().unwrap_or_default().to_owned()
}

/// Whether a server could resolve this path to one outside its folder. Servers decode and join
/// paths differently, so anything that could be a parent step is rejected if only some paths are
/// granted.
fn may_escape(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_step = ["/.", "\\", "%2e", "%2f", "%5c", "%25", "//", ";"].iter().any(|way| lower.contains(way));
    // Other forms of a dot are overlong UTF-8 and `%u002e`. A NUL may end a path early, and some
    // servers normalize similar characters.
    is_step || decoded(path).is_none_or(|text| text.chars().any(|char| char.is_control() || LIKE_STEPS.contains(&char)))
}

/// Characters that Unicode compatibility normalization turns into dots and slashes.
const LIKE_STEPS: [char; 6] = ['\u{2024}', '\u{2025}', '\u{2026}', '\u{ff0e}', '\u{ff0f}', '\u{ff3c}'];

/// The percent-decoded path; none if it is malformed or not UTF-8.
fn decoded(path: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.bytes());
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let byte = if byte == b'%' { u8::try_from(digit()? * 16 + digit()?).ok()? } else { byte };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_normalized() {
        let canonical: Origin = "http://127.0.0.1:9091".parse().unwrap();
        for spelling in
            ["HTTP://127.0.0.1:9091/", "http://2130706433:9091", "http://0x7f.1:9091", "http://0177.0.0.1:9091"]
        {
            assert_eq!(spelling.parse(), Ok(canonical.clone()), "{spelling}");
        }
        for other in ["https://127.0.0.1:9091", "http://127.0.0.1", "http://[::1]:9091", "http://localhost:9091"] {
            assert_ne!(other.parse(), Ok(canonical.clone()), "{other}");
        }
        assert_eq!(canonical.address(), Some("127.0.0.1".parse().unwrap()));
        assert_eq!("http://[0:0::1]".parse::<Origin>().unwrap().address(), Some("::1".parse().unwrap()));
        assert_eq!("http://h.example".parse::<Origin>().unwrap().address(), None);
    }

    #[test]
    fn invalid_origins_are_rejected() {
        for text in [
            "",
            "host:80",
            "http://h/path",
            "http://h?q",
            "http://u@h",
            "http://@h",
            "ftp://h",
            "http://",
            "http://h#f",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn international_names_must_be_in_xn_form() {
        for text in ["http://B\u{fc}cher.example", "http://B%C3%BCcher.example", "http:/B%BB/h", "http:\\\\B\t\u{fc}"] {
            let problem = text.parse::<Origin>().unwrap_err();
            assert!(problem.contains("write an international name in its xn-- form"), "{problem}");
        }
        assert!(parse_url("http://user:p%40ss@h.example/%C3%BC?\u{fc}").is_ok());
        let origin: Origin = "http://XN--Bcher-kva.example".parse().unwrap();
        assert_eq!(origin.to_string(), "http://xn--bcher-kva.example:80");
    }

    #[test]
    fn a_path_grants_itself_and_everything_below() {
        let grant = OriginGrant::read("https://h.example/api/v1/").unwrap();
        assert_eq!(grant.to_string(), "https://h.example:443/api/v1");
        for inside in ["/api/v1", "/api/v1/", "/api/v1/query", "/api/v1/a.b/c%20d"] {
            assert_eq!(grant.allows(&Method::GET, inside), Ok(()), "{inside}");
        }
        for outside in [
            "/",
            "/api",
            "/api/v10",
            "/API/v1",
            "/api/v1/../admin",
            "/api/v1/%2e%2e/admin",
            "/api/v1/%2E./admin",
            "/api/v1/..%2fadmin",
            "/api/v1/%252e%252e/admin",
            "/api/v1/x\\..\\admin",
            "/api/v1//admin",
            "/api/v1/..;/admin",
        ] {
            assert!(grant.allows(&Method::GET, outside).is_err(), "{outside}");
        }
        assert!(OriginGrant::read("https://h/?q").is_err());
    }

    #[test]
    fn connect_and_trace_are_never_granted() {
        let mut grant: OriginGrant = "http://h".parse::<Origin>().unwrap().into();
        assert_eq!(grant.allows(&Method::DELETE, "/"), Ok(()));
        for never in [Method::CONNECT, Method::TRACE, Method::from_bytes(b"Trace").unwrap()] {
            assert!(grant.allows(&never, "/").is_err(), "{never}");
        }
        grant.methods = ["GET".to_owned()].into();
        assert_eq!(grant.allows(&Method::GET, "/"), Ok(()));
        for method in [Method::POST, Method::HEAD, Method::from_bytes(b"get").unwrap()] {
            assert!(grant.allows(&method, "/").is_err(), "{method}");
        }
    }

    #[test]
    fn restricted_requests_have_only_plain_and_granted_headers() {
        let allowed = |grant: &OriginGrant, name: &'static str, value: &'static str| {
            grant.allows_header(&HeaderName::from_static(name), &HeaderValue::from_static(value))
        };
        let open = OriginGrant::read("http://h").unwrap();
        let mut guarded = open.clone();
        guarded.credential = Some("c".into());
        let mut only_get = open.clone();
        only_get.methods = ["GET".to_owned()].into();
        let narrow = OriginGrant::read("http://h/api").unwrap();
        for name in [
            "x-http-method-override",
            "x-original-url",
            "cookie",
            "x-forwarded-host",
            "x-webauth-user",
            "x-scope-orgid",
        ] {
            assert_eq!(allowed(&open, name, "v"), Ok(()), "{name}");
            for grant in [&guarded, &only_get, &narrow] {
                assert_eq!(allowed(grant, name, "v"), Err(Denial::Header(name.into())), "{name}");
            }
        }
        for name in FORBIDDEN_HEADERS {
            assert_eq!(allowed(&open, name, "v"), Err(Denial::HeaderNever(name.into())), "{name}");
        }
        for name in PLAIN_HEADERS {
            assert_eq!(allowed(&guarded, name, "v"), Ok(()), "{name}");
        }
        guarded.headers.insert("x-scope-orgid".into(), Some("team-1".into()));
        guarded.headers.insert("x-any".into(), None);
        assert_eq!(allowed(&guarded, "x-scope-orgid", "team-1"), Ok(()));
        assert_eq!(allowed(&guarded, "x-scope-orgid", "team-2"), Err(Denial::HeaderValue("x-scope-orgid".into())));
        assert_eq!(allowed(&guarded, "x-any", "thing"), Ok(()));
    }
}

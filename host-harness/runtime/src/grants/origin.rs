//! Scheme, host and port, in their one spelling; and what of an origin is granted: paths and
//! methods.

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
    /// The origin of an `http` or `https` URL; none for any other.
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self { scheme: url.scheme().into(), host: url.host_str()?.into(), port: url.port_or_known_default()? })
    }

    /// The origin that a request is for, in its one spelling; none for what is no `http` or `https`
    /// URI with a host and nothing else before its path.
    pub(crate) fn of_uri(uri: &Uri) -> Option<Self> {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        // A user in the authority is a way to make one host look like another; the plug sends
        // credentials as headers.
        if authority.as_str().contains('@') {
            return None;
        }
        Self::of(&Url::parse(&format!("{scheme}://{authority}/")).ok()?)
    }

    /// A request's own URI with this origin, in its one spelling.
    pub(crate) fn in_uri(&self, uri: &Uri) -> Option<Uri> {
        let mut parts = Parts::default();
        parts.scheme = uri.scheme().cloned();
        // A port that goes without saying is not said, so that the server sees the name that it
        // knows.
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

    /// Whether it is spoken to through TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, where the host is one and no name.
    pub fn address(&self) -> Option<IpAddr> {
        // A URL's host was brought into its one spelling, so `0x7f.1` has become `127.0.0.1` by
        // now.
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

    /// Reads `http://host`, `https://host:port`; a path, query or user is an error, because it
    /// would be taken for a narrower grant than it is.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected an origin such as http://127.0.0.1:9091";
        let url = bare_url(text, expected)?;
        if url.path() != "/" {
            return Err(format!("an origin has scheme, host and port only; {expected}"));
        }
        Self::of(&url).ok_or_else(|| format!("{text:?} is not http or https; {expected}"))
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An origin, and what of it is granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OriginGrant {
    /// Where requests may go.
    pub origin: Origin,
    /// The paths that are granted: this one, and those below it. `/` for all.
    pub path: String,
    /// The methods that are granted; empty for all but CONNECT and TRACE, which are never granted.
    pub methods: BTreeSet<String>,
    /// The name of the credential that the host adds.
    pub credential: Option<String>,
    /// The name of the client identity (of [`Tls::identities`](super::Tls::identities)) that the
    /// host shows this origin. A connection serves all paths of an origin, so all grants of an
    /// origin name the same one.
    pub identity: Option<String>,
    /// Headers, in lower case, that requests may carry beside [`PLAIN_HEADERS`] where that matters;
    /// with the only value that they may have, or any.
    pub headers: BTreeMap<String, Option<String>>,
    /// Addresses to which the credential may go unencrypted. To loopback it always may.
    pub cleartext: BTreeSet<AddressRange>,
}

/// Headers that say what a request holds and what is wanted, but not who asks, and that no server
/// takes for another method, path, host or user. A request that is guarded (see
/// `OriginGrant::allows_header`) carries no others but those granted.
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

/// Headers that no plug sends: those of one connection, and those by which a response comes in
/// parts or compressed, so that a credential in it could not be recognized. Compression is the
/// host's.
const NEVER_SENT: [&str; 13] = [
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
    /// Reads `https://host:port/path/below`: the path and what is below it are granted.
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

    /// Whether a request for this path, with this method, is granted, where it is for the origin.
    pub(crate) fn allows(&self, method: &Method, path: &str) -> Result<(), Denial> {
        if self.path != "/" {
            let rest = path.strip_prefix(self.path.as_str()).ok_or(Denial::Path)?;
            if !(rest.is_empty() || rest.starts_with('/')) || leaves_its_folder(rest) {
                return Err(Denial::Path);
            }
        }
        let granted = self.methods.is_empty() || self.methods.contains(method.as_str());
        // CONNECT makes a tunnel. TRACE gives back what was sent, the credential too.
        let never = ["CONNECT", "TRACE"].iter().any(|never| method.as_str().eq_ignore_ascii_case(never));
        if granted && !never {
            return Ok(());
        }
        Err(Denial::Method { method: method.to_string() })
    }

    /// Whether a request may carry this header. Where more is granted than this origin with all it
    /// has, or a credential goes with it, a header must not say that something else is meant
    /// (`X-HTTP-Method-Override`, `X-Original-URL`) or that somebody else asks (`Cookie`,
    /// `X-Forwarded-User`, `X-Scope-OrgID`).
    pub(crate) fn allows_header(&self, name: &HeaderName, value: &HeaderValue) -> Result<(), Denial> {
        let name = name.as_str();
        if NEVER_SENT.contains(&name) {
            return Err(Denial::HeaderNever(name.to_owned()));
        }
        let is_guarded = self.credential.is_some() || !self.methods.is_empty() || self.path != "/";
        if !is_guarded || PLAIN_HEADERS.contains(&name) {
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

/// A URL without a user, query or fragment: none of them is part of a grant.
fn bare_url(text: &str, expected: &str) -> Result<Url, String> {
    let url = parse_url(text).map_err(|error| format!("{text:?} is no URL ({error}); {expected}"))?;
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        // Of an `@` with nobody before it a parsed URL tells nothing.
        && !authority_in(text).contains('@')
        && !matches!(url.host(), None | Some(Host::Domain("")));
    if bare { Ok(url) } else { Err(format!("a grant has no user, query or fragment; {expected}")) }
}

/// Reads a URL that an operator wrote. The error says why it is none.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let authority = authority_in(text);
    let host = authority.rsplit('@').next().unwrap_or_default();
    // The parser would refuse most of these, and where debug assertions are on it would panic.
    if !host.is_ascii() || host.contains('%') {
        return Err("its host is not plain ASCII: write an international name in its xn-- form".into());
    }
    Url::parse(text.trim()).map_err(|error| error.to_string())
}

/// What a parser of URLs takes for user, host and port. It is lenient about slashes, and leaves
/// tabs and line breaks out.
fn authority_in(url: &str) -> String {
    let url: String = url.chars().filter(|char| !matches!(char, '\t' | '\r' | '\n')).collect();
    let behind = url.split_once(':').map_or("", |(_, behind)| behind).trim_start_matches(['/', '\\']);
    behind.split(['/', '\\', '?', '#']).next().unwrap_or_default().to_owned()
}

/// Whether a server could take this path for one above it. Servers decode and join paths in many
/// ways, so where only some paths are granted, nothing that could be a step up gets through.
fn leaves_its_folder(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_step = ["/.", "\\", "%2e", "%2f", "%5c", "%25", "//", ";"].iter().any(|way| lower.contains(way));
    // Overlong UTF-8 is one more way to write a dot, `%u002e` another; a zero ends a path early;
    // and some servers take characters for the plain ones that they resemble.
    is_step || decoded(path).is_none_or(|text| text.chars().any(|char| char.is_control() || LIKE_STEPS.contains(&char)))
}

/// Characters that Unicode's compatibility forms make dots and slashes.
const LIKE_STEPS: [char; 6] = ['\u{2024}', '\u{2025}', '\u{2026}', '\u{ff0e}', '\u{ff0f}', '\u{ff3c}'];

/// A path with its percent signs decoded once; none where it is not well-formed, or no UTF-8.
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
    fn an_origin_has_one_spelling() {
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
    fn what_is_more_or_less_than_an_origin_is_refused() {
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
    fn an_international_name_is_granted_in_its_own_form() {
        for text in ["http://B\u{fc}cher.example", "http://B%C3%BCcher.example", "http:/B%BB/h", "http:\\\\B\t\u{fc}"] {
            let problem = text.parse::<Origin>().unwrap_err();
            assert!(problem.contains("write an international name in its xn-- form"), "{problem}");
        }
        assert!(parse_url("http://user:p%40ss@h.example/%C3%BC?\u{fc}").is_ok());
        let origin: Origin = "http://XN--Bcher-kva.example".parse().unwrap();
        assert_eq!(origin.to_string(), "http://xn--bcher-kva.example:80");
    }

    #[test]
    fn a_path_grants_itself_and_what_is_below() {
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
    fn methods_are_granted_one_by_one_and_a_tunnel_never() {
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
    fn a_guarded_request_carries_plain_and_granted_headers_only() {
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
        for name in NEVER_SENT {
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

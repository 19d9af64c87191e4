//! Which requests a served plug answers: those to a name of its own, not sent by another site's
//! page, and with the token where one is asked for.
//!
//! | check | against | else |
//! |---|---|---|
//! | one `Host`, which is a loopback name, the address that the request came to, or a name that was allowed | DNS rebinding: a page whose own name leads to this server would count as of the same origin, and could read answers | 400, 421 |
//! | `Origin` and `Sec-Fetch-Site`, where a browser sends them, are this server's own; not asked of GET and HEAD, whose answers another origin's page cannot read | pages of other origins, which can post without being able to read the answer | 403 |
//! | `Content-Type` of what is posted is JSON, a form's as `curl -d` says, or none | old browsers, which send no `Origin`: the forms that they post as plain text can be made to look like JSON | 415 |
//! | `Content-Encoding` of what is posted is `identity`, or none | bodies that another server on the way would read as something else | 415 |
//! | the token, but for `/healthz` | everybody else | 401 |

use std::net::{IpAddr, Ipv6Addr};

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::host_name::HostName;
use super::options::{HEALTH, Options};
use super::token::Token;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) problem: String,
}

fn refuse(status: StatusCode, code: &'static str, problem: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal { status, code, problem: problem.into() })
}

/// The checks, with what was said about this server.
#[derive(Debug)]
pub(super) struct Guard {
    token: Option<Token>,
    hosts: Vec<HostName>,
}

impl Guard {
    pub(super) fn new(options: &Options) -> Self {
        let advertised = options.advertised.address.as_ref().map(|address| HostName::of(address.host()));
        let hosts = options.hosts.iter().cloned().chain(advertised).collect();
        Self { token: options.token.clone(), hosts }
    }

    /// Whether a request that came to this address of the machine is to be answered.
    pub(super) fn check(&self, request: &Parts, came_to: IpAddr) -> Result<(), Refusal> {
        self.host(request, came_to)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            own_page(&request.headers)?;
        }
        if request.uri.path() != HEALTH {
            self.token(&request.headers)?;
        }
        if request.method == Method::POST {
            content_type(&request.headers)?;
            content_encoding(&request.headers)?;
        }
        Ok(())
    }

    fn host(&self, request: &Parts, came_to: IpAddr) -> Result<(), Refusal> {
        let host = only(&request.headers, &header::HOST).and_then(|host| host.parse::<Authority>().ok());
        let Some(host) = host.as_ref().and_then(named) else {
            let problem = "Host: there must be one, the server's HOST:PORT";
            return refuse(StatusCode::BAD_REQUEST, "invalid_field", problem);
        };
        let target = match target(request) {
            Ok(target) => target,
            Err(problem) => return refuse(StatusCode::BAD_REQUEST, "invalid_field", problem),
        };
        // A request to a proxy names the server twice.
        for name in [Some(host), target].into_iter().flatten() {
            if !name.is_loopback() && name != HostName::at(came_to) && !self.hosts.contains(&name) {
                let problem = format!(
                    "Host: this server does not go by the name {name}; if it should, start it with --allow-host {name}"
                );
                return refuse(StatusCode::MISDIRECTED_REQUEST, "unknown_host", problem);
            }
        }
        Ok(())
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        if shown(headers).is_some_and(|shown| token.is(&shown)) {
            return Ok(());
        }
        let problem = "this server asks for its token: send the header Authorization: Bearer TOKEN, with the token of the \
                       --token-file or --token-env that it was started with; in a browser give it as the password, with any name";
        refuse(StatusCode::UNAUTHORIZED, "unauthorized", problem)
    }
}

/// The host of an authority that has one, and nothing beside it but a port.
fn named(authority: &Authority) -> Option<HostName> {
    let (text, host) = (authority.as_str(), authority.host());
    // What is before a host or behind it would be part of the text.
    let port = text.strip_prefix(host)?;
    let is_port = port.strip_prefix(':').map_or(port.is_empty(), |port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = in_brackets.map_or(!host.is_empty(), |address| address.parse::<Ipv6Addr>().is_ok());
    (is_port && is_host).then(|| HostName::of(host))
}

/// The server that a request's target names, where it names one. CONNECT names nothing else.
fn target(request: &Parts) -> Result<Option<HostName>, &'static str> {
    let Some(authority) = request.uri.authority() else { return Ok(None) };
    let is_http = matches!(request.uri.scheme_str(), Some("http" | "https"));
    let name = named(authority).filter(|_| is_http || request.method == Method::CONNECT);
    name.map(Some).ok_or("the request's target: expected a path, such as /metrics, or an http URL without a user")
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// What a request shows as the token. A browser cannot be told a token, but asks people for a name
/// and a password.
fn shown(headers: &HeaderMap) -> Option<Zeroizing<Vec<u8>>> {
    let (scheme, shown) = only(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let shown = shown.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Zeroizing::new(shown.into()));
    }
    let pair = Zeroizing::new(STANDARD.decode(shown).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?);
    let colon = memchr::memchr(b':', &pair)?;
    pair.get(colon + 1..).map(|password| Zeroizing::new(password.into()))
}

/// Whether no browser says that the page of another origin sends this.
fn own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let site = headers.get_all(SEC_FETCH_SITE).iter().all(|site| site == "same-origin" || site == "none");
    let host = only(headers, &header::HOST);
    let is_own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    };
    let origin = headers.get_all(header::ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own));
    if site && origin {
        return Ok(());
    }
    let problem = "Origin: pages of other origins may not post here; send the request from a program, without Origin and \
                   Sec-Fetch-Site, or from a page of this server's own origin";
    refuse(StatusCode::FORBIDDEN, "other_origin", problem)
}

fn content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_taken = |value: &str| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        ["application/json", "application/x-www-form-urlencoded"]
            .iter()
            .any(|taken| essence.eq_ignore_ascii_case(taken))
    };
    if !headers.contains_key(header::CONTENT_TYPE) || only(headers, &header::CONTENT_TYPE).is_some_and(is_taken) {
        return Ok(());
    }
    let problem = "Content-Type: expected application/json, or none";
    refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_field", problem)
}

/// Bodies are read as they come. One that says that it is compressed is none that was understood.
fn content_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Ok(());
    }
    let problem = "Content-Encoding: expected none; send the body as it is";
    refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_field", problem)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::serve::{Advertised, read_address};

    const TOKEN: &str = "0123456789abcdef";

    fn status(guard: &Guard, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = axum::http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match guard.check(&parts, "192.0.2.7".parse().unwrap()) {
            Ok(()) => 200,
            Err(refusal) => refusal.status.as_u16(),
        }
    }

    #[test]
    fn only_its_own_names_are_answered() {
        let options = Options {
            advertised: Advertised { address: Some(read_address("told.example:1").unwrap()), instance: None },
            hosts: vec!["Plug.Example.".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            ..Options::default()
        };
        let guard = Guard::new(&options);
        let own = [
            "localhost",
            "LOCALHOST:8080",
            "localhost.:80",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:1",
            "192.0.2.7:5",
            "[::ffff:192.0.2.7]:5",
            "plug.example:9",
            "PLUG.example.",
            "[2001:DB8::1]:1",
            "told.example:77",
        ];
        for host in own {
            assert_eq!(status(&guard, "GET", "/metrics", &[("host", host)]), 200, "{host}");
        }
        let others =
            ["evil.example", "localhost.evil.example:8080", "192.0.2.8", "0.0.0.0", "2130706433", "a.plug.example"];
        for host in others {
            assert_eq!(status(&guard, "GET", "/healthz", &[("host", host)]), 421, "{host}");
        }
        for headers in [
            &[][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[("host", "a@localhost")],
            &[("host", "")],
            &[("host", ":80")],
            &[("host", "[localhost]x")],
        ] {
            assert_eq!(status(&guard, "GET", "/metrics", headers), 400, "{headers:?}");
        }
        assert_eq!(status(&guard, "GET", "http://evil.example/metrics", &[("host", "localhost")]), 421);
        for bad in ["", "h:1", "u@h", "h/x", "http://h", "h h", ":1"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_page_of_another_origin_cannot_post() {
        let guard = Guard::new(&Options::default());
        let post = |headers: &[(&str, &str)]| {
            status(&guard, "POST", "/process", &[&[("host", "localhost:8080")], headers].concat())
        };
        for taken in [
            &[][..],
            &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://LOCALHOST:8080")],
            &[("sec-fetch-site", "none")],
            &[("content-type", "application/json; charset=utf-8")],
            &[("content-type", "application/x-www-form-urlencoded")],
        ] {
            assert_eq!(post(taken), 200, "{taken:?}");
        }
        for refused in [
            &[("origin", "http://localhost:3000")][..],
            &[("origin", "http://localhost")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://localhost:8080"), ("origin", "http://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(post(refused), 403, "{refused:?}");
        }
        for refused in ["text/plain", "multipart/form-data; boundary=x", "", "application/jsonx"] {
            assert_eq!(post(&[("content-type", refused)]), 415, "{refused}");
        }
        assert_eq!(post(&[("content-encoding", "Identity")]), 200);
        for refused in ["gzip", "identity, gzip", ""] {
            assert_eq!(post(&[("content-encoding", refused)]), 415, "{refused}");
        }
        assert_eq!(status(&guard, "GET", "/metrics", &[("host", "localhost"), ("origin", "http://evil.example")]), 200);
    }

    #[test]
    fn the_token_is_asked_for_but_for_health() {
        let guard = Guard::new(&Options { token: Some(Token::new(TOKEN.as_bytes()).unwrap()), ..Options::default() });
        let get = |path: &str, values: &[&str]| {
            let mut headers = vec![("host", "localhost")];
            headers.extend(values.iter().map(|value| ("authorization", *value)));
            status(&guard, "GET", path, &headers)
        };
        assert_eq!(get("/healthz", &[]), 200);
        assert_eq!(get("/metrics", &[&format!("Bearer {TOKEN}")]), 200);
        assert_eq!(get("/metrics", &[&format!("bearer  {TOKEN}")]), 200);
        let log_in = |pair: &str| get("/", &[&format!("Basic {}", STANDARD.encode(pair))]);
        assert_eq!((log_in(&format!("me:{TOKEN}")), log_in(&format!(":{TOKEN}"))), (200, 200));
        for pair in [TOKEN, &format!("{TOKEN}:"), &format!("me:{TOKEN}0"), &format!("me:x:{TOKEN}")] {
            assert_eq!(log_in(pair), 401, "{pair}");
        }
        let (right, basic, longer) = (format!("Bearer {TOKEN}"), format!("Basic {TOKEN}"), format!("Bearer {TOKEN}0"));
        for values in [&[][..], &[TOKEN], &["Bearer"], &["Bearer "], &[&basic], &[&longer], &[&right, &right]] {
            for path in ["/metrics", "/sd", "/process", "/nothing", "/healthz/", "/healthz/../metrics"] {
                assert_eq!(get(path, values), 401, "{path} {values:?}");
            }
        }
    }
}

//! Checks that a request names this server, does not come from another site, and carries the token
//! if one is required.
//!
//! | check | protects against | status otherwise |
//! |---|---|---|
//! | exactly one `Host`: a loopback name, the local address of the connection, or an allowed name | DNS rebinding: a web page whose name resolves to this server would be same-origin and could read responses | 400, 421 |
//! | `Origin` and `Sec-Fetch-Site`, if present, are same-origin; not checked for GET and HEAD, whose responses other origins cannot read | cross-site requests, which can post without reading the response | 403 |
//! | `Content-Type` of a POST is JSON, form data (the default of `curl -d`), or absent | old browsers, which send no `Origin`: plain text forms can be crafted to look like JSON | 415 |
//! | `Content-Encoding` of a POST is `identity` or absent | bodies that a proxy would interpret differently | 415 |
//! | the rate limit of the web configuration | too many requests | 429 |
//! | a client certificate, if the web configuration requires one | unauthorized clients | 403 |
//! | the token, a user's password, or for `GET /metrics` the token for reading | unauthorized clients | 401, 403 |
//!
//! `GET /healthz` and `GET /readyz` are answered whatever `Host` and authorization are: probes have
//! the address of a pod in `Host`, or nothing that this server knows.

use std::net::Ipv6Addr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::connections::Connected;
use super::host_name::HostName;
use super::options::{METRICS, Options, is_probe};
use super::token::Token;
use super::web_config::{Contents, RateLimit, Users, WebConfig};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is rejected.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) problem: String,
}

fn reject<T>(status: StatusCode, code: &'static str, problem: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection { status, code, problem: problem.into() })
}

/// What a request that passed the checks may do.
pub(super) enum Access {
    Granted,
    /// Granted if this is a user's password, which takes time to find out.
    IfPassword(Password),
}

/// A name and a password that a client presented.
pub(super) struct Password {
    users: Arc<Users>,
    name: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl Password {
    /// Compares with the user's hash.
    pub(super) async fn verify(self) -> Result<(), Rejection> {
        if self.users.verify(&self.name, self.password).await { Ok(()) } else { reject_unauthorized() }
    }
}

fn reject_unauthorized<T>() -> Result<T, Rejection> {
    let problem = "Authorization: expected the token of the server's --token-file or --token-env as Authorization: Bearer TOKEN, or \
                   a user of its --web.config.file with the password; a browser asks for them: any user name, and the token as the \
                   password, will do";
    reject(StatusCode::UNAUTHORIZED, "unauthorized", problem)
}

/// The checks and the server's options for them.
#[derive(Debug)]
pub(super) struct Guard {
    token: Option<Token>,
    metrics_token: Option<Token>,
    web: Option<WebConfig>,
    hosts: Vec<HostName>,
}

impl Guard {
    pub(super) fn new(options: &Options) -> Self {
        let advertised = options.advertised.address.as_ref().map(|address| HostName::of(address.host()));
        let hosts = options.hosts.iter().cloned().chain(advertised).collect();
        let Options { token, metrics_token, web, .. } = options.clone();
        Self { token, metrics_token, web, hosts }
    }

    /// Checks a request on a connection.
    pub(super) fn check(&self, request: &Parts, connected: Connected) -> Result<Access, Rejection> {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let is_probe = is_probe(request.uri.path());
        // A target in absolute form names a server, and no probe sends one.
        if reads && is_probe && request.uri.authority().is_none() {
            return Ok(Access::Granted);
        }
        let web = self.web.as_ref().map(WebConfig::contents);
        if let Some(web) = &web {
            rate(web)?;
        }
        self.host(request, connected)?;
        if !reads {
            same_origin(&request.headers)?;
        }
        let access = if is_probe {
            Access::Granted
        } else {
            if let Some(web) = &web {
                certificate(web, connected)?;
            }
            let users = web.and_then(|web| web.users.clone());
            self.authorization(&request.headers, users, reads && request.uri.path() == METRICS)?
        };
        if request.method == Method::POST {
            content_type(&request.headers)?;
            content_encoding(&request.headers)?;
        }
        Ok(access)
    }

    fn host(&self, request: &Parts, Connected { local_address, .. }: Connected) -> Result<(), Rejection> {
        let host = single_value(&request.headers, &header::HOST).and_then(|host| host.parse::<Authority>().ok());
        let Some(host) = host.as_ref().and_then(host_name) else {
            let problem = "Host: expected exactly one, the server's HOST:PORT";
            return reject(StatusCode::BAD_REQUEST, "invalid_field", problem);
        };
        let target = match target(request) {
            Ok(target) => target,
            Err(problem) => return reject(StatusCode::BAD_REQUEST, "invalid_field", problem),
        };
        // Requests in absolute form name the server twice.
        for name in [Some(host), target].into_iter().flatten() {
            if !name.is_loopback() && name != HostName::at(local_address) && !self.hosts.contains(&name) {
                let problem = format!(
                    "Host: {name} is not a name of this server; to allow it, start the server with --allow-host {name}"
                );
                return reject(StatusCode::MISDIRECTED_REQUEST, "unknown_host", problem);
            }
        }
        Ok(())
    }

    fn authorization(
        &self,
        headers: &HeaderMap,
        users: Option<Arc<Users>>,
        reads_metrics: bool,
    ) -> Result<Access, Rejection> {
        if self.token.is_none() && users.is_none() {
            return Ok(Access::Granted);
        }
        let Some(presented) = presented(headers) else { return reject_unauthorized() };
        let secret = presented.secret();
        if self.token.as_ref().is_some_and(|token| token.matches(secret)) {
            return Ok(Access::Granted);
        }
        if self.metrics_token.as_ref().is_some_and(|token| token.matches(secret)) {
            if reads_metrics {
                return Ok(Access::Granted);
            }
            let problem = "Authorization: this token is for GET /metrics only; send the token of the server's --token-file or \
                           --token-env, or a user and password";
            return reject(StatusCode::FORBIDDEN, "forbidden", problem);
        }
        match (presented, users) {
            (Presented::Basic(name, password), Some(users)) => {
                Ok(Access::IfPassword(Password { users, name, password }))
            }
            _ => reject_unauthorized(),
        }
    }
}

fn rate(web: &Contents) -> Result<(), Rejection> {
    match web.rate.as_ref().map_or(Ok(()), RateLimit::take) {
        Ok(()) => Ok(()),
        Err(wait) => {
            let problem =
                format!("rate_limit: more requests than the server's --web.config.file allows; try again in {wait:?}");
            reject(StatusCode::TOO_MANY_REQUESTS, "rate_limited", problem)
        }
    }
}

/// A connection on a Unix socket has no TLS: it is of this machine's, and its permissions protect
/// it.
fn certificate(web: &Contents, connected: Connected) -> Result<(), Rejection> {
    let is_required = web.tls.as_ref().is_some_and(|tls| tls.requires_certificate);
    if is_required && connected.certificate == Some(false) {
        let problem = "client certificate: required by the server's --web.config.file; connect with one that its client_ca_file signed";
        return reject(StatusCode::FORBIDDEN, "certificate_required", problem);
    }
    Ok(())
}

/// The host of an authority that consists of a host and an optional port.
fn host_name(authority: &Authority) -> Option<HostName> {
    let (text, host) = (authority.as_str(), authority.host());
    // Reject user information and other parts.
    let port = text.strip_prefix(host)?;
    let is_port = port.strip_prefix(':').map_or(port.is_empty(), |port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = in_brackets.map_or(!host.is_empty(), |address| address.parse::<Ipv6Addr>().is_ok());
    (is_port && is_host).then(|| HostName::of(host))
}

/// The host in the request target, if it is in absolute or authority form (CONNECT).
fn target(request: &Parts) -> Result<Option<HostName>, &'static str> {
    let Some(authority) = request.uri.authority() else { return Ok(None) };
    let is_http = matches!(request.uri.scheme_str(), Some("http" | "https"));
    let name = host_name(authority).filter(|_| is_http || request.method == Method::CONNECT);
    name.map(Some).ok_or("request target: expected a path, such as /metrics, or an http URL without a user")
}

/// The value of a header that occurs exactly once.
fn single_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// What a client presented. Browsers support only Basic authentication, so its password may be the
/// token.
enum Presented {
    Bearer(Zeroizing<Vec<u8>>),
    /// The name and the password.
    Basic(Vec<u8>, Zeroizing<Vec<u8>>),
}

impl Presented {
    fn secret(&self) -> &[u8] {
        match self {
            Self::Bearer(secret) | Self::Basic(_, secret) => secret,
        }
    }
}

fn presented(headers: &HeaderMap) -> Option<Presented> {
    let (scheme, presented) = single_value(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let presented = presented.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Presented::Bearer(Zeroizing::new(presented.into())));
    }
    let pair = Zeroizing::new(STANDARD.decode(presented).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?);
    let (name, password) = pair.split_at_checked(memchr::memchr(b':', &pair)?)?;
    Some(Presented::Basic(name.into(), Zeroizing::new(password.get(1..)?.into())))
}

/// Rejects requests that a browser marks as cross-origin.
fn same_origin(headers: &HeaderMap) -> Result<(), Rejection> {
    let site = headers.get_all(SEC_FETCH_SITE).iter().all(|site| site == "same-origin" || site == "none");
    let host = single_value(headers, &header::HOST);
    let is_own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    };
    let origin = headers.get_all(header::ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own));
    if site && origin {
        return Ok(());
    }
    let problem = "Origin: cross-origin requests are not allowed; send the request without Origin and Sec-Fetch-Site, or from \
                   this server's own origin";
    reject(StatusCode::FORBIDDEN, "other_origin", problem)
}

fn content_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let is_accepted = |value: &str| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        ["application/json", "application/x-www-form-urlencoded"]
            .iter()
            .any(|accepted| essence.eq_ignore_ascii_case(accepted))
    };
    if !headers.contains_key(header::CONTENT_TYPE)
        || single_value(headers, &header::CONTENT_TYPE).is_some_and(is_accepted)
    {
        return Ok(());
    }
    let problem = "Content-Type: expected application/json, or none";
    reject(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_field", problem)
}

/// Compressed bodies are not supported.
fn content_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Ok(());
    }
    let problem = "Content-Encoding: expected none; send the body uncompressed";
    reject(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_field", problem)
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
        let connected = Connected { local_address: "192.0.2.7".parse().unwrap(), certificate: None };
        match guard.check(&parts, connected) {
            Ok(Access::Granted) => 200,
            Ok(Access::IfPassword(_)) => panic!("no guard here has users"),
            Err(refusal) => refusal.status.as_u16(),
        }
    }

    #[test]
    fn only_the_servers_own_names_are_accepted() {
        let options = Options {
            advertised: Advertised { address: Some(read_address("advertised.example:1").unwrap()), instance: None },
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
            "advertised.example:77",
        ];
        for host in own {
            assert_eq!(status(&guard, "GET", "/metrics", &[("host", host)]), 200, "{host}");
        }
        let others =
            ["evil.example", "localhost.evil.example:8080", "192.0.2.8", "0.0.0.0", "2130706433", "a.plug.example"];
        for host in others {
            assert_eq!(status(&guard, "GET", "/metrics", &[("host", host)]), 421, "{host}");
            assert_eq!(status(&guard, "POST", "/healthz", &[("host", host)]), 421, "{host}");
            assert_eq!(status(&guard, "GET", "http://evil.example/readyz", &[("host", host)]), 421, "{host}");
            for probe in ["/healthz", "/readyz"] {
                assert_eq!(status(&guard, "GET", probe, &[("host", host)]), 200, "{host}");
            }
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
    fn cross_origin_posts_are_rejected() {
        let guard = Guard::new(&Options::default());
        let post = |headers: &[(&str, &str)]| {
            status(&guard, "POST", "/process", &[&[("host", "localhost:8080")], headers].concat())
        };
        for accepted in [
            &[][..],
            &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://LOCALHOST:8080")],
            &[("sec-fetch-site", "none")],
            &[("content-type", "application/json; charset=utf-8")],
            &[("content-type", "application/x-www-form-urlencoded")],
        ] {
            assert_eq!(post(accepted), 200, "{accepted:?}");
        }
        for rejected in [
            &[("origin", "http://localhost:3000")][..],
            &[("origin", "http://localhost")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://localhost:8080"), ("origin", "http://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(post(rejected), 403, "{rejected:?}");
        }
        for rejected in ["text/plain", "multipart/form-data; boundary=x", "", "application/jsonx"] {
            assert_eq!(post(&[("content-type", rejected)]), 415, "{rejected}");
        }
        assert_eq!(post(&[("content-encoding", "Identity")]), 200);
        for rejected in ["gzip", "identity, gzip", ""] {
            assert_eq!(post(&[("content-encoding", rejected)]), 415, "{rejected}");
        }
        assert_eq!(status(&guard, "GET", "/metrics", &[("host", "localhost"), ("origin", "http://evil.example")]), 200);
    }

    #[test]
    fn the_token_for_reading_reads_metrics_and_nothing_else() {
        const READING: &str = "fedcba9876543210";
        let [token, metrics_token] = [TOKEN, READING].map(|text| Some(Token::new(text.as_bytes()).unwrap()));
        let alone = Options { metrics_token: metrics_token.clone(), ..Options::default() };
        assert!(alone.check("127.0.0.1:1".parse().unwrap()).unwrap_err().contains("leaves everything else open"));
        let guard = Guard::new(&Options { token, metrics_token, ..Options::default() });
        let ask = |method, path, token: &str| {
            let authorization = format!("Bearer {token}");
            status(&guard, method, path, &[("host", "localhost"), ("authorization", &authorization)])
        };
        for (method, path) in [("GET", "/metrics"), ("HEAD", "/metrics")] {
            assert_eq!((ask(method, path, TOKEN), ask(method, path, READING)), (200, 200), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/metrics"),
            ("POST", "/process"),
            ("GET", "/"),
            ("GET", "/sd"),
            ("GET", "/metrics/"),
            ("GET", "/status"),
        ] {
            assert_eq!((ask(method, path, TOKEN), ask(method, path, READING)), (200, 403), "{method} {path}");
        }
        assert_eq!(ask("GET", "/metrics", "fedcba987654321"), 401);
    }

    #[test]
    fn the_token_is_required_except_for_health() {
        let guard = Guard::new(&Options { token: Some(Token::new(TOKEN.as_bytes()).unwrap()), ..Options::default() });
        let get = |path: &str, values: &[&str]| {
            let mut headers = vec![("host", "localhost")];
            headers.extend(values.iter().map(|value| ("authorization", *value)));
            status(&guard, "GET", path, &headers)
        };
        assert_eq!((get("/healthz", &[]), get("/readyz", &[])), (200, 200));
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

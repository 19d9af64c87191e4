//! Credentials, one set per server, sent to that server only.
//!
//! `<server>_auth` accompanies `<server>_url` ([`SERVERS`]). Its forms:
//!
//! | form | sent as |
//! |---|---|
//! | `{"type": "basic", "username": …, "password": …}` | `Authorization: Basic …` |
//! | `{"type": "bearer", "token": …}`; also `api_key` or `api_token` | `Authorization: Bearer …` |
//! | a string: `user:password`, or a token | basic or bearer |
//! | `headers: {name: value}` | unchanged, replacing the plug's own headers of the same name |
//! | `tenant` or `org_id` | `X-Scope-OrgID` |
//!
//! The last two can be combined with any other form or used alone. Without a `type`, it is inferred
//! from the keys. Credentials are bound to the origin of the URL in effect where they are set,
//! `cfg` or `ctx`, and never sent to another origin: a call that names another server must bring
//! its own.
//!
//! A [`Secret`] is written to requests and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use super::secret::Secret;
use super::transport::{Request, Response};
use crate::error::Error;
use plugpipe_contract::document::{Document, NOT_REPLACED};
use plugpipe_contract::scalar::{Exact, Text};
use plugpipe_contract::settings::{Auth, AuthFields, Setting, Settings};
use plugpipe_contract::url::Url;

/// The settings of one server.
pub struct Server {
    /// The setting that holds its URL.
    pub url: &'static str,
    /// The setting that holds its credentials.
    pub auth: &'static str,
    /// Reads both from settings.
    read: for<'s, 'a> fn(&'s Settings<'a>) -> Configured<'s, 'a>,
}

/// A server's URL origin and credentials, as found in settings. The origin of an invalid URL is
/// `None`; another check rejects it.
type Configured<'s, 'a> = (Option<Option<String>>, &'s Setting<Auth<'a>>);

/// Every server that accepts credentials.
pub const SERVERS: [Server; 9] = [
    server("prometheus_url", "prometheus_auth", |settings| {
        (origin(&settings.prometheus_url), &settings.prometheus_auth)
    }),
    server("gateway_url", "gateway_auth", |settings| (origin(&settings.gateway_url), &settings.gateway_auth)),
    server("grafana_url", "grafana_auth", |settings| (origin(&settings.grafana_url), &settings.grafana_auth)),
    server("remote_write_url", "remote_write_auth", |settings| {
        (origin(&settings.remote_write_url), &settings.remote_write_auth)
    }),
    server("otlp_url", "otlp_auth", |settings| (origin(&settings.otlp_url), &settings.otlp_auth)),
    server("alertmanager_url", "alertmanager_auth", |settings| {
        (origin(&settings.alertmanager_url), &settings.alertmanager_auth)
    }),
    server("ruler_url", "ruler_auth", |settings| (origin(&settings.ruler_url), &settings.ruler_auth)),
    server("webhook_url", "webhook_auth", |settings| (origin(&settings.webhook_url), &settings.webhook_auth)),
    server("scrape_config.endpoint_url", "endpoint_auth", |settings| (endpoint(settings), &settings.endpoint_auth)),
];

const fn server(
    url: &'static str,
    auth: &'static str,
    read: for<'s, 'a> fn(&'s Settings<'a>) -> Configured<'s, 'a>,
) -> Server {
    Server { url, auth, read }
}

fn origin(url: &Setting<Url>) -> Option<Option<String>> {
    match url {
        Setting::Absent => None,
        Setting::Unset => Some(None),
        Setting::Set(url) => Some(Some(url.origin())),
    }
}

/// The origin of the scrape endpoint, which may also be set in `scrape_config`.
fn endpoint(settings: &Settings) -> Option<Option<String>> {
    let nested = settings.scrape_config.get().and_then(|json| Document::parse(json).ok());
    let nested: Option<Text> = nested.as_ref().and_then(|object| object.read_field("endpoint_url").ok()?);
    let url = nested.as_ref().and_then(Text::get).or_else(|| settings.endpoint_url.get())?;
    Some(Url::parse(url.trim()).ok().map(|url| url.origin()))
}

/// Headers set by the plug or the host, and hop-by-hop headers.
const RESERVED: [&str; 17] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-scope-orgid",
];

/// Shorter secrets are not redacted from responses, because they would match everywhere.
const MIN_REDACTED_BYTES: usize = 4;

/// The credentials of one server.
#[derive(Debug, Clone, PartialEq, Default)]
struct AuthHeaders {
    /// Names in lower case, each once.
    headers: Vec<(String, Secret)>,
    /// What a server could echo: passwords and tokens alone, and header values.
    redactable: Vec<Secret>,
}

/// A server's origin and credentials.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    /// For example `prometheus_url`.
    setting: &'static str,
    /// The origin of the URL.
    origin: Option<String>,
    auth: Option<AuthHeaders>,
    /// The URL's origin where `auth` was set.
    bound: Option<String>,
}

/// The credentials of a configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Credentials {
    entries: Vec<Entry>,
}

/// Credentials on their way to a worker, within a job: in clear, because a job is written nowhere.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct CarriedCredentials(Vec<CarriedEntry>);

/// One server's: its place in [`SERVERS`], its origin, headers, and what it could repeat.
type CarriedEntry = (u8, Option<String>, Vec<(String, String)>, Vec<String>);

impl From<&Credentials> for CarriedCredentials {
    fn from(credentials: &Credentials) -> Self {
        let carried = |entry: &Entry| {
            let auth = entry.auth.as_ref()?;
            let place = SERVERS.iter().position(|server| server.url == entry.setting)?;
            let headers = auth.headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
            let told = auth.redactable.iter().map(|secret| secret.reveal().to_owned());
            Some((place as u8, entry.bound.clone(), headers.collect(), told.collect()))
        };
        Self(credentials.entries.iter().filter_map(carried).collect())
    }
}

impl From<CarriedCredentials> for Credentials {
    fn from(carried: CarriedCredentials) -> Self {
        let entry = |(place, bound, headers, told): CarriedEntry| {
            let setting = SERVERS.get(usize::from(place))?.url;
            let headers = headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
            let told = told.into_iter().map(Secret::new).collect();
            Some(Entry { setting, origin: bound.clone(), auth: Some(AuthHeaders { headers, redactable: told }), bound })
        };
        Self { entries: carried.0.into_iter().filter_map(entry).collect() }
    }
}

/// The setting that holds the credentials for the server that `setting` names.
pub fn setting_of(setting: &str) -> Option<&'static str> {
    SERVERS.iter().find(|server| server.url == setting).map(|server| server.auth)
}

impl Credentials {
    /// Overlays these settings on the current credentials. The layers come from one source, the
    /// most specific last, each with the path under which the user knows it.
    pub fn overlay(&mut self, layers: &[(&str, &Settings)]) -> Result<(), Error> {
        for server in &SERVERS {
            let mut configured = None;
            for (path, settings) in layers {
                let (origin, auth) = (server.read)(settings);
                if let Some(origin) = origin {
                    self.entry(server.url).origin = origin;
                }
                match auth {
                    Setting::Absent => {}
                    Setting::Unset => configured = Some(None),
                    Setting::Set(auth) => configured = Some(read(auth, &format!("{path}.{}", server.auth))?),
                }
            }
            if let Some(auth) = configured {
                let entry = self.entry(server.url);
                entry.bound.clone_from(&entry.origin);
                entry.auth = auth;
            }
        }
        Ok(())
    }

    fn entry(&mut self, setting: &'static str) -> &mut Entry {
        let at = self.entries.iter().position(|entry| entry.setting == setting).unwrap_or_else(|| {
            self.entries.push(Entry { setting, origin: None, auth: None, bound: None });
            self.entries.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or made just now")]
        &mut self.entries[at]
    }

    /// Adds the server's credentials to a request.
    pub fn apply(&self, setting: &str, request: &mut Request) {
        let Some(auth) = self.of(setting, &request.url) else { return };
        request.headers.retain(|(name, _)| !auth.headers.iter().any(|(own, _)| own == name));
        request.credentials.clone_from(&auth.headers);
    }

    /// Redacts credentials that the server echoed in its response.
    pub fn redact(&self, setting: &str, url: &Url, response: &mut Response) {
        for secret in self.of(setting, url).iter().flat_map(|auth| &auth.redactable) {
            let secret = secret.reveal();
            if secret.len() < MIN_REDACTED_BYTES {
                continue;
            }
            mask(&mut response.body, secret.as_bytes());
            for (_, value) in response.headers.iter_mut().filter(|(_, value)| value.contains(secret)) {
                *value = value.replace(secret, "***");
            }
        }
    }

    fn of(&self, setting: &str, url: &Url) -> Option<&AuthHeaders> {
        let entry = self.entries.iter().find(|entry| entry.setting == setting)?;
        entry.auth.as_ref().filter(|_| entry.bound.as_ref() == Some(&url.origin()))
    }
}

/// Masks every occurrence with asterisks.
fn mask(body: &mut [u8], secret: &[u8]) {
    let mut rest = body;
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        let (_, from) = rest.split_at_mut(at);
        let (found, after) = from.split_at_mut(secret.len());
        found.fill(b'*');
        rest = after;
    }
}

/// Reads one server's credentials; `None` if unset.
fn read(setting: &Auth, path: &str) -> Result<Option<AuthHeaders>, Error> {
    let mut auth = AuthHeaders::default();
    match setting {
        Auth::Text(text) => {
            let text = checked(text.get().unwrap_or_default(), path)?;
            match text.split_once(':') {
                Some((user, password)) => auth.basic(user, password, path)?,
                None => auth.bearer(text, path)?,
            }
        }
        Auth::Fields(fields) => auth.read(fields, path)?,
    }
    Ok(Some(auth).filter(|auth| !auth.headers.is_empty()))
}

impl AuthHeaders {
    fn read(&mut self, fields: &AuthFields, path: &str) -> Result<(), Error> {
        let text = |name: &str, text: &Exact| {
            text.get().map(|text| checked(text, &format!("{path}.{name}")).map(str::to_owned)).transpose()
        };
        let user = text("username", &fields.username)?;
        let password = text("password", &fields.password)?;
        let tokens = [("token", &fields.token), ("api_key", &fields.api_key), ("api_token", &fields.api_token)];
        let token = tokens.into_iter().find(|(_, token)| token.get().is_some());
        let token = token.map_or(Ok(None), |(name, token)| text(name, token))?;
        let kind = text("type", &fields.r#type)?.map(|kind| kind.trim().to_ascii_lowercase());
        match (kind.as_deref(), user, token) {
            (Some("basic") | None, Some(user), None) => self.basic(&user, &password.unwrap_or_default(), path)?,
            (Some("bearer" | "token" | "api_key") | None, None, Some(token)) if password.is_none() => {
                self.bearer(&token, path)?;
            }
            (Some("none" | "") | None, None, None) if password.is_none() => {}
            (Some("basic"), None, _) => {
                return Err(plugpipe_contract::Error::missing(format!("{path}.username"), "a user name").into());
            }
            (Some("bearer" | "token" | "api_key"), _, None) => {
                return Err(plugpipe_contract::Error::missing(format!("{path}.token"), "a token").into());
            }
            (Some("basic" | "bearer" | "token" | "api_key" | "none" | "") | None, ..) => {
                return Err(Error::invalid(path, "expected either username and password, or token"));
            }
            (Some(_), ..) => {
                return Err(Error::invalid(format!("{path}.type"), "expected basic or bearer"));
            }
        }
        for (name, value) in fields.headers.iter() {
            let path = format!("{path}.headers.{}", plugpipe_contract::error::excerpt(name, 100));
            let name = header_name(name, &path)?;
            self.set(name, checked(value, &path)?.to_owned(), &path)?;
        }
        let tenants = [("tenant", &fields.tenant), ("org_id", &fields.org_id)];
        if let Some((name, tenant)) = tenants.into_iter().find(|(_, tenant)| tenant.get().is_some())
            && let Some(tenant) = text(name, tenant)?
        {
            if !tenant.bytes().all(|byte| byte.is_ascii_graphic()) {
                let problem = "must contain visible ASCII characters without spaces only";
                return Err(Error::invalid(format!("{path}.{name}"), problem));
            }
            // Not redacted: it is a name, and servers mention it in errors.
            self.headers.push(("x-scope-orgid".into(), Secret::new(tenant)));
        }
        Ok(())
    }

    fn basic(&mut self, user: &str, password: &str, path: &str) -> Result<(), Error> {
        if user.contains(':') {
            return Err(Error::invalid(format!("{path}.username"), "must not contain a colon"));
        }
        self.redactable.push(Secret::new(password));
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.redactable.push(Secret::new(&*pair));
        self.set("authorization".into(), format!("Basic {pair}"), path)
    }

    fn bearer(&mut self, token: &str, path: &str) -> Result<(), Error> {
        self.redactable.push(Secret::new(token));
        self.set("authorization".into(), format!("Bearer {token}"), path)
    }

    fn set(&mut self, name: String, value: String, path: &str) -> Result<(), Error> {
        if self.headers.iter().any(|(own, _)| *own == name) {
            return Err(Error::invalid(path, "this header is set twice"));
        }
        self.redactable.push(Secret::new(&*value));
        self.headers.push((name, Secret::new(value)));
        Ok(())
    }
}

/// Returns the text if it is valid in a header. Errors do not repeat it.
fn checked<'t>(text: &'t str, path: &str) -> Result<&'t str, Error> {
    if text.contains("${") {
        return Err(Error::invalid(path, NOT_REPLACED));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            path,
            "contains a line break or another control character, which headers do not allow; remove it",
        ));
    }
    Ok(text)
}

/// A header name in lower case.
fn header_name(name: &str, path: &str) -> Result<String, Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::invalid(path, "is not a valid header name"));
    }
    let name = name.to_ascii_lowercase();
    if name == "x-scope-orgid" {
        return Err(Error::invalid(path, "is set by tenant"));
    }
    if RESERVED.contains(&&*name) {
        return Err(Error::invalid(path, "is set by the plug or the host and cannot be overridden"));
    }
    Ok(name)
}

//! Credentials, for each server its own, and only for that server.
//!
//! `<server>_auth` stands beside `<server>_url` ([`SERVERS`]). Its forms:
//!
//! | form | sent as |
//! |---|---|
//! | `{"type": "basic", "username": …, "password": …}` | `Authorization: Basic …` |
//! | `{"type": "bearer", "token": …}`; also `api_key` or `api_token` | `Authorization: Bearer …` |
//! | a text: `user:password`, or a token | basic or bearer |
//! | `headers: {name: value}` | as they are, in place of the plug's own of that name |
//! | `tenant` or `org_id` | `X-Scope-OrgID` |
//!
//! The last two go with any of the others or alone; without a `type` the keys tell it. What is set
//! is bound to the origin of the URL that holds at that place, `cfg` or `ctx`, and is never sent to
//! another: a call that names another server brings its own.
//!
//! A [`Secret`] is written to a request and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use super::secret::Secret;
use super::transport::{Request, Response};
use crate::error::Error;
use plugpipe_contract::document::{Document, NOT_REPLACED};
use plugpipe_contract::scalar::{Exact, Text};
use plugpipe_contract::settings::{Auth, AuthFields, Setting, Settings};
use plugpipe_contract::url::Url;

/// A server as settings know it.
pub struct Server {
    /// The setting that names it.
    pub url: &'static str,
    /// The setting that holds its credentials.
    pub auth: &'static str,
    /// What settings say of both.
    given: for<'s, 'a> fn(&'s Settings<'a>) -> Given<'s, 'a>,
}

/// What settings say of a server: the origin of its URL, and its credentials. What is no URL is
/// another's to refuse.
type Given<'s, 'a> = (Option<Option<String>>, &'s Setting<Auth<'a>>);

/// Every server that may have credentials.
pub const SERVERS: [Server; 9] = [
    server("prometheus_url", "prometheus_auth", |given| (origin(&given.prometheus_url), &given.prometheus_auth)),
    server("gateway_url", "gateway_auth", |given| (origin(&given.gateway_url), &given.gateway_auth)),
    server("grafana_url", "grafana_auth", |given| (origin(&given.grafana_url), &given.grafana_auth)),
    server("remote_write_url", "remote_write_auth", |given| {
        (origin(&given.remote_write_url), &given.remote_write_auth)
    }),
    server("otlp_url", "otlp_auth", |given| (origin(&given.otlp_url), &given.otlp_auth)),
    server("alertmanager_url", "alertmanager_auth", |given| {
        (origin(&given.alertmanager_url), &given.alertmanager_auth)
    }),
    server("ruler_url", "ruler_auth", |given| (origin(&given.ruler_url), &given.ruler_auth)),
    server("webhook_url", "webhook_auth", |given| (origin(&given.webhook_url), &given.webhook_auth)),
    server("scrape_config.endpoint_url", "endpoint_auth", |given| (endpoint(given), &given.endpoint_auth)),
];

const fn server(
    url: &'static str,
    auth: &'static str,
    given: for<'s, 'a> fn(&'s Settings<'a>) -> Given<'s, 'a>,
) -> Server {
    Server { url, auth, given }
}

fn origin(url: &Setting<Url>) -> Option<Option<String>> {
    match url {
        Setting::Absent => None,
        Setting::Unset => Some(None),
        Setting::Set(url) => Some(Some(url.origin())),
    }
}

/// The origin of the endpoint to scrape, which may stand in `scrape_config` too.
fn endpoint(settings: &Settings) -> Option<Option<String>> {
    let nested = settings.scrape_config.get().and_then(|json| Document::parse(json).ok());
    let nested: Option<Text> = nested.as_ref().and_then(|object| object.read_field("endpoint_url").ok()?);
    let url = nested.as_ref().and_then(Text::get).or_else(|| settings.endpoint_url.get())?;
    Some(Url::parse(url.trim()).ok().map(|url| url.origin()))
}

/// Headers that the plug or the host sets, or that are about one connection.
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

/// What is shorter is not looked for in answers: it would be found everywhere.
const SHORTEST_TOLD: usize = 4;

/// What is sent to one server.
#[derive(Debug, Clone, PartialEq, Default)]
struct Held {
    /// Names in lower case, each once.
    headers: Vec<(String, Secret)>,
    /// What a server could repeat: passwords and tokens by themselves, and values of headers.
    told: Vec<Secret>,
}

/// A server: where it is, and what is sent there.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    /// For example `prometheus_url`.
    setting: &'static str,
    /// The origin of the URL.
    origin: Option<String>,
    auth: Option<Held>,
    /// The origin that the URL had where `auth` was given.
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
            let told = auth.told.iter().map(|secret| secret.reveal().to_owned());
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
            Some(Entry { setting, origin: bound.clone(), auth: Some(Held { headers, told }), bound })
        };
        Self { entries: carried.0.into_iter().filter_map(entry).collect() }
    }
}

/// The setting that holds the credentials for the server that `setting` names.
pub fn setting_of(setting: &str) -> Option<&'static str> {
    SERVERS.iter().find(|server| server.url == setting).map(|server| server.auth)
}

impl Credentials {
    /// Takes what these settings say over what is known. They are those of one place, each with the
    /// path under which a user knows it, the more particular last.
    pub fn overlay(&mut self, layers: &[(&str, &Settings)]) -> Result<(), Error> {
        for server in &SERVERS {
            let mut said = None;
            for (path, settings) in layers {
                let (origin, auth) = (server.given)(settings);
                if let Some(origin) = origin {
                    self.entry(server.url).origin = origin;
                }
                match auth {
                    Setting::Absent => {}
                    Setting::Unset => said = Some(None),
                    Setting::Set(auth) => said = Some(read(auth, &format!("{path}.{}", server.auth))?),
                }
            }
            if let Some(auth) = said {
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

    /// Adds to a request what its server is to see.
    pub fn apply(&self, setting: &str, request: &mut Request) {
        let Some(auth) = self.of(setting, &request.url) else { return };
        request.headers.retain(|(name, _)| !auth.headers.iter().any(|(own, _)| own == name));
        request.credentials.clone_from(&auth.headers);
    }

    /// Takes out of an answer what its server repeats of the credentials.
    pub fn redact(&self, setting: &str, url: &Url, response: &mut Response) {
        for secret in self.of(setting, url).iter().flat_map(|auth| &auth.told) {
            let secret = secret.reveal();
            if secret.len() < SHORTEST_TOLD {
                continue;
            }
            blot(&mut response.body, secret.as_bytes());
            for (_, value) in response.headers.iter_mut().filter(|(_, value)| value.contains(secret)) {
                *value = value.replace(secret, "***");
            }
        }
    }

    fn of(&self, setting: &str, url: &Url) -> Option<&Held> {
        let entry = self.entries.iter().find(|entry| entry.setting == setting)?;
        entry.auth.as_ref().filter(|_| entry.bound.as_ref() == Some(&url.origin()))
    }
}

/// Replaces every occurrence by asterisks.
fn blot(body: &mut [u8], secret: &[u8]) {
    let mut rest = body;
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        let (_, from) = rest.split_at_mut(at);
        let (found, after) = from.split_at_mut(secret.len());
        found.fill(b'*');
        rest = after;
    }
}

/// Reads one server's credentials; none where they are unset.
fn read(given: &Auth, path: &str) -> Result<Option<Held>, Error> {
    let mut held = Held::default();
    match given {
        Auth::Text(text) => {
            let text = checked(text.get().unwrap_or_default(), path)?;
            match text.split_once(':') {
                Some((user, password)) => held.basic(user, password, path)?,
                None => held.bearer(text, path)?,
            }
        }
        Auth::Fields(fields) => held.read(fields, path)?,
    }
    Ok(Some(held).filter(|held| !held.headers.is_empty()))
}

impl Held {
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
                let problem = "may hold visible ASCII characters without spaces only";
                return Err(Error::invalid(format!("{path}.{name}"), problem));
            }
            // Not kept from answers: it is a name, and servers say it in their errors.
            self.headers.push(("x-scope-orgid".into(), Secret::new(tenant)));
        }
        Ok(())
    }

    fn basic(&mut self, user: &str, password: &str, path: &str) -> Result<(), Error> {
        if user.contains(':') {
            return Err(Error::invalid(format!("{path}.username"), "may not hold a colon"));
        }
        self.told.push(Secret::new(password));
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.told.push(Secret::new(&*pair));
        self.set("authorization".into(), format!("Basic {pair}"), path)
    }

    fn bearer(&mut self, token: &str, path: &str) -> Result<(), Error> {
        self.told.push(Secret::new(token));
        self.set("authorization".into(), format!("Bearer {token}"), path)
    }

    fn set(&mut self, name: String, value: String, path: &str) -> Result<(), Error> {
        if self.headers.iter().any(|(own, _)| *own == name) {
            return Err(Error::invalid(path, "this header is set twice"));
        }
        self.told.push(Secret::new(&*value));
        self.headers.push((name, Secret::new(value)));
        Ok(())
    }
}

/// The text, if it may stand in a header. An error repeats none of it.
fn checked<'t>(text: &'t str, path: &str) -> Result<&'t str, Error> {
    if text.contains("${") {
        return Err(Error::invalid(path, NOT_REPLACED));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            path,
            "holds a line break or another control character, which no header may; take it out",
        ));
    }
    Ok(text)
}

/// A header's name in lower case.
fn header_name(name: &str, path: &str) -> Result<String, Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::invalid(path, "is not a header's name"));
    }
    let name = name.to_ascii_lowercase();
    if name == "x-scope-orgid" {
        return Err(Error::invalid(path, "is set by tenant"));
    }
    if RESERVED.contains(&&*name) {
        return Err(Error::invalid(path, "is a header that the plug or the host sets by itself"));
    }
    Ok(name)
}

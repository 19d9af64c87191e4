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
//! The last two go with any of the others or alone; without a `type` the keys tell it. What is set is bound to the origin of the
//! URL that holds at that place, `cfg` or `ctx`, and is never sent to another: a call that names another server brings its own.
//!
//! A [`Secret`] is written to a request and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use super::secret::Secret;
use super::transport::{Request, Response};
use crate::error::Error;
use plugpipe_contract::fields::{self, Fields};
use plugpipe_contract::json::{Json, Object};
use plugpipe_contract::url::Url;

/// The setting that names each server, and the one that holds its credentials. A setting in an object may stand beside it too.
pub const SERVERS: [(&str, &str); 9] = [
    ("prometheus_url", "prometheus_auth"),
    ("gateway_url", "gateway_auth"),
    ("grafana_url", "grafana_auth"),
    ("remote_write_url", "remote_write_auth"),
    ("otlp_url", "otlp_auth"),
    ("alertmanager_url", "alertmanager_auth"),
    ("ruler_url", "ruler_auth"),
    ("webhook_url", "webhook_auth"),
    ("scrape_config.endpoint_url", "endpoint_auth"),
];

/// The object and the member of the endpoint's setting.
const ENDPOINT: [&str; 2] = ["scrape_config", "endpoint_url"];

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
struct Auth {
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
    auth: Option<Auth>,
    /// The origin that the URL had where `auth` was given.
    bound: Option<String>,
}

/// The credentials of a configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Credentials {
    entries: Vec<Entry>,
}

/// The setting that holds the credentials for the server that `setting` names.
pub fn setting_of(setting: &str) -> Option<&'static str> {
    SERVERS.iter().find(|(url, _)| *url == setting).map(|(_, auth)| *auth)
}

/// Whether [`Credentials`] read that key.
pub fn is_key(key: &str) -> bool {
    // Each key of each call is asked after: nothing is taken apart here.
    SERVERS.iter().any(|(url, auth)| key == *url || key == *auth) || ENDPOINT.contains(&key)
}

/// The value of a setting of [`SERVERS`].
fn given_url<'a>(fields: &Fields<'a>, setting: &str) -> Option<&'a Json<'a>> {
    let Some((object, member)) = setting.split_once('.') else { return fields.get(setting) };
    let inner = match fields.get(object) {
        Some(Json::Object(map)) => map.get(member),
        _ => None,
    };
    inner.filter(|value| **value != Json::Null).or_else(|| fields.get(member))
}

impl Credentials {
    /// Takes what these settings say over what is known. They are those of one place, the more particular last.
    pub fn overlay(&mut self, layers: &[(String, &Object)]) -> Result<(), Error> {
        for (setting, key) in SERVERS {
            let mut given = None;
            for (path, map) in layers {
                let fields = Fields::new(map, path);
                if let Some(url) = given_url(&fields, setting) {
                    // What is no URL is another's to refuse.
                    let origin = url.as_str().and_then(|text| Url::parse(text.trim()).ok()).map(|url| url.origin());
                    self.entry(setting).origin = origin;
                }
                if let Some(value) = fields.get(key) {
                    given = Some(read(value, &fields.path(key))?);
                }
            }
            if let Some(auth) = given {
                let entry = self.entry(setting);
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

    fn of(&self, setting: &str, url: &Url) -> Option<&Auth> {
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
fn read(value: &Json, path: &str) -> Result<Option<Auth>, Error> {
    let mut auth = Auth::default();
    match value {
        Json::Null => return Ok(None),
        Json::String(text) if text.trim().is_empty() => return Ok(None),
        Json::String(text) => {
            let text = checked(text, path)?;
            match text.split_once(':') {
                Some((user, password)) => auth.basic(user, password, path)?,
                None => auth.bearer(text, path)?,
            }
        }
        Json::Object(map) => auth.read(&Fields::new(map, path), path)?,
        other => {
            let problem = format!("expected an object such as {{\"token\": …}}, got {}", fields::kind_of(other));
            return Err(Error::invalid(path, problem));
        }
    }
    Ok(Some(auth).filter(|auth| !auth.headers.is_empty()))
}

impl Auth {
    fn read(&mut self, fields: &Fields, path: &str) -> Result<(), Error> {
        const KEYS: [&str; 9] =
            ["type", "username", "password", "token", "api_key", "api_token", "headers", "tenant", "org_id"];
        if let Some((key, _)) = fields.map().iter().find(|(key, _)| !KEYS.contains(key)) {
            let path = fields.path(&plugpipe_contract::error::excerpt(key, 100));
            return Err(Error::invalid(
                path,
                format!("unknown key of credentials; expected one of {}", KEYS.join(", ")),
            ));
        }
        let user = text(fields, "username")?;
        let password = text(fields, "password")?;
        let token = match text(fields, "token")? {
            Some(token) => Some(token),
            None => match text(fields, "api_key")? {
                Some(key) => Some(key),
                None => text(fields, "api_token")?,
            },
        };
        let kind = text(fields, "type")?.map(|kind| kind.trim().to_ascii_lowercase());
        match (kind.as_deref(), user, token) {
            (Some("basic") | None, Some(user), None) => self.basic(&user, &password.unwrap_or_default(), path)?,
            (Some("bearer" | "token" | "api_key") | None, None, Some(token)) if password.is_none() => {
                self.bearer(&token, path)?;
            }
            (Some("none" | "") | None, None, None) if password.is_none() => {}
            (Some("basic"), None, _) => {
                return Err(plugpipe_contract::Error::missing(fields.path("username"), "a user name").into());
            }
            (Some("bearer" | "token" | "api_key"), _, None) => {
                return Err(plugpipe_contract::Error::missing(fields.path("token"), "a token").into());
            }
            (Some("basic" | "bearer" | "token" | "api_key" | "none" | "") | None, ..) => {
                return Err(Error::invalid(path, "expected either username and password, or token"));
            }
            (Some(_), ..) => {
                return Err(Error::invalid(fields.path("type"), "expected basic or bearer"));
            }
        }
        if let Some(headers) = fields.object("headers")? {
            let path = fields.path("headers");
            for (name, value) in headers.iter() {
                let path = format!("{path}.{}", plugpipe_contract::error::excerpt(name, 100));
                let name = header_name(name, &path)?;
                let value = fields::scalar(value)
                    .ok_or_else(|| Error::invalid(&*path, format!("expected text, got {}", fields::kind_of(value))))?;
                self.set(name, checked(&value, &path)?.to_owned(), &path)?;
            }
        }
        let tenant = match text(fields, "tenant")? {
            Some(tenant) => Some(("tenant", tenant)),
            None => text(fields, "org_id")?.map(|tenant| ("org_id", tenant)),
        };
        if let Some((key, tenant)) = tenant {
            let path = fields.path(key);
            if !tenant.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::invalid(path, "may hold visible ASCII characters without spaces only"));
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

/// A text, none where it is not there or empty.
fn text(fields: &Fields, key: &str) -> Result<Option<String>, Error> {
    let Some(value) = fields.some(key) else { return Ok(None) };
    let path = fields.path(key);
    let text = fields::scalar(value)
        .ok_or_else(|| Error::invalid(&*path, format!("expected text, got {}", fields::kind_of(value))))?;
    checked(&text, &path)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What is wrong with a text that still holds the name of an environment variable.
pub const NOT_REPLACED: &str =
    "holds a ${NAME} that the host did not replace; hosts replace names that they were granted, in the configuration";

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

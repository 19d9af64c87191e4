//! What the file says, read and checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use plugpipe_runtime::watched::Watched;
use plugpipe_time::PrometheusDuration;
use plugpipe_yaml::shape::Shape;
use plugpipe_yaml::{Content, Node};
use serde::Deserialize as _;
use serde_json::Value;
use zeroize::Zeroizing;

use super::rate::RateLimit;
use super::syntax::{FILE, HEADERS, member, text, tls_keys};
use super::tls::Tls;
use super::users::Users;

/// What a file says.
pub(crate) struct Contents {
    pub(crate) tls: Option<Tls>,
    /// Headers of responses.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) users: Option<Arc<Users>>,
    pub(crate) rate: Option<RateLimit>,
}

impl Contents {
    /// Whether it tells who a client is.
    pub(super) fn authenticates(&self) -> bool {
        self.users.is_some() || self.tls.as_ref().is_some_and(|tls| tls.requires_certificate)
    }
}

/// Keys of toolkits that this server does not have, and what to do.
const UNSUPPORTED: [(&str, &str); 1] =
    [("client_allowed_sans", "is not supported; use a separate authority for the certificates of allowed clients")];

/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 3;

/// Reads the file and those that it names, watched since before they were read.
pub(super) fn load(path: &Path) -> (Watched, Result<Contents, String>) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut attempts = 0;
    loop {
        attempts += 1;
        let own = Watched::new([path.to_owned()]);
        let read = fs::read_to_string(path).map(Zeroizing::new);
        let document = read
            .map_err(|error| format!("cannot read {}: {error}", path.display()))
            .and_then(|text| plugpipe_yaml::read(&text).map_err(|error| format!("not YAML: {error}")));
        let named = document.as_ref().map(|document| files(document, folder)).unwrap_or_default();
        let watched = Watched::new(named.into_iter().chain([path.to_owned()]));
        // Else a change between both looks at the file would never be noticed.
        if own.has_changed() && attempts < ATTEMPTS {
            continue;
        }
        return (watched, document.and_then(|document| contents(&document, folder)));
    }
}

/// The files that a document names.
fn files(document: &Node, folder: &Path) -> Vec<PathBuf> {
    let tls = document.get("tls_server_config");
    let path = |key| Some(folder.join(text(tls?.get(key)?)?));
    ["cert_file", "key_file", "client_ca_file"].into_iter().filter_map(path).collect()
}

fn contents(document: &Node, folder: &Path) -> Result<Contents, String> {
    let mut findings = Vec::new();
    Shape::Table(&FILE).check(document, "", &mut findings);
    if let Some(finding) = findings.into_iter().next() {
        let key = finding.path.rsplit('.').next().unwrap_or_default();
        let unsupported = UNSUPPORTED.iter().find(|(name, _)| *name == key).map(|(_, message)| (*message).to_owned());
        let place = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
        return Err(format!("{place}{}", unsupported.unwrap_or(finding.message)));
    }
    let within = |key: &'static str| move |problem: String| format!("{key}.{problem}");
    let http = member(document, "http_server_config");
    if http.and_then(|http| http.get("http2")).is_some_and(|http2| http2.to_value() == Value::Bool(true)) {
        return Err("http_server_config.http2: this server supports only HTTP/1.1; expected false, or no http2".into());
    }
    let tls = member(document, "tls_server_config").map(|tls| tls_keys(tls, folder).and_then(|keys| Tls::new(&keys)));
    let users = member(document, "basic_auth_users").map(users).transpose()?;
    let rate = member(document, "rate_limit").map(rate).transpose();
    Ok(Contents {
        tls: tls.transpose().map_err(within("tls_server_config"))?,
        headers: http.and_then(|http| member(http, "headers")).map(headers).transpose()?.unwrap_or_default(),
        users: users.flatten().map(Arc::new),
        rate: rate.map_err(within("rate_limit"))?.flatten(),
    })
}

fn headers(headers: &Node) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let mut all = Vec::new();
    for name in HEADERS.names() {
        let value = match member(headers, name).map(Node::to_written) {
            Some(Value::String(text)) => text,
            Some(scalar) => scalar.to_string(),
            None => continue,
        };
        if value.is_empty() {
            continue;
        }
        let problem =
            || format!("http_server_config.headers.{name}: expected visible characters and spaces in one line");
        let value = HeaderValue::from_str(&value).map_err(|_| problem())?;
        all.push((HeaderName::from_bytes(name.as_bytes()).map_err(|_| problem())?, value));
    }
    Ok(all)
}

/// None if there is no user, as where the key is absent.
fn users(users: &Node) -> Result<Option<Users>, String> {
    const KEY: &str = "basic_auth_users";
    let Content::Map(members) = &users.content else {
        return Err(format!("{KEY}: expected a mapping of users to bcrypt hashes"));
    };
    let hash = |node| text(node).map(|hash| Zeroizing::new(hash.to_owned()));
    let hashes: BTreeMap<_, _> =
        members.iter().map(|(key, node)| (key.name.clone(), hash(node).unwrap_or_default())).collect();
    if hashes.is_empty() {
        return Ok(None);
    }
    Users::new(hashes).map(Some).map_err(|problem| format!("{KEY}.{problem}"))
}

/// None if there is no limit.
fn rate(rate: &Node) -> Result<Option<RateLimit>, String> {
    let interval = match member(rate, "interval").map(Node::to_value) {
        None => return Ok(None),
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => {
            return Err(format!("interval: expected a duration with a unit, such as 1s, got {number}"));
        }
        Some(value) => PrometheusDuration::deserialize(value).map_err(|error| format!("interval: {error}"))?.get(),
    };
    if interval.is_zero() {
        return Ok(None);
    }
    let burst = member(rate, "burst").map(Node::to_value);
    let burst =
        burst.as_ref().and_then(Value::as_u64).and_then(|burst| u32::try_from(burst).ok()).filter(|burst| *burst > 0);
    let burst = burst.ok_or("burst: expected the number of requests at once, an integer of at least 1")?;
    Ok(Some(RateLimit::new(interval, burst)))
}

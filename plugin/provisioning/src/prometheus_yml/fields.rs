//! The fields of `generate_config`'s input, checked as Prometheus would check them.

use core::time::Duration;

use plugpipe_contract::error::{Error, excerpt};
use plugpipe_contract::fields::{self, Fields, kind_of, scalar};
use plugpipe_contract::json::{Json, Object};
use plugpipe_contract::time::prometheus_duration;
use plugpipe_contract::url::Url;

use super::read_duration;
use crate::yaml::Yaml;

/// Keys and values of a map that is being made.
pub(super) type Members = Vec<(String, Yaml)>;

/// Fields that would hold a secret, and are refused.
const SECRETS: [&str; 8] =
    ["password", "token", "bearer_token", "credentials", "authorization", "secret", "client_secret", "api_key"];

/// How a server is spoken to. Passwords and tokens by file only.
pub(super) fn http(fields: &Fields, members: &mut Members) -> Result<(), Error> {
    if let Some(map) = fields.object("basic_auth")? {
        let path = fields.path("basic_auth");
        only(map, &path, &[&["username", "password_file"]])?;
        let auth = Fields::new(map, &path);
        let mut pair = Members::new();
        put(&mut pair, "username", auth.text("username", "a user's name")?);
        put(&mut pair, "password_file", auth.text("password_file", "a file on the Prometheus server")?);
        put(members, "basic_auth", Yaml::Map(pair));
    }
    if let Some(file) = fields.text_or_none("bearer_token_file", "a file on the Prometheus server")? {
        if fields.some("basic_auth").is_some() {
            return Err(Error::invalid(fields.path("bearer_token_file"), "stands beside basic_auth; give one of them"));
        }
        put(members, "authorization", Yaml::Map(vec![("credentials_file".to_owned(), file.into())]));
    }
    if let Some(map) = fields.object("tls")? {
        const FILES: [&str; 4] = ["ca_file", "cert_file", "key_file", "server_name"];
        let path = fields.path("tls");
        only(map, &path, &[&FILES, &["insecure_skip_verify"]])?;
        let tls = Fields::new(map, &path);
        let mut settings = Members::new();
        for key in FILES {
            if let Some(text) = tls.text_or_none(key, "text")? {
                put(&mut settings, key, text);
            }
        }
        if tls.some("cert_file").is_some() != tls.some("key_file").is_some() {
            return Err(Error::invalid(path, "has one of cert_file and key_file; it needs both or none"));
        }
        if let Some(insecure) = flag(&tls, "insecure_skip_verify")? {
            put(&mut settings, "insecure_skip_verify", insecure);
        }
        put(members, "tls_config", Yaml::Map(settings));
    }
    if let Some(proxy) = fields.text_or_none("proxy_url", "a URL")? {
        url(&proxy).map_err(|problem| Error::invalid(fields.path("proxy_url"), problem))?;
        put(members, "proxy_url", proxy.trim());
    }
    Ok(())
}

/// Further headers of requests; neither Prometheus's own ones, nor such as hold a secret.
pub(super) fn headers(fields: &Fields) -> Result<Members, Error> {
    const OWN: [&str; 13] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-prometheus-remote-read-version",
        "x-prometheus-remote-write-version",
        "www-authenticate",
    ];
    const SECRET: [&str; 6] = ["auth", "cookie", "token", "secret", "password", "key"];
    let mut headers = Members::new();
    let Some(map) = fields.object("headers")? else { return Ok(headers) };
    for (name, value) in map.iter() {
        let path = || format!("{}.{}", fields.path("headers"), excerpt(name, 100));
        let lower = name.to_ascii_lowercase();
        if SECRET.iter().any(|word| lower.contains(word)) {
            let problem = "a secret does not belong into this file; use basic_auth or bearer_token_file";
            return Err(Error::invalid(path(), problem));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) || OWN.contains(&&*lower) {
            return Err(Error::invalid(path(), "is no header that may be set here"));
        }
        if headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Err(Error::invalid(path(), "is there twice"));
        }
        let value = scalar(value).ok_or_else(|| Error::invalid(path(), "expected text"))?;
        header_value(&value).map_err(|problem| Error::invalid(path(), problem))?;
        put(&mut headers, name, value);
    }
    Ok(headers)
}

pub(super) fn header_value(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) { Err("a header's value is one line") } else { Ok(()) }
}

/// Labels as a map, sorted by name; none if there are none. With `meta`, names may begin with `__`, as discovered targets' do.
pub(super) fn labels(fields: &Fields, key: &str, meta: bool) -> Result<Option<Yaml>, Error> {
    let Some(map) = fields.object(key)? else { return Ok(None) };
    let mut labels: Vec<(String, Yaml)> = Vec::new();
    for (name, _) in map.iter() {
        let path = || format!("{}.{}", fields.path(key), excerpt(name, 100));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = !name.starts_with(|first: char| first.is_ascii_digit());
        if name.is_empty() || !name.bytes().all(plain) || !starts_well || (!meta && name.starts_with("__")) {
            return Err(Error::invalid(path(), "is no label name; expected letters, digits and _, such as region"));
        }
        // Of two with the same name the later one counts.
        if let Some(value) = map.get(name)
            && !labels.iter().any(|(own, _)| own == name)
        {
            let text = scalar(value);
            let text =
                text.ok_or_else(|| Error::invalid(path(), format!("a label value is text, got {}", kind_of(value))))?;
            labels.push((name.to_owned(), text.into()));
        }
    }
    labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Some(Yaml::Map(labels)).filter(|_| !map.is_empty()))
}

/// `params`: names, each with a text or a list of texts.
pub(super) fn params(fields: &Fields) -> Result<Members, Error> {
    let mut params = Members::new();
    let Some(map) = fields.object("params")? else { return Ok(params) };
    let path = fields.path("params");
    let inner = Fields::new(map, &path);
    for (name, value) in map.iter() {
        if params.iter().any(|(own, _)| own == name) {
            continue;
        }
        let values = match value {
            Json::Array(_) => texts(&inner, name, |_| Ok(()))?,
            _ => inner.text_or_none(name, "text or a list of texts")?.into_iter().collect(),
        };
        put(&mut params, name, Yaml::texts(values));
    }
    Ok(params)
}

pub(super) fn scheme(fields: &Fields) -> Result<Option<&'static str>, Error> {
    match fields.text_or_none("scheme", "http or https")?.as_deref().map(str::trim) {
        None => Ok(None),
        Some("http") => Ok(Some("http")),
        Some("https") => Ok(Some("https")),
        Some(_) => Err(Error::invalid(fields.path("scheme"), "expected http or https")),
    }
}

pub(super) fn http_path(fields: &Fields, key: &str) -> Result<Option<String>, Error> {
    match fields.text_or_none(key, "a path such as /metrics")? {
        Some(path) if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.contains(char::is_control) => {
            let problem = "expected a path such as /metrics; what follows a ? belongs into params";
            Err(Error::invalid(fields.path(key), problem))
        }
        path => Ok(path),
    }
}

/// A URL without user and password.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).map_err(|problem| format!("{problem}; expected a URL such as http://h:9090/path"))?;
    if url.credentials().is_some() {
        return Err("holds a user or password; use basic_auth with its password_file".into());
    }
    if text.trim().contains(|character: char| character.is_control() || character == ' ') {
        return Err("holds a space or a control character; percent-encode it".into());
    }
    Ok(url)
}

/// As Prometheus has it: a `*` stands in the last part of the path only.
pub(super) fn rule_file(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) || text.trim().is_empty() {
        return Err("expected a path such as rules/*.yml".into());
    }
    Ok(())
}

/// As Prometheus has it.
pub(super) fn sd_file(text: &str) -> Result<(), String> {
    let suffix = [".json", ".yml", ".yaml"].iter().any(|suffix| text.ends_with(suffix));
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
    if !suffix || folder.contains('*') || name.matches('*').count() > 1 || text.contains(char::is_control) {
        return Err(
            "expected a path to .json, .yml or .yaml, with at most one * in its last part, such as targets/*.json"
                .into(),
        );
    }
    Ok(())
}

/// A selector: a metric's name, or matchers in braces. Which series it selects, the server says.
pub(super) fn selector(text: &str) -> Result<(), String> {
    let text = text.trim();
    let name = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
            && !text.starts_with(|first: char| first.is_ascii_digit())
    };
    let good = match text.split_once('{') {
        None => name(text) && !text.is_empty(),
        Some((before, matchers)) => {
            name(before.trim()) && matchers.ends_with('}') && (!before.trim().is_empty() || matchers.trim() != "}")
        }
    };
    if good { Ok(()) } else { Err("expected a selector such as up or {job=\"plugpipe\"}".into()) }
}

/// A time limit within an interval: Prometheus refuses a longer one.
pub(super) fn timeout(fields: &Fields, key: &str, interval: Duration) -> Result<Option<Duration>, Error> {
    let timeout = duration(fields, key)?;
    if timeout.is_some_and(|timeout| timeout > interval) {
        let problem = format!("is longer than the interval of {}", prometheus_duration(interval));
        return Err(Error::invalid(fields.path(key), problem));
    }
    Ok(timeout)
}

pub(super) fn duration(fields: &Fields, key: &str) -> Result<Option<Duration>, Error> {
    fields
        .text_or_none(key, "a duration")?
        .map(|text| read_duration(&text).map_err(|problem| Error::invalid(fields.path(key), problem)))
        .transpose()
}

pub(super) fn flag(fields: &Fields, key: &str) -> Result<Option<bool>, Error> {
    let read = |value: &Json| {
        fields::flag(value).ok_or_else(|| {
            let problem = format!("expected true or false, got {}", excerpt(&value.shown(), 100));
            Error::invalid(fields.path(key), problem)
        })
    };
    fields.some(key).map(read).transpose()
}

/// A list of texts, none empty, each of which `check` takes.
pub(super) fn texts(
    fields: &Fields,
    key: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Vec<String>, Error> {
    let list = match fields.some(key) {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list,
        Some(other) => {
            let problem = format!("expected a list of texts, got {}", kind_of(other));
            return Err(Error::invalid(fields.path(key), problem));
        }
    };
    let read = |(index, item): (usize, &Json)| {
        let wrong = |problem: String| Error::invalid(format!("{}[{index}]", fields.path(key)), problem);
        let text = item.as_str().ok_or_else(|| wrong(format!("expected text, got {}", kind_of(item))))?.trim();
        if text.is_empty() {
            return Err(wrong("is empty".into()));
        }
        check(text).map_err(wrong)?;
        Ok(text.to_owned())
    };
    list.iter().enumerate().map(read).collect()
}

/// An object in a list.
pub(super) struct Item<'a> {
    pub(super) map: &'a Object<'a>,
    pub(super) path: String,
}

impl Item<'_> {
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields::new(self.map, &self.path)
    }
}

/// A list of objects, each made into YAML.
pub(super) fn each(
    input: &Fields,
    key: &str,
    mut make: impl FnMut(&Item) -> Result<Yaml, Error>,
) -> Result<Vec<Yaml>, Error> {
    let list = match input.some(key) {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list,
        Some(other) => {
            let problem = format!("expected a list of objects, got {}", kind_of(other));
            return Err(Error::invalid(input.path(key), problem));
        }
    };
    let mut made = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let path = format!("{}[{index}]", input.path(key));
        match item {
            Json::Object(map) => made.push(make(&Item { map, path })?),
            other => return Err(Error::invalid(path, format!("expected an object, got {}", kind_of(other)))),
        }
    }
    Ok(made)
}

/// Refuses fields that are not among these: a misspelt one would silently do nothing, and a secret would be shown.
pub(super) fn only(map: &Object, path: &str, known: &[&[&str]]) -> Result<(), Error> {
    for (key, _) in map.iter() {
        if known.iter().any(|names| names.contains(&key)) {
            continue;
        }
        let problem = if SECRETS.contains(&key) {
            "a secret does not belong into this file; put it into a file on the Prometheus server, and name that as basic_auth.password_file or bearer_token_file".into()
        } else {
            format!("there is no such field; there are {}", known.concat().join(", "))
        };
        return Err(Error::invalid(format!("{path}.{}", excerpt(key, 100)), problem));
    }
    Ok(())
}

pub(super) fn put(members: &mut Members, key: &str, value: impl Into<Yaml>) {
    members.push((key.to_owned(), value.into()));
}

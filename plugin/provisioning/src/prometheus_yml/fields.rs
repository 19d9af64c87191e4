//! The fields of `generate_config`'s input, validated as in Prometheus.

use core::time::Duration;

use crate::error::Error;
use plugpipe_contract::compound::Named;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::{BasicAuth, TlsFiles};
use plugpipe_contract::scalar::{self, Labels, OneOrMany, Text, Verbatim};
use plugpipe_contract::time::prometheus_duration;
use plugpipe_contract::url::Url;

use super::check_duration;
use crate::yaml::Yaml;

/// Keys and values of a map under construction.
pub(super) type Members = Vec<(String, Yaml)>;

/// Connection settings. Passwords and tokens by file only.
pub(super) struct Connection<'r> {
    pub(super) basic_auth: Option<&'r BasicAuth<'r>>,
    pub(super) bearer_token_file: &'r Text<'r>,
    pub(super) tls: Option<&'r TlsFiles<'r>>,
    pub(super) proxy_url: &'r Text<'r>,
}

impl Connection<'_> {
    pub(super) fn write(&self, members: &mut Members) -> Result<(), Error> {
        if let Some(auth) = self.basic_auth {
            let user = auth.username.required("basic_auth.username", "a user's name")?;
            let file = auth.password_file.required("basic_auth.password_file", "a file on the Prometheus server")?;
            let mut pair = Members::new();
            put(&mut pair, "username", user);
            put(&mut pair, "password_file", file);
            put(members, "basic_auth", Yaml::Map(pair));
        }
        if let Some(file) = self.bearer_token_file.get() {
            if self.basic_auth.is_some() {
                return Err(Error::invalid("bearer_token_file", "is set together with basic_auth; set one of them"));
            }
            put(members, "authorization", Yaml::Map(vec![("credentials_file".to_owned(), file.into())]));
        }
        if let Some(tls) = self.tls {
            let files = [
                ("ca_file", &tls.ca_file),
                ("cert_file", &tls.cert_file),
                ("key_file", &tls.key_file),
                ("server_name", &tls.server_name),
            ];
            if tls.cert_file.get().is_some() != tls.key_file.get().is_some() {
                let problem = "needs both cert_file and key_file, or neither";
                return Err(Error::invalid("tls", problem));
            }
            let mut settings = Members::new();
            for (key, text) in files {
                put_if(&mut settings, key, text.get());
            }
            put_if(&mut settings, "insecure_skip_verify", tls.insecure_skip_verify.get());
            put(members, "tls_config", Yaml::Map(settings));
        }
        if let Some(proxy) = self.proxy_url.get() {
            url(proxy).map_err(|problem| Error::invalid("proxy_url", problem))?;
            put(members, "proxy_url", proxy.trim());
        }
        Ok(())
    }
}

/// Additional request headers, except Prometheus's own and those with secrets.
pub(super) fn headers(given: &Labels) -> Result<Members, Error> {
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
    for (name, value) in given.iter() {
        let path = || format!("headers.{}", excerpt(name, 100));
        let lower = name.to_ascii_lowercase();
        if SECRET.iter().any(|word| lower.contains(word)) {
            let problem = "secrets do not belong in this file; use basic_auth or bearer_token_file";
            return Err(Error::invalid(path(), problem));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) || OWN.contains(&&*lower) {
            return Err(Error::invalid(path(), "is not a valid header name, or is reserved by Prometheus"));
        }
        if headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Err(Error::invalid(path(), "is set twice"));
        }
        header_value(value).map_err(|problem| Error::invalid(path(), problem))?;
        put(&mut headers, name, value);
    }
    Ok(headers)
}

pub(super) fn header_value(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) { Err("must be a single line") } else { Ok(()) }
}

/// Labels as a map sorted by name; `None` if empty. With `meta`, names may begin with `__`, as for
/// discovered targets.
pub(super) fn labels(given: &Labels, field: &str, meta: bool) -> Result<Option<Yaml>, Error> {
    let mut labels = Members::new();
    for (name, value) in given.iter() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = !name.starts_with(|first: char| first.is_ascii_digit());
        if name.is_empty() || !name.bytes().all(plain) || !starts_well || (!meta && name.starts_with("__")) {
            let problem = "is not a valid label name; expected letters, digits and _, such as region";
            return Err(Error::invalid(format!("{field}.{}", excerpt(name, 100)), problem));
        }
        // The last one of a name wins.
        labels.retain(|(own, _)| own != name);
        put(&mut labels, name, value);
    }
    labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok((!labels.is_empty()).then_some(Yaml::Map(labels)))
}

/// `params`: names, each with a list of values. A single empty string means an empty list.
pub(super) fn params(given: &Named<OneOrMany<Text>>) -> Result<Members, Error> {
    let mut params = Members::new();
    for (name, values) in &given.0 {
        let text = |(index, text): (usize, &Text)| {
            let empty = || Error::invalid(format!("params.{}[{index}]", excerpt(name, 100)), "is empty");
            text.get().map(|text| text.trim().to_owned()).ok_or_else(empty)
        };
        let texts = match &**values {
            [one] if one.get().is_none() => Vec::new(),
            values => values.iter().enumerate().map(text).collect::<Result<_, _>>()?,
        };
        params.retain(|(own, _)| own != name);
        put(&mut params, name, Yaml::texts(texts));
    }
    Ok(params)
}

pub(super) fn scheme(given: &Text) -> Result<Option<&'static str>, Error> {
    match given.get().map(str::trim) {
        None => Ok(None),
        Some("http") => Ok(Some("http")),
        Some("https") => Ok(Some("https")),
        Some(_) => Err(Error::invalid("scheme", "expected http or https")),
    }
}

pub(super) fn http_path<'r>(given: &'r Text, field: &str) -> Result<Option<&'r str>, Error> {
    match given.get() {
        Some(path) if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.contains(char::is_control) => {
            let problem = "expected a path such as /metrics; put the query in params";
            Err(Error::invalid(field, problem))
        }
        path => Ok(path),
    }
}

/// A URL without user and password.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).map_err(|problem| format!("{problem}; expected a URL such as http://h:9090/path"))?;
    if url.credentials().is_some() {
        return Err("contains a user or password; use basic_auth with its password_file".into());
    }
    if text.trim().contains(|character: char| character.is_control() || character == ' ') {
        return Err("contains a space or a control character; percent-encode it".into());
    }
    Ok(url)
}

/// As in Prometheus: `*` is only valid in the last path component.
pub(super) fn rule_file(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) || text.trim().is_empty() {
        return Err("expected a path such as rules/*.yml".into());
    }
    Ok(())
}

/// As in Prometheus.
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

/// A selector: a metric name, or matchers in braces. The server parses it.
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

/// A timeout within an interval: Prometheus rejects longer ones.
pub(super) fn timeout(given: scalar::Duration, field: &str, interval: Duration) -> Result<Option<Duration>, Error> {
    let timeout = duration(given, field)?;
    if timeout.is_some_and(|timeout| timeout > interval) {
        let problem = format!("is longer than the interval of {}", prometheus_duration(interval));
        return Err(Error::invalid(field, problem));
    }
    Ok(timeout)
}

pub(super) fn duration(given: scalar::Duration, field: &str) -> Result<Option<Duration>, Error> {
    given.get().map(check_duration).transpose().map_err(|problem| Error::invalid(field, problem))
}

/// Nonempty strings that pass `check`.
pub(super) fn texts(
    given: Option<&[Verbatim]>,
    field: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Vec<String>, Error> {
    let read = |(index, text): (usize, &Verbatim)| {
        let text = text.0.trim();
        let checked = if text.is_empty() { Err("is empty".to_owned()) } else { check(text) };
        checked.map_err(|problem| Error::invalid(format!("{field}[{index}]"), problem))?;
        Ok(text.to_owned())
    };
    given.unwrap_or_default().iter().enumerate().map(read).collect()
}

/// Converts each item of a list to YAML; `make` gets the item's path. Errors name a field of the
/// item and get its path prepended here.
pub(super) fn each<T>(
    list: Option<&[T]>,
    field: &str,
    mut make: impl FnMut(&T, &str) -> Result<Yaml, Error>,
) -> Result<Vec<Yaml>, Error> {
    let made = |(index, item)| {
        let path = format!("{field}[{index}]");
        make(item, &path).map_err(|error| error.inside(&path))
    };
    list.unwrap_or_default().iter().enumerate().map(made).collect()
}

pub(super) fn put(members: &mut Members, key: &str, value: impl Into<Yaml>) {
    members.push((key.to_owned(), value.into()));
}

pub(super) fn put_if(members: &mut Members, key: &str, value: Option<impl Into<Yaml>>) {
    members.extend(value.map(|value| (key.to_owned(), value.into())));
}

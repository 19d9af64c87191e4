//! Alertmanager's HTTP API, version 2: alerts, groups and silences.
//!
//! Alertmanager decides whom to notify. A firing alert is sent repeatedly and resolves once
//! `ends_at` has passed; without `ends_at` it resolves after the server's `resolve_timeout`.

use super::prometheus::Form;
use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Segment, Url, endpoint};
use plugpipe_contract::error::excerpt;
use plugpipe_contract::responses::LabelPairs;
use plugpipe_contract::sound;
use plugpipe_contract::time::rfc3339;
use plugpipe_metrics::registry::Labels;
use plugpipe_provisioning::fnv::fnv1a;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "Alertmanager", setting: "alertmanager_url" };

/// A firing or resolved alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Identify the alert; at least one.
    pub labels: Labels,
    /// Text for people.
    pub annotations: Labels,
    /// The start, in nanoseconds since the Unix epoch; `None` for the server's now.
    pub starts_at: Option<u64>,
    /// The end, in the past or future, in nanoseconds since the Unix epoch.
    pub ends_at: Option<u64>,
    /// Link to the alert's source.
    pub generator_url: Option<String>,
}

impl Alert {
    /// Whether it is resolved at `now_unix_nanos`.
    pub fn is_resolved(&self, now_unix_nanos: u64) -> bool {
        self.ends_at.is_some_and(|end| end <= now_unix_nanos)
    }

    /// Alertmanager's fingerprint: FNV-1a of names and values in order, each followed by byte 255.
    pub fn fingerprint(&self) -> u64 {
        let texts = pairs(&self.labels).flat_map(|(name, value)| [name, value]);
        fnv1a(texts.flat_map(|text| text.bytes().chain([0xff])))
    }
}

/// Labels as pairs of strings.
pub fn pairs(labels: &Labels) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().map(|(name, value)| (name.as_str(), value))
}

/// Labels or annotations as serialized in bodies.
pub(super) fn label_pairs(labels: &Labels) -> LabelPairs<'_> {
    pairs(labels).collect()
}

/// A matcher on one label, in filters and silences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// The value to compare with.
    pub value: String,
    /// Whether `value` is a regular expression, which is anchored.
    pub is_regex: bool,
    /// False negates the matcher.
    pub is_equal: bool,
}

impl Matcher {
    /// Parses `name="value"`, with `=`, `!=`, `=~` or `!~`; the quotes are optional. The error says
    /// what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!("expected a matcher such as severity=\"warning\" or job=~\"api.*\", got {:?}", excerpt(text, 100))
        };
        let begin = text.find(['=', '!']).ok_or_else(invalid)?;
        let (name, rest) = text.split_at(begin);
        let operators = [("=~", true, true), ("!~", true, false), ("!=", false, false), ("=", false, true)];
        let (value, is_regex, is_equal) = operators
            .into_iter()
            .find_map(|(operator, regex, equal)| rest.strip_prefix(operator).map(|value| (value.trim(), regex, equal)))
            .ok_or_else(invalid)?;
        let name = name.trim();
        let name = if name.starts_with('"') { unquoted(name).ok_or_else(invalid)? } else { name.to_owned() };
        if name.is_empty() {
            return Err(invalid());
        }
        let value = if value.starts_with('"') { unquoted(value).ok_or_else(invalid)? } else { value.to_owned() };
        Ok(Self { name, value, is_regex, is_equal })
    }

    /// The matcher in filter syntax: `name="value"`.
    pub fn shown(&self) -> String {
        let operator = match (self.is_regex, self.is_equal) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        let plain = self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = if plain { self.name.clone() } else { quoted(&self.name) };
        [&name, operator, &quoted(&self.value)].concat()
    }
}

/// Quotes a string, escaping quotes, backslashes and newlines.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"').filter(|_| text.len() >= 2)?;
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => match characters.next()? {
                'n' => out.push('\n'),
                escaped @ ('"' | '\\') => out.push(escaped),
                // As in a regular expression: keep both.
                other => out.extend(['\\', other]),
            },
            other => out.push(other),
        }
    }
    Some(out)
}

/// Filters for listing alerts. The flags are those of the API; `None` means its default, true.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the API's names")]
pub struct Filter {
    pub matchers: Vec<Matcher>,
    pub receiver: Option<String>,
    pub active: Option<bool>,
    pub silenced: Option<bool>,
    pub inhibited: Option<bool>,
    pub unprocessed: Option<bool>,
}

/// A silence to create or change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// The silence to change; `None` to create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All must match; at least one, of which one must not match the empty string.
    pub matchers: Vec<Matcher>,
    /// The start, as RFC 3339.
    pub starts_at: String,
    /// The end, as RFC 3339; after `starts_at`.
    pub ends_at: String,
    /// The author.
    pub created_by: String,
    /// The reason.
    pub comment: String,
}

/// The API's listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// `/api/v2/alerts`.
    Alerts,
    /// `/api/v2/alerts/groups`.
    Groups,
    /// `/api/v2/receivers`.
    Receivers,
    /// `/api/v2/silences`.
    Silences,
    /// `/api/v2/status`.
    Status,
}

/// An alert in the body of a POST.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert<'a> {
    labels: LabelPairs<'a>,
    annotations: LabelPairs<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<&'a str>,
}

impl<'a> PostedAlert<'a> {
    fn of(alert: &'a Alert) -> Self {
        Self {
            labels: label_pairs(&alert.labels),
            annotations: label_pairs(&alert.annotations),
            starts_at: alert.starts_at.map(rfc3339),
            ends_at: alert.ends_at.map(rfc3339),
            generator_url: alert.generator_url.as_deref(),
        }
    }
}

/// Sends alerts to Alertmanager.
pub fn post_alerts(client: &mut Client, base: &Url, alerts: &[Alert]) -> Result<(), Error> {
    let alerts: Vec<PostedAlert> = alerts.iter().map(PostedAlert::of).collect();
    let request = Request::new(Method::Post, endpoint(base, ["api", "v2", "alerts"]))
        .with_body("application/json", super::json(&alerts));
    // Sending an alert twice is harmless.
    let request = request.repeatable();
    let url = request.url.clone();
    let response = client.send(PEER, request)?;
    expect_ok(&url, &response, "valid alerts of the request may be stored all the same")
}

/// Fetches a listing, or the status, which is an object.
pub fn list<T: DeserializeOwned>(
    client: &mut Client,
    base: &Url,
    listing: Listing,
    filter: &Filter,
) -> Result<T, Error> {
    let segments: &[&'static str] = match listing {
        Listing::Alerts => &["alerts"],
        Listing::Groups => &["alerts", "groups"],
        Listing::Receivers => &["receivers"],
        Listing::Silences => &["silences"],
        Listing::Status => &["status"],
    };
    let mut form = Form::default();
    filter.matchers.iter().for_each(|matcher| form.put("filter", &matcher.shown()));
    form.put_text("receiver", filter.receiver.as_deref());
    for (name, flag) in [
        ("active", filter.active),
        ("silenced", filter.silenced),
        ("inhibited", filter.inhibited),
        ("unprocessed", filter.unprocessed),
    ] {
        if let Some(flag) = flag {
            form.put(name, if flag { "true" } else { "false" });
        }
    }
    let query = Some(form.as_str().to_owned()).filter(|query| !query.is_empty());
    let url = endpoint(base, ["api", "v2"].into_iter().chain(segments.iter().copied())).with_query(query);
    let response = client.send(PEER, Request::new(Method::Get, url.clone()))?;
    expect_ok(&url, &response, "")?;
    let text = String::from_utf8_lossy(&response.body);
    parse_list(&text).map_err(|_| bad_response(&url, &text))
}

/// Parses JSON of which raw parts are passed on: those must be valid JSON for any parser.
fn parse_list<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    sound::check(text.as_bytes())?;
    serde_json::from_str(text)
}

/// Creates or changes a silence and returns its id.
pub fn post_silence(client: &mut Client, base: &Url, silence: &Silence) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Posted {
        #[serde(rename = "silenceID")]
        id: String,
    }
    let url = endpoint(base, ["api", "v2", "silences"]);
    let request = Request::new(Method::Post, url.clone()).with_body("application/json", super::json(silence));
    let response = client.send(PEER, request)?;
    expect_ok(&url, &response, "")?;
    let text = String::from_utf8_lossy(&response.body);
    serde_json::from_str(&text).map(|Posted { id }| id).map_err(|_| bad_response(&url, &text))
}

/// Expires a silence now. False if there is none with this id.
pub fn expire_silence(client: &mut Client, base: &Url, id: &str) -> Result<bool, Error> {
    let url = endpoint(base, ["api".into(), "v2".into(), "silence".into(), Segment::of(id, "silence_id")?]);
    let response = client.send(PEER, Request::new(Method::Delete, url.clone()))?;
    if response.status == 404 && response.body.is_empty() {
        return Ok(false);
    }
    expect_ok(&url, &response, "").map(|()| true)
}

/// `GET /-/healthy`.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["-", "healthy"]))
}

/// Alertmanager's error bodies.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Text(String),
    Message { message: String },
}

/// Alertmanager's errors are `{"code", "message"}` or a JSON string; a proxy's can be anything.
fn expect_ok(url: &Url, response: &Response, todo: &str) -> Result<(), Error> {
    if response.status == 200 {
        return Ok(());
    }
    let todo = if response.status == 410 {
        "this is not an Alertmanager with version 2 of the API (0.16 or newer)"
    } else if response.status == 400 {
        todo
    } else {
        ""
    };
    let text = String::from_utf8_lossy(&response.body);
    match serde_json::from_str(&text) {
        Ok(ErrorBody::Text(text) | ErrorBody::Message { message: text }) => {
            let response = Response { body: text.into_bytes(), ..response.clone() };
            Err(super::refused(PEER, url, &response, todo))
        }
        _ => Err(super::refused(PEER, url, response, todo)),
    }
}

fn bad_response(url: &Url, text: &str) -> Error {
    Error::BadAnswer {
        server: PEER.server,
        origin: url.origin(),
        problem: format!("it begins with {:?}", excerpt(text, 100)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alert(labels: &[(&str, &str)]) -> Alert {
        Alert {
            labels: Labels::new(labels.iter().copied(), "labels").unwrap(),
            annotations: Labels::default(),
            starts_at: None,
            ends_at: None,
            generator_url: None,
        }
    }

    #[test]
    fn raw_parts_are_valid_json() {
        let read = parse_list::<plugpipe_contract::raw::RawList>;
        assert_eq!(read(r#"[{"a": 1}, []]"#).unwrap().len(), 2);
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        for bad in [r#"[{"x": "\ud800"}]"#, r#"[{"x": 1e999}]"#, deep.as_str()] {
            assert!(read(bad).is_err(), "{}", bad.get(..20).unwrap_or(bad));
        }
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_the_order_of_labels() {
        let one = alert(&[("alertname", "a"), ("severity", "b")]).fingerprint();
        assert_eq!(one, alert(&[("severity", "b"), ("alertname", "a")]).fingerprint());
        assert_ne!(one, alert(&[("alertname", "as"), ("everity", "b")]).fingerprint());
        // FNV-1a of the empty string.
        assert_eq!(alert(&[]).fingerprint(), 0xcbf2_9ce4_8422_2325);
    }

    #[test]
    fn matchers_are_parsed_as_filters_write_them() {
        for (text, name, value, regex, equal) in [
            ("severity=\"warning\"", "severity", "warning", false, true),
            ("severity = warning", "severity", "warning", false, true),
            ("job!=\"a\\\"b\"", "job", "a\"b", false, false),
            ("job=~\"a.*\\\\d\"", "job", "a.*\\d", true, true),
            ("job!~\"a|b\"", "job", "a|b", true, false),
            ("a=\"\"", "a", "", false, true),
            ("\"my.label\"=\"x\"", "my.label", "x", false, true),
        ] {
            let expected = Matcher { name: name.into(), value: value.into(), is_regex: regex, is_equal: equal };
            assert_eq!(Matcher::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "severity", "=\"x\"", "a!\"x\"", "a=\"x", "a=\"x\"y\""] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn both_shapes_of_an_error_are_read() {
        let url = Url::parse("http://h:9093/api/v2/alerts").unwrap();
        for (body, message) in [
            (r#"{"code":601,"message":"invalid type"}"#, "invalid type"),
            (r#""start time must be before end time""#, "start time must be before end time"),
            ("<html>busy</html>", "<html>busy</html>"),
        ] {
            let response = Response { status: 400, headers: Vec::new(), body: body.into() };
            let error = expect_ok(&url, &response, "and so on").unwrap_err().to_string();
            assert!(error.ends_with(&format!("returned 400: {message}; and so on")), "{error}");
        }
        let gone = Response { status: 410, headers: Vec::new(), body: Vec::new() };
        assert!(expect_ok(&url, &gone, "").unwrap_err().to_string().contains("version 2"));
    }

    proptest! {
        #[test]
        fn a_written_matcher_parses_back(
            name in "[a-z_][a-z0-9_.]{0,8}", value in any::<String>(), is_regex: bool, is_equal: bool,
        ) {
            let matcher = Matcher { name, value, is_regex, is_equal };
            prop_assert_eq!(Matcher::parse(&matcher.shown()), Ok(matcher));
        }
    }
}

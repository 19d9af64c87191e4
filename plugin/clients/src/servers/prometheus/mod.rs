//! Prometheus's HTTP API, version 1: queries, series metadata, and server status. Responses of
//! compatible servers such as VictoriaMetrics and Mimir are normalized to Prometheus's terms.
//!
//! | file | purpose |
//! |---|---|
//! | `form` | form encoding |
//! | `envelope` | the envelope of all responses, and errors |
//! | `query` | instant and range queries; a range that is too long for one response |
//! | `merge` | merges the responses to the parts of a range |
//! | `values` | results as numbers |

mod envelope;
mod form;
mod merge;
mod query;
pub mod values;

pub use envelope::{Data, PEER, Reply};
pub use form::Form;
use plugpipe_contract::lenient::unless_null;
use plugpipe_contract::raw::RawList;
pub use plugpipe_contract::requests::TooManyPoints;
pub use query::{Found, MAX_PARTS, MAX_POINTS, Options, Query};

use serde::Deserialize;

use crate::error::Error;
use crate::http::{Client, Method, Request, Response, Segment, Url, endpoint};

/// `GET /-/healthy`.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["-", "healthy"]))
}

/// An endpoint of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The path below `/api/v1/`.
    pub path: &'static str,
    /// Whether it accepts POST, which allows expressions of any length.
    pub post: bool,
    /// The first Prometheus version with this endpoint, unless all have it.
    pub since: Option<&'static str>,
}

impl Place {
    const fn post(path: &'static str) -> Self {
        Self { path, post: true, since: None }
    }

    const fn get(path: &'static str) -> Self {
        Self { path, post: false, since: None }
    }

    const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }
}

/// The endpoints that the plug uses, except `label/<name>/values`.
pub mod places {
    use super::Place;

    /// Instant query.
    pub const QUERY: Place = Place::post("query");
    /// Range query.
    pub const QUERY_RANGE: Place = Place::post("query_range");
    /// Series by selectors.
    pub const SERIES: Place = Place::post("series");
    /// Label names.
    pub const LABELS: Place = Place::post("labels");
    /// Type, help and unit of metrics.
    pub const METADATA: Place = Place::get("metadata").since("2.15");
    /// Scrape targets.
    pub const TARGETS: Place = Place::get("targets");
    /// Rules and their alerts.
    pub const RULES: Place = Place::get("rules");
    /// Pending and firing alerts.
    pub const ALERTS: Place = Place::get("alerts");
    /// Exemplars of the series in an expression.
    pub const EXEMPLARS: Place = Place::post("query_exemplars").since("2.25");
    /// Formats an expression.
    pub const FORMAT: Place = Place::post("format_query").since("2.38");
    /// Parses an expression to a tree.
    pub const PARSE: Place = Place::post("parse_query").since("3.0");
    /// Build information.
    pub const BUILD: Place = Place::get("status/buildinfo").since("2.14");
    /// Runtime information.
    pub const RUNTIME: Place = Place::get("status/runtimeinfo").since("2.14");
    /// Command-line flags.
    pub const FLAGS: Place = Place::get("status/flags");
    /// TSDB statistics.
    pub const TSDB: Place = Place::get("status/tsdb").since("2.15");
    /// The configuration; the server masks secrets.
    pub const CONFIG: Place = Place::get("status/config");
}

/// The data of [`places::RULES`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Groups of rules.
    #[serde(deserialize_with = "unless_null")]
    pub groups: RawList,
}

/// The data of [`places::ALERTS`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// Alerts.
    #[serde(deserialize_with = "unless_null")]
    pub alerts: RawList,
}

/// A client of one server.
pub struct Api<'c> {
    client: Client<'c>,
    base: Url,
    /// POST was rejected once, as read-only proxies do.
    get_only: bool,
}

/// Selects series in a time range, for [`Api::series`], [`Api::labels`] and [`Api::label_values`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// Selectors such as `up{job="a"}`; the union of their series.
    pub matches: Vec<String>,
    /// Milliseconds since the epoch; `None` for the server's default.
    pub start_ms: Option<i64>,
    /// Milliseconds since the epoch; `None` for the server's default.
    pub end_ms: Option<i64>,
    /// The most items, if the server supports a limit; `None` for all.
    pub limit: Option<u64>,
}

impl Selection {
    fn form(&self) -> Form {
        let mut form = Form::default();
        form.put_all("match[]", &self.matches);
        form.put_ms("start", self.start_ms);
        form.put_ms("end", self.end_ms);
        form.put_count("limit", self.limit);
        form
    }
}

impl<'c> Api<'c> {
    /// Creates a client. The API is below `base`: `http://h:9090`, or with a path prefix.
    pub fn new(client: Client<'c>, base: Url) -> Self {
        Self { client, base, get_only: false }
    }

    /// Queries an endpoint.
    pub fn ask<D: Data>(&mut self, place: Place, form: &Form) -> Result<Reply<D>, Error> {
        self.ask_query(place, form, "")
    }

    /// Queries an endpoint with an expression, which locates syntax errors.
    pub fn ask_query<D: Data>(&mut self, place: Place, form: &Form, expression: &str) -> Result<Reply<D>, Error> {
        let (url, response) = self.send(place, form)?;
        read(place, &url, &response, expression)
    }

    fn send(&mut self, place: Place, form: &Form) -> Result<(Url, Response), Error> {
        let url = self.url(place);
        if place.post && !self.get_only {
            let post = Request::new(Method::Post, url.clone())
                .with_body("application/x-www-form-urlencoded", form.as_str().into())
                .repeatable();
            let response = self.client.send(PEER, post)?;
            if !matches!(response.status, 403 | 405 | 501) {
                return Ok((url, response));
            }
            self.get_only = true;
        }
        let response = self.client.send(PEER, get(&url, form))?;
        Ok((url, response))
    }

    /// Queries several endpoints concurrently, without parameters.
    pub fn ask_all<D: Data>(&mut self, places: &[Place]) -> Vec<Result<Reply<D>, Error>> {
        let urls: Vec<Url> = places.iter().map(|place| self.url(*place)).collect();
        let requests = urls.iter().map(|url| (PEER, Request::new(Method::Get, url.clone()))).collect();
        let responses = self.client.send_all(requests);
        places
            .iter()
            .zip(&urls)
            .zip(responses)
            .map(|((place, url), response)| read(*place, url, &response?, ""))
            .collect()
    }

    /// The selected series: objects of labels, such as [`values::Labels`].
    pub fn series<D: Data>(&mut self, selection: &Selection) -> Result<Reply<D>, Error> {
        self.ask(places::SERIES, &selection.form())
    }

    /// The label names.
    pub fn labels(&mut self, selection: &Selection) -> Result<Reply<Vec<String>>, Error> {
        self.ask(places::LABELS, &selection.form())
    }

    /// The values of a label. The name may be any string.
    ///
    /// It is percent-encoded in the path, or in its `U__` form if the server rejects that, as
    /// Prometheus does for `/`. A server that supports neither has no such label.
    pub fn label_values(&mut self, label: &str, selection: &Selection) -> Result<Reply<Vec<String>>, Error> {
        let form = selection.form();
        let of = |label| endpoint(&self.base, ["api".into(), "v1".into(), "label".into(), label, "values".into()]);
        let escaped = values_escaped(label);
        // Letters, digits and `_` only.
        let escaped = Segment::word(&escaped);
        // A name that is not a valid path segment still has its escaped form.
        let plain = Segment::with_slashes(label, "label").ok().filter(|_| !label.starts_with("U__"));
        let may_be_escaped = plain.is_some() && !is_legacy(label);
        let url = of(plain.unwrap_or_else(|| escaped.clone()));
        let mut response = self.client.send(PEER, get(&url, &form))?;
        if matches!(response.status, 400 | 404) && may_be_escaped {
            let url = of(escaped);
            let other = self.client.send(PEER, get(&url, &form))?;
            if other.status == 200 {
                response = other;
            }
        }
        envelope::read(&url, &response, "")
    }

    fn url(&self, place: Place) -> Url {
        endpoint(&self.base, ["api", "v1"].into_iter().chain(place.path.split('/')))
    }
}

fn get(url: &Url, form: &Form) -> Request {
    let query = Some(form.as_str().to_owned()).filter(|query| !query.is_empty());
    Request::new(Method::Get, url.clone().with_query(query))
}

fn read<D: Data>(place: Place, url: &Url, response: &Response, expression: &str) -> Result<Reply<D>, Error> {
    let lacks = match response.status {
        // VictoriaMetrics returns 400.
        404 => response.body.first() != Some(&b'{'),
        400 => response.body.windows(12).any(|part| part == b"unsupported ") && response.body.first() != Some(&b'{'),
        _ => false,
    };
    if lacks && let Some(since) = place.since {
        let todo = format!(
            "the server has no /api/v1/{}; Prometheus has it since {since} (or prometheus_url lacks a path)",
            place.path
        );
        return Err(crate::servers::refused(PEER, url, response, &todo));
    }
    envelope::read(url, response, expression)
}

/// Whether the name is valid unescaped on every server.
fn is_legacy(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name in Prometheus 3's `U__` form: `_` is doubled, and characters other than letters, digits
/// and `:` become `_hex_`.
fn values_escaped(label: &str) -> String {
    let mut out = String::from("U__");
    for (index, character) in label.chars().enumerate() {
        match character {
            '_' => out.push_str("__"),
            c if c.is_ascii_alphabetic() || c == ':' || (c.is_ascii_digit() && index > 0) => out.push(c),
            c => {
                out.push('_');
                out.push_str(&format!("{:x}", u32::from(c)));
                out.push('_');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::form::seconds;
    use super::*;

    #[test]
    fn label_names_are_escaped_as_in_prometheus() {
        for (name, escaped) in [
            ("job", "U__job"),
            ("http.status", "U__http_2e_status"),
            ("a/b_c", "U__a_2f_b__c"),
            ("U__x", "U__U____x"),
            ("1é", "U___31__e9_"),
        ] {
            assert_eq!(values_escaped(name), escaped);
        }
    }

    #[test]
    fn times_are_exact_to_the_millisecond() {
        for (milliseconds, text) in [(0, "0"), (1_704_067_200_123, "1704067200.123"), (-1, "-0.001"), (15_000, "15")] {
            assert_eq!(seconds(milliseconds), text);
        }
    }

    proptest! {
        #[test]
        fn any_label_name_stays_one_path_segment(name in "\\PC{1,12}") {
            let base = Url::parse("http://h/p").unwrap();
            for segment in [&*name, &values_escaped(&name)] {
                let Ok(one) = Segment::with_slashes(segment, "label") else { continue };
                let url = endpoint(&base, ["api".into(), "v1".into(), "label".into(), one, "values".into()]).to_string();
                let inside = url.strip_prefix("http://h/p/api/v1/label/").and_then(|rest| rest.strip_suffix("/values")).unwrap();
                prop_assert!(!inside.contains(['/', '?', '#']));
                prop_assert_eq!(percent_encoding::percent_decode_str(inside).decode_utf8().unwrap(), segment);
            }
        }

        #[test]
        fn any_time_reads_back_exactly(milliseconds in -8_000_000_000_000_i64..8_000_000_000_000) {
            prop_assert_eq!((seconds(milliseconds).parse::<f64>().unwrap() * 1e3).round() as i64, milliseconds);
        }
    }
}

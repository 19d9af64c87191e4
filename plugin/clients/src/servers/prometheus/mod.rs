//! Prometheus's HTTP API, version 1: queries, what series there are, and what the server says of
//! itself. VictoriaMetrics, Mimir and others speak it too; where they differ, the response is put
//! into Prometheus's words.
//!
//! | file | what it is for |
//! |---|---|
//! | `form` | fields as a form |
//! | `envelope` | the frame of all responses, and errors |
//! | `query` | instant and range queries; a range that is too long for one response |
//! | `merge` | the responses to the parts of a range, put together |
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

/// One address of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Below `/api/v1/`.
    pub path: &'static str,
    /// Whether a form may be sent by POST, which takes expressions of any length.
    pub post: bool,
    /// The first Prometheus that has it, where an older one may be met.
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

/// Every address of the API that the plug uses, but `label/<name>/values`.
pub mod places {
    use super::Place;

    /// An expression at one moment.
    pub const QUERY: Place = Place::post("query");
    /// An expression over a range of time.
    pub const QUERY_RANGE: Place = Place::post("query_range");
    /// Series that selectors find.
    pub const SERIES: Place = Place::post("series");
    /// Label names.
    pub const LABELS: Place = Place::post("labels");
    /// Type, help and unit of metrics.
    pub const METADATA: Place = Place::get("metadata").since("2.15");
    /// What is scraped.
    pub const TARGETS: Place = Place::get("targets");
    /// Rules and the alerts they raised.
    pub const RULES: Place = Place::get("rules");
    /// Alerts that are pending or firing.
    pub const ALERTS: Place = Place::get("alerts");
    /// Exemplars of an expression's series.
    pub const EXEMPLARS: Place = Place::post("query_exemplars").since("2.25");
    /// An expression, laid out.
    pub const FORMAT: Place = Place::post("format_query").since("2.38");
    /// An expression as a tree.
    pub const PARSE: Place = Place::post("parse_query").since("3.0");
    /// What the server is.
    pub const BUILD: Place = Place::get("status/buildinfo").since("2.14");
    /// How it runs.
    pub const RUNTIME: Place = Place::get("status/runtimeinfo").since("2.14");
    /// Its command line.
    pub const FLAGS: Place = Place::get("status/flags");
    /// Its database.
    pub const TSDB: Place = Place::get("status/tsdb").since("2.15");
    /// Its configuration, secrets hidden by the server.
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

/// A conversation with one server.
pub struct Api<'c> {
    client: Client<'c>,
    base: Url,
    /// POST was refused once, as proxies do that let nothing be changed.
    get_only: bool,
}

/// Which series, and when they were there: for [`Api::series`], [`Api::labels`] and
/// [`Api::label_values`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// Selectors such as `up{job="a"}`; what any of them finds counts.
    pub matches: Vec<String>,
    /// Milliseconds since the epoch; none for the server's own begin.
    pub start_ms: Option<i64>,
    /// Milliseconds since the epoch; none for the server's own end.
    pub end_ms: Option<i64>,
    /// The most items, where the server takes that; none for all.
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
    /// With the server whose API is below `base`: `http://h:9090`, or with the path that it lives
    /// under.
    pub fn new(client: Client<'c>, base: Url) -> Self {
        Self { client, base, get_only: false }
    }

    /// Asks one place of the API.
    pub fn ask<D: Data>(&mut self, place: Place, form: &Form) -> Result<Reply<D>, Error> {
        self.ask_query(place, form, "")
    }

    /// The same, with the expression that is sent, to find the place of an error in.
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

    /// Asks several places side by side, without fields.
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

    /// The series that the selection finds: objects of labels, such as [`values::Labels`].
    pub fn series<D: Data>(&mut self, selection: &Selection) -> Result<Reply<D>, Error> {
        self.ask(places::SERIES, &selection.form())
    }

    /// The names of labels.
    pub fn labels(&mut self, selection: &Selection) -> Result<Reply<Vec<String>>, Error> {
        self.ask(places::LABELS, &selection.form())
    }

    /// The values of one label. The name may be any text.
    ///
    /// It stands in the path, percent-encoded; where a server does not take it so, as Prometheus a
    /// `/`, in its `U__` form. A server that knows neither has no such label.
    pub fn label_values(&mut self, label: &str, selection: &Selection) -> Result<Reply<Vec<String>>, Error> {
        let form = selection.form();
        let of = |label| endpoint(&self.base, ["api".into(), "v1".into(), "label".into(), label, "values".into()]);
        let escaped = values_escaped(label);
        // Of letters, digits and `_`.
        let escaped = Segment::word(&escaped);
        // A name that cannot stand in a path still has its escaped form.
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
        // The second is VictoriaMetrics.
        404 => response.body.first() != Some(&b'{'),
        400 => response.body.windows(12).any(|part| part == b"unsupported ") && response.body.first() != Some(&b'{'),
        _ => false,
    };
    if lacks && let Some(since) = place.since {
        let todo = format!(
            "the server has no /api/v1/{}; Prometheus has it from {since} on (or prometheus_url lacks a path)",
            place.path
        );
        return Err(crate::servers::refused(PEER, url, response, &todo));
    }
    envelope::read(url, response, expression)
}

/// Whether the name may stand in a path as it is, whatever the server.
fn is_legacy(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name in Prometheus 3's `U__` form: `_` doubled, and other than letters, digits and `:` as
/// `_hex_`.
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
    fn label_names_have_prometheus_escaped_form() {
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
        fn any_label_name_stays_one_segment_of_the_path(name in "\\PC{1,12}") {
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
        fn any_moment_reads_back_exactly(milliseconds in -8_000_000_000_000_i64..8_000_000_000_000) {
            prop_assert_eq!((seconds(milliseconds).parse::<f64>().unwrap() * 1e3).round() as i64, milliseconds);
        }
    }
}

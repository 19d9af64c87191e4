//! Prometheus's HTTP API, version 1. So far instant and range queries, and health.

use core::time::Duration;
use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, excerpt};
use crate::exposition::number::number_text;
use crate::http::{Client, Method, Peer, Request, Response, Url, endpoint};
use crate::json::Json;

/// For errors.
pub const PEER: Peer = Peer { server: "Prometheus", setting: "prometheus_url" };

/// What is asked: one moment, or a range of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// `/api/v1/query`.
    Instant {
        /// PromQL.
        expression: String,
        /// Seconds since the epoch; none for the server's now.
        time: Option<f64>,
    },
    /// `/api/v1/query_range`.
    Range {
        /// PromQL.
        expression: String,
        /// Seconds since the epoch.
        start: f64,
        /// Seconds since the epoch, not before `start`.
        end: f64,
        /// More than zero.
        step: Duration,
    },
}

/// What Prometheus answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// `vector`, `matrix`, `scalar` or `string`.
    pub result_type: String,
    /// The API's own form of it, as JSON: values are strings, timestamps numbers of seconds.
    pub result: String,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// What the server remarked.
    pub infos: Vec<String>,
}

/// The frame of every answer, its texts still JSON.
struct Envelope<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Self, String> {
        let text = core::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
        let envelope = Self(Json::parse_members(text)?);
        if envelope.text("status").is_none() {
            return Err("it has no status".into());
        }
        Ok(envelope)
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, raw)| *raw)
    }

    fn text(&self, name: &str) -> Option<String> {
        match Json::parse(self.raw(name)?) {
            Ok(Json::String(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// A list of texts; what else is in it is left out.
    fn texts(&self, name: &str) -> Vec<String> {
        match self.raw(name).map(Json::parse) {
            Some(Ok(Json::Array(list))) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The result of a query that succeeded.
    fn answer(&self) -> Option<Answer> {
        let data = Self(Json::parse_members(self.raw("data")?).ok()?);
        Some(Answer {
            result_type: data.text("resultType")?,
            result: data.raw("result")?.to_owned(),
            warnings: self.texts("warnings"),
            infos: self.texts("infos"),
        })
    }
}

/// Runs a query. Sent as a form by POST, which takes expressions of any length; by GET where a proxy refuses POST.
pub fn query(client: &mut Client, base: &Url, query: &Query) -> Result<Answer, Error> {
    let (path, fields) = match query {
        Query::Instant { expression, time } => {
            let time = time.map(|time| ("time", number_text(time)));
            ("query", [Some(("query", expression.clone())), time, None, None])
        }
        Query::Range { expression, start, end, step } => (
            "query_range",
            [
                Some(("query", expression.clone())),
                Some(("start", number_text(*start))),
                Some(("end", number_text(*end))),
                Some(("step", number_text(step.as_secs_f64()))),
            ],
        ),
    };
    let form = form(fields.into_iter().flatten());
    let url = endpoint(base, ["api", "v1", path]);
    let post = Request::new(Method::Post, url.clone())
        .with_body("application/x-www-form-urlencoded", form.clone().into_bytes());
    let mut response = client.send(PEER, post)?;
    if matches!(response.status, 403 | 405 | 501) {
        response = client.send(PEER, Request::new(Method::Get, url.clone().with_query(Some(form))))?;
    }
    read(&url, &response)
}

/// The fields as a form: `application/x-www-form-urlencoded`.
fn form(fields: impl Iterator<Item = (&'static str, String)>) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.push_str(&utf8_percent_encode(&value, ENCODED).to_string().replace(' ', "+"));
    }
    form
}

/// `GET /-/healthy`.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["-", "healthy"]))
}

fn read(url: &Url, response: &Response) -> Result<Answer, Error> {
    let envelope = match Envelope::read(&response.body) {
        Ok(envelope) => envelope,
        // Proxies, and Prometheus itself while it starts, answer errors as plain text.
        Err(_) if response.status != 200 => return Err(super::refused(PEER, url, response, "")),
        Err(error) => {
            let begin = response.body.get(..200).unwrap_or(&response.body);
            return Err(Error::BadAnswer {
                server: PEER.server,
                origin: url.origin(),
                problem: format!("{error} in {:?}", excerpt(&String::from_utf8_lossy(begin), 100)),
            });
        }
    };
    if envelope.text("status").as_deref() == Some("success")
        && let Some(answer) = envelope.answer()
    {
        return Ok(answer);
    }
    Err(Error::Query {
        server: PEER.server,
        origin: url.origin(),
        error_type: envelope.text("errorType").unwrap_or_else(|| response.status.to_string()),
        text: excerpt(&envelope.text("error").unwrap_or_else(|| "nothing more".into()), 1_000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_body(status: u16, body: &str) -> Result<Answer, Error> {
        let url = Url::parse("http://h:9090/api/v1/query").unwrap();
        read(&url, &Response { status, body: body.into(), headers: Vec::new() })
    }

    #[test]
    fn an_answer_keeps_warnings_and_infos() {
        let answer = read_body(
            200,
            r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i"]}"#,
        );
        let expected = Answer {
            result_type: "vector".into(),
            result: "[]".into(),
            warnings: vec!["w".into()],
            infos: vec!["i".into()],
        };
        assert_eq!(answer, Ok(expected));
    }

    #[test]
    fn an_error_keeps_its_type_and_text() {
        let error =
            read_body(400, r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error: x"}"#).unwrap_err();
        assert_eq!(error.code(), "query_failed");
        assert!(error.to_string().contains("bad_data: 1:3: parse error: x"), "{error}");
    }

    #[test]
    fn what_is_not_the_api_is_said_to_be_not_the_api() {
        assert_eq!(read_body(200, "<html>login</html>").unwrap_err().code(), "bad_answer");
        let starting = read_body(503, "Service Unavailable").unwrap_err();
        assert_eq!(starting.code(), "refused");
        assert!(starting.to_string().contains("503: Service Unavailable"), "{starting}");
        assert_eq!(read_body(200, r#"{"status":"success"}"#).unwrap_err().code(), "query_failed");
    }
}

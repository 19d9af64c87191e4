//! The envelope common to all responses of the API, and its errors.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use crate::error::{Error, QueryError};
use crate::http::{Peer, Response, Url};
use plugpipe_contract::error::excerpt;
use plugpipe_contract::lenient::lenient;
use plugpipe_contract::sound;

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "Prometheus", setting: "prometheus_url" };

/// The longest part of an API error that is repeated, in bytes.
const ERROR_BYTES: usize = 1_000;

/// A successful response.
#[derive(Debug, Clone, Default)]
pub struct Reply<D> {
    /// The member `data`; the default if null, which some servers return for an empty result.
    pub data: D,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The infos.
    pub infos: Vec<String>,
    /// The envelope's `stats`, where VictoriaMetrics puts them.
    pub(super) stats: Option<Box<RawValue>>,
}

/// The envelope.
#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow, default, deserialize_with = "with_null")]
    data: Option<&'a RawValue>,
    stats: Option<Box<RawValue>>,
    // Optional members: a wrong type does not fail the response.
    #[serde(default, deserialize_with = "lenient")]
    warnings: Vec<String>,
    #[serde(default, deserialize_with = "lenient")]
    infos: Vec<String>,
    #[serde(default, rename = "errorType", deserialize_with = "lenient")]
    error_type: String,
    #[serde(default, deserialize_with = "lenient")]
    error: String,
}

/// Distinguishes null from a missing value.
fn with_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The type of a response's data.
pub trait Data: DeserializeOwned + Default {}

impl<D: DeserializeOwned + Default> Data for D {}

/// Parses a response. `expression` is the query sent, to locate a syntax error; or empty.
pub(super) fn read<D: Data>(url: &Url, response: &Response, expression: &str) -> Result<Reply<D>, Error> {
    let (envelope, data) = envelope(url, response, expression)?;
    let data: Option<D> = serde_json::from_str(data).map_err(|problem| bad_answer(url, data, &problem))?;
    Ok(Reply {
        data: data.unwrap_or_default(),
        warnings: envelope.warnings,
        infos: envelope.infos,
        stats: envelope.stats,
    })
}

/// Parses the envelope of a success, and returns it with its data.
fn envelope<'r>(url: &Url, response: &'r Response, expression: &str) -> Result<(Envelope<'r>, &'r str), Error> {
    let (status, body) = (response.status, &*response.body);
    if matches!(status, 300..=399 | 401) {
        return Err(crate::servers::refused(PEER, url, response, ""));
    }
    let envelope: Envelope = match sound::check(body).and_then(|()| serde_json::from_slice(body)) {
        Ok(envelope) => envelope,
        // Proxies, and Prometheus while it starts, return errors as plain text.
        Err(_) if status != 200 => return Err(crate::servers::refused(PEER, url, response, "")),
        Err(problem) => return Err(bad_answer(url, &String::from_utf8_lossy(body), &problem)),
    };
    match envelope.data {
        Some(data) if envelope.status == "success" => Ok((envelope, data.get())),
        _ => Err(refusal(url, status, envelope, expression)),
    }
}

/// The error in an error response.
fn refusal(url: &Url, status: u16, envelope: Envelope, expression: &str) -> Error {
    let text = if envelope.error.is_empty() { "nothing more".into() } else { envelope.error };
    let position = position(&text, expression);
    let own = envelope.error_type;
    let normalized = match (&*own, status) {
        ("", _) if status == 200 => "internal",
        (own, _) if !own.bytes().all(|byte| byte.is_ascii_digit()) => own,
        // VictoriaMetrics uses 422 for all errors; Prometheus calls a syntax error bad data.
        _ if position.is_some() => "bad_data",
        (_, 400) => "bad_data",
        (_, 404) => "not_found",
        (_, 406) => "not_acceptable",
        (_, 422) => "execution",
        (_, 429) => "too_many_requests",
        (_, 500) => "internal",
        (_, 503) => "timeout",
        (_, 401 | 403) => "unauthorized",
        (own, _) => own,
    };
    let error_type = if normalized.is_empty() { status.to_string() } else { normalized.to_owned() };
    let server_error_type = Some(own).filter(|own| !own.is_empty() && *own != error_type);
    let text = excerpt(&text, ERROR_BYTES);
    let said = Box::new(QueryError { error_type, server_error_type, text, position });
    Error::Query { server: PEER.server, origin: url.origin(), said }
}

/// The error for a response that is not of this API.
pub(super) fn bad_answer(url: &Url, json: &str, problem: &serde_json::Error) -> Error {
    let line = json.lines().nth(problem.line().saturating_sub(1)).unwrap_or_default();
    let around = line.as_bytes().get(problem.column().saturating_sub(20)..).unwrap_or_default();
    let around = String::from_utf8_lossy(around.get(..200).unwrap_or(around));
    Error::BadAnswer {
        server: PEER.server,
        origin: url.origin(),
        problem: format!("{problem}, in {:?}", excerpt(&around, 100)),
    }
}

/// Line and column, both from 1, of a syntax error.
///
/// Prometheus returns `1:5: parse error: …`, with columns in bytes. VictoriaMetrics repeats the
/// unparsed rest, which is matched against the end of the expression.
fn position(text: &str, expression: &str) -> Option<(u32, u32)> {
    if let Some(before) = text.find(": parse error").and_then(|end| text.get(..end)) {
        let place = before.rsplit([' ', '"']).next()?;
        let (line, column) = place.split_once(':')?;
        return Some((line.parse().ok()?, column.parse().ok()?));
    }
    if expression.is_empty() {
        return None;
    }
    let (_, after) = text.rsplit_once("unparsed data")?;
    let quoted = after.split_once('"')?.1.trim_end().strip_suffix('"')?;
    let rest = unquoted(quoted)?;
    let read = expression.trim_end().strip_suffix(rest.trim_end())?;
    let line = read.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = read.len() - read.rfind('\n').map_or(0, |at| at + 1) + 1;
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}

/// Unquotes a Go string, if its escapes are valid in JSON too.
fn unquoted(quoted: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{quoted}\"")).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read_body(status: u16, body: &str) -> Result<Reply<Value>, Error> {
        let url = Url::parse("http://h:9090/api/v1/query").unwrap();
        read(&url, &Response { status, body: body.into(), headers: Vec::new() }, "up by (x")
    }

    fn query_error(status: u16, body: &str) -> (String, Option<String>, Option<(u32, u32)>) {
        match read_body(status, body).unwrap_err() {
            Error::Query { said, .. } => (said.error_type, said.server_error_type, said.position),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_response_keeps_warnings_and_infos_and_its_data() {
        let reply = read_body(
            200,
            r#"{"status":"success","data":{"a":"x","b":[1, 2]},"warnings":["w\n"],"infos":["i"],"stats":{"n":1},"new":0}"#,
        )
        .unwrap();
        assert_eq!((&*reply.warnings, &*reply.infos), (&["w\n".to_owned()][..], &["i".to_owned()][..]));
        assert_eq!(reply.data, json!({"a": "x", "b": [1, 2]}));
        assert_eq!(reply.stats.unwrap().get(), r#"{"n":1}"#);
        assert_eq!(read_body(200, r#"{"status":"success","data":null}"#).unwrap().data, Value::Null);
    }

    #[test]
    fn an_error_keeps_its_type_text_and_place() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected \u003cby\u003e"}"#;
        assert_eq!(query_error(400, body), ("bad_data".into(), None, Some((1, 4))));
        let error = read_body(400, body).unwrap_err();
        assert!(matches!(error, Error::Query { .. }), "{error:?}");
        assert_eq!(error.field(), Some("query"));
        assert!(error.to_string().contains("bad_data: invalid parameter \"query\": 1:4: parse error"), "{error}");
    }

    #[test]
    fn a_numeric_error_type_becomes_prometheus_name_for_it() {
        let victoria = r#"{"status":"error","errorType":"422","error":"error when executing query=\"up by (x\" for (time=1, step=2): unparsed data left: \"by (x\""}"#;
        assert_eq!(query_error(422, victoria), ("bad_data".into(), Some("422".into()), Some((1, 4))));
        for (status, word) in [(422, "execution"), (400, "bad_data"), (503, "timeout"), (500, "internal"), (418, "418")]
        {
            let body = format!(r#"{{"status":"error","errorType":"{status}","error":"x"}}"#);
            assert_eq!(query_error(status, &body).0, word);
        }
        assert_eq!(query_error(502, r#"{"status":"error"}"#).0, "502");
    }

    #[test]
    fn the_position_is_found_on_later_lines_and_at_the_end() {
        assert_eq!(position("1:7: parse error: unclosed", ""), Some((1, 7)));
        assert_eq!(position("unexpected token \"\"; want \",\"; unparsed data: \"\"", "rate(x"), Some((1, 7)));
        assert_eq!(position("unparsed data left: \"by \\\"q\\\"\"", "a +\n up by \"q\""), Some((2, 5)));
        assert_eq!(position("unparsed data left: \"other\"", "up"), None);
        assert_eq!(position("query timed out", "up"), None);
    }

    #[test]
    fn other_responses_are_reported_as_not_the_api() {
        for body in [
            "<html>login</html>",
            "[]",
            "{}",
            "",
            r#"{"status":"success","data":[1}"#,
            "\u{1}",
            r#"{"status":"success","data":"\ud800"}"#,
        ] {
            assert!(matches!(read_body(200, body), Err(Error::BadAnswer { .. })), "{body}");
        }
        let starting = read_body(503, "Service Unavailable").unwrap_err();
        assert!(matches!(starting, Error::Refused { .. }), "{starting:?}");
        assert!(starting.to_string().contains("503: Service Unavailable"), "{starting}");
        assert!(matches!(read_body(200, r#"{"status":"success"}"#), Err(Error::Query { .. })));
    }

    proptest! {
        #[test]
        fn no_response_panics(status in 100..600u16, body in proptest::collection::vec(any::<u8>(), 0..60), text in any::<String>()) {
            let url = Url::parse("http://h:9090/").unwrap();
            let _ = read::<Value>(&url, &Response { status, body, headers: Vec::new() }, &text);
            let _ = position(&text, &text);
        }
    }
}

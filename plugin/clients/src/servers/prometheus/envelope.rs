//! The frame that all answers of the API have, and what its errors say.

use core::ops::Range;

use crate::error::{Error, QueryError};
use crate::http::{Peer, Response, Url};
use plugpipe_contract::cursor::{Cursor, Unexpected};
use plugpipe_contract::error::excerpt;

/// For errors.
pub const PEER: Peer = Peer { server: "Prometheus", setting: "prometheus_url" };

/// Longest text of the API's own that an error repeats, in bytes.
const ERROR_BYTES: usize = 1_000;

/// What the API answered, as it stands: parts of it are handed on without being read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    body: String,
    data: Range<usize>,
    stats: Option<Range<usize>>,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// What the server remarked.
    pub infos: Vec<String>,
}

impl Reply {
    /// The member `data`: valid JSON.
    pub fn data(&self) -> &str {
        self.slice(&self.data)
    }

    /// A part of the answer.
    pub(super) fn slice(&self, range: &Range<usize>) -> &str {
        self.body.get(range.clone()).unwrap_or_default()
    }

    /// The frame's own `stats`, which VictoriaMetrics puts there.
    pub(super) fn stats(&self) -> Option<Range<usize>> {
        self.stats.clone()
    }

    /// A member of `data`, as it stands, if `data` is an object that has it.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.member_range(name).map(|range| self.slice(&range))
    }

    /// Where in the answer that is.
    pub(super) fn member_range(&self, name: &str) -> Option<Range<usize>> {
        let mut cursor = Cursor::new(self.data());
        cursor.object().ok()?;
        while let Ok(Some(key)) = cursor.key() {
            let range = cursor.skip().ok()?;
            if key == name {
                return Some(self.data.start + range.start..self.data.start + range.end);
            }
        }
        None
    }

    /// How many bytes the whole answer has.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }
}

struct Refusal {
    error_type: Option<String>,
    text: Option<String>,
}

/// Reads an answer. `expression` is the query that was asked, to find the place of an error in; empty if there was none.
pub(super) fn read(url: &Url, response: Response, expression: &str) -> Result<Reply, Error> {
    let status = response.status;
    if matches!(status, 300..=399 | 401) {
        return Err(crate::servers::refused(PEER, url, &response, ""));
    }
    let outcome = core::str::from_utf8(&response.body)
        .map_err(|error| Unexpected { at: error.valid_up_to(), expected: "UTF-8" })
        .and_then(parse);
    let refusal = match outcome {
        Ok(Ok(Parsed { data, stats, warnings, infos })) => {
            // It was UTF-8 a moment ago.
            let body = String::from_utf8(response.body).unwrap_or_default();
            return Ok(Reply { body, data, stats, warnings, infos });
        }
        Ok(Err(refusal)) => refusal,
        // Proxies, and Prometheus itself while it starts, answer errors as plain text.
        Err(_) if status != 200 => return Err(crate::servers::refused(PEER, url, &response, "")),
        Err(problem) => return Err(bad_answer(url, &response.body, problem)),
    };
    let text = refusal.text.unwrap_or_else(|| "nothing more".into());
    let position = position(&text, expression);
    let own = refusal.error_type.unwrap_or_default();
    let normal = match (&*own, status) {
        ("", _) if status == 200 => "internal",
        (own, _) if !own.bytes().all(|byte| byte.is_ascii_digit()) => own,
        // VictoriaMetrics says 422 of all that it cannot do; in Prometheus's words a query that does not parse is bad data.
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
    let error_type = if normal.is_empty() { status.to_string() } else { normal.to_owned() };
    let server_error_type = Some(own).filter(|own| !own.is_empty() && *own != error_type);
    let text = excerpt(&text, ERROR_BYTES);
    let said = Box::new(QueryError { error_type, server_error_type, text, position });
    Err(Error::Query { server: PEER.server, origin: url.origin(), said })
}

/// The error for an answer that is not of this API.
pub(super) fn bad_answer(url: &Url, body: &[u8], problem: Unexpected) -> Error {
    let begin = problem.at.saturating_sub(20).min(body.len());
    let around = body.get(begin..(begin + 200).min(body.len())).unwrap_or_default();
    Error::BadAnswer {
        server: PEER.server,
        origin: url.origin(),
        problem: format!("{problem}, in {:?}", excerpt(&String::from_utf8_lossy(around), 100)),
    }
}

struct Parsed {
    data: Range<usize>,
    stats: Option<Range<usize>>,
    warnings: Vec<String>,
    infos: Vec<String>,
}

fn parse(text: &str) -> Result<Result<Parsed, Refusal>, Unexpected> {
    let mut cursor = Cursor::new(text);
    let (mut status, mut data, mut stats) = (None, None, None);
    let (mut error_type, mut error) = (None, None);
    let (mut warnings, mut infos) = (Vec::new(), Vec::new());
    cursor.object()?;
    while let Some(key) = cursor.key()? {
        match &*key {
            "data" => data = Some(cursor.skip()?),
            "stats" => stats = Some(cursor.skip()?),
            "warnings" => warnings = texts(&mut cursor)?,
            "infos" => infos = texts(&mut cursor)?,
            "status" => status = text_or_none(&mut cursor)?,
            "errorType" => error_type = text_or_none(&mut cursor)?,
            "error" => error = text_or_none(&mut cursor)?,
            _ => {
                cursor.skip()?;
            }
        }
    }
    cursor.end()?;
    match (status.as_deref(), data) {
        (Some("success"), Some(data)) => Ok(Ok(Parsed { data, stats, warnings, infos })),
        (Some(_), _) => Ok(Err(Refusal { error_type, text: error })),
        (None, _) => Err(cursor.unexpected("a member `status`")),
    }
}

fn text_or_none(cursor: &mut Cursor) -> Result<Option<String>, Unexpected> {
    if cursor.peek() == Some(b'"') {
        return Ok(Some(cursor.string()?.into_owned()));
    }
    cursor.skip().map(|_| None)
}

fn texts(cursor: &mut Cursor) -> Result<Vec<String>, Unexpected> {
    let mut texts = Vec::new();
    if cursor.peek() != Some(b'[') {
        cursor.skip()?;
        return Ok(texts);
    }
    cursor.array()?;
    while cursor.item()? {
        texts.push(cursor.string()?.into_owned());
    }
    Ok(texts)
}

/// Line and column, both from 1, of what a server could not parse.
///
/// Prometheus writes `1:5: parse error: …`, its columns counting bytes. VictoriaMetrics repeats what it left unparsed, which is where
/// the expression's end is compared with.
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

/// What Go quoted, as far as JSON's escapes are also Go's; none otherwise.
fn unquoted(quoted: &str) -> Option<String> {
    let text = format!("\"{quoted}\"");
    Cursor::new(&text).string().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_body(status: u16, body: &str) -> Result<Reply, Error> {
        let url = Url::parse("http://h:9090/api/v1/query").unwrap();
        read(&url, Response { status, body: body.into(), headers: Vec::new() }, "up by (x")
    }

    fn query_error(status: u16, body: &str) -> (String, Option<String>, Option<(u32, u32)>) {
        match read_body(status, body).unwrap_err() {
            Error::Query { said, .. } => (said.error_type, said.server_error_type, said.position),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_answer_keeps_warnings_and_infos_and_hands_its_data_on() {
        let reply = read_body(
            200,
            r#"{"status":"success","data":{"a":"x","b":[1, 2]},"warnings":["w\n"],"infos":["i"],"stats":{"n":1},"new":0}"#,
        )
        .unwrap();
        assert_eq!((&*reply.warnings, &*reply.infos), (&["w\n".to_owned()][..], &["i".to_owned()][..]));
        assert_eq!(reply.data(), r#"{"a":"x","b":[1, 2]}"#);
        assert_eq!(reply.member("b"), Some("[1, 2]"));
        assert_eq!(reply.slice(&reply.stats().unwrap()), r#"{"n":1}"#);
        assert_eq!(reply.member("c"), None);
    }

    #[test]
    fn an_error_keeps_its_type_text_and_place() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected \u003cby\u003e"}"#;
        assert_eq!(query_error(400, body), ("bad_data".into(), None, Some((1, 4))));
        let error = read_body(400, body).unwrap_err();
        assert_eq!((error.code(), error.field()), ("query_failed", Some("query")));
        assert!(error.to_string().contains("bad_data: invalid parameter \"query\": 1:4: parse error"), "{error}");
    }

    #[test]
    fn an_error_type_that_is_a_number_becomes_prometheus_word_for_it() {
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
    fn the_place_is_found_on_later_lines_and_at_the_end() {
        assert_eq!(position("1:7: parse error: unclosed", ""), Some((1, 7)));
        assert_eq!(position("unexpected token \"\"; want \",\"; unparsed data: \"\"", "rate(x"), Some((1, 7)));
        assert_eq!(position("unparsed data left: \"by \\\"q\\\"\"", "a +\n up by \"q\""), Some((2, 5)));
        assert_eq!(position("unparsed data left: \"other\"", "up"), None);
        assert_eq!(position("query timed out", "up"), None);
    }

    #[test]
    fn what_is_not_the_api_is_said_to_be_not_the_api() {
        for body in ["<html>login</html>", "[]", "{}", "", r#"{"status":"success","data":[1}"#, "\u{1}"] {
            assert_eq!(read_body(200, body).unwrap_err().code(), "bad_answer", "{body}");
        }
        let starting = read_body(503, "Service Unavailable").unwrap_err();
        assert_eq!(starting.code(), "refused");
        assert!(starting.to_string().contains("503: Service Unavailable"), "{starting}");
        assert_eq!(read_body(200, r#"{"status":"success"}"#).unwrap_err().code(), "query_failed");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status in 100..600u16, body in proptest::collection::vec(any::<u8>(), 0..60), text in any::<String>()) {
            let url = Url::parse("http://h:9090/").unwrap();
            let _ = read(&url, Response { status, body, headers: Vec::new() }, &text);
            let _ = position(&text, &text);
        }
    }
}

//! HTTP recordings: records and replays exchanges with servers, so that a run can be inspected and
//! repeated without servers.
//!
//! A recording is a JSON Lines file with one exchange per line, in the order in which they ended;
//! `number` is the order in which they started. Jobs run in parallel, so neither order is the same in
//! each run: an exchange also has its lane, the number of the job in the lane, and that of the
//! request in the job. Bodies and headers that are not UTF-8 are base64-encoded. Known secrets are
//! omitted:
//!
//! - credentials that the host adds, which happens after recording;
//! - headers whose names contain words such as auth, cookie, token, key or secret, and their values
//!   wherever they occur;
//! - values of parameters and JSON fields in requests with such names;
//! - values that the host was told to mask, such as a pipe's sensitive inputs.
//!
//! A replay returns the response recorded for the request's place in its job, byte for byte. A lane's
//! name may contain a number that differs between runs with a state folder: a request of a job that
//! is not in the recording gets the first unused response to the same method, URL and body. A request
//! that differs from the recorded one in method, URL or body fails with an error that shows the
//! expected request.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::egress::failure::Failure;
use crate::mask::Mask;
use crate::private;

/// Maximum size of a recording, in bytes.
const MAX_RECORDING_LEN: u64 = 1024 * 1024 * 1024;

/// Replaces secrets.
const REDACTED: &str = "[redacted]";

/// Maximum number of bytes shown of a difference between two bodies.
const SHOWN: usize = 60;

/// Records or replays a plug's exchanges.
#[derive(Clone)]
pub struct Exchanges(Arc<Tape>);

enum Tape {
    Record { reel: Mutex<Reel>, begun: AtomicU64 },
    Replay { recorded: Mutex<VecDeque<Exchange>>, begun: AtomicU64 },
}

/// The file of a recording.
struct Reel {
    file: BufWriter<File>,
    /// Remaining bytes; 0 once an exchange did not fit.
    room: u64,
}

impl Reel {
    /// Writes an exchange as one line in one write, so that a killed process leaves complete lines.
    fn write(&mut self, exchange: &Exchange) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(exchange)?;
        line.push(b'\n');
        let length = line.len() as u64;
        if length > self.room {
            // Omit later exchanges too, so that the recording is a prefix of the run.
            let first = std::mem::take(&mut self.room) > 0;
            let problem = format!("the recording has reached {MAX_RECORDING_LEN} bytes; nothing more is recorded");
            return if first { Err(std::io::Error::other(problem)) } else { Ok(()) };
        }
        self.room -= length;
        self.file.write_all(&line)?;
        self.file.flush()
    }
}

impl Exchanges {
    /// Records to a new private file, which replaces an existing file. A symbolic link is replaced,
    /// not followed.
    pub fn record_to(path: &Path) -> Result<Self, String> {
        let file = private::new_file(path).map_err(|error| format!("cannot be written: {error}"))?;
        let reel = Reel { file: BufWriter::new(file), room: MAX_RECORDING_LEN };
        Ok(Self(Arc::new(Tape::Record { reel: Mutex::new(reel), begun: AtomicU64::new(0) })))
    }

    /// Replays a recording instead of sending requests.
    pub fn replay(recording: &str) -> Result<Self, String> {
        let mut recorded = read(recording)?;
        recorded.sort_by_key(|exchange| exchange.place.number);
        Ok(Self(Arc::new(Tape::Replay { recorded: Mutex::new(recorded.into()), begun: AtomicU64::new(0) })))
    }

    /// The place of the next request.
    pub(crate) fn begin_request(&self, turn: Option<Turn>) -> Place {
        let (Tape::Record { begun, .. } | Tape::Replay { begun, .. }) = &*self.0;
        Place { number: begun.fetch_add(1, Ordering::Relaxed) + 1, turn }
    }

    /// Takes down that the request at this place was begun.
    pub(crate) fn begin(mut place: Place, method: &Method, uri: &Uri, headers: &HeaderMap, mask: &Mask) -> Begun {
        // What the plug itself sends as a credential may be in the URL, a body or the response too.
        let own = headers.iter().filter(|(name, _)| is_secret_header(name)).map(|(_, value)| value.as_bytes());
        let (url, of_url) = redacted_url(uri);
        let of_url = of_url.iter().map(Vec::as_slice);
        let mask = mask.and(own.flat_map(|value| [value, after_scheme(value)]).chain(of_url));
        let mut url = url.into_bytes();
        mask.apply(&mut url);
        let url = String::from_utf8_lossy(&url).into_owned();
        if let Some(turn) = &mut place.turn {
            let mut lane = std::mem::take(&mut turn.lane).into_bytes();
            mask.apply(&mut lane);
            turn.lane = String::from_utf8_lossy(&lane).into_owned();
        }
        Begun { place, method: method.to_string(), url, headers: redacted(headers, &mask), mask }
    }

    /// Records the outcome of a request, unless this is a replay. `request_body` is the sent part
    /// of the body; `whole` tells whether it is complete.
    pub(crate) fn end(&self, begun: Begun, request_body: Vec<u8>, whole: bool, outcome: Outcome) {
        let Tape::Record { reel, .. } = &*self.0 else { return };
        let mut exchange = begun.with(request_body, outcome);
        exchange.request.cut = !whole;
        let mut reel = reel.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = reel.write(&exchange) {
            tracing::error!(%error, "cannot record an exchange");
        }
    }

    /// Whether this is a replay.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(&*self.0, Tape::Replay { .. })
    }

    /// The recorded outcome of this request.
    pub(crate) fn answer(&self, begun: Begun, request_body: Vec<u8>) -> Result<Outcome, String> {
        let Tape::Replay { recorded, .. } = &*self.0 else { return Err("nothing is replayed".into()) };
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let Place { number, turn } = begun.place.clone();
        let asked = begun.with(request_body, Outcome::Failed(Failure::Protocol)).request;
        let same = |exchange: &Exchange| {
            let was = &exchange.request;
            (&was.method, &was.url, was.body.bytes()) == (&asked.method, &asked.url, asked.body.bytes())
        };
        let found = recorded.iter().position(|exchange| exchange.place.turn == turn);
        let Some(place) = found.or_else(|| recorded.iter().position(same)) else {
            return Err(format!(
                "replay: request {number} ({} {}) is not in the recording: {}",
                asked.method,
                asked.url,
                if recorded.is_empty() {
                    "it has ended"
                } else {
                    "no request of this job, and no such request, is left"
                }
            ));
        };
        let differs = |exchange: &Exchange| {
            let expected = &exchange.request;
            if (&expected.method, &expected.url) != (&asked.method, &asked.url) {
                return Some(format!("was {} {}", expected.method, expected.url));
            }
            let (was, mut is) = (expected.body.bytes(), asked.body.bytes());
            if expected.cut {
                is.truncate(was.len());
            }
            let at = was.iter().zip(&is).position(|(was, is)| was != is).unwrap_or(was.len().min(is.len()));
            (was != is)
                .then(|| format!("had another body: from byte {at} on {:?}, now {:?}", shown(&was, at), shown(&is, at)))
        };
        match recorded.get(place).and_then(differs) {
            Some(difference) => Err(format!(
                "replay: request {number} is {} {}, but the recorded one {difference}",
                asked.method, asked.url
            )),
            None => {
                let exchange = recorded.remove(place);
                exchange.map(|exchange| exchange.outcome).ok_or_else(|| "replay: the recording has ended".into())
            }
        }
    }
}

impl fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_replay() { "Exchanges(replay)" } else { "Exchanges(record)" })
    }
}

/// A started request without its secrets.
pub(crate) struct Begun {
    place: Place,
    method: String,
    url: String,
    headers: Vec<(String, Content)>,
    mask: Mask,
}

impl Begun {
    fn with(self, body: Vec<u8>, outcome: Outcome) -> Exchange {
        let (mut body, of_body) = redacted_json(body);
        let mask = self.mask.and(of_body.iter().map(String::as_bytes));
        mask.apply(&mut body);
        let outcome = match outcome {
            Outcome::Answered(mut answer) => {
                // The host's secrets are already masked; mask the plug's.
                for content in answer.headers.iter_mut().map(|(_, value)| value).chain([&mut answer.body]) {
                    let mut bytes = content.bytes();
                    mask.apply(&mut bytes);
                    *content = Content::of(bytes);
                }
                Outcome::Answered(answer)
            }
            failed => failed,
        };
        let body = Content::of(body);
        let request = Asked { method: self.method, url: self.url, headers: self.headers, body, cut: false };
        Exchange { place: self.place, request, outcome }
    }
}

/// Where a request stands in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    number: u64,
    /// None for requests of no job.
    #[serde(default, rename = "job", skip_serializing_if = "Option::is_none")]
    turn: Option<Turn>,
}

/// Which request of which job it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) lane: String,
    /// Which job of the lane.
    pub(crate) number: u64,
    /// Which request of the job.
    pub(crate) request: u32,
}

/// A line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exchange {
    #[serde(flatten)]
    place: Place,
    request: Asked,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Asked {
    method: String,
    url: String,
    headers: Vec<(String, Content)>,
    body: Content,
    /// Whether the body is incomplete, because the exchange failed before all of it was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// There was a response.
    Answered(Answered),
    /// There was none.
    Failed(Failure),
}

/// A response, as the plug received it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    headers: Vec<(String, Content)>,
    pub(crate) body: Content,
    /// Why the body is incomplete, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<Failure>,
}

impl Answered {
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: Vec<u8>, broken: Option<Failure>) -> Self {
        Self { status, headers: redacted(headers, &Mask::default()), body: Content::of(body), broken }
    }

    /// The valid headers.
    pub(crate) fn headers(&self) -> HeaderMap {
        let header = |(name, value): &(String, Content)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(&value.bytes()).ok()?))
        };
        self.headers.iter().filter_map(header).fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }
}

/// Bytes, as text if they are UTF-8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    Bytes { base64: Encoded },
}

/// Base64-encoded bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encoded(Vec<u8>);

impl Serialize for Encoded {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|error| serde::de::Error::custom(format!("not base64: {error}")))
    }
}

impl Content {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes { base64: Encoded(error.into_bytes()) },
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes { base64 } => base64.0.clone(),
        }
    }
}

/// Parses a recording. Errors name the line.
pub(crate) fn read(text: &str) -> Result<Vec<Exchange>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                format!("line {}: not an exchange of an HTTP recording (made with --record FILE): {error}", index + 1)
            })
        })
        .collect()
}

/// Words in the names of secret values.
const SECRET_WORDS: [&str; 7] = ["auth", "cookie", "token", "secret", "passw", "apikey", "signature"];

fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

fn is_secret_header(name: &HeaderName) -> bool {
    // In headers, a `-key` is always a secret; Grafana's JSON has keys that are not.
    is_secret_name(name.as_str()) || name.as_str().ends_with("-key")
}

/// The value after an authentication scheme such as `Bearer `.
fn after_scheme(value: &[u8]) -> &[u8] {
    let space = value.iter().position(|byte| *byte == b' ');
    space.and_then(|place| value.get(place + 1..)).unwrap_or_default()
}

fn redacted(headers: &HeaderMap, mask: &Mask) -> Vec<(String, Content)> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let content = if is_secret_header(name) || value.is_sensitive() {
            Content::Text(REDACTED.into())
        } else {
            let mut bytes = value.as_bytes().to_vec();
            mask.apply(&mut bytes);
            Content::of(bytes)
        };
        (name.as_str().to_owned(), content)
    };
    headers.iter().map(shown).collect()
}

/// The URL without the values of secret parameters, and those values, decoded.
fn redacted_url(uri: &Uri) -> (String, Vec<Vec<u8>>) {
    let text = uri.to_string();
    let Some((path, query)) = text.split_once('?') else { return (text, Vec::new()) };
    let mut secrets = Vec::new();
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, value)) if is_secret_name(name) => {
            secrets.extend(
                url::form_urlencoded::parse(value.as_bytes()).map(|(value, _)| value.into_owned().into_bytes()),
            );
            format!("{name}={REDACTED}")
        }
        _ => parameter.to_owned(),
    });
    let url = format!("{path}?{}", parameters.collect::<Vec<_>>().join("&"));
    (url, secrets)
}

/// For a JSON body, the body without the values of secret fields, and those values. Other bodies
/// are unchanged.
fn redacted_json(body: Vec<u8>) -> (Vec<u8>, Vec<String>) {
    fn redact(value: &mut Value, all: bool, secrets: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    redact(value, all || key == "secureJsonData" || is_secret_name(key), secrets);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| redact(value, all, secrets)),
            Value::String(text) if all => secrets.push(std::mem::replace(text, REDACTED.into())),
            _ => {}
        }
    }
    let mut secrets = Vec::new();
    match serde_json::from_slice::<Value>(&body).map(|mut value| {
        redact(&mut value, false, &mut secrets);
        value
    }) {
        Ok(value) if !secrets.is_empty() => (value.to_string().into_bytes(), secrets),
        _ => (body, secrets),
    }
}

fn shown(bytes: &[u8], from: usize) -> String {
    let rest = bytes.get(from..).unwrap_or_default();
    String::from_utf8_lossy(rest.get(..SHOWN).unwrap_or(rest)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    fn record(body: &[u8], outcome: Outcome) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tape = Exchanges::record_to(file.path()).unwrap();
        let uri = "http://h:1/p?token=qs3cret&b=c".parse().unwrap();
        let headers =
            headers(&[("authorization", "Bearer hs3cret"), ("x-scope-orgid", "team"), ("x-api-key", "ks3cret")]);
        let begun = Exchanges::begin(tape.begin_request(None), &Method::POST, &uri, &headers, &Mask::default());
        tape.end(begun, body.to_vec(), true, outcome);
        std::fs::read_to_string(file.path()).unwrap()
    }

    fn answered(body: &[u8]) -> Outcome {
        let headers = headers(&[("content-type", "x"), ("set-cookie", "cs3cret")]);
        Outcome::Answered(Answered::new(200, &headers, body.to_vec(), None))
    }

    fn replayed(recording: &str, method: Method, url: &str, body: &[u8]) -> Result<Outcome, String> {
        let tape = Exchanges::replay(recording).unwrap();
        let begun = Exchanges::begin(
            tape.begin_request(None),
            &method,
            &url.parse().unwrap(),
            &HeaderMap::new(),
            &Mask::default(),
        );
        tape.answer(begun, body.to_vec())
    }

    #[test]
    fn a_recording_has_no_secrets_and_replays_the_same_bytes() {
        let line = record(br#"{"a": 1}"#, answered(b"\xff\x00 answer"));
        assert!(!line.contains("s3cret"), "{line}");
        assert!(line.contains("x-scope-orgid") && line.contains("team") && line.contains("b=c"), "{line}");
        let Outcome::Answered(answer) =
            replayed(&line, Method::POST, "http://h:1/p?token=another&b=c", br#"{"a": 1}"#).unwrap()
        else {
            panic!("{line}")
        };
        assert_eq!((answer.status, answer.body.bytes()), (200, b"\xff\x00 answer".to_vec()));
        assert_eq!(answer.headers().get("content-type").unwrap(), "x");
    }

    #[test]
    fn secrets_in_bodies_are_redacted() {
        let body = br#"{"secureJsonData": {"x": "fs3cret"}, "list": [{"password": "fs3cret"}], "copy": "hs3cret"}"#;
        let line = record(body, answered(b"you said hs3cret, did you"));
        assert!(!line.contains("s3cret"), "{line}");
        assert!(line.contains("you said *******, did you"), "{line}");
    }

    #[test]
    fn the_plugs_own_secrets_are_masked_everywhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tape = Exchanges::record_to(file.path()).unwrap();
        let uri = "http://h:1/of/%68-s3cret/p?access_token=q-s3cret%21&b=h-s3cret".parse().unwrap();
        let sent = headers(&[("authorization", "Bearer h-s3cret"), ("x-note", "h-s3cret")]);
        let begun = Exchanges::begin(tape.begin_request(None), &Method::POST, &uri, &sent, &Mask::default());
        let received = headers(&[("location", "http://h/?t=q-s3cret%21"), ("x-echo", "h-s3cret f-s3cret!")]);
        let body = br#"{"said": "q-s3cret! f-s3cret!"}"#.to_vec();
        let outcome = Outcome::Answered(Answered::new(200, &received, body, None));
        tape.end(begun, br#"{"password": {"new": "f-s3cret!"}}"#.to_vec(), true, outcome);
        let line = std::fs::read_to_string(file.path()).unwrap();
        assert!(!line.contains("s3cret"), "{line}");
        assert!(line.contains("/of/") && line.contains("location") && line.contains("said"), "{line}");
    }

    #[cfg(unix)]
    #[test]
    fn a_recording_is_a_new_private_file() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("target"), folder.path().join("run.jsonl"));
        std::fs::write(&target, "precious").unwrap();
        symlink(&target, &path).unwrap();
        Exchanges::record_to(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        let found = std::fs::symlink_metadata(&path).unwrap();
        assert!(found.is_file() && found.permissions().mode() & 0o777 == 0o600, "{found:?}");
    }

    #[test]
    fn a_recording_of_maximum_size_has_complete_lines() {
        let mut reel = Reel { file: BufWriter::new(tempfile::tempfile().unwrap()), room: 500 };
        let exchange = |number| Exchange {
            place: Place { number, turn: None },
            request: Asked {
                method: "GET".into(),
                url: "http://h/".into(),
                headers: Vec::new(),
                body: Content::Text("x".repeat(100)),
                cut: false,
            },
            outcome: Outcome::Failed(Failure::Protocol),
        };
        let written: Vec<bool> = (0..5).map(|number| reel.write(&exchange(number)).is_ok()).collect();
        // The error is reported once.
        assert_eq!(written.iter().filter(|written| !**written).count(), 1, "{written:?}");
        assert!(written[0] && reel.room == 0 && reel.file.get_ref().metadata().unwrap().len() < 500);
    }

    #[test]
    fn a_mismatch_error_shows_the_expected_request() {
        let line = record(b"one two", answered(b""));
        let url = "http://h:1/p?token=x&b=c";
        let told = |method, url: &str, body: &[u8]| replayed(&line, method, url, body).unwrap_err();
        let other_url = told(Method::POST, "http://h:1/q", b"one two");
        assert!(
            other_url.contains("request 1 is POST http://h:1/q") && other_url.contains("was POST http://h:1/p?"),
            "{other_url}"
        );
        assert!(told(Method::GET, url, b"one two").contains("was POST"));
        let other_body = told(Method::POST, url, b"one 2wo");
        assert!(other_body.contains("from byte 4 on \"two\", now \"2wo\""), "{other_body}");
        assert!(told(Method::POST, url, b"one two three").contains("from byte 7"));
        let ended = replayed("", Method::GET, "http://h:1/", b"").unwrap_err();
        assert!(ended.contains("has ended"), "{ended}");
    }

    /// Jobs end and begin in another order in each run.
    #[test]
    fn requests_are_found_by_their_job_or_else_by_what_they_are() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tape = Exchanges::record_to(file.path()).unwrap();
        let uri: Uri = "http://h:1/".parse().unwrap();
        let turn = |lane: &str, job| Some(Turn { lane: lane.into(), number: job, request: 1 });
        let begin = |tape: &Exchanges, turn| {
            Exchanges::begin(tape.begin_request(turn), &Method::POST, &uri, &HeaderMap::new(), &Mask::default())
        };
        for (lane, job) in [("a", 1), ("b", 1), ("a", 2), ("call:7", 1)] {
            let begun = begin(&tape, turn(lane, job));
            let (sent, received) = (format!("to {lane}{job}"), format!("from {lane}{job}"));
            tape.end(begun, sent.into_bytes(), true, answered(received.as_bytes()));
        }
        let tape = Exchanges::replay(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        let answer =
            |lane: &str, job, body: &str| match tape.answer(begin(&tape, turn(lane, job)), body.as_bytes().to_vec()) {
                Ok(Outcome::Answered(answer)) => String::from_utf8(answer.body.bytes()).unwrap(),
                Ok(other) => panic!("{other:?}"),
                Err(problem) => problem,
            };
        assert_eq!(answer("a", 2, "to a2"), "from a2");
        assert_eq!(answer("b", 1, "to b1"), "from b1");
        assert!(answer("a", 1, "to nobody").contains("had another body"));
        assert_eq!(answer("a", 1, "to a1"), "from a1");
        assert!(answer("call:9", 1, "to nobody").contains("no such request"));
        assert_eq!(answer("call:9", 1, "to call:71"), "from call:71");
    }

    #[test]
    fn failures_are_replayed() {
        let line = record(b"", Outcome::Failed(Failure::TlsAlert("x".into())));
        assert_eq!(
            replayed(&line, Method::POST, "http://h:1/p?token=x&b=c", b""),
            Ok(Outcome::Failed(Failure::TlsAlert("x".into())))
        );
    }

    #[test]
    fn invalid_recordings_are_rejected_with_the_line() {
        assert!(Exchanges::replay("\n\n{\"number\": 1}\n").unwrap_err().starts_with("line 3: not an exchange"));
        assert!(Exchanges::replay("[").is_err());
        assert!(Exchanges::replay("").is_ok());
    }
}

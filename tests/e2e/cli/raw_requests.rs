//! What `serve` makes of bytes that no client library sends: a table of raw requests, with the
//! statuses of the responses.
//!
//! Each request is followed on its connection by a second one for `/healthz`, so that the table
//! also says where the first one ended: a second response that is not there, or one too many, is
//! how requests are smuggled past a proxy. After each of them the server is healthy, and a counter
//! says whether anything was recorded that should not be.

mod tables;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use plugpipe_harness::serve::{Advertised, Options, Token, read_address};

use crate::cli::serve::serving;

const TOKEN: &str = "planted-token-0123456789";

/// The second request: `S` in the table. It closes the connection.
const SECOND: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// How long the server waits for headers and for bodies.
const TIME: Duration = Duration::from_millis(700);

/// A raw request.
struct Case {
    name: String,
    bytes: Vec<u8>,
    /// The statuses of all responses on its connection; `S` for that of [`SECOND`]. Empty where the
    /// connection is closed without one.
    responses: &'static str,
    /// How many records it makes.
    records: u64,
}

/// Requests of one kind, which share a counter.
struct Table {
    kind: &'static str,
    cases: Vec<Case>,
}

impl Table {
    fn new(kind: &'static str) -> Self {
        Self { kind, cases: Vec::new() }
    }

    /// One that records nothing.
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>, responses: &'static str) {
        self.cases.push(Case { name: name.into(), bytes: bytes.into(), responses, records: 0 });
    }

    /// One that records this often.
    fn recording(&mut self, records: u64, name: impl Into<String>, bytes: impl Into<Vec<u8>>, responses: &'static str) {
        self.cases.push(Case { name: name.into(), bytes: bytes.into(), responses, records });
    }

    /// A body that records.
    fn record(&self) -> String {
        let ctx = r#"{"operation": "record_counter", "metric_name": ""#;
        format!(r#"{{"ctx": {ctx}{}", "metric_value": 1}}}}"#, self.counter())
    }

    fn counter(&self) -> String {
        format!("raw_{}_total", self.kind)
    }

    /// A POST that would record, with these header lines, each with its end.
    fn post(&self, headers: &str) -> Vec<u8> {
        post(headers, self.record())
    }

    /// The same with the token and a name of the server.
    fn posted(&self, headers: &str) -> Vec<u8> {
        self.post(&format!("Host: localhost\r\n{}{headers}", authorization()))
    }

    /// A POST whose headers say how long the body is.
    fn framed(&self, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
        let head = format!("POST /process HTTP/1.1\r\nHost: localhost\r\n{}{headers}\r\n", authorization());
        [head.as_bytes(), body.as_ref()].concat()
    }
}

fn authorization() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

fn post(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("POST /process HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A GET with these header lines.
fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\n{headers}\r\n").into()
}

/// The same with the token and a name of the server.
fn got(target: &str) -> Vec<u8> {
    get(target, &format!("Host: localhost\r\n{}", authorization()))
}

/// All that the server sends until it closes the connection.
fn exchange(address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut sending = stream.try_clone().unwrap();
    // The server may have had enough long before all of it is sent.
    let sending = thread::spawn(move || drop(sending.write_all(&bytes)));
    let mut received = Vec::new();
    let begun = Instant::now();
    let _ = stream.read_to_end(&mut received);
    assert!(begun.elapsed() < Duration::from_secs(15), "the connection is closed in time");
    drop(stream);
    sending.join().unwrap();
    received
}

/// The statuses of the responses, and whether each says to browsers what it must.
fn responses(mut bytes: &[u8]) -> Result<String, String> {
    let mut statuses: Vec<String> = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no end of the headers")?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        bytes = &bytes[end + 4..];
        let status =
            head.strip_prefix("http/1.1 ").or_else(|| head.strip_prefix("http/1.0 ")).and_then(|rest| rest.get(..3));
        let status = status.ok_or_else(|| format!("no response: {head:?}"))?;
        let length: usize =
            head.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
        // The response to HEAD has none, and another one follows.
        let body = if bytes.starts_with(b"HTTP/1.") { &[] } else { bytes.get(..length).ok_or("half a body")? };
        bytes = &bytes[body.len()..];
        let shields = [
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
            "content-security-policy: ",
        ];
        // What is no request is told no more than that, by the HTTP implementation.
        let is_bare = matches!(status, "400" | "431" | "414") && length == 0 && !head.contains("content-type");
        if status != "100" && !is_bare && !shields.iter().all(|shield| head.contains(shield)) {
            return Err(format!("no shields: {head}"));
        }
        if memchr::memmem::find(head.as_bytes(), TOKEN.as_bytes()).is_some()
            || memchr::memmem::find(body, TOKEN.as_bytes()).is_some()
        {
            return Err(format!("the token is in the response: {head}"));
        }
        let is_second = status == "200"
            && bytes.is_empty()
            && memchr::memmem::find(body, b"\"status\":\"ok\"").is_some()
            && head.contains("connection: close");
        statuses.push(if is_second { "S".to_owned() } else { status.to_owned() });
    }
    Ok(statuses.join(" "))
}

fn asked(address: SocketAddr, path: &str) -> String {
    let request = get(path, &format!("Host: localhost\r\n{}Connection: close\r\n", authorization()));
    String::from_utf8(exchange(address, request)).unwrap()
}

fn recorded(address: SocketAddr, counter: &str) -> u64 {
    let metrics = asked(address, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    let line = metrics.lines().find_map(|line| line.strip_prefix(counter)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

/// Sends them one after the other, and returns what was not as the table says.
fn run(address: SocketAddr, table: Table) -> Vec<String> {
    let (mut problems, mut records) = (Vec::new(), 0);
    for case in &table.cases {
        let received = exchange(address, [&case.bytes, SECOND].concat());
        let (found, health) = (responses(&received), asked(address, "/healthz"));
        records += case.records;
        let count = recorded(address, &table.counter());
        if found.as_deref() != Ok(case.responses) || !health.starts_with("HTTP/1.1 200") || count != records {
            let expected = (case.responses, records);
            problems.push(format!("{}: {}: {found:?}, {count} records; expected {expected:?}", table.kind, case.name));
            records = count;
        }
    }
    problems
}

/// Sends all at once, and nothing after them: the server waits for more.
fn run_unfinished(address: SocketAddr, table: Table) -> Vec<String> {
    let counter = table.counter();
    let records: u64 = table.cases.iter().map(|case| case.records).sum();
    let run = move |case: Case| {
        let found = responses(&exchange(address, case.bytes));
        (found.as_deref() != Ok(case.responses))
            .then(|| format!("{}: {found:?}; expected {:?}", case.name, case.responses))
    };
    let all: Vec<_> = table.cases.into_iter().map(|case| thread::spawn(move || run(case))).collect();
    let mut problems: Vec<String> = all.into_iter().filter_map(|one| one.join().unwrap()).collect();
    let (count, health) = (recorded(address, &counter), asked(address, "/healthz"));
    if count != records || !health.starts_with("HTTP/1.1 200") {
        problems.push(format!("{count} of {records} records; {health}"));
    }
    problems
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_raw_request_has_its_answer_and_records_only_what_it_may() {
    let advertised = Advertised { address: Some(read_address("told.example:80").unwrap()), ..Advertised::default() };
    let options = Options {
        advertised,
        token: Some(Token::new(TOKEN.as_bytes()).unwrap()),
        hosts: vec!["plug.example".parse().unwrap()],
        header_time: TIME,
        body_time: TIME,
        ..Options::default()
    };
    let (address, stop, task) = serving(options).await;
    let problems = tokio::task::spawn_blocking(move || {
        let tables = [
            tables::hosts(),
            tables::targets(),
            tables::traversal(),
            tables::lengths(),
            tables::chunks(),
            tables::headers(),
            tables::lines(),
            tables::methods(),
            tables::tokens(),
            tables::origins(),
            tables::encodings(),
            tables::nesting(),
            tables::pipelines(),
        ];
        let unfinished = tables::unfinished();
        let count: usize = tables.iter().chain([&unfinished]).map(|table| table.cases.len()).sum();
        println!("{count} raw requests");
        assert!(count >= 300, "{count}");
        let mut running: Vec<_> = tables.into_iter().map(|table| thread::spawn(move || run(address, table))).collect();
        running.push(thread::spawn(move || run_unfinished(address, unfinished)));
        running.into_iter().flat_map(|table| table.join().unwrap()).collect::<Vec<_>>()
    })
    .await
    .unwrap();
    drop(stop);
    task.await.unwrap().unwrap();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

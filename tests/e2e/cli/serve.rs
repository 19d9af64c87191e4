//! `serve`: a plug behind HTTP.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plugpipe_harness::serve::{Options, serve_with};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::{Mounted, Receiver, alone, harness, stderr};

/// A running `plugpipe-harness serve`, stopped when dropped.
pub struct Served {
    child: Child,
    said: Option<thread::JoinHandle<std::io::Result<String>>>,
    pub url: String,
}

impl Served {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = harness(&["serve", "--web.listen-address", "127.0.0.1:0"]);
        command.args(arguments);
        Self::of(command)
    }

    /// One that this command starts.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on ") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let line = said.lines().last().unwrap();
        let is_url = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
        let url = line.split_whitespace().find(is_url).unwrap_or_else(|| panic!("{line}"));
        let url = url.trim_end_matches(':').to_owned();
        // Read on, so that it never waits for a reader of its log.
        let said = thread::spawn(move || stderr.read_to_string(&mut said).map(|_| said));
        Self { url, child, said: Some(said) }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::KILL)
            .unwrap();
    }

    /// Asks it to stop, waits until it has, and returns what it wrote to stderr.
    pub fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let said = self.said.take().unwrap().join().unwrap().unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }

    /// Its process's id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub fn authority(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    pub async fn process(&self, body: Value) -> (u16, Value) {
        let (status, text) = post(&format!("{}/process", self.url), body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body, and the content type before them in the body of an error.
pub async fn get(url: &str) -> (u16, String) {
    let url = url.to_owned();
    exchange(move || ureq::get(&url).config().http_status_as_error(false).build().call()).await
}

async fn post(url: &str, body: String) -> (u16, String) {
    let url = url.to_owned();
    let request = ureq::post(&url).content_type("application/json");
    exchange(move || request.config().http_status_as_error(false).build().send(body)).await
}

/// A request of any method, with a body.
pub async fn send(method: &str, url: &str, body: String) -> (u16, String) {
    let request = ureq::http::Request::builder().method(method).uri(url).body(body).unwrap();
    exchange(move || ureq::config::Config::builder().http_status_as_error(false).build().new_agent().run(request)).await
}

type Exchanged = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

async fn exchange(call: impl FnOnce() -> Exchanged + Send + 'static) -> (u16, String) {
    tokio::task::spawn_blocking(move || {
        let mut response = call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    })
    .await
    .unwrap()
}

/// Arguments for an exposition of nothing but what is recorded.
pub const WITHOUT_OWN_METRICS: [&str; 2] = ["--config", "tests/fixtures/without_own_metrics.json"];

#[tokio::test]
async fn the_plugs_own_metrics_are_exposed_by_default() {
    let served = Served::start(&[]);
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "served_total", "metric_value": 3}});
    assert_eq!(served.process(record).await.0, 200);
    let (_, text) = get(&format!("{}/metrics", served.url)).await;
    assert!(text.contains("\nplugpipe_monitoring_records_total 1\n"), "{text}");
}

#[tokio::test]
async fn a_served_plug_records_is_scraped_and_says_it_lives() {
    let served = Served::start(&WITHOUT_OWN_METRICS);
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "served_total", "metric_value": 3}, "cfg": {"job_name": "j"}});
    let (status, answer) = served.process(record).await;
    assert_eq!(
        (status, &answer["success"], &answer["monitoring_metadata"]["job_name"]),
        (200, &json!(true), &json!("j"))
    );
    let (status, answer) = served.process(json!({"ctx": {"operation": "nonsense"}})).await;
    assert_eq!((status, &answer["error_code"]), (200, &json!("unknown_operation")));
    let (status, text) = get(&format!("{}/metrics", served.url)).await;
    assert_eq!((status, text.as_str()), (200, "# TYPE served_total counter\nserved_total 3\n"));
    let (status, text) = get(&format!("{}/healthz", served.url)).await;
    assert_eq!((status, serde_json::from_str::<Value>(&text).unwrap()["status"].clone()), (200, json!("ok")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_waits_for_no_call() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let served = Served::start(&["--grant", &url]);
    let address = served.authority().to_owned();
    let import = json!({"ctx": {"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true, "timeout": "55s"}});
    let length = import.to_string().len();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{import}").unwrap();
    tokio::task::spawn_blocking(move || {
        // All of these wait for the server.
        let _scraped = silent.accept().unwrap();
        let call = |ctx: &str| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let length = ctx.len();
            write!(stream, "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{ctx}")
                .unwrap();
            stream
        };
        let waiting: Vec<TcpStream> = (0..100).map(|_| call(&import.to_string())).collect();
        for _ in 0..5 {
            let began = Instant::now();
            let (status, answer) = got(&address, "/healthz", &["Host: localhost"]);
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
            assert!(
                status == 200 && answer.contains("\"status\":\"ok\"") && answer.contains("\"crashes\":0"),
                "{answer}"
            );
        }
        for stream in waiting.iter().chain([&stream]) {
            stream.set_nonblocking(true).unwrap();
            let answer = (&*stream).read(&mut [0; 1]);
            assert!(matches!(&answer, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{answer:?}");
        }
        // And no record waits for them.
        let mut recorded = call(RECORD);
        recorded.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        recorded.read_exact(&mut [0; 12]).unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn health_counts_a_crash_as_soon_as_its_caller_knows() {
    let folder = tempfile::tempdir().unwrap();
    let grants = folder.path().join("grants.yaml");
    fs::write(&grants, "limits: {memory: 4MiB}").unwrap();
    let served = Served::start(&["--grants", grants.to_str().unwrap()]);
    let health = || async {
        let (status, text) = get(&format!("{}/healthz", served.url)).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(health().await["recovery"]["crashes"], 0);
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    record["ctx"]["help"] = "x".repeat(4_000_000).into();
    let (status, answer) = served.process(record).await;
    assert!(status == 500 && answer["error"].as_str().unwrap().contains("limits.memory"), "{answer}");
    let health = health().await;
    assert_eq!((&health["status"], &health["recovery"]["crashes"]), (&json!("ok"), &json!(1)), "{health}");
    assert_eq!(health["plug"], "monitoring_prometheus", "{health}");
}

#[tokio::test]
async fn a_body_that_is_wrong_or_too_long_is_said_to_be() {
    let served = Served::start(&[]);
    for body in ["", "nope", "[]", "{\"cfg\": {}}"] {
        let (status, text) = post(&format!("{}/process", served.url), body.into()).await;
        assert_eq!(status, 400, "{body}: {text}");
        assert!(text.contains("ctx"), "{text}");
    }
    let (status, _) = post(&format!("{}/process", served.url), " ".repeat(5 * 1024 * 1024)).await;
    assert_eq!(status, 413);
    assert_eq!(get(&format!("{}/nothing", served.url)).await.0, 404);
    assert_eq!(get(&format!("{}/process", served.url)).await.0, 405);
}

#[test]
fn an_address_that_is_taken_is_an_error_that_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = harness(&["serve", "--web.listen-address", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::support::stderr(&output).contains(&format!("cannot listen on {address}")));
}

const TOKEN: &str = "planted-token-0123456789";
const RECORD: &str = r#"{"ctx": {"operation": "record_counter", "metric_name": "posted_total", "metric_value": 1}}"#;

fn port(authority: &str) -> &str {
    authority.rsplit(':').next().unwrap()
}

/// What is answered until the server closes the connection: all that is there, where it does so in
/// the middle.
fn raw(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _ = stream.write_all(text.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// Posts a record with these headers; the status of the answer, and the answer.
fn posted(address: &str, headers: &[&str]) -> (u16, String) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = RECORD.len();
    let head = format!("POST /process HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    status(raw(address, &format!("{head}{RECORD}")))
}

fn got(address: &str, path: &str, headers: &[&str]) -> (u16, String) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    status(raw(address, &format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")))
}

fn status(answer: String) -> (u16, String) {
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (status.parse().unwrap(), answer)
}

/// A plug served in this process, until the sender is dropped.
pub async fn serving(
    options: Options,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let plug = alone().await;
    let task = tokio::spawn(serve_with(listener, (*plug).clone(), options, async move {
        let _ = stopped.await;
    }));
    (address, stop, task)
}

#[test]
fn an_address_that_others_can_reach_needs_a_token_that_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (short, missing) = (folder.path().join("short"), folder.path().join("missing"));
    fs::write(&short, "planted\n").unwrap();
    let (short, missing) = (short.to_str().unwrap(), missing.to_str().unwrap());
    for (arguments, said) in [
        (&["--web.listen-address", "0.0.0.0:0"][..], "--token-file FILE or --token-env NAME"),
        (&["--web.listen-address", "[::]:0"], "so it needs a token"),
        (
            &["--web.listen-address", "0.0.0.0:0", "--token-file", short],
            "--token-file: expected a token of at least 16 characters",
        ),
        (&["--token-file", missing], "cannot read file"),
        (&["--token-env", "PLUGPIPE_NO_SUCH_NAME"], "PLUGPIPE_NO_SUCH_NAME is not set"),
    ] {
        let output = harness(&[&["serve"], arguments].concat()).output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(said) && !told.contains("planted"), "{told}");
    }
}

#[tokio::test]
async fn a_library_too_serves_others_only_with_a_token() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let plug = (*alone().await).clone();
    let problem = plugpipe_harness::serve::serve(listener, plug, std::future::pending()).await.unwrap_err();
    assert!(problem.to_string().contains("needs a token"), "{problem}");
}

#[test]
fn probes_need_no_name_and_no_token_and_prometheus_has_a_token_of_its_own() {
    const READING: &str = "planted-reading-0123456789";
    let folder = tempfile::tempdir().unwrap();
    let [full, reading] = [("full", TOKEN), ("reading", READING)].map(|(name, token)| {
        let path = folder.path().join(name);
        fs::write(&path, token).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let alone =
        harness(&["serve", "--web.listen-address", "127.0.0.1:0", "--metrics-token-file", &reading]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2), "{}", stderr(&alone));
    assert!(stderr(&alone).contains("leaves everything else open"), "{}", stderr(&alone));
    let served = Served::start(&["--token-file", &full, "--metrics-token-file", &reading]);
    let address = served.authority();
    for host in ["Host: 10.1.2.3:8080", "Host: plug-7f.example", "Host: localhost", "X: y"] {
        for (path, text) in [("/healthz", "\"status\":\"ok\""), ("/readyz", "\"status\":\"ready\"")] {
            let (status, answer) = got(address, path, &[host]);
            assert!(status == 200 && answer.contains(text), "{host} {answer}");
        }
    }
    assert_eq!(got(address, "/metrics", &["Host: plug-7f.example", &format!("Authorization: Bearer {TOKEN}")]).0, 421);
    let shown = format!("Authorization: Bearer {READING}");
    assert_eq!(got(address, "/metrics", &["Host: localhost", &shown]).0, 200);
    for path in ["/", "/sd", "/status"] {
        let (status, answer) = got(address, path, &["Host: localhost", &shown]);
        assert!(status == 403 && answer.contains("\"forbidden\"") && !answer.contains("planted"), "{path} {answer}");
    }
    assert_eq!(posted(address, &["Host: localhost", &shown]).0, 403);
    let said = served.stop();
    assert!(!said.contains("planted"), "{said}");
}

#[tokio::test]
async fn the_log_is_json_or_logfmt_with_requests_start_and_end() {
    let start = |format: &str| {
        let mut command = harness(&["serve", "--web.listen-address", "127.0.0.1:0", "--log.format", format]);
        command.env("PLUGPIPE_LOG", "plugpipe_harness=debug");
        Served::of(command)
    };
    let served = start("json");
    assert_eq!(get(&format!("{}/nothing?secret=planted", served.url)).await.0, 404);
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "m_total", "metric_value": 3}});
    assert_eq!(served.process(record).await.0, 200);
    let said = served.stop();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let has = |level: &str, text: &str| {
        let found = |line: &Value| line["level"] == level && line["msg"].as_str().is_some_and(|msg| msg.contains(text));
        assert!(lines.iter().any(found), "{level} {text}: {said}");
    };
    has("INFO", "listening on http://");
    has("INFO", "stopping: ");
    has("WARN", "1 series are lost: no gateway is configured");
    let access = lines.iter().find(|line| line["path"] == "/nothing").unwrap();
    assert_eq!(
        (&access["level"], &access["method"], &access["status"], &access["target"]),
        (&json!("DEBUG"), &json!("GET"), &json!(404), &json!("plugpipe_harness::access"))
    );
    assert!(!said.contains("planted"), "{said}");

    let said = start("logfmt").stop();
    for line in said.lines() {
        assert!(line.starts_with("time=2") && line.contains(" level=") && line.contains(" msg="), "{line}");
    }
    assert!(
        said.contains(" level=INFO target=plugpipe_harness msg=\"stopped: all values were delivered or scraped\""),
        "{said}"
    );
}

#[tokio::test]
async fn the_log_says_what_was_restored_and_what_is_stored_for_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let arguments = ["--state", state.to_str().unwrap()];
    let served = Served::start(&arguments);
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "m_total", "metric_value": 3}});
    assert_eq!(served.process(record).await.0, 200);
    let said = served.stop();
    for line in ["has no values of an earlier run", "stopped: the values of 1 series are stored in "] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let said = Served::start(&arguments).stop();
    assert!(said.contains("started: the values of 1 series were restored from "), "{said}");
}

#[test]
fn with_a_token_nothing_but_health_is_told_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let mut by_env = harness(&["serve", "--web.listen-address", "127.0.0.1:0", "--token-env", "SERVED_TOKEN"]);
    by_env.env("SERVED_TOKEN", TOKEN);
    let mut by_file = harness(&["serve", "--web.listen-address", "0.0.0.0:0", "--token-file", file.to_str().unwrap()]);
    by_file.env("PLUGPIPE_LOG", "trace");
    for command in [by_env, by_file] {
        let served = Served::of(command);
        let address = format!("127.0.0.1:{}", port(served.authority()));
        assert_eq!(got(&address, "/healthz", &["Host: localhost"]).0, 200);
        for (path, shown) in
            [("/metrics", "X: y"), ("/sd", "Authorization: Bearer planted-token-012345678"), ("/nothing", "X: y")]
        {
            let (status, answer) = got(&address, path, &["Host: localhost", shown]);
            assert_eq!(status, 401, "{path} {answer}");
            assert!(
                answer.contains("www-authenticate: Bearer") && answer.contains("Authorization: Bearer TOKEN"),
                "{answer}"
            );
            assert!(!answer.contains("planted"), "{answer}");
        }
        assert_eq!(posted(&address, &["Host: localhost"]).0, 401);
        let shown = format!("Authorization: Bearer {TOKEN}");
        assert_eq!(posted(&address, &["Host: localhost", &shown]).0, 200);
        let (status, answer) = got(&address, "/metrics", &["Host: localhost", &shown]);
        assert!(status == 200 && answer.contains("posted_total 1"), "{answer}");
        let said = served.stop();
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[test]
fn a_token_file_that_changes_is_read_again() {
    let next = "another-token-of-this-server";
    let mounted = Mounted::new(&[("token", TOKEN.as_bytes())]);
    let served = Served::start(&["--token-file", mounted.path("token").to_str().unwrap()]);
    let status = |token: &str| {
        let shown = format!("Authorization: Bearer {token}");
        got(served.authority(), "/metrics", &["Host: localhost", &shown]).0
    };
    assert_eq!((status(TOKEN), status(next)), (200, 401));
    for files in [("token", next.as_bytes()), ("token", b"short")] {
        mounted.change(&[files]);
        thread::sleep(Duration::from_millis(1_200));
        assert_eq!((status(TOKEN), status(next)), (401, 200));
    }
    let said = served.stop();
    assert_eq!(said.matches("the previous contents stay in use").count(), 1, "{said}");
    assert!(said.contains("expected a token of at least 16 characters") && !said.contains(next), "{said}");
}

#[test]
fn a_web_page_of_another_origin_reaches_nothing() {
    let served = Served::start(&["--allow-host", "plug.example", "--advertise", "told.example:80"]);
    let address = served.authority();
    let own = format!("Host: {address}");
    for host in [&own, "Host: localhost:1", "Host: plug.example", "Host: told.example"] {
        assert_eq!(got(address, "/metrics", &[host]).0, 200, "{host}");
    }
    for path in ["/metrics", "/", "/sd"] {
        let (status, answer) = got(address, path, &["Host: rebound.example"]);
        assert_eq!(status, 421, "{answer}");
        assert!(answer.contains("--allow-host rebound.example"), "{answer}");
    }
    assert_eq!(posted(address, &["Host: rebound.example"]).0, 421);

    let form = "Content-Type: application/x-www-form-urlencoded";
    for refused in
        ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]
    {
        let (status, answer) = posted(address, &[&own, form, refused]);
        assert_eq!(status, 403, "{answer}");
        assert!(answer.contains("cross-origin requests are not allowed"), "{answer}");
    }
    assert_eq!(posted(address, &[&own, "Content-Type: text/plain"]).0, 415);
    let (_, metrics) = got(address, "/metrics", &[&own]);
    assert!(!metrics.contains("posted_total"), "{metrics}");

    // As `curl -d` sends it, and as a page of this server's own origin would.
    assert_eq!(posted(address, &[&own, form, "User-Agent: curl/8"]).0, 200);
    let origin = format!("Origin: http://{address}");
    assert_eq!(
        posted(address, &[&own, "Content-Type: application/json", &origin, "Sec-Fetch-Site: same-origin"]).0,
        200
    );
}

#[tokio::test]
async fn who_says_too_much_or_too_slowly_is_told_and_let_go() {
    let time = Duration::from_millis(300);
    let options = Options { header_time: time, body_time: time, connections: 2, ..Options::default() };
    let (address, stop, task) = serving(options).await;
    let address = address.to_string();
    tokio::task::spawn_blocking(move || {
        let long = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40 * 1024));
        assert_eq!(status(raw(&address, &long)).0, 431);
        let many = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(200));
        assert_eq!(status(raw(&address, &many)).0, 431);

        let slow_body = "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
        let started = Instant::now();
        let (status, answer) = status(raw(&address, slow_body));
        assert!(status == 408 && answer.contains("body: not received within 300ms"), "{answer}");
        for silent in ["", "GET /metrics HT", "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: "] {
            assert!(!raw(&address, silent).contains("200 OK"));
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

        // All places taken by clients that say nothing: health is told all the same, and the rest
        // once their time is over.
        let _silent = [TcpStream::connect(&address).unwrap(), TcpStream::connect(&address).unwrap()];
        thread::sleep(Duration::from_millis(50));
        assert_eq!(got(&address, "/healthz", &["Host: localhost"]).0, 200);
        let (status, answer) = got(&address, "/metrics", &["Host: localhost"]);
        assert!(status == 503 && answer.contains("connection limit reached"), "{answer}");
        thread::sleep(Duration::from_millis(600));
        assert_eq!(got(&address, "/metrics", &["Host: localhost"]).0, 200);
    })
    .await
    .unwrap();
    drop(stop);
    task.await.unwrap().unwrap();
}

/// Connections of a client that means harm, kept open.
fn many(address: &str, count: usize, text: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write_all(text.as_bytes());
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn no_number_of_clients_without_a_token_holds_up_health_or_those_who_have_it() {
    let token = plugpipe_harness::serve::Token::new(TOKEN.as_bytes()).unwrap();
    let write_time = Duration::from_millis(500);
    let options = Options { token: Some(token), write_time, connections_per_peer: 400, ..Options::default() };
    let (address, stop, task) = serving(options).await;
    let address = address.to_string();
    tokio::task::spawn_blocking(move || {
        let healthy = |attack: &str| {
            let begun = Instant::now();
            assert_eq!(got(&address, "/healthz", &["Host: localhost"]).0, 200, "{attack}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{attack}: {:?}", begun.elapsed());
        };
        let half_open = many(&address, 515, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ");
        thread::sleep(Duration::from_millis(100));
        healthy("half-open headers");
        drop(half_open);

        // Each reads nothing of its many 401s.
        let pipelining = many(&address, 512, &"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500));
        thread::sleep(Duration::from_millis(100));
        healthy("pipelined requests");
        thread::sleep(Duration::from_secs(2));
        let shown = format!("Authorization: Bearer {TOKEN}");
        assert_eq!(got(&address, "/metrics", &["Host: localhost", &shown]).0, 200);
        drop(pipelining);

        // One response, and the connection is closed.
        for (host, status) in [("localhost", "401"), ("rebound.example", "421")] {
            let text = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(3);
            let answer = raw(&address, &text);
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains("connection: close"),
                "{answer}"
            );
        }
    })
    .await
    .unwrap();
    drop(stop);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_a_long_response_is_let_go() {
    let write_time = Duration::from_millis(300);
    let (address, stop, task) = serving(Options { write_time, connections: 1, ..Options::default() }).await;
    let address = address.to_string();
    tokio::task::spawn_blocking(move || {
        let many: Vec<_> = (0..5_000)
            .map(|n| json!({"metric_name": format!("long_{n}"), "metric_type": "gauge", "metric_value": n}))
            .collect();
        let body = json!({"ctx": {"operation": "record_multiple_metrics", "metrics": many}}).to_string();
        let length = body.len();
        let head = format!(
            "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let (status, answer) = status(raw(&address, &format!("{head}{body}")));
        assert!(status == 200 && answer.contains("\"success\":true"), "{answer}");
        let _reads_nothing = many_reading_nothing(&address);
        thread::sleep(Duration::from_millis(1_500));
        assert_eq!(got(&address, "/metrics", &["Host: localhost"]).0, 200);
    })
    .await
    .unwrap();
    drop(stop);
    task.await.unwrap().unwrap();
}

/// Asks for far more than fits into the buffers between.
fn many_reading_nothing(address: &str) -> Vec<TcpStream> {
    many(address, 1, &"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200))
}

#[tokio::test]
async fn every_response_is_shielded_and_metrics_are_only_ever_an_exposition() {
    let shields =
        ["x-content-type-options: nosniff", "cross-origin-resource-policy: same-origin", "content-security-policy: "];
    let served = Served::start(&[]);
    let address = served.authority().to_owned();
    tokio::task::spawn_blocking(move || {
        for path in ["/", "/metrics", "/sd", "/healthz", "/nothing"] {
            let (_, answer) = got(&address, path, &["Host: localhost"]);
            assert!(shields.iter().all(|shield| answer.contains(shield)), "{path}: {answer}");
            if path != "/" {
                assert!(answer.contains("content-security-policy: sandbox; default-src 'none'"), "{path}: {answer}");
            }
        }
        let (_, answer) = got(&address, "/metrics", &["Host: rebound.example"]);
        assert!(shields.iter().all(|shield| answer.contains(shield)), "{answer}");
    })
    .await
    .unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let plug = crate::host::hostile::start(plugpipe_harness::Grants::none()).await;
    let task = tokio::spawn(plugpipe_harness::serve::serve(listener, plug, std::future::pending()));
    tokio::task::spawn_blocking(move || {
        for kind in ["text/html", "image/svg+xml", "TEXT/HTML; charset=utf-8", "text/plain, text/html"] {
            let (status, answer) = got(&address, "/metrics", &["Host: localhost", &format!("Accept: {kind}")]);
            assert!(status == 502 && answer.contains("which is not an exposition format"), "{kind}: {answer}");
        }
        let (status, _) = got(&address, "/metrics", &["Host: localhost", "Accept: text/plain; version=0.0.4"]);
        assert_eq!(status, 200);
    })
    .await
    .unwrap();
    task.abort();
}

#[tokio::test]
async fn a_server_that_stops_waits_for_nobody_for_ever() {
    let options = Options { stop_time: Duration::from_millis(300), ..Options::default() };
    let (address, stop, task) = serving(options).await;
    // One says nothing, one is in the middle of its headers, one in the middle of its body.
    let mut streams = Vec::new();
    for text in ["", "GET / HT", "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), task).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_that_is_stopped_answers_what_was_asked_and_pushes_what_waits() {
    let gateway = Receiver::start(&[200]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let url = gateway.url.trim_end_matches("/hook");
    let settings = json!({"gateway_url": url, "push_policy": "interval", "push_interval": "1h", "job_name": "stopped"});
    fs::write(&config, settings.to_string()).unwrap();
    let served = Served::start(&["--config", config.to_str().unwrap()]);
    let address = served.authority().to_owned();
    let host = format!("Host: {address}");
    for _ in 0..3 {
        assert_eq!(posted(&address, &[&host]).0, 200);
    }
    // Under way when the server is told to stop: its body is not all there.
    let mut stream = TcpStream::connect(&address).unwrap();
    let (first, last) = RECORD.split_at(10);
    let length = RECORD.len();
    write!(stream, "POST /process HTTP/1.1\r\n{host}\r\nContent-Length: {length}\r\n\r\n{first}").unwrap();
    thread::sleep(Duration::from_millis(100));
    let stopping = thread::spawn(move || served.stop());
    thread::sleep(Duration::from_millis(200));
    stream.write_all(last.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"success\":true"), "{answer}");
    let mut pushed = gateway.next(Duration::from_secs(10));
    // The first record may have been pushed by itself.
    while !pushed.body.contains("posted_total 4") {
        pushed = gateway.next(Duration::from_secs(10));
    }
    let said = stopping.join().unwrap();
    assert!(!said.contains("not pushed"), "{said}");
}

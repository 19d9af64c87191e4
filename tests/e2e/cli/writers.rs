//! Processes that share the registry of one `serve`: over TCP and a Unix socket, through a crash.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::serve::{Served, get};
use crate::support::stderr;

/// A connection of a writer, kept open between its batches.
struct Writer<S> {
    id: String,
    stream: BufReader<S>,
}

impl<S: std::io::Read> Writer<S>
where
    for<'s> &'s S: Write,
{
    fn new(id: &str, stream: S) -> Self {
        Self { id: id.into(), stream: BufReader::new(stream) }
    }

    /// Sends a batch, and returns the result.
    fn record(&mut self, number: u64, metrics: Value) -> Value {
        let ctx = json!({"operation": "record_batch", "writer": self.id, "number": number, "metrics": metrics});
        let body = json!({ "ctx": ctx }).to_string();
        let request = format!(
            "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nPlugPipe-Writer: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.id,
            body.len()
        );
        self.stream.get_ref().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "closed");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        answer["result"].clone()
    }
}

fn over_tcp(served: &Served, id: &str) -> Writer<TcpStream> {
    Writer::new(id, TcpStream::connect(served.authority()).unwrap())
}

async fn metrics(served: &Served) -> String {
    get(&format!("{}/metrics", served.url)).await.1
}

/// Waits until the metrics hold this line.
async fn wait_for(served: &Served, line: &str) {
    let start = Instant::now();
    loop {
        let text = metrics(served).await;
        if text.lines().any(|own| own == line) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no {line} in\n{text}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn running(value: f64) -> Value {
    json!([{"name": "running", "mode": "live_sum", "value": value}, {"name": "jobs_total", "type": "counter", "value": 1}])
}

#[tokio::test]
async fn a_writer_is_forgotten_once_its_last_connection_closes() {
    let served = Served::start(&[]);
    let (mut first, mut second) = (over_tcp(&served, "a"), over_tcp(&served, "b"));
    first.record(1, running(2.0));
    second.record(1, running(3.0));
    wait_for(&served, "running 5").await;
    let mut again = over_tcp(&served, "a");
    again.record(2, running(4.0));
    drop(first);
    // Another connection of the writer is open.
    second.record(2, running(6.0));
    wait_for(&served, "running 10").await;
    drop(again);
    wait_for(&served, "running 6").await;
    drop(second);
    wait_for(&served, "jobs_total 4").await;
    let start = Instant::now();
    while metrics(&served).await.contains("running ") {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_batch_that_is_sent_again_after_a_crash_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let served = Served::start(&["--state", state]);
    let mut writer = over_tcp(&served, "a");
    for number in 1..=3 {
        assert_eq!(writer.record(number, running(1.0))["duplicate"], false);
    }
    served.kill();
    drop(served);
    let served = Served::start(&["--state", state]);
    let mut writer = over_tcp(&served, "a");
    assert_eq!(writer.record(3, running(1.0))["duplicate"], true);
    assert_eq!(writer.record(4, running(1.0))["duplicate"], false);
    wait_for(&served, "jobs_total 4").await;
}

#[tokio::test]
async fn a_unix_socket_is_the_users_own_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plug.sock");
    // What a server that was killed left behind.
    drop(UnixListener::bind(&path).unwrap());
    let served = Served::start(&["--listen-unix", path.to_str().unwrap()]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut writer = Writer::new("a", UnixStream::connect(&path).unwrap());
    writer.record(1, running(2.0));
    wait_for(&served, "running 2").await;
    drop(writer);
    wait_for(&served, "jobs_total 1").await;
    served.stop();
    assert!(!path.exists());
}

#[tokio::test]
async fn several_addresses_and_sockets_lead_to_one_plug() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.sock", "b.sock"].map(|name| folder.path().join(name));
    let [a, b] = [0, 1].map(|index| paths[index].to_str().unwrap());
    let served = Served::start(&["--web.listen-address", "127.0.0.2:0", "--listen-unix", a, "--listen-unix", b]);
    let mut writers =
        paths.iter().zip(["a", "b"]).map(|(path, name)| Writer::new(name, UnixStream::connect(path).unwrap()));
    let mut writers = [writers.next().unwrap(), writers.next().unwrap()];
    for writer in &mut writers {
        writer.record(1, running(2.0));
    }
    wait_for(&served, "running 4").await;
    drop(writers);
    let said = served.stop();
    let addresses = said.lines().find(|line| line.contains("listening on")).unwrap();
    assert!(addresses.contains("http://127.0.0.1:") && addresses.contains(" and http://127.0.0.2:"), "{addresses}");
    assert!(!paths[0].exists() && !paths[1].exists());
}

#[test]
fn a_path_that_is_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plug.sock");
    let start = |path: &Path| {
        let arguments = ["serve", "--web.listen-address", "127.0.0.1:0", "--listen-unix", path.to_str().unwrap()];
        let output = crate::support::harness(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stderr(&output)
    };
    let used = UnixListener::bind(&path).unwrap();
    assert!(start(&path).contains("another server listens on it"));
    drop(used);
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    assert!(start(&file).contains("not a socket"));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
}

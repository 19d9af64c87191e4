//! The plug of tests/fixtures/notes, built once, and small HTTP servers.

#[path = "../../../component/component.rs"]
#[allow(dead_code)]
mod component;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use plugpipe_runtime::{Answer, Grants, Limits, Plug, PlugHandle};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

/// The component of tests/fixtures/notes.
pub(crate) fn component() -> &'static [u8] {
    static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let fixture = root.join("tests/fixtures/notes");
        // Where other components are built too, and with them what they share.
        let target = component::target_folder(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let module = component::compile(&[], &fixture, "notes-plug", &target.join("component")).unwrap();
        component::componentize(&std::fs::read(module).unwrap()).unwrap()
    });
    &COMPONENT
}

/// The plug of tests/fixtures/notes.
pub(crate) fn notes() -> &'static Plug {
    static PLUG: LazyLock<Plug> = LazyLock::new(|| Plug::from_bytes("notes", component()).unwrap());
    &PLUG
}

/// Grants for these servers.
pub(crate) fn granted(urls: &[&str]) -> Grants {
    urls.iter().fold(Grants::none(), |grants, url| grants.and(url.parse().unwrap()))
}

pub(crate) async fn start(config: Value, grants: Grants) -> PlugHandle {
    notes().start(&config, grants, Limits::default()).await.unwrap()
}

pub(crate) async fn process(plug: &PlugHandle, ctx: Value) -> Answer {
    plug.process(ctx.to_string(), "").await.unwrap()
}

pub(crate) fn ask(url: &str, text: &str) -> Value {
    json!({"operation": "ask", "url": url, "text": text})
}

pub(crate) async fn count(plug: &PlugHandle, key: &str) -> u64 {
    process(plug, json!({"operation": "count_puts", "key": key})).await.body.parse().unwrap()
}

/// A server that answers each request with its own body, once it is let.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Bodies in the order in which they came.
    pub(crate) received: Arc<Mutex<Vec<String>>>,
    /// How many requests wait for an answer.
    pub(crate) waiting: Arc<AtomicUsize>,
    /// The most that ever waited at once.
    pub(crate) most: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
    gate: Arc<Semaphore>,
}

impl Server {
    /// One that answers at once.
    pub(crate) async fn open() -> Self {
        let server = Self::closed().await;
        server.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        server
    }

    /// One that answers nothing until [`Server::let_through`].
    pub(crate) async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            received: Arc::default(),
            waiting: Arc::default(),
            most: Arc::default(),
            arrived: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        };
        let parts = (
            Arc::clone(&server.received),
            Arc::clone(&server.waiting),
            Arc::clone(&server.most),
            Arc::clone(&server.arrived),
            Arc::clone(&server.gate),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, waiting, most, arrived, gate) = parts.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(body) = read(&mut stream).await {
                        received.lock().unwrap().push(body.clone());
                        let now = waiting.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        arrived.notify_waiters();
                        gate.acquire().await.unwrap().forget();
                        waiting.fetch_sub(1, Ordering::SeqCst);
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        if stream.write_all((head + &body).as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        server
    }

    /// Lets it answer so many requests.
    pub(crate) fn let_through(&self, requests: usize) {
        self.gate.add_permits(requests);
    }

    /// Waits until it received so many requests.
    pub(crate) async fn has_received(&self, requests: usize) {
        let wait = async {
            loop {
                let arrived = self.arrived.notified();
                if self.received.lock().unwrap().len() >= requests {
                    return;
                }
                // A notice between both would be missed.
                let _ = tokio::time::timeout(Duration::from_millis(20), arrived).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the requests come");
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// The body of the next request; none at the end.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        chunked |= line == "transfer-encoding: chunked";
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).await.ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(chunk.get(..size)?);
        }
    } else {
        body.resize(length, 0);
        stream.read_exact(&mut body).await.ok()?;
    }
    Some(String::from_utf8_lossy(&body).into_owned())
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

//! A Pushgateway and a remote-write receiver in one server on loopback, which keep account of what
//! arrives: groups as a Pushgateway has them, and each sample with its time. What a real server would
//! not notice, they do: two pushes of one group at once, and a sample that arrives with another
//! value or too late.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Where remote writes go.
const WRITE: &str = "/api/v1/write";

/// A moment of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A push or a deletion has arrived whole, and nothing was done yet.
    PushArrived,
    /// It is stored, and the response is about to be written.
    PushStored,
    WriteArrived,
    WriteStored,
}

/// How a server behaves.
#[derive(Debug, Clone, Default)]
pub struct Behavior {
    /// How long it takes over a push.
    pub push_takes: Duration,
    /// The value of `authorization` that each request needs.
    pub authorization: Option<String>,
    /// Fails some requests: 503 before anything is stored, or no response after it was.
    pub fails_at_times: bool,
}

/// The samples of a series: bits of the values, by time in ms.
pub type Samples = BTreeMap<i64, u64>;

/// What the server has, and what it noticed.
#[derive(Debug, Default)]
pub struct Account {
    /// Families and their text, by the path of the group.
    pub groups: BTreeMap<String, BTreeMap<String, String>>,
    /// By labels.
    pub series: BTreeMap<String, Samples>,
    pub pushes: u64,
    pub deletions: u64,
    pub writes: u64,
    /// Samples that arrived again with the same time and value.
    pub repeated: u64,
    /// Requests without the credential.
    pub unauthorized: u64,
    /// The most requests for one group that were under way at once.
    pub most_at_once: usize,
    /// What must not be.
    pub problems: Vec<String>,
    /// Each push, delete and POST in the order in which they were stored.
    pub order: Vec<String>,
    at_once: HashMap<String, usize>,
}

impl Account {
    /// One with these samples, by labels.
    pub fn with_series(series: BTreeMap<String, Samples>) -> Self {
        Self { series, ..Self::default() }
    }

    /// The value of a series without labels of its own in a group, or 0.
    pub fn pushed(&self, group: &str, series: &str) -> u64 {
        let text = self.groups.get(group).into_iter().flat_map(BTreeMap::values);
        let line = text.flat_map(|text| text.lines()).find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
    }

    /// The samples of the one series with this name.
    pub fn samples(&self, name: &str) -> Samples {
        let of_name = format!("__name__={name}");
        let mut found = self.series.iter().filter(|(labels, _)| labels.split(' ').any(|label| label == of_name));
        let samples = found.next().map(|(_, samples)| samples.clone()).unwrap_or_default();
        assert!(found.next().is_none(), "several series of the name {name}");
        samples
    }

    fn store_sample(&mut self, labels: &str, time: i64, value: f64) {
        let samples = self.series.entry(labels.to_owned()).or_default();
        let last = samples.last_key_value().map(|(time, _)| *time);
        match samples.get(&time) {
            Some(bits) if *bits == value.to_bits() => self.repeated += 1,
            Some(bits) => self.problems.push(format!("{labels} at {time}: {value} after {}", f64::from_bits(*bits))),
            // A real receiver would refuse it.
            None if last.is_some_and(|last| time < last) => {
                self.problems.push(format!("{labels} at {time}: {value} arrives after one of {last:?}"));
            }
            None => _ = samples.insert(time, value.to_bits()),
        }
    }

    fn store_push(&mut self, method: &Method, group: &str, body: &str) {
        self.order.push(format!("{method} {group}"));
        match *method {
            Method::DELETE => {
                self.deletions += 1;
                self.groups.remove(group);
                return;
            }
            Method::PUT => _ = self.groups.remove(group),
            _ => {}
        }
        self.pushes += 1;
        let stored = self.groups.entry(group.to_owned()).or_default();
        stored.extend(families(body));
    }
}

/// The families of a text exposition.
fn families(text: &str) -> BTreeMap<String, String> {
    let mut families = BTreeMap::<String, String>::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("# TYPE ").or(line.strip_prefix("# HELP ")) {
            words.split(' ').next().unwrap().clone_into(&mut current);
        }
        let family = families.entry(current.clone()).or_default();
        family.push_str(line);
        family.push('\n');
    }
    families
}

struct Shared {
    behavior: Behavior,
    fails: AtomicBool,
    account: Mutex<Account>,
    requests: AtomicU64,
    watcher: Mutex<Option<mpsc::Sender<Moment>>>,
}

/// The server; its thread ends with the process.
#[derive(Clone)]
pub struct AccountingServer {
    pub url: String,
    shared: Arc<Shared>,
}

impl AccountingServer {
    /// On a thread of its own, so that what it takes over a request is not what the test's runtime
    /// is busy with.
    pub fn start(behavior: Behavior) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fails = AtomicBool::new(behavior.fails_at_times);
        let shared = Arc::new(Shared {
            behavior,
            fails,
            account: Mutex::default(),
            requests: AtomicU64::new(0),
            watcher: Mutex::default(),
        });
        let accepts = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(stream, Arc::clone(&accepts)));
                }
            });
        });
        Self { url, shared }
    }

    pub fn write_url(&self) -> String {
        format!("{}{WRITE}", self.url)
    }

    /// Looks at the account.
    pub fn account<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.shared.account.lock().unwrap())
    }

    /// Puts another account in the place of the one that it has.
    pub fn replace(&self, account: Account) {
        *self.shared.account.lock().unwrap() = account;
    }

    /// Fails no further request.
    pub fn stop_failing(&self) {
        self.shared.fails.store(false, Ordering::Relaxed);
    }

    /// Moments from now on.
    pub fn moments(&self) -> mpsc::Receiver<Moment> {
        let (sender, receiver) = mpsc::channel();
        *self.shared.watcher.lock().unwrap() = Some(sender);
        receiver
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { shared.respond(request).await }
    });
    // A client that was killed is no matter, and one that is hung up on finds out.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// No response: the connection is closed.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server hangs up")
    }
}

impl std::error::Error for HangUp {}

/// Counts a request for a group as under way, until it is dropped.
struct UnderWay<'s>(&'s Shared, String);

impl<'s> UnderWay<'s> {
    fn of(shared: &'s Shared, group: &str) -> Self {
        let mut account = shared.account.lock().unwrap();
        let at_once = account.at_once.entry(group.to_owned()).or_default();
        *at_once += 1;
        let at_once = *at_once;
        account.most_at_once = account.most_at_once.max(at_once);
        Self(shared, group.to_owned())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        // The account may have been replaced meanwhile.
        if let Some(at_once) = self.0.account.lock().unwrap().at_once.get_mut(&self.1) {
            *at_once = at_once.saturating_sub(1);
        }
    }
}

impl Shared {
    fn note(&self, moment: Moment) {
        if let Some(watcher) = &*self.watcher.lock().unwrap() {
            // The test may look no more.
            let _ = watcher.send(moment);
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HangUp> {
        let (head, body) = request.into_parts();
        // A client that was killed half way sent nothing.
        let Ok(body) = body.collect().await else { return Err(HangUp) };
        let body = body.to_bytes();
        let given = head.headers.get("authorization").map(|value| value.to_str().unwrap());
        if self.behavior.authorization.as_deref().is_some_and(|wanted| given != Some(wanted)) {
            self.account.lock().unwrap().unauthorized += 1;
            return Ok(status(401));
        }
        let path = head.uri.path();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let fails = self.fails.load(Ordering::Relaxed);
        let is_write = path == WRITE;
        if !is_write && !path.starts_with("/metrics/job") {
            return Ok(status(404));
        }
        self.note(if is_write { Moment::WriteArrived } else { Moment::PushArrived });
        if fails && number % 5 == 1 {
            return Ok(status(503));
        }
        if is_write {
            let raw = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
            let mut account = self.account.lock().unwrap();
            account.writes += 1;
            for (labels, samples) in write_request(&raw) {
                samples.into_iter().for_each(|(time, value)| account.store_sample(&labels, time, value));
            }
        } else {
            let _under_way = UnderWay::of(self, path);
            tokio::time::sleep(self.behavior.push_takes).await;
            let text = std::str::from_utf8(&body).unwrap();
            self.account.lock().unwrap().store_push(&head.method, path, text);
        }
        self.note(if is_write { Moment::WriteStored } else { Moment::PushStored });
        if fails && number % 5 == 3 { Err(HangUp) } else { Ok(status(if is_write { 204 } else { 200 })) }
    }
}

fn status(code: u16) -> Response<Full<Bytes>> {
    Response::builder().status(code).body(Full::default()).unwrap()
}

/// A field of a protobuf message.
enum Field<'b> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'b [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

/// The fields of a message.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => return Some((key >> 3, Field::Varint(varint(&mut bytes)))),
            1 => 8,
            2 => varint(&mut bytes) as usize,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        bytes = rest;
        let field = if key & 7 == 1 { Field::Fixed64(value.try_into().unwrap()) } else { Field::Bytes(value) };
        Some((key >> 3, field))
    })
}

/// Labels, and times with their values.
type Written = (String, Vec<(i64, f64)>);

/// The series of a `prometheus.WriteRequest`, version 1.0.
fn write_request(bytes: &[u8]) -> Vec<Written> {
    let series = fields(bytes).filter_map(|field| match field {
        (1, Field::Bytes(series)) => Some(series),
        _ => None,
    });
    series.map(time_series).collect()
}

fn time_series(bytes: &[u8]) -> Written {
    let (mut labels, mut samples) = (Vec::new(), Vec::new());
    for field in fields(bytes) {
        match field {
            (1, Field::Bytes(label)) => {
                let texts = fields(label).filter_map(|field| match field {
                    (_, Field::Bytes(text)) => Some(std::str::from_utf8(text).unwrap()),
                    _ => None,
                });
                labels.push(texts.collect::<Vec<_>>().join("="));
            }
            (2, Field::Bytes(sample)) => {
                let (mut time, mut value) = (0, 0.0);
                for field in fields(sample) {
                    match field {
                        (1, Field::Fixed64(bytes)) => value = f64::from_le_bytes(bytes),
                        (2, Field::Varint(unix_ms)) => time = unix_ms as i64,
                        _ => {}
                    }
                }
                samples.push((time, value));
            }
            _ => {}
        }
    }
    (labels.join(" "), samples)
}

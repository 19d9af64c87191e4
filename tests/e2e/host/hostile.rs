//! A component that was made for attacking its host (`tests/hostile`): it gets nowhere, is bounded
//! in time and memory, and harms no other plug of the same process.

use std::future::Future as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use plugpipe_harness::grants::OriginGrant;
use plugpipe_harness::session::Format;
use plugpipe_harness::{Answer, Error, Grants, Limits, Plug, PlugHandle};
use serde_json::{Value, json};

use crate::fake_web::{WebServer, text};
use crate::host::outbound::FORBIDDEN;
use crate::support::{alone, plug, root, run, stderr};

const CALL: Duration = Duration::from_secs(1);

/// As little as makes the attacks quick. What is not named here is as it comes.
pub(crate) fn limits() -> Limits {
    Limits::default().with_memory_bytes(64 << 20).with_call(CALL).with_answer_bytes(16 << 20).with_host_calls(20_000)
}

/// The hostile component, built and compiled once.
pub(crate) fn hostile() -> &'static Plug {
    static HOSTILE: OnceLock<Plug> = OnceLock::new();
    HOSTILE.get_or_init(|| Plug::from_bytes("the hostile plug", component()).unwrap())
}

/// The hostile component, built once.
pub(crate) fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| xtask::build_package(&root().join("tests/hostile"), "hostile-plug").unwrap())
}

/// The hostile component, which makes this attack as it is instantiated.
pub(crate) fn component_attacking_at_start(ctx: &Value) -> Vec<u8> {
    const MARKER: &[u8] = b"attack at start:";
    let mut bytes = component().to_vec();
    let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(MARKER)).collect();
    assert_eq!(places.len(), 1);
    let ctx = ctx.to_string();
    let begin = places[0] + MARKER.len();
    assert!(bytes[begin..begin + 144].iter().all(|&byte| byte == b' ') && ctx.len() <= 144);
    bytes[begin..begin + ctx.len()].copy_from_slice(ctx.as_bytes());
    bytes
}

pub(crate) async fn start(grants: Grants) -> PlugHandle {
    hostile().start(&json!({}), grants, limits()).await.unwrap()
}

/// Makes an attack in the recorder, which asks no server.
async fn attack(plug: &PlugHandle, ctx: &Value) -> Result<Answer, Error> {
    plug.process(ctx.to_string(), "").await
}

/// Makes an attack in a worker.
async fn attack_from_worker(plug: &PlugHandle, ctx: &Value) -> Answer {
    let mut ctx = ctx.clone();
    ctx["in"] = json!("run");
    attack(plug, &ctx).await.unwrap()
}

/// What the plug says that came of an attack.
fn told(answer: Answer) -> String {
    answer.error.map_or(answer.body, |problem| problem.message)
}

/// What the plug says that came of an attack in the recorder.
async fn in_recorder(plug: &PlugHandle, ctx: Value) -> String {
    told(attack(plug, &ctx).await.unwrap())
}

/// What the plug says that came of an attack in a worker.
pub(crate) async fn result(plug: &PlugHandle, ctx: Value) -> String {
    told(attack_from_worker(plug, &ctx).await)
}

/// A server that takes connections and never answers; with the number of those that it took.
fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&connections);
    std::thread::spawn(move || {
        let kept: Vec<_> = listener.incoming().inspect(|_| _ = count.fetch_add(1, Ordering::SeqCst)).collect();
        drop(kept);
    });
    (address, connections)
}

/// A server whose answer has no end.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                // An answer before the request is none.
                let _ = stream.read(&mut [0; 4_096]);
                let mut more = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                while more.is_ok() {
                    more = stream.write_all(&[b' '; 65_536]);
                }
            });
        }
    });
    address
}

fn granted(authority: &str) -> Grants {
    Grants::none().and(format!("http://{authority}").parse().unwrap())
}

/// What is to become of an attack.
#[derive(Clone, Copy)]
enum End {
    /// This is in the error.
    Limit(&'static str),
    Deadline,
    /// Whichever comes first on this machine.
    LimitOrDeadline(&'static str),
    Crash,
}

impl End {
    /// Of an attack in the recorder, whose caller gets an error.
    fn check(self, attack: &Value, error: &Error) {
        let text = error.to_string();
        match (self, error) {
            (Self::Limit(limit) | Self::LimitOrDeadline(limit), Error::Limit { .. }) => {
                assert!(text.contains(limit), "{attack}: {text}")
            }
            (Self::Deadline | Self::LimitOrDeadline(_), Error::Deadline { .. }) => {
                assert!(text.contains("after 1 s"), "{attack}: {text}")
            }
            (Self::Crash, Error::Crashed { .. }) => {}
            _ => panic!("{attack}: {text}"),
        }
    }

    /// Of an attack in a worker, of which the recorder hears why it was lost.
    fn check_lost(self, attack: &Value, reason: &str) {
        let stopped = reason.contains("after 1 s");
        let as_expected = match self {
            Self::Limit(limit) => reason.contains(limit),
            Self::Deadline => stopped,
            Self::LimitOrDeadline(limit) => stopped || reason.contains(limit),
            Self::Crash => reason.contains("crashed"),
        };
        assert!(as_expected, "{attack}: {reason}");
    }
}

/// The most memory that this process had since it was last asked, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

/// Other tests would be in the figures: so this one runs [`each_attack_is_stopped_at_its_limit`] in
/// a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn attacks_are_bounded_in_time_and_memory_and_harm_no_other_plug() {
    // Compiled here, for that process to find them in the cache.
    let _ = (plug(), hostile());
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["host::hostile::each_attack_is_stopped_at_its_limit", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by attacks_are_bounded_in_time_and_memory_and_harm_no_other_plug"]
async fn each_attack_is_stopped_at_its_limit() {
    let (silent, _) = silent();
    let endless = endless();
    let grants = granted(&silent).and(format!("http://{endless}").parse().unwrap());
    let hostile = start(grants).await;
    // An unoptimised host takes long over large headers; here the limit is to be met, not the
    // deadline.
    let patient = limits().with_call(30 * CALL);
    let patient = self::hostile().start(&json!({}), Grants::none(), patient).await.unwrap();

    // Beside it, in the same process, an honest plug records all the while.
    let honest = alone().await;
    let stop = Arc::<AtomicBool>::default();
    let beside = tokio::spawn({
        let (honest, stop) = (honest.clone(), Arc::clone(&stop));
        async move {
            let (mut recorded, mut times) = (0_u32, Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let record = json!({"operation": "record_counter", "metric_name": "beside_total", "metric_value": 1});
                recorded += 1;
                assert_eq!(honest.process(&record).await.unwrap()["result"]["current_value"], recorded);
                times.push(begun.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            times.sort_unstable();
            times
        }
    });

    let calls = End::Limit("called the host more than 20000 times in one call (limits.host_calls");
    let resources = End::Limit("held more than 1024 requests, headers, bodies");
    // Not all machines open a thousand requests within the call.
    let opened = End::LimitOrDeadline("held more than 1024 requests, headers, bodies");
    let memory = End::Limit("more than 67108864 bytes of memory, with its jobs (limits.memory");
    let kept = End::LimitOrDeadline("more than 67108864 bytes of memory, with its jobs (limits.memory");
    // In the recorder and in a worker.
    let mut attacks = vec![
        (json!({"operation": "loop"}), End::Deadline),
        (json!({"operation": "allocate"}), memory),
        (json!({"operation": "grow"}), memory),
        (json!({"operation": "recurse"}), End::Limit("nest deeper than a stack of 524288 bytes")),
        (json!({"operation": "answer_huge", "bytes": "20000000"}), End::Limit("returned more than 16777216 bytes")),
        (json!({"operation": "answer_no_text"}), End::Crash),
        (json!({"operation": "answer_beyond_memory"}), End::Crash),
        (json!({"operation": "trap"}), End::Crash),
    ];
    for with in ["wall_clock", "monotonic_clock", "waits", "headers", "requests"] {
        attacks.push((json!({"operation": "flood", "with": with}), calls));
    }
    for of in ["waits", "headers", "requests", "methods", "authorities", "bodies"] {
        attacks.push((json!({"operation": "hoard", "of": of}), resources));
    }
    // A recorder neither waits nor asks.
    let of_workers = [
        (
            json!({"operation": "poll", "times": "4000000"}),
            End::Limit("returned more than 16777216 bytes at once (limits.answer"),
        ),
        (json!({"operation": "open", "authority": silent, "times": "10000"}), opened),
        (json!({"operation": "read", "authority": silent}), End::Deadline),
        (json!({"operation": "read", "authority": endless, "then": "keep"}), kept),
        (json!({"operation": "wait"}), End::Deadline),
        (
            json!({"operation": "flood", "with": "waiting"}),
            End::LimitOrDeadline("more than 20000 times in one call (limits.host_calls"),
        ),
    ];
    let of_recorder = [(json!({"operation": "wait"}), End::Crash)];
    let before = {
        peak_mib();
        peak_mib()
    };
    println!("{before} MiB before");
    let in_recorder = attacks.iter().chain(&of_recorder).map(|attack| (attack, false));
    let in_worker = attacks.iter().chain(&of_workers).map(|attack| (attack, true));
    let mut made = 0;
    for ((ctx, end), is_worker) in in_recorder.chain(in_worker) {
        let plug = if ctx["operation"] == "hoard" { &patient } else { &hostile };
        let begun = Instant::now();
        if is_worker {
            let answer = attack_from_worker(plug, ctx).await;
            // These bytes are no text to the host, and the plug reads them as far as they are.
            if ctx["operation"] == "answer_no_text" {
                assert!(answer.is_ok(), "{answer:?}");
                continue;
            }
            end.check_lost(ctx, &answer.error.unwrap_or_else(|| panic!("{ctx}: {}", answer.body)).message);
        } else {
            let error = attack(plug, ctx).await.map(|answer| panic!("{ctx}: {answer:?}")).unwrap_err();
            end.check(ctx, &error);
        }
        made += 1;
        let (time, peak) = (begun.elapsed(), peak_mib());
        println!("{time:>10.1?} {peak:>5} MiB  {ctx}");
        // The call, what it may wait beside that, and a busy machine.
        assert!(time < CALL + Duration::from_secs(15), "{ctx}: {time:?}");
        assert!(peak < before + 512, "{ctx}: {peak} MiB, {before} MiB before");
        // The next call finds a plug that works.
        assert_eq!(result(plug, json!({"operation": "nothing"})).await, "");
    }
    let crashes = hostile.recovery().await.unwrap().crashes + patient.recovery().await.unwrap().crashes;
    assert_eq!(crashes, made);

    stop.store(true, Ordering::Relaxed);
    let times = beside.await.unwrap();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("beside: {} records, the median took {median:.1?}, the slowest {slowest:.1?}", times.len());
    assert!(times.len() > 100, "{}", times.len());
    assert!(median < Duration::from_millis(50), "{median:?}");
    // A machine may be busy with more than this.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[tokio::test]
async fn no_spelling_of_its_own_leads_a_hostile_plug_to_what_is_not_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    // Each job says that it reaches what is granted, and then asks elsewhere.
    let origin = format!("http://granted.example:{port}");
    let mut grants = Grants::none().and(origin.parse().unwrap());
    // A name that leads to this machine, as anybody's DNS may say.
    grants.hosts.insert("granted.example".into(), vec!["127.0.0.1".parse().unwrap()]);
    let plug = start(grants).await;
    // What no URL could carry, a component can say all the same. The last is granted, and leads
    // where no grant does.
    let own = [
        "[::1%lo]",
        "@127.0.0.1",
        "127.0.0.1/.x",
        "granted.example\r\nHost: 127.0.0.1",
        " 127.0.0.1",
        "",
        "granted.example",
    ];
    let hosts: Vec<&str> = FORBIDDEN.iter().copied().chain(own).collect();
    let mut asked = 0;
    for host in &hosts {
        for authority in [format!("{host}:{port}"), format!("x:y@{host}:{port}"), (*host).to_owned()] {
            for (scheme, path) in [("http", "/"), ("https", "/"), ("file", "/etc/passwd"), ("http", "//127.0.0.1/")] {
                let ctx = json!({"operation": "request", "scheme": scheme, "authority": authority, "path": path, "origins": origin});
                let answer = attack_from_worker(&plug, &ctx).await;
                assert!(!answer.is_ok(), "{ctx}: {answer:?}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, hosts.len() * 12);
    assert!(hosts.len() > 100, "{}", hosts.len());
    let nobody = listener.accept();
    assert!(matches!(&nobody, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{nobody:?}");
}

#[tokio::test]
async fn no_spelling_of_a_path_leads_a_hostile_plug_out_of_what_is_granted() {
    let server = WebServer::http(|_| text("")).await;
    let mut grants = Grants::none();
    grants.origins.insert(OriginGrant::read(&format!("{}/api/v1", server.url())).unwrap());
    let plug = start(grants).await;
    let inside = ["/api/v1", "/api/v1/", "/api/v1/a.b/c%20d", "/api/v1/a..b", "/api/v1/%41", "/api/v1?x=/../.."];
    let outside = [
        "",
        "/",
        "/api",
        "/api/v10",
        "/api/v1.",
        "/api/v1;x",
        "/API/v1",
        "/api/v1%2fx",
        "/api%2fv1/x",
        "/api/%76%31/x",
        "//api/v1",
        "/./api/v1",
        "/x/../api/v1",
        "/api/v1/..",
        "/api/v1/../admin",
        "/api/v1/%2e%2e/admin",
        "/api/v1/%2E./admin",
        "/api/v1/..%2fadmin",
        "/api/v1/%252e%252e/admin",
        "/api/v1/..%5cadmin",
        "/api/v1/x\\..\\admin",
        "/api/v1//admin",
        "/api/v1/..;/admin",
        "/api/v1/%c0%ae%c0%ae/admin",
        "/api/v1/%u002e%u002e/admin",
        "/api/v1/%ef%bc%8e%ef%bc%8e/admin",
        "/api/v1/x%00/admin",
        "/api/v1/x%0d%0aX: y",
        "/api/v1/x\r\nX: y",
        "/api/v1/x HTTP/1.1",
        "/api/v1/x%",
        "/api/v1/\t../admin",
        "http://127.0.0.1/api/v1",
        "@127.0.0.1/api/v1",
        "*",
    ];
    let request = |path: &str| json!({"operation": "request", "scheme": "http", "authority": format!("127.0.0.1:{}", server.port), "path": path});
    for path in inside {
        assert_eq!(result(&plug, request(path)).await, "200", "{path:?}");
    }
    for path in outside {
        let answer = attack_from_worker(&plug, &request(path)).await;
        assert!(!answer.is_ok(), "{path:?}: {answer:?}");
    }
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.uri).collect();
    assert_eq!(asked, inside);
}

#[tokio::test]
async fn a_redirect_is_told_to_a_hostile_plug_and_its_own_step_there_is_refused() {
    let other = WebServer::http(|_| text("")).await;
    let redirecting = WebServer::http(|_| {
        let mut answer = text("");
        *answer.status_mut() = http::StatusCode::FOUND;
        answer.headers_mut().insert("location", "http://127.0.0.1/".parse().unwrap());
        answer
    })
    .await;
    let plug = start(Grants::none().and(redirecting.url().parse().unwrap())).await;
    let request = |server: &WebServer| json!({"operation": "request", "scheme": "http", "authority": format!("127.0.0.1:{}", server.port), "path": "/"});
    assert_eq!(result(&plug, request(&redirecting)).await, "302");
    let refused = result(&plug, request(&other)).await;
    assert!(refused.contains("HttpRequestDenied"), "{refused}");
    assert_eq!((redirecting.asked().len(), other.connections()), (1, 0));
}

#[tokio::test]
async fn a_flood_of_requests_reaches_a_granted_server_only_as_far_as_is_granted() {
    let (silent, connections) = silent();
    // A busy machine takes more than a second for so many.
    let patient = limits().with_call(10 * CALL);
    let plug = hostile().start(&json!({}), granted(&silent), patient).await.unwrap();
    let told = result(&plug, json!({"operation": "open", "authority": silent, "times": "1000"})).await;
    assert_eq!(told, "1000 ");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let connections = connections.load(Ordering::SeqCst);
    assert!((1..=256).contains(&connections), "{connections}");

    let server = WebServer::http(|_| text("")).await;
    let mut grants = Grants::none().and(server.url().parse().unwrap());
    grants.limits.requests_per_call = Some(10);
    let plug = start(grants).await;
    let authority = format!("127.0.0.1:{}", server.port);
    // The next call begins anew.
    for calls in 1..=2 {
        let open = json!({"operation": "open", "authority": authority, "times": "30", "then": "wait"});
        let told = result(&plug, open).await;
        assert!(told.starts_with("10 "), "{told}");
        assert!(told.contains("the limit of 10 requests per call is reached (limits.requests_per_call"), "{told}");
        assert_eq!(server.asked().len(), 10 * calls);
    }
}

#[tokio::test]
async fn an_endless_answer_ends_where_the_grant_says() {
    let endless = endless();
    let mut grants = granted(&endless);
    grants.limits.response_bytes = Some(100_000);
    let plug = start(grants).await;
    let read: usize = result(&plug, json!({"operation": "read", "authority": endless})).await.parse().unwrap();
    assert!(read <= 100_000, "{read}");
}

#[tokio::test]
async fn what_a_hostile_plug_sends_ends_where_the_grant_says() {
    let received = Arc::<AtomicUsize>::default();
    let sink = sink(Arc::clone(&received));
    let send = |bytes: u64| json!({"operation": "send", "method": "POST", "authority": sink, "path": "/", "body_bytes": bytes.to_string()});
    let mut grants = granted(&sink);
    grants.limits.request_bytes = Some(3 << 20);
    grants.limits.request_total_bytes = Some(7 << 20);
    let recording = tempfile::NamedTempFile::new().unwrap();
    for exchanges in [None, Some(plugpipe_harness::Exchanges::record_to(recording.path()).unwrap())] {
        let hostile = match exchanges {
            None => hostile().clone(),
            Some(exchanges) => hostile().clone().with_exchanges(exchanges),
        };
        let plug =
            hostile.start(&json!({}), grants.clone(), limits().with_call(Duration::from_secs(30))).await.unwrap();
        received.store(0, Ordering::SeqCst);
        let told = result(&plug, send(2 << 20)).await;
        assert!(told.starts_with("200"), "{told}");
        // Far more than is granted: it ends there.
        let told = result(&plug, send(1 << 30)).await;
        assert!(told.contains("HttpRequestBodySize(Some(3145728))"), "{told}");
        assert!(received.load(Ordering::SeqCst) < (6 << 20), "{received:?}");
        let mut many = send(3 << 20);
        many["times"] = json!("5");
        let told = result(&plug, many).await;
        assert!(told.contains("7340032 bytes in total (limits.request_total in the grants file)"), "{told}");
        // The next call begins anew.
        assert!(result(&plug, send(3 << 20)).await.starts_with("200"));
    }
    let default = Grants::none().limits;
    assert_eq!((default.request_body(), default.request_bodies()), (64 << 20, 256 << 20));
}

/// A server that reads requests and answers each; and counts the bytes.
fn sink(received: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let received = Arc::clone(&received);
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let (mut buffer, mut head, mut body) = (vec![0; 65_536], Vec::new(), 0);
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    received.fetch_add(length, Ordering::SeqCst);
                    let piece = &buffer[..length];
                    if body == 0 {
                        head.extend_from_slice(piece);
                    } else {
                        body += length;
                    }
                    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
                    let Some((text, begun)) = text.split_once("\r\n\r\n") else { continue };
                    body = body.max(begun.len());
                    // A body without a length ends with an empty chunk.
                    let announced =
                        text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                    if announced.map_or(piece.ends_with(b"0\r\n\r\n"), |length: usize| body >= length) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                        (head, body) = (Vec::new(), 0);
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn answers_that_are_wrong_are_errors_of_that_call() {
    let plug = start(Grants::none()).await;
    // The host reads no body.
    assert_eq!(in_recorder(&plug, json!({"operation": "answer_no_json"})).await, "{\"success\":");
    assert_eq!(plug.cleanup().await.unwrap().body, "not JSON");
    // It says that it holds what lies beyond its memory.
    assert_eq!(in_recorder(&plug, json!({"operation": "lie"})).await, "");
    let encode = || plug.with(|session| Box::pin(session.encode(Format::Text)));
    let error = encode().await.unwrap_err();
    assert!(matches!(error, Error::Crashed { .. }), "{error}");
    assert_eq!(plug.describe().name, "hostile");
}

/// What runs as a component is instantiated is bounded like a call, and asks no server.
#[tokio::test]
async fn attacks_at_the_start_are_bounded_like_those_in_a_call() {
    let time = "its start took longer than 1 s (limits.call";
    let calls = "called the host more than 20000 times in one call (limits.host_calls";
    let flood = json!({"operation": "flood", "with": "monotonic_clock"});
    let waits = "it waited in a call that must not wait";
    for (ctx, expected) in [(json!({"operation": "loop"}), time), (json!({"operation": "wait"}), waits), (flood, calls)]
    {
        let component = component_attacking_at_start(&ctx);
        let plug = Plug::from_bytes("hostile.wasm", &component).unwrap();
        let begun = Instant::now();
        let error = plug.start(&json!({}), Grants::none(), limits()).await.map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Load { .. }) && text.contains(expected), "{ctx}: {text}");
        assert!(begun.elapsed() < CALL + Duration::from_secs(5), "{ctx}: {:?}", begun.elapsed());

        // The same by the command, which finds the compiled component in the cache.
        let folder = tempfile::tempdir().unwrap();
        let (wasm, grants) = (folder.path().join("hostile.wasm"), folder.path().join("grants.yaml"));
        std::fs::write(&wasm, component).unwrap();
        std::fs::write(&grants, "limits: {call: 1s, host_calls: 20000}").unwrap();
        let output = run(&["inspect", "--plug", wasm.to_str().unwrap(), "--grants", grants.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{ctx}: {}", stderr(&output));
    }

    // The origin is granted, and nobody listens there: to a request in a worker that is an error of
    // the connection.
    let request = json!({"operation": "request", "scheme": "http", "authority": "127.0.0.1:9", "path": "/"});
    let component = component_attacking_at_start(&request);
    let plug = Plug::from_bytes("hostile.wasm", &component).unwrap();
    let error = plug.start(&json!({}), granted("127.0.0.1:9"), limits()).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(waits), "{error}");
    let in_worker = result(&start(granted("127.0.0.1:9")).await, request).await;
    assert!(in_worker.contains("ConnectionRefused"), "{in_worker}");
}

/// What was acknowledged is kept, also where it ruins the plug: then each call of that plug is an
/// error, and of no other.
#[tokio::test]
async fn a_plug_that_poisons_itself_harms_itself_alone() {
    let (plug, other) = (start(Grants::none()).await, start(Grants::none()).await);
    let nothing = json!({"operation": "nothing"});
    let armed = |says: &str| json!({"operation": "trap_in_next_allocation", "says": says});
    // This was not acknowledged: a fresh instance knows nothing of it.
    assert_eq!(in_recorder(&plug, armed("failure")).await, "armed");
    let error = attack(&plug, &nothing).await.unwrap_err();
    assert!(matches!(error, Error::Crashed { .. }), "{error}");
    assert_eq!(in_recorder(&plug, nothing.clone()).await, "");

    assert_eq!(in_recorder(&plug, armed("success")).await, "armed");
    for _ in 0..5 {
        let begun = Instant::now();
        let error = attack(&plug, &nothing).await.unwrap_err();
        assert!(matches!(error, Error::Crashed { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(in_recorder(&other, nothing.clone()).await, "");
    }
}

/// Who calls faster than a plug answers waits to be taken; what was not taken is not made when its
/// caller leaves.
#[tokio::test]
async fn a_full_queue_holds_its_callers_and_not_their_calls() {
    const QUEUE: usize = 1_024;
    let plug = plug().start(&json!({}), Grants::none(), Limits::default()).await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let busy = tokio::spawn({
        let plug = plug.clone();
        async move {
            plug.with(|_| {
                Box::pin(async move {
                    begun.send(()).unwrap();
                    may_go_on.await.unwrap();
                    Ok(())
                })
            })
            .await
        }
    });
    has_begun.await.unwrap();
    let made = Arc::<AtomicUsize>::default();
    let mut waiting: Vec<_> = (0..QUEUE + 100)
        .map(|_| {
            let made = Arc::clone(&made);
            Box::pin(tokio::task::unconstrained(plug.with(move |_| {
                Box::pin(async move {
                    made.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            })))
        })
        .collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for call in &mut waiting {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    // Of these, the first are in the queue, and will be made although nobody waits for them.
    drop(waiting);
    go_on.send(()).unwrap();
    busy.await.unwrap().unwrap();
    plug.with(|_| Box::pin(async { Ok(()) })).await.unwrap();
    assert_eq!(made.load(Ordering::SeqCst), QUEUE);
}

//! Servers that are slow, lie, break, redirect or recover, through the component: bounded time and
//! memory, a clear error, state kept.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use plugpipe_harness::Limits;
use serde_json::{Value, json};

use crate::support::{Ask as _, Checked, named_by, plug, start};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// What a server does with a connection, once the request was read; and the number of the request,
/// from 0.
pub type Behaviour = fn(&mut TcpStream, usize) -> std::io::Result<()>;

/// A server on loopback that does one thing. Its threads end with the test.
pub struct Faulty {
    pub url: String,
    /// Each request, as it came.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Faulty {
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                spawn(move || {
                    let Some(request) = read_request(&mut stream) else { return };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request);
                        seen.len() - 1
                    };
                    // The plug may have gone.
                    let _ = behaviour(&mut stream, number);
                });
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A request with its body, whose length is said.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

pub fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

fn query() -> Value {
    json!({"operation": "query_metrics", "query": "up"})
}

/// A plug with something recorded, whose Prometheus is that server.
async fn plug_for(server: &Faulty, more: Value) -> Checked {
    let mut config = json!({"prometheus_url": server.url, "timeout": "700ms"});
    more.as_object().unwrap().iter().for_each(|(key, value)| config[key] = value.clone());
    let plug = start(config).await;
    plug.process(&json!({"operation": "record_counter", "metric_name": "kept_total", "metric_value": 3}))
        .await
        .unwrap();
    plug
}

/// Queries a server that does this: the call ends in time, says one of these codes, and what was
/// recorded is there.
async fn a_query_fails(behaviour: Behaviour, codes: &[&str]) -> Value {
    let server = Faulty::start(behaviour);
    let plug = plug_for(&server, json!({})).await;
    let started = Instant::now();
    let answer = plug.process(&query()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(answer["success"], false, "{answer}");
    assert!(codes.contains(&answer["error_code"].as_str().unwrap()), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains(&server.url), "{answer}");
    assert!(answer["exchange"]["attempts"].as_u64().unwrap() >= 1, "{answer}");
    let exported = crate::support::exposition(&plug).await;
    assert!(exported.contains("kept_total 3\n"), "{exported}");
    answer
}

#[tokio::test]
async fn headers_that_never_come_are_waited_for_until_the_timeout() {
    let silent: Behaviour = |_, _| {
        sleep(Duration::from_secs(30));
        Ok(())
    };
    let answer = a_query_fails(silent, &["timeout"]).await;
    assert_eq!(answer["exchange"]["attempts"], 1, "{answer}");
    let elapsed = answer["exchange"]["elapsed_ms"].as_u64().unwrap();
    assert!((700..3_000).contains(&elapsed), "{answer}");
}

#[tokio::test]
async fn a_body_that_drips_is_read_until_the_timeout() {
    let drip: Behaviour = |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
        loop {
            stream.write_all(b" ")?;
            sleep(Duration::from_millis(50));
        }
    };
    a_query_fails(drip, &["timeout"]).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_within_the_body_is_told() {
    let reset: Behaviour = |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{{\"status\":")?;
        stream.flush()?;
        sleep(Duration::from_millis(50));
        stream.shutdown(std::net::Shutdown::Both)
    };
    let answer = a_query_fails(reset, &["unreachable"]).await;
    assert!(answer["exchange"]["attempts"].as_u64().unwrap() <= 3, "{answer}");
}

#[tokio::test]
async fn a_content_length_that_lies_is_told_or_cut() {
    let too_long: Behaviour =
        |stream, _| write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n{VECTOR}");
    a_query_fails(too_long, &["unreachable"]).await;
    let too_short: Behaviour =
        |stream, _| write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{VECTOR}");
    a_query_fails(too_short, &["bad_answer"]).await;
    let nonsense: Behaviour = |stream, _| write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{VECTOR}");
    a_query_fails(nonsense, &["unreachable"]).await;
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    let announced: Behaviour = |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")?;
        (0..1_600).try_for_each(|_| stream.write_all(&[b' '; 65_536]))
    };
    let unannounced: Behaviour = |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        (0..1_600).try_for_each(|_| stream.write_all(&[b' '; 65_536]))
    };
    for behaviour in [announced, unannounced] {
        let server = Faulty::start(behaviour);
        let config = json!({"prometheus_url": server.url, "max_response_bytes": 1_000_000});
        // A plug with 8 MiB of memory would be stopped by what it may not keep.
        let limits = Limits::default().with_memory_bytes(8 * 1024 * 1024);
        let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
        let answer = plug.ask(&query()).await.unwrap();
        assert_eq!(answer["error_code"], "answer_too_long", "{answer}");
        assert_eq!(answer["exchange"]["attempts"], 1, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("max_response_bytes"), "{answer}");
    }
}

#[tokio::test]
async fn headers_without_end_are_not_read() {
    let endless: Behaviour = |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
        (0..).try_for_each(|number: u64| write!(stream, "x-{number}: {}\r\n", "y".repeat(1_000)))
    };
    a_query_fails(endless, &["unreachable"]).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_place_is_told_without_secrets() {
    let redirect: Behaviour =
        |stream, _| answer(stream, "307", "location: http://u:s3cret@127.0.0.2:1/elsewhere?token=s3cret\r\n", "");
    let told = a_query_fails(redirect, &["refused"]).await.to_string();
    assert!(told.contains("http://127.0.0.2:1/elsewhere") && told.contains("prometheus_url"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    let server = Faulty::start(redirect);
    let plug = plug_for(&server, json!({"prometheus_auth": {"token": "s3cret"}})).await;
    assert!(!plug.process(&query()).await.unwrap().to_string().contains("s3cret"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_page_is_no_answer() {
    let page: Behaviour =
        |stream, _| answer(stream, "200", "content-type: text/html\r\n", "<html><body>Please log in</body></html>");
    let told = a_query_fails(page, &["bad_answer"]).await;
    assert!(told["error"].as_str().unwrap().contains("Please log in"), "{told}");
    let gateway = Faulty::start(page);
    let plug = start(json!({"gateway_url": gateway.url})).await;
    let told = plug.process(&json!({"operation": "push_metrics"})).await.unwrap();
    assert_eq!((&told["success"], &told["error_code"]), (&json!(false), &json!("bad_answer")), "{told}");
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again() {
    let recovers: Behaviour = |stream, number| match number {
        0 => answer(stream, "503", "", "starting"),
        _ => answer(stream, "200", "", VECTOR),
    };
    let server = Faulty::start(recovers);
    let answered = plug_for(&server, json!({})).await.process(&query()).await.unwrap();
    assert_eq!(
        (&answered["success"], &answered["result"]["exchange"]["attempts"]),
        (&json!(true), &json!(2)),
        "{answered}"
    );
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let patience: Behaviour = |stream, number| match number {
        0 => answer(stream, "429", "retry-after: 1\r\n", ""),
        _ => answer(stream, "200", "", VECTOR),
    };
    let server = Faulty::start(patience);
    let plug = plug_for(&server, json!({"timeout": "5s"})).await;
    let answered = plug.process(&query()).await.unwrap();
    assert_eq!(answered["result"]["exchange"]["attempts"], 2, "{answered}");
    assert!(answered["result"]["exchange"]["elapsed_ms"].as_u64().unwrap() >= 1_000, "{answered}");
    // More patience than there is time for: the answer is final.
    let server = Faulty::start(patience);
    let answered = plug_for(&server, json!({})).await.process(&query()).await.unwrap();
    assert_eq!((&answered["http_status"], &answered["exchange"]["attempts"]), (&json!(429), &json!(1)), "{answered}");
}

#[tokio::test]
async fn a_server_that_stays_busy_is_asked_three_times() {
    let server = Faulty::start(|stream, _| answer(stream, "503", "", "busy"));
    let answered = plug_for(&server, json!({})).await.process(&query()).await.unwrap();
    assert_eq!(
        (&answered["error_code"], &answered["http_status"], &answered["exchange"]["attempts"]),
        (&json!("refused"), &json!(503), &json!(3)),
        "{answered}"
    );
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn credentials_arrive_at_their_server_and_at_no_other() {
    let [prometheus, gateway, grafana] = [(); 3].map(|()| Faulty::start(|stream, _| answer(stream, "200", "", "")));
    let plug = start(json!({
        "prometheus_url": prometheus.url, "gateway_url": gateway.url, "grafana_url": grafana.url,
        "prometheus_auth": {"type": "bearer", "token": "t0ken", "tenant": "team-1"},
        "gateway_auth": {"type": "basic", "username": "user", "password": "pass:word"},
        "grafana_auth": {"headers": {"X-Key": "k3y"}},
    }))
    .await;
    let health = plug.health_check().await.unwrap();
    assert_eq!(health["result"]["healthy"], true, "{health}");
    let sent = |server: &Faulty| -> Vec<String> {
        let asked = server.asked();
        let [request] = &asked[..] else { panic!("{asked:?}") };
        let mut lines: Vec<String> = request
            .lines()
            .filter(|line| {
                let line = line.to_ascii_lowercase();
                ["authorization:", "x-scope-orgid:", "x-key:"].iter().any(|name| line.starts_with(name))
            })
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(sent(&prometheus), ["authorization: Bearer t0ken", "x-scope-orgid: team-1"]);
    // printf user:pass:word | base64
    assert_eq!(sent(&gateway), ["authorization: Basic dXNlcjpwYXNzOndvcmQ="]);
    assert_eq!(sent(&grafana), ["x-key: k3y"]);
}

//! Compressed scrapes of `serve`: what a client gets, and what a real Prometheus asks for by itself.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::read::GzDecoder;
use plugpipe_testkit::ScrapeJob;
use serde_json::json;

use crate::cli::serve::{Served, WITHOUT_OWN_METRICS};
use crate::support::{prometheus_3, query_until, start, without_servers};

/// A plug behind HTTP with so many series of one gauge.
async fn served(series: usize) -> Served {
    let served = Served::start(&WITHOUT_OWN_METRICS);
    let metrics: Vec<_> = (0..series)
        .map(|number| json!({"name": "room_celsius", "type": "gauge", "value": 20, "labels": {"room": format!("room-{number}")}}))
        .collect();
    let answer = served
        .process(json!({"ctx": {"operation": "record_batch", "writer": "w", "number": 1, "metrics": metrics}}))
        .await
        .1;
    assert_eq!(answer["success"], true, "{answer}");
    served
}

/// The head, in lower case, and the body.
fn exchange(authority: &str, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(response[..end].to_vec()).unwrap().to_ascii_lowercase(), response[end..].to_vec())
}

fn plain(compressed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(compressed).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_scrape_is_compressed_if_the_client_asks_for_it() {
    let served = served(100).await;
    let get = |method: &str, more: &str| {
        let request = format!("{method} /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
        exchange(served.authority(), &request)
    };
    let (head, text) = get("GET", "");
    assert!(head.contains("\r\nvary: accept, accept-encoding\r\n") && !head.contains("content-encoding"), "{head}");
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 101, "{text}");
    for accept in ["text/plain", "application/openmetrics-text; version=1.0.0"] {
        let expected = String::from_utf8(get("GET", &format!("Accept: {accept}\r\n")).1).unwrap();
        let (head, body) = get("GET", &format!("Accept: {accept}\r\nAccept-Encoding: zstd, gzip;q=0.5\r\n"));
        let length = format!("\r\ncontent-length: {}\r\n", body.len());
        assert!(head.contains("\r\ncontent-encoding: gzip\r\n") && head.contains(&length), "{head}");
        assert_eq!(plain(&body), expected, "{accept}");
        assert!(body.len() * 4 < expected.len(), "{} of {}", body.len(), expected.len());
    }
    let (head, body) = get("HEAD", "Accept-Encoding: gzip\r\n");
    assert!(head.contains("\r\ncontent-encoding: gzip\r\n") && body.is_empty(), "{head}");
    let (head, body) = get("GET", "Accept-Encoding: gzip;q=0, identity\r\n");
    assert!(!head.contains("content-encoding") && body == text.as_bytes(), "{head}");
    // Errors and everything else are as they are.
    let request = "GET /sd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n";
    assert!(!exchange(served.authority(), request).0.contains("content-encoding"));
    // And another plug reads what this one compresses: its host asks for gzip.
    let reader = start(json!({"endpoint_url": served.url, "push_policy": "manual"})).await;
    let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": served.url}, "reexport": "prometheus"});
    let answer = reader.process(&ctx).await.unwrap();
    assert_eq!(answer["result"]["exported_data"], text, "{answer}");
}

/// A relay to a server, and all that the server has sent through it.
fn relay(server: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to).map(|_| to.shutdown(Shutdown::Write)));
            let (mut from, mut to, seen) = (server, client, Arc::clone(&seen));
            thread::spawn(move || {
                let mut bytes = vec![0; 65_536];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    seen.lock().unwrap().extend_from_slice(&bytes[..count]);
                    if to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (authority, sent)
}

#[tokio::test]
async fn a_real_prometheus_gets_its_scrapes_compressed() {
    if without_servers("a_real_prometheus_gets_its_scrapes_compressed") {
        return;
    }
    let served = served(200).await;
    let (authority, sent) = relay(served.authority().to_owned());
    let server = prometheus_3(vec![ScrapeJob::new("served", &authority)], |options| options).await;
    let plug = start(json!({"prometheus_url": server.url})).await;
    let count = json!({"operation": "query_metrics", "query": "count(room_celsius == 20)"});
    query_until(&plug, count, |result| result[0]["value"][1] == "200").await;
    let sent = sent.lock().unwrap();
    let responses = sent.windows(13).filter(|window| *window == b"HTTP/1.1 200 ").count();
    let head = String::from_utf8_lossy(&sent).to_ascii_lowercase();
    assert!(responses > 0 && head.matches("content-encoding: gzip").count() == responses, "{responses}");
    assert!(sent.windows(12).all(|window| window != b"room_celsius"), "an exposition was sent as it is");
}

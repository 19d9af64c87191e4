//! Every default that is documented, observed through the component: the settings of `plug.yaml`,
//! and what the pages on operations call a default. A new one without an observation fails here.

mod operations;
mod settings;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::manifest::MANIFEST;
use crate::fixture::Fixture;
use crate::support::{Checked, start};

const TEXT: &str = "text/plain; version=0.0.4";

const JSON: &str = "application/json";

/// An endpoint that exposes this.
fn exposing(body: Vec<u8>) -> Fixture {
    Fixture::start(move |_| (200, TEXT, body.clone()))
}

/// A gateway that takes everything and holds nothing, and tells what a gateway tells.
fn gateway() -> Fixture {
    Fixture::start(|asked| match asked.path.as_str() {
        "/api/v1/metrics" => (200, JSON, br#"{"status":"success","data":[]}"#.to_vec()),
        "/api/v1/status" => (
            200,
            JSON,
            br#"{"status":"success","data":{"build_information":{"version":"1.11.2"},"flags":{}}}"#.to_vec(),
        ),
        _ => (200, TEXT, Vec::new()),
    })
}

/// A Prometheus that answers every question with no result.
fn prometheus() -> Fixture {
    Fixture::start(|asked| match asked.path.starts_with("/federate") {
        true => (200, TEXT, b"# TYPE a gauge\na{job=\"j\"} 1\n".to_vec()),
        false => (200, JSON, br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#.to_vec()),
    })
}

/// A server that takes connections and never answers.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        held.extend(listener.incoming());
    });
    url
}

async fn done(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    answer["result"].clone()
}

fn gauge(value: f64) -> Value {
    json!({"operation": "record_gauge", "metric_name": "g", "metric_value": value})
}

fn scrape(url: &str) -> Value {
    json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}})
}

fn query() -> Value {
    json!({"operation": "query_metrics", "query": "up"})
}

/// Milliseconds of a documented duration.
fn milliseconds(documented: &Value) -> f64 {
    let text = documented.as_str().unwrap();
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap());
    number.parse::<f64>().unwrap() * if unit == "ms" { 1.0 } else { 1_000.0 }
}

/// Whether something takes so long and not much longer. A machine that runs many tests is slow at
/// times and never too fast, so a time that is too long is measured again.
struct Timed<'t> {
    what: &'t str,
    documented: &'t Value,
    tries: u32,
}

impl<'t> Timed<'t> {
    fn new(what: &'t str, documented: &'t Value) -> Self {
        Self { what, documented, tries: 3 }
    }

    /// Whether it took what is documented; false if it is to be measured again.
    fn took(&mut self, took: Duration) -> bool {
        let (took, wanted) = (took.as_secs_f64() * 1e3, milliseconds(self.documented));
        let is_close = took < wanted * 1.6 + 400.0;
        self.tries -= 1;
        assert!(
            took > wanted * 0.95 && (is_close || self.tries > 0),
            "{}: {took} ms for {}",
            self.what,
            self.documented
        );
        is_close
    }
}

/// The median of the waits before a second attempt, which are uniform from nothing up to the
/// longest one.
async fn median_wait(cfg: Value, at_once: usize) -> f64 {
    const TRIES: usize = 24;
    let mut waits = Vec::new();
    while waits.len() < TRIES {
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let mut cfg = cfg.clone();
            tries.spawn(async move {
                let prometheus = Fixture::start(|_| (503, TEXT, Vec::new()));
                cfg["prometheus_url"] = json!(prometheus.url);
                cfg["retry_attempts"] = json!(2);
                let answer = start(cfg).await.process(&query()).await.unwrap();
                assert_eq!(answer["exchange"]["attempts"], 2, "{answer}");
                answer["exchange"]["elapsed_ms"].as_f64().unwrap()
            });
        }
        waits.extend(tries.join_all().await);
    }
    waits.sort_by(f64::total_cmp);
    waits[waits.len() / 2]
}

fn settings() -> &'static Value {
    &MANIFEST["config_schema"]["$defs"]["settings"]["properties"]
}

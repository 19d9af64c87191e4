//! No answer of a server makes the plug panic: whatever comes, each operation answers JSON that
//! says whether it succeeded. The input's first bytes choose the operation and the status; the rest
//! is the body, for every request that is made.

#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::http::{Clock, Failure, Limits, Request, Response, Transport};
use monitoring_prometheus::operations::Standalone;

const CONFIG: &str = r#"{"prometheus_url": "http://h:1", "gateway_url": "http://h:2", "grafana_url": "http://h:3",
    "alertmanager_url": "http://h:4", "retry_attempts": 1}"#;

const OPERATIONS: [&str; 14] = [
    r#"{"operation": "query_metrics", "query": "up"}"#,
    r#"{"operation": "query_metrics", "query": "up", "time_range": "1h"}"#,
    r#"{"operation": "list_series", "match": ["up"]}"#,
    r#"{"operation": "label_values", "label": "job"}"#,
    r#"{"operation": "list_metadata"}"#,
    r#"{"operation": "list_targets"}"#,
    r#"{"operation": "list_rules"}"#,
    r#"{"operation": "query_exemplars", "query": "up", "time_range": "1h"}"#,
    r#"{"operation": "list_groups"}"#,
    r#"{"operation": "push_metrics"}"#,
    r#"{"operation": "list_notified_alerts"}"#,
    r#"{"operation": "list_silences"}"#,
    r#"{"operation": "list_dashboards"}"#,
    r#"{"operation": "health_check"}"#,
];

const STATUSES: [u16; 8] = [200, 202, 204, 307, 400, 404, 422, 503];

/// Answers everything with the same.
struct Same {
    status: u16,
    body: Vec<u8>,
    now: Duration,
}

impl Clock for Same {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000
    }

    fn monotonic(&self) -> Duration {
        self.now
    }
}

impl Transport for Same {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        // An operation that asks for ever ends by its own deadline.
        self.now += Duration::from_millis(100);
        let response = || Response { status: self.status, headers: Vec::new(), body: self.body.clone() };
        requests.iter().map(|_| Ok(response())).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }
}

fuzz_target!(|input: &[u8]| {
    let [operation, status, body @ ..] = input else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let mut plug = Standalone::new(Same { status, body: body.to_vec(), now: Duration::ZERO });
    let answer = plug.process(OPERATIONS[usize::from(*operation) % OPERATIONS.len()], CONFIG);
    let answer: Result<serde_json::Value, _> = serde_json::from_str(&answer);
    assert!(answer.is_ok(), "the answer is JSON");
});

//! `health_check`: asks every configured server, side by side, whether it is well.

use core::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use super::{Answer, Call};
use crate::error::Error;
use crate::http::{Limits, Peer, Request, shown};
use crate::servers::{grafana, prometheus, pushgateway};

/// A server that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// What answers are called, where the server is, and how it is asked.
type Server<'c> = (&'static str, &'c Option<Url>, Peer, fn(&Url) -> Request);

/// Answers `<server>_status` for each: `healthy`, `unhealthy`, `unreachable`, `not_granted`, `not_configured`, or `mock`; with
/// the reason in `details`. `healthy` says whether all configured servers are. The check itself succeeds either way.
pub(super) fn run(call: &mut Call) -> Result<Answer, Error> {
    let config = call.config;
    let servers: [Server; 3] = [
        ("prometheus", &config.prometheus_url, prometheus::PEER, prometheus::health_request),
        ("pushgateway", &config.gateway_url, pushgateway::PEER, pushgateway::health_request),
        ("grafana", &config.grafana_url, grafana::PEER, grafana::health_request),
    ];
    let mut answer = Answer::new();
    let mut details = Map::new();
    let mut asked = Vec::new();
    let mut requests = Vec::new();
    for (name, url, peer, request) in servers {
        match url {
            None => {
                answer.insert(format!("{name}_status"), "not_configured".into());
            }
            Some(_) if config.mock => {
                answer.insert(format!("{name}_status"), "mock".into());
            }
            Some(url) => {
                asked.push((name, shown(url)));
                requests.push((peer, request(url)));
            }
        }
    }
    let limits = Limits {
        connect: config.connect_timeout.min(PATIENCE),
        total: config.timeout.min(PATIENCE),
        response_bytes: config.max_response_bytes,
    };
    let mut all_healthy = true;
    for ((name, url), response) in asked.into_iter().zip(call.client(limits, true).send_all(requests)) {
        let (status, detail) = match response {
            Ok(response) if response.status == 200 => ("healthy", json!({"url": url})),
            Ok(response) => ("unhealthy", json!({"url": url, "http_status": response.status})),
            Err(error) => {
                let status = if error.code() == "not_granted" { "not_granted" } else { "unreachable" };
                (status, json!({"url": url, "error": error.to_string(), "error_code": error.code()}))
            }
        };
        all_healthy &= status == "healthy";
        answer.insert(format!("{name}_status"), status.into());
        details.insert(name.into(), detail);
    }
    answer.insert("healthy".into(), all_healthy.into());
    answer.insert("series".into(), call.registry.len().into());
    answer.insert("unpushed".into(), (*call.unpushed).into());
    if config.mock {
        answer.insert("mock".into(), true.into());
    }
    answer.insert("details".into(), Value::Object(details));
    Ok(answer)
}

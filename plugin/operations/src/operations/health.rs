//! `health_check`: checks all configured servers concurrently.

use core::time::Duration;

use super::call::Call;
use crate::error::{ClientError, Error};
use crate::http::{Limits, Peer, Request, Response, Retry, Url, redacted};
use crate::servers::{alertmanager, grafana, prometheus, pushgateway};
use plugpipe_contract::requests::NoFields;
use plugpipe_contract::responses::{Health, HealthDetails, HealthStatus, ServerHealth};

/// A server that takes longer is unreachable.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// A server to check.
struct Server<'c> {
    url: &'c Option<Url>,
    peer: Peer,
    request: fn(&Url) -> Request,
}

/// Checks each configured server. The operation succeeds even if a server is not healthy.
pub fn run(call: &mut Call, _: &NoFields) -> Result<Health, Error> {
    let config = call.config;
    let servers = [
        Server { url: &config.prometheus_url, peer: prometheus::PEER, request: prometheus::health_request },
        Server { url: &config.gateway_url, peer: pushgateway::PEER, request: pushgateway::health_request },
        Server { url: &config.grafana_url, peer: grafana::PEER, request: grafana::health_request },
        Server { url: &config.alertmanager_url, peer: alertmanager::PEER, request: alertmanager::health_request },
    ];
    let limits = Limits {
        connect: config.connect_timeout.min(HEALTH_TIMEOUT),
        total: config.timeout.min(HEALTH_TIMEOUT),
        response_bytes: config.max_response_bytes,
    };
    let asked = servers.iter().filter(|_| !config.mock);
    let requests = asked.filter_map(|server| Some((server.peer, (server.request)(server.url.as_ref()?)))).collect();
    let mut client = call.client(limits, true);
    // Retries would hide that a server is currently unhealthy.
    client.retry = Retry::ONCE;
    let mut responses = client.send_all(requests).into_iter();
    let [prometheus, pushgateway, grafana, alertmanager] = servers.map(|server| match server.url {
        None => (HealthStatus::NotConfigured, None),
        Some(_) if config.mock => (HealthStatus::Mock, None),
        Some(url) => health(url, responses.next()),
    });
    let status = [prometheus.0, pushgateway.0, grafana.0, alertmanager.0];
    let is_healthy =
        |status| matches!(status, HealthStatus::Healthy | HealthStatus::NotConfigured | HealthStatus::Mock);
    Ok(Health {
        prometheus_status: prometheus.0,
        pushgateway_status: pushgateway.0,
        grafana_status: grafana.0,
        alertmanager_status: alertmanager.0,
        healthy: status.into_iter().all(is_healthy),
        series: (call.registry.len() + call.groups.series()) as u64,
        unpushed: call.pending.is_due() || call.groups.is_due(),
        mock: config.mock,
        details: HealthDetails {
            prometheus: prometheus.1,
            pushgateway: pushgateway.1,
            grafana: grafana.1,
            alertmanager: alertmanager.1,
        },
    })
}

/// A server's health, from its response.
fn health(url: &Url, response: Option<Result<Response, ClientError>>) -> (HealthStatus, Option<ServerHealth>) {
    let url = redacted(url);
    match response {
        Some(Ok(Response { status, .. })) => {
            let health = if status == 200 { HealthStatus::Healthy } else { HealthStatus::Unhealthy };
            (health, Some(ServerHealth { url, http_status: Some(status), error: None }))
        }
        Some(Err(error)) => {
            let report = Error::from(error).report();
            let health = match report.error_code {
                "not_granted" => HealthStatus::NotGranted,
                _ => HealthStatus::Unreachable,
            };
            (health, Some(ServerHealth { url, http_status: None, error: Some(report) }))
        }
        // Each request has a response.
        None => (HealthStatus::Unreachable, None),
    }
}

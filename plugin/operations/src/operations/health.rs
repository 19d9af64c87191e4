//! `health_check`: asks every configured server whether it is well, each by itself, so that one that
//! hangs delays no other.

use core::time::Duration;

use super::call::Call;
use crate::config::Config;
use crate::error::{ClientError, Error};
use crate::hosting::schedule::{Finish, Role, Want, Wanted};
use crate::hosting::worker::{How, Told, members};
use crate::http::{Limits, Peer, Request, Response, Retry, Url, redacted};
use crate::servers::{alertmanager, grafana, prometheus, pushgateway};
use crate::time::rfc3339;
use plugpipe_contract::requests::NoFields;
use plugpipe_contract::response::Eventually;
use plugpipe_contract::responses::{FormerMetadata, Health, HealthStatus, ServerHealth};

/// A server that takes longer is unreachable.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// A server to ask.
pub(crate) struct Server {
    /// As the response names it.
    pub(crate) name: &'static str,
    /// The member with its status.
    pub(crate) status: &'static str,
    url: fn(&Config) -> Option<&Url>,
    pub(crate) peer: Peer,
    pub(crate) request: fn(&Url) -> Request,
}

/// All of them, in the order of the response.
pub(crate) const SERVERS: [Server; 4] = [
    Server {
        name: "prometheus",
        status: "prometheus_status",
        url: |config| config.prometheus_url.as_ref(),
        peer: prometheus::PEER,
        request: prometheus::health_request,
    },
    Server {
        name: "pushgateway",
        status: "pushgateway_status",
        url: |config| config.gateway_url.as_ref(),
        peer: pushgateway::PEER,
        request: pushgateway::health_request,
    },
    Server {
        name: "grafana",
        status: "grafana_status",
        url: |config| config.grafana_url.as_ref(),
        peer: grafana::PEER,
        request: grafana::health_request,
    },
    Server {
        name: "alertmanager",
        status: "alertmanager_status",
        url: |config| config.alertmanager_url.as_ref(),
        peer: alertmanager::PEER,
        request: alertmanager::health_request,
    },
];

/// Asks each configured server. If one is not healthy, the answer is an error with a result, except
/// for callers of 1.0.0.
pub fn run(call: &mut Call, _: &NoFields) -> Result<Eventually<Health>, Error> {
    let config = call.config;
    let limits = Limits {
        connect: config.connect_timeout.min(HEALTH_TIMEOUT),
        total: config.timeout.min(HEALTH_TIMEOUT),
        response_bytes: config.max_response_bytes,
    };
    // A server that is not healthy now must show as such.
    let how = How { limits, retry: Retry::ONCE, ..How::asked(config) };
    for (place, server) in (0..).zip(&SERVERS) {
        let task = match (server.url)(config) {
            None => Err(told_of(HealthStatus::NotConfigured, None)),
            Some(_) if config.mock => Err(told_of(HealthStatus::Mock, None)),
            Some(url) => Ok(Wanted::Health { place, url: url.clone(), how: how.clone() }),
        };
        call.next.wants.push(Want { role: Role::Health { place }, task });
    }
    call.next.finish = Finish::Health { mock: config.mock, former: config.is_former() };
    let now = call.unix_nanos;
    call.add_former(|| FormerMetadata {
        check_timestamp: Some(rfc3339(now)),
        grafana_url: config.grafana_url.as_ref().map(redacted),
        ..FormerMetadata::default()
    });
    Ok(Eventually::Later)
}

/// How a server is, by its response.
pub(crate) fn health(url: &Url, response: Result<Response, ClientError>) -> Told {
    let url = redacted(url);
    match response {
        Ok(Response { status, .. }) => {
            let health = if status == 200 { HealthStatus::Healthy } else { HealthStatus::Unhealthy };
            told_of(health, Some(ServerHealth { url, http_status: Some(status), error: None }))
        }
        Err(error) => {
            let report = Error::from(error).report();
            let health = match report.error_code {
                "not_granted" => HealthStatus::NotGranted,
                _ => HealthStatus::Unreachable,
            };
            told_of(health, Some(ServerHealth { url, http_status: None, error: Some(report) }))
        }
    }
}

fn told_of(status: HealthStatus, details: Option<ServerHealth>) -> Told {
    Told { health: Some(status), members: members(&details), ..Told::default() }
}

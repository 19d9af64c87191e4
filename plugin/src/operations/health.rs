//! `health_check`: asks every configured server, side by side, whether it is well.

use core::time::Duration;

use super::{Answer, Call};
use crate::error::{ClientError, Error};
use crate::http::{Limits, Peer, Request, Response, Retry, Url, redacted};
use crate::servers::{alertmanager, grafana, prometheus, pushgateway};
use plugpipe_contract::requests::NoFields;

/// A server that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server to ask.
struct Server<'c> {
    name: &'static str,
    /// What its status is called.
    status: &'static str,
    url: &'c Option<Url>,
    peer: Peer,
    request: fn(&Url) -> Request,
}

/// Answers `<server>_status` for each: `healthy`, `unhealthy`, `unreachable`, `not_granted`, `not_configured`, or `mock`; with
/// the reason in `details`. `healthy` says whether all configured servers are. The check itself succeeds either way.
pub(super) fn run(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    let config = call.config;
    let servers = [
        Server {
            name: "prometheus",
            status: "prometheus_status",
            url: &config.prometheus_url,
            peer: prometheus::PEER,
            request: prometheus::health_request,
        },
        Server {
            name: "pushgateway",
            status: "pushgateway_status",
            url: &config.gateway_url,
            peer: pushgateway::PEER,
            request: pushgateway::health_request,
        },
        Server {
            name: "grafana",
            status: "grafana_status",
            url: &config.grafana_url,
            peer: grafana::PEER,
            request: grafana::health_request,
        },
        Server {
            name: "alertmanager",
            status: "alertmanager_status",
            url: &config.alertmanager_url,
            peer: alertmanager::PEER,
            request: alertmanager::health_request,
        },
    ];
    let mut asked = Vec::new();
    let mut requests = Vec::new();
    for server in &servers {
        match server.url {
            None => answer.text(server.status, "not_configured"),
            Some(_) if config.mock => answer.text(server.status, "mock"),
            Some(url) => {
                asked.push((server, redacted(url)));
                requests.push((server.peer, (server.request)(url)));
            }
        }
    }
    let limits = Limits {
        connect: config.connect_timeout.min(PATIENCE),
        total: config.timeout.min(PATIENCE),
        response_bytes: config.max_response_bytes,
    };
    let mut client = call.client(limits, true);
    // A server that is not well now is to be seen so.
    client.retry = Retry::ONCE;
    let responses = client.send_all(requests);
    let status = |response: &Result<Response, ClientError>| match response {
        Ok(response) if response.status == 200 => "healthy",
        Ok(_) => "unhealthy",
        Err(error) if error.code() == "not_granted" => "not_granted",
        Err(_) => "unreachable",
    };
    for ((server, _), response) in asked.iter().zip(&responses) {
        answer.text(server.status, status(response));
    }
    answer.flag("healthy", responses.iter().all(|response| status(response) == "healthy"));
    answer.count("series", (call.registry.len() + call.groups.series()) as u64);
    answer.flag("unpushed", call.pending.is_due() || call.groups.is_due());
    if config.mock {
        answer.flag("mock", true);
    }
    answer.open("details");
    for ((server, url), response) in asked.iter().zip(&responses) {
        answer.open(server.name);
        answer.text("url", url);
        match response {
            Ok(response) => answer.count("http_status", response.status.into()),
            Err(error) => Error::from(error.clone()).write_into(answer),
        }
        answer.close();
    }
    answer.close();
    Ok(())
}

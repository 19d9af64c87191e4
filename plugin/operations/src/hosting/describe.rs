//! What the plug is.

use crate::config::NESTED;
use crate::hosting::SINKS;
use crate::http::auth::SERVERS;
use crate::operations::table::OPERATIONS;
use crate::{NAME, VERSION};

/// An operation of the plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As pipes write it.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// A JSON Schema of its `ctx`.
    pub schema: String,
}

/// A setting whose value is the URL of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its dotted path in `cfg`.
    pub url: String,
    /// Headers that requests to that server carry, where the configuration says them.
    pub headers: Vec<HeaderSetting>,
}

/// A header whose value a configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSetting {
    /// In lower case.
    pub name: &'static str,
    /// The dotted paths in `cfg` of its value; the first one that is present counts.
    pub settings: Vec<String>,
}

/// What the plug is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name by which pipes refer to it.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its operations.
    pub operations: Vec<Described>,
    /// What `deliver` accepts.
    pub sinks: Vec<&'static str>,
    /// The settings that name servers.
    pub servers: Vec<Server>,
}

/// Describes the plug.
pub fn describe() -> Description {
    let schemas = super::schemas::Schemas::read();
    let operation = |operation: &crate::operations::table::Operation| Described {
        name: operation.name,
        summary: operation.summary,
        schema: schemas.of(operation.name),
    };
    Description {
        name: NAME,
        version: VERSION,
        operations: OPERATIONS.iter().map(operation).collect(),
        sinks: SINKS.to_vec(),
        servers: servers(),
    }
}

/// The settings that name servers: those that may have credentials, flat and nested, and the webhook
/// of alerts.
fn servers() -> Vec<Server> {
    let mut servers = Vec::new();
    for prefix in [String::new(), format!("{NESTED}.")] {
        let path = |setting: &str| format!("{prefix}{setting}");
        for server in &SERVERS {
            let mut headers = Vec::new();
            if server.url == "grafana_url" {
                headers.push(HeaderSetting { name: "x-grafana-org-id", settings: vec![path("grafana_org_id")] });
            }
            let tenants = ["tenant", "org_id"].map(|field| path(&format!("{}.{field}", server.auth)));
            headers.push(HeaderSetting { name: "x-scope-orgid", settings: tenants.to_vec() });
            // What is scraped may be said at the top too.
            let urls = if server.url == "scrape_config.endpoint_url" {
                &["endpoint_url", server.url][..]
            } else {
                &[server.url][..]
            };
            servers.extend(urls.iter().map(|url| Server { url: path(url), headers: headers.clone() }));
        }
    }
    servers.push(Server { url: "alert_config.webhook_url".into(), headers: Vec::new() });
    servers
}

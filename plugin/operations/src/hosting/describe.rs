//! What the plug is.

use crate::config::{FORMER_SERVERS, FORMER_VERSION, FormerServer, NESTED};
use crate::hosting::SINKS;
use crate::http::auth::SERVERS;
use crate::operations::table::{OPERATIONS, Operation};
use crate::{NAME, VERSION};

/// An operation of the plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As pipes write it.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
}

/// A server whose URL a configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The dotted paths in `cfg` of its URL; the first one that is present counts.
    pub settings: Vec<String>,
    /// Headers that requests to that server carry, where the configuration says them.
    pub headers: Vec<HeaderSetting>,
    /// Its URL, where the configuration mentions none.
    pub default: Option<DefaultUrl>,
}

/// A URL for a server that a configuration does not mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultUrl {
    /// The dotted paths in `cfg` of a setting; the first one that is present counts.
    pub only_with: Vec<String>,
    /// The value that this setting must have.
    pub value: &'static str,
    /// The variable of the host's environment that holds the URL.
    pub environment: &'static str,
    /// The URL, if that holds none.
    pub url: &'static str,
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
    Description {
        name: NAME,
        version: VERSION,
        operations: OPERATIONS.iter().map(|&Operation { name, summary, .. }| Described { name, summary }).collect(),
        sinks: SINKS.to_vec(),
        servers: servers(),
    }
}

/// The JSON Schema of an operation's `ctx`; none for a name that is no operation.
///
/// It is not part of [`describe`], which a host calls whenever it starts the plug: to put all
/// schemas together takes some hundred times as long as everything else there.
pub fn schema(operation: &str) -> Option<String> {
    let known = OPERATIONS.iter().any(|known| known.name == operation);
    known.then(|| super::schemas::Schemas::read().of(operation))
}

/// The settings that name servers: those that may have credentials, and the webhook of alerts.
fn servers() -> Vec<Server> {
    // What is nested takes precedence.
    let places = |setting: &str| [format!("{NESTED}.{setting}"), setting.to_owned()];
    let mut servers = Vec::new();
    for server in &SERVERS {
        let mut headers = Vec::new();
        if server.url == "grafana_url" {
            headers.push(HeaderSetting { name: "x-grafana-org-id", settings: places("grafana_org_id").to_vec() });
        }
        let tenants = ["tenant", "org_id"].map(|field| places(&format!("{}.{field}", server.auth)));
        let [[tenant, flat_tenant], [org, flat_org]] = tenants;
        headers.push(HeaderSetting { name: "x-scope-orgid", settings: vec![tenant, org, flat_tenant, flat_org] });
        // What is scraped may be said at the top too.
        let at_top = (server.url == "scrape_config.endpoint_url").then_some("endpoint_url");
        for setting in at_top.into_iter().chain([server.url]) {
            let former = FORMER_SERVERS.iter().find(|former| former.setting == setting);
            let default = former.map(|FormerServer { environment, url, .. }| DefaultUrl {
                only_with: places("compatibility").to_vec(),
                value: FORMER_VERSION,
                environment,
                url,
            });
            servers.push(Server { settings: places(setting).to_vec(), headers: headers.clone(), default });
        }
    }
    servers.push(Server { settings: vec!["alert_config.webhook_url".into()], headers: Vec::new(), default: None });
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_of_one_server() {
        let servers = servers();
        let defaults: Vec<_> = servers
            .iter()
            .filter_map(|server| Some((server.settings.last()?.as_str(), server.default.as_ref()?)))
            .collect();
        let told: Vec<_> =
            defaults.iter().map(|(setting, default)| (*setting, default.environment, default.url)).collect();
        let expected = [
            ("prometheus_url", "PROMETHEUS_URL", "http://127.0.0.1:9090"),
            ("gateway_url", "PUSHGATEWAY_URL", "http://127.0.0.1:9091"),
            ("grafana_url", "GRAFANA_URL", "http://127.0.0.1:3000"),
        ];
        assert_eq!(told, expected);
        assert!(defaults.iter().all(|(_, default)| default.value == "1.0.0"));
    }
}

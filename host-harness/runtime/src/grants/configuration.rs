//! Grants implied by a plug's configuration: the origins in server settings, and headers whose
//! value is a setting.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Grants, Origin, OriginGrant, parse_url};
use crate::answer::Server;

impl Server {
    fn origin(&self, config: &Value) -> Option<Origin> {
        Origin::of(&parse_url(&first_text(config, &self.settings)?).ok()?)
    }
}

/// The value at a path of keys separated by dots.
pub(crate) fn at<'v>(config: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(config, |place, key| place.get(key))
}

/// A setting as a string: the value at the first of these paths that is present. Null and empty
/// text are present and nothing. A path consists of keys separated by dots.
pub fn first_text(config: &Value, paths: &[impl AsRef<str>]) -> Option<String> {
    match paths.iter().find_map(|path| at(config, path.as_ref()))? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// The origins of the settings that name a server (`servers` of a plug's
/// [`Description`](crate::Description)): what a configuration asks for. A URL that stands anywhere
/// else, such as in a label, asks for nothing.
pub fn origins_in(config: &Value, servers: &[Server]) -> BTreeSet<Origin> {
    servers.iter().filter_map(|server| server.origin(config)).collect()
}

impl Grants {
    /// Grants the origins that a configuration names in settings of servers ([`origins_in`]),
    /// nothing else.
    pub fn named_by(config: &Value, servers: &[Server]) -> Self {
        let mut grants = Self::none();
        grants.origins.extend(origins_in(config, servers).into_iter().map(OriginGrant::from));
        grants
    }

    /// Grants for origins that are granted already the headers that the configuration of their
    /// server says, such as a tenant, with that value and no other. What is said of a header stays.
    pub(crate) fn with_headers_of(mut self, config: &Value, servers: &[Server]) -> Self {
        for server in servers {
            let Some(origin) = server.origin(config) else { continue };
            for header in &server.headers {
                let Some(value) = first_text(config, &header.settings) else { continue };
                let grant = |mut grant: OriginGrant| {
                    if grant.origin == origin {
                        grant.headers.entry(header.name.clone()).or_insert_with(|| Some(value.clone()));
                    }
                    grant
                };
                self.origins = self.origins.into_iter().map(grant).collect();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::HeaderSetting;
    use crate::grants;

    /// Settings are in a group of their own or at the top, which the plug alone knows.
    fn servers() -> Vec<Server> {
        let places = |path: &&str| [format!("prometheus_config.{path}"), (*path).to_owned()];
        let server = |url: &str, headers: &[(&str, &[&str])]| {
            let header = |(name, settings): &(&str, &[&str])| HeaderSetting {
                name: (*name).into(),
                settings: settings.iter().flat_map(places).collect(),
            };
            Server { settings: places(&url).to_vec(), headers: headers.iter().map(header).collect(), default: None }
        };
        vec![
            server("prometheus_url", &[("x-scope-orgid", &["prometheus_auth.tenant", "prometheus_auth.org_id"])]),
            server("gateway_url", &[("x-scope-orgid", &["gateway_auth.tenant", "gateway_auth.org_id"])]),
            server("grafana_url", &[("x-grafana-org-id", &["grafana_org_id"])]),
            server("ruler_url", &[("x-scope-orgid", &["ruler_auth.tenant", "ruler_auth.org_id"])]),
            server("alertmanager_url", &[]),
            server("scrape_config.endpoint_url", &[]),
            server("alert_config.webhook_url", &[]),
        ]
    }

    #[test]
    fn a_configuration_grants_the_origins_of_its_servers_and_nothing_else() {
        let config = json!({
            "prometheus_config": {"gateway_url": "http://user:pw@GW.example/path", "job_name": "http://no.example"},
            "alert_config": {"webhook_url": "https://hook.example:8443/x", "runbook_url": "http://runbook.example"},
            "scrape_config": {"endpoint_url": "http://node.example:9100/metrics"},
            "gateway_url": "http://below.example",
            "grafana_url": "",
            "prometheus_url": "not a url",
            "alertmanager_url": "http://B\u{fc}cher.example",
            "external_labels": {"logo_url": "http://logo.example", "prometheus_url": "http://label.example"},
            "steps": [{"webhook_url": "http://list.example"}],
            "other_url": "http://other.example",
        });
        let grants = Grants::named_by(&config, &servers());
        let origins: Vec<String> = grants.origins.iter().map(OriginGrant::to_string).collect();
        assert_eq!(origins, ["http://gw.example:80", "http://node.example:9100", "https://hook.example:8443"]);
        assert_eq!(Grants { origins: grants.origins.clone(), ..Grants::none() }, grants);
    }

    #[test]
    fn a_configured_tenant_grants_its_header_to_that_origin() {
        let granted = |config: Value| {
            let text = "origins:\n- https://mimir.example/prometheus\n- https://grafana.example\n\
                        - {url: 'https://said.example', headers: {X-Scope-OrgID: theirs}}";
            let grants = grants::read(text, std::path::Path::new("")).unwrap().with_headers_of(&config, &servers());
            let headers = grants.origins.into_iter().map(|grant| (grant.origin.host().to_owned(), grant.headers));
            serde_json::to_value(headers.collect::<std::collections::BTreeMap<_, _>>()).unwrap()
        };
        let config = json!({
            "prometheus_config": {
                "prometheus_url": "https://mimir.example/prometheus",
                "prometheus_auth": {"tenant": "team-1", "org_id": "not-this"},
                "grafana_url": "https://grafana.example", "grafana_org_id": 2,
                "ruler_url": "https://said.example", "ruler_auth": {"org_id": "ours"},
                "gateway_auth": {"tenant": "without a server"},
            },
        });
        let expected = json!({
            "mimir.example": {"x-scope-orgid": "team-1"},
            "grafana.example": {"x-grafana-org-id": "2"},
            "said.example": {"x-scope-orgid": "theirs"},
        });
        assert_eq!(granted(config), expected);
        assert_eq!(granted(json!({}))["mimir.example"], json!({}));
    }
}

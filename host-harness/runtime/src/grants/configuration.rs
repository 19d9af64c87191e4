//! Grants implied by a plug's configuration: the origins in server settings, and headers whose
//! value is a setting.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server_settings::{SERVER_SETTINGS, ServerSetting};
use super::{Grants, Origin, OriginGrant, parse_url};

impl ServerSetting {
    fn origin(&self, config: &Value) -> Option<Origin> {
        Origin::of(&parse_url(&text_of(config, self.url)?).ok()?)
    }
}

/// A setting as a string, looked up like the plug does: `prometheus_config` takes precedence over
/// the top level, and empty strings and null count as missing. `path` consists of keys separated by
/// dots.
pub fn text_of(config: &Value, path: &str) -> Option<String> {
    let within = |config| path.split('.').try_fold(config, |place: &Value, key| place.get(key));
    match config.get("prometheus_config").and_then(within).or_else(|| within(config))? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// The origins of a configuration's server settings. Other URLs, such as in labels, do not count.
pub fn origins_in(config: &Value) -> BTreeSet<Origin> {
    SERVER_SETTINGS.iter().filter_map(|setting| setting.origin(config)).collect()
}

impl Grants {
    /// Grants only the origins of a configuration's server settings ([`origins_in`]).
    pub fn named_by(config: &Value) -> Self {
        let mut grants = Self::none();
        grants.origins.extend(origins_in(config).into_iter().map(OriginGrant::from));
        grants
    }

    /// Grants the headers configured for a server, such as a tenant, with exactly the configured
    /// value, to already granted origins. Explicit header grants take precedence.
    pub(crate) fn with_headers_of(mut self, config: &Value) -> Self {
        for setting in SERVER_SETTINGS {
            let Some(origin) = setting.origin(config) else { continue };
            for (header, paths) in setting.headers {
                let Some(value) = paths.iter().find_map(|path| text_of(config, path)) else { continue };
                let grant = |mut grant: OriginGrant| {
                    if grant.origin == origin {
                        grant.headers.entry((*header).to_owned()).or_insert_with(|| Some(value.clone()));
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
    use crate::grants;

    #[test]
    fn a_configuration_grants_only_the_origins_of_its_servers() {
        let grants = Grants::named_by(&json!({
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
        }));
        let origins: Vec<String> = grants.origins.iter().map(OriginGrant::to_string).collect();
        assert_eq!(origins, ["http://gw.example:80", "http://node.example:9100", "https://hook.example:8443"]);
        assert_eq!(Grants { origins: grants.origins.clone(), ..Grants::none() }, grants);
    }

    #[test]
    fn a_configured_tenant_grants_its_header_to_that_origin() {
        let granted = |config: Value| {
            let text = "origins:\n- https://mimir.example/prometheus\n- https://grafana.example\n\
                        - {url: 'https://said.example', headers: {X-Scope-OrgID: theirs}}";
            let grants = grants::read(text, std::path::Path::new("")).unwrap().with_headers_of(&config);
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

//! Grafana's data sources.

use serde::Deserialize;

use crate::scalar::{Any, Flag, Labels, Text};

/// Which data source: `datasource_health`; `ensure_datasource` has these fields beside its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DatasourceName<'a> {
    /// What people read, unique in an organisation; `Prometheus` by default.
    pub name: Text<'a>,
    /// What dashboards refer to; made from the name by default.
    pub uid: Text<'a>,
}

/// `ensure_datasource`, beside [`DatasourceName`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct EnsureDatasource<'a> {
    /// Where Grafana reaches the server; the `prometheus_url` by default.
    pub datasource_url: Text<'a>,
    /// Whether panels that name no data source use this one; left as it is by default.
    pub default: Flag,
    /// Settings of the type, an object: `httpMethod`, `timeInterval`, …
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub json_data: Any<'a>,
    /// What Grafana never tells again: `basicAuthPassword`, `httpHeaderValue1`, …
    pub secure_json_data: Labels<'a>,
    /// Who Grafana is to the server, by basic credentials; the URL's user by default.
    pub basic_auth_user: Text<'a>,
    /// Whether secrets are sent although Grafana has some; false by default.
    pub renew_secrets: Flag,
    /// Whether it is only said what would be done; false by default.
    pub dry_run: Flag,
    /// Whether differences are told; false by default.
    pub diff: Flag,
}

//! Grafana's data sources.

use serde::Deserialize;

use crate::scalar::{Any, Flag, Labels, Text};

/// The data source: for `datasource_health` and `ensure_datasource`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DatasourceName<'a> {
    /// The name, unique in an organization; `Prometheus` by default.
    pub name: Text<'a>,
    /// The uid that dashboards reference; derived from the name by default.
    pub uid: Text<'a>,
}

/// `ensure_datasource`, in addition to [`DatasourceName`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct EnsureDatasource<'a> {
    /// The server's URL as seen by Grafana; `prometheus_url` by default.
    pub datasource_url: Text<'a>,
    /// Whether this is the default data source; unchanged by default.
    pub default: Flag,
    /// An object with settings of the data source type: `httpMethod`, `timeInterval`, …
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub json_data: Any<'a>,
    /// Secrets, which Grafana never returns: `basicAuthPassword`, `httpHeaderValue1`, …
    pub secure_json_data: Labels<'a>,
    /// The user for basic authentication with the server; the URL's user by default.
    pub basic_auth_user: Text<'a>,
    /// Whether secrets are sent even if Grafana already has some; false by default.
    pub renew_secrets: Flag,
    /// Whether to only report what would be done; false by default.
    pub dry_run: Flag,
    /// Whether to report differences; false by default.
    pub diff: Flag,
}

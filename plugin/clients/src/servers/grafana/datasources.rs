//! Data sources.

use serde::Deserialize;
use serde_json::Value;

use super::{Api, bad_response, error_message, read, refusal};
use crate::error::Error;
use crate::http::{Method, Segment, Url, redacted};
use plugpipe_contract::responses::DashboardChange;
use plugpipe_provisioning::dashboards::diff::changes;
use plugpipe_provisioning::dashboards::members::{Map, Members as _};

/// The most differences reported per data source.
const MAX_CHANGES: usize = 20;

/// The desired state of a data source of type `prometheus`.
#[derive(Debug, Clone, PartialEq)]
pub struct Datasource {
    /// Dashboards refer to it by this uid.
    pub uid: String,
    /// The display name; unique in an organization.
    pub name: String,
    /// The server's URL as seen by Grafana, without user and password.
    pub url: Url,
    /// Whether it is the default data source; `None` leaves that unchanged.
    pub is_default: Option<bool>,
    /// Settings of the type: `httpMethod`, `timeInterval`, …
    pub json_data: Map,
    /// The user for basic authentication.
    pub basic_auth_user: Option<String>,
    /// Secrets, which Grafana never returns: `basicAuthPassword`, `httpHeaderValue1`, …
    pub secure_json_data: Map,
    /// Whether to send secrets even if some are stored, since they cannot be compared.
    pub renew_secrets: bool,
}

impl Datasource {
    /// The request body: the current state overlaid with the desired one, because Grafana drops
    /// omitted fields.
    fn body(&self, current: Option<&Map>) -> Map {
        let mut body = current.cloned().unwrap_or_default();
        for name in ["id", "orgId", "secureJsonFields", "readOnly", "typeName", "typeLogoUrl", "accessControl"] {
            body.remove(name);
        }
        let mut json_data = body.map("jsonData").cloned().unwrap_or_default();
        json_data.extend(self.json_data.clone());
        if current.is_none() {
            // Long expressions do not fit in a URL.
            json_data.set_default("httpMethod", "POST");
        }
        body.extend(self.public_fields());
        body.set("jsonData", json_data);
        if !self.secure_json_data.is_empty() {
            body.set("secureJsonData", self.secure_json_data.clone());
        }
        body
    }

    /// The fields that Grafana returns, without secrets.
    fn public_fields(&self) -> Map {
        let mut body = Map::default();
        body.set("uid", self.uid.as_str());
        body.set("name", self.name.as_str());
        body.set("type", "prometheus");
        body.set("access", "proxy");
        body.set("url", redacted(&self.url));
        body.set("basicAuth", self.basic_auth_user.is_some());
        body.set("jsonData", self.json_data.clone());
        if let Some(is_default) = self.is_default {
            body.set("isDefault", is_default);
        }
        if let Some(user) = &self.basic_auth_user {
            body.set("basicAuthUser", user.as_str());
        }
        body
    }

    /// Compares with the current state. For secrets, only their presence can be compared.
    pub fn differs(&self, current: &Map) -> Vec<DashboardChange> {
        let mut found = changes(&self.public_fields(), current, MAX_CHANGES);
        let stored = current.map("secureJsonFields");
        for name in self.secure_json_data.keys() {
            let is_stored = stored.and_then(|stored| stored.get(name)) == Some(&Value::Bool(true));
            if !is_stored || self.renew_secrets {
                let was = is_stored.then(|| "(a secret)".to_owned());
                let wanted = Some("(a secret)".to_owned());
                found.push(DashboardChange { path: format!("secureJsonData.{name}"), was, wanted });
            }
        }
        found
    }
}

/// The response of a data source's health check.
#[derive(Deserialize)]
struct Health {
    status: Option<String>,
    message: Option<String>,
}

impl Api<'_> {
    /// The data source with this uid, if it exists.
    pub fn datasource(&mut self, uid: &str) -> Result<Option<Map>, Error> {
        let url = self.url(["datasources".into(), "uid".into(), Segment::of(uid, "uid")?]);
        self.found(&url)
    }

    /// Creates a data source, or updates the current one.
    pub fn save_datasource(&mut self, wanted: &Datasource, current: Option<&Map>) -> Result<(), Error> {
        let (method, url) = match current {
            Some(_) => (Method::Put, self.url(["datasources".into(), "uid".into(), Segment::of(&wanted.uid, "uid")?])),
            None => (Method::Post, self.url(["datasources".into()])),
        };
        let response = self.send_json(method, &url, &wanted.body(current))?;
        match response.status {
            200 | 201 => Ok(()),
            409 => Err(refusal(&url, &response, "another data source has this name: use another name, or its uid")),
            403 => {
                Err(refusal(&url, &response, "the credentials need the permission to write data sources (role Admin)"))
            }
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// Runs Grafana's health check of a data source: whether it is healthy, and the message.
    pub fn datasource_health(&mut self, uid: &str) -> Result<(bool, String), Error> {
        let url = self.url(["datasources".into(), "uid".into(), Segment::of(uid, "uid")?, "health".into()]);
        let response = self.get(&url)?;
        match response.status {
            200 => {}
            // The data source is unhealthy, which is a valid result.
            400 | 500 | 502 | 503 if read::<Health>(&url, &response).is_ok_and(|body| body.status.is_some()) => {}
            404 => {
                return Err(refusal(
                    &url,
                    &response,
                    "there is no data source with this uid: ensure_datasource creates one",
                ));
            }
            _ => return Err(refusal(&url, &response, "")),
        }
        let Health { status, message } = read(&url, &response)?;
        let status = status.ok_or_else(|| bad_response(&url, "expected a status"))?;
        let message = message.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| error_message(&response));
        Ok((status == "OK", message))
    }
}

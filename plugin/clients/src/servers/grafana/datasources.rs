//! Data sources: where Grafana's panels get their series.

use serde::Deserialize;
use serde_json::Value;

use super::{Api, bad, no, read, said};
use crate::error::Error;
use crate::http::{Method, Segment, Url, redacted};
use plugpipe_contract::responses::DashboardChange;
use plugpipe_provisioning::dashboards::diff::changes;
use plugpipe_provisioning::dashboards::members::{Map, Members as _};

/// Most differences that are told of one data source.
const MAX_CHANGES: usize = 20;

/// A data source of the type `prometheus`, as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Datasource {
    /// What dashboards refer to.
    pub uid: String,
    /// What people read; unique in an organisation.
    pub name: String,
    /// Where Grafana reaches the server: without user and password.
    pub url: Url,
    /// Whether panels that name none use this one; none leaves that as it is.
    pub is_default: Option<bool>,
    /// Settings of the type: `httpMethod`, `timeInterval`, …
    pub json_data: Map,
    /// Who Grafana is to the server, by basic credentials.
    pub basic_auth_user: Option<String>,
    /// What Grafana never tells again: `basicAuthPassword`, `httpHeaderValue1`, …
    pub secure_json_data: Map,
    /// Whether secrets are sent although Grafana has some: it does not tell whether they are the
    /// same.
    pub renew_secrets: bool,
}

impl Datasource {
    /// The request's body: what Grafana holds, with what is wanted put over it, because what is not
    /// told is dropped.
    fn body(&self, held: Option<&Map>) -> Map {
        let mut body = held.cloned().unwrap_or_default();
        for name in ["id", "orgId", "secureJsonFields", "readOnly", "typeName", "typeLogoUrl", "accessControl"] {
            body.remove(name);
        }
        let mut json_data = body.map("jsonData").cloned().unwrap_or_default();
        json_data.extend(self.json_data.clone());
        if held.is_none() {
            // Long expressions do not fit into a URL.
            json_data.set_default("httpMethod", "POST");
        }
        body.extend(self.told());
        body.set("jsonData", json_data);
        if !self.secure_json_data.is_empty() {
            body.set("secureJsonData", self.secure_json_data.clone());
        }
        body
    }

    /// What Grafana tells again.
    fn told(&self) -> Map {
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

    /// Compares with what Grafana holds. Of secrets only whether there are any can be told.
    pub fn differs(&self, held: &Map) -> Vec<DashboardChange> {
        let mut found = changes(&self.told(), held, MAX_CHANGES);
        let kept = held.map("secureJsonFields");
        for name in self.secure_json_data.keys() {
            let is_kept = kept.and_then(|kept| kept.get(name)) == Some(&Value::Bool(true));
            if !is_kept || self.renew_secrets {
                let was = is_kept.then(|| "(a secret)".to_owned());
                let wanted = Some("(a secret)".to_owned());
                found.push(DashboardChange { path: format!("secureJsonData.{name}"), was, wanted });
            }
        }
        found
    }
}

/// The health of the server behind a data source.
#[derive(Deserialize)]
struct Health {
    status: Option<String>,
    message: Option<String>,
}

impl Api<'_> {
    /// The data source of that uid, if there is one.
    pub fn datasource(&mut self, uid: &str) -> Result<Option<Map>, Error> {
        let url = self.url(["datasources".into(), "uid".into(), Segment::of(uid, "uid")?]);
        self.found(&url)
    }

    /// Makes a data source, or changes the one that is held.
    pub fn save_datasource(&mut self, wanted: &Datasource, held: Option<&Map>) -> Result<(), Error> {
        let (method, url) = match held {
            Some(_) => (Method::Put, self.url(["datasources".into(), "uid".into(), Segment::of(&wanted.uid, "uid")?])),
            None => (Method::Post, self.url(["datasources".into()])),
        };
        let response = self.tell(method, &url, &wanted.body(held))?;
        match response.status {
            200 | 201 => Ok(()),
            409 => Err(no(&url, &response, "another data source has this name: give another name, or its uid")),
            403 => Err(no(&url, &response, "the credentials need the permission to write data sources (role Admin)")),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Lets Grafana ask the server behind a data source: whether it is well, and in whose words
    /// not.
    pub fn datasource_health(&mut self, uid: &str) -> Result<(bool, String), Error> {
        let url = self.url(["datasources".into(), "uid".into(), Segment::of(uid, "uid")?, "health".into()]);
        let response = self.get(&url)?;
        match response.status {
            200 => {}
            // The server behind it is not well; that is an answer.
            400 | 500 | 502 | 503 if read::<Health>(&url, &response).is_ok_and(|body| body.status.is_some()) => {}
            404 => return Err(no(&url, &response, "there is no data source of this uid: ensure_datasource makes one")),
            _ => return Err(no(&url, &response, "")),
        }
        let Health { status, message } = read(&url, &response)?;
        let status = status.ok_or_else(|| bad(&url, "a status was expected"))?;
        let message = message.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| said(&response));
        Ok((status == "OK", message))
    }
}

//! Data sources: where Grafana's panels get their series.

use super::{Api, bad, no, object, said};
use crate::error::Error;
use crate::http::{Method, Segment, Url, redacted};
use plugpipe_provisioning::dashboards::diff::{Change, changes};
use plugpipe_provisioning::dashboards::tree::{Map, Tree};

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
    /// Whether secrets are sent although Grafana has some: it does not tell whether they are the same.
    pub renew_secrets: bool,
}

impl Datasource {
    /// The request's body: what Grafana holds, with what is wanted put over it, because what is not told is dropped.
    fn body(&self, held: Option<&Map>) -> Map {
        let mut body = held.cloned().unwrap_or_default();
        for name in ["id", "orgId", "secureJsonFields", "readOnly", "typeName", "typeLogoUrl", "accessControl"] {
            body.take(name);
        }
        let mut json_data = body.map("jsonData").cloned().unwrap_or_default();
        for (name, value) in self.json_data.iter() {
            json_data.set(name, value.clone());
        }
        if held.is_none() {
            // Long expressions do not fit into a URL.
            json_data.set_default("httpMethod", "POST");
        }
        for (name, value) in self.told().iter() {
            body.set(name, value.clone());
        }
        body.set("jsonData", json_data);
        if self.secure_json_data.iter().next().is_some() {
            body.set("secureJsonData", self.secure_json_data.clone());
        }
        body
    }

    /// What Grafana tells again.
    fn told(&self) -> Map {
        let mut body = Map::from([
            ("uid", self.uid.as_str().into()),
            ("name", self.name.as_str().into()),
            ("type", "prometheus".into()),
            ("access", "proxy".into()),
            ("url", redacted(&self.url).as_str().into()),
            ("basicAuth", self.basic_auth_user.is_some().into()),
            ("jsonData", self.json_data.clone().into()),
        ]);
        if let Some(is_default) = self.is_default {
            body.set("isDefault", is_default);
        }
        if let Some(user) = &self.basic_auth_user {
            body.set("basicAuthUser", user.as_str());
        }
        body
    }

    /// Compares with what Grafana holds. Of secrets only whether there are any can be told.
    pub fn differs(&self, held: &Map) -> Vec<Change> {
        let mut found = changes(&self.told(), held, MAX_CHANGES);
        let kept = held.map("secureJsonFields");
        for (name, _) in self.secure_json_data.iter() {
            let is_kept = kept.and_then(|kept| kept.get(name)) == Some(&Tree::Flag(true));
            if !is_kept || self.renew_secrets {
                let was = is_kept.then(|| "(a secret)".to_owned());
                let wanted = Some("(a secret)".to_owned());
                found.push(Change { path: format!("secureJsonData.{name}"), was, wanted });
            }
        }
        found
    }
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

    /// Lets Grafana ask the server behind a data source: whether it is well, and in whose words not.
    pub fn datasource_health(&mut self, uid: &str) -> Result<(bool, String), Error> {
        let url = self.url(["datasources".into(), "uid".into(), Segment::of(uid, "uid")?, "health".into()]);
        let response = self.get(&url)?;
        match response.status {
            200 => {}
            // The server behind it is not well; that is an answer.
            400 | 500 | 502 | 503 if object(&url, &response).is_ok_and(|body| body.text("status").is_some()) => {}
            404 => return Err(no(&url, &response, "there is no data source of this uid: ensure_datasource makes one")),
            _ => return Err(no(&url, &response, "")),
        }
        let body = object(&url, &response)?;
        let status = body.text("status").ok_or_else(|| bad(&url, "a status was expected"))?;
        let message = body.text("message").map_or_else(|| said(&response), str::to_owned);
        Ok((status == "OK", message))
    }
}

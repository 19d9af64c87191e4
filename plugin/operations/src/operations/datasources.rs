//! `ensure_datasource` and `datasource_health`: Grafana's Prometheus data sources.

use super::call::Call;
use super::dashboards::verified;
use crate::dashboards::members::{Map, Members as _};
use crate::dashboards::uid;
use crate::error::Error;
use crate::http::Url;
use crate::servers::grafana::Datasource;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{DatasourceName, EnsureDatasource};
use plugpipe_contract::responses::{DatasourceAction, DatasourceHealth, EnsuredDatasource};
use plugpipe_contract::scalar::Any;
use plugpipe_contract::written::kind_of;
use serde_json::Value;

/// The maximum length of a data source name, in bytes.
const MAX_NAME_LEN: usize = 190;

/// The default name of the data source.
const NAME: &str = "Prometheus";

/// `ensure_datasource`: creates or updates a data source of type `prometheus`.
pub fn ensure(
    call: &mut Call,
    Both(which, request): &Both<DatasourceName, EnsureDatasource>,
) -> Result<EnsuredDatasource, Error> {
    let wanted = wanted(which, request, call.config.prometheus_url.as_ref())?;
    let dry_run = request.dry_run.or(false);
    if call.config.mock {
        let Datasource { uid, name, .. } = wanted;
        return Ok(EnsuredDatasource { uid, name, mock: true, ..EnsuredDatasource::default() });
    }
    let mut api = verified(call)?;
    let held = api.datasource(&wanted.uid)?;
    let changes = held.as_ref().map(|held| wanted.differs(held));
    let action = match &changes {
        None => DatasourceAction::Created,
        Some(changes) if changes.is_empty() => DatasourceAction::Unchanged,
        Some(_) => DatasourceAction::Updated,
    };
    let is_ready = action == DatasourceAction::Unchanged;
    if !dry_run && !is_ready {
        api.save_datasource(&wanted, held.as_ref())?;
    }
    Ok(EnsuredDatasource {
        uid: wanted.uid,
        name: wanted.name,
        mock: false,
        action: Some(action),
        datasource_ready: !dry_run || is_ready,
        dry_run,
        changes: request.diff.or(false).then(|| changes.unwrap_or_default()),
    })
}

/// `datasource_health`: whether Grafana can reach the server of a data source.
pub fn health(call: &mut Call, request: &DatasourceName) -> Result<DatasourceHealth, Error> {
    let (_, uid) = name_and_uid(request)?;
    if call.config.mock {
        return Ok(DatasourceHealth { uid, mock: true, healthy: false, message: None });
    }
    let (healthy, message) = verified(call)?.datasource_health(&uid)?;
    Ok(DatasourceHealth { uid, mock: false, healthy, message: Some(message) })
}

fn name_and_uid(which: &DatasourceName) -> Result<(String, String), Error> {
    let name = which.name.get().unwrap_or(NAME);
    if name.len() > MAX_NAME_LEN {
        return Err(Error::invalid("name", format!("expected at most {MAX_NAME_LEN} bytes, got {}", name.len())));
    }
    let uid = match which.uid.get() {
        None => uid::derive(&[], name),
        Some(given) => {
            uid::check(given).map_err(|problem| Error::invalid("uid", problem))?;
            given.to_owned()
        }
    };
    Ok((name.to_owned(), uid))
}

/// `server` is the data source's URL unless the request has one.
fn wanted(which: &DatasourceName, request: &EnsureDatasource, server: Option<&Url>) -> Result<Datasource, Error> {
    let (name, uid) = name_and_uid(which)?;
    let url = match request.datasource_url.get() {
        Some(text) => Url::parse(text).map_err(|problem| Error::invalid("datasource_url", problem))?,
        None => server.cloned().ok_or(Error::missing(
            "datasource_url",
            "the server's URL as seen by Grafana, unless prometheus_url is set",
        ))?,
    };
    let mut secure_json_data = Map::default();
    for (name, secret) in request.secure_json_data.iter() {
        secure_json_data.set(name, secret);
    }
    let mut basic_auth_user = request.basic_auth_user.to_owned();
    if let Some((user, password)) = url.credentials() {
        basic_auth_user.get_or_insert_with(|| user.to_owned());
        secure_json_data.set_default("basicAuthPassword", password);
    }
    Ok(Datasource {
        uid,
        name,
        url,
        is_default: request.default.get(),
        json_data: object(request.json_data, "json_data")?,
        basic_auth_user,
        secure_json_data,
        renew_secrets: request.renew_secrets.or(false),
    })
}

/// An object with arbitrary members.
fn object(given: Any, field: &str) -> Result<Map, Error> {
    let Some(text) = given.get() else { return Ok(Map::default()) };
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::invalid(field, format!("expected an object, got {}", kind_of(text)))),
        Err(problem) => Err(Error::invalid(field, problem.to_string())),
    }
}

//! `ensure_datasource` and `datasource_health`: the data source from which Grafana's panels get their series.

use super::dashboards::verified;
use super::{Answer, Call};
use crate::dashboards::tree::{Map, Tree};
use crate::dashboards::uid;
use crate::error::Error;
use crate::http::Url;
use crate::servers::grafana::Datasource;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{DatasourceName, EnsureDatasource};
use plugpipe_contract::scalar::Any;
use plugpipe_contract::written::kind_of;

/// Longest name of a data source, in bytes.
const MAX_NAME_LEN: usize = 190;

/// The data source that is found, or made where it is missing.
const NAME: &str = "Prometheus";

/// `ensure_datasource`: a data source of the type `prometheus` is there, as it is given.
pub(super) fn ensure(
    call: &mut Call,
    Both(which, request): &Both<DatasourceName, EnsureDatasource>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let wanted = wanted(which, request, call.config.prometheus_url.as_ref())?;
    let dry_run = request.dry_run.or(false);
    answer.text("uid", &wanted.uid);
    answer.text("name", &wanted.name);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("datasource_ready", false);
        return Ok(());
    }
    let mut api = verified(call)?;
    let held = api.datasource(&wanted.uid)?;
    let changes = held.as_ref().map(|held| wanted.differs(held));
    let action = match &changes {
        None => "created",
        Some(changes) if changes.is_empty() => "unchanged",
        Some(_) => "updated",
    };
    if !dry_run && action != "unchanged" {
        api.save_datasource(&wanted, held.as_ref())?;
    }
    answer.text("action", action);
    answer.flag("datasource_ready", !dry_run || action == "unchanged");
    if dry_run {
        answer.flag("dry_run", true);
    }
    if request.diff.or(false) {
        super::dashboards::tell_changes(changes.as_deref().unwrap_or_default(), answer);
    }
    Ok(())
}

/// `datasource_health`: whether Grafana reaches the server behind a data source.
pub(super) fn health(call: &mut Call, request: &DatasourceName, answer: &mut Answer) -> Result<(), Error> {
    let (_, uid) = name_and_uid(request)?;
    answer.text("uid", &uid);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("healthy", false);
        return Ok(());
    }
    let (healthy, message) = verified(call)?.datasource_health(&uid)?;
    answer.flag("healthy", healthy);
    answer.text("message", &message);
    Ok(())
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

/// `server` is where the data source leads unless the request says so.
fn wanted(which: &DatasourceName, request: &EnsureDatasource, server: Option<&Url>) -> Result<Datasource, Error> {
    let (name, uid) = name_and_uid(which)?;
    let url = match request.datasource_url.get() {
        Some(text) => Url::parse(text).map_err(|problem| Error::invalid("datasource_url", problem))?,
        None => server.cloned().ok_or(Error::missing(
            "datasource_url",
            "the URL by which Grafana reaches the server; without one the prometheus_url is taken",
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

/// An object in which anything may stand.
fn object(given: Any, field: &str) -> Result<Map, Error> {
    let Some(text) = given.get() else { return Ok(Map::default()) };
    match Tree::parse(text) {
        Ok(Tree::Map(map)) => Ok(map),
        Ok(_) => Err(Error::invalid(field, format!("expected an object, got {}", kind_of(text)))),
        Err(problem) => Err(Error::invalid(field, problem)),
    }
}

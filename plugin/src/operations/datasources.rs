//! `ensure_datasource` and `datasource_health`: the data source from which Grafana's panels get their series.

use super::dashboards::verified;
use super::{Answer, Call};
use crate::dashboards::tree::{Map, Tree};
use crate::dashboards::uid;
use crate::error::Error;
use crate::http::Url;
use crate::json::Json;
use crate::servers::grafana::Datasource;

/// Longest name of a data source, in bytes.
const MAX_NAME_LEN: usize = 190;

/// The data source that is found, or made where it is missing.
const NAME: &str = "Prometheus";

/// `ensure_datasource`: a data source of the type `prometheus` is there, as it is given.
pub(super) fn ensure(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let wanted = wanted(call)?;
    let dry_run = call.ctx.flag_or("dry_run", false)?;
    let diff = call.ctx.flag_or("diff", false)?;
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
    if diff {
        super::dashboards::tell_changes(changes.as_deref().unwrap_or_default(), answer);
    }
    Ok(())
}

/// `datasource_health`: whether Grafana reaches the server behind a data source.
pub(super) fn health(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let uid = given_uid(call, &name(call)?)?;
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

fn name(call: &Call) -> Result<String, Error> {
    let name = call.ctx.text_or_none("name", "a data source's name")?.unwrap_or_else(|| NAME.into());
    if name.len() > MAX_NAME_LEN {
        return Err(Error::invalid("name", format!("expected at most {MAX_NAME_LEN} bytes, got {}", name.len())));
    }
    Ok(name)
}

fn given_uid(call: &Call, name: &str) -> Result<String, Error> {
    let Some(given) = call.ctx.text_or_none("uid", "a data source's uid")? else { return Ok(uid::derive(&[], name)) };
    uid::check(&given).map_err(|problem| Error::invalid("uid", problem))?;
    Ok(given)
}

fn wanted(call: &Call) -> Result<Datasource, Error> {
    let ctx = &call.ctx;
    let name = name(call)?;
    let url = match ctx.text_or_none("datasource_url", "a URL")? {
        Some(text) => Url::parse(&text).map_err(|problem| Error::invalid("datasource_url", problem))?,
        None => call.config.prometheus_url.clone().ok_or(Error::missing(
            "datasource_url",
            "the URL by which Grafana reaches the server; without one the prometheus_url is taken",
        ))?,
    };
    let mut secure_json_data = texts(ctx.object("secure_json_data")?)?;
    let mut basic_auth_user = ctx.text_or_none("basic_auth_user", "a user")?;
    if let Some((user, password)) = url.credentials() {
        basic_auth_user.get_or_insert_with(|| user.to_owned());
        secure_json_data.set_default("basicAuthPassword", password);
    }
    let json_data = match ctx.object("json_data")? {
        Some(given) => given.iter().map(|(name, value)| (name, Tree::from(value))).fold(Map::default(), put),
        None => Map::default(),
    };
    let is_default = ctx.some("default").map(|_| ctx.flag_or("default", false)).transpose()?;
    let renew_secrets = ctx.flag_or("renew_secrets", false)?;
    let uid = given_uid(call, &name)?;
    Ok(Datasource { uid, name, url, is_default, json_data, basic_auth_user, secure_json_data, renew_secrets })
}

fn put(mut map: Map, (name, value): (&str, Tree)) -> Map {
    map.set(name, value);
    map
}

/// The secrets: texts only. An error does not show them.
fn texts(given: Option<&crate::json::Object>) -> Result<Map, Error> {
    let mut texts = Map::default();
    for (name, value) in given.into_iter().flat_map(|given| given.iter()) {
        let Json::String(text) = value else {
            let field = format!("secure_json_data.{}", crate::error::excerpt(name, 100));
            return Err(Error::invalid(field, format!("expected text, got {}", crate::fields::kind_of(value))));
        };
        texts.set(name, &**text);
    }
    Ok(texts)
}

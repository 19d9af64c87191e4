//! Reads dashboards from requests and completes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Options;
use super::build::{Dashboard, build};
use super::templates;
use crate::error::Error;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::{WantedDashboard, WantedDashboards};
use plugpipe_contract::scalar::Any;
use plugpipe_contract::written::kind_of_value;

/// The most dashboards per call.
const MAX: usize = 1_000;

/// The given dashboard, or one from a template.
pub fn one(request: &WantedDashboard, options: &Options) -> Result<Dashboard, Error> {
    let given = first([("dashboard_config", request.dashboard_config), ("dashboard", request.dashboard)])?;
    match (given, request.template.get()) {
        (Some((field, given)), None) => build(given, field, options),
        (None, Some(name)) => templates::make(name, "template", options),
        (Some(_), Some(_)) => Err(Error::invalid("template", "is set together with a dashboard; set one of them")),
        (None, None) => Err(Error::missing(
            "dashboard_config",
            "a dashboard such as {\"dashboard\": {\"title\": …, \"panels\": […]}}, or a template",
        )),
    }
}

/// The given dashboards, followed by those from templates. Their uids are unique.
pub fn several(request: &WantedDashboards, options: &Options) -> Result<Vec<Dashboard>, Error> {
    let given = first([("dashboards", request.dashboards), ("dashboard_config", request.dashboard_config)])?;
    let mut all = match given {
        None => Vec::new(),
        Some((field, given)) => build_all(given, field, options)?,
    };
    let mut names: Vec<&str> = request.templates.iter().map(|name| &*name.0).collect();
    if names.contains(&"all") {
        names = templates::names().collect();
    }
    for (index, name) in names.into_iter().enumerate() {
        all.push(templates::make(name, &format!("templates[{index}]"), options)?);
    }
    if all.is_empty() {
        return Err(Error::missing("dashboards", "a list of dashboards, or templates"));
    }
    if all.len() > MAX {
        return Err(Error::invalid(
            "dashboards",
            format!("has {} dashboards; the maximum per call is {MAX}", all.len()),
        ));
    }
    let mut uids: BTreeMap<&str, &str> = BTreeMap::new();
    for dashboard in &all {
        if let Some(other) = uids.insert(&dashboard.uid, &dashboard.title) {
            let (one, two) = (excerpt(other, 100), excerpt(&dashboard.title, 100));
            let problem = format!(
                "{one:?} and {two:?} have the same uid {}; change the title or uid of one of them",
                dashboard.uid
            );
            return Err(Error::invalid("dashboards", problem));
        }
    }
    Ok(all)
}

/// The first field that is given, with its value.
fn first<'f>(fields: [(&'f str, Any); 2]) -> Result<Option<(&'f str, Value)>, Error> {
    let Some((field, json)) = fields.into_iter().find_map(|(field, any)| Some((field, any.get()?))) else {
        return Ok(None);
    };
    let value = serde_json::from_str(json).map_err(|problem| Error::invalid(field, problem.to_string()))?;
    Ok(Some((field, value)))
}

/// Completes a list of dashboards, or a single one.
fn build_all(given: Value, path: &str, options: &Options) -> Result<Vec<Dashboard>, Error> {
    match given {
        Value::Array(list) => {
            list.into_iter().enumerate().map(|(index, one)| build(one, &format!("{path}[{index}]"), options)).collect()
        }
        Value::Object(_) => Ok(vec![build(given, path, options)?]),
        other => {
            let problem = format!("expected a list of dashboards, got {}", kind_of_value(&other));
            Err(Error::invalid(path, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::uid;
    use super::*;
    use plugpipe_contract::document::{Both, Document, Request as _};
    use plugpipe_contract::requests::ApplyDashboards;

    fn read(request: &str) -> Result<(Options, Vec<Dashboard>), Error> {
        let document = Document::parse(request).unwrap();
        let Both(wanted, Both(options, _)) = ApplyDashboards::from_document(&document)?;
        let options = Options::read(&options)?;
        several(&wanted, &options).map(|dashboards| (options, dashboards))
    }

    #[test]
    fn a_single_dashboard_or_template_is_accepted() {
        for (request, titles) in [
            (r#"{"dashboards": {"title": "a"}}"#, &["a"][..]),
            (r#"{"dashboard_config": {"title": "a"}}"#, &["a"]),
            (r#"{"dashboards": [{"title": "a"}, {"dashboard": {"title": "b"}}], "dashboard_config": 1}"#, &["a", "b"]),
            (r#"{"dashboards": null, "templates": "pipe_overview"}"#, &["PlugPipe Pipe Overview"]),
            (r#"{"templates": ["pipe_overview"], "prefix": "x"}"#, &["PlugPipe Pipe Overview (x)"]),
        ] {
            let (_, dashboards) = read(request).unwrap();
            assert!(dashboards.iter().map(|dashboard| &*dashboard.title).eq(titles.iter().copied()), "{request}");
        }
    }

    #[test]
    fn invalid_requests_are_rejected_by_their_path() {
        for (request, field) in [
            (r#"{"dashboards": {}}"#, "dashboards.title"),
            (r#"{"dashboards": [{"title": "a"}, null]}"#, "dashboards[1]"),
            (r#"{"dashboard_config": "a"}"#, "dashboard_config"),
            (r#"{"dashboards": []}"#, "dashboards"),
            (r#"{"templates": {}}"#, "templates"),
            (r#"{"templates": [null]}"#, "templates[0]"),
            (r#"{"folder": {}}"#, "folder"),
            (r#"{"folder": ["a", null]}"#, "folder[1]"),
            (r#"{"folder": ["a", ""]}"#, "folder"),
            (r#"{"folder_uid": "a b"}"#, "folder_uid"),
        ] {
            assert_eq!(read(request).unwrap_err().field(), Some(field), "{request}");
        }
    }

    #[test]
    fn a_folder_is_one_title_or_several() {
        let place = |folder: &str| {
            let request = format!(r#"{{"dashboards": {{"title": "a"}}, {folder}}}"#);
            let (options, dashboards) = read(&request).unwrap();
            (options.place.titles, options.place.uid, dashboards.into_iter().next().unwrap().uid)
        };
        let (titles, _, uid) = place(r#""folder": " Team A ""#);
        assert_eq!((&titles[..], uid), (&["Team A".to_owned()][..], uid::derive(&titles, "a")));
        let (titles, _, uid) = place(r#""folder": ["Team A", 7], "folder_uid": "f""#);
        assert_eq!((&titles[..], uid), (&["Team A".to_owned(), "7".to_owned()][..], uid::derive(&titles, "a")));
        let (titles, uid, derived) = place(r#""folder": " ", "folder_uid": "f""#);
        assert_eq!((titles.len(), uid.as_deref(), derived), (0, Some("f"), uid::derive(&["f".into()], "a")));
    }
}

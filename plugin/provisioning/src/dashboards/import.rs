//! Converts Grafana's export formats to the plain classic model: resources of its Kubernetes-style
//! API, and shared exports.
//!
//! A shared export leaves out values that differ between Grafana instances: `__inputs` lists them,
//! and texts contain `${name}` as a placeholder. Grafana asks the user for the values; here a data
//! source becomes a template variable, and a constant its value. `__elements` contains library
//! panels of the dashboard, which become regular panels.

use std::collections::{BTreeMap, BTreeSet};

use super::members::{Map, Members as _};
use super::sources::{PROMETHEUS, Sources, source_variable};
use crate::error::Error;
use plugpipe_contract::error::excerpt;
use serde_json::Value;

/// The API group in `apiVersion`.
const GROUP: &str = "dashboard.grafana.app/";

/// The API versions whose `spec` is the classic model.
const CLASSIC: [&str; 4] = ["v0alpha1", "v1alpha1", "v1beta1", "v1"];

/// The replacement of `${name}`.
#[derive(Debug)]
enum Input {
    /// Literal text.
    Text(String),
    /// The template variable with this name.
    Variable(String),
}

/// Extracts the classic model from a resource. The resource's name becomes the uid.
pub(super) fn from_resource(mut resource: Map, path: &str, warnings: &mut Vec<String>) -> Result<Map, Error> {
    let version = match resource.get("apiVersion") {
        Some(Value::String(version)) => version.clone(),
        _ => return Err(Error::invalid(format!("{path}.apiVersion"), "expected text")),
    };
    match version.strip_prefix(GROUP) {
        Some(version) if CLASSIC.contains(&version) => {}
        Some(version) if version.starts_with("v2") => {
            let problem = format!(
                "{} is Grafana's dashboard schema v2, which is not supported; export the dashboard in the classic schema ({GROUP}v1)",
                excerpt(version, 40)
            );
            return Err(Error::invalid(format!("{path}.apiVersion"), problem));
        }
        _ => {
            let problem =
                format!("is {:?}; expected {GROUP} followed by one of {}", excerpt(&version, 80), CLASSIC.join(", "));
            return Err(Error::invalid(format!("{path}.apiVersion"), problem));
        }
    }
    if resource.some("kind").is_some_and(|kind| kind != "Dashboard") {
        return Err(Error::invalid(format!("{path}.kind"), "expected Dashboard"));
    }
    let mut model = match resource.remove("spec") {
        Some(Value::Object(spec)) => spec,
        Some(Value::Null) | None => {
            let expected = "the dashboard's classic JSON model";
            return Err(Error::missing(format!("{path}.spec"), expected));
        }
        Some(_) => return Err(Error::invalid(format!("{path}.spec"), "expected an object")),
    };
    let Some(metadata) = resource.map("metadata") else { return Ok(model) };
    if let Some(name) = metadata.text("name") {
        if let Some(other) = model.text("uid").filter(|uid| *uid != name) {
            let other = excerpt(other, 100);
            warnings.push(format!("{path}.spec.uid: is {other:?}; the resource's metadata.name is used instead"));
        }
        model.set("uid", name);
    }
    let folder = metadata.map("annotations").and_then(|annotations| annotations.text("grafana.app/folder"));
    if let Some(folder) = folder {
        let folder = excerpt(folder, 100);
        warnings.push(format!("{path}.metadata.annotations: the folder {folder:?} is ignored; set folder_uid"));
    }
    Ok(model)
}

/// Replaces the inputs and library panels of a shared export.
pub(super) fn resolve(
    model: &mut Map,
    sources: &mut Sources,
    path: &str,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let elements = model.remove("__elements");
    let inputs = model.remove("__inputs");
    model.remove("__requires");
    if let Some(elements) = elements {
        let elements = library(elements);
        inline(model, &elements, path, warnings);
    }
    let inputs = match inputs {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Error::invalid(format!("{path}.__inputs"), "expected a list")),
    };
    let mut values: BTreeMap<String, Input> = BTreeMap::new();
    let mut variables: Vec<Value> = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let path = format!("{path}.__inputs[{index}]");
        let Value::Object(input) = input else { return Err(Error::invalid(path, "expected an object")) };
        let Some(name) = input.text("name") else {
            return Err(Error::missing(format!("{path}.name"), "the input's name"));
        };
        let is_first =
            !values.values().any(|value| matches!(value, Input::Variable(name) if *name == sources.variable));
        let value = value_of(name, input, is_first, sources, &mut variables, &path)?;
        values.insert(name.to_owned(), value);
    }
    model.values_mut().for_each(|value| substitute(value, &values));
    if !variables.is_empty() {
        let mut templating = match model.remove("templating") {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => Map::default(),
            Some(_) => return Err(Error::invalid(format!("{path}.templating"), "expected an object")),
        };
        match templating.remove("list") {
            Some(Value::Array(list)) => variables.extend(list),
            None | Some(Value::Null) => {}
            Some(_) => return Err(Error::invalid(format!("{path}.templating.list"), "expected a list")),
        }
        templating.set("list", variables);
        model.set("templating", templating);
    }
    Ok(())
}

/// The value for an input. The first Prometheus data source maps to the dashboard's own variable;
/// all others get variables of their own.
fn value_of(
    name: &str,
    input: &Map,
    is_first: bool,
    sources: &mut Sources,
    variables: &mut Vec<Value>,
    path: &str,
) -> Result<Input, Error> {
    match input.text("type") {
        Some("constant") => match input.get("value") {
            Some(Value::String(text)) => Ok(Input::Text(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Input::Text(value.to_string())),
            _ => Err(Error::missing(format!("{path}.value"), "the constant's value, as a string")),
        },
        Some("datasource") => {
            let kind = input.text("pluginId").unwrap_or(PROMETHEUS);
            let built_in = match kind {
                "__expr__" => Some("__expr__"),
                "grafana" => Some("-- Grafana --"),
                "mixed" => Some("-- Mixed --"),
                "dashboard" => Some("-- Dashboard --"),
                _ => None,
            };
            if let Some(built_in) = built_in {
                return Ok(Input::Text(built_in.to_owned()));
            }
            if kind == PROMETHEUS && is_first {
                return Ok(Input::Variable(sources.variable.clone()));
            }
            let variable = sources.free_name(name);
            sources.variables.insert(variable.clone(), Some(kind.to_owned()));
            variables.push(source_variable(&variable, input.text("label").unwrap_or(name), kind, None));
            Ok(Input::Variable(variable))
        }
        other => {
            let other = excerpt(other.unwrap_or_default(), 100);
            Err(Error::invalid(format!("{path}.type"), format!("is {other:?}; expected datasource or constant")))
        }
    }
}

/// Replaces `${name}` and `${name:format}` in all strings of a value.
// Recursion is bounded by the parser's depth limit.
fn substitute(value: &mut Value, values: &BTreeMap<String, Input>) {
    match value {
        Value::String(text) => {
            if let Some(new) = substituted(text, values) {
                *text = new;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| substitute(item, values)),
        Value::Object(map) => map.values_mut().for_each(|value| substitute(value, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces inputs in a string; `None` if it contains none.
fn substituted(text: &str, values: &BTreeMap<String, Input>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut done = false;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(inner, after)| {
            let (name, format) = inner.split_once(':').map_or((inner, None), |(name, format)| (name, Some(format)));
            Some((values.get(name)?, format, after))
        });
        rest = match found {
            Some((Input::Text(value), _, after)) => {
                out.push_str(value);
                after
            }
            Some((Input::Variable(name), format, after)) => {
                let format = format.map(|format| format!(":{format}")).unwrap_or_default();
                out.push_str(&format!("${{{name}{format}}}"));
                after
            }
            None => {
                out.push_str("${");
                after
            }
        };
        done |= found.is_some();
    }
    out.push_str(rest);
    done.then_some(out)
}

/// The models of library panels, by uid. Grafana 8 exports a list, newer versions an object.
fn library(elements: Value) -> BTreeMap<String, Map> {
    let elements: Vec<(Option<String>, Value)> = match elements {
        Value::Object(map) => map.into_iter().map(|(uid, element)| (Some(uid), element)).collect(),
        Value::Array(list) => list.into_iter().map(|element| (None, element)).collect(),
        _ => Vec::new(),
    };
    let model = |(key, element): (Option<String>, Value)| {
        let Value::Object(mut element) = element else { return None };
        let uid = element.text("uid").map(str::to_owned).or(key)?;
        match element.remove("model") {
            Some(Value::Object(model)) => Some((uid, model)),
            _ => None,
        }
    };
    elements.into_iter().filter_map(model).collect()
}

/// Replaces references to library panels by the panels that came with the dashboard.
fn inline(of: &mut Map, library: &BTreeMap<String, Map>, path: &str, warnings: &mut Vec<String>) {
    let Some(Value::Array(panels)) = of.get_mut("panels") else { return };
    for (index, panel) in panels.iter_mut().enumerate() {
        let Value::Object(panel) = panel else { continue };
        let path = format!("{path}.panels[{index}]");
        inline(panel, library, &path, warnings);
        let uid = panel.map("libraryPanel").and_then(|reference| reference.text("uid"));
        let Some(model) = uid.and_then(|uid| library.get(uid)) else { continue };
        let mut model = model.clone();
        model.remove("libraryPanel");
        panel.remove("libraryPanel");
        // The dashboard defines the position, the library the contents.
        for name in ["id", "gridPos"] {
            model.remove(name);
        }
        for (name, value) in std::mem::take(panel) {
            model.set_default(&name, value);
        }
        let title = excerpt(model.text("title").unwrap_or_default(), 100);
        warnings.push(format!("{path}: the library panel {title:?} was converted to a regular panel"));
        *panel = model;
    }
}

/// A path component.
#[derive(Debug, Clone, Copy)]
enum Step<'t> {
    Name(&'t str),
    Index(usize),
}

/// The placeholders of a shared export, `${DS_…}` and `${VAR_…}`, that are no variables and would
/// remain: each once, with its path.
pub(super) fn placeholders(model: &Map, sources: &Sources, path: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut each = |name: &str, steps: &[Step]| {
        if !sources.is_variable(name) && seen.insert(name.to_owned()) {
            let mut path = path.to_owned();
            for step in steps {
                match step {
                    Step::Name(name) => path.push_str(&format!(".{name}")),
                    Step::Index(index) => path.push_str(&format!("[{index}]")),
                }
            }
            found.push((name.to_owned(), path));
        }
    };
    let mut steps = Vec::new();
    for (name, value) in model {
        steps.push(Step::Name(name));
        find_placeholders(value, &mut steps, &mut each);
        steps.pop();
    }
    found
}

fn find_placeholders<'t>(value: &'t Value, steps: &mut Vec<Step<'t>>, each: &mut dyn FnMut(&str, &[Step])) {
    let mut within = |step, value| {
        steps.push(step);
        find_placeholders(value, steps, each);
        steps.pop();
    };
    match value {
        Value::String(text) => {
            for part in text.split("${").skip(1) {
                let name = part.split_once(['}', ':']).map_or("", |(name, _)| name);
                if name.starts_with("DS_") || name.starts_with("VAR_") {
                    each(name, steps);
                }
            }
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(index, item)| within(Step::Index(index), item)),
        Value::Object(map) => map.iter().for_each(|(name, value)| within(Step::Name(name), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Options;
    use super::super::build::build;
    use crate::error::Error;

    fn build_from(given: &Value) -> Result<(Value, Vec<String>), Error> {
        let made = build(given.clone(), "d", &Options::default())?;
        Ok((made.model.into(), made.warnings))
    }

    fn complete(given: &Value) -> (Value, Vec<String>) {
        build_from(given).unwrap()
    }

    fn prometheus() -> Value {
        json!({"type": "prometheus", "uid": "${datasource}"})
    }

    /// A shared export with all possible features.
    fn shared() -> Value {
        serde_json::from_str(include_str!("../../../../tests/grafana/shared_export.json")).unwrap()
    }

    #[test]
    fn every_input_becomes_a_variable_or_its_value() {
        let (model, warnings) = complete(&shared());
        let text = model.to_string();
        for gone in ["__inputs", "__elements", "__requires", "DS_PROMETHEUS", "DS_EXPRESSION", "VAR_"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert_eq!(
            warnings,
            [
                "d.panels[4].panels[1]: the library panel \"Saturation in ${VAR_NAMESPACE}\" was converted to a regular panel"
            ]
        );
        assert_eq!(
            (&model["title"], &model["panels"][0]["title"]),
            (&json!("Orders of shop"), &json!("Orders in shop"))
        );
        assert_eq!(
            model["panels"][0]["targets"][0]["expr"],
            "sum(rate(orders_total{namespace=\"shop\"}[$__rate_interval])) / 0.95"
        );
        for place in [
            "/panels/0/datasource",
            "/panels/0/targets/0/datasource",
            "/panels/1/datasource",
            "/panels/1/targets/0/datasource",
            "/panels/2/targets/0/datasource",
            "/panels/2/targets/2/datasource",
            "/panels/4/panels/0/datasource",
            "/panels/4/panels/0/targets/0/datasource",
            "/panels/4/panels/1/datasource",
            "/panels/4/panels/1/targets/0/datasource",
            "/annotations/list/2/datasource",
            "/annotations/list/3/datasource",
        ] {
            assert_eq!(model.pointer(place), Some(&prometheus()), "{place}");
        }
        let variables = model["templating"]["list"].as_array().unwrap();
        let of_sources: Vec<(&str, &str)> = variables
            .iter()
            .filter(|variable| variable["type"] == "datasource")
            .map(|variable| (variable["name"].as_str().unwrap(), variable["query"].as_str().unwrap()))
            .collect();
        assert_eq!(of_sources, [("datasource", "prometheus"), ("DS_LONG_TERM", "prometheus"), ("DS_LOGS", "loki")]);
        assert_eq!((&variables[3]["datasource"], &variables[4]["datasource"]), (&prometheus(), &prometheus()));
        assert_eq!(variables[3]["query"]["query"], "label_values(up{namespace=\"shop\"}, service)");
        assert_eq!((&variables[5]["query"], &variables[5]["current"]["value"]), (&json!("shop"), &json!("shop")));

        let mixed = &model["panels"][2];
        assert_eq!(mixed["datasource"], json!({"type": "datasource", "uid": "-- Mixed --"}));
        assert_eq!(mixed["targets"][1]["datasource"], json!({"type": "prometheus", "uid": "${DS_LONG_TERM}"}));
        assert_eq!(mixed["targets"][3]["datasource"], json!({"type": "__expr__", "uid": "__expr__"}));
        let logs = json!({"type": "loki", "uid": "${DS_LOGS}"});
        assert_eq!(
            (&model["panels"][3]["datasource"], &model["panels"][3]["targets"][0]["datasource"]),
            (&logs, &logs)
        );
        assert_eq!(model["annotations"]["list"][4]["datasource"], logs);
        for place in ["/annotations/list/0/datasource", "/annotations/list/1/datasource"] {
            assert_eq!(model.pointer(place), Some(&json!({"type": "grafana", "uid": "-- Grafana --"})), "{place}");
        }
        let inlined = &model["panels"][4]["panels"][1];
        assert_eq!(
            (&inlined["id"], &inlined["gridPos"]["y"], &inlined["title"]),
            (&json!(7), &json!(17), &json!("Saturation in shop"))
        );
        assert_eq!(
            (inlined.get("libraryPanel"), &inlined["targets"][0]["expr"]),
            (None, &json!("sum(queue_length{namespace=\"shop\"})"))
        );
        assert_eq!(model["panels"][5]["libraryPanel"]["uid"], "elsewhere");
        assert_eq!(model["panels"][6]["datasource"], json!({"type": "datasource", "uid": "-- Dashboard --"}));
        assert_eq!(complete(&model).0, model);
        // With another fingerprint, every dashboard would be saved again.
        assert!(text.contains("\"plugpipe:1e4582b60ff1b956\""), "{text}");
    }

    #[test]
    fn unknown_placeholders_are_reported() {
        let mut given = shared();
        given.as_object_mut().unwrap().remove("__inputs");
        let (model, warnings) = complete(&given);
        for (path, name) in [
            ("d.panels[0].datasource", "DS_PROMETHEUS-EU"),
            ("d.annotations.list[2].datasource", "DS_PROMETHEUS-EU"),
            ("d.templating.list[1].datasource", "DS_PROMETHEUS-EU"),
            ("d.panels[3].datasource", "DS_LOGS"),
            ("d.annotations.list[3].expr", "VAR_NAMESPACE"),
            ("d.panels[0].targets[0].expr", "VAR_TARGET"),
        ] {
            let expected = |warning: &String| warning.starts_with(&format!("{path}: ")) && warning.contains(name);
            assert!(warnings.iter().any(expected), "{path}: {warnings:#?}");
        }
        assert!(!model.to_string().contains("DS_PROMETHEUS"), "{model}");

        // A template variable of this name replaces it.
        let own = json!({"title": "t", "templating": {"list": [{"name": "DS_PROMETHEUS", "type": "datasource", "query": "prometheus"}]},
            "panels": [{"type": "stat", "datasource": "${DS_PROMETHEUS}", "targets": [{"expr": "up", "datasource": {"uid": "$DS_PROMETHEUS"}}]}]});
        let (model, warnings) = complete(&own);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(model["panels"][0]["datasource"], json!({"type": "prometheus", "uid": "${DS_PROMETHEUS}"}));
        assert_eq!(model["panels"][0]["targets"][0]["datasource"], json!({"uid": "$DS_PROMETHEUS"}));
    }

    #[test]
    fn invalid_inputs_are_rejected_by_their_path() {
        for (inputs, field) in [
            (json!({}), "d.__inputs"),
            (json!([1]), "d.__inputs[0]"),
            (json!([{"type": "constant", "value": "x"}]), "d.__inputs[0].name"),
            (json!([{"name": "VAR_A", "type": "constant"}]), "d.__inputs[0].value"),
            (
                json!([{"name": "VAR_A", "type": "constant", "value": "x"}, {"name": "B", "type": "panel"}]),
                "d.__inputs[1].type",
            ),
        ] {
            let error = build_from(&json!({"title": "t", "__inputs": inputs})).unwrap_err();
            assert_eq!(error.field(), Some(field), "{error}");
        }
    }

    #[test]
    fn library_panels_of_grafana_8_are_a_list() {
        let given = json!({"title": "t", "__elements": [{"uid": "l", "kind": 1, "model": {"type": "text", "title": "Words"}}, 1],
            "panels": [{"libraryPanel": {"uid": "l", "name": "n"}, "gridPos": {"h": 2, "w": 24, "x": 0, "y": 0}, "repeat": "x"}]});
        let panel = json!({"type": "text", "title": "Words", "gridPos": {"h": 2, "w": 24, "x": 0, "y": 0}, "repeat": "x", "id": 1});
        assert_eq!(complete(&given).0["panels"], json!([panel]));
    }

    #[test]
    fn a_resource_with_a_classic_spec_is_converted() {
        for version in super::CLASSIC {
            let spec = json!({"title": "T", "panels": [{"type": "stat", "targets": [{"expr": "up"}]}]});
            let resource = json!({"apiVersion": format!("dashboard.grafana.app/{version}"), "kind": "Dashboard",
                "metadata": {"name": "of-the-resource", "namespace": "default", "annotations": {"grafana.app/folder": "ops"}},
                "spec": spec, "status": {}});
            for given in [resource.clone(), json!({"dashboard": resource})] {
                let (model, warnings) = complete(&given);
                assert_eq!((&model["uid"], &model["title"]), (&json!("of-the-resource"), &json!("T")));
                assert_eq!(model["panels"][0]["datasource"], prometheus());
                assert!(
                    ["apiVersion", "kind", "metadata", "spec", "status"].iter().all(|name| model.get(name).is_none())
                );
                assert!(
                    warnings.len() == 1 && warnings[0].contains("\"ops\"") && warnings[0].contains("folder_uid"),
                    "{warnings:?}"
                );
            }
        }
        let mut shared_resource = json!({"apiVersion": "dashboard.grafana.app/v1beta1", "spec": shared()});
        assert_eq!(complete(&shared_resource).0, complete(&shared()).0);
        shared_resource["metadata"] = json!({"name": "other"});
        let (model, warnings) = complete(&shared_resource);
        assert_eq!(model["uid"], "other");
        assert!(warnings[0].starts_with("d.spec.uid: is \"orders-of-the-shop\""), "{warnings:?}");
    }

    #[test]
    fn other_resources_are_rejected_by_their_path() {
        let of = |version: &str| json!({"apiVersion": version, "kind": "Dashboard", "spec": {"title": "T"}});
        let mut list = of("dashboard.grafana.app/v1beta1");
        list["kind"] = json!("DashboardList");
        let mut without = of("dashboard.grafana.app/v1");
        without["spec"] = Value::Null;
        let mut wrong_panel = of("dashboard.grafana.app/v1");
        wrong_panel["spec"]["panels"] = json!([1]);
        for (given, field, expected) in [
            (of("dashboard.grafana.app/v2beta1"), "d.apiVersion", "schema v2"),
            (of("dashboard.grafana.app/v2"), "d.apiVersion", "schema v2"),
            (of("dashboard.grafana.app/v3"), "d.apiVersion", "v1beta1"),
            (of("folder.grafana.app/v1"), "d.apiVersion", "dashboard.grafana.app/"),
            (json!({"apiVersion": 1, "spec": {}}), "d.apiVersion", "text"),
            (list, "d.kind", "Dashboard"),
            (without, "d.spec", "missing"),
            (wrong_panel, "d.spec.panels[0]", "object"),
        ] {
            let error = build_from(&given).unwrap_err();
            assert_eq!(error.field(), Some(field), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

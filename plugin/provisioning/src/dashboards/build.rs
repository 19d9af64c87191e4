//! Completes dashboards from the short form to a form that Grafana accepts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::members::{Map, Members as _, to_json};
use super::sources::{PROMETHEUS, Sources, source_variable};
use super::{FINGERPRINT, Options, TAG, import, is_fingerprint, layout, migration, uid};
use crate::error::Error;
use crate::rules::expression::{self, Mistake};
use plugpipe_contract::error::excerpt;

/// The default schema version, that of Grafana 11; newer versions migrate it when loading.
const SCHEMA_VERSION: u64 = 39;

/// The longest title, in characters: the limit of Grafana's database.
const MAX_TITLE_LEN: usize = 189;

/// The most warnings per dashboard.
const MAX_WARNINGS: usize = 100;

/// The highest panel id that is kept.
const HIGHEST_ID: u64 = 1 << 30;

/// A complete dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// Unique in its organization.
    pub uid: String,
    /// The title.
    pub title: String,
    /// The tag with the hash of its contents.
    pub fingerprint: String,
    /// The dashboard's JSON model, without `id` and `version`.
    pub model: Map,
    /// Corrections and oddities. Each begins with a path.
    pub warnings: Vec<String>,
}

struct Builder<'p> {
    path: &'p str,
    sources: Sources,
    warnings: Vec<String>,
    more: usize,
}

/// Completes the dashboard `given` at `path`: Grafana's JSON model or any part of it that has a
/// title, by itself, in `{"dashboard": …}`, or as the `spec` of a resource; or a shared export.
pub(super) fn build(given: Value, path: &str, options: &Options) -> Result<Dashboard, Error> {
    let expect = |value, path: &str| match value {
        Value::Object(map) => Ok(map),
        _ => Err(Error::invalid(path, "expected an object, such as {\"title\": …, \"panels\": […]}")),
    };
    let mut model = expect(given, path)?;
    let inner = format!("{path}.dashboard");
    let mut path = path;
    let mut warnings = Vec::new();
    if let Some(inside) = model.remove("dashboard") {
        // Grafana's API returns `meta` beside it, which is irrelevant here.
        for (name, _) in model.iter().filter(|(name, _)| *name != "meta") {
            warnings.push(format!(
                "{path}.{}: is ignored beside dashboard; folder_uid, message and overwrite are fields of the operation",
                excerpt(name, 100)
            ));
        }
        model = expect(inside, &inner)?;
        path = &inner;
    }
    let spec = format!("{path}.spec");
    if model.some("apiVersion").is_some() {
        model = import::from_resource(model, path, &mut warnings)?;
        path = &spec;
    }
    if !model.list("rows").is_empty() {
        let problem = "is the panel format of Grafana 4; put the panels in panels";
        return Err(Error::invalid(format!("{path}.rows"), problem));
    }
    if model.some("elements").is_some() || model.some("spec").is_some() {
        let problem =
            "has Grafana's schema v2, which is not supported; use the classic JSON model, with title and panels";
        return Err(Error::invalid(path, problem));
    }
    let mut sources = Sources::of(&model);
    import::resolve(&mut model, &mut sources, path, &mut warnings)?;
    let title = title(&model, path)?;
    let uid = match model.get("uid") {
        Some(Value::String(given)) if !given.is_empty() => {
            uid::check(given).map_err(|problem| Error::invalid(format!("{path}.uid"), problem))?;
            given.clone()
        }
        None | Some(Value::Null | Value::String(_)) => uid::derive(options.folders(), &title),
        Some(_) => return Err(Error::invalid(format!("{path}.uid"), "expected text")),
    };
    let mut builder = Builder { path, sources, warnings: Vec::new(), more: 0 };
    warnings.into_iter().for_each(|warning| builder.warn(warning));
    let mut panels = builder.objects(&mut model, "panels", path)?;
    builder.panels(&mut panels, path)?;
    builder.referring_lists(&mut model, path);
    // The server's own counters.
    for name in ["id", "version", "iteration"] {
        model.remove(name);
    }
    model.set("uid", &*uid);
    model.set("title", &*title);
    model.set("panels", panels);
    model.set_default("schemaVersion", SCHEMA_VERSION);
    model.set_default("editable", true);
    // A shared crosshair.
    model.set_default("graphTooltip", 1_u64);
    model.set_default("refresh", "30s");
    model.set_default("time", json!({"from": "now-1h", "to": "now"}));
    model.set_default("annotations", json!({"list": []}));
    variable(&mut model, &builder.sources.variable, options.datasource.as_deref(), path)?;
    for (name, at) in import::placeholders(&model, &builder.sources, path) {
        let name = excerpt(&name, 100);
        builder.warn(format!("{at}: the dashboard has no variable or input {name}; the placeholder remains"));
    }
    let fingerprint = tag(&mut model, path)?;
    if builder.more > 0 {
        builder.warnings.push(format!("{}: and {} more", builder.path, builder.more));
    }
    Ok(Dashboard { uid, title, fingerprint, model, warnings: builder.warnings })
}

fn title(model: &Map, path: &str) -> Result<String, Error> {
    let title = match model.get("title") {
        Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
        None | Some(Value::Null | Value::String(_)) => {
            return Err(Error::missing(format!("{path}.title"), "the dashboard's title"));
        }
        Some(_) => return Err(Error::invalid(format!("{path}.title"), "expected text")),
    };
    if title.chars().count() > MAX_TITLE_LEN {
        let problem = format!("has {} characters; the maximum is {MAX_TITLE_LEN}", title.chars().count());
        return Err(Error::invalid(format!("{path}.title"), problem));
    }
    Ok(title)
}

/// Adds the variable for the data source, before the others.
fn variable(model: &mut Map, name: &str, datasource: Option<&str>, path: &str) -> Result<(), Error> {
    let mut templating = match model.remove("templating") {
        None | Some(Value::Null) => Map::default(),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Error::invalid(format!("{path}.templating"), "expected an object")),
    };
    let mut list = match templating.remove("list") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Error::invalid(format!("{path}.templating.list"), "expected a list")),
    };
    let mut variables = list.iter().filter_map(Value::as_object);
    if !variables.any(|variable| variable.text("name") == Some(name)) {
        list.insert(0, source_variable(name, "Data source", PROMETHEUS, datasource));
    }
    templating.set("list", list);
    model.set("templating", templating);
    Ok(())
}

/// Adds the two tags to an otherwise complete dashboard, and returns the fingerprint.
fn tag(model: &mut Map, path: &str) -> Result<String, Error> {
    let mut tags = match model.remove("tags") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => list,
        Some(_) => return Err(Error::invalid(format!("{path}.tags"), "expected a list of strings")),
    };
    tags.retain(|tag| !matches!(tag, Value::String(text) if text == TAG || is_fingerprint(text)));
    tags.push(TAG.into());
    model.set("tags", tags.clone());
    let fingerprint = format!("{FINGERPRINT}{:016x}", uid::hash(to_json(model).bytes()));
    tags.push(fingerprint.clone().into());
    model.set("tags", tags);
    Ok(fingerprint)
}

impl Builder<'_> {
    fn warn(&mut self, text: String) {
        if self.warnings.len() < MAX_WARNINGS { self.warnings.push(text) } else { self.more += 1 }
    }

    /// Removes and returns a list of objects; empty if missing.
    fn objects(&self, of: &mut Map, name: &str, path: &str) -> Result<Vec<Value>, Error> {
        match of.remove(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(list)) => match list.iter().position(|item| !item.is_object()) {
                None => Ok(list),
                Some(index) => Err(Error::invalid(format!("{path}.{name}[{index}]"), "expected an object")),
            },
            Some(_) => Err(Error::invalid(format!("{path}.{name}"), "expected a list")),
        }
    }

    fn panels(&mut self, panels: &mut [Value], path: &str) -> Result<(), Error> {
        for (index, panel) in panels.iter_mut().enumerate() {
            let Value::Object(panel) = panel else { continue };
            let path = format!("{path}.panels[{index}]");
            // The library defines library panels.
            if panel.some("libraryPanel").is_some() {
                continue;
            }
            if let Some(done) = migration::migrate(panel) {
                self.warn(format!("{path}: {done}"));
            }
            if panel.text("type") == Some("row") {
                let mut inner = self.objects(panel, "panels", &path)?;
                if let Some(within) =
                    inner.iter().position(|panel| panel.as_object().and_then(|panel| panel.text("type")) == Some("row"))
                {
                    return Err(Error::invalid(format!("{path}.panels[{within}]"), "a row cannot contain a row"));
                }
                self.panels(&mut inner, &path)?;
                panel.set("panels", inner);
                panel.set_default("collapsed", false);
            } else {
                self.panel(panel, &path)?;
            }
        }
        number(panels);
        layout::lay_out(panels);
        Ok(())
    }

    fn panel(&mut self, panel: &mut Map, path: &str) -> Result<(), Error> {
        let mut targets = self.objects(panel, "targets", path)?;
        // A text panel or a list of dashboards has no queries.
        if targets.is_empty() && panel.some("datasource").is_none() {
            return Ok(());
        }
        let own = panel.remove("datasource");
        let source = self.source(own, &targets, path);
        panel.set("datasource", source.clone());
        let instant = matches!(panel.text("type"), Some("table" | "piechart"));
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut next = 0;
        for (index, target) in targets.iter_mut().enumerate() {
            let Value::Object(target) = target else { continue };
            let path = format!("{path}.targets[{index}]");
            let own = match target.remove("datasource") {
                None | Some(Value::Null) => self.sources.of_query(&source),
                own => self.source(own, &[target.clone().into()], &path),
            };
            // Loki has `expr` too, in another language.
            if let Some(expr) = target.text("expr").filter(|_| self.sources.is_prometheus(&own)) {
                let expr = self.expression(expr, &format!("{path}.expr"))?;
                target.set("expr", &*expr);
                if instant && target.some("instant").is_none() && target.some("range").is_none() {
                    target.set("instant", true);
                    target.set("range", false);
                    if panel.text("type") == Some("table") {
                        target.set_default("format", "table");
                    }
                }
            }
            target.set("datasource", own);
            let given = target.text("refId").map(str::to_owned).filter(|name| !taken.contains(name));
            let name = given.unwrap_or_else(|| {
                loop {
                    let name = ref_id(next);
                    next += 1;
                    if !taken.contains(&name) {
                        return name;
                    }
                }
            });
            target.set("refId", &*name);
            taken.insert(name);
        }
        panel.set("targets", targets);
        Ok(())
    }

    /// Resolves a reference to a data source; by default the variable.
    fn source(&mut self, given: Option<Value>, queries: &[Value], path: &str) -> Value {
        let (source, warning) = self.sources.resolve(given, queries, path);
        warning.into_iter().for_each(|warning| self.warn(warning));
        source
    }

    /// Resolves the data sources of annotations and template variables. Without a reference they
    /// use the default data source, or none.
    fn referring_lists(&mut self, model: &mut Map, path: &str) {
        for of in ["annotations", "templating"] {
            let Some(Value::Object(holder)) = model.get_mut(of) else { continue };
            let Some(Value::Array(list)) = holder.get_mut("list") else { continue };
            for (index, item) in list.iter_mut().enumerate() {
                let Value::Object(item) = item else { continue };
                if item.some("datasource").is_none() {
                    continue;
                }
                let path = format!("{path}.{of}.list[{index}]");
                let query = (of == "annotations").then(|| Value::from(item.clone()));
                let given = item.get("datasource").cloned();
                let source = self.source(given, query.as_slice(), &path);
                item.set("datasource", source);
            }
        }
    }

    /// Checks an expression, and corrects the most frequent mistake.
    fn expression(&mut self, given: &str, path: &str) -> Result<String, Error> {
        let mut expression = given.to_owned();
        // Each round corrects one occurrence.
        for _ in 0..20 {
            let Err(Mistake { message, corrected }) = expression::check(&expression) else { return Ok(expression) };
            let Some(corrected) = corrected else { return Err(Error::invalid(path, message)) };
            expression = corrected;
            self.warn(format!("{path}: {message}; the expression was corrected"));
        }
        Err(Error::invalid(path, "has too many mistakes to correct; expected a PromQL expression"))
    }
}

/// A, B, … Z, AA, AB, …
fn ref_id(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + (index % 26) as u8));
        match (index / 26).checked_sub(1) {
            Some(rest) => index = rest,
            None => return name,
        }
    }
}

/// Assigns ids to panels without a unique one.
fn number(panels: &mut [Value]) {
    fn id(panel: &Map) -> Option<u64> {
        panel.get("id").and_then(Value::as_u64).filter(|id| (1..=HIGHEST_ID).contains(id))
    }
    // Panels within rows were numbered separately, so their ids may collide with others.
    let outer = panels.iter().filter_map(Value::as_object);
    let all = outer.flat_map(|panel| std::iter::once(panel).chain(panel.maps("panels")));
    let mut highest = all.filter_map(id).max().unwrap_or(0);
    let mut taken = BTreeSet::new();
    let mut number = |panel: &mut Map| {
        let kept = id(panel).filter(|id| taken.insert(*id));
        if kept.is_none() {
            highest += 1;
            taken.insert(highest);
            panel.set("id", highest);
        }
    };
    for panel in panels.iter_mut().filter_map(Value::as_object_mut) {
        number(panel);
        let inner = panel.get_mut("panels").and_then(Value::as_array_mut);
        inner.into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn complete(given: Value) -> (Value, Vec<String>) {
        let made = build(given, "dashboard_config", &Options::default()).unwrap();
        (made.model.into(), made.warnings)
    }

    fn refused(given: &str) -> Error {
        build(serde_json::from_str(given).unwrap(), "d", &Options::default()).unwrap_err()
    }

    #[test]
    fn fields_beside_a_dashboard_are_reported() {
        let (_, warnings) = complete(json!({"dashboard": {"title": "T"}, "folderUid": "f", "meta": {"slug": "t"}}));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("dashboard_config.folderUid: is ignored"), "{warnings:?}");
    }

    #[test]
    fn the_short_form_is_completed() {
        let (model, warnings) = complete(json!({"dashboard": {"title": " PlugPipe System Overview ", "panels": [
            {"title": "Uptime", "type": "stat", "targets": [{"expr": "plugpipe_system_uptime_seconds"}]},
            {"title": "Errors", "type": "table", "targets": [
                {"expr": "rate(plugpipe_plugin_errors_total[5m]) by (plugin_name)"}, {"expr": "up", "refId": "A"}, {"expr": "up", "range": true}]},
        ]}}));
        let source = json!({"type": "prometheus", "uid": "${datasource}"});
        let fingerprint = model["tags"][1].clone();
        assert!(is_fingerprint(fingerprint.as_str().unwrap()));
        assert_eq!(
            model,
            json!({
                "uid": "plugpipe-system-overvie-29ccb61f2ae0a43b", "title": "PlugPipe System Overview", "schemaVersion": 39,
                "editable": true, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
                "annotations": {"list": []}, "tags": ["plugpipe", fingerprint],
                "templating": {"list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
                    "current": {"text": "default", "value": "default"}}]},
                "panels": [
                    {"id": 1, "title": "Uptime", "type": "stat", "gridPos": {"h": 4, "w": 24, "x": 0, "y": 0}, "datasource": source,
                     "targets": [{"refId": "A", "expr": "plugpipe_system_uptime_seconds", "datasource": source}]},
                    {"id": 2, "title": "Errors", "type": "table", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 4}, "datasource": source,
                     "targets": [
                        {"refId": "A", "expr": "sum by (plugin_name) (rate(plugpipe_plugin_errors_total[5m]))", "instant": true,
                         "range": false, "format": "table", "datasource": source},
                        {"refId": "B", "expr": "up", "instant": true, "range": false, "format": "table", "datasource": source},
                        {"refId": "C", "expr": "up", "range": true, "datasource": source}]},
                ],
            })
        );
        assert_eq!(
            warnings,
            [
                "dashboard_config.dashboard.panels[1].targets[0].expr: column 40: by requires an aggregation, and rate is not one; you \
              probably mean: sum by (plugin_name) (rate(plugpipe_plugin_errors_total[5m])); the expression was corrected"
            ]
        );
    }

    #[test]
    fn each_old_type_becomes_a_new_one_with_a_warning() {
        for (old, new, has) in [
            (
                json!({"type": "graph", "yaxes": [{"format": "s", "min": 0}], "fill": 3, "stack": true}),
                "timeseries",
                json!({"defaults": {"unit": "s", "min": 0, "custom": {"fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}}, "overrides": []}),
            ),
            (json!({"type": "graph", "xaxis": {"mode": "histogram"}}), "histogram", Value::Null),
            (
                json!({"type": "singlestat", "format": "bytes", "thresholds": "50, 8e1", "colors": ["a", "b", "c"]}),
                "stat",
                json!({"defaults": {"unit": "bytes", "thresholds": {"mode": "absolute", "steps": [
                {"color": "a", "value": null}, {"color": "b", "value": 50}, {"color": "c", "value": 80}]}}, "overrides": []}),
            ),
            (json!({"type": "singlestat", "gauge": {"show": true}}), "gauge", Value::Null),
            (
                json!({"type": "graph", "yaxes": [{"min": "0", "max": " 1e2 ", "decimals": "1"}, {"min": "5"}], "fill": "1", "linewidth": "2"}),
                "timeseries",
                json!({"defaults": {"min": 0, "max": 100, "decimals": 1, "custom": {"fillOpacity": 10, "lineWidth": 2}}, "overrides": []}),
            ),
            (json!({"type": "graph", "yaxes": [{"min": "auto", "max": ""}]}), "timeseries", Value::Null),
            (
                json!({"type": "singlestat", "gauge": {"show": true, "minValue": "-5", "maxValue": 100}}),
                "gauge",
                json!({"defaults": {"min": -5, "max": 100}, "overrides": []}),
            ),
            (json!({"type": "table-old", "styles": []}), "table", Value::Null),
            (json!({"type": "pie"}), "piechart", Value::Null),
            (json!({}), "timeseries", Value::Null),
        ] {
            let (model, warnings) = complete(json!({"title": "t", "panels": [old.clone()]}));
            let panel = &model["panels"][0];
            assert_eq!((panel["type"].as_str(), &panel["fieldConfig"]), (Some(new), &has), "{old}");
            assert!(panel.get("yaxes").is_none() && panel.get("styles").is_none(), "{panel}");
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(
                warnings[0].starts_with("dashboard_config.panels[0]: ") && warnings[0].contains(new),
                "{warnings:?}"
            );
        }
    }

    #[test]
    fn a_bound_that_is_not_a_number_is_reported() {
        let (model, warnings) =
            complete(json!({"title": "t", "panels": [{"type": "graph", "yaxes": [{"max": "$limit"}]}]}));
        assert_eq!(model["panels"][0].get("fieldConfig"), None);
        assert!(
            warnings[0].ends_with("it was converted to timeseries; max \"$limit\" is not a number and was dropped"),
            "{warnings:?}"
        );
    }

    #[test]
    fn existing_ids_are_kept_and_made_unique() {
        let (model, _) = complete(json!({"title": "t", "panels": [
            {"type": "text", "id": 3}, {"type": "text"}, {"type": "text", "id": 3}, {"type": "row", "panels": [{"type": "text"}]},
            {"type": "text", "id": -1}, {"type": "text", "id": "x"},
        ]}));
        let mut ids: Vec<u64> =
            model["panels"].as_array().unwrap().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids[0], 3);
        ids.push(model["panels"][3]["panels"][0]["id"].as_u64().unwrap());
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn other_data_sources_are_kept() {
        let panels = json!([
            {"libraryPanel": {"uid": "u", "name": "n"}, "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0}, "id": 1},
            {"type": "logs", "targets": [{"expr": "{a=\"b\"} | line_format \"{{.x}\" [", "datasource": {"type": "loki", "uid": "l"}}]},
        ]);
        let (model, warnings) = complete(json!({"title": "t", "panels": panels}));
        assert_eq!(model["panels"][0], panels[0]);
        assert_eq!(model["panels"][1]["targets"][0]["expr"], panels[1]["targets"][0]["expr"]);
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn completing_a_complete_dashboard_changes_nothing() {
        let given = json!({"title": "t \u{2603} <b>\"", "panels": [{"type": "graph", "targets": [{"expr": "up"}]}, {"type": "row"}]});
        let (once, _) = complete(given);
        let (twice, warnings) = complete(once.clone());
        assert_eq!(once, twice);
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn other_values_are_rejected_by_their_path() {
        for (given, field) in [
            ("[]", "d"),
            ("{\"dashboard\": 1}", "d.dashboard"),
            ("{}", "d.title"),
            ("{\"dashboard\": {\"title\": \" \"}}", "d.dashboard.title"),
            ("{\"title\": 1}", "d.title"),
            ("{\"title\": \"t\", \"uid\": \"a b\"}", "d.uid"),
            ("{\"title\": \"t\", \"panels\": {}}", "d.panels"),
            ("{\"title\": \"t\", \"panels\": [1]}", "d.panels[0]"),
            ("{\"title\": \"t\", \"panels\": [{\"targets\": [1]}]}", "d.panels[0].targets[0]"),
            (
                "{\"title\": \"t\", \"panels\": [{\"targets\": [{\"expr\": \"sum(up\"}]}]}",
                "d.panels[0].targets[0].expr",
            ),
            (
                "{\"title\": \"t\", \"panels\": [{\"type\": \"row\", \"panels\": [{\"type\": \"row\"}]}]}",
                "d.panels[0].panels[0]",
            ),
            ("{\"title\": \"t\", \"tags\": [1]}", "d.tags"),
            ("{\"title\": \"t\", \"templating\": 1}", "d.templating"),
            ("{\"title\": \"t\", \"rows\": [{}]}", "d.rows"),
            ("{\"title\": \"t\", \"elements\": {}}", "d"),
        ] {
            assert_eq!(refused(given).field(), Some(field), "{given}");
        }
    }

    #[test]
    fn ten_thousand_panels_are_a_dashboard() {
        let panels = vec![json!({"type": "graph", "targets": [{"expr": "up"}]}); 10_000];
        let (model, warnings) = complete(json!({"title": "t", "panels": panels}));
        assert_eq!(model["panels"].as_array().unwrap().len(), 10_000);
        assert_eq!((warnings.len(), warnings[100].as_str()), (101, "dashboard_config: and 9900 more"));
        assert_eq!(model["panels"][9_999]["gridPos"], json!({"h": 8, "w": 12, "x": 12, "y": 39_992}));
    }

    #[test]
    fn ref_ids_continue_after_z() {
        assert_eq!([0, 25, 26, 51, 52, 702].map(ref_id), ["A", "Z", "AA", "AZ", "BA", "AAA"]);
    }

    proptest! {
        #[test]
        fn any_title_makes_a_dashboard_or_a_clear_error(title in any::<String>()) {
            match build(json!({"title": title}), "d", &Options::default()) {
                Ok(made) => prop_assert_eq!(&made.model["title"], title.trim()),
                Err(error) => prop_assert_eq!(error.field(), Some("d.title")),
            }
        }
    }
}

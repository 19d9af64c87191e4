//! Resolves the data sources of panels, queries, annotations and variables.
//!
//! A reference is an object `{type, uid}`; before Grafana 8 it was a name. Prometheus references
//! use one template variable, so that the dashboard works in any Grafana. Other references stay as
//! they are: Grafana's built-in sources, variables, and data sources of other types.

use std::collections::BTreeMap;

use super::members::{Map, Members as _};
use plugpipe_contract::error::excerpt;
use serde_json::{Value, json};

/// Names for the Prometheus variable: the first that the dashboard does not use for something else.
const VARIABLES: [&str; 2] = ["datasource", "prometheus_datasource"];

/// The data source type of the plug's dashboards.
pub(super) const PROMETHEUS: &str = "prometheus";

/// Grafana's built-in sources: name or uid, with the type that Grafana writes.
const BUILT_IN: [(&str, &str); 4] =
    [(MIXED, "datasource"), ("-- Dashboard --", "datasource"), ("-- Grafana --", "grafana"), ("__expr__", "__expr__")];

/// In a panel with this source, each query has its own data source.
const MIXED: &str = "-- Mixed --";

/// Parts of names that indicate other types, if only a name is given.
const OTHER_TYPES: [&str; 20] = [
    "alertmanager",
    "azure",
    "clickhouse",
    "cloudwatch",
    "elastic",
    "graphite",
    "infinity",
    "influx",
    "jaeger",
    "loki",
    "mssql",
    "mysql",
    "opensearch",
    "opentsdb",
    "parca",
    "postgres",
    "pyroscope",
    "stackdriver",
    "tempo",
    "zipkin",
];

/// The data source variables and requirements of a dashboard.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The name of the Prometheus variable.
    pub(super) variable: String,
    /// All template variables; data source variables with their type.
    pub(super) variables: BTreeMap<String, Option<String>>,
    /// Names and types of the data sources that a shared export requires.
    required: Vec<(String, String)>,
}

/// A reference, and a warning.
type Resolved = (Value, Option<String>);

impl Sources {
    /// Reads a model's template variables and requirements.
    pub(super) fn of(model: &Map) -> Self {
        let mut sources = Self::default();
        for variable in model.map("templating").into_iter().flat_map(|templating| templating.maps("list")) {
            let Some(name) = variable.text("name") else { continue };
            let kind = variable.text("query").filter(|_| variable.text("type") == Some("datasource"));
            sources.variables.insert(name.to_owned(), kind.map(str::to_owned));
        }
        for required in model.maps("__requires") {
            if let (Some("datasource"), Some(id), Some(name)) =
                (required.text("type"), required.text("id"), required.text("name"))
            {
                sources.required.push((name.to_owned(), id.to_owned()));
            }
        }
        let is_ours =
            |name: &&&str| sources.variables.get(**name).is_none_or(|kind| kind.as_deref() == Some(PROMETHEUS));
        let name = VARIABLES.iter().find(is_ours).copied();
        sources.variable = name.map_or_else(|| sources.free_name("prometheus"), str::to_owned);
        sources
    }

    /// An unused name for another variable, derived from `wanted`.
    pub(super) fn free_name(&self, wanted: &str) -> String {
        let allowed = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
        let name: String = wanted.chars().map(allowed).collect();
        let is_free = |name: &String| !self.variables.contains_key(name) && *name != self.variable;
        let numbered = (2_u32..).map(|number| format!("{name}_{number}"));
        std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name)
    }

    /// A reference to the Prometheus variable.
    pub(super) fn prometheus(&self) -> Value {
        reference(Some(PROMETHEUS), &format!("${{{}}}", self.variable))
    }

    /// Resolves a reference found at `path`; the Prometheus variable if there is none to keep.
    /// `queries` are the queries to the data source.
    pub(super) fn resolve(&self, given: Option<Value>, queries: &[Value], path: &str) -> Resolved {
        match given {
            Some(Value::String(name)) if !name.is_empty() && name != "default" => self.by_name(&name, queries, path),
            Some(Value::Object(map)) if map.some("uid").is_some() || map.some("type").is_some() => {
                let unknown = map.text("uid").and_then(variable_of).filter(|name| !self.is_variable(name));
                let Some(name) = unknown else { return (map.into(), None) };
                let name = excerpt(name, 100);
                if map.text("type").is_none_or(|kind| kind == PROMETHEUS) {
                    return (self.prometheus(), Some(replaced(path, &name)));
                }
                let warning = format!(
                    "{path}.datasource: the dashboard has no variable or input {name}; choose the data source in Grafana"
                );
                (map.into(), Some(warning))
            }
            _ => (self.prometheus(), None),
        }
    }

    fn by_name(&self, name: &str, queries: &[Value], path: &str) -> Resolved {
        if let Some(variable) = variable_of(name) {
            return match self.variables.get(variable) {
                _ if variable == self.variable => (self.prometheus(), None),
                Some(kind) => (reference(kind.as_deref(), &format!("${{{variable}}}")), None),
                None => (self.prometheus(), Some(replaced(path, &excerpt(variable, 100)))),
            };
        }
        if let Some((uid, kind)) = BUILT_IN.iter().find(|(uid, _)| *uid == name) {
            return (reference(Some(kind), uid), None);
        }
        if self.is_of_other_type(name, queries) {
            return (name.into(), None);
        }
        let name = excerpt(name, 100);
        let warning = format!(
            "{path}.datasource: {name:?} is a name, but newer versions of Grafana use uids; it was replaced by the variable"
        );
        (self.prometheus(), Some(warning))
    }

    /// Whether the named data source is known not to be Prometheus, judging by the dashboard.
    fn is_of_other_type(&self, name: &str, queries: &[Value]) -> bool {
        let required =
            self.required.iter().find(|(own, id)| own.eq_ignore_ascii_case(name) || id.eq_ignore_ascii_case(name));
        if let Some((_, id)) = required {
            return id != PROMETHEUS;
        }
        let name = name.to_ascii_lowercase();
        if name.contains("prom") {
            return false;
        }
        // A Prometheus query has an expression.
        let asks_otherwise = |query: &Value| match query {
            Value::Object(query) => {
                let common = ["datasource", "hide", "refId"];
                query.text("expr").is_none() && query.keys().any(|name| !common.contains(&name.as_str()))
            }
            _ => false,
        };
        OTHER_TYPES.iter().any(|kind| name.contains(kind))
            || (!queries.is_empty() && queries.iter().all(asks_otherwise))
    }

    /// The data source of a query without one, in a panel with this source.
    pub(super) fn of_query(&self, panel: &Value) -> Value {
        match panel {
            Value::Object(map) if map.text("uid") == Some(MIXED) => self.prometheus(),
            panel => panel.clone(),
        }
    }

    /// Whether a reference leads to Prometheus, as far as known.
    pub(super) fn is_prometheus(&self, source: &Value) -> bool {
        let Value::Object(map) = source else { return false };
        let uid = map.text("uid").unwrap_or_default();
        match (map.text("type"), variable_of(uid).and_then(|name| self.variables.get(name))) {
            (Some(kind), _) => kind == PROMETHEUS,
            (None, Some(kind)) => kind.as_deref().is_none_or(|kind| kind == PROMETHEUS),
            (None, None) => !BUILT_IN.iter().any(|(built_in, _)| *built_in == uid),
        }
    }

    /// Whether the dashboard has this variable, or will get it.
    pub(super) fn is_variable(&self, name: &str) -> bool {
        name == self.variable || self.variables.contains_key(name)
    }
}

/// The name in `$name`, `${name}`, `${name:format}` or `[[name]]`, if the text is nothing else.
pub(super) fn variable_of(text: &str) -> Option<&str> {
    let braced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let bracketed = || text.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
    let name = braced.or_else(bracketed).or_else(|| text.strip_prefix('$'))?;
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    (!name.is_empty() && !name.contains(['$', '{', '}'])).then_some(name)
}

fn reference(kind: Option<&str>, uid: &str) -> Value {
    match kind {
        Some(kind) => json!({"type": kind, "uid": uid}),
        None => json!({"uid": uid}),
    }
}

fn replaced(path: &str, name: &str) -> String {
    format!(
        "{path}.datasource: the dashboard has no variable or input {name}; it was replaced by the Prometheus variable"
    )
}

/// A template variable that selects a data source of the given type.
pub(super) fn source_variable(name: &str, label: &str, kind: &str, current: Option<&str>) -> Value {
    let current = current.unwrap_or("default");
    json!({
        "name": name,
        "label": label,
        "type": "datasource",
        "query": kind,
        "current": {"text": current, "value": current},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    fn sources(json: &str) -> Sources {
        let Value::Object(model) = tree(json) else { panic!() };
        Sources::of(&model)
    }

    const MODEL: &str = r#"{
        "templating": {"list": [
            {"name": "logs", "type": "datasource", "query": "loki"}, {"name": "env", "type": "custom", "query": "a,b"}]},
        "__requires": [{"type": "datasource", "id": "yesoreyeram-infinity-datasource", "name": "Orders"},
            {"type": "panel", "id": "stat", "name": "Stat"}, {"type": "datasource", "id": "prometheus", "name": "Graphite bridge"}]}"#;

    #[test]
    fn other_references_are_kept() {
        let sources = sources(MODEL);
        let expression = [tree(r#"{"expr": "up", "refId": "A"}"#)];
        let sql = [tree(r#"{"rawSql": "SELECT 1", "refId": "A"}"#)];
        let variable = r#"{"type":"prometheus","uid":"${datasource}"}"#;
        for (given, queries, becomes, warns) in [
            ("null", &expression[..], variable, false),
            ("\"default\"", &expression, variable, false),
            ("\"$datasource\"", &expression, variable, false),
            ("\"${datasource}\"", &expression, variable, false),
            ("{}", &expression, variable, false),
            ("\"-- Mixed --\"", &expression, r#"{"type":"datasource","uid":"-- Mixed --"}"#, false),
            ("\"-- Dashboard --\"", &[], r#"{"type":"datasource","uid":"-- Dashboard --"}"#, false),
            ("\"-- Grafana --\"", &[], r#"{"type":"grafana","uid":"-- Grafana --"}"#, false),
            ("\"__expr__\"", &[], r#"{"type":"__expr__","uid":"__expr__"}"#, false),
            (
                r#"{"type":"datasource","uid":"-- Mixed --"}"#,
                &[],
                r#"{"type":"datasource","uid":"-- Mixed --"}"#,
                false,
            ),
            (r#"{"type":"datasource","uid":"grafana"}"#, &[], r#"{"type":"datasource","uid":"grafana"}"#, false),
            (r#"{"type":"tempo","uid":"t"}"#, &[], r#"{"type":"tempo","uid":"t"}"#, false),
            (r#"{"uid":"$logs"}"#, &[], r#"{"uid":"$logs"}"#, false),
            ("\"$logs\"", &expression, r#"{"type":"loki","uid":"${logs}"}"#, false),
            ("\"Loki (eu)\"", &expression, "\"Loki (eu)\"", false),
            ("\"Orders\"", &expression, "\"Orders\"", false),
            ("\"Warehouse\"", &sql, "\"Warehouse\"", false),
            ("\"Graphite bridge\"", &expression, variable, true),
            ("\"My Prometheus\"", &sql, variable, true),
            ("\"Metrics\"", &expression, variable, true),
            ("\"${DS_PROMETHEUS}\"", &expression, variable, true),
            (r#"{"type":"prometheus","uid":"${DS_PROMETHEUS}"}"#, &[], variable, true),
            (r#"{"uid":"${DS_X}"}"#, &[], variable, true),
            (r#"{"type":"loki","uid":"${DS_LOKI}"}"#, &[], r#"{"type":"loki","uid":"${DS_LOKI}"}"#, true),
        ] {
            let (resolved, warning) = sources.resolve(Some(tree(given)), queries, "panels[0]");
            assert_eq!((resolved.to_string().as_str(), warning.is_some()), (becomes, warns), "{given}: {warning:?}");
            assert!(warning.is_none_or(|warning| warning.starts_with("panels[0].datasource: ")), "{given}");
        }
    }

    #[test]
    fn expressions_are_prometheus_by_default() {
        let sources = sources(MODEL);
        for (source, is) in [
            (r#"{"type":"prometheus"}"#, true),
            (r#"{"uid":"some"}"#, true),
            (r#"{"uid":"$env"}"#, true),
            (r#"{"type":"loki","uid":"some"}"#, false),
            (r#"{"uid":"${logs}"}"#, false),
            (r#"{"uid":"__expr__"}"#, false),
            ("\"Loki\"", false),
        ] {
            assert_eq!(sources.is_prometheus(&tree(source)), is, "{source}");
        }
    }

    #[test]
    fn an_existing_variable_of_the_same_name_is_kept() {
        let loki =
            sources(r#"{"templating": {"list": [{"name": "datasource", "type": "datasource", "query": "loki"}]}}"#);
        assert_eq!(loki.variable, "prometheus_datasource");
        let (resolved, _) = loki.resolve(Some("${datasource}".into()), &[], "p");
        assert_eq!(resolved.to_string(), r#"{"type":"loki","uid":"${datasource}"}"#);
        let ours = r#"{"templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]}}"#;
        assert_eq!(sources(ours).variable, "datasource");
        let again = r#"{"templating": {"list": [{"name": "datasource", "type": "datasource", "query": "loki"},
            {"name": "prometheus_datasource", "type": "datasource", "query": "prometheus"}]}}"#;
        assert_eq!(sources(again).variable, "prometheus_datasource");
        assert_eq!(loki.free_name("DS_A-B c"), "DS_A_B_c");
        assert_eq!(loki.free_name("datasource"), "datasource_2");
    }

    #[test]
    fn a_variable_has_several_notations() {
        for (text, name) in [
            ("$a", Some("a")),
            ("${a}", Some("a")),
            ("${a:raw}", Some("a")),
            ("[[a]]", Some("a")),
            ("a", None),
            ("$", None),
            ("${}", None),
            ("${a}${b}", None),
            ("-- Mixed --", None),
        ] {
            assert_eq!(variable_of(text), name, "{text}");
        }
    }
}

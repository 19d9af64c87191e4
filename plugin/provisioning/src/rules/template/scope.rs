//! The functions and variables available in templates, by evaluator.

use super::super::known::Evaluator;

/// Built-in functions of Go templates.
const BUILTIN: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
    "println", "slice", "urlquery",
];

/// Additional functions of all evaluators.
const COMMON: [&str; 27] = [
    "args",
    "externalURL",
    "first",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "value",
];

/// Prometheus's links to its web UI.
const LINKS: [&str; 2] = ["graphLink", "tableLink"];

/// Additional functions of vmalert.
const VMALERT: [&str; 8] = [
    "crlfEscape",
    "formatTime",
    "htmlEscape",
    "jsonEscape",
    "parseDurationTime",
    "pathEscape",
    "queryEscape",
    "quotesEscape",
];

/// Additional functions of Grafana.
const GRAFANA: [&str; 5] = ["deduplicate", "filterLabels", "filterLabelsRe", "mergeLabelValues", "removeLabels"];

/// The available names.
pub(super) struct Scope {
    pub(super) functions: Vec<&'static str>,
    pub(super) variables: Vec<&'static str>,
}

impl Scope {
    pub(super) fn of(evaluator: Evaluator) -> Self {
        let (functions, variables): (&[&[&str]], &[&str]) = match evaluator {
            Evaluator::Vmalert => (
                &[&BUILTIN, &COMMON, &VMALERT],
                &[
                    "$",
                    "$labels",
                    "$value",
                    "$externalLabels",
                    "$externalURL",
                    "$expr",
                    "$alertID",
                    "$groupID",
                    "$activeAt",
                    "$for",
                    "$isPartial",
                    "$type",
                ],
            ),
            Evaluator::Grafana => (
                &[&BUILTIN, &COMMON, &LINKS, &GRAFANA],
                &["$", "$labels", "$value", "$values", "$externalLabels", "$externalURL"],
            ),
            _ => (&[&BUILTIN, &COMMON, &LINKS], &["$", "$labels", "$value", "$externalLabels", "$externalURL"]),
        };
        Self { functions: functions.concat(), variables: variables.to_vec() }
    }
}

//! The names that templates may use, by evaluator.

use super::super::known::Evaluator;

/// The functions of Go's own templates.
const BUILTIN: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
    "println", "slice", "urlquery",
];

/// What every evaluator of rules has besides.
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

/// vmalert's own.
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

/// Grafana's own.
const GRAFANA: [&str; 5] = ["deduplicate", "filterLabels", "filterLabelsRe", "mergeLabelValues", "removeLabels"];

/// The names that a template may use.
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

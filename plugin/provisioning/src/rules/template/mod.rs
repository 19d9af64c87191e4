//! Go's templates, as labels and annotations of alerts hold them: parsed as the server parses them
//! when it loads a rule file.
//!
//! A server refuses a whole file for one template that does not parse. What happens when a template
//! runs (a field that does not exist, an argument of the wrong type) it shows in the alert instead,
//! so that is not looked at here.
//!
//! | file | what it is for |
//! |---|---|
//! | `lex` | a text as tokens |
//! | `parse` | the grammar; variables and functions that must be defined |
//! | `literal` | numbers, characters and quoted texts |

mod lex;
mod literal;
mod parse;

use super::known::Evaluator;

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
struct Scope {
    functions: Vec<&'static str>,
    variables: Vec<&'static str>,
}

impl Scope {
    fn of(evaluator: Evaluator) -> Self {
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

/// Checks a template of an alert that this evaluator loads. The error says where, what was found
/// and what was expected.
pub fn check(text: &str, evaluator: Evaluator) -> Result<(), String> {
    if !text.contains("{{") {
        return Ok(());
    }
    let tokens = lex::tokens(text).map_err(|fault| fault.said(text))?;
    parse::parse(&tokens, &Scope::of(evaluator)).map_err(|fault| fault.said(text))
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// A byte of the text.
    at: usize,
    problem: String,
}

impl Fault {
    fn new(at: usize, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into() }
    }

    fn said(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let problem = &self.problem;
        if text.contains('\n') {
            format!("template, line {line}, column {column}: {problem}")
        } else {
            format!("template, column {column}: {problem}")
        }
    }
}

#[cfg(test)]
mod tests;

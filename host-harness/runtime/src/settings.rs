//! Loads configuration files, YAML or JSON, and expands `${NAME}` from the environment for granted
//! names.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugpipe_yaml as yaml;
use serde_json::Value;

use crate::error::Error;
pub use crate::grants::first_text;

/// Loads a configuration file. `names` are the environment variables that it may use.
pub fn load(path: &Path, names: &BTreeSet<String>) -> Result<Value, Error> {
    let text =
        fs::read_to_string(path).map_err(|error| Error::File { path: path.into(), problem: error.to_string() })?;
    parse(&path.display().to_string(), &text, names, |name| std::env::var(name).ok())
}

/// Parses a configuration; `what` names it in errors, and `lookup` returns the value of a variable.
pub fn parse(
    what: &str,
    text: &str,
    names: &BTreeSet<String>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Value, Error> {
    let problem = |problem: String| Error::Settings { what: what.into(), problem };
    // Every setting can be a string, so keep the source text, such as an instance `01` or a job
    // `1.10`.
    let mut config = yaml::read(text).map_err(|error| problem(format!("not YAML: {error}")))?.to_written();
    if config.is_null() {
        config = Value::Object(serde_json::Map::new());
    }
    if !config.is_object() {
        return Err(problem("expected a map, such as prometheus_config: {gateway_url: …}".into()));
    }
    let not_granted = RefCell::new(None);
    expand(&mut config, "", &|name| {
        if !names.contains(name) {
            not_granted.replace(Some(name.to_owned()));
            return Err(format!("${{{name}}} is not granted"));
        }
        lookup(name).ok_or_else(|| format!("${{{name}}} is granted but not set in the environment"))
    })
    .map_err(|text| match not_granted.take() {
        Some(name) => Error::EnvNotGranted { what: what.into(), problem: text, name },
        None => problem(text),
    })?;
    Ok(config)
}

/// Expands `${NAME}` in every string in `value`. Errors begin with the path.
fn expand(value: &mut Value, path: &str, lookup: &impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains("${") => {
            *text = expand_text(text, lookup).map_err(|problem| format!("{path}: {problem}"))?;
        }
        Value::Array(list) => {
            for (index, item) in list.iter_mut().enumerate() {
                expand(item, &format!("{path}[{index}]"), lookup)?;
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                expand(item, &path, lookup)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Inserted values are not expanded again.
fn expand_text(text: &str, lookup: &impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let (name, after) = after.split_once('}').ok_or("${ without closing }")?;
        expanded.push_str(&lookup(name)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Value, String> {
        let granted = ["A".to_owned(), "UNSET".to_owned()].into();
        parse("config.yaml", text, &granted, |name| match name {
            "A" => Some("${SECRET}".into()),
            "SECRET" => Some("leaked".into()),
            _ => None,
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn granted_names_are_expanded_once() {
        let config = parsed("list: [\"x-${A}-${A}\"]\nplain: $A {A}").unwrap();
        assert_eq!(config["list"][0], "x-${SECRET}-${SECRET}");
        assert_eq!(config["plain"], "$A {A}");
    }

    #[test]
    fn other_names_are_errors_with_the_path() {
        let error = parsed("a: {b: [\"${SECRET}\"]}").unwrap_err();
        assert_eq!(error, "config.yaml: a.b[0]: ${SECRET} is not granted");
        assert!(parsed("a: ${UNSET}").unwrap_err().contains("not set"));
        assert!(parsed("a: ${A").unwrap_err().contains("closing"));
    }

    #[test]
    fn settings_keep_their_source_text() {
        let config = parsed(
            "{instance: 0042, job_name: y, timeout: 1e1, debug: True, max_response_bytes: 0x1F, retry_attempts: 2, mock_mode: false, \
             external_labels: {version: 1.10, a: no, b: 1.0, c: ~}}",
        );
        let expected = serde_json::json!({
            "instance": "0042", "job_name": "y", "timeout": "1e1", "debug": "True", "max_response_bytes": "0x1F",
            "retry_attempts": 2, "mock_mode": false, "external_labels": {"version": "1.10", "a": "no", "b": 1.0, "c": null},
        });
        assert_eq!(config.unwrap(), expected);
    }

    #[test]
    fn the_first_setting_that_is_present_counts() {
        for (text, expected) in [
            ("{instance: 0042}", Some("0042")),
            ("{instance: 5}", Some("5")),
            ("{instance: a, prometheus_config: {instance: b}}", Some("b")),
            ("{instance: a, prometheus_config: {instance: ~}}", None),
            ("{instance: a, prometheus_config: {instance: \" \"}}", None),
            ("{instance: a, prometheus_config: x}", Some("a")),
            ("{}", None),
        ] {
            assert_eq!(
                first_text(&parsed(text).unwrap(), &["prometheus_config.instance", "instance"]).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn parser_errors_do_not_quote_lines() {
        let error = parsed("token: planted\n  x: [\n").unwrap_err();
        assert!(error.starts_with("config.yaml: not YAML: ") && !error.contains("planted"), "{error}");
    }

    #[test]
    fn a_configuration_is_a_map() {
        assert_eq!(parsed("").unwrap(), serde_json::json!({}));
        assert_eq!(parsed("# nothing\n").unwrap(), serde_json::json!({}));
        assert!(parsed("[1]").is_err());
        assert!(parsed("a: [").is_err());
    }
}

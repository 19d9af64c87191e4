//! Loads configuration files, YAML or JSON, and expands `${NAME}` from the environment for granted
//! names.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugpipe_yaml as yaml;
use serde_json::Value;

use crate::answer::{DefaultUrl, Server};
use crate::error::Error;
use crate::grants::at;
pub use crate::grants::first_text;

/// Loads a configuration file. `names` are the environment variables that it may use.
pub fn load(path: &Path, names: &BTreeSet<String>) -> Result<Value, Error> {
    let mut config = load_unexpanded(path)?;
    expand_all(&path.display().to_string(), &mut config, "", names, |name| std::env::var(name).ok())?;
    Ok(config)
}

/// Loads a configuration file and leaves `${NAME}` in it as it is, for [`expand_all`].
pub fn load_unexpanded(path: &Path) -> Result<Value, Error> {
    let text =
        fs::read_to_string(path).map_err(|error| Error::File { path: path.into(), problem: error.to_string() })?;
    parse_unexpanded(&path.display().to_string(), &text)
}

/// Parses a configuration; `what` names it in errors, and `lookup` returns the value of a variable.
pub fn parse(
    what: &str,
    text: &str,
    names: &BTreeSet<String>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Value, Error> {
    let mut config = parse_unexpanded(what, text)?;
    expand_all(what, &mut config, "", names, lookup)?;
    Ok(config)
}

fn parse_unexpanded(what: &str, text: &str) -> Result<Value, Error> {
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
    Ok(config)
}

/// Expands `${NAME}` in every string of a configuration, or of its part at `path`. `what` names the
/// file in errors, `names` are the environment variables that it may use, and `lookup` returns the
/// value of one.
pub fn expand_all(
    what: &str,
    config: &mut Value,
    path: &str,
    names: &BTreeSet<String>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Error> {
    let not_granted = RefCell::new(None);
    expand(config, path, &|name| {
        if !names.contains(name) {
            not_granted.replace(Some(name.to_owned()));
            return Err(format!("${{{name}}} is not granted"));
        }
        lookup(name).ok_or_else(|| format!("${{{name}}} is granted but not set in the environment"))
    })
    .map_err(|text| match not_granted.take() {
        Some(name) => Error::EnvNotGranted { what: what.into(), problem: text, name },
        None => Error::Settings { what: what.into(), problem: text },
    })
}

/// The configuration with URLs for servers that it does not mention, as far as the plug has
/// defaults for configurations like this one ([`Server::default`]), and warnings. `names` are the
/// environment variables that it may use, and `lookup` returns the value of a variable. Grants are
/// taken from what this returns.
pub fn with_default_urls(
    config: &Value,
    servers: &[Server],
    names: &BTreeSet<String>,
    lookup: impl Fn(&str) -> Option<String>,
) -> (Value, Vec<String>) {
    let (mut filled, mut warnings) = (config.clone(), Vec::new());
    for Server { settings, default, .. } in servers {
        let (Some(default), Some(path)) = (default, settings.last()) else { continue };
        let DefaultUrl { only_with, value, environment, url } = default;
        let is_meant = first_text(config, only_with).is_some_and(|text| text == *value);
        if !is_meant || settings.iter().any(|path| at(config, path).is_some()) {
            continue;
        }
        let found = lookup(environment);
        let is_url = |text: &String| text.starts_with("http://") || text.starts_with("https://");
        let problem = match &found {
            Some(_) if !names.contains(environment) => Some("is set but not granted"),
            Some(text) if !is_url(text) => Some("is not an http or https URL"),
            _ => None,
        };
        let url = match (problem, found) {
            (Some(problem), _) => {
                warnings.push(format!("{path}: the environment variable {environment} {problem}, so {url} is used"));
                url.clone()
            }
            (None, found) => found.unwrap_or_else(|| url.clone()),
        };
        put(&mut filled, path, url.into());
    }
    (filled, warnings)
}

/// Puts a value at a path, unless something that is no map is in the way.
fn put(config: &mut Value, path: &str, value: Value) {
    let (parents, name) = path.rsplit_once('.').map_or((None, path), |(parents, name)| (Some(parents), name));
    let place = parents.into_iter().flat_map(|parents| parents.split('.')).try_fold(config, |place, key| {
        let map = place.as_object_mut()?;
        Some(map.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new())))
    });
    if let Some(Value::Object(map)) = place {
        map.insert(name.to_owned(), value);
    }
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
    fn servers_that_are_not_mentioned_get_the_plugs_defaults() {
        let server = |settings: &[&str], name: &str| Server {
            settings: settings.iter().map(|path| (*path).to_owned()).collect(),
            headers: Vec::new(),
            default: Some(DefaultUrl {
                only_with: vec!["group.like".into(), "like".into()],
                value: "1".into(),
                environment: name.into(),
                url: format!("http://{}.example", name.to_lowercase()),
            }),
        };
        let servers = [
            server(&["group.one", "one"], "ONE"),
            server(&["two"], "TWO"),
            server(&["deep.down.three"], "THREE"),
            server(&["group.four"], "FOUR"),
            Server { settings: vec!["five".into()], headers: Vec::new(), default: None },
        ];
        let names: BTreeSet<String> = ["ONE", "TWO", "FOUR"].map(str::to_owned).into();
        let filled = |config: Value| {
            with_default_urls(&config, &servers, &names, |name| match name {
                "ONE" => Some("https://of.example/the?environment".into()),
                "THREE" => Some("http://not-granted.example".into()),
                "FOUR" => Some("s3cret".into()),
                _ => None,
            })
        };
        let (config, warnings) = filled(serde_json::json!({"like": 1}));
        let expected = serde_json::json!({
            "like": 1, "one": "https://of.example/the?environment", "two": "http://two.example",
            "deep": {"down": {"three": "http://three.example"}}, "group": {"four": "http://four.example"},
        });
        assert_eq!(config, expected);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("deep.down.three: the environment variable THREE is set but not granted"));
        assert!(
            warnings[1].starts_with("group.four: the environment variable FOUR") && !warnings[1].contains("s3cret"),
            "{warnings:?}"
        );
        // What is mentioned stays, null too, and what is no map.
        let said = serde_json::json!({"group": {"like": "1", "one": null, "four": ""}, "two": "x", "deep": 5});
        assert_eq!(filled(said.clone()), (said, vec![warnings[0].clone()]));
        for other in [
            serde_json::json!({}),
            serde_json::json!({"like": "2"}),
            serde_json::json!({"group": {"like": 2}, "like": 1}),
        ] {
            assert_eq!(filled(other.clone()), (other, Vec::new()));
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

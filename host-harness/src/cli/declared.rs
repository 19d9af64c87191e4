//! Declarations of further plugs: `--plug NAME=FILE`, `--grant NAME=GRANT`, and the member `plugs`
//! of a configuration.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use plugpipe_harness::yaml::nearest;
use plugpipe_harness::{CommandError, Grants, Origin, grants, settings};
use serde_json::{Map, Value, json};

/// The member of a configuration that this module reads.
pub(super) const MEMBER: &str = "plugs";

pub(super) const COMPONENT: &str = "component";
pub(super) const CONFIG: &str = "config";
pub(super) const GRANTS: &str = "grants";
const STATE: &str = "state";

/// The value of `--plug`: `FILE`, or `NAME=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlugFile {
    /// The name by which steps refer to a further plug; none for the first one.
    pub(super) name: Option<String>,
    pub(super) path: PathBuf,
}

/// Parses the value of `--plug`. A path with `=` is one of the first plug if what is before that is
/// no name, as in `./a=b.wasm`.
pub(super) fn plug_file(text: &str) -> Result<PlugFile, String> {
    let named = text.split_once('=').filter(|(name, _)| is_name(name));
    match named {
        Some((_, "")) | None if text.is_empty() => Err("expected FILE.wasm or NAME=FILE.wasm".to_owned()),
        Some((name, "")) => Err(format!("expected {name}=FILE.wasm")),
        Some((name, path)) => Ok(PlugFile { name: Some(name.to_owned()), path: path.into() }),
        None => Ok(PlugFile { name: None, path: text.into() }),
    }
}

/// The value of `--grant`: an origin for the first plug, or `NAME=` and what that plug is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GrantOption {
    First(Origin),
    Further(String, Granted),
}

/// What the command line grants a further plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Granted {
    /// To record in the first plug.
    Metrics,
    /// To query through it.
    Query,
    Origin(Origin),
}

/// Parses the value of `--grant`.
pub(super) fn grant(text: &str) -> Result<GrantOption, String> {
    let Some((name, granted)) = text.split_once('=').filter(|(name, _)| is_name(name)) else {
        return text.parse().map(GrantOption::First).map_err(|problem| match text {
            "metrics" | "query" => format!("{problem}, or NAME={text} for a further plug"),
            _ => problem,
        });
    };
    let granted = match granted {
        "metrics" => Granted::Metrics,
        "query" => Granted::Query,
        origin => {
            Granted::Origin(origin.parse().map_err(|problem| format!("{problem}, or {name}=metrics, or {name}=query"))?)
        }
    };
    Ok(GrantOption::Further(name.to_owned(), granted))
}

/// Names are those of folders and of values of a label too.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A further plug, as it was declared.
#[derive(Debug)]
pub(super) struct Declared {
    /// The name by which steps refer to it.
    pub(super) name: String,
    pub(super) component: PathBuf,
    pub(super) config: Value,
    /// None if its configuration grants the servers that it names.
    pub(super) grants: Option<Grants>,
    /// What the command line grants beside either.
    granted: Vec<Granted>,
    pub(super) state: Option<PathBuf>,
    /// The file that declares it, for errors.
    pub(super) file: String,
}

impl Declared {
    /// An error of its configuration.
    pub(super) fn refused(&self, problem: &str) -> CommandError {
        CommandError::settings(self.file.clone(), format!("{MEMBER}.{}.{CONFIG}.{problem}", self.name))
    }

    /// These grants, and those of the command line.
    pub(super) fn and_granted(&self, mut grants: Grants) -> Grants {
        for granted in &self.granted {
            match granted {
                Granted::Metrics => grants.metrics = true,
                Granted::Query => grants.query = true,
                Granted::Origin(origin) => grants = grants.and(origin.clone()),
            }
        }
        grants
    }
}

/// Adds what the command line grants further plugs.
pub(super) fn grant_further(plugs: &mut [Declared], options: &[GrantOption]) -> Result<(), CommandError> {
    for option in options {
        let GrantOption::Further(name, granted) = option else { continue };
        let near = nearest(name, plugs.iter().map(|plug| plug.name.as_str()));
        let Some(plug) = plugs.iter_mut().find(|plug| plug.name == *name) else {
            let problem = format!(
                "{name}: no further plug has this name{near}; add one with --plug {name}=FILE.wasm or below {MEMBER} in the --config file"
            );
            return Err(CommandError::settings("--grant", problem));
        };
        plug.granted.push(granted.clone());
    }
    Ok(())
}

/// Reads the declarations: `section` is the member `plugs` of the configuration in `file`, with its
/// `${NAME}` as they are; `options` come from the command line.
pub(super) fn declared(
    section: Option<&Value>,
    file: Option<&Path>,
    options: &[PlugFile],
) -> Result<Vec<Declared>, CommandError> {
    let what = file.map_or_else(|| "--plug".to_owned(), |file| file.display().to_string());
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let mut components = BTreeMap::new();
    for PlugFile { name, path } in options {
        let Some(name) = name else { continue };
        if components.insert(name.as_str(), path).is_some() {
            return Err(CommandError::settings("--plug", format!("{name} is given twice")));
        }
    }
    let empty = Map::new();
    let section = match section {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(section)) => section,
        Some(_) => {
            let problem =
                format!("{MEMBER}: expected a map, such as {{data_processor: {{component: processor.wasm}}}}");
            return Err(CommandError::settings(what, problem));
        }
    };
    let mut plugs = Vec::new();
    for (name, members) in section {
        let component = components.remove(name.as_str());
        plugs.push(member(name, members, component, folder, &what)?);
    }
    for (name, component) in components {
        plugs.push(Declared {
            name: name.to_owned(),
            component: component.clone(),
            config: json!({}),
            grants: None,
            granted: Vec::new(),
            state: None,
            file: what.clone(),
        });
    }
    Ok(plugs)
}

/// Reads one member of `plugs`.
fn member(
    name: &str,
    value: &Value,
    component: Option<&PathBuf>,
    folder: &Path,
    what: &str,
) -> Result<Declared, CommandError> {
    let at = format!("{MEMBER}.{name}");
    let problem = |problem: String| CommandError::settings(what, problem);
    if !is_name(name) {
        return Err(problem(format!("{at}: a plug's name has only letters, digits, _ and -")));
    }
    let expected = "expected a map with component, and config, grants and state as needed";
    let members = value.as_object().ok_or_else(|| problem(format!("{at}: {expected}")))?;
    let keys = [COMPONENT, CONFIG, GRANTS, STATE];
    if let Some(key) = members.keys().find(|key| !keys.contains(&key.as_str())) {
        let near = nearest(key, keys);
        return Err(problem(format!("{at}.{key}: unknown field; expected {}{near}", keys.join(", "))));
    }
    let path = |key: &str| match members.get(key) {
        None => Ok(None),
        Some(Value::String(path)) if !path.is_empty() => Ok(Some(folder.join(path))),
        Some(_) => Err(problem(format!("{at}.{key}: expected a path"))),
    };
    let own = path(COMPONENT)?;
    let component = component
        .cloned()
        .or(own)
        .ok_or_else(|| problem(format!("{at}.{COMPONENT}: is missing; expected a path, or --plug {name}=FILE.wasm")))?;
    let config = match members.get(CONFIG) {
        None => json!({}),
        Some(Value::Object(config)) => Value::Object(config.clone()),
        Some(Value::String(_)) => settings::load_unexpanded(&path(CONFIG)?.unwrap_or_default())?,
        Some(_) => return Err(problem(format!("{at}.{CONFIG}: expected a map or the path of a file"))),
    };
    let grants = match members.get(GRANTS) {
        None => None,
        Some(Value::String(_)) => {
            let file = path(GRANTS)?.unwrap_or_default();
            let text = fs::read_to_string(&file).map_err(|error| CommandError::unreadable(&file, &error))?;
            let own = grants::read(&text, file.parent().unwrap_or(Path::new("")));
            Some(own.map_err(|problem| CommandError::settings(file.display().to_string(), problem))?)
        }
        Some(value) => {
            let own = grants::read_value(value, folder);
            Some(own.map_err(|text| problem(format!("{at}.{GRANTS}.{text}")))?)
        }
    };
    let (name, state, file) = (name.to_owned(), path(STATE)?, what.to_owned());
    Ok(Declared { name, component, config, grants, granted: Vec::new(), state, file })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_plugs_option_is_a_file_or_a_name_with_one() {
        let parsed = |text: &str| plug_file(text).map(|file| (file.name, file.path.display().to_string()));
        assert_eq!(parsed("a.wasm").unwrap(), (None, "a.wasm".into()));
        assert_eq!(parsed("a=b/c=d.wasm").unwrap(), (Some("a".into()), "b/c=d.wasm".into()));
        assert_eq!(parsed("./a=b.wasm").unwrap(), (None, "./a=b.wasm".into()));
        assert!(parsed("a=").unwrap_err().contains("a=FILE.wasm"));
        assert!(parsed("").is_err());
    }

    #[test]
    fn a_grant_is_an_origin_or_one_of_a_named_plug() {
        assert!(matches!(grant("http://h:1").unwrap(), GrantOption::First(_)));
        assert_eq!(grant("a=metrics").unwrap(), GrantOption::Further("a".into(), Granted::Metrics));
        let of_a = GrantOption::Further("a".into(), Granted::Origin("http://h:1".parse().unwrap()));
        assert_eq!(grant("a=http://h:1").unwrap(), of_a);
        assert!(grant("a=metric").unwrap_err().ends_with("or a=metrics, or a=query"));
        assert!(grant("metrics").unwrap_err().contains("or NAME=metrics for a further plug"));
        assert!(!grant("h:1").unwrap_err().contains("NAME"));
    }

    #[test]
    fn the_command_line_grants_beside_what_is_declared() {
        let mut plugs = read(json!({
            "a": {"component": "a.wasm", "grants": {"query": true}},
        }))
        .unwrap();
        let options = ["a=metrics", "http://first:1", "b=http://h:1"].map(|text| grant(text).unwrap());
        grant_further(&mut plugs, &options).unwrap();
        let [a, b] = plugs.as_slice() else { panic!("two plugs") };
        let granted = a.and_granted(a.grants.clone().unwrap());
        assert!(granted.metrics && granted.query && granted.origins.is_empty());
        let granted = b.and_granted(Grants::none());
        assert!(!granted.metrics && granted.origins.len() == 1);
        let unknown = grant_further(&mut plugs, &[grant("bb=metrics").unwrap()]).unwrap_err().to_string();
        assert!(unknown.contains("--grant: bb: no further plug has this name"), "{unknown}");
    }

    fn read(section: Value) -> Result<Vec<Declared>, String> {
        let options = [plug_file("b=other/b.wasm").unwrap(), plug_file("first.wasm").unwrap()];
        declared(Some(&section), Some(Path::new("conf/x.yaml")), &options).map_err(|error| error.to_string())
    }

    #[test]
    fn the_section_and_the_options_are_put_together() {
        let plugs = read(json!({
            "a": {"component": "a.wasm", "config": {"x": "${Y}"}, "grants": {"origins": ["http://127.0.0.1:1"], "env": ["Y"]}},
            "b": {"component": "b.wasm", "state": "kept"},
        }))
        .unwrap();
        let places: Vec<String> = plugs.iter().map(|plug| plug.component.display().to_string()).collect();
        assert_eq!(places, ["conf/a.wasm", "other/b.wasm"]);
        let [a, b] = plugs.as_slice() else { panic!("two plugs") };
        assert_eq!(a.config, json!({"x": "${Y}"}));
        assert_eq!(a.grants.as_ref().unwrap().origins.len(), 1);
        assert_eq!((b.state.as_deref(), b.grants.is_none()), (Some(Path::new("conf/kept")), true));
        assert_eq!(read(json!({"c": {"component": "c.wasm"}})).unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (section, said) in [
            (json!([]), "conf/x.yaml: plugs: expected a map"),
            (json!({"a": "a.wasm"}), "plugs.a: expected a map with component"),
            (json!({"a": {}}), "plugs.a.component: is missing"),
            (json!({"a/b": {"component": "x"}}), "plugs.a/b: a plug's name"),
            (
                json!({"a": {"component": "x", "grant": {}}}),
                "plugs.a.grant: unknown field; expected component, config, grants, state; did you mean grants?",
            ),
            (json!({"a": {"component": "x", "grants": {"origin": []}}}), "plugs.a.grants.origin: "),
            (json!({"a": {"component": "x", "config": 5}}), "plugs.a.config: expected a map"),
        ] {
            let problem = read(section).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
        let twice = [plug_file("a=x").unwrap(), plug_file("a=y").unwrap()];
        assert!(declared(None, None, &twice).unwrap_err().to_string().contains("a is given twice"));
    }
}

//! What checks of configurations share: the plug, what it says of its settings, and where in the
//! document that is.

use std::path::PathBuf;

use plugpipe_harness::pipe::Problem;
use plugpipe_harness::yaml::prune::Pruned;
use plugpipe_harness::{CommandError, Error, Grants, Limits, Plug, embedded, load, yaml};
use serde_json::Value;
use tokio::sync::OnceCell;

/// A plug that is loaded when it is first needed.
pub(super) struct Lazy {
    path: Option<PathBuf>,
    plug: OnceCell<Plug>,
}

impl Lazy {
    /// The component in a file; none for the embedded one.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, plug: OnceCell::new() }
    }

    pub(super) async fn get(&self) -> Result<&Plug, CommandError> {
        let load = async || match &self.path {
            Some(path) => load(path, Default::default()),
            None => embedded(),
        };
        Ok(self.plug.get_or_try_init(load).await?)
    }
}

/// Stands for the value of a variable that is not granted.
pub(super) const UNKNOWN: char = '\u{e000}';

/// What a plug says of a configuration, and whether it is a warning. Each text begins with a path,
/// where the plug named one.
pub(super) async fn refused_settings(
    plug: &Plug,
    config: Value,
    grants: &Grants,
    limits: Limits,
) -> Result<Vec<(String, bool)>, Error> {
    let (mut left, mut said) = (Pruned::new(config), Vec::new());
    loop {
        let problem = match plug.start(left.value(), grants.clone(), limits).await {
            Ok(handle) => {
                // To a plug the configuration is its `cfg`.
                let warnings = handle.warnings().iter().map(|warning| warning.strip_prefix("cfg.").unwrap_or(warning));
                said.extend(warnings.map(|warning| (warning.to_owned(), true)));
                return Ok(said);
            }
            Err(Error::Config { problem, .. }) => problem,
            Err(error) => return Err(error),
        };
        let found = problem.split_once(": ").and_then(|(path, text)| Some((left.remove(path)?, text)));
        let Some((path, text)) = found else {
            said.push((problem, false));
            return Ok(said);
        };
        said.push((format!("{path}: {text}"), false));
    }
}

/// Removes members whose value is not known.
pub(super) fn remove_unknown(value: &mut Value, path: &str, tell: &mut dyn FnMut(&str)) {
    let is_unknown = |value: &Value| value.as_str().is_some_and(|text| text.contains(UNKNOWN));
    match value {
        Value::Object(members) => members.retain(|name, member| {
            let path = yaml::shape::joined(path, name);
            if is_unknown(member) {
                tell(&path);
                return false;
            }
            remove_unknown(member, &path, tell);
            true
        }),
        Value::Array(items) => {
            let mut index = 0;
            items.retain_mut(|item| {
                let path = format!("{path}[{index}]");
                index += 1;
                if is_unknown(item) {
                    tell(&path);
                    return false;
                }
                remove_unknown(item, &path, tell);
                true
            });
        }
        _ => {}
    }
}

/// A problem whose text begins with a path.
pub(super) fn placed(document: &yaml::Node, problem: &str, is_warning: bool) -> Problem {
    let (path, message) = match problem.split_once(": ") {
        Some((path, message)) if !path.contains(' ') => (path, message),
        _ => ("file", problem),
    };
    Problem { is_warning, path: path.into(), message: message.into(), position: Some(document.position_of(path)) }
}

//! What a plug is started with: its component, configuration, grants, limits, state and recording.

use std::path::{Path, PathBuf};

use plugpipe_runtime::{Error, Exchanges, Grants, Limits, Plug, Session, grants, settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use serde_json::Value;

use crate::convert::{invalid, str_of, to_json};
use crate::world::World;

/// As the constructor got it, checked as far as that is possible without the component.
pub(crate) struct Settings {
    /// None for the embedded plug.
    component: Option<PathBuf>,
    pub(crate) config: Value,
    /// None if configurations grant the servers that they name.
    grants: Option<Grants>,
    limits: Limits,
    pub(crate) state: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    replay: Option<PathBuf>,
}

/// The arguments, as Python has them.
pub(crate) struct Arguments<'a, 'py> {
    pub(crate) component: Option<PathBuf>,
    pub(crate) config: Option<&'a Bound<'py, PyAny>>,
    pub(crate) grants: Option<&'a Bound<'py, PyAny>>,
    pub(crate) limits: Option<&'a Bound<'py, PyAny>>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) replay: Option<PathBuf>,
}

fn json(what: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    to_json(value).map_err(|problem| {
        let dot = if problem.starts_with(':') { "" } else { "." };
        PyValueError::new_err(format!("{what}{dot}{problem}"))
    })
}

/// A path where there is one: a `str` or an `os.PathLike`, but no mapping.
fn path_of(value: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    let is_path = value.is_instance_of::<PyString>() || value.hasattr("__fspath__")?;
    is_path.then(|| value.extract()).transpose()
}

fn read(what: &str, path: &Path) -> PyResult<String> {
    std::fs::read_to_string(path).map_err(|error| invalid(what, format_args!("{}: {error}", path.display())))
}

fn granted(value: &Bound<'_, PyAny>) -> PyResult<Grants> {
    if let Some(path) = path_of(value)? {
        let folder = path.parent().unwrap_or(Path::new(""));
        let problem = |problem| invalid("grants", format_args!("{}: {problem}", path.display()));
        return grants::read(&read("grants", &path)?, folder).map_err(problem);
    }
    let text = json("grants", value)?;
    grants::read(&text, Path::new("")).map_err(|problem| invalid("grants", problem))
}

/// Limits in the form that the grants file has for them.
fn limited(value: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let text = json("limits", value)?;
    let granted = grants::read(&format!("{{\"limits\": {text}}}"), Path::new(""));
    let granted = granted.map_err(|problem| invalid("limits", problem))?;
    Ok(Limits::default().granted(&granted.limits))
}

impl Settings {
    pub(crate) fn read(arguments: Arguments<'_, '_>) -> PyResult<Self> {
        let Arguments { component, config, grants, limits, state, record, replay } = arguments;
        if record.is_some() && replay.is_some() {
            return Err(invalid("record", "expected either record or replay, not both"));
        }
        let grants = grants.map(granted).transpose()?;
        let config = match config {
            None => Value::Object(serde_json::Map::new()),
            Some(config) => match path_of(config)? {
                Some(path) => {
                    let env = grants.as_ref().map(|grants| grants.env.clone()).unwrap_or_default();
                    settings::load(&path, &env).map_err(|error| invalid("config", error))?
                }
                None => {
                    let text = json("config", config)?;
                    let value: Value = serde_json::from_str(&text).map_err(|error| invalid("config", error))?;
                    if !value.is_object() {
                        let found = str_of(config.get_type().as_any())?;
                        return Err(invalid("config", format_args!("expected a mapping or a path, got {found}")));
                    }
                    value
                }
            },
        };
        let granted = grants.as_ref().map(|grants| Limits::default().granted(&grants.limits));
        let limits = match limits {
            Some(limits) => limited(limits)?,
            None => granted.unwrap_or_default(),
        };
        Ok(Self { component, config, grants, limits, state, record, replay })
    }

    /// Whether there is one session for all configurations: where the caller said what is granted,
    /// or where something on disk belongs to one.
    pub(crate) fn is_single(&self) -> bool {
        self.grants.is_some() || self.state.is_some() || self.record.is_some() || self.replay.is_some()
    }

    /// Compiles the component. In a forked child nothing is recorded.
    pub(crate) fn load(&self, world: &World, is_child: bool) -> Result<Plug, Error> {
        let plug = match &self.component {
            None => world.embedded()?,
            Some(path) => Plug::from_file(path)?,
        };
        let problem = |path: &Path, problem: String| Error::Settings { what: path.display().to_string(), problem };
        let exchanges = match (&self.record, &self.replay) {
            (Some(path), _) if !is_child => Exchanges::record_to(path).map_err(|error| problem(path, error))?,
            (_, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| problem(path, error.to_string()))?;
                Exchanges::replay(&text).map_err(|error| problem(path, error))?
            }
            _ => return Ok(plug),
        };
        Ok(plug.with_exchanges(exchanges))
    }

    /// Starts a session with a configuration; what it grants by naming it is `named`.
    pub(crate) async fn start(&self, plug: &Plug, config: &Value, is_child: bool) -> Result<Session, Error> {
        let grants = match &self.grants {
            Some(grants) => grants.clone(),
            None => Grants::named_by(config, &plug.describe().await?.servers),
        };
        match self.state.as_deref().filter(|_| !is_child) {
            Some(folder) => plug.session_in(folder, config, grants, self.limits).await,
            None => plug.session(config, grants, self.limits).await,
        }
    }
}

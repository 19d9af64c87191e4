//! What a plug is started with: its component, configuration, grants, limits, state and recording.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plugpipe_runtime::grants::{CredentialGrant, SecretSource, origins_in};
use plugpipe_runtime::secrets::Secret;
use plugpipe_runtime::{Error, Exchanges, Grants, Limits, Origin, Plug, Session, grants, settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use serde::Deserialize;
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
    /// Credentials that the program has, by origin.
    secrets: Vec<(Origin, CredentialGrant)>,
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
    pub(crate) secrets: Option<&'a Bound<'py, PyAny>>,
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

/// Credentials by origin, in the form that the grants file has for them, but with the secret
/// itself.
fn credentials(value: &Bound<'_, PyAny>) -> PyResult<Vec<(Origin, CredentialGrant)>> {
    let text = json("secrets", value)?;
    let by_origin: BTreeMap<String, Given> = serde_json::from_str(&text).map_err(|_| {
        // What serde says would quote the secret.
        let expected = "expected a mapping from origins to {\"bearer\": TOKEN}, {\"basic\": {\"username\": …, \"password\": …}} \
                        or {\"header\": {\"name\": …, \"value\": …}}";
        invalid("secrets", expected)
    })?;
    let given = |(origin, given): (String, Given)| {
        let origin: Origin = origin.parse().map_err(|problem: String| invalid("secrets", problem))?;
        let program = |secret: String| SecretSource::Program(Secret::new(secret.into_bytes()));
        let credential = match given {
            Given::Bearer(token) => CredentialGrant::Bearer(program(token)),
            Given::Basic { username, .. } if username.contains(':') => {
                return Err(invalid("secrets", format_args!("{origin}: a user name cannot contain a colon")));
            }
            Given::Basic { username, password } => CredentialGrant::Basic { username, password: program(password) },
            Given::Header { name, value } => {
                CredentialGrant::Header { name: name.to_ascii_lowercase(), value: program(value) }
            }
        };
        Ok((origin, credential))
    };
    by_origin.into_iter().map(given).collect()
}

/// A credential as the program gives it.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Given {
    Bearer(String),
    Basic { username: String, password: String },
    Header { name: String, value: String },
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
        let Arguments { component, config, grants, limits, secrets, state, record, replay } = arguments;
        if record.is_some() && replay.is_some() {
            return Err(invalid("record", "expected either record or replay, not both"));
        }
        let mut grants = grants.map(granted).transpose()?;
        let secrets = secrets.map(credentials).transpose()?.unwrap_or_default();
        if let Some(grants) = &mut grants {
            for (origin, credential) in &secrets {
                grants.add_credential(origin, credential.clone()).map_err(|problem| invalid("secrets", problem))?;
            }
        }
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
        Ok(Self { component, config, grants, secrets, limits, state, record, replay })
    }

    /// Whether there is one session for all configurations: where the caller said what is granted,
    /// or where something on disk belongs to one.
    pub(crate) fn is_single(&self) -> bool {
        self.grants.is_some() || self.state.is_some() || self.record.is_some() || self.replay.is_some()
    }

    /// Warns of credentials for servers that the configuration does not name.
    pub(crate) fn unnamed_secrets(&self, named: &BTreeSet<Origin>) -> Vec<String> {
        let is_unnamed = |origin: &&Origin| self.grants.is_none() && !named.contains(*origin);
        let unnamed = self.secrets.iter().map(|(origin, _)| origin).filter(is_unnamed);
        let warning = |origin| {
            format!("secrets: {origin}: the configuration names no such server; used only where a call's does")
        };
        unnamed.map(warning).collect()
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
            None => {
                let servers = &plug.describe().await?.servers;
                let named = origins_in(config, servers);
                let mut grants = Grants::named_by(config, servers);
                for (origin, credential) in self.secrets.iter().filter(|(origin, _)| named.contains(origin)) {
                    let added = grants.add_credential(origin, credential.clone());
                    added.map_err(|problem| Error::Settings { what: "secrets".into(), problem })?;
                }
                grants
            }
        };
        match self.state.as_deref().filter(|_| !is_child) {
            Some(folder) => plug.session_in(folder, config, grants, self.limits).await,
            None => plug.session(config, grants, self.limits).await,
        }
    }
}

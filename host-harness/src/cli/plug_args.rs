//! Options that several commands share: the plug, its configuration and its grants.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::{Args, ValueHint};
use plugpipe_harness::delivery::Schedule;
use plugpipe_harness::grants::{self, AddressRange, Missing};
use plugpipe_harness::{
    CommandError, CompileLimits, Error, Exchanges, Grants, Limits, Origin, Plug, PlugHandle, embedded, load, settings,
};
use serde_json::{Value, json};

use super::declared::{self, Declared, GrantOption, PlugFile};
use super::show;

/// Names a component that is loaded instead of the embedded one.
const PLUG_VARIABLE: &str = "PLUGPIPE_PLUG";

/// The plug, its configuration and its grants.
#[derive(Args, Default)]
pub(super) struct PlugArgs {
    /// The plug's configuration, YAML or JSON; the origins it names are granted. Its member
    /// `delivery` is for `serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A component to load instead of the embedded one (or PLUGPIPE_PLUG in the environment). As
    /// NAME=FILE, a further plug for steps that name it: `run`, `watch` and `inspect` take several
    #[arg(id = "plug", long = "plug", value_name = "[NAME=]FILE", value_parser = declared::plug_file)]
    components: Vec<PlugFile>,
    /// The plug's grants, YAML or JSON (docs/grants.md); the configuration then grants nothing by
    /// itself
    #[arg(long = "grants", value_name = "FILE")]
    grants_file: Option<PathBuf>,
    /// Grant one more origin, such as http://127.0.0.1:9091. As NAME=metrics, NAME=query or
    /// NAME=ORIGIN, what a further plug is granted: to record in the first plug, to query through
    /// it, or an origin
    #[arg(id = "grant", long = "grant", value_name = "[NAME=]GRANT", value_parser = declared::grant)]
    granted: Vec<GrantOption>,
    /// Grant addresses that a granted name may resolve to: a network such as 10.1.0.0/16, or
    /// private, loopback, …
    #[arg(long = "address", value_name = "RANGE")]
    addresses: Vec<AddressRange>,
    /// Grant a folder for alerting rule files; the server's rule_files must include it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    rules_folder: Option<PathBuf>,
    /// Grant an environment variable, for ${NAME} in the configuration and in pipes
    #[arg(long = "env", value_name = "NAME")]
    names: Vec<String>,
    /// Persist recorded metrics in this folder across restarts and crashes; one process at a time
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) state: Option<PathBuf>,
    /// Write an HTTP recording of all requests and responses to this file, without secrets
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Replay responses from an HTTP recording (--record) instead of sending requests
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[arg(skip)]
    once: Once,
}

/// Files from the command line, read only once, because a pipe such as `--config <(command)` cannot
/// be read again.
#[derive(Default)]
struct Once {
    inputs: OnceLock<Inputs>,
    plug: OnceLock<Plug>,
    filled: OnceLock<Value>,
    exchanges: OnceLock<Option<Exchanges>>,
}

/// The configuration and the grants.
struct Inputs {
    config: Value,
    /// When `serve` delivers; the member `delivery` of the configuration's file.
    schedule: Option<Schedule>,
    /// The grants file, if there is one.
    granted: Option<Grants>,
    /// Further plugs.
    plugs: Vec<Declared>,
}

/// Returns the value in the cell; reads it on first use.
fn once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> Result<T, CommandError>) -> Result<&T, CommandError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = read()?;
    Ok(cell.get_or_init(|| value))
}

impl PlugArgs {
    /// A component, or the embedded one, without a configuration.
    pub(super) fn of_component(plug: Option<PathBuf>) -> Self {
        let components = plug.map(|path| PlugFile { name: None, path }).into_iter().collect();
        Self { components, ..Self::default() }
    }

    pub(super) fn plug(&self) -> Result<Plug, CommandError> {
        let granted = self.inputs()?.granted.as_ref().map(|granted| &granted.limits);
        let compile_limits =
            granted.map_or_else(CompileLimits::default, |limits| CompileLimits::default().granted(limits));
        let plug = once(&self.once.plug, || {
            let plug = match self.file()? {
                Some(path) => load(&path, compile_limits),
                None => embedded(),
            };
            Ok(plug?.with_advice(how_to_grant))
        })?;
        Ok(match self.exchanges()? {
            Some(exchanges) => plug.clone().with_exchanges(exchanges),
            None => plug.clone(),
        })
    }

    /// The component of the first plug, unless it is the embedded one.
    fn file(&self) -> Result<Option<PathBuf>, CommandError> {
        first_component(&self.components)
    }

    /// Grants the first plug one more origin.
    pub(super) fn grant_origin(&mut self, origin: Origin) {
        self.granted.push(GrantOption::First(origin));
    }

    /// The limits of the first plug.
    pub(super) fn limits(&self) -> Result<Limits, CommandError> {
        Ok(self.inputs()?.granted.as_ref().map_or_else(Limits::default, limits))
    }

    /// The further plugs.
    pub(super) fn declared(&self) -> Result<&[Declared], CommandError> {
        Ok(&self.inputs()?.plugs)
    }

    /// For commands that take one plug: an error if the command line names further ones, a warning
    /// if only the configuration does, which other commands may use too.
    pub(super) fn takes_one(&self) -> Result<(), CommandError> {
        if let Some(name) = self.components.iter().find_map(|file| file.name.as_ref()) {
            let problem = format!("{name}: this command takes one plug; run, watch and inspect take several");
            return Err(CommandError::settings("--plug", problem));
        }
        let further = |granted: &GrantOption| match granted {
            GrantOption::First(_) => None,
            GrantOption::Further(name, _) => Some(name.clone()),
        };
        if let Some(name) = self.granted.iter().find_map(further) {
            let problem = format!("{name}: this command takes one plug; run, watch and inspect take several");
            return Err(CommandError::settings("--grant", problem));
        }
        if let (Some(path), false) = (&self.config, self.declared()?.is_empty()) {
            let path = path.display();
            show::note(&format!("warning: {path}: plugs: are not loaded here; run, watch and inspect load them"));
        }
        Ok(())
    }

    /// The recording or replay that all plugs of the command share.
    pub(super) fn exchanges(&self) -> Result<Option<Exchanges>, CommandError> {
        if let Some(exchanges) = self.once.exchanges.get() {
            return Ok(exchanges.clone());
        }
        let exchanges = self.open_exchanges()?;
        Ok(self.once.exchanges.get_or_init(|| exchanges).clone())
    }

    fn open_exchanges(&self) -> Result<Option<Exchanges>, CommandError> {
        let (path, opened) = match (&self.record, &self.replay) {
            (Some(path), _) => (path, Exchanges::record_to(path)),
            (None, Some(path)) => (path, Exchanges::replay(&read(path)?)),
            (None, None) => return Ok(None),
        };
        opened.map(Some).map_err(|problem| CommandError::settings(path.display().to_string(), problem))
    }

    fn inputs(&self) -> Result<&Inputs, CommandError> {
        once(&self.once.inputs, || {
            let granted = self.granted_by_file()?;
            let names = self.names_with(granted.as_ref());
            let mut section = None;
            let (config, schedule) = match &self.config {
                Some(path) => {
                    let mut config = settings::load_unexpanded(path)?;
                    // Variables in it are those of further plugs.
                    section = config.as_object_mut().and_then(|members| members.remove(declared::MEMBER));
                    let lookup = |name: &str| std::env::var(name).ok();
                    settings::expand_all(&path.display().to_string(), &mut config, "", &names, lookup)?;
                    let schedule = Schedule::take(&mut config).map_err(|problem| self.in_config(problem))?;
                    (config, schedule)
                }
                None => (json!({}), None),
            };
            let mut plugs = declared::declared(section.as_ref(), self.config.as_deref(), &self.components)?;
            declared::grant_further(&mut plugs, &self.granted)?;
            Ok(Inputs { config, schedule, granted, plugs })
        })
    }

    /// The variables of the environment that the command line and the grants file grant.
    pub(super) fn variables(&self) -> Result<BTreeSet<String>, CommandError> {
        Ok(self.names_with(self.inputs()?.granted.as_ref()))
    }

    fn names_with(&self, granted: Option<&Grants>) -> BTreeSet<String> {
        let of_file = granted.into_iter().flat_map(|granted| granted.env.iter());
        self.names.iter().chain(of_file).cloned().collect()
    }

    /// The configuration.
    pub(super) fn config(&self) -> Result<&Value, CommandError> {
        Ok(&self.inputs()?.config)
    }

    /// When to deliver, if the configuration says so.
    pub(super) fn schedule(&self) -> Result<Option<&Schedule>, CommandError> {
        Ok(self.inputs()?.schedule.as_ref())
    }

    /// An error of the configuration's file.
    pub(super) fn in_config(&self, problem: String) -> CommandError {
        CommandError::settings(self.config.as_deref().unwrap_or(Path::new("")).display().to_string(), problem)
    }

    /// The configuration with the plug's default servers, where it has such for configurations like
    /// this one.
    pub(super) async fn filled(&self, plug: &Plug) -> Result<&Value, CommandError> {
        if let Some(filled) = self.once.filled.get() {
            return Ok(filled);
        }
        let servers = &plug.describe_within(self.limits()?).await?.servers;
        let lookup = |name: &str| std::env::var(name).ok();
        let (filled, warnings) = settings::with_default_urls(self.config()?, servers, &self.variables()?, lookup);
        show::warn("", &warnings);
        Ok(self.once.filled.get_or_init(|| filled))
    }

    fn granted_by_file(&self) -> Result<Option<Grants>, CommandError> {
        let Some(path) = &self.grants_file else { return Ok(None) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let granted = grants::read(&read(path)?, folder);
        granted.map(Some).map_err(|problem| CommandError::settings(path.display().to_string(), problem))
    }

    /// The grants from the grants file, or from the configuration if there is none, plus those from
    /// the command line.
    pub(super) async fn grants(&self, plug: &Plug) -> Result<Grants, CommandError> {
        let granted = match &self.inputs()?.granted {
            Some(granted) => granted.clone(),
            None => Grants::named_by(self.filled(plug).await?, &plug.describe_within(self.limits()?).await?.servers),
        };
        let folder = self.rules_folder.clone().or_else(|| granted.rules_folder.clone());
        let origins = self.granted.iter().filter_map(|granted| match granted {
            GrantOption::First(origin) => Some(origin.clone()),
            GrantOption::Further(..) => None,
        });
        let granted = origins.fold(granted, Grants::and);
        let granted = self.addresses.iter().cloned().fold(granted, Grants::and_addresses);
        Ok(granted.and_rules_folder(folder))
    }

    /// Loads the plug and starts it with its configuration and grants.
    pub(super) async fn start(&self) -> Result<PlugHandle, CommandError> {
        // Validate the inputs before compiling a component.
        self.inputs()?;
        self.start_in(&self.plug()?, self.state.as_deref()).await
    }

    /// Like `start`, for a process whose counters start at 0 unless it has a state folder: the plug
    /// reports counters that replace larger ones.
    pub(super) async fn start_detecting_resets(&self) -> Result<PlugHandle, CommandError> {
        self.start_changed(|config| {
            if self.state.is_none() {
                set_default(config, "detect_resets", true);
            }
        })
        .await
    }

    /// Like `start`, with the plug's metrics about itself unless the configuration says otherwise.
    pub(super) async fn start_with_own_metrics(&self) -> Result<PlugHandle, CommandError> {
        self.start_changed(|config| set_default(config, "own_metrics", true)).await
    }

    /// Like `start`; the embedded plug, whose settings are known, gets a changed configuration.
    async fn start_changed(&self, change: impl FnOnce(&mut Value)) -> Result<PlugHandle, CommandError> {
        // Validate the inputs before compiling a component.
        self.inputs()?;
        let plug = self.plug()?;
        let mut config = self.filled(&plug).await?.clone();
        if self.file()?.is_none() {
            change(&mut config);
        }
        self.start_with(&plug, self.state.as_deref(), &config).await
    }

    /// Starts the plug so that it sends nothing: in mock mode if it is the embedded one, and
    /// without grants and state in any case.
    pub(super) async fn start_dry(&self) -> Result<PlugHandle, CommandError> {
        // Validate the inputs before compiling a component.
        self.inputs()?;
        let plug = self.plug()?;
        let mut config = self.filled(&plug).await?.clone();
        if self.file()?.is_none() {
            set_nested(&mut config, "mock_mode", true);
        }
        let handle = plug.start(&config, Grants::none(), self.limits()?).await.map_err(|error| self.refused(error))?;
        show::warn("", handle.warnings());
        Ok(handle)
    }

    /// Starts the plug with its configuration and grants, and the state in a folder.
    pub(super) async fn start_in(&self, plug: &Plug, folder: Option<&Path>) -> Result<PlugHandle, CommandError> {
        self.start_with(plug, folder, self.filled(plug).await?).await
    }

    async fn start_with(&self, plug: &Plug, folder: Option<&Path>, config: &Value) -> Result<PlugHandle, CommandError> {
        let grants = self.grants(plug).await?;
        let limits = limits(&grants);
        let started = match folder {
            Some(folder) => plug.start_in(folder, config, grants, limits).await,
            None => plug.start(config, grants, limits).await,
        };
        if let Ok(handle) = &started {
            show::warn("", handle.warnings());
        }
        started.map_err(|error| self.refused(error))
    }

    /// An error of a start, which names the configuration's file if that is invalid.
    fn refused(&self, error: Error) -> CommandError {
        match (error, &self.config) {
            (Error::Config { problem, .. }, Some(_)) => self.in_config(problem),
            (error, _) => error.into(),
        }
    }

    /// Whether the configuration asks for debug logs.
    pub(super) fn asks_for_debug(&self) -> Result<bool, CommandError> {
        let Some(debug) = setting(self.config()?, "debug") else { return Ok(false) };
        debug
            .trim()
            .to_ascii_lowercase()
            .parse()
            .map_err(|_| self.in_config(format!("debug: expected true or false, got {debug:?}")))
    }
}

/// The component of the first plug among these and in the environment, unless it is the embedded
/// one.
pub(super) fn first_component(components: &[PlugFile]) -> Result<Option<PathBuf>, CommandError> {
    let mut paths = components.iter().filter(|file| file.name.is_none()).map(|file| &file.path);
    let path = paths.next().cloned();
    if paths.next().is_some() {
        let problem = "only one replaces the embedded plug; give the others names, as in --plug NAME=FILE.wasm";
        return Err(CommandError::settings("--plug", problem));
    }
    let path = path.or_else(|| std::env::var_os(PLUG_VARIABLE).map(PathBuf::from));
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

/// The member of a configuration that nests settings.
const NESTED: &str = "prometheus_config";

/// The option for a missing grant.
fn how_to_grant(missing: Missing<'_>) -> String {
    match missing {
        Missing::Origin(origin) => format!("grant it with --grant {origin}"),
        Missing::Address(kind) => format!("grant these addresses with --address {kind}"),
        Missing::RulesFolder => "grant one with --rules-folder DIR".into(),
        missing => format!("grant it in the grants file: {missing:?}"),
    }
}

/// A setting of the plug as text; settings in `prometheus_config` take precedence.
pub(super) fn setting(config: &Value, name: &str) -> Option<String> {
    settings::first_text(config, &[format!("{NESTED}.{name}"), name.to_owned()])
}

/// Sets a setting unless the configuration has it, flat or nested.
fn set_default(config: &mut Value, name: &str, value: bool) {
    let is_set = |place: Option<&Value>| place.is_some_and(|place| place.get(name).is_some());
    if !is_set(Some(config)) && !is_set(config.get(NESTED)) {
        set_nested(config, name, value);
    }
}

/// Sets a nested setting, which takes precedence over a flat one.
fn set_nested(config: &mut Value, name: &str, value: bool) {
    let Some(config) = config.as_object_mut() else { return };
    let nested = config.entry(NESTED).or_insert_with(|| json!({}));
    if let Some(nested) = nested.as_object_mut() {
        nested.insert(name.to_owned(), value.into());
    }
}

/// The granted limits, with defaults for the others.
pub(super) fn limits(grants: &Grants) -> Limits {
    Limits::default().granted(&grants.limits)
}

pub(super) fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| CommandError::unreadable(path, &error))
}

//! Further plugs of a command, beside the first one. Each has its own configuration, grants, limits
//! and state.

use plugpipe_harness::pipe::Pipe;
use plugpipe_harness::{
    CommandError, CompileLimits, EXAMPLE_NAME, Error, Grants, Limits, Plug, PlugHandle, embedded_example, load,
    settings,
};
use serde_json::{Value, json};

use super::declared::{CONFIG, Declared, GRANTS, MEMBER};
use super::pipe_file::{Further, Stub, is_plug};
use super::plug_args::{PlugArgs, limits};
use super::show;

/// The folder within a --state folder for the state of further plugs.
const FOLDER: &str = "plugs";

/// A further plug, loaded and with what it is to be started with.
pub(super) struct Loaded<'a> {
    pub(super) declared: &'a Declared,
    pub(super) plug: Plug,
    pub(super) config: Value,
    pub(super) grants: Grants,
}

impl Loaded<'_> {
    pub(super) fn limits(&self) -> Limits {
        limits(&self.grants)
    }
}

/// Loads a further plug, which records in the first one if it may, and finds out what it is
/// granted.
pub(super) async fn loaded<'a>(
    declared: &'a Declared,
    args: &PlugArgs,
    first: &PlugHandle,
) -> Result<Loaded<'a>, CommandError> {
    let granted = declared.grants.clone().unwrap_or_default();
    let plug = load(&declared.component, CompileLimits::default().granted(&granted.limits))?;
    let plug = plug.recording_to(first, &declared.name);
    let plug = match args.exchanges()? {
        Some(exchanges) => plug.with_exchanges(exchanges),
        None => plug,
    };
    let lookup = |name: &str| std::env::var(name).ok();
    let mut config = declared.config.clone();
    let at = format!("{MEMBER}.{}.{CONFIG}", declared.name);
    match settings::expand_all(&declared.file, &mut config, &at, &granted.env, lookup) {
        Err(Error::EnvNotGranted { what, problem, name }) => {
            let place = format!("{MEMBER}.{}.{GRANTS}.env", declared.name);
            return Err(CommandError::settings(what, format!("{problem}; add {name} to {place}")));
        }
        other => other?,
    }
    let servers = &plug.describe_within(limits(&granted)).await?.servers;
    let (config, warnings) = settings::with_default_urls(&config, servers, &granted.env, lookup);
    show::warn(&format!("plug {}: ", declared.name), &warnings);
    let grants = match &declared.grants {
        Some(grants) => grants.clone(),
        None => Grants::named_by(&config, servers),
    };
    let grants = declared.and_granted(grants);
    Ok(Loaded { declared, plug, config, grants })
}

/// Starts the further plugs of a command line, and the embedded example if only the pipe names it.
/// With `dry` they get no grants and no state.
pub(super) async fn start(
    args: &PlugArgs,
    first: &PlugHandle,
    pipe: &Pipe,
    stubs: &[Stub],
    dry: bool,
) -> Result<Vec<Further>, CommandError> {
    let mut running = Vec::new();
    for declared in args.declared()? {
        if declared.name == first.describe().name {
            let problem = format!("{} is the first plug, which --plug FILE.wasm replaces", declared.name);
            return Err(CommandError::settings(format!("{MEMBER}.{}", declared.name), problem));
        }
        let loaded = loaded(declared, args, first).await?;
        running.push(loaded.start(args, dry).await?);
    }
    let is_used = pipe.steps.iter().any(|step| is_plug(&step.plug, EXAMPLE_NAME));
    let is_other = first.describe().name == EXAMPLE_NAME || running.iter().any(|plug| plug.name == EXAMPLE_NAME);
    if is_used && !is_other && !stubs.iter().any(|stub| stub.is_for(EXAMPLE_NAME)) {
        running.push(start_example(first).await?);
    }
    Ok(running)
}

/// Starts the embedded example, which reaches no server and records in the first plug.
pub(super) async fn start_example(first: &PlugHandle) -> Result<Further, CommandError> {
    let mut grants = Grants::none();
    grants.metrics = true;
    let plug = embedded_example()?.recording_to(first, EXAMPLE_NAME);
    let handle = plug.start(&json!({}), grants, Limits::default()).await?;
    Ok(Further { name: EXAMPLE_NAME.to_owned(), handle, state: None })
}

impl Loaded<'_> {
    /// Starts it; with `dry` it gets no grants and no state.
    pub(super) async fn start(self, args: &PlugArgs, dry: bool) -> Result<Further, CommandError> {
        let limits = self.limits();
        let Self { declared, plug, config, grants } = self;
        let name = declared.name.clone();
        let within = || args.state.as_ref().map(|folder| folder.join(FOLDER).join(&name));
        let state = declared.state.clone().or_else(within).filter(|_| !dry);
        let started = match &state {
            Some(folder) => plug.start_in(folder, &config, grants, limits).await,
            None => plug.start(&config, if dry { without_reach(&grants) } else { grants }, limits).await,
        };
        let handle = started.map_err(|error| match error {
            Error::Config { problem, .. } => declared.refused(&problem),
            error => CommandError::Further { name: name.clone(), error },
        })?;
        show::warn(&format!("plug {name}: "), handle.warnings());
        Ok(Further { name, handle, state })
    }
}

/// Grants that reach nothing; what the plug records in the first one goes no further either.
pub(super) fn without_reach(grants: &Grants) -> Grants {
    let mut none = Grants::none();
    none.metrics = grants.metrics;
    none.metrics_prefix.clone_from(&grants.metrics_prefix);
    none.limits = grants.limits;
    none
}

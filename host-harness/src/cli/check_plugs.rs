//! Checks components that a configuration or `--plug` names: each is loaded, and started with its
//! configuration so that it reaches nothing.

use std::path::Path;

use plugpipe_harness::pipe::Problem;
use plugpipe_harness::{CommandError, CompileLimits, Error, Plug, PlugHandle, load, settings, yaml};
use plugpipe_harness::{Grants, Limits};
use serde_json::json;

use super::check_settings::{Lazy, UNKNOWN, placed, refused_settings, remove_unknown};
use super::declared::{COMPONENT, CONFIG, Declared, GRANTS, MEMBER};
use super::inspect::{METRICS, QUERY};
use super::plug_args::limits;
use super::plugs::without_reach;

/// The problems of a component from the command line. One that cannot be read is an error.
pub(super) fn component(path: &Path) -> Result<Vec<Problem>, CommandError> {
    match load(path, CompileLimits::default()) {
        Ok(_) => Ok(Vec::new()),
        Err(Error::Load { problem, .. }) => {
            let path = COMPONENT.to_owned();
            Ok(vec![Problem { is_warning: false, path, message: problem, position: None }])
        }
        Err(error) => Err(error.into()),
    }
}

/// The problems of the plugs that a configuration declares.
pub(super) async fn declared(
    document: &yaml::Node,
    plugs: &[Declared],
    first: &Lazy,
) -> Result<Vec<Problem>, CommandError> {
    if plugs.is_empty() {
        return Ok(Vec::new());
    }
    // The plug in which the others record. Where it does not start, its own check says why.
    let first = first.get().await?.start(&json!({}), Grants::none(), Limits::default()).await.ok();
    let mut problems = Vec::new();
    for plug in plugs {
        let said = one(plug, first.as_ref()).await?;
        problems.extend(said.into_iter().map(|(problem, is_warning)| placed(document, &problem, is_warning)));
    }
    Ok(problems)
}

/// What is wrong with a plug, and whether it is a warning. Each text begins with a path.
async fn one(declared: &Declared, first: Option<&PlugHandle>) -> Result<Vec<(String, bool)>, CommandError> {
    let at = |key: &str| format!("{MEMBER}.{}.{key}", declared.name);
    let of_component = |problem: &str| (format!("{}: {problem}", at(COMPONENT)), false);
    let grants = declared.grants.clone().unwrap_or_default();
    let plug = match load(&declared.component, CompileLimits::default().granted(&grants.limits)) {
        Ok(plug) => plug,
        Err(error) => return Ok(vec![of_component(&error.to_string())]),
    };
    let mut said = Vec::new();
    for grant in missing(&plug, &grants) {
        let problem =
            format!("the component imports plugpipe:monitoring/{grant}, and is not granted it; add {grant}: true");
        said.push((format!("{}: {problem}", at(GRANTS)), true));
    }
    let mut config = declared.config.clone();
    let lookup = |name: &str| Some(std::env::var(name).unwrap_or_else(|_| format!("{UNKNOWN}{name}")));
    match settings::expand_all(&declared.file, &mut config, &at(CONFIG), &grants.env, lookup) {
        Ok(()) => {}
        Err(Error::EnvNotGranted { problem, name, .. }) => {
            said.push((format!("{problem}; add {name} to {}", at(&format!("{GRANTS}.env"))), false));
            return Ok(said);
        }
        Err(Error::Settings { problem, .. }) => {
            said.push((problem, false));
            return Ok(said);
        }
        Err(error) => return Err(error.into()),
    }
    remove_unknown(&mut config, &at(CONFIG), &mut |path| {
        said.push((format!("{path}: not checked, because a variable in it is not set in the environment"), true));
    });
    let plug = match first {
        Some(first) => plug.recording_to(first, &declared.name),
        None => plug,
    };
    match refused_settings(&plug, config, &without_reach(&grants), limits(&grants)).await {
        Ok(problems) => said.extend(problems.into_iter().map(|(problem, is_warning)| {
            let names_a_path = problem.split_once(": ").is_some_and(|(path, _)| !path.contains(' '));
            (format!("{}{}{problem}", at(CONFIG), if names_a_path { "." } else { ": " }), is_warning)
        })),
        // It cannot run within its limits, or traps.
        Err(error) => said.push(of_component(&error.to_string())),
    }
    Ok(said)
}

/// The grants of interfaces of the first plug that a component imports without having them.
fn missing(plug: &Plug, grants: &Grants) -> Vec<&'static str> {
    let imports = plug.imports();
    let needed = [("metrics", METRICS, grants.metrics), ("query", QUERY, grants.query)];
    let is_missing = |(_, import, granted): &(&str, &str, bool)| {
        !granted && imports.iter().any(|imported| imported.starts_with(import))
    };
    needed.into_iter().filter(is_missing).map(|(grant, ..)| grant).collect()
}

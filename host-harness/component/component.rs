//! Compiles the plug to a component. Shared by the build script, which embeds it, and `xtask`,
//! which ships it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compilation target.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "component";
/// The plug's package.
pub(crate) const PACKAGE: &str = "monitoring-prometheus";

/// Builds a package's module in its workspace, with `target` as its target folder, and returns its
/// path. `through` is the Cargo subcommand of a wrapper, such as `auditable`; empty if there is
/// none.
pub(crate) fn compile(through: &[&str], workspace: &Path, package: &str, target: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace)
        .args(through)
        // The package is also an rlib; with both crate types, cargo silently skips link-time
        // optimization.
        .args(["rustc", "--crate-type", "cdylib"])
        .args(["--lib", "--package", package, "--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(target);
    // Variables set by the outer cargo (or clippy) must not affect the component.
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        let for_outer = name_text.starts_with("CARGO_FEATURE_")
            || name_text.starts_with("CARGO_CFG_")
            || name_text.starts_with("CARGO_PROFILE_")
            || [
                "CARGO_ENCODED_RUSTFLAGS",
                "RUSTFLAGS",
                "RUSTC_WRAPPER",
                "RUSTC_WORKSPACE_WRAPPER",
                "CARGO_BUILD_TARGET",
            ]
            .contains(&&*name_text);
        if for_outer {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(workspace));
    let output = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!("cannot build the component: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(target.join(TARGET).join(PROFILE).join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Removes names, and this machine's paths, from what is built, so that builds are reproducible.
pub(crate) fn flags(workspace: &Path) -> OsString {
    // Cargo drops a profile's `strip` where the package has a level of its own.
    let mut flags = OsString::from("-Cstrip=symbols");
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let workspace = fs::canonicalize(workspace).ok();
    for (path, name) in [(workspace, "plugpipe"), (home, "cargo")] {
        if let Some(path) = path {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(path);
            flags.push(format!("={name}"));
        }
    }
    flags
}

/// Turns a module with an embedded world into a component.
pub(crate) fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("cannot turn the module into a component: {error:#}"))
}

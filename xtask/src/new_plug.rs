//! The crate that `plugpipe-harness new plug` writes: its own test, as a newcomer runs it.

use std::path::PathBuf;
use std::process::Command;

use crate::{output, remove, root};

/// The plug's name.
const PLUG: &str = "greeter";

/// Writes the crate, and runs its test with the harness of this build. Cargo fetches what the crate
/// names and builds it from nothing.
///
/// # Errors
/// What failed.
pub fn check() -> Result<String, String> {
    let harness = harness()?;
    let folder = root().join("target/guests/new").join(PLUG);
    remove(&folder)?;
    output(Command::new(&harness).args(["new", "plug", PLUG]).arg(&folder))?;
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    // The crate's own folder for what is built, and no profile of this workspace's.
    tests.env_remove("CARGO_TARGET_DIR").env("PLUGPIPE_HARNESS", &harness);
    let said = output(&mut tests)?;
    let passed = said.lines().find(|line| line.starts_with("test result: ok. 1 passed"));
    passed.map(|_| format!("{PLUG} passed its own test")).ok_or_else(|| format!("{PLUG}: its test did not run: {said}"))
}

/// Builds the harness and returns its path, beside this program.
fn harness() -> Result<PathBuf, String> {
    let mut cargo = Command::new(env!("CARGO"));
    output(cargo.args(["build", "--quiet", "--package", "plugpipe-harness", "--bin", "plugpipe-harness"]))?;
    let program = std::env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let name = format!("plugpipe-harness{}", std::env::consts::EXE_SUFFIX);
    let found = program.ancestors().map(|folder| folder.join(&name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{name} is not beside {}", program.display()))
}

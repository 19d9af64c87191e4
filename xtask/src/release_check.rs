//! What is checked before a release and not at every change: it takes minutes, or other toolchains.

use std::process::Command;
use std::time::Instant;

use crate::{output, reproducible, root};

/// A step, and what it shows.
struct Step {
    name: &'static str,
    shows: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "reproducible",
        shows: "the component is the same, byte for byte, when it is built in another folder",
        run: || reproducible::check().map(drop),
    },
    Step {
        name: "documentation",
        shows: "`cargo doc` has no warnings",
        run: || {
            let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
            output(doc.env("RUSTDOCFLAGS", "-D warnings")).map(drop)
        },
    },
    Step {
        name: "fuzz targets",
        shows: "the fuzz targets, a workspace of their own, compile",
        run: || output(cargo(&["check", "--quiet"]).current_dir(root().join("fuzz"))).map(drop),
    },
];

/// Runs all steps and returns a line for each.
///
/// # Errors
/// Those steps that failed, and why.
pub fn run() -> Result<String, String> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for Step { name, shows, run } in STEPS {
        let started = Instant::now();
        let outcome = run();
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(()) => lines.push(format!("ok: {name}: {shows} ({seconds} s)")),
            Err(problem) => failed.push(format!("FAILED: {name}: {problem}")),
        }
    }
    if failed.is_empty() { Ok(lines.join("\n")) } else { Err([lines, failed].concat().join("\n")) }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(arguments);
    command
}

//! Release checks that are not run for every change, because they take minutes or other toolchains.

use std::process::Command;
use std::time::Instant;

use crate::{output, reproducible, root};

/// A check and what it verifies.
struct Step {
    name: &'static str,
    verifies: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "reproducible",
        verifies: "a build in another folder produces the same component",
        run: || reproducible::check().map(drop),
    },
    Step {
        name: "documentation",
        verifies: "`cargo doc` has no warnings",
        run: || {
            let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
            output(doc.env("RUSTDOCFLAGS", "-D warnings")).map(drop)
        },
    },
    Step {
        name: "fuzz targets",
        verifies: "the fuzz targets, a separate workspace, compile",
        run: || output(cargo(&["check", "--quiet"]).current_dir(root().join("fuzz"))).map(drop),
    },
];

/// Runs all checks and returns a line for each.
///
/// # Errors
/// The failed checks and their errors.
pub fn run() -> Result<String, String> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for Step { name, verifies, run } in STEPS {
        let started = Instant::now();
        let outcome = run();
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(()) => lines.push(format!("ok: {name}: {verifies} ({seconds} s)")),
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

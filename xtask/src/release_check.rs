//! Release checks that are not run for every change, because they take minutes or other toolchains.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::{book, guests, image, kubernetes, new_plug, output, reproducible, root};

/// A check and what it verifies.
struct Step {
    name: &'static str,
    verifies: &'static str,
    /// What was found, in a few words. Takes a static binary of the harness, if one was built
    /// before.
    run: fn(Option<&Path>) -> Result<String, String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "reproducible",
        verifies: "a build in another folder produces the same component",
        run: |_| reproducible::check(),
    },
    Step {
        name: "documentation",
        verifies: "`cargo doc` has no warnings",
        run: |_| {
            let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
            output(doc.env("RUSTDOCFLAGS", "-D warnings"))
        },
    },
    Step {
        name: "packages",
        verifies: "`cargo publish --dry-run` packages and builds the crates that may be published",
        run: |_| output(&mut cargo(&["publish", "--workspace", "--dry-run", "--quiet"])),
    },
    Step {
        name: "book",
        verifies: "mdBook builds the documents",
        run: |_| book::make().map(|page| page.display().to_string()),
    },
    Step {
        name: "fuzz targets",
        verifies: "the fuzz targets, a separate workspace, compile",
        run: |_| output(cargo(&["check", "--quiet"]).current_dir(root().join("fuzz"))),
    },
    Step {
        name: "guests",
        verifies: "plugs in JavaScript, Python and C pass tests/guests.json, and a composed component pushes",
        run: |_| guests::check(),
    },
    Step {
        name: "new plug",
        verifies: "the crate that `new plug` writes passes its own test",
        run: |_| new_plug::check(),
    },
    Step {
        name: "kubernetes",
        verifies: "kubectl renders the manifests, and Kubernetes's schemas allow the results",
        run: |_| kubernetes::check(),
    },
    Step {
        name: "image",
        verifies: "the image runs with the rendered manifests, as another user on a read-only root",
        run: image::check,
    },
];

/// Runs all checks, or the one of this name, and returns a line for each. `binary` is a static
/// binary of the harness, if one was built before.
///
/// # Errors
/// The failed checks and their errors, or that there is no check of that name.
pub fn run(only: Option<&str>, binary: Option<&Path>) -> Result<String, String> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    if let Some(only) = only.filter(|only| STEPS.iter().all(|step| step.name != *only)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("{only}: unknown check; expected one of {}", names.join(", ")));
    }
    for Step { name, verifies, run } in STEPS.iter().filter(|step| only.is_none_or(|only| only == step.name)) {
        let started = Instant::now();
        let outcome = run(binary);
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(found) if found.trim().is_empty() => lines.push(format!("ok: {name}: {verifies} ({seconds} s)")),
            Ok(found) => lines.push(format!("ok: {name}: {verifies}: {} ({seconds} s)", found.trim())),
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

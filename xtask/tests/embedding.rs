//! What a program gets that depends on one of the host's crates and not on the whole harness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::process::Command;

/// Names of all packages that a package needs to be built and to run, as far as `edges` go.
fn dependencies(package: &str, edges: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}", "--no-dedupe"]);
    cargo.args(["--package", package, "--edges", edges]);
    let lines = xtask::output(&mut cargo).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn an_embedder_of_the_runtime_gets_no_program_and_no_component() {
    let needed = dependencies("plugpipe-runtime", "normal,build");
    assert!(needed.contains("wasmtime"), "{needed:?}");
    let program = ["clap", "ratatui", "axum", "minijinja", "comfy-table", "tracing-subscriber"];
    // Its build script runs cargo.
    for unwanted in program.into_iter().chain(["plugpipe-component", "plugpipe-pipe", "plugpipe-testkit"]) {
        assert!(!needed.contains(unwanted), "{unwanted} is among {needed:?}");
    }
    assert!(!xtask::root().join("host-harness/runtime/build.rs").exists());
}

#[test]
fn pipes_know_no_component_and_no_runtime() {
    let needed = dependencies("plugpipe-pipe", "normal,build");
    for unwanted in ["wasmtime", "plugpipe-runtime", "plugpipe-component", "tokio", "clap"] {
        assert!(!needed.contains(unwanted), "{unwanted} is among {needed:?}");
    }
}

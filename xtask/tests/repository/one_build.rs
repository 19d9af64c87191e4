//! `cargo run` and `cargo test --workspace` are to share one build of the dependencies. A
//! dependency of the tests that turns on a feature of a crate which the program has too makes that
//! crate, and all above it, be built twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Built twice on purpose: package, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("regex-automata", "the tests' matching wants all of it, the program's filter of logs a part; little is above it"),
    ("regex-syntax", "as regex-automata"),
];

/// Each package with the features that it is built with, as `cargo tree` tells them.
fn packages(arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}|{f}", "--no-dedupe"]);
    cargo.args(arguments);
    let lines = xtask::output(&mut cargo).unwrap();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn the_program_and_the_tests_share_one_build_of_the_dependencies() {
    let program = packages(&["--edges", "normal,build"]);
    let tests = packages(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(program.iter().any(|line| line.starts_with("wasmtime v")), "{program:?}");
    let twice: Vec<&String> = program
        .difference(&tests)
        .filter(|line| !EXCEPTIONS.iter().any(|(package, _)| line.starts_with(&format!("{package} v"))))
        .collect();
    assert!(twice.is_empty(), "put these crates' further features into host-harness/Cargo.toml: {twice:#?}");
}

/// Built twice for the program, for macros and for itself: what wasmtime's macros want less of is
/// small, and what makes components is not among it.
const TWICE_IN_THE_PROGRAM: [&str; 3] = ["cranelift-bitset", "pulley-interpreter", "wasmtime-internal-core"];

#[test]
fn build_scripts_and_macros_share_their_dependencies_with_the_program() {
    let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in packages(&["--edges", "normal,build"]) {
        let (package, with) = line.split_once('|').unwrap();
        let package = package.trim_end_matches(" (*)").trim_end_matches(" (proc-macro)");
        features.entry(package.to_owned()).or_default().insert(with.trim_end_matches(" (*)").to_owned());
    }
    features.retain(|package, with| {
        let name = package.split(' ').next().unwrap();
        with.len() > 1 && !TWICE_IN_THE_PROGRAM.contains(&name)
    });
    assert!(features.is_empty(), "put these features into host-harness/component/Cargo.toml: {features:#?}");
}

/// What the components of the tests have of their own.
const OF_FIXTURES: &[(&str, &str)] = &[
    ("data-processor", "the component itself"),
    ("hostile-plug", "the component itself"),
    ("notes-plug", "the component itself"),
    ("readings-rust", "the component itself"),
    ("postcard", "the tests of the runtime encode with it"),
    ("serde", "its default features cost nothing to build"),
    ("serde_core", "a plug without types of its own for serde needs fewer features"),
    ("serde_json", "the same"),
    ("thiserror", "postcard needs no standard library"),
];

#[test]
fn the_components_share_one_build_of_the_macros() {
    let target = ["--target", "wasm32-unknown-unknown", "--edges", "normal,build"];
    let plug = packages(&[&["--package", "monitoring-prometheus"], &target[..]].concat());
    assert!(plug.iter().any(|line| line.starts_with("wit-bindgen-rust-macro v")), "{plug:?}");
    for folder in
        ["examples/plugs/data_processor", "examples/plugs/readings_rust", "tests/fixtures/notes", "tests/hostile"]
    {
        let manifest = xtask::root().join(folder).join("Cargo.toml");
        let fixture = packages(&[&["--manifest-path", manifest.to_str().unwrap()], &target[..]].concat());
        let twice: Vec<&String> = fixture
            .difference(&plug)
            .filter(|line| !OF_FIXTURES.iter().any(|(package, _)| line.starts_with(&format!("{package} v"))))
            .collect();
        assert!(twice.is_empty(), "{folder}: use the plug's versions and features: {twice:#?}");
    }
}

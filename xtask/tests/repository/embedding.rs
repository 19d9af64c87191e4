//! What a program gets that depends on one of the host's crates and not on the whole harness, and
//! the walls between the crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

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

/// The crates of the workspace, as folders from the root, and which of them each is built with.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&xtask::output(&mut cargo).unwrap()).unwrap();
    let root = Path::new(metadata["workspace_root"].as_str().unwrap());
    let folder = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let built_with = dependencies.filter(|own| own["kind"] != "dev").filter_map(|own| own["path"].as_str());
            (folder(manifest.parent().unwrap()), built_with.map(|path| folder(Path::new(path))).collect())
        })
        .collect()
}

/// The same as docs/architecture.md has it, which calls crates in the second column by their
/// folder's own name.
fn walls() -> BTreeMap<String, BTreeSet<String>> {
    let document = std::fs::read_to_string(xtask::root().join("docs/architecture.md")).unwrap();
    let (_, section) = document.split_once("\n## The walls\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let rows: Vec<(&str, &str)> = rows.collect();
    let folder = |name: &str| {
        let mut folders = rows.iter().map(|(folder, _)| *folder);
        let found = folders.find(|folder| folder.rsplit('/').next() == Some(name));
        found.unwrap_or_else(|| panic!("the walls have no row of {name}")).to_owned()
    };
    let names = |cell: &str| match cell.starts_with("nothing") {
        true => BTreeSet::new(),
        false => cell.split('`').skip(1).step_by(2).map(folder).collect(),
    };
    rows.iter().map(|(folder, cell)| ((*folder).to_owned(), names(cell))).collect()
}

#[test]
fn crates_depend_on_what_the_architecture_lists_and_on_nothing_else() {
    let (manifests, walls) = (manifests(), walls());
    assert!(manifests.keys().eq(walls.keys()), "{:?} and {:?}", manifests.keys(), walls.keys());
    for (folder, built_with) in &manifests {
        assert_eq!(built_with, &walls[folder], "{folder}: its Cargo.toml, and docs/architecture.md");
    }
    assert_eq!(walls["plugin/contract"], BTreeSet::from(["plugin/time".to_owned()]));
}

//! The hosts of `plugpipe:plug` in packaging/: they pass on what a plug says, and know no plug.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use xtask::root;

use crate::fetched;
use crate::sources::rust_files;

/// A plug of another trade, whose bodies need not be JSON.
static NOTES: LazyLock<Vec<u8>> =
    LazyLock::new(|| xtask::build_package(&root().join("tests/fixtures/notes"), "notes-plug").unwrap());

/// Runs a program in the place of tests/hosts, and returns what it printed.
fn run(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream)).concat();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

#[test]
fn python_hosts_a_plug_that_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["main.py", "configuration.py", "installed_host.py", "bare_host.py"] {
        fs::copy(root().join("packaging/python").join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("monitoring_prometheus.wasm"), &*NOTES).unwrap();
    let mut command = Command::new(fetched::python());
    command.arg(root().join("tests/hosts/test_any_plug.py")).arg(folder.path());
    let said = run(command);
    assert!(said.contains("\nOK"), "{said}");
}

#[test]
fn node_hosts_a_plug_that_it_does_not_know() {
    let folder = root().join("target/hosts/npm-notes");
    xtask::npm::make(&NOTES, &folder).unwrap();
    let mut command = Command::new("node");
    command.arg("--test").arg(root().join("tests/hosts/any_plug.test.mjs")).env("PLUG", folder.join("plug.js"));
    run(command);
}

/// Names of the functions and cases of `plugpipe:plug`, which a host of any plug says.
fn words_of_the_protocol() -> BTreeSet<String> {
    let wit = fs::read_to_string(root().join("wit/deps/plug.wit")).unwrap();
    let functions = wit.lines().filter_map(|line| line.trim().split_once(": func(")).map(|(name, _)| name.to_owned());
    functions.collect()
}

/// A host's own words. What main.py exports has the names that version 1.0.0 had, one of which is an
/// operation's.
fn source(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.starts_with("__all__ = ")).map(|line| format!("{line}\n")).collect()
}

/// Files of a folder of packaging/.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("packaging").join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

#[test]
fn hosts_of_any_plug_name_no_operation() {
    /// What is not the host: types for callers, made from the manifest, and calls as a caller
    /// writes them.
    const CALLERS: [&str; 5] = ["types.d.ts", "plug_types.py", "README.md", "example.mjs", "agent-card.json"];
    let manifest = xtask::reference::manifest().unwrap();
    // e2e's `manifest` test holds these against what the component describes.
    let operations: Vec<&String> = manifest["operations"].as_object().unwrap().keys().collect();
    assert!(operations.len() > 50, "{operations:?}");
    let protocol = words_of_the_protocol();
    assert!(protocol.contains("describe") && protocol.contains("start"), "{protocol:?}");
    let mut seen = 0;
    for path in files("node").into_iter().chain(files("python")) {
        if CALLERS.iter().any(|name| Path::new(name) == path.file_name().unwrap()) {
            continue;
        }
        let text = source(&path);
        for operation in operations.iter().filter(|name| !protocol.contains(**name)) {
            // In Python's comments a backtick is no quote.
            for quote in ['"', '\'', if path.extension().is_some_and(|suffix| suffix == "py") { '"' } else { '`' }] {
                let literal = format!("{quote}{operation}{quote}");
                assert!(!text.contains(&literal), "{} names the operation {literal}", path.display());
            }
        }
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
    // The runtime and the pipe runner know no plug either; in their code, words of the protocol are
    // no text.
    let mut seen = 0;
    for folder in ["host-harness/runtime/src", "host-harness/pipe/src"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            for operation in &operations {
                let literal = format!("\"{operation}\"");
                assert!(!text.contains(&literal), "{} names the operation {literal}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 40, "{seen}");
}

#[test]
fn hosts_of_any_plug_name_no_setting() {
    /// The plug's compatibility with 1.0.0 is all that main.py asks for.
    const SET: [&str; 1] = ["compatibility"];
    let manifest = xtask::reference::manifest().unwrap();
    let settings: Vec<&String> =
        manifest["config_schema"]["$defs"]["settings"]["properties"].as_object().unwrap().keys().collect();
    assert!(settings.len() > 30, "{settings:?}");
    for path in
        ["node/plug.js", "python/main.py", "python/configuration.py", "python/installed_host.py", "python/bare_host.py"]
    {
        let path = root().join("packaging").join(path);
        let text = source(&path);
        for setting in settings.iter().filter(|name| !SET.contains(&name.as_str())) {
            for quote in ['"', '\''] {
                let literal = format!("{quote}{setting}{quote}");
                assert!(!text.contains(&literal), "{} names the setting {literal}", path.display());
            }
        }
    }
}

//! `new plug`: the crate that it writes builds, runs in the harness and records metrics. Its own
//! test is run by `cargo xtask release-check`, which builds it from nothing.

use std::fs;
use std::path::Path;

use crate::support::{answer, root, run, stderr, stdout};

/// The profile of this workspace's component, so that its dependencies are built already.
fn profile() -> String {
    let settings = fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    let (_, profile) = settings.split_once("[profile.component]").unwrap();
    format!("\n[profile.component]{profile}")
}

/// Builds the crate, and puts its module where Cargo's own build would.
fn build(folder: &Path) {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    // With it, the macros' dependencies have the features that they have for the embedded plug.
    let text = text.replacen("[dependencies]\n", "[dependencies]\nthiserror = \"2\"\n", 1);
    fs::write(&manifest, text + &profile()).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    xtask::build_package(folder, "greeter").unwrap();
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap();
    let built = target.join("component/wasm32-unknown-unknown/component/greeter.wasm");
    let place = folder.join("target/wasm32-unknown-unknown/release");
    fs::create_dir_all(&place).unwrap();
    fs::copy(built, place.join("greeter.wasm")).unwrap();
}

/// The files below a folder, as paths from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The requirement of a dependency in a manifest.
fn required(manifest: &str, name: &str) -> String {
    let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
    line.unwrap_or_else(|| panic!("{name} in {manifest}")).to_owned()
}

#[test]
fn the_files_of_a_new_plug_fit_each_other_and_this_host() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("greeter");
    let made = run(&["new", "plug", "greeter", folder.to_str().unwrap()]);
    assert!(made.status.success(), "{}", stderr(&made));
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let written = files(&folder);
    let (wit, own): (Vec<&String>, Vec<&String>) = written.iter().partition(|name| name.starts_with("wit/deps/"));
    assert_eq!(
        own,
        [".gitignore", "Cargo.toml", "harness.yaml", "pipe.yaml", "src/lib.rs", "tests/pipe.rs", "wit/world.wit"]
    );
    assert!(written.iter().all(|name| !read(name).contains("{{NAME}}")));

    // The interfaces are those of this host, all of them.
    let (ours, deps) = (files(&root().join("wit")), folder.join("wit/deps"));
    assert_eq!(wit.len(), ours.len());
    for name in &ours {
        let copy = name.strip_prefix("deps/").map_or_else(|| format!("monitoring/{name}"), str::to_owned);
        assert_eq!(fs::read(deps.join(copy)).unwrap(), fs::read(root().join("wit").join(name)).unwrap(), "{name}");
    }
    let (imports, exports) = xtask::wit::interfaces_of_world(&folder.join("wit"), "guest").unwrap();
    let of_plug = ["hosting", "plug", "state"].map(|name| format!("plugpipe:plug/{name}@1.0.0"));
    assert_eq!(exports, of_plug);
    assert!(imports.contains(&"plugpipe:monitoring/metrics@1.0.0".to_owned()), "{imports:?}");

    // The version of wit-bindgen whose modules this harness makes components of.
    let plugin = fs::read_to_string(root().join("plugin/Cargo.toml")).unwrap();
    let manifest = read("Cargo.toml");
    assert_eq!(required(&manifest, "wit-bindgen"), required(&plugin, "wit-bindgen"));
    assert!(manifest.contains("name = \"greeter\"") && manifest.contains("crate-type = [\"cdylib\"]"), "{manifest}");

    // What the test runs and looks for is what the others have.
    let (test, plug, pipe) = (read("tests/pipe.rs"), read("src/lib.rs"), read("pipe.yaml"));
    for part in [
        "\"pipe.yaml\"",
        "\"harness.yaml\"",
        "PLUGPIPE_HARNESS",
        "greetings_total{plug=\\\"greeter\\\",whom=\\\"world\\\"} 1",
    ] {
        assert!(test.contains(part), "{part} in {test}");
    }
    assert!(plug.contains("\"greetings_total\"") && plug.contains("name: \"greeter\".into()"));
    assert!(pipe.contains("plug: greeter") && pipe.contains("whom: world"), "{pipe}");
    let component = "target/wasm32-unknown-unknown/release/greeter.wasm";
    assert!(read("harness.yaml").contains(&format!("component: {component}")));

    // Before it is built, the check of its configuration says so, at its place.
    let (pipe, config) = (folder.join("pipe.yaml"), folder.join("harness.yaml"));
    let checked = run(&["check", pipe.to_str().unwrap(), config.to_str().unwrap()]);
    let said = stdout(&checked);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("pipe.yaml: valid pipe") && !said.contains("unknown plug"), "{said}");
    assert!(
        said.contains(":4:5: error: plugs.greeter.component: ") && said.contains("greeter.wasm cannot be read"),
        "{said}"
    );
}

#[test]
fn a_new_plug_builds_and_its_pipe_runs() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("greeter");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let made = run(&["new", "plug", "greeter", folder.to_str().unwrap()]);
    assert!(made.status.success() && stdout(&made).contains("cargo build"), "{}", stderr(&made));
    build(&folder);
    let (pipe, config, state) = (path("pipe.yaml"), path("harness.yaml"), path("state"));
    for round in 1..=2 {
        let output = run(&["run", &pipe, "--config", &config, "--state", &state, "--json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let report = answer(&output);
        assert_eq!(report["steps"][0]["result"]["greetings"], round, "{report}");
        assert!(report["steps"][0].get("warnings").is_none(), "{report}");
    }
    let output = run(&["run", &pipe, "--config", &config, "--show-metrics"]);
    assert!(stdout(&output).contains("greetings_total{plug=\"greeter\",whom=\"world\"} 1"), "{}", stdout(&output));
    let checked = run(&["check", &pipe, &config]);
    assert!(checked.status.success() && stdout(&checked).lines().count() == 2, "{}", stdout(&checked));
    // Without the grant it says so, and greets.
    let component = format!("greeter={}", path("target/wasm32-unknown-unknown/release/greeter.wasm"));
    let bare = run(&["run", &pipe, "--plug", &component, "--json"]);
    let warnings = answer(&bare)["steps"][0]["warnings"].to_string();
    assert!(bare.status.success() && warnings.contains("metrics: true"), "{warnings}{}", stderr(&bare));
    let granted = run(&["run", &pipe, "--plug", &component, "--grant", "greeter=metrics", "--show-metrics"]);
    assert!(stdout(&granted).contains("greetings_total{plug=\"greeter\""), "{}{}", stdout(&granted), stderr(&granted));

    let again = run(&["new", "plug", "greeter", folder.to_str().unwrap()]);
    assert!(stderr(&again).contains("file exists"), "{}", stderr(&again));
    let wrong = run(&["new", "plug", "Greeter-1"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("lower-case letters"), "{}", stderr(&wrong));
}

//! `new plug`: the crate that it writes builds, runs in the harness and records metrics.

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
    // Without the grant it says so, and greets.
    let component = format!("greeter={}", path("target/wasm32-unknown-unknown/release/greeter.wasm"));
    let bare = run(&["run", &pipe, "--plug", &component, "--json"]);
    let warnings = answer(&bare)["steps"][0]["warnings"].to_string();
    assert!(bare.status.success() && warnings.contains("metrics: true"), "{warnings}{}", stderr(&bare));

    let again = run(&["new", "plug", "greeter", folder.to_str().unwrap()]);
    assert!(stderr(&again).contains("file exists"), "{}", stderr(&again));
    let wrong = run(&["new", "plug", "Greeter-1"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("lower-case letters"), "{}", stderr(&wrong));
}

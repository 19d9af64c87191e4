//! Builds the plug and runs its pipe in the harness: `plugpipe-harness` on the PATH, or what
//! PLUGPIPE_HARNESS names.

use std::process::Command;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn its_pipe_runs_and_its_metrics_are_recorded() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(FOLDER)
        .env_remove("CARGO_TARGET_DIR")
        .args(["build", "--release", "--target", "wasm32-unknown-unknown"])
        .status()
        .expect("cargo runs");
    assert!(built.success());
    let harness = std::env::var_os("PLUGPIPE_HARNESS").unwrap_or_else(|| "plugpipe-harness".into());
    let output = Command::new(&harness)
        .current_dir(FOLDER)
        .args(["run", "pipe.yaml", "--config", "harness.yaml", "--show-metrics"])
        .output()
        .unwrap_or_else(|error| panic!("cannot run {harness:?}: {error}; set PLUGPIPE_HARNESS to the program"));
    let (said, metrics) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{said}");
    assert!(metrics.contains("greetings_total{plug=\"{{NAME}}\",whom=\"world\"} 1"), "{metrics}{said}");
}

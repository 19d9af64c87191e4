//! The Python package of `host-harness/python`: its tests, through Python.
//!
//! Cargo builds the library for the tests of this package, which depend on it; here it is put beside
//! the package's Python files, as maturin does.

use std::fs;
use std::path::Path;
use std::process::Command;

use plugpipe_testkit::PrometheusOptions;
use tempfile::TempDir;

use crate::cli::dist::{hosts, run, without_hosts};
use crate::support::{plug, root};

/// A folder with the package, to be imported from.
fn package() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("plugpipe_host");
    fs::create_dir(&package).unwrap();
    for entry in fs::read_dir(root().join("host-harness/python/plugpipe_host")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, package.join(path.file_name().unwrap())).unwrap();
        }
    }
    // Beside this program, both for `cargo test` and for the coverage of it.
    let program = std::env::current_exe().unwrap();
    let library = program.parent().unwrap().join("libplugpipe_host.so");
    let link = std::os::unix::fs::symlink(&library, package.join("_native.abi3.so"));
    link.unwrap_or_else(|error| panic!("{}: {error}", library.display()));
    folder
}

fn test(file: &str) {
    test_with(file, &[]);
}

/// Runs a file of tests with these variables in its environment.
fn test_with(file: &str, variables: &[(&str, &str)]) {
    if without_hosts(file) {
        return;
    }
    let package = package();
    let mut test = Command::new(crate::fetched::python());
    test.arg(root().join("tests/hosts").join(file)).arg(package.path());
    // Compiled before, so that no server waits for it.
    plug();
    test.env("PLUGPIPE_HARNESS", env!("CARGO_BIN_EXE_plugpipe-harness")).envs(variables.iter().copied());
    let said = run(&mut test, "");
    assert!(said.contains("\nOK"), "{said}");
    eprintln!("{said}");
}

#[test]
fn the_package_is_typed() {
    if without_hosts("the_package_is_typed") {
        return;
    }
    let package = package();
    let mut mypy = Command::new(crate::fetched::python());
    mypy.args(["-m", "mypy", "--strict", "--no-error-summary", "--cache-dir"]).arg(hosts().join("mypy"));
    mypy.args(["--package", "plugpipe_host"]).current_dir(package.path());
    run(&mut mypy, "");
    assert!(Path::new(&package.path().join("plugpipe_host/py.typed")).exists());
}

/// Soaks at the size that `PLUGPIPE_SOAK_PYTHON_CALLS` and `PLUGPIPE_SOAK_PYTHON_CONFIGURATIONS` say.
#[test]
fn requests_are_answered() {
    test("test_host.py");
}

#[test]
fn metrics_are_recorded_and_exposed() {
    test("test_host_metrics.py");
}

#[test]
fn processes_fork() {
    test("test_host_fork.py");
}

/// Soaks for as long as `PLUGPIPE_SOAK_WORKERS_SECONDS` says.
#[test]
fn processes_share_a_registry() {
    test("test_host_connect.py");
}

#[tokio::test]
async fn other_libraries_metrics_are_included() {
    if without_hosts("test_host_include.py") {
        return;
    }
    let gateway = crate::support::pushgateway(None).await;
    let receiver = |options: PrometheusOptions| options.flag("--web.enable-remote-write-receiver");
    let prometheus = crate::support::prometheus_with(Vec::new(), receiver).await;
    let urls = [("PLUGPIPE_PUSHGATEWAY", gateway.url.clone()), ("PLUGPIPE_PROMETHEUS", prometheus.url.clone())];
    let run = move || {
        let urls = urls.each_ref().map(|(name, url)| (*name, url.as_str()));
        test_with("test_host_include.py", &urls);
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}

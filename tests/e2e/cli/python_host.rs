//! The Python package of `host-harness/python`: its tests, through Python.
//!
//! Cargo builds the library for the tests of this package, which depend on it; here it is put beside
//! the package's Python files, as maturin does.

use std::fs;
use std::path::Path;
use std::process::Command;

use plugpipe_testkit::PrometheusOptions;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::dist::{hosts, python, run, without_hosts};
use crate::cli::other_plug::notes;
use crate::cli::serve::get;
use crate::support::{plug, pushgateway, root};

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

/// The same tests as without the package, which are those of dist.rs and
/// xtask/tests/repository/bare_hosts.rs.
#[test]
fn main_py_hosts_the_plug_with_the_package_where_that_is_installed() {
    if without_hosts("main_py_hosts_the_plug_with_the_package_where_that_is_installed") {
        return;
    }
    let package = package();
    let any_plug = tempfile::tempdir().unwrap();
    for name in ["main.py", "configuration.py", "installed_host.py"] {
        fs::copy(root().join("packaging/python").join(name), any_plug.path().join(name)).unwrap();
    }
    fs::copy(notes(), any_plug.path().join("monitoring_prometheus.wasm")).unwrap();
    for (file, folder) in [("test_main.py", python().dist.as_path()), ("test_any_plug.py", any_plug.path())] {
        let mut test = Command::new(&python().python);
        test.arg(root().join("tests/hosts").join(file)).arg(folder).env("PYTHONPATH", package.path());
        let said = run(&mut test, "");
        assert!(said.contains("\nOK"), "{file}: {said}");
        eprintln!("{said}");
    }
}

/// As callers of 1.0.0 do: with nothing but the environment.
#[tokio::test]
async fn an_empty_configuration_pushes_to_the_pushgateway_of_the_environment() {
    if without_hosts("an_empty_configuration_pushes_to_the_pushgateway_of_the_environment") {
        return;
    }
    let script = "
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import main
ctx = {'operation': 'record_counter', 'metric_name': sys.argv[2], 'metric_value': 2}
answer = asyncio.run(main.process(ctx, {}))
assert answer['result']['metric_pushed'] is True, answer
";
    let gateway = pushgateway(None).await;
    let package = package();
    for (name, path) in [("bare_total", None), ("installed_total", Some(package.path()))] {
        let mut command = Command::new(&python().python);
        command.args(["-c", script]).arg(&python().dist).arg(name).env("PUSHGATEWAY_URL", &gateway.url);
        if let Some(path) = path {
            command.env("PYTHONPATH", path);
        }
        run(&mut command, "");
        let text = get(&format!("{}/metrics", gateway.url)).await.1;
        let labels = "{instance=\"plugpipe-instance\",job=\"plugpipe\"}";
        assert!(text.contains(&format!("\n{name}{labels} 2\n")), "{}", json!(text));
    }
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

//! The plug `readings` as a component, in the languages whose tools are no part of the workspace:
//! npm and pip fetch them, in the versions that the examples' folders name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{NAME, build, build_package, output, read, remove, root, write};

/// The world of the examples, in `examples/plugs/wit`.
const WORLD: &str = "readings";

/// Where the examples are.
fn examples() -> PathBuf {
    root().join("examples/plugs")
}

/// Tools, and what they make; beside what else tests fetch.
fn folder() -> PathBuf {
    root().join("target/guests")
}

/// Builds the guests, and composes one with the monitoring component. Runs the tests of both.
///
/// # Errors
/// Which tool, or which test, failed.
pub fn check() -> Result<String, String> {
    let components = folder().join("components");
    remove(&components)?;
    fs::create_dir_all(&components).map_err(|error| format!("{}: {error}", components.display()))?;
    let wit = wit()?;
    let tools = tools()?;
    javascript(&wit, &components.join("javascript.wasm"))?;
    python(&wit, &components.join("python.wasm"))?;
    c(&tools, &wit, &components.join("c.wasm"))?;
    let composed = composed(&tools)?;
    let mut tests = Command::new(env!("CARGO"));
    tests.args([
        "test",
        "--package",
        "plugpipe-harness",
        "--test",
        "e2e",
        "--",
        "--nocapture",
        "--include-ignored",
        "host::guests",
        "host::composed",
    ]);
    tests.env("PLUGPIPE_GUESTS", &components).env("PLUGPIPE_COMPOSED", &composed);
    let said = output(&mut tests)?;
    let passed: Vec<&str> = said.lines().filter(|line| line.ends_with(": passed")).collect();
    Ok(passed.join(", "))
}

/// The world with all that it refers to, as a folder that tools read.
fn wit() -> Result<PathBuf, String> {
    let folder = folder().join("wit");
    remove(&folder)?;
    let copy = |from: PathBuf, to: PathBuf| {
        for entry in fs::read_dir(&from).map_err(|error| format!("cannot read {}: {error}", from.display()))? {
            let path = entry.map_err(|error| format!("cannot read {}: {error}", from.display()))?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                write(&to.join(name), read(&path)?)?;
            }
        }
        Ok::<(), String>(())
    };
    copy(examples().join("wit"), folder.clone())?;
    copy(root().join("wit/deps"), folder.join("deps"))?;
    copy(root().join("wit"), folder.join("deps/monitoring"))?;
    Ok(folder)
}

/// Builds `xtask/guest-tools`.
fn tools() -> Result<PathBuf, String> {
    let manifest = root().join("xtask/guest-tools/Cargo.toml");
    let target = folder().join("tools");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target);
    output(&mut cargo)?;
    Ok(target.join("debug/guest-tools"))
}

/// Runs npm or pip unless they fetched what these pins say.
fn fetched(folder: &Path, pins: &[PathBuf], fetch: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let wanted = pins.iter().map(|pin| read(pin)).collect::<Result<Vec<_>, _>>()?.concat();
    let mark = folder.join("fetched");
    if fs::read(&mark).is_ok_and(|held| held == wanted) {
        return Ok(());
    }
    remove(folder)?;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fetch()?;
    write(&mark, wanted)
}

fn javascript(wit: &Path, component: &Path) -> Result<(), String> {
    let (sources, tools) = (examples().join("readings_js"), folder().join("npm"));
    let pins = ["package.json", "package-lock.json"].map(|name| sources.join(name));
    fetched(&tools, &pins, || {
        for pin in &pins {
            write(&tools.join(pin.file_name().unwrap_or_default()), read(pin)?)?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&tools);
        output(&mut npm).map(drop)
    })?;
    let mut componentize = Command::new(tools.join("node_modules/.bin/componentize-js"));
    componentize.arg(sources.join("readings.js")).arg("--wit").arg(wit).args(["--world-name", WORLD]);
    // What the plug does not use, it does not import.
    componentize.args(["--disable", "clocks", "http", "fetch-event", "--out"]).arg(component);
    output(&mut componentize).map(drop)
}

/// The programs of a virtual environment with what this file requires.
fn venv(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let tools = folder().join(name);
    fetched(&tools, &[requirements.to_owned()], || {
        output(Command::new("python3").args(["-m", "venv"]).arg(&tools))?;
        let mut pip = Command::new(tools.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
        output(&mut pip).map(drop)
    })?;
    Ok(tools.join("bin"))
}

fn python(wit: &Path, component: &Path) -> Result<(), String> {
    let sources = examples().join("readings_python");
    let mut componentize = Command::new(venv("pip", &sources.join("requirements.txt"))?.join("componentize-py"));
    // A copy, since Python writes what it compiled beside it.
    let copy = folder().join("python");
    write(&copy.join("readings.py"), read(&sources.join("readings.py"))?)?;
    componentize.arg("--wit-path").arg(wit).args(["--world", WORLD, "componentize", "--python-path"]).arg(copy);
    componentize.args([WORLD, "--output"]).arg(component);
    output(&mut componentize).map(drop)
}

fn c(tools: &Path, wit: &Path, component: &Path) -> Result<(), String> {
    let (sources, bindings) = (examples().join("readings_c"), folder().join("c"));
    output(Command::new(tools).arg("c-bindings").arg(wit).arg(WORLD).arg(&bindings))?;
    let module = bindings.join("module.wasm");
    let mut zig = Command::new(venv("zig", &sources.join("requirements.txt"))?.join("python"));
    zig.args([
        "-m",
        "ziglang",
        "cc",
        "--target=wasm32-wasi",
        "-mexec-model=reactor",
        "-Os",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]);
    zig.arg("-I").arg(&bindings).arg(sources.join("plug.c"));
    zig.arg(bindings.join("readings.c")).arg(bindings.join("readings_component_type.o")).arg("-o").arg(&module);
    output(&mut zig)?;
    write(component, crate::component::componentize(&read(&module)?)?)
}

/// The monitoring component and the Rust example that imports it, as one.
fn composed(tools: &Path) -> Result<PathBuf, String> {
    let [monitoring, importer, composed] =
        [NAME, "importer", "composed"].map(|name| folder().join("composed").join(name).with_extension("wasm"));
    write(&monitoring, build(false)?)?;
    write(&importer, build_package(&root(), "readings-rust")?)?;
    output(Command::new(tools).arg("compose").arg(&monitoring).arg(&importer).arg(&composed))?;
    Ok(composed)
}

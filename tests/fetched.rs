//! Tools that tests fetch once into the target folder, pinned in `tests/grafana`: for the
//! end-to-end suites, and for xtask.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use xtask::root;

/// A folder for what is fetched, and whether it holds what `pins` asks for already.
pub(crate) fn fetched(name: &str, pins: &[&str]) -> (PathBuf, bool) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let there = fs::read_to_string(folder.join("fetched")).is_ok_and(|held| held == pinned(pins));
    (folder, there)
}

/// What these files, below `tests`, ask for.
fn pinned(pins: &[&str]) -> String {
    pins.iter().map(|pin| fs::read_to_string(root().join("tests").join(pin)).unwrap()).collect()
}

/// Says that all that `pins` asks for is there.
pub(crate) fn note(folder: &Path, pins: &[&str]) {
    fs::write(folder.join("fetched"), pinned(pins)).unwrap();
}

/// Runs a command of a tool that must be there.
pub(crate) fn tool(command: &mut Command, how_to_get: &str) -> Output {
    let name = command.get_program().display().to_string();
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{name} cannot be run ({error}): {how_to_get}"));
    assert!(output.status.success(), "{name} failed; {how_to_get}: {}", said(&output));
    output
}

/// All that a tool printed.
fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream)).concat()
}

/// The folder in which TypeScript and `@grafana/schema` are installed.
pub(crate) fn typescript() -> PathBuf {
    let pins = ["grafana/package.json", "grafana/package-lock.json"];
    let (folder, there) = fetched("grafana-schema", &pins);
    if !there {
        for pin in pins {
            let pin = root().join("tests").join(pin);
            fs::copy(&pin, folder.join(pin.file_name().unwrap())).unwrap();
        }
        tool(
            Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder),
            "the test needs npm and what it fetches; on Debian: `apt-get install nodejs npm`",
        );
        note(&folder, &pins);
    }
    folder
}

/// `tsc --strict` over these texts, by file name: what it says, by line.
pub(crate) fn tsc(folder: &Path, files: &[(&str, String)], arguments: &[&str]) -> Vec<String> {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let output = Command::new("node")
        .args(["node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--pretty", "false"])
        .args(["--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"])
        .args(arguments)
        .args(files.iter().map(|(name, _)| *name))
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("node cannot be run ({error}); on Debian: `apt-get install nodejs npm`"));
    // What belongs to a problem is indented under it.
    said(&output).lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).map(str::to_owned).collect()
}

/// A Python that has what `tests/hosts/requirements.txt` asks for.
#[allow(dead_code)]
pub(crate) fn python() -> PathBuf {
    let hosts = root().join("target/hosts");
    let requirements = root().join("tests/hosts/requirements.txt");
    let (python, installed) = (hosts.join("venv/bin/python"), hosts.join("venv/installed.txt"));
    let wanted = fs::read(&requirements).unwrap();
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        let hint = "the tests of main.py need Python 3.10 or newer with venv and pip (Debian: apt-get install python3-venv), and PyPI";
        fs::create_dir_all(&hosts).unwrap();
        tool(Command::new("python3").args(["-m", "venv"]).arg(hosts.join("venv")), hint);
        tool(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements), hint);
        fs::write(installed, wanted).unwrap();
    }
    python
}

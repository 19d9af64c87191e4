//! Builds the package for Node: `packaging/node` with the transpiled component.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{read, root, write};

/// The package's source files.
const SOURCES: [&str; 10] = [
    "README.md",
    "build.mjs",
    "example.mjs",
    "index.d.ts",
    "index.js",
    "package-lock.json",
    "package.json",
    "plug.d.ts",
    "plug.js",
    "types.d.ts",
];

/// Builds the package in this folder. Reuses installed npm packages if the lock file is unchanged.
pub fn make(component: &[u8], folder: &Path) -> Result<(), String> {
    let sources = root().join("packaging/node");
    let lock = read(&sources.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed");
    for name in SOURCES {
        write(&folder.join(name), read(&sources.join(name))?)?;
    }
    write(&folder.join("LICENSE"), read(&root().join("LICENSE"))?)?;
    write(&folder.join("monitoring_prometheus.wasm"), component)?;
    if fs::read(&installed).ok().as_deref() != Some(&lock) {
        run(folder, "npm", &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
        write(&installed, &lock)?;
    }
    run(folder, "node", &["build.mjs"])
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).current_dir(folder).args(arguments).output().map_err(|error| {
        format!("cannot run {program} ({error}); the package needs Node.js 20 or newer with npm (Debian: apt-get install nodejs npm)")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let output_text = [output.stdout, output.stderr].concat();
    Err(format!("{program} {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output_text).trim()))
}

//! Builds the component from a copy of the sources in another folder and compares it with the
//! workspace's.

use std::path::Path;
use std::process::Command;

use crate::{component, output, read, root, sha256, write};

/// Returns the digest of both builds, or an error if they differ.
pub fn check() -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
    let place = folder.path().join("another/and/longer/path");
    copy(&place)?;
    let module = component::compile(&[], &place, component::PACKAGE, &place.join("target"))?;
    let builds = [(root(), crate::build(false)?), (place, component::componentize(&read(&module)?)?)];
    if let Some(leak) = builds.iter().find_map(|(place, bytes)| leak(bytes, place)) {
        return Err(format!("the component contains a path of this machine: {leak}"));
    }
    let [one, other] = builds.map(|(_, bytes)| sha256(&bytes));
    if one == other { Ok(one) } else { Err(format!("two builds of the same sources differ: {one}, {other}")) }
}

/// Copies the files tracked by Git.
fn copy(to: &Path) -> Result<(), String> {
    let listed = output(Command::new("git").args(["ls-files", "-z"]))?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        let path = root().join(name);
        // Skip uncommitted deletions.
        if path.is_file() {
            write(&to.join(name), read(&path)?)?;
        }
    }
    Ok(())
}

/// The path of the build, if it is in the component.
fn leak(component: &[u8], place: &Path) -> Option<String> {
    let path = place.to_string_lossy().into_owned();
    let found = component.windows(path.len()).any(|window| window == path.as_bytes());
    found.then_some(path)
}

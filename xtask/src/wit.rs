//! The world as one text: a golden file that keeps it from changing under the same version, and a
//! page for people.

use std::path::PathBuf;

use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

use crate::{read_text, root, write};

/// The world of `wit/`, as a file of its version.
pub struct World {
    /// The package's version.
    pub version: String,
    /// The package as the tools print it, with its comments.
    pub text: String,
}

/// Reads `wit/`.
pub fn world() -> Result<World, String> {
    let problem = |error: String| format!("wit/ cannot be read: {error}");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).map_err(|error| problem(format!("{error:#}")))?;
    let name = &resolve.packages.get(package).ok_or_else(|| problem("it has no package".into()))?.name;
    let version = name.version.as_ref().ok_or_else(|| problem("the package has no version".into()))?.to_string();
    Ok(World { version, text: print(&resolve, package)? })
}

fn print(resolve: &Resolve, package: PackageId) -> Result<String, String> {
    let mut printer = WitPrinter::default();
    printer.print(resolve, package, &[]).map_err(|error| format!("the world cannot be printed: {error:#}"))?;
    Ok(printer.output.to_string())
}

/// Where the golden file of a version is.
pub fn golden(version: &str) -> PathBuf {
    root().join(format!("tests/wit/plugpipe-monitoring-{version}.wit"))
}

/// Where the page is.
pub fn page_path() -> PathBuf {
    root().join("docs/wit.md")
}

/// The page.
pub fn page(world: &World) -> String {
    format!(
        "# The world\n\nMade from [wit/](../wit/world.wit) by `cargo xtask wit`. The component exports these interfaces, and imports \
         what stands at the top of the world and\nthe interfaces of `wasi:http` and `wasi:io` that it needs for that, nothing else.\n\n\
         A change of the world needs another version of the package: a test compares it with the golden file of its version in \
         [tests/wit/](../tests/wit/).\n\n```wit\n{}\n```\n",
        world.text.trim_end()
    )
}

/// Writes the page, and the golden file of a new version. The golden file of a version that has one
/// stays; another world under the same version is an error.
pub fn make() -> Result<(), String> {
    let world = world()?;
    check(&world).or_else(|problem| {
        let path = golden(&world.version);
        if path.exists() { Err(problem) } else { write(&path, &world.text) }
    })?;
    write(&page_path(), page(&world))
}

/// Whether the world is the one that its version has always been.
pub fn check(world: &World) -> Result<(), String> {
    let golden = read_text(&golden(&world.version))?;
    if golden == world.text {
        return Ok(());
    }
    let line = golden.lines().zip(world.text.lines()).position(|(was, is)| was != is);
    let line = line.unwrap_or_else(|| golden.lines().count().min(world.text.lines().count())) + 1;
    Err(format!(
        "the world is not what plugpipe:monitoring@{} was (line {line}): hosts that were built for it would break. Give the package in \
         wit/world.wit another version, and run `cargo xtask wit`; where only a comment changed, delete the golden file first",
        world.version
    ))
}

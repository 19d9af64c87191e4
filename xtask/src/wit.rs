//! The world as text: a golden file that prevents changes within a version, and a documentation
//! page.

use std::path::PathBuf;

use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

use crate::{read_text, root, write};

/// The world in `wit/`.
pub struct World {
    /// The package's version.
    pub version: String,
    /// The formatted package, with comments.
    pub text: String,
}

/// Reads `wit/`.
pub fn world() -> Result<World, String> {
    let problem = |error: String| format!("cannot read wit/: {error}");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).map_err(|error| problem(format!("{error:#}")))?;
    let name = &resolve.packages.get(package).ok_or_else(|| problem("it has no package".into()))?.name;
    let version = name.version.as_ref().ok_or_else(|| problem("the package has no version".into()))?.to_string();
    Ok(World { version, text: print(&resolve, package)? })
}

fn print(resolve: &Resolve, package: PackageId) -> Result<String, String> {
    let mut printer = WitPrinter::default();
    printer.print(resolve, package, &[]).map_err(|error| format!("cannot print the world: {error:#}"))?;
    Ok(printer.output.to_string())
}

/// The path of a version's golden file.
pub fn golden(version: &str) -> PathBuf {
    root().join(format!("tests/wit/plugpipe-monitoring-{version}.wit"))
}

/// The page's path.
pub fn page_path() -> PathBuf {
    root().join("docs/wit.md")
}

/// Generates the page.
pub fn page(world: &World) -> String {
    format!(
        "# The world\n\nMade from [wit/](../wit/world.wit) by `cargo xtask wit`. The component exports these interfaces, and imports \
         what stands at the top of the world and\nthe interfaces of `wasi:http` and `wasi:io` that it needs for that, nothing else.\n\n\
         A change of the world needs another version of the package: a test compares it with the golden file of its version in \
         [tests/wit/](../tests/wit/).\n\n```wit\n{}\n```\n",
        world.text.trim_end()
    )
}

/// Writes the page, and the golden file of a new version. A changed world with the same version is
/// an error.
pub fn make() -> Result<(), String> {
    let world = world()?;
    check(&world).or_else(|problem| {
        let path = golden(&world.version);
        if path.exists() { Err(problem) } else { write(&path, &world.text) }
    })?;
    write(&page_path(), page(&world))
}

/// Checks the world against the golden file of its version.
pub fn check(world: &World) -> Result<(), String> {
    let golden = read_text(&golden(&world.version))?;
    if golden == world.text {
        return Ok(());
    }
    let line = golden.lines().zip(world.text.lines()).position(|(was, is)| was != is);
    let line = line.unwrap_or_else(|| golden.lines().count().min(world.text.lines().count())) + 1;
    Err(format!(
        "the world differs from plugpipe:monitoring@{} (line {line}), which would break existing hosts. Change the package version in \
         wit/world.wit and run `cargo xtask wit`; if only a comment changed, delete the golden file first",
        world.version
    ))
}

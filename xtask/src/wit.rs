//! The world: a golden file that prevents changes within a version, a documentation page, and its
//! packages as registries take them.

use std::path::{Path, PathBuf};

use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{IndexMap, PackageId, Resolve, WorldItem, WorldKey};

use crate::{read_text, root, write};

/// The world in `wit/`.
pub struct World {
    /// The package's version.
    pub version: String,
    /// The formatted package, with comments.
    pub text: String,
}

/// A package of `wit/` that is this project's.
pub struct Package {
    /// Its namespace and name, such as `plugpipe:plug`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The package as a component, in the form in which registries hold it.
    pub encoded: Vec<u8>,
}

/// The namespace of this project's packages; all others in `wit/deps` are those of WASI.
const NAMESPACE: &str = "plugpipe";

/// Parses a folder of WIT, with its dependencies below `deps`.
fn parse(folder: &Path) -> Result<(Resolve, PackageId), String> {
    let mut resolve = Resolve::default();
    let pushed = resolve.push_dir(folder);
    let (package, _) = pushed.map_err(|error| format!("cannot read {}: {error:#}", folder.display()))?;
    Ok((resolve, package))
}

/// Reads `wit/`.
pub fn world() -> Result<World, String> {
    let problem = |error: &str| format!("cannot read wit/: {error}");
    let (resolve, package) = parse(&root().join("wit"))?;
    let name = &resolve.packages.get(package).ok_or_else(|| problem("it has no package"))?.name;
    let version = name.version.as_ref().ok_or_else(|| problem("the package has no version"))?.to_string();
    Ok(World { version, text: print(&resolve, package)? })
}

/// This project's packages in `wit/`, each after those that it needs.
pub fn packages() -> Result<Vec<Package>, String> {
    let (resolve, _) = parse(&root().join("wit"))?;
    let mut packages = Vec::new();
    for id in resolve.topological_packages() {
        let Some(package) = resolve.packages.get(id).filter(|package| package.name.namespace == NAMESPACE) else {
            continue;
        };
        let name = format!("{NAMESPACE}:{}", package.name.name);
        let version = package.name.version.as_ref().ok_or_else(|| format!("wit/: {name} has no version"))?.to_string();
        let encoded =
            wit_component::encode(&resolve, id).map_err(|error| format!("cannot encode {name}: {error:#}"))?;
        packages.push(Package { name, version, encoded });
    }
    Ok(packages)
}

/// Names of imports and of exports.
type Interfaces = (Vec<String>, Vec<String>);

/// The interfaces that a component imports and exports; a WIT package exports its own.
pub fn interfaces(component: &[u8]) -> Result<Interfaces, String> {
    let decoded =
        wit_component::decode(component).map_err(|error| format!("cannot decode the component: {error:#}"))?;
    match &decoded {
        DecodedWasm::Component(resolve, world) => of_world(resolve, *world),
        DecodedWasm::WitPackage(resolve, package) => {
            let package = resolve.packages.get(*package).ok_or("the WIT package is none")?;
            let mut exports: Vec<String> = package
                .interfaces
                .keys()
                .chain(package.worlds.keys())
                .map(|own| package.name.interface_id(own))
                .collect();
            exports.sort();
            Ok((Vec::new(), exports))
        }
    }
}

/// The interfaces that a world in a folder of WIT imports and exports.
pub fn interfaces_of_world(folder: &Path, world: &str) -> Result<Interfaces, String> {
    let (resolve, package) = parse(folder)?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|error| format!("{world}: {error:#}"))?;
    of_world(&resolve, world)
}

fn of_world(resolve: &Resolve, world: wit_parser::WorldId) -> Result<Interfaces, String> {
    let world = resolve.worlds.get(world).ok_or("there is no such world")?;
    let names = |items: &IndexMap<WorldKey, WorldItem>| {
        let mut names: Vec<String> = items.keys().map(|key| resolve.name_world_key(key)).collect();
        names.sort();
        names
    };
    Ok((names(&world.imports), names(&world.exports)))
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

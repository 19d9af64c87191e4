//! CycloneDX 1.5 SBOMs of the component, from Cargo's dependency graph for the component's target.
//!
//! Packages that are linked into the component are `required`; those that only run at build time
//! (macros, build scripts) are `excluded`.

#![expect(clippy::indexing_slicing, reason = "missing members read as null and are created when written")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::component::TARGET;
use crate::{NAME, VERSION, output, pretty, read_text, root, sha256, timestamp};

const PACKAGE: &str = "monitoring-prometheus";

/// A package in the graph.
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    is_macro: bool,
    /// Its dependencies, and whether they are linked or only build dependencies.
    needs: Vec<(String, bool)>,
}

impl Package {
    fn place(&self) -> Place {
        (self.name.clone(), self.version.clone())
    }
}

/// Returns the summary, with the component and its direct dependencies, and the complete SBOM.
/// `digest` is the component's SHA-256.
pub fn make(digest: &str) -> Result<(String, String), String> {
    let packages = packages()?;
    let plug = packages
        .iter()
        .find(|(_, package)| package.name == PACKAGE)
        .map(|(id, _)| id.clone())
        .ok_or_else(|| format!("cargo metadata does not know {PACKAGE}"))?;
    let linked = transitive(&packages, &plug, false);
    let all = transitive(&packages, &plug, true);
    let direct: BTreeSet<String> =
        packages.get(&plug).into_iter().flat_map(|package| &package.needs).map(|(id, _)| id.clone()).collect();
    let checksums = checksums()?;

    let bill = |chosen: &BTreeSet<String>| {
        let reference = |id: &str| {
            if *id == plug {
                return purl_of_plug();
            }
            packages.get(id).map_or_else(|| id.to_owned(), purl)
        };
        let components: Vec<Value> = chosen
            .iter()
            .filter(|id| **id != plug)
            .filter_map(|id| Some((id, packages.get(id)?)))
            .map(|(id, package)| component(package, linked.contains(id), &checksums))
            .collect();
        let dependencies: Vec<Value> = std::iter::once(&plug)
            .chain(chosen.iter().filter(|id| **id != plug))
            .map(|id| {
                let needs = packages.get(id).into_iter().flat_map(|package| &package.needs);
                let on: BTreeSet<String> =
                    needs.filter(|(on, _)| chosen.contains(on)).map(|(on, _)| reference(on)).collect();
                json!({"ref": reference(id), "dependsOn": on})
            })
            .collect();
        pretty(&bill(digest, &components, &dependencies))
    };
    Ok((bill(&direct), bill(&all)))
}

fn bill(digest: &str, components: &[Value], dependencies: &[Value]) -> Value {
    // The serial number is reproducible.
    let seed = sha256(json!([digest, components]).to_string().as_bytes());
    let part = |from: usize, to: usize| seed.get(from..to).unwrap_or_default();
    // UUID version 8 (custom) of RFC 9562.
    let serial =
        format!("urn:uuid:{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial,
        "version": 1,
        "metadata": {
            "timestamp": timestamp(),
            "tools": [{"vendor": "PlugPipe Team", "name": "xtask dist", "version": VERSION}],
            "component": {
                "type": "library",
                "bom-ref": purl_of_plug(),
                "name": NAME,
                "version": VERSION,
                "description": "A WebAssembly component",
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "licenses": [{"license": {"id": "MIT"}}],
                "purl": purl_of_plug(),
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(package: &Package, linked: bool, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "scope": if linked { "required" } else { "excluded" },
        "purl": purl(package),
    });
    if let Some(description) = &package.description {
        component["description"] = json!(description.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(license) = &package.license {
        // Old crates use a slash instead of the SPDX operator OR.
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    if let Some(checksum) = checksums.get(&(package.name.clone(), package.version.clone())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn purl_of_plug() -> String {
    format!("pkg:generic/plugpipe/{NAME}@{VERSION}")
}

/// A package and its transitive dependencies, without build dependencies unless `building`.
fn transitive(packages: &BTreeMap<String, Package>, from: &str, building: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(id) = next.pop() {
        let Some(package) = packages.get(&id) else { continue };
        if (package.is_macro && !building) || !found.insert(id) {
            continue;
        }
        next.extend(package.needs.iter().filter(|(_, links)| *links || building).map(|(id, _)| id.clone()));
    }
    found
}

/// The dependency graph of locked versions for the component's target.
fn packages() -> Result<BTreeMap<String, Package>, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]);
    let metadata: Value = serde_json::from_str(&output(&mut cargo)?)
        .map_err(|error| format!("the output of cargo metadata is not JSON: {error}"))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut packages = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        let (Some(id), Some(name), Some(version)) =
            (text(&package["id"]), text(&package["name"]), text(&package["version"]))
        else {
            return Err("cargo metadata lists a package without id, name or version".into());
        };
        let mut kinds = list(&package["targets"]).iter().flat_map(|target| list(&target["kind"]));
        let is_macro = kinds.any(|kind| kind == "proc-macro");
        let (license, description) = (text(&package["license"]), text(&package["description"]));
        packages.insert(id, Package { name, version, license, description, is_macro, needs: Vec::new() });
    }
    for node in list(&metadata["resolve"]["nodes"]) {
        let Some(package) = node["id"].as_str().and_then(|id| packages.get_mut(id)) else { continue };
        for dependency in list(&node["deps"]) {
            let kinds: Vec<&Value> = list(&dependency["dep_kinds"]).iter().map(|kind| &kind["kind"]).collect();
            let links = kinds.iter().any(|kind| kind.is_null());
            // Ignore dev dependencies.
            if links || kinds.iter().any(|kind| **kind == "build") {
                package.needs.extend(text(&dependency["pkg"]).map(|id| (id, links)));
            }
        }
    }
    // The graph also has features enabled by other workspace members.
    let edges = edges()?;
    let places: BTreeMap<String, Place> = packages.iter().map(|(id, package)| (id.clone(), package.place())).collect();
    for package in packages.values_mut() {
        let own = package.place();
        package.needs.retain(|(id, _)| places.get(id).is_some_and(|on| edges.contains(&(own.clone(), on.clone()))));
    }
    Ok(packages)
}

/// A package's name and version.
type Place = (String, String);

/// The dependency edges for the features that the component is built with.
fn edges() -> Result<BTreeSet<(Place, Place)>, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--locked", "--package", PACKAGE, "--target", TARGET, "--edges", "normal,build"]);
    cargo.args(["--prefix", "depth", "--no-dedupe"]);
    let (mut edges, mut above) = (BTreeSet::new(), Vec::new());
    for line in output(&mut cargo)?.lines() {
        let name = line.trim_start_matches(|sign: char| sign.is_ascii_digit());
        let depth = line.strip_suffix(name).and_then(|depth| depth.parse::<usize>().ok());
        let mut words = name.split(' ');
        let (Some(depth), Some(name), Some(version)) = (depth, words.next(), words.next()) else {
            return Err(format!("unexpected line from cargo tree: {line}"));
        };
        let package: Place = (name.to_owned(), version.trim_start_matches('v').to_owned());
        above.truncate(depth);
        if let Some(on) = above.last() {
            edges.insert((Place::clone(on), package.clone()));
        }
        above.push(package);
    }
    Ok(edges)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The checksums in Cargo.lock, by name and version. Cargo writes one member per line.
fn checksums() -> Result<BTreeMap<(String, String), String>, String> {
    let lock = read_text(&root().join("Cargo.lock"))?;
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let member = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|value| value.strip_suffix('"')).map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) = (member("name"), member("version"), member("checksum")) {
            checksums.insert((name, version), checksum);
        }
    }
    Ok(checksums)
}

#[cfg(test)]
mod tests {
    #[test]
    fn features_of_other_workspace_members_are_ignored() {
        let (summary, complete) = super::make("").unwrap();
        assert!(summary.contains("pkg:cargo/serde_json@") && complete.contains("pkg:cargo/base64@"), "{complete}");
        assert!(!summary.contains("pkg:cargo/base64@"), "{summary}");
        assert!(!summary.contains("pkg:cargo/schemars@") && !complete.contains("pkg:cargo/schemars@"), "{complete}");
    }
}

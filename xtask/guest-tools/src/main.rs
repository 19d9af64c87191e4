//! What `cargo xtask release-check guests` needs of the WebAssembly tools beyond what the workspace
//! has, which builds them in the versions of its wasmtime only.
//!
//! | command | what it does |
//! |---|---|
//! | `compose MONITORING IMPORTER OUT` | composes the monitoring component and one that imports it |
//! | `c-bindings WIT WORLD OUT` | generates the C bindings of a world into a folder |

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// What the importer exports: it is the plug that the composed component is.
const PLUG: [&str; 3] = ["plugpipe:plug/plug@1.0.0", "plugpipe:plug/hosting@1.0.0", "plugpipe:plug/state@1.0.0"];

/// What the monitoring component exports beside it.
const EXPOSITION: &str = "plugpipe:monitoring/exposition@1.0.0";

/// The monitoring component's own `plugpipe:plug/plug`, through which it pushes.
const MONITORING: &str = "monitoring";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["compose", monitoring, importer, out] => compose(monitoring, importer, out),
        ["c-bindings", wit, world, out] => c_bindings(wit, world, Path::new(out)),
        _ => Err(anyhow::anyhow!("usage: compose MONITORING IMPORTER OUT, or c-bindings WIT WORLD OUT")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Instantiates a component's file in the graph.
fn instantiated(graph: &mut CompositionGraph, name: &str, path: &str) -> Result<(NodeId, Vec<String>)> {
    let bytes = fs::read(path).with_context(|| path.to_owned())?;
    let package = Package::from_bytes(name, None, bytes, graph.types_mut()).with_context(|| path.to_owned())?;
    let imports = graph.types()[package.ty()].imports.keys().cloned().collect();
    let package = graph.register_package(package)?;
    Ok((graph.instantiate(package), imports))
}

/// All that the importer imports of `plugpipe:monitoring` is the monitoring component's; what both
/// import otherwise, the composed component imports.
fn compose(monitoring: &str, importer: &str, out: &str) -> Result<()> {
    let mut graph = CompositionGraph::new();
    let (monitoring, _) = instantiated(&mut graph, "plugpipe:monitoring-prometheus", monitoring)?;
    let (plug, imports) = instantiated(&mut graph, "example:plug", importer)?;
    let linked: Vec<&String> = imports.iter().filter(|import| import.starts_with("plugpipe:monitoring/")).collect();
    if linked.is_empty() {
        bail!("{importer}: it imports nothing of plugpipe:monitoring");
    }
    for import in linked {
        let export = graph.alias_instance_export(monitoring, import)?;
        graph.set_instantiation_argument(plug, import, export)?;
    }
    for interface in PLUG {
        let export = graph.alias_instance_export(plug, interface)?;
        graph.export(export, interface)?;
    }
    for (interface, name) in [(EXPOSITION, EXPOSITION), (PLUG[0], MONITORING)] {
        let export = graph.alias_instance_export(monitoring, interface)?;
        graph.export(export, name)?;
    }
    fs::write(out, graph.encode(EncodeOptions::default())?).with_context(|| out.to_owned())
}

fn c_bindings(wit: &str, world: &str, out: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    fs::create_dir_all(out)?;
    for (name, contents) in files.iter() {
        fs::write(out.join(name), contents).with_context(|| name.to_owned())?;
    }
    Ok(())
}

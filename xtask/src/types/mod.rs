//! Generates types of requests, settings and responses for TypeScript and Python, and the agent
//! card. The manifest's schemas are parsed into a model, from which a writer generates each file of
//! types.

mod agent_card;
mod model;
mod python;
mod reader;
mod typescript;

use std::path::PathBuf;

use crate::reference::manifest;
use crate::{root, write};

/// Writes the files and returns their paths.
pub fn make() -> Result<Vec<PathBuf>, String> {
    let files = files()?;
    for (path, text) in &files {
        write(path, text)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The paths and contents of the files.
pub fn files() -> Result<[(PathBuf, String); 3], String> {
    let manifest = manifest()?;
    let model = reader::read(&manifest)?;
    Ok([
        (root().join("packaging/node/types.d.ts"), typescript::render(&model)),
        (root().join("packaging/python/plug_types.py"), python::render(&model)),
        (root().join("packaging/python/agent-card.json"), agent_card::render(&manifest)?),
    ])
}

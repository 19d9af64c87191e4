//! Types of requests, settings and responses for callers in TypeScript and Python. The manifest's
//! schemas are read once into a model, from which a small writer makes each file.

mod model;
mod python;
mod reader;
mod typescript;

use std::path::PathBuf;

use crate::reference::manifest;
use crate::{root, write};

/// Writes the files, and says where they are.
pub fn make() -> Result<Vec<PathBuf>, String> {
    let files = files()?;
    for (path, text) in &files {
        write(path, text)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// Each file, and what it is to hold.
pub fn files() -> Result<[(PathBuf, String); 2], String> {
    let model = reader::read(&manifest()?)?;
    Ok([
        (root().join("packaging/node/types.d.ts"), typescript::written(&model)),
        (root().join("packaging/python/plug_types.py"), python::written(&model)),
    ])
}

//! Generates JSON Schemas of pipes, configurations and grants files, for editors.

#[allow(dead_code, unreachable_pub)]
#[path = "../../host-harness/runtime/src/grants/syntax.rs"]
mod grants;

use std::path::PathBuf;

use monitoring_prometheus::schema::config_schema;
use serde_json::Value;

use crate::{pretty, root, write};

/// The folder of the schemas.
pub fn folder() -> PathBuf {
    root().join("schemas")
}

/// The schemas, each with the name of its file.
pub fn all() -> Result<[(&'static str, Value); 3], String> {
    Ok([
        ("pipe.schema.json", plugpipe_pipe::json_schema()),
        ("configuration.schema.json", configuration()?),
        ("grants.schema.json", grants::json_schema()),
    ])
}

/// The plug's settings, which the manifest has too.
fn configuration() -> Result<Value, String> {
    let mut schema = config_schema()?;
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".into(), "Configuration of monitoring_prometheus".into());
    }
    Ok(schema)
}

/// Writes all of them and returns their paths.
pub fn make() -> Result<Vec<PathBuf>, String> {
    let written = all()?.into_iter().map(|(name, schema)| {
        let path = folder().join(name);
        write(&path, pretty(&schema)).map(|()| path)
    });
    written.collect()
}

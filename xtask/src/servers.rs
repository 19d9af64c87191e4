//! Generates `host-harness/runtime/src/grants/server_settings.rs`, the table of server settings,
//! from the manifest's capabilities. A host grants only the origins of these settings.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::reference::manifest;
use crate::{root, write};

/// The table's path.
pub fn table_path() -> PathBuf {
    root().join("host-harness/runtime/src/grants/server_settings.rs")
}

/// Writes the table.
pub fn make() -> Result<(), String> {
    write(&table_path(), table()?)
}

/// Generates the table.
pub fn table() -> Result<String, String> {
    let manifest = manifest()?;
    let origins = manifest.pointer("/capabilities/origins").ok_or("the manifest has no capabilities.origins")?;
    let settings = origins["from_settings"].as_array().ok_or("capabilities.origins has no from_settings")?;
    let headers = origins["headers"].as_object().ok_or("capabilities.origins has no headers")?;
    let mut out = String::from(
        "//! Made from plug.yaml by `cargo xtask generate`; a test compares.\n\n\
         /// A setting that names a server. Paths are of keys, with dots between.\n\
         pub(super) struct ServerSetting {\n\
         \x20   /// The setting with the server's URL.\n\
         \x20   pub(super) url: &'static str,\n\
         \x20   /// Headers in lower case, and the settings that say their value: the first that is there counts.\n\
         \x20   pub(super) headers: &'static [(&'static str, &'static [&'static str])],\n\
         }\n\
         \n\
         /// The settings that name a server.\npub(super) const SERVER_SETTINGS: &[ServerSetting] = &[\n",
    );
    let mut named = 0;
    for setting in settings {
        let url = setting.as_str().ok_or("from_settings: expected strings")?;
        let _ = write!(out, "    ServerSetting {{\n        url: {url:?},\n        headers: &[\n");
        for (header, by_url) in headers.iter().filter(|(_, by_url)| by_url.is_object()) {
            let Some(paths) = by_url.get(url).and_then(Value::as_array) else { continue };
            named += 1;
            let _ = writeln!(out, "            ({:?}, &{}),", header.to_ascii_lowercase(), Value::from(paths.clone()));
        }
        out.push_str("        ],\n    },\n");
    }
    out.push_str("];\n");
    let all: usize = headers.values().filter_map(Value::as_object).map(|by_url| by_url.len()).sum();
    if named != all {
        return Err("capabilities.origins.headers names a setting that from_settings does not have".into());
    }
    Ok(out)
}

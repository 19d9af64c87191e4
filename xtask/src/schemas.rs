//! Generates JSON Schemas of pipes, configurations and grants files, for editors.

#[allow(dead_code, unreachable_pub)]
#[path = "../../host-harness/runtime/src/grants/syntax.rs"]
mod grants;

use std::path::PathBuf;

use monitoring_prometheus::schema::config_schema;
use serde_json::{Value, json};

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

/// The plug's settings, which the manifest has too, and what the host takes out of the file.
fn configuration() -> Result<Value, String> {
    let mut schema = config_schema()?;
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".into(), "Configuration of monitoring_prometheus".into());
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("delivery".into(), delivery());
        properties.insert("plugs".into(), plugs());
    }
    Ok(schema)
}

/// When `serve` delivers; read by `plugpipe_harness::delivery::Schedule`.
fn delivery() -> Value {
    let interval = json!({"$ref": "#/$defs/duration"});
    json!({
        "description": "For `plugpipe-harness serve`: when it delivers to servers what has changed. Every sink has an interval, or some have.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "every": {"description": "The interval of all sinks, at least 1s.", "allOf": [interval]},
            "sinks": {
                "description": "The interval of each of the plug's sinks, such as pushgateway, remote_write or otlp.",
                "type": "object",
                "additionalProperties": interval,
            },
            "stop_within": {
                "description": "How long the last delivery may take when the process is asked to stop; 10s by default.",
                "allOf": [interval],
            },
        },
    })
}

/// Further plugs of `run`, `watch` and `inspect`; read by the harness's `cli::declared`.
fn plugs() -> Value {
    json!({
        "description": "For `plugpipe-harness run`, `watch` and `inspect`: further plugs by the name by which steps refer to them. Each runs on its own.",
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "component": {"description": "The component's file, unless --plug NAME=FILE says it.", "type": "string"},
                "config": {
                    "description": "The plug's configuration, or the path of its file. The servers that it names are granted if there are no `grants`.",
                    "type": ["object", "string"],
                },
                "grants": {
                    "description": "What the plug may reach, with its credentials and limits, or the path of a grants file.",
                    "type": ["object", "string"],
                },
                "state": {"description": "The folder that keeps what the plug stores.", "type": "string"},
            },
        },
    })
}

/// Writes all of them and returns their paths.
pub fn make() -> Result<Vec<PathBuf>, String> {
    let written = all()?.into_iter().map(|(name, schema)| {
        let path = folder().join(name);
        write(&path, pretty(&schema)).map(|()| path)
    });
    written.collect()
}

//! What the plug is.

use crate::config::server_settings;
use crate::hosting::SINKS;
use crate::operations::table::OPERATIONS;
use crate::{NAME, VERSION};

/// An operation of the plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As pipes write it.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// A JSON Schema of its `ctx`.
    pub schema: String,
}

/// What the plug is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name by which pipes refer to it.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its operations.
    pub operations: Vec<Described>,
    /// What `deliver` accepts.
    pub sinks: Vec<&'static str>,
    /// The dotted paths in `cfg` whose values are URLs of servers.
    pub servers: Vec<String>,
}

/// Describes the plug.
pub fn describe() -> Description {
    let operation = |operation: &crate::operations::table::Operation| Described {
        name: operation.name,
        summary: operation.summary,
        schema: super::schemas::of(operation.name),
    };
    Description {
        name: NAME,
        version: VERSION,
        operations: OPERATIONS.iter().map(operation).collect(),
        sinks: SINKS.to_vec(),
        servers: server_settings(),
    }
}

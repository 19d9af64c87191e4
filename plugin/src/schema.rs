//! The manifest's schemas of configurations and requests, for `cargo xtask generate`: made of the
//! types that read them, of [`Config::default`](crate::config::Config) and of the table of
//! operations.

pub use crate::config::schema::config_schema;
pub use crate::operations::schema::{input_schema, operations, output_schema};

/// Which JSON Schema the schemas keep to.
pub(crate) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

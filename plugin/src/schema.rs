//! The JSON Schemas of the manifest, for `cargo xtask generate`: generated from the types that read
//! requests and configurations, from [`Config::default`](crate::config::Config) and from the table
//! of operations.

pub use plugpipe_operations::config::schema::config_schema;
pub use plugpipe_operations::operations::schema::{input_schema, operation_schemas, operations, output_schema};

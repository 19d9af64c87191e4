//! The manifest's schemas of configurations and requests, for `cargo xtask generate`: made of the
//! types that read them, of [`Config::default`](crate::config::Config) and of the table of
//! operations.

pub use plugpipe_operations::config::schema::config_schema;
pub use plugpipe_operations::operations::schema::{input_schema, operation_schemas, operations, output_schema};

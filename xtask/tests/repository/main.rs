//! The repository as a whole: its documents, manifest, schemas and dependencies. One program, since
//! each has to be linked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bare_hosts;
mod documents;
mod embedding;
mod manifest;
mod one_build;
mod schemas;
mod sources;
mod types;

#[path = "../../../tests/fetched.rs"]
mod fetched;
#[path = "../../../tests/schema.rs"]
mod schema;

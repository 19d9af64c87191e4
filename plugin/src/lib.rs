//! The PlugPipe plug `monitoring_prometheus`: metrics in memory, written in Prometheus's formats,
//! taken to Prometheus's servers.
//!
//! The crate is two things. Built for `wasm32-unknown-unknown` it is the component (`component`,
//! the only module that knows WASI besides `wasi_transport`). Built natively it is the same code as
//! a library, for tests, benches and fuzzers.
//!
//! [`operations`] holds the plug itself: it reads what a call asks for, records, and calls any
//! other operation.
//!
//! What is re-exported comes from crates of their own:
//!
//! | modules | crate |
//! |---|---|
//! | [`registry`], [`model`], [`exposition`], [`number`] | `plugpipe_metrics` |
//! | [`http`], [`servers`], [`send_queue`] | `plugpipe_clients` |
//! | [`rules`], [`dashboards`], [`yaml`] | `plugpipe_provisioning` |
//! | [`known`], [`time`] | `plugpipe_contract` |
//! | [`config`], [`catalog`], [`telemetry`], [`error`], [`hosting`] | `plugpipe_operations` |

#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod operations;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(target_arch = "wasm32")]
mod wasi_transport;

pub use operations::{Plug, Standalone};
pub use plugpipe_clients::{http, send_queue, servers};
pub use plugpipe_contract::{known, time};
pub use plugpipe_metrics::{exposition, model, number, registry};
pub use plugpipe_operations::{Error, NAME, VERSION, catalog, config, error, hosting, telemetry};
pub use plugpipe_provisioning::{dashboards, rules, yaml};

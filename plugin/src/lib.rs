//! The PlugPipe plug `monitoring_prometheus`: keeps metrics in memory, exposes them in Prometheus's
//! formats, and sends them to servers of the Prometheus ecosystem.
//!
//! Built for `wasm32-unknown-unknown`, the crate is the component; only the modules `component` and
//! `wasi_transport` use WIT bindings. Built natively, it is the same code as a library, for tests,
//! benches and fuzzers.
//!
//! [`operations`] contains the plug itself: it reads requests, records, and runs other operations.
//!
//! These modules are re-exported from other crates:
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

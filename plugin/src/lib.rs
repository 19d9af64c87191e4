//! The PlugPipe plug `monitoring_prometheus`: metrics in memory, written in Prometheus's formats, taken to Prometheus's
//! servers.
//!
//! The crate is two things. Built for `wasm32-unknown-unknown` it is the component (`component`,
//! the only module that knows WASI besides `wasi_transport`). Built natively it is the same code as
//! a library, for tests, benches and fuzzers.
//!
//! | module | what it is for | what it may not do |
//! |---|---|---|
//! | [`operations`] | PlugPipe's JSON contract: parse `ctx`, call a domain module, shape the response | hold domain logic |
//! | [`config`] | `cfg` and `ctx` to [`config::Config`]; every default | |
//! | [`catalog`] | PlugPipe's own metrics: kinds, help, labels | record anything |
//! | [`telemetry`] | the plug's metrics about itself | |
//! | [`error`] | the component's [`Error`], and its mapping to the JSON contract | |
//!
//! What is re-exported comes from crates of their own:
//!
//! | modules | crate |
//! |---|---|
//! | [`registry`], [`model`], [`exposition`], [`number`] | `plugpipe_metrics` |
//! | [`http`], [`servers`], [`send_queue`] | `plugpipe_clients` |
//! | [`rules`], [`dashboards`], [`yaml`] | `plugpipe_provisioning` |
//! | [`known`], [`time`] | `plugpipe_contract` |

#![deny(missing_docs)]

pub mod catalog;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod config;
pub mod error;
pub mod operations;
#[cfg(feature = "schema")]
pub mod schema;
pub mod telemetry;
#[cfg(target_arch = "wasm32")]
mod wasi_transport;

pub use error::Error;
pub use operations::Plug;
pub use plugpipe_clients::{http, send_queue, servers};
pub use plugpipe_contract::{known, time};
use plugpipe_metrics::sort;
pub use plugpipe_metrics::{exposition, model, number, registry};
use plugpipe_provisioning::prometheus_yml;
pub use plugpipe_provisioning::{dashboards, rules, yaml};

/// The plug's name, as pipes write it.
pub const NAME: &str = "monitoring_prometheus";

/// The plug's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

//! The plug's configuration, state and operations, except recording. Recording and the plug itself
//! are in the crate above, which is optimized for speed; this one is optimized for size. Functions
//! here that recording calls are `#[inline]`.
//!
//! | module | purpose | must not |
//! |---|---|---|
//! | [`operations`] | what a call may use, and one file per family of operations | hold domain logic |
//! | [`config`] | `cfg` and `ctx` to [`config::Config`]; every default | |
//! | [`catalog`] | PlugPipe's own metrics: kinds, help, labels | record anything |
//! | [`hosting`] | what hosts and the plug say to each other; the recorder and its jobs | know an operation's request or response |
//! | [`telemetry`] | the plug's metrics about itself | |
//! | [`error`] | the plug's [`Error`], and its mapping to the JSON contract | |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod catalog;
pub mod config;
pub mod error;
pub mod hosting;
pub mod operations;
pub mod telemetry;

pub use error::Error;
use plugpipe_clients::{http, send_queue, servers};
use plugpipe_contract::{known, time};
use plugpipe_metrics::{exposition, registry, sort};
use plugpipe_provisioning::{dashboards, prometheus_yml, rules};

/// The plug's name in pipes.
pub const NAME: &str = "monitoring_prometheus";

/// The plug's description, for `describe`.
const DESCRIPTION: &str =
    "The PlugPipe plug monitoring_prometheus as a WebAssembly component: Prometheus metrics within the host's grants";

/// The plug's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

//! The PlugPipe plug `monitoring_prometheus`: metrics in memory, written in Prometheus's formats, taken to Prometheus's
//! servers.
//!
//! The crate is two things. Built for `wasm32-unknown-unknown` it is the component (`component`, the only
//! module that knows WASI besides `http::wasi`). Built natively it is the same code as a library, for tests, benches and
//! fuzzers.
//!
//! | module | what it is for | what it may not do |
//! |---|---|---|
//! | [`operations`] | PlugPipe's JSON contract: parse `ctx`, call a domain module, shape the answer | hold domain logic |
//! | [`registry`], [`model`], [`exposition`], [`number`] | the crate `plugpipe_metrics`: metrics in memory, encoders, parsers | any I/O, any clock |
//! | [`rules`] | alerting and recording rules: checked, rendered, compared | any I/O |
//! | [`outbox`] | what remote write has not delivered yet, and which series its receivers know | any I/O, any clock |
//! | [`servers`] | the conversations with Pushgateway, Prometheus and others | keep metric state |
//! | [`http`] | requests, answers, deadlines, circuits, over any [`http::Transport`] | know what is asked of whom |
//! | [`config`] | `cfg` and `ctx` to [`config::Config`]; every default | |
//! | [`catalog`] | PlugPipe's own metrics: kinds, help, labels | record anything |
//! | [`dashboards`] | Grafana dashboards: made whole, compared, and those that the plug carries | any I/O |
//! | [`rules`] | what can be said of expressions and rules without a server | any I/O |
//! | [`telemetry`] | the plug's metrics about itself | |
//! | [`fields`] | fields of JSON objects, with their paths for errors | know any operation |
//! | [`fnv`] | the hash that never changes | |
//! | [`cursor`] | JSON, read from front to back without a tree | know any operation |
//! | [`known`] | the names of fields that callers may give, and warnings of others | |
//! | [`json`] | JSON, read without copies and written without a tree | know any operation |
//! | [`time`] | moments and durations as Prometheus writes them, from the crate `plugpipe_time` | read a clock |
//! | [`yaml`] | trees, written as YAML | read YAML, know any file's meaning |
//! | [`error`] | the one [`Error`], and its mapping to the JSON contract | |

#![deny(missing_docs)]

pub mod catalog;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod config;
pub mod error;
pub mod operations;
pub mod telemetry;
#[cfg(target_arch = "wasm32")]
mod wasi_transport;

pub use error::Error;
pub use operations::Plug;
pub use plugpipe_clients::{http, outbox, servers, snappy};
pub use plugpipe_contract::{cursor, fields, json, known, time};
use plugpipe_metrics::sort;
pub use plugpipe_metrics::{exposition, model, number, registry};
use plugpipe_provisioning::prometheus_yml;
pub use plugpipe_provisioning::{dashboards, rules, yaml};

/// The plug's name, as pipes write it.
pub const NAME: &str = "monitoring_prometheus";

/// The plug's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

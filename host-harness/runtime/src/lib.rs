//! An embeddable host for PlugPipe's WebAssembly plugs: loads and runs components, and enforces
//! their grants.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use plugpipe_runtime::{Grants, Limits, Plug};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), plugpipe_runtime::Error> {
//! let config = json!({"prometheus_config": {"gateway_url": "http://127.0.0.1:9091"}});
//! let plug = Plug::from_file(Path::new("monitoring_prometheus.wasm"))?;
//! let handle = plug.start(&config, Grants::named_by(&config), Limits::default()).await?;
//! let response = handle.process(&json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1})).await?;
//! assert_eq!(response["success"], true);
//! # Ok(())
//! # }
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | [`plug`] | a component, compiled once: [`Plug`] |
//! | `bindings` | the plug's exports, generated from `wit/` |
//! | `engine`, `linker` | compiles and runs components; provides the interfaces that they can import |
//! | `store` | one instance in its store |
//! | [`session`] | a plug in its store, with one owner: [`Session`] |
//! | [`handle`] | a plug that many callers share: [`PlugHandle`], and the task that owns its session |
//! | `calls` | the queue of calls to a session that a task owns |
//! | `courier` | conversations with servers in an instance of their own, so that no record waits for one |
//! | `operations` | names of operations, and members of their requests and responses |
//! | `journal` | acknowledged calls, in memory and on disk, for a fresh instance after a crash |
//! | [`limits`] | resource limits of a plug: [`Limits`] |
//! | [`grants`] | the egress policy and other grants of a plug: [`Grants`] |
//! | `egress` | enforces the grants on every request: addresses, TLS, credentials, limits |
//! | [`secrets`] | credentials that the host adds to requests |
//! | `mask` | masks secrets in responses and recordings |
//! | [`http_recording`] | records and replays HTTP exchanges |
//! | [`compile`] | compiles unknown components in a child process, within limits |
//! | `cache` | caches compiled components on disk |
//! | `private` | private files and folders; [`publish`] |
//! | `rules` | writes a plug's rule files to the granted folder |
//! | [`settings`] | loads configuration files and expands granted `${NAME}` |
//! | [`printable`] | escapes text for terminals |
//! | [`warnings`] | the warnings in a response |
//! | [`watched`] | reloads files when they change |

#![deny(missing_docs)]

mod bindings;
mod cache;
mod calls;
pub mod compile;
mod courier;
mod egress;
mod engine;
pub mod error;
pub mod grants;
pub mod handle;
pub mod http_recording;
mod journal;
pub mod limits;
mod linker;
mod mask;
mod operations;
pub mod plug;
pub mod printable;
mod private;
mod rules;
pub mod secrets;
pub mod session;
pub mod settings;
mod store;
pub mod warnings;
pub mod watched;

pub use compile::{CompileLimits, Compiler};
pub use error::Error;
pub use grants::{Grants, Origin};
pub use handle::PlugHandle;
pub use http_recording::Exchanges;
pub use limits::Limits;
pub use plug::Plug;
pub use private::publish;
pub use session::{Recovery, Session};

// Used only to pin its version: see Cargo.toml.
use idna_adapter as _;

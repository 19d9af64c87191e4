//! An embeddable host for PlugPipe's WebAssembly plugs: loads a component, keeps it alive, and lets
//! it reach only what is granted.
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
//! let answer = handle.process(&json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1})).await?;
//! assert_eq!(answer["success"], true);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`plug`] | a component, compiled once: [`Plug`] |
//! | `bindings` | the plug's exports, generated from `wit/` |
//! | `engine`, `linker` | compiles and runs components; offers them the interfaces that they may import |
//! | `store` | one instance in its store |
//! | [`session`] | a plug in its store, with one owner: [`Session`] |
//! | [`handle`] | a plug that many callers share: [`PlugHandle`], and the task that owns its session |
//! | `calls` | the queue of calls to a session that a task owns |
//! | `courier` | conversations with servers in an instance of their own, so that no record waits for one |
//! | `operations` | names of operations, and members of their requests and responses |
//! | `journal` | acknowledged calls, in memory and on disk, for a fresh instance after a crash |
//! | [`limits`] | how much a plug may use: [`Limits`] |
//! | [`grants`] | what a plug may reach: [`Grants`] |
//! | `egress` | enforces the grants on every request: addresses, TLS, credentials, limits |
//! | [`secrets`] | credentials that the host adds to requests |
//! | `mask` | masks secrets in responses and recordings |
//! | [`http_recording`] | exchanges with servers, recorded and replayed |
//! | [`compile`] | how unknown components are compiled: in a child process, within limits |
//! | `cache` | compiled components on disk |
//! | `private` | files and folders of one user; [`publish`] |
//! | `rules` | writes the rule files that a plug hands out, where a folder was granted |
//! | [`settings`] | configuration files: `${NAME}` replaced from granted names |
//! | [`printable`] | what may reach a terminal |
//! | [`warnings`] | the warnings of an answer |
//! | [`watched`] | files that are read again when they change |

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

// Named only to pin its version: see Cargo.toml.
use idna_adapter as _;

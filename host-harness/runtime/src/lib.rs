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
//! let config = json!({"server_url": "http://127.0.0.1:9091"});
//! let plug = Plug::from_file(Path::new("plug.wasm"))?;
//! let grants = Grants::named_by(&config, &plug.describe().await?.servers);
//! let handle = plug.start(&config, grants, Limits::default()).await?;
//! let answer = handle.process(r#"{"operation": "note", "text": "hello"}"#, "").await?;
//! assert!(answer.error.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | [`plug`] | a component, compiled once: [`Plug`] |
//! | [`answer`] | a plug's answers and its description: [`Answer`], [`Description`] |
//! | `bindings`, `exports` | a plug's exports, generated from `wit/` |
//! | `engine`, `linker` | compiles and runs components; provides the interfaces that they can import |
//! | `store` | one instance in its store: a recorder, or a worker |
//! | [`session`] | a plug with one owner: [`Session`]; one that threads share: [`SharedPlug`] |
//! | [`handle`] | a plug that many callers share: [`PlugHandle`], and the task that owns its session |
//! | `monitoring` | links a plug that records metrics by importing them to the one that exports them |
//! | `empty_wasi` | interfaces without content, for language runtimes that import them |
//! | `role` | what an instance is for |
//! | `lanes` | which job runs next |
//! | `job`, `files` | carries out jobs: in workers, or as files |
//! | [`query`] | typed queries |
//! | `journal` | acknowledged calls, in memory and on disk, for a fresh instance after a crash |
//! | [`limits`], `budget` | resource limits of a plug: [`Limits`] |
//! | [`grants`] | the egress policy and other grants of a plug: [`Grants`] |
//! | `egress` | enforces the grants on every request: addresses, TLS, credentials, limits |
//! | [`secrets`], `secret` | credentials that the host adds to requests |
//! | `mask` | masks secrets in responses and recordings |
//! | [`http_recording`] | records and replays HTTP exchanges |
//! | [`compile`] | compiles unknown components in a child process, within limits |
//! | `cache` | caches compiled components on disk |
//! | `private` | private files and folders; [`publish`] |
//! | [`settings`] | loads configuration files and expands granted `${NAME}` |
//! | [`printable`] | escapes text for terminals |
//! | [`watched`] | reloads files when they change |
//! | [`pem`] | certificates and keys |

#![deny(missing_docs)]

pub mod answer;
mod bindings;
mod budget;
mod cache;
pub mod compile;
mod egress;
mod empty_wasi;
mod engine;
pub mod error;
mod exports;
mod files;
pub mod grants;
pub mod handle;
pub mod http_recording;
mod job;
mod journal;
mod lanes;
pub mod limits;
mod linker;
mod mask;
mod monitoring;
pub mod pem;
pub mod plug;
pub mod printable;
mod private;
pub mod query;
mod role;
mod secret;
pub mod secrets;
pub mod session;
pub mod settings;
mod store;
pub mod watched;

pub use answer::{Answer, Description, Problem, Request};
pub use compile::{CompileLimits, Compiler};
pub use error::Error;
pub use grants::{Grants, Origin};
pub use handle::PlugHandle;
pub use http_recording::Exchanges;
pub use journal::close_inherited_locks;
pub use limits::Limits;
pub use monitoring::{DEFAULT_SERIES, LABEL as PLUG_LABEL};
pub use plug::Plug;
pub use private::publish;
pub use session::{Recovery, Session, SharedPlug};

// Used only to pin its version: see Cargo.toml.
use idna_adapter as _;

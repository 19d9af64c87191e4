//! An embeddable host for PlugPipe's WebAssembly plugs. It loads any component that exports
//! `plugpipe:plug`, runs it in a sandbox, and enforces what it was granted.
//!
//! - **A sandbox**: a plug can send HTTP requests to granted origins, and nothing else. The host
//!   adds credentials, which the plug never sees. Memory, time and requests are limited.
//! - **Recovery**: a plug that crashes is replaced, with everything that it acknowledged. With a
//!   state folder, that survives restarts and `kill -9`.
//! - **Concurrency**: values are recorded at once, while other requests wait for servers.
//!
//! # Start and call a plug
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
//! // The servers that the configuration names, and no others.
//! let grants = Grants::named_by(&config, &plug.describe().await?.servers);
//! let handle = plug.start(&config, grants, Limits::default()).await?;
//! let answer = handle.process(r#"{"operation": "note", "text": "hello"}"#, "").await?;
//! assert!(answer.error.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! [`PlugHandle`] is for any number of callers; [`Plug::start_in`] adds a state folder.
//! [`Session`] is for one owner, and has typed calls. The package `plugpipe-harness` embeds a plug
//! for Prometheus, and has the command line.
//!
//! # Grant what a plug may reach
//!
//! ```
//! use std::path::Path;
//!
//! use plugpipe_runtime::grants;
//!
//! let granted = grants::read(
//!     "
//!     origins:
//!       - url: https://mimir.example/prometheus
//!         methods: [GET, POST]
//!         credential: mimir
//!     credentials:
//!       mimir: {bearer: {env: MIMIR_TOKEN}}
//!     limits: {memory: 64MiB, call: 30s}
//!     ",
//!     Path::new("."),
//! )?;
//! assert_eq!(granted.origins.len(), 1);
//!
//! // An invalid file is an error that begins with the location.
//! let error = grants::read("orgins: []", Path::new(".")).unwrap_err();
//! assert_eq!(error, "orgins: unknown key; did you mean origins?");
//! # Ok::<(), String>(())
//! ```
//!
//! # Components that you do not trust
//!
//! Compiling takes memory and time that a component chooses. [`Plug::from_file_with`] and
//! [`Compiler::InChild`] bound both in a child process: see [`compile`].
//!
//! # Modules
//!
//! | module | purpose |
//! |---|---|
//! | [`plug`] | a component, compiled once: [`Plug`] |
//! | [`handle`] | a plug that many callers share: [`PlugHandle`] |
//! | [`session`] | a plug with one owner: [`Session`]; one that threads share: [`SharedPlug`] |
//! | [`answer`] | a plug's responses and its description: [`Answer`], [`Description`] |
//! | [`query`] | typed queries |
//! | [`grants`] | the egress policy and other grants of a plug: [`Grants`] |
//! | [`limits`] | resource limits of a plug: [`Limits`] |
//! | [`secrets`] | credentials that the host adds to requests |
//! | [`compile`] | compiles unknown components in a child process, within limits |
//! | [`http_recording`] | records and replays HTTP exchanges |
//! | [`settings`] | loads configuration files and expands granted `${NAME}` |
//! | [`watched`] | reloads files when they change |
//! | [`pem`] | certificates and keys |
//! | [`printable`] | escapes text for terminals |
//! | [`error`] | [`enum@Error`] |

// Modules that are not public:
//
// | module | purpose |
// |---|---|
// | `bindings`, `exports` | a plug's exports, generated from `wit/` |
// | `engine`, `linker` | compiles and runs components; provides the interfaces that they can import |
// | `store` | one instance in its store: a recorder, or a worker |
// | `monitoring` | links a plug that records metrics by importing them to the one that exports them |
// | `empty_wasi` | interfaces without content, for language runtimes that import them |
// | `role` | what an instance is for |
// | `lanes` | which job runs next |
// | `job`, `files` | carries out jobs: in workers, or as files |
// | `journal` | acknowledged calls, in memory and on disk, for a fresh instance after a crash |
// | `budget` | the memory that all instances of a plug share |
// | `egress` | enforces the grants on every request: addresses, TLS, credentials, limits |
// | `secret`, `mask` | holds secrets; masks them in responses and recordings |
// | `cache` | caches compiled components on disk |
// | `private` | private files and folders; [`publish`] |

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

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

// Used only to pin its version: see Cargo.toml.
use idna_adapter as _;

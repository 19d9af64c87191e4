//! A host for PlugPipe's WebAssembly plugs: loads the component `monitoring_prometheus`, runs pipes with it, and lets it reach
//! what was granted and nothing else.
//!
//! ```no_run
//! use plugpipe_harness::{Grants, Limits, Plug};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), plugpipe_harness::Error> {
//! let config = json!({"prometheus_config": {"gateway_url": "http://127.0.0.1:9091"}});
//! let plug = Plug::embedded()?;
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
//! | [`session`] | a plug in its store, with one owner: [`Session`] |
//! | [`handle`] | a plug that many share: [`PlugHandle`], and the task that owns its session |
//! | `courier` | conversations with servers in an instance of their own, so that no record waits for one |
//! | `journal` | what was acknowledged, in memory and on disk, for a fresh instance after a crash |
//! | [`limits`] | how much a plug may use: [`Limits`] |
//! | [`grants`] | what a plug may reach: [`Grants`] |
//! | `outbound` | enforces the grants on every request: addresses, TLS, credentials, limits |
//! | `secrets` | credentials that the host adds to requests |
//! | `mask` | writes over secrets in responses and recordings |
//! | [`recording`] | exchanges with servers, written down and played again |
//! | [`compile`] | how unknown components are compiled: in a child process, within limits |
//! | `cache` | compiled components on disk |
//! | `private` | files and folders of one user; [`publish`] |
//! | `rules` | writes the rule files that a plug hands out, where a folder was granted |
//! | [`settings`] | configuration files: `${NAME}` replaced from granted names |
//! | [`pipe`] | pipes: YAML, templates, steps; knows no component |
//! | [`delivery`] | what is lost when the process ends |
//! | [`printable`] | what may reach a terminal |
//! | [`preview`] | a dashboard as a picture, with live data |
//! | [`serve`] | a plug behind HTTP |
//! | `page` | what `serve` shows at `/` |
//! | [`families`] | an exposition as a list, for views of it |
//! | [`chart`] | series over time, drawn in a terminal and as SVG |
//! | [`warnings`] | what an answer says beside its result |
//! | `known_stack` | a stack of known size, for what recurses as deep as its input |
//! | [`yaml`] | the one YAML reader: pipes, configurations, grants |
//! | [`stack`] | real servers on loopback, for the demo and the tests |

#![deny(missing_docs)]

mod cache;
pub mod chart;
pub mod compile;
mod courier;
pub mod delivery;
pub mod error;
pub mod families;
pub mod grants;
pub mod handle;
mod journal;
mod known_stack;
pub mod limits;
mod mask;
mod outbound;
mod page;
pub mod pipe;
pub mod plug;
pub mod preview;
pub mod printable;
mod private;
pub mod recording;
mod rules;
mod secrets;
pub mod serve;
pub mod session;
pub mod settings;
pub mod stack;
pub mod warnings;
mod watched;
pub mod yaml;

pub use compile::{CompileLimits, Compiler};
pub use error::Error;
pub use grants::{Grants, Origin};
pub use handle::PlugHandle;
pub use limits::Limits;
pub use plug::Plug;
pub use private::publish;
pub use recording::Exchanges;
pub use session::{Recovery, Session};

// Named only to pin its version or features: see Cargo.toml.
use hashbrown as _;
use idna_adapter as _;

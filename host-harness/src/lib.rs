//! PlugPipe's host: the embedded plug `monitoring_prometheus`, pipes, the HTTP server with its web
//! UI, charts and previews. Re-exports [`plugpipe_runtime`], which embedders can use on its own.
//!
//! ```no_run
//! use plugpipe_harness::{Grants, Limits, embedded};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), plugpipe_harness::Error> {
//! let config = json!({"prometheus_config": {"gateway_url": "http://127.0.0.1:9091"}});
//! let plug = embedded()?;
//! let grants = Grants::named_by(&config, &plug.describe().await?.servers);
//! let handle = plug.start(&config, grants, Limits::default()).await?;
//! let ctx = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1});
//! let answer = handle.process(ctx.to_string(), "").await?;
//! assert!(answer.is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! | crate or module | purpose |
//! |---|---|
//! | [`plugpipe_runtime`] | plugs, instances, journal, egress policy, grants, limits, secrets |
//! | `plugpipe_component` | the embedded component: [`embedded()`] |
//! | [`pipe`] | pipes: YAML, templates, steps; independent of components |
//! | [`plugpipe_testkit`] | fixture servers on loopback for the demo and the tests |
//! | [`yaml`] | the YAML parser for pipes, configurations and grants |
//! | [`delivery`] | delivers at intervals and at the end; values that are lost if the process exits now |
//! | [`preview`] | dashboards rendered as SVG with live data |
//! | [`serve`] | serves a plug over HTTP |
//! | `web_ui` | the web UI that `serve` shows at `/` |
//! | [`families`] | parses an exposition for display |
//! | [`chart`] | line charts in a terminal and as SVG |

#![deny(missing_docs)]

pub mod chart;
mod command_error;
pub mod delivery;
mod embedded;
pub mod families;
pub mod preview;
pub mod serve;
mod web_ui;

pub use command_error::CommandError;
pub use embedded::{EXAMPLE_NAME, embedded, embedded_example, load};
pub use plugpipe_pipe as pipe;
pub use plugpipe_runtime::*;
pub use plugpipe_yaml as yaml;

// Used only to pin its features: see Cargo.toml.
use hashbrown as _;

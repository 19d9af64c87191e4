//! Prometheus metrics: a registry, encoders for every exposition format, and strict parsers.
//!
//! There is no I/O, no clock, no global state and no `unsafe`: the caller sets the time and decides
//! where the bytes go. Labels are validated and hashed once, when a series is created; an update by
//! its handle is a single addition.
//!
//! # Record and encode
//!
//! ```
//! use plugpipe_metrics::exposition::escaping::Escaping;
//! use plugpipe_metrics::exposition::text::Encoder;
//! use plugpipe_metrics::registry::{Definition, Kind, LabelName, MetricName, Registry};
//!
//! let mut registry = Registry::default();
//! let mut definition = Definition::new(MetricName::new("http_requests_total", "name")?, Kind::Counter);
//! definition.help = Some("Requests served.".into());
//! definition.label_names = vec![LabelName::new("code", "labels")?];
//! let requests = registry.register(definition)?;
//! let ok = registry.series(requests, &["200"])?;
//! registry.add(ok, 3.0)?;
//!
//! let mut encoder = Encoder::new();
//! let text = encoder.encode(&registry, Escaping::default())?;
//! assert_eq!(
//!     text,
//!     b"# HELP http_requests_total Requests served.\n# TYPE http_requests_total counter\n\
//!       http_requests_total{code=\"200\"} 3\n"
//! );
//! # Ok::<(), plugpipe_metrics::Error>(())
//! ```
//!
//! # Scrape, check and import
//!
//! ```
//! use plugpipe_metrics::exposition::negotiate::negotiate;
//! use plugpipe_metrics::exposition::parse::{Format, Limits, import, lint, parse};
//! use plugpipe_metrics::registry::Registry;
//!
//! // The body and the Content-Type of a scrape.
//! let format = Format::detect(Some("text/plain; version=0.0.4"), None)?;
//! let families = parse(b"# TYPE jobs gauge\njobs 4\n", format, &Limits::default())?;
//! assert_eq!(lint::lint(&families).len(), 1); // no help
//!
//! let mut registry = Registry::default();
//! registry.set_now(1_700_000_000_000);
//! let imported = import(&families, &mut registry, import::Options::default());
//! assert!(imported.refused.is_empty());
//! assert_eq!(registry.len(), 1);
//!
//! // The format that a scraper prefers.
//! let choice = negotiate("application/openmetrics-text;version=1.0.0");
//! assert!(choice.content_type().starts_with("application/openmetrics-text"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`model`] | families, series and points, as the encoders read them |
//! | [`number`] | numbers as Prometheus writes them |
//! | [`registry`] | families, series and their values; snapshots |
//! | [`exposition`] | encoders and parsers of text, OpenMetrics, protobuf, JSON, CSV, remote write and OTLP |
//! | [`error`] | the [`Error`] type |
//! | [`reserved`] | OpenMetrics name conflicts between families, and which family is written as `unknown` |
//! | [`sort`] | one shared sort, to keep the component small |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod error;
pub mod exposition;
mod float;
pub mod model;
pub mod number;
pub mod registry;
pub mod reserved;
pub mod sort;

pub use error::Error;

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Prometheus metrics: a registry, encoders for every exposition format, and strict parsers.
//!
//! No I/O and no clock: the caller sets the time and decides where the bytes go.
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

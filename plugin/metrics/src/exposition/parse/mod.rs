//! Strict, zero-copy parsers for Prometheus text, OpenMetrics 1.0 and 2.0, and delimited protobuf:
//! names, labels and help borrow from the input unless they contain escapes.
//!
//! [`Reader`] yields one [`Event`] at a time; [`Families`] collects all of them, for [`lint`],
//! [`import()`] and [`reexpose()`]. There is no I/O and no clock, no input causes a panic, and
//! memory is limited to a small multiple of the input, within [`Limits`].
//!
//! The parsers follow the formats' specifications. Where the text format is ambiguous, they follow
//! Prometheus's own parser (`expfmt`); OpenMetrics names may be quoted, as in Prometheus 3.
//!
//! ```
//! use plugpipe_metrics::exposition::parse::{Format, Limits, parse};
//!
//! let scraped = b"# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\n";
//! let families = parse(scraped, Format::Text, &Limits::default())?;
//! let jobs = families.get("jobs_total").expect("it was scraped");
//! assert_eq!(jobs.points[0].value, 3.0);
//! assert_eq!(families.labels(&jobs.points[0])[0].value, "mail");
//!
//! let error = parse(b"jobs_total{queue=mail} 3\n", Format::Text, &Limits::default()).unwrap_err();
//! assert_eq!((error.line, error.column), (1, 18));
//! # Ok::<(), plugpipe_metrics::exposition::parse::ParseError>(())
//! ```

pub use crate::model::FamilyType;

mod checks;
mod event;
mod families;
pub mod import;
pub mod lint;
mod native;
mod openmetrics;
mod pending;
mod protobuf;
mod reader;
pub mod reexpose;
mod scan;
#[cfg(test)]
mod second_tests;
#[cfg(test)]
mod tests;
mod text;

pub use event::{Event, Exemplar, Format, Label, Limits, Native, NativeBuckets, ParseError, Part, Sample};
pub use families::{Families, Metric, ParsedFamily, Point};
pub use import::import;
pub use reader::Reader;
pub use reexpose::reexpose;

/// Parses a whole input.
pub fn parse<'a>(input: &'a [u8], format: Format, limits: &Limits) -> Result<Families<'a>, ParseError> {
    Families::read(Reader::new(input, format, limits)?, format, limits.seed)
}

//! Strict, zero-copy parsers for Prometheus text, OpenMetrics 1.0 and 2.0, and delimited protobuf:
//! names, labels and help borrow from the input unless they contain escapes.
//!
//! [`Reader`] yields one [`Event`] at a time; [`Families`] collects all of them, for [`lint`],
//! [`import()`] and [`reexpose()`]. There is no I/O and no clock, no input causes a panic, and
//! memory is limited to a small multiple of the input, within [`Limits`].
//!
//! The parsers follow the formats' specifications. Where the text format is ambiguous, they follow
//! Prometheus's own parser (`expfmt`); OpenMetrics names may be quoted, as in Prometheus 3.

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

//! What others expose, read: Prometheus text, OpenMetrics and delimited protobuf. Strict, and
//! without copies: names, labels and help are parts of the input wherever they hold no escape.
//!
//! [`Reader`] hands out one [`Event`] after the other; [`Families`] is all of them together, for
//! reports ([`lint`]), for the registry ([`import()`]) and to be written again ([`reexpose()`]).
//! Nothing here does I/O or looks at a clock, no input makes it panic, and what it holds is a small
//! multiple of the input, within [`Limits`].
//!
//! What is accepted is what the formats' specifications accept. Where the text format's leaves a
//! thing open, Prometheus's own parser (`expfmt`) decides; OpenMetrics' names may be quoted, as
//! Prometheus 3 writes them.

pub use crate::model::FamilyType;

mod checks;
mod event;
mod families;
pub mod import;
pub mod lint;
mod openmetrics;
mod protobuf;
mod reader;
pub mod reexpose;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub use event::{Event, Exemplar, Format, Label, Limits, Native, NativeBuckets, ParseError, Part, Sample};
pub use families::{Families, Family, Metric, Point};
pub use import::import;
pub use reader::Reader;
pub use reexpose::reexpose;

/// Reads a whole input.
pub fn parse<'a>(input: &'a [u8], format: Format, limits: &Limits) -> Result<Families<'a>, ParseError> {
    Families::read(Reader::new(input, format, limits)?, format, limits.seed)
}

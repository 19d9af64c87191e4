//! The event parser for all formats.

use std::borrow::Cow;

use super::event::{Event, Format, Limits, ParseError};
use super::{openmetrics, protobuf, text};

/// An event-based parser.
#[derive(Debug)]
pub struct Reader<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Text(text::Reader<'a>),
    OpenMetrics(Box<openmetrics::Reader<'a>>),
    Protobuf(protobuf::Reader<'a>),
}

impl<'a> Reader<'a> {
    /// Creates a parser for an uncompressed input.
    pub fn new(input: &'a [u8], format: Format, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self(match format {
            Format::Text => Inner::Text(text::Reader::new(input, limits)?),
            Format::OpenMetrics | Format::OpenMetrics2 => {
                Inner::OpenMetrics(Box::new(openmetrics::Reader::new(input, format, limits)?))
            }
            Format::Protobuf => Inner::Protobuf(protobuf::Reader::new(input, limits)?),
        }))
    }

    /// Returns the next event. After [`Event::Eof`] it keeps returning it; after an error the whole
    /// input must be rejected, and further events are meaningless.
    // Not an iterator: a sample borrows its labels until the next call.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend items")]
    pub fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        match &mut self.0 {
            Inner::Text(reader) => reader.next(),
            Inner::OpenMetrics(reader) => reader.next(),
            Inner::Protobuf(reader) => reader.next(),
        }
    }

    /// The name of a family, by the index in an event.
    pub fn family_name(&self, family: usize) -> &str {
        self.family(family).map_or("", |name| &**name)
    }

    pub(super) fn family(&self, family: usize) -> Option<&Cow<'a, str>> {
        match &self.0 {
            Inner::Text(reader) => reader.family(family),
            Inner::OpenMetrics(reader) => reader.family(family),
            Inner::Protobuf(reader) => reader.family(family),
        }
    }
}

//! One reader for all formats.

use std::borrow::Cow;

use super::event::{Event, Format, Limits, ParseError};
use super::{openmetrics, protobuf, text};

/// Reads an input, event by event.
#[derive(Debug)]
pub struct Reader<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Text(text::Reader<'a>),
    OpenMetrics(Box<openmetrics::Reader<'a>>),
    Protobuf(protobuf::Reader<'a>),
}

impl<'a> Reader<'a> {
    /// A reader of the input, which must not be compressed any more.
    pub fn new(input: &'a [u8], format: Format, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self(match format {
            Format::Text => Inner::Text(text::Reader::new(input, limits)?),
            Format::OpenMetrics => Inner::OpenMetrics(Box::new(openmetrics::Reader::new(input, limits)?)),
            Format::Protobuf => Inner::Protobuf(protobuf::Reader::new(input, limits)?),
        }))
    }

    /// The next event. After [`Event::Eof`] it is that for ever; after an error what comes means
    /// nothing: an input that has one is refused as a whole.
    // No iterator: the labels of a sample are lent until the next one.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend")]
    pub fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        match &mut self.0 {
            Inner::Text(reader) => reader.next(),
            Inner::OpenMetrics(reader) => reader.next(),
            Inner::Protobuf(reader) => reader.next(),
        }
    }

    /// The name of a family that an event named.
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

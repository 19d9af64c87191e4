//! The registry as bytes. Changes nothing, does no I/O; one file per format.
//!
//! [`text`] is the one that is fast at any price: it keeps what it wrote last. The others read the registry through [`view`].

pub mod csv;
pub mod escaping;
mod float;
pub mod json;
pub mod negotiate;
pub mod number;
pub mod openmetrics;
pub mod otlp;
pub mod parse;
pub mod protobuf;
pub mod remote_write;
mod samples;
#[cfg(test)]
mod testing;
pub mod text;
pub mod view;
mod wire;

use std::borrow::Cow;

use crate::error::Error;
use crate::registry::Registry;
use escaping::Escaping;
use negotiate::{Choice, Format};

/// `export_format` and what it means, the first name of each format being its own.
const NAMES: [(&str, Format); 8] = [
    ("prometheus", Format::Text004),
    ("openmetrics", Format::OpenMetrics100),
    ("protobuf", Format::Protobuf),
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("text", Format::Text004),
    ("prometheus", Format::Text100),
    ("openmetrics", Format::OpenMetrics001),
];

/// The format of that name in `export_format`. The error lists the names.
pub fn format_of(name: &str) -> Result<Format, String> {
    NAMES
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, format)| *format)
        .ok_or_else(|| "expected one of prometheus, openmetrics, protobuf, json, csv".to_owned())
}

/// The name of a format in `export_format`.
pub fn name_of(format: Format) -> &'static str {
    NAMES.iter().find(|(_, own)| *own == format).map_or("prometheus", |(name, _)| name)
}

/// How a format is written when nobody negotiated: names escaped for readers that know the old ones only.
pub fn plain(format: Format) -> Choice {
    Choice { format, escaping: Escaping::default() }
}

/// Writes registries, and remembers the last text.
#[derive(Debug, Default)]
pub struct Exposition {
    text: text::Encoder,
}

impl Exposition {
    /// The bytes of the registry, and the choice that was kept to. Quantiles are as of `now_ms`.
    pub fn encode(
        &mut self,
        registry: &Registry,
        choice: Choice,
        now_ms: u64,
    ) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        let mut out = Vec::new();
        match choice.format {
            Format::Text004 | Format::Text100 => {
                return Ok((Cow::Borrowed(self.text.encode(registry, choice.escaping)?), choice));
            }
            Format::OpenMetrics100 | Format::OpenMetrics001 => {
                openmetrics::encode(&registry.read(now_ms), choice.escaping, &mut out);
            }
            Format::Protobuf => protobuf::encode(&registry.read(now_ms), choice.escaping, &mut out),
            Format::Json => json::encode(&registry.read(now_ms), &mut out),
            Format::Csv => csv::encode(&registry.read(now_ms), &mut out),
        }
        Ok((Cow::Owned(out), choice))
    }
}

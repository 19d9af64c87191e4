//! Encoders and parsers, one module per format. No I/O.
//!
//! [`text`] is optimized for speed and caches its last output. The other encoders read the registry
//! as a [`model`].

pub mod csv;
pub mod escaping;

pub mod json;
pub mod merge;
pub mod negotiate;

pub mod openmetrics;
pub mod openmetrics2;
pub mod otlp;
pub mod parse;
pub mod protobuf;
pub mod remote_write;
pub mod samples;
mod template;
#[cfg(test)]
pub mod testing;
pub mod text;

mod wire;

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::error::Error;
use crate::model;
use crate::registry::Registry;
use negotiate::{Choice, Format};

/// Values of `export_format`. The first name of each format is its canonical one.
const NAMES: [(&str, Format); 9] = [
    ("prometheus", Format::Text004),
    ("openmetrics", Format::OpenMetrics100),
    ("openmetrics2", Format::OpenMetrics200),
    ("protobuf", Format::Protobuf),
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("text", Format::Text004),
    ("prometheus", Format::Text100),
    ("openmetrics", Format::OpenMetrics001),
];

/// The format for a value of `export_format`. The error lists the valid names.
pub fn format_of(name: &str) -> Result<Format, String> {
    NAMES
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, format)| *format)
        .ok_or_else(|| "expected one of prometheus, openmetrics, openmetrics2, protobuf, json, csv".to_owned())
}

/// The name of a format in `export_format`.
pub fn name_of(format: Format) -> &'static str {
    NAMES.iter().find(|(_, own)| *own == format).map_or("prometheus", |(name, _)| name)
}

/// The format without negotiation: names are escaped for clients that support only classic names,
/// except in OpenMetrics 2.0, whose clients support all.
pub fn plain(format: Format) -> Choice {
    Choice { format, escaping: negotiate::default_escaping(format) }
}

/// Encodes registries and caches the last text output.
#[derive(Debug, Default)]
pub struct Exposition {
    text: text::Encoder,
}

impl Exposition {
    /// Encodes the registry and returns the bytes with the format used. Quantiles are as of
    /// `now_ms`.
    pub fn encode(
        &mut self,
        registry: &Registry,
        choice: Choice,
        now_ms: u64,
    ) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        if let Format::Text004 | Format::Text100 = choice.format {
            return Ok((Cow::Borrowed(self.text.encode(registry, choice.escaping)?), choice));
        }
        if choice.format == Format::OpenMetrics200 {
            let mut out = Vec::new();
            openmetrics2::encode_registry(registry, now_ms, choice.escaping, &mut out);
            return Ok((Cow::Owned(out), choice));
        }
        Ok((Cow::Owned(encoded(&registry.read(now_ms), choice)), choice))
    }

    /// Like [`Exposition::encode`], merged with the families of other push groups. `origin` names
    /// the origin of the registry's own families in errors. Families that no other group shares
    /// reuse the cached text.
    pub fn encode_with<'a>(
        &mut self,
        registry: &'a Registry,
        origin: merge::Origin<'a>,
        others: Vec<merge::Part<'a>>,
        choice: Choice,
        now_ms: u64,
        seed: u64,
    ) -> Result<(Vec<u8>, Choice), Error> {
        let is_text = matches!(choice.format, Format::Text004 | Format::Text100);
        let mut shared = HashSet::with_hasher(FixedState::with_seed(seed));
        shared.extend(others.iter().flat_map(|part| &part.families).map(|family| family.name));
        let families = registry.read_some(now_ms, &|name| !is_text || shared.contains(name));
        let mut parts = vec![merge::Part { families, origin }];
        parts.extend(others);
        let merged = merge::merge(parts, seed)?;
        if !is_text {
            return Ok((encoded(&merged, choice), choice));
        }
        self.text.encode(registry, choice.escaping)?;
        let mut cached: HashMap<&str, Vec<&[u8]>, FixedState> = HashMap::with_hasher(FixedState::with_seed(seed));
        for (id, text) in self.text.sections() {
            if let Some(name) = registry.exposed_name(id) {
                cached.entry(name).or_default().push(text);
            }
        }
        let mut out = Vec::new();
        for family in &merged {
            match cached.get(family.name).filter(|_| !shared.contains(family.name)) {
                Some(texts) => texts.iter().for_each(|text| out.extend_from_slice(text)),
                None => merge::write_text(family, choice.escaping, &mut out),
            }
        }
        Ok((out, choice))
    }
}

/// Encodes families without the text cache.
fn encoded(families: &[model::Family], choice: Choice) -> Vec<u8> {
    let mut out = Vec::new();
    match choice.format {
        Format::Text004 | Format::Text100 => {
            families.iter().for_each(|family| merge::write_text(family, choice.escaping, &mut out));
        }
        Format::OpenMetrics100 | Format::OpenMetrics001 => openmetrics::encode(families, choice.escaping, &mut out),
        Format::OpenMetrics200 => openmetrics2::encode(families, choice.escaping, &mut out),
        Format::Protobuf => protobuf::encode(families, choice.escaping, &mut out),
        Format::Json => json::encode(families, &mut out),
        Format::Csv => csv::encode(families, &mut out),
    }
    out
}

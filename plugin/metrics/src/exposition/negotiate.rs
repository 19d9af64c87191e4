//! Content negotiation from the HTTP `Accept` header.
//!
//! | accepted | format |
//! |---|---|
//! | `application/vnd.google.protobuf` with `proto=io.prometheus.client.MetricFamily` and `encoding=delimited` | [`Format::Protobuf`] |
//! | `application/openmetrics-text`, `version=2.0.0` | [`Format::OpenMetrics200`] |
//! | `application/openmetrics-text`, `version=1.0.0` | [`Format::OpenMetrics100`] |
//! | `application/openmetrics-text`, `version=0.0.1` or none | [`Format::OpenMetrics001`] |
//! | `text/plain`, `version=1.0.0` | [`Format::Text100`] |
//! | `text/plain`, `version=0.0.4` or none; `text/*`; `*/*` | [`Format::Text004`] |
//! | `application/json` | [`Format::Json`] |
//! | `text/csv` | [`Format::Csv`] |
//!
//! The highest `q` wins; on a tie, a specific type wins over a wildcard, then the first listed.
//! Types not in the table and `q=0` are ignored; if nothing remains, the response is text 0.0.4
//! rather than an error, so that the scrape succeeds. `escaping=` is taken from the chosen type.
//! Prometheus 3 sends it only with version 1.0.0 types, although it applies to the whole server;
//! for protobuf, which has no version, it is taken from the best type that has one. The default is
//! [`Escaping::Underscores`], and in OpenMetrics 2.0, of which UTF-8 names are a part,
//! [`Escaping::AllowUtf8`]. An invalid escaping or `q` is ignored.
//!
//! Sources: RFC 9110, 12.5.1; prometheus.io/docs/instrumenting/content_negotiation; headers of
//! Prometheus 2.42 and 3.5.

use super::escaping::Escaping;
use super::{csv, json, openmetrics, openmetrics2, protobuf};

/// An exposition format. The first two OpenMetrics versions differ only in the header, and text
/// 1.0.0 is text 0.0.4 with quoted names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text004,
    /// Prometheus text 1.0.0.
    Text100,
    /// OpenMetrics 0.0.1.
    OpenMetrics001,
    /// OpenMetrics 1.0.0.
    OpenMetrics100,
    /// OpenMetrics 2.0.0, which is experimental.
    OpenMetrics200,
    /// Delimited protobuf.
    Protobuf,
    /// This plug's JSON.
    Json,
    /// This plug's CSV.
    Csv,
}

/// A format and its escaping; JSON and CSV never escape names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The format.
    pub format: Format,
    /// The escaping of names.
    pub escaping: Escaping,
}

impl Choice {
    /// The response's `Content-Type`. Version 1.0.0 types always state their escaping, the others
    /// only if it is not the default.
    pub fn content_type(&self) -> String {
        let (base, always) = match self.format {
            Format::Text004 => ("text/plain; version=0.0.4; charset=utf-8", false),
            Format::Text100 => ("text/plain; version=1.0.0; charset=utf-8", true),
            Format::OpenMetrics001 => ("application/openmetrics-text; version=0.0.1; charset=utf-8", false),
            Format::OpenMetrics100 => (openmetrics::CONTENT_TYPE, true),
            Format::OpenMetrics200 => (openmetrics2::CONTENT_TYPE, false),
            Format::Protobuf => (protobuf::CONTENT_TYPE, false),
            Format::Json => return json::CONTENT_TYPE.to_owned(),
            Format::Csv => return csv::CONTENT_TYPE.to_owned(),
        };
        let mut content_type = base.to_owned();
        if always || self.escaping != default_escaping(self.format) {
            content_type.push_str("; escaping=");
            content_type.push_str(self.escaping.name());
        }
        content_type
    }
}

/// The escaping for clients that request none.
pub(super) fn default_escaping(format: Format) -> Escaping {
    match format {
        Format::OpenMetrics200 => Escaping::AllowUtf8,
        _ => Escaping::default(),
    }
}

/// Chooses a format from the header value. Join multiple headers with commas; pass `""` for none.
/// Any text is accepted.
pub fn negotiate(accept: &str) -> Choice {
    let chosen = best(accept, |range| Some((range.format?, range.escaping)));
    let (format, mut escaping) = chosen.unwrap_or((Format::Text004, None));
    if format == Format::Protobuf {
        escaping = escaping.or_else(|| best(accept, |range| range.escaping));
    }
    Choice { format, escaping: escaping.unwrap_or_else(|| default_escaping(format)) }
}

/// The property of the best range that has it.
fn best<T>(accept: &str, of_range: impl Fn(&Range) -> Option<T>) -> Option<T> {
    let ranges = split(accept, b',').map(Range::read).filter(|range| range.quality > 0);
    let candidates = ranges.filter_map(|range| Some((of_range(&range)?, range)));
    // On a tie, `min_by_key` returns the first.
    candidates.min_by_key(|(_, range)| (std::cmp::Reverse(range.quality), range.wildcard)).map(|(found, _)| found)
}

/// One of the header's media ranges.
struct Range {
    /// `None` if unsupported.
    format: Option<Format>,
    wildcard: bool,
    escaping: Option<Escaping>,
    /// In thousandths.
    quality: u16,
}

impl Range {
    fn read(text: &str) -> Range {
        let mut parts = split(text, b';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut version, mut proto, mut encoding) = (None, None, None);
        let mut range = Range { format: None, wildcard: media_type.ends_with("/*"), escaping: None, quality: 1000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "version" => version = Some(value),
                "proto" => proto = Some(value),
                "encoding" => encoding = Some(value),
                "escaping" => range.escaping = Escaping::from_name(value),
                "q" => range.quality = thousandths(value).unwrap_or(1000),
                _ => {}
            }
        }
        range.format = match (media_type.as_str(), version) {
            ("application/vnd.google.protobuf", _) => (proto == Some("io.prometheus.client.MetricFamily")
                && encoding == Some("delimited"))
            .then_some(Format::Protobuf),
            ("application/openmetrics-text", Some("2.0.0")) => Some(Format::OpenMetrics200),
            ("application/openmetrics-text", Some("1.0.0")) => Some(Format::OpenMetrics100),
            ("application/openmetrics-text", Some("0.0.1") | None) => Some(Format::OpenMetrics001),
            ("text/plain", Some("1.0.0")) => Some(Format::Text100),
            ("text/plain", Some("0.0.4") | None) | ("text/*" | "*/*", _) => Some(Format::Text004),
            ("application/json", _) => Some(Format::Json),
            ("text/csv", _) => Some(Format::Csv),
            _ => None,
        };
        range
    }
}

/// Parses a `q` value of RFC 9110: 0 or 1 with up to three decimals; `None` for other text. Values
/// above 1 are clamped.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.parse::<u16>().ok()?;
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals =
        (0..3).fold(0, |sum, at| sum * 10 + decimals.as_bytes().get(at).map_or(0, |digit| u16::from(digit - b'0')));
    Some(whole.saturating_mul(1000).saturating_add(decimals).min(1000))
}

/// Splits at separators outside of quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match character {
            '"' => quoted = !quoted,
            '\\' => escaped = quoted,
            _ => {}
        }
        !quoted && character == char::from(separator)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clients_get_their_preferred_format() {
        use Escaping::{AllowUtf8, Dots, Underscores, Values};
        use Format::{Csv, Json, OpenMetrics001, OpenMetrics100, OpenMetrics200, Protobuf, Text004, Text100};
        const PROTOBUF: &str =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        for (accept, format, escaping) in [
            // Prometheus 3.5 with native histograms, and without.
            (
                &*format!(
                    "{PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
                ),
                Protobuf,
                AllowUtf8,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics100,
                AllowUtf8,
            ),
            // Prometheus 2.42.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics100,
                Underscores,
            ),
            // A browser, curl, no header.
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", Text004, Underscores),
            ("*/*", Text004, Underscores),
            ("", Text004, Underscores),
            ("text/plain;version=1.0.0;escaping=values", Text100, Values),
            ("text/plain;version=0.0.4;escaping=dots", Text004, Dots),
            ("text/plain;version=0.0.4, text/plain;version=1.0.0;escaping=allow-utf-8;q=0.1", Text004, Underscores),
            ("application/openmetrics-text", OpenMetrics001, Underscores),
            ("application/openmetrics-text;version=2.0.0", OpenMetrics200, AllowUtf8),
            (
                "application/openmetrics-text;version=2.0.0;escaping=values,application/openmetrics-text;version=1.0.0;q=0.5",
                OpenMetrics200,
                Values,
            ),
            (
                "application/openmetrics-text;version=2.0.0;q=0.5,application/openmetrics-text",
                OpenMetrics001,
                Underscores,
            ),
            ("application/openmetrics-text;version=3.0.0;escaping=allow-utf-8", Text004, Underscores),
            ("application/openmetrics-text;version=3.0.0,text/csv;q=0.1", Csv, Underscores),
            ("application/json", Json, Underscores),
            (&*format!("{PROTOBUF};escaping=dots, */*;escaping=values"), Protobuf, Dots),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
                Text004,
                Underscores,
            ),
            // Order and weights.
            ("*/*, application/json", Json, Underscores),
            ("text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.50", Text004, Underscores),
            ("text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.501", OpenMetrics100, Underscores),
            ("application/json;q=0, text/csv;q=0.001", Csv, Underscores),
            ("application/json;q=0.0", Text004, Underscores),
            // Unusual and invalid syntax.
            (" Application/JSON ; Q=1 , text/csv", Json, Underscores),
            ("text/plain; version=\"1.0.0\"; escaping = \"values\"", Text100, Values),
            ("a/b;c=\"x,application/json,\\\",y\", text/csv;q=0.1", Csv, Underscores),
            ("text/csv;q=high, application/json;q=0.9", Csv, Underscores),
            ("text/plain;version=1.0.0;escaping=rot13", Text100, Underscores),
            (";;==,,q=1,/,*", Text004, Underscores),
        ] {
            assert_eq!(negotiate(accept), Choice { format, escaping }, "{accept}");
        }
    }

    #[test]
    fn the_content_type_states_the_negotiated_format() {
        let content_type = |format, escaping| Choice { format, escaping }.content_type();
        for (format, escaping, expected) in [
            (Format::Text004, Escaping::Underscores, "text/plain; version=0.0.4; charset=utf-8"),
            (Format::Text004, Escaping::Values, "text/plain; version=0.0.4; charset=utf-8; escaping=values"),
            (Format::Text100, Escaping::Underscores, "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
            (
                Format::OpenMetrics100,
                Escaping::AllowUtf8,
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                Format::OpenMetrics001,
                Escaping::Underscores,
                "application/openmetrics-text; version=0.0.1; charset=utf-8",
            ),
            (
                Format::Protobuf,
                Escaping::Underscores,
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            ),
            (Format::OpenMetrics200, Escaping::AllowUtf8, "application/openmetrics-text; version=2.0.0; charset=utf-8"),
            (
                Format::OpenMetrics200,
                Escaping::Dots,
                "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=dots",
            ),
            (Format::Json, Escaping::Values, "application/json"),
            (Format::Csv, Escaping::Values, "text/csv; charset=utf-8; header=present"),
        ] {
            assert_eq!(content_type(format, escaping), expected);
        }
    }

    proptest! {
        #[test]
        fn any_header_is_accepted(accept in ".*|([a-z*/;=,q.0-9\" ]|text/plain|escaping=|values|version=1.0.0){0,30}") {
            negotiate(&accept).content_type();
        }

        #[test]
        fn negotiation_is_idempotent(accept in "(text/plain|application/openmetrics-text)(;version=1.0.0|;version=2.0.0|;version=0.0.1|;escaping=dots|;escaping=values){0,3}") {
            let choice = negotiate(&accept);
            prop_assert_eq!(negotiate(&choice.content_type()), choice);
        }
    }
}

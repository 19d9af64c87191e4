//! Counts records: of a JSON array, of JSON Lines, or of CSV with a header.

use std::fmt;

use serde_json::Value;

/// How a text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An array, whose elements are the records.
    Json,
    /// One JSON value per line.
    JsonLines,
    /// Comma-separated values; the first record is the header.
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        })
    }
}

/// The records of a text, and how it was read.
///
/// # Errors
/// Text that says where the input is not valid.
pub fn count(text: &str) -> Result<(usize, Format), String> {
    match text.trim_start().chars().next() {
        Some('[') => {
            let records: Vec<Value> =
                serde_json::from_str(text).map_err(|error| format!("not a JSON array: {error}"))?;
            Ok((records.len(), Format::Json))
        }
        Some('{') => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let mut records = 0;
            for (index, line) in lines {
                serde_json::from_str::<Value>(line)
                    .map_err(|error| format!("line {} is not JSON: {error}", index + 1))?;
                records += 1;
            }
            Ok((records, Format::JsonLines))
        }
        _ => Ok((csv(text)?, Format::Csv)),
    }
}

/// The records after the header. A quoted field may hold line breaks.
fn csv(text: &str) -> Result<usize, String> {
    let (mut quoted, mut records, mut is_blank) = (false, 0_usize, true);
    for character in text.chars() {
        match character {
            '"' => (quoted, is_blank) = (!quoted, false),
            '\n' if !quoted => {
                records += usize::from(!is_blank);
                is_blank = true;
            }
            '\r' => {}
            _ => is_blank = false,
        }
    }
    if quoted {
        return Err("not CSV: a quoted field has no end".into());
    }
    Ok((records + usize::from(!is_blank)).saturating_sub(1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_in_each_format() {
        for (text, records, format) in [
            (" [1, {\"a\": 2}]", 2, Format::Json),
            ("{\"a\": 1}\n\n{\"a\": 2}\n", 2, Format::JsonLines),
            ("a,b\n1,\"x\ny\"\r\n2,z", 2, Format::Csv),
            ("a\n\n1\n", 1, Format::Csv),
            ("a,b\n", 0, Format::Csv),
            ("", 0, Format::Csv),
        ] {
            assert_eq!(count(text).unwrap(), (records, format), "{text:?}");
        }
        for (text, said) in [("[1,", "JSON array"), ("{\"a\": 1}\n{", "line 2"), ("a\n\"b", "no end")] {
            assert!(count(text).unwrap_err().contains(said), "{text:?}");
        }
    }
}

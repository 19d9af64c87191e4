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

/// Why a text cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// It begins as an array and is none.
    #[error("not a JSON array: {0}")]
    Array(serde_json::Error),
    /// It begins as JSON Lines, and a line is not JSON.
    #[error("line {line} is not JSON: {error}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A quoted field of CSV has no end.
    #[error("not CSV: a quoted field has no end")]
    Quote,
}

/// The records of a text, and how it was read.
///
/// # Errors
/// [`CountError`] says where the text is not valid.
pub fn count(text: &str) -> Result<(usize, Format), CountError> {
    match text.trim_start().chars().next() {
        Some('[') => {
            let records: Vec<Value> = serde_json::from_str(text).map_err(CountError::Array)?;
            Ok((records.len(), Format::Json))
        }
        Some('{') => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let mut records = 0;
            for (index, line) in lines {
                serde_json::from_str::<Value>(line).map_err(|error| CountError::Line { line: index + 1, error })?;
                records += 1;
            }
            Ok((records, Format::JsonLines))
        }
        _ => Ok((csv(text)?, Format::Csv)),
    }
}

/// The records after the header. A quoted field may hold line breaks.
fn csv(text: &str) -> Result<usize, CountError> {
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
        return Err(CountError::Quote);
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
            assert!(count(text).unwrap_err().to_string().contains(said), "{text:?}");
        }
    }
}

//! Texts for people, and the escaping of untrusted text for terminals. Names, values and messages
//! come from servers, pipes and command lines; control characters in them could move the cursor,
//! change colors, or disguise text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal interprets this character instead of showing it: control characters (C0, DEL
/// and C1), bidirectional controls, and line and paragraph separators.
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A number of things, such as `1 value` or `2 values`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Escapes multi-line text: unprintable characters except line feeds and tabs are written like
/// `\u{1b}`.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_unprintable(character) && !matches!(character, '\n' | '\t'))
}

/// Escapes text within a line, such as a name in a table: line feeds and tabs are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable)
}

/// Escapes unprintable characters in JSON like `\u001b`, which does not change the value, because
/// they occur only within strings.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_bad = |character| is_unprintable(character) && !matches!(character, '\n' | '\t' | '\r');
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_bad(character) {
            // Writing to a String cannot fail. All of these characters are in the BMP, so four
            // digits suffice.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_bad(character) { out.extend(character.escape_unicode()) } else { out.push(character) }
    }
    Cow::Owned(out)
}

/// Escapes a log line, except color sequences.
pub fn log(text: &str) -> Cow<'_, str> {
    if !text.contains(|character| is_unprintable(character) && character != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = color(rest).unwrap_or(character.len_utf8());
        let (piece, after) = rest.split_at(length);
        if length > 1 && character == '\u{1b}' {
            out.push_str(piece)
        } else {
            out.push_str(&self::text(piece))
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// The length of the color sequence, such as `ESC [ 3 1 m`, at the start of `text`.
fn color(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    parameters.get(end..)?.starts_with('m').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31mb\u{7}\u{7f}\u{9b}2J\u{202e}c\u{2066}\u{61c}\u{2029}\n\td é ☃ 😀";

    #[test]
    fn only_unprintable_characters_are_escaped() {
        let whole = text(HOSTILE);
        assert_eq!(whole, "a\\u{1b}[31mb\\u{7}\\u{7f}\\u{9b}2J\\u{202e}c\\u{2066}\\u{61c}\\u{2029}\n\td é ☃ 😀");
        assert!(line(HOSTILE).ends_with("\\u{2029}\\u{a}\\u{9}d é ☃ 😀"));
        for plain in ["", "jobs_total{queue=\"mail\"} 3\n", "température 😀"] {
            assert!(matches!(text(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn escaping_json_does_not_change_the_value() {
        let value = serde_json::json!({"a\u{9b}": HOSTILE, "b": "\u{1b}"});
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap_or_default()] {
            let escaped = json(&written);
            assert!(!escaped.contains(|character| is_unprintable(character) && character != '\n'), "{escaped}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).ok(), Some(value.clone()));
        }
    }

    #[test]
    fn logs_keep_only_color_sequences() {
        assert_eq!(
            log("\u{1b}[33m WARN\u{1b}[0m x\u{1b}[2J\u{9b}y\u{1b}\n"),
            "\u{1b}[33m WARN\u{1b}[0m x\\u{1b}[2J\\u{9b}y\\u{1b}\n"
        );
    }
}

//! What may reach a terminal. Names, values and messages come from servers, pipes and command
//! lines; a control character among them could move the cursor, change colors, or make text look
//! like something else.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal would act on this character rather than show it: control characters (C0, DEL
/// and C1), those that change the direction of text, and the separators of lines and paragraphs.
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text of several lines for a terminal: line feeds and tabs stay, everything else that is
/// unprintable is written as `\u{1b}`.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_unprintable(character) && !matches!(character, '\n' | '\t'))
}

/// A text within a line, such as a name in a table: line feeds and tabs are escaped too, so that it
/// cannot begin a line of its own.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable)
}

/// JSON with the unprintable characters as `\u001b`: the value stays the same. JSON has such
/// characters within texts only.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_bad = |character| is_unprintable(character) && !matches!(character, '\n' | '\t' | '\r');
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_bad(character) {
            // Writing to a String does not fail. All of these are in the basic plane: four digits
            // are enough.
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

/// A log line that may hold the colors of the logger itself: of escape sequences only those for
/// colors pass.
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

/// The length of the color sequence, such as `ESC [ 3 1 m`, that a text begins with.
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
    fn what_a_terminal_would_act_on_is_escaped_and_all_else_stays() {
        let whole = text(HOSTILE);
        assert_eq!(whole, "a\\u{1b}[31mb\\u{7}\\u{7f}\\u{9b}2J\\u{202e}c\\u{2066}\\u{61c}\\u{2029}\n\td é ☃ 😀");
        assert!(line(HOSTILE).ends_with("\\u{2029}\\u{a}\\u{9}d é ☃ 😀"));
        for plain in ["", "jobs_total{queue=\"mail\"} 3\n", "température 😀"] {
            assert!(matches!(text(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a\u{9b}": HOSTILE, "b": "\u{1b}"});
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap_or_default()] {
            let escaped = json(&written);
            assert!(!escaped.contains(|character| is_unprintable(character) && character != '\n'), "{escaped}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).ok(), Some(value.clone()));
        }
    }

    #[test]
    fn logs_keep_their_colors_only() {
        assert_eq!(
            log("\u{1b}[33m WARN\u{1b}[0m x\u{1b}[2J\u{9b}y\u{1b}\n"),
            "\u{1b}[33m WARN\u{1b}[0m x\\u{1b}[2J\\u{9b}y\\u{1b}\n"
        );
    }
}

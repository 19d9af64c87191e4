//! How error messages quote foreign text.

/// At most `limit` bytes of foreign text, on one line and cut at a character boundary, for an error
/// message.
pub fn excerpt(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for part in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for character in part.chars() {
            if line.len() + character.len_utf8() > limit {
                line.push('…');
                return line;
            }
            line.push(if character.is_control() { '\u{fffd}' } else { character });
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("  two\n  words ", 100), "two words");
        assert_eq!(excerpt("abcdef", 3), "abc…");
        assert_eq!(excerpt("ééé", 3), "é…");
        assert_eq!(excerpt("a\u{1}b", 9), "a\u{fffd}b");
    }
}

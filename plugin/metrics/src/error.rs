//! The error type of this crate.

/// Why an operation failed. A failed operation changes nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is invalid.
    #[error("{field}: {problem}")]
    Invalid {
        /// The argument, or the part of it, such as `labels.le`.
        field: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// The metric exists with a different definition.
    #[error("metric {metric}: {problem}")]
    Conflict {
        /// The metric's name.
        metric: String,
        /// Both definitions.
        problem: String,
    },
    /// A handle that names no series, or a removed one.
    #[error("series: there is no series {handle}; it was removed or belongs to another registry; get its handle again")]
    UnknownSeries {
        /// The handle.
        handle: u32,
    },
    /// A limit was reached.
    #[error("{what}: the limit of {limit} is reached; {todo}")]
    LimitReached {
        /// What is limited, for example `series`.
        what: String,
        /// The limit.
        limit: usize,
        /// What to do.
        todo: &'static str,
    },
}

impl Error {
    /// An error about an invalid argument.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The argument to fix, if the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::UnknownSeries { .. } => Some("series"),
            Self::Conflict { .. } | Self::LimitReached { .. } => None,
        }
    }
}

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

//! Why a request or a configuration cannot be read.

pub use plugpipe_time::excerpt;

/// Why a request or a configuration cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A required field is missing.
    #[error("{field}: is missing; expected {expected}")]
    Missing {
        /// The field's path in `ctx` or `cfg`.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A field's value is not allowed.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field's path in `ctx` or `cfg`.
        field: String,
        /// What was found and what was expected.
        problem: String,
    },
}

impl Error {
    /// A field whose value is not allowed.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// A required field that is missing.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Missing { field: field.into(), expected }
    }

    /// The path of the field to correct.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field, .. } | Self::Invalid { field, .. } => field,
        }
    }

    /// The same error, with another path of its field.
    #[must_use]
    pub fn map_field(self, path: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Missing { field, expected } => Self::Missing { field: path(field), expected },
            Self::Invalid { field, problem } => Self::Invalid { field: path(field), problem },
        }
    }

    /// The same error, with `prefix.` before the path of its field: for a part of a larger input.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        self.map_field(|field| format!("{prefix}.{field}"))
    }
}

impl Error {
    /// The same error, of something that stands in `part`: a field's name, or an index as `[2]`.
    #[must_use]
    pub fn inside(self, part: &str) -> Self {
        self.map_field(|field| match field.as_bytes().first() {
            None => part.to_owned(),
            Some(b'[') => format!("{part}{field}"),
            Some(_) => format!("{part}.{field}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_within_a_list_names_the_item() {
        let error = Error::missing("value", "a number").within("metrics[2]");
        assert_eq!(error.field(), "metrics[2].value");
        assert_eq!(error.to_string(), "metrics[2].value: is missing; expected a number");
    }
}

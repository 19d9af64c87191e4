//! Errors in requests and configurations.

pub use plugpipe_time::excerpt;

/// Errors in requests and configurations.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A required field is missing.
    #[error("{field}: is missing; expected {expected}")]
    Missing {
        /// The field's path in `ctx` or `cfg`.
        field: String,
        /// What is expected there.
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
    /// An error for an invalid value.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// An error for a missing required field.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Missing { field: field.into(), expected }
    }

    /// The path of the field to correct.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field, .. } | Self::Invalid { field, .. } => field,
        }
    }

    /// The same error with its field path mapped.
    #[must_use]
    pub fn map_field(self, path: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Missing { field, expected } => Self::Missing { field: path(field), expected },
            Self::Invalid { field, problem } => Self::Invalid { field: path(field), problem },
        }
    }

    /// The same error with `prefix.` before its field path, for a part of a larger input.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        self.map_field(|field| format!("{prefix}.{field}"))
    }
}

impl Error {
    /// The same error with `part` before its field path: a field name, or an index such as `[2]`.
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

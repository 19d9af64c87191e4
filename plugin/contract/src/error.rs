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
    /// The metrics crate rejects a value. Its errors carry the path that it was given.
    #[error(transparent)]
    Metrics(#[from] plugpipe_metrics::Error),
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

    /// The stable word for programs: `error_code` of the JSON contract.
    pub fn code(&self) -> &'static str {
        use plugpipe_metrics::Error as Metrics;
        match self {
            Self::Missing { .. } => "missing_field",
            Self::Invalid { .. } | Self::Metrics(Metrics::Invalid { .. }) => "invalid_field",
            Self::Metrics(Metrics::Conflict { .. }) => "metric_conflict",
            Self::Metrics(Metrics::UnknownSeries { .. }) => "unknown_series",
            Self::Metrics(Metrics::LimitReached { .. }) => "limit_reached",
        }
    }

    /// The path of the field to correct, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        use plugpipe_metrics::Error as Metrics;
        match self {
            Self::Missing { field, .. }
            | Self::Invalid { field, .. }
            | Self::Metrics(Metrics::Invalid { field, .. }) => Some(field),
            Self::Metrics(Metrics::Conflict { .. }) => Some("metric_name"),
            Self::Metrics(Metrics::UnknownSeries { .. }) => Some("series"),
            Self::Metrics(Metrics::LimitReached { .. }) => None,
        }
    }

    /// The same error, with another path of its field.
    #[must_use]
    pub fn map_field(self, path: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Missing { field, expected } => Self::Missing { field: path(field), expected },
            Self::Invalid { field, problem } | Self::Metrics(plugpipe_metrics::Error::Invalid { field, problem }) => {
                Self::Invalid { field: path(field), problem }
            }
            other => other,
        }
    }

    /// The same error, with `prefix.` before the path of its field: for a part of a larger input.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Self::Metrics(plugpipe_metrics::Error::Conflict { metric, problem }) => {
                Self::invalid(format!("{prefix}.name"), format!("metric {metric}: {problem}"))
            }
            other => other.map_field(|field| format!("{prefix}.{field}")),
        }
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
        assert_eq!(error.field(), Some("metrics[2].value"));
        assert_eq!(error.to_string(), "metrics[2].value: is missing; expected a number");
    }
}

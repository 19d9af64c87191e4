//! Why a request or a configuration cannot be read.

pub use plugpipe_metrics::error::excerpt;

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

    /// The path of the field, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { field, .. } | Self::Invalid { field, .. } => Some(field),
            Self::Metrics(plugpipe_metrics::Error::Invalid { field, .. }) => Some(field),
            Self::Metrics(_) => None,
        }
    }
}

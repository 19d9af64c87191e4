//! The error type of this crate.

pub(crate) use plugpipe_time::excerpt;

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

//! The one error of this crate.

pub(crate) use plugpipe_time::excerpt;

/// Why something was not done. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is not what it must be.
    #[error("{field}: {problem}")]
    Invalid {
        /// The argument, or the part of it, such as `labels.le`.
        field: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// The metric exists, and is something else.
    #[error("metric {metric}: {problem}")]
    Conflict {
        /// The metric's name.
        metric: String,
        /// Both definitions.
        problem: String,
    },
    /// A handle that names no series, or none any more.
    #[error("series: there is no series {handle}; it was removed, or is of another registry; get its handle again")]
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
    /// An argument that is not what it must be.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The argument to change, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::UnknownSeries { .. } => Some("series"),
            Self::Conflict { .. } | Self::LimitReached { .. } => None,
        }
    }
}

//! The one error of this crate.

/// Why what is wanted cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A field is missing, or its value is not allowed.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// The metrics crate rejects a name or labels. Its errors carry the path that it was given.
    #[error(transparent)]
    Metrics(#[from] plugpipe_metrics::Error),
}

impl Error {
    /// A field whose value is not allowed.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Contract(plugpipe_contract::Error::invalid(field, problem))
    }

    /// A required field that is missing.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Contract(plugpipe_contract::Error::missing(field, expected))
    }

    /// The path of the field to correct, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Contract(error) => Some(error.field()),
            Self::Metrics(error) => error.field(),
        }
    }

    /// The same error, of something that stands in `part`: a field's name, or an index as `[2]`.
    #[must_use]
    pub(crate) fn inside(self, part: &str) -> Self {
        match self {
            Self::Contract(error) => Self::Contract(error.inside(part)),
            Self::Metrics(plugpipe_metrics::Error::Invalid { field, problem }) => {
                Self::Contract(plugpipe_contract::Error::invalid(field, problem).inside(part))
            }
            other => other,
        }
    }
}

//! The error type of this crate.

/// Why a request cannot be provisioned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A field is missing or invalid.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// A name or label is rejected by the metrics crate. The error includes the path passed to it.
    #[error(transparent)]
    Metrics(#[from] plugpipe_metrics::Error),
}

impl Error {
    /// An invalid field.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Contract(plugpipe_contract::Error::invalid(field, problem))
    }

    /// A missing field.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Contract(plugpipe_contract::Error::missing(field, expected))
    }

    /// The path of the field to correct, if the error is about a field.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Contract(error) => Some(error.field()),
            Self::Metrics(error) => error.field(),
        }
    }

    /// Prepends `part` to the path: a field's name, or an index such as `[2]`.
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

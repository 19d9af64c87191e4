//! The one error of the plug, and how the JSON contract says it.
//!
//! Every text is for the person who must act: it begins with what is concerned (a field's path, a
//! metric, a server), says what was expected, and what to do. URLs appear without their user,
//! password and query.

pub use plugpipe_contract::error::excerpt;

use crate::servers::pushgateway::preflight::Conflict;
pub use plugpipe_clients::Error as ClientError;
use plugpipe_contract::responses::{ErrorReport, Position, PushConflict};

/// Why an operation did nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// `ctx` or `cfg` is not a JSON object.
    #[error("{what} is not a JSON object: {problem}")]
    NotJson {
        /// `ctx` or `cfg`.
        what: &'static str,
        /// What the parser found, with line and column.
        problem: String,
    },
    /// `ctx.operation` names nothing that the plug does.
    #[error("operation: there is no operation {given:?}; {}there are {}", meant(*nearest), known.join(", "))]
    UnknownOperation {
        /// The name that was asked for.
        given: String,
        /// The one that was likely meant.
        nearest: Option<&'static str>,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The request or the configuration is not valid, or a metric's definition or limit forbids it.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// The operation needs a setting that nobody made.
    #[error("{field}: is not configured; {todo}")]
    NotConfigured {
        /// The setting's path in `cfg`.
        field: &'static str,
        /// What to do.
        todo: &'static str,
    },
    /// A conversation with a server failed.
    #[error(transparent)]
    Client(ClientError),
    /// Values were not written; those that were recorded stay.
    #[error("{cause}. Written: {written} values; kept for the next write: {pending}; given up: {lost}")]
    Undelivered {
        /// What went wrong first.
        cause: Box<Error>,
        /// Values that were written nevertheless.
        written: u64,
        /// Values that go out with the next write.
        pending: u64,
        /// Values that the receiver refused, or that there was no room to keep.
        lost: u64,
    },
}

impl From<plugpipe_metrics::Error> for Error {
    fn from(error: plugpipe_metrics::Error) -> Self {
        Self::Contract(error.into())
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Contract(error) => Self::Contract(error),
            error => Self::Client(error),
        }
    }
}

/// The most conflicts that an answer lists.
const MAX_CONFLICTS: usize = 20;

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default()
}

impl Error {
    /// A field that holds what it may not hold.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        plugpipe_contract::Error::invalid(field, problem).into()
    }

    /// A required field that is missing.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        plugpipe_contract::Error::missing(field, expected).into()
    }

    /// The stable word for programs: `error_code` of the JSON contract.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "invalid_json",
            Self::UnknownOperation { .. } => "unknown_operation",
            Self::Contract(error) => error.code(),
            Self::NotConfigured { .. } => "not_configured",
            Self::Client(error) => error.code(),
            Self::Undelivered { cause, .. } => cause.code(),
        }
    }

    /// The path of the field to mend, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownOperation { .. } => Some("operation"),
            Self::Contract(error) => error.field(),
            Self::NotConfigured { field, .. } => Some(field),
            Self::Client(error) => error.field(),
            Self::NotJson { what, .. } => Some(what),
            Self::Undelivered { cause, .. } => cause.field(),
        }
    }

    /// The origin that was concerned, where there was one.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::Client(error) => error.origin(),
            Self::Undelivered { cause, .. } => cause.origin(),
            _ => None,
        }
    }

    /// The same error, with `prefix.` before the path of its field: for a part of a larger input.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Self::Contract(error) => Self::Contract(error.within(prefix)),
            other => other,
        }
    }

    /// What a gateway would refuse of a push, the first of it, where the error is about that.
    pub fn conflicts(&self) -> Option<Vec<PushConflict>> {
        match self {
            Self::Client(ClientError::PushConflict { conflicts, .. }) => Some(shown_conflicts(conflicts)),
            _ => None,
        }
    }

    /// The error as responses have it.
    pub fn report(&self) -> ErrorReport {
        let mut report = ErrorReport {
            error: self.to_string(),
            error_code: self.code(),
            field: self.field().map(str::to_owned),
            origin: self.origin().map(str::to_owned),
            conflicts: self.conflicts(),
            ..ErrorReport::default()
        };
        let mut cause = self;
        if let Self::Undelivered { cause: first, written, pending, lost } = self {
            (report.written, report.pending, report.lost) = (Some(*written), Some(*pending), Some(*lost));
            cause = first;
        }
        if let Self::Client(error) = cause {
            report.http_status = error.http_status();
        }
        if let Self::Client(error) = self {
            if let ClientError::Query { said, .. } = error {
                report.error_type = Some(said.error_type.clone());
                report.server_error_type.clone_from(&said.server_error_type);
            }
            report.position = error.position().map(|(line, column)| Position { line, column });
        }
        report
    }
}

/// What a gateway would refuse, the first of it, as responses have it.
pub fn shown_conflicts(conflicts: &[Conflict]) -> Vec<PushConflict> {
    let shown = |conflict: &Conflict| PushConflict {
        reason: conflict.reason,
        metric: conflict.metric.clone(),
        group: conflict.group.clone(),
        problem: conflict.problem.clone(),
    };
    conflicts.iter().take(MAX_CONFLICTS).map(shown).collect()
}

//! The one error of the plug, and how the JSON contract says it.
//!
//! Every text is for the person who must act: it begins with what is concerned (a field's path, a metric, a server), says
//! what was expected, and what to do. URLs appear without their user, password and query.

pub use plugpipe_metrics::error::excerpt;

use crate::json::Writer;
pub use plugpipe_clients::Error as ClientError;

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

    /// Writes `conflicts` into a JSON answer, where the error is about some.
    pub fn write_conflicts(&self, answer: &mut Writer) {
        let Self::Client(ClientError::PushConflict { conflicts, .. }) = self else { return };
        answer.open_list("conflicts");
        for conflict in conflicts.iter().take(MAX_CONFLICTS) {
            answer.open_item();
            conflict.write_into(answer);
            answer.close();
        }
        answer.close_list();
    }

    /// Writes the error into a JSON answer: `error`, `error_code`, and what else is known.
    pub fn write_into(&self, answer: &mut Writer) {
        answer.text("error", &self.to_string());
        answer.text("error_code", self.code());
        if let Some(field) = self.field() {
            answer.text("field", field);
        }
        if let Some(origin) = self.origin() {
            answer.text("origin", origin);
        }
        let mut cause = self;
        if let Self::Undelivered { cause: first, written, pending, lost } = self {
            for (name, count) in [("written", written), ("pending", pending), ("lost", lost)] {
                answer.count(name, *count);
            }
            cause = first;
        }
        if let Self::Client(error) = cause
            && let Some(status) = error.http_status()
        {
            answer.count("http_status", status.into());
        }
        if let Self::Client(error) = self {
            if let ClientError::Query { said, .. } = error {
                answer.text("error_type", &said.error_type);
                if let Some(own) = &said.server_error_type {
                    answer.text("server_error_type", own);
                }
            }
            if let Some((line, column)) = error.position() {
                answer.open("position");
                answer.count("line", line.into());
                answer.count("column", column.into());
                answer.close();
            }
        }
        self.write_conflicts(answer);
    }
}

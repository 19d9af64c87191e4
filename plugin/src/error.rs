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
    /// A field that the operation needs is not there.
    #[error("{field}: is missing; expected {expected}")]
    Missing {
        /// The field's path in `ctx` or `cfg`.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A field holds what it may not hold.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field's path in `ctx` or `cfg`.
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
    /// A limit of the plug was reached.
    #[error("{what}: the limit of {limit} is reached; {todo}")]
    LimitReached {
        /// What is limited, for example `series`.
        what: String,
        /// The limit.
        limit: usize,
        /// What to do.
        todo: &'static str,
    },
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
        use plugpipe_metrics::Error as Of;
        match error {
            Of::Invalid { field, problem } => Self::Invalid { field, problem },
            Of::Conflict { metric, problem } => Self::Conflict { metric, problem },
            Of::UnknownSeries { handle } => Self::UnknownSeries { handle },
            Of::LimitReached { what, limit, todo } => Self::LimitReached { what, limit, todo },
        }
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Contract(error) => error.into(),
            error => Self::Client(error),
        }
    }
}

impl From<plugpipe_contract::Error> for Error {
    fn from(error: plugpipe_contract::Error) -> Self {
        use plugpipe_contract::Error as Of;
        match error {
            Of::Missing { field, expected } => Self::Missing { field, expected },
            Of::Invalid { field, problem } => Self::Invalid { field, problem },
            Of::Metrics(error) => error.into(),
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
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The stable word for programs: `error_code` of the JSON contract.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "invalid_json",
            Self::UnknownOperation { .. } => "unknown_operation",
            Self::Missing { .. } => "missing_field",
            Self::Invalid { .. } => "invalid_field",
            Self::UnknownSeries { .. } => "unknown_series",
            Self::Conflict { .. } => "metric_conflict",
            Self::LimitReached { .. } => "limit_reached",
            Self::NotConfigured { .. } => "not_configured",
            Self::Client(error) => error.code(),
            Self::Undelivered { cause, .. } => cause.code(),
        }
    }

    /// The path of the field to mend, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownOperation { .. } => Some("operation"),
            Self::Missing { field, .. } | Self::Invalid { field, .. } => Some(field),
            Self::Conflict { .. } => Some("metric_name"),
            Self::NotConfigured { field, .. } => Some(field),
            Self::Client(error) => error.field(),
            Self::NotJson { what, .. } => Some(what),
            Self::UnknownSeries { .. } => Some("series"),
            Self::Undelivered { cause, .. } => cause.field(),
            _ => None,
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
        let path = |field: String| format!("{prefix}.{field}");
        match self {
            Self::Missing { field, expected } => Self::Missing { field: path(field), expected },
            Self::Invalid { field, problem } => Self::Invalid { field: path(field), problem },
            Self::Conflict { metric, problem } => {
                Self::Invalid { field: path("name".into()), problem: format!("metric {metric}: {problem}") }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_within_a_list_names_the_item() {
        let error = Error::Missing { field: "value".into(), expected: "a number" }.within("metrics[2]");
        assert_eq!(error.field(), Some("metrics[2].value"));
        assert_eq!(error.to_string(), "metrics[2].value: is missing; expected a number");
    }
}

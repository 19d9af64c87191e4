//! The plug's error type and its form in the JSON contract.
//!
//! Messages name the field, metric or server first, then what was expected and what to do. URLs
//! appear without user, password and query.

pub use plugpipe_contract::error::excerpt;

use crate::servers::pushgateway::preflight::Conflict;
pub use plugpipe_clients::Error as ClientError;
use plugpipe_clients::http::Failure;
use plugpipe_contract::Error as ContractError;
use plugpipe_contract::responses::{ErrorReport, Position, PushConflict};
use plugpipe_metrics::Error as MetricsError;

/// The error of an operation.
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
    /// `ctx.operation` is not a known operation.
    #[error("operation: unknown operation {given:?}; {}describe lists them, each with its summary", meant(*nearest))]
    UnknownOperation {
        /// The given name.
        given: String,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// The request or the configuration is invalid.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// A name or value is invalid, or conflicts with a metric's definition or limit.
    #[error(transparent)]
    Metrics(#[from] plugpipe_metrics::Error),
    /// The operation needs a setting that is missing.
    #[error("{field}: is not configured; {todo}")]
    NotConfigured {
        /// The setting's path in `cfg`.
        field: &'static str,
        /// What to do.
        todo: &'static str,
    },
    /// A request to a server failed.
    #[error(transparent)]
    Client(ClientError),
    /// Values were not written; recorded values are kept.
    #[error("{cause}. Written: {written} values; pending: {pending}; lost: {lost}")]
    Undelivered {
        /// The first error.
        cause: Box<Error>,
        /// Values that were written.
        written: u64,
        /// Values that are queued for the next write.
        pending: u64,
        /// Values that the receiver rejected or that did not fit in the queue.
        lost: u64,
    },
}

impl From<plugpipe_provisioning::Error> for Error {
    fn from(error: plugpipe_provisioning::Error) -> Self {
        match error {
            plugpipe_provisioning::Error::Contract(error) => Self::Contract(error),
            plugpipe_provisioning::Error::Metrics(error) => Self::Metrics(error),
        }
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

/// The maximum number of conflicts in a result.
const MAX_CONFLICTS: usize = 20;

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default()
}

impl Error {
    /// An error for an invalid value.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        plugpipe_contract::Error::invalid(field, problem).into()
    }

    /// An error for a missing required field.
    pub fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        plugpipe_contract::Error::missing(field, expected).into()
    }

    /// The stable `error_code` of the JSON contract.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "invalid_json",
            Self::UnknownOperation { .. } => "unknown_operation",
            Self::Contract(error) => contract_code(error),
            Self::Metrics(MetricsError::Invalid { .. }) => "invalid_field",
            Self::Metrics(MetricsError::Conflict { .. }) => "metric_conflict",
            Self::Metrics(MetricsError::UnknownSeries { .. }) => "unknown_series",
            Self::Metrics(MetricsError::LimitReached { .. }) => "limit_reached",
            Self::NotConfigured { .. } => "not_configured",
            Self::Client(error) => client_code(error),
            Self::Undelivered { cause, .. } => cause.code(),
        }
    }

    /// The path of the field to correct, if the error has one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownOperation { .. } => Some("operation"),
            Self::Contract(error) => Some(error.field()),
            Self::Metrics(MetricsError::Invalid { field, .. }) => Some(field),
            Self::Metrics(MetricsError::Conflict { .. }) => Some("metric_name"),
            Self::Metrics(MetricsError::UnknownSeries { .. }) => Some("series"),
            Self::Metrics(MetricsError::LimitReached { .. }) => None,
            Self::NotConfigured { field, .. } => Some(field),
            Self::Client(error) => error.field(),
            Self::NotJson { what, .. } => Some(what),
            Self::Undelivered { cause, .. } => cause.field(),
        }
    }

    /// The origin of the server, if the error has one.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::Client(error) => error.origin(),
            Self::Undelivered { cause, .. } => cause.origin(),
            _ => None,
        }
    }

    /// The same error with `prefix.` before its field path, for a part of a larger input.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Self::Metrics(MetricsError::Conflict { metric, problem }) => {
                Self::invalid(format!("{prefix}.name"), format!("metric {metric}: {problem}"))
            }
            other => other.map_field(|field| format!("{prefix}.{field}")),
        }
    }

    /// The same error, with another path of its field.
    #[must_use]
    pub fn map_field(self, path: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Contract(error) => Self::Contract(error.map_field(path)),
            Self::Metrics(MetricsError::Invalid { field, problem }) => Self::invalid(path(field), problem),
            other => other,
        }
    }

    /// The first conflicts because of which a gateway would reject a push.
    pub fn conflicts(&self) -> Option<Vec<PushConflict>> {
        match self {
            Self::Client(ClientError::PushConflict { conflicts, .. }) => Some(report_conflicts(conflicts)),
            _ => None,
        }
    }

    /// The error as written in results.
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

/// The `error_code` of a field.
fn contract_code(error: &ContractError) -> &'static str {
    match error {
        ContractError::Missing { .. } => "missing_field",
        ContractError::Invalid { .. } => "invalid_field",
    }
}

/// The `error_code` of a conversation with a server that failed.
fn client_code(error: &ClientError) -> &'static str {
    match error {
        ClientError::Contract(error) => contract_code(error),
        ClientError::Unanswered { failure, .. } => failure_code(failure),
        ClientError::Refused { .. } | ClientError::PushConflict { reply: Some(_), .. } => "refused",
        ClientError::Query { .. } => "query_failed",
        ClientError::BadAnswer { .. } | ClientError::Exposition { .. } => "bad_answer",
        ClientError::PushConflict { reply: None, .. } => "push_conflict",
    }
}

fn failure_code(failure: &Failure) -> &'static str {
    match failure {
        Failure::NotGranted | Failure::AddressNotGranted => "not_granted",
        Failure::Timeout { .. } => "timeout",
        Failure::TooLong { .. } => "answer_too_long",
        Failure::Tls(_) => "tls_failed",
        Failure::Refused
        | Failure::UnknownHost
        | Failure::Broken
        | Failure::CircuitOpen { .. }
        | Failure::Protocol(_) => "unreachable",
    }
}

/// The first conflicts, as written in results.
pub fn report_conflicts(conflicts: &[Conflict]) -> Vec<PushConflict> {
    let report = |conflict: &Conflict| PushConflict {
        reason: conflict.reason,
        metric: conflict.metric.clone(),
        group: conflict.group.clone(),
        problem: conflict.problem.clone(),
    };
    conflicts.iter().take(MAX_CONFLICTS).map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_metrics_library_have_a_code_and_a_field_alone_and_in_a_list() {
        let conflict = MetricsError::Conflict { metric: "a".into(), problem: "is a counter".into() };
        let limit = MetricsError::LimitReached { what: "series".into(), limit: 1, todo: "remove some" };
        for (error, alone, listed) in [
            (
                MetricsError::invalid("labels.le", "is reserved"),
                ("invalid_field", Some("labels.le")),
                ("invalid_field", Some("metrics[2].labels.le")),
            ),
            (conflict, ("metric_conflict", Some("metric_name")), ("invalid_field", Some("metrics[2].name"))),
            (
                MetricsError::UnknownSeries { handle: 7 },
                ("unknown_series", Some("series")),
                ("unknown_series", Some("series")),
            ),
            (limit, ("limit_reached", None), ("limit_reached", None)),
        ] {
            let error = Error::from(error);
            assert_eq!((error.code(), error.field()), alone, "{error}");
            let error = error.within("metrics[2]");
            assert_eq!((error.code(), error.field()), listed, "{error}");
        }
    }

    #[test]
    fn errors_of_provisioning_are_those_that_they_wrap() {
        let contract = ContractError::missing("name", "the group's name");
        let metrics = MetricsError::invalid("labels", "is reserved");
        assert_eq!(Error::from(plugpipe_provisioning::Error::from(contract.clone())), contract.into());
        assert_eq!(Error::from(plugpipe_provisioning::Error::from(metrics.clone())), metrics.into());
    }
}

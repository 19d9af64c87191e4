//! Errors of requests to servers. Messages name the server first and say what to do. URLs are
//! printed without user, password and query.

use crate::http::Failure;
use crate::servers::pushgateway::conflict::Conflict;

/// Why a request to a server failed or was not sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A value to send is invalid.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// The server sent no response.
    #[error("{server} {origin}: {failure}{}", failure.todo(setting, origin))]
    Unanswered {
        /// The kind of server, for example `Pushgateway`.
        server: &'static str,
        /// The server's origin: scheme, host, port.
        origin: String,
        /// The setting that holds its URL, for example `gateway_url`.
        setting: &'static str,
        /// What happened.
        failure: Failure,
    },
    /// The server returned an error status.
    #[error("{server} {origin}: returned {status}: {reply}{todo}")]
    Refused {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// The HTTP status.
        status: u16,
        /// The response body, truncated.
        reply: String,
        /// What to do, with a leading `; `, or empty.
        todo: String,
    },
    /// Prometheus understood the request but the query failed.
    #[error("query: {server} {origin} returned {}: {}", said.error_type, said.text)]
    Query {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// The API's error. Boxed, because many results contain this type.
        said: Box<QueryError>,
    },
    /// The response does not match the server's protocol.
    #[error("{server} {origin}: unexpected response: {problem}; check that the URL leads to {server}")]
    BadAnswer {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A server's exposition cannot be parsed.
    #[error("{server} {origin}: {problem}")]
    Exposition {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// What is wrong, and what to do.
        problem: String,
        /// In text formats: line and column in bytes, both from 1.
        position: Option<(u32, u32)>,
    },
    /// The push conflicts with the gateway's current contents.
    #[error("Pushgateway {origin}: {}", conflicts_text(reply.as_deref(), conflicts))]
    PushConflict {
        /// The gateway's origin.
        origin: String,
        /// The gateway's response, or `None` if the push was not sent.
        reply: Option<String>,
        /// At least one.
        conflicts: Vec<Conflict>,
    },
}

impl Error {
    /// A field whose value is not allowed.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Contract(plugpipe_contract::Error::invalid(field, problem))
    }

    /// The path of the field to correct, if the error is about a field.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Contract(error) => Some(error.field()),
            Self::Query { .. } => Some("query"),
            _ => None,
        }
    }

    /// The origin of the server, if one was involved.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::Contract(_) => None,
            Self::Unanswered { origin, .. }
            | Self::Refused { origin, .. }
            | Self::Query { origin, .. }
            | Self::BadAnswer { origin, .. }
            | Self::Exposition { origin, .. }
            | Self::PushConflict { origin, .. } => Some(origin),
        }
    }

    /// The HTTP status of an error response.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::PushConflict { reply: Some(_), .. } => Some(400),
            _ => None,
        }
    }

    /// Where the query or exposition fails to parse: line and column in bytes, both from 1.
    pub fn position(&self) -> Option<(u32, u32)> {
        match self {
            Self::Query { said, .. } => said.position,
            Self::Exposition { position, .. } => *position,
            _ => None,
        }
    }
}

fn conflicts_text(reply: Option<&str>, conflicts: &[Conflict]) -> String {
    let mut text = match reply {
        Some(reply) => format!("returned 400: {reply}"),
        None => "push not sent, because the gateway would reject it".to_owned(),
    };
    for conflict in conflicts.iter().take(3) {
        text.push_str("; ");
        text.push_str(&conflict.to_string());
    }
    if conflicts.len() > 3 {
        text.push_str(&format!("; and {} more", conflicts.len() - 3));
    }
    text
}

/// An error from Prometheus's API.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryError {
    /// One of Prometheus's error types, for example `bad_data`.
    pub error_type: String,
    /// The server's own error type, if it differs.
    pub server_error_type: Option<String>,
    /// The API's `error`.
    pub text: String,
    /// Where the expression fails to parse: line and column in bytes, both from 1.
    pub position: Option<(u32, u32)>,
}

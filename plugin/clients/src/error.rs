//! Why a conversation with a server failed. Every text begins with the server and says what to do.
//! URLs appear without their user, password and query.

use crate::http::Failure;
use crate::servers::pushgateway::conflict::Conflict;

/// Why a conversation with a server failed, or could not begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A value that was to be sent is not valid.
    #[error(transparent)]
    Contract(#[from] plugpipe_contract::Error),
    /// No answer came from a server.
    #[error("{server} {origin}: {failure}{}", failure.todo(setting, origin))]
    Unanswered {
        /// The kind of server, for example `Pushgateway`.
        server: &'static str,
        /// Its origin: scheme, host, port.
        origin: String,
        /// The setting that names it, for example `gateway_url`.
        setting: &'static str,
        /// What happened.
        failure: Failure,
    },
    /// A server answered, and refused.
    #[error("{server} {origin}: answered {status}: {reply}{todo}")]
    Refused {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        reply: String,
        /// What to do, with its leading `; `; or empty.
        todo: String,
    },
    /// Prometheus understood the request and could not answer the query.
    #[error("query: {server} {origin} says {}: {}", said.error_type, said.text)]
    Query {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// What it said. Boxed, because an error is part of many results.
        said: Box<QueryError>,
    },
    /// A server's answer is not what its protocol says.
    #[error("{server} {origin}: the answer is not one of {server}: {problem}; check that the URL leads to {server}")]
    BadAnswer {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// What was found.
        problem: String,
    },
    /// What a server exposes cannot be read.
    #[error("{server} {origin}: {problem}")]
    Exposition {
        /// The kind of server.
        server: &'static str,
        /// Its origin.
        origin: String,
        /// What was found, and what to do.
        problem: String,
        /// In text: line and column in bytes, both from 1.
        position: Option<(u32, u32)>,
    },
    /// What is to be pushed does not fit to what the gateway holds: it would be refused, or was.
    #[error("Pushgateway {origin}: {}", conflicts_text(reply.as_deref(), conflicts))]
    PushConflict {
        /// The gateway's origin.
        origin: String,
        /// What the gateway said, where it was asked; else nothing was sent.
        reply: Option<String>,
        /// What does not fit; at least one.
        conflicts: Vec<Conflict>,
    },
}

impl Error {
    /// A field whose value is not allowed.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Contract(plugpipe_contract::Error::invalid(field, problem))
    }

    /// The path of the field to correct, where the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Contract(error) => Some(error.field()),
            Self::Query { .. } => Some("query"),
            _ => None,
        }
    }

    /// The origin of the server, where one was concerned.
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

    /// The HTTP status with which the server refused.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::PushConflict { reply: Some(_), .. } => Some(400),
            _ => None,
        }
    }

    /// Where the query or the exposition cannot be parsed: line and column in bytes, both from 1.
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
        Some(reply) => format!("answered 400: {reply}"),
        None => "the push was not sent, because the gateway would refuse it".to_owned(),
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

/// An error of Prometheus's API.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryError {
    /// In Prometheus's words, for example `bad_data`.
    pub error_type: String,
    /// What the server itself calls the type, where that was another word.
    pub server_error_type: Option<String>,
    /// The API's `error`.
    pub text: String,
    /// Where the expression could not be parsed: line and column in bytes, both from 1.
    pub position: Option<(u32, u32)>,
}

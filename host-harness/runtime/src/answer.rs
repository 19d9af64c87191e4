//! What a plug answers, and what it says of itself.

use serde::Serialize;

use crate::bindings::exports::plugpipe::plug::{hosting, plug};

/// Why a request was not carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// A stable identifier for programs, such as `invalid_field`.
    pub code: String,
    /// What was wrong, what was expected, and what to do.
    pub message: String,
}

/// The result of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// None if the request was carried out.
    pub error: Option<Problem>,
    /// What was ignored, defaulted or done differently than requested.
    pub warnings: Vec<String>,
    /// Values that are stored and that no server has accepted yet, where one is configured.
    pub unsent: u64,
    /// The result, as the plug wrote it. This library never reads it.
    pub body: String,
}

impl Answer {
    /// Whether the request was carried out.
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }
}

/// What a caller wants from a plug.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// An operation: its `ctx`, a JSON object.
    Call(String),
    /// Send to this sink what has not been sent; see [`Description::sinks`].
    Deliver(String),
    /// Check every configured server.
    Health,
    /// Forget everything, and remove from servers what the plug left there.
    Cleanup,
}

/// An operation of a plug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
}

/// A header whose value a configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderSetting {
    /// The header's name, in lower case.
    pub name: String,
    /// The dotted paths of its value; the first one that is present counts.
    pub settings: Vec<String>,
}

/// A server whose URL a configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// The dotted paths of its URL; the first one that is present counts.
    pub settings: Vec<String>,
    /// Headers that are granted with the server.
    pub headers: Vec<HeaderSetting>,
    /// Its URL, where the configuration mentions none; see
    /// [`settings::with_default_urls`](crate::settings::with_default_urls).
    pub default: Option<DefaultUrl>,
}

/// A URL for a server that a configuration does not mention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DefaultUrl {
    /// It applies only to configurations with a setting at one of these dotted paths, of which the
    /// first that is present counts,
    pub only_with: Vec<String>,
    /// and with this value.
    pub value: String,
    /// The environment variable that holds the URL.
    pub environment: String,
    /// The URL, if that holds none.
    pub url: String,
}

/// What a plug is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The name by which pipes refer to it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its operations.
    pub operations: Vec<Operation>,
    /// What [`Request::Deliver`] accepts.
    pub sinks: Vec<String>,
    /// The settings that name servers: nothing else in a configuration implies a grant.
    pub servers: Vec<Server>,
}

// Between the host's own types and those of `wit/`. Every field is named, so that an edit of the
// WIT fails to compile here.

impl From<plug::Problem> for Problem {
    fn from(plug::Problem { code, message }: plug::Problem) -> Self {
        Self { code, message }
    }
}

impl From<plug::Answer> for Answer {
    fn from(plug::Answer { error, warnings, unsent, body }: plug::Answer) -> Self {
        Self { error: error.map(Into::into), warnings, unsent, body }
    }
}

impl From<plug::Description> for Description {
    fn from(plug::Description { name, version, operations, sinks, servers }: plug::Description) -> Self {
        let operation = |plug::Operation { name, summary }: plug::Operation| Operation { name, summary };
        let header = |plug::HeaderSetting { name, settings }: plug::HeaderSetting| HeaderSetting { name, settings };
        let default = |plug::DefaultUrl { only_with, value, environment, url }: plug::DefaultUrl| DefaultUrl {
            only_with,
            value,
            environment,
            url,
        };
        let server = |plug::Server { settings, headers, default: url }: plug::Server| Server {
            settings,
            headers: headers.into_iter().map(header).collect(),
            default: url.map(default),
        };
        Self {
            name,
            version,
            operations: operations.into_iter().map(operation).collect(),
            sinks,
            servers: servers.into_iter().map(server).collect(),
        }
    }
}

impl From<Request> for hosting::Request {
    fn from(request: Request) -> Self {
        match request {
            Request::Call(ctx) => Self::Call(ctx),
            Request::Deliver(sink) => Self::Deliver(sink),
            Request::Health => Self::Health,
            Request::Cleanup => Self::Cleanup,
        }
    }
}

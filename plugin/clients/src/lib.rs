//! Clients for the servers that receive metrics, rules and dashboards, over any
//! [`http::Transport`]: deadlines, retries, circuit breakers, authentication, and the remote-write
//! send queue. Clients hold no metric state and do not know which operation they serve.
//!
//! | module | purpose |
//! |---|---|
//! | [`http`] | requests, responses, deadlines, retries, circuits, credentials |
//! | [`servers`] | one file per server protocol |
//! | [`send_queue`] | the remote-write send queue: undelivered samples, and the series each
//! receiver knows |
//! | [`error`] | request errors |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod error;
pub mod http;
pub mod send_queue;
pub mod servers;

pub use error::Error;

// Used by tests that share wire-format readers with the encoders' tests.
#[cfg(test)]
use plugpipe_metrics::{model, registry};

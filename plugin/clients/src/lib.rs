//! The clients of the servers that metrics, rules and dashboards go to, over any
//! [`http::Transport`]: deadlines, retries, circuit breakers, authentication, and the send queue of
//! remote write. No client keeps metric state; none knows which operation it works for.
//!
//! | module | what it is for |
//! |---|---|
//! | [`http`] | requests, responses, deadlines, retries, circuits, credentials |
//! | [`servers`] | one file per server protocol |
//! | [`send_queue`] | the send queue: what remote write has not delivered yet, and which series its receivers know |
//! | [`error`] | why a conversation failed |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod error;
pub mod http;
pub mod send_queue;
pub mod servers;

pub use error::Error;

// For the tests that share readers of wire formats with the encoders' tests.
#[cfg(test)]
use plugpipe_metrics::{model, registry};

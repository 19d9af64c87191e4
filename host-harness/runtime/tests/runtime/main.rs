//! The runtime, with a plug that has nothing to do with monitoring.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod hosting;
mod hosting_guide;
mod recovery;
mod support;

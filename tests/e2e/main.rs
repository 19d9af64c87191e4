//! The harness and the embedded component from outside: the library, the binary, and real servers
//! on loopback.
//!
//! A test that needs a server gets it from `.servers` in the workspace, from PATH, or through apt;
//! where it cannot be had, the test fails and says how to get it.
//! `PLUGPIPE_TESTS_WITHOUT_SERVERS=1` leaves those tests out, and each says so.

// These suites are tests through and through, their helpers too.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cli;
#[path = "../crds.rs"]
mod crds;
#[path = "../fakes/accounting.rs"]
mod fake_accounting;
#[path = "../fakes/grafana.rs"]
mod fake_grafana;
#[path = "../fakes/web.rs"]
mod fake_web;
#[path = "../fetched.rs"]
mod fetched;
mod fixture;
mod host;
mod recording;
#[path = "../schema.rs"]
mod schema;
mod servers;
mod support;

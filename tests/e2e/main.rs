//! The harness and the embedded component from outside: the library, the binary, and real servers on loopback.
//!
//! A test that needs a server gets it from `.servers` in the workspace, from PATH, or through apt; where it cannot be had, the test fails
//! and says how to get it. `PLUGPIPE_TESTS_WITHOUT_SERVERS=1` leaves those tests out, and each says so.

// These suites are tests through and through, their helpers too.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alertmanager;
mod alerts;
mod cli;
mod compile;
mod config;
mod conformance;
mod contract;
mod courier;
mod damaged_state;
mod dashboards;
mod defaults;
mod delivery;
mod demo;
mod discovery;
mod dist;
mod docs;
mod examples;
#[path = "../fakes/grafana.rs"]
mod fake_grafana;
#[path = "../fakes/web.rs"]
mod fake_web;
mod faults;
#[path = "../fetched.rs"]
mod fetched;
mod fixture;
mod formats;
mod gateway;
mod grafana_tools;
mod groups;
mod hostile;
mod instructions;
mod manifest;
mod metrics;
mod openmetrics;
mod outbound;
mod page;
mod preflight;
mod preview;
mod prometheus_api;
mod raw_requests;
mod recording;
mod recovery;
mod registry;
mod remote_write;
mod resources;
mod rule_files;
mod rule_templates;
mod rulers;
mod sandbox;
mod scaling;
#[path = "../schema.rs"]
mod schema;
mod scrape;
mod secrets;
mod serve;
mod snippets;
// Measures memory by /proc.
#[cfg(target_os = "linux")]
mod soak;
mod stack;
mod support;
mod terminal;
mod tls;
mod warnings;

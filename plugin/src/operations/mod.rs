//! The plug and its JSON contract: reads `ctx` and `cfg`, dispatches to the operation, and writes
//! the response. Recording is here; other operations are in `plugpipe_operations`.
//!
//! A response is always a JSON object with `success`, `operation` and `monitoring_metadata`; on
//! success also `result`, on failure `error`, `error_code` and, if known, `field` and `origin`.
//! Invalid input changes nothing.

mod plug;
mod record;
mod request;
mod standalone;

#[cfg(test)]
mod alert_tests;
#[cfg(test)]
mod compatibility_tests;
#[cfg(test)]
mod dashboards_tests;
#[cfg(test)]
mod delta_tests;
#[cfg(test)]
mod discovery_tests;
#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod gateway_tests;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod hosting_tests;
#[cfg(test)]
mod include_tests;
#[cfg(test)]
mod kubernetes_tests;
#[cfg(test)]
mod path_tests;
#[cfg(test)]
mod remote_tests;
#[cfg(test)]
mod scrape_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod writers_tests;

pub use plug::{Plug, Started};
pub use standalone::{Driver, Standalone};

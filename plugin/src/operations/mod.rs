//! PlugPipe's JSON contract: reads `ctx` and `cfg`, calls a domain module, shapes the response. One file per family of operations.
//!
//! An answer is always a JSON object with `success`, `operation` and `monitoring_metadata`; then `result`, or `error`,
//! `error_code` and where it can be said `field` and `origin`. Bad input changes nothing.

mod alert_templates;
mod alertmanager;
mod alerts;
mod annotations;
mod call;
mod dashboards;
mod datasources;
mod definition;
mod discover;
mod export;
mod generate;
mod groups;
mod health;
mod notify;
mod own_groups;
mod plug;
mod prometheus;
mod push;
mod pushes;
mod query;
mod receivers;
mod record;
mod remote;
mod request;
mod resets;
#[cfg(feature = "schema")]
pub(crate) mod schema;
mod scrape;
mod table;
mod together;

#[cfg(test)]
mod dashboards_tests;
#[cfg(test)]
mod discovery_tests;
#[cfg(test)]
mod gateway_tests;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod path_tests;
#[cfg(test)]
mod scrape_tests;
#[cfg(test)]
mod tests;

pub use plug::Plug;

//! PlugPipe's JSON contract: each operation calls a domain module and shapes the response. One file
//! per family of operations.

pub mod alert_templates;
pub mod alertmanager;
pub mod alerts;
pub mod annotations;
pub mod batch;
pub mod call;
pub mod dashboards;
pub mod datasources;
pub mod definition;
pub mod deltas;
pub mod discover;
pub mod export;
pub mod generate;
pub mod groups;
pub mod health;
pub mod include;
pub mod notify;
pub mod own_groups;
pub mod prometheus;
pub mod push;
pub mod pushes;
pub mod query;
pub mod receivers;
pub mod remote;
pub(crate) mod resets;
#[cfg(feature = "schema")]
pub mod schema;
pub mod scrape;
pub mod table;
pub mod together;
pub mod writers;

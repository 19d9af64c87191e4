//! Conversations with servers, real ones wherever they can be had.

pub mod alertmanager;
pub mod alerts;
pub mod dashboards;
pub mod discovery;
pub mod faults;
pub mod gateway;
pub mod grafana_tools;
pub mod http_recording;
pub mod preflight;
pub mod prometheus_api;
pub mod remote_write;
pub mod rule_files;
pub mod rule_templates;
pub mod rulers;
pub mod scaling;
pub mod scrape;
pub mod upgrade;

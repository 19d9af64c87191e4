//! What operators keep as code: alerting and recording rules, Grafana dashboards, `prometheus.yml`.
//! Pure functions from values to text; nothing here performs I/O or reads a clock.
//!
//! | module | what it is for |
//! |---|---|
//! | [`rules`] | alerting and recording rules: checked, rendered, compared |
//! | [`dashboards`] | Grafana dashboards: completed, compared, and the templates that the plug ships |
//! | [`prometheus_yml`] | what `prometheus.yml` may contain, by version of Prometheus |
//! | [`yaml`] | trees, written as YAML |
//! | [`fnv`] | the hash for identifiers that must never change |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod dashboards;
mod error;
pub mod fnv;
pub mod prometheus_yml;
pub mod rules;
pub mod yaml;

pub use error::Error;

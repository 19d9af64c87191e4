//! Provisioning: alerting and recording rules, Grafana dashboards, `prometheus.yml`, and the same
//! as Kubernetes resources. Pure functions from values to text, without I/O or a clock.
//!
//! | module | purpose |
//! |---|---|
//! | [`rules`] | alerting and recording rules: validation, rendering, comparison |
//! | [`dashboards`] | Grafana dashboards: completion, comparison, and the shipped templates |
//! | [`prometheus_yml`] | the contents of `prometheus.yml`, by Prometheus version |
//! | [`kubernetes`] | rules, dashboards and scrape jobs as Kubernetes resources |
//! | [`yaml`] | YAML trees and their serialization |
//! | [`fnv`] | the hash for identifiers that must never change |

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod dashboards;
mod error;
pub mod fnv;
pub mod kubernetes;
pub mod prometheus_yml;
pub mod rules;
pub mod yaml;

pub use error::Error;

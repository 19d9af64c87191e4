//! Rules, dashboards and scrape jobs as Kubernetes resources: a ConfigMap for Grafana's sidecar,
//! and the custom resources of the Prometheus operator. No I/O.
//!
//! Names, labels and sizes are checked as the API server checks them, so that what is written can
//! be applied.
//!
//! | file | purpose |
//! |---|---|
//! | `resource` | resources and their metadata |
//! | `names` | the syntax of names, labels and keys |
//! | `rules` | PrometheusRule |
//! | `dashboards` | ConfigMaps of dashboards |
//! | `monitors` | ServiceMonitor, PodMonitor and ScrapeConfig |

mod dashboards;
mod monitors;
mod names;
mod resource;
mod rules;

pub use dashboards::config_maps;
pub use monitors::{Kind, MonitorSettings};
pub use resource::{Metadata, Resource, check_secret, file};
pub use rules::prometheus_rule;

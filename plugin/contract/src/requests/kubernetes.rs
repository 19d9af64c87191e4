//! Kubernetes resources as the form of generated rules, dashboards and scrape jobs.

use serde::Deserialize;

use crate::scalar::{Labels, Text, Verbatim};

/// The metadata of Kubernetes resources.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "kubernetes"))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct KubernetesMetadata<'a> {
    /// The resource's name, or what the names of several begin with; made of the file, dashboard or
    /// job by default.
    pub name: Text<'a>,
    /// The namespace; by default that of whoever applies the resource.
    pub namespace: Text<'a>,
    /// Labels of the resources, such as those by which the operator selects them.
    pub labels: Labels<'a>,
    /// Annotations of the resources.
    pub annotations: Labels<'a>,
}

/// Monitors and scrape configurations of the Prometheus operator: their metadata, and how it finds
/// the plug.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "kubernetes_monitors"))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct KubernetesMonitors<'a> {
    /// What the resources' names begin with; made of the jobs' names by default.
    pub name: Text<'a>,
    /// The namespace; by default that of whoever applies the resources.
    pub namespace: Text<'a>,
    /// Labels of the resources, such as those by which the operator selects them.
    pub labels: Labels<'a>,
    /// Annotations of the resources.
    pub annotations: Labels<'a>,
    /// The resource for the plug's job: `service_monitor` (the default), `pod_monitor` or
    /// `scrape_config`.
    pub kind: Text<'a>,
    /// The labels of the plug's Service or pods; `app.kubernetes.io/name: plugpipe` by default.
    pub selector: Labels<'a>,
    /// The name of the port in the Service or pods; `http` by default.
    pub port: Text<'a>,
    /// The namespaces of the Service or pods; by default that of the monitor.
    pub namespaces: Option<Vec<Verbatim<'a>>>,
}

/// A key of a Secret in the namespace of the resource that refers to it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "secret_key"))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct SecretKey<'a> {
    /// The Secret's name.
    pub name: Text<'a>,
    /// The key in the Secret.
    pub key: Text<'a>,
}

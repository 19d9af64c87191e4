//! Scrape jobs as resources of the Prometheus operator: a ScrapeConfig for each job with targets,
//! and a ServiceMonitor or PodMonitor for the plug's own.

use core::mem;

use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::KubernetesMonitors;

use super::names;
use super::resource::{Metadata, Pairs, Resource, at, check_distinct, read_labels};
use crate::error::Error;
use crate::yaml::Yaml;

/// The version of monitors and rules.
const V1: &str = "monitoring.coreos.com/v1";

/// The version of ScrapeConfigs.
const V1_ALPHA1: &str = "monitoring.coreos.com/v1alpha1";

/// The selector without a given one: the label that `deploy/kubernetes` sets.
const SELECTOR: (&str, &str) = ("app.kubernetes.io/name", "plugpipe");

/// The port without a given one.
const PORT: &str = "http";

/// The kind of resource for the plug's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Selects Services, and scrapes their endpoints.
    ServiceMonitor,
    /// Selects pods.
    PodMonitor,
    /// Has targets of its own.
    ScrapeConfig,
}

/// The settings of the resources to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorSettings {
    metadata: Metadata,
    /// The kind for the plug's job.
    pub kind: Kind,
    selector: Pairs,
    port: String,
    namespaces: Vec<String>,
}

impl MonitorSettings {
    /// Reads the settings of a request.
    ///
    /// # Errors
    /// A name or label is none that Kubernetes accepts, or a field does not apply to the kind.
    pub fn read(given: &KubernetesMonitors) -> Result<Self, Error> {
        let kind = match given.kind.get().map(str::trim) {
            None | Some("service_monitor") => Kind::ServiceMonitor,
            Some("pod_monitor") => Kind::PodMonitor,
            Some("scrape_config") => Kind::ScrapeConfig,
            Some(other) => {
                let expected = "expected service_monitor, pod_monitor or scrape_config";
                return Err(at("kind", &format!("{expected}; got {:?}", excerpt(other, 100))));
            }
        };
        let is_given = [
            ("selector", !given.selector.is_empty()),
            ("port", given.port.get().is_some()),
            ("namespaces", given.namespaces.is_some()),
        ];
        if let (Kind::ScrapeConfig, Some((field, _))) = (kind, is_given.iter().find(|(_, is_given)| *is_given)) {
            return Err(at(field, "a ScrapeConfig has targets instead; set generate.plug.targets"));
        }
        let mut selector = read_labels(&given.selector, "selector")?;
        if selector.is_empty() {
            selector.push((SELECTOR.0.to_owned(), SELECTOR.1.to_owned()));
        }
        let port = given.port.get().unwrap_or(PORT);
        names::port(port).map_err(|problem| at("port", &problem))?;
        let mut namespaces = Vec::new();
        for (index, namespace) in given.namespaces.iter().flatten().enumerate() {
            let namespace = namespace.0.trim();
            names::label(namespace).map_err(|problem| at(&format!("namespaces[{index}]"), &problem))?;
            namespaces.push(namespace.to_owned());
        }
        Ok(Self { metadata: Metadata::of_monitors(given)?, kind, selector, port: port.to_owned(), namespaces })
    }

    /// A resource for each job, which is an entry of `scrape_configs`. If `has_plug`, the first one
    /// is the plug's.
    ///
    /// # Errors
    /// Two resources would have the same name.
    pub fn resources(&self, jobs: Vec<Yaml>, has_plug: bool) -> Result<Vec<Resource>, Error> {
        let mut resources = Vec::new();
        let is_only = jobs.len() == 1;
        for (index, job) in jobs.into_iter().enumerate() {
            let Yaml::Map(mut members) = job else { continue };
            let job = match take(&mut members, "job_name") {
                Some(Yaml::Text(name)) => name,
                _ => String::new(),
            };
            let kind = if has_plug && index == 0 { self.kind } else { Kind::ScrapeConfig };
            let (api_version, kind, spec) = match kind {
                Kind::ServiceMonitor => (V1, "ServiceMonitor", self.monitor(&job, members, "endpoints")),
                Kind::PodMonitor => (V1, "PodMonitor", self.monitor(&job, members, "podMetricsEndpoints")),
                Kind::ScrapeConfig => (V1_ALPHA1, "ScrapeConfig", scrape_config(&job, members)),
            };
            resources.push(Resource {
                api_version,
                kind,
                name: self.metadata.name_of(&job, is_only)?,
                metadata: self.metadata.clone(),
                body: ("spec", Yaml::Map(spec)),
            });
        }
        check_distinct(&resources)?;
        Ok(resources)
    }

    /// The `spec` of a monitor, whose `endpoints` have this key.
    fn monitor(&self, job: &str, members: Members, endpoints: &str) -> Members {
        let mut endpoint = vec![("port".to_owned(), Yaml::Text(self.port.clone()))];
        let mut spec = vec![(
            "selector".to_owned(),
            Yaml::Map(vec![("matchLabels".to_owned(), Yaml::pairs(self.selector.iter().cloned()))]),
        )];
        if !self.namespaces.is_empty() {
            let names = Yaml::texts(self.namespaces.iter().cloned());
            spec.push(("namespaceSelector".to_owned(), Yaml::Map(vec![("matchNames".to_owned(), names)])));
        }
        let mut limits = Members::new();
        for (key, value) in members {
            match key.as_str() {
                // Replaced by the selector.
                "static_configs" => {}
                "scrape_protocols" | "scrape_native_histograms" | "sample_limit" => limits.push((camel(&key), value)),
                "metrics_path" => endpoint.push(("path".to_owned(), value)),
                "scrape_interval" => endpoint.push(("interval".to_owned(), value)),
                _ => endpoint.push(member(&key, value)),
            }
        }
        // Without it, the job would be called like the Service or the monitor. In a replacement,
        // `$` begins a reference.
        let relabeling = [("targetLabel", "job".to_owned()), ("replacement", job.replace('$', "$$"))];
        let relabeling = Yaml::pairs(relabeling.map(|(key, text)| (key.to_owned(), text)));
        endpoint.push(("relabelings".to_owned(), Yaml::List(vec![relabeling])));
        spec.push((endpoints.to_owned(), Yaml::List(vec![Yaml::Map(endpoint)])));
        spec.extend(limits);
        spec
    }
}

/// Keys and values of a map.
type Members = Vec<(String, Yaml)>;

/// The `spec` of a ScrapeConfig.
fn scrape_config(job: &str, members: Members) -> Members {
    let mut spec = vec![("jobName".to_owned(), Yaml::from(job))];
    spec.extend(members.into_iter().map(|(key, value)| match (key.as_str(), value) {
        // Operators before 0.85 accept only capitals here, and later ones accept both.
        ("scheme", Yaml::Text(scheme)) => (key, Yaml::Text(scheme.to_ascii_uppercase())),
        (_, value) => member(&key, value),
    }));
    spec
}

/// A member of a job as the operator calls it.
fn member(key: &str, mut value: Yaml) -> (String, Yaml) {
    // The names in maps such as `labels` and `params` are the user's.
    match (key, &mut value) {
        ("tls_config", Yaml::Map(members)) => rename(members),
        ("static_configs" | "file_sd_configs" | "http_sd_configs", Yaml::List(items)) => {
            for item in items {
                let Yaml::Map(members) = item else { continue };
                rename(members);
                for (_, list) in members {
                    if let Yaml::List(items) = list {
                        distinct(items);
                    }
                }
            }
        }
        _ => {}
    }
    (camel(key), value)
}

fn rename(members: &mut Members) {
    for (key, _) in members {
        *key = camel(key);
    }
}

/// Drops repeated items: the resources' lists are sets, and Prometheus drops repeated targets too.
fn distinct(items: &mut Vec<Yaml>) {
    let all = mem::take(items);
    for item in all {
        if !items.contains(&item) {
            items.push(item);
        }
    }
}

fn take(members: &mut Members, key: &str) -> Option<Yaml> {
    let index = members.iter().position(|(own, _)| own == key)?;
    Some(members.remove(index).1)
}

/// `scrape_interval` as `scrapeInterval`, `file_sd_configs` as `fileSDConfigs`.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        match word {
            "sd" => camel.push_str("SD"),
            _ => {
                camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                camel.push_str(letters.as_str());
            }
        }
    }
    camel
}

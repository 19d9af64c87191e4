//! Resources, and their metadata as in requests.

use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::{KubernetesMetadata, KubernetesMonitors};
use plugpipe_contract::scalar::{Labels, Text};

use super::names;
use crate::error::Error;
use crate::yaml::Yaml;

/// The field with the metadata, in requests.
pub(super) const FIELD: &str = "kubernetes";

/// The largest data of a ConfigMap, in bytes.
pub(super) const MAX_CONFIG_MAP_BYTES: usize = 1024 * 1024;

/// The longest annotations of a resource, names and values together, in bytes.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// The text of several resources, as one file.
pub fn file(resources: &[Resource]) -> String {
    resources.iter().map(Resource::write).collect::<Vec<_>>().join("---\n")
}

/// A Kubernetes resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) metadata: Metadata,
    /// `spec` or `data`, and its value.
    pub(super) body: (&'static str, Yaml),
}

impl Resource {
    /// Its manifest.
    pub fn write(&self) -> String {
        let Metadata { namespace, labels, annotations, .. } = &self.metadata;
        let mut metadata = vec![("name".to_owned(), Yaml::Text(self.name.clone()))];
        metadata.extend(namespace.as_ref().map(|namespace| ("namespace".to_owned(), Yaml::Text(namespace.clone()))));
        for (key, pairs) in [("labels", labels), ("annotations", annotations)] {
            if !pairs.is_empty() {
                metadata.push((key.to_owned(), Yaml::pairs(pairs.iter().cloned())));
            }
        }
        let (key, body) = &self.body;
        Yaml::Map(vec![
            ("apiVersion".to_owned(), self.api_version.into()),
            ("kind".to_owned(), self.kind.into()),
            ("metadata".to_owned(), Yaml::Map(metadata)),
            ((*key).to_owned(), body.clone()),
        ])
        .write()
    }
}

/// Names and values in input order.
pub(super) type Pairs = Vec<(String, String)>;

/// The validated metadata of resources.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    labels: Pairs,
    annotations: Pairs,
}

impl Metadata {
    /// Reads the metadata of a request.
    ///
    /// # Errors
    /// A name, label or annotation is none that Kubernetes accepts.
    pub fn read(given: &KubernetesMetadata) -> Result<Self, Error> {
        let KubernetesMetadata { name, namespace, labels, annotations } = given;
        Self::of(name, namespace, labels, annotations)
    }

    /// Like [`Metadata::read`], for monitors.
    pub(super) fn of_monitors(given: &KubernetesMonitors) -> Result<Self, Error> {
        Self::of(&given.name, &given.namespace, &given.labels, &given.annotations)
    }

    fn of(name: &Text, namespace: &Text, labels: &Labels, annotations: &Labels) -> Result<Self, Error> {
        let checked = |text: &Text, field: &str, check: fn(&str) -> Result<(), String>| {
            let Some(text) = text.get() else { return Ok(None) };
            check(text).map_err(|problem| at(field, &problem))?;
            Ok::<_, Error>(Some(text.to_owned()))
        };
        Ok(Self {
            name: checked(name, "name", names::subdomain)?,
            namespace: checked(namespace, "namespace", names::label)?,
            labels: read_labels(labels, "labels")?,
            annotations: read_annotations(annotations)?,
        })
    }

    /// Adds a label, unless it is given.
    pub(super) fn with_label(mut self, name: &str, value: &str) -> Self {
        if !self.labels.iter().any(|(own, _)| own == name) {
            self.labels.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds an annotation, unless it is given.
    pub(super) fn with_annotation(mut self, name: &str, value: &str) -> Self {
        if !self.annotations.iter().any(|(own, _)| own == name) {
            self.annotations.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The name of the resource for `what`: the given name if it is the only one, else the given
    /// name with `what` appended, else a name made of `what`.
    pub(super) fn name_of(&self, what: &str, is_only: bool) -> Result<String, Error> {
        let made = match &self.name {
            Some(name) if is_only => return Ok(name.clone()),
            Some(name) => format!("{name}-{}", names::made_of(what)),
            None => names::made_of(what),
        };
        names::subdomain(&made).map_err(|problem| {
            at("name", &format!("{problem}: it is the name of the resource of {:?}", excerpt(what, 100)))
        })?;
        Ok(made)
    }
}

/// Checks that no two resources of a kind have one name.
pub(super) fn check_distinct(resources: &[Resource]) -> Result<(), Error> {
    for (index, resource) in resources.iter().enumerate() {
        let is_same = |other: &&Resource| other.kind == resource.kind && other.name == resource.name;
        if resources.iter().take(index).any(|other| is_same(&other)) {
            let problem = format!("two resources would have the name {}; rename one of their sources", resource.name);
            return Err(at("name", &problem));
        }
    }
    Ok(())
}

/// Checks a reference to a Secret; errors name the fields of `bearer_token_secret`.
pub fn check_secret(name: &str, key: &str) -> Result<(), Error> {
    names::subdomain(name).map_err(|problem| Error::invalid("bearer_token_secret.name", problem))?;
    names::key(key).map_err(|problem| Error::invalid("bearer_token_secret.key", problem))
}

pub(super) fn read_labels(given: &Labels, field: &str) -> Result<Pairs, Error> {
    read_pairs(given, field, |value| {
        let problem = "expected at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";
        if value.is_empty() || names::is_qualified_part(value) { Ok(()) } else { Err(problem.to_owned()) }
    })
}

fn read_annotations(given: &Labels) -> Result<Pairs, Error> {
    let pairs = read_pairs(given, "annotations", |_| Ok(()))?;
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_ANNOTATION_BYTES {
        return Err(at("annotations", &format!("have {bytes} bytes; the maximum is {MAX_ANNOTATION_BYTES}")));
    }
    Ok(pairs)
}

fn read_pairs(given: &Labels, field: &str, check: fn(&str) -> Result<(), String>) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    for (name, value) in given.iter() {
        let path = || format!("{field}.{}", excerpt(name, 100));
        names::label_name(name).map_err(|problem| at(&path(), &problem))?;
        check(value).map_err(|problem| at(&path(), &format!("{problem}; got {:?}", excerpt(value, 100))))?;
        // The last one of a name wins.
        pairs.retain(|(own, _)| own != name);
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// An error about a field of [`FIELD`].
pub(super) fn at(field: &str, problem: &str) -> Error {
    Error::invalid(format!("{FIELD}.{field}"), problem)
}

//! Which of Grafana's API groups folders and dashboards are kept in.

/// One group of resources, in the version that is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Group {
    /// As a resource's `apiVersion` has it.
    pub(super) fn api_version(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// Where resources are: found out once in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// `default` for the first organisation.
    pub(super) namespace: String,
    pub(super) dashboards: Group,
    pub(super) folders: Group,
}

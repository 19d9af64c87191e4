//! The API groups of folders and dashboards.

/// An API group and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Group {
    /// The `apiVersion` of its resources.
    pub(super) fn api_version(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// The namespace and API groups, detected once per call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// `default` for the first organization.
    pub(super) namespace: String,
    pub(super) dashboards: Group,
    pub(super) folders: Group,
}

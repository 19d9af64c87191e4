//! A family as the registry has it: its definition, and what belongs to it.

use super::definition::Definition;
use super::names::MetricName;
use super::value::Kind;

#[derive(Debug)]
pub(super) struct FamilyEntry {
    pub(super) definition: Definition,
    /// The exposed name, if it differs from the family's name: an info ends with `_info`.
    pub(super) exposed_as: Option<Box<str>>,
    /// The registry's `shape` when the family's series or help last changed.
    pub(super) shape: u64,
    /// Number of series, excluding the overflow series.
    pub(super) live: usize,
    /// The handle of the overflow series, if there is one.
    pub(super) overflow: Option<u32>,
    /// Families whose names prevent this one from keeping its type in OpenMetrics. Stored in the
    /// first label set of a metric.
    pub(super) conflicts: Vec<usize>,
    /// The first label set of the metric; the family itself if there is only one.
    pub(super) first_set: usize,
    /// The metric's next label set.
    pub(super) next_set: Option<usize>,
    /// The source that has it: [`super::Registry::include_family`]. `None` for the registry's own.
    pub(super) source: Option<Box<str>>,
}

impl FamilyEntry {
    /// An empty family that is the first label set of its metric.
    pub(super) fn new(definition: Definition) -> Self {
        let exposed_as = definition.exposed_as();
        Self {
            definition,
            exposed_as,
            shape: 0,
            live: 0,
            overflow: None,
            conflicts: Vec::new(),
            first_set: 0,
            next_set: None,
            source: None,
        }
    }

    /// What takes the place of a family that was discarded. Its index is never used again.
    pub(super) fn discarded() -> Self {
        Self::new(Definition::new(MetricName::discarded(), Kind::Gauge))
    }

    /// Whether it was discarded.
    pub(super) fn is_discarded(&self) -> bool {
        self.definition.name.as_str().is_empty()
    }
}

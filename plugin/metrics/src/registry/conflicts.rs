//! Detects families that cannot both keep their type in OpenMetrics, when a family is created.
//! [`crate::reserved`] decides which one loses its type.

use super::Registry;
use crate::error::excerpt;
use crate::reserved::ReservedNames;

impl Registry {
    /// Determines which of a new family and the families it conflicts with lose their type in
    /// OpenMetrics. Done here, so that encoders need not check.
    pub(super) fn find_conflicts(&mut self, index: usize, names: &ReservedNames) {
        let reserved = names.typed().iter().filter_map(|name| self.reserved.get(name.as_str())).flatten();
        let written = names.reserved().filter_map(|name| self.sample_names.get(name.as_str()));
        let mut others: Vec<usize> = reserved.chain(written).copied().collect();
        others.sort_unstable();
        others.dedup();
        for other in others.into_iter().filter(|other| *other != index) {
            let Some(theirs) = self.families.get(other).map(|family| family.definition.reserved_names()) else {
                continue;
            };
            if let Some(name) = names.gives_way(&theirs) {
                self.lose_type(index, other, name);
            }
            if let Some(name) = theirs.gives_way(names) {
                self.lose_type(other, index, name);
            }
        }
        for name in names.reserved() {
            self.reserved.entry(name.as_str().into()).or_default().push(index);
        }
    }

    fn lose_type(&mut self, index: usize, other: usize, name: &str) {
        let Some(other_name) = self.families.get(other).map(|family| {
            format!("the {} {}", family.definition.kind.name(), excerpt(family.definition.name.as_str(), 100))
        }) else {
            return;
        };
        let Some(family) = self.families.get_mut(index) else { return };
        family.conflicts.push(other);
        if family.conflicts.len() == 1 {
            let (kind, own) = (family.definition.kind.name(), excerpt(family.definition.name.as_str(), 100));
            self.notices.push(format!(
                "{own}: OpenMetrics exposes this {kind} as type unknown because it and {other_name} both need the name {}; \
                 rename one of them",
                excerpt(name, 100)
            ));
        }
        // The text format is unaffected; a cache keyed by shape only encodes once more.
        self.reshape(Some(index));
    }
}

//! Families that cannot both have their type in OpenMetrics, found when a family is made. Which of
//! two gives way says [`crate::reserved`].

use super::Registry;
use crate::error::excerpt;
use crate::reserved::ReservedNames;

impl Registry {
    /// Finds out for a new family, and for those it meets, which of them keeps its type in
    /// OpenMetrics. Done here, so that encoding need not look.
    pub(super) fn find_rivals(&mut self, index: usize, claims: &ReservedNames) {
        let reserved = claims.typed().iter().filter_map(|name| self.reserved.get(name.as_str())).flatten();
        let written = claims.reserved().filter_map(|name| self.claims.get(name.as_str()));
        let mut met: Vec<usize> = reserved.chain(written).copied().collect();
        met.sort_unstable();
        met.dedup();
        for other in met.into_iter().filter(|other| *other != index) {
            let Some(theirs) = self.families.get(other).map(|family| family.definition.reserved_names()) else {
                continue;
            };
            if let Some(name) = claims.gives_way(&theirs) {
                self.gives_way(index, other, name);
            }
            if let Some(name) = theirs.gives_way(claims) {
                self.gives_way(other, index, name);
            }
        }
        for name in claims.reserved() {
            self.reserved.entry(name.as_str().into()).or_default().push(index);
        }
    }

    fn gives_way(&mut self, index: usize, rival: usize, name: &str) {
        let Some(to) = self.families.get(rival).map(|family| {
            format!("the {} {}", family.definition.kind.name(), excerpt(family.definition.name.as_str(), 100))
        }) else {
            return;
        };
        let Some(family) = self.families.get_mut(index) else { return };
        family.rivals.push(rival);
        if family.rivals.len() == 1 {
            let (kind, own) = (family.definition.kind.name(), excerpt(family.definition.name.as_str(), 100));
            self.notices.push(format!(
                "{own}: beside {to}, OpenMetrics has this {kind} as type unknown, since both would take the name {}; rename \
                 one of them",
                excerpt(name, 100)
            ));
        }
        // Its text is the same; who caches by shape loses nothing but one encoding.
        self.reshape(Some(index));
    }
}

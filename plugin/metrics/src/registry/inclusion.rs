//! Families of other sources: another library's registry in this process, for example, whose
//! metrics are exposed with the registry's own.
//!
//! What a source has is included as a whole, again and again: [`Registry::included`] before, and
//! then whatever was not included again is removed. The registry's own families win: a source's
//! family with the same name, or with samples of the same names, is discarded.

use super::definition::Definition;
use super::{FamilyEntry, FamilyId, Registry, SeriesId};
use crate::error::Error;

impl Registry {
    /// The source of the metric with that name: `None` if there is no such metric, `Some(None)` if
    /// it is the registry's own.
    pub fn source(&self, name: &str) -> Option<Option<&str>> {
        let first = self.by_name.get(name)?;
        self.families.get(*first).map(|family| family.source.as_deref())
    }

    /// Registers a family of a source, for [`Registry::series`]. If the source had a metric with
    /// this name and another definition, that one is discarded.
    ///
    /// # Errors
    /// The definition is invalid, or the registry or another source has a metric with this name, or
    /// one with samples of the same names.
    pub fn include_family(&mut self, definition: Definition, source: &str) -> Result<FamilyId, Error> {
        let name = definition.name.as_str();
        match self.source(name) {
            None => {}
            Some(None) => {
                let problem = "it is also recorded here, and exposed instead of the included one; rename one of them";
                return Err(Error::Conflict { metric: name.to_owned(), problem: problem.to_owned() });
            }
            Some(Some(known)) if known == source => {
                let first = self.by_name.get(name).and_then(|first| self.families.get(*first));
                let is_compatible = first.is_some_and(|family| family.definition.check_compatible(&definition).is_ok());
                if !is_compatible {
                    self.discard(name.to_owned().as_str());
                }
            }
            Some(Some(known)) => {
                let problem = format!("it is included from {known} already; rename one of them");
                return Err(Error::Conflict { metric: name.to_owned(), problem });
            }
        }
        self.register_from(definition, Some(source))
    }

    /// The series of a source.
    pub fn included(&self, source: &str) -> Vec<SeriesId> {
        let is_of_source = |row: &usize| {
            let family = self.families.get(self.series.family(*row));
            self.series.state(*row) != 0 && family.is_some_and(|family| family.source.as_deref() == Some(source))
        };
        let rows = (0..self.series.rows()).filter(is_of_source);
        rows.filter_map(|row| self.series.handle(row)).map(SeriesId).collect()
    }

    /// Whether any family has a source, or was discarded.
    pub(super) fn has_sources(&self) -> bool {
        self.families.iter().any(|family| family.source.is_some() || family.is_discarded())
    }

    /// Discards the families of sources that prevent the registry from having this one.
    #[inline]
    pub(super) fn displace(&mut self, definition: &Definition) {
        if self.included > 0 {
            self.displace_included(definition);
        }
    }

    #[inline(never)]
    fn displace_included(&mut self, definition: &Definition) {
        if self.source(definition.name.as_str()) == Some(None) {
            return;
        }
        let names = definition.sample_names();
        let others = names.iter().filter_map(|name| self.sample_names.get(name.as_str()));
        let others: Vec<usize> = others.chain(self.by_name.get(definition.name.as_str())).copied().collect();
        for index in others {
            let other = self.families.get(index).filter(|family| family.source.is_some());
            if let Some(name) = other.map(|family| family.definition.name.as_str().to_owned()) {
                self.discard(&name);
            }
        }
    }

    /// Removes a metric with all of its label sets.
    fn discard(&mut self, name: &str) {
        let Some(first) = self.by_name.remove(name) else { return };
        let sets: Vec<usize> = self.label_sets(first).map(|(index, _)| index).collect();
        for row in 0..self.series.rows() {
            if self.series.state(row) != 0 && sets.contains(&self.series.family(row)) {
                self.remove_row(row);
            }
        }
        self.sample_names.retain(|_, index| *index != first);
        self.reserved.retain(|_, indices| {
            indices.retain(|index| *index != first);
            !indices.is_empty()
        });
        for family in &mut self.families {
            family.conflicts.retain(|conflict| *conflict != first);
        }
        for index in sets {
            let Some(family) = self.families.get_mut(index) else { continue };
            self.timed -= usize::from(family.definition.is_timed());
            self.included -= usize::from(family.source.is_some());
            *family = FamilyEntry { first_set: index, ..FamilyEntry::discarded() };
            self.reshape(Some(index));
        }
    }

    /// Takes the place of a family that was discarded, for a snapshot.
    pub(super) fn add_discarded(&mut self) {
        let index = self.families.len();
        self.families.push(FamilyEntry { first_set: index, ..FamilyEntry::discarded() });
    }
}

//! Label sets: families of one metric that differ only in their label names. Independent callers
//! may use the same metric name with different labels; their series are exposed together.
//!
//! The first label set of a metric owns its name and reserved names; the others are linked to it in
//! creation order. All have the same kind, help and options.

use super::definition::{Definition, MAX_HELP_LEN, join_names};
use super::names::LabelName;
use super::series::{key_of, values_of};
use super::{FamilyEntry, FamilyId, Registry};
use crate::error::{Error, excerpt};

/// Maximum number of label sets of one metric. Lookup is a linear search, and more label sets would
/// mean that label names are used as data.
pub const MAX_LABEL_SETS: usize = 32;

impl Registry {
    /// The family with this name and these label names, in any order.
    pub fn family_with<'a>(
        &self,
        name: &str,
        labels: impl ExactSizeIterator<Item = &'a str> + Clone,
    ) -> Option<FamilyId> {
        let named = |(_, family): &(usize, &FamilyEntry)| {
            let own = family.definition.label_names.as_slice();
            // The lengths are equal, so if each name is found, there are no duplicates.
            own.len() == labels.len() && own.iter().all(|own| labels.clone().any(|name| name == own.as_str()))
        };
        self.label_sets(*self.by_name.get(name)?).find(named).map(|(index, _)| self.id(index))
    }

    /// The label sets of a metric, starting from this one.
    pub(super) fn label_sets(&self, index: usize) -> impl Iterator<Item = (usize, &FamilyEntry)> {
        let at = |index: usize| Some((index, self.families.get(index)?));
        std::iter::successors(at(index), move |(_, family)| at(family.next_set?))
    }

    /// Checks that a definition is compatible with the metric whose first label set is `first`, and
    /// finds or creates its label set. Returns whether its help was adopted, which happens if there
    /// was none.
    pub(super) fn find_label_set<'a>(
        &mut self,
        first: usize,
        other: &Definition,
        label_names: impl Iterator<Item = &'a LabelName> + Clone,
    ) -> Result<(usize, bool), Error> {
        let Some(family) = self.families.get(first) else { return Ok((first, false)) };
        family.definition.check_compatible(other)?;
        let help = other.help.as_ref().filter(|help| !help.is_empty() && family.definition.help.is_none());
        if help.is_some_and(|help| help.len() > MAX_HELP_LEN) {
            other.check()?;
        }
        let known = |(_, family): &(usize, &FamilyEntry)| label_names.clone().eq(&family.definition.label_names);
        let known = self.label_sets(first).find(known).map(|(index, _)| index);
        let index = match known {
            Some(index) => index,
            None => self.add_label_set(first, label_names.cloned().collect())?,
        };
        if let Some(help) = help {
            self.set_help(first, Some(help));
        }
        Ok((index, help.is_some()))
    }

    /// Adds a label set to the metric whose first label set is `first`.
    pub(super) fn add_label_set(&mut self, first: usize, label_names: Vec<LabelName>) -> Result<usize, Error> {
        let Some((last, family)) = self.label_sets(first).last() else { return Ok(first) };
        let definition = Definition { label_names, ..family.definition.clone() };
        let source = family.source.clone();
        definition.check()?;
        let name = definition.name.as_str();
        if self.label_sets(first).count() >= MAX_LABEL_SETS {
            return Err(Error::LimitReached {
                what: format!("sets of label names of the metric {name}"),
                limit: MAX_LABEL_SETS,
                todo: "use the same label names each time and put the differences in their values",
            });
        }
        self.check_families()?;
        let (own, other) = (join_names(&definition.label_names), join_names(&family.definition.label_names));
        let notice = format!(
            "{}: recorded with the labels {{{own}}}, previously with {{{other}}}; both are kept, but a query that selects by a \
             label of one omits the other",
            excerpt(name, 100)
        );
        self.notices.push(notice);
        self.timed += usize::from(definition.is_timed());
        let index = self.families.len();
        self.included += usize::from(source.is_some());
        self.families.push(FamilyEntry { first_set: first, source, ..FamilyEntry::new(definition) });
        if let Some(last) = self.families.get_mut(last) {
            last.next_set = Some(index);
        }
        self.reshape(Some(index));
        Ok(index)
    }

    /// Sets or removes the help of a metric.
    pub(super) fn set_help(&mut self, first: usize, help: Option<&String>) {
        let mut at = Some(first);
        while let Some(family) = at.and_then(|index| self.families.get_mut(index)) {
            family.definition.help = help.cloned();
            let next = family.next_set;
            self.reshape(at);
            at = next;
        }
    }

    /// The row of the same series in another label set of the metric, since a label with an empty
    /// value equals an absent one.
    pub(super) fn find_in_other_set(&self, index: usize, key: &[u8]) -> Option<usize> {
        let family = self.families.get(index)?;
        if family.first_set == index && family.next_set.is_none() {
            return None;
        }
        let named = family.definition.label_names.iter().zip(values_of(key));
        let given: Vec<(&LabelName, &str)> = named.filter(|(_, value)| !value.is_empty()).collect();
        let mut other_key = Vec::new();
        self.label_sets(family.first_set).filter(|(other, _)| *other != index).find_map(|(other, family)| {
            let names = &family.definition.label_names;
            if !given.iter().all(|(name, _)| names.contains(name)) {
                return None;
            }
            let value = |name| given.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| *value);
            key_of(names.iter().map(value), &mut other_key);
            self.series.find(other as u32, &other_key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{family, record};
    use super::super::{Kind, Registry};
    use super::*;
    use crate::exposition::escaping::Escaping;
    use crate::exposition::text::Encoder;

    fn text(registry: &Registry) -> String {
        String::from_utf8(Encoder::new().encode(registry, Escaping::default()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn label_sets_are_exposed_together_and_noticed_once() {
        let mut registry = Registry::default();
        let mut encoder = Encoder::new();
        record(&mut registry, "m", Kind::Counter, &[("a", "1")], 1.0).unwrap();
        record(&mut registry, "n", Kind::Gauge, &[], 9.0).unwrap();
        encoder.encode(&registry, Escaping::default()).unwrap();
        assert!(registry.take_notices().texts.is_empty());
        for _ in 0..2 {
            record(&mut registry, "m", Kind::Counter, &[("b", "1"), ("c", "2")], 2.0).unwrap();
        }
        let notices = registry.take_notices().texts;
        assert!(notices.len() == 1 && notices[0].contains("{b, c}") && notices[0].contains("{a}"), "{notices:?}");
        let expected = "# TYPE m counter\nm{a=\"1\"} 1\nm{b=\"1\",c=\"2\"} 4\n# TYPE n gauge\nn 9\n";
        assert_eq!(text(&registry), expected);
        assert_eq!(encoder.encode(&registry, Escaping::default()).unwrap(), expected.as_bytes());
        let read = registry.read(0);
        assert_eq!(
            read.iter().map(|family| (family.name, family.series.len())).collect::<Vec<_>>(),
            [("m", 2), ("n", 1)]
        );
        // The second label set has a `# TYPE` line even without the first.
        let first = registry.family_with("m", ["a"].into_iter()).unwrap();
        assert!(registry.remove_series(first, &[("a", "1")]).unwrap());
        let expected = "# TYPE m counter\nm{b=\"1\",c=\"2\"} 4\n# TYPE n gauge\nn 9\n";
        assert_eq!(encoder.encode(&registry, Escaping::default()).unwrap(), expected.as_bytes());
        assert_eq!(registry.read(0)[0].name, "m");
    }

    #[test]
    fn an_empty_label_equals_an_absent_one() {
        let mut registry = Registry::default();
        record(&mut registry, "m", Kind::Counter, &[("a", "")], 1.0).unwrap();
        assert_eq!(record(&mut registry, "m", Kind::Counter, &[], 1.0), Ok(2.0));
        assert_eq!(record(&mut registry, "m", Kind::Counter, &[("a", ""), ("b", "")], 1.0), Ok(3.0));
        assert_eq!(record(&mut registry, "m", Kind::Counter, &[("a", "1"), ("b", "")], 1.0), Ok(1.0));
        assert_eq!(record(&mut registry, "m", Kind::Counter, &[("a", "1")], 1.0), Ok(2.0));
        assert_eq!(registry.len(), 2);
        let bare = registry.family_with("m", [].into_iter()).unwrap();
        assert!(registry.remove_series(bare, &[]).unwrap());
        assert_eq!(registry.len(), 1);
    }

    #[test]
    fn label_sets_share_kind_options_and_help() {
        let mut registry = Registry::default();
        let one = family(&mut registry, "h", Kind::Histogram, &["a"], |_| {});
        registry.default_buckets = crate::registry::Buckets::new(&[7.0], "buckets").unwrap();
        let other =
            family(&mut registry, "h", Kind::Histogram, &["b"], |definition| definition.help = Some("Help".into()));
        assert_ne!(one, other);
        let [one, other] = [one, other].map(|id| registry.definition(id).unwrap().clone());
        assert_eq!((one.buckets, one.help.as_deref()), (other.buckets, Some("Help")));
        assert_eq!(other.help.as_deref(), Some("Help"));
        let error = record(&mut registry, "h", Kind::Gauge, &[("c", "1")], 1.0).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }

    #[test]
    fn a_failed_batch_rolls_back_label_sets() {
        use super::super::tests::recording;
        let mut registry = Registry::default();
        record(&mut registry, "m", Kind::Counter, &[("a", "1")], 1.0).unwrap();
        let failed = registry.record_all(&[
            recording("m", Kind::Counter, &[("b", "1")], 1.0),
            recording("m", Kind::Counter, &[("c", "1")], -1.0),
        ]);
        assert_eq!(failed.unwrap_err().0, 1);
        assert_eq!((registry.families(), registry.len(), registry.take_notices().texts.len()), (1, 1, 0));
        record(&mut registry, "m", Kind::Counter, &[("b", "1")], 5.0).unwrap();
        assert_eq!(text(&registry), "# TYPE m counter\nm{a=\"1\"} 1\nm{b=\"1\"} 5\n");
    }

    #[test]
    fn label_sets_are_limited_and_survive_a_snapshot() {
        let mut registry = Registry::default();
        let label = |number: usize| format!("l{number}");
        for number in 0..MAX_LABEL_SETS {
            record(&mut registry, "m", Kind::Counter, &[(&label(number), "1")], 1.0).unwrap();
        }
        let error = record(&mut registry, "m", Kind::Counter, &[("one_more", "1")], 1.0).unwrap_err();
        assert!(matches!(error, Error::LimitReached { .. }), "{error}");
        let mut snapshot = Vec::new();
        registry.snapshot(&mut snapshot);
        let mut restored = Registry::restore(&snapshot, 7).unwrap();
        assert_eq!(text(&restored), text(&registry));
        assert_eq!(record(&mut restored, "m", Kind::Counter, &[("l9", "1")], 1.0), Ok(2.0));
        assert!(restored.take_notices().texts.is_empty());
    }
}

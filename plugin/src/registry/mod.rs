//! Families, series and their values, in memory. No I/O, no clock, no JSON.
//!
//! A family is a metric name with its kind, help and label names; a series is a family with values for those labels, named
//! by a dense [`SeriesId`]. Names and labels are checked once, when the series is made; recording by id cannot fail on them.

mod names;
mod value;

use std::collections::BTreeMap;

pub use names::{LONGEST_NAME, LONGEST_VALUE, LabelName, Labels, MetricName};
pub use value::{Buckets, Kind, Value};

use crate::error::Error;

/// The most series that one plug holds. Past it, new ones are refused, and recording to those there are goes on.
pub const MOST_SERIES: usize = 1_000_000;

/// What somebody wants to record to: enough to find a family, or to make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The metric's name.
    pub name: MetricName,
    /// What it measures.
    pub kind: Kind,
    /// For the `# HELP` line; the first one given stays.
    pub help: Option<String>,
    /// For histograms: bounds that were asked for; none for the default ones, or those that the family has.
    pub buckets: Option<Buckets>,
}

/// One recording: what, where, how much.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The family to find or make.
    pub definition: Definition,
    /// The series in it.
    pub labels: Labels,
    /// Added, set or observed, as the kind says.
    pub amount: f64,
}

/// A metric: the series that share a name.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: MetricName,
    /// What it measures.
    pub kind: Kind,
    /// The text of its `# HELP` line, unescaped; empty for none.
    pub help: String,
    /// For histograms; the default ones elsewhere, unused.
    pub buckets: Buckets,
    label_names: Vec<LabelName>,
    /// Sorted by label values, which is the order of the exposition.
    series: BTreeMap<Labels, SeriesId>,
}

impl Family {
    /// The series of the family with their labels, sorted by label values.
    pub fn series(&self) -> impl ExactSizeIterator<Item = (&Labels, SeriesId)> {
        self.series.iter().map(|(labels, id)| (labels, *id))
    }
}

/// A series of one registry. Dense: the first is 0, the next 1, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FamilyId(usize);

#[derive(Debug)]
struct Series {
    family: FamilyId,
    value: Value,
}

/// All that was recorded.
#[derive(Debug, Default)]
pub struct Registry {
    families: Vec<Family>,
    series: Vec<Series>,
    /// Every name that a sample of a family has or may have, so that no two families write the same one.
    claims: BTreeMap<String, FamilyId>,
    /// Used for families that name no buckets of their own.
    pub default_buckets: Buckets,
}

impl Registry {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The families, sorted by name.
    pub fn families(&self) -> impl Iterator<Item = &Family> {
        let mut sorted: Vec<&Family> = self.families.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.into_iter()
    }

    /// What a series of this registry holds.
    pub fn value(&self, id: SeriesId) -> Option<&Value> {
        self.series.get(id.0 as usize).map(|series| &series.value)
    }

    /// Takes recordings, all or none, and returns their series in the same order. On an error nothing has changed; the error
    /// comes with the index of the recording that caused it.
    pub fn record_all(&mut self, recordings: &[Recording]) -> Result<Vec<SeriesId>, (usize, Error)> {
        let (families, series) = (self.families.len(), self.series.len());
        let prepared: Result<Vec<SeriesId>, (usize, Error)> = recordings
            .iter()
            .enumerate()
            .map(|(index, recording)| self.prepare(recording).map_err(|error| (index, error)))
            .collect();
        match prepared {
            Ok(ids) => {
                for (id, recording) in ids.iter().zip(recordings) {
                    self.record(*id, recording.amount);
                }
                Ok(ids)
            }
            Err(error) => {
                self.roll_back(families, series);
                Err(error)
            }
        }
    }

    /// Forgets everything, and returns how many series there were.
    pub fn clear(&mut self) -> usize {
        let dropped = self.series.len();
        self.roll_back(0, 0);
        dropped
    }

    fn record(&mut self, id: SeriesId, amount: f64) {
        if let Some(series) = self.series.get_mut(id.0 as usize)
            && let Some(family) = self.families.get(series.family.0)
        {
            series.value.record(amount, &family.buckets);
        }
    }

    fn prepare(&mut self, recording: &Recording) -> Result<SeriesId, Error> {
        Value::check(recording.definition.kind, recording.amount, "metric_value")?;
        let family = self.find_or_make_family(&recording.definition, &recording.labels)?;
        self.find_or_make_series(family, &recording.labels)
    }

    fn find_or_make_family(&mut self, definition: &Definition, labels: &Labels) -> Result<FamilyId, Error> {
        if let Some(own) = definition.kind.own_label()
            && labels.get(own).is_some()
        {
            return Err(Error::invalid(
                format!("labels.{own}"),
                format!("a {} writes the label {own} itself; choose another name", definition.kind.name()),
            ));
        }
        let name = definition.name.as_str();
        if let Some(id) = self.claims.get(name).copied()
            && let Some(family) = self.families.get_mut(id.0)
            && family.name == definition.name
        {
            family.agree(definition, labels)?;
            return Ok(id);
        }
        let id = FamilyId(self.families.len());
        let names: Vec<String> =
            [""].iter().chain(definition.kind.suffixes()).map(|suffix| format!("{name}{suffix}")).collect();
        for claim in &names {
            if let Some(other) = self.claims.get(claim).and_then(|id| self.families.get(id.0)) {
                return Err(Error::Conflict {
                    metric: name.into(),
                    problem: format!(
                        "as a {} it would write samples named {claim}, and so does the {} {}; rename one of them",
                        definition.kind.name(),
                        other.kind.name(),
                        other.name
                    ),
                });
            }
        }
        self.claims.extend(names.into_iter().map(|claim| (claim, id)));
        self.families.push(Family {
            name: definition.name.clone(),
            kind: definition.kind,
            help: definition.help.clone().unwrap_or_default(),
            buckets: definition.buckets.clone().unwrap_or_else(|| self.default_buckets.clone()),
            label_names: labels.names().cloned().collect(),
            series: BTreeMap::new(),
        });
        Ok(id)
    }

    fn find_or_make_series(&mut self, id: FamilyId, labels: &Labels) -> Result<SeriesId, Error> {
        let next = self.series.len();
        let limit_reached = || Error::LimitReached {
            what: "series".into(),
            limit: MOST_SERIES,
            todo: "use fewer distinct label values",
        };
        // An id that find_or_make_family gave is in range.
        let family = self.families.get_mut(id.0).ok_or_else(limit_reached)?;
        if let Some(series) = family.series.get(labels) {
            return Ok(*series);
        }
        let series = u32::try_from(next).ok().filter(|_| next < MOST_SERIES).map(SeriesId).ok_or_else(limit_reached)?;
        family.series.insert(labels.clone(), series);
        let value = Value::new(family.kind, &family.buckets);
        self.series.push(Series { family: id, value });
        Ok(series)
    }

    /// Takes back families and series made since there were so many.
    fn roll_back(&mut self, families: usize, series: usize) {
        self.families.truncate(families);
        self.claims.retain(|_, id| id.0 < families);
        for made in self.series.drain(series..) {
            if let Some(family) = self.families.get_mut(made.family.0) {
                family.series.retain(|_, id| (id.0 as usize) < series);
            }
        }
    }
}

impl Family {
    /// Checks that a further recording means the same metric; takes its help if there is none yet.
    fn agree(&mut self, definition: &Definition, labels: &Labels) -> Result<(), Error> {
        let conflict = |problem| Err(Error::Conflict { metric: self.name.to_string(), problem });
        if definition.kind != self.kind {
            return conflict(format!(
                "it is a {}, and cannot be recorded as a {}; use metric_type {} or another name",
                self.kind.name(),
                definition.kind.name(),
                self.kind.name()
            ));
        }
        if !labels.names().eq(&self.label_names) {
            return conflict(format!(
                "it has the labels {{{}}}, and cannot be recorded with {{{}}}; give the same labels each time (a value may be empty)",
                list(self.label_names.iter()),
                list(labels.names())
            ));
        }
        if let Some(asked) = &definition.buckets
            && *asked != self.buckets
        {
            return conflict(format!(
                "it has the buckets {:?}, and cannot be recorded with {:?}",
                self.buckets.bounds(),
                asked.bounds()
            ));
        }
        if self.help.is_empty()
            && let Some(help) = &definition.help
        {
            self.help.clone_from(help);
        }
        Ok(())
    }
}

fn list<'a>(names: impl Iterator<Item = &'a LabelName>) -> String {
    names.map(LabelName::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn recording(name: &str, kind: Kind, labels: &[(&str, &str)], amount: f64) -> Recording {
        Recording {
            definition: Definition {
                name: MetricName::new(name, "metric_name").unwrap(),
                kind,
                help: None,
                buckets: None,
            },
            labels: Labels::new(labels.iter().copied(), "labels").unwrap(),
            amount,
        }
    }

    fn record(
        registry: &mut Registry,
        name: &str,
        kind: Kind,
        labels: &[(&str, &str)],
        amount: f64,
    ) -> Result<Value, Error> {
        let ids = registry.record_all(&[recording(name, kind, labels, amount)]).map_err(|(_, error)| error)?;
        Ok(registry.value(ids[0]).unwrap().clone())
    }

    #[test]
    fn a_counter_adds_up_and_a_gauge_is_set() {
        let mut registry = Registry::default();
        for total in 1..=10 {
            assert_eq!(
                record(&mut registry, "c", Kind::Counter, &[("a", "1")], 1.0),
                Ok(Value::Counter(f64::from(total)))
            );
        }
        assert_eq!(record(&mut registry, "c", Kind::Counter, &[("a", "2")], 5.0), Ok(Value::Counter(5.0)));
        record(&mut registry, "g", Kind::Gauge, &[], 3.0).unwrap();
        assert_eq!(record(&mut registry, "g", Kind::Gauge, &[], -1.0), Ok(Value::Gauge(-1.0)));
        assert_eq!(registry.len(), 3);
    }

    #[test]
    fn label_order_does_not_matter() {
        let mut registry = Registry::default();
        record(&mut registry, "c", Kind::Counter, &[("a", "1"), ("b", "2")], 1.0).unwrap();
        assert_eq!(record(&mut registry, "c", Kind::Counter, &[("b", "2"), ("a", "1")], 1.0), Ok(Value::Counter(2.0)));
    }

    #[test]
    fn a_conflict_names_both_definitions() {
        let mut registry = Registry::default();
        record(&mut registry, "m", Kind::Counter, &[("a", "1")], 1.0).unwrap();
        let kinds = record(&mut registry, "m", Kind::Gauge, &[("a", "1")], 1.0).unwrap_err().to_string();
        assert!(kinds.contains("counter") && kinds.contains("gauge"), "{kinds}");
        let labels = record(&mut registry, "m", Kind::Counter, &[("b", "1")], 1.0).unwrap_err().to_string();
        assert!(labels.contains("{a}") && labels.contains("{b}"), "{labels}");
        record(&mut registry, "h", Kind::Histogram, &[], 1.0).unwrap();
        let samples = record(&mut registry, "h_sum", Kind::Gauge, &[], 1.0).unwrap_err().to_string();
        assert!(samples.contains("histogram h"), "{samples}");
        record(&mut registry, "s_count", Kind::Gauge, &[], 1.0).unwrap();
        let samples = record(&mut registry, "s", Kind::Summary, &[], 1.0).unwrap_err().to_string();
        assert!(samples.contains("gauge s_count"), "{samples}");
        assert_eq!(registry.len(), 3);
    }

    #[test]
    fn labels_that_a_kind_writes_itself_are_refused() {
        let mut registry = Registry::default();
        assert_eq!(
            record(&mut registry, "h", Kind::Histogram, &[("le", "1")], 1.0).unwrap_err().field(),
            Some("labels.le")
        );
        assert!(record(&mut registry, "c", Kind::Counter, &[("le", "1")], 1.0).is_ok());
    }

    #[test]
    fn a_batch_is_taken_whole_or_not_at_all() {
        let mut registry = Registry::default();
        record(&mut registry, "old", Kind::Counter, &[("a", "1")], 1.0).unwrap();
        let (index, error) = registry
            .record_all(&[
                recording("old", Kind::Counter, &[("a", "1")], 1.0),
                recording("old", Kind::Counter, &[("a", "2")], 1.0),
                recording("new", Kind::Gauge, &[], 1.0),
                recording("new", Kind::Counter, &[], 1.0),
            ])
            .unwrap_err();
        assert_eq!((index, error.code()), (3, "metric_conflict"));
        assert_eq!(registry.len(), 1);
        assert_eq!(registry.families().map(|family| family.series().len()).collect::<Vec<_>>(), [1]);
        assert_eq!(record(&mut registry, "old", Kind::Counter, &[("a", "1")], 1.0), Ok(Value::Counter(2.0)));
        assert_eq!(record(&mut registry, "new", Kind::Counter, &[], 1.0), Ok(Value::Counter(1.0)));
    }
}

//! What was counted since an earlier state of the same registry.

use super::composite::{Composite, Histogram, Native};
use super::native::NativeHistogram;
use super::value::Kind;
use super::{Definition, Registry};
use crate::model::Exemplar;

impl Registry {
    /// Reduces counters and histograms to what they counted since `before`, an earlier state of
    /// this registry as of `since_ms`, and sets their start to that time. All other series stay as
    /// they are. To be called on a copy, made from a snapshot.
    ///
    /// A series that did not exist then, or began again since, counts from its own start. Series
    /// that counted nothing are removed, and so are new ones whose start is unknown: nobody knows
    /// since when they count. Returns the number of the latter.
    // Once for each export: cold functions are built for size.
    #[cold]
    pub fn subtract(&mut self, before: Option<&Self>, since_ms: u64) -> u64 {
        let mut undated = 0;
        for row in 0..self.series.rows() {
            if !matches!(self.series.kind(row), Some(Kind::Counter | Kind::Histogram | Kind::NativeHistogram)) {
                continue;
            }
            let created_ms = self.series.created_ms(row);
            let known = before.and_then(|before| Some((before, before.same_row(self, row)?)));
            let is_new = match known {
                Some((before, at)) => {
                    let began_ms = before.series.created_ms(at);
                    if began_ms == 0 || created_ms <= began_ms {
                        self.subtract_row(row, before, at);
                    }
                    self.series.import_start(row, created_ms.max(since_ms));
                    false
                }
                None => created_ms == 0,
            };
            undated += u64::from(is_new);
            if is_new || !self.has_counted(row) {
                self.remove_row(row);
            }
        }
        undated
    }

    /// The row of the series that a row of a later state has.
    fn same_row(&self, later: &Self, row: usize) -> Option<usize> {
        let at = self.series.row(later.series.handle(row)?)?;
        // The state may have been replaced by that of another registry.
        let (own, other) = (self.definition_of(at)?, later.definition_of(row)?);
        let is_same = (own.kind, &own.name, &own.label_names) == (other.kind, &other.name, &other.label_names)
            && self.series.key(at) == later.series.key(row);
        is_same.then_some(at)
    }

    fn definition_of(&self, row: usize) -> Option<&Definition> {
        self.families.get(self.series.family(row)).map(|family| &family.definition)
    }

    /// Subtracts the counts of an earlier state, unless some are lower now: then the series began
    /// again. Exemplars that it had are dropped.
    #[cold]
    fn subtract_row(&mut self, row: usize, before: &Self, at: usize) {
        match (self.composite_mut(row), before.composite(at)) {
            (None, None) => {
                let (total, earlier) = (self.series.cell(row), before.series.cell(at));
                if total >= earlier {
                    self.set_cell(row, total - earlier);
                }
                if self.exemplars.get(&row) == before.exemplars.get(&at) {
                    self.exemplars.remove(&row);
                }
            }
            (Some(Composite::Histogram(own)), Some(Composite::Histogram(earlier))) => own.subtract(earlier),
            (Some(Composite::Native(own)), Some(Composite::Native(earlier))) => own.subtract(earlier),
            // Both have the same kind, and its kind says what a composite is.
            _ => {}
        }
    }

    /// Whether a counter or histogram is not zero.
    fn has_counted(&self, row: usize) -> bool {
        match self.composite(row) {
            Some(Composite::Histogram(own)) => own.counts.iter().any(|count| *count > 0),
            Some(Composite::Native(own)) => own.histogram.count() > 0,
            _ => self.series.cell(row) != 0.0,
        }
    }
}

impl Histogram {
    fn subtract(&mut self, earlier: &Self) {
        if let Some(counts) = difference(&self.counts, &earlier.counts) {
            self.counts = counts;
            self.sum -= earlier.sum;
        }
        let same = |(own, earlier): (&mut Option<Exemplar>, &Option<Exemplar>)| {
            if own == earlier {
                *own = None;
            }
        };
        self.exemplars.iter_mut().zip(&*earlier.exemplars).for_each(same);
    }
}

impl Native {
    fn subtract(&mut self, earlier: &Self) {
        if let (Some(histogram), Some(counts)) =
            (self.histogram.since(&earlier.histogram), difference(&self.counts, &earlier.counts))
        {
            (self.histogram, self.counts) = (histogram, counts);
        }
        self.exemplars.retain(|exemplar| !earlier.exemplars.contains(exemplar));
    }
}

/// What each bucket counted; `None` if one has less than it had, or there are others.
fn difference(now: &[u64], earlier: &[u64]) -> Option<Box<[u64]>> {
    let counts = now.iter().zip(earlier).map(|(now, earlier)| now.checked_sub(*earlier));
    counts.collect::<Option<_>>().filter(|_| now.len() == earlier.len())
}

impl NativeHistogram {
    /// What was observed since an earlier state of this histogram, at the resolution of now; `None`
    /// if it is no later state of it.
    fn since(&self, earlier: &Self) -> Option<Self> {
        let mut earlier = earlier.clone();
        earlier.coarsen(self.schema(), self.zero_threshold());
        self.minus(&earlier)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{family, record};
    use super::super::{Buckets, SeriesState};
    use super::*;
    use crate::model::Point;

    fn copy(registry: &Registry) -> Registry {
        let mut bytes = Vec::new();
        registry.snapshot(&mut bytes);
        Registry::restore(&bytes, 1).unwrap()
    }

    /// Totals or counts of each series, and when they start.
    fn starts(registry: &Registry) -> Vec<(String, f64, Option<u64>)> {
        let value = |point: &Point| match point {
            Point::Counter { total, .. } => *total,
            Point::Gauge(value) => *value,
            Point::Histogram { counts, .. } => counts.iter().sum::<u64>() as f64,
            Point::Native(native) => native.count() as f64,
            Point::Summary { count, .. } => *count as f64,
            _ => -1.0,
        };
        let families = registry.read(0);
        let series = families.iter().flat_map(|family| family.series.iter().map(|series| (family.name, series)));
        series.map(|(name, series)| (name.to_owned(), value(&series.point), series.created_ms)).collect()
    }

    #[test]
    fn what_was_counted_since_is_left() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        for (name, kind) in [("c", Kind::Counter), ("h", Kind::Histogram), ("n", Kind::NativeHistogram)] {
            record(&mut registry, name, kind, &[], 2.0).unwrap();
            record(&mut registry, &format!("{name}_idle"), kind, &[], 2.0).unwrap();
        }
        record(&mut registry, "g", Kind::Gauge, &[], 7.0).unwrap();
        record(&mut registry, "s", Kind::Summary, &[], 7.0).unwrap();
        let first = copy(&registry);
        let mut delta = copy(&registry);
        assert_eq!(delta.subtract(None, 0), 0);
        assert_eq!(starts(&delta), starts(&registry));

        registry.set_now(2_000);
        for (name, kind) in [("c", Kind::Counter), ("h", Kind::Histogram), ("n", Kind::NativeHistogram)] {
            record(&mut registry, name, kind, &[], 3.0).unwrap();
            record(&mut registry, name, kind, &[("new", "1")], 4.0).unwrap();
        }
        let mut delta = copy(&registry);
        assert_eq!(delta.subtract(Some(&first), 1_500), 0);
        let (old, new) = (Some(1_500), Some(2_000));
        let expected = [
            ("c", 3.0, old),
            ("c", 4.0, new),
            ("g", 7.0, Some(1_000)),
            ("h", 1.0, old),
            ("h", 1.0, new),
            ("n", 1.0, old),
            ("n", 1.0, new),
            ("s", 1.0, Some(1_000)),
        ];
        assert_eq!(starts(&delta), expected.map(|(name, value, start)| (name.to_owned(), value, start)));
        let families = delta.read(0);
        let sum = |name: &str| match &families.iter().find(|family| family.name == name).unwrap().series[0].point {
            Point::Histogram { sum, .. } => *sum,
            Point::Native(native) => native.sum(),
            other => panic!("{other:?}"),
        };
        assert_eq!((sum("h"), sum("n")), (3.0, 3.0));
    }

    #[test]
    fn what_began_again_is_whole() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        let definition = family(&mut registry, "c", Kind::Counter, &["a"], |_| {});
        let series = ["lower", "restarted", "late", "undated", "same"];
        let ids = series.map(|name| registry.series(definition, &[name]).unwrap());
        for id in ids {
            registry.import(id, SeriesState::Counter(5.0), Some(500)).unwrap();
        }
        registry.forget_start(ids[2]).unwrap();
        registry.remove(ids[3]).unwrap();
        let first = copy(&registry);
        registry.set_now(2_000);
        let undated = registry.series(definition, &["undated"]).unwrap();
        for (id, total, start) in [
            (ids[0], 3.0, None),
            (ids[1], 9.0, Some(1_200)),
            (ids[2], 9.0, Some(500)),
            (undated, 1e6, None),
            (ids[4], 9.0, Some(500)),
        ] {
            registry.import(id, SeriesState::Counter(total), start).unwrap();
        }
        let mut delta = copy(&registry);
        assert_eq!(delta.subtract(Some(&first), 1_500), 1);
        // Late, lower, restarted (before the last export, which still had the old total), same.
        let expected = [(4.0, 1_500), (3.0, 2_000), (9.0, 1_500), (4.0, 1_500)];
        assert_eq!(starts(&delta), expected.map(|(value, start)| ("c".to_owned(), value, Some(start))));
        // From the next export on, the one without a start counts too.
        let second = copy(&registry);
        registry.import(undated, SeriesState::Counter(1e6 + 1.0), None).unwrap();
        let mut delta = copy(&registry);
        assert_eq!(delta.subtract(Some(&second), 2_500), 0);
        assert_eq!(starts(&delta), [("c".to_owned(), 1.0, Some(2_500))]);
    }

    #[test]
    fn a_series_made_anew_or_of_another_registry_is_another_one() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        record(&mut registry, "c", Kind::Counter, &[], 5.0).unwrap();
        let first = copy(&registry);
        registry.clear();
        registry.set_now(2_000);
        record(&mut registry, "c", Kind::Counter, &[], 6.0).unwrap();
        let mut delta = copy(&registry);
        delta.subtract(Some(&first), 1_500);
        assert_eq!(starts(&delta), [("c".to_owned(), 6.0, Some(2_000))]);
        let mut other = Registry::default();
        other.set_now(1_000);
        record(&mut other, "d", Kind::Counter, &[], 6.0).unwrap();
        let mut delta = copy(&other);
        delta.subtract(Some(&first), 1_500);
        assert_eq!(starts(&delta), [("d".to_owned(), 6.0, Some(1_000))]);
    }

    #[test]
    fn exemplars_are_those_that_came_since() {
        let mut registry = Registry::default();
        let exemplar = |id: &str| Exemplar { labels: vec![("id".into(), id.into())], value: 2.0, unix_ms: Some(1) };
        let observe = |registry: &mut Registry, id, kind, value, name: &str| match kind {
            Kind::Counter => registry.add_with_exemplar(id, value, exemplar(name)).unwrap(),
            _ => registry.observe_with_exemplar(id, value, exemplar(name)).unwrap(),
        };
        for (name, kind) in [("c", Kind::Counter), ("h", Kind::Histogram), ("n", Kind::NativeHistogram)] {
            let definition = family(&mut registry, name, kind, &[], |definition| {
                definition.buckets = (kind == Kind::Histogram).then(|| Buckets::new(&[1.0], "buckets").unwrap());
            });
            let id = registry.series(definition, &[]).unwrap();
            observe(&mut registry, id, kind, 1.0, "old");
        }
        let first = copy(&registry);
        for (name, kind) in [("c", Kind::Counter), ("h", Kind::Histogram), ("n", Kind::NativeHistogram)] {
            let id = registry.series(registry.family(name).unwrap(), &[]).unwrap();
            observe(&mut registry, id, kind, 2.0, "new");
        }
        let mut delta = copy(&registry);
        delta.subtract(Some(&first), 0);
        for family in delta.read(0) {
            let found: Vec<&Exemplar> = match &family.series[0].point {
                Point::Counter { exemplar, .. } => exemplar.iter().copied().collect(),
                Point::Histogram { exemplars, .. } => exemplars.iter().flatten().collect(),
                Point::Native(native) => native.exemplars.iter().collect(),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, [&exemplar("new")], "{}", family.name);
        }
    }

    proptest! {
        /// Whatever the resolution becomes, the difference has exactly what was observed since.
        #[test]
        fn native_histograms_differ_by_what_was_observed(
            earlier in prop::collection::vec(-1e6..1e6_f64, 0..60),
            later in prop::collection::vec(-1e6..1e6_f64, 0..60),
            max_buckets in 2_usize..20,
            schema in -4..9,
            small in prop::collection::vec(-1e-30..1e-30_f64, 0..5),
        ) {
            let mut all = NativeHistogram::new(schema, 1e-40, max_buckets).unwrap();
            earlier.iter().for_each(|value| all.observe(*value));
            let before = all.clone();
            later.iter().chain(&small).for_each(|value| all.observe(*value));
            let delta = all.since(&before).unwrap();
            let mut expected = NativeHistogram::new(schema, 1e-40, 10_000).unwrap();
            later.iter().chain(&small).for_each(|value| expected.observe(*value));
            expected.coarsen(all.schema(), all.zero_threshold());
            prop_assert_eq!(delta.positive(), expected.positive());
            prop_assert_eq!(delta.negative(), expected.negative());
            prop_assert_eq!((delta.zero_count(), delta.count()), (expected.zero_count(), expected.count()));
            prop_assert_eq!(delta.count(), (later.len() + small.len()) as u64);
            if !earlier.is_empty() {
                prop_assert!(before.since(&all).is_none() || delta.count() == 0);
            }
        }
    }
}

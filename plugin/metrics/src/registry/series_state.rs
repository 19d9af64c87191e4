//! Importing state: replaces the state of a series with values counted elsewhere.

use super::composite::{Composite, Histogram, Native};
use super::native::NativeHistogram;
use super::record::{MAX_EXEMPLARS, check_exemplar};
use super::series::IMPORTED;
use super::value::Kind;
use super::{Registry, SeriesId};
use crate::error::Error;
use crate::model::Exemplar;

/// The new state of a series, without exemplars.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesState<'h> {
    /// A counter's total: finite and not negative.
    Counter(f64),
    /// A histogram's observations.
    Histogram {
        /// Per bucket, not cumulative; one longer than the family's bounds.
        counts: &'h [u64],
        /// The sum of all observations; not NaN.
        sum: f64,
    },
    /// A native histogram.
    Native {
        /// The exponential buckets.
        histogram: NativeHistogram,
        /// The same observations in the family's classic buckets, not cumulative; empty if it has
        /// none.
        counts: &'h [u64],
    },
    /// A summary. Its quantile window is emptied.
    Summary {
        /// The sum of all observations; not NaN.
        sum: f64,
        /// The number of observations.
        count: u64,
    },
}

impl Registry {
    /// Replaces the state of a series and drops its exemplars; later recordings add to the new
    /// state. Use [`Registry::set`] for gauges and [`Registry::set_state`] for state sets. On an
    /// error, nothing changes.
    pub fn replace(&mut self, id: SeriesId, state: SeriesState) -> Result<(), Error> {
        let row = self.row(id.0)?;
        let number = match &state {
            SeriesState::Counter(total) => *total,
            SeriesState::Histogram { sum, .. } | SeriesState::Summary { sum, .. } => *sum,
            SeriesState::Native { histogram, .. } => histogram.sum(),
        };
        let kind = self.series.kind(row);
        if let (SeriesState::Counter(total), Some(Kind::Counter)) = (&state, kind) {
            super::check(Kind::Counter, *total, "value")?;
            self.exemplars.remove(&row);
            self.set_cell(row, number);
            return Ok(());
        }
        if number.is_nan() {
            return Err(Error::invalid("value", "the sum is NaN and would stay NaN; expected a number"));
        }
        match (self.composite_mut(row), state) {
            (Some(Composite::Histogram(own)), SeriesState::Histogram { counts, sum })
                if own.counts.len() == counts.len() =>
            {
                *own = Histogram { counts: counts.into(), sum, exemplars: Box::default() };
            }
            (Some(Composite::Native(own)), SeriesState::Native { histogram, counts })
                if own.counts.len() == counts.len() =>
            {
                let classic = counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count));
                if !counts.is_empty() && classic != Some(histogram.count()) {
                    let problem = "its classic buckets and its native ones have different counts";
                    return Err(Error::invalid("value", problem));
                }
                **own = Native { histogram, counts: counts.into(), exemplars: Vec::new() };
            }
            (Some(Composite::Summary { sum: own_sum, count: own_count }), SeriesState::Summary { sum, count }) => {
                (*own_sum, *own_count) = (sum, count);
            }
            (Some(Composite::Windowed(own)), SeriesState::Summary { sum, count }) => own.replace(sum, count),
            _ => return Err(self.wrong_kind(row, "replaced by the state of another kind")),
        }
        self.mark_recorded(row);
        Ok(())
    }

    /// Like [`Registry::replace`], for values counted elsewhere. `start_ms` is the creation time
    /// reported by the source. If there is none, it is unknown, rather than the time the series was
    /// created here: otherwise a consumer would treat the whole total as an increase. If a total
    /// decreased since the last import, it was reset, and its creation time is now.
    pub fn import(&mut self, id: SeriesId, state: SeriesState, start_ms: Option<u64>) -> Result<(), Error> {
        let row = self.row(id.0)?;
        let was_reset = self.has_decreased(row, &state);
        self.replace(id, state)?;
        let known_ms = match self.series.state(row) & IMPORTED {
            0 => 0,
            _ => self.series.created_ms(row),
        };
        self.series.import_start(row, start_ms.unwrap_or(if was_reset { self.now_ms } else { known_ms }));
        Ok(())
    }

    /// Sets the exemplars of a series: the one of a counter, those of a classic histogram's buckets,
    /// or any of a native histogram, after [`Registry::replace`] dropped the previous ones.
    pub fn set_exemplars(&mut self, id: SeriesId, exemplars: Vec<Option<Exemplar>>) -> Result<(), Error> {
        let row = self.row(id.0)?;
        exemplars.iter().flatten().try_for_each(check_exemplar)?;
        let is_counter = self.series.kind(row) == Some(Kind::Counter);
        match self.composite_mut(row) {
            Some(Composite::Histogram(own)) if own.counts.len() == exemplars.len() => own.exemplars = exemplars.into(),
            Some(Composite::Native(own)) if exemplars.len() <= MAX_EXEMPLARS => {
                own.exemplars = exemplars.into_iter().flatten().collect();
            }
            None if is_counter && exemplars.len() == 1 => {
                self.exemplars.extend(exemplars.into_iter().flatten().map(|exemplar| (row, exemplar)));
            }
            _ => return Err(self.wrong_kind(row, "given these exemplars")),
        }
        self.mark_recorded(row);
        Ok(())
    }

    /// Marks the creation time of a series as unknown, for imported series of other kinds.
    pub fn forget_start(&mut self, id: SeriesId) -> Result<(), Error> {
        let row = self.row(id.0)?;
        self.series.forget_start(row);
        Ok(())
    }

    /// Whether the new state is lower than the current one, that is, the source was reset.
    fn has_decreased(&self, row: usize, state: &SeriesState) -> bool {
        match (self.composite(row), state) {
            (None, SeriesState::Counter(total)) => *total < self.series.cell(row),
            (Some(Composite::Histogram(own)), SeriesState::Histogram { counts, .. }) => {
                counts.iter().sum::<u64>() < own.counts.iter().sum()
            }
            (Some(Composite::Native(own)), SeriesState::Native { histogram, .. }) => {
                histogram.count() < own.histogram.count()
            }
            (Some(Composite::Summary { count: own, .. }), SeriesState::Summary { count, .. }) => count < own,
            (Some(Composite::Windowed(own)), SeriesState::Summary { count, .. }) => *count < own.count(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Buckets, Definition, MetricName};
    use super::*;
    use crate::model::Point;

    fn series(registry: &mut Registry, kind: Kind) -> SeriesId {
        let mut definition = Definition::new(MetricName::new(kind.name(), "metric_name").unwrap(), kind);
        definition.buckets = (kind == Kind::Histogram).then(|| Buckets::new(&[1.0], "buckets").unwrap());
        let family = registry.register(definition).unwrap();
        registry.series(family, &[]).unwrap()
    }

    #[test]
    fn recording_adds_to_replaced_state() {
        let mut registry = Registry::default();
        let counter = series(&mut registry, Kind::Counter);
        registry.add(counter, 9.0).unwrap();
        registry.replace(counter, SeriesState::Counter(5.0)).unwrap();
        registry.add(counter, 1.0).unwrap();
        assert_eq!(registry.point(counter), Some(Point::Counter { total: 6.0, exemplar: None }));
        let histogram = series(&mut registry, Kind::Histogram);
        registry.replace(histogram, SeriesState::Histogram { counts: &[2, 3], sum: 7.0 }).unwrap();
        registry.observe(histogram, 0.5).unwrap();
        let Some(Point::Histogram { counts, sum, .. }) = registry.point(histogram) else { panic!() };
        assert_eq!((counts, sum), (&[3, 3][..], 7.5));
        let summary = series(&mut registry, Kind::Summary);
        registry.replace(summary, SeriesState::Summary { sum: 4.0, count: 2 }).unwrap();
        let Some(Point::Summary { quantiles, sum, count }) = registry.point(summary) else { panic!() };
        assert!(quantiles.len() == 3 && quantiles.iter().all(|(_, value)| value.is_nan()));
        assert_eq!((sum, count), (4.0, 2));
        registry.observe(summary, 1.0).unwrap();
        let state = Point::Summary { quantiles: vec![(0.5, 1.0), (0.9, 1.0), (0.99, 1.0)], sum: 5.0, count: 3 };
        assert_eq!(registry.point(summary), Some(state));
    }

    #[test]
    fn the_creation_time_is_reported_or_the_reset_time_or_unknown() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        let counter = series(&mut registry, Kind::Counter);
        let histogram = series(&mut registry, Kind::Histogram);
        let mut take = |now_ms, total: f64, reported| {
            registry.set_now(now_ms);
            registry.import(counter, SeriesState::Counter(total), reported).unwrap();
            let state = SeriesState::Histogram { counts: &[total as u64, 0], sum: 1.0 };
            registry.import(histogram, state, reported).unwrap();
            let mut snapshot = Vec::new();
            registry.snapshot(&mut snapshot);
            let starts: Vec<Option<u64>> = Registry::restore(&snapshot, 0)
                .unwrap()
                .read(now_ms)
                .iter()
                .map(|family| family.series[0].created_ms)
                .collect();
            assert_eq!(starts[0], starts[1]);
            assert_eq!(registry.read(now_ms)[0].series[0].created_ms, starts[0]);
            starts[0]
        };
        for (now_ms, total, reported, start) in [
            (2_000, 1e6, None, None),
            (3_000, 1e6, None, None),
            (4_000, 5.0, None, Some(4_000)),
            (5_000, 8.0, None, Some(4_000)),
            (6_000, 9.0, Some(5_500), Some(5_500)),
            (7_000, 9.0, None, Some(5_500)),
            (8_000, 1.0, Some(5_500), Some(5_500)),
            (9_000, 0.0, None, Some(9_000)),
        ] {
            assert_eq!(take(now_ms, total, reported), start, "{now_ms}");
        }
    }

    #[test]
    fn recorded_series_keep_their_creation_time_until_imported() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        let counter = series(&mut registry, Kind::Counter);
        registry.add(counter, 3.0).unwrap();
        assert_eq!(registry.read(1_000)[0].series[0].created_ms, Some(1_000));
        registry.import(counter, SeriesState::Counter(1e6), None).unwrap();
        assert_eq!(registry.read(1_000)[0].series[0].created_ms, None);
    }

    #[test]
    fn invalid_state_changes_nothing() {
        let mut registry = Registry::default();
        let counter = series(&mut registry, Kind::Counter);
        let histogram = series(&mut registry, Kind::Histogram);
        for (id, state) in [
            (counter, SeriesState::Counter(-1.0)),
            (counter, SeriesState::Counter(f64::NAN)),
            (counter, SeriesState::Summary { sum: 1.0, count: 1 }),
            (histogram, SeriesState::Counter(1.0)),
            (histogram, SeriesState::Histogram { counts: &[1], sum: 1.0 }),
            (histogram, SeriesState::Histogram { counts: &[1, 1], sum: f64::NAN }),
        ] {
            let before = registry.version();
            assert!(registry.replace(id, state).is_err());
            assert_eq!(registry.version(), before);
        }
    }
}

//! Taking over what a series held elsewhere: the one way in that does not count what was observed
//! here.

use super::composite::{Composite, Histogram};
use super::native::NativeHistogram;
use super::series::IMPORTED;
use super::value::Kind;
use super::{Registry, SeriesId};
use crate::error::Error;

/// What a series is to hold. Exemplars are not part of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Held<'h> {
    /// A counter's total: finite, from 0 up.
    Counter(f64),
    /// A histogram's observations.
    Histogram {
        /// In each bucket alone; one longer than the family's bounds.
        counts: &'h [u64],
        /// Of all observations, no NaN.
        sum: f64,
    },
    /// A native histogram.
    Native(NativeHistogram),
    /// A summary; the window of its quantiles is empty then.
    Summary {
        /// Of all observations, no NaN.
        sum: f64,
        /// How many there were.
        count: u64,
    },
}

impl Registry {
    /// Replaces what the series holds; what is recorded from now on adds to it. Exemplars of before
    /// are forgotten. Gauges are set by [`Registry::set`], state sets by [`Registry::set_state`].
    /// On an error nothing has changed.
    pub fn replace(&mut self, id: SeriesId, held: Held) -> Result<(), Error> {
        let row = self.row(id.0)?;
        let number = match &held {
            Held::Counter(total) => *total,
            Held::Histogram { sum, .. } | Held::Summary { sum, .. } => *sum,
            Held::Native(native) => native.sum(),
        };
        let kind = self.series.kind(row);
        if let (Held::Counter(total), Some(Kind::Counter)) = (&held, kind) {
            super::check(Kind::Counter, *total, "value")?;
            self.exemplars.remove(&row);
            self.put(row, number);
            return Ok(());
        }
        if number.is_nan() {
            return Err(Error::invalid("value", "the sum is NaN, and would stay so for ever; expected a number"));
        }
        match (self.composite_mut(row), held) {
            (Some(Composite::Histogram(own)), Held::Histogram { counts, sum }) if own.counts.len() == counts.len() => {
                *own = Histogram { counts: counts.into(), sum, exemplars: Box::default() };
            }
            (Some(Composite::Native(own)), Held::Native(native)) => **own = native,
            (Some(Composite::Summary { sum: own_sum, count: own_count }), Held::Summary { sum, count }) => {
                (*own_sum, *own_count) = (sum, count);
            }
            (Some(Composite::Windowed(own)), Held::Summary { sum, count }) => own.replace(sum, count),
            _ => return Err(self.wrong_kind(row, "taken over as something else")),
        }
        self.recorded(row);
        Ok(())
    }

    /// Like [`Registry::replace`], for values that were counted elsewhere. `start_ms` is when the
    /// series began, as that place says. Where it does not, the start is unknown, and not the
    /// moment at which the series was made here: a reader would take all that was counted before
    /// for an increase. A total that fell since the last time began anew, so that its start is now.
    pub fn import(&mut self, id: SeriesId, held: Held, start_ms: Option<u64>) -> Result<(), Error> {
        let row = self.row(id.0)?;
        let fell = self.fell(row, &held);
        self.replace(id, held)?;
        let known_ms = match self.series.state(row) & IMPORTED {
            0 => 0,
            _ => self.series.created_ms(row),
        };
        self.series.import_start(row, start_ms.unwrap_or(if fell { self.now_ms } else { known_ms }));
        Ok(())
    }

    /// Notes that a series of another kind holds what was scraped elsewhere: when that began is
    /// unknown.
    pub fn forget_start(&mut self, id: SeriesId) -> Result<(), Error> {
        let row = self.row(id.0)?;
        self.series.forget_start(row);
        Ok(())
    }

    /// Whether the series holds more than what it is to hold.
    fn fell(&self, row: usize, held: &Held) -> bool {
        match (self.composite(row), held) {
            (None, Held::Counter(total)) => *total < self.series.cell(row),
            (Some(Composite::Histogram(own)), Held::Histogram { counts, .. }) => {
                counts.iter().sum::<u64>() < own.counts.iter().sum()
            }
            (Some(Composite::Native(own)), Held::Native(native)) => native.count() < own.count(),
            (Some(Composite::Summary { count: own, .. }), Held::Summary { count, .. }) => count < own,
            (Some(Composite::Windowed(own)), Held::Summary { count, .. }) => *count < own.count(),
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
    fn what_is_recorded_later_adds_to_what_was_taken_over() {
        let mut registry = Registry::default();
        let counter = series(&mut registry, Kind::Counter);
        registry.add(counter, 9.0).unwrap();
        registry.replace(counter, Held::Counter(5.0)).unwrap();
        registry.add(counter, 1.0).unwrap();
        assert_eq!(registry.point(counter), Some(Point::Counter { total: 6.0, exemplar: None }));
        let histogram = series(&mut registry, Kind::Histogram);
        registry.replace(histogram, Held::Histogram { counts: &[2, 3], sum: 7.0 }).unwrap();
        registry.observe(histogram, 0.5).unwrap();
        let Some(Point::Histogram { counts, sum, .. }) = registry.point(histogram) else { panic!() };
        assert_eq!((counts, sum), (&[3, 3][..], 7.5));
        let summary = series(&mut registry, Kind::Summary);
        registry.replace(summary, Held::Summary { sum: 4.0, count: 2 }).unwrap();
        let Some(Point::Summary { quantiles, sum, count }) = registry.point(summary) else { panic!() };
        assert!(quantiles.len() == 3 && quantiles.iter().all(|(_, value)| value.is_nan()));
        assert_eq!((sum, count), (4.0, 2));
        registry.observe(summary, 1.0).unwrap();
        let held = Point::Summary { quantiles: vec![(0.5, 1.0), (0.9, 1.0), (0.99, 1.0)], sum: 5.0, count: 3 };
        assert_eq!(registry.point(summary), Some(held));
    }

    #[test]
    fn a_start_is_what_was_told_or_when_a_total_fell_and_else_unknown() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        let counter = series(&mut registry, Kind::Counter);
        let histogram = series(&mut registry, Kind::Histogram);
        let mut take = |now_ms, total: f64, told| {
            registry.set_now(now_ms);
            registry.import(counter, Held::Counter(total), told).unwrap();
            let held = Held::Histogram { counts: &[total as u64, 0], sum: 1.0 };
            registry.import(histogram, held, told).unwrap();
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
        for (now_ms, total, told, start) in [
            (2_000, 1e6, None, None),
            (3_000, 1e6, None, None),
            (4_000, 5.0, None, Some(4_000)),
            (5_000, 8.0, None, Some(4_000)),
            (6_000, 9.0, Some(5_500), Some(5_500)),
            (7_000, 9.0, None, Some(5_500)),
            (8_000, 1.0, Some(5_500), Some(5_500)),
            (9_000, 0.0, None, Some(9_000)),
        ] {
            assert_eq!(take(now_ms, total, told), start, "{now_ms}");
        }
    }

    #[test]
    fn what_was_recorded_here_begins_here_until_it_is_replaced() {
        let mut registry = Registry::default();
        registry.set_now(1_000);
        let counter = series(&mut registry, Kind::Counter);
        registry.add(counter, 3.0).unwrap();
        assert_eq!(registry.read(1_000)[0].series[0].created_ms, Some(1_000));
        registry.import(counter, Held::Counter(1e6), None).unwrap();
        assert_eq!(registry.read(1_000)[0].series[0].created_ms, None);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut registry = Registry::default();
        let counter = series(&mut registry, Kind::Counter);
        let histogram = series(&mut registry, Kind::Histogram);
        for (id, held) in [
            (counter, Held::Counter(-1.0)),
            (counter, Held::Counter(f64::NAN)),
            (counter, Held::Summary { sum: 1.0, count: 1 }),
            (histogram, Held::Counter(1.0)),
            (histogram, Held::Histogram { counts: &[1], sum: 1.0 }),
            (histogram, Held::Histogram { counts: &[1, 1], sum: f64::NAN }),
        ] {
            let before = registry.version();
            assert!(registry.replace(id, held).is_err());
            assert_eq!(registry.version(), before);
        }
    }
}

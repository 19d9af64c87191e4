//! Taking over what a series held elsewhere: the one way in that does not count what was observed here.

use super::composite::{Composite, Histogram};
use super::native::NativeHistogram;
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
    /// A summary without quantiles.
    Summary {
        /// Of all observations, no NaN.
        sum: f64,
        /// How many there were.
        count: u64,
    },
}

impl Registry {
    /// Replaces what the series holds; what is recorded from now on adds to it. Exemplars of before are forgotten. Gauges are
    /// set by [`Registry::set`], state sets by [`Registry::set_state`]. On an error nothing has changed.
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
            _ => return Err(self.wrong_kind(row, "taken over as something else")),
        }
        self.recorded(row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Buckets, Definition, MetricName};
    use super::*;
    use crate::exposition::view::Point;

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
        let held = Point::Summary { quantiles: Vec::new(), sum: 4.0, count: 2 };
        assert_eq!(registry.point(summary), Some(held));
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

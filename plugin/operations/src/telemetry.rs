//! The plug's metrics about itself, `plugpipe_monitoring_*`. They are always counted, which is
//! cheap, but written to the registry only on request.

use core::time::Duration;

use crate::error::Error;
use crate::registry::{Buckets, Definition, Kind, MetricName, Registry, SeriesId, SeriesState};

/// Bucket bounds of exchange durations, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// How long operations that asked servers spent with them.
#[derive(Debug, Default, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Exchanges {
    /// Counts per bucket, not cumulative; the last one is above all bounds.
    counts: [u64; SECONDS.len() + 1],
    /// The sum of durations, in seconds.
    sum: f64,
}

/// The name of the histogram of exchange durations.
const EXCHANGES: &str = "plugpipe_monitoring_exchange_duration_seconds";

/// A metric that is one number.
struct Number {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&Telemetry, &Registry) -> u64,
}

/// The metrics that are one number.
const NUMBERS: [Number; 7] = [
    Number {
        name: "plugpipe_monitoring_records_total",
        kind: Kind::Counter,
        help: "Recorded values.",
        value: |own, _| own.records,
    },
    Number {
        name: "plugpipe_monitoring_pushes_total",
        kind: Kind::Counter,
        help: "Pushes that a gateway accepted.",
        value: |own, _| own.pushes,
    },
    Number {
        name: "plugpipe_monitoring_push_failures_total",
        kind: Kind::Counter,
        help: "Pushes that failed or were rejected.",
        value: |own, _| own.push_failures,
    },
    Number {
        name: "plugpipe_monitoring_encoded_bytes_total",
        kind: Kind::Counter,
        help: "Bytes of exposition written.",
        value: |own, _| own.encoded_bytes,
    },
    Number {
        name: "plugpipe_monitoring_values_lost_total",
        kind: Kind::Counter,
        help: "Values that a remote-write or OTLP receiver rejected or never received.",
        value: |own, _| own.values_lost,
    },
    Number {
        name: "plugpipe_monitoring_series_dropped_total",
        kind: Kind::Counter,
        help: "Samples dropped because of a series limit.",
        value: |own, registry| registry.dropped() + own.other_dropped,
    },
    Number {
        name: "plugpipe_monitoring_series",
        kind: Kind::Gauge,
        help: "Stored series.",
        value: |own, registry| registry.len() as u64 + own.other_series,
    },
];

/// The names of the families that [`Telemetry::publish`] writes.
fn names() -> impl Iterator<Item = &'static str> {
    NUMBERS.iter().map(|number| number.name).chain([EXCHANGES])
}

/// Whether a family is one that [`Telemetry::publish`] writes.
pub fn is_own(family: &str) -> bool {
    names().any(|name| name == family)
}

/// How many series of [`Telemetry::publish`] a registry has.
pub fn own_series(registry: &mut Registry) -> usize {
    let kinds = NUMBERS.iter().map(|number| (number.name, number.kind)).chain([(EXCHANGES, Kind::Histogram)]);
    kinds.filter(|(name, kind)| registry.find_known(name, *kind, core::iter::empty(), 0.0).is_some()).count()
}

/// What the plug did since its start.
#[derive(Debug, Default, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Telemetry {
    /// Recorded values.
    pub records: u64,
    /// Pushes that a gateway accepted.
    pub pushes: u64,
    /// Failed or rejected pushes.
    pub push_failures: u64,
    /// Written bytes of exposition.
    pub encoded_bytes: u64,
    /// Series in registries other than the published one.
    pub other_series: u64,
    /// Samples dropped there because of a series limit.
    pub other_dropped: u64,
    /// Values that a remote-write or OTLP receiver rejected or never received.
    pub values_lost: u64,
    exchanges: Exchanges,
}

impl Telemetry {
    /// Records the duration of an operation's exchanges with servers, including waits between
    /// attempts.
    pub fn exchanged(&mut self, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let bucket = SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(SECONDS.len());
        if let Some(count) = self.exchanges.counts.get_mut(bucket) {
            *count += 1;
        }
        self.exchanges.sum += seconds;
    }

    /// Writes the counters to the registry.
    pub fn publish(&self, registry: &mut Registry) -> Result<(), Error> {
        // All are read first: publishing adds series, which are counted.
        for (value, number) in NUMBERS.map(|number| ((number.value)(self, registry), number)) {
            let mut definition = Definition::new(MetricName::new(number.name, "metric_name")?, number.kind);
            definition.help = Some(number.help.into());
            let family = registry.register(definition)?;
            let id = registry.series(family, &[])?;
            match number.kind {
                Kind::Gauge => registry.set(id, value as f64)?,
                _ => registry.add(id, (value as f64 - total(registry, id)).max(0.0))?,
            }
        }
        let mut definition = Definition::new(MetricName::new(EXCHANGES, "metric_name")?, Kind::Histogram);
        definition.help = Some("Duration of exchanges with servers per operation, including waits.".into());
        definition.buckets = Some(Buckets::new(&SECONDS, "buckets")?);
        let family = registry.register(definition)?;
        let id = registry.series(family, &[])?;
        Ok(registry.replace(id, SeriesState::Histogram { counts: &self.exchanges.counts, sum: self.exchanges.sum })?)
    }

    /// Removes from the registry what [`Telemetry::publish`] wrote.
    pub fn withdraw(&self, registry: &mut Registry) -> Result<(), Error> {
        for name in names() {
            if let Some(family) = registry.family(name) {
                registry.remove_series(family, &[])?;
            }
        }
        Ok(())
    }
}

fn total(registry: &Registry, id: SeriesId) -> f64 {
    match registry.point(id) {
        Some(plugpipe_metrics::model::Point::Counter { total, .. }) => total,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_published_once() {
        let mut registry = Registry::default();
        let mut telemetry = Telemetry { records: 3, ..Telemetry::default() };
        telemetry.publish(&mut registry).unwrap();
        telemetry.records = 5;
        telemetry.publish(&mut registry).unwrap();
        let family = registry.family("plugpipe_monitoring_records_total").unwrap();
        let id = registry.series(family, &[]).unwrap();
        assert_eq!(total(&registry, id), 5.0);
    }

    #[test]
    fn exchange_durations_are_published_as_a_histogram() {
        let mut registry = Registry::default();
        let mut telemetry = Telemetry::default();
        for millis in [5, 6, 60_000] {
            telemetry.exchanged(Duration::from_millis(millis));
        }
        telemetry.publish(&mut registry).unwrap();
        telemetry.publish(&mut registry).unwrap();
        let family = registry.family("plugpipe_monitoring_exchange_duration_seconds").unwrap();
        let id = registry.series(family, &[]).unwrap();
        let Some(plugpipe_metrics::model::Point::Histogram { counts, sum, .. }) = registry.point(id) else { panic!() };
        assert_eq!((counts[0], counts[1], counts[12], counts.iter().sum::<u64>()), (1, 1, 1, 3));
        assert_eq!(sum, 60.011);
    }
}

//! The plug's metrics about itself, `plugpipe_monitoring_*`. Counts always, which costs next to nothing; writes into the registry
//! on request only.

use crate::error::Error;
use crate::registry::{Definition, Kind, MetricName, Registry, SeriesId};

/// What the plug did since its start.
#[derive(Debug, Default, Clone, Copy)]
pub struct Telemetry {
    /// Values that the registry took.
    pub records: u64,
    /// Pushes that a gateway accepted.
    pub pushes: u64,
    /// Pushes that did not arrive or were refused.
    pub push_failures: u64,
    /// Bytes of exposition that were written.
    pub encoded_bytes: u64,
}

impl Telemetry {
    /// Brings the metrics in the registry up to what was counted.
    pub fn publish(&self, registry: &mut Registry) -> Result<(), Error> {
        let series = registry.len() as u64;
        let dropped = registry.dropped();
        for (name, kind, help, value) in [
            ("plugpipe_monitoring_records_total", Kind::Counter, "Values that were recorded.", self.records),
            ("plugpipe_monitoring_pushes_total", Kind::Counter, "Pushes that a gateway accepted.", self.pushes),
            (
                "plugpipe_monitoring_push_failures_total",
                Kind::Counter,
                "Pushes that did not arrive or were refused.",
                self.push_failures,
            ),
            (
                "plugpipe_monitoring_encoded_bytes_total",
                Kind::Counter,
                "Bytes of exposition that were written.",
                self.encoded_bytes,
            ),
            (
                "plugpipe_monitoring_series_dropped_total",
                Kind::Counter,
                "Samples whose series a limit kept out.",
                dropped,
            ),
            ("plugpipe_monitoring_series", Kind::Gauge, "Series that the plug holds.", series),
        ] {
            let mut definition = Definition::new(MetricName::new(name, "metric_name")?, kind);
            definition.help = Some(help.into());
            let family = registry.register(definition)?;
            let id = registry.series(family, &[])?;
            match kind {
                Kind::Gauge => registry.set(id, value as f64)?,
                _ => registry.add(id, (value as f64 - total(registry, id)).max(0.0))?,
            }
        }
        Ok(())
    }
}

fn total(registry: &Registry, id: SeriesId) -> f64 {
    match registry.point(id) {
        Some(crate::exposition::view::Point::Counter { total, .. }) => total,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_published_once() {
        let mut registry = Registry::default();
        let mut telemetry = Telemetry { records: 3, ..Telemetry::default() };
        telemetry.publish(&mut registry).unwrap();
        telemetry.records = 5;
        telemetry.publish(&mut registry).unwrap();
        let family = registry.family("plugpipe_monitoring_records_total").unwrap();
        let id = registry.series(family, &[]).unwrap();
        assert_eq!(total(&registry, id), 5.0);
    }
}

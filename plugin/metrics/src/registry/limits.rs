//! Cardinality limits: behavior when a metric or the registry reaches its maximum number of series.

use hashbrown::HashSet;

use super::series::values_of;
use super::{FamilyId, Registry, SeriesId};

/// Why series of a metric were dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    /// The metric.
    pub metric: String,
    /// The label with the most distinct values, the likely cause.
    pub label: String,
    /// The number of distinct values of that label among the existing series.
    pub distinct_values: usize,
}

impl Registry {
    /// How many times a limit prevented the creation of a series.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Maximum number of series in the registry, not counting one overflow series per metric.
    pub fn series_limit(&self) -> usize {
        self.series_limit
    }

    /// Sets the maximum number of series in the registry. Existing series are kept.
    pub fn set_series_limit(&mut self, limit: usize) {
        self.series_limit = limit.min(super::series::MAX_ROWS);
    }

    /// If the series is its metric's overflow series, reports the label responsible. Scans every
    /// series of the metric.
    pub fn overflow(&self, id: SeriesId) -> Option<Overflow> {
        let family = self.series.family(self.series.row(id.0)?);
        let metric = self.families.get(family)?;
        if metric.overflow != Some(id.0) {
            return None;
        }
        let (label, distinct_values) = self.most_distinct(family)?;
        Some(Overflow { metric: metric.definition.name.to_string(), label, distinct_values })
    }

    /// The label of a metric with the most distinct values, and their number; `None` without
    /// labels. Scans every series of the metric.
    pub fn most_distinct_label(&self, id: FamilyId) -> Option<(String, usize)> {
        self.most_distinct(self.index(id)?)
    }

    fn most_distinct(&self, family: usize) -> Option<(String, usize)> {
        let names = &self.families.get(family)?.definition.label_names;
        let mut distinct: Vec<HashSet<&str, _>> =
            names.iter().map(|_| HashSet::with_hasher(self.hasher.clone())).collect();
        for row in
            (0..self.series.rows()).filter(|row| self.series.state(*row) != 0 && self.series.family(*row) == family)
        {
            for (values, value) in distinct.iter_mut().zip(values_of(self.series.key(row))) {
                values.insert(value);
            }
        }
        let most =
            distinct.iter().map(HashSet::len).enumerate().max_by_key(|(index, values)| (*values, names.len() - index));
        most.and_then(|(index, values)| Some((names.get(index)?.to_string(), values)))
    }
}

//! The cardinality firewall: what happens when a metric or the registry has as many series as it
//! may have. Counts series and label values; records nothing.

use hashbrown::HashSet;

use super::series::values_of;
use super::{FamilyId, Registry, SeriesId};

/// Why series of a metric were kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    /// The metric.
    pub metric: String,
    /// Its label with the most values: the one to look at first.
    pub label: String,
    /// How many values that label has among the series that are held.
    pub distinct_values: usize,
}

impl Registry {
    /// How many times a series was asked for that a limit kept out.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The most series of the whole registry; overflow series come on top, one for each metric.
    pub fn series_limit(&self) -> usize {
        self.series_limit
    }

    /// Sets the most series of the whole registry. Series that are there stay.
    pub fn set_series_limit(&mut self, limit: usize) {
        self.series_limit = limit.min(super::series::MAX_ROWS);
    }

    /// Whether the series takes what its metric's limit keeps out, and if so, the label to blame.
    /// Looks at every series of the metric.
    pub fn overflow(&self, id: SeriesId) -> Option<Overflow> {
        let family = self.series.family(self.series.row(id.0)?);
        let held = self.families.get(family)?;
        if held.overflow != Some(id.0) {
            return None;
        }
        let (label, distinct_values) = self.most_distinct(family)?;
        Some(Overflow { metric: held.definition.name.to_string(), label, distinct_values })
    }

    /// The label of a metric with the most values, and how many; none for a metric without labels.
    /// Looks at every series of the metric.
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

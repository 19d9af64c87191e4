//! The in-memory registry of families, series and their values. No I/O, no clock.
//!
//! A family is a metric name with its kind, help, options and label names; a series is a family
//! with values for those labels, identified by a [`SeriesId`]. A metric recorded with several sets
//! of label names has one family per set. Names and labels are validated once, when the series is
//! created; recording by ID does not validate them again. The caller provides the time through
//! [`Registry::set_now`].
//!
//! ```
//! use plugpipe_metrics::registry::{Buckets, Definition, Kind, LabelName, MetricName, Registry};
//!
//! let mut registry = Registry::default();
//! let mut definition = Definition::new(MetricName::new("wait_seconds", "name")?, Kind::Histogram);
//! definition.label_names = vec![LabelName::new("queue", "labels")?];
//! definition.buckets = Some(Buckets::new(&[0.1, 1.0, 10.0], "buckets")?);
//! let waits = registry.register(definition)?;
//! let mail = registry.series(waits, &["mail"])?;
//! registry.observe(mail, 0.4)?;
//!
//! // A snapshot has everything, and IDs stay valid.
//! let mut snapshot = Vec::new();
//! registry.snapshot(&mut snapshot);
//! let mut restored = Registry::restore(&snapshot, 1)?;
//! restored.observe(mail, 2.0)?;
//! assert_eq!(restored.labels(mail), Some(vec![("queue", "mail")]));
//! # Ok::<(), plugpipe_metrics::Error>(())
//! ```

mod bounds;
mod bytes;
mod composite;
mod conflicts;
mod definition;
mod delta;
mod encoding;
mod exponential;
mod family;
mod inclusion;
mod label_sets;
mod limits;
mod names;
pub mod native;
mod notices;
mod record;
mod series;
mod series_state;
mod snapshot;
pub mod summary;
mod tally;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

pub use bounds::{MAX_SERIES, OVERFLOW_VALUE};
pub use definition::{DEFAULT_WINDOW, Definition, MAX_HELP_LEN, MAX_QUANTILES, MAX_STATES, NativeConfig};
pub use label_sets::MAX_LABEL_SETS;
pub use limits::Overflow;
pub use names::{LabelName, Labels, MAX_LABELS, MAX_NAME_LEN, MAX_VALUE_LEN, MetricName, underscored};
pub use notices::Notices;
pub(crate) use record::add_exemplar;
pub use record::{Recording, check_exemplar};
pub(crate) use series::END;
pub use series_state::SeriesState;
pub use snapshot::{checksum, refused};
pub use value::{Buckets, Kind, check};

use composite::Composite;
use family::FamilyEntry;
use names::too_long;
use series::{NewSeries, SeriesTable, key_of, values_of};
use summary::DEFAULT_QUANTILES;

use crate::error::Error;
use crate::model::{Exemplar, Point};

/// The ID of a family in a registry. Never reused, even after [`Registry::clear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(u32);

/// The ID of a series in a registry. IDs count up from 0 until a series is removed. The ID of a
/// removed series is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u32);

impl SeriesId {
    /// Creates an ID from a number. Whether the series exists is checked on use.
    pub fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The number.
    pub fn raw(self) -> u32 {
        self.0
    }
}

impl FamilyId {
    /// Creates an ID from a number. Whether the family exists is checked on use.
    pub fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The number.
    pub fn raw(self) -> u32 {
        self.0
    }
}

/// A registry of metrics.
#[derive(Debug)]
pub struct Registry {
    families: Vec<FamilyEntry>,
    /// The ID of the first of `families`: the number of families before the last
    /// [`Registry::clear`].
    first_family: u32,
    /// The first label set of each metric.
    by_name: HashMap<Box<str>, usize, FixedState>,
    /// All possible sample names in text 0.0.4, so that no two families write the same one.
    sample_names: HashMap<Box<str>, usize, FixedState>,
    /// Names reserved only by a family's type in OpenMetrics, with those families.
    reserved: HashMap<Box<str>, Vec<usize>, FixedState>,
    /// Notices about new families, until [`Registry::take_notices`].
    notices: Notices,
    series: SeriesTable,
    /// The state of series that are not a single number. Their cells store the index, as bits.
    composites: Vec<Option<Composite>>,
    free_composites: Vec<usize>,
    /// Exemplars of counters, by row.
    exemplars: HashMap<usize, Exemplar, FixedState>,
    /// Time of the last recording by row, for series with a time to live; may be shorter than the
    /// number of rows.
    last_ms: Vec<u64>,
    /// Number of families whose recording needs the time.
    timed: usize,
    /// Number of families that have a source.
    included: usize,
    now_ms: u64,
    /// Incremented with every change.
    version: u64,
    /// Incremented with every change of families, series or help.
    shape: u64,
    /// Unique among the registries of the process.
    identity: u64,
    dropped: u64,
    series_limit: usize,
    hasher: FixedState,
    /// Scratch buffer for the label values of a lookup.
    key: Vec<u8>,
    /// Buckets for histograms that define none.
    pub default_buckets: Buckets,
}

impl Default for Registry {
    /// For tests and tools. For untrusted names and labels use [`Registry::with_seed`].
    fn default() -> Self {
        Self::with_seed(0)
    }
}

/// The series of all families.
pub(crate) struct Members {
    starts: Vec<usize>,
    handles: Vec<u32>,
}

impl Members {
    /// The handles of a family's series, by row.
    pub(crate) fn of(&self, family: usize) -> &[u32] {
        match (self.starts.get(family), self.starts.get(family + 1)) {
            (Some(start), Some(end)) => self.handles.get(*start..*end).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Registry {
    /// Takes the notices about families created since the last call: that one cannot keep its type
    /// in OpenMetrics because of another, or that a metric was previously recorded with other
    /// labels.
    pub fn take_notices(&mut self) -> Notices {
        std::mem::take(&mut self.notices)
    }

    /// Creates an empty registry. The seed protects its hash tables against crafted label values.
    pub fn with_seed(seed: u64) -> Self {
        static REGISTRIES: AtomicU64 = AtomicU64::new(1);
        let hasher = FixedState::with_seed(seed);
        Self {
            families: Vec::new(),
            first_family: 0,
            by_name: HashMap::with_hasher(hasher.clone()),
            sample_names: HashMap::with_hasher(hasher.clone()),
            reserved: HashMap::with_hasher(hasher.clone()),
            notices: Notices::default(),
            series: SeriesTable::new(hasher.clone()),
            composites: Vec::new(),
            free_composites: Vec::new(),
            exemplars: HashMap::with_hasher(hasher.clone()),
            last_ms: Vec::new(),
            timed: 0,
            included: 0,
            now_ms: 0,
            version: 1,
            shape: 1,
            identity: REGISTRIES.fetch_add(1, Ordering::Relaxed),
            dropped: 0,
            series_limit: MAX_SERIES,
            hasher,
            key: Vec::new(),
            default_buckets: Buckets::default(),
        }
    }

    /// The number of series.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are no series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of families, including those without series.
    pub fn families(&self) -> usize {
        self.families.len()
    }

    /// Whether recording depends on the time, so that [`Registry::set_now`] must be called first.
    pub fn is_timed(&self) -> bool {
        self.timed > 0
    }

    /// Sets the current time, in milliseconds since the Unix epoch.
    pub fn set_now(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Registers a family. Registering the same definition again returns the same family and adds
    /// the help if there was none; different label names create another family of the metric; any
    /// other difference is a conflict error that describes both. Families of other sources that are
    /// in the way are discarded.
    pub fn register(&mut self, definition: Definition) -> Result<FamilyId, Error> {
        self.displace(&definition);
        self.register_from(definition, None)
    }

    fn register_from(&mut self, definition: Definition, source: Option<&str>) -> Result<FamilyId, Error> {
        let index = match self.by_name.get(definition.name.as_str()).copied() {
            Some(first) => self.find_label_set(first, &definition, definition.label_names.iter())?.0,
            None => self.add_family(definition, source)?,
        };
        Ok(self.id(index))
    }

    /// The family with that name; the first one if there are several label sets.
    pub fn family(&self, name: &str) -> Option<FamilyId> {
        self.by_name.get(name).map(|index| self.id(*index))
    }

    /// The definition of a family, including default options.
    pub fn definition(&self, id: FamilyId) -> Option<&Definition> {
        self.families.get(self.index(id)?).map(|family| &family.definition)
    }

    /// The kind of a series.
    pub fn kind(&self, id: SeriesId) -> Option<Kind> {
        self.series.kind(self.series.row(id.0)?)
    }

    /// The exposed name of a family.
    pub(crate) fn exposed_name(&self, id: FamilyId) -> Option<&str> {
        let family = self.families.get(self.index(id)?)?;
        Some(family.exposed_as.as_deref().unwrap_or(family.definition.name.as_str()))
    }

    /// The family of a series.
    pub fn family_of(&self, id: SeriesId) -> Option<FamilyId> {
        self.series.row(id.0).map(|row| self.id(self.series.family(row)))
    }

    /// Finds or creates the series with these label values, in the order of the family's sorted
    /// label names. Beyond a limit it returns the family's overflow series: [`Registry::overflow`].
    pub fn series(&mut self, family: FamilyId, label_values: &[&str]) -> Result<SeriesId, Error> {
        let index = self.family_index(family)?;
        let names = self.families.get(index).map(|family| family.definition.label_names.as_slice()).unwrap_or_default();
        if names.len() != label_values.len() {
            let names: Vec<&str> = names.iter().map(LabelName::as_str).collect();
            let problem = format!(
                "expected {} values, for the labels {{{}}}, got {}",
                names.len(),
                names.join(", "),
                label_values.len()
            );
            return Err(Error::invalid("label_values", problem));
        }
        if let Some((name, value)) = names.iter().zip(label_values).find(|(_, value)| value.len() > MAX_VALUE_LEN) {
            return Err(too_long(&format!("labels.{name}"), value));
        }
        self.find_or_create(index, label_values.iter().copied()).map(|(id, _)| id)
    }

    /// Like [`Registry::series`], with names and values in any order.
    pub fn series_by_labels(&mut self, family: FamilyId, labels: &[(&str, &str)]) -> Result<SeriesId, Error> {
        let index = self.family_index(family)?;
        let values = self.sorted_values(index, labels)?;
        self.series(family, &values)
    }

    /// Removes a series. Recording to its ID afterward is an error.
    pub fn remove(&mut self, id: SeriesId) -> Result<(), Error> {
        let row = self.row(id.0)?;
        self.remove_row(row);
        Ok(())
    }

    /// Removes the series with these labels, in any order, and returns whether it existed.
    pub fn remove_series(&mut self, family: FamilyId, labels: &[(&str, &str)]) -> Result<bool, Error> {
        let index = self.family_index(family)?;
        let values = self.sorted_values(index, labels)?;
        let mut key = Vec::new();
        key_of(values, &mut key);
        let row = self.series.find(index as u32, &key).or_else(|| self.find_in_other_set(index, &key));
        row.into_iter().for_each(|row| self.remove_row(row));
        Ok(row.is_some())
    }

    /// Removes all families and series and returns the number of series. The count of dropped
    /// series is kept.
    pub fn clear(&mut self) -> usize {
        let removed = self.len();
        self.series.clear();
        self.first_family += self.families.len() as u32;
        self.families.clear();
        self.by_name.clear();
        self.sample_names.clear();
        self.reserved.clear();
        self.notices = Notices::default();
        self.composites.clear();
        self.free_composites.clear();
        self.exemplars.clear();
        self.last_ms.clear();
        (self.timed, self.included) = (0, 0);
        self.reshape(None);
        removed
    }

    /// Removes series that were not updated within their family's time to live, and returns their
    /// number. Sets the time to `now_ms`.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        self.set_now(now_ms);
        if !self.families.iter().any(|family| family.definition.ttl.is_some()) {
            return 0;
        }
        let before = self.len();
        for row in 0..self.series.rows() {
            if self.series.state(row) & series::TIMED == 0 {
                continue;
            }
            let ttl = self.families.get(self.series.family(row)).and_then(|family| family.definition.ttl);
            let last = self.last_ms.get(row).copied().unwrap_or(0);
            if ttl.is_some_and(|ttl| now_ms.saturating_sub(last) >= definition::milliseconds(ttl)) {
                self.remove_row(row);
            }
        }
        before - self.len()
    }

    /// The state of a series at the current time.
    pub fn point(&self, id: SeriesId) -> Option<Point<'_>> {
        self.point_at(self.series.row(id.0)?, self.now_ms)
    }

    /// The labels of a series, sorted by name.
    pub fn labels(&self, id: SeriesId) -> Option<Vec<(&str, &str)>> {
        self.series.row(id.0).map(|row| self.labels_of(row))
    }
}

impl Registry {
    fn id(&self, index: usize) -> FamilyId {
        FamilyId(self.first_family + index as u32)
    }

    fn index(&self, id: FamilyId) -> Option<usize> {
        id.0.checked_sub(self.first_family).map(|index| index as usize).filter(|index| *index < self.families.len())
    }

    fn family_index(&self, id: FamilyId) -> Result<usize, Error> {
        self.index(id).ok_or_else(|| {
            let problem = format!(
                "there is no metric {}; it was cleared or belongs to another registry; register it again",
                id.0
            );
            Error::invalid("family", problem)
        })
    }

    fn row(&self, handle: u32) -> Result<usize, Error> {
        self.series.row(handle).ok_or_else(|| unknown_series(handle))
    }

    fn reshape(&mut self, family: Option<usize>) {
        self.version += 1;
        self.shape += 1;
        if let Some(family) = family.and_then(|index| self.families.get_mut(index)) {
            family.shape = self.shape;
        }
    }

    fn add_family(&mut self, mut definition: Definition, source: Option<&str>) -> Result<usize, Error> {
        definition.check()?;
        self.check_families()?;
        let index = self.families.len();
        let sample_names = definition.sample_names();
        for sample_name in &sample_names {
            if let Some(other) = self.sample_names.get(sample_name.as_str()).and_then(|index| self.families.get(*index))
            {
                return Err(Error::Conflict {
                    metric: definition.name.to_string(),
                    problem: format!(
                        "as a {} it would write samples named {sample_name}, and so does the {} {}; rename one of them",
                        definition.kind.name(),
                        other.definition.kind.name(),
                        other.definition.name
                    ),
                });
            }
        }
        let is_classic = match definition.kind {
            Kind::Histogram => true,
            Kind::GaugeHistogram => definition.native.is_none(),
            _ => false,
        };
        if is_classic && definition.buckets.is_none() {
            definition.buckets = Some(self.default_buckets.clone());
        }
        if definition.kind == Kind::Summary && definition.quantiles.is_none() {
            definition.quantiles = Some(DEFAULT_QUANTILES.to_vec());
        }
        // Store the defaults, so that a later definition that spells them out is compatible.
        if definition.quantiles.as_ref().is_some_and(|ranks| !ranks.is_empty()) {
            definition.window.get_or_insert(DEFAULT_WINDOW);
        }
        if definition.kind == Kind::NativeHistogram {
            definition.native.get_or_insert_default();
        }
        definition.help = definition.help.filter(|help| !help.is_empty());
        definition.unit = definition.unit.filter(|unit| !unit.is_empty());
        self.timed += usize::from(definition.is_timed());
        self.sample_names.extend(sample_names.into_iter().map(|sample_name| (sample_name.into(), index)));
        self.by_name.insert(definition.name.as_str().into(), index);
        let openmetrics = definition.reserved_names();
        self.included += usize::from(source.is_some());
        let source = source.map(Into::into);
        self.families.push(FamilyEntry { first_set: index, source, ..FamilyEntry::new(definition) });
        self.find_conflicts(index, &openmetrics);
        self.reshape(Some(index));
        Ok(index)
    }

    /// Returns an error if the maximum number of families is reached.
    fn check_families(&self) -> Result<(), Error> {
        match self.families.len() < self.series_limit {
            true => Ok(()),
            false => Err(Error::LimitReached {
                what: "metrics".into(),
                limit: self.series_limit,
                todo: "use fewer metric names and put the differences in a label",
            }),
        }
    }

    fn sorted_values<'a>(&self, index: usize, labels: &[(&str, &'a str)]) -> Result<Vec<&'a str>, Error> {
        let names = self.families.get(index).map(|family| family.definition.label_names.as_slice()).unwrap_or_default();
        if let Some((unknown, _)) = labels.iter().find(|(name, _)| !names.iter().any(|own| own.as_str() == *name)) {
            let known: Vec<&str> = names.iter().map(LabelName::as_str).collect();
            let problem = format!("the metric has no such label; it has {{{}}}", known.join(", "));
            return Err(Error::invalid(format!("labels.{}", crate::error::excerpt(unknown, 100)), problem));
        }
        let value = |name: &LabelName| {
            let mut given = labels.iter().filter(|(own, _)| *own == name.as_str());
            let problem = match (given.next(), given.next()) {
                (Some((_, value)), None) => return Ok(*value),
                (None, _) => "is missing; pass all labels each time (values may be empty)",
                (Some(_), Some(_)) => "the label is given twice",
            };
            Err(Error::invalid(format!("labels.{name}"), problem))
        };
        names.iter().map(value).collect()
    }

    /// Finds or creates the series with these values. If created, also returns the data for undoing
    /// it.
    fn find_or_create<'a>(
        &mut self,
        index: usize,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<(SeriesId, Option<(u32, bool)>), Error> {
        let mut key = std::mem::take(&mut self.key);
        key_of(values, &mut key);
        let found = self.find_or_create_key(index, &key);
        self.key = key;
        found
    }

    fn find_or_create_key(&mut self, index: usize, key: &[u8]) -> Result<(SeriesId, Option<(u32, bool)>), Error> {
        if let Some(handle) = self.series.find(index as u32, key).and_then(|row| self.series.handle(row)) {
            return Ok((SeriesId(handle), None));
        }
        if let Some(handle) = self.find_in_other_set(index, key).and_then(|row| self.series.handle(row)) {
            return Ok((SeriesId(handle), None));
        }
        let limit_reached =
            |limit| Error::LimitReached { what: "series".into(), limit, todo: "use fewer distinct label values" };
        let Some(family) = self.families.get(index) else { return Err(limit_reached(self.series_limit)) };
        let own_limit = family.definition.series_limit.unwrap_or(usize::MAX);
        if family.live < own_limit && self.series.len() < self.series_limit {
            let created = self.insert(index, key).map_err(|_| limit_reached(series::MAX_ROWS))?;
            return Ok((SeriesId(created.0), Some(created)));
        }
        let labels = family.definition.label_names.len();
        if labels == 0 {
            return Err(limit_reached(own_limit.min(self.series_limit)));
        }
        self.dropped += 1;
        if let Some(handle) = family.overflow {
            return Ok((SeriesId(handle), None));
        }
        let mut overflow = Vec::new();
        key_of((0..labels).map(|_| OVERFLOW_VALUE), &mut overflow);
        // The series may exist already, created explicitly.
        let created = match self.series.find(index as u32, &overflow).and_then(|row| self.series.handle(row)) {
            Some(handle) => (handle, None),
            None => {
                let created = self.insert(index, &overflow).map_err(|_| limit_reached(series::MAX_ROWS))?;
                (created.0, Some(created))
            }
        };
        if let Some(family) = self.families.get_mut(index) {
            family.overflow = Some(created.0);
            family.live -= 1;
        }
        Ok((SeriesId(created.0), created.1))
    }

    fn insert(&mut self, index: usize, key: &[u8]) -> Result<(u32, bool), series::Full> {
        let Some(family) = self.families.get_mut(index) else { return Err(series::Full) };
        let definition = &family.definition;
        let composite = Composite::new(definition);
        let mut state = definition.kind as u16;
        if definition.ttl.is_some() {
            state |= series::TIMED;
        }
        let place = self.free_composites.last().copied().unwrap_or(self.composites.len());
        let cell = match (&composite, definition.kind) {
            (Some(_), _) => f64::from_bits(place as u64),
            (None, Kind::Info) => 1.0,
            (None, _) => 0.0,
        };
        let new = NewSeries { family: index as u32, state, cell, created_ms: self.now_ms };
        let created = self.series.insert(new, key)?;
        family.live += 1;
        if let Some(composite) = composite {
            self.free_composites.pop();
            self.store_composite(place, composite);
        }
        if state & series::TIMED != 0
            && let Some(row) = self.series.row(created.0)
        {
            self.touch(row);
        }
        self.reshape(Some(index));
        Ok(created)
    }

    fn store_composite(&mut self, place: usize, composite: Composite) {
        match self.composites.get_mut(place) {
            Some(free) => *free = Some(composite),
            None => self.composites.push(Some(composite)),
        }
    }

    // Inlining it at its call sites would add kilobytes to the component.
    #[inline(never)]
    fn remove_row(&mut self, row: usize) {
        let handle = self.series.handle(row);
        self.release(row, handle);
        self.series.remove(row);
    }

    /// Removes everything stored for a series except its row.
    fn release(&mut self, row: usize, handle: Option<u32>) {
        let index = self.series.family(row);
        if self.composite(row).is_some() {
            let place = self.series.cell(row).to_bits() as usize;
            if let Some(composite) = self.composites.get_mut(place) {
                *composite = None;
                self.free_composites.push(place);
            }
        }
        self.exemplars.remove(&row);
        if let Some(family) = self.families.get_mut(index) {
            if family.overflow.is_some() && family.overflow == handle {
                family.overflow = None;
            } else {
                family.live -= 1;
            }
        }
        self.reshape(Some(index));
    }

    fn touch(&mut self, row: usize) {
        if self.last_ms.len() <= row {
            self.last_ms.resize(row + 1, 0);
        }
        if let Some(last) = self.last_ms.get_mut(row) {
            *last = self.now_ms;
        }
    }

    fn is_composite(&self, row: usize) -> bool {
        self.series.kind(row).is_some_and(|kind| !Self::is_scalar(kind))
    }

    fn composite(&self, row: usize) -> Option<&Composite> {
        match self.is_composite(row) {
            true => self.composites.get(self.series.cell(row).to_bits() as usize)?.as_ref(),
            false => None,
        }
    }

    fn point_at(&self, row: usize, now_ms: u64) -> Option<Point<'_>> {
        if let Some(composite) = self.composite(row) {
            return Some(composite.point(&self.families.get(self.series.family(row))?.definition, now_ms));
        }
        match self.series.kind(row)? {
            Kind::Counter => Some(Point::Counter { total: self.series.cell(row), exemplar: self.exemplars.get(&row) }),
            Kind::Info => Some(Point::Info),
            _ => Some(Point::Gauge(self.series.cell(row))),
        }
    }

    fn labels_of(&self, row: usize) -> Vec<(&str, &str)> {
        let names = self.families.get(self.series.family(row)).map(|family| family.definition.label_names.as_slice());
        names.unwrap_or_default().iter().map(LabelName::as_str).zip(values_of(self.series.key(row))).collect()
    }
}

fn unknown_series(handle: u32) -> Error {
    Error::UnknownSeries { handle }
}

#[cfg(test)]
mod tests;

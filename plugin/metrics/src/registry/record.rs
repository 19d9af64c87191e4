//! Recording by handle, for one or many series; and by definition and labels, which finds or
//! creates the series.

use super::composite::{Composite, Histogram};
use super::definition::Definition;
use super::names::{LabelName, Labels};
use super::notices::Checkpoint;
use super::value::{Kind, check};
use super::{END, FamilyEntry, Registry, SeriesId, series, unknown_series};
use crate::error::Error;
use crate::model::Exemplar;

/// Maximum number of characters in the label names and values of an exemplar, from OpenMetrics.
const MAX_EXEMPLAR_LEN: usize = 128;

/// Maximum number of exemplars of a native histogram.
pub(super) const MAX_EXEMPLARS: usize = 16;

/// A recording: definition, labels and amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The family to find or create. Its `label_names` are ignored; the names in `labels` are used.
    pub definition: Definition,
    /// The labels of the series.
    pub labels: Labels,
    /// Added, set or observed, depending on the kind. Must be 1 for an info.
    pub amount: f64,
}

/// The changes made by a batch, for rolling back.
#[derive(Debug, Default)]
struct Undo {
    series: Vec<(u32, bool)>,
    /// First label sets of metrics whose help was set.
    helps: Vec<usize>,
    /// The notices before the batch.
    notices: Checkpoint,
}

/// Recording by handle. Errors name the metric and leave the registry unchanged.
impl Registry {
    /// Adds to a counter or gauge.
    #[inline]
    pub fn add(&mut self, id: SeriesId, amount: f64) -> Result<(), Error> {
        if self.series.add_fast(id.0, amount) {
            self.version += 1;
            return Ok(());
        }
        self.add_slow(id, amount)
    }

    /// Sets a gauge.
    #[inline]
    pub fn set(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        if self.series.set_fast(id.0, value) {
            self.version += 1;
            return Ok(());
        }
        self.set_slow(id, value)
    }

    #[inline(never)]
    fn add_slow(&mut self, id: SeriesId, amount: f64) -> Result<(), Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(Kind::Counter) => {
                check(Kind::Counter, amount, "value").map_err(|error| self.with_metric_name(row, error))?
            }
            Some(Kind::Gauge | Kind::Unknown) => {}
            _ => return Err(self.wrong_kind(row, "added to")),
        }
        let cell = self.series.cell(row) + amount;
        self.set_cell(row, cell);
        Ok(())
    }

    #[inline(never)]
    fn set_slow(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(Kind::Gauge | Kind::Unknown) => self.set_cell(row, value),
            _ => return Err(self.wrong_kind(row, "set")),
        }
        Ok(())
    }

    /// Observes a value, for histograms, native histograms and summaries.
    pub fn observe(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        let row = self.observable(id, value)?;
        self.record_row(row, value);
        Ok(())
    }

    /// Switches one state of a state set.
    pub fn set_state(&mut self, id: SeriesId, state: &str, on: bool) -> Result<(), Error> {
        let row = self.row(id.0)?;
        let Some(Composite::States(states)) = self.composite_mut(row) else {
            return Err(self.wrong_kind(row, "switched"));
        };
        let Some((_, flag)) = states.iter_mut().find(|(name, _)| **name == *state) else {
            let known: Vec<&str> = states.iter().map(|(name, _)| &**name).collect();
            let problem =
                format!("unknown state {:?}; expected one of {}", crate::error::excerpt(state, 100), known.join(", "));
            return Err(Error::invalid("state", problem));
        };
        *flag = on;
        self.mark_recorded(row);
        Ok(())
    }

    /// Adds to a counter and stores an exemplar, replacing the previous one.
    pub fn add_with_exemplar(&mut self, id: SeriesId, amount: f64, exemplar: Exemplar) -> Result<(), Error> {
        let row = self.row(id.0)?;
        if self.series.kind(row) != Some(Kind::Counter) {
            return Err(self.wrong_kind(row, "added to with an exemplar"));
        }
        check_exemplar(&exemplar)?;
        self.add(id, amount)?;
        self.exemplars.insert(row, exemplar);
        Ok(())
    }

    /// Observes a value in a histogram and stores an exemplar: in its bucket, replacing the previous
    /// one, or in place of the oldest one of a native histogram. `exemplar.value` is set to the
    /// observed value.
    pub fn observe_with_exemplar(&mut self, id: SeriesId, value: f64, mut exemplar: Exemplar) -> Result<(), Error> {
        let row = self.row(id.0)?;
        if !matches!(self.series.kind(row), Some(Kind::Histogram | Kind::NativeHistogram)) {
            return Err(self.wrong_kind(row, "observed with an exemplar"));
        }
        check_exemplar(&exemplar)?;
        self.observable(id, value)?;
        let bucket = self.record_row(row, value);
        exemplar.value = value;
        match self.composite_mut(row) {
            Some(Composite::Histogram(Histogram { counts, exemplars, .. })) => {
                if exemplars.is_empty() {
                    *exemplars = vec![None; counts.len()].into();
                }
                if let Some(place) = bucket.and_then(|bucket| exemplars.get_mut(bucket)) {
                    *place = Some(exemplar);
                }
            }
            Some(Composite::Native(native)) => add_exemplar(&mut native.exemplars, exemplar),
            _ => {}
        }
        Ok(())
    }

    /// Records according to the kinds: adds to counters, sets gauges, and observes values in the
    /// others. All or nothing: on an error, nothing changes, and the error comes with the index of
    /// the pair that caused it. `ids` are raw [`SeriesId`]s, one per value.
    pub fn record_many(&mut self, ids: &[u32], values: &[f64]) -> Result<(), (usize, Error)> {
        if ids.len() != values.len() {
            let problem = format!("got {} values for {} series; expected one per series", values.len(), ids.len());
            return Err((ids.len().min(values.len()), Error::invalid("values", problem)));
        }
        if self.series.record_fast(ids, values) {
            self.version += 1;
            return Ok(());
        }
        for (index, (id, value)) in ids.iter().zip(values).enumerate() {
            self.check_record(*id, *value).map_err(|error| (index, error))?;
        }
        for (id, value) in ids.iter().zip(values) {
            if let Some(row) = self.series.row(*id) {
                self.record_row(row, *value);
            }
        }
        Ok(())
    }

    /// Records one value according to the kind; see [`Registry::record_many`].
    pub fn record(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        self.check_record(id.0, value)?;
        if let Some(row) = self.series.row(id.0) {
            self.record_row(row, value);
        }
        Ok(())
    }

    /// Records to an existing series. `None`, with nothing changed, if there is none with this
    /// name, kind and labels (in any order), if it is an overflow series, which the caller must
    /// report, or if the amount is invalid for the kind.
    pub fn record_known<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        labels: impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone,
        amount: f64,
    ) -> Option<SeriesId> {
        let (row, id) = self.find_row(name, kind, labels, amount)?;
        self.record_row(row, amount);
        Some(id)
    }

    /// Finds the series that [`Registry::record_known`] would record to, without recording.
    pub fn find_known<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        labels: impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone,
        amount: f64,
    ) -> Option<SeriesId> {
        self.find_row(name, kind, labels, amount).map(|(_, id)| id)
    }

    #[inline]
    fn find_row<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        labels: impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone,
        amount: f64,
    ) -> Option<(usize, SeriesId)> {
        let mut key = std::mem::take(&mut self.key);
        // The lengths are equal, so if each label is found, there are no duplicates.
        let mut write_key = |family: &FamilyEntry| {
            key.clear();
            let names = family.definition.label_names.as_slice();
            names.len() == labels.len()
                && names.iter().all(|own| {
                    let Some((_, value)) = labels.clone().find(|(name, _)| *name == own.as_str()) else { return false };
                    key.extend_from_slice(value.as_bytes());
                    key.push(END);
                    true
                })
        };
        let first = self.by_name.get(name).copied();
        let found = first.and_then(|first| self.label_sets(first).find(|(_, family)| write_key(family)));
        let found = found.filter(|(_, family)| {
            family.definition.kind == kind && family.source.is_none() && check(kind, amount, "").is_ok()
        });
        let found = found.and_then(|(index, family)| {
            let row = self.series.find(index as u32, &key)?;
            Some((row, self.series.handle(row).filter(|handle| family.overflow != Some(*handle))?))
        });
        self.key = key;
        let (row, handle) = found?;
        Some((row, SeriesId(handle)))
    }

    /// The value of a counter or gauge; `None` for other kinds.
    pub fn scalar(&self, id: SeriesId) -> Option<f64> {
        let row = self.series.row(id.0)?;
        matches!(self.series.kind(row)?, Kind::Counter | Kind::Gauge | Kind::Unknown).then(|| self.series.cell(row))
    }

    /// Applies recordings, all or nothing, and returns their series in the same order. On an error,
    /// nothing changes; the error comes with the index of the recording that caused it. Families of
    /// other sources that are in the way are discarded, also on an error: the next inclusion brings
    /// them back.
    pub fn record_all(&mut self, recordings: &[Recording]) -> Result<Vec<SeriesId>, (usize, Error)> {
        // Not between insertions, which are rolled back in order.
        recordings.iter().for_each(|recording| self.displace(&recording.definition));
        let (families, dropped) = (self.families.len(), self.dropped);
        let mut undo = Undo { notices: self.notices.checkpoint(), ..Undo::default() };
        let mut ids = Vec::with_capacity(recordings.len());
        for (index, recording) in recordings.iter().enumerate() {
            match self.prepare(recording, &mut undo) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    self.rollback(families, undo);
                    self.dropped = dropped;
                    return Err((index, error));
                }
            }
        }
        for (id, recording) in ids.iter().zip(recordings) {
            if let Some(row) = self.series.row(id.0)
                && recording.definition.kind != Kind::Info
            {
                self.record_row(row, recording.amount);
            }
        }
        Ok(ids)
    }
}

impl Registry {
    fn prepare(&mut self, recording: &Recording, undo: &mut Undo) -> Result<SeriesId, Error> {
        let Recording { definition, labels, amount } = recording;
        match definition.kind {
            Kind::Info if *amount == 1.0 => {}
            kind => check(kind, *amount, "metric_value")?,
        }
        if let Some(own) = definition.kind.own_label(definition.name.as_str())
            && labels.get(own).is_some()
        {
            return Err(Error::invalid(
                format!("labels.{own}"),
                format!("a {} writes the label {own} itself; choose another name", definition.kind.name()),
            ));
        }
        let index = match self.by_name.get(definition.name.as_str()).copied() {
            Some(first) => {
                let (index, has_new_help) = self.find_label_set(first, definition, labels.names())?;
                undo.helps.extend(has_new_help.then_some(first));
                index
            }
            None => {
                let label_names: Vec<LabelName> = labels.names().cloned().collect();
                self.add_family(Definition { label_names, ..definition.clone() }, None)?
            }
        };
        let (id, new) = self.find_or_create(index, labels.iter().map(|(_, value)| value))?;
        undo.series.extend(new);
        Ok(id)
    }

    /// Removes the families and series created, and the help set.
    fn rollback(&mut self, families: usize, undo: Undo) {
        for new in undo.series.into_iter().rev() {
            if let Some(row) = self.series.row(new.0) {
                self.release(row, Some(new.0));
            }
            self.series.undo_insert(new);
        }
        for index in undo.helps {
            self.set_help(index, None);
        }
        let timed = self.families.iter().skip(families).filter(|family| family.definition.is_timed()).count();
        self.timed -= timed;
        self.families.truncate(families);
        self.by_name.retain(|_, index| *index < families);
        self.sample_names.retain(|_, index| *index < families);
        self.reserved.retain(|_, indices| {
            indices.retain(|index| *index < families);
            !indices.is_empty()
        });
        for family in &mut self.families {
            family.conflicts.retain(|conflict| *conflict < families);
            family.next_set = family.next_set.filter(|next| *next < families);
        }
        self.notices.rollback(undo.notices);
        self.reshape(None);
    }

    fn check_record(&self, id: u32, value: f64) -> Result<(), Error> {
        let row = self.series.row(id).ok_or_else(|| unknown_series(id))?;
        let kind = self.series.kind(row).ok_or_else(|| unknown_series(id))?;
        check(kind, value, "values").map_err(|error| self.with_metric_name(row, error))
    }

    fn observable(&self, id: SeriesId, value: f64) -> Result<usize, Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(kind @ (Kind::Histogram | Kind::NativeHistogram | Kind::Summary)) => {
                check(kind, value, "value").map_err(|error| self.with_metric_name(row, error)).map(|()| row)
            }
            _ => Err(self.wrong_kind(row, "observed")),
        }
    }

    /// Records a validated value. Returns the bucket for a histogram.
    fn record_row(&mut self, row: usize, value: f64) -> Option<usize> {
        match self.series.kind(row) {
            Some(Kind::Counter) => self.set_cell(row, self.series.cell(row) + value),
            Some(Kind::Gauge | Kind::Unknown) => self.set_cell(row, value),
            Some(_) => {
                let now_ms = self.now_ms;
                let place = self.series.cell(row).to_bits() as usize;
                let bucket = match (self.families.get(self.series.family(row)), self.composites.get_mut(place)) {
                    (Some(family), Some(Some(composite))) if !Self::is_scalar(family.definition.kind) => {
                        composite.observe(&family.definition, value, now_ms)
                    }
                    _ => None,
                };
                self.mark_recorded(row);
                return bucket;
            }
            None => {}
        }
        None
    }

    #[inline]
    pub(super) fn set_cell(&mut self, row: usize, value: f64) {
        if let Some(cell) = self.series.cells.get_mut(row) {
            *cell = value;
        }
        self.mark_recorded(row);
    }

    #[inline]
    pub(super) fn mark_recorded(&mut self, row: usize) {
        self.version += 1;
        if self.series.state(row) & series::TIMED != 0 {
            self.touch(row);
        }
    }

    pub(super) fn composite_mut(&mut self, row: usize) -> Option<&mut Composite> {
        match self.is_composite(row) {
            true => self.composites.get_mut(self.series.cell(row).to_bits() as usize)?.as_mut(),
            false => None,
        }
    }

    #[cold]
    pub(super) fn wrong_kind(&self, row: usize, action: &str) -> Error {
        let Some(definition) = self.families.get(self.series.family(row)).map(|family| &family.definition) else {
            return unknown_series(row as u32);
        };
        let todo = match definition.kind {
            Kind::Counter => "add to it",
            Kind::Gauge | Kind::Unknown => "set it or add to it",
            Kind::Histogram | Kind::NativeHistogram | Kind::Summary => "observe values",
            Kind::Info => "put the information in its labels",
            Kind::StateSet => "switch its states by name",
            Kind::GaugeHistogram => "import it as a whole",
        };
        Error::Conflict {
            metric: definition.name.to_string(),
            problem: format!("it is a {} and cannot be {action}; {todo}", definition.kind.name()),
        }
    }

    /// Adds the metric's name to the error.
    #[cold]
    fn with_metric_name(&self, row: usize, error: Error) -> Error {
        match (self.families.get(self.series.family(row)), error) {
            (Some(family), Error::Invalid { field, problem }) => {
                Error::Invalid { field, problem: format!("metric {}: {problem}", family.definition.name) }
            }
            (_, other) => other,
        }
    }
}

/// Adds an exemplar to those of a native histogram, in place of the oldest one if there are too
/// many.
pub(crate) fn add_exemplar(exemplars: &mut Vec<Exemplar>, exemplar: Exemplar) {
    exemplars.push(exemplar);
    if exemplars.len() > MAX_EXEMPLARS
        && let Some((oldest, _)) = exemplars.iter().enumerate().min_by_key(|(_, exemplar)| exemplar.unix_ms)
    {
        exemplars.remove(oldest);
    }
}

/// Checks that the labels of an exemplar are valid and not too long.
pub fn check_exemplar(exemplar: &Exemplar) -> Result<(), Error> {
    let labels = || exemplar.labels.iter();
    for (name, _) in labels() {
        LabelName::new(name, "exemplar")?;
    }
    let characters: usize = labels().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    if characters > MAX_EXEMPLAR_LEN {
        let problem = format!("its labels have {characters} characters; the maximum is {MAX_EXEMPLAR_LEN}");
        return Err(Error::invalid("exemplar", problem));
    }
    // Quadratic, but the length limit keeps the number of labels small.
    let mut names = labels().map(|(name, _)| name).enumerate();
    if let Some((_, duplicate)) = names.find(|(index, name)| labels().take(*index).any(|(other, _)| other == *name)) {
        return Err(Error::invalid(format!("exemplar.{duplicate}"), "the label is given twice"));
    }
    Ok(())
}

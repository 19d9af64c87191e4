//! Recording: by handle, one or many; and by definition and labels, which finds or makes the
//! series.

use super::composite::{Composite, Histogram};
use super::definition::Definition;
use super::names::{LabelName, Labels};
use super::notices::Mark;
use super::value::{Kind, check};
use super::{END, Family, Registry, SeriesId, series, unknown_series};
use crate::error::Error;
use crate::model::Exemplar;

/// The most characters that the labels of an exemplar may have together, names and values:
/// OpenMetrics' limit.
const MAX_EXEMPLAR_LEN: usize = 128;

/// One recording: what, where, how much.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The family to find or make. Its `label_names` are not looked at: the names are those of
    /// `labels`.
    pub definition: Definition,
    /// The series in it.
    pub labels: Labels,
    /// Added, set or observed, as the kind says. For an info it must be 1.
    pub amount: f64,
}

/// What was made for a batch, to take it back.
#[derive(Debug, Default)]
struct Made {
    series: Vec<(u32, bool)>,
    /// First label sets of metrics that got their help.
    helps: Vec<usize>,
    /// The notices of before.
    notices: Mark,
}

/// Recording by handle. All errors leave the registry as it was; they name the metric.
impl Registry {
    /// Adds to a counter or gauge.
    #[inline]
    pub fn add(&mut self, id: SeriesId, amount: f64) -> Result<(), Error> {
        if self.series.add_plain(id.0, amount) {
            self.version += 1;
            return Ok(());
        }
        self.add_any(id, amount)
    }

    /// Sets a gauge.
    #[inline]
    pub fn set(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        if self.series.set_plain(id.0, value) {
            self.version += 1;
            return Ok(());
        }
        self.set_any(id, value)
    }

    #[inline(never)]
    fn add_any(&mut self, id: SeriesId, amount: f64) -> Result<(), Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(Kind::Counter) => check(Kind::Counter, amount, "value").map_err(|error| self.named(row, error))?,
            Some(Kind::Gauge) => {}
            _ => return Err(self.wrong_kind(row, "added to")),
        }
        let cell = self.series.cell(row) + amount;
        self.put(row, cell);
        Ok(())
    }

    #[inline(never)]
    fn set_any(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(Kind::Gauge) => self.put(row, value),
            _ => return Err(self.wrong_kind(row, "set")),
        }
        Ok(())
    }

    /// Observes a value: for histograms, native histograms and summaries.
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
                format!("there is no state {:?}; there are {}", crate::error::excerpt(state, 100), known.join(", "));
            return Err(Error::invalid("state", problem));
        };
        *flag = on;
        self.recorded(row);
        Ok(())
    }

    /// Adds to a counter, and keeps an example of what was counted; the last one given stays.
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

    /// Observes a value in a histogram, and keeps an example of it; each bucket keeps the last one
    /// given. `exemplar.value` is the value observed, whatever it was before.
    pub fn observe_with_exemplar(&mut self, id: SeriesId, value: f64, mut exemplar: Exemplar) -> Result<(), Error> {
        let row = self.row(id.0)?;
        if self.series.kind(row) != Some(Kind::Histogram) {
            return Err(self.wrong_kind(row, "observed with an exemplar"));
        }
        check_exemplar(&exemplar)?;
        self.observable(id, value)?;
        let bucket = self.record_row(row, value);
        exemplar.value = value;
        if let Some(Composite::Histogram(Histogram { counts, exemplars, .. })) = self.composite_mut(row) {
            if exemplars.is_empty() {
                *exemplars = vec![None; counts.len()].into();
            }
            if let Some(place) = bucket.and_then(|bucket| exemplars.get_mut(bucket)) {
                *place = Some(exemplar);
            }
        }
        Ok(())
    }

    /// Records as the kinds say: counters add, gauges are set, the others observe. All or none: an
    /// error comes with the index of the pair that caused it, and nothing has changed. `ids` are
    /// raw [`SeriesId`]s, as many as there are values.
    pub fn record_many(&mut self, ids: &[u32], values: &[f64]) -> Result<(), (usize, Error)> {
        if ids.len() != values.len() {
            let problem = format!("{} values are given for {} series; give one for each", values.len(), ids.len());
            return Err((ids.len().min(values.len()), Error::invalid("values", problem)));
        }
        if self.series.record_plain(ids, values) {
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

    /// Records one value as the kind says; see [`Registry::record_many`].
    pub fn record(&mut self, id: SeriesId, value: f64) -> Result<(), Error> {
        self.check_record(id.0, value)?;
        if let Some(row) = self.series.row(id.0) {
            self.record_row(row, value);
        }
        Ok(())
    }

    /// Records to a series that is there already. None, and nothing has changed, if there is none
    /// with this name, kind and labels, in any order; if it is an overflow series, of which more is
    /// to be said; or if the kind takes no such amount.
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

    /// Finds what [`Registry::record_known`] would record to, and changes nothing.
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
        // As many labels are given as there are, so that with each of them found none is given
        // twice.
        let mut write_key = |family: &Family| {
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
        let found = found.filter(|(_, family)| family.definition.kind == kind && check(kind, amount, "").is_ok());
        let found = found.and_then(|(index, family)| {
            let row = self.series.find(index as u32, &key)?;
            Some((row, self.series.handle(row).filter(|handle| family.overflow != Some(*handle))?))
        });
        self.key = key;
        let (row, handle) = found?;
        Some((row, SeriesId(handle)))
    }

    /// The value of a series that is one number; none for the other kinds.
    pub fn scalar(&self, id: SeriesId) -> Option<f64> {
        let row = self.series.row(id.0)?;
        matches!(self.series.kind(row)?, Kind::Counter | Kind::Gauge).then(|| self.series.cell(row))
    }

    /// Takes recordings, all or none, and returns their series in the same order. On an error
    /// nothing has changed; the error comes with the index of the recording that caused it.
    pub fn record_all(&mut self, recordings: &[Recording]) -> Result<Vec<SeriesId>, (usize, Error)> {
        let (families, dropped) = (self.families.len(), self.dropped);
        let mut made = Made { notices: self.notices.mark(), ..Made::default() };
        let mut ids = Vec::with_capacity(recordings.len());
        for (index, recording) in recordings.iter().enumerate() {
            match self.prepare(recording, &mut made) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    self.roll_back(families, made);
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
    fn prepare(&mut self, recording: &Recording, made: &mut Made) -> Result<SeriesId, Error> {
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
                let (index, is_helped) = self.agree(first, definition, labels.names())?;
                made.helps.extend(is_helped.then_some(first));
                index
            }
            None => {
                let label_names: Vec<LabelName> = labels.names().cloned().collect();
                self.add_family(Definition { label_names, ..definition.clone() })?
            }
        };
        let (id, new) = self.find_or_make(index, labels.iter().map(|(_, value)| value))?;
        made.series.extend(new);
        Ok(id)
    }

    /// Takes back families and series made, and help taken.
    fn roll_back(&mut self, families: usize, made: Made) {
        for new in made.series.into_iter().rev() {
            if let Some(row) = self.series.row(new.0) {
                self.forget(row, Some(new.0));
            }
            self.series.undo_insert(new);
        }
        for index in made.helps {
            self.set_help(index, None);
        }
        let timed = self.families.iter().skip(families).filter(|family| family.definition.is_timed()).count();
        self.timed -= timed;
        self.families.truncate(families);
        self.by_name.retain(|_, index| *index < families);
        self.claims.retain(|_, index| *index < families);
        self.reserved.retain(|_, indices| {
            indices.retain(|index| *index < families);
            !indices.is_empty()
        });
        for family in &mut self.families {
            family.rivals.retain(|rival| *rival < families);
            family.next_set = family.next_set.filter(|next| *next < families);
        }
        self.notices.truncate(made.notices);
        self.reshape(None);
    }

    fn check_record(&self, id: u32, value: f64) -> Result<(), Error> {
        let row = self.series.row(id).ok_or_else(|| unknown_series(id))?;
        let kind = self.series.kind(row).ok_or_else(|| unknown_series(id))?;
        check(kind, value, "values").map_err(|error| self.named(row, error))
    }

    fn observable(&self, id: SeriesId, value: f64) -> Result<usize, Error> {
        let row = self.row(id.0)?;
        match self.series.kind(row) {
            Some(kind @ (Kind::Histogram | Kind::NativeHistogram | Kind::Summary)) => {
                check(kind, value, "value").map_err(|error| self.named(row, error)).map(|()| row)
            }
            _ => Err(self.wrong_kind(row, "observed")),
        }
    }

    /// Records what was checked. For a histogram says which bucket it went to.
    fn record_row(&mut self, row: usize, value: f64) -> Option<usize> {
        match self.series.kind(row) {
            Some(Kind::Counter) => self.put(row, self.series.cell(row) + value),
            Some(Kind::Gauge) => self.put(row, value),
            Some(_) => {
                let now_ms = self.now_ms;
                let place = self.series.cell(row).to_bits() as usize;
                let bucket = match (self.families.get(self.series.family(row)), self.composites.get_mut(place)) {
                    (Some(family), Some(Some(composite))) if !Self::is_scalar(family.definition.kind) => {
                        composite.observe(&family.definition, value, now_ms)
                    }
                    _ => None,
                };
                self.recorded(row);
                return bucket;
            }
            None => {}
        }
        None
    }

    #[inline]
    pub(super) fn put(&mut self, row: usize, value: f64) {
        if let Some(cell) = self.series.cells.get_mut(row) {
            *cell = value;
        }
        self.recorded(row);
    }

    #[inline]
    pub(super) fn recorded(&mut self, row: usize) {
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
    pub(super) fn wrong_kind(&self, row: usize, done: &str) -> Error {
        let Some(definition) = self.families.get(self.series.family(row)).map(|family| &family.definition) else {
            return unknown_series(row as u32);
        };
        let todo = match definition.kind {
            Kind::Counter => "add to it",
            Kind::Gauge => "set it or add to it",
            Kind::Histogram | Kind::NativeHistogram | Kind::Summary => "observe values",
            Kind::Info => "say what changed in its labels",
            Kind::StateSet => "switch its states by name",
        };
        Error::Conflict {
            metric: definition.name.to_string(),
            problem: format!("it is a {}, and cannot be {done}; {todo}", definition.kind.name()),
        }
    }

    /// The error with the metric's name.
    #[cold]
    fn named(&self, row: usize, error: Error) -> Error {
        match (self.families.get(self.series.family(row)), error) {
            (Some(family), Error::Invalid { field, problem }) => {
                Error::Invalid { field, problem: format!("metric {}: {problem}", family.definition.name) }
            }
            (_, other) => other,
        }
    }
}

/// Whether the labels of an exemplar are valid and together short enough.
pub fn check_exemplar(exemplar: &Exemplar) -> Result<(), Error> {
    let labels = || exemplar.labels.iter();
    for (name, _) in labels() {
        LabelName::new(name, "exemplar")?;
    }
    let characters: usize = labels().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    if characters > MAX_EXEMPLAR_LEN {
        let problem = format!("its labels have {characters} characters; they may have {MAX_EXEMPLAR_LEN} together");
        return Err(Error::invalid("exemplar", problem));
    }
    // Their length was looked at first, so they are few.
    let mut names = labels().map(|(name, _)| name).enumerate();
    if let Some((_, twice)) = names.find(|(index, name)| labels().take(*index).any(|(other, _)| other == *name)) {
        return Err(Error::invalid(format!("exemplar.{twice}"), "the label is given twice"));
    }
    Ok(())
}

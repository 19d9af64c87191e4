//! Lines of version 2.0: a sample is a whole point, with a number or a composite value, its times
//! and any number of exemplars.

use std::borrow::Cow;

use super::super::event::{Event, Exemplar, ParseError, Part, Sample};
use super::super::pending::Pending;
use super::super::scan::milliseconds;
use super::Reader;
use super::state::Group;
use crate::model::FamilyType;

/// The times of a line.
#[derive(Default)]
pub(super) struct Times<'a> {
    /// Position of the timestamp, or of the end of the value.
    at: usize,
    /// As written; empty if there is none.
    written: &'a str,
    timestamp: Option<f64>,
    created_ms: Option<i64>,
}

impl<'a> Reader<'a> {
    /// The next sample of the current line.
    pub(super) fn queued(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        if let Some(problem) = self.tally.count(self.queue.own + 1, &self.limits) {
            return Err(self.cursor.fault(problem));
        }
        let place = self.families.len().saturating_sub(1);
        let Some(family) = self.families.last() else { return Ok(Event::Eof) };
        Ok(self.queue.pop(place, &family.name, &mut self.labels).map_or(Event::Eof, Event::Sample))
    }

    /// Parses a line with a sample, and returns the first of those it stands for.
    pub(super) fn line(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        let start = self.cursor.at;
        self.family_of_line(start)?;
        let Some(family) = self.families.last_mut() else { return Ok(Event::Eof) };
        family.has_samples = true;
        let kind = family.kind();
        if kind == FamilyType::Info && !family.name.ends_with("_info") {
            return Err(self.cursor.fault_at(start, "an info's name ends with _info; append it"));
        }
        if self.cursor.eat_text(" {") {
            self.queue.start(self.labels.len());
            self.composite(kind, start)?;
            let (times, exemplars) = self.end_of_line(kind)?;
            exemplars.into_iter().for_each(|exemplar| self.attach(exemplar));
            (self.queue.timestamp, self.queue.created_ms) = (times.timestamp, times.created_ms);
            self.place_metric(kind, start, &times)?;
            return self.queued();
        }
        let (at, value) = self.number("a space and a value after the metric")?;
        self.check_number(kind, value, start, at)?;
        let (times, exemplars) = self.end_of_line(kind)?;
        self.place_metric(kind, start, &times)?;
        if let Some(problem) = self.tally.count(self.labels.len(), &self.limits) {
            return Err(self.cursor.fault_at(start, problem));
        }
        let place = self.families.len().saturating_sub(1);
        let Some(family) = self.families.last() else { return Ok(Event::Eof) };
        Ok(Event::Sample(Sample {
            family: place,
            name: family.name.clone(),
            part: Part::Value,
            labels: &self.labels,
            value,
            timestamp: times.timestamp,
            exemplars,
            created_ms: times.created_ms,
            native: None,
        }))
    }

    /// Parses the name and labels of a line, and makes its family the current one.
    fn family_of_line(&mut self, start: usize) -> Result<(), ParseError> {
        // Usually the same as that of the previous line.
        let is_same = match self.families.last() {
            Some(family) => family.is_plain && self.cursor.eat_same_name(&family.name),
            None => false,
        };
        if is_same {
            return self.labels_after(&mut Some(Cow::Borrowed("")));
        }
        let name = self.name_and_labels()?;
        if self.families.last().is_none_or(|family| family.name != name) {
            self.open_family(name, start)?;
        }
        Ok(())
    }

    /// Parses the times and exemplars after a value, and the end of the line.
    #[inline]
    fn end_of_line(&mut self, kind: FamilyType) -> Result<(Times<'a>, Vec<Exemplar<'a>>), ParseError> {
        let mut times = Times { at: self.cursor.at, ..Times::default() };
        if self.cursor.eat(b'\n') {
            return Ok((times, Vec::new()));
        }
        let mut exemplars = Vec::new();
        if self.cursor.peek() == Some(b' ') && !self.is_at_exemplar() && !self.is_at_start_time() {
            let (at, read) = self.number("a timestamp")?;
            (times.at, times.written) = (at, self.cursor.since(at));
            times.timestamp = Some(self.timestamp(at, read)?);
        }
        if self.is_at_start_time() {
            times.created_ms = Some(self.start_time(kind)?);
        }
        while self.is_at_exemplar() {
            let at = self.cursor.at + 1;
            if matches!(kind, FamilyType::Gauge | FamilyType::Info | FamilyType::StateSet) {
                let problem = format!("a metric of type {} has no exemplars; remove it", kind.name());
                return Err(self.cursor.fault_at(at, problem));
            }
            let (exemplar, _) = self.any_exemplar()?;
            if exemplar.timestamp.is_none() {
                return Err(self.cursor.unexpected("a space and the exemplar's timestamp"));
            }
            exemplars.push(exemplar);
        }
        match self.cursor.eat(b'\n') {
            true => Ok((times, exemplars)),
            false => Err(self.cursor.unexpected("the end of the line")),
        }
    }

    fn is_at_start_time(&self) -> bool {
        let mut ahead = self.cursor;
        ahead.eat_text(" st@")
    }

    fn start_time(&mut self, kind: FamilyType) -> Result<i64, ParseError> {
        let at = self.cursor.at + 1;
        if !matches!(kind, FamilyType::Counter | FamilyType::Histogram | FamilyType::Summary | FamilyType::Unknown) {
            let problem = format!("a metric of type {} has no start timestamp; remove st@", kind.name());
            return Err(self.cursor.fault_at(at, problem));
        }
        self.cursor.at += " st@".len();
        let at = self.cursor.at;
        let token = self.cursor.token();
        let seconds = self.numeric(at, token)?;
        Ok(milliseconds(self.timestamp(at, seconds)?))
    }

    /// Gives an exemplar to the bucket that contains its value, unless there are native buckets,
    /// which have all of them.
    fn attach(&mut self, exemplar: Exemplar<'a>) {
        let pending = &mut self.queue.pending;
        if let Some(native) = pending.front_mut().filter(|pending| pending.native.is_some()) {
            return native.exemplars.push(exemplar);
        }
        let contains = |pending: &Pending| matches!(pending.part, Part::Bucket(bound) if exemplar.value <= bound);
        let is_bucket = |pending: &Pending| matches!(pending.part, Part::Bucket(_));
        let place = pending.iter().position(contains).or_else(|| pending.iter().rposition(is_bucket));
        if let Some(pending) = pending.get_mut(place.unwrap_or(0)) {
            pending.exemplars.push(exemplar);
        }
    }

    fn check_number(&self, kind: FamilyType, value: f64, start: usize, at: usize) -> Result<(), ParseError> {
        let fault = |problem: &str| Err(self.cursor.fault_at(at, problem));
        match kind {
            FamilyType::Histogram | FamilyType::GaugeHistogram | FamilyType::Summary => {
                Err(self.cursor.fault_at(at, format!("a {}'s value is composite; expected {{", kind.name())))
            }
            FamilyType::Counter if value.is_nan() || value < 0.0 => {
                fault("a counter's total is negative or NaN; expected a number of at least 0")
            }
            FamilyType::Info if value != 1.0 => fault("an info's value is always 1"),
            FamilyType::StateSet if value != 1.0 && value != 0.0 => fault("a state is 1 or 0"),
            FamilyType::StateSet => {
                let name = self.families.last().map_or("", |family| &*family.name);
                match self.label(name) {
                    Some(_) => Ok(()),
                    None => {
                        let name = crate::error::excerpt(name, 100);
                        Err(self.cursor.fault_at(start, format!("expected a label {name}, which names the state")))
                    }
                }
            }
            _ => Ok(()),
        }
    }

    /// Checks that metrics are contiguous and unique, and their samples in order.
    fn place_metric(&mut self, kind: FamilyType, at: usize, times: &Times<'a>) -> Result<(), ParseError> {
        let timestamp = times.timestamp;
        let state = self.hash("");
        let labels = match (kind, self.families.last()) {
            // Apart from those of single states.
            (FamilyType::StateSet, Some(family)) => !self.hash(&family.name),
            _ => state,
        };
        let apart = "other samples of this metric are further up; keep all samples of a metric together";
        let same_group = self.group.is_some_and(|group| group.labels == labels);
        let group = self.group;
        match group {
            Some(group) if same_group && group.state == state => {
                let (Some(now), Some(before)) = (timestamp, group.timestamp) else {
                    let problem = match timestamp.or(group.timestamp) {
                        None => "the sample occurs twice; expected unique samples or distinct timestamps",
                        Some(_) => "some samples of the metric have a timestamp and some do not; expected all or none",
                    };
                    return Err(self.cursor.fault_at(at, problem));
                };
                // Timestamps may differ by less than a double can represent.
                if now < before || times.written == self.last_time {
                    let problem =
                        "the timestamp is not above that of the previous sample; timestamps of a metric must increase";
                    return Err(self.cursor.fault_at(times.at, problem));
                }
            }
            _ if kind == FamilyType::StateSet && !same_group && !self.see(labels) => {
                return Err(self.cursor.fault_at(at, apart));
            }
            _ if !self.see(state) => return Err(self.cursor.fault_at(at, apart)),
            _ => {}
        }
        self.group = Some(Group { labels, timestamp, state });
        self.last_time = times.written;
        Ok(())
    }
}

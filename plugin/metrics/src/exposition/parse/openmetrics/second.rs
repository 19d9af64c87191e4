//! Lines of version 2.0: a sample is a whole point, with a number or a composite value, its times
//! and any number of exemplars.

use super::super::event::{Event, Exemplar, ParseError, Part};
use super::super::pending::Pending;
use super::super::scan::milliseconds;
use super::Reader;
use super::state::Group;
use crate::model::FamilyType;

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
        let name = self.name_and_labels()?;
        if self.families.last().is_none_or(|family| family.name != name) {
            self.open_family(name, start)?;
        }
        let Some(family) = self.families.last_mut() else { return Ok(Event::Eof) };
        family.has_samples = true;
        let kind = family.kind();
        if kind == FamilyType::Info && !family.name.ends_with("_info") {
            return Err(self.cursor.fault_at(start, "an info's name ends with _info; append it"));
        }
        self.queue.start(self.labels.len());
        if self.cursor.eat_text(" {") {
            self.composite(kind, start)?;
        } else {
            let (at, value) = self.number("a space and a value after the metric")?;
            self.check_number(kind, value, start, at)?;
            self.queue.pending.push_back(Pending::new("", Part::Value, value));
        }
        let mut time = (self.cursor.at, "");
        if self.cursor.peek() == Some(b' ') && !self.is_at_exemplar() && !self.is_at_start_time() {
            let (at, read) = self.number("a timestamp")?;
            time = (at, self.cursor.since(at));
            self.queue.timestamp = Some(self.timestamp(at, read)?);
        }
        if self.is_at_start_time() {
            self.start_time(kind)?;
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
            self.attach(exemplar);
        }
        if !self.cursor.eat(b'\n') {
            return Err(self.cursor.unexpected("the end of the line"));
        }
        self.place_metric(kind, start, time)?;
        self.queued()
    }

    fn is_at_start_time(&self) -> bool {
        let mut ahead = self.cursor;
        ahead.eat_text(" st@")
    }

    fn start_time(&mut self, kind: FamilyType) -> Result<(), ParseError> {
        let at = self.cursor.at + 1;
        if !matches!(kind, FamilyType::Counter | FamilyType::Histogram | FamilyType::Summary | FamilyType::Unknown) {
            let problem = format!("a metric of type {} has no start timestamp; remove st@", kind.name());
            return Err(self.cursor.fault_at(at, problem));
        }
        self.cursor.at += " st@".len();
        let at = self.cursor.at;
        let token = self.cursor.token();
        let seconds = self.numeric(at, token)?;
        self.queue.created_ms = Some(milliseconds(self.timestamp(at, seconds)?));
        Ok(())
    }

    /// Gives an exemplar to the bucket that contains its value, if there are classic buckets.
    fn attach(&mut self, exemplar: Exemplar<'a>) {
        let pending = &mut self.queue.pending;
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
    fn place_metric(&mut self, kind: FamilyType, at: usize, time: (usize, &'a str)) -> Result<(), ParseError> {
        let timestamp = self.queue.timestamp;
        let state = self.hash("");
        let labels = match (kind, self.families.last()) {
            // Apart from those of single states.
            (FamilyType::StateSet, Some(family)) => !self.hash(&family.name),
            _ => state,
        };
        let apart = "other samples of this metric are further up; keep all samples of a metric together";
        let same_group = self.group.is_some_and(|group| group.labels == labels);
        match self.group {
            Some(group) if same_group && group.state == state => {
                let (Some(now), Some(before)) = (timestamp, group.timestamp) else {
                    let problem = match timestamp.or(group.timestamp) {
                        None => "the sample occurs twice; expected unique samples or distinct timestamps",
                        Some(_) => "some samples of the metric have a timestamp and some do not; expected all or none",
                    };
                    return Err(self.cursor.fault_at(at, problem));
                };
                // Timestamps may differ by less than a double can represent.
                if now < before || time.1 == self.last_time {
                    let problem =
                        "the timestamp is not above that of the previous sample; timestamps of a metric must increase";
                    return Err(self.cursor.fault_at(time.0, problem));
                }
            }
            _ if kind == FamilyType::StateSet && !same_group && !self.seen.insert(labels) => {
                return Err(self.cursor.fault_at(at, apart));
            }
            _ if !self.seen.insert(state) => return Err(self.cursor.fault_at(at, apart)),
            _ => {}
        }
        self.group = Some(Group { labels, timestamp, state });
        self.last_time = time.1;
        Ok(())
    }
}

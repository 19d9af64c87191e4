//! A parsed exposition: families with their samples, and the samples of a family grouped by series.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};

use super::event::{Event, Exemplar, Format, Label, Native, ParseError, Part};
use super::reader::Reader;
use crate::model::FamilyType;

/// A parsed exposition. Families are in order of first appearance.
#[derive(Debug, Clone, PartialEq)]
pub struct Families<'a> {
    /// The input format. In OpenMetrics 1.0, family names omit `_total` for counters and `_info`
    /// for infos.
    pub format: Format,
    /// All families, including those without samples.
    pub list: Vec<ParsedFamily<'a>>,
    labels: Vec<Label<'a>>,
    seed: u64,
}

/// A metric and its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedFamily<'a> {
    /// The family name in the input format.
    pub name: Cow<'a, str>,
    /// The type.
    pub kind: FamilyType,
    /// Whether the type was stated.
    pub is_typed: bool,
    /// The help, if any; may be empty.
    pub help: Option<Cow<'a, str>>,
    /// The unit, if any; never empty.
    pub unit: Option<Cow<'a, str>>,
    /// In input order.
    pub points: Vec<Point<'a>>,
}

/// A sample, see [`super::Sample`]. Its labels are [`Families::labels`].
#[derive(Debug, Clone, PartialEq)]
pub struct Point<'a> {
    /// The name including its suffix.
    pub name: Cow<'a, str>,
    /// The role in its family.
    pub part: Part,
    /// Any number.
    pub value: f64,
    /// In seconds since the Unix epoch.
    pub timestamp: Option<f64>,
    /// The creation time in protobuf and OpenMetrics 2.0.
    pub created_ms: Option<i64>,
    /// At most one, except in a native histogram.
    pub exemplars: Vec<Exemplar<'a>>,
    /// The histogram, for [`Part::Native`].
    pub native: Option<Box<Native>>,
    labels: (u32, u32),
}

/// A series: the samples of a family with the same labels, ignoring the labels that distinguish
/// buckets, quantiles and states.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'f, 'a> {
    /// Sorted by name.
    pub labels: Vec<(&'f str, &'f str)>,
    /// In input order.
    pub points: Vec<&'f Point<'a>>,
}

impl<'a> Families<'a> {
    pub(super) fn read(mut reader: Reader<'a>, format: Format, seed: u64) -> Result<Self, ParseError> {
        let mut families = Self { format, list: Vec::new(), labels: Vec::new(), seed };
        loop {
            let (family, kind, help, unit) = match reader.next()? {
                Event::Eof => return Ok(families),
                Event::Type { family, kind } => (family, Some(kind), None, None),
                Event::Help { family, text } => (family, None, Some(text), None),
                Event::Unit { family, unit } => (family, None, None, Some(unit)),
                Event::Sample(sample) => {
                    let start = families.labels.len() as u32;
                    families.labels.extend_from_slice(sample.labels);
                    let family = sample.family;
                    let point = Point {
                        name: sample.name,
                        part: sample.part,
                        value: sample.value,
                        timestamp: sample.timestamp,
                        created_ms: sample.created_ms,
                        exemplars: sample.exemplars,
                        native: sample.native,
                        labels: (start, families.labels.len() as u32),
                    };
                    if let Some(family) = families.at(&reader, family) {
                        family.points.push(point);
                    }
                    continue;
                }
            };
            let Some(stored) = families.at(&reader, family) else { continue };
            if let Some(kind) = kind {
                (stored.kind, stored.is_typed) = (kind, true);
            }
            stored.help = help.or(stored.help.take());
            stored.unit = unit.filter(|unit| !unit.is_empty()).or(stored.unit.take());
        }
    }

    fn at(&mut self, reader: &Reader<'a>, family: usize) -> Option<&mut ParsedFamily<'a>> {
        while self.list.len() <= family {
            let name = reader.family(self.list.len())?.clone();
            let (kind, points) = (FamilyType::Unknown, Vec::new());
            self.list.push(ParsedFamily { name, kind, is_typed: false, help: None, unit: None, points });
        }
        self.list.get_mut(family)
    }

    /// The family with that name.
    pub fn get(&self, name: &str) -> Option<&ParsedFamily<'a>> {
        self.list.iter().find(|family| family.name == name)
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.list.iter().map(|family| family.points.len()).sum()
    }

    /// The labels of a sample, in input order, including `le` and `quantile`.
    pub fn labels(&self, point: &Point) -> &[Label<'a>] {
        let (start, end) = point.labels;
        self.labels.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The samples of a family grouped by series, in order of first appearance.
    pub fn metrics<'f>(&'f self, family: &'f ParsedFamily<'a>) -> Vec<Metric<'f, 'a>> {
        let mut metrics: Vec<Metric> = Vec::new();
        let mut places: HashMap<Vec<(&str, &str)>, usize, FixedState> =
            HashMap::with_hasher(FixedState::with_seed(self.seed));
        for point in &family.points {
            let own = own_label(family, point);
            let mut labels: Vec<(&str, &str)> = self
                .labels(point)
                .iter()
                .filter(|label| Some(&*label.name) != own)
                .map(|label| (&*label.name, &*label.value))
                .collect();
            labels = crate::sort::sorted_by(labels, |a, b| a.0.cmp(b.0));
            // Usually the same as for the previous sample.
            match metrics.last_mut() {
                Some(last) if last.labels == labels => {
                    last.points.push(point);
                    continue;
                }
                _ => {}
            }
            let place = *places.entry(labels.clone()).or_insert(metrics.len());
            match metrics.get_mut(place) {
                Some(metric) => metric.points.push(point),
                None => metrics.push(Metric { labels, points: vec![point] }),
            }
        }
        metrics
    }
}

impl<'f, 'a> Metric<'f, 'a> {
    /// All exemplars, in input order; those of a native histogram and its classic buckets once.
    pub fn exemplars(&self, families: &Families) -> Vec<&'f Exemplar<'a>> {
        let all = self.points.iter().flat_map(|point| &point.exemplars);
        if !self.points.iter().any(|point| point.native.is_some()) {
            return all.collect();
        }
        let mut seen = HashSet::with_hasher(FixedState::with_seed(families.seed));
        let is_new = |exemplar: &&Exemplar<'a>| {
            let labels = exemplar.labels.iter().map(|label| (label.name.clone(), label.value.clone()));
            let labels: Vec<(Cow<str>, Cow<str>)> = labels.collect();
            seen.insert((exemplar.value.to_bits(), exemplar.timestamp.map(f64::to_bits), labels))
        };
        all.filter(is_new).collect()
    }

    /// The latest of the samples that differ only in their timestamp, at the position of the first.
    /// A sample without a timestamp is the latest. For equal timestamps, the later line wins.
    pub fn latest(&self, families: &Families, family: &ParsedFamily) -> Vec<&'f Point<'a>> {
        let has_timestamps = self.points.iter().any(|point| point.timestamp.is_some());
        if !has_timestamps || self.points.len() < 2 {
            return self.points.clone();
        }
        let mut places: HashMap<(&str, &str), usize, FixedState> =
            HashMap::with_hasher(FixedState::with_seed(families.seed));
        let mut latest: Vec<&'f Point<'a>> = Vec::new();
        for point in &self.points {
            let own = own_label(family, point);
            let labels = families.labels(point);
            let value = own.and_then(|own| labels.iter().find(|label| label.name == own)).map_or("", |own| &*own.value);
            match places.entry((&*point.name, value)) {
                Entry::Vacant(place) => {
                    place.insert(latest.len());
                    latest.push(point);
                }
                Entry::Occupied(place) => {
                    if let Some(stored) = latest.get_mut(*place.get())
                        && (point.timestamp.is_none()
                            || stored.timestamp.is_some_and(|stored| point.timestamp >= Some(stored)))
                    {
                        *stored = point;
                    }
                }
            }
        }
        latest
    }
}

/// The label that distinguishes the samples of one series.
pub(super) fn own_label<'f>(family: &'f ParsedFamily, point: &Point) -> Option<&'f str> {
    match (point.part, family.kind) {
        (Part::Bucket(_), _) => Some("le"),
        (Part::Quantile(_), _) => Some("quantile"),
        (Part::Value, FamilyType::StateSet) => Some(&family.name),
        _ => None,
    }
}

//! OpenMetrics text 1.0.0 (and 0.0.1, which is the same) and 2.0.0, according to their ABNF and all
//! their MUSTs.
//!
//! Tokens are separated by exactly one space; there are no comments or empty lines; `# EOF` ends
//! the text. A family's lines are contiguous, metadata first; so are a metric's samples.
//!
//! In 1.0 ([`rules`]) so are a point's within it. Sample names, labels and values are checked per
//! line according to the type; conditions on a whole point or family are checked at its end. In 2.0
//! ([`second`], [`composite`]) a line is a whole point: what it contains is returned as the samples
//! of 1.0.
//!
//! Beyond the ABNF, as in Prometheus and client_python: names may be quoted, a quote in a help text
//! need not be escaped, and a backslash before a character other than `n`, `"` and `\` is literal.
//!
//! Sources: the OpenMetrics specifications 1.0.0 and 2.0.0-rc0.

use std::borrow::Cow;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

mod composite;
mod metadata;
mod rules;
mod second;
mod state;

use self::state::{FamilyState, Group, Point};
use super::checks::{Index, Tally, label_fault};
use super::event::{Event, Exemplar, Format, Label, Limits, ParseError, Part, Sample};
use super::pending::Queue;
use super::scan::{Cursor, Escapes, number};

/// Maximum number of characters of an exemplar's label names and values.
const MAX_EXEMPLAR_LEN: usize = 128;

#[derive(Debug)]
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Whether the text is of version 2.0.
    is_second: bool,
    limits: Limits,
    /// The last one is the current family.
    families: Vec<FamilyState<'a>>,
    index: Index,
    labels: Vec<Label<'a>>,
    group: Option<Group>,
    point: Point,
    /// Hashes of the family's metrics; for infos, which have no groups, of every sample and
    /// timestamp.
    seen: HashTable<u128>,
    /// In version 2.0: the rest of the line, and the timestamp of the previous one as written.
    queue: Queue<'a>,
    last_time: &'a str,
    tally: Tally,
    done: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8], format: Format, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self {
            cursor: Cursor::new(input, format, limits.bytes)?,
            is_second: format == Format::OpenMetrics2,
            limits: *limits,
            families: Vec::new(),
            index: Index::new(limits.seed),
            labels: Vec::new(),
            group: None,
            point: Point::default(),
            seen: HashTable::new(),
            queue: Queue::default(),
            last_time: "",
            tally: Tally::default(),
            done: false,
        })
    }

    pub(super) fn family(&self, family: usize) -> Option<&Cow<'a, str>> {
        self.families.get(family).map(|family| &family.name)
    }

    pub(super) fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        if self.done {
            return Ok(Event::Eof);
        }
        if !self.queue.pending.is_empty() {
            return self.queued();
        }
        match self.cursor.peek() {
            Some(b'#') => match self.metadata()? {
                Some(event) => Ok(event),
                None => Ok(Event::Eof),
            },
            Some(b'\n') => Err(self.cursor.fault("the line is empty; OpenMetrics has no empty lines")),
            None => Err(self.cursor.fault("the input ends without # EOF; it is truncated or not OpenMetrics")),
            Some(_) if self.is_second => self.line(),
            Some(_) => self.sample().map(Event::Sample),
        }
    }

    /// Parses the name and labels of a sample.
    fn name_and_labels(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let start = self.cursor.at;
        let plain = self.cursor.metric_name();
        let mut name = (!plain.is_empty()).then_some(Cow::Borrowed(plain));
        self.labels_after(&mut name)?;
        match name {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err(self.cursor.fault_at(start, "expected a metric's name or #")),
        }
    }

    /// Parses the labels of a sample, if there are any, and its name if that is `None`.
    fn labels_after(&mut self, name: &mut Option<Cow<'a, str>>) -> Result<(), ParseError> {
        self.labels.clear();
        if self.cursor.peek() != Some(b'{') {
            return Ok(());
        }
        let mut labels = std::mem::take(&mut self.labels);
        let read = self.labels(name, &mut labels);
        self.labels = labels;
        read
    }

    fn sample(&mut self) -> Result<Sample<'_, 'a>, ParseError> {
        let start = self.cursor.at;
        let name = self.name_and_labels()?;
        if let Some(problem) = self.tally.count(self.labels.len(), &self.limits) {
            return Err(self.cursor.fault_at(start, problem));
        }
        let suffix = self.suffix_of(&name);
        let suffix = match suffix {
            Some(suffix) => suffix,
            None => {
                self.open_family(name.clone(), start)?;
                ""
            }
        };
        let (value_at, value) = self.number("a space and a number after the metric")?;
        let mut timestamp = None;
        let mut timestamp_at = 0;
        if self.cursor.peek() == Some(b' ') && !self.is_at_exemplar() {
            let (at, read) = self.number("a timestamp")?;
            timestamp_at = at;
            timestamp = Some(self.timestamp(at, read)?);
        }
        let part = self.check(suffix, start, value_at, value)?;
        let exemplars = match self.is_at_exemplar() {
            true => vec![self.exemplar(part, suffix)?],
            false => Vec::new(),
        };
        if !self.cursor.eat(b'\n') {
            return Err(self.cursor.unexpected("the end of the line"));
        }
        self.place(part, start, value, timestamp, timestamp_at)?;
        if let Some(family) = self.families.last_mut() {
            family.has_samples = true;
        }
        Ok(Sample {
            family: self.families.len().saturating_sub(1),
            name,
            part,
            labels: &self.labels,
            value,
            timestamp,
            exemplars,
            created_ms: None,
            native: None,
        })
    }

    /// The suffix of a sample name of the current family; `None` if it belongs to another family.
    fn suffix_of(&self, name: &str) -> Option<&'static str> {
        let family = self.families.last()?;
        let rest = name.strip_prefix(&*family.name)?;
        family.kind().suffixes().iter().find(|suffix| **suffix == rest).copied()
    }

    fn is_at_exemplar(&self) -> bool {
        let mut ahead = self.cursor;
        ahead.eat_text(" # ")
    }

    /// Parses a space and a number.
    fn number(&mut self, expected: &str) -> Result<(usize, f64), ParseError> {
        if !self.cursor.eat(b' ') {
            return Err(self.cursor.unexpected(expected));
        }
        let at = self.cursor.at;
        let token = self.cursor.token();
        Ok((at, self.numeric(at, token)?))
    }

    /// Parses a number.
    fn numeric(&self, at: usize, token: &str) -> Result<f64, ParseError> {
        match number(token) {
            Some(number) => Ok(number),
            None if token.is_empty() => Err(self.cursor.unexpected("a number")),
            None => {
                let problem = format!("expected a number, found {:?}", crate::error::excerpt(token, 40));
                Err(self.cursor.fault_at(at, problem))
            }
        }
    }

    fn timestamp(&self, at: usize, seconds: f64) -> Result<f64, ParseError> {
        // The specification's test suite has timestamps beyond 64-bit milliseconds.
        const LIMIT: f64 = 18_446_744_073_709_551_616.0;
        match seconds.abs() < LIMIT {
            true => Ok(seconds),
            false => Err(self.cursor.fault_at(
                at,
                "the timestamp does not fit; expected seconds since the Unix epoch, a finite number of at most 64 bits",
            )),
        }
    }

    /// Parses labels in braces, and the metric's name if `metric` is `None`.
    fn labels(&mut self, metric: &mut Option<Cow<'a, str>>, labels: &mut Vec<Label<'a>>) -> Result<(), ParseError> {
        let inside = metric.is_none();
        self.cursor.at += 1;
        if self.cursor.eat(b'}') {
            return Ok(());
        }
        loop {
            let start = self.cursor.at;
            let quoted = self.cursor.eat(b'"');
            let name = match quoted {
                true => self.cursor.quoted(Escapes::Any, "the name")?,
                false => Cow::Borrowed(self.cursor.label_name()),
            };
            if self.cursor.at == start {
                return Err(self.cursor.unexpected("a label's name"));
            }
            if self.cursor.eat(b'=') {
                if !self.cursor.eat(b'"') {
                    return Err(self.cursor.unexpected("a label's value in double quotes"));
                }
                let value = self.cursor.quoted(Escapes::Any, "the label's value")?;
                labels.push(Label { name, value });
                if let Some(fault) = label_fault(labels, &self.limits) {
                    return Err(self.cursor.fault_at(start, fault));
                }
            } else if quoted && inside && matches!(self.cursor.peek(), Some(b',' | b'}')) {
                if self.is_second && !labels.is_empty() {
                    let problem = "the metric's name comes after a label; expected it first in the braces";
                    return Err(self.cursor.fault_at(start, problem));
                }
                if metric.is_some() {
                    let problem = "a second name of the metric; expected one, and = after a label's name";
                    return Err(self.cursor.fault_at(start, problem));
                }
                *metric = Some(name);
            } else {
                return Err(self.cursor.unexpected("= after the label's name"));
            }
            if self.cursor.eat(b'}') {
                return Ok(());
            }
            if !self.cursor.eat(b',') {
                return Err(self.cursor.unexpected(", or } after the label"));
            }
        }
    }

    /// Parses the exemplar of a sample of version 1.0.
    fn exemplar(&mut self, part: Part, suffix: &str) -> Result<Exemplar<'a>, ParseError> {
        let start = self.cursor.at + 1;
        if !matches!(part, Part::Bucket(_)) && suffix != "_total" {
            let problem = "only counter totals and buckets may have exemplars; remove it";
            return Err(self.cursor.fault_at(start, problem));
        }
        let (exemplar, at) = self.any_exemplar()?;
        let characters: usize =
            exemplar.labels.iter().map(|label| label.name.chars().count() + label.value.chars().count()).sum();
        if characters > MAX_EXEMPLAR_LEN {
            let problem =
                format!("the exemplar's labels have {characters} characters; the maximum is {MAX_EXEMPLAR_LEN}");
            return Err(self.cursor.fault_at(start, problem));
        }
        if let Part::Bucket(bound) = part
            && exemplar.value > bound
        {
            return Err(self
                .cursor
                .fault_at(at, "the exemplar's value is above its bucket's bound; move it to its own bucket"));
        }
        Ok(exemplar)
    }

    /// Parses an exemplar from the space before its `#`, and returns the position of its value too.
    fn any_exemplar(&mut self) -> Result<(Exemplar<'a>, usize), ParseError> {
        self.cursor.at += " # ".len();
        if self.cursor.peek() != Some(b'{') {
            return Err(self.cursor.unexpected("an exemplar's labels in braces"));
        }
        let mut labels = Vec::new();
        self.labels(&mut Some(Cow::Borrowed("")), &mut labels)?;
        let (value_at, value) = self.number("a space and a number after the exemplar's labels")?;
        let mut timestamp = None;
        if self.cursor.peek() == Some(b' ') && !self.is_at_exemplar() {
            let (at, read) = self.number("a timestamp")?;
            timestamp = Some(self.timestamp(at, read)?);
        }
        Ok((Exemplar { labels, value, timestamp }, value_at))
    }

    /// Notes a metric, by the hash of its labels. Returns whether it is new.
    #[inline]
    fn see(&mut self, labels: u128) -> bool {
        // It is a hash already.
        let hash = |labels: &u128| (*labels >> 64) as u64 ^ *labels as u64;
        match self.seen.entry(hash(&labels), |other| *other == labels, hash) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(labels);
                true
            }
        }
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|label| label.name == name).map(|label| &*label.value)
    }
}

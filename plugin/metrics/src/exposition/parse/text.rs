//! Prometheus text 0.0.4 and 1.0.0.
//!
//! Every line ends with a line feed, including the last. Tokens are separated by any spaces and
//! tabs, and may be adjacent where that is unambiguous. `# HELP` and `# TYPE` occur at most once
//! per metric, the type before its samples; other lines that begin with `#` and empty lines are
//! ignored. The escapes in labels and help are `\\`, `\"` and `\n`. Numbers use Go's syntax except
//! hexadecimal; timestamps are integer milliseconds. A quoted name is inside the braces: `{"a.b",
//! l="v"}`.
//!
//! Not enforced, since the format only recommends it: contiguous families, unique series, ascending
//! buckets and an infinite bucket. [`super::lint`] reports these.
//!
//! Sources: prometheus.io/docs/instrumenting/exposition_formats; the behavior of
//! prometheus/common's `expfmt`.

use std::borrow::Cow;

use super::checks::{Index, Tally, label_fault, too_long};
use super::event::{Event, Format, Label, Limits, ParseError, Part, Sample};
use super::scan::{Cursor, Escapes, number};
use crate::model::FamilyType;

#[derive(Debug)]
struct FamilyState<'a> {
    name: Cow<'a, str>,
    kind: Option<FamilyType>,
    has_help: bool,
}

/// The role of a sample by its name, before its labels are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Bucket,
    Sum,
    Count,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
    families: Vec<FamilyState<'a>>,
    index: Index,
    /// Name, family and role of the previous sample: usually the next one's too.
    last: (&'a str, usize, Role),
    labels: Vec<Label<'a>>,
    tally: Tally,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self {
            cursor: Cursor::new(input, Format::Text, limits.bytes)?,
            limits: *limits,
            families: Vec::new(),
            index: Index::new(limits.seed),
            last: ("", 0, Role::Plain),
            labels: Vec::new(),
            tally: Tally::default(),
        })
    }

    pub(super) fn family(&self, family: usize) -> Option<&Cow<'a, str>> {
        self.families.get(family).map(|family| &family.name)
    }

    pub(super) fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        loop {
            self.cursor.skip_whitespace();
            match self.cursor.peek() {
                None => return Ok(Event::Eof),
                Some(b'\n') => self.cursor.at += 1,
                Some(b'#') => {
                    if let Some(event) = self.comment()? {
                        return Ok(event);
                    }
                }
                Some(_) => return self.sample().map(Event::Sample),
            }
        }
    }

    /// Consumes the end of the line, or returns an error.
    fn end_of_line(&mut self) -> Result<(), ParseError> {
        match self.cursor.eat(b'\n') {
            true => Ok(()),
            false => Err(self.unended()),
        }
    }

    #[cold]
    fn unended(&self) -> ParseError {
        match self.cursor.is_at_end() {
            true => {
                self.cursor.fault("the last line does not end with a line feed; the input is truncated or needs one")
            }
            false => self.cursor.unexpected("the end of the line"),
        }
    }

    fn comment<'p>(&mut self) -> Result<Option<Event<'p, 'a>>, ParseError>
    where
        'a: 'p,
    {
        self.cursor.at += 1;
        self.cursor.skip_whitespace();
        let keyword = self.cursor.token();
        if !matches!(keyword, "HELP" | "TYPE") {
            self.cursor.rest_of_line();
            return self.end_of_line().map(|()| None);
        }
        self.cursor.skip_whitespace();
        let start = self.cursor.at;
        let name = match self.cursor.eat(b'"') {
            true => self.cursor.quoted(Escapes::Known, "the metric's name")?,
            false => Cow::Borrowed(self.cursor.metric_name()),
        };
        let named = self.cursor.at > start;
        match self.cursor.peek() {
            Some(b' ' | b'\t') if named => self.cursor.skip_whitespace(),
            Some(b'\n') | None => {}
            _ => return Err(self.cursor.unexpected(&format!("a metric's name and a space after {keyword}"))),
        }
        if matches!(self.cursor.peek(), Some(b'\n') | None) {
            // An empty help or type is allowed.
            return self.end_of_line().map(|()| None);
        }
        let (family, _) = self.resolve(name, start)?;
        if keyword == "HELP" { self.help(family, start).map(Some) } else { self.kind(family, start).map(Some) }
    }

    fn help<'p>(&mut self, family: usize, start: usize) -> Result<Event<'p, 'a>, ParseError>
    where
        'a: 'p,
    {
        let at = self.cursor.at;
        let text = self.cursor.help(Escapes::Known)?;
        if text.len() > self.limits.help_bytes {
            return Err(self.cursor.fault_at(at, too_long("the help", text.len(), self.limits.help_bytes)));
        }
        self.end_of_line()?;
        match self.families.get_mut(family) {
            Some(entry) if !entry.has_help => {
                entry.has_help = true;
                Ok(Event::Help { family, text })
            }
            _ => Err(self.family_error(start, family, "a second HELP line; expected at most one")),
        }
    }

    fn kind<'p>(&mut self, family: usize, start: usize) -> Result<Event<'p, 'a>, ParseError>
    where
        'a: 'p,
    {
        let at = self.cursor.at;
        let word = self.cursor.rest_of_line().trim_end_matches([' ', '\t']);
        const KINDS: [(&str, FamilyType); 7] = [
            ("counter", FamilyType::Counter),
            ("gauge", FamilyType::Gauge),
            ("histogram", FamilyType::Histogram),
            ("summary", FamilyType::Summary),
            ("untyped", FamilyType::Unknown),
            ("gaugehistogram", FamilyType::GaugeHistogram),
            ("gauge_histogram", FamilyType::GaugeHistogram),
        ];
        let Some((_, kind)) = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
            let problem = format!(
                "unknown metric type {:?}; expected counter, gauge, histogram, summary or untyped",
                crate::error::excerpt(word, 40)
            );
            return Err(self.cursor.fault_at(at, problem));
        };
        self.end_of_line()?;
        match self.families.get_mut(family) {
            Some(entry) if entry.kind.is_none() => {
                entry.kind = Some(*kind);
                self.last = ("", 0, Role::Plain);
                Ok(Event::Type { family, kind: *kind })
            }
            _ => Err(self.family_error(
                start,
                family,
                "a second TYPE line, or one after its samples; expected at most one, before the first sample",
            )),
        }
    }

    #[cold]
    fn family_error(&self, at: usize, family: usize, problem: &str) -> ParseError {
        let name = self.families.get(family).map_or("", |family| &*family.name);
        self.cursor.fault_at(at, format!("metric {}: {problem}", crate::error::excerpt(name, 100)))
    }

    fn find(&self, name: &str) -> Option<(usize, Option<FamilyType>)> {
        let is = |place: usize| self.families.get(place).is_some_and(|family| family.name == name);
        let place = self.index.find(name, is)?;
        Some((place, self.families.get(place)?.kind))
    }

    /// Finds or creates the family of a name. `at` is the position of the name.
    fn resolve(&mut self, name: Cow<'a, str>, at: usize) -> Result<(usize, Role), ParseError> {
        if name.is_empty() {
            return Err(self.cursor.fault_at(at, "the metric's name is empty; expected at least one character"));
        }
        if name.len() > self.limits.name_bytes {
            return Err(self.cursor.fault_at(at, too_long("the metric's name", name.len(), self.limits.name_bytes)));
        }
        if let Some((family, _)) = self.find(&name) {
            return Ok((family, Role::Plain));
        }
        for (suffix, role) in [("_count", Role::Count), ("_sum", Role::Sum), ("_bucket", Role::Bucket)] {
            let base = name.strip_suffix(suffix).filter(|base| !base.is_empty());
            match base.and_then(|base| self.find(base)) {
                Some((family, Some(FamilyType::Histogram | FamilyType::GaugeHistogram))) => return Ok((family, role)),
                Some((family, Some(FamilyType::Summary))) if role != Role::Bucket => return Ok((family, role)),
                _ => {}
            }
        }
        if self.families.len() >= self.limits.families {
            let problem = format!("there are more than {} metrics; raise the limit", self.limits.families);
            return Err(self.cursor.fault_at(at, problem));
        }
        let family = self.families.len();
        let Self { families, index, .. } = self;
        index.insert(&name, family, |place| families.get(place).map_or("", |family| &*family.name));
        families.push(FamilyState { name, kind: None, has_help: false });
        Ok((family, Role::Plain))
    }

    fn sample(&mut self) -> Result<Sample<'_, 'a>, ParseError> {
        let start = self.cursor.at;
        self.labels.clear();
        let (last, family, role) = self.last;
        if self.cursor.eat_same_name(last) {
            return self.after_name(Cow::Borrowed(last), family, role, start);
        }
        if self.cursor.peek() == Some(b'{') {
            let mut name = None;
            self.labels(&mut name)?;
            let Some(name) = name else {
                let problem = "the metric's name is missing; expected one before the braces, or in quotes inside them";
                return Err(self.cursor.fault_at(start, problem));
            };
            let (family, role) = self.resolve(name.clone(), start)?;
            return self.value(name, family, role, start);
        }
        let name = self.cursor.metric_name();
        if name.is_empty() {
            return Err(self.cursor.unexpected("a metric's name, # or the end of the line"));
        }
        let (family, role) = self.resolve(Cow::Borrowed(name), start)?;
        self.last = (name, family, role);
        self.after_name(Cow::Borrowed(name), family, role, start)
    }

    #[inline]
    fn after_name(
        &mut self,
        name: Cow<'a, str>,
        family: usize,
        role: Role,
        start: usize,
    ) -> Result<Sample<'_, 'a>, ParseError> {
        self.cursor.skip_whitespace();
        if self.cursor.peek() == Some(b'{') {
            self.labels(&mut Some(Cow::Borrowed("")))?;
        }
        self.value(name, family, role, start)
    }

    /// Parses labels in braces, and the metric's name if `metric` is `None`.
    fn labels(&mut self, metric: &mut Option<Cow<'a, str>>) -> Result<(), ParseError> {
        let inside = metric.is_none();
        self.cursor.at += 1;
        loop {
            self.cursor.skip_whitespace();
            if self.cursor.eat(b'}') {
                return Ok(());
            }
            let start = self.cursor.at;
            let quoted = self.cursor.eat(b'"');
            let name = match quoted {
                true => self.cursor.quoted(Escapes::Known, "the name")?,
                false => Cow::Borrowed(self.cursor.label_name()),
            };
            if self.cursor.at == start {
                return Err(self.cursor.unexpected("a label's name or }"));
            }
            self.cursor.skip_whitespace();
            if self.cursor.eat(b'=') {
                self.cursor.skip_whitespace();
                if !self.cursor.eat(b'"') {
                    return Err(self.cursor.unexpected("a label's value in double quotes"));
                }
                let value = self.cursor.quoted(Escapes::Known, "the label's value")?;
                self.labels.push(Label { name, value });
                if let Some(fault) = label_fault(&self.labels, &self.limits) {
                    return Err(self.cursor.fault_at(start, fault));
                }
            } else if quoted && inside && matches!(self.cursor.peek(), Some(b',' | b'}')) {
                if metric.is_some() {
                    let problem = "a second name of the metric; expected one, and = after a label's name";
                    return Err(self.cursor.fault_at(start, problem));
                }
                *metric = Some(name);
            } else {
                return Err(self.cursor.unexpected("= after the label's name"));
            }
            self.cursor.skip_whitespace();
            if !self.cursor.eat(b',') && self.cursor.peek() != Some(b'}') {
                return Err(self.cursor.unexpected(", or } after the label"));
            }
        }
    }

    #[inline]
    fn value(
        &mut self,
        name: Cow<'a, str>,
        family: usize,
        role: Role,
        start: usize,
    ) -> Result<Sample<'_, 'a>, ParseError> {
        let kind = match self.families.get_mut(family) {
            Some(family) => *family.kind.get_or_insert(FamilyType::Unknown),
            None => FamilyType::Unknown,
        };
        let part = self.part(kind, role, start)?;
        self.cursor.skip_whitespace();
        let at = self.cursor.at;
        let token = self.cursor.token();
        let Some(value) = number(token) else { return Err(self.not_a_number(at, token)) };
        if value < 0.0
            && matches!(kind, FamilyType::Histogram | FamilyType::GaugeHistogram)
            && matches!(role, Role::Count | Role::Bucket)
        {
            return Err(self.cursor.fault_at(at, "a histogram's count is negative; expected a number of at least 0"));
        }
        let mut timestamp = None;
        self.cursor.skip_whitespace();
        if !self.cursor.eat(b'\n') {
            let at = self.cursor.at;
            let token = self.cursor.token();
            if token.is_empty() {
                return Err(self.unended());
            }
            let Ok(ms) = token.parse::<i64>() else {
                let problem = format!(
                    "expected a 64-bit integer of milliseconds as timestamp, found {:?}",
                    crate::error::excerpt(token, 40)
                );
                return Err(self.cursor.fault_at(at, problem));
            };
            timestamp = Some(ms as f64 / 1e3);
            self.cursor.skip_whitespace();
            self.end_of_line()?;
        }
        if let Some(problem) = self.tally.count(self.labels.len(), &self.limits) {
            return Err(self.cursor.fault_at(start, problem));
        }
        let labels = &self.labels;
        Ok(Sample {
            family,
            name,
            part,
            labels,
            value,
            timestamp,
            exemplars: Vec::new(),
            created_ms: None,
            native: None,
        })
    }

    #[cold]
    fn not_a_number(&self, at: usize, token: &str) -> ParseError {
        match token {
            "" => self.cursor.unexpected("a number as value"),
            _ => {
                let problem = format!("expected a number as value, found {:?}", crate::error::excerpt(token, 40));
                self.cursor.fault_at(at, problem)
            }
        }
    }

    #[inline]
    fn part(&self, kind: FamilyType, role: Role, at: usize) -> Result<Part, ParseError> {
        let own = match (kind, role) {
            (FamilyType::Counter | FamilyType::Gauge | FamilyType::Unknown, _) => return Ok(Part::Value),
            (_, Role::Sum) => return Ok(Part::Sum),
            (_, Role::Count) => return Ok(Part::Count),
            (FamilyType::Summary, _) => "quantile",
            _ => "le",
        };
        let Some(label) = self.labels.iter().find(|label| label.name == own) else { return Ok(Part::Value) };
        match (number(&label.value), role) {
            (Some(bound), Role::Bucket) => Ok(Part::Bucket(bound)),
            (Some(rank), _) if kind == FamilyType::Summary => Ok(Part::Quantile(rank)),
            (Some(_), _) => Ok(Part::Value),
            (None, _) => {
                let found = crate::error::excerpt(&label.value, 40);
                Err(self.cursor.fault_at(at, format!("expected a number in the label {own}, found {found:?}")))
            }
        }
    }
}

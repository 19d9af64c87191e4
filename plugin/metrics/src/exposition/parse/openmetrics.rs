//! OpenMetrics text 1.0.0 (and 0.0.1, which is the same), according to its ABNF and all its MUSTs.
//!
//! Tokens are separated by exactly one space; there are no comments or empty lines; `# EOF` ends
//! the text. A family's lines are contiguous, metadata first; so are a metric's samples, and a
//! point's within it. Sample names, labels and values are checked per line according to the type;
//! conditions on a whole point or family are checked at its end.
//!
//! Beyond the ABNF, as in Prometheus and client_python: names may be quoted, a quote in a help text
//! need not be escaped, and a backslash before a character other than `n`, `"` and `\` is literal.
//!
//! Source: the OpenMetrics specification 1.0.0.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

mod state;

use self::state::{FamilyState, Group, Point};
use super::checks::{Index, Tally, label_fault, too_long};
use super::event::{Event, Exemplar, Format, Label, Limits, ParseError, Part, Sample};
use super::scan::{Cursor, Escapes, is_whole, number};
use crate::model::FamilyType;

/// Maximum number of characters of an exemplar's label names and values.
const MAX_EXEMPLAR_LEN: usize = 128;

/// The sample name suffixes of all types.
const SUFFIXES: [&str; 9] = ["", "_total", "_created", "_count", "_sum", "_bucket", "_gcount", "_gsum", "_info"];

#[derive(Debug)]
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
    /// The last one is the current family.
    families: Vec<FamilyState<'a>>,
    index: Index,
    labels: Vec<Label<'a>>,
    group: Option<Group>,
    point: Point,
    /// Hashes of the family's metrics; for infos, which have no groups, of every sample and
    /// timestamp.
    seen: HashSet<u128, FixedState>,
    tally: Tally,
    done: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self {
            cursor: Cursor::new(input, Format::OpenMetrics, limits.bytes)?,
            limits: *limits,
            families: Vec::new(),
            index: Index::new(limits.seed),
            labels: Vec::new(),
            group: None,
            point: Point::default(),
            seen: HashSet::default(),
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
        match self.cursor.peek() {
            Some(b'#') => match self.metadata()? {
                Some(event) => Ok(event),
                None => Ok(Event::Eof),
            },
            Some(b'\n') => Err(self.cursor.fault("the line is empty; OpenMetrics has no empty lines")),
            None => Err(self.cursor.fault("the input ends without # EOF; it is truncated or not OpenMetrics")),
            Some(_) => self.sample().map(Event::Sample),
        }
    }

    /// Parses a line that begins with `#`; `None` for `# EOF`.
    fn metadata<'p>(&mut self) -> Result<Option<Event<'p, 'a>>, ParseError>
    where
        'a: 'p,
    {
        let line = self.cursor.at;
        if self.cursor.eat_text("# EOF") {
            self.cursor.eat(b'\n');
            if !self.cursor.is_at_end() {
                return Err(self.cursor.fault("something follows # EOF; expected the end of the input"));
            }
            self.close_family()?;
            self.done = true;
            return Ok(None);
        }
        let Some(keyword) = ["TYPE", "HELP", "UNIT"].into_iter().find(|word| {
            let mut ahead = self.cursor;
            ahead.eat_text("# ") && ahead.eat_text(word) && ahead.eat(b' ')
        }) else {
            let problem =
                "expected # TYPE, # HELP, # UNIT or # EOF, each followed by a space; OpenMetrics has no comments";
            return Err(self.cursor.fault_at(line, problem));
        };
        self.cursor.at += "# TYPE ".len();
        let start = self.cursor.at;
        let name = match self.cursor.eat(b'"') {
            true => self.cursor.quoted(Escapes::Any, "the metric's name")?,
            false => Cow::Borrowed(self.cursor.metric_name()),
        };
        if name.is_empty() {
            return Err(self.cursor.fault_at(start, format!("expected a metric's name after # {keyword}")));
        }
        if !self.cursor.eat(b' ') {
            return Err(self.cursor.unexpected(&format!("a space after the metric's name in # {keyword}")));
        }
        if self.families.last().is_none_or(|family| family.name != name) {
            self.open_family(name, start)?;
        } else if self.families.last().is_some_and(|family| family.has_samples) {
            return Err(self
                .cursor
                .fault_at(line, format!("# {keyword} comes after samples of its metric; put it before them")));
        }
        let text_at = self.cursor.at;
        let text =
            if keyword == "HELP" { self.cursor.help(Escapes::Any)? } else { Cow::Borrowed(self.cursor.rest_of_line()) };
        if !self.cursor.eat(b'\n') {
            return Err(self.cursor.unexpected("the end of the line"));
        }
        let place = self.families.len().saturating_sub(1);
        let again = match (self.families.last(), keyword) {
            (Some(family), "TYPE") => family.kind.is_some(),
            (Some(family), "HELP") => family.has_help,
            (Some(family), _) => family.unit.is_some(),
            (None, _) => false,
        };
        if again {
            return Err(self
                .cursor
                .fault_at(line, format!("a second # {keyword} of the metric; expected at most one")));
        }
        if text.ends_with('\r') {
            return Err(self.cursor.fault_at(
                text_at + text.len() - 1,
                "the line ends with a carriage return; expected only a line feed",
            ));
        }
        let Some(family) = self.families.last_mut() else { return Ok(None) };
        let event = match keyword {
            "TYPE" => {
                const KINDS: [FamilyType; 8] = [
                    FamilyType::Counter,
                    FamilyType::Gauge,
                    FamilyType::Histogram,
                    FamilyType::GaugeHistogram,
                    FamilyType::Summary,
                    FamilyType::Info,
                    FamilyType::StateSet,
                    FamilyType::Unknown,
                ];
                let Some(kind) = KINDS.into_iter().find(|kind| kind.name() == text) else {
                    if KINDS.iter().any(|kind| kind.name() == text.trim()) {
                        let problem = "extra spaces around the metric's type; expected one before it and none after it";
                        return Err(self.cursor.fault_at(text_at, problem));
                    }
                    let problem = format!(
                        "unknown metric type {:?}; expected counter, gauge, histogram, gaugehistogram, stateset, info, summary or unknown",
                        crate::error::excerpt(&text, 40)
                    );
                    return Err(self.cursor.fault_at(text_at, problem));
                };
                family.kind = Some(kind);
                Event::Type { family: place, kind }
            }
            "HELP" => {
                family.has_help = true;
                if text.len() > self.limits.help_bytes {
                    return Err(self
                        .cursor
                        .fault_at(text_at, too_long("the help", text.len(), self.limits.help_bytes)));
                }
                Event::Help { family: place, text }
            }
            _ => {
                let Cow::Borrowed(unit) = text else { return Ok(None) };
                family.unit = Some(unit);
                let fits = family.name.strip_suffix(unit).is_some_and(|before| before.ends_with('_'));
                if !unit.is_empty() && !fits {
                    let problem = format!(
                        "the metric's name does not end with the unit {:?}; expected a name that ends with _ and the unit",
                        crate::error::excerpt(unit, 40)
                    );
                    return Err(self.cursor.fault_at(text_at, problem));
                }
                Event::Unit { family: place, unit: Cow::Borrowed(unit) }
            }
        };
        if let Some(unit) = family.unit
            && !unit.is_empty()
            && matches!(family.kind, Some(FamilyType::Info | FamilyType::StateSet))
        {
            let problem = format!("a metric of type {} has no unit; remove # UNIT", family.kind().name());
            return Err(self.cursor.fault_at(text_at, problem));
        }
        Ok(Some(event))
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.index.find(name, |place| self.families.get(place).is_some_and(|family| family.name == name))
    }

    fn open_family(&mut self, name: Cow<'a, str>, at: usize) -> Result<(), ParseError> {
        self.close_family()?;
        if name.len() > self.limits.name_bytes {
            return Err(self.cursor.fault_at(at, too_long("the metric's name", name.len(), self.limits.name_bytes)));
        }
        if let Some(before) = self.find(&name).and_then(|place| self.families.get(place)) {
            let excerpt = crate::error::excerpt(&name, 100);
            let problem = match self.families.last() {
                Some(last) if std::ptr::eq(last, before) => format!(
                    "{excerpt} is not a sample of the {} with that name; expected {}",
                    last.kind().name(),
                    last.kind()
                        .suffixes()
                        .iter()
                        .map(|suffix| format!("{excerpt}{suffix}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                _ => format!("the metric {excerpt} appeared before; keep all its lines together, metadata first"),
            };
            return Err(self.cursor.fault_at(at, problem));
        }
        if self.families.len() >= self.limits.families {
            let problem = format!("there are more than {} metrics; raise the limit", self.limits.families);
            return Err(self.cursor.fault_at(at, problem));
        }
        let Self { families, index, .. } = self;
        index.insert(&name, families.len(), |place| families.get(place).map_or("", |family| &*family.name));
        families.push(FamilyState { name, kind: None, has_help: false, unit: None, at, has_samples: false });
        self.group = None;
        self.seen.clear();
        Ok(())
    }

    /// Checks that no sample name of the finished family, whose type is now known, can belong to
    /// another family.
    fn close_family(&mut self) -> Result<(), ParseError> {
        self.close_point()?;
        let Some(family) = self.families.last() else { return Ok(()) };
        let mut sample_name = String::new();
        for suffix in family.kind().suffixes().iter().chain([""].iter()) {
            sample_name.clear();
            sample_name.push_str(&family.name);
            sample_name.push_str(suffix);
            for other in SUFFIXES {
                let place = sample_name.strip_suffix(other).and_then(|name| self.find(name));
                let Some(other_family) = place.and_then(|place| self.families.get(place)) else { continue };
                let conflicts = other.is_empty() || other_family.kind().suffixes().contains(&other);
                if conflicts && !std::ptr::eq(other_family, family) {
                    let excerpt = |name: &str| crate::error::excerpt(name, 100);
                    let problem = format!(
                        "the {} {} and the {} {} could both have a sample {}; rename one of them",
                        family.kind().name(),
                        excerpt(&family.name),
                        other_family.kind().name(),
                        excerpt(&other_family.name),
                        excerpt(&sample_name)
                    );
                    return Err(self.cursor.fault_at(family.at, problem));
                }
            }
        }
        Ok(())
    }

    fn sample(&mut self) -> Result<Sample<'_, 'a>, ParseError> {
        let start = self.cursor.at;
        self.labels.clear();
        let plain = self.cursor.metric_name();
        let mut name = (!plain.is_empty()).then_some(Cow::Borrowed(plain));
        if self.cursor.peek() == Some(b'{') {
            let mut labels = std::mem::take(&mut self.labels);
            let read = self.labels(&mut name, &mut labels);
            self.labels = labels;
            read?;
        }
        if let Some(problem) = self.tally.count(self.labels.len(), &self.limits) {
            return Err(self.cursor.fault_at(start, problem));
        }
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(self.cursor.fault_at(start, "expected a metric's name or #"));
        };
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
        let exemplar = match self.is_at_exemplar() {
            true => Some(Box::new(self.exemplar(part, suffix)?)),
            false => None,
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
            exemplar,
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
        match number(token) {
            Some(number) => Ok((at, number)),
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

    fn exemplar(&mut self, part: Part, suffix: &str) -> Result<Exemplar<'a>, ParseError> {
        self.cursor.at += 1;
        let start = self.cursor.at;
        if !matches!(part, Part::Bucket(_)) && suffix != "_total" {
            let problem = "only counter totals and buckets may have exemplars; remove it";
            return Err(self.cursor.fault_at(start, problem));
        }
        self.cursor.at += 2;
        if self.cursor.peek() != Some(b'{') {
            return Err(self.cursor.unexpected("an exemplar's labels in braces"));
        }
        let mut labels = Vec::new();
        self.labels(&mut Some(Cow::Borrowed("")), &mut labels)?;
        let characters: usize =
            labels.iter().map(|label| label.name.chars().count() + label.value.chars().count()).sum();
        if characters > MAX_EXEMPLAR_LEN {
            let problem =
                format!("the exemplar's labels have {characters} characters; the maximum is {MAX_EXEMPLAR_LEN}");
            return Err(self.cursor.fault_at(start, problem));
        }
        let (at, value) = self.number("a space and a number after the exemplar's labels")?;
        if let Part::Bucket(bound) = part
            && value > bound
        {
            return Err(self
                .cursor
                .fault_at(at, "the exemplar's value is above its bucket's bound; move it to its own bucket"));
        }
        let mut timestamp = None;
        if self.cursor.peek() == Some(b' ') {
            let (at, read) = self.number("a timestamp")?;
            timestamp = Some(self.timestamp(at, read)?);
        }
        Ok(Exemplar { labels, value, timestamp })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|label| label.name == name).map(|label| &*label.value)
    }

    /// Determines the role of the sample, and checks its labels and value.
    fn check(&self, suffix: &str, at: usize, value_at: usize, value: f64) -> Result<Part, ParseError> {
        let Some(family) = self.families.last() else { return Ok(Part::Value) };
        let kind = family.kind();
        let part = match (kind, suffix) {
            (_, "_sum" | "_gsum") => Part::Sum,
            (_, "_count" | "_gcount") => Part::Count,
            (_, "_created") => Part::Created,
            (_, "_bucket") => Part::Bucket(self.numbered("le", at)?),
            (FamilyType::Summary, _) => Part::Quantile(self.numbered("quantile", at)?),
            _ => Part::Value,
        };
        let fault = |problem: &str| Err(self.cursor.fault_at(value_at, problem));
        let histogram = matches!(kind, FamilyType::Histogram | FamilyType::GaugeHistogram);
        match part {
            Part::Quantile(rank) if !(0.0..=1.0).contains(&rank) => {
                return Err(self.cursor.fault_at(at, "the label quantile is not between 0 and 1"));
            }
            Part::Bucket(bound) if bound.is_nan() => {
                return Err(self.cursor.fault_at(at, "the label le is NaN; expected the bucket's upper bound"));
            }
            Part::Sum | Part::Count | Part::Created if histogram && self.label("le").is_some() => {
                return Err(self.cursor.fault_at(at, "only buckets have the label le; rename it"));
            }
            Part::Sum | Part::Count | Part::Created
                if kind == FamilyType::Summary && self.label("quantile").is_some() =>
            {
                return Err(self.cursor.fault_at(at, "only quantiles have the label quantile; rename it"));
            }
            Part::Quantile(_) if value < 0.0 => {
                return fault("a quantile's value is negative; expected at least 0, or NaN");
            }
            Part::Bucket(_) | Part::Count if !is_whole(value) || value < 0.0 => {
                return fault("expected a whole number of at least 0");
            }
            Part::Sum if value.is_nan() => return fault("a sum is NaN; expected a number"),
            Part::Sum if value < 0.0 && kind != FamilyType::GaugeHistogram => {
                return fault("a sum is negative; it must increase like a counter; expected at least 0");
            }
            Part::Created if !value.is_finite() => {
                return fault("expected seconds since the Unix epoch, a finite number");
            }
            Part::Value => match kind {
                FamilyType::Counter if value.is_nan() || value < 0.0 => {
                    return fault("a counter's total is negative or NaN; expected a number of at least 0");
                }
                FamilyType::Info if value != 1.0 => return fault("an info's value is always 1"),
                FamilyType::StateSet if value != 1.0 && value != 0.0 => return fault("a state is 1 or 0"),
                FamilyType::StateSet if self.label(&family.name).is_none() => {
                    let name = crate::error::excerpt(&family.name, 100);
                    return Err(self.cursor.fault_at(at, format!("expected a label {name}, which names the state")));
                }
                _ => {}
            },
            _ => {}
        }
        Ok(part)
    }

    /// Parses the number in a label.
    fn numbered(&self, name: &str, at: usize) -> Result<f64, ParseError> {
        let text = self.label(name);
        let value = text.and_then(number);
        match value {
            // The only number with a required spelling.
            Some(value) if value != f64::INFINITY || text == Some("+Inf") => Ok(value),
            _ => {
                let found = text.map_or("none".into(), |text| format!("{:?}", crate::error::excerpt(text, 40)));
                let problem = format!("expected a label {name} with a number, infinity as +Inf; found {found}");
                Err(self.cursor.fault_at(at, problem))
            }
        }
    }

    /// Checks that metrics and points are contiguous, unique and in order.
    fn place(
        &mut self,
        part: Part,
        at: usize,
        value: f64,
        timestamp: Option<f64>,
        timestamp_at: usize,
    ) -> Result<(), ParseError> {
        let Some(family) = self.families.last() else { return Ok(()) };
        let kind = family.kind();
        let own = match part {
            Part::Bucket(_) => "le",
            Part::Quantile(_) => "quantile",
            Part::Value if kind == FamilyType::StateSet => &*family.name,
            _ => "",
        };
        let labels = self.hash(own);
        let state = if kind == FamilyType::StateSet { self.hash("") } else { 0 };
        let duplicate = |place: &Self| {
            Err(place.cursor.fault_at(at, "the sample occurs twice; expected unique samples or distinct timestamps"))
        };
        if kind == FamilyType::Info {
            // The labels of the metric and of the info cannot be distinguished.
            let at_time = timestamp.map_or(0, |timestamp| u128::from(timestamp.to_bits()).wrapping_add(1) << 64);
            return if self.seen.insert(labels ^ at_time) || timestamp.is_some() { Ok(()) } else { duplicate(self) };
        }
        let mut new_point = true;
        match self.group {
            Some(group) if group.labels == labels => {
                if timestamp.is_some() != group.timestamp.is_some() {
                    let problem = "some samples of the metric have a timestamp and some do not; expected all or none";
                    return Err(self.cursor.fault_at(at, problem));
                }
                if let (Some(now), Some(before)) = (timestamp, group.timestamp)
                    && now < before
                {
                    let problem =
                        "the timestamp is before that of the previous sample; timestamps of a metric must not decrease";
                    return Err(self.cursor.fault_at(timestamp_at, problem));
                }
                // Timestamps may repeat, or differ by less than a double can represent.
                new_point = timestamp != group.timestamp || (timestamp.is_some() && self.point.has(part, state));
            }
            _ => {
                if !self.seen.insert(labels) {
                    let problem = "other samples of this metric are further up; keep all samples of a metric together";
                    return Err(self.cursor.fault_at(at, problem));
                }
            }
        }
        if new_point {
            self.close_point()?;
            self.point.at = at;
        }
        self.group = Some(Group { labels, timestamp });
        let point = &mut self.point;
        let again = point.has(part, state);
        match part {
            Part::Bucket(bound) => {
                if point.bound.is_some_and(|before| bound <= before) {
                    let problem =
                        "the bucket's bound is not above the previous one; bounds must be ascending and unique";
                    return Err(self.cursor.fault_at(at, problem));
                }
                if value < point.below {
                    let problem = "the bucket's count is below the previous one; buckets are cumulative";
                    return Err(self.cursor.fault_at(at, problem));
                }
                point.has_negative_bounds |= bound < 0.0;
                (point.bound, point.below) = (Some(bound), value);
                return Ok(());
            }
            Part::Quantile(rank) => {
                if point.ranks.len() >= self.limits.labels {
                    return Err(self.cursor.fault_at(at, "there are too many quantiles; drop some or raise the limit"));
                }
                point.ranks.push(rank);
            }
            Part::Sum => point.sum = Some(value),
            Part::Count => point.count = Some(value),
            Part::Created => point.has_created = true,
            _ if state != 0 => {
                point.states.insert(state);
            }
            _ => point.has_value = true,
        }
        if again { duplicate(self) } else { Ok(()) }
    }

    /// An order-independent hash of the labels, excluding one of them.
    fn hash(&self, without: &str) -> u128 {
        let labels = self.labels.iter().filter(|label| without.is_empty() || label.name != without);
        labels.fold(1, |sum, label| {
            let (name, value) = (self.index.hash(&label.name), self.index.hash(&label.value));
            let mixed =
                u128::from(name ^ value.rotate_left(32)).wrapping_mul(0x2d99_7879_26d4_6932_a4c1_f326_80f7_0c55);
            sum.wrapping_add(mixed ^ (u128::from(value) << 64 | u128::from(name)))
        })
    }

    /// Checks that the finished point is complete.
    fn close_point(&mut self) -> Result<(), ParseError> {
        let is_open = self.group.is_some();
        let at = self.point.at;
        let point = std::mem::take(&mut self.point);
        let Some(family) = self.families.last().filter(|_| is_open) else { return Ok(()) };
        let fault = |problem: &str| Err(self.cursor.fault_at(at, problem));
        let kind = family.kind();
        if kind == FamilyType::Counter && !point.has_value {
            return fault("the counter has no sample with _total; expected one");
        }
        if !matches!(kind, FamilyType::Histogram | FamilyType::GaugeHistogram) {
            return Ok(());
        }
        if point.bound != Some(f64::INFINITY) {
            return fault("the histogram has no bucket with le=\"+Inf\"; expected one after all others");
        }
        match (point.count, point.sum) {
            (Some(count), _) if count != point.below => {
                fault("the histogram's count differs from its +Inf bucket; expected the same number")
            }
            (None, Some(_)) => fault("the histogram has a sum and no count; expected both or neither"),
            (Some(_), None) => fault("the histogram has a count and no sum; expected both or neither"),
            (_, Some(_)) if kind == FamilyType::Histogram && point.has_negative_bounds => {
                fault("the histogram has buckets below zero and a sum, which could then decrease; omit sum and count")
            }
            (_, Some(sum)) if sum < 0.0 && !point.has_negative_bounds => {
                fault("the histogram's sum is negative, but none of its buckets is below zero")
            }
            _ => Ok(()),
        }
    }
}

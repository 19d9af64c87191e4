//! A hand-written parser for delimited `io.prometheus.client.MetricFamily` messages: see
//! [`crate::exposition::protobuf`] for the fields.
//!
//! Fields may be in any order or unknown, and repeated numbers packed or not; if a singular field
//! repeats, the last one wins, as protobuf requires. Groups, which the schema never had, are
//! rejected. A metric must have a value of its family's type. A classic histogram without an
//! infinite bucket gets one, as in Prometheus; the counts of a native one must add up.

use std::borrow::Cow;

mod wire;

use self::wire::{Fault, Message, doubles, varints, zigzag};
use super::checks::{Index, Tally, label_fault, too_long};
use super::event::{Event, Exemplar, Format, Label, Limits, Native, ParseError, Part};
use super::native::Side;
use super::pending::{Pending, Queue};
use super::scan::milliseconds;
use crate::model::FamilyType;

#[derive(Debug)]
struct FamilyMessage<'a> {
    name: Cow<'a, str>,
    kind: FamilyType,
    help: Option<&'a str>,
    unit: Option<&'a str>,
    /// The rest of the message.
    rest: Message<'a>,
    events: u8,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    input: &'a [u8],
    rest: Message<'a>,
    limits: Limits,
    index: Index,
    families: Vec<Cow<'a, str>>,
    family: Option<FamilyMessage<'a>>,
    labels: Vec<Label<'a>>,
    queue: Queue<'a>,
    tally: Tally,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        if input.len() > limits.bytes {
            let problem =
                format!("the input has {} bytes; the maximum is {}; raise the limit", input.len(), limits.bytes);
            return Err(ParseError::at(Format::Protobuf, input, limits.bytes, problem));
        }
        Ok(Self {
            input,
            rest: Message { bytes: input, at: 0 },
            limits: *limits,
            index: Index::new(limits.seed),
            families: Vec::new(),
            family: None,
            labels: Vec::new(),
            queue: Queue::default(),
            tally: Tally::default(),
        })
    }

    pub(super) fn family(&self, family: usize) -> Option<&Cow<'a, str>> {
        self.families.get(family)
    }

    pub(super) fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        let input = self.input;
        self.advance().map_err(|(at, problem)| ParseError::at(Format::Protobuf, input, at, problem))
    }

    fn advance(&mut self) -> Result<Event<'_, 'a>, Fault> {
        let place = self.families.len().saturating_sub(1);
        loop {
            if !self.queue.pending.is_empty() {
                return self.sample();
            }
            let Some(family) = &mut self.family else {
                if self.rest.bytes.is_empty() {
                    return Ok(Event::Eof);
                }
                self.open_family()?;
                return self.advance();
            };
            family.events += 1;
            match family.events {
                1 => return Ok(Event::Type { family: place, kind: family.kind }),
                2 => {
                    if let Some(text) = family.help {
                        return Ok(Event::Help { family: place, text: Cow::Borrowed(text) });
                    }
                }
                3 => {
                    if let Some(unit) = family.unit.filter(|unit| !unit.is_empty()) {
                        return Ok(Event::Unit { family: place, unit: Cow::Borrowed(unit) });
                    }
                }
                _ => {
                    family.events = 3;
                    let at = family.rest.at;
                    match family.rest.field()? {
                        Some((4, content)) => {
                            let (metric, kind) = (content.message(at)?, family.kind);
                            self.metric(metric, kind)?;
                        }
                        Some(_) => {}
                        None => self.family = None,
                    }
                }
            }
        }
    }

    fn sample(&mut self) -> Result<Event<'_, 'a>, Fault> {
        let place = self.families.len().saturating_sub(1);
        if let Some(problem) = self.tally.count(self.queue.own + 1, &self.limits) {
            return Err((self.family.as_ref().map_or(0, |family| family.rest.at), problem));
        }
        let Some(base) = self.families.last() else { return Ok(Event::Eof) };
        Ok(self.queue.pop(place, base, &mut self.labels).map_or(Event::Eof, Event::Sample))
    }

    fn open_family(&mut self) -> Result<(), Fault> {
        let start = self.rest.at;
        let message = self.rest.delimited()?;
        let mut family = FamilyMessage {
            name: Cow::Borrowed(""),
            kind: FamilyType::Counter,
            help: None,
            unit: None,
            rest: message,
            events: 0,
        };
        let mut rest = message;
        loop {
            let at = rest.at;
            let Some((number, content)) = rest.field()? else { break };
            match number {
                1 => family.name = Cow::Borrowed(content.message(at)?.text("the metric's name")?),
                2 => family.help = Some(content.message(at)?.text("the help")?),
                3 => {
                    family.kind = match content.varint(at)? {
                        0 => FamilyType::Counter,
                        1 => FamilyType::Gauge,
                        2 => FamilyType::Summary,
                        3 => FamilyType::Unknown,
                        4 => FamilyType::Histogram,
                        5 => FamilyType::GaugeHistogram,
                        other => return Err((at, format!("unknown metric type {other}; expected 0 to 5"))),
                    }
                }
                5 => family.unit = Some(content.message(at)?.text("the unit")?),
                _ => {}
            }
        }
        let name = family.name.clone();
        if name.is_empty() {
            return Err((start, "the family has no name; expected at least one character".into()));
        }
        if name.len() > self.limits.name_bytes {
            return Err((start, too_long("the metric's name", name.len(), self.limits.name_bytes)));
        }
        if let Some(help) = family.help.filter(|help| help.len() > self.limits.help_bytes) {
            return Err((start, too_long("the help", help.len(), self.limits.help_bytes)));
        }
        if self.index.find(&name, |place| self.families.get(place) == Some(&name)).is_some() {
            let name = crate::error::excerpt(&name, 100);
            return Err((start, format!("the family {name} occurs twice; put all its metrics in one message")));
        }
        let base =
            if family.kind == FamilyType::Counter { name.strip_suffix("_total").unwrap_or(&name) } else { &name };
        if let Some(unit) = family.unit.filter(|unit| !unit.is_empty())
            && !base.strip_suffix(unit).is_some_and(|before| before.ends_with('_'))
        {
            let (unit, name) = (crate::error::excerpt(unit, 40), crate::error::excerpt(&name, 100));
            return Err((
                start,
                format!(
                    "the name {name} does not end with the unit {unit}; expected a name that ends with _ and the unit"
                ),
            ));
        }
        if self.families.len() >= self.limits.families {
            return Err((start, format!("there are more than {} metrics; raise the limit", self.limits.families)));
        }
        let Self { families, index, .. } = self;
        index.insert(&name, families.len(), |place| families.get(place).map_or("", |name| name));
        families.push(name);
        self.family = Some(family);
        Ok(())
    }

    fn labels_of(&self, mut pair: Message<'a>, labels: &mut Vec<Label<'a>>) -> Result<(), Fault> {
        let start = pair.at;
        let mut label = Label { name: Cow::Borrowed(""), value: Cow::Borrowed("") };
        loop {
            let at = pair.at;
            match pair.field()? {
                Some((1, content)) => label.name = Cow::Borrowed(content.message(at)?.text("the label's name")?),
                Some((2, content)) => label.value = Cow::Borrowed(content.message(at)?.text("the label's value")?),
                Some(_) => {}
                None => break,
            }
        }
        labels.push(label);
        label_fault(labels, &self.limits).map_or(Ok(()), |fault| Err((start, fault)))
    }

    /// Parses a metric and queues its samples.
    fn metric(&mut self, mut metric: Message<'a>, kind: FamilyType) -> Result<(), Fault> {
        let start = metric.at;
        let mut labels = std::mem::take(&mut self.labels);
        labels.clear();
        self.queue.start(0);
        let wanted = match kind {
            FamilyType::Gauge => 2,
            FamilyType::Counter => 3,
            FamilyType::Summary => 4,
            FamilyType::Unknown => 5,
            _ => 7,
        };
        let mut value = None;
        loop {
            let at = metric.at;
            let Some((number, content)) = metric.field()? else { break };
            match number {
                1 => self.labels_of(content.message(at)?, &mut labels)?,
                6 => self.queue.timestamp = Some(content.varint(at)? as i64 as f64 / 1e3),
                _ if number == wanted => value = Some(content.message(at)?),
                _ => {}
            }
        }
        self.queue.own = labels.len();
        self.labels = labels;
        let Some(value) = value else {
            return Err((
                start,
                format!("the metric has no {}, which its family's type requires; fix the target", kind.name()),
            ));
        };
        match kind {
            FamilyType::Summary => self.summary(value),
            FamilyType::Histogram => self.histogram(value, ["_sum", "_count"]),
            FamilyType::GaugeHistogram => self.histogram(value, ["_gsum", "_gcount"]),
            _ => self.scalar(value),
        }
    }

    /// Parses a gauge, an untyped value or a counter.
    fn scalar(&mut self, mut message: Message<'a>) -> Result<(), Fault> {
        let mut pending = Pending::new("", Part::Value, 0.0);
        loop {
            let at = message.at;
            match message.field()? {
                Some((1, content)) => pending.value = content.double(at)?,
                Some((2, content)) => pending.exemplars.push(self.exemplar(content.message(at)?)?),
                Some((3, content)) => self.queue.created_ms = Some(timestamp(content.message(at)?)?.0),
                Some(_) => {}
                None => break,
            }
        }
        self.queue.pending.push_back(pending);
        Ok(())
    }

    fn exemplar(&self, mut message: Message<'a>) -> Result<Exemplar<'a>, Fault> {
        let mut exemplar = Exemplar { labels: Vec::new(), value: 0.0, timestamp: None };
        loop {
            let at = message.at;
            match message.field()? {
                Some((1, content)) => self.labels_of(content.message(at)?, &mut exemplar.labels)?,
                Some((2, content)) => exemplar.value = content.double(at)?,
                Some((3, content)) => exemplar.timestamp = Some(timestamp(content.message(at)?)?.1),
                Some(_) => {}
                None => return Ok(exemplar),
            }
        }
    }

    fn summary(&mut self, mut message: Message<'a>) -> Result<(), Fault> {
        let (mut count, mut sum) = (0.0, 0.0);
        loop {
            let at = message.at;
            match message.field()? {
                Some((1, content)) => count = content.varint(at)? as f64,
                Some((2, content)) => sum = content.double(at)?,
                Some((3, content)) => {
                    let mut quantile = content.message(at)?;
                    let (mut rank, mut value) = (0.0, 0.0);
                    loop {
                        let at = quantile.at;
                        match quantile.field()? {
                            Some((1, content)) => rank = content.double(at)?,
                            Some((2, content)) => value = content.double(at)?,
                            Some(_) => {}
                            None => break,
                        }
                    }
                    self.queue.pending.push_back(Pending::new("", Part::Quantile(rank), value));
                }
                Some((4, content)) => self.queue.created_ms = Some(timestamp(content.message(at)?)?.0),
                Some(_) => {}
                None => break,
            }
        }
        self.queue.pending.push_back(Pending::new("_sum", Part::Sum, sum));
        self.queue.pending.push_back(Pending::new("_count", Part::Count, count));
        Ok(())
    }

    fn histogram(&mut self, mut message: Message<'a>, suffixes: [&'static str; 2]) -> Result<(), Fault> {
        let start = message.at;
        let (mut count, mut count_float, mut zero, mut zero_float) = (0u64, 0.0, 0u64, 0.0);
        let (mut sum, mut schema, mut zero_threshold) = (0.0, 0i64, 0.0);
        let mut buckets: Vec<Pending<'a>> = Vec::new();
        let mut sides = [Side::default(), Side::default()];
        let mut exemplars = Vec::new();
        loop {
            let at = message.at;
            let Some((number, content)) = message.field()? else { break };
            let [negative, positive] = &mut sides;
            match number {
                1 => count = content.varint(at)?,
                2 => sum = content.double(at)?,
                3 => buckets.push(self.bucket(content.message(at)?)?),
                4 => count_float = content.double(at)?,
                5 => schema = zigzag(content.varint(at)?),
                6 => zero_threshold = content.double(at)?,
                7 => zero = content.varint(at)?,
                8 => zero_float = content.double(at)?,
                9 => negative.spans.push(span(content.message(at)?)?),
                10 => varints(content, at, &mut negative.deltas)?,
                11 => doubles(content, at, &mut negative.counts)?,
                12 => positive.spans.push(span(content.message(at)?)?),
                13 => varints(content, at, &mut positive.deltas)?,
                14 => doubles(content, at, &mut positive.counts)?,
                15 => self.queue.created_ms = Some(timestamp(content.message(at)?)?.0),
                16 => exemplars.push(self.exemplar(content.message(at)?)?),
                _ => {}
            }
        }
        let is_float = count_float > 0.0 || zero_float > 0.0;
        let total = if count_float > 0.0 { count_float } else { count as f64 };
        let zero_count = if zero_float > 0.0 { zero_float } else { zero as f64 };
        let is_native = sides.iter().any(|side| !side.spans.is_empty()) || zero_threshold > 0.0 || zero_count > 0.0;
        if is_native {
            let [negative, positive] = sides;
            let fault = |problem: String| (start, problem);
            if !(-4..=8).contains(&schema) {
                return Err(fault(format!("a native histogram's schema is -4 to 8, found {schema}")));
            }
            let native = Native {
                schema: schema as i32,
                zero_threshold,
                zero_count,
                positive: positive.buckets(is_float, false).map_err(fault)?,
                negative: negative.buckets(is_float, false).map_err(fault)?,
                sum,
                count: total,
                is_float,
            };
            let pending = Pending::native(native).map_err(fault)?;
            self.queue.pending.push_back(Pending { exemplars, ..pending });
            if buckets.is_empty() {
                return Ok(());
            }
        }
        let infinite = |pending: &Pending| matches!(pending.part, Part::Bucket(f64::INFINITY));
        if !buckets.last().is_some_and(infinite) {
            buckets.push(Pending::new("_bucket", Part::Bucket(f64::INFINITY), total));
        }
        if !are_ascending(&buckets) {
            let problem =
                "the histogram's buckets are not ascending in bound and count; expected ascending, unique bounds";
            return Err((start, problem.into()));
        }
        self.queue.pending.extend(buckets);
        let [of_sum, of_count] = suffixes;
        self.queue.pending.push_back(Pending::new(of_sum, Part::Sum, sum));
        self.queue.pending.push_back(Pending::new(of_count, Part::Count, total));
        Ok(())
    }

    fn bucket(&self, mut message: Message<'a>) -> Result<Pending<'a>, Fault> {
        let (mut bound, mut count, mut count_float, mut exemplars) = (0.0, 0, 0.0, Vec::new());
        loop {
            let at = message.at;
            match message.field()? {
                Some((1, content)) => count = content.varint(at)?,
                Some((2, content)) => bound = content.double(at)?,
                Some((3, content)) => exemplars = vec![self.exemplar(content.message(at)?)?],
                Some((4, content)) => count_float = content.double(at)?,
                Some(_) => {}
                None => break,
            }
        }
        let value = if count_float > 0.0 { count_float } else { count as f64 };
        Ok(Pending { exemplars, ..Pending::new("_bucket", Part::Bucket(bound), value) })
    }
}

/// Whether buckets are in order of their bounds, and cumulative.
fn are_ascending(buckets: &[Pending]) -> bool {
    let mut before = None;
    buckets.iter().all(|bucket| {
        let Part::Bucket(bound) = bucket.part else { return false };
        let last = before.replace((bound, bucket.value));
        last.map_or(!bound.is_nan(), |(low, below)| low < bound && below <= bucket.value)
    })
}

/// Parses a `BucketSpan`.
fn span(mut message: Message) -> Result<(i64, u64), Fault> {
    let (mut offset, mut length) = (0, 0);
    loop {
        let at = message.at;
        match message.field()? {
            Some((1, content)) => offset = zigzag(content.varint(at)?),
            Some((2, content)) => length = content.varint(at)?,
            Some(_) => {}
            None => return Ok((offset, length)),
        }
    }
}

/// Parses a `google.protobuf.Timestamp` to milliseconds and seconds.
fn timestamp(mut message: Message) -> Result<(i64, f64), Fault> {
    let start = message.at;
    let (mut seconds, mut nanos) = (0i64, 0i64);
    loop {
        let at = message.at;
        match message.field()? {
            Some((1, content)) => seconds = content.varint(at)? as i64,
            Some((2, content)) => {
                nanos = content.varint(at)? as i64;
                if !(0..1_000_000_000).contains(&nanos) {
                    return Err((at, format!("a timestamp's nanoseconds are 0 to 999999999, found {nanos}")));
                }
            }
            Some(_) => {}
            None => break,
        }
    }
    let whole = seconds.checked_mul(1_000).and_then(|ms| ms.checked_add(milliseconds(nanos as f64 / 1e9)));
    let Some(ms) = whole else {
        return Err((start, format!("a timestamp of {seconds} seconds does not fit; expected 64-bit milliseconds")));
    };
    Ok((ms, seconds as f64 + nanos as f64 / 1e9))
}

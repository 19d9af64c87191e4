//! OpenMetrics 2.0.0 text, as of its release candidate of March 2026. It is experimental, and
//! written only for clients that ask for this version.
//!
//! A family's samples have its name, the same as in text 0.0.4, and each series is one line:
//!
//! | kind | type | value | `unknown` if |
//! |---|---|---|---|
//! | counter | `counter` | the total | a total is negative or NaN |
//! | gauge | `gauge` | the number | |
//! | histogram | `histogram` | count, sum, cumulative buckets | |
//! | native histogram | `histogram` | count, sum, schema, zero bucket, spans, buckets, perhaps classic buckets | |
//! | gauge histogram | `gaugehistogram` | gcount, gsum, buckets of either form | |
//! | unknown | `unknown` | the number | |
//! | summary | `summary` | count, sum, quantiles | a sum or quantile is negative or a sum is NaN |
//! | info | `info` | 1 | the name does not end with `_info` |
//! | state set | `stateset` | 1 or 0, one line per state | the name has a `:`, as in 1.0 |
//!
//! Families of type `unknown` keep their values, composite ones too. `st@` and the creation time
//! follow the value of a counter, histogram or summary, and then come its exemplars, of any length;
//! those without a time are omitted, since 2.0 requires one. `# UNIT` is written for any unit of
//! letters, digits, `_` and `:`. No two types need the same name, so [`Family::gives_way`] does not
//! matter.
//!
//! Source: the OpenMetrics specification 2.0.0-rc0.

use super::escaping::{Escaping, write_escaped, write_label_name, write_metric_name};
use super::openmetrics::{write_exemplar, write_metadata};
use super::samples::{self, Number};
use super::template::{Frame, MAX_NUMBER_LEN, SampleTemplate, append};
use crate::float;
use crate::model::{Exemplar, Family, FamilyType, Point, Series};
use crate::number::{write_count, write_number, write_seconds};
use crate::registry::native::NativeHistogram;
use crate::registry::{Definition, Kind, Members, Registry};

/// For `Content-Type`. Names are UTF-8 unless the client asks for an escaping.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=2.0.0; charset=utf-8";

/// What precedes a creation time.
const START: &[u8] = b" st@";

/// Maximum length of a time.
const MAX_SECONDS_LEN: usize = "18446744073709551.615".len();

/// Gaps of up to this many empty buckets are filled: shorter than another span.
const FILLED_GAP: i32 = 1;

/// Appends a whole registry and `# EOF`. Quantiles are as of `now_ms`.
///
/// The same text as of [`encode`] with [`Registry::read`]. Counters and gauges, which are the most,
/// are written without the model: it has a list of labels for each series.
pub fn encode_registry(registry: &Registry, now_ms: u64, escaping: Escaping, out: &mut Vec<u8>) {
    let members = registry.members();
    let mut families = registry.sorted_families();
    families.retain(|index| !members.of(*index).is_empty());
    let name = |index: &usize| registry.family_at(*index).map(|(_, definition, _)| definition.name.as_str());
    let metrics: Vec<Option<Numbers>> = families
        .chunk_by(|a, b| name(a) == name(b))
        .map(|sets| Numbers::of(registry, sets, &members, escaping))
        .collect();
    out.reserve(metrics.iter().flatten().map(|numbers| numbers.bytes(registry)).sum());
    for (metric, sets) in metrics.iter().zip(families.chunk_by(|a, b| name(a) == name(b))) {
        match metric {
            Some(numbers) => numbers.write(registry, escaping, out),
            None => {
                let mut read = Vec::new();
                sets.iter()
                    .for_each(|index| registry.read_onto(&mut read, *index, members.of(*index), now_ms, &|_| true));
                read.iter().for_each(|family| write_family(family, escaping, out));
            }
        }
    }
    out.extend_from_slice(b"# EOF\n");
}
/// A metric with one set of labels whose series are numbers.
struct Numbers<'r> {
    definition: &'r Definition,
    frame: Frame,
    sample: SampleTemplate,
    /// Sorted.
    handles: Vec<u32>,
    values: Vec<f64>,
}

impl<'r> Numbers<'r> {
    /// `None` if the metric has other series, or values that its type does not allow.
    fn of(registry: &'r Registry, sets: &[usize], members: &Members, escaping: Escaping) -> Option<Self> {
        let [index] = sets else { return None };
        let (_, definition, _) = registry.family_at(*index)?;
        if !matches!(definition.kind, Kind::Counter | Kind::Gauge | Kind::Unknown) {
            return None;
        }
        let mut handles = members.of(*index).to_vec();
        registry.sort(&mut handles);
        let mut values = Vec::with_capacity(handles.len());
        registry.scalars(&handles, &mut values);
        let fits = definition.kind != Kind::Counter || values.iter().all(|value| *value >= 0.0);
        let frame = Frame::new(definition, escaping);
        let sample = frame.sample("", None);
        fits.then_some(Self { definition, frame, sample, handles, values })
    }

    /// Estimated length, without metadata and exemplars.
    fn bytes(&self, registry: &Registry) -> usize {
        let is_counter = self.definition.kind == Kind::Counter;
        let start = if is_counter { START.len() + MAX_SECONDS_LEN } else { 0 };
        let line = self.sample.name.len() + self.sample.rest.len() + MAX_NUMBER_LEN + start;
        line * self.handles.len() + self.frame.label_bytes(registry, &self.handles)
    }

    fn write(&self, registry: &Registry, escaping: Escaping, out: &mut Vec<u8>) {
        let Self { definition, frame, sample, handles, values } = self;
        let unit = definition.unit.as_deref().filter(|unit| is_unit(unit)).unwrap_or_default();
        let help = definition.help.as_deref().unwrap_or_default();
        write_metadata((&frame.name, ""), FamilyType::from(definition.kind).name(), unit, help, out);
        let is_counter = definition.kind == Kind::Counter;
        let (mut number, mut labels) = (float::Number::default(), Vec::new());
        // Most series begin with others.
        let (mut last_ms, mut start) = (0, Vec::new());
        for (handle, value) in handles.iter().zip(values) {
            append(out, &sample.name);
            frame.write_labels(registry.key_of_handle(*handle), out);
            append(out, &sample.rest);
            append(out, number.text(*value));
            if is_counter {
                let (created_ms, exemplar) = registry.start_and_exemplar(*handle);
                if created_ms != last_ms {
                    last_ms = created_ms;
                    start.clear();
                    write_start(Some(created_ms).filter(|created| *created > 0), &mut start);
                }
                append(out, &start);
                if let Some(exemplar) = exemplar.filter(|exemplar| exemplar.unix_ms.is_some()) {
                    write_exemplar(exemplar, escaping, usize::MAX, &mut labels, out);
                }
            }
            out.push(b'\n');
        }
    }
}

/// Appends all families and `# EOF`.
pub fn encode(families: &[Family], escaping: Escaping, out: &mut Vec<u8>) {
    families.iter().for_each(|family| write_family(family, escaping, out));
    out.extend_from_slice(b"# EOF\n");
}

fn write_family(family: &Family, escaping: Escaping, out: &mut Vec<u8>) {
    let mut own = Vec::new();
    let name = escaping.metric_name(family.name);
    let kind = type_of(family, &name, escaping);
    let unit = if is_unit(family.unit) { family.unit } else { "" };
    write_metadata((&name, ""), kind, unit, family.help, out);
    let mut names = Names::new(&name, escaping);
    for series in &family.series {
        if let Point::StateSet(states) = &series.point {
            for (state, on) in *states {
                names.write(series.labels.iter().copied().chain([(family.name, &**state)]), out);
                out.extend_from_slice(if *on { b" 1\n" } else { b" 0\n" });
            }
            continue;
        }
        names.write(series.labels.iter().copied(), out);
        out.push(b' ');
        write_point(&series.point, family.kind == Kind::GaugeHistogram, out);
        if matches!(kind, "counter" | "histogram" | "summary") {
            write_start(series.created_ms, out);
        }
        if matches!(kind, "counter" | "histogram" | "gaugehistogram") {
            exemplars(series).for_each(|exemplar| write_exemplar(exemplar, escaping, usize::MAX, &mut own, out));
        }
        out.push(b'\n');
    }
}

/// Whether 2.0 can express the unit.
pub(super) fn is_unit(unit: &str) -> bool {
    unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// The type that the specification allows for the family's contents.
fn type_of(family: &Family, name: &str, escaping: Escaping) -> &'static str {
    let fits = match family.kind {
        Kind::Info => name.ends_with("_info"),
        Kind::StateSet => escaping.label_name(family.name) == name,
        Kind::Counter | Kind::Summary => family.series.iter().all(is_counter),
        Kind::Gauge | Kind::Histogram | Kind::NativeHistogram | Kind::GaugeHistogram | Kind::Unknown => true,
    };
    if fits { FamilyType::from(family.kind).name() } else { "unknown" }
}

/// Whether the numbers are such as only increase.
fn is_counter(series: &Series) -> bool {
    match &series.point {
        Point::Counter { total, .. } => *total >= 0.0,
        // NaN is allowed as quantile: it means no recent observations.
        Point::Summary { quantiles, sum, .. } => *sum >= 0.0 && !quantiles.iter().any(|(_, value)| *value < 0.0),
        _ => true,
    }
}

/// The exemplars that can be written.
fn exemplars<'a>(series: &Series<'a>) -> impl Iterator<Item = &'a Exemplar> {
    let (one, many): (_, &[Option<Exemplar>]) = match &series.point {
        Point::Counter { exemplar, .. } => (*exemplar, &[]),
        Point::Histogram { exemplars, .. } => (None, exemplars),
        _ => (None, &[]),
    };
    let native = if let Point::Native(native) = &series.point { native.exemplars } else { &[] };
    one.into_iter().chain(many.iter().flatten()).chain(native).filter(|exemplar| exemplar.unix_ms.is_some())
}

fn write_point(point: &Point, is_gauge: bool, out: &mut Vec<u8>) {
    match point {
        Point::Counter { total: value, .. } | Point::Gauge(value) => write_number(*value, out),
        Point::Info | Point::StateSet(_) => out.push(b'1'),
        Point::Histogram { bounds, counts, sum, exemplars } => {
            write_totals(is_gauge, Number::Count(counts.iter().sum()), *sum, out);
            let buckets = samples::buckets(bounds, counts, exemplars);
            write_buckets(buckets.map(|(bound, below, _)| (bound, Number::Count(below))), out);
            out.push(b'}');
        }
        Point::Native(native) => {
            write_totals(is_gauge, Number::Count(native.count()), native.sum(), out);
            write_native(native, out);
            if native.classic.is_some() {
                write_buckets(native.classic_buckets().map(|(bound, below, _)| (bound, Number::Count(below))), out);
            }
            out.push(b'}');
        }
        Point::Summary { quantiles, sum, count } => {
            write_totals(false, Number::Count(*count), *sum, out);
            write_quantiles(quantiles.iter().copied(), out);
            out.push(b'}');
        }
    }
}

fn write_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    let zero = (native.zero_threshold(), Number::Count(native.zero_count()));
    write_schema(native.schema(), zero, out);
    for (name, buckets) in [("negative", native.negative()), ("positive", native.positive())] {
        write_side(name, buckets.iter().map(|bucket| (bucket.index, Number::Count(bucket.count))), out);
    }
}

/// Appends the beginning of a composite value: `{count:2,sum:1.5`.
pub(super) fn write_totals(is_gauge: bool, count: Number, sum: f64, out: &mut Vec<u8>) {
    let (first, second): (&[u8], &[u8]) = if is_gauge { (b"{gcount:", b",gsum:") } else { (b"{count:", b",sum:") };
    out.extend_from_slice(first);
    write_value(count, out);
    out.extend_from_slice(second);
    write_number(sum, out);
}

/// Appends classic buckets, cumulative, the last of them `+Inf`.
pub(super) fn write_buckets(buckets: impl Iterator<Item = (f64, Number)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",bucket:[");
    write_list(buckets, out, |(bound, count), out| {
        write_number(bound, out);
        out.push(b':');
        write_value(count, out);
    });
}

/// Appends quantiles.
pub(super) fn write_quantiles(quantiles: impl Iterator<Item = (f64, f64)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",quantile:[");
    write_list(quantiles, out, |(rank, value), out| {
        write_number(rank, out);
        out.push(b':');
        write_number(value, out);
    });
}

/// Appends what native buckets begin with.
pub(super) fn write_schema(schema: i32, (threshold, count): (f64, Number), out: &mut Vec<u8>) {
    out.extend_from_slice(b",schema:");
    write_number(schema.into(), out);
    out.extend_from_slice(b",zero_threshold:");
    write_number(threshold, out);
    out.extend_from_slice(b",zero_count:");
    write_value(count, out);
}

/// Appends the native buckets of one sign, by ascending index, if there are any.
pub(super) fn write_side(name: &str, buckets: impl Iterator<Item = (i32, Number)> + Clone, out: &mut Vec<u8>) {
    let mut spans: Vec<(i32, i32)> = Vec::new();
    let mut next = None;
    for (index, _) in buckets.clone() {
        match (next.map(|next| index - next), spans.last_mut()) {
            (Some(gap @ ..=FILLED_GAP), Some((_, length))) => *length += gap + 1,
            (gap, _) => spans.push((gap.unwrap_or(index), 1)),
        }
        next = Some(index + 1);
    }
    if spans.is_empty() {
        return;
    }
    out.push(b',');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"_spans:[");
    write_list(spans.into_iter(), out, |(offset, length), out| {
        write_number(offset.into(), out);
        out.push(b':');
        write_number(length.into(), out);
    });
    out.push(b',');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"_buckets:[");
    let mut next = None;
    write_list(buckets, out, |(index, count), out| {
        let gap = next.map_or(0, |next| index - next);
        if gap <= FILLED_GAP {
            (0..gap).for_each(|_| out.extend_from_slice(b"0,"));
        }
        write_value(count, out);
        next = Some(index + 1);
    });
}

/// Appends items with commas between them, and the closing bracket.
fn write_list<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_value(value: Number, out: &mut Vec<u8>) {
    match value {
        Number::Float(value) => write_number(value, out),
        Number::Count(count) => write_count(count, out),
    }
}

/// Appends the creation time, if any.
pub(super) fn write_start(created_ms: Option<u64>, out: &mut Vec<u8>) {
    if let Some(created_ms) = created_ms {
        out.extend_from_slice(START);
        write_seconds(created_ms, out);
    }
}

/// Writes names and labels of samples, and remembers the names as they are written: those of a
/// family's series are usually the same.
pub(super) struct Names<'n> {
    escaping: Escaping,
    /// Without labels: `name`, or `{"name"}`.
    bare: Vec<u8>,
    /// Before labels: `name{`, or `{"name",`.
    open: Vec<u8>,
    /// `a="` or, after another label, `,a="`.
    labels: Vec<(&'n str, Vec<u8>)>,
}

impl<'n> Names<'n> {
    /// For a metric with an escaped name.
    pub(super) fn new(name: &str, escaping: Escaping) -> Self {
        let (mut bare, mut open) = (Vec::new(), Vec::new());
        write_metric_name(name, "", &mut bare);
        if bare.starts_with(b"\"") {
            bare.insert(0, b'{');
            open.extend_from_slice(&bare);
            open.push(b',');
            bare.push(b'}');
        } else {
            open.extend_from_slice(&bare);
            open.push(b'{');
        }
        Self { escaping, bare, open, labels: Vec::new() }
    }

    /// Appends the name and these labels, of names not yet escaped.
    pub(super) fn write(&mut self, labels: impl Iterator<Item = (&'n str, &'n str)>, out: &mut Vec<u8>) {
        let start = out.len();
        for (place, (name, value)) in labels.enumerate() {
            if place == 0 {
                out.extend_from_slice(&self.open);
            }
            if self.labels.get(place).is_none_or(|(own, _)| *own != name) {
                self.labels.truncate(place);
                let mut written = Vec::new();
                write_label_name(&self.escaping.label_name(name), &mut written);
                if place > 0 {
                    written.insert(0, b',');
                }
                written.extend_from_slice(b"=\"");
                self.labels.push((name, written));
            }
            if let Some((_, written)) = self.labels.get(place) {
                out.extend_from_slice(written);
            }
            write_escaped(value.as_bytes(), true, out);
            out.push(b'"');
        }
        match out.len() > start {
            true => out.push(b'}'),
            false => out.extend_from_slice(&self.bare),
        }
    }
}

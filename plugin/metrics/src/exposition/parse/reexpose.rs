//! Encodes scraped metrics again, for pushing or serving: without timestamps, the latest sample of
//! each, family by family.
//!
//! | | text 0.0.4 | OpenMetrics 1.0 | OpenMetrics 2.0 |
//! |---|---|---|---|
//! | names | invalid characters become `_` | quoted if necessary | the same |
//! | info, state set | gauges | unchanged | unchanged |
//! | gauge histogram, unknown | untyped, one metric per sample name | gauge histogram; unknown, one per sample name | unchanged |
//! | native histogram | only the `+Inf` bucket, sum and count | the same | unchanged, with classic buckets if there are |
//! | creation time | dropped | `_created` | `st@` |
//! | exemplars | dropped | kept | kept if they have a time |
//!
//! If a family violates OpenMetrics' rules for its type, or loses its type to another one
//! ([`crate::reserved`]), its samples are written as type unknown, without `_created` and
//! exemplars; in 2.0, first as unknown with composite values. Bounds and ranks are formatted for
//! the output format: `1` in text, `1.0` in OpenMetrics. From text to text they are unchanged,
//! since they identify a series.

use super::lint::text_name;
use super::scan::{is_whole, milliseconds};
use super::{Exemplar, Families, FamilyType, Format, Label, Limits, ParsedFamily, Part, Point, parse};
use super::{Metric, Native};
use crate::exposition::escaping::{Escaping, write_escaped, write_label, write_metric_name, write_sample_name};
use crate::exposition::openmetrics::write_metadata;
use crate::exposition::openmetrics2::{
    Names, is_unit, write_buckets, write_quantiles, write_schema, write_side, write_start, write_totals,
};
use crate::exposition::samples::Number;
use crate::number::{write_canonical, write_number};
use crate::reserved::{self, ReservedNames};

/// The input was already limited, and the output is only a little longer.
const UNLIMITED: Limits = Limits {
    bytes: usize::MAX,
    samples: usize::MAX,
    families: usize::MAX,
    labels: usize::MAX,
    all_labels: usize::MAX,
    name_bytes: usize::MAX,
    value_bytes: usize::MAX,
    help_bytes: usize::MAX,
    seed: 0,
};

/// Appends the families with samples as text 0.0.4, OpenMetrics 1.0 or 2.0, and returns the number
/// of dropped exemplars. The error describes what cannot be represented.
pub fn reexpose(families: &Families, format: Format, out: &mut Vec<u8>) -> Result<usize, String> {
    if format == Format::Protobuf {
        return Err("scraped metrics can be encoded only as text or OpenMetrics".into());
    }
    let start = out.len();
    let mut labels = Vec::new();
    let exposed: Vec<&ParsedFamily> = families.list.iter().filter(|family| !family.points.is_empty()).collect();
    let gives_way = match format {
        Format::OpenMetrics => {
            let reserved_names = |family: &&ParsedFamily| ReservedNames::of(family.kind, &text_name(families, family));
            reserved::unknown(&exposed.iter().map(reserved_names).collect::<Vec<_>>())
        }
        _ => Vec::new(),
    };
    let mut exemplars = 0;
    for (place, family) in exposed.into_iter().enumerate() {
        let all = families.metrics(family).iter().map(|metric| metric.exemplars(families).len()).sum::<usize>();
        let mut writer = Writer { families, family, name: text_name(families, family), format, labels: &mut labels };
        match format {
            Format::OpenMetrics2 => exemplars += writer.second(out),
            Format::OpenMetrics => {
                let before = out.len();
                let gives_way = gives_way.get(place).copied().unwrap_or(false);
                let written = if gives_way { None } else { writer.typed(out) };
                exemplars += match written {
                    Some(written) if is_valid(out.get(before..).unwrap_or_default(), format) => all - written,
                    _ => {
                        out.truncate(before);
                        writer.untyped(out);
                        all
                    }
                };
            }
            _ => {
                writer.text(out);
                exemplars += all;
            }
        }
    }
    let close: &[u8] = if format == Format::Text { b"" } else { b"# EOF\n" };
    out.extend_from_slice(close);
    match parse(out.get(start..).unwrap_or_default(), format, &UNLIMITED) {
        Ok(_) => Ok(exemplars),
        Err(error) => {
            out.truncate(start);
            Err(format!("the scraped metrics cannot be encoded as {}: {}", format.name(), error.problem))
        }
    }
}

/// Whether the family is valid OpenMetrics.
fn is_valid(family: &[u8], format: Format) -> bool {
    let whole = [family, b"# EOF\n"].concat();
    parse(&whole, format, &UNLIMITED).is_ok()
}

struct Writer<'w, 'a> {
    families: &'w Families<'a>,
    family: &'w ParsedFamily<'a>,
    /// The name in text format, not escaped.
    name: String,
    format: Format,
    labels: &'w mut Vec<u8>,
}

impl Writer<'_, '_> {
    fn escaping(&self) -> Escaping {
        match self.format {
            Format::Text => Escaping::Underscores,
            _ => Escaping::AllowUtf8,
        }
    }

    fn head(&self, name: &str, kind: Option<&str>, out: &mut Vec<u8>) {
        let name = self.escaping().metric_name(name);
        let quote = self.format != Format::Text;
        if let Some(help) = self.family.help.as_deref().filter(|help| !help.is_empty()) {
            out.extend_from_slice(b"# HELP ");
            write_metric_name(&name, "", out);
            out.push(b' ');
            write_escaped(help.as_bytes(), quote, out);
            out.push(b'\n');
        }
        if let Some(kind) = kind {
            out.extend_from_slice(b"# TYPE ");
            write_metric_name(&name, "", out);
            out.push(b' ');
            out.extend_from_slice(kind.as_bytes());
            out.push(b'\n');
        }
    }

    fn text(&mut self, out: &mut Vec<u8>) {
        let kind = match self.family.kind {
            FamilyType::Counter => "counter",
            FamilyType::Gauge | FamilyType::Info | FamilyType::StateSet => "gauge",
            FamilyType::Histogram => "histogram",
            FamilyType::Summary => "summary",
            FamilyType::GaugeHistogram | FamilyType::Unknown => return self.untyped(out),
        };
        self.head(&self.name, Some(kind), out);
        for metric in self.families.metrics(self.family) {
            for point in metric.latest(self.families, self.family) {
                self.point(point, None, out);
            }
        }
    }

    /// Writes the family with its type, and returns the number of exemplars; `None` if OpenMetrics
    /// does not support it.
    fn typed(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let base = match self.family.kind {
            FamilyType::Counter => self.name.strip_suffix("_total"),
            FamilyType::Info => self.name.strip_suffix("_info"),
            _ => Some(&*self.name),
        };
        let base = base.filter(|base| !base.is_empty()).map(str::to_owned)?;
        let mut written = 0;
        self.head(&base, Some(self.family.kind.name()), out);
        if let Some(unit) = self.family.unit.as_deref() {
            out.extend_from_slice(b"# UNIT ");
            write_metric_name(&base, "", out);
            out.push(b' ');
            out.extend_from_slice(unit.as_bytes());
            out.push(b'\n');
        }
        for metric in self.families.metrics(self.family) {
            let points = metric.latest(self.families, self.family);
            let native = points.iter().find(|point| point.native.is_some());
            let native = native.map_or(&[][..], |point| point.exemplars.as_slice());
            let mut lower = f64::NEG_INFINITY;
            for point in &points {
                let own = point.exemplars.first();
                let exemplar = match point.part {
                    Part::Bucket(upper) => {
                        let below = std::mem::replace(&mut lower, upper);
                        own.or_else(|| latest(native, below, upper))
                    }
                    Part::Native => latest(native, f64::NEG_INFINITY, f64::INFINITY),
                    _ => own,
                };
                written += usize::from(self.point(point, exemplar, out));
            }
            let created = points.iter().find_map(|point| point.created_ms);
            if let Some(created) = created.filter(|_| {
                matches!(self.family.kind, FamilyType::Counter | FamilyType::Histogram | FamilyType::Summary)
            }) {
                self.labels.clear();
                metric.labels.iter().for_each(|(name, value)| write_label(name, value, self.labels));
                write_sample_name(&base, "_created", self.labels, out);
                out.push(b' ');
                write_number(created as f64 / 1000.0, out);
                out.push(b'\n');
            }
        }
        Some(written)
    }

    /// Writes each sample name as a separate metric.
    fn untyped(&mut self, out: &mut Vec<u8>) {
        let unknown = (self.format != Format::Text).then_some("unknown");
        let mut names: Vec<&str> = Vec::new();
        for point in &self.family.points {
            if point.part != Part::Created && !names.contains(&&*point.name) {
                names.push(&point.name);
            }
        }
        for name in names {
            self.head(name, unknown.or(Some("untyped")), out);
            for metric in self.families.metrics(self.family) {
                let points = metric.latest(self.families, self.family);
                for point in points.into_iter().filter(|point| point.name == name) {
                    self.point(point, None, out);
                }
            }
        }
    }

    /// Writes a sample, and returns whether its exemplar was written.
    fn point(&mut self, point: &Point, exemplar: Option<&Exemplar>, out: &mut Vec<u8>) -> bool {
        let text = self.format == Format::Text;
        if point.part == Part::Created && text {
            return false;
        }
        if let Some(native) = &point.native {
            let has_classic = self.family.points.iter().any(|point| matches!(point.part, Part::Bucket(_)));
            if has_classic {
                return false;
            }
            for (suffix, value) in [("_bucket", native.count), ("_sum", native.sum), ("_count", native.count)] {
                self.write_labels(self.families.labels(point), None);
                if suffix == "_bucket" {
                    write_label("le", "+Inf", self.labels);
                }
                let name = self.escaping().metric_name(&point.name);
                write_sample_name(&name, suffix, self.labels, out);
                out.push(b' ');
                write_number(value, out);
                if let Some(exemplar) = exemplar.filter(|_| suffix == "_bucket") {
                    self.exemplar(exemplar, out);
                }
                out.push(b'\n');
            }
            return exemplar.is_some();
        }
        let number = match point.part {
            Part::Bucket(number) => Some(("le", number)),
            Part::Quantile(number) => Some(("quantile", number)),
            _ => None,
        };
        let as_scraped = text && self.families.format == Format::Text;
        self.write_labels(self.families.labels(point), number.filter(|_| !as_scraped));
        let name = self.escaping().metric_name(&point.name);
        write_sample_name(&name, "", self.labels, out);
        out.push(b' ');
        write_number(point.value, out);
        if let Some(exemplar) = exemplar {
            self.exemplar(exemplar, out);
        }
        out.push(b'\n');
        exemplar.is_some()
    }

    fn write_labels(&mut self, labels: &[Label], number: Option<(&str, f64)>) {
        let escaping = self.escaping();
        self.labels.clear();
        for label in labels {
            match number {
                Some((name, number)) if label.name == name => {
                    let mut formatted = Vec::new();
                    match self.format {
                        Format::Text => write_number(number, &mut formatted),
                        _ => write_canonical(number, &mut formatted),
                    }
                    write_label(name, &String::from_utf8(formatted).unwrap_or_default(), self.labels);
                }
                _ => write_label(&escaping.label_name(&label.name), &label.value, self.labels),
            }
        }
    }

    fn exemplar(&mut self, exemplar: &Exemplar, out: &mut Vec<u8>) {
        self.write_labels(&exemplar.labels, None);
        out.extend_from_slice(b" # {");
        out.extend_from_slice(self.labels);
        out.extend_from_slice(b"} ");
        write_number(exemplar.value, out);
        if let Some(timestamp) = exemplar.timestamp {
            out.push(b' ');
            write_number(timestamp, out);
        }
    }

    /// Writes the family as OpenMetrics 2.0, and returns the number of dropped exemplars.
    fn second(&mut self, out: &mut Vec<u8>) -> usize {
        let metrics = self.families.metrics(self.family);
        let all = metrics.iter().map(|metric| metric.exemplars(self.families).len()).sum();
        let start = out.len();
        for kind in [self.family.kind, FamilyType::Unknown] {
            let written = self.lines(kind, out);
            if let Some(written) = written
                && is_valid(out.get(start..).unwrap_or_default(), self.format)
            {
                return all - written;
            }
            out.truncate(start);
        }
        self.untyped(out);
        all
    }

    /// Writes a line for each series, or for each state. Returns the number of exemplars; `None` if
    /// some series lacks what its type requires.
    fn lines(&mut self, kind: FamilyType, out: &mut Vec<u8>) -> Option<usize> {
        let unit = self.family.unit.as_deref().filter(|unit| is_unit(unit)).unwrap_or_default();
        let help = self.family.help.as_deref().unwrap_or_default();
        write_metadata((&self.name, ""), kind.name(), unit, help, out);
        let mut names = Names::new(&self.name, Escaping::AllowUtf8);
        let mut exemplars = 0;
        for metric in self.families.metrics(self.family) {
            let metric = Metric { points: metric.latest(self.families, self.family), labels: metric.labels };
            let is_number = |point: &&&Point| matches!(point.part, Part::Value);
            let is_composite = metric.points.iter().any(|point| !matches!(point.part, Part::Value | Part::Created));
            if is_composite {
                names.write(metric.labels.iter().copied(), out);
                out.push(b' ');
                composite(self.family.kind, &metric, out)?;
                exemplars += self.times_and_exemplars(kind, &metric, &metric.points, out);
                continue;
            }
            for point in metric.points.iter().filter(is_number) {
                let labels = self.families.labels(point);
                names.write(labels.iter().map(|label| (&*label.name, &*label.value)), out);
                out.push(b' ');
                write_number(point.value, out);
                exemplars += self.times_and_exemplars(kind, &metric, std::slice::from_ref(point), out);
            }
        }
        Some(exemplars)
    }

    /// Ends a line; returns the number of exemplars.
    fn times_and_exemplars(
        &mut self,
        kind: FamilyType,
        metric: &Metric,
        points: &[&Point],
        out: &mut Vec<u8>,
    ) -> usize {
        if matches!(kind, FamilyType::Counter | FamilyType::Histogram | FamilyType::Summary) {
            let created = |point: &&Point| match point.part {
                Part::Created => Some(milliseconds(point.value)),
                _ => point.created_ms,
            };
            let created = metric.points.iter().find_map(created);
            write_start(created.and_then(|created| u64::try_from(created).ok()), out);
        }
        let mut written = 0;
        if !matches!(kind, FamilyType::Gauge | FamilyType::Info | FamilyType::StateSet) {
            let metric = Metric { labels: Vec::new(), points: points.to_vec() };
            for exemplar in metric.exemplars(self.families).into_iter().filter(|exemplar| exemplar.timestamp.is_some())
            {
                self.exemplar(exemplar, out);
                written += 1;
            }
        }
        out.push(b'\n');
        written
    }
}

/// The latest exemplar of a bucket.
fn latest<'e, 'a>(exemplars: &'e [Exemplar<'a>], lower: f64, upper: f64) -> Option<&'e Exemplar<'a>> {
    let contains =
        |exemplar: &&Exemplar| (exemplar.value > lower || lower == f64::NEG_INFINITY) && exemplar.value <= upper;
    let time = |exemplar: &Exemplar| exemplar.timestamp.unwrap_or(f64::NEG_INFINITY);
    exemplars.iter().filter(contains).max_by(|a, b| time(a).total_cmp(&time(b)))
}

/// Writes the samples of a series as one composite value. `None` if it has no sum or count.
fn composite(kind: FamilyType, metric: &Metric, out: &mut Vec<u8>) -> Option<()> {
    let native = metric.points.iter().find_map(|point| point.native.as_deref());
    let value = |part| metric.points.iter().find(|point| point.part == part).map(|point| point.value);
    let mut bounds: Vec<(f64, Number)> = Vec::new();
    let mut quantiles = Vec::new();
    for point in &metric.points {
        match point.part {
            Part::Bucket(bound) => bounds.push((bound, amount(point.value))),
            Part::Quantile(rank) => quantiles.push((rank, point.value)),
            // Where a histogram is expected, a number is something else.
            Part::Value => return None,
            _ => {}
        }
    }
    let is_gauge = kind == FamilyType::GaugeHistogram
        || metric.points.iter().any(|point| point.part == Part::Count && point.name.ends_with("_gcount"));
    let last = metric.points.iter().rfind(|point| matches!(point.part, Part::Bucket(_))).map(|point| point.value);
    let (count, sum) = match native {
        Some(native) => (native.count, native.sum),
        None => (value(Part::Count).or(last)?, value(Part::Sum)?),
    };
    write_totals(is_gauge, amount(count), sum, out);
    if let Some(native) = native {
        write_native(native, out);
    }
    if !bounds.is_empty() {
        if bounds.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            bounds.push((f64::INFINITY, amount(count)));
        }
        write_buckets(bounds.into_iter(), out);
    } else if native.is_none() {
        let sorted = crate::sort::sorted_by(quantiles, |(a, _), (b, _)| a.total_cmp(b));
        write_quantiles(sorted.into_iter(), out);
    }
    out.push(b'}');
    Some(())
}

/// A count, without a point if it is whole.
fn amount(count: f64) -> Number {
    match is_whole(count) && (0.0..=9_007_199_254_740_992.0).contains(&count) {
        true => Number::Count(count as u64),
        false => Number::Float(count),
    }
}

fn write_native(native: &Native, out: &mut Vec<u8>) {
    write_schema(native.schema, (native.zero_threshold, amount(native.zero_count)), out);
    for (name, side) in [("negative", &native.negative), ("positive", &native.positive)] {
        write_side(name, side.iter().map(|(index, count)| (*index, amount(*count))), out);
    }
}

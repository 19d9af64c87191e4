//! Imports scraped metrics into the registry: a counter is set to the scraped total and continues
//! from there. Metrics that the registry cannot represent are rejected with a reason.
//!
//! [`include()`] does the same for another source, again and again: what it does not have anymore is
//! removed, and the registry's own metrics win.

use std::collections::{BTreeMap, BTreeSet};

use super::Point;
use super::lint::text_name;
use super::scan::{is_whole, milliseconds};
use super::{Families, FamilyType, Metric, Native, ParsedFamily, Part};
use crate::model::Exemplar;
use crate::registry::native::{Bucket, NativeHistogram};
use crate::registry::{
    Buckets, Definition, FamilyId, LabelName, MetricName, NativeConfig, Registry, SeriesId, SeriesState, add_exemplar,
    check_exemplar,
};

/// Import options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether to import metrics of unknown type as gauges, which can be recorded, instead of as
    /// they are.
    pub unknown_as_gauge: bool,
    /// Whether classic histograms are native ones with custom buckets (NHCB) in remote writes, as
    /// of a Prometheus that scrapes with `convert_classic_histograms_to_nhcb`.
    pub classic_as_native: bool,
}

/// A metric that was not imported, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The metric's name in the registry.
    pub metric: String,
    /// The reason, and how to fix it.
    pub reason: String,
    /// The number of series affected.
    pub series: usize,
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Number of metrics with imported series.
    pub metrics: usize,
    /// Number of imported series.
    pub series: usize,
    /// Number of imported series whose timestamps were dropped, since the registry stores only
    /// current values.
    pub without_timestamp: usize,
    /// Number of dropped exemplars of imported series: the registry stores the latest of a counter
    /// and of each bucket of a classic histogram, and some of a native one.
    pub exemplars_dropped: usize,
    /// Number of series that were removed, since the source does not have them anymore.
    pub removed: usize,
    /// Rejections by metric and reason, including dropped parts of imported series.
    pub refused: Vec<Refused>,
}

/// Imports families into the registry. Each series is imported or rejected as a whole. Call
/// [`Registry::set_now`] first.
pub fn import(families: &Families, registry: &mut Registry, options: Options) -> Imported {
    take(families, registry, options, None).0
}

/// Replaces all that a source included before by these families. The registry's own metrics and
/// those of other sources win: a family with the name of one of them is rejected. Call
/// [`Registry::set_now`] first.
pub fn include(families: &Families, registry: &mut Registry, source: &str) -> Imported {
    let before = registry.included(source);
    let (mut imported, series) = take(families, registry, Options::default(), Some(source));
    let vanished = before.into_iter().filter(|id| !series.contains(id));
    // Some are gone with their family, if that has another definition now.
    imported.removed = vanished.filter(|id| registry.remove(*id).is_ok()).count();
    imported
}

/// Imports families for a source, or as the registry's own. Also returns the imported series.
fn take(
    families: &Families,
    registry: &mut Registry,
    options: Options,
    source: Option<&str>,
) -> (Imported, BTreeSet<SeriesId>) {
    let (mut imported, mut series) = (Imported::default(), BTreeSet::new());
    for family in families.list.iter().filter(|family| !family.points.is_empty()) {
        let name = text_name(families, family);
        let before = imported.series;
        let mut reasons = BTreeMap::new();
        let metrics: Vec<Scraped> =
            families.metrics(family).into_iter().map(|metric| Scraped::of(metric, families, family)).collect();
        let latest: Vec<&Metric> = metrics.iter().map(|scraped| &scraped.latest).collect();
        match prepare(family, &name, &latest, families, registry, (options, source)) {
            Err(reason) => {
                reasons.insert(reason, metrics.len());
            }
            Ok((id, names)) => {
                for Scraped { latest: metric, is_dated, exemplars } in &metrics {
                    let values: Vec<&str> = names.iter().map(|name| metric_label(metric, name)).collect();
                    match import_series(family, metric, families, registry, id, &values) {
                        Ok((id, notes)) => {
                            imported.series += usize::from(series.insert(id));
                            imported.without_timestamp += usize::from(*is_dated);
                            imported.exemplars_dropped += exemplars - import_exemplars(metric, families, registry, id);
                            notes.into_iter().for_each(|note| *reasons.entry(note.to_owned()).or_default() += 1);
                        }
                        Err(reason) => *reasons.entry(reason).or_default() += 1,
                    }
                }
            }
        }
        imported.metrics += usize::from(imported.series > before);
        let refused = |(reason, series)| Refused { metric: crate::error::excerpt(&name, 200), reason, series };
        imported.refused.extend(reasons.into_iter().map(refused));
    }
    (imported, series)
}

/// A scraped series reduced to its latest samples.
struct Scraped<'f, 'a> {
    /// Only the latest of each sample.
    latest: Metric<'f, 'a>,
    /// Whether it had timestamps.
    is_dated: bool,
    exemplars: usize,
}

impl<'f, 'a> Scraped<'f, 'a> {
    fn of(mut metric: Metric<'f, 'a>, families: &Families, family: &ParsedFamily) -> Self {
        let is_dated = metric.points.iter().any(|point| point.timestamp.is_some());
        let exemplars = metric.exemplars(families).len();
        metric.points = metric.latest(families, family);
        Self { latest: metric, is_dated, exemplars }
    }
}

fn metric_label<'m>(metric: &Metric<'m, '_>, name: &str) -> &'m str {
    metric.labels.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
}

/// The type. Composite values of an unknown type, which only OpenMetrics 2.0 has, show what they
/// are.
fn type_of(family: &ParsedFamily) -> FamilyType {
    if family.kind != FamilyType::Unknown {
        return family.kind;
    }
    let has = |is: fn(&Point) -> bool| family.points.iter().any(is);
    match () {
        () if has(|point| point.part == Part::Count && point.name.ends_with("_gcount")) => FamilyType::GaugeHistogram,
        () if has(|point| matches!(point.part, Part::Bucket(_) | Part::Native)) => FamilyType::Histogram,
        () if has(|point| matches!(point.part, Part::Quantile(_) | Part::Count)) => FamilyType::Summary,
        () => FamilyType::Unknown,
    }
}

/// Registers the family and returns its label names. A series that lacks some of them gets empty
/// values, which is equivalent.
fn prepare(
    family: &ParsedFamily,
    name: &str,
    metrics: &[&Metric],
    families: &Families,
    registry: &mut Registry,
    (options, source): (Options, Option<&str>),
) -> Result<(FamilyId, Vec<String>), String> {
    let is_native = metrics.iter().any(|metric| metric.points.iter().any(|point| point.part == Part::Native));
    let kind = match type_of(family) {
        FamilyType::Counter => crate::registry::Kind::Counter,
        FamilyType::Gauge => crate::registry::Kind::Gauge,
        FamilyType::Unknown if options.unknown_as_gauge => crate::registry::Kind::Gauge,
        FamilyType::Unknown => crate::registry::Kind::Unknown,
        FamilyType::Histogram if is_native => crate::registry::Kind::NativeHistogram,
        FamilyType::Histogram => crate::registry::Kind::Histogram,
        FamilyType::Summary => crate::registry::Kind::Summary,
        FamilyType::Info => crate::registry::Kind::Info,
        FamilyType::StateSet => crate::registry::Kind::StateSet,
        FamilyType::GaugeHistogram => crate::registry::Kind::GaugeHistogram,
    };
    let mut names: Vec<&str> = metrics.iter().flat_map(|metric| metric.labels.iter().map(|(name, _)| *name)).collect();
    names.sort_unstable();
    names.dedup();
    let text = |error: crate::Error| error.to_string();
    let mut definition = Definition::new(MetricName::new_utf8(name, "name").map_err(text)?, kind);
    for name in &names {
        definition.label_names.push(LabelName::new_utf8(name, "labels").map_err(text)?);
    }
    definition.help = family.help.as_deref().map(str::to_owned);
    definition.unit = family.unit.as_deref().map(str::to_owned);
    match kind {
        // Scraped quantiles cannot be combined with later observations.
        crate::registry::Kind::Summary if source.is_some() || registry.family(name).is_none() => {
            definition.quantiles = Some(Vec::new());
        }
        crate::registry::Kind::NativeHistogram | crate::registry::Kind::GaugeHistogram if is_native => {
            definition.native = (kind == crate::registry::Kind::GaugeHistogram).then(NativeConfig::default);
            // Classic buckets besides, if all series have the same.
            let first = metrics.first().copied().map(bounds).unwrap_or_default();
            if metrics.iter().all(|metric| bounds(metric) == first) {
                definition.buckets = Buckets::new(&first, "buckets").ok();
            }
        }
        crate::registry::Kind::Histogram | crate::registry::Kind::GaugeHistogram => {
            let first = metrics.first().copied().map(bounds).unwrap_or_default();
            definition.buckets = Some(Buckets::new(&first, "buckets").map_err(text)?);
            definition.is_custom = options.classic_as_native && kind == crate::registry::Kind::Histogram;
        }
        crate::registry::Kind::StateSet => {
            let mut states: Vec<Box<str>> = Vec::new();
            for point in &family.points {
                for label in families.labels(point).iter().filter(|label| label.name == family.name) {
                    if !states.iter().any(|state| **state == *label.value) {
                        states.push((&*label.value).into());
                    }
                }
            }
            definition.states = states;
        }
        _ => {}
    }
    let id = match source {
        Some(source) => registry.include_family(definition, source),
        None => registry.register(definition),
    };
    let id = id.map_err(text)?;
    Ok((id, names.into_iter().map(str::to_owned).collect()))
}

/// The bounds of a histogram's buckets, in input order.
fn bounds(metric: &Metric) -> Vec<f64> {
    let bound = |point: &&super::Point| match point.part {
        Part::Bucket(bound) => Some(bound),
        _ => None,
    };
    metric.points.iter().filter_map(bound).collect()
}

/// Imports one series. Returns it, and notes about dropped parts.
fn import_series(
    family: &ParsedFamily,
    metric: &Metric,
    families: &Families,
    registry: &mut Registry,
    id: FamilyId,
    values: &[&str],
) -> Result<(SeriesId, Vec<&'static str>), String> {
    let text = |error: crate::Error| error.to_string();
    let value = |part: Part| value_of(metric, part);
    let (start_ms, note) = start_of(metric);
    let mut notes = Vec::from_iter(note);
    let kind = type_of(family);
    let series = match kind {
        FamilyType::Counter => {
            let total = value(Part::Value).ok_or("it has no total")?;
            crate::registry::check(crate::registry::Kind::Counter, total, "value").map_err(text)?;
            let series = find_or_create(registry, id, values)?;
            registry.import(series, SeriesState::Counter(total), start_ms).map_err(text)?;
            series
        }
        FamilyType::Info => {
            let series = find_or_create(registry, id, values)?;
            registry.forget_start(series).map_err(text)?;
            series
        }
        FamilyType::StateSet => {
            let series = find_or_create(registry, id, values)?;
            registry.forget_start(series).map_err(text)?;
            for point in &metric.points {
                for label in families.labels(point).iter().filter(|label| label.name == family.name) {
                    registry.set_state(series, &label.value, point.value == 1.0).map_err(text)?;
                }
            }
            series
        }
        FamilyType::Summary => {
            let (sum, count) = (sum(metric)?, whole(value(Part::Count).ok_or("it has no count")?)?);
            if sum.is_nan() {
                return Err("its sum is NaN and would stay NaN".into());
            }
            let series = find_or_create(registry, id, values)?;
            registry.import(series, SeriesState::Summary { sum, count }, start_ms).map_err(text)?;
            if metric.points.iter().any(|point| matches!(point.part, Part::Quantile(_))) {
                notes.push("its quantiles were dropped, since later observations cannot be added to them");
            }
            series
        }
        FamilyType::Histogram | FamilyType::GaugeHistogram => {
            let (series, note) = import_histogram(metric, registry, id, values, start_ms)?;
            notes.extend(note);
            series
        }
        FamilyType::Gauge | FamilyType::Unknown => {
            let value = value(Part::Value).ok_or("it has no value")?;
            let series = find_or_create(registry, id, values)?;
            registry.set(series, value).map_err(text)?;
            registry.forget_start(series).map_err(text)?;
            series
        }
    };
    if kind == FamilyType::GaugeHistogram {
        // It has a current value, which has no beginning.
        registry.forget_start(series).map_err(text)?;
    }
    Ok((series, notes))
}

/// Imports a histogram, classic or native. Returns its series, and a note about dropped parts.
fn import_histogram(
    metric: &Metric,
    registry: &mut Registry,
    id: FamilyId,
    values: &[&str],
    start_ms: Option<u64>,
) -> Result<(SeriesId, Option<&'static str>), String> {
    let text = |error: crate::Error| error.to_string();
    let Some(native) = metric.points.iter().find_map(|point| point.native.as_deref()) else {
        let (counts, sum) = (classic(metric, registry, id)?, sum(metric)?);
        if sum.is_nan() {
            return Err("its sum is NaN and would stay NaN".into());
        }
        let series = find_or_create(registry, id, values)?;
        registry.import(series, SeriesState::Histogram { counts: &counts, sum }, start_ms).map_err(text)?;
        return Ok((series, None));
    };
    let histogram = native_of(native)?;
    let has_both = registry.definition(id).is_some_and(|definition| definition.buckets.is_some());
    let counts = if has_both { classic(metric, registry, id)? } else { Vec::new() };
    let note = (!has_both && bounds(metric).len() > 1)
        .then_some("its classic buckets were dropped, since not all series of the metric have the same");
    let series = find_or_create(registry, id, values)?;
    registry.import(series, SeriesState::Native { histogram, counts: &counts }, start_ms).map_err(text)?;
    Ok((series, note))
}

fn value_of(metric: &Metric, part: Part) -> Option<f64> {
    metric.points.iter().find(|point| point.part == part).map(|point| point.value)
}

fn sum(metric: &Metric) -> Result<f64, String> {
    value_of(metric, Part::Sum).ok_or_else(|| "it has no sum, which is required to add observations".to_owned())
}

/// A count of observations.
fn whole(value: f64) -> Result<u64, String> {
    match is_whole(value) && (0.0..=9_007_199_254_740_992.0).contains(&value) {
        true => Ok(value as u64),
        false => Err(format!("the count {} is not a whole number of observations", crate::number::number_text(value))),
    }
}

/// Stores the exemplars of a counter's total, of a classic histogram's buckets or of a native
/// histogram, as far as the registry can, and returns how many.
fn import_exemplars(metric: &Metric, families: &Families, registry: &mut Registry, id: SeriesId) -> usize {
    let is_own = |point: &&&Point| matches!(point.part, Part::Value | Part::Bucket(_));
    let exemplars: Vec<Option<Exemplar>> = match metric.points.iter().any(|point| point.native.is_some()) {
        true => {
            let mut latest: Vec<Exemplar> = Vec::new();
            for exemplar in metric.exemplars(families).into_iter().filter_map(stored) {
                add_exemplar(&mut latest, exemplar);
            }
            latest.into_iter().map(Some).collect()
        }
        false => metric.points.iter().filter(is_own).map(|point| exemplar(point)).collect(),
    };
    match exemplars.iter().flatten().count() {
        0 => 0,
        stored if registry.set_exemplars(id, exemplars).is_ok() => stored,
        _ => 0,
    }
}

/// The exemplar of a sample, if the registry can store it.
fn exemplar(point: &Point) -> Option<Exemplar> {
    // Of several, the latest.
    let given = point
        .exemplars
        .iter()
        .max_by(|a, b| a.timestamp.partial_cmp(&b.timestamp).unwrap_or(std::cmp::Ordering::Equal))?;
    stored(given)
}

/// The exemplar as the registry stores it, if it can.
fn stored(given: &super::Exemplar) -> Option<Exemplar> {
    let labels = given.labels.iter().map(|label| ((&*label.name).into(), (&*label.value).into())).collect();
    let unix_ms = given.timestamp.and_then(|seconds| u64::try_from(milliseconds(seconds)).ok());
    let exemplar = Exemplar { labels, value: given.value, unix_ms };
    check_exemplar(&exemplar).is_ok().then_some(exemplar)
}

/// The creation time reported by the target, in milliseconds, and a note if it is invalid.
fn start_of(metric: &Metric) -> (Option<u64>, Option<&'static str>) {
    let reported = |point: &&super::Point| match point.part {
        Part::Created => Some(milliseconds(point.value)),
        _ => point.created_ms,
    };
    match metric.points.iter().find_map(reported) {
        // Some targets report 0 for unknown.
        None | Some(0) => (None, None),
        // Beyond this, doubles cannot represent milliseconds, and the time is not plausible.
        Some(start_ms @ 1..=9_007_199_254_740_992) => (u64::try_from(start_ms).ok(), None),
        Some(_) => (None, Some("its creation time was dropped, since it is not a valid time from 1970 on")),
    }
}

/// Finds or creates the series, but never returns the overflow series.
fn find_or_create(registry: &mut Registry, id: FamilyId, values: &[&str]) -> Result<SeriesId, String> {
    let dropped = registry.dropped();
    let series = registry.series(id, values).map_err(|error| error.to_string())?;
    match registry.dropped() == dropped {
        true => Ok(series),
        false => Err("the series limit is reached; raise it or import fewer series".into()),
    }
}

/// The bucket counts, not cumulative.
fn classic(metric: &Metric, registry: &Registry, id: FamilyId) -> Result<Vec<u64>, String> {
    let expected = registry.definition(id).and_then(|definition| definition.buckets.as_ref());
    let expected = expected.map(|buckets| buckets.bounds()).unwrap_or_default();
    let bounds = bounds(metric);
    if bounds.strip_suffix(&[f64::INFINITY]) != Some(expected) {
        return Err(
            "its buckets differ from those of the metric's other series, or do not end with +Inf; use the same buckets for all".into()
        );
    }
    let (mut counts, mut below) = (Vec::with_capacity(bounds.len()), 0);
    for point in metric.points.iter().filter(|point| matches!(point.part, Part::Bucket(_))) {
        let count = whole(point.value)?;
        counts.push(count.checked_sub(below).ok_or("a bucket's count is below the previous one")?);
        below = count;
    }
    Ok(counts)
}

fn native_of(native: &Native) -> Result<NativeHistogram, String> {
    let whole = |count: f64| is_whole(count) && (0.0..9e15).contains(&count);
    let side = |buckets: &super::NativeBuckets| -> Option<Vec<Bucket>> {
        let bucket =
            |(index, count): &(i32, f64)| whole(*count).then_some(Bucket { index: *index, count: *count as u64 });
        buckets.iter().map(bucket).collect()
    };
    let made = (|| {
        if native.is_float || !whole(native.zero_count) || native.sum.is_nan() {
            return None;
        }
        let zero = (native.zero_threshold, native.zero_count as u64);
        NativeHistogram::of(native.schema, zero, (side(&native.positive)?, side(&native.negative)?), native.sum)
    })();
    made.ok_or_else(|| "the registry supports only native histograms with integer counts and a sum".into())
}

#[cfg(test)]
mod tests;

//! Imports scraped metrics into the registry: a counter is set to the scraped total and continues
//! from there. Metrics that the registry cannot represent are rejected with a reason.
//!
//! [`include`] does the same for another source, again and again: what it does not have anymore is
//! removed, and the registry's own metrics win.

use std::collections::{BTreeMap, BTreeSet};

use super::Point;
use super::lint::text_name;
use super::scan::{is_whole, milliseconds};
use super::{Families, FamilyType, Metric, Native, ParsedFamily, Part};
use crate::model::Exemplar;
use crate::registry::native::{Bucket, NativeHistogram};
use crate::registry::{
    Buckets, Definition, FamilyId, LabelName, MetricName, NativeConfig, Registry, SeriesId, SeriesState, check_exemplar,
};

/// Import options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether to import metrics of unknown type as gauges, which can be recorded, instead of as
    /// they are.
    pub unknown_as_gauge: bool,
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
    /// and of each bucket of a classic histogram.
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
                            imported.exemplars_dropped += exemplars - import_exemplars(metric, registry, id);
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
        let exemplars = metric.points.iter().map(|point| point.exemplars.len()).sum();
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
        crate::registry::Kind::GaugeHistogram if is_native => definition.native = Some(NativeConfig::default()),
        crate::registry::Kind::Histogram | crate::registry::Kind::GaugeHistogram => {
            let first = metrics.first().copied().map(bounds).unwrap_or_default();
            definition.buckets = Some(Buckets::new(&first, "buckets").map_err(text)?);
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
    let value = |part: Part| metric.points.iter().find(|point| point.part == part).map(|point| point.value);
    let (start_ms, note) = start_of(metric);
    let mut notes = Vec::from_iter(note);
    let whole = |value: f64| match is_whole(value) && (0.0..=9_007_199_254_740_992.0).contains(&value) {
        true => Ok(value as u64),
        false => Err(format!("the count {} is not a whole number of observations", crate::number::number_text(value))),
    };
    let sum = || value(Part::Sum).ok_or_else(|| "it has no sum, which is required to add observations".to_owned());
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
            let (sum, count) = (sum()?, whole(value(Part::Count).ok_or("it has no count")?)?);
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
            let native = metric.points.iter().find_map(|point| point.native.as_deref());
            match native {
                Some(native) => {
                    let native = native_of(native)?;
                    let series = find_or_create(registry, id, values)?;
                    registry.import(series, SeriesState::Native(native), start_ms).map_err(text)?;
                    series
                }
                None => {
                    let (counts, sum) = (classic(metric, registry, id, whole)?, sum()?);
                    if sum.is_nan() {
                        return Err("its sum is NaN and would stay NaN".into());
                    }
                    let series = find_or_create(registry, id, values)?;
                    registry.import(series, SeriesState::Histogram { counts: &counts, sum }, start_ms).map_err(text)?;
                    series
                }
            }
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

/// Stores the exemplars of a counter's total and of a classic histogram's buckets, as far as the
/// registry can, and returns how many.
fn import_exemplars(metric: &Metric, registry: &mut Registry, id: SeriesId) -> usize {
    let is_own = |point: &&&Point| matches!(point.part, Part::Value | Part::Bucket(_)) && point.native.is_none();
    let exemplars: Vec<Option<Exemplar>> = metric.points.iter().filter(is_own).map(|point| exemplar(point)).collect();
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
fn classic(
    metric: &Metric,
    registry: &Registry,
    id: FamilyId,
    whole: impl Fn(f64) -> Result<u64, String>,
) -> Result<Vec<u64>, String> {
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
mod tests {
    use super::super::{Format, Limits, parse};
    use super::*;
    use crate::exposition::escaping::Escaping;
    use crate::exposition::text::Encoder;

    fn import_text(registry: &mut Registry, text: &str, format: Format) -> Imported {
        let families = parse(text.as_bytes(), format, &Limits::default()).unwrap();
        import(&families, registry, Options::default())
    }

    fn written(registry: &Registry) -> String {
        String::from_utf8(
            Encoder::new().encode(registry, crate::exposition::escaping::Escaping::Underscores).unwrap().to_vec(),
        )
        .unwrap()
    }

    #[test]
    fn imported_metrics_are_exposed_unchanged() {
        let text = "# HELP c_total x\n# TYPE c_total counter\nc_total{a=\"1\"} 3\nc_total{a=\"2\"} 4.5\n\
                    # TYPE g gauge\ng -1\n\
                    # TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 9\nh_count 4\n\
                    # TYPE s summary\ns_sum 2\ns_count 1\n";
        let mut registry = Registry::default();
        let imported = import_text(&mut registry, text, Format::Text);
        assert_eq!((imported.metrics, imported.series, imported.refused), (4, 5, vec![]));
        assert_eq!(written(&registry), text);
        // Importing again sets totals instead of adding.
        import_text(&mut registry, text, Format::Text);
        assert_eq!(written(&registry), text);
    }

    #[test]
    fn openmetrics_types_keep_their_kind() {
        let text = "# TYPE c counter\nc_total 2\n# TYPE v info\nv_info{a=\"b\"} 1\n\
                    # TYPE s stateset\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n# EOF\n";
        let mut registry = Registry::default();
        assert_eq!(import_text(&mut registry, text, Format::OpenMetrics).series, 3);
        let mut out = Vec::new();
        crate::exposition::openmetrics::encode(&registry.read(0), Default::default(), &mut out);
        let again = String::from_utf8(out).unwrap();
        for line in text.lines() {
            assert!(again.contains(line), "{again}");
        }
    }

    #[test]
    fn creation_times_and_exemplars_are_imported() {
        let text = "# TYPE foo counter\nfoo_total 1e6 # {t=\"x\"} 1\nfoo_created 1500000000\n# TYPE bar counter\nbar_total 7\n\
                    # TYPE h histogram\nh_bucket{le=\"1\"} 1 # {} 0.5\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
                    h_created 1500000000.25\n# TYPE s summary\ns_sum 1\ns_count 1\ns_created 1500000001\n\
                    # TYPE odd counter\nodd_total 1\nodd_created -5\n# TYPE zero counter\nzero_total 1\nzero_created 0\n# EOF\n";
        let mut registry = Registry::default();
        registry.set_now(1_700_000_000_000);
        let imported = import_text(&mut registry, text, Format::OpenMetrics);
        assert_eq!((imported.series, imported.exemplars_dropped), (6, 0));
        let mut out = Vec::new();
        crate::exposition::openmetrics::encode(&registry.read(0), Default::default(), &mut out);
        let again = String::from_utf8(out).unwrap();
        for exemplar in ["foo_total 1000000 # {t=\"x\"} 1\n", "h_bucket{le=\"1.0\"} 1 # {} 0.5\n"] {
            assert!(again.contains(exemplar), "{again}");
        }
        let refused: Vec<&str> = imported.refused.iter().map(|refused| refused.metric.as_str()).collect();
        assert_eq!(refused, ["odd_total"]);
        let starts: Vec<_> =
            registry.read(0).iter().map(|family| (family.name.to_owned(), family.series[0].created_ms)).collect();
        let starts: Vec<(&str, Option<u64>)> = starts.iter().map(|(name, start)| (name.as_str(), *start)).collect();
        let expected = [
            ("bar_total", None),
            ("foo_total", Some(1_500_000_000_000)),
            ("h", Some(1_500_000_000_250)),
            ("odd_total", None),
            ("s", Some(1_500_000_001_000)),
            ("zero_total", None),
        ];
        assert_eq!(starts, expected);
        registry.set_now(1_700_000_060_000);
        import_text(&mut registry, "# TYPE bar counter\nbar_total 3\n# EOF\n", Format::OpenMetrics);
        assert_eq!(registry.read(0)[0].series[0].created_ms, Some(1_700_000_060_000));
        // No other kind gets the import time as its creation time either.
        let others =
            "# TYPE g gauge\ng 1\n# TYPE v info\nv_info{a=\"b\"} 1\n# TYPE st stateset\nst{st=\"on\"} 1\n# EOF\n";
        let mut registry = Registry::default();
        registry.set_now(1_700_000_000_000);
        assert_eq!(import_text(&mut registry, others, Format::OpenMetrics).series, 3);
        assert!(registry.read(0).iter().all(|family| family.series[0].created_ms.is_none()));
    }

    #[test]
    fn the_latest_sample_is_imported() {
        let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1 1000\nh_bucket{le=\"+Inf\"} 1 1000\nh_sum 1 1000\nh_count 1 1000\n\
                    h_bucket{le=\"1\"} 1 3000\nh_bucket{le=\"+Inf\"} 4 3000\nh_sum 9 3000\nh_count 4 2000\n\
                    # TYPE c_total counter\nc_total 5 9000\nc_total 4 8000\n";
        let mut registry = Registry::default();
        let imported = import_text(&mut registry, text, Format::Text);
        assert_eq!((imported.series, imported.without_timestamp, imported.refused), (2, 2, vec![]));
        assert!(
            written(&registry).contains("h_sum 9\nh_count 4\n")
                && written(&registry).starts_with("# TYPE c_total counter\nc_total 5\n")
        );
    }

    #[test]
    fn summaries_are_imported_with_and_without_existing_quantiles() {
        let text = "# TYPE s summary\ns_sum 2\ns_count 1\n";
        let mut registry = Registry::default();
        let name = MetricName::new("s", "name").unwrap();
        registry.register(Definition::new(name, crate::registry::Kind::Summary)).unwrap();
        assert_eq!(import_text(&mut registry, text, Format::Text).series, 1);
        assert!(
            written(&registry).contains("s{quantile=\"0.5\"} NaN\n")
                && written(&registry).contains("s_sum 2\ns_count 1\n")
        );
        let mut registry = Registry::default();
        import_text(&mut registry, text, Format::Text);
        assert_eq!(written(&registry), text);
        // Importing again uses the same definition.
        assert_eq!(import_text(&mut registry, text, Format::Text).refused, []);
    }

    #[test]
    fn rejections_have_a_reason() {
        let mut registry = Registry::default();
        let text = "u 1\n# TYPE c_total counter\nc_total{a=\"1\"} NaN\nc_total{a=\"2\"} 1 5\n\
                    # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 1\n\
                    # TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 1\nh_bucket{a=\"1\",le=\"+Inf\"} 1\nh_sum{a=\"1\"} 1\n\
                    h_bucket{a=\"2\",le=\"2\"} 1\nh_bucket{a=\"2\",le=\"+Inf\"} 1\nh_sum{a=\"2\"} 1\n\
                    # TYPE gh gaugehistogram\ngh_bucket{le=\"+Inf\"} 1\n";
        let imported = import_text(&mut registry, text, Format::Text);
        let refused: Vec<_> =
            imported.refused.iter().map(|refused| (refused.metric.as_str(), refused.series)).collect();
        assert_eq!(refused, [("c_total", 1), ("s", 1), ("h", 1), ("gh", 1)]);
        assert_eq!((imported.metrics, imported.series, imported.without_timestamp), (4, 4, 1));
        let conflict = import_text(&mut registry, "# TYPE c_total gauge\nc_total 1\n", Format::Text);
        assert!(conflict.refused[0].reason.contains("cannot be recorded as a gauge"), "{:?}", conflict.refused);
    }

    #[test]
    fn gauge_histograms_and_metrics_of_unknown_type_stay_what_they_are() {
        let text = "# TYPE g gaugehistogram\ng {gcount:5,gsum:-0.5,bucket:[-1:2,1:3,+Inf:5]} # {} 0.5 1\n\
                    # TYPE n gaugehistogram\n\
                    n {gcount:3,gsum:4.5,schema:0,zero_threshold:0,zero_count:1,positive_spans:[1:2],positive_buckets:[1,1]}\n\
                    # TYPE u unknown\nu 7\n# EOF\n";
        let mut registry = Registry::default();
        registry.set_now(1_700_000_000_000);
        let imported = import_text(&mut registry, text, Format::OpenMetrics2);
        assert_eq!((imported.series, imported.refused.as_slice(), imported.exemplars_dropped), (3, &[][..], 0));
        let encoded = |registry: &Registry, encode: fn(&[crate::model::Family], Escaping, &mut Vec<u8>)| {
            let mut out = Vec::new();
            encode(&registry.read(0), Escaping::AllowUtf8, &mut out);
            out
        };
        let second = crate::exposition::openmetrics2::encode;
        assert_eq!(String::from_utf8(encoded(&registry, second)).unwrap(), text.replace(" 0.5 1\n", " 0.5 1.000\n"));
        let first = String::from_utf8(encoded(&registry, crate::exposition::openmetrics::encode)).unwrap();
        assert!(first.contains("g_bucket{le=\"1.0\"} 3 # {} 0.5 1.000\n"), "{first}");
        assert!(first.contains("# TYPE g gaugehistogram\n") && first.contains("g_gcount 5\n"), "{first}");
        assert!(first.ends_with("# TYPE u unknown\nu 7\n# EOF\n"), "{first}");
        assert!(parse(first.as_bytes(), Format::OpenMetrics, &Limits::default()).is_ok(), "{first}");
        let plain = written(&registry);
        assert!(plain.contains("# TYPE g untyped\ng_bucket{le=\"-1\"} 2\n"), "{plain}");
        assert!(plain.contains("g_gsum -0.5\ng_gcount 5\n# TYPE n untyped\n"), "{plain}");
        assert!(plain.ends_with("# TYPE u untyped\nu 7\n"), "{plain}");
        // Through a snapshot and protobuf they are the same.
        let mut snapshot = Vec::new();
        registry.snapshot(&mut snapshot);
        let restored = Registry::restore(&snapshot, 7).unwrap();
        assert_eq!(encoded(&restored, second), encoded(&registry, second));
        let bytes = encoded(&registry, crate::exposition::protobuf::encode);
        let families = parse(&bytes, Format::Protobuf, &Limits::default()).unwrap();
        let mut again = Registry::default();
        assert_eq!(import(&families, &mut again, Options::default()).refused, []);
        assert_eq!(encoded(&again, second), encoded(&registry, second));
        // They can be set, and nothing can be observed.
        let unknown = registry.series(registry.family("u").unwrap(), &[]).unwrap();
        registry.set(unknown, 8.0).unwrap();
        assert_eq!(registry.scalar(unknown), Some(8.0));
        let gauge = registry.series(registry.family("g").unwrap(), &[]).unwrap();
        assert!(registry.observe(gauge, 1.0).is_err() && registry.record(gauge, 1.0).is_err());
        // As a gauge, if that is wanted.
        let options = Options { unknown_as_gauge: true };
        let families = parse(b"u 1\n", Format::Text, &Limits::default()).unwrap();
        let mut registry = Registry::default();
        assert_eq!(import(&families, &mut registry, options).series, 1);
        assert_eq!(written(&registry), "# TYPE u gauge\nu 1\n");
    }

    #[test]
    fn the_series_limit_rejects_only_excess_series() {
        let mut registry = Registry::default();
        registry.set_series_limit(1);
        let imported = import_text(&mut registry, "# TYPE g gauge\ng{a=\"1\"} 1\ng{a=\"2\"} 2\n", Format::Text);
        assert_eq!((imported.series, imported.refused[0].series), (1, 1));
    }

    fn include_text(registry: &mut Registry, source: &str, text: &str) -> Imported {
        let families = parse(text.as_bytes(), Format::OpenMetrics, &Limits::default()).unwrap();
        include(&families, registry, source)
    }

    fn record(registry: &mut Registry, name: &str, kind: crate::registry::Kind, amount: f64) {
        let definition = Definition::new(MetricName::new(name, "name").unwrap(), kind);
        let labels = crate::registry::Labels::default();
        registry.record_all(&[crate::registry::Recording { definition, labels, amount }]).unwrap();
    }

    #[test]
    fn an_inclusion_replaces_all_that_the_source_had() {
        let mut registry = Registry::default();
        record(&mut registry, "own_total", crate::registry::Kind::Counter, 1.0);
        let first =
            "# TYPE a counter\na_total{x=\"1\"} 3 # {t=\"z\"} 1\na_total{x=\"2\"} 4\n# TYPE g gauge\ng 1\n# EOF\n";
        let included = include_text(&mut registry, "lib", first);
        assert_eq!((included.metrics, included.series, included.removed, included.refused), (2, 3, 0, vec![]));
        include_text(&mut registry, "other", "# TYPE o gauge\no 5\n# EOF\n");
        // A series and a metric vanish, a counter goes on, and a metric has another kind.
        let second = "# TYPE a counter\na_total{x=\"1\"} 7\n# TYPE g histogram\ng_bucket{le=\"+Inf\"} 1\ng_bucket{le=\"1\"} 1\ng_sum 1\ng_count 1\n# EOF\n";
        let second = second.replace(
            "g_bucket{le=\"+Inf\"} 1\ng_bucket{le=\"1\"} 1\n",
            "g_bucket{le=\"1\"} 1\ng_bucket{le=\"+Inf\"} 1\n",
        );
        let included = include_text(&mut registry, "lib", &second);
        assert_eq!((included.series, included.removed, included.refused), (2, 1, vec![]));
        let expected = "# TYPE a_total counter\na_total{x=\"1\"} 7\n# TYPE g histogram\ng_bucket{le=\"1\"} 1\ng_bucket{le=\"+Inf\"} 1\n\
                        g_sum 1\ng_count 1\n# TYPE o gauge\no 5\n# TYPE own_total counter\nown_total 1\n";
        assert_eq!(written(&registry), expected);
        // All of it survives a snapshot: whose it is too.
        let mut snapshot = Vec::new();
        registry.snapshot(&mut snapshot);
        let mut registry = Registry::restore(&snapshot, 7).unwrap();
        assert_eq!(written(&registry), expected);
        let included = include_text(&mut registry, "lib", "# EOF\n");
        assert_eq!((included.series, included.removed), (0, 2));
        assert_eq!(written(&registry), "# TYPE o gauge\no 5\n# TYPE own_total counter\nown_total 1\n");
    }

    #[test]
    fn own_metrics_win_over_included_ones() {
        use crate::registry::Kind;
        let mut registry = Registry::default();
        record(&mut registry, "a_total", Kind::Counter, 1.0);
        let text = "# TYPE a counter\na_total 50\n# TYPE h summary\nh_sum 2\nh_count 1\n# TYPE b gauge\nb 9\n# EOF\n";
        let included = include_text(&mut registry, "lib", text);
        assert_eq!((included.series, included.refused.len()), (2, 1));
        assert_eq!(included.refused[0].metric, "a_total");
        assert!(included.refused[0].reason.contains("also recorded here"), "{:?}", included.refused);
        let other = include_text(&mut registry, "other", "# TYPE b gauge\nb 1\n# EOF\n");
        assert!(other.refused[0].reason.contains("included from lib already"), "{:?}", other.refused);
        // Recorded later: the same name, another kind, and a name of a sample.
        record(&mut registry, "b", Kind::Counter, 2.0);
        record(&mut registry, "h_count", Kind::Gauge, 3.0);
        let expected = "# TYPE a_total counter\na_total 1\n# TYPE b counter\nb 2\n# TYPE h_count gauge\nh_count 3\n";
        assert_eq!(written(&registry), expected);
        for _ in 0..2 {
            let included = include_text(&mut registry, "lib", text);
            let refused: Vec<&str> = included.refused.iter().map(|refused| refused.metric.as_str()).collect();
            assert_eq!((included.series, refused), (0, vec!["a_total", "h", "b"]));
            assert_eq!(written(&registry), expected);
            let mut snapshot = Vec::new();
            registry.snapshot(&mut snapshot);
            registry = Registry::restore(&snapshot, 7).unwrap();
        }
        record(&mut registry, "b", Kind::Counter, 2.0);
        assert!(written(&registry).contains("\nb 4\n"));
    }

    #[test]
    fn included_series_are_not_recorded_to() {
        use crate::registry::Kind;
        let mut registry = Registry::default();
        include_text(&mut registry, "lib", "# TYPE c counter\nc_total 50\n# EOF\n");
        assert_eq!(registry.record_known("c_total", Kind::Counter, [].into_iter(), 1.0), None);
        record(&mut registry, "c_total", Kind::Counter, 1.0);
        assert_eq!(written(&registry), "# TYPE c_total counter\nc_total 1\n");
        assert!(registry.record_known("c_total", Kind::Counter, [].into_iter(), 1.0).is_some());
    }
}

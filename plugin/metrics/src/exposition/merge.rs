//! Merges several push groups into one exposition: the series of each group get the labels of its
//! grouping key, and families with the same name are merged.
//!
//! Labels are attached as a scraper attaches them: an existing label with the same name is renamed
//! to `exported_<name>`. Labels with an empty value are dropped.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::escaping::{Escaping, write_escaped, write_label, write_metric_name, write_sample_name};
use super::samples::{self, Number, Own};
use crate::error::Error;
use crate::model::{Family, Series};
use crate::number::{number_text, write_count, write_number};
use crate::registry::{Kind, underscored};
use crate::reserved::{self, ReservedNames};
use crate::sort::sorted_by;

/// The prefix for a series label that conflicts with a label of the key.
const EXPORTED: &str = "exported_";

/// Maximum number of prefixes, for names that were exported repeatedly.
const MAX_EXPORTS: usize = 8;

/// The labels of one grouping key, for [`relabel`].
#[derive(Debug, Default)]
pub struct KeyLabels(Vec<KeyLabel>);

#[derive(Debug)]
struct KeyLabel {
    name: String,
    value: String,
    /// The name with [`MAX_EXPORTS`] prefixes; its suffixes are the forms with fewer.
    exported: String,
}

impl KeyLabel {
    /// The name with `times` prefixes.
    fn exported(&self, times: usize) -> &str {
        let start = EXPORTED.len() * MAX_EXPORTS.saturating_sub(times);
        self.exported.get(start..).unwrap_or(&self.name)
    }
}

impl KeyLabels {
    /// Creates the key from its labels, dropping empty values.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let label = |(name, value): (&str, &str)| KeyLabel {
            name: name.into(),
            value: value.into(),
            exported: EXPORTED.repeat(MAX_EXPORTS) + name,
        };
        Self(labels.into_iter().filter(|(_, value)| !value.is_empty()).map(label).collect())
    }
}

/// Whether text 0.0.4 writes both names the same way.
fn same_in_text(a: &str, b: &str) -> bool {
    a == b || underscored(a, false) == underscored(b, false)
}

/// Attaches the key's labels to every series.
pub fn relabel<'a>(families: &mut [Family<'a>], key: &'a KeyLabels) {
    for family in families {
        let own = family.kind.own_label(family.name);
        for series in &mut family.series {
            let mut labels = core::mem::take(&mut series.labels);
            let mut added: Vec<(&'a str, &'a str)> = Vec::with_capacity(key.0.len());
            for label in &key.0 {
                // A label that the kind itself writes, such as `le`, counts as taken too.
                let taken =
                    |name: &str, labels: &[(&str, &str)]| labels.iter().any(|(other, _)| same_in_text(other, name));
                let is_own = own.is_some_and(|own| same_in_text(own, &label.name));
                let renamed = (1..=MAX_EXPORTS)
                    .map(|times| label.exported(times))
                    .find(|name| !taken(name, &labels) && !taken(name, &added))
                    .unwrap_or_else(|| label.exported(MAX_EXPORTS));
                match labels.iter_mut().find(|(name, _)| same_in_text(name, &label.name)) {
                    _ if is_own => added.push((renamed, &label.value)),
                    Some(place) => {
                        place.0 = renamed;
                        added.push((&label.name, &label.value));
                    }
                    None => added.push((&label.name, &label.value)),
                }
            }
            labels.extend(added);
            series.labels = sorted_by(labels, Ord::cmp);
        }
    }
}

/// Describes the origin of a metric by name, for errors.
pub type Origin<'a> = Box<dyn Fn(&str) -> String + 'a>;

/// The families of one group, relabeled, and their origin.
pub struct Part<'a> {
    /// Sorted by name.
    pub families: Vec<Family<'a>>,
    /// For errors: the group, and the client that recorded the metric.
    pub origin: Origin<'a>,
}

/// Merges all parts into one list of families, sorted by name. Conflicts that no exposition can
/// represent are errors naming the metric and both origins: one name with two kinds, colliding
/// sample names of two families, and duplicate series.
pub fn merge<'a>(parts: Vec<Part<'a>>, seed: u64) -> Result<Vec<Family<'a>>, Error> {
    check_names(&parts, seed)?;
    let mut all: Vec<(usize, Family<'a>)> = Vec::new();
    let mut origins = Vec::with_capacity(parts.len());
    for (number, part) in parts.into_iter().enumerate() {
        origins.push(part.origin);
        all.extend(part.families.into_iter().map(|family| (number, family)));
    }
    // The sort is stable: families with the same name keep the order of the parts.
    let all = sorted_by(all, |(_, a), (_, b)| a.name.cmp(b.name));
    let mut merged: Vec<Family<'a>> = Vec::new();
    // For each series of the family being merged, the part it comes from.
    let mut sources: Vec<usize> = Vec::new();
    for (number, family) in all {
        match merged.last_mut() {
            Some(last) if last.name == family.name => {
                sources.extend(family.series.iter().map(|_| number));
                last.series.extend(family.series);
                for (own, other) in [(&mut last.help, family.help), (&mut last.unit, family.unit)] {
                    if own.is_empty() {
                        *own = other;
                    }
                }
            }
            _ => {
                check_series(merged.last(), &sources, &origins, seed)?;
                sources.clear();
                sources.extend(family.series.iter().map(|_| number));
                merged.push(family);
            }
        }
    }
    check_series(merged.last(), &sources, &origins, seed)?;
    // Families with conflicting names in OpenMetrics may come from different groups.
    let reserved_names: Vec<ReservedNames> =
        merged.iter().map(|family| ReservedNames::of(family.kind.into(), &underscored(family.name, true))).collect();
    for (family, gives_way) in merged.iter_mut().zip(reserved::unknown(&reserved_names)) {
        family.gives_way |= gives_way;
    }
    Ok(merged)
}

/// Returns an error if two parts write the same sample name for different families, or for one
/// family with two kinds.
fn check_names(parts: &[Part], seed: u64) -> Result<(), Error> {
    let mut owners: HashMap<String, (usize, &Family), FixedState> = HashMap::with_hasher(FixedState::with_seed(seed));
    for (number, part) in parts.iter().enumerate() {
        for family in &part.families {
            let name = underscored(family.name, true);
            // An info is exposed under its full name.
            let suffixes = if family.kind == Kind::Info { &[] } else { family.kind.suffixes() };
            for suffix in [""].iter().chain(suffixes) {
                let sample_name = format!("{name}{suffix}");
                match owners.get(&sample_name) {
                    Some((other_number, other)) if (other.name, other.kind) != (family.name, family.kind) => {
                        let parts = parts.get(*other_number).zip(parts.get(number));
                        return Err(conflict(parts, other, family));
                    }
                    Some(_) => {}
                    None => {
                        owners.insert(sample_name, (number, family));
                    }
                }
            }
        }
    }
    Ok(())
}

fn conflict(parts: Option<(&Part, &Part)>, first: &Family, second: &Family) -> Error {
    let (a, b) = parts.map(|(a, b)| ((a.origin)(first.name), (b.origin)(second.name))).unwrap_or_default();
    let (a_kind, b_kind) = (first.kind.name(), second.kind.name());
    let problem = if first.name == second.name {
        format!(
            "it is a {a_kind} in {a} and a {b_kind} in {b}; they were pushed separately and cannot be exposed together: rename one of them"
        )
    } else {
        format!(
            "the {b_kind} in {b} writes samples of the same names as the {a_kind} {} in {a}; they cannot be exposed together: rename one of them",
            first.name
        )
    };
    Error::Conflict { metric: second.name.to_owned(), problem }
}

/// Returns an error if a family merged from several parts has a duplicate series.
fn check_series<'a>(
    family: Option<&Family>,
    sources: &[usize],
    origins: &[Origin<'a>],
    seed: u64,
) -> Result<(), Error> {
    let Some(family) = family else { return Ok(()) };
    if sources.iter().all(|source| Some(source) == sources.first()) {
        return Ok(());
    }
    let mut seen: HashMap<Vec<(&str, &str)>, usize, FixedState> = HashMap::with_hasher(FixedState::with_seed(seed));
    for (series, source) in family.series.iter().zip(sources) {
        let labels: Vec<(&str, &str)> = series.labels.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
        let Some(other) = seen.insert(labels, *source) else { continue };
        let origin = |number: &usize| origins.get(*number).map(|origin| origin(family.name)).unwrap_or_default();
        let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        return Err(Error::Conflict {
            metric: family.name.to_owned(),
            problem: format!(
                "series {{{}}} is both in {} and in {}; they cannot be exposed together: remove the grouping key's labels from the metric",
                labels.join(", "),
                origin(&other),
                origin(source)
            ),
        });
    }
    Ok(())
}

/// Appends one family as text 0.0.4.
pub fn write_text(family: &Family, escaping: Escaping, out: &mut Vec<u8>) {
    let name = escaping.metric_name(family.name);
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Info | Kind::StateSet => "gauge",
        Kind::Histogram | Kind::NativeHistogram => "histogram",
        Kind::Summary => "summary",
        // The format has no such types.
        Kind::GaugeHistogram | Kind::Unknown => "untyped",
    };
    if !family.help.is_empty() {
        out.extend_from_slice(b"# HELP ");
        write_metric_name(&name, "", out);
        out.push(b' ');
        write_escaped(family.help.as_bytes(), false, out);
        out.push(b'\n');
    }
    out.extend_from_slice(b"# TYPE ");
    write_metric_name(&name, "", out);
    out.push(b' ');
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
    let mut labels = Vec::new();
    for series in &family.series {
        write_series(family, &name, series, escaping, &mut labels, out);
    }
}

fn write_series(
    family: &Family,
    name: &str,
    series: &Series,
    escaping: Escaping,
    labels: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    labels.clear();
    for (name, value) in &series.labels {
        write_label(&escaping.label_name(name), value, labels);
    }
    let own = labels.len();
    samples::each(family.kind, series, &mut |sample| {
        let label: Option<(Cow<str>, Cow<str>)> = match sample.own {
            Own::None => None,
            Own::Bound(bound) => Some(("le".into(), number_text(bound).into())),
            Own::Rank(rank) => Some(("quantile".into(), number_text(rank).into())),
            Own::State(state) => Some((escaping.label_name(family.name), state.into())),
        };
        if let Some((name, value)) = label {
            write_label(&name, &value, labels);
        }
        write_sample_name(name, sample.suffix, labels, out);
        labels.truncate(own);
        out.push(b' ');
        match sample.value {
            Number::Float(value) => write_number(value, out),
            Number::Count(count) => write_count(count, out),
        }
        out.push(b'\n');
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing;
    use super::*;
    use crate::model::Point;

    fn gauge<'a>(name: &'a str, labels: &[(&'a str, &'a str)]) -> Family<'a> {
        let series = vec![Series { labels: labels.to_vec(), created_ms: None, point: Point::Gauge(1.0) }];
        Family { name, kind: Kind::Gauge, help: "", unit: "", gives_way: false, is_custom: false, series }
    }

    fn part<'a>(families: Vec<Family<'a>>, origin: &'static str) -> Part<'a> {
        Part { families, origin: Box::new(move |_| origin.to_owned()) }
    }

    #[test]
    fn conflicting_labels_are_exported() {
        let key = KeyLabels::new([("job", "j"), ("zone", "")]);
        let mut families = [gauge("g", &[("exported_job", "x"), ("job", "own"), ("zone", "z")])];
        relabel(&mut families, &key);
        assert_eq!(
            families[0].series[0].labels,
            [("exported_exported_job", "own"), ("exported_job", "x"), ("job", "j"), ("zone", "z")]
        );
        let key = KeyLabels::new([("le", "1")]);
        let mut families = [Family { kind: Kind::Histogram, ..gauge("h", &[]) }];
        relabel(&mut families, &key);
        assert_eq!(families[0].series[0].labels, [("exported_le", "1")]);
    }

    #[test]
    fn openmetrics_conflicts_across_groups_are_detected() {
        let counter = Family { kind: Kind::Counter, ..gauge("jobs_total", &[("job", "b")]) };
        let merged = merge(vec![part(vec![gauge("jobs", &[])], "a"), part(vec![counter], "b")], 1).unwrap();
        let found: Vec<_> = merged.iter().map(|family| (family.name, family.gives_way)).collect();
        assert_eq!(found, [("jobs", false), ("jobs_total", true)]);
    }

    #[test]
    fn conflict_errors_name_both_origins() {
        let counter = |name| Family { kind: Kind::Counter, ..gauge(name, &[("job", "b")]) };
        for (a, b, metric) in [
            (gauge("x", &[]), counter("x"), "x"),
            (Family { kind: Kind::Histogram, ..gauge("x", &[]) }, gauge("x_sum", &[]), "x_sum"),
            (gauge("a_b", &[]), gauge("a.b", &[("job", "b")]), "a.b"),
            (gauge("x", &[("job", "b")]), gauge("x", &[("job", "b"), ("z", "")]), "x"),
        ] {
            let error = merge(vec![part(vec![a], "{job=\"a\"}"), part(vec![b], "{job=\"b\"}")], 1).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with(&format!("metric {metric}: ")), "{text}");
            assert!(text.contains("{job=\"a\"}") && text.contains("{job=\"b\"}"), "{text}");
        }
        let merged = merge(vec![part(vec![gauge("x", &[])], "a"), part(vec![gauge("x", &[("l", "1")])], "b")], 1);
        assert_eq!(merged.unwrap()[0].series.len(), 2);
    }

    proptest! {
        #[test]
        fn text_has_one_line_per_sample(families in testing::arbitrary()) {
            let view = testing::view(&families);
            let mut text = Vec::new();
            view.iter().for_each(|family| write_text(family, Escaping::default(), &mut text));
            let mut count = 0;
            for family in &view {
                family.series.iter().for_each(|series| samples::each(family.kind, series, &mut |_| count += 1));
            }
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), count, "{}", text);
        }
    }
}

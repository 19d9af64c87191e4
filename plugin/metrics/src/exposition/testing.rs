//! Families for testing encoders: one of each kind, and arbitrary ones.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use proptest::sample::select;

use crate::model::{self, Exemplar};
use crate::registry::Kind;
use crate::registry::native::NativeHistogram;

/// An owned [`model::Family`].
#[derive(Debug, Clone)]
pub struct OwnedFamily {
    pub name: String,
    pub kind: Kind,
    pub help: String,
    pub unit: String,
    pub series: Vec<Series>,
}

#[derive(Debug, Clone)]
pub struct Series {
    pub labels: Vec<(String, String)>,
    pub created_ms: Option<u64>,
    pub point: Point,
}

#[derive(Debug, Clone)]
pub enum Point {
    Counter(f64, Option<Exemplar>),
    Gauge(f64),
    Histogram { bounds: Vec<f64>, counts: Vec<u64>, sum: f64, exemplars: Vec<Option<Exemplar>> },
    Native(NativeHistogram),
    Summary { quantiles: Vec<(f64, f64)>, sum: f64, count: u64 },
    Info,
    StateSet(Vec<(Box<str>, bool)>),
}

pub fn view(families: &[OwnedFamily]) -> Vec<model::Family<'_>> {
    let view = |family| {
        let OwnedFamily { name, kind, help, unit, series }: &OwnedFamily = family;
        model::Family {
            name,
            kind: *kind,
            help,
            unit,
            gives_way: false,
            is_custom: false,
            series: series.iter().map(view_series).collect(),
        }
    };
    families.iter().map(view).collect()
}

fn view_series(series: &Series) -> model::Series<'_> {
    let labels = series.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    model::Series { labels, created_ms: series.created_ms, point: view_point(&series.point) }
}

fn view_point(point: &Point) -> model::Point<'_> {
    match point {
        Point::Counter(total, exemplar) => model::Point::Counter { total: *total, exemplar: exemplar.as_ref() },
        Point::Gauge(value) => model::Point::Gauge(*value),
        Point::Histogram { bounds, counts, sum, exemplars } => {
            model::Point::Histogram { bounds, counts, sum: *sum, exemplars }
        }
        Point::Native(native) => model::Point::Native(model::Native::new(native)),
        Point::Summary { quantiles, sum, count } => {
            model::Point::Summary { quantiles: quantiles.clone(), sum: *sum, count: *count }
        }
        Point::Info => model::Point::Info,
        Point::StateSet(states) => model::Point::StateSet(states),
    }
}

pub fn family(name: &str, kind: Kind, series: Vec<Series>) -> OwnedFamily {
    OwnedFamily { name: name.into(), kind, help: String::new(), unit: String::new(), series }
}

pub fn series(labels: &[(&str, &str)], point: Point) -> Series {
    let labels = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Series { labels, created_ms: None, point }
}

pub fn exemplar(labels: &[(&str, &str)], value: f64, unix_ms: Option<u64>) -> Exemplar {
    let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Exemplar { labels, value, unix_ms }
}

pub fn native(values: &[f64]) -> NativeHistogram {
    let mut native = NativeHistogram::new(0, 0.0, 100).unwrap();
    values.iter().for_each(|value| native.observe(*value));
    native
}

/// One family of each kind, using every feature.
pub fn each_kind() -> Vec<OwnedFamily> {
    const CREATED: Option<u64> = Some(1_700_000_000_120);
    let mut counter = series(
        &[("code", ""), ("path", "/a\\b\n\"c\"")],
        Point::Counter(3.0, Some(exemplar(&[("trace_id", "x\"y")], 0.5, Some(1_700_000_001_000)))),
    );
    counter.created_ms = CREATED;
    let mut histogram = series(
        &[("path", "/")],
        Point::Histogram {
            bounds: vec![0.0001, 1.0, 1e6],
            counts: vec![0, 2, 1, 1],
            sum: 2e6,
            exemplars: vec![None, Some(exemplar(&[], 0.25, None)), None, None],
        },
    );
    histogram.created_ms = CREATED;
    let mut summary = series(&[], Point::Summary { quantiles: vec![(0.5, 0.25), (1.0, f64::NAN)], sum: 0.5, count: 2 });
    summary.created_ms = CREATED;
    let mut native = series(&[], Point::Native(native(&[0.0, 1.5, 1.5, 3.0, 40.0])));
    native.created_ms = CREATED;
    let states = vec![("off".into(), false), ("on".into(), true)];
    let mut families = vec![
        family("bytes_total", Kind::Counter, vec![counter, series(&[], Point::Counter(0.1, None))]),
        family("gauge_ratio", Kind::Gauge, vec![series(&[("a", "1"), ("b", "2")], Point::Gauge(-0.0))]),
        family("latency_seconds", Kind::Histogram, vec![histogram]),
        family("my.native", Kind::NativeHistogram, vec![native]),
        family("state", Kind::StateSet, vec![series(&[("a", "1")], Point::StateSet(states))]),
        family("summary", Kind::Summary, vec![summary]),
        family("version_info", Kind::Info, vec![series(&[("la.bel", "1.2.3")], Point::Info)]),
    ];
    families[0].unit = "bytes".into();
    families[0].help = "Say \"bytes\",\\ or\nnothing.".into();
    families[2].unit = "seconds".into();
    families
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z_][a-zA-Z0-9_]{0,8}(_total|_info|_seconds|_x|_x_total|)",
        1 => "[a-z:._]{1,6}(_total|_info|_seconds|)",
        1 => any::<String>().prop_filter("a name is not empty", |name| !name.is_empty()),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => any::<f64>(),
        3 => (0_i32..1_000_000).prop_map(|value| f64::from(value) / 8.0),
        1 => (-1000_i32..1_000_000).prop_map(f64::from),
        1 => select(vec![0.0, -0.0, 0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX]),
    ]
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    // A map, so that names are distinct and sorted.
    prop::collection::btree_map(name(), any::<String>(), 0..4).prop_map(|labels| {
        // The prefix keeps labels from being `le` or `quantile`, or from beginning with `__` even
        // after escaping.
        labels.into_iter().map(|(name, value)| (format!("x{name}"), value)).collect()
    })
}

fn an_exemplar() -> impl Strategy<Value = Option<Exemplar>> {
    prop::option::of((labels(), value(), prop::option::of(0..=4_000_000_000_000_u64)).prop_map(
        |(labels, value, unix_ms)| {
            let labels = labels.iter().take(1).map(|(name, value)| {
                (name.chars().take(20).collect::<String>().into(), value.chars().take(100).collect::<String>().into())
            });
            Exemplar { labels: labels.collect(), value, unix_ms }
        },
    ))
}

fn point(kind: Kind) -> BoxedStrategy<Point> {
    match kind {
        Kind::Counter => (value(), an_exemplar()).prop_map(|(total, exemplar)| Point::Counter(total, exemplar)).boxed(),
        Kind::Gauge => value().prop_map(Point::Gauge).boxed(),
        Kind::Histogram => {
            (prop::collection::btree_set(-50_i32..100, 0..5), any::<[u32; 6]>(), value(), an_exemplar(), any::<bool>())
                .prop_map(|(bounds, counts, sum, exemplar, exemplars)| {
                    let bounds: Vec<_> = bounds.into_iter().map(|bound| f64::from(bound).powi(3) / 16.0).collect();
                    let counts: Vec<_> = counts.into_iter().take(bounds.len() + 1).map(u64::from).collect();
                    let exemplars = if exemplars { vec![exemplar; counts.len()] } else { Vec::new() };
                    Point::Histogram { bounds, counts, sum, exemplars }
                })
                .boxed()
        }
        Kind::NativeHistogram => {
            prop::collection::vec(value().prop_filter("NaN is in no bucket", |value| !value.is_nan()), 0..20)
                .prop_map(|values| Point::Native(native(&values)))
                .boxed()
        }
        Kind::Summary => (prop::collection::btree_set(0..=1000_u32, 0..4), value(), value(), any::<u64>())
            .prop_map(|(ranks, value, sum, count)| {
                let quantiles = ranks.into_iter().map(|rank| (f64::from(rank) / 1000.0, value)).collect();
                Point::Summary { quantiles, sum, count }
            })
            .boxed(),
        Kind::Unknown => value().prop_map(Point::Gauge).boxed(),
        Kind::GaugeHistogram => prop_oneof![point(Kind::Histogram), point(Kind::NativeHistogram)].boxed(),
        Kind::Info => Just(Point::Info).boxed(),
        Kind::StateSet => prop::collection::btree_map(any::<String>(), any::<bool>(), 1..4)
            .prop_map(|states| Point::StateSet(states.into_iter().map(|(state, on)| (state.into(), on)).collect()))
            .boxed(),
    }
}

prop_compose! {
    fn a_series(kind: Kind)(
        labels in labels(),
        created_ms in prop::option::of(0..=4_000_000_000_000_u64),
        point in point(kind),
    ) -> Series {
        Series { labels, created_ms, point }
    }
}

fn a_family() -> impl Strategy<Value = OwnedFamily> {
    let kinds = vec![
        Kind::Counter,
        Kind::Gauge,
        Kind::Histogram,
        Kind::NativeHistogram,
        Kind::Summary,
        Kind::Info,
        Kind::StateSet,
        Kind::GaugeHistogram,
        Kind::Unknown,
    ];
    (name(), select(kinds), any::<String>(), select(vec!["", "seconds", "x"])).prop_flat_map(
        |(name, kind, help, unit)| {
            prop::collection::vec(a_series(kind), 1..4).prop_map(move |mut series| {
                series.sort_by(|a, b| a.labels.cmp(&b.labels));
                series.dedup_by(|a, b| a.labels == b.labels);
                series.iter_mut().for_each(|series| series.labels.retain(|(label, _)| *label != name));
                series.dedup_by(|a, b| a.labels == b.labels);
                OwnedFamily { name: name.clone(), kind, help: help.clone(), unit: unit.into(), series }
            })
        },
    )
}

/// Families of any kind with arbitrary names, as distinct as the registry requires.
pub fn arbitrary() -> impl Strategy<Value = Vec<OwnedFamily>> {
    prop::collection::vec(a_family(), 0..4).prop_map(|mut families| {
        // No two names differ only in a suffix, or only in characters that an escaping changes.
        for (at, family) in families.iter_mut().enumerate() {
            family.name = format!("{}{at}{}", char::from(b'a' + at as u8), family.name);
        }
        families
    })
}

//! Whatever the registry accepts, a strict parser accepts its OpenMetrics exposition: conflicting
//! names after stripping suffixes, all kinds, units, and values of any sign.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use plugpipe_metrics::exposition::escaping::Escaping;
use plugpipe_metrics::exposition::openmetrics::encode;
use plugpipe_metrics::exposition::openmetrics2;
use plugpipe_metrics::exposition::parse::{Format, Limits, parse};
use plugpipe_metrics::registry::{Buckets, Definition, Kind, MetricName, Registry};
use proptest::prelude::*;
use proptest::sample::select;

/// A family to register: its name and kind, whether it has a unit, and the recorded value.
type Wanted = (String, Kind, bool, f64);

fn wanted() -> impl Strategy<Value = Wanted> {
    let suffix = || {
        select(vec![
            "", "", "", "_total", "_total", "_created", "_created", "_info", "_bucket", "_count", "_sum", "_gsum",
            "_seconds", ".total",
        ])
    };
    let base = select(vec!["jobs", "jobs", "jobs", "jobs_jobs", "a.b", "a:b", "x_total", ""]);
    let name = (base, suffix(), suffix()).prop_map(|(base, one, two)| format!("{base}{one}{two}"));
    let value = prop_oneof![4 => Just(1.0), 1 => Just(-1.0), 1 => Just(f64::INFINITY)];
    (name.prop_filter("a name", |name| !name.is_empty()), select(Kind::ALL.to_vec()), any::<bool>(), value)
}

/// Registers a family and records to it, if the registry accepts it.
fn add(registry: &mut Registry, (name, kind, unit, value): &Wanted) -> bool {
    let name = MetricName::new_utf8(name, "name").unwrap();
    if registry.family(name.as_str()).is_some() {
        return false;
    }
    let mut definition = Definition::new(name.clone(), *kind);
    definition.help = Some("\"Help\"\n\\".into());
    definition.unit =
        (*unit && name.as_str().trim_end_matches("_total").ends_with("_seconds")).then(|| "seconds".into());
    definition.buckets = (*kind == Kind::Histogram).then(|| Buckets::new(&[value.min(1.0), 2.0], "buckets").unwrap());
    definition.states = if *kind == Kind::StateSet { vec!["on".into(), "off".into()] } else { Vec::new() };
    let Ok(family) = registry.register(definition) else { return false };
    let Ok(series) = registry.series(family, &[]) else { return false };
    let _ = registry.record(series, *value);
    true
}

fn exposed(registry: &Registry, escaping: Escaping) -> String {
    let mut out = Vec::new();
    encode(&registry.read(0), escaping, &mut out);
    String::from_utf8(out).unwrap()
}

/// Names that consist only of a suffix, in every escaping scheme.
#[test]
fn names_without_a_base_have_no_type() {
    let mut registry = Registry::default();
    registry.set_now(1_700_000_000_000);
    for name in ["_total", "_created", "_", ".total.x", "__total"] {
        add(&mut registry, &(name.to_owned(), Kind::Counter, false, 1.0));
    }
    add(&mut registry, &("_info".to_owned(), Kind::Info, false, 1.0));
    for escaping in [Escaping::Underscores, Escaping::AllowUtf8, Escaping::Values, Escaping::Dots] {
        let text = exposed(&registry, escaping);
        let read = parse(text.as_bytes(), Format::OpenMetrics, &Limits::default());
        assert!(read.is_ok(), "{}: {}\n{text}", escaping.name(), read.unwrap_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_strict_parser_accepts_every_exposition(wanted in prop::collection::vec(wanted(), 1..12), more in wanted()) {
        let mut registry = Registry::default();
        registry.set_now(1_700_000_000_000);
        let taken: Vec<&Wanted> = wanted.iter().filter(|one| add(&mut registry, one)).collect();
        for escaping in [Escaping::Underscores, Escaping::AllowUtf8, Escaping::Values, Escaping::Dots] {
            let text = exposed(&registry, escaping);
            let read = parse(text.as_bytes(), Format::OpenMetrics, &Limits::default());
            prop_assert!(read.is_ok(), "{}: {}\n{}", escaping.name(), read.unwrap_err(), text);
            // Version 2.0 is the same with and without the model.
            let (mut second, mut read) = (Vec::new(), Vec::new());
            openmetrics2::encode_registry(&registry, 0, escaping, &mut second);
            openmetrics2::encode(&registry.read(0), escaping, &mut read);
            let (second, read) = (String::from_utf8(second).unwrap(), String::from_utf8(read).unwrap());
            prop_assert_eq!(&second, &read);
            let read = parse(second.as_bytes(), Format::OpenMetrics2, &Limits::default());
            prop_assert!(read.is_ok(), "{}: {}\n{}", escaping.name(), read.unwrap_err(), second);
        }
        // The types do not depend on registration order.
        let mut backward = Registry::default();
        backward.set_now(1_700_000_000_000);
        for one in taken.iter().rev() {
            prop_assert!(add(&mut backward, one));
        }
        prop_assert_eq!(exposed(&backward, Escaping::Underscores), exposed(&registry, Escaping::Underscores));
        // A snapshot preserves them, and notices are reported only once.
        let mut snapshot = Vec::new();
        registry.snapshot(&mut snapshot);
        let mut restored = Registry::restore(&snapshot, 1).unwrap();
        prop_assert_eq!(exposed(&restored, Escaping::Underscores), exposed(&registry, Escaping::Underscores));
        prop_assert!(restored.take_notices().texts.is_empty());
        // A rolled-back family leaves no trace.
        let before = (exposed(&registry, Escaping::Underscores), registry.take_notices());
        prop_assert!(registry.take_notices().texts.is_empty());
        let recording = |(name, kind, ..): &Wanted, amount| plugpipe_metrics::registry::Recording {
            definition: Definition::new(MetricName::new_utf8(name, "name").unwrap(), *kind),
            labels: Default::default(),
            amount,
        };
        let refused = recording(&("refused".into(), Kind::Counter, false, 0.0), -1.0);
        prop_assert!(registry.record_all(&[recording(&more, 1.0), refused]).is_err());
        prop_assert_eq!(&exposed(&registry, Escaping::Underscores), &before.0);
        prop_assert!(registry.take_notices().texts.is_empty());
        for one in wanted.iter().chain([&more]) {
            add(&mut registry, one);
        }
        let text = exposed(&registry, Escaping::Underscores);
        prop_assert!(parse(text.as_bytes(), Format::OpenMetrics, &Limits::default()).is_ok(), "{}", text);
    }
}

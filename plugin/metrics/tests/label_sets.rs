//! A metric with several label sets: after any sequence of recordings and removals, a series is
//! identified by its nonempty labels, and every exposition is valid.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use plugpipe_metrics::exposition::escaping::Escaping;
use plugpipe_metrics::exposition::parse::{Format, Limits, parse};
use plugpipe_metrics::exposition::text::Encoder;
use plugpipe_metrics::exposition::{openmetrics, openmetrics2};
use plugpipe_metrics::registry::{Definition, Kind, Labels, MetricName, Recording, Registry};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

type Pairs = Vec<(&'static str, &'static str)>;

fn pairs() -> impl Strategy<Value = Pairs> {
    subsequence(vec!["a", "b", "c"], 0..=3).prop_flat_map(|names| {
        let value = select(vec!["", "x", "y"]);
        prop::collection::vec(value, names.len()).prop_map(move |values| names.iter().copied().zip(values).collect())
    })
}

fn record(registry: &mut Registry, name: &str, labels: &Pairs, amount: f64) {
    let definition = Definition::new(MetricName::new(name, "name").unwrap(), Kind::Counter);
    let labels = Labels::new(labels.iter().copied(), "labels").unwrap();
    registry.record_all(&[Recording { definition, labels, amount }]).unwrap();
}

/// The nonempty labels.
fn named(labels: &Pairs) -> BTreeMap<String, String> {
    let given = labels.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The series of `m` in an exposition, by their nonempty labels, checked for duplicates.
fn series_of(text: &[u8], format: Format) -> BTreeMap<BTreeMap<String, String>, f64> {
    let families = parse(text, format, &Limits::default()).unwrap();
    let mut found = BTreeMap::new();
    for point in families.get("m").iter().flat_map(|family| &family.points) {
        let labels = families.labels(point).iter().filter(|label| !label.value.is_empty());
        let labels = labels.map(|label| (label.name.to_string(), label.value.to_string())).collect();
        assert_eq!(found.insert(labels, point.value), None);
    }
    found
}

proptest! {
    #[test]
    fn series_are_identified_by_nonempty_labels(
        steps in prop::collection::vec((pairs(), any::<bool>(), any::<bool>()), 1..30),
    ) {
        let mut registry = Registry::default();
        let mut model = BTreeMap::new();
        let mut kept = Encoder::new();
        record(&mut registry, "n", &vec![], 1.0);
        for (labels, removes, encodes) in &steps {
            if *removes && let Some(family) = registry.family_with("m", labels.iter().map(|(name, _)| *name)) {
                let removed = registry.remove_series(family, labels).unwrap();
                prop_assert_eq!(removed, model.remove(&named(labels)).is_some());
            } else {
                record(&mut registry, "m", labels, 1.0);
                *model.entry(named(labels)).or_insert(0.0) += 1.0;
            }
            if *encodes {
                let mut fresh = Encoder::new();
                let fresh = fresh.encode(&registry, Escaping::default()).unwrap();
                prop_assert_eq!(kept.encode(&registry, Escaping::default()).unwrap(), fresh);
            }
        }
        prop_assert_eq!(registry.len(), model.len() + 1);
        let text = kept.encode(&registry, Escaping::default()).unwrap().to_vec();
        prop_assert_eq!(&series_of(&text, Format::Text), &model);
        let mut open = Vec::new();
        openmetrics::encode(&registry.read(0), Escaping::default(), &mut open);
        prop_assert_eq!(&series_of(&open, Format::OpenMetrics), &model);
        let (mut second, mut read) = (Vec::new(), Vec::new());
        openmetrics2::encode_registry(&registry, 0, Escaping::AllowUtf8, &mut second);
        prop_assert_eq!(&series_of(&second, Format::OpenMetrics2), &model);
        openmetrics2::encode(&registry.read(0), Escaping::AllowUtf8, &mut read);
        prop_assert_eq!(second, read);
        let mut snapshot = Vec::new();
        registry.snapshot(&mut snapshot);
        let restored = Registry::restore(&snapshot, 1).unwrap();
        let restored = Encoder::new().encode(&restored, Escaping::default()).unwrap().to_vec();
        prop_assert_eq!(restored, text);
    }
}

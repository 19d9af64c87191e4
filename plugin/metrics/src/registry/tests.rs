use super::*;

pub(super) fn recording(name: &str, kind: Kind, labels: &[(&str, &str)], amount: f64) -> Recording {
    Recording {
        definition: Definition::new(MetricName::new(name, "metric_name").unwrap(), kind),
        labels: Labels::new(labels.iter().copied(), "labels").unwrap(),
        amount,
    }
}

/// Records, and returns the series' new value or count.
pub(super) fn record(
    registry: &mut Registry,
    name: &str,
    kind: Kind,
    labels: &[(&str, &str)],
    amount: f64,
) -> Result<f64, Error> {
    let ids = registry.record_all(&[recording(name, kind, labels, amount)]).map_err(|(_, error)| error)?;
    Ok(current(registry, ids[0]))
}

fn current(registry: &Registry, id: SeriesId) -> f64 {
    match registry.point(id).unwrap() {
        Point::Counter { total, .. } => total,
        Point::Gauge(value) => value,
        Point::Histogram { counts, .. } => counts.iter().sum::<u64>() as f64,
        Point::Summary { count, .. } => count as f64,
        Point::Native(native) => native.count() as f64,
        Point::Info => 1.0,
        Point::StateSet(states) => states.iter().filter(|(_, on)| *on).count() as f64,
    }
}

pub(super) fn family(
    registry: &mut Registry,
    name: &str,
    kind: Kind,
    labels: &[&str],
    with: impl FnOnce(&mut Definition),
) -> FamilyId {
    let mut definition = Definition::new(MetricName::new(name, "metric_name").unwrap(), kind);
    definition.label_names = labels.iter().map(|label| LabelName::new(label, "labels").unwrap()).collect();
    with(&mut definition);
    registry.register(definition).unwrap()
}

#[test]
fn counters_add_and_gauges_are_set() {
    let mut registry = Registry::default();
    for total in 1..=10 {
        assert_eq!(record(&mut registry, "c", Kind::Counter, &[("a", "1")], 1.0), Ok(f64::from(total)));
    }
    assert_eq!(record(&mut registry, "c", Kind::Counter, &[("a", "2")], 5.0), Ok(5.0));
    record(&mut registry, "g", Kind::Gauge, &[], 3.0).unwrap();
    assert_eq!(record(&mut registry, "g", Kind::Gauge, &[], -1.0), Ok(-1.0));
    assert_eq!(registry.len(), 3);
}

#[test]
fn label_order_does_not_matter() {
    let mut registry = Registry::default();
    record(&mut registry, "c", Kind::Counter, &[("a", "1"), ("b", "2")], 1.0).unwrap();
    assert_eq!(record(&mut registry, "c", Kind::Counter, &[("b", "2"), ("a", "1")], 1.0), Ok(2.0));
}

#[test]
fn conflict_errors_name_both_definitions() {
    let mut registry = Registry::default();
    record(&mut registry, "m", Kind::Counter, &[("a", "1")], 1.0).unwrap();
    let kinds = record(&mut registry, "m", Kind::Gauge, &[("a", "1")], 1.0).unwrap_err().to_string();
    assert!(kinds.contains("counter") && kinds.contains("gauge"), "{kinds}");
    record(&mut registry, "h", Kind::Histogram, &[], 1.0).unwrap();
    let samples = record(&mut registry, "h_sum", Kind::Gauge, &[], 1.0).unwrap_err().to_string();
    assert!(samples.contains("histogram h"), "{samples}");
    record(&mut registry, "s_count", Kind::Gauge, &[], 1.0).unwrap();
    let samples = record(&mut registry, "s", Kind::Summary, &[], 1.0).unwrap_err().to_string();
    assert!(samples.contains("gauge s_count"), "{samples}");
    assert_eq!(registry.len(), 3);
}

#[test]
fn reserved_labels_are_rejected() {
    let mut registry = Registry::default();
    assert_eq!(
        record(&mut registry, "h", Kind::Histogram, &[("le", "1")], 1.0).unwrap_err().field(),
        Some("labels.le")
    );
    assert!(record(&mut registry, "c", Kind::Counter, &[("le", "1")], 1.0).is_ok());
}

#[test]
fn batches_are_all_or_nothing() {
    let mut registry = Registry::default();
    record(&mut registry, "old", Kind::Counter, &[("a", "1")], 1.0).unwrap();
    let (index, error) = registry
        .record_all(&[
            recording("old", Kind::Counter, &[("a", "1")], 1.0),
            recording("old", Kind::Counter, &[("a", "2")], 1.0),
            recording("new", Kind::Gauge, &[], 1.0),
            recording("new", Kind::Counter, &[], 1.0),
        ])
        .unwrap_err();
    assert!(index == 3 && matches!(error, Error::Conflict { .. }), "{error}");
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.families(), 1);
    assert_eq!(record(&mut registry, "old", Kind::Counter, &[("a", "1")], 1.0), Ok(2.0));
    assert_eq!(record(&mut registry, "new", Kind::Counter, &[], 1.0), Ok(1.0));
}

#[test]
fn registering_is_idempotent_and_label_order_does_not_matter() {
    let mut registry = Registry::default();
    let id = family(&mut registry, "m", Kind::Gauge, &["a", "b"], |_| {});
    let again =
        family(&mut registry, "m", Kind::Gauge, &["a", "b"], |definition| definition.help = Some("Help".into()));
    assert_eq!(id, again);
    assert_eq!(registry.definition(id).unwrap().help.as_deref(), Some("Help"));
    let series = registry.series(id, &["1", "2"]).unwrap();
    assert_eq!(registry.series_by_labels(id, &[("b", "2"), ("a", "1")]).unwrap(), series);
    assert_eq!(registry.labels(series).unwrap(), [("a", "1"), ("b", "2")]);
    assert_eq!(registry.series(id, &["1"]).unwrap_err().field(), Some("label_values"));
    for labels in [&[("a", "1")][..], &[("a", "1"), ("a", "1")], &[("a", "1"), ("b", ""), ("c", "")]] {
        assert!(registry.series_by_labels(id, labels).unwrap_err().field().unwrap().starts_with("labels."));
    }
    assert_eq!(registry.series(id, &["", &"x".repeat(MAX_VALUE_LEN + 1)]).unwrap_err().field(), Some("labels.b"));
    assert!(registry.remove_series(id, &[("b", "2"), ("a", "1")]).unwrap());
    assert!(!registry.remove_series(id, &[("b", "2"), ("a", "1")]).unwrap());
}

#[test]
fn names_that_are_equal_after_escaping_are_rejected() {
    let mut registry = Registry::default();
    family(&mut registry, "a_b", Kind::Gauge, &[], |_| {});
    let name = MetricName::new_utf8("a.b", "metric_name").unwrap();
    assert!(matches!(registry.register(Definition::new(name, Kind::Gauge)), Err(Error::Conflict { .. })));
    let mut labels = Definition::new(MetricName::new("c", "metric_name").unwrap(), Kind::Gauge);
    labels.label_names = ["x.y", "x_y"].map(|name| LabelName::new_utf8(name, "labels").unwrap()).into();
    assert_eq!(registry.register(labels).unwrap_err().field(), Some("labels.x_y"));
    let mut states = Definition::new(MetricName::new("s", "metric_name").unwrap(), Kind::StateSet);
    states.states = ["on".into()].into();
    states.label_names = vec![LabelName::new("s", "labels").unwrap()];
    assert_eq!(registry.register(states).unwrap_err().field(), Some("labels.s"));
    assert_eq!(registry.families(), 1);
}

#[test]
fn invalid_options_are_rejected_by_name() {
    let check = |kind: Kind, field: &str, with: &dyn Fn(&mut Definition)| {
        let mut definition = Definition::new(MetricName::new("m_bytes", "metric_name").unwrap(), kind);
        with(&mut definition);
        assert_eq!(Registry::default().register(definition).unwrap_err().field(), Some(field));
    };
    check(Kind::Gauge, "unit", &|definition| definition.unit = Some("seconds".into()));
    check(Kind::Gauge, "buckets", &|definition| definition.buckets = Some(Buckets::default()));
    check(Kind::Summary, "quantiles", &|definition| definition.quantiles = Some(vec![0.9, 0.5]));
    check(Kind::Summary, "window", &|definition| definition.window = Some(std::time::Duration::ZERO));
    check(Kind::StateSet, "states", &|_| {});
    check(Kind::StateSet, "states", &|definition| definition.states = ["a".into(), "a".into()].into());
    check(Kind::NativeHistogram, "native", &|definition| {
        definition.native = Some(NativeConfig { schema: 20, ..NativeConfig::default() });
    });
    let mut fine = Definition::new(MetricName::new("m_bytes_total", "metric_name").unwrap(), Kind::Counter);
    fine.unit = Some("bytes".into());
    assert!(Registry::default().register(fine).is_ok());
}

#[test]
fn unsupported_operations_name_the_kind() {
    let mut registry = Registry::default();
    let made = Kind::ALL.map(|kind| {
        let id = family(&mut registry, &format!("m_{}", kind.name()), kind, &[], |definition| {
            if kind == Kind::StateSet {
                definition.states = ["on".into()].into();
            }
        });
        (kind, registry.series(id, &[]).unwrap())
    });
    for (kind, id) in made {
        let before = current(&registry, id);
        let counts = matches!(kind, Kind::Histogram | Kind::NativeHistogram | Kind::Summary);
        for (done, may) in [
            (registry.add(id, 1.0), matches!(kind, Kind::Counter | Kind::Gauge)),
            (registry.set(id, 1.0), kind == Kind::Gauge),
            (registry.observe(id, 1.0), counts),
            (registry.set_state(id, "on", true), kind == Kind::StateSet),
        ] {
            assert_eq!(done.is_ok(), may, "{kind:?}");
            if let Err(error) = done {
                let text = error.to_string();
                assert!(
                    text.contains(&format!("m_{}", kind.name())) && text.contains(&format!("is a {}", kind.name())),
                    "{text}"
                );
            }
        }
        assert!(kind == Kind::Info || current(&registry, id) > before || kind == Kind::Gauge);
        assert!(kind == Kind::Gauge || registry.record(id, f64::NAN).is_err());
    }
    let counter = made[0].1;
    for amount in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(registry.add(counter, amount).unwrap_err().to_string().contains("m_counter"));
    }
    assert_eq!(registry.set_state(made[6].1, "off", true).unwrap_err().field(), Some("state"));
}

#[test]
fn record_many_is_all_or_nothing() {
    let mut registry = Registry::default();
    let [c, g, h] = [Kind::Counter, Kind::Gauge, Kind::Histogram].map(|kind| {
        let id = family(&mut registry, kind.name(), kind, &[], |_| {});
        registry.series(id, &[]).unwrap().raw()
    });
    let now = |registry: &Registry| [c, g, h].map(|id| current(registry, SeriesId::from_raw(id)));
    registry.record_many(&[c, g, c], &[1.0, -2.0, 0.5]).unwrap();
    registry.record_many(&[h, g, c], &[1.0, 3.0, -0.0]).unwrap();
    assert_eq!(now(&registry), [1.5, 3.0, 1.0]);
    for (ids, values, index) in [
        (&[c, g, c][..], &[1.0, 1.0, -1.0][..], 2),
        (&[g, c], &[1.0, f64::NAN], 1),
        (&[h, h], &[1.0, f64::NAN], 1),
        (&[g, 77], &[1.0, 1.0], 1),
        (&[g, g | 1 << 24], &[1.0, 1.0], 1),
        (&[g, g], &[1.0], 1),
    ] {
        assert_eq!(registry.record_many(ids, values).unwrap_err().0, index);
        assert_eq!(now(&registry), [1.5, 3.0, 1.0]);
    }
}

#[test]
fn handles_of_removed_series_are_stale() {
    let mut registry = Registry::default();
    let id = family(&mut registry, "h", Kind::Histogram, &["a"], |_| {});
    let old = registry.series(id, &["1"]).unwrap();
    registry.observe(old, 1.0).unwrap();
    registry.remove(old).unwrap();
    let new = registry.series(id, &["1"]).unwrap();
    assert_ne!(old, new);
    assert_eq!(current(&registry, new), 0.0);
    assert_eq!(registry.observe(old, 1.0).unwrap_err().field(), Some("series"));
    assert!(registry.record_many(&[old.raw()], &[1.0]).is_err() && registry.remove(old).is_err());
    assert_eq!(registry.clear(), 1);
    assert!(registry.observe(new, 1.0).is_err() && registry.series(id, &["1"]).is_err());
    let later = family(&mut registry, "h", Kind::Histogram, &["a"], |_| {});
    assert_ne!(later, id);
}

#[test]
fn beyond_the_limit_the_overflow_series_is_used() {
    let mut registry = Registry::default();
    let id =
        family(&mut registry, "m", Kind::Counter, &["path", "user"], |definition| definition.series_limit = Some(3));
    let mut ids: Vec<SeriesId> = (0..10).map(|user| registry.series(id, &["/", &user.to_string()]).unwrap()).collect();
    assert_eq!((registry.len(), registry.dropped()), (4, 7));
    assert_eq!(registry.overflow(ids[0]), None);
    let overflow = Overflow { metric: "m".into(), label: "user".into(), distinct_values: 4 };
    assert_eq!(registry.overflow(ids[9]), Some(overflow));
    assert_eq!(registry.labels(ids[9]).unwrap(), [("path", OVERFLOW_VALUE), ("user", OVERFLOW_VALUE)]);
    registry.remove(ids.remove(0)).unwrap();
    let new = registry.series(id, &["/", "new"]).unwrap();
    assert_eq!(registry.overflow(new), None);

    let mut registry = Registry::default();
    registry.set_series_limit(2);
    let bare = family(&mut registry, "bare", Kind::Counter, &[], |_| {});
    let m = family(&mut registry, "m", Kind::Counter, &["a"], |_| {});
    registry.series(m, &["1"]).unwrap();
    registry.series(m, &["2"]).unwrap();
    let third = registry.series(m, &["3"]).unwrap();
    assert!(registry.overflow(third).is_some());
    assert!(matches!(registry.series(bare, &[]), Err(Error::LimitReached { .. })));
    assert!(matches!(record(&mut registry, "one_more", Kind::Gauge, &[], 1.0), Err(Error::LimitReached { .. })));
}

#[test]
fn only_idle_series_expire() {
    let mut registry = Registry::default();
    registry.set_now(1_000);
    assert!(!registry.is_timed());
    let idle = family(&mut registry, "idle", Kind::Gauge, &["a"], |definition| {
        definition.ttl = Some(std::time::Duration::from_secs(10));
    });
    let kept = family(&mut registry, "kept", Kind::Gauge, &["a"], |_| {});
    let [one, two] = ["1", "2"].map(|value| registry.series(idle, &[value]).unwrap());
    let other = registry.series(kept, &["1"]).unwrap();
    assert!(registry.is_timed());
    registry.set_now(6_000);
    registry.record_many(&[two.raw(), other.raw()], &[1.0, 1.0]).unwrap();
    assert_eq!(registry.expire(10_999), 0);
    assert_eq!(registry.expire(11_000), 1);
    assert!(registry.set(one, 1.0).is_err() && registry.set(other, 1.0).is_ok());
    assert_eq!(registry.expire(16_000), 1);
    assert_eq!(registry.len(), 1);
}

#[test]
fn exemplars_are_stored_with_their_value() {
    let exemplar =
        |value: &str| Exemplar { labels: vec![("trace_id".into(), value.into())], value: 1.0, unix_ms: Some(5) };
    let mut registry = Registry::default();
    let c = family(&mut registry, "c", Kind::Counter, &[], |_| {});
    let c = registry.series(c, &[]).unwrap();
    registry.add_with_exemplar(c, 1.0, exemplar("a")).unwrap();
    assert_eq!(registry.point(c), Some(Point::Counter { total: 1.0, exemplar: Some(&exemplar("a")) }));
    assert!(registry.add_with_exemplar(c, -1.0, exemplar("b")).is_err());
    assert!(registry.add_with_exemplar(c, 1.0, exemplar(&"x".repeat(121))).is_err());
    assert_eq!(registry.point(c), Some(Point::Counter { total: 1.0, exemplar: Some(&exemplar("a")) }));
    let h = family(&mut registry, "h", Kind::Histogram, &[], |definition| {
        definition.buckets = Some(Buckets::new(&[1.0], "buckets").unwrap());
    });
    let h = registry.series(h, &[]).unwrap();
    registry.observe_with_exemplar(h, 7.0, exemplar("b")).unwrap();
    let kept = Exemplar { value: 7.0, ..exemplar("b") };
    let Some(Point::Histogram { exemplars, .. }) = registry.point(h) else { panic!() };
    assert_eq!(exemplars, [None, Some(kept)]);
    assert!(registry.observe_with_exemplar(c, 1.0, exemplar("c")).is_err());
}

#[test]
fn families_are_read_sorted_and_with_creation_times() {
    let mut registry = Registry::default();
    registry.set_now(42);
    record(&mut registry, "b", Kind::Counter, &[("l", "2")], 1.0).unwrap();
    record(&mut registry, "b", Kind::Counter, &[("l", "1")], 2.0).unwrap();
    record(&mut registry, "a", Kind::Gauge, &[], 3.0).unwrap();
    family(&mut registry, "empty", Kind::Gauge, &[], |_| {});
    let read = registry.read(42);
    assert_eq!(read.iter().map(|family| family.name).collect::<Vec<_>>(), ["a", "b"]);
    let series: Vec<_> = read[1].series.iter().map(|series| (series.labels[0].1, series.created_ms)).collect();
    assert_eq!(series, [("1", Some(42)), ("2", Some(42))]);
}

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
    let others = "# TYPE g gauge\ng 1\n# TYPE v info\nv_info{a=\"b\"} 1\n# TYPE st stateset\nst{st=\"on\"} 1\n# EOF\n";
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
        written(&registry).contains("s{quantile=\"0.5\"} NaN\n") && written(&registry).contains("s_sum 2\ns_count 1\n")
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
    let refused: Vec<_> = imported.refused.iter().map(|refused| (refused.metric.as_str(), refused.series)).collect();
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
    let options = Options { unknown_as_gauge: true, ..Default::default() };
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
    let first = "# TYPE a counter\na_total{x=\"1\"} 3 # {t=\"z\"} 1\na_total{x=\"2\"} 4\n# TYPE g gauge\ng 1\n# EOF\n";
    let included = include_text(&mut registry, "lib", first);
    assert_eq!((included.metrics, included.series, included.removed, included.refused), (2, 3, 0, vec![]));
    include_text(&mut registry, "other", "# TYPE o gauge\no 5\n# EOF\n");
    // A series and a metric vanish, a counter goes on, and a metric has another kind.
    let second = "# TYPE a counter\na_total{x=\"1\"} 7\n# TYPE g histogram\ng_bucket{le=\"+Inf\"} 1\ng_bucket{le=\"1\"} 1\ng_sum 1\ng_count 1\n# EOF\n";
    let second = second
        .replace("g_bucket{le=\"+Inf\"} 1\ng_bucket{le=\"1\"} 1\n", "g_bucket{le=\"1\"} 1\ng_bucket{le=\"+Inf\"} 1\n");
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

/// Native histograms with classic buckets and exemplars, one of each form.
const WHOLE: &str = "# TYPE both histogram\n\
    both{a=\"b\"} {count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:1,positive_spans:[1:2],positive_buckets:[1,1],\
    bucket:[1:1,2:2,+Inf:3]} st@1600000000.000 # {t=\"x\"} 1.5 1600000002.000 # {t=\"y\"} 1.25 1600000003.000 # {} 4 1600000001.000\n\
    # TYPE gauge gaugehistogram\n\
    gauge {gcount:1,gsum:1.5,schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:1],positive_buckets:[1],\
    bucket:[1:0,+Inf:1]} # {} 1.5 1600000001.000\n\
    # TYPE native histogram\n\
    native {count:1,sum:1.5,schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:1],positive_buckets:[1]} # {} 1.5 1600000001.000\n\
    # EOF\n";

fn encoded(registry: &Registry, encode: fn(&[crate::model::Family], Escaping, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&registry.read(0), Escaping::AllowUtf8, &mut out);
    out
}

fn second(registry: &Registry) -> String {
    String::from_utf8(encoded(registry, crate::exposition::openmetrics2::encode)).unwrap()
}

#[test]
fn native_histograms_keep_their_classic_buckets_and_exemplars() {
    let mut registry = Registry::default();
    registry.set_now(1_700_000_000_000);
    let imported = import_text(&mut registry, WHOLE, Format::OpenMetrics2);
    assert_eq!((imported.series, imported.refused, imported.exemplars_dropped), (3, vec![], 0));
    assert_eq!(second(&registry), WHOLE);
    // The same through protobuf, where buckets have exemplars too, and through a snapshot.
    let bytes = encoded(&registry, crate::exposition::protobuf::encode);
    let families = parse(&bytes, Format::Protobuf, &Limits::default()).unwrap();
    let mut again = Registry::default();
    let imported = import(&families, &mut again, Options::default());
    assert_eq!((imported.refused, imported.exemplars_dropped, second(&again).as_str()), (vec![], 0, WHOLE));
    let mut out = Vec::new();
    assert_eq!(super::super::reexpose(&families, Format::OpenMetrics2, &mut out), Ok(0));
    let shortened =
        WHOLE.replace(".000 #", " #").replace(".000\n", "\n").replace("st@1600000000 ", "st@1600000000.000 ");
    assert_eq!(String::from_utf8(out).unwrap(), shortened);
    let mut snapshot = Vec::new();
    registry.snapshot(&mut snapshot);
    let mut restored = Registry::restore(&snapshot, 7).unwrap();
    assert_eq!(second(&restored), WHOLE);
    let mut same = Vec::new();
    restored.snapshot(&mut same);
    assert_eq!(same, snapshot);
    // OpenMetrics 1.0 has the latest exemplar of each bucket, and text the buckets.
    let first = String::from_utf8(encoded(&registry, crate::exposition::openmetrics::encode)).unwrap();
    for line in [
        "both_bucket{a=\"b\",le=\"1.0\"} 1\n",
        "both_bucket{a=\"b\",le=\"2.0\"} 2 # {t=\"y\"} 1.25 1600000003.000\n",
        "both_bucket{a=\"b\",le=\"+Inf\"} 3 # {} 4 1600000001.000\n",
        "native_bucket{le=\"+Inf\"} 1 # {} 1.5 1600000001.000\n",
    ] {
        assert!(first.contains(line), "{first}");
    }
    assert!(parse(first.as_bytes(), Format::OpenMetrics, &Limits::default()).is_ok());
    let families = parse(WHOLE.as_bytes(), Format::OpenMetrics2, &Limits::default()).unwrap();
    let mut out = Vec::new();
    assert_eq!(super::super::reexpose(&families, Format::OpenMetrics, &mut out), Ok(1));
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("both_bucket{a=\"b\",le=\"2.0\"} 2 # {t=\"y\"} 1.25 1600000003\n"), "{out}");
    assert!(written(&registry).contains("both_bucket{a=\"b\",le=\"2\"} 2\n"), "{}", written(&registry));
    // Observations count in both, and the oldest exemplar goes.
    let family = restored.family("both").unwrap();
    let id = restored.series(family, &["b"]).unwrap();
    for at in 0..20 {
        let exemplar = Exemplar { labels: Vec::new(), value: 0.0, unix_ms: Some(1_700_000_000_000 + at) };
        restored.observe_with_exemplar(id, 1.5, exemplar).unwrap();
    }
    let text = second(&restored);
    assert!(text.contains("count:23,") && text.contains("positive_buckets:[21,1],bucket:[1:1,2:22,+Inf:23]"), "{text}");
    assert!(text.contains(" # {} 1.5 1700000000.004 ") && !text.contains(" 1700000000.003"), "{text}");
}

#[test]
fn classic_buckets_that_not_all_native_histograms_have_are_dropped_with_a_note() {
    let native = "schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:1],positive_buckets:[1]";
    let text = format!(
        "# TYPE h histogram\nh{{a=\"1\"}} {{count:1,sum:1.5,{native},bucket:[2:1,+Inf:1]}}\n\
         h{{a=\"2\"}} {{count:1,sum:1.5,{native}}}\n# EOF\n"
    );
    let mut registry = Registry::default();
    let imported = import_text(&mut registry, &text, Format::OpenMetrics2);
    assert_eq!((imported.series, imported.refused.len()), (2, 1));
    assert!(imported.refused[0].reason.contains("its classic buckets were dropped"), "{:?}", imported.refused);
    assert_eq!(second(&registry), text.replace(",bucket:[2:1,+Inf:1]", ""));
}

#[test]
fn a_line_with_many_exemplars_keeps_the_latest() {
    let exemplars: String = (0..100_000).map(|at| format!(" # {{}} 1.5 {}", 1_000 + at * 7 % 100_000)).collect();
    let text = format!(
        "# TYPE h histogram\nh {{count:1,sum:1.5,schema:0,zero_threshold:0,zero_count:0,\
         positive_spans:[1:1],positive_buckets:[1]}}{exemplars}\n# EOF\n"
    );
    let mut registry = Registry::default();
    let imported = import_text(&mut registry, &text, Format::OpenMetrics2);
    assert_eq!((imported.series, imported.exemplars_dropped), (1, 100_000 - 16));
    let kept = second(&registry);
    assert_eq!(kept.matches(" # {} 1.5 1009").count(), 16, "{kept}");
}

#[test]
fn classic_histograms_can_be_native_ones_with_custom_buckets() {
    use crate::exposition::remote_write::{Value, each_value};
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 7.5\nh_count 3\n";
    let families = parse(text.as_bytes(), Format::Text, &Limits::default()).unwrap();
    let mut registry = Registry::default();
    let options = Options { classic_as_native: true, ..Options::default() };
    assert_eq!(import(&families, &mut registry, options).refused, []);
    // Scrapers get the classic buckets.
    assert_eq!(written(&registry), text);
    let mut snapshot = Vec::new();
    registry.snapshot(&mut snapshot);
    let restored = Registry::restore(&snapshot, 7).unwrap();
    for registry in [&registry, &restored] {
        let mut values = Vec::new();
        let model = registry.read(0);
        each_value(&model[0], &model[0].series[0], &mut |suffix, _, value, _| values.push((suffix.to_owned(), value)));
        let native = crate::registry::native::NativeHistogram::custom(&[1.0, 2.0], &[1, 0, 2], 7.5).unwrap();
        assert_eq!(values, [(String::new(), Value::Native(Box::new(native)))]);
    }
    // Later imports do not need to say so, and a histogram that was classic stays that.
    assert_eq!(import(&families, &mut registry, Options::default()).refused, []);
    let mut classic = Registry::default();
    import(&families, &mut classic, Options::default());
    let refused = import(&families, &mut classic, options).refused;
    assert!(refused[0].reason.contains("remove the metric first"), "{refused:?}");
}

use proptest::prelude::*;

use super::*;
use crate::number::write_number;
use crate::registry::{Buckets, Definition, LabelName, Labels, MetricName, Recording};

/// Name, kind, labels, value.
type Row<'a> = (&'a str, Kind, &'a [(&'a str, &'a str)], f64);

fn registry(recordings: &[Row]) -> Registry {
    let mut registry = Registry::default();
    for (name, kind, labels, amount) in recordings {
        let mut definition = Definition::new(MetricName::new(name, "metric_name").unwrap(), *kind);
        definition.help = Some("Help with \\ and \n, \"quoted\".".into());
        definition.buckets = (*kind == Kind::Histogram).then(|| Buckets::new(&[0.5, 1.0], "buckets").unwrap());
        let recording =
            Recording { definition, labels: Labels::new(labels.iter().copied(), "labels").unwrap(), amount: *amount };
        registry.record_all(&[recording]).unwrap();
    }
    registry
}

fn encoded(registry: &Registry) -> String {
    String::from_utf8(Encoder::new().encode(registry, Escaping::Underscores).unwrap().to_vec()).unwrap()
}

#[test]
fn every_kind_matches_the_format() {
    let registry = registry(&[
        ("z_total", Kind::Counter, &[("b", "2"), ("a", "say \"hi\"\\\n")], 1.0),
        ("g", Kind::Gauge, &[], -0.5),
        ("h_seconds", Kind::Histogram, &[("a", "")], 0.5),
        ("h_seconds", Kind::Histogram, &[("a", "")], 7.0),
        ("s", Kind::Summary, &[], 2.5),
    ]);
    let help = "Help with \\\\ and \\n, \"quoted\".";
    let expected = format!(
        r#"# HELP g {help}
# TYPE g gauge
g -0.5
# HELP h_seconds {help}
# TYPE h_seconds histogram
h_seconds_bucket{{a="",le="0.5"}} 1
h_seconds_bucket{{a="",le="1"}} 1
h_seconds_bucket{{a="",le="+Inf"}} 2
h_seconds_sum{{a=""}} 7.5
h_seconds_count{{a=""}} 2
# HELP s {help}
# TYPE s summary
s{{quantile="0.5"}} 2.5
s{{quantile="0.9"}} 2.5
s{{quantile="0.99"}} 2.5
s_sum 2.5
s_count 1
# HELP z_total {help}
# TYPE z_total counter
z_total{{a="say \"hi\"\\\n",b="2"}} 1
"#
    );
    assert_eq!(encoded(&registry), expected);
}

#[test]
fn numbers_round_trip() {
    for value in [0.0, -0.0, 1.0, 0.1, 1e15, 1e21, 123_456_789.5, f64::MIN_POSITIVE, 5e-324, f64::MAX, -1e300] {
        let mut out = Vec::new();
        write_number(value, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
    }
}

fn unescaped(value: &str) -> String {
    let mut characters = value.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next().unwrap() {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => panic!("\\{other} is no escape"),
            },
            '"' => panic!("the value ends early: {value}"),
            other => other,
        });
    }
    plain
}

proptest! {
    #[test]
    fn an_independent_parser_finds_the_sample(
        name in "[a-zA-Z_][a-zA-Z0-9_]{0,20}",
        label in "[a-z][a-z0-9_]{0,10}",
        // This parser does not support colons in names, escapes, or values with an equals sign,
        // comma or brace.
        value in "[^\r\n\u{85}\u{2028}\u{2029}=,{}\\\\\"]{0,40}",
        amount in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ) {
        let registry = registry(&[(&name, Kind::Gauge, &[(&label, &value)], amount)]);
        let text = encoded(&registry);
        let scrape = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
        prop_assert_eq!(scrape.samples.len(), 1, "{}", text);
        let sample = &scrape.samples[0];
        prop_assert_eq!(&sample.metric, &name);
        prop_assert_eq!(sample.labels.get(&label), Some(value.as_str()), "{}", text);
        match sample.value {
            prometheus_parse::Value::Gauge(read) => prop_assert_eq!(read.to_bits(), amount.to_bits()),
            ref other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn label_values_stay_on_one_line_and_round_trip(value in any::<String>()) {
        let text = encoded(&registry(&[("m", Kind::Gauge, &[("l", &value)], 1.0)]));
        let sample = text.split('\n').find(|line| line.starts_with("m{")).unwrap();
        let written = sample.strip_prefix("m{l=\"").unwrap().strip_suffix("\"} 1").unwrap();
        prop_assert_eq!(unescaped(written), value);
    }
}

fn family(
    registry: &mut Registry,
    name: &str,
    kind: Kind,
    labels: &[&str],
    with: impl FnOnce(&mut Definition),
) -> FamilyId {
    let mut definition = Definition::new(MetricName::new_utf8(name, "metric_name").unwrap(), kind);
    definition.label_names = labels.iter().map(|label| LabelName::new_utf8(label, "labels").unwrap()).collect();
    with(&mut definition);
    registry.register(definition).unwrap()
}

#[test]
fn kinds_without_a_text_type_use_the_closest_type() {
    let mut registry = Registry::default();
    let build = family(&mut registry, "build", Kind::Info, &["version"], |_| {});
    registry.series(build, &["2.0"]).unwrap();
    let mode = family(&mut registry, "mode", Kind::StateSet, &[], |definition| {
        definition.help = Some("What it does".into());
        definition.states = ["idle".into(), "say \"busy\"".into()].into();
    });
    let mode = registry.series(mode, &[]).unwrap();
    registry.set_state(mode, "idle", true).unwrap();
    let native = family(&mut registry, "native_seconds", Kind::NativeHistogram, &["a"], |_| {});
    let native = registry.series(native, &["x"]).unwrap();
    registry.observe(native, 0.25).unwrap();
    let odd = family(&mut registry, "odd.näme", Kind::Gauge, &["lä.bel"], |_| {});
    registry.series(odd, &["é"]).unwrap();
    let summary = family(&mut registry, "took", Kind::Summary, &["a"], |definition| {
        definition.quantiles = Some(vec![0.5, 0.99]);
    });
    registry.series(summary, &["x"]).unwrap();
    let expected = r#"# TYPE build_info gauge
build_info{version="2.0"} 1
# HELP mode What it does
# TYPE mode gauge
mode{mode="idle"} 1
mode{mode="say \"busy\""} 0
# TYPE native_seconds histogram
native_seconds_bucket{a="x",le="+Inf"} 1
native_seconds_sum{a="x"} 0.25
native_seconds_count{a="x"} 1
# TYPE odd_n_me gauge
odd_n_me{l__bel="é"} 0
# TYPE took summary
took{a="x",quantile="0.5"} NaN
took{a="x",quantile="0.99"} NaN
took_sum{a="x"} 0
took_count{a="x"} 0
"#;
    assert_eq!(encoded(&registry), expected);
}

/// Families with UTF-8 names, including a state set, and one with a classic name.
fn utf8_registry() -> Registry {
    let mut registry = Registry::default();
    let took = family(&mut registry, "http.took_seconds", Kind::Histogram, &["a", "näme.x"], |definition| {
        definition.help = Some("How long".into());
        definition.buckets = Some(Buckets::new(&[0.5], "buckets").unwrap());
    });
    registry.series(took, &["x", "\""]).unwrap();
    let mode = family(&mut registry, "my.mode", Kind::StateSet, &[], |definition| {
        definition.states = ["on".into()].into();
    });
    registry.series(mode, &[]).unwrap();
    let gauge = family(&mut registry, "my.gauge", Kind::Gauge, &[], |_| {});
    registry.series(gauge, &[]).unwrap();
    let info = family(&mut registry, "my.build", Kind::Info, &["v"], |_| {});
    registry.series(info, &["1"]).unwrap();
    let plain = family(&mut registry, "up_time", Kind::Gauge, &["in_zone"], |_| {});
    registry.series(plain, &["x"]).unwrap();
    registry
}

#[test]
fn names_are_escaped_as_requested() {
    let registry = utf8_registry();
    for (escaping, expected) in [
        (
            Escaping::AllowUtf8,
            r#"# HELP "http.took_seconds" How long
# TYPE "http.took_seconds" histogram
{"http.took_seconds_bucket",a="x","näme.x"="\"",le="0.5"} 0
{"http.took_seconds_bucket",a="x","näme.x"="\"",le="+Inf"} 0
{"http.took_seconds_sum",a="x","näme.x"="\""} 0
{"http.took_seconds_count",a="x","näme.x"="\""} 0
# TYPE "my.build_info" gauge
{"my.build_info",v="1"} 1
# TYPE "my.gauge" gauge
{"my.gauge"} 0
# TYPE "my.mode" gauge
{"my.mode","my.mode"="on"} 0
# TYPE up_time gauge
up_time{in_zone="x"} 0
"#,
        ),
        (
            Escaping::Dots,
            r#"# HELP http_dot_took__seconds How long
# TYPE http_dot_took__seconds histogram
http_dot_took__seconds_bucket{a="x",n__me_dot_x="\"",le="0.5"} 0
http_dot_took__seconds_bucket{a="x",n__me_dot_x="\"",le="+Inf"} 0
http_dot_took__seconds_sum{a="x",n__me_dot_x="\""} 0
http_dot_took__seconds_count{a="x",n__me_dot_x="\""} 0
# TYPE my_dot_build_info gauge
my_dot_build_info{v="1"} 1
# TYPE my_dot_gauge gauge
my_dot_gauge 0
# TYPE my_dot_mode gauge
my_dot_mode{my_dot_mode="on"} 0
# TYPE up__time gauge
up__time{in__zone="x"} 0
"#,
        ),
        (
            Escaping::Values,
            r#"# HELP U__http_2e_took__seconds How long
# TYPE U__http_2e_took__seconds histogram
U__http_2e_took__seconds_bucket{a="x",U__n_e4_me_2e_x="\"",le="0.5"} 0
U__http_2e_took__seconds_bucket{a="x",U__n_e4_me_2e_x="\"",le="+Inf"} 0
U__http_2e_took__seconds_sum{a="x",U__n_e4_me_2e_x="\""} 0
U__http_2e_took__seconds_count{a="x",U__n_e4_me_2e_x="\""} 0
# TYPE U__my_2e_build_info gauge
U__my_2e_build_info{v="1"} 1
# TYPE U__my_2e_gauge gauge
U__my_2e_gauge 0
# TYPE U__my_2e_mode gauge
U__my_2e_mode{U__my_2e_mode="on"} 0
# TYPE up_time gauge
up_time{in_zone="x"} 0
"#,
        ),
    ] {
        let text = Encoder::new().encode(&registry, escaping).unwrap().to_vec();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}

#[test]
fn alternating_escapings_match_a_fresh_encoder() {
    const ALL: [Escaping; 4] = [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];
    let mut plain = registry(&[("up_time", Kind::Gauge, &[("in_zone", "x")], 1.0)]);
    for registry in [&mut plain, &mut utf8_registry()] {
        let mut encoder = Encoder::new();
        let check = |encoder: &mut Encoder, registry: &Registry| {
            for (one, other) in ALL.into_iter().flat_map(|one| ALL.map(|other| (one, other))) {
                for escaping in [one, other] {
                    let fresh = Encoder::new().encode(registry, escaping).unwrap().to_vec();
                    assert_eq!(encoder.encode(registry, escaping).unwrap(), fresh, "{escaping:?}");
                }
            }
        };
        check(&mut encoder, registry);
        // Add a UTF-8 name.
        let more = family(registry, "zone.count", Kind::Gauge, &[], |_| {});
        registry.series(more, &[]).unwrap();
        check(&mut encoder, registry);
    }
}

#[test]
fn quantiles_depend_on_the_time() {
    let mut registry = Registry::default();
    registry.set_now(1_000_000);
    let took = family(&mut registry, "took", Kind::Summary, &[], |definition| {
        definition.quantiles = Some(vec![0.5]);
        definition.window = Some(std::time::Duration::from_secs(10));
    });
    let took = registry.series(took, &[]).unwrap();
    registry.observe(took, 3.0).unwrap();
    let mut encoder = Encoder::new();
    let text = |encoder: &mut Encoder, registry: &Registry| {
        String::from_utf8(encoder.encode(registry, Escaping::Underscores).unwrap().to_vec()).unwrap()
    };
    let fresh = text(&mut encoder, &registry);
    assert!(!fresh.contains("NaN") && fresh.ends_with("took_sum 3\ntook_count 1\n"), "{fresh}");
    registry.set_now(1_100_000);
    assert!(text(&mut encoder, &registry).contains("took{quantile=\"0.5\"} NaN\n"));
}

#[test]
fn an_encoder_can_switch_registries() {
    let one = registry(&[("a", Kind::Gauge, &[], 1.0)]);
    let two = registry(&[("b", Kind::Gauge, &[], 2.0)]);
    let mut encoder = Encoder::new();
    for (registry, name) in [(&one, "a 1\n"), (&two, "b 2\n"), (&one, "a 1\n")] {
        assert!(encoder.encode(registry, Escaping::Underscores).unwrap().ends_with(name.as_bytes()));
    }
    assert_eq!(encoder.encode(&Registry::default(), Escaping::Underscores).unwrap(), b"");
}

#[test]
fn values_of_any_length_move_the_text_in_both_directions() {
    let mut registry = Registry::default();
    let id = family(&mut registry, "m", Kind::Gauge, &["l"], |_| {});
    let names: Vec<String> = (0..40).map(|index| "x".repeat(index * 9)).collect();
    let series: Vec<_> = names.iter().map(|name| registry.series(id, &[name]).unwrap()).collect();
    let values = [-f64::MIN_POSITIVE, 0.0, -1.234_567_890_123_456_7e-300, 7.0, 12.5, f64::INFINITY, -0.0, 123_456.789];
    let mut encoder = Encoder::new();
    for round in 0..64_usize {
        for (index, series) in series.iter().enumerate().filter(|(index, _)| round % 7 == 0 || index % 3 == round % 3) {
            registry.set(*series, values[(index * 5 + round) % values.len()]).unwrap();
        }
        assert_eq!(encoder.encode(&registry, Escaping::Underscores).unwrap(), encoded(&registry).as_bytes(), "{round}");
        // The longest values fill the whole buffer.
        if round % 10 == 0 {
            series.iter().for_each(|series| registry.set(*series, values[0]).unwrap());
            assert_eq!(
                encoder.encode(&registry, Escaping::Underscores).unwrap(),
                encoded(&registry).as_bytes(),
                "{round}"
            );
        }
    }
}

//! OpenMetrics 2.0: the specification's examples and grammar, and round trips.

use proptest::prelude::*;

use super::tests::{accepts, format_samples, read, registries, rejects, samples_of, samples_read};
use super::*;
use crate::exposition::escaping::Escaping;
use crate::exposition::{openmetrics2, protobuf, testing};
use crate::registry::Registry;

const FORMAT: Format = Format::OpenMetrics2;

fn again(text: &str, from: Format, to: Format) -> (String, usize) {
    let families = read(text.as_bytes(), from).unwrap();
    let mut out = Vec::new();
    let dropped = reexpose(&families, to, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), dropped)
}

/// The complete exposition of the specification's section "Overall Structure", with the numbers as
/// this crate writes them.
const COMPLETE: &str = r#"# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds{path="/api/v1",method="GET"} {count:807283,sum:9036.32,quantile:[0.95:2,0.99:20]} st@1605281325.000
acme_http_router_request_seconds{path="/api/v2",method="GET"} {count:34,sum:479.3,quantile:[0.95:2.5,0.99:2.9]} st@1605301325.000
# TYPE go_goroutines gauge
# HELP go_goroutines Number of goroutines that currently exist.
go_goroutines 69
# TYPE process_cpu_seconds_total counter
# UNIT process_cpu_seconds_total seconds
# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
process_cpu_seconds_total 4200722.46
# TYPE acme_http_request_seconds histogram
# UNIT acme_http_request_seconds seconds
# HELP acme_http_request_seconds Latency histogram of all of ACME's HTTP requests.
acme_http_request_seconds{path="/api/v1",method="GET"} {count:2,sum:120,schema:0,zero_threshold:0.0001,zero_count:0,positive_spans:[1:2],positive_buckets:[1,1],bucket:[0.5:1,1:2,+Inf:2]} st@1605301325.000
# TYPE acme_http_request_seconds:rate5m gaugehistogram
acme_http_request_seconds:rate5m{path="/api/v1",method="GET"} {gcount:0.01,gsum:2,schema:0,zero_threshold:0.0001,zero_count:0,positive_spans:[1:2],positive_buckets:[0.005,0.005]}
# TYPE "foodb.read.errors" counter
# HELP "foodb.read.errors" The number of errors in the read path for fooDb.
{"foodb.read.errors","service.name"="my_service"} 3482
# EOF
"#;

#[test]
fn the_specifications_example_is_read_and_written_again() {
    // Labels are written in the order of their names.
    let sorted = |text: &str| {
        let ordered = |line: &str| match line.split_once("path=\"/api/v") {
            Some((name, rest)) => {
                let (version, rest) = rest.split_once("\",method=\"GET\"").unwrap();
                format!("{name}method=\"GET\",path=\"/api/v{version}\"{rest}\n")
            }
            None => format!("{line}\n"),
        };
        text.lines().map(ordered).collect::<String>()
    };
    assert_eq!(again(COMPLETE, FORMAT, FORMAT), (sorted(COMPLETE), 0));
    let families = read(COMPLETE.as_bytes(), FORMAT).unwrap();
    assert_eq!(
        format_samples(&families)[..4],
        [
            "acme_http_router_request_seconds{path=\"/api/v1\",method=\"GET\",quantile=\"0.95\"} 2 since 1605281325000",
            "acme_http_router_request_seconds{path=\"/api/v1\",method=\"GET\",quantile=\"0.99\"} 20 since 1605281325000",
            "acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32 since 1605281325000",
            "acme_http_router_request_seconds_count{path=\"/api/v1\",method=\"GET\"} 807283 since 1605281325000",
        ]
    );
    let mut kinds = families.list.iter().map(|family| (family.kind, family.points.len()));
    assert_eq!(kinds.next(), Some((FamilyType::Summary, 8)));
    assert_eq!(kinds.nth(2), Some((FamilyType::Histogram, 6)));
    assert_eq!(kinds.next(), Some((FamilyType::GaugeHistogram, 1)));
}

#[test]
fn the_grammar_is_accepted() {
    accepts(
        FORMAT,
        &[
            ("# EOF", &[]),
            ("# TYPE a gauge\n# EOF\n", &[]),
            ("# HELP a \n# UNIT a \n# TYPE a gauge\na{} 0\n# EOF\n", &["a{} 0"]),
            // No type is unknown, whose value may be composite.
            ("foo 42.23\n# EOF\n", &["foo{} 42.23"]),
            (
                "foo {count:-1,sum:NaN,quantile:[0:-5]}\n# EOF\n",
                &["foo{quantile=\"0.0\"} -5", "foo_sum{} NaN", "foo_count{} -1"],
            ),
            // A unit need not be in the name, and a counter's name may have any ending.
            ("# TYPE foo_total counter\n# UNIT foo_total seconds\nfoo_total 1\n# EOF\n", &["foo_total{} 1"]),
            (
                "# TYPE foo counter\nfoo 17.0 1520879607.789 st@1520879607.789\n# EOF\n",
                &["foo{} 17 @1520879607789 since 1520879607789"],
            ),
            // Names that 1.0 would take for samples of each other.
            (
                "# TYPE a summary\na {count:1,sum:1,quantile:[]}\n# TYPE a_count gauge\na_count 2\n# EOF\n",
                &["a_sum{} 1", "a_count{} 1", "a_count{} 2"],
            ),
            // Times: of the sample, of the start, and of exemplars, which may be long.
            (
                "# TYPE c counter\nc 17.0 1520879607.789 st@1520430000.123 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879606.1\n# EOF\n",
                &["c{} 17 @1520879607789 since 1520430000123 # {trace_id=\"KOO5S4vxi0o\"} 0.67 @1520879606100"],
            ),
            ("# TYPE c counter\nc 1 -5 st@-7\n# EOF\n", &["c{} 1 @-5000 since -7000"]),
            // Buckets have the exemplars whose values they contain.
            (
                "# TYPE h histogram\nh {count:17,sum:324789.3,bucket:[-Inf:0,0.1:8,1.0:11,10:17,+Inf:17]} # {} 0.054 1520879607.7 # {a=\"b\"} 9.8 2 # {} 0.05 3 # {} NaN 4\n# EOF\n",
                &[
                    "h_bucket{le=\"-Inf\"} 0",
                    "h_bucket{le=\"0.1\"} 8 # {} 0.054 @1520879607700 # {} 0.05 @3000",
                    "h_bucket{le=\"1.0\"} 11",
                    "h_bucket{le=\"10.0\"} 17 # {a=\"b\"} 9.8 @2000",
                    "h_bucket{le=\"+Inf\"} 17 # {} NaN @4000",
                    "h_sum{} 324789.3",
                    "h_count{} 17",
                ],
            ),
            // A native histogram has them itself.
            (
                "# TYPE foo histogram\nfoo {count:17,sum:324789.3,schema:0,zero_threshold:1e-4,zero_count:0,positive_spans:[0:2],positive_buckets:[5,12]} st@1520430000.123 # {t=\"s\"} 0.67 1520879607 # {t=\"o\"} 1.2 1520879608\n# EOF\n",
                &["foo{} 17 since 1520430000123 # {t=\"s\"} 0.67 @1520879607000 # {t=\"o\"} 1.2 @1520879608000"],
            ),
            (
                "# TYPE h histogram\nh {count:0,sum:0,schema:3,zero_threshold:1e-4,zero_count:0} st@1\n# EOF\n",
                &["h{} 0 since 1000"],
            ),
            (
                "# TYPE h histogram\nh {count:2,sum:nan,schema:+3,zero_threshold:0,zero_count:1,negative_spans:[],negative_buckets:[],positive_spans:[],positive_buckets:[]}\n# EOF\n",
                &["h{} 2"],
            ),
            // A gauge histogram's counts may be of any sign.
            (
                "# TYPE g gaugehistogram\ng {gcount:-2,gsum:-1.5,bucket:[1:3,+Inf:-2]} # {} 7 1\n# EOF\n",
                &["g_bucket{le=\"1.0\"} 3", "g_bucket{le=\"+Inf\"} -2 # {} 7 @1000", "g_gsum{} -1.5", "g_gcount{} -2"],
            ),
            // Several times of one metric, also closer than a double can tell.
            (
                "# TYPE g gauge\ng 1 1604676851.123456789\ng 2 1604676851.123456790\n# EOF\n",
                &["g{} 1 @1604676851123.4568", "g{} 2 @1604676851123.4568"],
            ),
            (
                "# TYPE s stateset\ns{e=\"c\",s=\"a\"} 1 1\ns{e=\"c\",s=\"a\"} 0 2\ns{e=\"c\",s=\"b\"} 0 1\ns{s=\"a\"} 1\n# EOF\n",
                &[
                    "s{e=\"c\",s=\"a\"} 1 @1000",
                    "s{e=\"c\",s=\"a\"} 0 @2000",
                    "s{e=\"c\",s=\"b\"} 0 @1000",
                    "s{s=\"a\"} 1",
                ],
            ),
            ("# TYPE \"i.j_info\" info\n{\"i.j_info\",v=\"1\"} 1.0\n# EOF\n", &["i.j_info{v=\"1\"} 1"]),
            ("{\"a\\\"b\",\"c d\"=\"\\n\"} 1\n# EOF\n", &["a\"b{c d=\"\\n\"} 1"]),
        ],
    );
}

#[test]
fn what_the_specification_forbids_is_rejected() {
    let composite = |kind: &str, value: &str| format!("# TYPE h {kind}\nh {value}\n# EOF\n");
    let histogram = |value: &str| composite("histogram", value);
    for (text, line, column, reason) in [
        // Structure.
        ("a 1\n", 2, 1, "without # EOF"),
        ("\n# EOF\n", 1, 1, "empty"),
        ("# x\n# EOF\n", 1, 1, "no comments"),
        ("# TYPE a gauge\n# TYPE b gauge\na 1\n# EOF\n", 3, 1, "appeared before"),
        ("a 1\n# TYPE a gauge\n# EOF\n", 2, 1, "after samples"),
        ("# TYPE a gauge\na 1\nb 1\na{c=\"d\"} 1\n# EOF\n", 4, 1, "appeared before"),
        ("# UNIT a m/s\n# EOF\n", 1, 10, "letters, digits"),
        ("# TYPE a info\n# UNIT a s\n# EOF\n", 2, 10, "no unit"),
        ("# TYPE a untyped\n# EOF\n", 1, 10, "unknown metric type"),
        ("{a=\"b\",\"c\"} 1\n# EOF\n", 1, 8, "first in the braces"),
        ("a{\"b\"} 1\n# EOF\n", 1, 6, "= after"),
        // Samples have the family's name.
        ("# TYPE a counter\na_total 1\na 1\n# EOF\n", 3, 1, "appeared before"),
        // Numbers by type.
        ("# TYPE a counter\na -1\n# EOF\n", 2, 3, "negative or NaN"),
        ("# TYPE a counter\na NaN\n# EOF\n", 2, 3, "negative or NaN"),
        ("# TYPE a info\na 1\n# EOF\n", 2, 1, "ends with _info"),
        ("# TYPE a_info info\na_info 2\n# EOF\n", 2, 8, "always 1"),
        ("# TYPE a stateset\na{a=\"b\"} 2\n# EOF\n", 2, 10, "1 or 0"),
        ("# TYPE a stateset\na 1\n# EOF\n", 2, 1, "names the state"),
        ("# TYPE a histogram\na 1\n# EOF\n", 2, 3, "composite"),
        ("# TYPE a summary\na 1\n# EOF\n", 2, 3, "composite"),
        ("# TYPE a gauge\na {count:1,sum:1,quantile:[]}\n# EOF\n", 2, 4, "expected a number"),
        // Times and exemplars.
        ("# TYPE a gauge\na 1 st@1\n# EOF\n", 2, 5, "no start timestamp"),
        ("# TYPE a counter\na 1 st@x\n# EOF\n", 2, 8, "expected a number"),
        ("# TYPE a counter\na 1 st@1 2\n# EOF\n", 2, 9, "end of the line"),
        ("# TYPE a counter\na 1 NaN\n# EOF\n", 2, 5, "timestamp does not fit"),
        ("# TYPE a counter\na 1 # {} 1\n# EOF\n", 2, 11, "exemplar's timestamp"),
        ("# TYPE a counter\na 1 # {} 1 # {} 1 1\n# EOF\n", 2, 11, "exemplar's timestamp"),
        ("# TYPE a gauge\na 1 # {} 1 1\n# EOF\n", 2, 5, "no exemplars"),
        // Metrics.
        ("a 1\na 1\n# EOF\n", 2, 1, "twice"),
        ("a 1 1\na 1\n# EOF\n", 2, 1, "all or none"),
        ("a 1 1\na 1 1\n# EOF\n", 2, 5, "must increase"),
        ("a 1 2\na 1 1\n# EOF\n", 2, 5, "must increase"),
        ("a{b=\"c\"} 1\na 1\na{b=\"c\"} 1\n# EOF\n", 3, 1, "further up"),
        ("# TYPE s stateset\ns{e=\"c\",s=\"a\"} 1\ns{s=\"a\"} 1\ns{e=\"c\",s=\"b\"} 0\n# EOF\n", 4, 1, "further up"),
        // Composite values: order, spaces and numbers.
        (&histogram("{sum:1,count:1,bucket:[+Inf:1]}"), 2, 4, "count:"),
        (&histogram("{count:1, sum:1,bucket:[+Inf:1]}"), 2, 12, "sum:"),
        (&histogram("{count:1,sum:1}"), 2, 17, "expected ,"),
        (&histogram("{count:1,sum:1,bucket:[+Inf:1],schema:1}"), 2, 33, "expected }"),
        (&histogram("{count:1,sum:1,quantile:[]}"), 2, 18, "bucket:["),
        (&composite("summary", "{count:1,sum:1,bucket:[+Inf:1]}"), 2, 18, "quantile:["),
        (&composite("gaugehistogram", "{count:1,sum:1,bucket:[+Inf:1]}"), 2, 4, "gcount"),
        (&histogram("{gcount:1,gsum:1,bucket:[+Inf:1]}"), 2, 4, "count and sum"),
        (&histogram("{count:1,sum:x,bucket:[+Inf:1]}"), 2, 16, "expected a number"),
        (&histogram("{count:1,sum:,bucket:[+Inf:1]}"), 2, 16, "expected a number"),
        // Classic buckets.
        (&histogram("{count:1,sum:1,bucket:[]}"), 2, 27, "no bucket +Inf"),
        (&histogram("{count:1,sum:1,bucket:[1:1]}"), 2, 30, "no bucket +Inf"),
        (&histogram("{count:1,sum:1,bucket:[inf:1]}"), 2, 26, "as +Inf"),
        (&histogram("{count:1,sum:1,bucket:[+Inf:2]}"), 2, 1, "differs"),
        (&histogram("{count:1,sum:1,bucket:[2:1,1:1,+Inf:1]}"), 2, 30, "ascending"),
        (&histogram("{count:1,sum:1,bucket:[+Inf:1,+Inf:1]}"), 2, 33, "ascending"),
        (&histogram("{count:1,sum:1,bucket:[NaN:1,+Inf:1]}"), 2, 26, "ascending"),
        (&histogram("{count:1,sum:1,bucket:[1:2,+Inf:1]}"), 2, 35, "cumulative"),
        (&histogram("{count:-1,sum:1,bucket:[+Inf:-1]}"), 2, 32, "cumulative"),
        ("# TYPE h histogram\nh{le=\"1\"} {count:1,sum:1,bucket:[+Inf:1]}\n# EOF\n", 2, 1, "label le"),
        // Native buckets.
        (&native("9", "0", "1", ""), 2, 25, "-4 to 8"),
        (&native("-53", "0", "1", ""), 2, 25, "-4 to 8"),
        (&native("1.5", "0", "1", ""), 2, 25, "integer"),
        (&native("1", "-1", "1", ""), 2, 25, "zero threshold"),
        (&native("1", "Inf", "1", ""), 2, 42, "finite"),
        (&native("1", "0", "-1", ""), 2, 25, "negative"),
        (&native("1", "0", "0", ""), 2, 25, "0 observations"),
        (&native("1", "0", "0", ",positive_spans:[1:2],positive_buckets:[1]"), 2, 25, "spans"),
        (&native("1", "0", "0", ",positive_spans:[1:0],positive_buckets:[]"), 2, 73, "at least 1"),
        (&native("1", "0", "0", ",positive_spans:[1:1,-1:1],positive_buckets:[1,0]"), 2, 77, "not negative"),
        (&native("1", "0", "0", ",positive_spans:[1:1]"), 2, 77, "positive_buckets"),
        (&native("1", "0", "2", ",positive_spans:[1:1],positive_buckets:[-1]"), 2, 25, "negative count"),
        (&native("0", "0", "0", ",positive_spans:[1026:1],positive_buckets:[1]"), 2, 25, "out of range"),
        (
            &native("1", "0", "0", ",positive_spans:[1:1],positive_buckets:[1],negative_spans:[],negative_buckets:[]"),
            2,
            98,
            "expected }",
        ),
        // Summaries.
        (&composite("summary", "{count:1.5,sum:1,quantile:[]}"), 2, 20, "whole"),
        (&composite("summary", "{count:1,sum:-1,quantile:[]}"), 2, 19, "sum is negative"),
        (&composite("summary", "{count:1,sum:1,quantile:[1.5:1]}"), 2, 28, "between 0 and 1"),
        (&composite("summary", "{count:1,sum:1,quantile:[0.9:1,0.5:1]}"), 2, 34, "above the previous"),
        (&composite("summary", "{count:1,sum:1,quantile:[0.9:-1]}"), 2, 32, "negative"),
    ] {
        rejects(FORMAT, &[(text, line, column, reason)]);
    }
    rejects(
        FORMAT,
        &[("# TYPE q summary\nq{quantile=\"1\"} {count:1,sum:1,quantile:[]}\n# EOF\n", 2, 1, "label quantile")],
    );
}

fn native(schema: &str, threshold: &str, zero: &str, rest: &str) -> String {
    format!(
        "# TYPE h histogram\nh {{count:1,sum:1,schema:{schema},zero_threshold:{threshold},zero_count:{zero}{rest}}}\n# EOF\n"
    )
}

#[test]
fn other_formats_are_written_as_2_0() {
    let openmetrics = "# TYPE a counter\n# HELP a x\na_total 1 # {t=\"x\"} 1 2 \na_created 5\n";
    let openmetrics = openmetrics.replace(" \n", "\n");
    let text = format!(
        "{openmetrics}# TYPE i info\ni_info{{v=\"1\"}} 1\n# TYPE h gaugehistogram\nh_bucket{{le=\"1.0\"}} 1 # {{}} 1\n\
         h_bucket{{le=\"+Inf\"}} 2\nh_gcount 2\nh_gsum 1\n# TYPE h2 histogram\nh2_bucket{{le=\"+Inf\"}} 2\n# EOF\n"
    );
    let expected = "# TYPE a_total counter\n# HELP a_total x\na_total 1 st@5.000 # {t=\"x\"} 1 2\n\
        # TYPE i_info info\ni_info{v=\"1\"} 1\n# TYPE h gaugehistogram\nh {gcount:2,gsum:1,bucket:[1:1,+Inf:2]}\n\
        # TYPE h2_bucket unknown\nh2_bucket{le=\"+Inf\"} 2\n# EOF\n";
    // The exemplar without a time is dropped; a histogram without a sum has no composite value.
    assert_eq!(again(&text, Format::OpenMetrics, FORMAT), (expected.into(), 1));
    let text = "# TYPE s summary\ns{quantile=\"0.9\"} -1\ns{quantile=\"0.5\"} 1\ns_sum -1\ns_count 1\n# TYPE c counter\nc NaN\n";
    let expected = "# TYPE s unknown\ns {count:1,sum:-1,quantile:[0.5:1,0.9:-1]}\n# TYPE c unknown\nc NaN\n# EOF\n";
    assert_eq!(again(text, Format::Text, FORMAT), (expected.into(), 0));
    // And back: nothing but the native buckets is lost.
    let (first, _) = again(COMPLETE, FORMAT, Format::OpenMetrics);
    assert!(first.contains("process_cpu_seconds_total 4200722.46\n"), "{first}");
    assert!(
        first.contains("acme_http_request_seconds_bucket{path=\"/api/v1\",method=\"GET\",le=\"0.5\"} 1\n"),
        "{first}"
    );
}

proptest! {
    #[test]
    fn second_round_trips(registry in registries()) {
        for escaping in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Values] {
            let mut text = Vec::new();
            openmetrics2::encode(&registry.read(registry.now_ms()), escaping, &mut text);
            let families = read(&text, FORMAT);
            if let Err(error) = &families
                && escaping != Escaping::AllowUtf8
                && error.problem.contains("appeared before")
            {
                // Two names are the same after escaping.
                continue;
            }
            prop_assert!(families.is_ok(), "{}\n{}", families.unwrap_err(), String::from_utf8_lossy(&text));
            let families = families.unwrap();
            prop_assert_eq!(samples_read(&families), samples_of(&registry, escaping));
        }
    }

    #[test]
    fn second_is_written_again_byte_for_byte(mut families in testing::arbitrary()) {
        for series in families.iter_mut().flat_map(|family| &mut family.series) {
            // Parsed counts are doubles.
            if let testing::Point::Summary { count, .. } = &mut series.point {
                *count >>= 11;
            }
        }
        let mut text = Vec::new();
        openmetrics2::encode(&testing::view(&families), Escaping::AllowUtf8, &mut text);
        let text = String::from_utf8(text).unwrap();
        let read = read(text.as_bytes(), FORMAT);
        prop_assert!(read.is_ok(), "{}\n{}", read.unwrap_err(), text);
        let mut out = Vec::new();
        prop_assert_eq!(reexpose(&read.unwrap(), FORMAT, &mut out), Ok(0));
        let out = String::from_utf8(out).unwrap();
        prop_assert_eq!(exemplars_sorted(&out), exemplars_sorted(&text));
    }

    /// Through the registry, and through protobuf and the registry.
    #[test]
    fn second_survives_an_import(registry in registries()) {
        let written = |registry: &Registry| {
            let mut text = Vec::new();
            openmetrics2::encode(&registry.read(registry.now_ms()), Escaping::AllowUtf8, &mut text);
            String::from_utf8(text).unwrap()
        };
        let imported = |bytes: &[u8], format| {
            let mut again = Registry::default();
            again.set_now(registry.now_ms());
            let imported = import(&read(bytes, format).unwrap(), &mut again, import::Options::default());
            if imported.refused.is_empty() { Ok(again) } else { Err(imported.refused) }
        };
        // An import merges the label sets of a metric; from then on nothing changes.
        if let Ok(first) = imported(written(&registry).as_bytes(), FORMAT) {
            let text = written(&first);
            let second = imported(text.as_bytes(), FORMAT).unwrap();
            prop_assert_eq!(written(&second), text.as_str());
            // Protobuf has neither infos nor state sets: those are gauges with one more label.
            if !text.contains(" stateset\n") {
                let mut bytes = Vec::new();
                protobuf::encode(&first.read(first.now_ms()), Escaping::AllowUtf8, &mut bytes);
                let third = imported(&bytes, Format::Protobuf).unwrap();
                prop_assert_eq!(written(&third), text.replace(" info\n", " gauge\n"));
            }
        }
    }
}

/// Lines with their exemplars sorted, since those of a bucket are the nearest to it, whatever
/// bucket had them; and without zeros at the end of their times.
fn exemplars_sorted(text: &str) -> Vec<Vec<&str>> {
    let trimmed = |part| match str::rsplit_once(part, '.') {
        Some((_, decimals)) if decimals.bytes().all(|digit| digit.is_ascii_digit()) => {
            part.trim_end_matches('0').trim_end_matches('.')
        }
        _ => part,
    };
    let sorted = |line| {
        let mut parts: Vec<&str> = str::split(line, " # ").map(trimmed).collect();
        parts.sort_unstable();
        parts
    };
    text.lines().map(sorted).collect()
}

#[test]
fn the_same_labels_written_otherwise_are_the_same_metric() {
    let same = ["{a=\"x\",b=\"\\\\y\"}", "{b=\"\\y\",a=\"x\"}", "{\"a\"=\"x\",b=\"\\\\y\"}", "{a=\"x\",\"b\"=\"\\y\"}"];
    for one in same {
        for other in same {
            let text = format!("m{one} 1\nm{other} 2\n# EOF\n");
            assert!(read(text.as_bytes(), FORMAT).is_err(), "{text}");
        }
    }
    let other =
        ["{}", "{a=\"x\"}", "{b=\"x\"}", "{a=\"x\\\",b=\\\"y\"}", "{\"a=\\\"x\\\",b\"=\"y\"}", "{a=\"x\",b=\"y\"}"];
    for (place, one) in other.iter().enumerate() {
        for other in &other[place + 1..] {
            let text = format!("m{one} 1\nm{other} 2\n# EOF\n");
            assert!(read(text.as_bytes(), FORMAT).is_ok(), "{text}");
        }
    }
}

//! What arrives through each format: one metric of each kind is written and read back, and
//! `docs/formats.md` has the result. `UPDATE=1 cargo test -p plugpipe-metrics --test formats` writes it.

// What a test expects may fail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fmt::Write as _;

use plugpipe_metrics::exposition::escaping::Escaping;
use plugpipe_metrics::exposition::parse::import::Options;
use plugpipe_metrics::exposition::parse::{Families, Format, Limits, Native, ParsedFamily, Part, Point, import, parse};
use plugpipe_metrics::exposition::{openmetrics, openmetrics2, protobuf, text};
use plugpipe_metrics::registry::{Definition, Kind, MetricName, Registry};

/// Everything but a summary with quantiles, which an import would drop.
const ALL: &str = "# TYPE counter_total counter\ncounter_total{a=\"b\"} 7 st@1500000000.000 # {t=\"x\"} 1 1500000001.000\n\
    # TYPE gauge gauge\ngauge 1.5\n\
    # TYPE histogram histogram\n\
    histogram {count:3,sum:4.5,bucket:[1:1,2:2,+Inf:3]} st@1500000000.000 # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE native_histogram histogram\nnative_histogram {count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:1,\
    positive_spans:[1:2],positive_buckets:[1,1]} st@1500000000.000 # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE classic_and_native_histogram histogram\nclassic_and_native_histogram {count:3,sum:4.5,schema:0,\
    zero_threshold:0,zero_count:1,positive_spans:[1:2],positive_buckets:[1,1],bucket:[1:1,2:2,+Inf:3]} \
    st@1500000000.000 # {t=\"x\"} 0.5 1500000001.000 # {t=\"x\"} 0.5 1500000002.000 # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE some_info info\nsome_info{version=\"1\"} 1\n\
    # TYPE stateset stateset\nstateset{stateset=\"off\"} 0\nstateset{stateset=\"on\"} 1\n\
    # TYPE gauge_histogram gaugehistogram\n\
    gauge_histogram {gcount:3,gsum:4.5,bucket:[1:1,2:2,+Inf:3]} # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE gauge_native_histogram gaugehistogram\ngauge_native_histogram {gcount:3,gsum:4.5,schema:0,zero_threshold:0,\
    zero_count:1,positive_spans:[1:2],positive_buckets:[1,1]}\n\
    # TYPE unknown unknown\nunknown 9\n# EOF\n";

/// The kinds, by the names of their metrics.
const KINDS: [&str; 11] = [
    "counter_total",
    "gauge",
    "histogram",
    "native_histogram",
    "classic_and_native_histogram",
    "summary",
    "some_info",
    "stateset",
    "gauge_histogram",
    "gauge_native_histogram",
    "unknown",
];

fn one_of_each() -> Registry {
    let mut registry = Registry::default();
    registry.set_now(1_500_000_000_000);
    let families = parse(ALL.as_bytes(), Format::OpenMetrics2, &Limits::default()).unwrap();
    assert_eq!(import(&families, &mut registry, Options::default()).refused, []);
    let definition = Definition::new(MetricName::new("summary", "name").unwrap(), Kind::Summary);
    let family = registry.register(definition).unwrap();
    let series = registry.series(family, &[]).unwrap();
    registry.observe(series, 1.5).unwrap();
    registry
}

/// A sample apart from how its format spells numbers in labels.
type Sample = (String, Vec<(String, String)>, Option<u64>, u64);

fn sample(families: &Families, point: &Point) -> Sample {
    let (own, number) = match point.part {
        Part::Bucket(bound) => (Some("le"), Some(bound.to_bits())),
        Part::Quantile(rank) => (Some("quantile"), Some(rank.to_bits())),
        _ => (None, None),
    };
    let labels = families.labels(point).iter().filter(|label| Some(&*label.name) != own);
    let mut labels: Vec<_> = labels.map(|label| (label.name.to_string(), label.value.to_string())).collect();
    labels.sort();
    (point.name.to_string(), labels, number, point.value.to_bits())
}

/// What is left of a metric.
#[derive(Default)]
struct Found {
    kinds: Vec<&'static str>,
    samples: Vec<Sample>,
    native: Option<Native>,
    start: bool,
    exemplars: usize,
}

fn found(families: &Families, metric: &str) -> Found {
    let mut found = Found::default();
    let base = metric.trim_end_matches("_total").trim_end_matches("_info");
    // What gauge histograms are in text are families of their own.
    let belongs = |family: &&ParsedFamily| {
        let rest = family.name.strip_prefix(metric).or_else(|| family.name.strip_prefix(base));
        rest.is_some_and(|rest| matches!(rest, "" | "_bucket" | "_gsum" | "_gcount"))
    };
    for family in families.list.iter().filter(belongs).filter(|family| !family.points.is_empty()) {
        if !found.kinds.contains(&family.kind.name()) {
            found.kinds.push(family.kind.name());
        }
        for point in &family.points {
            found.exemplars += point.exemplars.len();
            found.start |= point.created_ms.is_some() || point.part == Part::Created;
            match &point.native {
                Some(native) => found.native = Some((**native).clone()),
                None if point.part != Part::Created => found.samples.push(sample(families, point)),
                None => {}
            }
        }
    }
    found
}

/// What a format leaves out or changes.
fn verdict(whole: &Found, read: &Found) -> String {
    let mut notes = Vec::new();
    if whole.kinds != read.kinds {
        notes.push(format!("as {}", read.kinds.join(", ").replace("unknown", "untyped")));
    }
    let missing = |read: &Found| whole.samples.iter().any(|sample| !read.samples.contains(sample));
    // In text, the bound in a sample of unknown type is a label like others.
    let is_text_only = read.kinds == ["unknown"] && read.samples.len() == whole.samples.len();
    assert!(!missing(read) || is_text_only, "a sample is lost");
    let lost = [
        (whole.native.is_some() && whole.native != read.native, "buckets"),
        (whole.start && !read.start, "start"),
        (whole.exemplars > read.exemplars, "exemplars"),
    ];
    let lost: Vec<&str> = lost.into_iter().filter(|(is_lost, _)| *is_lost).map(|(_, what)| what).collect();
    if !lost.is_empty() {
        notes.push(format!("without {}", lost.join(" and ")));
    }
    if notes.is_empty() { "exact".into() } else { notes.join(", ") }
}

#[test]
fn the_table_of_formats_is_what_arrives() {
    let registry = one_of_each();
    let model = registry.read(1_500_000_000_000);
    let encode = |encode: fn(&[plugpipe_metrics::model::Family], Escaping, &mut Vec<u8>)| {
        let mut out = Vec::new();
        encode(&model, Escaping::AllowUtf8, &mut out);
        out
    };
    let plain = text::Encoder::new().encode(&registry, Escaping::Underscores).unwrap().to_vec();
    let written = [
        (Format::Text, plain),
        (Format::OpenMetrics, encode(openmetrics::encode)),
        (Format::OpenMetrics2, encode(openmetrics2::encode)),
        (Format::Protobuf, encode(protobuf::encode)),
    ];
    let read: Vec<Families> = written
        .iter()
        .map(|(format, bytes)| {
            parse(bytes, *format, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", format.name()))
        })
        .collect();
    let mut table =
        String::from("| kind | text 0.0.4 | OpenMetrics 1.0 | OpenMetrics 2.0 | protobuf |\n|---|---|---|---|---|\n");
    for metric in KINDS {
        let whole = found(&read[2], metric);
        let cells: Vec<String> = read.iter().map(|families| verdict(&whole, &found(families, metric))).collect();
        let kind = metric.trim_end_matches("_total").trim_start_matches("some_").replace('_', " ");
        let _ = writeln!(table, "| {kind} | {} |", cells.join(" | "));
    }
    // And 2.0 loses nothing of what the registry has.
    let mut again = Registry::default();
    import(&read[2], &mut again, Options::default());
    let mut out = Vec::new();
    openmetrics2::encode(&again.read(0), Escaping::AllowUtf8, &mut out);
    let quantiles = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().replace("0.5:1.5,0.9:1.5,0.99:1.5", "");
    assert_eq!(quantiles(&out), quantiles(&written[2].1));

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once("| kind | text").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let expected = format!("{before}{table}\n{after}");
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(path, &expected).unwrap();
    }
    assert_eq!(document, expected, "docs/formats.md has another table; UPDATE=1 writes it");
}

//! Tables of accepted and rejected inputs, and properties of arbitrary inputs. It is long because the
//! rows of a table are compared with each other.

use std::borrow::Cow;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::exposition::escaping::Escaping;
use crate::exposition::{openmetrics as openmetrics_encoder, protobuf as protobuf_encoder, text as text_encoder};
use crate::model;
use crate::number::number_text;
use crate::registry::{self, Buckets, Definition, LabelName, Labels, MetricName, Recording, Registry};

/// Formats every sample as a line, by family; labels in input order.
pub(super) fn format_samples(families: &Families) -> Vec<String> {
    let labels = |labels: &[Label]| {
        let pairs: Vec<String> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
        pairs.join(",")
    };
    let mut lines = Vec::new();
    for family in &families.list {
        for point in &family.points {
            let mut line = format!("{}{{{}}} {}", point.name, labels(families.labels(point)), number_text(point.value));
            point.timestamp.iter().for_each(|at| line += &format!(" @{}", at * 1e3));
            point.created_ms.iter().for_each(|ms| line += &format!(" since {ms}"));
            for exemplar in &point.exemplars {
                line += &format!(" # {{{}}} {}", labels(&exemplar.labels), number_text(exemplar.value));
                exemplar.timestamp.iter().for_each(|at| line += &format!(" @{}", at * 1e3));
            }
            lines.push(line);
        }
    }
    lines
}

pub(super) fn read(input: &[u8], format: Format) -> Result<Families<'_>, ParseError> {
    parse(input, format, &Limits::default())
}

pub(super) fn accepts(format: Format, cases: &[(&str, &[&str])]) {
    for (input, samples) in cases {
        match read(input.as_bytes(), format) {
            Ok(families) => assert_eq!(format_samples(&families), *samples, "{input:?}"),
            Err(error) => panic!("{input:?} is rejected: {error}"),
        }
    }
}

/// Checks that inputs are rejected at the given position for the given reason.
pub(super) fn rejects(format: Format, cases: &[(&str, usize, usize, &str)]) {
    for (input, line, column, reason) in cases {
        match read(input.as_bytes(), format) {
            Ok(families) => panic!("{input:?} is accepted as {:?}", format_samples(&families)),
            Err(error) => {
                assert_eq!((error.line, error.column), (*line, *column), "{input:?}: {error}");
                assert!(error.problem.contains(reason), "{input:?}: {error}");
            }
        }
    }
}

#[test]
fn valid_text_is_accepted() {
    accepts(
        Format::Text,
        &[
            ("", &[]),
            ("\n\n", &[]),
            ("\n \t", &[]),
            ("a 1\n", &["a{} 1"]),
            ("a 1 123\nb -3e3 -5\n", &["a{} 1 @123", "b{} -3000 @-5"]),
            ("a{} 3\n", &["a{} 3"]),
            ("  a\t{ b = \"c\"\t, d=\"e\" , }\t+Inf \n", &["a{b=\"c\",d=\"e\"} +Inf"]),
            ("a{b=\"c\"}-Inf\n", &["a{b=\"c\"} -Inf"]),
            (
                "a nan\na inF\na -infinity\na 08\na .5\na 5.\na 1E3\n",
                &["a{} NaN", "a{} +Inf", "a{} -Inf", "a{} 8", "a{} 0.5", "a{} 5", "a{} 1000"],
            ),
            ("a{b=\"\\\"\\\\\\n\"} 1\n", &["a{b=\"\\\"\\\\\\n\"} 1"]),
            ("a{b=\"}, # é\"} 1\n", &["a{b=\"}, # é\"} 1"]),
            ("# A comment\n#\n#x\n# HELPx a\n #    TYPE    a gauge\na 1\n", &["a{} 1"]),
            ("# HELP\n# HELP a\n# HELP a \n# TYPE\n# TYPE a\na 1\n", &["a{} 1"]),
            ("#TYPE a summArY\na_sum 1\n", &["a_sum{} 1"]),
            ("a_b:c 1\n:a 2\n_ 3\n", &["a_b:c{} 1", ":a{} 2", "_{} 3"]),
            ("a 1\nb 2\na 3\n", &["a{} 1", "a{} 3", "b{} 2"]),
            ("a 1 \t\n", &["a{} 1"]),
            ("a 1 2 \t\n", &["a{} 1 @2"]),
            ("{\"a.b\", l=\"v\"} 1\n", &["a.b{l=\"v\"} 1"]),
            ("{l=\"v\", \"a.b\"} 1 2\n{\"a.b\"} 3\n", &["a.b{l=\"v\"} 1 @2", "a.b{} 3"]),
            ("{\"a\\\"\\n\\\\\",\"l.1\"=\"v\"} 1\n", &["a\"\n\\{l.1=\"v\"} 1"]),
            ("a{\"b.c\"=\"d\"} 1\n", &["a{b.c=\"d\"} 1"]),
            ("# TYPE \"a.b\" counter\n# HELP \"a.b\" x\n{\"a.b\"} 1\n", &["a.b{} 1"]),
            ("a{b=\"\0\"} 1\n", &["a{b=\"\\0\"} 1"]),
        ],
    );
    let families = read(b"# HELP  a  \t x\\n\\\\ \\\" \"y\" \n# TYPE a counter \na 1\nb 1\n", Format::Text).unwrap();
    let a = families.get("a").unwrap();
    assert_eq!((a.help.as_deref(), a.kind, a.is_typed), (Some("x\n\\ \" \"y\" "), FamilyType::Counter, true));
    assert_eq!(families.get("b").map(|family| (family.kind, family.is_typed)), Some((FamilyType::Unknown, false)));
}

#[test]
fn invalid_text_is_rejected() {
    rejects(
        Format::Text,
        &[
            ("\nbla 3.14\nblubber 42", 3, 11, "line feed"),
            ("a", 1, 2, "a number"),
            ("a\n", 1, 2, "end of the line"),
            ("a 1 ", 1, 5, "line feed"),
            ("# comment", 1, 10, "line feed"),
            ("# HELP a b", 1, 11, "line feed"),
            ("a{b=\"\\t\"} 1\n", 1, 6, "escape"),
            ("a{b=\"\\", 1, 6, "escape"),
            ("a{b=\"c\nd\"} 1\n", 1, 7, "line feed"),
            ("a{b=\"c", 1, 7, "closing quote"),
            ("a{@=\"b\"} 1\n", 1, 3, "label's name"),
            ("a{__name__=\"b\"} 1\n", 1, 3, "reserved"),
            ("a{b+=\"c\"} 1\n", 1, 4, "expected ="),
            ("a{b} 1\n", 1, 4, "expected ="),
            ("a{b=c} 1\n", 1, 5, "double quotes"),
            ("a{b='c'} 1\n", 1, 5, "double quotes"),
            ("a{b=\"c\"+} 1\n", 1, 8, "expected , or }"),
            ("a{b=\"c\"d=\"e\"} 1\n", 1, 8, "expected , or }"),
            ("a{,} 1\n", 1, 3, "label's name"),
            ("a{b=\"c\",,} 1\n", 1, 9, "label's name"),
            ("a{b=\"c\",b=\"d\"} 1\n", 1, 9, "twice"),
            ("a{1=\"c\"} 1\n", 1, 3, "label's name"),
            ("a{b:c=\"d\"} 1\n", 1, 4, "expected ="),
            ("a{\"\"=\"c\"} 1\n", 1, 3, "empty"),
            ("a{b=\"c\"} 3.14 2.72\n", 1, 15, "milliseconds"),
            ("a 1 2 3\n", 1, 7, "end of the line"),
            ("a 1 1_0\n", 1, 5, "milliseconds"),
            ("a 1 99999999999999999999\n", 1, 5, "milliseconds"),
            ("a x\n", 1, 3, "found \"x\""),
            ("a 1_2\n", 1, 3, "number"),
            ("a 0x1p-3\n", 1, 3, "number"),
            ("a 0X1\n", 1, 3, "number"),
            ("a 0b1\n", 1, 3, "number"),
            ("a +nan\n", 1, 3, "number"),
            ("a 1e999\n", 1, 3, "number"),
            ("a 1\r\n", 1, 3, "number"),
            ("\r\n", 1, 1, "carriage return"),
            ("a.b 1\n", 1, 2, "number"),
            ("@a 1\n", 1, 1, "metric's name"),
            ("0a 1\n", 1, 1, "metric's name"),
            ("\"a\" 1\n", 1, 1, "metric's name"),
            ("{b=\"c\"} 1\n", 1, 1, "name is missing"),
            ("{} 1\n", 1, 1, "name is missing"),
            ("{\"\"} 1\n", 1, 1, "empty"),
            ("{a} 1\n", 1, 3, "expected ="),
            ("{\"a\",\"b\"} 1\n", 1, 6, "second name"),
            ("a{\"b\"} 1\n", 1, 6, "expected ="),
            ("{\"a\".b=\"c\"} 1\n", 1, 5, "expected ="),
            ("{\"a\nb\"} 1\n", 1, 4, "line feed"),
            ("# HELP a one\n# HELP a two\n", 2, 8, "second HELP"),
            ("# TYPE a counter\n# TYPE a untyped\n", 2, 8, "second TYPE"),
            ("a 1\n# TYPE a counter\n", 2, 8, "before the first sample"),
            ("# TYPE a summary\n# TYPE a_count counter\n", 2, 8, "second TYPE"),
            ("# TYPE a bla\n", 1, 10, "metric type"),
            ("# TYPE a info\n", 1, 10, "metric type"),
            ("# TYPE a unknown\n", 1, 10, "metric type"),
            ("# TYPE a counter\r\n", 1, 10, "metric type"),
            ("# TYPE a-b counter\n", 1, 9, "metric's name"),
            ("# TYPE @ counter\n", 1, 8, "metric's name"),
            ("# HELP a \\x\n", 1, 10, "escape"),
            ("# HELP a \\\n", 1, 10, "escape"),
            ("# TYPE a summary\na{quantile=\"x\"} 1\n", 2, 1, "quantile"),
            ("# TYPE a summary\na{quantile=\"0x1p-3\"} 1\n", 2, 1, "quantile"),
            ("# TYPE a summary\na{quantile=\"1\",quantile=\"1\"} 1\n", 2, 16, "twice"),
            ("# TYPE a histogram\na_bucket{le=\"x\"} 1\n", 2, 1, "label le"),
            ("# TYPE a histogram\na_bucket{le=\"1\",le=\"1\"} 1\n", 2, 17, "twice"),
            ("# TYPE a histogram\na_bucket{le=\"1\"} -1\n", 2, 18, "negative"),
            ("# TYPE a histogram\na_count -1\n", 2, 9, "negative"),
        ],
    );
    let error = read(b"a 1\na{b=\"\xbd\"} 1\n", Format::Text).unwrap_err();
    assert_eq!((error.line, error.column, error.offset), (2, 6, 9));
    assert_eq!(
        error.to_string(),
        "line 2, column 6: byte 0xbd is not UTF-8; expected UTF-8 text, neither compressed nor binary"
    );
}

#[test]
fn text_samples_have_roles_in_their_family() {
    let text = b"# TYPE h histogram\nh_bucket{le=\"0.50\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
        # TYPE s summary\ns{a=\"1\",quantile=\"-12.34\"} NaN\ns_sum{a=\"1\"} 1\ns_count{a=\"1\"} 1\ns_bucket 7\nfake_sum 1\n\
        # TYPE g gaugehistogram\ng_bucket{le=\"1\"} 1\ng_sum -1\ng_count 1\n# TYPE c_sum gauge\nc_sum 1\n";
    let families = read(text, Format::Text).unwrap();
    let parts: Vec<(&str, Vec<Part>)> = families
        .list
        .iter()
        .map(|family| (&*family.name, family.points.iter().map(|point| point.part).collect()))
        .collect();
    assert_eq!(
        parts,
        [
            ("h", vec![Part::Bucket(0.5), Part::Bucket(f64::INFINITY), Part::Sum, Part::Count]),
            ("s", vec![Part::Quantile(-12.34), Part::Sum, Part::Count]),
            ("s_bucket", vec![Part::Value]),
            ("fake_sum", vec![Part::Value]),
            ("g", vec![Part::Bucket(1.0), Part::Sum, Part::Count]),
            ("c_sum", vec![Part::Value]),
        ]
    );
    let summary = families.get("s").unwrap();
    let metrics = families.metrics(summary);
    assert_eq!(metrics.len(), 1);
    assert_eq!((metrics[0].labels.as_slice(), metrics[0].points.len()), (&[("a", "1")][..], 3));
}

#[test]
fn names_and_values_without_escapes_are_borrowed() {
    let input = b"# HELP a x\na{b=\"c\"} 1\n{\"d.e\"} 1\n";
    let families = read(input, Format::Text).unwrap();
    let borrowed = |text: &Cow<str>| matches!(text, Cow::Borrowed(_));
    for family in &families.list {
        assert!(borrowed(&family.name) && family.help.iter().all(borrowed));
        for point in &family.points {
            assert!(borrowed(&point.name));
            assert!(families.labels(point).iter().all(|label| borrowed(&label.name) && borrowed(&label.value)));
        }
    }
}

#[test]
fn valid_openmetrics_is_accepted() {
    let long = "x".repeat(127);
    let exemplar = format!("# TYPE a counter\na_total 1 # {{a=\"{long}\"}} 4 123\n# EOF\n");
    let exemplar_shown = format!("a_total{{}} 1 # {{a=\"{long}\"}} 4 @123000");
    accepts(
        Format::OpenMetrics,
        &[
            ("# EOF", &[]),
            ("# EOF\n", &[]),
            ("a 1\n# EOF\n", &["a{} 1"]),
            ("# TYPE a counter\n# HELP a help\na_total 1\n# EOF\n", &["a_total{} 1"]),
            (
                "# TYPE a counter\na_total{} 1 1.5e3\na_created{} 1.25 1500\n# EOF\n",
                &["a_total{} 1 @1500000", "a_created{} 1.25 @1500000"],
            ),
            (
                "# TYPE a counter\na_total{f=\"1\"} 1 000\na_total{f=\"2\"} 1 12345678901234567890.1234567890\n# EOF\n",
                &["a_total{f=\"1\"} 1 @0", "a_total{f=\"2\"} 1 @12345678901234568000000"],
            ),
            (
                "# TYPE a_s gauge\n# UNIT a_s s\n# HELP a_s x\na_s{b=\"\"} NaN\na_s{b=\"c\"} -Inf\n# EOF\n",
                &["a_s{b=\"\"} NaN", "a_s{b=\"c\"} -Inf"],
            ),
            ("# HELP a \n# UNIT a \n# EOF\n", &[]),
            ("# TYPE a gauge\na 1 1\na 2 2\n# EOF\n", &["a{} 1 @1000", "a{} 2 @2000"]),
            (
                "# TYPE a gauge\na 1 0.0000000000000000000000\na 2 0.00000000000000000000000\n# EOF\n",
                &["a{} 1 @0", "a{} 2 @0"],
            ),
            // Timestamps may repeat.
            ("# TYPE a gauge\na 0 1\na 1 1\n# EOF\n", &["a{} 0 @1000", "a{} 1 @1000"]),
            ("a 0 1\na 0 1\n# EOF\n", &["a{} 0 @1000", "a{} 0 @1000"]),
            ("# TYPE a info\na_info 1 1\na_info 1 1\n# EOF\n", &["a_info{} 1 @1000", "a_info{} 1 @1000"]),
            (
                "# TYPE a stateset\na{a=\"x\"} 1 1\na{a=\"x\"} 0 1\n# EOF\n",
                &["a{a=\"x\"} 1 @1000", "a{a=\"x\"} 0 @1000"],
            ),
            (
                "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 1\na_sum 1 1\na_count 1 1\n\
                 a_bucket{le=\"+Inf\"} 2 1\na_sum 1 1\na_count 2 1\n# EOF\n",
                &[
                    "a_bucket{le=\"+Inf\"} 1 @1000",
                    "a_sum{} 1 @1000",
                    "a_count{} 1 @1000",
                    "a_bucket{le=\"+Inf\"} 2 @1000",
                    "a_sum{} 1 @1000",
                    "a_count{} 2 @1000",
                ],
            ),
            // Less than a millisecond apart.
            (
                "# TYPE a gauge\na 0 1.000244140625\na 1 1.00048828125\n# EOF\n",
                &["a{} 0 @1000.244140625", "a{} 1 @1000.48828125"],
            ),
            (
                "# TYPE a summary\na_count 1\na_sum 2\na{quantile=\"0.5\"} 0.7\na{quantile=\"1\"} NaN\n# EOF\n",
                &["a_count{} 1", "a_sum{} 2", "a{quantile=\"0.5\"} 0.7", "a{quantile=\"1\"} NaN"],
            ),
            (
                "# TYPE a histogram\na_bucket{le=\"1e-04\"} 0\na_bucket{le=\"+Inf\"} 3 # {b=\"c\"} 4 5\na_sum 2\na_count 3.0\n# EOF\n",
                &[
                    "a_bucket{le=\"1e-04\"} 0",
                    "a_bucket{le=\"+Inf\"} 3 # {b=\"c\"} 4 @5000",
                    "a_sum{} 2",
                    "a_count{} 3",
                ],
            ),
            (
                "# TYPE a histogram\na_bucket{le=\"-1.0\"} 0\na_bucket{le=\"+Inf\"} 3\n# EOF\n",
                &["a_bucket{le=\"-1.0\"} 0", "a_bucket{le=\"+Inf\"} 3"],
            ),
            (
                "# TYPE a gaugehistogram\na_bucket{le=\"-1.0\"} 1\na_bucket{le=\"+Inf\"} 3\na_gcount 3\na_gsum -5\n# EOF\n",
                &["a_bucket{le=\"-1.0\"} 1", "a_bucket{le=\"+Inf\"} 3", "a_gcount{} 3", "a_gsum{} -5"],
            ),
            (
                "# TYPE a histogram\na_bucket{a=\"b\",le=\"+Inf\"} 0\na_bucket{a=\"c\",le=\"+Inf\"} 0\n# EOF\n",
                &["a_bucket{a=\"b\",le=\"+Inf\"} 0", "a_bucket{a=\"c\",le=\"+Inf\"} 0"],
            ),
            (
                "# TYPE a info\na_info{a=\"1\",f=\"b\"} 1 1\na_info{a=\"2\",f=\"b\"} 1.0 0\n# EOF\n",
                &["a_info{a=\"1\",f=\"b\"} 1 @1000", "a_info{a=\"2\",f=\"b\"} 1 @0"],
            ),
            ("# TYPE a stateset\na{a=\"x\"} 0\na{a=\"y\"} 1.0\n# EOF\n", &["a{a=\"x\"} 0", "a{a=\"y\"} 1"]),
            (&exemplar, &[&exemplar_shown]),
            (
                "# TYPE a counter\na_total{f=\"} x # \"} 0 1 # {b=\"c # d\"} 0.5\n# EOF\n",
                &["a_total{f=\"} x # \"} 0 @1000 # {b=\"c # d\"} 0.5"],
            ),
            ("a{f=\"\\\\foo\\\\\\\\\\n\\\"\\q\"} 1\n# EOF\n", &["a{f=\"\\\\foo\\\\\\\\\\n\\\"\\\\q\"} 1"]),
            ("# TYPE fizz_created gauge\nfizz_created 17.0\n# EOF\n", &["fizz_created{} 17"]),
            ("a_total 1\na_bucket 2\n# EOF\n", &["a_total{} 1", "a_bucket{} 2"]),
            ("# TYPE \"a.b\" counter\n{\"a.b_total\",c=\"d\"} 1\n# EOF\n", &["a.b_total{c=\"d\"} 1"]),
            ("a{\"b.c\"=\"d\"} 1\n# EOF\n", &["a{b.c=\"d\"} 1"]),
            ("a{b=\"\0\"} 1\n# EOF\n", &["a{b=\"\\0\"} 1"]),
        ],
    );
    let families =
        read(b"# TYPE a_s counter\n# UNIT a_s s\n# HELP a_s h\\n\\\\l\\tp \"q\" \\\n# EOF\n", Format::OpenMetrics)
            .unwrap();
    let a = families.get("a_s").unwrap();
    assert_eq!(
        (a.help.as_deref(), a.unit.as_deref(), a.kind),
        (Some("h\n\\l\\tp \"q\" \\"), Some("s"), FamilyType::Counter)
    );
}

#[test]
fn invalid_openmetrics_is_rejected() {
    rejects(
        Format::OpenMetrics,
        &[
            ("", 1, 1, "# EOF"),
            ("a 1\n", 2, 1, "# EOF"),
            ("a 1", 1, 4, "end of the line"),
            ("\n# EOF\n", 1, 1, "empty"),
            ("a 1\n\n# EOF\n", 2, 1, "empty"),
            ("a 1\n# EOF\nblah", 3, 1, "follows"),
            ("# EOFblah", 1, 6, "follows"),
            ("# EOF\n\n", 2, 1, "follows"),
            (" # EOF\n", 1, 1, "metric's name"),
            ("# comment\n# EOF\n", 1, 1, "no comments"),
            ("#\n# EOF\n", 1, 1, "no comments"),
            ("#\tTYPE a gauge\n# EOF\n", 1, 1, "no comments"),
            ("# FOO a x\n# EOF\n", 1, 1, "no comments"),
            ("a 1\r\n# EOF\n", 1, 3, "number"),
            ("# HELP a x\r\n# EOF\n", 1, 11, "carriage return"),
            ("# TYPE a gauge\r\n# EOF\n", 1, 15, "carriage return"),
            ("\u{feff}# EOF\n", 1, 1, "metric's name"),
            ("a{a=1} 1\n# EOF\n", 1, 5, "double quotes"),
            ("a{a=\"1} 1\n# EOF\n", 1, 10, "line feed"),
            ("a{a} 1\n# EOF\n", 1, 4, "expected ="),
            ("a{a=\"1\"b=\"2\"} 1\n# EOF\n", 1, 8, "expected , or }"),
            ("a{a=\"1\",,b=\"2\"} 1\n# EOF\n", 1, 9, "label's name"),
            ("a{a=\"1\",} 1\n# EOF\n", 1, 9, "label's name"),
            ("a{a=\"1\", b=\"2\"} 1\n# EOF\n", 1, 9, "a space"),
            ("a{ a=\"1\"} 1\n# EOF\n", 1, 3, "a space"),
            ("a{a=\"1\",a=\"1\"} 1\n# EOF\n", 1, 9, "twice"),
            ("a{1=\"1\"} 1\n# EOF\n", 1, 3, "label's name"),
            ("a{__name__=\"b\"} 1\n# EOF\n", 1, 3, "reserved"),
            ("{b=\"c\"} 1\n# EOF\n", 1, 1, "metric's name"),
            ("{\"a\",\"b\"} 1\n# EOF\n", 1, 6, "second name"),
            ("a{a=\" # \"}1\n# EOF\n", 1, 11, "a space and a number"),
            ("a {a=\"1\"} 1\n# EOF\n", 1, 3, "number"),
            ("a\n# EOF\n", 1, 2, "a space and a number"),
            ("a \n# EOF\n", 1, 3, "number"),
            ("a  1\n# EOF\n", 1, 3, "number"),
            ("a\t1\n# EOF\n", 1, 2, "a tab"),
            ("a 1\t\n# EOF\n", 1, 4, "a tab"),
            ("a 1 \n# EOF\n", 1, 5, "number"),
            ("a 1 1 1\n# EOF\n", 1, 6, "end of the line"),
            ("a a\n# EOF\n", 1, 3, "number"),
            ("a 0x1\n# EOF\n", 1, 3, "number"),
            ("a 1_2\n# EOF\n", 1, 3, "number"),
            ("a 1 z\n# EOF\n", 1, 5, "number"),
            ("a 1 1.1.1\n# EOF\n", 1, 5, "number"),
            ("a 1 NaN\n# EOF\n", 1, 5, "finite"),
            ("a 1 -Inf\n# EOF\n", 1, 5, "finite"),
            ("0a 1\n# EOF\n", 1, 1, "metric's name"),
            ("a.b 1\n# EOF\n", 1, 2, "a space and a number"),
            ("# HELP\n# EOF\n", 1, 1, "followed by a space"),
            ("# HELP \n# EOF\n", 1, 8, "metric's name"),
            ("# HELP a\n# EOF\n", 1, 9, "space"),
            ("# HELP a\t\n# EOF\n", 1, 9, "a tab"),
            ("# TYPE a\n# EOF\n", 1, 9, "space"),
            ("# TYPE a meh\n# EOF\n", 1, 10, "metric type"),
            ("# TYPE a gauge \n# EOF\n", 1, 10, "spaces"),
            ("# TYPE a  gauge\n# EOF\n", 1, 10, "spaces"),
            ("# TYPE a Gauge\n# EOF\n", 1, 10, "metric type"),
            ("# TYPE a untyped\n# EOF\n", 1, 10, "metric type"),
            ("# UNIT a seconds\n# EOF\n", 1, 10, "unit"),
            ("# UNIT aseconds seconds\n# EOF\n", 1, 17, "unit"),
            ("# UNIT a_seconds seconds \n# EOF\n", 1, 18, "unit"),
            ("# TYPE x_u info\n# UNIT x_u u\n# EOF\n", 2, 12, "no unit"),
            ("# UNIT x_u u\n# TYPE x_u stateset\n# EOF\n", 2, 12, "no unit"),
            ("# HELP a x\na 1\n# TYPE a gauge\n# EOF\n", 3, 1, "after samples"),
            ("# HELP a \n# HELP a \n# EOF\n", 2, 1, "second"),
            ("# TYPE a gauge\n# TYPE a gauge\n# EOF\n", 2, 1, "second"),
            ("# UNIT a_s s\n# UNIT a_s s\n# EOF\n", 2, 1, "second"),
            // Exemplars.
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 #\n# EOF\n", 2, 23, "number"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 #{} 1\n# EOF\n", 2, 23, "number"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1# {} 1\n# EOF\n", 2, 21, "number"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {}1\n# EOF\n", 2, 27, "number"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {} 1 \n# EOF\n", 2, 30, "number"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {} 1 1 \n# EOF\n", 2, 31, "end of the line"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1 # {} 1 NaN\n# EOF\n", 2, 30, "finite"),
            ("# TYPE a counter\na_total 1 1 # id=\"a\"} 1\n# EOF\n", 2, 15, "braces"),
            ("# TYPE a counter\na_total 1 # {a=\"b\",a=\"c\"} 1\n# EOF\n", 2, 20, "twice"),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1 # {} 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n", 2, 25, "above"),
            ("# TYPE a counter\na_total 1\na_created 1 # {a=\"b\"} 0.5\n# EOF\n", 3, 13, "exemplars"),
            ("# TYPE a gauge\na 1 # {a=\"b\"} 1\n# EOF\n", 2, 5, "exemplars"),
            ("# TYPE a_bucket gauge\na_bucket 1 # {a=\"b\"} 0.5\n# EOF\n", 2, 12, "exemplars"),
            ("# TYPE a stateset\na{a=\"b\"} 1 # {c=\"d\"} 1\n# EOF\n", 2, 12, "exemplars"),
            // Values and labels by type.
            ("# TYPE a stateset\na 0\n# EOF\n", 2, 1, "names the state"),
            ("# TYPE a stateset\na{a=\"b\"} 2\n# EOF\n", 2, 10, "1 or 0"),
            ("# TYPE a info\na 1\n# EOF\n", 2, 1, "expected a_info"),
            ("# TYPE a info\na_info{f=\"b\"} 2\n# EOF\n", 2, 15, "always 1"),
            ("# TYPE a counter\na 1\n# EOF\n", 2, 1, "expected a_total, a_created"),
            ("# TYPE a_total counter\na_total 1\n# EOF\n", 2, 1, "expected a_total_total"),
            ("# TYPE a counter\na_total NaN\n# EOF\n", 2, 9, "counter"),
            ("# TYPE a counter\na_total -1\n# EOF\n", 2, 9, "counter"),
            ("# TYPE a counter\na_created 1\n# EOF\n", 2, 1, "_total"),
            ("# TYPE a counter\na_total 1\na_created NaN\n# EOF\n", 3, 11, "finite"),
            ("# TYPE a summary\na 0\n# EOF\n", 2, 1, "quantile"),
            ("# TYPE a summary\na{quantile=\"-1\"} 0\n# EOF\n", 2, 1, "between 0 and 1"),
            ("# TYPE a summary\na{quantile=\"NaN\"} 0\n# EOF\n", 2, 1, "between 0 and 1"),
            ("# TYPE a summary\na{quantile=\"foo\"} 0\n# EOF\n", 2, 1, "quantile"),
            ("# TYPE a summary\na{quantile=\"0.5\"} -1\n# EOF\n", 2, 19, "negative"),
            ("# TYPE a summary\na{quantile=\"0.5\"} 1\na{quantile=\"0.50\"} 1\n# EOF\n", 3, 1, "twice"),
            ("# TYPE a summary\na_count 0.5\n# EOF\n", 2, 9, "whole"),
            ("# TYPE a summary\na_sum -1\n# EOF\n", 2, 7, "negative"),
            ("# TYPE a summary\na_sum NaN\n# EOF\n", 2, 7, "NaN"),
            ("# TYPE a summary\na_sum{quantile=\"1\"} 1\n# EOF\n", 2, 1, "quantile"),
            ("# TYPE a histogram\na_bucket 0\n# EOF\n", 2, 1, "label le"),
            ("# TYPE a histogram\na_bucket{le=\"NaN\"} 0\n# EOF\n", 2, 1, "NaN"),
            ("# TYPE a histogram\na_bucket{le=\"+INF\"} 0\n# EOF\n", 2, 1, "+Inf"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0.5\n# EOF\n", 2, 21, "whole"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} NaN\n# EOF\n", 2, 21, "whole"),
            ("# TYPE a histogram\na_sum -1\n# EOF\n", 2, 7, "negative"),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum{le=\"1\"} 1\n# EOF\n", 3, 1, "only buckets"),
            ("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum NaN\n# EOF\n", 3, 8, "NaN"),
            // Complete histograms.
            ("# TYPE a histogram\na_sum 1\n# EOF\n", 2, 1, "+Inf"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\na_sum 0\n# EOF\n", 2, 1, "no count"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\na_count 0\n# EOF\n", 2, 1, "no sum"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\na_sum 0\na_count 1\n# EOF\n", 2, 1, "same number"),
            (
                "# TYPE a histogram\na_bucket{le=\"-1\"} 0\na_bucket{le=\"+Inf\"} 0\na_sum 0\na_count 0\n# EOF\n",
                2,
                1,
                "below zero",
            ),
            ("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum -1\na_gcount 1\n# EOF\n", 2, 1, "negative"),
            (
                "# TYPE a histogram\na_bucket{le=\"2\"} 0\na_bucket{le=\"1\"} 0\na_bucket{le=\"+Inf\"} 0\n# EOF\n",
                3,
                1,
                "ascending",
            ),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 0\n# EOF\n", 3, 1, "cumulative"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"+Inf\"} 1\n# EOF\n", 3, 1, "ascending"),
            // Contiguous, ordered, unique.
            (
                "# TYPE a histogram\na_bucket{a=\"1\",le=\"+Inf\"} 0\na_bucket{a=\"2\",le=\"+Inf\"} 0\na_sum{a=\"1\"} 0\n# EOF\n",
                4,
                1,
                "together",
            ),
            ("# TYPE a summary\na_count{a=\"b\"} 0\na_count{a=\"c\"} 0\na_sum{a=\"b\"} 0\n# EOF\n", 4, 1, "together"),
            (
                "# TYPE a summary\na_count{a=\"b\"} 0 123\na_count{a=\"b\"} 0 456\na_sum{a=\"b\"} 0 123\n# EOF\n",
                4,
                16,
                "decrease",
            ),
            ("# TYPE a gauge\na{x=\"1\",y=\"2\"} 1\na 1\na{y=\"2\",x=\"1\"} 1\n# EOF\n", 4, 1, "together"),
            ("# TYPE a gauge\na 0 -1\na 0 -2\n# EOF\n", 3, 5, "decrease"),
            ("# TYPE a gauge\na 0\na 0 0\n# EOF\n", 3, 1, "timestamp"),
            ("# TYPE a gauge\na 0 0\na 0\n# EOF\n", 3, 1, "timestamp"),
            ("# TYPE a gauge\na 0\na 0\n# EOF\n", 3, 1, "twice"),
            ("# TYPE a gauge\na 0 1e20\n# EOF\n", 2, 5, "does not fit"),
            ("# TYPE a gauge\na 0 -1e300\n# EOF\n", 2, 5, "does not fit"),
            ("# TYPE a counter\na_total 1 # {} 1 1e20\n# EOF\n", 2, 18, "does not fit"),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1 1\na_bucket{le=\"1\"} 1 1\n# EOF\n", 3, 1, "ascending"),
            ("# TYPE a counter\na_created 1 1\na_created 1 1\n# EOF\n", 2, 1, "_total"),
            ("# TYPE a info\na_info{a=\"1\"} 1\na_info{a=\"1\"} 1\n# EOF\n", 3, 1, "twice"),
            ("# TYPE a stateset\na{a=\"1\"} 1\na{a=\"1\"} 1\n# EOF\n", 3, 1, "twice"),
            ("a 1\nb 1\na 2\n# EOF\n", 3, 1, "appeared before"),
            ("# TYPE a gauge\nb 1\n# HELP a x\n# EOF\n", 3, 8, "appeared before"),
            ("# TYPE a_created gauge\n# TYPE a counter\n# EOF\n", 2, 8, "a_created"),
            ("# TYPE a counter\na_total 1\na_count 1\n# TYPE a_sum gauge\n# EOF\n# TYPE", 6, 1, "follows"),
            ("# TYPE a summary\n# TYPE a_sum gauge\n# EOF\n", 2, 8, "a_sum"),
            ("# TYPE a histogram\n# TYPE a_bucket gauge\n# EOF\n", 2, 8, "a_bucket"),
        ],
    );
    let long = format!("# TYPE a counter\na_total 1 # {{a=\"{}\"}} 1\n# EOF\n", "é".repeat(128));
    rejects(Format::OpenMetrics, &[(&long, 2, 11, "129 characters")]);
}

mod wire {
    //! A minimal protobuf encoder: fields by number.

    pub(super) fn varint(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    pub(super) fn v(field: u64, value: u64) -> Vec<u8> {
        [varint(field << 3), varint(value)].concat()
    }

    pub(super) fn z(field: u64, value: i64) -> Vec<u8> {
        v(field, (value << 1 ^ value >> 63) as u64)
    }

    pub(super) fn d(field: u64, value: f64) -> Vec<u8> {
        [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
    }

    pub(super) fn m(field: u64, parts: &[Vec<u8>]) -> Vec<u8> {
        let bytes = parts.concat();
        [varint(field << 3 | 2), varint(bytes.len() as u64), bytes].concat()
    }

    pub(super) fn s(field: u64, text: &str) -> Vec<u8> {
        m(field, &[text.as_bytes().to_vec()])
    }

    pub(super) fn label(name: &str, value: &str) -> Vec<u8> {
        m(1, &[s(1, name), s(2, value)])
    }

    /// A delimited family.
    pub(super) fn family(parts: &[Vec<u8>]) -> Vec<u8> {
        let bytes = parts.concat();
        [varint(bytes.len() as u64), bytes].concat()
    }
}

#[test]
fn valid_protobuf_is_accepted() {
    use wire::*;
    let timestamp = |field, seconds, nanos| m(field, &[v(1, seconds), v(2, nanos)]);
    let exemplar = m(2, &[label("t", "x"), d(2, 0.5), timestamp(3, 7, 1_000_000)]);
    for (input, samples) in [
        (vec![], vec![]),
        // Fields out of order, unknown fields, and the name after the metrics.
        (
            family(&[m(4, &[m(3, &[d(1, 2.0)]), label("a", "b")]), s(99, "?"), v(98, 1), s(1, "c")]),
            vec!["c{a=\"b\"} 2".to_owned()],
        ),
        (
            family(&[s(1, "c_total"), v(3, 0), m(4, &[m(3, &[d(1, 2.0), exemplar, timestamp(3, 9, 0)]), v(6, 5)])]),
            vec!["c_total{} 2 @5 since 9000 # {t=\"x\"} 0.5 @7001".into()],
        ),
        (
            [
                family(&[s(1, "g"), v(3, 1), m(4, &[m(2, &[d(1, -1.0)])])]),
                family(&[s(1, "u"), v(3, 3), m(4, &[m(5, &[d(1, f64::NAN)])])]),
            ]
            .concat(),
            vec!["g{} -1".into(), "u{} NaN".into()],
        ),
        (
            family(&[s(1, "s"), v(3, 2), m(4, &[m(4, &[v(1, 3), d(2, 6.0), m(3, &[d(1, 0.5), d(2, 2.0)])])])]),
            vec!["s{quantile=\"0.5\"} 2".into(), "s_sum{} 6".into(), "s_count{} 3".into()],
        ),
        // Without an infinite bucket.
        (
            family(&[s(1, "h"), v(3, 4), m(4, &[m(7, &[v(1, 3), d(2, 6.0), m(3, &[v(1, 1), d(2, 1.0)])])])]),
            vec![
                "h_bucket{le=\"1.0\"} 1".into(),
                "h_bucket{le=\"+Inf\"} 3".into(),
                "h_sum{} 6".into(),
                "h_count{} 3".into(),
            ],
        ),
        (
            family(&[
                s(1, "h"),
                v(3, 5),
                m(4, &[m(7, &[d(4, 2.5), d(2, -6.0), m(3, &[d(4, 2.5), d(2, f64::INFINITY)])])]),
            ]),
            vec!["h_bucket{le=\"+Inf\"} 2.5".into(), "h_gsum{} -6".into(), "h_gcount{} 2.5".into()],
        ),
    ] {
        let families = read(&input, Format::Protobuf).unwrap_or_else(|error| panic!("{samples:?}: {error}"));
        assert_eq!(format_samples(&families), samples);
    }
}

#[test]
fn native_histograms_are_decoded() {
    use wire::*;
    let native = [
        v(1, 8),
        d(2, 1.5),
        z(5, 3),
        d(6, 0.25),
        v(7, 1),
        m(12, &[z(1, -2), v(2, 2)]),
        m(12, &[z(1, 3), v(2, 1)]),
        // Packed and not.
        m(13, &[varint(4), varint(1)]),
        z(13, 2),
        m(9, &[z(1, 0), v(2, 1)]),
        z(10, 1),
    ];
    let input = family(&[s(1, "h"), v(3, 4), m(4, &[label("a", "b"), m(7, &native)])]);
    let families = read(&input, Format::Protobuf).unwrap();
    let point = &families.list[0].points[0];
    assert_eq!((families.list[0].points.len(), point.part, point.value), (1, Part::Native, 8.0));
    let expected = Native {
        schema: 3,
        zero_threshold: 0.25,
        zero_count: 1.0,
        positive: vec![(-2, 2.0), (-1, 1.0), (3, 3.0)],
        negative: vec![(0, 1.0)],
        sum: 1.5,
        count: 8.0,
        is_float: false,
    };
    assert_eq!(point.native.as_deref(), Some(&expected));
    // A single empty span marks it as native.
    let empty = family(&[s(1, "h"), v(3, 4), m(4, &[m(7, &[m(12, &[z(1, 0), v(2, 0)])])])]);
    assert_eq!(read(&empty, Format::Protobuf).unwrap().list[0].points[0].part, Part::Native);
}

#[test]
fn invalid_protobuf_is_rejected() {
    use wire::*;
    let counter = || m(4, &[m(3, &[d(1, 2.0)])]);
    let histogram = |parts: &[Vec<u8>]| family(&[s(1, "h"), v(3, 4), m(4, &[m(7, parts)])]);
    for (input, offset, reason) in [
        (vec![0x80], 0, "truncated"),
        (vec![5, 1], 0, "expected 5 bytes"),
        (vec![0xff; 11], 0, "64 bits"),
        (b"a 1\n".to_vec(), 0, "97 bytes"),
        (family(&[v(0, 1)]), 1, "field number 0"),
        (family(&[vec![0x0b]]), 1, "wire type 3"),
        (family(&[counter()]), 0, "no name"),
        (family(&[s(1, "a"), v(3, 9)]), 4, "metric type 9"),
        (family(&[v(1, 9)]), 1, "schema differs"),
        (family(&[s(1, "a"), v(3, 1), counter()]), 8, "has no gauge"),
        ([family(&[s(1, "a")]), family(&[s(1, "a")])].concat(), 4, "twice"),
        (family(&[s(1, "a"), s(5, "s")]), 0, "unit"),
        (family(&[s(1, "a"), m(4, &[label("", "x")])]), 8, "empty"),
        (family(&[s(1, "a"), m(4, &[label("x", "1"), label("x", "1")])]), 16, "twice"),
        (family(&[m(1, &[vec![b'a', 0xff]])]), 4, "UTF-8"),
        (histogram(&[m(3, &[v(1, 2), d(2, 1.0)]), m(3, &[v(1, 1), d(2, 2.0)])]), 10, "not ascending"),
        (histogram(&[m(3, &[v(1, 2), d(2, f64::NAN)])]), 10, "not ascending"),
        (histogram(&[v(1, 2), d(6, 0.5)]), 10, "2; expected the same"),
        (histogram(&[z(5, 9), d(6, 0.5)]), 10, "-4 to 8"),
        (histogram(&[d(6, f64::NEG_INFINITY), v(7, 1)]), 10, "threshold"),
        (histogram(&[m(12, &[v(2, 1_000_000_000)])]), 10, "spans"),
        (histogram(&[m(12, &[v(2, 1)]), z(13, -1)]), 10, "negative count"),
        (histogram(&[m(12, &[v(2, 1)]), m(12, &[z(1, -5), v(2, 1)]), z(13, 1), z(13, 0)]), 10, "negative offset"),
    ] {
        let error = read(&input, Format::Protobuf).expect_err(reason);
        assert!(error.problem.contains(reason), "{reason}: {error}");
        assert_eq!((error.offset, error.line, error.column), (offset, 0, 0), "{error}");
        assert!(error.to_string().starts_with(&format!("byte {offset}: ")));
    }
}

#[test]
fn limits_are_enforced() {
    let limits = Limits {
        bytes: 200,
        samples: 2,
        families: 2,
        labels: 2,
        all_labels: 3,
        name_bytes: 4,
        value_bytes: 4,
        help_bytes: 4,
        seed: 0,
    };
    for (text, what) in [
        ("a 1\na 1\na 1\n", "2 samples"),
        ("a{b=\"\",c=\"\"} 1\na{b=\"\",c=\"\"} 1\n", "more than 3 labels"),
        ("a 1\nb 1\n# HELP c x\n", "2 metrics"),
        ("a{b=\"\",c=\"\",d=\"\"} 1\n", "2 labels"),
        ("abcde 1\n", "name has 5 bytes"),
        ("a{b=\"cdefg\"} 1\n", "value has 5 bytes"),
        ("# HELP a bcdef\n", "help has 5 bytes"),
        (&"\n".repeat(201), "201 bytes"),
    ] {
        let error = parse(text.as_bytes(), Format::Text, &limits).unwrap_err();
        assert!(error.problem.contains(what) && error.problem.contains("raise the limit"), "{error}");
    }
    let three = parse(b"a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n# EOF\n", Format::OpenMetrics, &limits).unwrap_err();
    assert!(three.problem.contains("2 samples"), "{three}");
}

#[test]
fn a_label_has_the_size_that_the_limits_assume() {
    assert_eq!(size_of::<Label>(), 6 * size_of::<usize>());
}

#[test]
fn the_format_is_detected_from_the_content_type() {
    for (header, fallback, expected) in [
        (Some("text/plain; version=0.0.4; charset=utf-8"), None, Some(Format::Text)),
        (Some("TEXT/plain"), None, Some(Format::Text)),
        (Some("text/plain; version=1.0.0; escaping=allow-utf-8"), None, Some(Format::Text)),
        (Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), None, Some(Format::OpenMetrics)),
        (Some("application/openmetrics-text"), Some(Format::Text), Some(Format::OpenMetrics)),
        (Some(protobuf_encoder::CONTENT_TYPE), None, Some(Format::Protobuf)),
        (Some("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text"), None, None),
        (
            Some("application/vnd.google.protobuf; proto=other; encoding=delimited"),
            Some(Format::Text),
            Some(Format::Text),
        ),
        (Some("text/html"), None, None),
        (Some("text/html"), Some(Format::Text), Some(Format::Text)),
        (Some(""), None, None),
        (None, None, None),
        (None, Some(Format::OpenMetrics), Some(Format::OpenMetrics)),
    ] {
        assert_eq!(Format::detect(header, fallback).ok(), expected, "{header:?}");
    }
    assert!(Format::detect(None, None).unwrap_err().contains("fallback"));
    for name in ["PrometheusText0.0.4", "OpenMetricsText1.0.0", "PrometheusProto"] {
        assert!(Format::from_name(name).is_some_and(|format| name.starts_with(format.name())));
    }
}

#[test]
fn reexposing_round_trips() {
    let text = "# HELP c_total x\\ny\n# TYPE c_total counter\nc_total{a=\"b\\\"\"} 1\n# TYPE h histogram\nh_bucket{le=\"0.50\"} 1\n\
        h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE u untyped\nu 1\n";
    let families = read(text.as_bytes(), Format::Text).unwrap();
    let mut out = Vec::new();
    reexpose(&families, Format::Text, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), text);
    let mut out = Vec::new();
    reexpose(&families, Format::OpenMetrics, &mut out).unwrap();
    let expected = "# HELP c x\\ny\n# TYPE c counter\nc_total{a=\"b\\\"\"} 1\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\n\
        h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE u unknown\nu 1\n# EOF\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    // Timestamps are dropped and the last sample wins; a family that violates its type's rules
    // becomes unknown.
    let families = read(b"# TYPE c_total counter\nc_total -1 5\nc_total -2 9\n{\"a.b\"} 1\n", Format::Text).unwrap();
    let mut out = Vec::new();
    reexpose(&families, Format::OpenMetrics, &mut out).unwrap();
    let expected = "# TYPE c_total unknown\nc_total -2\n# TYPE \"a.b\" unknown\n{\"a.b\"} 1\n# EOF\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    let openmetrics =
        "# TYPE a counter\na_total 1 # {t=\"x\"} 1 2\na_created 5\n# TYPE i info\ni_info{v=\"1\"} 1\n# EOF\n";
    let families = read(openmetrics.as_bytes(), Format::OpenMetrics).unwrap();
    let (mut same, mut text) = (Vec::new(), Vec::new());
    reexpose(&families, Format::OpenMetrics, &mut same).unwrap();
    assert_eq!(String::from_utf8(same).unwrap(), openmetrics);
    reexpose(&families, Format::Text, &mut text).unwrap();
    assert_eq!(text, b"# TYPE a_total counter\na_total 1\n# TYPE i_info gauge\ni_info{v=\"1\"} 1\n");
    assert!(reexpose(&families, Format::Protobuf, &mut Vec::new()).is_err());
}

#[test]
fn only_the_latest_samples_are_reexposed() {
    let written = |text: &str, from: Format, to: Format| {
        let families = read(text.as_bytes(), from).unwrap();
        let mut out = Vec::new();
        let dropped = reexpose(&families, to, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), dropped)
    };
    // Lines of one point with different times: none are lost.
    let text = "# TYPE s summary\ns{quantile=\"0.5\"} 1 1000\ns{quantile=\"0.9\"} 2 3000\ns_sum 2 2000\ns_count 1\n\
        s{quantile=\"0.5\"} 7 2000\ns_sum 1 1000\n# TYPE g gauge\ng 1\ng 2 5000\n";
    let expected =
        "# TYPE s summary\ns{quantile=\"0.5\"} 7\ns{quantile=\"0.9\"} 2\ns_sum 2\ns_count 1\n# TYPE g gauge\ng 1\n";
    assert_eq!(written(text, Format::Text, Format::Text), (expected.into(), 0));
    let histogram =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1 1000\nh_bucket{le=\"+Inf\"} 2 1000\nh_sum 3 2000\nh_count 2\n";
    let expected = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
    assert_eq!(written(histogram, Format::Text, Format::Text).0, expected);
    assert_eq!(
        written(histogram, Format::Text, Format::OpenMetrics).0,
        expected.replace("\"1\"", "\"1.0\"") + "# EOF\n"
    );
    // Less than a millisecond apart are still two times of one sample.
    let close = "# TYPE g gauge\ng 1 1.0001\ng 2 1.0002\ng 3 1.0002\n# EOF\n";
    assert_eq!(written(close, Format::OpenMetrics, Format::Text).0, "# TYPE g gauge\ng 3\n");
    let families = read(close.as_bytes(), Format::OpenMetrics).unwrap();
    let twice = lint::lint(&families).into_iter().filter(|finding| finding.rule == "duplicate").count();
    assert_eq!(twice, 1, "two of the three have one time");
    // Dropped exemplars are counted.
    let exemplars = "# TYPE c counter\nc_total 1 # {t=\"x\"} 1 2.5\n# EOF\n";
    assert_eq!(written(exemplars, Format::OpenMetrics, Format::OpenMetrics), (exemplars.into(), 0));
    assert_eq!(written(exemplars, Format::OpenMetrics, Format::Text).1, 1);
}

#[test]
fn conflicting_families_are_reexposed_as_unknown() {
    for (text, expected) in [
        (
            "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total counter\njobs_total 2\n# TYPE jobs_created gauge\njobs_created 3\n",
            "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total unknown\njobs_total 2\n# TYPE jobs_created gauge\njobs_created 3\n",
        ),
        (
            "# TYPE s summary\ns_sum 1\ns_count 1\n# TYPE s_created gauge\ns_created 3\n",
            "# TYPE s_sum unknown\ns_sum 1\n# TYPE s_count unknown\ns_count 1\n# TYPE s_created gauge\ns_created 3\n",
        ),
    ] {
        let families = read(text.as_bytes(), Format::Text).unwrap();
        let mut out = Vec::new();
        reexpose(&families, Format::OpenMetrics, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}# EOF\n"));
        let mut out = Vec::new();
        reexpose(&families, Format::Text, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text, "text has no such names");
    }
    // A family of type unknown has no exemplars and no creation time.
    let text = "# TYPE c counter\nc_total 1 # {t=\"x\"} 1\nc_created 5\n# TYPE g gauge\ng 1\n# EOF\n";
    let families = read(text.as_bytes(), Format::OpenMetrics).unwrap();
    let mut out = Vec::new();
    assert_eq!(reexpose(&families, Format::OpenMetrics, &mut out), Ok(0));
}

/// Arbitrary registries.
pub(super) fn registries() -> impl Strategy<Value = Registry> {
    let value = prop_oneof![
        4 => (-100_000_i32..1_000_000).prop_map(|value| f64::from(value) / 8.0),
        1 => any::<f64>().prop_filter("no NaN", |value| !value.is_nan()),
        1 => select(vec![0.0, -0.0, f64::INFINITY, 5e-324, f64::MAX]),
    ];
    let name = prop_oneof![3 => "[a-z_]{1,6}(_total|_info|_seconds|)", 1 => "[a-zé. ]{1,4}"];
    let recording = (
        name,
        select([&registry::Kind::ALL[..], &[registry::Kind::Unknown, registry::Kind::GaugeHistogram]].concat()),
        prop::collection::vec(("x[a-z]{0,2}", any::<String>()), 0..3),
        prop::collection::vec(value, 1..6),
        "[ -~\\n]{0,10}",
    );
    prop::collection::vec(recording, 0..6).prop_map(|recordings| {
        let mut registry = Registry::default();
        registry.set_now(1_700_000_000_123);
        for (name, kind, labels, values, help) in recordings {
            let Ok(name) = MetricName::new_utf8(&name, "name") else { continue };
            let mut definition = Definition::new(name, kind);
            definition.help = Some(help.clone());
            let is_native = kind == registry::Kind::NativeHistogram;
            // Some native histograms have classic buckets too, and some have exemplars.
            let is_classic = matches!(kind, registry::Kind::Histogram | registry::Kind::GaugeHistogram)
                || (is_native && help.len() % 2 == 0);
            let has_exemplars = help.len() % 3 == 0 && (is_native || kind == registry::Kind::Histogram);
            definition.buckets = is_classic.then(|| Buckets::new(&[-1.0, 0.5, 3.0], "buckets").unwrap());
            definition.quantiles = (kind == registry::Kind::Summary).then(|| vec![0.5, 1.0]);
            if kind == registry::Kind::StateSet {
                definition.states = vec!["on".into(), "off \"\n".into()];
            }
            let labels: std::collections::BTreeMap<_, _> = labels.into_iter().collect();
            let pairs =
                labels.iter().map(|(name, value)| (LabelName::new(name, "labels").unwrap(), value.as_str().into()));
            let Ok(labels) = Labels::of(pairs.collect(), "labels") else { continue };
            for value in values {
                let amount = if kind == registry::Kind::Info { 1.0 } else { value };
                if matches!(kind, registry::Kind::StateSet | registry::Kind::GaugeHistogram) {
                    let mut definition = definition.clone();
                    definition.label_names = labels.names().cloned().collect();
                    let Ok(family) = registry.register(definition) else { break };
                    let values: Vec<&str> = labels.iter().map(|(_, value)| value).collect();
                    let Ok(id) = registry.series(family, &values) else { continue };
                    if kind == registry::Kind::StateSet {
                        registry.set_state(id, "on", value > 0.0).unwrap();
                    } else {
                        let state = registry::SeriesState::Histogram { counts: &[1, 0, 2, 3], sum: amount };
                        registry.replace(id, state).unwrap();
                        registry.forget_start(id).unwrap();
                    }
                    continue;
                }
                let recording = Recording { definition: definition.clone(), labels: labels.clone(), amount };
                let Ok(ids) = registry.record_all(&[recording]) else { continue };
                if has_exemplars {
                    let (labels, value) = (vec![("t".into(), "x\"y".into())], 0.0);
                    let exemplar =
                        model::Exemplar { labels, value, unix_ms: Some(1_700_000_000_000 + ids.len() as u64) };
                    registry.observe_with_exemplar(ids[0], amount, exemplar).unwrap();
                }
            }
        }
        registry
    })
}

/// The expected samples of a registry, sorted, in the format of [`format_samples`] except for the
/// order of labels, without `_created` and native buckets.
pub(super) fn samples_of(registry: &Registry, escaping: Escaping) -> Vec<String> {
    samples_with(registry, escaping, |_| true)
}

/// Like [`samples_of`], with only the labels whose value is `wanted`.
fn samples_with(registry: &Registry, escaping: Escaping, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for family in registry.read(registry.now_ms()) {
        let name = escaping.metric_name(family.name);
        let is_gauge = family.kind == registry::Kind::GaugeHistogram;
        let (of_sum, of_count) = if is_gauge { ("_gsum", "_gcount") } else { ("_sum", "_count") };
        for series in &family.series {
            let mut push = |suffix: &str, own: Option<(&str, &str)>, value: f64| {
                let mut labels: Vec<(String, String)> = series
                    .labels
                    .iter()
                    .filter(|(_, value)| wanted(value))
                    .map(|(name, value)| (escaping.label_name(name).into_owned(), (*value).to_owned()))
                    .collect();
                labels.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
                labels.sort();
                lines.push(format!("{name}{suffix} {labels:?} {}", number_text(value)));
            };
            match &series.point {
                model::Point::Counter { total, .. } => push("", None, *total),
                model::Point::Gauge(value) => push("", None, *value),
                model::Point::Info => push("", None, 1.0),
                model::Point::StateSet(states) => {
                    for (state, on) in *states {
                        push("", Some((&escaping.label_name(family.name), state)), f64::from(u8::from(*on)));
                    }
                }
                model::Point::Histogram { bounds, counts, sum, .. } => {
                    let mut below = 0;
                    for (bound, count) in bounds.iter().chain(&[f64::INFINITY]).zip(*counts) {
                        below += count;
                        push("_bucket", Some(("le", &number_text(*bound))), below as f64);
                    }
                    push(of_sum, None, *sum);
                    push(of_count, None, below as f64);
                }
                model::Point::Native(native) => {
                    for (bound, below, _) in native.classic_buckets() {
                        push("_bucket", Some(("le", &number_text(bound))), below as f64);
                    }
                    push("_sum", None, native.sum());
                    push("_count", None, native.count() as f64);
                }
                model::Point::Summary { quantiles, sum, count } => {
                    for (rank, value) in quantiles {
                        push("", Some(("quantile", &number_text(*rank))), *value);
                    }
                    push("_sum", None, *sum);
                    push("_count", None, *count as f64);
                }
            }
        }
    }
    lines.sort();
    lines
}

pub(super) fn samples_read(families: &Families) -> Vec<String> {
    let mut lines = Vec::new();
    for family in &families.list {
        let has_classic = family.points.iter().any(|point| matches!(point.part, Part::Bucket(_)));
        let is_repeated = |point: &Point| point.part == Part::Created || (point.native.is_some() && has_classic);
        for point in family.points.iter().filter(|point| !is_repeated(point)) {
            let mut labels: Vec<(String, String)> = families
                .labels(point)
                .iter()
                .map(|label| match point.part {
                    Part::Bucket(number) if label.name == "le" => ("le".into(), number_text(number)),
                    Part::Quantile(number) if label.name == "quantile" => ("quantile".into(), number_text(number)),
                    // Families that OpenMetrics cannot type have type unknown and the same labels.
                    _ if family.kind == FamilyType::Unknown && matches!(&*label.name, "le" | "quantile") => {
                        (label.name.to_string(), scan::number(&label.value).map(number_text).unwrap_or_default())
                    }
                    _ => (label.name.to_string(), label.value.to_string()),
                })
                .collect();
            labels.sort();
            match &point.native {
                Some(native) => {
                    let count = number_text(native.count);
                    lines.push(format!("{}_sum {labels:?} {}", point.name, number_text(native.sum)));
                    lines.push(format!("{}_count {labels:?} {count}", point.name));
                    labels.push(("le".into(), "+Inf".into()));
                    labels.sort();
                    lines.push(format!("{}_bucket {labels:?} {count}", point.name));
                }
                None => lines.push(format!("{} {labels:?} {}", point.name, number_text(point.value))),
            }
        }
    }
    lines.sort();
    lines
}

/// Inputs that are almost valid.
fn almost_valid() -> impl Strategy<Value = Vec<u8>> {
    let seeds = vec![
        &b"# HELP a x\\n\n# TYPE a counter\na{b=\"c\\\"\",d=\"e\"} 1 2\n{\"f.g\", h=\"i\"} -Inf\n"[..],
        b"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\ns{quantile=\"0.5\"} 1e5\n",
        b"# TYPE a_s counter\n# UNIT a_s s\na_s_total{b=\"c\"} 1 1.5 # {t=\"x\"} 1 2\na_s_created{b=\"c\"} 1 1.5\n# EOF\n",
        b"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2 # {} 1\n# TYPE i info\ni_info{v=\"1\"} 1\n# TYPE s stateset\ns{s=\"1\"} 1\n# EOF\n",
        b"# TYPE h histogram\nh{a=\"b\"} {count:2,sum:1,schema:3,zero_threshold:1e-4,zero_count:0,positive_spans:[-1:1],positive_buckets:[2],bucket:[1:1,+Inf:2]} 5 st@1.5 # {} 1 2\n# EOF\n",
        b"# TYPE s summary\ns {count:2,sum:1,quantile:[0.5:1,0.9:2]} st@1\n# TYPE g gaugehistogram\n{\"g\"} {gcount:2,gsum:-1,bucket:[+Inf:2]}\n# EOF\n",
        b"\x31\x0a\x01c\x12\x01x\x18\x00\x22\x27\x0a\x06\x0a\x01l\x12\x01v\x1a\x1d\x09\x00\x00\x00\x00\x00\x00\x00\x40\x12\x12\x0a\x06\x0a\x01t\x12\x01x\x11\x00\x00\x00\x00\x00\x00\xe0\x3f",
        b"\x25\x0a\x01h\x18\x04\x22\x1e\x3a\x1c\x08\x03\x11\x00\x00\x00\x00\x00\x00\xf8\x3f\x28\x06\x38\x01\x62\x04\x08\x01\x10\x02\x6a\x02\x02\x00",
    ];
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (select(seeds), prop::collection::vec(change, 0..6)).prop_map(|(seed, changes)| {
        let mut bytes = seed.to_vec();
        for (index, byte, what) in changes {
            let at = index.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => {
                    let piece = bytes[at..(at + usize::from(byte % 40)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn text_round_trips(registry in registries()) {
        let mut encoder = text_encoder::Encoder::new();
        let text = encoder.encode(&registry, crate::exposition::escaping::Escaping::Underscores).unwrap().to_vec();
        let families = read(&text, Format::Text);
        prop_assert!(families.is_ok(), "{}\n{}", families.unwrap_err(), String::from_utf8_lossy(&text));
        let read = samples_read(&families.unwrap());
        prop_assert_eq!(read, samples_of(&registry, Escaping::Underscores));
    }

    #[test]
    fn openmetrics_round_trips(registry in registries()) {
        for escaping in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Values] {
            let mut text = Vec::new();
            openmetrics_encoder::encode(&registry.read(registry.now_ms()), escaping, &mut text);
            let families = read(&text, Format::OpenMetrics);
            // Avoiding names that differ only in a suffix is up to the caller.
            const CLASHES: [&str; 4] = ["could both", "appeared before", "is not a sample", "comes after samples"];
            if let Err(error) = &families
                && CLASHES.iter().any(|clash| error.problem.contains(clash))
            {
                continue;
            }
            prop_assert!(families.is_ok(), "{}\n{}", families.unwrap_err(), String::from_utf8_lossy(&text));
            prop_assert_eq!(samples_read(&families.unwrap()), samples_of(&registry, escaping));
        }
    }

    #[test]
    fn protobuf_round_trips(registry in registries()) {
        let mut bytes = Vec::new();
        protobuf_encoder::encode(&registry.read(registry.now_ms()), Escaping::AllowUtf8, &mut bytes);
        let families = read(&bytes, Format::Protobuf);
        prop_assert!(families.is_ok(), "{}", families.unwrap_err());
        prop_assert_eq!(samples_read(&families.unwrap()), samples_of(&registry, Escaping::AllowUtf8));
    }

    #[test]
    fn importing_protobuf_reproduces_the_registry(registry in registries()) {
        let mut bytes = Vec::new();
        let read_out = registry.read(registry.now_ms());
        protobuf_encoder::encode(&read_out, Escaping::AllowUtf8, &mut bytes);
        let families = read(&bytes, Format::Protobuf).unwrap();
        let mut again = Registry::default();
        let imported = import(&families, &mut again, import::Options::default());
        // Infos and state sets are gauges in protobuf; quantiles and infinite sums are dropped.
        if imported.refused.is_empty() {
            // The import merges label sets into one, with empty values for missing labels, which is
            // equivalent.
            let labelled = |registry: &Registry| {
                samples_with(registry, Escaping::AllowUtf8, |value| !value.is_empty())
            };
            prop_assert_eq!(labelled(&again), labelled(&registry));
        }
    }

    #[test]
    fn arbitrary_input_does_not_panic_and_errors_are_in_range(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), almost_valid()]) {
        for format in [Format::Text, Format::OpenMetrics, Format::OpenMetrics2, Format::Protobuf] {
            match read(&bytes, format) {
                Ok(families) => {
                    lint::lint(&families);
                    import(&families, &mut Registry::default(), import::Options { unknown_as_gauge: true, ..Default::default() });
                    for format in [Format::Text, Format::OpenMetrics, Format::OpenMetrics2] {
                        let _ = reexpose(&families, format, &mut Vec::new());
                    }
                }
                Err(error) => {
                    prop_assert!(error.offset <= bytes.len());
                    if format != Format::Protobuf {
                        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                        prop_assert!(error.line >= 1 && error.line <= lines.len());
                        prop_assert!(error.column >= 1 && error.column <= lines[error.line - 1].len() + 1);
                    }
                }
            }
        }
    }

    #[test]
    fn reexposing_keeps_all_samples(registry in registries()) {
        let mut encoder = text_encoder::Encoder::new();
        let text = encoder.encode(&registry, crate::exposition::escaping::Escaping::Underscores).unwrap().to_vec();
        let families = read(&text, Format::Text).unwrap();
        let mut again = Vec::new();
        reexpose(&families, Format::Text, &mut again).unwrap();
        prop_assert_eq!(samples_read(&read(&again, Format::Text).unwrap()), samples_read(&families));
    }
}

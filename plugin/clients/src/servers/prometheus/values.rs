//! Query results as numbers, parsed from the API's strings.

use core::fmt;
use std::collections::BTreeMap;

use plugpipe_contract::lenient::unless_null;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Label names and values.
pub type Labels = BTreeMap<String, String>;

/// A query result. Values may be NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(Timed<Number>),
    /// One string.
    String(Timed<String>),
    /// One sample per series.
    Vector(Vec<InstantSeries>),
    /// Samples per series over time.
    Matrix(Vec<RangeSeries>),
}

/// A time in milliseconds since the epoch, and the value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Timed<T>(#[serde(deserialize_with = "milliseconds")] pub i64, pub T);

/// A number, a string in the API.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Number(pub f64);

/// A series at one moment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InstantSeries {
    /// Its labels, `__name__` among them where there is one.
    #[serde(rename = "metric", default)]
    pub labels: Labels,
    /// The sample.
    #[serde(flatten)]
    pub sample: Sample,
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub enum Sample {
    /// A number.
    #[serde(rename = "value")]
    Float(Timed<Number>),
    /// A native histogram.
    #[serde(rename = "histogram")]
    Histogram(Timed<Histogram>),
}

/// A series over time: its numbers and its native histograms.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct RangeSeries {
    /// Its labels.
    #[serde(rename = "metric")]
    pub labels: Labels,
    /// The numbers.
    pub values: Vec<Timed<Number>>,
    /// The histograms.
    #[serde(deserialize_with = "unless_null")]
    pub histograms: Vec<Timed<Histogram>>,
}

/// A native histogram.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// The number of observations; not an integer for rates.
    pub count: Number,
    /// Their sum.
    pub sum: Number,
    /// The non-empty buckets, in ascending order.
    #[serde(deserialize_with = "unless_null")]
    pub buckets: Vec<Bucket>,
}

/// A bucket of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "(f64, Number, Number, Number)")]
pub struct Bucket {
    /// Whether observations equal to the lower bound are in it.
    pub lower_inclusive: bool,
    /// Whether observations equal to the upper bound are in it.
    pub upper_inclusive: bool,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// The number of observations.
    pub count: f64,
}

impl From<(f64, Number, Number, Number)> for Bucket {
    fn from((rule, Number(lower), Number(upper), Number(count)): (f64, Number, Number, Number)) -> Self {
        // 0: open on the left; 1: open on the right; 2: open on both sides; 3: closed.
        Self {
            lower_inclusive: rule == 1.0 || rule == 3.0,
            upper_inclusive: rule == 0.0 || rule == 3.0,
            lower,
            upper,
            count,
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(NumberVisitor)
    }
}

/// Parses a result of this type.
pub fn value(result_type: &str, result: &str) -> serde_json::Result<Value> {
    Ok(match result_type {
        "scalar" => Value::Scalar(serde_json::from_str(result)?),
        "string" => Value::String(serde_json::from_str(result)?),
        "vector" => Value::Vector(list(result)?),
        "matrix" => Value::Matrix(list(result)?),
        _ => return Err(Error::custom("expected a resultType of scalar, string, vector or matrix")),
    })
}

fn list<'de, T: Deserialize<'de>>(json: &'de str) -> serde_json::Result<Vec<T>> {
    serde_json::from_str::<Option<_>>(json).map(Option::unwrap_or_default)
}

/// Converts from seconds, saturating.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    f64::deserialize(deserializer).map(|seconds| (seconds * 1e3).round() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels_of(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn at(time_ms: i64, number: f64) -> Timed<Number> {
        Timed(time_ms, Number(number))
    }

    #[test]
    fn scalars_and_strings_have_a_time() {
        let scalar = |text| value("scalar", text).unwrap();
        assert_eq!(scalar(r#"[1795534251.669,"+Inf"]"#), Value::Scalar(at(1_795_534_251_669, f64::INFINITY)));
        assert_eq!(scalar(r#"[1,"-Inf"]"#), Value::Scalar(at(1_000, f64::NEG_INFINITY)));
        assert_eq!(value("string", r#"[0.5, "a\n"]"#).unwrap(), Value::String(Timed(500, "a\n".into())));
    }

    #[test]
    fn a_vector_mixes_floats_and_native_histograms() {
        let Value::Vector(read) = value(
            "vector",
            r#"[{"metric":{"__name__":"m","x":"é\""},"value":[1.5,"NaN"]},
                {"metric":{},"histogram":[2,{"count":"6","sum":"-1e-05","buckets":[[3,"-0.1","0.1","2"],[0,"0.5","1","3"],[1,"-2","-1","0.5"],[2,"1","+Inf","1"]]}]}]"#,
        )
        .unwrap() else {
            panic!()
        };
        assert_eq!(read[0].labels, labels_of(&[("__name__", "m"), ("x", "é\"")]));
        assert!(matches!(read[0].sample, Sample::Float(Timed(1_500, Number(number))) if number.is_nan()));
        let bucket = |lower_inclusive, upper_inclusive, lower, upper, count| Bucket {
            lower_inclusive,
            upper_inclusive,
            lower,
            upper,
            count,
        };
        let buckets = vec![
            bucket(true, true, -0.1, 0.1, 2.0),
            bucket(false, true, 0.5, 1.0, 3.0),
            bucket(true, false, -2.0, -1.0, 0.5),
            bucket(false, false, 1.0, f64::INFINITY, 1.0),
        ];
        let histogram = Histogram { count: Number(6.0), sum: Number(-1e-5), buckets };
        assert_eq!(read[1].sample, Sample::Histogram(Timed(2_000, histogram)));
    }

    #[test]
    fn a_matrix_has_numbers_and_histograms() {
        let read = value(
            "matrix",
            r#"[{"metric":{"a":"1"},"values":[[1,"1"],[2.001,"-0"]],"histograms":[[3,{"count":"0","sum":"0"}]]},{"metric":{}}]"#,
        );
        let first = RangeSeries {
            labels: labels_of(&[("a", "1")]),
            values: vec![at(1_000, 1.0), at(2_001, -0.0)],
            histograms: vec![Timed(3_000, Histogram::default())],
        };
        assert_eq!(read.unwrap(), Value::Matrix(vec![first, RangeSeries::default()]));
        assert_eq!(value("matrix", "null").unwrap(), Value::Matrix(Vec::new()));
    }

    #[test]
    fn other_shapes_are_rejected_with_the_difference() {
        for (result_type, result) in [
            ("scalar", "[1]"),
            ("scalar", r#"[1,"2",3]"#),
            ("scalar", "[1,2]"),
            ("scalar", r#"["1","2"]"#),
            ("scalar", r#"[1,"two"]"#),
            ("scalar", r#"[1,"2"] 3"#),
            ("vector", r#"[{"metric":{}}]"#),
            ("vector", r#"[{"metric":{"a":1},"value":[1,"1"]}]"#),
            ("vector", r#"[{"histogram":[1,{"buckets":[[0,"1","2"]]}]}]"#),
            ("matrix", "{}"),
            ("tensor", "[]"),
        ] {
            assert!(value(result_type, result).is_err(), "{result_type} {result}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_read_as_it_was_written(number in any::<f64>(), time in 0_i64..8_000_000_000_000) {
            let text = format!("[{}, \"{}\"]", time as f64 / 1e3, number);
            let Ok(Value::Scalar(Timed(read_time, Number(read)))) = value("scalar", &text) else { panic!("{text}") };
            prop_assert_eq!(read_time, time);
            prop_assert!(read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan()));
        }

        #[test]
        fn no_result_panics(text in "[\\[\\]{}\",:0-9a-z]{0,40}") {
            for result_type in ["scalar", "string", "vector", "matrix"] {
                let _ = value(result_type, &text);
            }
        }
    }
}

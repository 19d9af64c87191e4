//! Results of queries as numbers: what the API writes as texts, read.

use plugpipe_contract::cursor::{Cursor, Unexpected};

/// Names and values.
pub type Labels = Vec<(String, String)>;

/// A result. Times are in milliseconds since the epoch; values may be NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(i64, f64),
    /// One text.
    String(i64, String),
    /// One sample of each series.
    Vector(Vec<InstantSeries>),
    /// Samples of each series over time.
    Matrix(Vec<RangeSeries>),
}

/// A series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantSeries {
    /// Its labels, `__name__` among them where there is one.
    pub labels: Labels,
    /// When.
    pub time_ms: i64,
    /// What.
    pub sample: Sample,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Histogram),
}

/// A series over time: its numbers in two lists of the same length, and its native histograms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// When each number was.
    pub times_ms: Vec<i64>,
    /// The numbers.
    pub values: Vec<f64>,
    /// When each histogram was, and the histogram.
    pub histograms: Vec<(i64, Histogram)>,
}

/// A native histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// How many observations; of a rate, not a whole number.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The buckets that are not empty, rising.
    pub buckets: Vec<Bucket>,
}

/// A bucket of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Whether observations equal to the lower bound are in it.
    pub lower_inclusive: bool,
    /// Whether observations equal to the upper bound are in it.
    pub upper_inclusive: bool,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// How many observations are in it.
    pub count: f64,
}

type Read<T> = Result<T, Unexpected>;

/// Reads a result of this type.
pub fn value(result_type: &str, result: &str) -> Read<Value> {
    let mut cursor = Cursor::new(result);
    let value = match result_type {
        "scalar" => pair(&mut cursor, number_text).map(|(time, number)| Value::Scalar(time, number)),
        "string" => {
            pair(&mut cursor, |cursor| Ok(cursor.string()?.into_owned())).map(|(time, text)| Value::String(time, text))
        }
        "vector" => list(&mut cursor, instant_series).map(Value::Vector),
        "matrix" => list(&mut cursor, range_series).map(Value::Matrix),
        _ => Err(cursor.unexpected("a resultType of scalar, string, vector or matrix")),
    }?;
    cursor.end()?;
    Ok(value)
}

/// Reads a list of texts, as of label names and values.
pub fn texts(data: &str) -> Read<Vec<String>> {
    list(&mut Cursor::new(data), |cursor| Ok(cursor.string()?.into_owned()))
}

/// Reads a list of series.
pub fn series(data: &str) -> Read<Vec<Labels>> {
    list(&mut Cursor::new(data), labels)
}

/// A list; null counts as an empty one, which some servers write.
fn list<T>(cursor: &mut Cursor, read: impl Fn(&mut Cursor) -> Read<T>) -> Read<Vec<T>> {
    let mut items = Vec::new();
    if cursor.peek() == Some(b'n') {
        cursor.skip()?;
        return Ok(items);
    }
    cursor.array()?;
    while cursor.item()? {
        items.push(read(cursor)?);
    }
    Ok(items)
}

fn labels(cursor: &mut Cursor) -> Read<Labels> {
    let mut labels = Vec::new();
    cursor.object()?;
    while let Some(name) = cursor.key()? {
        labels.push((name.into_owned(), cursor.string()?.into_owned()));
    }
    Ok(labels)
}

fn instant_series(cursor: &mut Cursor) -> Read<InstantSeries> {
    let (mut found, mut sample) = (Vec::new(), None);
    cursor.object()?;
    while let Some(key) = cursor.key()? {
        match &*key {
            "metric" => found = labels(cursor)?,
            "value" => {
                let (time, number) = pair(cursor, number_text)?;
                sample = Some((time, Sample::Float(number)));
            }
            "histogram" => {
                let (time, read) = pair(cursor, histogram)?;
                sample = Some((time, Sample::Histogram(read)));
            }
            _ => {
                cursor.skip()?;
            }
        }
    }
    let (time_ms, sample) = sample.ok_or_else(|| cursor.unexpected("a value or a histogram before this"))?;
    Ok(InstantSeries { labels: found, time_ms, sample })
}

fn range_series(cursor: &mut Cursor) -> Read<RangeSeries> {
    let mut series = RangeSeries::default();
    cursor.object()?;
    while let Some(key) = cursor.key()? {
        match &*key {
            "metric" => series.labels = labels(cursor)?,
            "values" => {
                cursor.array()?;
                while cursor.item()? {
                    let (time, number) = pair(cursor, number_text)?;
                    series.times_ms.push(time);
                    series.values.push(number);
                }
            }
            "histograms" => series.histograms = list(cursor, |cursor| pair(cursor, histogram))?,
            _ => {
                cursor.skip()?;
            }
        }
    }
    Ok(series)
}

/// `[time, what]`.
fn pair<T>(cursor: &mut Cursor, read: impl Fn(&mut Cursor) -> Read<T>) -> Read<(i64, T)> {
    cursor.array()?;
    cursor.next_item()?;
    // Past the bounds of an integer it is the bound.
    let time = (cursor.number()? * 1e3).round() as i64;
    cursor.next_item()?;
    let what = read(cursor)?;
    cursor.end_array()?;
    Ok((time, what))
}

fn number_text(cursor: &mut Cursor) -> Read<f64> {
    let before = cursor.unexpected("a number as text");
    cursor.string()?.parse().map_err(|_| before)
}

fn histogram(cursor: &mut Cursor) -> Read<Histogram> {
    let mut histogram = Histogram::default();
    cursor.object()?;
    while let Some(key) = cursor.key()? {
        match &*key {
            "count" => histogram.count = number_text(cursor)?,
            "sum" => histogram.sum = number_text(cursor)?,
            "buckets" => histogram.buckets = list(cursor, bucket)?,
            _ => {
                cursor.skip()?;
            }
        }
    }
    Ok(histogram)
}

/// `[rule, "lower", "upper", "count"]`.
fn bucket(cursor: &mut Cursor) -> Read<Bucket> {
    cursor.array()?;
    cursor.next_item()?;
    let rule = cursor.number()?;
    let mut numbers = [0.0; 3];
    for number in &mut numbers {
        cursor.next_item()?;
        *number = number_text(cursor)?;
    }
    cursor.end_array()?;
    let [lower, upper, count] = numbers;
    // 0: open on the left; 1: on the right; 2: on both sides; 3: on none.
    Ok(Bucket {
        lower_inclusive: rule == 1.0 || rule == 3.0,
        upper_inclusive: rule == 0.0 || rule == 3.0,
        lower,
        upper,
        count,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels_of(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn scalars_and_strings_have_a_time() {
        assert_eq!(value("scalar", r#"[1795534251.669,"+Inf"]"#), Ok(Value::Scalar(1_795_534_251_669, f64::INFINITY)));
        assert_eq!(value("scalar", r#"[1,"-Inf"]"#), Ok(Value::Scalar(1_000, f64::NEG_INFINITY)));
        assert_eq!(value("string", r#"[0.5, "a\n"]"#), Ok(Value::String(500, "a\n".into())));
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
        assert_eq!((&read[0].labels, read[0].time_ms), (&labels_of(&[("__name__", "m"), ("x", "é\"")]), 1_500));
        assert!(matches!(read[0].sample, Sample::Float(number) if number.is_nan()));
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
        assert_eq!(read[1].sample, Sample::Histogram(Histogram { count: 6.0, sum: -1e-5, buckets }));
    }

    #[test]
    fn a_matrix_has_numbers_in_two_lists() {
        let read = value(
            "matrix",
            r#"[{"metric":{"a":"1"},"values":[[1,"1"],[2.001,"-0"]],"histograms":[[3,{"count":"0","sum":"0"}]]},{"metric":{}}]"#,
        );
        let first = RangeSeries {
            labels: labels_of(&[("a", "1")]),
            times_ms: vec![1_000, 2_001],
            values: vec![1.0, -0.0],
            histograms: vec![(3_000, Histogram::default())],
        };
        assert_eq!(read, Ok(Value::Matrix(vec![first, RangeSeries::default()])));
        assert_eq!(value("matrix", "null"), Ok(Value::Matrix(Vec::new())));
    }

    #[test]
    fn what_has_another_shape_is_refused_where_it_differs() {
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
            let Ok(Value::Scalar(read_time, read)) = value("scalar", &text) else { panic!("{text}") };
            prop_assert_eq!(read_time, time);
            prop_assert!(read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan()));
        }

        #[test]
        fn no_result_makes_it_panic(text in "[\\[\\]{}\",:0-9a-z]{0,40}") {
            for result_type in ["scalar", "string", "vector", "matrix"] {
                let _ = value(result_type, &text);
            }
            let _ = (texts(&text), series(&text));
        }
    }
}

//! CSV (RFC 4180) for spreadsheets: one row per sample, CRLF line endings.
//!
//! | column | contents |
//! |---|---|
//! | `metric` | the sample's name, as in the text format: `latency_seconds_bucket` |
//! | `type` | the family's type: `counter`, `gauge`, `histogram`, `native_histogram`, `summary`, `info`, `stateset` |
//! | `labels` | as in the text format, without braces: `a="x",le="+Inf"`; names are quoted as in the text formats |
//! | `value` | a number, or `NaN`, `+Inf`, `-Inf` |
//!
//! A cell is quoted if it contains a comma, a quote, CR or LF. Spreadsheets evaluate a cell that
//! begins with `=`, `+`, `-`, `@`, a tab or CR as a formula. Only the column `metric` can contain
//! such untrusted text: plain label names never begin that way, and others are quoted. In `metric`,
//! such a name is prefixed with an apostrophe, the spreadsheet convention, and so is a name that
//! begins with an apostrophe; removing one leading apostrophe recovers the name. Values keep their
//! sign, since `-1` must stay a number.
//!
//! Help, units, exemplars and creation times have no column; use [`super::json`] for them.

use super::escaping::{write_label, write_label_name};
use super::samples::{self, Number, Own};
use crate::model::{Family, Series};
use crate::number::{write_canonical, write_count, write_number};

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Appends the header and a row per sample; only the header if there are no families.
pub fn encode(families: &[Family], out: &mut Vec<u8>) {
    out.extend_from_slice(b"metric,type,labels,value\r\n");
    let (mut name, mut labels) = (Vec::new(), Vec::new());
    for family in families {
        for series in &family.series {
            labels.clear();
            series.labels.iter().for_each(|(name, value)| write_label(name, value, &mut labels));
            write_rows(family, series, &mut name, &mut labels, out);
        }
    }
}

/// `labels` holds the series' own labels; `name` is a scratch buffer.
fn write_rows(family: &Family, series: &Series, name: &mut Vec<u8>, labels: &mut Vec<u8>, out: &mut Vec<u8>) {
    let series_len = labels.len();
    samples::each(family.kind, series, &mut |sample| {
        name.clear();
        if family.name.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) {
            name.push(b'\'');
        }
        name.extend_from_slice(family.name.as_bytes());
        name.extend_from_slice(sample.suffix.as_bytes());
        match sample.own {
            Own::None => {}
            Own::Bound(bound) => write_number_label("le", bound, labels),
            Own::Rank(rank) => write_number_label("quantile", rank, labels),
            Own::State(state) => write_label(family.name, state, labels),
        }
        write_cell(name, out);
        out.push(b',');
        out.extend_from_slice(family.kind.name().as_bytes());
        out.push(b',');
        write_cell(labels, out);
        out.push(b',');
        match sample.value {
            Number::Float(value) => write_number(value, out),
            Number::Count(count) => write_count(count, out),
        }
        out.extend_from_slice(b"\r\n");
        labels.truncate(series_len);
    });
}

fn write_number_label(name: &str, value: f64, out: &mut Vec<u8>) {
    write_label_name(name, out);
    out.extend_from_slice(b"=\"");
    write_canonical(value, out);
    out.push(b'"');
}

fn write_cell(cell: &[u8], out: &mut Vec<u8>) {
    if !cell.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return out.extend_from_slice(cell);
    }
    out.push(b'"');
    for byte in cell {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, Point, each_kind, family, series, view};
    use super::*;
    use crate::registry::Kind;

    fn encoded(families: &[testing::OwnedFamily]) -> String {
        let mut out = Vec::new();
        encode(&view(families), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_sample_is_a_row() {
        let expected = r#"metric,type,labels,value
bytes_total,counter,"code="""",path=""/a\\b\n\""c\""""",3
bytes_total,counter,,0.1
gauge_ratio,gauge,"a=""1"",b=""2""",-0.0
latency_seconds_bucket,histogram,"path=""/"",le=""0.0001""",0
latency_seconds_bucket,histogram,"path=""/"",le=""1.0""",2
latency_seconds_bucket,histogram,"path=""/"",le=""1e+06""",3
latency_seconds_bucket,histogram,"path=""/"",le=""+Inf""",4
latency_seconds_sum,histogram,"path=""/""",2000000
latency_seconds_count,histogram,"path=""/""",4
my.native_bucket,native_histogram,"le=""+Inf""",5
my.native_sum,native_histogram,,46
my.native_count,native_histogram,,5
state,stateset,"a=""1"",state=""off""",0
state,stateset,"a=""1"",state=""on""",1
summary,summary,"quantile=""0.5""",0.25
summary,summary,"quantile=""1.0""",NaN
summary_sum,summary,,0.5
summary_count,summary,,2
version_info,info,"""la.bel""=""1.2.3""",1
"#;
        assert_eq!(encoded(&each_kind()), expected.replace('\n', "\r\n"));
    }

    #[test]
    fn untrusted_cells_never_begin_a_formula() {
        for (name, cell) in [
            ("=1+1", "'=1+1"),
            ("+x", "'+x"),
            ("-x", "'-x"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("'x", "''x"),
            ("x=", "x="),
        ] {
            let families = [family(name, Kind::Gauge, vec![series(&[("=x", "=y")], Point::Gauge(-1.0))])];
            let expected = format!("metric,type,labels,value\r\n{cell},gauge,\"\"\"=x\"\"=\"\"=y\"\"\",-1\r\n");
            assert_eq!(encoded(&families), expected);
        }
    }

    proptest! {
        #[test]
        fn an_independent_parser_finds_every_sample(families in testing::arbitrary()) {
            let text = encoded(&families);
            let mut rows = ::csv::ReaderBuilder::new().terminator(::csv::Terminator::CRLF).from_reader(text.as_bytes());
            let mut rows = rows.records().map(Result::unwrap);
            for family in &view(&families) {
                for series in &family.series {
                    let mut own = Vec::new();
                    series.labels.iter().for_each(|(name, value)| write_label(name, value, &mut own));
                    let own = String::from_utf8(own).unwrap();
                    samples::each(family.kind, series, &mut |sample| {
                        let row = rows.next().unwrap();
                        let name = format!("{}{}", family.name, sample.suffix);
                        assert_eq!(row[0].strip_prefix('\'').unwrap_or(&row[0]), name);
                        assert!(row[2].starts_with(&own), "{row:?}");
                        assert!(!row[0].starts_with(['=', '+', '-', '@', '\t', '\r']), "{row:?}");
                        assert!(!row[2].starts_with(['=', '+', '-', '@', '\t', '\r']), "{row:?}");
                        match sample.value {
                            Number::Float(value) => {
                                let read: f64 = row[3].parse().unwrap();
                                assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(), "{row:?}");
                            }
                            Number::Count(count) => assert_eq!(row[3].parse::<u64>().unwrap(), count),
                        }
                    });
                }
            }
            prop_assert!(rows.next().is_none());
        }
    }
}

//! The answers to the parts of a range, put together series by series. Samples are handed on as they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use plugpipe_contract::cursor::{Cursor, Unexpected};

/// A series' labels, sorted by name.
type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A series' samples so far: what is inside the brackets of its lists.
struct Series<'a> {
    /// The labels as the server wrote them.
    metric: &'a str,
    values: Vec<&'a str>,
    histograms: Vec<&'a str>,
}

/// Joins matrices, given in the order of time, that have no moment in common. Series keep the order in which they first appear.
/// The error names the part that is no matrix.
pub(super) fn matrices<'a>(parts: &[&'a str]) -> Result<String, (&'a str, Unexpected)> {
    let mut places: BTreeMap<Labels, usize> = BTreeMap::new();
    let mut all: Vec<Series> = Vec::new();
    for part in parts {
        read(part, &mut places, &mut all).map_err(|problem| (*part, problem))?;
    }
    let mut out = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    out.push('[');
    for (index, series) in all.iter().enumerate() {
        out.push_str(if index > 0 { ",{\"metric\":" } else { "{\"metric\":" });
        out.push_str(series.metric);
        for (name, lists) in [("values", &series.values), ("histograms", &series.histograms)] {
            if !lists.is_empty() {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":[");
                for (index, list) in lists.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(list);
                }
                out.push(']');
            }
        }
        out.push('}');
    }
    out.push(']');
    Ok(out)
}

fn read<'a>(
    part: &'a str,
    places: &mut BTreeMap<Labels<'a>, usize>,
    all: &mut Vec<Series<'a>>,
) -> Result<(), Unexpected> {
    let mut cursor = Cursor::new(part);
    cursor.array()?;
    while cursor.item()? {
        let (mut labels, mut metric) = (Vec::new(), "{}");
        let (mut values, mut histograms) = ("", "");
        cursor.object()?;
        while let Some(key) = cursor.key()? {
            match &*key {
                "metric" => {
                    let mut inside = cursor.clone();
                    let range = cursor.skip()?;
                    metric = cursor.slice(&range);
                    inside.object()?;
                    while let Some(name) = inside.key()? {
                        labels.push((name, inside.string()?));
                    }
                }
                "values" => values = inside_list(&mut cursor)?,
                "histograms" => histograms = inside_list(&mut cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
        }
        labels.sort_unstable();
        let next = all.len();
        let place = *places.entry(labels).or_insert(next);
        if place == next {
            all.push(Series { metric, values: Vec::new(), histograms: Vec::new() });
        }
        if let Some(series) = all.get_mut(place) {
            series.values.extend(Some(values).filter(|list| !list.is_empty()));
            series.histograms.extend(Some(histograms).filter(|list| !list.is_empty()));
        }
    }
    cursor.end()
}

/// What is between the brackets of the list that comes next.
fn inside_list<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Unexpected> {
    if cursor.peek() != Some(b'[') {
        return Err(cursor.unexpected("a list"));
    }
    let range = cursor.skip()?;
    Ok(cursor.slice(&(range.start + 1..range.end - 1)).trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn series_are_joined_whatever_the_order_of_their_labels() {
        let merged = matrices(&[
            r#"[{"metric":{"a":"1","b":"\u00e9"},"values":[[1,"1"],[2,"NaN"]]},{"metric":{},"histograms":[[1,{"count":"1"}]]}]"#,
            "[]",
            r#"[ {"values":[ [3,"3"] ],"metric":{"b":"é","a":"1"}}, {"metric":{"c":"1"},"values":[[3,"0"]],"histograms":[]} ]"#,
            r#"[{"metric":{},"histograms":[[4,{"count":"2"}]],"values":[[5,"7"]]}]"#,
        ])
        .unwrap();
        assert_eq!(
            merged,
            r#"[{"metric":{"a":"1","b":"\u00e9"},"values":[[1,"1"],[2,"NaN"],[3,"3"]]},{"metric":{},"values":[[5,"7"]],"histograms":[[1,{"count":"1"}],[4,{"count":"2"}]]},{"metric":{"c":"1"},"values":[[3,"0"]]}]"#
        );
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        for part in ["{}", "[1]", r#"[{"metric":{"a":1}}]"#, r#"[{"values":7}]"#, "[] x"] {
            assert_eq!(matrices(&["[]", part]).unwrap_err().0, part);
        }
    }

    proptest! {
        #[test]
        fn a_matrix_cut_in_parts_is_put_together_again(
            series in proptest::collection::btree_map("[a-c]{1,2}", proptest::collection::btree_set(0..40_u32, 1..30), 0..6),
            cuts in proptest::collection::btree_set(0..40_u32, 0..4),
        ) {
            let matrix = |from: u32, to: u32| -> Value {
                series
                    .iter()
                    .filter_map(|(label, points)| {
                        let values: Vec<Value> = points.range(from..to).map(|at| json!([at, at.to_string()])).collect();
                        (!values.is_empty()).then(|| json!({"metric": {"l": label}, "values": values}))
                    })
                    .collect()
            };
            let edges: Vec<u32> = [0].into_iter().chain(cuts).chain([40]).collect();
            let parts: Vec<String> = edges.windows(2).map(|edge| matrix(edge[0], edge[1]).to_string()).collect();
            let merged = matrices(&parts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            let mut merged: Vec<Value> = serde_json::from_str(&merged).unwrap();
            merged.sort_by_key(|series| series["metric"]["l"].as_str().unwrap().to_owned());
            prop_assert_eq!(Value::Array(merged), matrix(0, 40));
        }
    }
}

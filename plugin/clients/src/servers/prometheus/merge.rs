//! Merges the responses to the parts of a range, series by series. Samples are passed through
//! unparsed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::values::Labels;

/// A series of a matrix.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Series<'a> {
    metric: Labels,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    values: Vec<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    histograms: Vec<&'a RawValue>,
}

/// Merges matrices without common timestamps, given in order of time. Series keep the order of
/// their first appearance. The error names the part that is not a matrix.
pub(super) fn matrices<'a>(parts: &[&'a RawValue]) -> Result<Box<RawValue>, (&'a str, serde_json::Error)> {
    let mut places: BTreeMap<Labels, usize> = BTreeMap::new();
    let mut all: Vec<Series> = Vec::new();
    for part in parts {
        let part = part.get();
        let more: Option<Vec<Series>> = serde_json::from_str(part).map_err(|problem| (part, problem))?;
        for series in more.into_iter().flatten() {
            match places.get(&series.metric).and_then(|place| all.get_mut(*place)) {
                Some(joined) => {
                    joined.values.extend(series.values);
                    joined.histograms.extend(series.histograms);
                }
                None => {
                    places.insert(series.metric.clone(), all.len());
                    all.push(series);
                }
            }
        }
    }
    to_raw_value(&all).map_err(|problem| ("", problem))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn merged<S: AsRef<str>>(parts: &[S]) -> Result<String, String> {
        let parts: Vec<&RawValue> = parts.iter().map(|part| serde_json::from_str(part.as_ref()).unwrap()).collect();
        matrices(&parts).map(|joined| joined.get().to_owned()).map_err(|(part, _)| part.to_owned())
    }

    #[test]
    fn series_are_joined_whatever_the_order_of_their_labels() {
        let merged = merged(&[
            r#"[{"metric":{"a":"1","b":"\u00e9"},"values":[[1,"1"],[2,"NaN"]]},{"metric":{},"histograms":[[1,{"count":"1"}]]}]"#,
            "null",
            r#"[ {"values":[ [3,"3"] ],"metric":{"b":"é","a":"1"}}, {"metric":{"c":"1"},"values":[[3,"0"]],"histograms":[]} ]"#,
            r#"[{"metric":{},"histograms":[[4,{"count":"2"}]],"values":[[5,"7"]]}]"#,
        ])
        .unwrap();
        assert_eq!(
            merged,
            r#"[{"metric":{"a":"1","b":"é"},"values":[[1,"1"],[2,"NaN"],[3,"3"]]},{"metric":{},"values":[[5,"7"]],"histograms":[[1,{"count":"1"}],[4,{"count":"2"}]]},{"metric":{"c":"1"},"values":[[3,"0"]]}]"#
        );
    }

    #[test]
    fn other_results_are_rejected() {
        for part in ["{}", "[1]", r#"[{"metric":{"a":1}}]"#, r#"[{"values":7}]"#] {
            assert_eq!(merged(&["[]", part]).unwrap_err(), part);
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_matrix_merge_to_the_matrix(
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
            let merged = merged(&parts).unwrap();
            let mut merged: Vec<Value> = serde_json::from_str(&merged).unwrap();
            merged.sort_by_key(|series| series["metric"]["l"].as_str().unwrap().to_owned());
            prop_assert_eq!(Value::Array(merged), matrix(0, 40));
        }
    }
}

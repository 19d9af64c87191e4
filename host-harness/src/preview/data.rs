//! Parses query results into series with legend names and reduces them to single values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::Target;

/// Maximum length of a legend name, in characters.
const MAX_NAME_LEN: usize = 300;

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Unix seconds and values, in order of time. Values may be NaN or infinite.
    pub(super) points: Vec<(f64, f64)>,
}

impl Series {
    /// The last finite value.
    pub(super) fn last(&self) -> Option<f64> {
        self.finite_values().last()
    }

    fn finite_values(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite())
    }

    /// Reduces the series with one of Grafana's calculations.
    pub(super) fn reduced(&self, calc: &str) -> Option<f64> {
        let count = self.finite_values().count() as f64;
        let sum = self.finite_values().sum::<f64>();
        let first = self.finite_values().next();
        let last = self.last();
        match calc {
            "min" => self.finite_values().reduce(f64::min),
            "max" => self.finite_values().reduce(f64::max),
            "mean" => Some(sum / count).filter(|mean| mean.is_finite()),
            "sum" => first.map(|_| sum),
            "count" => Some(count),
            "first" | "firstNotNull" => first,
            "range" => Some(self.finite_values().reduce(f64::max)? - self.finite_values().reduce(f64::min)?),
            "diff" => Some(last? - first?),
            "delta" => first.map(|first| {
                // A decrease is a counter reset.
                let mut before = first;
                self.finite_values().fold(0.0, |sum, value| {
                    let more = if value < before { value } else { value - before };
                    before = value;
                    sum + more
                })
            }),
            _ => last,
        }
    }
}

/// Parses the series of a query's response.
pub(super) fn read(response: &Value, target: &Target, query: &str) -> Result<Vec<Series>, String> {
    let result = response.pointer("/result/query_result").unwrap_or(&Value::Null);
    let kind = result.get("resultType").and_then(Value::as_str).unwrap_or_default();
    let data = result.get("result").unwrap_or(&Value::Null);
    if kind == "scalar" {
        let points = point(data).into_iter().collect();
        return Ok(vec![Series { name: name(target, &BTreeMap::new(), query), labels: BTreeMap::new(), points }]);
    }
    let (Value::Array(items), "vector" | "matrix") = (data, kind) else {
        return Err(format!("the result is a {kind:?}; expected a vector, a matrix or a scalar"));
    };
    if items.iter().any(|item| item.get("histogram").is_some() || item.get("histograms").is_some()) {
        return Err("native histograms are not supported; query a quantile, a sum or a count".into());
    }
    let series = items.iter().map(|item| {
        let labels: BTreeMap<String, String> = item
            .get("metric")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let points = match item.get("values").and_then(Value::as_array) {
            Some(values) => values.iter().filter_map(point).collect(),
            None => item.get("value").and_then(point).into_iter().collect(),
        };
        Series { name: name(target, &labels, query), labels, points }
    });
    Ok(series.collect())
}

fn point(value: &Value) -> Option<(f64, f64)> {
    Some((value.get(0)?.as_f64()?, value.get(1)?.as_str()?.parse().ok()?))
}

/// The legend name, by default the metric name and labels.
fn name(target: &Target, labels: &BTreeMap<String, String>, query: &str) -> String {
    let mut name = String::new();
    if matches!(target.legend.as_str(), "" | "__auto") {
        let pairs: Vec<String> = labels
            .iter()
            .filter(|(name, _)| *name != "__name__")
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        name.push_str(labels.get("__name__").map_or("", String::as_str));
        if !pairs.is_empty() {
            name.push_str(&format!("{{{}}}", pairs.join(", ")));
        }
        if name.is_empty() {
            name.push_str(query);
        }
    } else {
        let mut rest = target.legend.as_str();
        while let Some((before, (label, after))) =
            rest.split_once("{{").and_then(|(before, from)| Some((before, from.split_once("}}")?)))
        {
            name.push_str(before);
            name.push_str(labels.get(label.trim()).map_or("", String::as_str));
            rest = after;
        }
        name.push_str(rest);
    }
    name.chars().take(MAX_NAME_LEN).collect()
}

/// The contents of a panel.
pub(super) enum Shown {
    Data(Vec<Series>),
    Problem(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(legend: &str) -> Target {
        Target { legend: legend.into(), ..Target::default() }
    }

    #[test]
    fn a_legend_names_a_series() {
        let response = json!({"result": {"query_result": {"resultType": "vector", "result": [
            {"metric": {"__name__": "x", "a": "1", "b": "<2>"}, "value": [10.5, "3"]}]}}});
        let name = |legend| read(&response, &target(legend), "q").unwrap()[0].name.clone();
        assert_eq!(name("{{ a }} of {{b}} {{c}}!"), "1 of <2> !");
        assert_eq!(name(""), "x{a=\"1\", b=\"<2>\"}");
        assert_eq!(name("{{a"), "{{a");
        let scalar = json!({"result": {"query_result": {"resultType": "scalar", "result": [10, "NaN"]}}});
        let series = read(&scalar, &target("__auto"), "1/0").unwrap();
        assert_eq!((series[0].name.as_str(), series[0].last()), ("1/0", None));
        assert!(read(&json!({}), &target(""), "q").is_err());
    }

    #[test]
    fn series_are_reduced_by_calculation() {
        let points = [1.0, 5.0, f64::NAN, 2.0, f64::INFINITY].iter().map(|value| (0.0, *value)).collect();
        let series = Series { name: String::new(), labels: BTreeMap::new(), points };
        for (calc, wanted) in [
            ("lastNotNull", 2.0),
            ("min", 1.0),
            ("max", 5.0),
            ("sum", 8.0),
            ("count", 3.0),
            ("first", 1.0),
            ("range", 4.0),
            ("diff", 1.0),
            ("delta", 6.0),
            ("else", 2.0),
        ] {
            assert_eq!(series.reduced(calc), Some(wanted), "{calc}");
        }
        let none = Series { points: Vec::new(), ..series };
        assert_eq!((none.reduced("mean"), none.reduced("delta"), none.reduced("range")), (None, None, None));
    }
}

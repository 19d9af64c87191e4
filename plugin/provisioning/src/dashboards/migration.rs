//! Panel types that Grafana has no more, as those that took their place.
//!
//! What is taken over is what the dashboards in the field set: units, decimals, bounds, stacking, fill, thresholds, the value
//! that is shown. The rest of an old panel's own settings has no counterpart, and is dropped.

use super::tree::{Map, Tree};

/// The panel types that come with Grafana 9 to 13.
const TYPES: [&str; 29] = [
    "alertlist",
    "annolist",
    "barchart",
    "bargauge",
    "candlestick",
    "canvas",
    "dashlist",
    "datagrid",
    "debug",
    "flamegraph",
    "gauge",
    "geomap",
    "heatmap",
    "histogram",
    "logs",
    "news",
    "nodeGraph",
    "piechart",
    "row",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "text",
    "timeseries",
    "traces",
    "trend",
    "welcome",
    "xychart",
];

/// Settings of the old panels that mean nothing to the new ones.
const OLD: &[&str] = &[
    "aliasColors",
    "bars",
    "colorBackground",
    "colorPostfix",
    "colorPrefix",
    "colorValue",
    "colors",
    "columns",
    "combine",
    "dashLength",
    "dashes",
    "decimals",
    "fill",
    "fillGradient",
    "fontSize",
    "format",
    "gauge",
    "hiddenSeries",
    "legend",
    "legendType",
    "lines",
    "linewidth",
    "mappingType",
    "mappingTypes",
    "nullPointMode",
    "nullText",
    "pageSize",
    "percentage",
    "pieType",
    "pointradius",
    "points",
    "postfix",
    "postfixFontSize",
    "prefix",
    "prefixFontSize",
    "rangeMaps",
    "renderer",
    "scroll",
    "seriesOverrides",
    "showHeader",
    "sort",
    "spaceLength",
    "sparkline",
    "stack",
    "steppedLine",
    "strokeWidth",
    "styles",
    "tableColumn",
    "thresholds",
    "timeRegions",
    "tooltip",
    "transform",
    "valueFontSize",
    "valueMaps",
    "valueName",
    "xaxis",
    "yaxes",
    "yaxis",
];

/// Brings a panel to a type that Grafana has, and says in one line what was done; none where nothing had to be.
pub(super) fn migrate(panel: &mut Map) -> Option<String> {
    let Some(kind) = panel.text("type").map(str::to_owned) else {
        panel.set("type", "timeseries");
        return Some("has no type; it became timeseries".into());
    };
    let flag = |panel: &Map, name: &str| panel.get(name) == Some(&Tree::Flag(true));
    let new =
        match &*kind {
            "graph" => match panel.map("xaxis").and_then(|axis| axis.text("mode")) {
                Some("histogram") => "histogram",
                Some("series") => "barchart",
                _ => "timeseries",
            },
            "singlestat" | "grafana-singlestat-panel" => {
                if panel.map("gauge").is_some_and(|gauge| flag(gauge, "show")) { "gauge" } else { "stat" }
            }
            "table-old" => "table",
            "pie" | "grafana-piechart-panel" => "piechart",
            known if TYPES.contains(&known) => return None,
            other => {
                let other = plugpipe_contract::error::excerpt(other, 100);
                return Some(format!(
                    "the type {other:?} does not come with Grafana; its plugin must be installed there"
                ));
            }
        };
    let mut defaults = Map::default();
    let mut custom = Map::default();
    let axis = panel.list("yaxes").first().and_then(|axis| match axis {
        Tree::Map(axis) => Some(axis.clone()),
        _ => None,
    });
    let axis = axis.unwrap_or_default();
    for (old, unit) in [(axis.text("format"), "unit"), (panel.text("format"), "unit"), (axis.text("label"), "label")] {
        match (old, unit) {
            (Some(unit), "unit") => defaults.set("unit", unit),
            (Some(label), _) => custom.set("axisLabel", label),
            (None, _) => {}
        }
    }
    let mut said = vec![format!("the type {kind} is gone from Grafana; it became {new}")];
    let gauge = panel.map("gauge").filter(|_| new == "gauge").cloned().unwrap_or_default();
    bounds(&axis, &gauge, panel, &mut defaults, &mut said);
    let mut options = Map::default();
    match new {
        "timeseries" => {
            if let Ok(Some(Tree::Number(fill))) = number(panel, "fill") {
                // From tenths to percent.
                let percent = fill.parse::<f64>().unwrap_or(0.0).clamp(0.0, 10.0) * 10.0;
                custom.set("fillOpacity", percent as u64);
            }
            if let Ok(Some(width)) = number(panel, "linewidth") {
                custom.set("lineWidth", width);
            }
            if flag(panel, "bars") {
                custom.set("drawStyle", "bars");
            }
            if flag(panel, "stack") {
                let mode = if flag(panel, "percentage") { "percent" } else { "normal" };
                custom.set("stacking", [("mode", mode.into()), ("group", "A".into())]);
            }
        }
        "stat" | "gauge" => {
            let calc = match panel.text("valueName") {
                Some("min") => "min",
                Some("max") => "max",
                Some("avg") => "mean",
                Some("total") => "sum",
                Some("first") => "firstNotNull",
                Some("delta") => "delta",
                Some("range") => "range",
                Some("diff") => "diff",
                _ => "lastNotNull",
            };
            options.set(
                "reduceOptions",
                [("values", false.into()), ("calcs", vec![calc.into()].into()), ("fields", "".into())],
            );
            if let Some(steps) = steps(panel) {
                defaults.set("thresholds", [("mode", "absolute".into()), ("steps", steps.into())]);
            }
        }
        "piechart" => {
            options.set("pieType", if panel.text("pieType") == Some("donut") { "donut" } else { "pie" });
            options.set(
                "reduceOptions",
                [("values", false.into()), ("calcs", vec!["lastNotNull".into()].into()), ("fields", "".into())],
            );
        }
        _ => {}
    }
    // The panel that has a new type's settings already keeps them.
    for name in OLD {
        panel.take(name);
    }
    panel.set("type", new);
    if custom.iter().next().is_some() {
        defaults.set("custom", custom);
    }
    if defaults.iter().next().is_some() {
        panel.set_default("fieldConfig", [("defaults", defaults.into()), ("overrides", Vec::new().into())]);
    }
    if options.iter().next().is_some() {
        panel.set_default("options", options);
    }
    Some(said.join("; "))
}

/// Takes over the bounds and decimals of an axis, a gauge or a panel. What is no number is told in
/// `said`.
fn bounds(axis: &Map, gauge: &Map, panel: &Map, defaults: &mut Map, said: &mut Vec<String>) {
    for (from, old, name) in [
        (axis, "min", "min"),
        (axis, "max", "max"),
        (gauge, "minValue", "min"),
        (gauge, "maxValue", "max"),
        (axis, "decimals", "decimals"),
        (panel, "decimals", "decimals"),
    ] {
        match number(from, old) {
            Ok(Some(number)) => defaults.set(name, number),
            Ok(None) => {}
            Err(text) => said.push(format!("{old} {text:?} is no number and was dropped")),
        }
    }
}

/// A number that the old panels kept as a number or as text; none where there is none, or `auto`.
/// Anything else is told.
fn number(of: &Map, name: &str) -> Result<Option<Tree>, String> {
    match of.get(name) {
        Some(number @ Tree::Number(_)) => Ok(Some(number.clone())),
        Some(Tree::Text(text)) if !matches!(text.trim(), "" | "auto") => {
            let finite = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            // Written again, because JSON takes fewer forms of a number.
            finite
                .map(|number| Some(Tree::Number(number.to_string())))
                .ok_or_else(|| plugpipe_contract::error::excerpt(text, 100))
        }
        _ => Ok(None),
    }
}

/// `thresholds: "50,80"` and `colors: [a, b, c]` as steps.
fn steps(panel: &Map) -> Option<Vec<Tree>> {
    let bounds: Vec<&str> = panel.text("thresholds")?.split(',').map(str::trim).collect();
    if bounds.iter().any(|bound| bound.parse::<f64>().map_or(true, |number| !number.is_finite())) {
        return None;
    }
    let colors = panel.list("colors");
    let color = |index: usize, usual: &str| match colors.get(index) {
        Some(color @ Tree::Text(_)) => color.clone(),
        _ => usual.into(),
    };
    let mut steps: Vec<Tree> = vec![[("color", color(0, "green")), ("value", Tree::Null)].into()];
    for (index, bound) in bounds.iter().enumerate() {
        // Written again, because JSON takes fewer forms of a number.
        let value = bound.parse::<f64>().unwrap_or(0.0).to_string();
        let usual = if index + 1 == bounds.len() { "red" } else { "orange" };
        steps.push([("color", color(index + 1, usual)), ("value", Tree::Number(value))].into());
    }
    Some(steps)
}

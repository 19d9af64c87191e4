//! Migrates panel types that Grafana has removed to their successors.
//!
//! Migrated are the settings used in practice: units, decimals, bounds, stacking, fill, thresholds,
//! the displayed value. Other settings of the old panel have no counterpart and are dropped.

use super::members::{Map, Members as _};
use plugpipe_contract::error::excerpt;
use serde_json::{Number, Value, json};

/// The panel types included in Grafana 9 to 13.
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

/// Settings of old panels that are meaningless in the new ones.
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

/// Migrates a panel to a current type, and returns a one-line summary; `None` if nothing changed.
pub(super) fn migrate(panel: &mut Map) -> Option<String> {
    let Some(kind) = panel.text("type").map(str::to_owned) else {
        panel.set("type", "timeseries");
        return Some("has no type; timeseries is used".into());
    };
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
                let other = excerpt(other, 100);
                return Some(format!(
                    "the type {other:?} is not included in Grafana; its plugin must be installed there"
                ));
            }
        };
    let mut defaults = Map::default();
    let mut custom = Map::default();
    let axis = panel.list("yaxes").first().and_then(Value::as_object).cloned().unwrap_or_default();
    for (old, unit) in [(axis.text("format"), "unit"), (panel.text("format"), "unit"), (axis.text("label"), "label")] {
        match (old, unit) {
            (Some(unit), "unit") => defaults.set("unit", unit),
            (Some(label), _) => custom.set("axisLabel", label),
            (None, _) => {}
        }
    }
    let mut notes = vec![format!("the type {kind} was removed from Grafana; it was converted to {new}")];
    let gauge = panel.map("gauge").filter(|_| new == "gauge").cloned().unwrap_or_default();
    bounds(&axis, &gauge, panel, &mut defaults, &mut notes);
    let mut options = Map::default();
    convert(panel, new, &mut options, &mut defaults, &mut custom);
    // If the panel already has settings of the new type, they are kept.
    for name in OLD {
        panel.remove(*name);
    }
    panel.set("type", new);
    if !custom.is_empty() {
        defaults.set("custom", custom);
    }
    if !defaults.is_empty() {
        panel.set_default("fieldConfig", json!({"defaults": defaults, "overrides": []}));
    }
    if !options.is_empty() {
        panel.set_default("options", options);
    }
    Some(notes.join("; "))
}

fn flag(panel: &Map, name: &str) -> bool {
    panel.get(name) == Some(&Value::Bool(true))
}

/// Converts the settings of a panel to those of its new type.
fn convert(panel: &Map, new: &str, options: &mut Map, defaults: &mut Map, custom: &mut Map) {
    match new {
        "timeseries" => {
            if let Ok(Some(fill)) = number(panel, "fill") {
                // From tenths to percent.
                let percent = fill.as_f64().unwrap_or(0.0).clamp(0.0, 10.0) * 10.0;
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
                custom.set("stacking", json!({"mode": mode, "group": "A"}));
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
            options.set("reduceOptions", json!({"values": false, "calcs": [calc], "fields": ""}));
            if let Some(steps) = steps(panel) {
                defaults.set("thresholds", json!({"mode": "absolute", "steps": steps}));
            }
        }
        "piechart" => {
            options.set("pieType", if panel.text("pieType") == Some("donut") { "donut" } else { "pie" });
            options.set("reduceOptions", json!({"values": false, "calcs": ["lastNotNull"], "fields": ""}));
        }
        _ => {}
    }
}

/// Copies the bounds and decimals of an axis, a gauge or a panel. Invalid numbers are reported in
/// `notes`.
fn bounds(axis: &Map, gauge: &Map, panel: &Map, defaults: &mut Map, notes: &mut Vec<String>) {
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
            Err(text) => notes.push(format!("{old} {text:?} is not a number and was dropped")),
        }
    }
}

/// A number stored as a number or string; `None` if missing or `auto`. Other strings are errors.
fn number(of: &Map, name: &str) -> Result<Option<Number>, String> {
    match of.get(name) {
        Some(Value::Number(number)) => Ok(Some(number.clone())),
        Some(Value::String(text)) if !matches!(text.trim(), "" | "auto") => {
            parsed(text).map(Some).ok_or_else(|| excerpt(text, 100))
        }
        _ => Ok(None),
    }
}

/// Parses a finite number; an integer stays one.
fn parsed(text: &str) -> Option<Number> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    // Reformat, because JSON allows fewer forms.
    number.to_string().parse().ok()
}

/// Converts `thresholds: "50,80"` and `colors: [a, b, c]` to steps.
fn steps(panel: &Map) -> Option<Vec<Value>> {
    let bounds: Vec<Number> = panel.text("thresholds")?.split(',').map(parsed).collect::<Option<_>>()?;
    let colors = panel.list("colors");
    let color = |index: usize, usual: &'static str| colors.get(index).and_then(Value::as_str).unwrap_or(usual);
    let mut steps = vec![json!({"color": color(0, "green"), "value": null})];
    for (index, bound) in bounds.iter().enumerate() {
        let usual = if index + 1 == bounds.len() { "red" } else { "orange" };
        steps.push(json!({"color": color(index + 1, usual), "value": bound}));
    }
    Some(steps)
}

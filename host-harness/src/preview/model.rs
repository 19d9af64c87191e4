//! Parses the parts of a dashboard's JSON model that a preview needs. Missing or invalid members
//! are ignored; only a document without panels is an error.

use std::collections::BTreeMap;
use std::time::Duration;

use plugpipe_time::PrometheusDuration;
use serde_json::Value;

use crate::CommandError;

/// Maximum number of panels drawn per dashboard.
pub const MAX_PANELS: usize = 200;

/// Columns of Grafana's grid.
pub(super) const COLUMNS: u32 = 24;

/// Maximum row of a panel.
const MAX_ROW: u64 = 20_000;

pub(super) struct Dashboard {
    pub(super) title: String,
    pub(super) description: String,
    /// `time.from` and `time.to`.
    time: Option<(String, String)>,
    pub(super) variables: Vec<Variable>,
    pub(super) panels: Vec<Panel>,
    /// Number of panels beyond [`MAX_PANELS`].
    pub(super) left_out: usize,
}

pub(super) struct Variable {
    pub(super) name: String,
    /// The selected values; empty if unknown.
    pub(super) current: Vec<String>,
    /// The value for "All".
    pub(super) all: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) grid: Grid,
    pub(super) targets: Vec<Target>,
    pub(super) unit: String,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) decimals: Option<usize>,
    /// Lower bounds and their colors; the first bound is negative infinity.
    pub(super) thresholds: Vec<(f64, String)>,
    /// The reducing calculation, such as `lastNotNull`.
    pub(super) calc: String,
    /// The content of a text panel.
    pub(super) content: String,
    pub(super) donut: bool,
    /// Fixed colors, by the series' name.
    pub(super) colors: BTreeMap<String, String>,
    /// Colors of a table's cells, by column and text.
    pub(super) cells: BTreeMap<(String, String), String>,
    /// Headings of a table's columns, by label.
    pub(super) headings: BTreeMap<String, String>,
}

/// In columns and rows.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Grid {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) expression: String,
    pub(super) legend: String,
    pub(super) instant: bool,
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A string or a list of strings.
fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

impl Dashboard {
    pub(super) fn read(model: &Value) -> Result<Self, CommandError> {
        let Some(panels) = model.get("panels").and_then(Value::as_array) else {
            return Err(CommandError::Input {
                what: "the dashboard".into(),
                problem: "has no list of panels; expected Grafana's classic JSON model".into(),
            });
        };
        let time = [text(model, "/time/from"), text(model, "/time/to")];
        Ok(Self {
            title: text(model, "/title"),
            description: text(model, "/description"),
            time: Some(time).filter(|[from, _]| !from.is_empty()).map(|[from, to]| (from, to)),
            variables: list(model, "/templating/list").iter().map(Variable::read).collect(),
            panels: panels.iter().take(MAX_PANELS).map(Panel::read).collect(),
            left_out: panels.len().saturating_sub(MAX_PANELS),
        })
    }

    /// The length of a time range that ends now.
    pub(super) fn range(&self) -> Result<Option<Duration>, CommandError> {
        let Some((from, to)) = &self.time else { return Ok(None) };
        let range = from.strip_prefix("now-").and_then(|text| text.parse().ok()).map(PrometheusDuration::get);
        match range.filter(|_| matches!(to.as_str(), "" | "now")) {
            Some(range) => Ok(Some(range)),
            None => Err(CommandError::Input {
                what: "the dashboard's time".into(),
                problem: format!(
                    "{from:?} to {to:?} is not supported; expected a range such as now-1h to now; set the range with --range"
                ),
            }),
        }
    }
}

impl Variable {
    fn read(value: &Value) -> Self {
        let kind = text(value, "/type");
        let mut current = strings(value.pointer("/current/value"));
        // Until it is first viewed, the value of a constant or text box is only in its query.
        if current.is_empty() && matches!(kind.as_str(), "constant" | "textbox") {
            current = strings(value.get("query"));
        }
        let all = Some(text(value, "/allValue")).filter(|text| !text.is_empty());
        Self { name: text(value, "/name"), current, all }
    }
}

impl Panel {
    fn read(value: &Value) -> Self {
        let integer = |pointer: &str, low: u64, high: u64, default: u64| {
            let number = value.pointer(pointer).and_then(Value::as_u64).unwrap_or(default).clamp(low, high);
            // Fits, because `high` is at most `MAX_ROW`.
            u32::try_from(number).unwrap_or_default()
        };
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_f64);
        let kind = text(value, "/type");
        let x = integer("/gridPos/x", 0, u64::from(COLUMNS) - 1, 0);
        let grid = Grid {
            x,
            y: integer("/gridPos/y", 0, MAX_ROW, 0),
            w: integer("/gridPos/w", 1, u64::from(COLUMNS - x), 12),
            h: integer("/gridPos/h", 1, 100, 8),
        };
        let steps = list(value, "/fieldConfig/defaults/thresholds/steps");
        let (colors, cells) = overrides(value);
        let calc = strings(value.pointer("/options/reduceOptions/calcs"));
        Self {
            title: text(value, "/title"),
            description: text(value, "/description"),
            grid,
            targets: list(value, "/targets").iter().filter_map(Target::read).collect(),
            unit: text(value, "/fieldConfig/defaults/unit"),
            min: number("/fieldConfig/defaults/min"),
            max: number("/fieldConfig/defaults/max"),
            decimals: number("/fieldConfig/defaults/decimals").map(|number| number.clamp(0.0, 10.0) as usize),
            thresholds: steps
                .iter()
                .map(|step| {
                    (step.get("value").and_then(Value::as_f64).unwrap_or(f64::NEG_INFINITY), text(step, "/color"))
                })
                .collect(),
            calc: calc.into_iter().next().unwrap_or_else(|| "lastNotNull".into()),
            content: text(value, "/options/content"),
            donut: text(value, "/options/pieType") == "donut",
            colors,
            cells,
            headings: headings(value),
            kind,
        }
    }
}

/// The colors of overrides by name: those of series, and those of a table's cells.
fn overrides(panel: &Value) -> (BTreeMap<String, String>, BTreeMap<(String, String), String>) {
    let (mut colors, mut cells) = (BTreeMap::new(), BTreeMap::new());
    let by_name = list(panel, "/fieldConfig/overrides").iter().filter(|one| text(one, "/matcher/id") == "byName");
    for one in by_name {
        let name = text(one, "/matcher/options");
        for property in list(one, "/properties") {
            match text(property, "/id").as_str() {
                "color" => drop(colors.insert(name.clone(), text(property, "/value/fixedColor"))),
                "mappings" => {
                    let mappings = list(property, "/value").iter().filter_map(|one| one.get("options")?.as_object());
                    for (value, shown) in mappings.flatten() {
                        cells.insert((name.clone(), value.clone()), text(shown, "/color"));
                    }
                }
                _ => {}
            }
        }
    }
    (colors, cells)
}

/// The names that the transformation `organize` gives to columns.
fn headings(panel: &Value) -> BTreeMap<String, String> {
    let organize = list(panel, "/transformations").iter().filter(|one| text(one, "/id") == "organize");
    let names = organize.filter_map(|one| one.pointer("/options/renameByName")?.as_object()).flatten();
    names.filter_map(|(label, heading)| Some((label.clone(), heading.as_str()?.to_owned()))).collect()
}

impl Target {
    /// A Prometheus query that is not hidden.
    fn read(value: &Value) -> Option<Self> {
        let expression = text(value, "/expr");
        let flag = |name: &str| value.get(name) == Some(&Value::Bool(true));
        let foreign =
            value.pointer("/datasource/type").and_then(Value::as_str).is_some_and(|kind| kind != "prometheus");
        (!expression.trim().is_empty() && !flag("hide") && !foreign).then(|| Self {
            expression,
            legend: text(value, "/legendFormat"),
            instant: flag("instant") && !flag("range"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn invalid_members_are_clamped_or_ignored() {
        let dashboard = Dashboard::read(&json!({
            "title": 3, "time": {"from": "now-6h", "to": "now"},
            "panels": [
                {"type": "stat", "gridPos": {"x": 99, "y": 1e30, "w": -4, "h": 5000}, "targets": [
                    {"expr": ""}, {"expr": "up", "hide": true}, {"expr": "up", "datasource": {"type": "loki"}}, {"expr": "up", "instant": true}]},
                "no panel",
            ],
        }))
        .unwrap();
        let grid = dashboard.panels[0].grid;
        assert_eq!((grid.x, grid.y, grid.w, grid.h), (23, 0, 1, 100));
        assert_eq!((dashboard.panels[0].targets.len(), dashboard.panels[0].targets[0].instant), (1, true));
        assert_eq!(dashboard.range().unwrap(), Some(Duration::from_secs(6 * 3_600)));
        assert!(Dashboard::read(&json!({"title": "a"})).is_err());
    }

    #[test]
    fn colors_and_headings_are_read() {
        let panel = Panel::read(&json!({
            "fieldConfig": {"overrides": [
                {"matcher": {"id": "byName", "options": "failure"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}]},
                {"matcher": {"id": "byName", "options": "Outcome"}, "properties": [
                    {"id": "mappings", "value": [{"type": "value", "options": {"failure": {"color": "red"}}}, 3]}]},
                {"matcher": {"id": "byRegexp", "options": ".*"}, "properties": [{"id": "color", "value": {"fixedColor": "blue"}}]},
            ]},
            "transformations": [{"id": "organize", "options": {"renameByName": {"status": "Outcome", "x": 3}}}],
        }));
        assert_eq!((panel.colors.len(), panel.colors["failure"].as_str()), (1, "red"));
        assert_eq!(panel.cells[&("Outcome".into(), "failure".into())], "red");
        assert_eq!(panel.headings.into_iter().collect::<Vec<_>>(), [("status".into(), "Outcome".into())]);
    }

    #[test]
    fn an_unsupported_time_range_error_names_the_option() {
        for time in [
            json!({"from": "2024-01-01", "to": "now"}),
            json!({"from": "now-1h", "to": "now-5m"}),
            json!({"from": "now/d"}),
        ] {
            let dashboard = Dashboard::read(&json!({"panels": [], "time": time})).unwrap();
            assert!(dashboard.range().unwrap_err().to_string().contains("--range"));
        }
    }
}

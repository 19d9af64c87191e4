//! Lays out panels on Grafana's grid of 24 columns.

use super::members::{Map, Members as _};
use serde_json::{Value, json};

/// Columns of the grid.
const COLUMNS: u64 = 24;

/// The maximum height of a panel that is considered valid.
const HIGHEST: u64 = 1_000;

/// A panel's position and size, if complete and valid.
fn place(panel: &Map) -> Option<(u64, u64, u64, u64)> {
    let grid = panel.map("gridPos")?;
    let (x, y) = (whole(grid, "x")?, whole(grid, "y")?);
    let (w, h) = size(grid)?;
    (x + w <= COLUMNS && y < 1_000_000_000).then_some((x, y, w, h))
}

fn whole(grid: &Map, name: &str) -> Option<u64> {
    grid.get(name)?.as_u64()
}

fn size(grid: &Map) -> Option<(u64, u64)> {
    let (w, h) = (whole(grid, "w")?, whole(grid, "h")?);
    ((1..=COLUMNS).contains(&w) && (1..=HIGHEST).contains(&h)).then_some((w, h))
}

/// The default width and height.
fn usual(kind: &str) -> (u64, u64) {
    match kind {
        "row" => (COLUMNS, 1),
        "stat" | "gauge" => (6, 4),
        "text" => (COLUMNS, 4),
        _ => (12, 8),
    }
}

/// Places panels without a position from left to right, below those that have one. Given sizes are
/// kept.
pub(super) fn lay_out(panels: &mut [Value]) {
    let places = panels.iter().filter_map(Value::as_object).filter_map(place);
    let mut y = places.map(|(_, y, _, h)| y + h).max().unwrap_or(0);
    let (mut x, mut line) = (0, 0);
    for panel in panels.iter_mut().filter_map(Value::as_object_mut) {
        if place(panel).is_some() {
            continue;
        }
        let given = panel.map("gridPos").and_then(size);
        let (w, h) = given.unwrap_or_else(|| usual(panel.text("type").unwrap_or_default()));
        if x + w > COLUMNS {
            y += line;
            (x, line) = (0, 0);
        }
        panel.set("gridPos", json!({"h": h, "w": w, "x": x, "y": y}));
        x += w;
        line = line.max(h);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn panel(kind: &str, grid: Option<[u64; 4]>) -> Value {
        let grid = grid.map(|[h, w, x, y]| json!({"h": h, "w": w, "x": x, "y": y}));
        json!({"type": kind, "gridPos": grid})
    }

    fn places(panels: &[Value]) -> Vec<(u64, u64, u64, u64)> {
        panels.iter().map(|panel| place(panel.as_object().unwrap()).unwrap()).collect()
    }

    #[test]
    fn panels_flow_below_those_with_a_position() {
        let mut panels = [
            panel("timeseries", None),
            panel("stat", Some([4, 6, 18, 2])),
            panel("stat", None),
            panel("row", None),
            panel("table", None),
        ];
        lay_out(&mut panels);
        assert_eq!(places(&panels), [(0, 6, 12, 8), (18, 2, 6, 4), (12, 6, 6, 4), (0, 14, 24, 1), (0, 15, 12, 8)]);
    }

    proptest! {
        #[test]
        fn placed_panels_do_not_overlap(kinds in proptest::collection::vec("stat|table|row|text|timeseries", 0..40)) {
            let mut panels: Vec<Value> = kinds.iter().map(|kind| panel(kind, None)).collect();
            lay_out(&mut panels);
            let places = places(&panels);
            for (index, (x, y, w, h)) in places.iter().enumerate() {
                prop_assert!(x + w <= COLUMNS);
                for (ox, oy, ow, oh) in places.iter().skip(index + 1) {
                    prop_assert!(x + w <= *ox || ox + ow <= *x || y + h <= *oy || oy + oh <= *y);
                }
            }
        }
    }
}

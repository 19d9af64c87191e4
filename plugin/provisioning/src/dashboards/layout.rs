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
        "table" => (COLUMNS, 8),
        _ => (12, 8),
    }
}

/// Places panels without a position below those that have one, from left to right. Given sizes are
/// kept. Neighbors of the same usual size share lines that fill the width.
pub(super) fn lay_out(panels: &mut [Value]) {
    let places = panels.iter().filter_map(Value::as_object).filter_map(place);
    let mut flow = Flow { y: places.map(|(_, y, _, h)| y + h).max().unwrap_or(0), x: 0, line: 0 };
    let mut alike: Vec<&mut Map> = Vec::new();
    for panel in panels.iter_mut().filter_map(Value::as_object_mut) {
        if place(panel).is_some() {
            continue;
        }
        let given = panel.map("gridPos").and_then(size);
        let usual = usual_of(panel);
        if given.is_some() || alike.first().is_some_and(|first| usual_of(first) != usual) {
            flow.fill(&mut alike);
        }
        match given {
            Some((w, h)) => flow.put(panel, w, h),
            None => alike.push(panel),
        }
    }
    flow.fill(&mut alike);
}

fn usual_of(panel: &Map) -> (u64, u64) {
    usual(panel.text("type").unwrap_or_default())
}

/// Where the next panel goes.
struct Flow {
    x: u64,
    y: u64,
    /// The height of the current line.
    line: u64,
}

impl Flow {
    fn put(&mut self, panel: &mut Map, w: u64, h: u64) {
        if self.x + w > COLUMNS {
            self.end_line();
        }
        panel.set("gridPos", json!({"h": h, "w": w, "x": self.x, "y": self.y}));
        self.x += w;
        self.line = self.line.max(h);
    }

    fn end_line(&mut self) {
        self.y += self.line;
        (self.x, self.line) = (0, 0);
    }

    /// Places panels of the same usual size in lines of their own. The lines have about the same
    /// number of panels, so that each fills the width.
    fn fill(&mut self, alike: &mut Vec<&mut Map>) {
        let Some((w, h)) = alike.first().map(|first| usual_of(first)) else { return };
        self.end_line();
        let lines = alike.len().div_ceil((COLUMNS / w) as usize);
        let (few, longer) = (alike.len() / lines, alike.len() % lines);
        let mut panels = alike.drain(..);
        for line in 0..lines {
            let count = few + usize::from(line < longer);
            for panel in panels.by_ref().take(count) {
                self.put(panel, COLUMNS / count as u64, h);
            }
            self.end_line();
        }
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
        assert_eq!(places(&panels), [(0, 6, 24, 8), (18, 2, 6, 4), (0, 14, 24, 4), (0, 18, 24, 1), (0, 19, 24, 8)]);
    }

    #[test]
    fn neighbors_share_lines_that_fill_the_width() {
        let widths = |kinds: &[&str]| -> Vec<(u64, u64)> {
            let mut panels: Vec<Value> = kinds.iter().map(|kind| panel(kind, None)).collect();
            lay_out(&mut panels);
            places(&panels).iter().map(|(_, y, w, _)| (*y, *w)).collect()
        };
        assert_eq!(widths(&["stat"; 5]), [(0, 8), (0, 8), (0, 8), (4, 12), (4, 12)]);
        assert_eq!(widths(&["timeseries", "piechart", "heatmap"]), [(0, 12), (0, 12), (8, 24)]);
        assert_eq!(widths(&["stat", "gauge", "timeseries", "table"]), [(0, 12), (0, 12), (4, 24), (12, 24)]);
        // Sizes that are given are kept, and the next line begins below them.
        let sized = json!({"type": "stat", "gridPos": {"w": 5, "h": 3}});
        let mut panels = [sized.clone(), sized, panel("timeseries", None)];
        lay_out(&mut panels);
        assert_eq!(places(&panels), [(0, 0, 5, 3), (5, 0, 5, 3), (0, 3, 24, 8)]);
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

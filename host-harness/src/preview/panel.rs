//! Draws one panel, by its type.

use super::data::{Series, Shown};
use super::model::Panel;
use super::svg::{self, Area, Font, Svg};
use super::units::{self, Scale};
use super::variables::Times;

/// Maximum number of series drawn per panel.
const MAX_SERIES: usize = 100;

/// Padding of a panel.
const PAD: f64 = 10.0;

const SMALL: f64 = 11.0;

/// Maximum number of characters in a paragraph.
const MAX_TEXT_LEN: usize = 2_000;

/// Height of a row in a legend or table.
const LINE_HEIGHT: f64 = 18.0;

pub(super) fn draw(svg: &mut Svg, place: Area, panel: &Panel, shown: &Shown, times: &Times) {
    svg.open(&panel.description);
    if panel.kind == "row" {
        svg.text(
            place.x + 2.0,
            place.y + place.h / 2.0 + 5.0,
            &svg::fitting(&panel.title, 14.0, place.w),
            &Font::of(14.0).bold(),
        );
        svg.close();
        return;
    }
    svg.rect(place, svg::PANEL, 3.0);
    let title = svg::fitting(&panel.title, 13.0, place.w - 2.0 * PAD);
    svg.text(place.x + PAD, place.y + 20.0, &title, &Font::of(13.0).bold());
    let inner = Area { x: place.x + PAD, y: place.y + 30.0, w: place.w - 2.0 * PAD, h: place.h - 30.0 - PAD };
    match shown {
        Shown::Problem(problem) => paragraph(svg, inner, problem, &Font::of(SMALL).color("#ee8f3b")),
        Shown::Data(_) if panel.kind == "text" => paragraph(svg, inner, &panel.content, &Font::of(12.0)),
        Shown::Data(_) if panel.targets.is_empty() => draw_message(svg, inner, "No Prometheus query"),
        Shown::Data(series) if series.iter().all(|one| one.last().is_none()) => draw_message(svg, inner, "No data"),
        Shown::Data(series) => match panel.kind.as_str() {
            "timeseries" => time_series(svg, inner, panel, series, times),
            "stat" | "gauge" | "bargauge" => stat(svg, inner, panel, series, times),
            "table" => table(svg, inner, panel, series),
            "piechart" => pie(svg, inner, panel, series),
            other => draw_message(svg, inner, &format!("{other} panels are not supported")),
        },
    }
    svg.close();
}

fn draw_message(svg: &mut Svg, area: Area, text: &str) {
    let text = svg::fitting(text, 13.0, area.w);
    svg.text(area.x + area.w / 2.0, area.y + area.h / 2.0 + 4.0, &text, &Font::of(13.0).dim().centered());
}

/// Draws word-wrapped text, as many lines as fit.
fn paragraph(svg: &mut Svg, area: Area, text: &str, font: &Font) {
    let lines = (area.h / LINE_HEIGHT).max(1.0) as usize;
    let mut written = 0;
    let mut line = String::new();
    let text: String = text.chars().take(MAX_TEXT_LEN).collect();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        line.push_str(word);
        let next = words.peek().map(|next| format!("{line} {next}"));
        let last = written + 1 >= lines;
        if next.is_some_and(|next| last || svg::width(&next, font.size) <= area.w) {
            line.push(' ');
            continue;
        }
        written += 1;
        svg.text(area.x, area.y + written as f64 * LINE_HEIGHT - 4.0, &svg::fitting(&line, font.size, area.w), font);
        line.clear();
    }
}

/// The color of a series, by its override or its place.
fn color_of(panel: &Panel, series: &Series, index: usize) -> String {
    let own = panel.colors.get(&series.name).and_then(|color| svg::named_color(color));
    own.unwrap_or_else(|| svg::series_color(index).into())
}

/// The threshold color of a value.
fn threshold_color(panel: &Panel, value: f64) -> String {
    let name = panel.thresholds.iter().rfind(|(from, _)| value >= *from).map_or("", |(_, name)| name.as_str());
    svg::named_color(name).unwrap_or_else(|| svg::INK.into())
}

/// Splits a series at gaps and non-finite values.
fn segments<'s>(series: &'s Series, times: &Times, width: f64) -> Vec<&'s [(f64, f64)]> {
    let step = times.for_width(width).step as f64;
    let mut parts = Vec::new();
    for run in series.points.split(|(_, value)| !value.is_finite()) {
        parts.extend(run.chunk_by(|(one, _), (next, _)| next - one <= step * 1.5));
    }
    parts
}

fn time_series(svg: &mut Svg, area: Area, panel: &Panel, series: &[Series], times: &Times) {
    let drawn: Vec<&Series> = series.iter().take(MAX_SERIES).collect();
    let left = legend(svg, area, panel, &drawn, series.len());
    let plot = Area { h: area.h - left, ..area };
    let values = || drawn.iter().flat_map(|one| &one.points).map(|(_, value)| *value).filter(|value| value.is_finite());
    let low = panel.min.unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
    let high = panel.max.unwrap_or_else(|| values().fold(f64::NEG_INFINITY, f64::max));
    let axis = units::ticks(low, high, &panel.unit, (plot.h / 38.0).clamp(2.0, 6.0));
    let margin = axis.ticks.iter().map(|(_, text)| svg::width(text, SMALL)).fold(0.0, f64::max) + 6.0;
    let plot = Area { x: plot.x + margin, w: plot.w - margin, y: plot.y + 4.0, h: plot.h - 24.0 };
    if plot.w < 20.0 || plot.h < 20.0 {
        return;
    }
    let y = |value: f64| plot.y + plot.h * (1.0 - ((value - axis.low) / (axis.high - axis.low)).clamp(0.0, 1.0));
    let x = |at: f64| plot.x + plot.w * ((at - times.start) / times.range_seconds()).clamp(0.0, 1.0);
    for (value, text) in &axis.ticks {
        svg.line((plot.x, y(*value)), (plot.x + plot.w, y(*value)), svg::LINE);
        svg.text(plot.x - 6.0, y(*value) + 4.0, text, &Font::of(SMALL).dim().right());
    }
    for (at, text) in units::time_ticks(times.start, times.end, plot.w / 90.0) {
        svg.line((x(at), plot.y), (x(at), plot.y + plot.h), svg::LINE);
        // Keep labels within the panel.
        let half = svg::width(&text, SMALL) / 2.0;
        let middle = x(at).max(plot.x - margin + half).min(plot.x + plot.w - half);
        svg.text(middle, plot.y + plot.h + 15.0, &text, &Font::of(SMALL).dim().centered());
    }
    for (index, one) in drawn.iter().enumerate() {
        let color = color_of(panel, one, index);
        for part in segments(one, times, area.w + 2.0 * PAD) {
            let points: Vec<(f64, f64)> = part.iter().map(|(at, value)| (x(*at), y(*value))).collect();
            // Fill the area only if there are few lines.
            if drawn.len() <= 4 {
                svg.area(&points, plot.y + plot.h, &color, 0.1);
            }
            svg.polyline(&points, &color, 1.6);
        }
    }
}

/// Draws the legend at the bottom and returns its height.
fn legend(svg: &mut Svg, area: Area, panel: &Panel, series: &[&Series], all: usize) -> f64 {
    let max = ((area.h / 4.0 / LINE_HEIGHT) as usize).clamp(1, 4);
    let mut lines: Vec<Vec<(String, String)>> = vec![Vec::new()];
    let mut used = 0.0;
    let mut listed = 0;
    for (index, one) in series.iter().enumerate() {
        let name = svg::fitting(&one.name, SMALL, area.w - 24.0);
        let wide = svg::width(&name, SMALL) + 32.0;
        // Leave room for the number of omitted series.
        let room = if lines.len() == max && index + 1 < all { area.w - 80.0 } else { area.w };
        if used + wide > room && used > 0.0 {
            if lines.len() == max {
                break;
            }
            lines.push(Vec::new());
            used = 0.0;
        }
        used += wide;
        listed += 1;
        if let Some(line) = lines.last_mut() {
            line.push((color_of(panel, one, index), name));
        }
    }
    let height = lines.len() as f64 * LINE_HEIGHT;
    let mut y = area.y + area.h - height + 13.0;
    let mut x = area.x;
    for line in &lines {
        x = area.x;
        for (color, name) in line {
            svg.rect(Area { x, y: y - 5.0, w: 14.0, h: 3.0 }, color, 1.0);
            svg.text(x + 19.0, y, name, &Font::of(SMALL).dim());
            x += svg::width(name, SMALL) + 32.0;
        }
        y += LINE_HEIGHT;
    }
    if listed < all {
        svg.text(x, y - LINE_HEIGHT, &format!("and {} more", all - listed), &Font::of(SMALL).dim());
    }
    height
}

fn stat(svg: &mut Svg, area: Area, panel: &Panel, series: &[Series], times: &Times) {
    // Keep tiles readable.
    let max = ((area.w / 70.0) as usize).max(1);
    let wide = area.w / series.len().min(max) as f64;
    for (index, one) in series.iter().take(max).enumerate() {
        let tile = Area { x: area.x + index as f64 * wide, w: wide, ..area };
        let Some(value) = one.reduced(&panel.calc) else { continue };
        let color = threshold_color(panel, value);
        if one.points.len() > 1 {
            sparkline(svg, tile, one, &color, times, area.w + 2.0 * PAD);
        }
        let text = units::write(value, &panel.unit, panel.decimals);
        let size = (tile.w * 0.9 / svg::width(&text, 1.0)).min(tile.h * 0.45).clamp(10.0, 40.0);
        let middle = tile.y + tile.h * 0.42 + size * 0.2;
        svg.text(tile.x + tile.w / 2.0, middle, &text, &Font::of(size).bold().color(&color).centered());
        if series.len() > 1 {
            let name = svg::fitting(&one.name, SMALL, tile.w - 8.0);
            svg.text(tile.x + tile.w / 2.0, middle + 16.0, &name, &Font::of(SMALL).dim().centered());
        }
    }
    if series.len() > max {
        let text = format!("and {} more", series.len() - max);
        svg.text(area.x + area.w, area.y + area.h, &text, &Font::of(SMALL).dim().right());
    }
}

fn sparkline(svg: &mut Svg, tile: Area, series: &Series, color: &str, times: &Times, width: f64) {
    let values = || series.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (top, height) = (tile.y + tile.h * 0.65, tile.h * 0.35);
    let part = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    for run in segments(series, times, width) {
        let points: Vec<(f64, f64)> = run
            .iter()
            .map(|(at, value)| {
                let x = tile.x + tile.w * ((at - times.start) / times.range_seconds()).clamp(0.0, 1.0);
                (x, top + height * (1.0 - part(*value)))
            })
            .collect();
        svg.area(&points, tile.y + tile.h, color, 0.15);
        svg.polyline(&points, color, 1.2);
    }
}

fn table(svg: &mut Svg, area: Area, panel: &Panel, series: &[Series]) {
    let mut names: Vec<&str> = Vec::new();
    for name in series.iter().flat_map(|one| one.labels.keys()) {
        if name != "__name__" && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.truncate(7);
    let wide = area.w / (names.len() + 1) as f64;
    let room = ((area.h / LINE_HEIGHT) as usize).saturating_sub(1).max(1);
    // The last line shows the number of omitted series.
    let rows = if series.len() > room { room - 1 } else { series.len() };
    let heading = |label| panel.headings.get(label).map_or(label, String::as_str);
    let line = |index: usize| area.y + index as f64 * LINE_HEIGHT + 12.0;
    let right = area.x + area.w;
    for (column, name) in names.iter().enumerate() {
        let name = svg::fitting(heading(name), SMALL, wide - 8.0);
        svg.text(area.x + column as f64 * wide, line(0), &name, &Font::of(SMALL).bold().dim());
    }
    svg.text(right, line(0), heading("Value"), &Font::of(SMALL).bold().dim().right());
    svg.line((area.x, line(0) + 5.0), (right, line(0) + 5.0), svg::LINE);
    for (row, one) in series.iter().take(rows).enumerate() {
        for (column, name) in names.iter().enumerate() {
            let text = one.labels.get(*name).map_or("", String::as_str);
            let color = panel.cells.get(&(heading(name).to_owned(), text.to_owned()));
            let color = color.and_then(|color| svg::named_color(color));
            let font = Font::of(SMALL).color(color.as_deref().unwrap_or(svg::INK));
            let text = svg::fitting(text, SMALL, wide - 8.0);
            svg.text(area.x + column as f64 * wide, line(row + 1), &text, &font);
        }
        let value = one.reduced(&panel.calc).unwrap_or(f64::NAN);
        // A single step says nothing of the value.
        let color = if panel.thresholds.len() > 1 { threshold_color(panel, value) } else { svg::INK.into() };
        let font = Font::of(SMALL).color(&color).right();
        svg.text(right, line(row + 1), &units::write(value, &panel.unit, panel.decimals), &font);
    }
    if rows < series.len() {
        svg.text(area.x, line(rows + 1), &format!("and {} more", series.len() - rows), &Font::of(SMALL).dim());
    }
}

fn pie(svg: &mut Svg, area: Area, panel: &Panel, series: &[Series]) {
    let mut slices: Vec<(&Series, f64)> = series
        .iter()
        .filter_map(|one| Some((one, one.reduced(&panel.calc)?)))
        .filter(|(_, value)| *value > 0.0)
        .take(MAX_SERIES)
        .collect();
    slices.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let sum: f64 = slices.iter().map(|(_, value)| value).sum();
    if slices.is_empty() || !sum.is_finite() {
        return draw_message(svg, area, "No positive values");
    }
    let radius = (area.h / 2.0).min(area.w / 4.0);
    let center = (area.x + radius, area.y + area.h / 2.0);
    let mut from = 0.0;
    for (index, (one, value)) in slices.iter().enumerate() {
        let to = from + value / sum;
        svg.slice(
            center,
            (if panel.donut { radius * 0.6 } else { 0.0 }, radius),
            from,
            to,
            &color_of(panel, one, index),
        );
        from = to;
    }
    let x = area.x + 2.0 * radius + 20.0;
    let room = ((area.h / LINE_HEIGHT) as usize).max(1);
    let rows = if slices.len() > room { room - 1 } else { slices.len() };
    let top = center.1 - rows.min(room) as f64 * LINE_HEIGHT / 2.0 + 12.0;
    let largest = slices.first().map_or(0.0, |(_, value)| *value);
    let scale = Scale::of(&panel.unit, largest);
    for (index, (one, value)) in slices.iter().take(rows).enumerate() {
        let y = top + index as f64 * LINE_HEIGHT;
        svg.rect(Area { x, y: y - 8.0, w: 10.0, h: 10.0 }, &color_of(panel, one, index), 2.0);
        let label = format!("{} ({:.0}%)", scale.write(*value, panel.decimals), value / sum * 100.0);
        let end = area.x + area.w;
        let name = svg::fitting(&one.name, SMALL, end - x - 24.0 - svg::width(&label, SMALL));
        svg.text(x + 16.0, y, &name, &Font::of(SMALL).dim());
        svg.text(end, y, &label, &Font::of(SMALL).right());
    }
    if rows < slices.len() {
        let text = format!("and {} more", slices.len() - rows);
        svg.text(x, top + rows as f64 * LINE_HEIGHT, &text, &Font::of(SMALL).dim());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    /// Draws every panel type in every size with no, equal, huge and non-finite values. The SVG
    /// never contains non-finite numbers.
    #[test]
    fn panels_are_drawn_for_any_size_and_values() {
        let times = Times::new(Duration::from_secs(10_000), Duration::from_secs(60), Duration::from_secs(15)).unwrap();
        let values: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[1.0, 1.0, 1.0],
            &[-5.0, 3.0, f64::NAN, 9.0],
            &[f64::INFINITY],
            &[1e308, -1e308],
            &[5e-324, 0.0],
        ];
        for kind in ["timeseries", "stat", "gauge", "table", "piechart", "text", "row", "else"] {
            for (w, h) in [(34.0, 30.0), (90.0, 30.0), (1_180.0, 290.0), (40.0, 3_000.0)] {
                for (count, bound) in [(1, None), (3, Some(7.0)), (300, None)] {
                    for numbers in values {
                        let series = |index: usize| Series {
                            name: format!("series {index} <☃>"),
                            labels: BTreeMap::from([("a".into(), index.to_string())]),
                            points: numbers
                                .iter()
                                .enumerate()
                                .map(|(at, value)| (9_940.0 + at as f64 * 15.0, *value))
                                .collect(),
                        };
                        let panel = Panel {
                            kind: kind.into(),
                            title: "t".into(),
                            unit: "percentunit".into(),
                            min: bound,
                            max: bound,
                            thresholds: vec![(f64::NEG_INFINITY, "green".into()), (1.0, "\"><script>".into())],
                            targets: vec![super::super::model::Target::default()],
                            content: "many words ".repeat(1_000),
                            ..Panel::default()
                        };
                        let mut svg = Svg::new(1_200.0, 400.0);
                        let shown = Shown::Data((0..count).map(series).collect());
                        draw(&mut svg, Area { x: 8.0, y: 8.0, w, h }, &panel, &shown, &times);
                        let text = svg.finish("t");
                        assert!(
                            !text.contains("=\"NaN") && !text.contains("=\"inf") && !text.contains("<script"),
                            "{text}"
                        );
                        assert_eq!(text.matches("<g>").count(), text.matches("</g>").count());
                    }
                }
            }
        }
    }
}

//! Charts for the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget as _};

use super::{Series, extent, frame, marked, scale, step};
use crate::printable;

/// Colors that are readable on light and dark backgrounds, the most distinct first, with their
/// escape sequences.
const COLORS: [(Color, &str); 6] = [
    (Color::LightBlue, "94"),
    (Color::Magenta, "35"),
    (Color::Red, "31"),
    (Color::Green, "32"),
    (Color::DarkGray, "90"),
    (Color::Cyan, "36"),
];

/// The letters of several series on their lines and in the legend.
const LETTERS: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(index: usize) -> char {
    LETTERS.get(index % LETTERS.len()).map_or('A', |letter| char::from(*letter))
}

/// Draws a chart with axes, and the legend below it. The time axis spans `range`, in Unix seconds,
/// or the times of the points. Several lines have letters, so that they are recognized without
/// colors. Returns an empty string if there are no points.
pub fn terminal(series: &[Series], range: Option<(f64, f64)>, columns: u16, rows: u16, colors: bool) -> String {
    let Some((times, values)) = frame(series, range) else { return String::new() };
    let step = step(series);
    let segments: Vec<(usize, Vec<(f64, f64)>)> = series
        .iter()
        .enumerate()
        .flat_map(|(index, series)| series.segments(step).into_iter().map(move |segment| (index, segment)))
        .collect();
    let markers: Vec<(usize, Vec<(f64, f64)>)> = match series {
        [_] => Vec::new(),
        many => many.iter().enumerate().map(|(at, one)| (at, marked(one, at, many.len(), times))).collect(),
    };
    let style =
        |index: usize| Style::new().fg(COLORS.get(index % COLORS.len()).map_or(Color::Reset, |(color, _)| *color));
    let line = |(index, points): &'_ (usize, Vec<(f64, f64)>)| {
        let kind = if points.len() > 1 { GraphType::Line } else { GraphType::Scatter };
        (*index, kind, Marker::Braille)
    };
    let drawn = segments.iter().map(|segment| (line(segment), &segment.1));
    // Letters are drawn last, over the lines.
    let letters =
        markers.iter().map(|(index, points)| ((*index, GraphType::Scatter, Marker::Custom(letter(*index))), points));
    let datasets = drawn
        .chain(letters)
        .map(|((index, kind, marker), points)| {
            Dataset::default().marker(marker).graph_type(kind).style(style(index)).data(points)
        })
        .collect();
    let marks = scale::ticks(values, usize::from(rows / 4).clamp(1, 6));
    let bounds = [marks.first().copied().unwrap_or(values.0), marks.last().copied().unwrap_or(values.1)];
    let labels = |wanted: u16| -> Vec<String> {
        (0..=wanted)
            .map(|index| times.0 + (times.1 - times.0) * f64::from(index) / f64::from(wanted))
            .map(|at| scale::time(at, times))
            .collect()
    };
    let chart = Chart::new(datasets)
        .x_axis(Axis::default().bounds([times.0, times.1]).labels(labels((columns / 24).clamp(1, 8))))
        .y_axis(
            Axis::default().bounds(bounds).labels(marks.iter().map(|mark| scale::number(*mark)).collect::<Vec<_>>()),
        );
    let area = Rect::new(0, 0, columns.max(20), rows.max(5));
    let mut buffer = Buffer::empty(area);
    chart.render(area, &mut buffer);
    let mut text = lines(&buffer, colors);
    let is_single = series.len() == 1;
    for (index, series) in series.iter().enumerate() {
        text.push_str(&format!(
            "{} {}\n",
            painted(&if is_single { "━━".into() } else { format!("━{}━", letter(index)) }, index, colors),
            fitting(&printable::line(&series.name), columns.saturating_sub(4))
        ));
    }
    text
}

fn lines(buffer: &Buffer, colors: bool) -> String {
    let mut text = String::new();
    for row in buffer.area.rows() {
        let mut line = String::new();
        let mut color = Color::Reset;
        for position in row.positions() {
            let Some(cell) = buffer.cell(position) else { continue };
            if colors && cell.fg != color {
                color = cell.fg;
                let sequence = COLORS.iter().find(|(own, _)| *own == color).map_or("0", |(_, sequence)| sequence);
                line.push_str(&format!("\x1b[{sequence}m"));
            }
            line.push_str(cell.symbol());
        }
        if color != Color::Reset {
            line.push_str("\x1b[0m");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn painted(text: &str, index: usize, colors: bool) -> String {
    match COLORS.get(index % COLORS.len()).filter(|_| colors) {
        Some((_, sequence)) => format!("\x1b[{sequence}m{text}\x1b[0m"),
        None => text.to_owned(),
    }
}

/// Truncates text to `columns`.
fn fitting(text: &str, columns: u16) -> String {
    let columns = usize::from(columns.max(1));
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns - 1).chain(['…']).collect()
}

/// Draws a line of blocks. Each block shows the last value of its chunk of points; a space is a
/// gap.
pub fn blocks(points: &[(f64, f64)], columns: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let Some((min, max)) = extent(points.iter().map(|point| point.1)) else { return String::new() };
    let chunk = points.len().div_ceil(columns.max(1)).max(1);
    let block = |value: f64| match value {
        value if !value.is_finite() => ' ',
        _ if max <= min => '▄',
        value => {
            let height = ((value - min) / (max - min) * 7.0).round() as usize;
            BLOCKS.get(height).copied().unwrap_or('█')
        }
    };
    points.chunks(chunk).filter_map(|chunk| chunk.last()).map(|point| block(point.1)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rising(name: &str) -> Series {
        Series { name: name.into(), points: (0..60).map(|index| (f64::from(index) * 60.0, f64::from(index))).collect() }
    }

    #[test]
    fn a_chart_keeps_its_width_and_names_its_series() {
        for columns in [40, 80, 200] {
            let text = terminal(&[rising("up"), rising(&"x".repeat(300))], None, columns, 16, false);
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
            assert!(text.contains("━A━ up\n") && text.contains("xx…\n") && text.contains("00:00"), "{text}");
            assert!(text.chars().any(|character| ('\u{2801}'..='\u{28ff}').contains(&character)), "{text}");
            assert!(!text.contains('\x1b'));
        }
        assert!(terminal(&[rising("up")], None, 80, 16, true).contains("\x1b[94m"));
        let hostile = terminal(&[rising("a\u{1b}[2J\nb\u{202e}")], None, 80, 16, false);
        assert!(hostile.contains("━━ a\\u{1b}[2J\\u{a}b\\u{202e}\n"), "{hostile}");
        assert_eq!(terminal(&[], None, 80, 16, true), "");
    }

    #[test]
    fn lines_are_told_apart_without_colors() {
        let falling =
            Series { name: "down".into(), points: rising("").points.iter().map(|(at, y)| (*at, 60.0 - y)).collect() };
        let text = terminal(&[rising("up"), falling], None, 80, 16, false);
        let (plot, legend) = text.split_once("━A━ up\n").unwrap();
        assert!(plot.matches('A').count() >= 3 && plot.matches('B').count() >= 3, "{text}");
        assert!(legend.starts_with("━B━ down"), "{text}");
        assert!(!terminal(&[rising("up")], None, 80, 16, false).contains('A'), "a single line needs none");
    }

    #[test]
    fn the_axis_spans_the_range_that_was_asked_for() {
        let text = terminal(&[rising("up")], Some((0.0, 7_200.0)), 80, 16, false);
        let axis = text.lines().rev().nth(1).unwrap();
        assert!(axis.contains("00:00") && axis.contains("02:00"), "{text}");
        // The line ends at half of the width.
        let end = text
            .lines()
            .filter(|line| line.contains(['\u{2840}', '⣀', '⠉', '⡠', '⠤', '⠔']))
            .map(|line| line.chars().count())
            .max();
        assert!(end.is_some_and(|end| end < 50), "{end:?}: {text}");
    }

    #[test]
    fn blocks_follow_the_values() {
        let points: Vec<(f64, f64)> = (0..8).map(|index| (f64::from(index), f64::from(index))).collect();
        assert_eq!(blocks(&points, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(blocks(&points, 4), "▂▄▆█");
        assert_eq!(blocks(&[(0.0, 5.0), (1.0, f64::NAN), (2.0, 5.0)], 10), "▄ ▄");
        assert_eq!(blocks(&[], 10), "");
    }
}

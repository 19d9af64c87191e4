//! SVG charts. A chart is a document that follows the preferred light or dark color scheme; a
//! sparkline is embedded in HTML and takes the color of the surrounding text.

use std::fmt::Write as _;

use super::{Series, extent, frame, marked, scale, step};

const WIDTH: f64 = 960.0;
const PLOT_HEIGHT: f64 = 360.0;
const TOP: f64 = 44.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const LEGEND_LINE: f64 = 20.0;

/// Maximum number of drawn series; more would be unreadable. The others are only counted.
const MAX_SERIES: usize = 24;

/// Background and text colors of the light scheme. They are attributes, for viewers without style
/// sheets.
const GROUND: &str = "#fff";
const INK: &str = "#1f2328";

/// Line colors. Both palettes have a contrast of at least 3:1 against the background; the lines
/// also differ by markers and dashes.
const LIGHT: [&str; 6] = ["#0550ae", "#953800", "#8250df", "#116329", "#a40e26", "#1b7c83"];

/// The colors of the dark scheme. The style sheet overrides the attributes.
const DARK: &str = "@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.axis{stroke:#e6edf3}\
.line.s0{stroke:#79c0ff}.line.s1{stroke:#ffa657}.line.s2{stroke:#d2a8ff}.line.s3{stroke:#7ee787}.line.s4{stroke:#ff7b72}.line.s5{stroke:#76e3ea}\
.dot.s0{fill:#79c0ff}.dot.s1{fill:#ffa657}.dot.s2{fill:#d2a8ff}.dot.s3{fill:#7ee787}.dot.s4{fill:#ff7b72}.dot.s5{fill:#76e3ea}}";

const DASHES: [&str; 4] = ["", "8 4", "2 3", "10 3 2 3"];

/// The shapes of markers, drawn from their center.
const SHAPES: [&str; 8] = [
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "m-3.5-3.5h7v7h-7z",
    "m0-4.5l4.5 8h-9z",
    "m0-5l5 5l-5 5l-5-5z",
    "m0 4.5l4.5-8h-9z",
    "m-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "m-4-4h8l-8 8h8z",
    "m-1.5-5h3v10h-3z",
];

/// Draws a document with axes, a grid, lines and a legend. The time axis spans `range`, in Unix
/// seconds, or the times of the points.
pub fn svg(title: &str, series: &[Series], range: Option<(f64, f64)>) -> String {
    let shown = series.get(..MAX_SERIES.min(series.len())).unwrap_or_default();
    let left_out = series.len() - shown.len();
    let legend = (shown.len() + usize::from(left_out > 0)) as f64 * LEGEND_LINE;
    let height = TOP + PLOT_HEIGHT + 36.0 + legend + 8.0;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{0}\" font-family=\"system-ui,sans-serif\" font-size=\"13\" fill=\"{INK}\"><title>{0}</title><style>{DARK}</style>\
         <rect class=\"ground\" width=\"100%\" height=\"100%\" fill=\"{GROUND}\"/>\
         <text font-weight=\"600\" font-size=\"15\" x=\"{LEFT}\" y=\"26\">{1}</text>",
        escaped(title),
        escaped(&short(title, 110)),
    );
    match frame(shown, range) {
        Some((times, values)) => plot(&mut out, shown, times, values),
        None => {
            let _ = write!(out, "<text x=\"{LEFT}\" y=\"{}\">no points</text>", TOP + 24.0);
        }
    }
    for (index, series) in shown.iter().enumerate() {
        let y = TOP + PLOT_HEIGHT + 48.0 + index as f64 * LEGEND_LINE;
        let _ = write!(
            out,
            "<line {line} x1=\"{LEFT}\" x2=\"{end}\" y1=\"{middle}\" y2=\"{middle}\"{dashes}/>\
             {marker}<text x=\"{after}\" y=\"{y}\">{name}</text>",
            marker = if shown.len() > 1 { marker(index, LEFT + 14.0, y - 4.0) } else { String::new() },
            line = line(index),
            end = LEFT + 28.0,
            middle = y - 4.0,
            dashes = dashes(index),
            after = LEFT + 36.0,
            name = escaped(&short(&series.name, 120)),
        );
    }
    if left_out > 0 {
        let y = TOP + PLOT_HEIGHT + 48.0 + shown.len() as f64 * LEGEND_LINE;
        let _ = write!(out, "<text x=\"{LEFT}\" y=\"{y}\">and {left_out} more, not drawn</text>");
    }
    out.push_str("</svg>\n");
    out
}

fn plot(out: &mut String, series: &[Series], times: (f64, f64), values: (f64, f64)) {
    let marks = scale::ticks(values, 6);
    let (low, high) = (marks.first().copied().unwrap_or(values.0), marks.last().copied().unwrap_or(values.1));
    let (width, bottom) = (WIDTH - LEFT - RIGHT, TOP + PLOT_HEIGHT);
    let x = |time: f64| LEFT + (time - times.0) / (times.1 - times.0) * width;
    let y = |value: f64| bottom - (value - low) / (high - low) * PLOT_HEIGHT;
    for mark in &marks {
        let _ = write!(
            out,
            "<line stroke=\"#8c959f\" stroke-opacity=\".35\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            WIDTH - RIGHT,
            y(*mark),
            LEFT - 8.0,
            y(*mark) + 4.0,
            scale::number(*mark),
        );
    }
    for index in 0..=6 {
        let time = times.0 + (times.1 - times.0) * f64::from(index) / 6.0;
        let anchor = match index {
            0 => "start",
            6 => "end",
            _ => "middle",
        };
        let _ = write!(
            out,
            "<line class=\"axis\" stroke=\"{INK}\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{bottom}\" y2=\"{1}\"/><text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"{anchor}\">{3}</text>",
            x(time),
            bottom + 5.0,
            bottom + 20.0,
            scale::time(time, times),
        );
    }
    let _ = write!(
        out,
        "<path class=\"axis\" stroke=\"{INK}\" fill=\"none\" d=\"M{LEFT} {TOP}V{bottom}H{}\"/>",
        WIDTH - RIGHT
    );
    let step = step(series);
    let count = series.len();
    for (index, series) in series.iter().enumerate() {
        if count > 1 {
            for (time, value) in marked(series, index, count, times) {
                out.push_str(&marker(index, x(time), y(value)));
            }
        }
        for segment in series.segments(step) {
            if let [(time, value)] = segment.as_slice() {
                let _ = write!(
                    out,
                    "<circle class=\"dot s{}\" fill=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"/>",
                    index % LIGHT.len(),
                    color(index),
                    x(*time),
                    y(*value)
                );
                continue;
            }
            let points: Vec<String> =
                segment.iter().map(|(time, value)| format!("{:.1},{:.1}", x(*time), y(*value))).collect();
            let _ = write!(out, "<polyline {}{} points=\"{}\"/>", line(index), dashes(index), points.join(" "));
        }
    }
}

fn color(index: usize) -> &'static str {
    LIGHT.get(index % LIGHT.len()).copied().unwrap_or(INK)
}

/// A marker of a series.
fn marker(index: usize, x: f64, y: f64) -> String {
    let shape = SHAPES.get(index % SHAPES.len()).copied().unwrap_or_default();
    format!("<path class=\"dot s{}\" fill=\"{}\" d=\"M{x:.1} {y:.1}{shape}\"/>", index % LIGHT.len(), color(index))
}

/// The attributes of a line, including the class for the dark scheme.
fn line(index: usize) -> String {
    format!(
        "class=\"line s{}\" stroke=\"{}\" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\"",
        index % LIGHT.len(),
        color(index)
    )
}

/// Lines are dashed once the colors repeat.
fn dashes(index: usize) -> String {
    match DASHES.get(index / LIGHT.len() % DASHES.len()) {
        Some(dashes) if !dashes.is_empty() => format!(" stroke-dasharray=\"{dashes}\""),
        _ => String::new(),
    }
}

/// Draws lines without axes on one scale, for HTML. `label` is the accessible name. Gaps are
/// omitted.
pub fn sparkline(label: &str, lines: &[&[f64]]) -> String {
    const SIZE: (f64, f64) = (160.0, 28.0);
    let (min, max) = extent(lines.iter().flat_map(|values| values.iter().copied())).unwrap_or((0.0, 0.0));
    let mut drawn = String::new();
    for values in lines {
        let last = values.len().saturating_sub(1).max(1) as f64;
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite())
            .map(|(index, value)| {
                let height = if max > min { (value - min) / (max - min) } else { 0.5 };
                format!("{:.1},{:.1}", index as f64 / last * SIZE.0, SIZE.1 - 2.0 - height * (SIZE.1 - 4.0))
            })
            .collect();
        let _ = write!(
            drawn,
            "<polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" points=\"{}\"/>",
            points.join(" ")
        );
    }
    format!(
        "<svg class=\"sparkline\" viewBox=\"0 0 {} {}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{}\" \
         preserveAspectRatio=\"none\">{drawn}</svg>",
        SIZE.0,
        SIZE.1,
        escaped(label),
    )
}

fn short(text: &str, max: usize) -> String {
    if text.chars().count() <= max { text.to_owned() } else { text.chars().take(max - 1).chain(['…']).collect() }
}

/// Escapes text for content and attributes of XML and HTML. Characters that XML forbids become
/// U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn line(name: &str) -> Series {
        Series { name: name.into(), points: vec![(0.0, 1.0), (15.0, 3.0), (30.0, 2.0), (300.0, 2.5)] }
    }

    #[test]
    fn a_chart_draws_each_series_and_escapes_its_name() {
        let text = svg("rate(x[5m]) > 1", &[line("x{a=\"<b>&'\"}"), line("y")], None);
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert!(text.contains("rate(x[5m]) &gt; 1") && text.contains("x{a=&quot;&lt;b&gt;&amp;&#39;&quot;}"), "{text}");
        // For each series, a line of three points and, after the gap, a single point.
        assert_eq!((text.matches("<polyline").count(), text.matches("<circle").count()), (2, 2));
        assert!(text.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn colors_are_attributes_and_need_no_style_sheet() {
        let text = svg("t", &[line("a"), line("b")], None);
        let (before, rest) = text.split_once("<style>").unwrap();
        let bare = format!("{before}{}", rest.split_once("</style>").unwrap().1);
        assert!(!text.contains("var(") && !bare.contains("currentColor"), "{text}");
        for color in [super::color(0), super::color(1)] {
            // For each series, a line in the plot, one in the legend; a dot, and markers in both.
            assert_eq!(bare.matches(&format!("stroke=\"{color}\"")).count(), 2, "{bare}");
            assert!(bare.matches(&format!("fill=\"{color}\"")).count() >= 3, "{bare}");
        }
        for shape in
            bare.split('<').filter(|tag| ["line ", "polyline ", "path "].iter().any(|name| tag.starts_with(name)))
        {
            assert!(shape.contains("stroke=\"") || shape.contains("fill=\"#"), "{shape}");
        }
    }

    #[test]
    fn missing_points_and_series_are_reported() {
        assert!(svg("nothing", &[], Some((0.0, 60.0))).contains("no points"));
        let many: Vec<Series> = (0..30).map(|index| line(&index.to_string())).collect();
        let text = svg("many", &many, None);
        assert!(text.contains("and 6 more, not drawn"));
        assert_eq!(text.matches("<polyline").count(), 24);
    }

    #[test]
    fn the_axis_spans_the_range_that_was_asked_for() {
        let text = svg("t", &[line("a")], Some((0.0, 600.0)));
        // The last point is at half of the range, and half of the width.
        let half = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        assert!(text.contains(&format!("cx=\"{half:.1}\"")) && text.contains(">00:10:00</text>"), "{text}");
    }

    #[test]
    fn lines_are_told_apart_without_colors() {
        let look = |index: usize| (index % SHAPES.len(), dashes(index));
        let looks: std::collections::BTreeSet<_> = (0..MAX_SERIES).map(look).collect();
        assert_eq!(looks.len(), MAX_SERIES);
        assert!(!svg("t", &[line("a")], None).contains(SHAPES[0]), "a single line needs no marker");
    }

    #[test]
    fn a_sparkline_stays_within_its_box() {
        let text = sparkline("up \"1\"", &[&[1.0, f64::NAN, 5.0, -3.0]]);
        assert!(text.contains("aria-label=\"up &quot;1&quot;\""), "{text}");
        assert!(text.contains("0.0,14.0 106.7,2.0 160.0,26.0"), "{text}");
        assert!(sparkline("none", &[&[]]).contains("points=\"\""));
        let two = sparkline("two", &[&[2.0, 4.0], &[0.0, 2.0]]);
        assert!(
            two.contains("points=\"0.0,14.0 160.0,2.0\"") && two.contains("points=\"0.0,26.0 160.0,14.0\""),
            "one scale: {two}"
        );
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(escaped("<&>\"'\u{0}\n\u{7f}é"), "&lt;&amp;&gt;&quot;&#39;\u{fffd} \u{fffd}é");
    }
}

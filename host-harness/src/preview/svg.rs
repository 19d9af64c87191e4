//! Writes an SVG document. All text is escaped.

use std::fmt::Write as _;

use crate::chart::escaped;

/// Background, line and text colors.
pub(super) const GROUND: &str = "#14161a";
pub(super) const PANEL: &str = "#1d2026";
pub(super) const LINE: &str = "#33373f";
pub(super) const INK: &str = "#e4e6ea";
pub(super) const DIM: &str = "#9aa0aa";

/// Series colors, distinguishable with color vision deficiency.
const SERIES: [&str; 10] =
    ["#6cb86f", "#e8b23a", "#5b9bd5", "#e0703c", "#b07cc6", "#4dbcc0", "#d6627f", "#a3a94a", "#8f9bd8", "#c79a72"];

/// The color of a series.
pub(super) fn series_color(index: usize) -> &'static str {
    SERIES.get(index % SERIES.len()).copied().unwrap_or(INK)
}

/// A color by Grafana's name, ignoring the shade, or in hexadecimal.
pub(super) fn named_color(name: &str) -> Option<String> {
    let hex = name.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if hex {
        return Some(name.to_owned());
    }
    let color = match name.rsplit('-').next().unwrap_or_default() {
        "green" => "#6cb86f",
        "yellow" => "#e8c53a",
        "orange" => "#ee8f3b",
        "red" => "#e5545b",
        "blue" => "#5b9bd5",
        "purple" => "#b07cc6",
        "text" | "white" => INK,
        "transparent" | "gray" | "grey" => DIM,
        _ => return None,
    };
    Some(color.to_owned())
}

/// A rectangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

/// Font size, color, weight and alignment.
#[derive(Debug, Clone)]
pub(super) struct Font {
    pub(super) size: f64,
    color: String,
    bold: bool,
    anchor: &'static str,
}

impl Font {
    pub(super) fn of(size: f64) -> Self {
        Self { size, color: INK.into(), bold: false, anchor: "start" }
    }

    pub(super) fn dim(self) -> Self {
        self.color(DIM)
    }

    pub(super) fn color(self, color: &str) -> Self {
        Self { color: color.into(), ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn centered(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    pub(super) fn right(self) -> Self {
        Self { anchor: "end", ..self }
    }
}

/// A document under construction.
pub(super) struct Svg {
    pub(super) width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Returns the document.
    pub(super) fn finish(self, title: &str) -> String {
        let (width, height) = (self.width.round(), self.height.round());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"Inter, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n<title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{GROUND}\"/>\n{}</svg>\n",
            escaped(title),
            self.body
        )
    }

    /// Opens a group with a tooltip; `close` ends it.
    pub(super) fn open(&mut self, tooltip: &str) {
        self.body.push_str("<g>");
        if !tooltip.is_empty() {
            self.write(format_args!("<title>{}</title>", escaped(tooltip)));
        }
        self.body.push('\n');
    }

    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub(super) fn rect(&mut self, area: Area, fill: &str, radius: f64) {
        let Area { x, y, w, h } = area;
        let (w, h) = (w.max(0.0), h.max(0.0));
        self.write(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{radius}\" fill=\"{fill}\"/>\n"
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.write(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\"/>\n"
        ));
    }

    /// Draws a line through points, or a dot for a single point.
    pub(super) fn polyline(&mut self, points: &[(f64, f64)], color: &str, width: f64) {
        if let [(x, y)] = points {
            self.write(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{width}\" fill=\"{color}\"/>\n"));
            return;
        }
        self.body.push_str("<polyline points=\"");
        self.points(points);
        self.write(format_args!(
            "\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>\n"
        ));
    }

    /// Fills the area between points and `floor`.
    pub(super) fn area(&mut self, points: &[(f64, f64)], floor: f64, color: &str, opacity: f64) {
        let ([first, ..], [.., last]) = (points, points) else { return };
        self.body.push_str("<polygon points=\"");
        self.points(&[(first.0, floor)]);
        self.points(points);
        self.points(&[(last.0, floor)]);
        self.write(format_args!("\" fill=\"{color}\" fill-opacity=\"{opacity}\"/>\n"));
    }

    fn points(&mut self, points: &[(f64, f64)]) {
        for (x, y) in points {
            self.write(format_args!("{x:.1},{y:.1} "));
        }
    }

    /// Draws a pie slice; `from` and `to` are fractions of the circle.
    pub(super) fn slice(&mut self, center: (f64, f64), radii: (f64, f64), from: f64, to: f64, color: &str) {
        // An arc whose ends coincide is not rendered.
        let to = to.min(from + 0.999_9);
        let at = |part: f64, radius: f64| {
            let angle = (part - 0.25) * core::f64::consts::TAU;
            (center.0 + radius * angle.cos(), center.1 + radius * angle.sin())
        };
        let large = u8::from(to - from > 0.5);
        let (inner, outer) = radii;
        let ((x1, y1), (x2, y2)) = (at(from, outer), at(to, outer));
        let ((x3, y3), (x4, y4)) = (at(to, inner), at(from, inner));
        self.write(format_args!(
            "<path d=\"M{x1:.1} {y1:.1}A{outer:.1} {outer:.1} 0 {large} 1 {x2:.1} {y2:.1}L{x3:.1} {y3:.1}\
             A{inner:.1} {inner:.1} 0 {large} 0 {x4:.1} {y4:.1}Z\" fill=\"{color}\" stroke=\"{PANEL}\"/>\n"
        ));
    }

    pub(super) fn text(&mut self, x: f64, y: f64, text: &str, font: &Font) {
        let Font { size, color, anchor, .. } = font;
        let weight = if font.bold { " font-weight=\"600\"" } else { "" };
        self.write(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\" fill=\"{color}\" text-anchor=\"{anchor}\"{weight}>{}</text>\n",
            escaped(text)
        ));
    }

    fn write(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(what);
    }
}

/// Estimates the width of text.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let parts = text.chars().map(|character| match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | ' ' | '(' | ')' | '[' | ']' | 't' | 'f' | 'r' => {
            0.38
        }
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
        'A'..='Z' | '0'..='9' | '_' | '=' | '~' | '"' => 0.67,
        wide if u32::from(wide) > 0x2e80 => 1.0,
        _ => 0.6,
    });
    parts.sum::<f64>() * size
}

/// Truncates text to `room`, with an ellipsis.
pub(super) fn fitting(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut used = width("…", size);
    let mut out = String::new();
    for character in text.chars() {
        used += width(character.encode_utf8(&mut [0; 4]), size);
        if used > room {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_xml() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.open("a\u{0}\"b\" & 'c'");
        svg.text(0.0, 0.0, "</text><script>alert(1)</script>\n\u{ffff}☃", &Font::of(10.0));
        svg.close();
        let text = svg.finish("]]> <t>");
        assert!(!text.contains("<script") && !text.contains('\u{0}') && text.contains('☃'), "{text}");
        assert!(text.contains("<title>]]&gt; &lt;t&gt;</title>"), "{text}");
    }

    #[test]
    fn colors_are_names_or_hexadecimal() {
        assert_eq!(named_color("semi-dark-red"), named_color("red"));
        assert_eq!(named_color("#aBc").as_deref(), Some("#aBc"));
        for other in ["", "#12", "#gggggg", "\"/><script>", "url(http://x)", "#aaa\"x"] {
            assert_eq!(named_color(other), None, "{other}");
        }
    }

    #[test]
    fn long_text_is_truncated() {
        assert_eq!(fitting("short", 10.0, 100.0), "short");
        let cut = fitting(&"w".repeat(100), 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 100.0, "{cut}");
        assert_eq!(fitting("abc", 10.0, 0.0), "…");
    }
}

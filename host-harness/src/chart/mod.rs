//! Series over time, drawn: in a terminal, as SVG, and as a line of blocks in a table's cell.
//!
//! | module | what it is for |
//! |---|---|
//! | `scale` | round numbers for axes, and how numbers and times are written at them |
//! | `terminal` | a chart of braille dots |
//! | `svg` | a chart with axes and a legend, and a small one without; both readable on light and dark |
//!
//! Nothing here does I/O or knows where the numbers come from.

mod scale;
mod svg;
mod terminal;

pub use scale::number;
pub use svg::{sparkline, svg};
pub use terminal::{blocks, terminal};

pub(crate) use svg::escaped;

/// A series over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// Unix seconds and values, in order of time. A value that is not finite is a gap.
    pub points: Vec<(f64, f64)>,
}

/// A gap is longer than this many times the usual distance of two points.
const GAP: f64 = 1.5;

impl Series {
    /// The finite points, cut where points are missing. `step` is the usual distance of two points,
    /// in seconds.
    fn segments(&self, step: f64) -> Vec<Vec<(f64, f64)>> {
        let mut segments: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut last: Option<f64> = None;
        for &(time, value) in &self.points {
            if !value.is_finite() {
                last = None;
                continue;
            }
            match (last, segments.last_mut()) {
                (Some(before), Some(segment)) if time - before <= step * GAP => segment.push((time, value)),
                _ => segments.push(vec![(time, value)]),
            }
            last = Some(time);
        }
        segments
    }
}

/// The smallest distance of two neighbouring points; one second where there are none.
fn step(series: &[Series]) -> f64 {
    let pairs = series.iter().flat_map(|series| series.points.iter().zip(series.points.iter().skip(1)));
    let smallest = pairs.map(|(one, next)| next.0 - one.0).filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    if smallest.is_finite() { smallest } else { 1.0 }
}

/// The least and the greatest of finite numbers; none where there are none.
fn extent(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.filter(|number| number.is_finite()).fold(None, |extent, number| match extent {
        None => Some((number, number)),
        Some((least, greatest)) => Some((least.min(number), greatest.max(number))),
    })
}

/// The times and the values that a chart has to show. A single time or value gets some room around
/// it.
fn frame(series: &[Series]) -> Option<((f64, f64), (f64, f64))> {
    let drawn = || series.iter().flat_map(|series| &series.points).filter(|point| point.1.is_finite());
    let times = extent(drawn().map(|point| point.0))?;
    let values = extent(drawn().map(|point| point.1))?;
    let room = |(least, greatest): (f64, f64), room: f64| {
        if greatest > least { (least, greatest) } else { (least - room, greatest + room) }
    };
    let half = if values.0 == 0.0 { 1.0 } else { values.0.abs() / 2.0 };
    Some((room(times, 1.0), room(values, half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_points_are_missing() {
        let series = Series {
            name: String::new(),
            points: vec![(0.0, 1.0), (10.0, 2.0), (40.0, 3.0), (50.0, f64::NAN), (60.0, 4.0)],
        };
        let lengths: Vec<usize> = series.segments(step(std::slice::from_ref(&series))).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }

    #[test]
    fn a_frame_has_room_and_nothing_has_none() {
        let at = |points: &[(f64, f64)]| frame(&[Series { name: String::new(), points: points.to_vec() }]);
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[(1.0, f64::INFINITY)]), None);
        assert_eq!(at(&[(1.0, 4.0)]), Some(((0.0, 2.0), (2.0, 6.0))));
        assert_eq!(at(&[(0.0, 0.0), (2.0, 0.0)]), Some(((0.0, 2.0), (-1.0, 1.0))));
    }
}

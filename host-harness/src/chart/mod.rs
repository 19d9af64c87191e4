//! Line charts: in a terminal, as SVG, and as blocks in a table cell.
//!
//! | module | purpose |
//! |---|---|
//! | `scale` | axis ticks and their labels |
//! | `terminal` | a chart of braille characters |
//! | `svg` | a chart with axes and a legend, and a sparkline; both for light and dark themes |
//!
//! Nothing here does I/O.

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
    /// The name in the legend.
    pub name: String,
    /// Unix seconds and values, in order of time. Non-finite values are gaps.
    pub points: Vec<(f64, f64)>,
}

/// Points that are further apart than this multiple of the step are not connected.
const GAP: f64 = 1.5;

impl Series {
    /// The finite points, split at gaps. `step` is in seconds.
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

/// The smallest time between two points, or one second.
fn step(series: &[Series]) -> f64 {
    let pairs = series.iter().flat_map(|series| series.points.iter().zip(series.points.iter().skip(1)));
    let smallest = pairs.map(|(one, next)| next.0 - one.0).filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    if smallest.is_finite() { smallest } else { 1.0 }
}

/// The minimum and maximum of the finite numbers.
fn extent(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.filter(|number| number.is_finite()).fold(None, |extent, number| match extent {
        None => Some((number, number)),
        Some((min, max)) => Some((min.min(number), max.max(number))),
    })
}

/// The ranges of times and values: that of times is `asked`, or that of the points. A single time
/// or value gets some margin. None if there are no points.
fn frame(series: &[Series], asked: Option<(f64, f64)>) -> Option<((f64, f64), (f64, f64))> {
    let drawn = || series.iter().flat_map(|series| &series.points).filter(|point| point.1.is_finite());
    let times = extent(drawn().map(|point| point.0))?;
    let values = extent(drawn().map(|point| point.1))?;
    let pad = |(min, max): (f64, f64), pad: f64| {
        if max > min { (min, max) } else { (min - pad, max + pad) }
    };
    let half = if values.0 == 0.0 { 1.0 } else { values.0.abs() / 2.0 };
    Some((asked.filter(|(start, end)| start < end).unwrap_or(pad(times, 1.0)), pad(values, half)))
}

/// Number of markers of a series.
const MARKERS: usize = 4;

/// The points of a series of `count` that get a marker, so that it is recognized without colors.
/// Those of other series are at other times.
fn marked(series: &Series, index: usize, count: usize, (start, end): (f64, f64)) -> Vec<(f64, f64)> {
    let finite = || series.points.iter().copied().filter(|point| point.1.is_finite());
    let wanted = (0..MARKERS).map(|marker| {
        let part = marker as f64 + (index as f64 + 0.5) / count.max(1) as f64;
        start + (end - start) * part / MARKERS as f64
    });
    let distance = |time: f64, wanted: f64| (time - wanted).abs();
    let mut marked: Vec<(f64, f64)> = wanted
        .filter_map(|at| finite().min_by(|one, other| distance(one.0, at).total_cmp(&distance(other.0, at))))
        .collect();
    marked.dedup();
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_gaps() {
        let series = Series {
            name: String::new(),
            points: vec![(0.0, 1.0), (10.0, 2.0), (40.0, 3.0), (50.0, f64::NAN), (60.0, 4.0)],
        };
        let lengths: Vec<usize> = series.segments(step(std::slice::from_ref(&series))).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }

    #[test]
    fn a_frame_has_margins() {
        let at = |points: &[(f64, f64)]| frame(&[Series { name: String::new(), points: points.to_vec() }], None);
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[(1.0, f64::INFINITY)]), None);
        assert_eq!(at(&[(1.0, 4.0)]), Some(((0.0, 2.0), (2.0, 6.0))));
        assert_eq!(at(&[(0.0, 0.0), (2.0, 0.0)]), Some(((0.0, 2.0), (-1.0, 1.0))));
        let series = [Series { name: String::new(), points: vec![(5.0, 0.0), (6.0, 1.0)] }];
        assert_eq!(frame(&series, Some((0.0, 60.0))), Some(((0.0, 60.0), (0.0, 1.0))), "what was asked for");
        assert_eq!(frame(&[], Some((0.0, 60.0))), None);
    }

    #[test]
    fn markers_of_series_are_at_different_times() {
        let line = Series { name: String::new(), points: (0..100).map(|at| (f64::from(at), 1.0)).collect() };
        let times =
            |index| -> Vec<f64> { marked(&line, index, 3, (0.0, 99.0)).into_iter().map(|(time, _)| time).collect() };
        assert_eq!(times(0).len(), MARKERS);
        assert!(times(0).iter().zip(times(1)).zip(times(2)).all(|((a, b), c)| *a < b && b < c), "{:?}", times(1));
        let one = Series { name: String::new(), points: vec![(7.0, 1.0), (8.0, f64::NAN)] };
        assert_eq!(marked(&one, 0, 1, (0.0, 99.0)), [(7.0, 1.0)]);
        assert_eq!(marked(&Series::default(), 0, 1, (0.0, 1.0)), []);
    }
}

//! An exposition as a list of families, for views of it: the page, `top` and `watch`.
//!
//! Reads the text format as the plug writes it: families in one piece, no timestamps. It is no parser for what others expose; the plug has
//! one (`scrape_endpoint`).

use std::collections::BTreeMap;

/// What stands under one `# TYPE`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Its type, as the exposition says it.
    pub kind: String,
    /// Its help; empty where there is none.
    pub help: String,
    /// Each sample: name with labels, and value.
    pub samples: Vec<(String, f64)>,
}

impl Family {
    /// One number for the whole family: of histograms and summaries how much was observed, of others the sum of their series.
    pub fn total(&self) -> f64 {
        if !self.is_composite() {
            return self.samples.iter().map(|sample| sample.1).sum();
        }
        let count = format!("{}_count", self.name);
        self.samples.iter().filter(|(series, _)| name(series) == count).map(|sample| sample.1).sum()
    }

    /// How many series it has; a histogram or summary is one, whatever its buckets.
    pub fn series(&self) -> usize {
        if !self.is_composite() {
            return self.samples.len();
        }
        let count = format!("{}_count", self.name);
        self.samples.iter().filter(|(series, _)| name(series) == count).count()
    }

    fn is_composite(&self) -> bool {
        matches!(self.kind.as_str(), "histogram" | "summary")
    }
}

/// The name of a series that is written with its labels.
fn name(series: &str) -> &str {
    series.split('{').next().unwrap_or(series)
}

/// The families of a text exposition, in its order. Lines that are none of the format are passed over.
pub fn read(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name, said) = (words.next(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if families.last().is_none_or(|family| family.name != name) {
                families.push(Family { name: name.into(), ..Family::default() });
            }
            match (word, families.last_mut()) {
                (Some("HELP"), Some(family)) => family.help = said.replace("\\n", " ").replace("\\\\", "\\"),
                (Some("TYPE"), Some(family)) => family.kind = said.into(),
                _ => {}
            }
            continue;
        }
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse() else { continue };
        let own = name(series);
        if families.last().is_none_or(|family| !own.starts_with(&family.name) && !series.starts_with("{\"")) {
            families.push(Family { name: own.into(), kind: "untyped".into(), ..Family::default() });
        }
        if let Some(family) = families.last_mut() {
            family.samples.push((series.into(), value));
        }
    }
    families
}

/// What became of a sample from one exposition to the next.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// It was not there before.
    New(String, f64),
    /// Its value before, and now.
    Changed(String, f64, f64),
    /// It is no more; its last value.
    Gone(String, f64),
}

/// What changed, by the name of the sample.
pub fn differences(before: &[Family], after: &[Family]) -> Vec<Difference> {
    let samples = |families: &[Family]| -> BTreeMap<String, f64> {
        families.iter().flat_map(|family| family.samples.iter().cloned()).collect()
    };
    let (before, after) = (samples(before), samples(after));
    let mut differences: Vec<Difference> = after
        .iter()
        .filter_map(|(series, value)| match before.get(series) {
            None => Some(Difference::New(series.clone(), *value)),
            // NaN stays NaN.
            Some(old) if old == value || old.is_nan() && value.is_nan() => None,
            Some(old) => Some(Difference::Changed(series.clone(), *old, *value)),
        })
        .collect();
    let gone = before.iter().filter(|(series, _)| !after.contains_key(*series));
    differences.extend(gone.map(|(series, value)| Difference::Gone(series.clone(), *value)));
    differences
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP jobs_total Jobs\\nthat ran.\n# TYPE jobs_total counter\njobs_total{queue=\"a b\"} 3\njobs_total{queue=\"c\"} 4\n\
        # TYPE wait_seconds histogram\nwait_seconds_bucket{le=\"1\"} 2\nwait_seconds_bucket{le=\"+Inf\"} 5\nwait_seconds_sum 9.5\nwait_seconds_count 5\n\
        loose 1\n# TYPE empty gauge\nnonsense\n";

    #[test]
    fn an_exposition_is_read_by_family() {
        let families = read(TEXT);
        let found: Vec<_> =
            families.iter().map(|f| (f.name.as_str(), f.kind.as_str(), f.series(), f.total())).collect();
        assert_eq!(
            found,
            [
                ("jobs_total", "counter", 2, 7.0),
                ("wait_seconds", "histogram", 1, 5.0),
                ("loose", "untyped", 1, 1.0),
                ("empty", "gauge", 0, 0.0),
            ]
        );
        assert_eq!(
            (families[0].help.as_str(), families[0].samples[0].0.as_str()),
            ("Jobs that ran.", "jobs_total{queue=\"a b\"}")
        );
    }

    #[test]
    fn differences_say_new_changed_and_gone() {
        let before = read("a 1\nb 2\nc NaN\n");
        let after = read("a 1\nb 3\nc NaN\nd 4\n");
        assert_eq!(
            differences(&before, &after),
            [Difference::Changed("b".into(), 2.0, 3.0), Difference::New("d".into(), 4.0)]
        );
        assert_eq!(differences(&after, &read(""))[0], Difference::Gone("a".into(), 1.0));
        assert_eq!(differences(&after, &after), []);
    }
}

//! Reserved names in OpenMetrics 1.0, where a family reserves more names than its samples use: a
//! counter `jobs_total` is the family `jobs` and may have samples `jobs_created`. A parser rejects
//! an exposition in which two families use the same name.
//!
//! Of two conflicting families, one loses its type: each of its sample names is written as a
//! separate family of type `unknown`, without `_created`, so that it uses only the names of its
//! samples. Which one loses its type depends only on the two families, not on registration order or
//! on which of them has series:
//!
//! 1. the one that reserves a name that the other uses regardless of its type (counter `jobs_total`
//!    vs. gauge `jobs`);
//! 2. else an info vs. any other kind, and a counter vs. a histogram or summary;
//! 3. else the one whose name sorts last.
//!
//! Source: the OpenMetrics specification 1.0.0, "Text format, MetricFamily".

use crate::model::FamilyType;

/// The names that a family reserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedNames {
    /// Names reserved with its type.
    typed: Vec<String>,
    /// Sample names, used even as `unknown`.
    written: Vec<String>,
    /// If either of two families could lose its type, the one with the higher rank does.
    rank: (u8, String),
}

impl ReservedNames {
    /// The names of a family called `name` (escaped) in text 0.0.4.
    pub fn of(kind: FamilyType, name: &str) -> Self {
        let base = match kind {
            FamilyType::Counter => name.strip_suffix("_total"),
            FamilyType::Info => name.strip_suffix("_info"),
            _ => Some(name),
        };
        let rank = match kind {
            FamilyType::Info => 2,
            FamilyType::Counter => 1,
            _ => 0,
        };
        let (typed, written) = match base.filter(|base| !base.is_empty()) {
            None => (vec![name.to_owned()], vec![name.to_owned()]),
            Some(base) => {
                let named = |suffix: &&str| format!("{base}{suffix}");
                let suffixes = kind.suffixes();
                let written: Vec<String> = suffixes.iter().filter(|suffix| **suffix != "_created").map(named).collect();
                let mut typed: Vec<String> = suffixes.iter().map(named).collect();
                if !suffixes.contains(&"") {
                    typed.push(base.to_owned());
                }
                (typed, written)
            }
        };
        Self { typed, written, rank: (rank, name.to_owned()) }
    }

    /// The names that the family uses or reserves with its type.
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// The names that it reserves only because of its type.
    pub fn reserved(&self) -> impl Iterator<Item = &String> {
        self.typed.iter().filter(|name| !self.written.contains(name))
    }

    /// The name over which this family loses its type to `other`, if any.
    pub fn gives_way(&self, other: &Self) -> Option<&str> {
        let mut reserved = self.reserved();
        let must = reserved.find(|name| other.written.contains(name));
        let either = || {
            let shared = self.reserved().find(|name| other.typed.contains(name))?;
            let must_other = other.reserved().any(|name| self.written.contains(name));
            (!must_other && self.rank > other.rank).then_some(shared)
        };
        must.or_else(either).map(String::as_str)
    }
}

/// For each family of an exposition, whether it must be written as `unknown`.
pub fn unknown(families: &[ReservedNames]) -> Vec<bool> {
    let mut owners: std::collections::BTreeMap<&str, Vec<usize>> = std::collections::BTreeMap::new();
    for (place, names) in families.iter().enumerate() {
        for name in &names.typed {
            owners.entry(name).or_default().push(place);
        }
    }
    let loses_type = |(place, reserved): (usize, &ReservedNames)| {
        let mut others = reserved.reserved().filter_map(|name| owners.get(name.as_str())).flatten();
        others.any(|other| {
            *other != place && families.get(*other).is_some_and(|other| reserved.gives_way(other).is_some())
        })
    };
    families.iter().enumerate().map(loses_type).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of two families loses its type and over which name, independent of order.
    fn loser(one: (FamilyType, &'static str), other: (FamilyType, &'static str)) -> Vec<(&'static str, String)> {
        let names = [ReservedNames::of(one.0, one.1), ReservedNames::of(other.0, other.1)];
        let lost: Vec<_> = [(one.1, &names[0], &names[1]), (other.1, &names[1], &names[0])]
            .into_iter()
            .filter_map(|(name, own, other)| Some((name, own.gives_way(other)?.to_owned())))
            .collect();
        let flags: Vec<bool> = [one.1, other.1].iter().map(|name| lost.iter().any(|(own, _)| own == name)).collect();
        assert_eq!(unknown(&names), flags);
        lost
    }

    #[test]
    fn the_loser_does_not_depend_on_order() {
        use FamilyType::{Counter, Gauge, GaugeHistogram, Histogram, Info, StateSet, Summary, Unknown};
        for (one, other, lost) in [
            ((Counter, "jobs_total"), (Gauge, "jobs"), &[("jobs_total", "jobs")][..]),
            ((Counter, "jobs_total"), (Gauge, "jobs_created"), &[("jobs_total", "jobs_created")]),
            ((Counter, "jobs_total"), (Unknown, "jobs"), &[("jobs_total", "jobs")]),
            ((Counter, "jobs_total"), (StateSet, "jobs"), &[("jobs_total", "jobs")]),
            ((Counter, "jobs_total"), (Counter, "jobs"), &[("jobs_total", "jobs")]),
            ((Counter, "jobs_total"), (Summary, "jobs"), &[("jobs_total", "jobs")]),
            ((Counter, "jobs_total"), (Histogram, "jobs"), &[("jobs_total", "jobs_created")]),
            ((Counter, "jobs_total"), (Info, "jobs_info"), &[("jobs_info", "jobs")]),
            ((Counter, "jobs_total"), (Counter, "jobs_total_total"), &[("jobs_total_total", "jobs_total")]),
            ((Counter, "jobs_total"), (Counter, "jobs_created_total"), &[("jobs_total", "jobs_created")]),
            ((Counter, "jobs_total"), (Info, "jobs_total_info"), &[("jobs_total_info", "jobs_total")]),
            ((Histogram, "x"), (Gauge, "x_created"), &[("x", "x_created")]),
            ((Histogram, "x"), (Info, "x_info"), &[("x_info", "x")]),
            ((Histogram, "x"), (Info, "x_count_info"), &[("x_count_info", "x_count")]),
            ((Summary, "x"), (Counter, "x_sum_total"), &[("x_sum_total", "x_sum")]),
            ((GaugeHistogram, "x"), (Counter, "x_total"), &[("x_total", "x")]),
            ((Counter, "jobs_total"), (Gauge, "jobs_info"), &[]),
            ((Counter, "jobs_total"), (Counter, "job_total"), &[]),
            ((Counter, "jobs"), (Gauge, "jobs_created"), &[]),
            ((Counter, "_total"), (Info, "_info"), &[]),
            ((Gauge, "x_bucket"), (Gauge, "x"), &[]),
        ] {
            let lost: Vec<_> = lost.iter().map(|(name, clash)| (*name, (*clash).to_owned())).collect();
            let mut found = loser(one, other);
            let mut swapped = loser(other, one);
            found.sort();
            swapped.sort();
            assert_eq!(found, swapped);
            let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, lost.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{one:?} {other:?} {found:?}");
        }
    }

    /// For every pair from a small set: after one loses its type, no name is used twice.
    #[test]
    fn no_conflict_remains() {
        use FamilyType::{Counter, Gauge, Histogram, Info, StateSet, Summary};
        let mut families = Vec::new();
        for name in ["a", "a_total", "a_created", "a_info", "a_sum", "a_count", "a_bucket", "a_created_total"] {
            for kind in [Counter, Gauge, Histogram, Info, StateSet, Summary] {
                let name = if kind == Info && !name.ends_with("_info") { format!("{name}_info") } else { name.into() };
                families.push(ReservedNames::of(kind, &name));
            }
        }
        for one in &families {
            for other in &families {
                // The registry rejects families whose sample names collide.
                if one.written.iter().any(|name| other.written.contains(name)) {
                    continue;
                }
                let taken =
                    |own: &ReservedNames, lost: bool| if lost { own.written.clone() } else { own.typed.clone() };
                let (lost, lost_other) = (one.gives_way(other).is_some(), other.gives_way(one).is_some());
                let (own, others) = (taken(one, lost), taken(other, lost_other));
                assert!(!own.iter().any(|name| others.contains(name)), "{one:?} {other:?}");
                assert!(!(lost && lost_other), "{one:?} {other:?}");
            }
        }
    }
}

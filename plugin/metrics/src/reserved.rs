//! Names that families share in OpenMetrics 1.0, where a family of a type takes more names than its
//! samples have: a counter `jobs_total` is the family `jobs` and may have samples `jobs_created`. A
//! reader refuses an exposition in which two families take one name.
//!
//! Of two such families one is written as type `unknown`, each of its sample names as a family of
//! its own, without `_created`: then it takes no name but those it writes. Which one that is
//! depends on both, and on nothing else, such as what was registered first or holds series:
//!
//! 1. one whose type takes a name that the other writes in any case (counter `jobs_total` beside
//!    gauge `jobs`);
//! 2. else an info beside another kind, and a counter beside a histogram or summary;
//! 3. else the one whose name sorts last.
//!
//! Source: the OpenMetrics specification 1.0.0, "Text format, MetricFamily".

use crate::model::FamilyType;

/// The names that a family takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedNames {
    /// With its type.
    typed: Vec<String>,
    /// As unknown: what it writes in any case.
    written: Vec<String>,
    /// Of two families of which either could give way, the one with the higher rank does.
    rank: (u8, String),
}

impl ReservedNames {
    /// Of a family whose name is `name` in text 0.0.4, escaped.
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

    /// The names that the family takes with its type.
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// Those among them that it takes for its type alone.
    pub fn reserved(&self) -> impl Iterator<Item = &String> {
        self.typed.iter().filter(|name| !self.written.contains(name))
    }

    /// The name for which this family cannot keep its type beside the other one, if there is one.
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

/// Which of an exposition's families are to be written as unknown.
pub fn unknown(families: &[ReservedNames]) -> Vec<bool> {
    let mut takers: std::collections::BTreeMap<&str, Vec<usize>> = std::collections::BTreeMap::new();
    for (place, claims) in families.iter().enumerate() {
        for name in &claims.typed {
            takers.entry(name).or_default().push(place);
        }
    }
    let of = |(place, claims): (usize, &ReservedNames)| {
        let mut others = claims.reserved().filter_map(|name| takers.get(name.as_str())).flatten();
        others
            .any(|other| *other != place && families.get(*other).is_some_and(|other| claims.gives_way(other).is_some()))
    };
    families.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of two families gives way, and for which name, whichever comes first.
    fn loser(one: (FamilyType, &'static str), other: (FamilyType, &'static str)) -> Vec<(&'static str, String)> {
        let claims = [ReservedNames::of(one.0, one.1), ReservedNames::of(other.0, other.1)];
        let lost: Vec<_> = [(one.1, &claims[0], &claims[1]), (other.1, &claims[1], &claims[0])]
            .into_iter()
            .filter_map(|(name, own, rival)| Some((name, own.gives_way(rival)?.to_owned())))
            .collect();
        let flags: Vec<bool> = [one.1, other.1].iter().map(|name| lost.iter().any(|(own, _)| own == name)).collect();
        assert_eq!(unknown(&claims), flags);
        lost
    }

    #[test]
    fn who_gives_way_depends_on_both_families_only() {
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

    /// Every two names of a small set: once given way, no name is taken twice.
    #[test]
    fn what_is_left_is_apart() {
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
                // The registry refuses what writes one name twice.
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

//! Detects counter resets by a push: counters that start at zero in a new process and replace the
//! group's totals on the gateway. A process that continues a counter pushes a higher value; one
//! that restarts it pushes the same or a lower one.
//!
//! With `detect_resets`, the group is read once before the first push to it, and the push's result
//! lists those counters.

use std::collections::BTreeMap;

use crate::exposition::parse::{Families, FamilyType, ParsedFamily, Part};
use crate::servers::pushgateway::groups::StoredGroup;
use crate::servers::pushgateway::preflight::Series;
use crate::servers::pushgateway::{Group, preflight};
use plugpipe_contract::responses::{Amount, ReplacedCounter};

/// What is to be pushed, as the pre-flight has it.
pub(crate) fn judged<'f>(families: &'f Families) -> Vec<preflight::PushedFamily<'f>> {
    let of = |family: &'f ParsedFamily| preflight::PushedFamily {
        name: (&*family.name).into(),
        kind: match family.kind {
            FamilyType::Counter => "COUNTER",
            FamilyType::Gauge => "GAUGE",
            FamilyType::Histogram => "HISTOGRAM",
            FamilyType::Summary => "SUMMARY",
            FamilyType::GaugeHistogram | FamilyType::Info | FamilyType::StateSet | FamilyType::Unknown => "UNTYPED",
        },
        help: family.help.as_deref().unwrap_or_default(),
        series: families
            .metrics(family)
            .into_iter()
            .map(|metric| Series {
                labels: metric.labels.into_iter().map(|(name, value)| (name.into(), value)).collect(),
                timestamp: false,
            })
            .collect(),
    };
    families.list.iter().map(of).collect()
}

/// The totals of a group that a push of these families does not raise.
pub(crate) fn compare(families: &Families, group: &Group, stored: &StoredGroup, adds: bool) -> Vec<ReplacedCounter> {
    let pushed = judged(families);
    let mut totals: BTreeMap<(&str, preflight::Key), f64> = BTreeMap::new();
    for (family, pushed) in families.list.iter().zip(&pushed) {
        for (metric, named) in families.metrics(family).iter().zip(&pushed.series) {
            let total = metric.points.iter().find(|point| is_total(family, point.part));
            if let Some(total) = total {
                totals.insert((&pushed.name, preflight::key(named, group)), total.value);
            }
        }
    }
    let is_pushed = |name: &str| pushed.iter().any(|family| family.name == name);
    let mut replaced = Vec::new();
    for family in stored.families() {
        // A push with POST leaves other metrics of the group alone.
        if adds && !is_pushed(&family.name) {
            continue;
        }
        for (labels, stored) in family.totals() {
            let pushed = totals.get(&(&*family.name, labels.clone())).copied();
            if pushed.is_none_or(|pushed| pushed <= stored) && stored > 0.0 {
                let series = preflight::shown_series(&family.name, &labels);
                let (stored, pushed) = (Amount(stored), pushed.map(Amount));
                replaced.push(ReplacedCounter { series, stored, pushed });
            }
        }
    }
    replaced
}

/// Whether a sample only ever rises in one process.
fn is_total(family: &ParsedFamily, part: Part) -> bool {
    use crate::exposition::parse::FamilyType;
    match part {
        Part::Count | Part::Native => matches!(family.kind, FamilyType::Histogram | FamilyType::Summary),
        Part::Value => family.kind == FamilyType::Counter,
        _ => false,
    }
}
